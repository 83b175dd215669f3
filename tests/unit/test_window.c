/* SPDX-License-Identifier: BSD-2-Clause */
/* The window: shares since the last change, a minute at most, and the Wilson interval against known values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "window.h"

static struct window_sample at(int64_t seconds, uint64_t first, uint64_t second)
{
	struct window_sample sample = { .at_ms = seconds * 1000, .opened = { first, second } };

	return sample;
}

static void assert_near(double actual, double expected)
{
	if (fabs(actual - expected) > 1e-4)
		fail_msg("%.6f is not %.6f", actual, expected);
}

/* 10 of 100: the interval that textbooks give, 0.0552 to 0.1744. */
static void test_wilson_known_values(void **state)
{
	double low, high;

	(void)state;
	window_wilson(10, 100, &low, &high);
	assert_near(low, 0.055229);
	assert_near(high, 0.174366);
	window_wilson(1, 2, &low, &high);
	assert_near(low, 0.094531);
	assert_near(high, 0.905469);
}

static void test_wilson_at_the_ends(void **state)
{
	double low, high;

	(void)state;
	window_wilson(0, 10, &low, &high);
	assert_true(low == 0);
	assert_near(high, 0.277533);
	window_wilson(10, 10, &low, &high);
	assert_near(low, 0.722467);
	assert_true(high == 1);
}

static void test_nothing_opened_is_not_known(void **state)
{
	struct window window = { .count = 0 };
	struct window_sample now = at(100, 7, 3);
	struct window_share share;

	(void)state;
	window_measure(&window, &now, 0, &share);
	assert_false(share.known);
	assert_true(share.per_second == 0);
	assert_true(window_span(&window, &now) == 0);

	window_restart(&window, &now);
	now.at_ms += 5000;
	window_measure(&window, &now, 0, &share);
	assert_false(share.known);
	assert_true(window_span(&window, &now) == 5);
}

static void test_shares_since_the_restart(void **state)
{
	struct window window = { .count = 0 };
	struct window_sample begin = at(10, 1000, 1000), now = at(20, 1090, 1010);
	struct window_share share;

	(void)state;
	window_restart(&window, &begin);
	window_measure(&window, &now, 1, &share);
	assert_true(share.known);
	assert_near(share.share, 0.1);
	assert_near(share.low, 0.055229);
	assert_near(share.per_second, 1.0);
	window_measure(&window, &now, 0, &share);
	assert_near(share.share, 0.9);
	assert_near(share.per_second, 9.0);
}

/* An hour of 10 connections a second, then what the last minute has. */
static void test_older_than_a_minute_is_forgotten(void **state)
{
	struct window window = { .count = 0 };
	struct window_sample now = at(0, 0, 0);
	struct window_share share;
	int64_t second;

	(void)state;
	window_restart(&window, &now);
	for (second = 1; second <= 3600; second++) {
		now = at(second, (uint64_t)second * 10, second > 3540 ? (uint64_t)(second - 3540) * 10 : 0);
		window_add(&window, &now);
		assert_true(window_span(&window, &now) <= WINDOW_SECONDS);
	}
	assert_true(window_span(&window, &now) >= WINDOW_SECONDS - 2);
	window_measure(&window, &now, 1, &share);
	assert_near(share.share, 0.5);
	assert_near(share.per_second, 10);
}

/* Ticks that come late, or in a burst after a pause, neither overrun the ring nor reach back too far. */
static void test_uneven_ticks(void **state)
{
	static const int steps[] = { 1000, 3, 900, 1100, 2, 7000, 1000, 1, 999 };
	struct window window = { .count = 0 };
	struct window_sample now = at(0, 0, 0);
	unsigned int i;

	(void)state;
	window_restart(&window, &now);
	for (i = 0; i < 100000; i++) {
		now.at_ms += steps[i % (sizeof(steps) / sizeof(steps[0]))];
		now.opened[0]++;
		window_add(&window, &now);
		assert_in_range(window.count, 1, WINDOW_SAMPLES);
		assert_true(window_span(&window, &now) <= WINDOW_SECONDS);
	}
}

static void test_restart_forgets(void **state)
{
	struct window window = { .count = 0 };
	struct window_sample now = at(0, 0, 0);
	struct window_share share;

	(void)state;
	window_restart(&window, &now);
	now = at(30, 500, 500);
	window_add(&window, &now);
	window_restart(&window, &now);
	now = at(31, 501, 500);
	window_measure(&window, &now, 0, &share);
	assert_true(share.share == 1);
	assert_true(window_span(&window, &now) == 1);
}

static void test_counters_that_went_back_count_nothing(void **state)
{
	struct window window = { .count = 0 };
	struct window_sample begin = at(0, 1000, 1000), now = at(10, 3, 1004);
	struct window_share share;

	(void)state;
	window_restart(&window, &begin);
	window_measure(&window, &now, 1, &share);
	assert_true(share.share == 1);
	window_measure(&window, &now, 0, &share);
	assert_true(share.share == 0 && share.per_second == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wilson_known_values),
		cmocka_unit_test(test_wilson_at_the_ends),
		cmocka_unit_test(test_nothing_opened_is_not_known),
		cmocka_unit_test(test_shares_since_the_restart),
		cmocka_unit_test(test_older_than_a_minute_is_forgotten),
		cmocka_unit_test(test_uneven_ticks),
		cmocka_unit_test(test_restart_forgets),
		cmocka_unit_test(test_counters_that_went_back_count_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
