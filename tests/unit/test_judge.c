/* SPDX-License-Identifier: BSD-2-Clause */
/* The judge: thresholds, epochs, latency's mean, what is remembered, health, and what it says is missing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <string.h>

#include "judge.h"
#include "served.h"

#define CLOSE 1e-9

/* Errors alone, with the whole of 1 %. */
static struct judge_settings only(enum judge_check check)
{
	struct judge_settings settings = judge_defaults;

	memset(settings.checks, 0, sizeof(settings.checks));
	settings.checks[check] = true;
	return settings;
}

static struct judge begun(struct judge_settings settings)
{
	struct judge judge;
	struct complaint complaint;

	assert_int_equal(judge_settings_check(&settings, &complaint), 0);
	judge_begin(&judge, &settings);
	return judge;
}

/* Clients whose first incident it is, in the rollout as well as in the epoch. */
static bool both(struct judge *judge, enum judge_stream stream, double share, uint64_t trial, uint64_t baseline)
{
	struct judge_sample sample = { .share = share };

	sample.counts[stream][JUDGE_R] = (struct evidence_counts){ trial, baseline };
	sample.counts[stream][JUDGE_G] = sample.counts[stream][JUDGE_R];
	return judge_tick(judge, &sample);
}

static bool again(struct judge *judge, enum judge_stream stream, double share, uint64_t trial, uint64_t baseline)
{
	struct judge_sample sample = { .share = share };

	sample.counts[stream][JUDGE_G] = (struct evidence_counts){ trial, baseline };
	return judge_tick(judge, &sample);
}

static struct judge_verdict verdict_of(const struct judge *judge)
{
	struct judge_verdict verdict;

	judge_verdict(judge, &verdict);
	return verdict;
}

static void test_thresholds(void **state)
{
	struct judge judge = begun(only(JUDGE_ERRORS));
	double sum = 0;

	(void)state;
	assert_float_equal(judge_ln_required(&judge, JUDGE_R), log(200), CLOSE);
	assert_float_equal(judge_ln_required(&judge, JUDGE_G), log(400), CLOSE);
	for (int j = 1; j <= 10000; j++) {
		sum += exp(-judge_ln_required(&judge, JUDGE_G));
		judge_epoch(&judge);
	}
	assert_true(sum + exp(-judge_ln_required(&judge, JUDGE_R)) < 0.01);
	assert_float_equal(judge_ln_required(&judge, JUDGE_G), log(200) + log(10001) + log(10002), CLOSE);
}

/* The promise is one, however many ways there are to break it. */
static void test_alpha_is_shared(void **state)
{
	struct judge_settings settings = judge_defaults;
	struct judge judge;

	(void)state;
	settings.checks[JUDGE_OUTCOMES] = true;
	settings.trials = 4;
	judge = begun(settings);
	assert_float_equal(judge_ln_required(&judge, JUDGE_R), log(2 * 3 * 4 / 0.01), CLOSE);
}

static void test_regression_by_r(void **state)
{
	struct judge judge = begun(only(JUDGE_ERRORS));
	struct judge_verdict verdict;

	(void)state;
	assert_false(both(&judge, JUDGE_FAILED, 0.05, 2, 0)); /* ln E 4.16 */
	assert_int_equal(verdict_of(&judge).finding, JUDGE_UNPROVEN);
	assert_true(both(&judge, JUDGE_FAILED, 0.05, 1, 0)); /* 6.78 > ln 200 = 5.30, and > ln 400 = 5.99 */
	verdict = verdict_of(&judge);
	assert_int_equal(verdict.finding, JUDGE_REGRESSION);
	assert_int_equal(verdict.check, JUDGE_ERRORS);
	assert_int_equal(verdict.process, JUDGE_R);
	assert_float_equal(verdict.worse[JUDGE_ERRORS][JUDGE_R].ln, 6.776487, 1e-6);
	assert_float_equal(verdict.ratio[JUDGE_ERRORS], 6.776487 / log(200), 1e-6);
	assert_float_equal(judge.ln_found, 6.776487, 1e-6);
	assert_float_equal(judge.ln_required, log(200), CLOSE);
}

