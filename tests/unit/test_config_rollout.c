/* SPDX-License-Identifier: BSD-2-Clause */
/* What a service says about its rollout and about who is notified: values, defaults, mistakes. */
#include "config_mistakes.h"

#define PAIR                                                                              \
	SHOP "  baseline: a\n  versions: {a: {backends: ['10.0.0.1:80']}, b: {backends: " \
	     "['10.0.0.2:80']}}\n"                    /* 6 lines */
#define ROLLOUT(text) PAIR "  rollout: {" text "}\n"  /* line 7; the text begins in column 13 */
#define STEPS "steps: [{weight: 100%}]"               /* 23 characters */
#define MORE(text) ROLLOUT(STEPS ", " text)           /* the text begins in column 38 */
#define CHECK(text) MORE("checks: [{" text "}]")      /* the text begins in column 48 */
#define JUDGE(text) MORE("judge: {" text "}")         /* the text begins in column 46 */
#define NOTIFY(text) PAIR "  notify: [" text "]\n"    /* line 7; the text begins in column 12 */
#define ONE_STEP(text) ROLLOUT("steps: [{" text "}]") /* the text begins in column 22 */
#define PROM "prometheus: 'http://127.0.0.1:9090'"

#define ROLLOUT_KEYS                                                                                        \
	"version, steps, start, step, every, max, holdback, on_unproven, extend, deadline, judge, checks, " \
	"on_rollback"
#define LADDER_OR "expected a list of 1 to 100 of {weight: SHARE, for: DURATION}, or {start, step, every, max}"
#define EITHER "expected either 'steps' or 'start', 'step', 'every' and 'max'"
#define TIME "expected a duration from 1s to 7d, such as 15m"
#define CHANCE "expected 0.01% to 50%, such as 1%"
#define URL "expected a URL such as https://hooks.example/T0"
#define QUOTIENT "expected a ratio from 0.001 to 1000, such as 1.5"
#define TOLERATED "expected a ratio from 1 to 10, such as 1.5"

/* The rollout of the only service; *ret_config is to be freed. */
static const struct config_rollout *rollout_of(const char *text, struct config **ret_config)
{
	*ret_config = parse(text);
	assert_non_null((*ret_config)->services[0].rollout);
	return (*ret_config)->services[0].rollout;
}

static void test_defaults(void **state)
{
	struct config *config = parse(PAIR);
	const struct config_rollout *rollout;

	(void)state;
	assert_null(config->services[0].rollout);
	assert_int_equal(config->services[0].notify_count, 0);
	assert_int_equal(config->services[0].versions[1].capacity, 10000);
	assert_int_equal(config->lease, 5000);
	assert_int_equal(config->restart_grace, 60000);
	config_free(config);
	rollout = rollout_of(ROLLOUT(STEPS), &config);
	assert_int_equal(rollout->version, -1);
	assert_int_equal(rollout->schedule.step_count, 1);
	assert_int_equal(rollout->schedule.steps[0].weight, 10000);
	assert_int_equal(rollout->schedule.steps[0].for_ms, 0);
	assert_int_equal(rollout->schedule.steps[0].pause, CONFIG_PAUSE_NONE);
	assert_int_equal(rollout->schedule.holdback, 500);
	assert_int_equal(rollout->schedule.on_unproven, CONFIG_UNPROVEN_HOLD);
	assert_int_equal(rollout->schedule.extend, 3);
	assert_int_equal(rollout->schedule.deadline, 0);
	assert_false(rollout->schedule.reset);
	assert_int_equal(rollout->judge.false_alarm, 100);
	assert_int_equal(rollout->judge.false_pass, 100);
	assert_true(rollout->judge.errors && rollout->judge.latency && rollout->judge.outcomes);
	assert_true(rollout->judge.errors_tolerate == 1 && rollout->judge.outcomes_tolerate == 1);
	assert_int_equal(rollout->judge.latency_tolerate, 2000);
	assert_int_equal(rollout->judge.warmup, 60000);
	assert_int_equal(rollout->judge.settle, 100);
	assert_true(rollout->judge.health_ratio == 2);
	assert_int_equal(rollout->judge.objective, 100);
	assert_int_equal(rollout->check_count, 0);
	config_free(config);
}

