/* SPDX-License-Identifier: BSD-2-Clause */
/* Plain checks over made-up windows: every bound from both sides, no data, windows in a row; and a set of them that asks a
 * server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <curl/curl.h>

#include "check_servers.h"
#include "histogram.h"
#include "plain_set.h"

#define WINDOW 60000

static struct plain_sample now; /* all that was ever counted */

static void count(struct plain_counts *counts, uint64_t requests, uint64_t failed, uint64_t ns)
{
	counts->requests += requests;
	counts->failed += failed;
	if (ns)
		counts->times[histogram_bucket(ns)] += requests;
}

static struct config_plain_check errors(double increase)
{
	return (struct config_plain_check){ .name = "errors",
					    .kind = CONFIG_PLAIN_ERRORS,
					    .max_increase = { true, increase },
					    .window = WINDOW,
					    .min_requests = 100,
					    .in_a_row = 1 };
}

static void begin(struct plain_check *check, const struct config_plain_check *config)
{
	plain_check_begin(check, config, "canary", "stable", &now, 1000);
	assert_int_equal(check->verdict, PLAIN_NO_DATA);
	assert_string_equal(check->reason, "no data: the first window of 1m is not over");
}

/* What one window of these comes to. */
static void expect_errors(const struct config_plain_check *config, uint64_t trial, uint64_t trial_failed,
			  uint64_t baseline, uint64_t baseline_failed, enum plain_verdict verdict, const char *reason)
{
	struct plain_check check;

	begin(&check, config);
	count(&now.trial, trial, trial_failed, 0);
	count(&now.baseline, baseline, baseline_failed, 0);
	assert_false(plain_check_tick(&check, &now, 1000 + WINDOW - 1));
	assert_true(plain_check_tick(&check, &now, 1000 + WINDOW));
	assert_string_equal(check.reason, reason);
	assert_int_equal(check.verdict, verdict);
	assert_int_equal(check.known, verdict != PLAIN_NO_DATA);
}

static void test_errors(void **state)
{
	struct config_plain_check config = errors(0.03);

	(void)state;
	expect_errors(&config, 100, 5, 1000, 20, PLAIN_PASSED, "errors: canary 5%, stable 2%"); /* exactly 3 points */
	expect_errors(&config, 1000, 51, 1000, 20, PLAIN_FAILED,
		      "errors: canary 5.1%, stable 2%: 3.1 points more, at most 3 allowed");
	expect_errors(&config, 100, 0, 1000, 900, PLAIN_PASSED, "errors: canary 0%, stable 90%");
	expect_errors(&config, 99, 99, 1000, 0, PLAIN_NO_DATA,
		      "no data: 99 requests of canary and 1000 of stable in the window of 1m, 100 expected");
	expect_errors(&config, 1000, 1000, 99, 0, PLAIN_NO_DATA,
		      "no data: 1000 requests of canary and 99 of stable in the window of 1m, 100 expected");
	/* Turns from before the window may fail within it. */
	expect_errors(&config, 100, 120, 100, 0, PLAIN_FAILED,
		      "errors: canary 100%, stable 0%: 100 points more, at most 3 allowed");
}

