/* SPDX-License-Identifier: BSD-2-Clause */
/* Error lines: in the kernel's fixed point none is crossed where the judge would find nothing, and none is far behind
 * it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "line.h"

/* Seeded: a failure comes again. */
static uint64_t state_of_chance = 20240229;

static uint64_t chance(void)
{
	state_of_chance ^= state_of_chance << 13;
	state_of_chance ^= state_of_chance >> 7;
	state_of_chance ^= state_of_chance << 17;
	return state_of_chance;
}

static double fraction(void)
{
	return (double)(chance() >> 11) / (1ull << 53);
}

static uint64_t below(uint64_t most)
{
	return chance() % most;
}

static double some_share(void)
{
	double share = fraction();

	return 1e-4 + (below(3) ? share * share * share : share) * (1 - 2e-4);
}

static struct judge_settings some_settings(void)
{
	struct judge_settings settings = judge_defaults;

	settings.false_alarm = below(2) ? 0.01 : 0.001 + 0.4 * fraction();
	settings.trials = 1 + (unsigned int)below(3);
	settings.tolerate = below(2) ? 1 : 1 + 2 * fraction();
	return settings;
}

static bool tell(struct judge *judge, double share, struct evidence_counts r, struct evidence_counts g)
{
	struct judge_sample sample = { .share = share };

	sample.counts[JUDGE_FAILED][JUDGE_R] = r;
	sample.counts[JUDGE_FAILED][JUDGE_G] = g;
	return judge_tick(judge, &sample);
}

/* A past in which nothing was found. */
static struct judge some_judge(void)
{
	struct judge_settings settings = some_settings();
	struct judge judge, before;

	do {
		judge_begin(&judge, &settings);
		before = judge;
		for (uint64_t left = below(40); left && !judge.regression; left--) {
			before = judge;
			if (!below(8))
				judge_epoch(&judge);
			tell(&judge, some_share(), (struct evidence_counts){ below(3), below(20) },
			     (struct evidence_counts){ below(3), below(20) });
		}
	} while (before.regression);
	return before;
}

static struct evidence_counts some_counts(void)
{
	return (struct evidence_counts){ below(1ull << below(32)), below(1ull << below(32)) };
}

struct crossing {
	struct evidence_counts told, now; /* cumulative: up to where the judge knows, and now */
	double share;
};

/* Incidents come one by one, mostly where the trial version is bad; true when the line is crossed. */
static bool run(const struct line *line, struct crossing *crossing)
{
	double bad = fraction();

	for (int i = 0; i < 400; i++) {
		if (fraction() < bad)
			crossing->now.trial++;
		else
			crossing->now.baseline++;
		if (line_is_crossed(line, crossing->now))
			return true;
	}
	return false;
}

static bool judge_would_find(struct judge judge, enum judge_process process, const struct crossing *crossing,
			     double share)
{
	struct evidence_counts since = { crossing->now.trial - crossing->told.trial,
					 crossing->now.baseline - crossing->told.baseline };
	struct evidence_counts none = { 0 };

	tell(&judge, share, process == JUDGE_R ? since : none, process == JUDGE_G ? since : none);
	return judge.regression && judge.process == process;
}

static void test_never_before_the_judge(void **state)
{
	unsigned int crossed = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct judge judge = some_judge();
		enum judge_process process = below(JUDGE_PROCESSES);
		struct crossing crossing = { .share = some_share() };
		struct line line;

		crossing.told = crossing.now = some_counts();
		line = line_make(&judge, process, crossing.share, crossing.told);
		if (!run(&line, &crossing))
			continue;
		crossed++;
		assert_true(judge_would_find(judge, process, &crossing, crossing.share));
		/* A line holds for smaller shares as well. */
		assert_true(judge_would_find(judge, process, &crossing, crossing.share * fraction() + 1e-12));
	}
	assert_true(crossed > 5000);
}

/* It costs a few incidents at most that one alternative has to do what eight do for the judge. */
static void test_not_far_behind(void **state)
{
	(void)state;
	for (int i = 0; i < 5000; i++) {
		struct judge judge = some_judge();
		struct evidence_against against = judge_against(&judge.settings, JUDGE_FAILED);
		struct evidence_counts counts = some_counts();
		double share = some_share(), b, required, bound = INFINITY;
		struct line line = line_make(&judge, JUDGE_R, share, counts);

		required = judge_ln_required(&judge, JUDGE_R) + log(8);
		for (unsigned int g = 0; g < 8; g++)
			bound = fmin(bound, (required - judge.worse[JUDGE_FAILED][JUDGE_R].ln[g]) /
						    evidence_step(&against, g, share, &b));
		if (line.allowance == LINE_NEVER)
			continue;
		assert_true(line_left(&line, counts) <= ceil(bound + 1e-3));
		counts.trial += (uint64_t)line_left(&line, counts);
		assert_true(line_is_crossed(&line, counts));
		assert_true(line_left(&line, counts) == 0);
		counts.trial--;
		assert_false(line_is_crossed(&line, counts));
	}
}