static const char everything[] = TOP
	"lease: 2500ms\nrestart_grace: 0s\n" SERVICES "  listen: 192.0.2.1:80/tcp\n"
	"  rollout:\n" /* before all that it names */
	"    version: b\n"
	"    steps: [{weight: 0.5%, for: 15m}, {weight: 25%, for: 7d, pause: 1h}, {pause: manual, weight: 50%},\n"
	"      {weight: 100%, for: 1s, pause: manual}]\n"
	"    holdback: 50%\n    on_unproven: rollback\n    extend: 1\n    deadline: 30d\n"
	"    judge: {false_alarm: 0.01%, false_pass: 50%, errors: {tolerate: 1.25}, outcomes: off,\n"
	"      latency: {tolerate: 0%, warmup: 0s}, health: {ratio: 1.5, objective: 0.1%}, settle: 2s}\n"
	"    checks:\n"
	"    - {name: errors, max_increase: 3%, max_ratio: 2, max: 5%, min_requests: 7, action: rollback, for: 3}\n"
	"    - {name: p99.9, max_ratio: 1.2, max: 300ms, window: 15m, action: hold}\n"
	"    - {name: cpu, " PROM
	", query: 'cpu{v=\"$version\"}', max_ratio: 1.5, min_ratio: 0.001, max: 0.25, min: -3}\n"
	"    on_rollback: {flows: reset}\n"
	"  baseline: a\n"
	"  versions: {a: {backends: ['10.0.0.1:80']}, b: {capacity: 40%, backends: ['10.0.0.2:80'], weight: 40%}}\n"
	"  notify:\n"
	"  - {url: 'https://user:pass@hooks.example:8443/T0?x=1', on: [rollback, step]}\n"
	"  - {url: 'http://[2001:db8::1]/'}\n";

static void assert_bound(const struct config_bound *bound, double value)
{
	assert_true(bound->is_set);
	assert_true(bound->value == value);
}

static void assert_checks(const struct config_rollout *rollout)
{
	const struct config_plain_check *check = rollout->checks;

	assert_int_equal(rollout->check_count, 3);
	assert_string_equal(check->name, "errors");
	assert_int_equal(check->kind, CONFIG_PLAIN_ERRORS);
	assert_bound(&check->max_increase, 0.03);
	assert_bound(&check->max_ratio, 2);
	assert_bound(&check->max, 0.05);
	assert_false(check->min.is_set || check->min_ratio.is_set);
	assert_int_equal(check->window, 60000);
	assert_int_equal(check->min_requests, 7);
	assert_int_equal(check->in_a_row, 3);
	assert_int_equal(check->action, CONFIG_PLAIN_ROLLBACK);
	check++;
	assert_int_equal(check->kind, CONFIG_PLAIN_LATENCY);
	assert_true(check->quantile == 0.999);
	assert_bound(&check->max, 0.3);
	assert_int_equal(check->window, 900000);
	assert_int_equal(check->min_requests, 100);
	assert_int_equal(check->action, CONFIG_PLAIN_HOLD);
	check++;
	assert_int_equal(check->kind, CONFIG_PLAIN_PROMETHEUS);
	assert_string_equal(check->url, "http://127.0.0.1:9090");
	assert_string_equal(check->query, "cpu{v=\"$version\"}");
	assert_bound(&check->min_ratio, 0.001);
	assert_bound(&check->max, 0.25);
	assert_bound(&check->min, -3);
	assert_int_equal(check->min_requests, 0);
}

