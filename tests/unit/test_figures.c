/* SPDX-License-Identifier: BSD-2-Clause */
/* Figures of a window: what came since it began, as rates, shares and quantiles; and how long a past is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "figures.h"
#include "figures_json.h"
#include "histogram.h"

#define STABLE 3 /* ids, in another order than the configuration's */
#define CANARY 0

struct story {
	struct counters *counters;
	struct image *image;
	struct service service;
	struct serin_stats stats;
	struct serin_observed observed;
};

static int setup(void **state)
{
	struct story *story = calloc(1, sizeof(*story));

	assert_non_null(story);
	story->counters = calloc(1, sizeof(*story->counters));
	story->image = calloc(1, sizeof(*story->image));
	assert_true(story->counters && story->image);
	story->service.id = 9;
	story->service.version_id[0] = STABLE;
	story->service.version_id[1] = CANARY;
	story->image->backends[1] = (struct serin_backend){ .service = 9, .version = CANARY, .flags = 1 };
	*state = story;
	return 0;
}

static int teardown(void **state)
{
	struct story *story = *state;

	counters_free(story->counters);
	free(story->counters);
	free(story->image);
	free(story);
	return 0;
}

/* What the agent does once a second, or when it is asked. */
static void look(struct story *story, int64_t at_ms)
{
	story->counters->at_ms = at_ms;
	assert_int_equal(counters_take(story->counters, story->image, 1, &story->stats), 0);
	assert_int_equal(counters_take_observed(story->counters, story->image, 1, &story->observed), 0);
	counters_sample(story->counters, &story->service, 1);
}

static void tick(struct story *story, int64_t at_ms)
{
	look(story, at_ms);
	window_add(&story->service.window, &story->service.newest);
	counters_tick(story->counters);
}

static void restart(struct story *story, int64_t at_ms)
{
	look(story, at_ms);
	window_restart(&story->service.window, &story->service.newest);
	counters_restart(story->counters, story->service.id);
}

static void assert_near(double actual, double expected)
{
	if (fabs(actual - expected) > 1e-9)
		fail_msg("%.9f is not %.9f", actual, expected);
}

static void test_nothing(void **state)
{
	struct story *story = *state;
	struct figures figures;

	figures_measure(&story->service, story->counters, 1, &figures);
	assert_true(figures.of == 0 && figures.failed == 0 && figures.failure_ratio == 0 && figures.seconds == 0);
	assert_true(figures.response.samples == 0 && figures.handshake.samples == 0);
}

static void test_rates_and_shares(void **state)
{
	struct story *story = *state;
	struct figures figures;

	story->stats.asked = 1000;
	story->stats.failures[SERIN_FAILURE_RESET] = 500;
	story->observed.classes[5] = 77;
	restart(story, 10000);
	story->stats.asked += 200;
	story->stats.opened += 40;
	story->stats.failures[SERIN_FAILURE_REFUSED] += 10;
	story->stats.failures[SERIN_FAILURE_TIMEOUT] += 6;
	story->stats.failures[SERIN_FAILURE_UNREACHABLE] += 4;
	story->stats.failures[SERIN_FAILURE_RESET] += 3;
	story->stats.failures[SERIN_FAILURE_UNANSWERED] += 2;
	story->observed.classes[5] += 8;
	look(story, 20000);
	figures_measure(&story->service, story->counters, 1, &figures);
	assert_near(figures.seconds, 10);
	assert_near(figures.requests_per_second, 20);
	assert_near(figures.connections_per_second, 4);
	assert_true(figures.failed == 33);
	assert_true(figures.of == 220);
	assert_near(figures.failure_ratio, 33.0 / 220);
	assert_near(figures.failures_per_second[SERIN_FAILURE_REFUSED], 1);
	assert_near(figures.failures_per_second[SERIN_FAILURE_UNANSWERED], 0.2);
	assert_near(figures.http_5xx_per_second, 0.8);
	figures_measure(&story->service, story->counters, 0, &figures);
	assert_true(figures.of == 0 && figures.failed == 0);
}

/* A turn that began before the window, and failed in it. */
static void test_never_more_failed_than_there_were(void **state)
{
	struct story *story = *state;
	struct figures figures;

	restart(story, 0);
	story->stats.failures[SERIN_FAILURE_UNANSWERED] = 5;
	look(story, 500);
	figures_measure(&story->service, story->counters, 1, &figures);
	assert_true(figures.failed == 5 && figures.of == 5);
	assert_near(figures.failure_ratio, 1);
	assert_near(figures.failures_per_second[SERIN_FAILURE_UNANSWERED], 0); /* half a second is too little */
}

static void respond(struct story *story, uint64_t ns, uint64_t times)
{
	story->observed.response.bucket[histogram_bucket(ns)] += times;
	story->stats.answered += times;
}

static double exactly(double ms)
{
	return ms / 1e3;
}

static void assert_close(double actual, double exact)
{
	if (fabs(actual - exact) > exact / 8)
		fail_msg("%g is not %g", actual, exact);
}