static void test_other_bounds(void **state)
{
	struct config_plain_check config = errors(0);

	(void)state;
	config.max_increase.is_set = false;
	config.max = (struct config_bound){ true, 0.05 };
	/* The baseline does not matter, whether it has any traffic or not. */
	expect_errors(&config, 100, 5, 0, 0, PLAIN_PASSED, "errors: canary 5%");
	expect_errors(&config, 100, 6, 0, 0, PLAIN_FAILED, "errors: canary 6%: above 5%");
	config.max.is_set = false;
	config.min = (struct config_bound){ true, 0.05 };
	expect_errors(&config, 100, 5, 0, 0, PLAIN_PASSED, "errors: canary 5%");
	expect_errors(&config, 100, 4, 0, 0, PLAIN_FAILED, "errors: canary 4%: below 5%");
	config.min.is_set = false;
	config.max_ratio = (struct config_bound){ true, 1.5 };
	expect_errors(&config, 100, 3, 100, 2, PLAIN_PASSED, "errors: canary 3%, stable 2%");
	expect_errors(&config, 100, 4, 100, 2, PLAIN_FAILED,
		      "errors: canary 4%, stable 2%: more than 1.5 times as much");
	expect_errors(&config, 100, 0, 100, 0, PLAIN_PASSED, "errors: canary 0%, stable 0%");
	expect_errors(&config, 100, 1, 100, 0, PLAIN_FAILED,
		      "errors: canary 1%, stable 0%: more than 1.5 times as much");
	config.max_ratio.is_set = false;
	config.min_ratio = (struct config_bound){ true, 0.8 };
	expect_errors(&config, 100, 8, 100, 10, PLAIN_PASSED, "errors: canary 8%, stable 10%");
	expect_errors(&config, 100, 7, 100, 10, PLAIN_FAILED,
		      "errors: canary 7%, stable 10%: less than 0.8 times as much");
}

static void test_latency(void **state)
{
	struct config_plain_check config = { .name = "p95",
					     .kind = CONFIG_PLAIN_LATENCY,
					     .quantile = 0.95,
					     .max_ratio = { true, 1.2 },
					     .window = WINDOW,
					     .min_requests = 100,
					     .in_a_row = 1 };
	struct plain_check check;

	(void)state;
	count(&now.trial, 100000, 0, 1); /* what was before does not matter */
	begin(&check, &config);
	count(&now.baseline, 1000, 0, 10000000);
	count(&now.trial, 95, 0, 10000000);
	count(&now.trial, 5, 0, 900000000);
	assert_true(plain_check_tick(&check, &now, 1000 + WINDOW));
	assert_int_equal(check.verdict, PLAIN_PASSED);
	assert_true(check.trial_value > 0.009 && check.trial_value < 0.0115);
	assert_true(check.baseline_value > 0.009 && check.baseline_value < 0.0115);
	count(&now.baseline, 1000, 0, 10000000);
	count(&now.trial, 94, 0, 10000000);
	count(&now.trial, 6, 0, 900000000);
	assert_true(plain_check_tick(&check, &now, 1000 + 2 * WINDOW));
	assert_int_equal(check.verdict, PLAIN_FAILED);
	assert_non_null(strstr(check.reason, "more than 1.2 times as much"));
	/* Requests that nobody answered are none here. */
	count(&now.baseline, 1000, 0, 10000000);
	count(&now.trial, 1000, 1000, 0);
	assert_true(plain_check_tick(&check, &now, 1000 + 3 * WINDOW));
	assert_int_equal(check.verdict, PLAIN_NO_DATA);
	config.min_requests = 0;
	assert_true(plain_check_tick(&check, &now, 1000 + 4 * WINDOW));
	assert_string_equal(check.reason, "no data: no request was answered in the window");
	config.max_ratio.is_set = false;
	config.max = (struct config_bound){ true, 0.5 };
	count(&now.trial, 100, 0, 900000000);
	assert_true(plain_check_tick(&check, &now, 1000 + 5 * WINDOW));
	assert_int_equal(check.verdict, PLAIN_FAILED);
	assert_non_null(strstr(check.reason, "ms: above 500ms"));
}

static void one_window(struct plain_check *check, int64_t *at_ms, uint64_t requests, uint64_t failed,
		       enum plain_verdict verdict, unsigned int in_a_row)
{
	count(&now.trial, requests, failed, 0);
	count(&now.baseline, 1000, 0, 0);
	*at_ms += WINDOW;
	assert_true(plain_check_tick(check, &now, *at_ms));
	assert_false(plain_check_tick(check, &now, *at_ms));
	assert_int_equal(check->verdict, verdict);
	assert_int_equal(check->failed, in_a_row);
}