static void assert_everything(const struct config *config)
{
	const struct config_service *service = &config->services[0];
	const struct config_schedule *schedule = &service->rollout->schedule;
	const struct config_judge *judge = &service->rollout->judge;

	assert_int_equal(config->lease, 2500);
	assert_int_equal(config->restart_grace, 0);
	assert_int_equal(service->versions[1].capacity, 4000);
	assert_int_equal(service->rollout->version, 1);
	assert_int_equal(service->rollout->place.line, 8);
	assert_int_equal(schedule->step_count, 4);
	assert_memory_equal(&schedule->steps[1],
			    (&(struct config_step){ 2500, 604800000, CONFIG_PAUSE_TIMED, 3600000 }),
			    sizeof(struct config_step));
	assert_memory_equal(&schedule->steps[2], (&(struct config_step){ 5000, 0, CONFIG_PAUSE_MANUAL, 0 }),
			    sizeof(struct config_step));
	assert_memory_equal(&schedule->steps[3], (&(struct config_step){ 10000, 1000, CONFIG_PAUSE_MANUAL, 0 }),
			    sizeof(struct config_step));
	assert_int_equal(schedule->holdback, 5000);
	assert_int_equal(schedule->on_unproven, CONFIG_UNPROVEN_ROLLBACK);
	assert_int_equal(schedule->extend, 1);
	assert_int_equal(schedule->deadline, 2592000000u);
	assert_true(schedule->reset);
	assert_int_equal(judge->false_alarm, 1);
	assert_int_equal(judge->false_pass, 5000);
	assert_true(judge->errors && judge->latency && !judge->outcomes);
	assert_true(judge->errors_tolerate == 1.25 && judge->health_ratio == 1.5);
	assert_int_equal(judge->latency_tolerate, 0);
	assert_int_equal(judge->warmup, 0);
	assert_int_equal(judge->settle, 2000);
	assert_int_equal(judge->objective, 10);
	assert_checks(service->rollout);
	assert_int_equal(service->notify_count, 2);
	assert_string_equal(service->notify[0].url, "https://user:pass@hooks.example:8443/T0?x=1");
	assert_int_equal(service->notify[0].on, 1u << CONFIG_NOTICE_ROLLBACK | 1u << CONFIG_NOTICE_STEP);
	assert_int_equal(service->notify[1].on,
			 1u << CONFIG_NOTICE_ROLLBACK | 1u << CONFIG_NOTICE_PAUSE | 1u << CONFIG_NOTICE_DONE);
}

/* A copy is all there, and outlives what it was made from. */
static void test_everything(void **state)
{
	struct config *config = parse(everything), *copy;
	struct config_rollout *rollout;

	(void)state;
	assert_everything(config);
	copy = config_copy(config);
	rollout = config_rollout_copy(config->services[0].rollout);
	config_free(config);
	assert_everything(copy);
	config_free(copy);
	assert_checks(rollout);
	assert_null(config_rollout_free(rollout));
	assert_null(config_rollout_copy(NULL));
	assert_null(config_rollout_free(NULL));
}

/* on_rollback is the service's where the rollout has none of its own, wherever it stands. */
static void test_on_rollback(void **state)
{
	struct config *config;

	(void)state;
	assert_true(rollout_of(ROLLOUT(STEPS) "  on_rollback: {flows: reset}\n", &config)->schedule.reset);
	config_free(config);
	assert_false(rollout_of(MORE("on_rollback: {flows: drain}") "  on_rollback: {flows: reset}\n", &config)
			     ->schedule.reset);
	config_free(config);
}

static void assert_ladder(const char *text, unsigned int count, unsigned int before_last, unsigned int last,
			  unsigned int last_ms)
{
	struct config *config;
	const struct config_schedule *schedule = &rollout_of(text, &config)->schedule;

	assert_int_equal(schedule->step_count, count);
	for (size_t i = 0; i + 1 < count; i++)
		assert_int_equal(schedule->steps[i].for_ms, 900000);
	if (count > 1)
		assert_int_equal(schedule->steps[count - 2].weight, before_last);
	assert_int_equal(schedule->steps[count - 1].weight, last);
	assert_int_equal(schedule->steps[count - 1].for_ms, last_ms);
	config_free(config);
}