/* What was observed before the change of weights is none of the new weights' quantiles; and from the first one on all
 * that comes is, also that of a version that nobody had met before. */
static void test_quantiles_of_the_window(void **state)
{
	struct story *story = *state;
	struct figures figures;

	respond(story, 900000000, 1000);
	story->observed.handshake.bucket[histogram_bucket(300000)] = 7;
	restart(story, 1000);
	respond(story, 20000000, 97);
	respond(story, 400000000, 3);
	look(story, 1700);
	figures_measure(&story->service, story->counters, 1, &figures);
	assert_true(figures.response.samples == 100);
	assert_close(figures.response.p50, exactly(20));
	assert_close(figures.response.p95, exactly(20));
	assert_close(figures.response.p99, exactly(400));
	assert_true(figures.handshake.samples == 0);
}

static void test_first_samples_count(void **state)
{
	struct story *story = *state;
	struct figures figures;

	counters_sample(story->counters, &story->service, 1);
	window_restart(&story->service.window, &story->service.newest);
	counters_restart(story->counters, story->service.id);
	for (int64_t second = 1; second < 20; second++)
		tick(story, second * 1000);
	respond(story, 20000000, 5);
	for (int64_t second = 20; second < 40; second++)
		tick(story, second * 1000);
	figures_measure(&story->service, story->counters, 1, &figures);
	assert_true(figures.response.samples == 5);
}

/* Ten a second for ten minutes: no more than a minute's, no less than what the steps of the past leave of it. */
static void test_a_minute_is_kept(void **state)
{
	struct story *story = *state;
	struct figures figures;

	restart(story, 0);
	for (int64_t second = 1; second <= 600; second++) {
		respond(story, 5000000, 10);
		story->stats.asked += 10;
		tick(story, second * 1000 + second % 7);
		figures_measure(&story->service, story->counters, 1, &figures);
		assert_true(figures.response.samples <= 10 * RECENT_SECONDS);
		if (second <= 58)
			assert_true(figures.response.samples == (uint64_t)second * 10);
		else
			assert_true(figures.response.samples >= 10 * (RECENT_SECONDS - 7));
		if (second >= 2)
			assert_true(fabs(figures.requests_per_second - 10) < 0.1);
	}
}

static void test_low_words_are_enough(void **state)
{
	struct recent recent = { .count = 0 };
	struct serin_observed observed = { .methods = { 0 } };
	__u64 handshake[SERIN_HISTOGRAM_BUCKETS], response[SERIN_HISTOGRAM_BUCKETS];

	(void)state;
	recent_gain(&recent, &observed, handshake, response);
	assert_true(histogram_count(response) == 0);
	observed.response.bucket[3] = UINT64_C(0x5fffffffe);
	recent_restart(&recent, &observed, 1);
	observed.response.bucket[3] += 5;
	observed.handshake.bucket[224] += 6;
	recent_gain(&recent, &observed, handshake, response);
	assert_true(response[3] == 5 && histogram_count(response) == 5);
	assert_true(handshake[224] == 6 && histogram_count(handshake) == 6);
}

static void test_json(void **state)
{
	struct story *story = *state;
	struct figures figures = {
		.seconds = 30, .failed = 3, .of = 4, .failure_ratio = 0.75, .response = { 2, 1, 2, 3 }
	};
	json_t *json = figures_to_json(&figures), *expected;

	expected = json_loads(
		"{\"seconds\": 30.0, \"requests_per_second\": 0.0, \"connections_per_second\": 0.0,"
		"\"failed\": 3, \"of\": 4, \"failure_ratio\": 0.75, \"failures_per_second\": {\"refused\": 0.0,"
		"\"timeout\": 0.0, \"reset\": 0.0, \"unanswered\": 0.0, \"unreachable\": 0.0, \"http_5xx\": 0.0},"
		"\"response\": {\"p50\": 1.0, \"p95\": 2.0, \"p99\": 3.0, \"samples\": 2},"
		"\"handshake\": null}",
		0, NULL);
	assert_true(expected && json_equal(json, expected));
	json_decref(json);
	json_decref(expected);
	story->observed.classes[0] = 1;
	story->observed.classes[5] = 4;
	story->observed.server_errors[3] = 3;
	story->observed.server_errors[31] = 1;
	story->observed.methods[SERIN_HTTP_DELETE] = 2;
	json = figures_http_json(&story->observed);
	expected =
		json_loads("{\"classes\": {\"1xx\": 0, \"2xx\": 0, \"3xx\": 0, \"4xx\": 0, \"5xx\": 4, \"unread\": 1},"
			   "\"server_errors\": {\"503\": 3, \"other\": 1}, \"methods\": {\"DELETE\": 2}}",
			   0, NULL);
	assert_true(expected && json_equal(json, expected));
	json_decref(json);
	json_decref(expected);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_nothing),
		TEST(test_rates_and_shares),
		TEST(test_never_more_failed_than_there_were),
		TEST(test_quantiles_of_the_window),
		TEST(test_first_samples_count),
		TEST(test_a_minute_is_kept),
		TEST(test_low_words_are_enough),
		TEST(test_json),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