/* Clients that had their first incident long ago are seen by G alone. */
static void test_regression_by_g(void **state)
{
	struct judge judge = begun(only(JUDGE_ERRORS));

	(void)state;
	both(&judge, JUDGE_FAILED, 0.05, 10, 190);
	judge_epoch(&judge);
	assert_int_equal(judge.epoch, 2);
	assert_float_equal(judge_ln_worse(&judge, JUDGE_ERRORS, JUDGE_G), 0, CLOSE);
	assert_true(judge_ln_worse(&judge, JUDGE_ERRORS, JUDGE_R) < 0);
	assert_false(again(&judge, JUDGE_FAILED, 0.05, 2, 0));
	assert_false(again(&judge, JUDGE_FAILED, 0.05, 1, 0)); /* 6.78 < ln 1200 = 7.09 */
	assert_true(again(&judge, JUDGE_FAILED, 0.05, 1, 0));
	assert_int_equal(verdict_of(&judge).process, JUDGE_G);
}

/* What was found is not forgotten when the evidence of its epoch is. */
static void test_regression_stays(void **state)
{
	struct judge judge = begun(only(JUDGE_ERRORS));

	(void)state;
	assert_true(both(&judge, JUDGE_FAILED, 0.05, 4, 0));
	judge_epoch(&judge);
	assert_true(both(&judge, JUDGE_FAILED, 0.05, 0, 5000));
	assert_true(judge_ln_worse(&judge, JUDGE_ERRORS, JUDGE_R) < 0);
	assert_int_equal(verdict_of(&judge).finding, JUDGE_REGRESSION);
	judge_begin(&judge, &judge_defaults);
	assert_int_equal(verdict_of(&judge).finding, JUDGE_UNPROVEN);
}

/* Evidence goes over a change of weight with R. */
static void test_weights_move(void **state)
{
	struct judge judge = begun(only(JUDGE_ERRORS));

	(void)state;
	both(&judge, JUDGE_FAILED, 50.0 / 1000, 3, 1);
	assert_true(both(&judge, JUDGE_FAILED, 0, 0, 2));
	assert_true(judge.share == 0.05);
	judge_epoch(&judge);
	both(&judge, JUDGE_FAILED, 0.1, 5, 0);
	assert_float_equal(judge_ln_worse(&judge, JUDGE_ERRORS, JUDGE_R), 16.026385, 1e-6);
}

static void test_a_check_that_does_not_count(void **state)
{
	struct judge judge = begun(only(JUDGE_ERRORS));
	struct judge_verdict verdict;

	(void)state;
	assert_false(both(&judge, JUDGE_REPORTED, 0.05, 50, 0));
	assert_false(both(&judge, JUDGE_SLOW_P99, 0.05, 50, 0));
	verdict = verdict_of(&judge);
	assert_int_equal(verdict.finding, JUDGE_UNPROVEN);
	assert_true(verdict.ratio[JUDGE_OUTCOMES] == 0);
	judge = begun(only(JUDGE_OUTCOMES));
	assert_true(both(&judge, JUDGE_REPORTED, 0.05, 50, 0));
	assert_int_equal(verdict_of(&judge).check, JUDGE_OUTCOMES);
}

/* Three quantiles, of which one is seen to be worse: E is a third of what it alone would be. */
static void test_latency_is_a_mean(void **state)
{
	struct judge judge = begun(only(JUDGE_LATENCY));
	struct evidence_against against = evidence_worse(1);
	struct evidence alone = { 0 };
	int ticks = 0;

	(void)state;
	for (; !judge.regression && ticks < 100; ticks++) {
		both(&judge, JUDGE_SLOW_P999, 0.05, 1, 0);
		evidence_add_joint(&alone, &against, (struct evidence_counts){ 1, 0 }, 0.05);
		assert_float_equal(judge_ln_worse(&judge, JUDGE_LATENCY, JUDGE_R),
				   log((exp(evidence_ln(&alone, &against)) + 2) / 3), CLOSE);
	}
	assert_in_range(ticks, 10, 20);
	assert_int_equal(verdict_of(&judge).check, JUDGE_LATENCY);
}