/* The short form: nothing is judged twice at the same share, and what was not judged yet is. */
static void test_ladder(void **state)
{
	(void)state;
	assert_ladder(ROLLOUT("steps: {start: 5%, step: 10%, every: 15m, max: 100%}"), 11, 9500, 10000, 0);
	assert_ladder(ROLLOUT("steps: {start: 5%, step: 10%, every: 15m}, holdback: 4%"), 11, 9500, 10000, 900000);
	assert_ladder(ROLLOUT("holdback: 4%, steps: {every: 15m, start: 10%, step: 10%}"), 10, 9000, 10000, 900000);
	assert_ladder(ROLLOUT("steps: {start: 10%, step: 30%, every: 15m, max: 50%}"), 3, 4000, 5000, 900000);
	assert_ladder(ROLLOUT("steps: {start: 1%, step: 1%, every: 15m}"), 100, 9900, 10000, 0);
	assert_ladder(ROLLOUT("steps: {start: 30%, step: 1%, every: 15m, max: 30%}"), 1, 0, 3000, 900000);
	/* The same without `steps`. */
	assert_ladder(ROLLOUT("start: 5%, step: 10%, every: 15m, max: 100%"), 11, 9500, 10000, 0);
	assert_ladder(ROLLOUT("every: 15m, holdback: 4%, step: 10%, start: 5%"), 11, 9500, 10000, 900000);
	assert_ladder(ROLLOUT("max: 50%, start: 10%, step: 30%, every: 15m"), 3, 4000, 5000, 900000);
}

/* Of two versions, whichever is not the baseline by now. */
static void test_version(void **state)
{
	static const char three[] = SHOP "  baseline: a\n  versions: {a: {backends: ['10.0.0.1:80']}, b: {backends: "
					 "['10.0.0.2:80']}, c: {backends: ['10.0.0.3:80']}}\n"
					 "  rollout: {version: c, " STEPS "}\n";
	struct config *config = parse(ROLLOUT(STEPS));

	(void)state;
	assert_int_equal(config_rollout_version(&config->services[0], 0), 1);
	assert_int_equal(config_rollout_version(&config->services[0], 1), 0);
	config_free(config);
	config = parse(MORE("version: b"));
	assert_int_equal(config_rollout_version(&config->services[0], 0), 1);
	assert_int_equal(config_rollout_version(&config->services[0], 1), 0);
	config_free(config);
	config = parse(three);
	assert_int_equal(config_rollout_version(&config->services[0], 0), 2);
	assert_int_equal(config_rollout_version(&config->services[0], 1), 2);
	assert_int_equal(config_rollout_version(&config->services[0], 2), -ENOENT);
	config_free(config);
}

/* As it is filled in, so it is looked for. */
static void test_version_in_braces(void **state)
{
	struct config *config;
	const struct config_rollout *rollout =
		rollout_of(CHECK("name: cpu, " PROM ", query: 'cpu_${version}_seconds', max_ratio: 1.5"), &config);

	(void)state;
	assert_string_equal(rollout->checks[0].query, "cpu_${version}_seconds");
	config_free(config);
}

static void test_words(void **state)
{
	char text[CONFIG_PLAIN_TEXT_LEN];
	struct config *config;
	const struct config_rollout *rollout = rollout_of(everything, &config);

	(void)state;
	assert_string_equal(config_step_format(&rollout->schedule.steps[0], text), "0.5% for 15m");
	assert_string_equal(config_step_format(&rollout->schedule.steps[1], text), "25% for 7d and a pause of 1h");
	assert_string_equal(config_step_format(&rollout->schedule.steps[2], text), "50% until promoted");
	assert_string_equal(
		config_plain_format(&rollout->checks[0], text),
		"errors more than 3% above the baseline's or above 2 times the baseline's or above 5%, over 1m "
		"from 7 requests on, 3 times in a row");
	assert_string_equal(config_plain_format(&rollout->checks[1], text),
			    "p99.9 above 1.2 times the baseline's or above 300ms, over 15m from 100 requests on");
	assert_string_equal(
		config_plain_format(&rollout->checks[2], text),
		"cpu above 1.5 times the baseline's or below 0.001 times the baseline's or above 0.25 or below "
		"-3, asked every 1m");
	config_free(config);
}

