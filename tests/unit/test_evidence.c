/* SPDX-License-Identifier: BSD-2-Clause */
/* E-processes: reference values, and that none of them can be expected to grow where its null hypothesis holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "evidence.h"

#define CLOSE 5e-7

struct tick {
	double weight, of;
	uint64_t trial, baseline;
	double ln;
};

static void check_reference(double tolerated, const struct tick *ticks, unsigned int count)
{
	struct evidence_against against = evidence_worse(tolerated);
	struct evidence evidence = { 0 };

	for (unsigned int i = 0; i < count; i++) {
		evidence_add(&evidence, &against, (struct evidence_counts){ ticks[i].trial, ticks[i].baseline },
			     ticks[i].weight / ticks[i].of);
		assert_float_equal(evidence_ln(&evidence, &against), ticks[i].ln, CLOSE);
	}
}

static void test_reference_values(void **state)
{
	static const struct tick trial_only[] = {
		{ 10, 200, 1, 0, 1.780127 }, { 10, 200, 1, 0, 4.158998 },  { 10, 200, 1, 0, 6.776487 },
		{ 10, 200, 1, 0, 9.481390 }, { 10, 200, 1, 0, 12.226660 },
	};
	static const struct tick baseline_only[] = {
		{ 10, 200, 0, 2, -0.464884 }, { 10, 200, 0, 2, -0.668402 }, { 10, 200, 0, 2, -0.812973 },
		{ 10, 200, 0, 2, -0.930768 }, { 10, 200, 0, 2, -1.032189 },
	};
	static const struct tick weights_move[] = {
		{ 50, 1000, 3, 1, 5.450869 },
		{ 0, 1000, 0, 2, 5.450869 },
		{ 100, 1000, 5, 0, 16.026385 },
	};
	static const struct tick tolerant[] = {
		{ 10, 200, 1, 1, 0.799642 },
		{ 10, 200, 1, 1, 1.736900 },
		{ 10, 200, 1, 1, 2.778731 },
		{ 10, 200, 1, 1, 3.890372 },
	};

	(void)state;
	check_reference(1, trial_only, 5);
	check_reference(1, baseline_only, 5);
	check_reference(1, weights_move, 3);
	check_reference(1.5, tolerant, 4);
}

/* By hand, for 5 %: of one client at most, exp(a) - 1 = 0.95 (g - 1) / (0.05 g + 0.95) of the trial version's, and exp(-b) - 1 =
 * -0.05 (g - 1) / (0.05 g + 0.95) of the baseline's, out of 1 and 19. */
static void test_joint(void **state)
{
	struct evidence_against against = evidence_worse(1);
	struct evidence evidence = { 0 };

	(void)state;
	evidence_add_joint(&evidence, &against, (struct evidence_counts){ 1, 0 }, 0.05);
	assert_float_equal(evidence.ln[7], log(1 + 0.95 * 99 / 5.95 / 20), CLOSE);
	assert_float_equal(evidence.ln[2], log(1 + 0.95 / 1.05 / 20), CLOSE);
	evidence_add_joint(&evidence, &against, (struct evidence_counts){ 3, 19 }, 0.05);
	assert_float_equal(evidence.ln[7], log(1 + 0.95 * 99 / 5.95 / 20),
			   CLOSE); /* both bounds reached: as assigned */
	assert_true(evidence.largest == 20);
	evidence_add_joint(&evidence, &against, (struct evidence_counts){ 0, 190 }, 0.05);
	assert_float_equal(evidence.ln[2], log((1 + 0.95 / 1.05 / 20) * (1 - 0.95 * 0.05 / 1.05)), CLOSE);
	assert_true(evidence.largest == 200);
	evidence = (struct evidence){ .largest = 200 };
	evidence_add_joint(&evidence, &against, (struct evidence_counts){ 7, 0 }, 0.05);
	assert_float_equal(evidence.ln[7], log(1 + 7 * 0.95 * 99 / 5.95 / 200), CLOSE);
	assert_int_equal(evidence.seen.trial, 7);
	assert_int_equal(evidence.seen.baseline, 0);
}