static void test_in_a_row(void **state)
{
	struct config_plain_check config = errors(0.03);
	struct plain_check check;
	int64_t at_ms = 1000;

	(void)state;
	config.in_a_row = 3;
	begin(&check, &config);
	one_window(&check, &at_ms, 100, 50, PLAIN_FAILING, 1);
	assert_string_equal(check.reason, "errors: canary 50%, stable 0%: 50 points more, at most 3 allowed "
					  "(window 1 of 3 in a row)");
	one_window(&check, &at_ms, 100, 50, PLAIN_FAILING, 2);
	one_window(&check, &at_ms, 100, 0, PLAIN_PASSED, 0);
	one_window(&check, &at_ms, 100, 50, PLAIN_FAILING, 1);
	one_window(&check, &at_ms, 10, 10, PLAIN_NO_DATA, 1); /* neither adds to it nor takes away */
	one_window(&check, &at_ms, 100, 50, PLAIN_FAILING, 2);
	one_window(&check, &at_ms, 0, 0, PLAIN_NO_DATA, 2);
	one_window(&check, &at_ms, 100, 50, PLAIN_FAILED, 3);
	one_window(&check, &at_ms, 100, 50, PLAIN_FAILED, 3);
	one_window(&check, &at_ms, 100, 0, PLAIN_PASSED, 0);
}

static void test_counters_begun_anew(void **state)
{
	struct config_plain_check config = errors(0.03);
	struct plain_sample zero = { 0 };
	struct plain_check check;

	(void)state;
	count(&now.trial, 1000, 0, 1);
	begin(&check, &config);
	assert_true(plain_check_tick(&check, &zero, 1000 + WINDOW));
	assert_int_equal(check.verdict, PLAIN_NO_DATA);
	assert_string_equal(check.reason, "no data: the counters were begun anew within the window of 1m");
	count(&zero.trial, 100, 10, 0);
	count(&zero.baseline, 100, 0, 0);
	assert_true(plain_check_tick(&check, &zero, 1000 + 2 * WINDOW));
	assert_int_equal(check.verdict, PLAIN_FAILED);
}

static struct config_plain_check cpu(void)
{
	return (struct config_plain_check){ .name = "cpu",
					    .kind = CONFIG_PLAIN_PROMETHEUS,
					    .max_ratio = { true, 1.5 },
					    .window = WINDOW,
					    .in_a_row = 1,
					    .query = (char *)"cpu{v=\"$version\"}" };
}

static void expect_answer(const struct config_plain_check *config, double trial, double baseline,
			  enum plain_verdict verdict, const char *reason)
{
	struct prometheus_value a = { .known = true, .value = trial }, b = { .known = true, .value = baseline };
	struct plain_check check;

	begin(&check, config);
	assert_false(plain_check_due(&check, &now, 1000 + WINDOW - 1));
	assert_true(plain_check_due(&check, &now, 1000 + WINDOW));
	assert_false(plain_check_due(&check, &now, 1000 + WINDOW));
	plain_check_answer(&check, &a, &b);
	assert_string_equal(check.reason, reason);
	assert_int_equal(check.verdict, verdict);
}

static void test_prometheus(void **state)
{
	struct config_plain_check config = cpu();

	(void)state;
	expect_answer(&config, 0.3, 0.2, PLAIN_PASSED, "cpu: canary 0.3, stable 0.2");
	expect_answer(&config, 0.31, 0.2, PLAIN_FAILED, "cpu: canary 0.31, stable 0.2: more than 1.5 times as much");
	expect_answer(&config, 0, 0, PLAIN_NO_DATA, "no data: a ratio needs a positive value of stable, and it is 0");
	expect_answer(&config, 5, 0, PLAIN_NO_DATA, "no data: a ratio needs a positive value of stable, and it is 0");
	expect_answer(&config, 5, -1, PLAIN_NO_DATA, "no data: a ratio needs a positive value of stable, and it is -1");
	config.max_ratio.is_set = false;
	config.min_ratio = (struct config_bound){ true, 0.8 };
	expect_answer(&config, 80, 100, PLAIN_PASSED, "cpu: canary 80, stable 100");
	expect_answer(&config, 79, 100, PLAIN_FAILED, "cpu: canary 79, stable 100: less than 0.8 times as much");
	config.min_ratio.is_set = false;
	config.max = (struct config_bound){ true, 70 };
	config.min = (struct config_bound){ true, -1 };
	expect_answer(&config, 70, 0, PLAIN_PASSED, "cpu: canary 70");
	expect_answer(&config, 71, 0, PLAIN_FAILED, "cpu: canary 71: above 70");
	expect_answer(&config, -1.5, 0, PLAIN_FAILED, "cpu: canary -1.5: below -1");
}

