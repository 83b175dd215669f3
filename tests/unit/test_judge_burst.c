/* SPDX-License-Identifier: BSD-2-Clause */
/* The judge and bursts: what is reached with the third client in a short time has to be reached for as long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "judge.h"

#define SHARE 0.05
#define SETTLE_MS 100

static struct judge begun(void)
{
	struct judge_settings settings = judge_defaults;
	struct judge judge;

	memset(settings.checks, 0, sizeof(settings.checks));
	settings.checks[JUDGE_ERRORS] = true;
	judge_begin(&judge, &settings);
	return judge;
}

static bool tick(struct judge *judge, int64_t at_ms, uint64_t trial, uint64_t baseline)
{
	struct judge_sample sample = { .share = SHARE, .at_ms = at_ms, .settle_ms = SETTLE_MS };

	for (unsigned int process = 0; process < JUDGE_PROCESSES; process++)
		sample.counts[JUDGE_FAILED][process] = (struct evidence_counts){ trial, baseline };
	return judge_tick(judge, &sample);
}

static bool is_reached(const struct judge *judge)
{
	return judge_ln_worse(judge, JUDGE_ERRORS, JUDGE_R) >= judge_ln_required(judge, JUDGE_R);
}

static void test_a_burst_has_to_stand(void **state)
{
	struct judge judge = begun();

	(void)state;
	assert_false(tick(&judge, 1000, 5, 0));
	assert_true(is_reached(&judge));
	assert_false(tick(&judge, 1099, 0, 0));
	/* Nobody new is needed for it. */
	assert_true(tick(&judge, 1100, 0, 0));
}

static void test_what_both_share_does_not_stand(void **state)
{
	struct judge judge = begun();

	(void)state;
	assert_false(tick(&judge, 1000, 5, 0));
	assert_false(tick(&judge, 1050, 20, 500));
	assert_false(is_reached(&judge));
	assert_false(tick(&judge, 1100, 20, 400));
	assert_false(tick(&judge, 1200, 30, 600));
	/* Reached again, by a burst that has to stand for itself. */
	assert_false(tick(&judge, 1300, 200, 10));
	assert_true(is_reached(&judge));
	assert_true(tick(&judge, 1400, 1, 0));
}

static void test_who_fails_slowly_gets_no_respite(void **state)
{
	struct judge judge = begun();

	(void)state;
	assert_false(tick(&judge, 1000, 1, 0));
	assert_false(tick(&judge, 1060, 1, 0));
	assert_false(is_reached(&judge));
	/* The third of 100 ms, and the third of 101. */
	judge = begun();
	tick(&judge, 1000, 1, 0);
	tick(&judge, 1060, 1, 0);
	assert_false(tick(&judge, 1099, 1, 0));
	assert_true(is_reached(&judge));
	judge = begun();
	tick(&judge, 1000, 1, 0);
	tick(&judge, 1060, 1, 0);
	assert_true(tick(&judge, 1100, 1, 0));
	/* Two of one tick are no burst, three are. */
	judge = begun();
	tick(&judge, 1000, 1, 0);
	assert_true(tick(&judge, 1100, 2, 0));
	judge = begun();
	tick(&judge, 1000, 1, 0);
	assert_false(tick(&judge, 1100, 3, 0));
}

static void test_without_a_time_it_counts_at_once(void **state)
{
	struct judge judge = begun();
	struct judge_sample sample = { .share = SHARE, .at_ms = 1000 };

	(void)state;
	sample.counts[JUDGE_FAILED][JUDGE_R].trial = 5;
	assert_true(judge_tick(&judge, &sample));
}

static enum judge_finding finding(const struct judge *judge, bool pending)
{
	struct judge_verdict verdict;

	judge_find(judge, &verdict);
	assert_true(verdict.pending == pending);
	return verdict.finding;
}

/* Well as G has it, or by the objective, and R's threshold is reached: neither the one nor the other until it has stood. */
static void test_not_well_meanwhile(void **state)
{
	struct judge_sample sample = {
		.share = SHARE, .at_ms = 1000, .settle_ms = SETTLE_MS, .clients = { [JUDGE_ERRORS] = 1000000 }
	};
	struct judge judge = begun();

	(void)state;
	judge.settings.objective[JUDGE_ERRORS] = 0.5;
	assert_false(judge_tick(&judge, &sample));
	assert_int_equal(finding(&judge, false), JUDGE_HEALTHY);
	assert_false(tick(&judge, 2000, 5, 0));
	assert_int_equal(finding(&judge, true), JUDGE_UNPROVEN);
	assert_true(tick(&judge, 2100, 0, 0));
	assert_int_equal(finding(&judge, false), JUDGE_REGRESSION);
	/* It was shared: well again. */
	judge = begun();
	judge.settings.objective[JUDGE_ERRORS] = 0.5;
	judge_tick(&judge, &sample);
	tick(&judge, 2000, 5, 0);
	assert_false(tick(&judge, 2050, 20, 500));
	assert_int_equal(finding(&judge, false), JUDGE_HEALTHY);
	/* A check that does not count has nothing to wait for. */
	judge.settings.checks[JUDGE_ERRORS] = false;
	judge.settings.checks[JUDGE_OUTCOMES] = true;
	assert_int_equal(finding(&judge, false), JUDGE_UNPROVEN);
}

/* An agent that begins knows the evidence, and not since when it is enough. */
static void test_after_a_restart(void **state)
{
	struct judge judge = begun();

	(void)state;
	tick(&judge, 1000, 5, 0);
	memset(judge.burst, 0, sizeof(judge.burst));
	assert_false(tick(&judge, 5000, 0, 0));
	assert_int_equal(finding(&judge, true), JUDGE_UNPROVEN);
	assert_true(tick(&judge, 5100, 0, 0));
	/* Nor has the share to be one that can be compared. */
	judge = begun();
	tick(&judge, 1000, 5, 0);
	assert_true(judge_tick(&judge, &(struct judge_sample){ .at_ms = 1100, .settle_ms = SETTLE_MS }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_burst_has_to_stand),
		cmocka_unit_test(test_what_both_share_does_not_stand),
		cmocka_unit_test(test_who_fails_slowly_gets_no_respite),
		cmocka_unit_test(test_without_a_time_it_counts_at_once),
		cmocka_unit_test(test_not_well_meanwhile),
		cmocka_unit_test(test_after_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
