/* SPDX-License-Identifier: BSD-2-Clause */
/* The history: figures of a step are differences, points fall out after a quarter of an hour, names change hands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "histogram.h"
#include "history.h"

#define T0 1795438800 /* a multiple of the step */

static struct history *make(void)
{
	struct history *history;

	assert_int_equal(history_new("shop", &history), 0);
	return history;
}

/* The text of what is shown, which is dropped. */
static const char *text_of(const struct history *history, int64_t after)
{
	static char text[4096];
	json_t *json = history_to_json(history, after);
	char *dump = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(4));

	assert_non_null(dump);
	snprintf(text, sizeof(text), "%s", dump);
	free(dump);
	json_decref(json);
	return text;
}

static size_t count_of(const struct history *history, int64_t after)
{
	json_t *json = history_to_json(history, after);
	size_t count = json_array_size(json_object_get(json, "points"));

	json_decref(json);
	return count;
}

static void test_differences(void **state)
{
	__u64 response[SERIN_HISTOGRAM_BUCKETS] = { 0 };
	struct history_counts counts[SERIN_MAX_VERSIONS] = {
		{ .name = "stable",
		  .weight = 9500,
		  .opened = 1000,
		  .asked = 5000,
		  .failed = 50,
		  .of = 5100,
		  .response = response },
		[3] = { .name = "canary", .weight = 500 },
	};
	struct history *history = make();
	json_t *json, *stable;

	(void)state;
	response[histogram_bucket(1000000)] = 77;
	assert_true(history_is_due(history, T0 + 1));
	history_add(history, T0 + 1, 1000, counts);
	assert_string_equal(text_of(history, 0), "{\"step\":5,\"points\":[]}");
	assert_false(history_is_due(history, T0 + 4));
	assert_true(history_is_due(history, T0 + 5));
	counts[0].opened += 60;
	counts[3].opened += 20;
	counts[0].asked += 200;
	counts[0].of += 201;
	counts[0].failed += 67;
	response[histogram_bucket(1000000)] += 50;
	response[histogram_bucket(8000000)] += 50;
	history_add(history, T0 + 6, 6000, counts);
	json = history_to_json(history, 0);
	stable = json_object_get(json_object_get(json_array_get(json_object_get(json, "points"), 0), "versions"),
				 "stable");
	assert_int_equal(json_integer_value(json_object_get(stable, "weight")), 9500);
	assert_float_equal(json_real_value(json_object_get(stable, "measured")), 0.75, 1e-6);
	assert_float_equal(json_real_value(json_object_get(stable, "rps")), 40, 1e-6);
	assert_float_equal(json_real_value(json_object_get(stable, "failure_ratio")), 67.0 / 201, 1e-6);
	assert_float_equal(json_real_value(json_object_get(stable, "p50")), 0.001, 0.000125);
	assert_float_equal(json_real_value(json_object_get(stable, "p95")), 0.008, 0.001);
	json_decref(json);
	assert_non_null(strstr(text_of(history, 0),
			       "\"canary\":{\"weight\":500,\"measured\":0.25,\"rps\":0.0,\"failure_ratio\":null,"
			       "\"p50\":null,\"p95\":null,\"p99\":null}}}]}"));
	assert_non_null(strstr(text_of(history, 0), "\"points\":[{\"t\":1795438805,"));
	history_free(history);
	assert_null(history_free(NULL));
}

/* Nothing happened, or counters fell: no figures out of nothing. */
static void test_silence(void **state)
{
	struct history_counts counts[SERIN_MAX_VERSIONS] = {
		{ .name = "stable", .weight = 10000, .opened = 10, .asked = 10, .failed = 10, .of = 10 },
	};
	struct history *history = make();

	(void)state;
	history_add(history, T0, 0, counts);
	counts[0].opened = counts[0].asked = counts[0].failed = counts[0].of = 3;
	history_add(history, T0 + 5, 5000, counts);
	assert_string_equal(text_of(history, 0),
			    "{\"step\":5,\"points\":[{\"t\":1795438805,\"versions\":{\"stable\":{\"weight\":10000,"
			    "\"measured\":null,\"rps\":0.0,\"failure_ratio\":null,\"p50\":null,\"p95\":null,"
			    "\"p99\":null}}}]}");
	history_free(history);
}

static void test_a_quarter_of_an_hour(void **state)
{
	struct history_counts counts[SERIN_MAX_VERSIONS] = { { .name = "stable", .weight = 10000 } };
	struct history *history = make();
	json_t *json;

	(void)state;
	for (int i = 0; i <= 500; i++)
		history_add(history, T0 + i * 5, i * 5000, counts);
	json = history_to_json(history, 0);
	assert_int_equal(json_array_size(json_object_get(json, "points")), HISTORY_POINTS);
	for (size_t i = 0; i < HISTORY_POINTS; i++) {
		json_t *point = json_array_get(json_object_get(json, "points"), i);

		assert_int_equal(json_integer_value(json_object_get(point, "t")), T0 + (321 + (int)i) * 5);
	}
	json_decref(json);
	assert_int_equal(count_of(history, T0 + 490 * 5), 10);
	assert_int_equal(count_of(history, T0 + 500 * 5), 0);
	history_free(history);
}

/* A reload gave the id to another version: its past is not this one's. */
static void test_names_change_hands(void **state)
{
	struct history_counts counts[SERIN_MAX_VERSIONS] = { { .name = "stable", .weight = 9000, .opened = 5 },
							     { .name = "blue", .weight = 1000, .opened = 100 } };
	struct history *history = make();

	(void)state;
	history_add(history, T0, 0, counts);
	history_add(history, T0 + 5, 5000, counts);
	assert_non_null(strstr(text_of(history, 0), "\"blue\""));
	counts[1] = (struct history_counts){ .name = "green", .weight = 1000, .opened = 1000000 };
	history_add(history, T0 + 10, 10000, counts);
	assert_null(strstr(text_of(history, 0), "\"blue\""));
	assert_null(strstr(text_of(history, 0), "\"green\""));
	counts[0].opened += 3;
	counts[1].opened += 1;
	history_add(history, T0 + 15, 15000, counts);
	assert_non_null(strstr(text_of(history, T0 + 10), "\"green\":{\"weight\":1000,\"measured\":0.25"));
	counts[1] = (struct history_counts){ .name = NULL };
	history_add(history, T0 + 20, 20000, counts);
	assert_null(strstr(text_of(history, 0), "\"green\""));
	assert_int_equal(count_of(history, 0), 4);
	history_free(history);
}

static void test_a_clock_that_is_set_back(void **state)
{
	struct history_counts counts[SERIN_MAX_VERSIONS] = { { .name = "stable", .weight = 10000 } };
	struct history *history = make();

	(void)state;
	history_add(history, T0, 0, counts);
	history_add(history, T0 + 5, 5000, counts);
	history_add(history, T0 + 10, 10000, counts);
	history_add(history, T0 - 3600, 15000, counts);
	assert_int_equal(count_of(history, 0), 1);
	history_add(history, T0 - 3595, 20000, counts);
	assert_int_equal(count_of(history, 0), 2);
	history_free(history);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_differences),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_a_quarter_of_an_hour),
		cmocka_unit_test(test_names_change_hands),
		cmocka_unit_test(test_a_clock_that_is_set_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