static void test_prometheus_without_data(void **state)
{
	struct prometheus_value known = { .known = true, .value = 9 }, none = { .why = "the query's value is NaN" };
	struct config_plain_check config = cpu();
	struct plain_check check;

	(void)state;
	begin(&check, &config);
	plain_check_answer(&check, &known, &none);
	assert_string_equal(check.reason, "no data for stable: the query's value is NaN");
	assert_int_equal(check.verdict, PLAIN_NO_DATA);
	plain_check_answer(&check, &none, &known);
	assert_string_equal(check.reason, "no data for canary: the query's value is NaN");
	assert_int_equal(check.verdict, PLAIN_NO_DATA);
	assert_false(check.known);
	config.min_requests = 10;
	begin(&check, &config);
	assert_false(plain_check_due(&check, &now, 1000 + WINDOW));
	assert_non_null(strstr(check.reason, "no data: 0 requests of canary"));
	count(&now.trial, 10, 0, 0);
	count(&now.baseline, 10, 0, 0);
	assert_true(plain_check_due(&check, &now, 1000 + 2 * WINDOW));
}

static void answer_nine(int connection, const char *say)
{
	char request[4096];

	read_request(connection, request, sizeof(request));
	(void)!write(connection, say, strlen(say));
}

static void stop(void *context)
{
	loop_stop(context);
}

static void run_loop(struct loop *loop, struct loop_source *timer, int64_t ms)
{
	loop_set_timer(timer, ms, 0);
	assert_int_equal(loop_run(loop), 0);
}

static void expect_set(const struct plain_set *set, enum rollout_checks verdict, const char *rollback, const char *hold,
		       const char *open)
{
	struct plain_summary sum;
	const char *reason;

	plain_set_sum_up(set, &sum);
	assert_string_equal(sum.rollback ? sum.rollback->config->name : "-", rollback);
	assert_string_equal(sum.hold ? sum.hold->config->name : "-", hold);
	assert_string_equal(sum.open ? sum.open->config->name : "-", open);
	assert_int_equal(plain_set_verdict(set, &reason), verdict);
	assert_int_equal(!reason, verdict == ROLLOUT_CHECKS_PASS);
}

/* Three checks: of errors, and two that ask: one server that says 9, one that never says anything. */
struct asking {
	struct loop *loop;
	struct loop_source *timer;
	struct fetcher *fetcher;
	struct server nine, mute;
	char nine_url[80], mute_url[80];
	struct config_plain_check checks[3];
	struct plain_set *set;
};

static void put_url(const struct server *server, char room[80])
{
	char text[ADDRESS_TEXT_LEN];

	endpoint_format(&server->endpoint.addr, server->endpoint.port, text);
	snprintf(room, 80, "http://%s", text);
}

static void begin_asking(struct asking *asking)
{
	*asking = (struct asking){ .checks = { errors(0.03), cpu(), cpu() } };
	server_start(
		&asking->nine, "127.0.0.1", answer_nine,
		"HTTP/1.1 200 OK\r\n\r\n{\"status\":\"success\",\"data\":{\"resultType\":\"scalar\",\"result\":[1,\"9\"]}}");
	server_listen(&asking->mute, "127.0.0.1", 8);
	put_url(&asking->nine, asking->nine_url);
	put_url(&asking->mute, asking->mute_url);
	asking->checks[0].action = CONFIG_PLAIN_ROLLBACK;
	asking->checks[1].url = asking->nine_url;
	asking->checks[2].url = asking->mute_url;
	asking->checks[2].window = 300; /* and so is its timeout */
	snprintf(asking->checks[2].name, sizeof(asking->checks[2].name), "mute");
	assert_int_equal(loop_new(&asking->loop), 0);
	assert_int_equal(loop_add_timer(asking->loop, stop, asking->loop, &asking->timer), 0);
	assert_int_equal(fetcher_new(asking->loop, &asking->fetcher), 0);
	assert_int_equal(plain_set_new(asking->fetcher, asking->checks, 3, "shop", "canary", "stable", &asking->set),
			 0);
}