/* A server that stalls makes many clients slow at once: that is seen once, however many they are. Clients that meet errors
 * at once stay so many. */
static void test_one_stall_is_one_observation(void **state)
{
	struct judge one = begun(only(JUDGE_LATENCY)), many = one, errors = begun(only(JUDGE_ERRORS));

	(void)state;
	both(&one, JUDGE_SLOW_P90, 0.05, 1, 0);
	for (int i = 0; i < 3; i++)
		both(&many, JUDGE_SLOW_P90 + i, 0.05, 100, 0);
	assert_float_equal(judge_ln_worse(&many, JUDGE_LATENCY, JUDGE_R),
			   log(3 * exp(judge_ln_worse(&one, JUDGE_LATENCY, JUDGE_R)) - 2), CLOSE);
	assert_false(many.regression);
	assert_int_equal(many.worse[JUDGE_SLOW_P90][JUDGE_R].seen.trial, 100);
	assert_true(both(&errors, JUDGE_FAILED, 0.05, 100, 0));
}

/* Stalls that befall each version in turn, as many clients as it has: nothing is found, and what was found before is not
 * found sooner after an epoch than by G alone. */
static void test_stalls_of_both(void **state)
{
	struct judge judge = begun(only(JUDGE_LATENCY));

	(void)state;
	for (int i = 0; i < 200; i++) {
		both(&judge, JUDGE_SLOW_P99, 0.25, i % 2 ? 25 : 0, i % 2 ? 0 : 75);
		if (i == 100)
			judge_epoch(&judge);
	}
	assert_false(judge.regression);
	assert_true(judge_ln_worse(&judge, JUDGE_LATENCY, JUDGE_R) < 1);
	assert_true(judge.worse[JUDGE_SLOW_P99][JUDGE_R].largest == 100);
	judge_epoch(&judge);
	assert_true(judge.worse[JUDGE_SLOW_P99][JUDGE_R].largest == 100);
	assert_true(judge.worse[JUDGE_SLOW_P99][JUDGE_G].largest == 0);
}

static void test_tolerated(void **state)
{
	struct judge_settings settings = only(JUDGE_ERRORS);
	struct judge strict = begun(settings), tolerant;

	(void)state;
	settings.tolerate = 3;
	tolerant = begun(settings);
	both(&strict, JUDGE_FAILED, 0.1, 300, 1000);
	both(&tolerant, JUDGE_FAILED, 0.1, 300, 1000);
	assert_true(strict.regression);
	assert_false(tolerant.regression);
	/* Of slow clients none more are tolerated: that is in the limit. */
	assert_true(judge_against(&settings, JUDGE_SLOW_P90).null == 1);
	assert_true(judge_against(&settings, JUDGE_REPORTED).null == 3);
}

static void test_health_by_incidents(void **state)
{
	struct judge judge = begun(only(JUDGE_ERRORS));
	struct judge_verdict verdict = verdict_of(&judge);

	(void)state;
	assert_int_equal(verdict.finding, JUDGE_UNPROVEN);
	assert_true(verdict.more_incidents == UINT64_MAX); /* no share yet */
	assert_true(isinf(verdict.detectable));
	both(&judge, JUDGE_FAILED, 0.25, 1, 5);
	verdict = verdict_of(&judge);
	assert_in_range(verdict.more_incidents, 10, 60);
	assert_true(verdict.more_clients == UINT64_MAX);
	both(&judge, JUDGE_FAILED, 0.25, 0, verdict.more_incidents - 1);
	assert_int_equal(verdict_of(&judge).finding, JUDGE_UNPROVEN);
	assert_int_equal(verdict_of(&judge).more_incidents, 1);
	both(&judge, JUDGE_FAILED, 0.25, 0, 1);
	verdict = verdict_of(&judge);
	assert_int_equal(verdict.finding, JUDGE_HEALTHY);
	assert_int_equal(verdict.more_incidents, 0);
	assert_int_equal(verdict.more_clients, 0);
}

/* Of a version that is twice as bad the clients are used up sooner: when all that is left fails once more, R must not
 * take the equal numbers of new ones for health. */