static void test_versions_refused(void **state)
{
	static const struct mistake mistakes[] = {
		{ GOOD "  rollout: {" STEPS "}\n",
		  "6:12: a rollout in a service of one version, expected a version on trial beside 'stable'" },
		{ MORE("version: c"),
		  "7:47: a rollout of 'c', which is no version of service 'shop', expected one such as 'b'" },
		{ MORE("version: a"), "7:47: a rollout of the baseline 'a', expected a version on trial such as 'b'" },
		{ MORE("version: [b]"), "7:47: a list for version, expected the name of a version on trial" },
		{ SHOP "  baseline: a\n  versions: {a: {backends: ['10.0.0.1:80']}, b: {backends: ['10.0.0.2:80']}, c: "
		       "{backends: ['10.0.0.3:80']}}\n  rollout: {" STEPS "}\n",
		  "7:12: missing key 'version' in a rollout of a service of 3 versions, expected the name of one on trial" },
	};

	(void)state;
	check_all(mistakes, COUNT(mistakes));
}

static void test_capacity_refused(void **state)
{
	static const struct mistake mistakes[] = {
		{ SHOP TWO ", capacity: 0%}\n  baseline: a\n",
		  "7:46: invalid capacity '0%', expected a share above 0%, such as 40%" },
		{ SHOP TWO ", capacity: 40}\n  baseline: a\n", "7:46: invalid capacity '40', " SHARE },
		{ SHOP TWO ", weight: 5%, capacity: 4%}\n  baseline: a\n",
		  "7:44: a weight of 5% for version 'b' of a capacity of 4%, expected no more than that" },
		{ TOP "lease: 5\n" SERVICES,
		  "2:8: invalid lease '5', expected off or a duration from 500ms to 1h, such as 5s" },
		{ TOP "lease: 499ms\n",
		  "2:8: invalid lease '499ms', expected off or a duration from 500ms to 1h, such as 5s" },
		{ TOP "restart_grace: off\n",
		  "2:16: invalid restart_grace 'off', expected a duration from 0s to 1h, such as 60s" },
	};

	(void)state;
	check_all(mistakes, COUNT(mistakes));
}

static void test_steps_refused(void **state)
{
	static const struct mistake mistakes[] = {
		{ PAIR "  rollout: 5%\n", "7:12: the text '5%' for a rollout, expected a mapping with: " ROLLOUT_KEYS },
		{ PAIR "  rollout: {}\n", "7:12: missing key 'steps' in a rollout, " LADDER_OR },
		{ ROLLOUT("stops: []"), "7:13: unknown key 'stops' in a rollout, expected one of: " ROLLOUT_KEYS },
		{ ROLLOUT("steps: []"), "7:20: an empty list for steps, " LADDER_OR },
		{ ROLLOUT("steps: 5%"), "7:20: the text '5%' for steps, " LADDER_OR },
		{ ROLLOUT("steps: [5%]"),
		  "7:21: the text '5%' for a step, expected a mapping with: weight, for, pause" },
		{ ONE_STEP("for: 1m"), "7:21: missing key 'weight' in a step, expected a share above 0%, such as 5%" },
		{ ONE_STEP("weight: 0%"), "7:30: invalid weight '0%', expected a share above 0%, such as 5%" },
		{ ONE_STEP("weight: 5"), "7:30: invalid weight '5', " SHARE },
		{ ONE_STEP("weight: 101%"), "7:30: invalid weight '101%', " SHARE },
		{ ONE_STEP("weight: 5%, for: 15"), "7:39: invalid for '15', " TIME },
		{ ONE_STEP("weight: 5%, for: 999ms"), "7:39: invalid for '999ms', " TIME },
		{ ONE_STEP("weight: 5%, for: 8d"), "7:39: invalid for '8d', " TIME },
		{ ONE_STEP("weight: 5%, pause: ever"),
		  "7:41: invalid pause 'ever', expected manual or a duration from 1s to 7d, such as 15m" },
		{ ROLLOUT("steps: [{weight: 5%, for: 1m}, {weight: 5%}]"),
		  "7:53: a step to 5% after one to 5%, expected steps that rise" },
		{ ROLLOUT("steps: [{weight: 5%}, {weight: 10%}]"),
		  "7:44: a step to 10% after one to 5% that ends at once, expected a 'for' or a 'pause' in every step but "
		  "the last" },
		{ ROLLOUT("steps: {start: 5%, step: 10%}"),
		  "7:20: missing key 'every' in steps, expected a duration from 1s to 7d, such as 15m" },
		{ ROLLOUT("steps: {start: 5%, step: 0%, every: 1m}"),
		  "7:38: invalid step '0%', expected a share above 0%, such as 5%" },
		{ ROLLOUT("steps: {start: 50%, step: 10%, every: 1m, max: 40%}"),
		  "7:20: steps from 50% up to 40%, expected 'max' above it" },
		{ ROLLOUT("steps: {start: 0.5%, step: 1%, every: 1m}"),
		  "7:20: more than 100 steps from 0.5% up to 100%, expected a larger 'step'" },
		{ MORE("step: 5%"), "7:38: key 'step' beside 'steps' in a rollout, " EITHER },
		{ ROLLOUT("max: 50%, " STEPS), "7:13: key 'max' beside 'steps' in a rollout, " EITHER },
		{ ROLLOUT("start: 5%, step: 5%, every: 1m, steps: {start: 5%, step: 5%, every: 1m}"),
		  "7:13: key 'start' beside 'steps' in a rollout, " EITHER },
		{ ROLLOUT("start: 5%, every: 1m"),
		  "7:12: missing key 'step' in a rollout without 'steps', expected a share above 0%, such as 5%" },
		{ ROLLOUT("max: 50%"),
		  "7:12: missing key 'start' in a rollout without 'steps', expected a share above 0%, such as 5%" },
		{ ROLLOUT("start: 5%, step: 10%"), "7:12: missing key 'every' in a rollout without 'steps', " TIME },
		{ ROLLOUT("start: 5x, step: 10%, every: 1m"), "7:20: invalid start '5x', " SHARE },
		{ ROLLOUT("step: []"), "7:19: an empty list for step, " SHARE },
		{ ROLLOUT("start: 5%, step: 5%, every: 1m, step: 5%"),
		  "7:45: key 'step' again in a rollout, expected it once" },
		{ ROLLOUT("start: 50%, step: 10%, every: 1m, max: 40%"),
		  "7:12: steps from 50% up to 40%, expected 'max' above it" },
		{ ROLLOUT("start: 0.5%, step: 1%, every: 1m"),
		  "7:12: more than 100 steps from 0.5% up to 100%, expected a larger 'step'" },
	};

	(void)state;
	check_all(mistakes, COUNT(mistakes));
}