static void end_asking(struct asking *asking)
{
	plain_set_free(asking->set); /* under way */
	fetcher_free(asking->fetcher);
	loop_free(asking->loop);
	server_stop(&asking->nine);
	server_stop(&asking->mute);
}

static void expect_json(const struct plain_set *set)
{
	json_t *json = plain_set_to_json(set), *trial;

	assert_int_equal(json_array_size(json), 3);
	assert_string_equal(json_string_value(json_object_get(json_array_get(json, 2), "reason")),
			    "no data for canary: no answer from Prometheus: timeout after 300ms");
	trial = json_object_get(json_array_get(json, 0), "trial");
	assert_int_equal(json_integer_value(json_object_get(trial, "requests")), 100);
	json_decref(json);
}

static void test_no_checks(void **state)
{
	struct plain_set *none;
	struct fetcher *fetcher;
	struct loop *loop;

	(void)state;
	assert_int_equal(loop_new(&loop), 0);
	assert_int_equal(fetcher_new(loop, &fetcher), 0);
	assert_int_equal(plain_set_new(fetcher, NULL, 0, "shop", "canary", "stable", &none), 0);
	expect_set(none, ROLLOUT_CHECKS_PASS, "-", "-", "-");
	assert_null(plain_set_free(none));
	fetcher_free(fetcher);
	loop_free(loop);
}

static void test_set(void **state)
{
	struct asking asking;

	(void)state;
	begin_asking(&asking);
	plain_set_begin(asking.set, &now, 1000);
	expect_set(asking.set, ROLLOUT_CHECKS_PENDING, "-", "-", "-");
	count(&now.trial, 100, 0, 0);
	count(&now.baseline, 100, 0, 0);
	plain_set_tick(asking.set, &now, 1000 + WINDOW);
	expect_set(asking.set, ROLLOUT_CHECKS_PENDING, "-", "-", "-"); /* errors pass, the others have been asked for */
	run_loop(asking.loop, asking.timer, 1000);
	expect_set(asking.set, ROLLOUT_CHECKS_NO_DATA, "-", "-", "mute"); /* 9 is not above 1.5 times 9 */
	asking.checks[1].max = (struct config_bound){ true, 8 };
	count(&now.trial, 100, 100, 0);
	count(&now.baseline, 100, 0, 0);
	plain_set_tick(asking.set, &now, 1000 + 2 * WINDOW);
	run_loop(asking.loop, asking.timer, 1000);
	expect_set(asking.set, ROLLOUT_CHECKS_ROLLBACK, "errors", "cpu", "mute");
	expect_json(asking.set);
	plain_set_tick(asking.set, &now, 1000 + 3 * WINDOW);
	plain_set_begin(asking.set, &now, 1000 + 3 * WINDOW); /* drops what has just been asked */
	run_loop(asking.loop, asking.timer, 500);
	expect_set(asking.set, ROLLOUT_CHECKS_PENDING, "-", "-", "-");
	plain_set_tick(asking.set, &now, 1000 + 4 * WINDOW);
	end_asking(&asking);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_other_bounds),
		cmocka_unit_test(test_latency),
		cmocka_unit_test(test_in_a_row),
		cmocka_unit_test(test_counters_begun_anew),
		cmocka_unit_test(test_prometheus),
		cmocka_unit_test(test_prometheus_without_data),
		cmocka_unit_test(test_no_checks),
		cmocka_unit_test(test_set),
	};

	curl_global_init(CURL_GLOBAL_DEFAULT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