/* A stall befalls either version as often as the other, and all of its clients: whatever they are, the mean is 1 at most. */
static void test_joint_under_stalls(void **state)
{
	static const double shares[] = { 0.01, 0.05, 0.25, 0.5, 0.75, 0.95 };
	struct evidence_against against = evidence_worse(1);

	(void)state;
	for (unsigned int i = 0; i < 6; i++) {
		for (uint64_t clients = 100; clients <= 100000; clients *= 10) {
			for (double largest = 0; largest < 200000; largest = 10 * largest + 100) {
				struct evidence of[2] = { { .largest = largest }, { .largest = largest } };
				uint64_t trial = (uint64_t)lrint((double)clients * shares[i]);

				evidence_add_joint(&of[0], &against, (struct evidence_counts){ trial, 0 }, shares[i]);
				evidence_add_joint(&of[1], &against, (struct evidence_counts){ 0, clients - trial },
						   shares[i]);
				for (unsigned int g = 0; g < against.count; g++)
					assert_true((exp(of[0].ln[g]) + exp(of[1].ln[g])) / 2 <= 1 + 1e-9);
			}
		}
	}
}

static void test_nothing_to_learn(void **state)
{
	static const double none[] = { 0, 1, -0.5, 1.5, NAN, INFINITY };
	struct evidence_against against = evidence_worse(1);
	struct evidence evidence = { 0 }, before;

	(void)state;
	evidence_add(&evidence, &against, (struct evidence_counts){ 3, 1 }, 0.05);
	before = evidence;
	for (unsigned int i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		evidence_add(&evidence, &against, (struct evidence_counts){ 9, 7 }, none[i]);
		assert_memory_equal(&evidence, &before, sizeof(before));
	}
	evidence_add(&evidence, &against, (struct evidence_counts){ 0, 0 }, 0.5);
	assert_memory_equal(&evidence, &before, sizeof(before));
	assert_int_equal(evidence.seen.trial, 3);
	assert_int_equal(evidence.seen.baseline, 1);
	evidence = (struct evidence){ 0 };
	assert_true(evidence_ln(&evidence, &against) == 0);
}

/* One tick or many make no difference. */
static void test_ticks_add_up(void **state)
{
	struct evidence_against against = evidence_worse(1.3);
	struct evidence once = { 0 }, often = { 0 };

	(void)state;
	evidence_add(&once, &against, (struct evidence_counts){ 40, 200 }, 0.1);
	for (int i = 0; i < 40; i++)
		evidence_add(&often, &against, (struct evidence_counts){ 1, 5 }, 0.1);
	for (unsigned int i = 0; i < against.count; i++)
		assert_float_equal(once.ln[i], often.ln[i], 1e-9);
}

/* The expectation of E over where `clients` incidents fall, if the trial version is `ratio` times as bad. */
static double expected(const struct evidence_against *against, unsigned int clients, double share, double ratio)
{
	double p = ratio * share / (ratio * share + 1 - share), ways = 1, sum = 0;

	for (unsigned int trial = 0; trial <= clients; trial++) {
		struct evidence evidence = { 0 };

		evidence_add(&evidence, against, (struct evidence_counts){ trial, clients - trial }, share);
		sum += ways * pow(p, trial) * pow(1 - p, clients - trial) * exp(evidence_ln(&evidence, against));
		ways = ways * (clients - trial) / (trial + 1);
	}
	return sum;
}

static void test_fair_under_the_null(void **state)
{
	static const double shares[] = { 0.0001, 0.01, 0.05, 0.25, 0.5, 0.95 }, nulls[] = { 1, 1.5, 2 };

	(void)state;
	for (unsigned int i = 0; i < 6; i++) {
		for (unsigned int j = 0; j < 3; j++) {
			struct evidence_against worse = evidence_worse(nulls[j]), better = evidence_better(nulls[j]);

			for (unsigned int clients = 1; clients < 7; clients++) {
				assert_float_equal(expected(&worse, clients, shares[i], nulls[j]), 1, 1e-9);
				assert_true(expected(&worse, clients, shares[i], 0.7 * nulls[j]) < 1);
				assert_true(expected(&worse, clients, shares[i], 3 * nulls[j]) > 1);
				/* "As good" is no alternative where nothing worse than that is held against. */
				if (nulls[j] == 1)
					continue;
				assert_float_equal(expected(&better, clients, shares[i], nulls[j]), 1, 1e-9);
				assert_true(expected(&better, clients, shares[i], 3 * nulls[j]) < 1);
				assert_true(expected(&better, clients, shares[i], 0.7) > 1);
			}
		}
	}
}