static void test_health_of_what_is_left(void **state)
{
	struct judge judge = begun(only(JUDGE_ERRORS));

	(void)state;
	both(&judge, JUDGE_FAILED, 0.25, 10, 30);
	assert_true(judge_against_health(&judge, JUDGE_FAILED, JUDGE_R).null == 2);
	judge_epoch(&judge);
	/* Not known yet. */
	assert_true(judge_against_health(&judge, JUDGE_FAILED, JUDGE_R).null == 0);
	assert_true(judge_against_health(&judge, JUDGE_FAILED, JUDGE_G).null == 2);
	again(&judge, JUDGE_FAILED, 0.25, 1, 4);
	both(&judge, JUDGE_FAILED, 0.25, 1, 19);
	assert_float_equal(judge_against_health(&judge, JUDGE_FAILED, JUDGE_R).null, 2 * 20.0 / 25, CLOSE);
	judge_epoch(&judge); /* kept until the new epoch tells */
	assert_float_equal(judge_against_health(&judge, JUDGE_FAILED, JUDGE_R).null, 2 * 20.0 / 25, CLOSE);
	again(&judge, JUDGE_FAILED, 0.25, 5, 15);
	assert_true(judge_against_health(&judge, JUDGE_FAILED, JUDGE_R).null == 0);
	assert_int_equal(verdict_of(&judge).finding, JUDGE_UNPROVEN);
	for (int i = 0; i < 100; i++)
		both(&judge, JUDGE_FAILED, 0.25, 0, 1);
	assert_int_equal(verdict_of(&judge).finding, JUDGE_HEALTHY);
}

static void test_health_by_clients(void **state)
{
	struct judge_settings settings = only(JUDGE_ERRORS);
	struct judge_sample sample = { .share = 0.05, .clients = { [JUDGE_ERRORS] = 300 } };
	struct judge judge;
	uint64_t needed;

	(void)state;
	settings.objective[JUDGE_ERRORS] = 0.01;
	judge = begun(settings);
	needed = evidence_objective_needed(0.01, 0, 0, log(200));
	/* So many have to come that so many are certain. */
	assert_int_equal(verdict_of(&judge).more_clients, served_needed(needed));
	assert_int_equal(served_at_least((double)verdict_of(&judge).more_clients), needed);
	judge_tick(&judge, &sample);
	assert_int_equal(verdict_of(&judge).finding, JUDGE_UNPROVEN);
	assert_int_equal(verdict_of(&judge).more_clients, served_needed(needed) - served_needed(300));
	sample.clients[JUDGE_ERRORS] = needed - 300 - 1;
	judge_tick(&judge, &sample);
	assert_int_equal(verdict_of(&judge).finding, JUDGE_UNPROVEN);
	sample.clients[JUDGE_ERRORS] = 1;
	judge_tick(&judge, &sample);
	assert_int_equal(verdict_of(&judge).finding, JUDGE_HEALTHY);
}

/* By hand, in a pause, a version may get everybody: there is nothing to compare it with, but who is failed then is failed. */
static void test_failures_of_everybody(void **state)
{
	struct judge_settings settings = only(JUDGE_ERRORS);
	struct judge_sample sample = { .share = 1, .clients = { [JUDGE_ERRORS] = 2000 } };
	struct judge judge;

	(void)state;
	settings.objective[JUDGE_ERRORS] = 0.01;
	sample.counts[JUDGE_FAILED][JUDGE_R] = sample.counts[JUDGE_FAILED][JUDGE_G] =
		(struct evidence_counts){ 400, 0 };
	judge = begun(settings);
	judge_tick(&judge, &sample);
	assert_false(judge.regression);
	assert_int_equal(judge.worse[JUDGE_FAILED][JUDGE_R].seen.trial, 400);
	assert_int_equal(judge.better[JUDGE_FAILED][JUDGE_G].seen.trial, 400);
	assert_true(judge_ln_worse(&judge, JUDGE_ERRORS, JUDGE_R) == 0);
	assert_true(judge_ln_better(&judge, JUDGE_ERRORS, JUDGE_G) == 0);
	assert_int_equal(verdict_of(&judge).finding, JUDGE_UNPROVEN);
	assert_true(verdict_of(&judge).objective[JUDGE_ERRORS].ln < -100);
	/* Back at a share, they are not forgotten. */
	sample = (struct judge_sample){ .share = 0.05, .clients = { [JUDGE_ERRORS] = 1000 } };
	judge_tick(&judge, &sample);
	assert_int_equal(verdict_of(&judge).finding, JUDGE_UNPROVEN);
}