static void test_schedule_refused(void **state)
{
	static const struct mistake mistakes[] = {
		{ MORE("holdback: 0%"),
		  "7:48: invalid holdback '0%', expected 0.01% to 50%, such as 5%: without a rest "
		  "there is nothing to compare with" },
		{ MORE("holdback: 51%"),
		  "7:48: invalid holdback '51%', expected 0.01% to 50%, such as 5%: without a rest "
		  "there is nothing to compare with" },
		{ MORE("on_unproven: wait"),
		  "7:51: invalid on_unproven 'wait', expected one of: hold, advance, rollback" },
		{ MORE("extend: 3x"),
		  "7:46: invalid extend '3x', expected a step's longest time in multiples of its 'for', "
		  "1 to 100, such as 3" },
		{ MORE("deadline: 500ms"),
		  "7:48: invalid deadline '500ms', expected off or a duration from 1s to 30d, such as 4h" },
		{ ROLLOUT("deadline: 15m, steps: [{weight: 5%, for: 15m}, {weight: 9%}]"),
		  "7:23: a deadline of 15m for steps of which one takes 15m, expected more than that" },
		{ MORE("on_rollback: {flows: leave}"), "7:59: invalid flows 'leave', expected one of: reset, drain" },
		{ MORE("on_rollback: {}"), "7:51: missing key 'flows' in on_rollback, expected reset or drain" },
	};

	(void)state;
	check_all(mistakes, COUNT(mistakes));
}