/* 5 % and nothing seen: (ln 200 + ln 8) / ln(100 / 5.95) = 2.6, so the third client that a dead version has crosses
 * it; and each of the baseline is good for b / a = 0.63 more. */
static void test_by_hand(void **state)
{
	struct judge_settings settings = judge_defaults;
	struct evidence_counts counts = { 1000, 70 };
	struct judge judge;
	struct line line;

	(void)state;
	settings.checks[JUDGE_LATENCY] = false;
	judge_begin(&judge, &settings);
	line = line_make(&judge, JUDGE_R, 0.05, counts);
	assert_true(line_left(&line, counts) == 3);
	assert_float_equal((double)line.slope / (1 << LINE_SHIFT), log(5.95) / log(100 / 5.95), 1e-6);
	counts.trial += 2;
	assert_false(line_is_crossed(&line, counts));
	counts.trial++;
	assert_true(line_is_crossed(&line, counts));
	counts.baseline++;
	assert_false(line_is_crossed(&line, counts));
	line = line_make(&judge, JUDGE_G, 0.05, counts);
	assert_true(line_left(&line, counts) == 3); /* (ln 400 + ln 8) / 2.82 = 2.9 */
}

static void test_to_the_fraction(void **state)
{
	static const struct line line = { 1 << LINE_SHIFT, 1 << LINE_SHIFT };
	static const struct line above = { (1 << LINE_SHIFT) + 1, 1 << LINE_SHIFT };

	(void)state;
	assert_false(line_is_crossed(&line, (struct evidence_counts){ 3, 3 }));
	assert_true(line_is_crossed(&line, (struct evidence_counts){ 4, 3 }));
	assert_false(line_is_crossed(&above, (struct evidence_counts){ 4, 3 }));
}

/* Years of the baseline's incidents would make an incident out of the fraction that a slope is rounded by. */
static void test_slopes_are_rounded_up(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct judge judge = some_judge();
		struct evidence_against against = judge_against(&judge.settings, JUDGE_FAILED);
		double share = some_share(), least = INFINITY, exact = 0;
		struct line line = line_make(&judge, JUDGE_R, share, (struct evidence_counts){ 0 });

		for (unsigned int g = 0; g < against.count; g++) {
			double b, a = evidence_step(&against, g, share, &b), off;

			off = fabs((double)line.slope / (1 << LINE_SHIFT) - b / a);
			if (off < least) {
				least = off;
				exact = b / a;
			}
		}
		if (line.allowance != LINE_NEVER)
			assert_true((double)line.slope >= exact * (1 << LINE_SHIFT));
	}
}

static void test_none(void **state)
{
	struct judge_settings settings = judge_defaults;
	struct evidence_counts counts = { 5, 5 }, many = { 1ull << 42, 0 };
	struct judge judge;
	struct line line;

	(void)state;
	judge_begin(&judge, &settings);
	for (int i = 0; i < 4; i++) {
		line = line_make(&judge, JUDGE_R, ((const double[]){ 0, 1, NAN, 1 - 1e-9 })[i], counts);
		assert_int_equal(line.allowance, LINE_NEVER);
		assert_false(line_is_crossed(&line, many));
		assert_true(isinf(line_left(&line, many)));
	}
	judge_returned(&judge);
	line = line_make(&judge, JUDGE_R, 0.5, counts);
	assert_int_equal(line.allowance, LINE_NEVER);
	line = line_make(&judge, JUDGE_G, 0.5, counts);
	assert_true(line_is_crossed(&line, many));
	settings.checks[JUDGE_ERRORS] = false;
	judge_begin(&judge, &settings);
	line = line_make(&judge, JUDGE_R, 0.5, counts);
	assert_int_equal(line.allowance, LINE_NEVER);
	/* What the sum cannot hold is far away. */
	line = (struct line){ 0, INT64_MAX / 2 };
	assert_false(line_is_crossed(&line, (struct evidence_counts){ 1ull << 42, 3 }));
}

/* A judge that has found something has a line that the next incident, or none at all, crosses. */
static void test_after_a_regression(void **state)
{
	struct judge judge;
	struct line line;

	(void)state;
	judge_begin(&judge, &judge_defaults);
	tell(&judge, 0.05, (struct evidence_counts){ 50, 0 }, (struct evidence_counts){ 50, 0 });
	line = line_make(&judge, JUDGE_R, 0.05, (struct evidence_counts){ 50, 0 });
	assert_true(line_is_crossed(&line, (struct evidence_counts){ 50, 0 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_never_before_the_judge),
		cmocka_unit_test(test_not_far_behind),
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_to_the_fraction),
		cmocka_unit_test(test_slopes_are_rounded_up),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_after_a_regression),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