/* Clients that another version on trial has used up and gives back to the baseline: R has counted them, so that it sees fewer
 * of the baseline's than there are. It learns nothing from then on; G goes on. */
static void test_clients_come_back(void **state)
{
	struct judge_settings settings = only(JUDGE_ERRORS);
	struct judge_sample sample = { .share = 0.3, .clients = { [JUDGE_ERRORS] = 2000 } };
	struct judge judge, before;

	(void)state;
	settings.objective[JUDGE_ERRORS] = 0.01;
	judge = begun(settings);
	both(&judge, JUDGE_FAILED, 0.3, 3, 7);
	before = judge;
	judge_epoch(&judge);
	judge_returned(&judge);
	sample.counts[JUDGE_FAILED][JUDGE_R] = (struct evidence_counts){ 300, 10 };
	assert_false(judge_tick(&judge, &sample));
	assert_true(judge_ln_worse(&judge, JUDGE_ERRORS, JUDGE_R) == judge_ln_worse(&before, JUDGE_ERRORS, JUDGE_R));
	assert_true(judge_ln_better(&judge, JUDGE_ERRORS, JUDGE_R) == judge_ln_better(&before, JUDGE_ERRORS, JUDGE_R));
	assert_int_equal(judge.worse[JUDGE_FAILED][JUDGE_R].seen.trial, 303);
	assert_int_equal(judge.worse[JUDGE_FAILED][JUDGE_R].seen.baseline, 7);
	assert_int_equal(verdict_of(&judge).finding, JUDGE_UNPROVEN); /* whom it fails, it fails */
	assert_true(again(&judge, JUDGE_FAILED, 0.3, 300, 10));
	assert_int_equal(verdict_of(&judge).process, JUDGE_G);
	/* Without that, R alone would have. */
	judge_epoch(&before);
	assert_true(judge_tick(&before, &sample));
	assert_int_equal(verdict_of(&before).process, JUDGE_R);
}

/* Health of before that is no word on the steps that follow: G has to show it anew, and says alone what is missing. */
static void test_health_of_before_they_came_back(void **state)
{
	struct judge judge = begun(only(JUDGE_ERRORS));
	struct judge_verdict verdict;

	(void)state;
	both(&judge, JUDGE_FAILED, 0.25, 0, 100);
	judge_epoch(&judge);
	assert_int_equal(verdict_of(&judge).finding, JUDGE_HEALTHY);
	assert_true(verdict_of(&judge).detectable < 10);
	judge_returned(&judge);
	verdict = verdict_of(&judge);
	assert_int_equal(verdict.finding, JUDGE_UNPROVEN);
	assert_true(verdict.better[JUDGE_ERRORS][JUDGE_R].ln == 0);
	assert_true(isinf(verdict.detectable));
	assert_in_range(verdict.more_incidents, 20, 100);
	/* Whom R counts from now on does not change that. */
	both(&judge, JUDGE_FAILED, 0.25, 0, verdict.more_incidents - 1);
	assert_int_equal(verdict_of(&judge).finding, JUDGE_UNPROVEN);
	both(&judge, JUDGE_FAILED, 0.25, 0, 1);
	assert_int_equal(verdict_of(&judge).finding, JUDGE_HEALTHY);
}

/* By Ville's inequality each of them is reached with a chance of one over what it takes, by a version that is as bad as it
 * denies. One that is both is called well by any of them, of all epochs there are: the chances are added. */