static void test_judge_refused(void **state)
{
	static const struct mistake mistakes[] = {
		{ MORE("judge: off"),
		  "7:45: the text 'off' for a judge, expected a mapping with: false_alarm, false_pass, "
		  "errors, latency, outcomes, health, settle" },
		{ JUDGE("false_alarm: 0%"), "7:59: invalid false_alarm '0%', " CHANCE },
		{ JUDGE("false_alarm: 0.01"), "7:59: invalid false_alarm '0.01', " CHANCE },
		{ JUDGE("false_pass: 51%"), "7:58: invalid false_pass '51%', " CHANCE },
		{ JUDGE("errors: {tolerate: 0.9}"), "7:65: invalid tolerate '0.9', " TOLERATED },
		{ JUDGE("errors: {tolerate: 1.0x}"), "7:65: invalid tolerate '1.0x', " TOLERATED },
		{ JUDGE("outcomes: {tolerate: 20%}"), "7:67: invalid tolerate '20%', " TOLERATED },
		{ JUDGE("errors: on"), "7:54: the text 'on' for errors, expected off or a mapping with: tolerate" },
		{ JUDGE("latency: {tolerate: 1.2}"), "7:66: invalid tolerate '1.2', " SHARE },
		{ JUDGE("latency: {warmup: 60}"),
		  "7:64: invalid warmup '60', expected a duration from 0s to 1h, such as 60s" },
		{ JUDGE("settle: 11s"),
		  "7:54: invalid settle '11s', expected a duration from 0s to 10s, such as 100ms" },
		{ JUDGE("health: {ratio: 1}"),
		  "7:62: invalid ratio '1', expected a ratio above 1, up to 100, such as 2" },
		{ JUDGE("health: {objective: 0%}"),
		  "7:66: invalid objective '0%', expected off, or 0.01% to 50%, such as 1%" },
		{ JUDGE("errors: {tolerate: 2}"),
		  "7:45: 2 times the baseline's errors are tolerated and 2 times are no health, expected 'health.ratio' above "
		  "'errors.tolerate'" },
	};

	(void)state;
	check_all(mistakes, COUNT(mistakes));
}

static void test_checks_refused(void **state)
{
	static const struct mistake mistakes[] = {
		{ MORE("checks: []"),
		  "7:46: an empty list for checks, expected a list of 1 to 16 of {name: NAME, max_ratio: RATIO, ...}" },
		{ CHECK("max: 5%"),
		  "7:47: missing key 'name' in a check, expected errors, p50, p90, p95, p99, p99.9, or with "
		  "'prometheus' a name of lowercase letters, digits, hyphens" },
		{ CHECK("name: P95"), "7:54: invalid name 'P95', expected errors, p50, p90, p95, p99, p99.9, or with "
				      "'prometheus' a name of lowercase letters, digits, hyphens" },
		{ CHECK("name: cpu, max: 5%"),
		  "7:54: nothing serin measures is called 'cpu', expected errors, p50, p90, p95, p99, p99.9, or 'prometheus' "
		  "and 'query'" },
		{ CHECK("name: p95, " PROM ", query: x"),
		  "7:54: 'p95' for a check by Prometheus, which serin measures itself, expected another name or no "
		  "'prometheus'" },
		{ CHECK("name: cpu, " PROM ", max: 1"),
		  "7:47: 'prometheus' without 'query' in check 'cpu', expected both" },
		{ CHECK("name: errors"),
		  "7:47: no bound in check 'errors', expected of: max_increase, max_ratio, max" },
		{ CHECK("name: p95, max_increase: 3%"),
		  "7:73: 'max_increase' in check 'p95', expected of: max_ratio, max" },
		{ CHECK("name: errors, max_increase: 3"),
		  "7:76: invalid max_increase '3', expected 0% to 100% with at most two decimals, such as 3%" },
		{ CHECK("name: p95, max_ratio: 120%"), "7:70: invalid max_ratio '120%', " QUOTIENT },
		{ CHECK("name: p95, max_ratio: 0"), "7:70: invalid max_ratio '0', " QUOTIENT },
		{ CHECK("name: p95, max: 0.3"),
		  "7:64: invalid max '0.3', expected a duration from 1ms to 10m, such as 300ms" },
		{ CHECK("name: p95, max: 1s, for: 1m"),
		  "7:73: invalid for '1m', expected 1 to 100 windows in a row, such as 3" },
		{ CHECK("name: p95, max: 1s, window: 2h"),
		  "7:76: invalid window '2h', expected a duration from 1s to 1h, such as 1m" },
		{ CHECK("name: p95, max: 1s, action: abort"),
		  "7:76: invalid action 'abort', expected one of: hold, rollback" },
		{ CHECK("name: p95, max: 1s, min_requests: 0"),
		  "7:82: invalid min_requests '0', expected a whole number from 1 to 1000000" },
		{ CHECK("name: p95, max: 1s}, {name: p95, max: 2s"),
		  "7:76: check 'p95' again (first on line 7), expected it once" },
		{ CHECK("name: cpu, prometheus: 'ftp://x', query: x, max: 1"),
		  "7:71: invalid prometheus 'ftp://x', expected the URL of a Prometheus server such as "
		  "http://127.0.0.1:9090" },
		{ CHECK("name: cpu, " PROM ", query: '', max: 1"),
		  "7:103: invalid query '', expected PromQL of up to 1023 characters" },
		{ CHECK("name: cpu, " PROM ", query: up, max_ratio: 1.5"),
		  "7:103: a query without $version in check 'cpu', expected one that tells versions apart: their ratio is "
		  "bounded" },
		{ CHECK("name: cpu, " PROM ", query: 'up{v=~\"^$versions$\"}', min_ratio: 0.5"),
		  "7:103: a query without $version in check 'cpu', expected one that tells versions apart: their ratio is "
		  "bounded" },
		{ CHECK("name: cpu, " PROM ", query: up, max: 1, min: 1.5"),
		  "7:120: 'min' above 'max' in check 'cpu', expected bounds that a value can keep" },
		{ CHECK("name: cpu, " PROM ", query: up, max: 1e3"),
		  "7:112: invalid max '1e3', expected a decimal number such as 0.8 or -20" },
		{ CHECK("name: cpu, " PROM ", query: up, max: 1, min_requests: 5"),
		  "7:129: 'min_requests' in check 'cpu', expected none: what a query counts is its own" },
	};

	(void)state;
	check_all(mistakes, COUNT(mistakes));
}