/* Any one alternative proves at most eight times what all of them together do. */
static void test_mean_is_a_mean(void **state)
{
	struct evidence_against against = evidence_worse(1);
	struct evidence evidence = { .ln = { -900, 800, 3, 0, 1, -2, 700, 799 } };
	const double far[] = { -1e4, -1e4 - 1 };

	(void)state;
	for (unsigned int i = 0; i < 8; i++)
		assert_true(evidence_ln(&evidence, &against) >= evidence.ln[i] - log(8) - 1e-12);
	assert_float_equal(evidence_ln(&evidence, &against), 800 + log1p(exp(-1)) - log(8), 1e-9);
	assert_float_equal(evidence_ln_mean(far, 2), -1e4 + log1p(exp(-1)) - log(2), 1e-9);
}

/* Counts that a year of incidents would not bring. */
static void test_large_counts(void **state)
{
	struct evidence_against against = evidence_worse(1);
	struct evidence evidence = { 0 };

	(void)state;
	evidence_add(&evidence, &against, (struct evidence_counts){ 1ull << 50, 1 }, 0.5);
	evidence_add(&evidence, &against, (struct evidence_counts){ 1, 1ull << 50 }, 1e-4);
	assert_true(isfinite(evidence_ln(&evidence, &against)));
}

static void test_step(void **state)
{
	struct evidence_against against = evidence_worse(1.2);

	(void)state;
	for (unsigned int i = 0; i < against.count; i++) {
		struct evidence evidence = { 0 };
		double b, a = evidence_step(&against, i, 0.2, &b);

		evidence_add(&evidence, &against, (struct evidence_counts){ 7, 11 }, 0.2);
		assert_float_equal(evidence.ln[i], 7 * a - 11 * b, 1e-9);
	}
}

static void test_needed(void **state)
{
	struct evidence_against against = evidence_better(2);
	struct evidence evidence = { 0 };
	uint64_t more;

	(void)state;
	evidence_add(&evidence, &against, (struct evidence_counts){ 1, 10 }, 0.25);
	more = evidence_needed(&evidence, &against, 0.25, log(200));
	assert_true(more > 5 && more < 100);
	evidence_add(&evidence, &against, (struct evidence_counts){ 0, more - 1 }, 0.25);
	assert_true(evidence_ln(&evidence, &against) < log(200));
	evidence_add(&evidence, &against, (struct evidence_counts){ 0, 1 }, 0.25);
	assert_true(evidence_ln(&evidence, &against) >= log(200));
	assert_int_equal(evidence_needed(&evidence, &against, 0.25, log(200)), 0);
	assert_true(evidence_needed(&evidence, &against, 1, log(1e9)) == UINT64_MAX);
}

/* ln(1/0.01) / 0.01 = 460 is the bound for one alternative of no failures whatever; a mixture that forgives some
 * takes more. */
static void test_objective(void **state)
{
	uint64_t clean = evidence_objective_needed(0.01, 0, 0, log(100));
	double p = 0.01, sum = 0;

	(void)state;
	assert_in_range(clean, 460, 560);
	assert_true(evidence_objective(0.01, 0, clean) >= log(100));
	assert_true(evidence_objective(0.01, 0, clean - 1) < log(100));
	assert_true(evidence_objective_needed(0.01, 1, 0, log(100)) > clean);
	assert_int_equal(evidence_objective_needed(0.01, 0, clean, log(100)), 0);
	assert_true(evidence_objective(0.01, 0, 0) == 0);
	assert_true(evidence_objective(0.01, 5, 200) < 0);
	/* Fair, when exactly that share of three clients fails. */
	for (unsigned int failed = 0; failed <= 3; failed++)
		sum += (failed % 3 ? 3 : 1) * pow(p, failed) * pow(1 - p, 3 - failed) *
		       exp(evidence_objective(p, failed, 3));
	assert_float_equal(sum, 1, 1e-12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reference_values),
		cmocka_unit_test(test_joint),
		cmocka_unit_test(test_joint_under_stalls),
		cmocka_unit_test(test_nothing_to_learn),
		cmocka_unit_test(test_ticks_add_up),
		cmocka_unit_test(test_fair_under_the_null),
		cmocka_unit_test(test_mean_is_a_mean),
		cmocka_unit_test(test_large_counts),
		cmocka_unit_test(test_step),
		cmocka_unit_test(test_needed),
		cmocka_unit_test(test_objective),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