static void test_health_is_promised_once(void **state)
{
	struct judge_settings settings = only(JUDGE_ERRORS);
	struct judge judge;
	double chance;

	(void)state;
	settings.objective[JUDGE_ERRORS] = 0.01;
	judge = begun(settings);
	chance = exp(-judge_ln_required_better(&judge, JUDGE_R)) + exp(-judge_ln_required_objective(&judge));
	for (int i = 0; i < 100000; i++) {
		chance += exp(-judge_ln_required_better(&judge, JUDGE_G));
		judge_epoch(&judge);
	}
	assert_true(chance <= settings.false_health);
	assert_float_equal(chance, settings.false_health, 1e-4 * settings.false_health);
	assert_float_equal(exp(judge_ln_required_objective(&judge)), 200, CLOSE);
	/* What would do if the objective were asked alone does not, beside the split. */
	judge = begun(settings);
	judge_tick(&judge, &(struct judge_sample){ .share = 0.05,
						   .clients = { evidence_objective_needed(0.01, 0, 0, log(100)) } });
	assert_int_equal(verdict_of(&judge).finding, JUDGE_UNPROVEN);
}

/* All that see failures must be content; latency is asked only where nothing else is. */
static void test_who_must_be_well(void **state)
{
	struct judge_settings settings = judge_defaults;
	struct judge judge = begun(settings);

	(void)state;
	both(&judge, JUDGE_FAILED, 0.5, 5, 500);
	assert_int_equal(verdict_of(&judge).finding, JUDGE_HEALTHY);
	settings.checks[JUDGE_OUTCOMES] = true;
	judge = begun(settings);
	both(&judge, JUDGE_FAILED, 0.5, 5, 500);
	assert_int_equal(verdict_of(&judge).finding, JUDGE_UNPROVEN);
	both(&judge, JUDGE_REPORTED, 0.5, 5, 500);
	assert_int_equal(verdict_of(&judge).finding, JUDGE_HEALTHY);
	judge = begun(only(JUDGE_LATENCY));
	both(&judge, JUDGE_FAILED, 0.5, 5, 500);
	assert_int_equal(verdict_of(&judge).finding, JUDGE_UNPROVEN);
	both(&judge, JUDGE_SLOW_P90, 0.5, 5, 500);
	assert_int_equal(verdict_of(&judge).finding, JUDGE_HEALTHY);
}

static void test_detectable(void **state)
{
	struct judge judge = begun(only(JUDGE_ERRORS));
	double few, many;

	(void)state;
	both(&judge, JUDGE_FAILED, 0.05, 0, 20);
	few = verdict_of(&judge).detectable;
	both(&judge, JUDGE_FAILED, 0.05, 20, 380);
	many = verdict_of(&judge).detectable;
	assert_true(few > 4 && few < 20);
	assert_true(many > 1.3 && many < 3);
	judge = begun(only(JUDGE_ERRORS));
	both(&judge, JUDGE_FAILED, 0.05, 20 * 0.05 / 0.95 * few + 1, 20);
	assert_true(judge.regression);
}

static void test_silence_is_no_health(void **state)
{
	struct judge judge = begun(judge_defaults);

	(void)state;
	for (int i = 0; i < 100000; i++) {
		assert_false(judge_tick(&judge, &(struct judge_sample){ .share = 0.05 }));
		if (i % 3000 == 0)
			judge_epoch(&judge);
	}
	assert_int_equal(verdict_of(&judge).finding, JUDGE_UNPROVEN);
}

static void refused(struct judge_settings settings, const char *expected)
{
	struct complaint complaint;

	assert_int_equal(judge_settings_check(&settings, &complaint), -EINVAL);
	assert_string_equal(complaint.text, expected);
}