/* What is wrong with a URL is not repeated: it may be a secret. */
static void test_notify_refused(void **state)
{
	static const char *const urls[] = {
		"hooks.example",
		"ftp://hooks.example",
		"https://",
		"https:///T0",
		"https://hooks example/",
		"https://hooks.example:0",
		"https://hooks.example:x",
		"https://[::1",
		"https://[10.0.0.1]/",
		"https://a@/x",
		"https://hooks.example/#x",
		"https://-x/",
	};
	static const struct mistake mistakes[] = {
		{ PAIR "  notify: https://hooks.example\n",
		  "7:11: the text 'https://hooks.example' for notify, expected a list of 1 to 8 of {url: URL, on: [...]}" },
		{ NOTIFY("{on: [done]}"), "7:12: missing key 'url' in a notification, " URL },
		{ NOTIFY("{url: 'https://x', on: []}"),
		  "7:35: an empty list for on, expected a list of: start, step, pause, "
		  "resume, done, finish, rollback, abort" },
		{ NOTIFY("{url: 'https://x', on: [fail]}"),
		  "7:36: invalid notice 'fail', expected one of: start, step, pause, "
		  "resume, done, finish, rollback, abort" },
		{ NOTIFY("{url: 'https://x', on: [done, done]}"), "7:42: notice 'done' again, expected it once" },
	};
	char text[512];

	(void)state;
	check_all(mistakes, COUNT(mistakes));
	for (size_t i = 0; i < COUNT(urls); i++) {
		const struct mistake mistake = { text, "7:18: invalid url, " URL };

		snprintf(text, sizeof(text), NOTIFY("{url: '%s'}"), urls[i]);
		check_all(&mistake, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),         cmocka_unit_test(test_everything),
		cmocka_unit_test(test_on_rollback),      cmocka_unit_test(test_ladder),
		cmocka_unit_test(test_version),          cmocka_unit_test(test_words),
		cmocka_unit_test(test_versions_refused), cmocka_unit_test(test_capacity_refused),
		cmocka_unit_test(test_steps_refused),    cmocka_unit_test(test_schedule_refused),
		cmocka_unit_test(test_judge_refused),    cmocka_unit_test(test_checks_refused),
		cmocka_unit_test(test_notify_refused),   cmocka_unit_test(test_version_in_braces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