static void test_settings(void **state)
{
	struct judge_settings settings = judge_defaults;

	(void)state;
	assert_int_equal(judge_settings_check(&settings, NULL), 0);
	settings.false_alarm = 0;
	refused(settings, "false alarm 0, false health 0.01, expected above 0 and below 1");
	settings = judge_defaults;
	settings.trials = 0;
	refused(settings, "0 versions on trial, expected 1 to 1000");
	settings = judge_defaults;
	memset(settings.checks, 0, sizeof(settings.checks));
	refused(settings, "no check counts, expected at least one");
	settings = judge_defaults;
	settings.tolerate = 0.9;
	refused(settings, "tolerated ratio 0.9, expected 1 to 1000");
	settings = judge_defaults;
	settings.worse = 1;
	refused(settings, "ratio 1 that health has to refute, expected above 1, at most 1000");
	settings = judge_defaults;
	settings.objective[JUDGE_OUTCOMES] = 1;
	refused(settings, "objective 1 of outcomes, expected 0 for none, or below 1");
	settings.objective[JUDGE_OUTCOMES] = NAN;
	assert_int_equal(judge_settings_check(&settings, NULL), -EINVAL);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(judge_check_name(JUDGE_LATENCY), "latency");
	assert_string_equal(judge_check_words(JUDGE_ERRORS), "more clients meet errors");
	assert_string_equal(judge_stream_name(JUDGE_SLOW_P999), "slow_p999");
	assert_int_equal(judge_stream_check(JUDGE_REPORTED), JUDGE_OUTCOMES);
	assert_string_equal(judge_finding_name(JUDGE_HEALTHY), "healthy");
}

static bool slow(struct judge *judge, int64_t at_ms, uint64_t trial, uint64_t baseline)
{
	struct judge_sample sample = { .share = 0.25, .at_ms = at_ms };

	for (unsigned int i = 0; i < JUDGE_PROCESSES; i++) {
		sample.counts[JUDGE_SLOW_P99][i] = (struct evidence_counts){ trial, baseline };
		sample.counts[JUDGE_FAILED][i] = (struct evidence_counts){ 0, baseline };
	}
	return judge_tick(judge, &sample);
}

/* A process that was stopped for a minute, or one that was started: those who were slow meanwhile are no stake. */
static void test_a_late_tick(void **state)
{
	struct judge judge = begun(judge_defaults);
	const struct evidence *p99 = &judge.worse[JUDGE_SLOW_P99][JUDGE_G];
	int64_t at_ms = 3600000;
	unsigned int ticks = 0;

	(void)state;
	slow(&judge, at_ms, 100, 300); /* the first since a restart */
	assert_true(p99->largest == 0 && judge_ln_worse(&judge, JUDGE_LATENCY, JUDGE_R) == 0);
	assert_int_equal(p99->seen.trial, 100);
	assert_int_equal(judge.worse[JUDGE_FAILED][JUDGE_R].seen.baseline, 300); /* who fails does so by himself */
	slow(&judge, at_ms += 1000, 0, 3);
	assert_true(p99->largest == 4);
	slow(&judge, at_ms += 60000, 100, 300);
	assert_true(p99->largest == 4);
	assert_int_equal(p99->seen.trial, 200);
	while (!slow(&judge, at_ms += 100, 1, 1) && ticks < 1000)
		ticks++;
	assert_int_equal(judge.check, JUDGE_LATENCY);
	assert_in_range(ticks, 20, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_thresholds),
		cmocka_unit_test(test_alpha_is_shared),
		cmocka_unit_test(test_regression_by_r),
		cmocka_unit_test(test_regression_by_g),
		cmocka_unit_test(test_regression_stays),
		cmocka_unit_test(test_weights_move),
		cmocka_unit_test(test_a_check_that_does_not_count),
		cmocka_unit_test(test_latency_is_a_mean),
		cmocka_unit_test(test_one_stall_is_one_observation),
		cmocka_unit_test(test_stalls_of_both),
		cmocka_unit_test(test_tolerated),
		cmocka_unit_test(test_health_by_incidents),
		cmocka_unit_test(test_health_of_what_is_left),
		cmocka_unit_test(test_health_by_clients),
		cmocka_unit_test(test_health_is_promised_once),
		cmocka_unit_test(test_failures_of_everybody),
		cmocka_unit_test(test_clients_come_back),
		cmocka_unit_test(test_health_of_before_they_came_back),
		cmocka_unit_test(test_who_must_be_well),
		cmocka_unit_test(test_detectable),
		cmocka_unit_test(test_a_late_tick),
		cmocka_unit_test(test_silence_is_no_health),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
