/* SPDX-License-Identifier: BSD-2-Clause */
/* How a step ends: by time and health, by pauses, holds, extensions and deadlines; and what limits its share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rollout_story.h"

#define TICK(seconds, health, checks) story_tick(&story, seconds, ROLLOUT_##health, ROLLOUT_CHECKS_##checks)
#define SAYS(words) assert_string_equal(story.text, words)
#define AFTER(seconds, health, checks, words)  \
	do {                                   \
		TICK(seconds, health, checks); \
		SAYS(words);                   \
	} while (0)

/* 10 s at 5 %, 10 s at 50 %, 10 s at all that may be judged. */
static struct config_schedule plain(enum config_unproven on_unproven)
{
	return (struct config_schedule){
		.steps = { { .weight = 500, .for_ms = 10000 },
			   { .weight = 5000, .for_ms = 10000 },
			   { .weight = 10000, .for_ms = 10000 } },
		.step_count = 3,
		.holdback = 500,
		.on_unproven = on_unproven,
		.extend = 3,
	};
}

static struct story started(const struct config_schedule *schedule)
{
	struct story story;

	story_begin(&story, schedule);
	story_do(&story, ROLLOUT_START);
	return story;
}

static void test_by_itself(void **state)
{
	const struct config_schedule schedule = plain(CONFIG_UNPROVEN_HOLD);
	struct story story = started(&schedule);

	(void)state;
	AFTER(9, HEALTHY, PASS, "progressing 1:");
	assert_int_equal(rollout_remaining(&story.rollout), 1000);
	AFTER(1, HEALTHY, PASS, "progressing 2: save weight=50% notify=step");
	/* A verdict of the last step's is no reason to leave the next one early. */
	AFTER(9, HEALTHY, PASS, "progressing 2:");
	AFTER(1, HEALTHY, PASS, "progressing 3: save weight=95% notify=step");
	AFTER(9, HEALTHY, PASS, "progressing 3:");
	AFTER(1, HEALTHY, PASS, "completed 3: save weight=100% notify=done");
	AFTER(100, HEALTHY, PASS, "completed 3:");
}

static void test_pauses(void **state)
{
	struct story story = started(story_schedule());

	(void)state;
	AFTER(10, HEALTHY, PASS, "paused timed 1: save notify=pause");
	AFTER(5, UNPROVEN, HOLD, "paused timed 1:");
	/* Somebody's pause stops that clock, too, and no promotion of theirs is lost. */
	story_do(&story, ROLLOUT_PAUSE);
	AFTER(100, HEALTHY, PASS, "paused user 1:");
	story_do(&story, ROLLOUT_RESUME);
	SAYS("paused timed 1: save weight=5% notify=resume");
	assert_int_equal(rollout_remaining(&story.rollout), 15000);
	AFTER(14, UNPROVEN, PASS, "paused timed 1:");
	AFTER(1, UNPROVEN, PASS, "paused manual 2: save weight=25% notify=pause");
	AFTER(300, HEALTHY, PASS, "paused manual 2: save epoch");
	/* No more than its own pause ends with somebody's. */
	story_do(&story, ROLLOUT_PAUSE);
	story_do(&story, ROLLOUT_RESUME);
	SAYS("paused manual 2: save weight=25% notify=resume");
	story_do(&story, ROLLOUT_PROMOTE);
	SAYS("completed 3: save weight=100% notify=done");
}

/* A pause that ends while a check fails is followed by a hold, and that by the next step without pausing again. */
static void test_pause_into_hold(void **state)
{
	struct story story = started(story_schedule());

	(void)state;
	TICK(10, HEALTHY, PASS);
	AFTER(20, HEALTHY, HOLD, "paused hold 1: save notify=pause");
	assert_int_equal(story.rollout.cause, ROLLOUT_BY_CHECK);
	AFTER(60, UNPROVEN, HOLD, "paused hold 1:");
	AFTER(1, UNPROVEN, PASS, "paused manual 2: save weight=25% notify=pause");
}

static void test_unproven(void **state)
{
	struct config_schedule schedule = plain(CONFIG_UNPROVEN_HOLD);
	struct story story = started(&schedule);

	(void)state;
	/* Its time is over: extended, once said, three times its time in all. */
	AFTER(10, UNPROVEN, PASS, "progressing 1: save");
	assert_true(story.rollout.extended);
	assert_int_equal(rollout_remaining(&story.rollout), 20000);
	AFTER(19, UNPROVEN, PASS, "progressing 1:");
	AFTER(1, UNPROVEN, PASS, "paused hold 1: save notify=pause");
	assert_int_equal(story.rollout.cause, ROLLOUT_BY_UNPROVEN);
	assert_string_equal(story.rollout.reason, "figures");
	AFTER(3000, UNPROVEN, PASS, "paused hold 1: save epoch");
	/* What it was held for has come. */
	AFTER(1, HEALTHY, PASS, "progressing 2: save weight=50% notify=step");
	/* Within the extension that is enough, too. */
	TICK(15, UNPROVEN, PASS);
	AFTER(1, HEALTHY, PASS, "progressing 3: save weight=95% notify=step");
	/* Somebody gives it its time once more. */
	AFTER(30, UNPROVEN, PASS, "paused hold 3: save notify=pause");
	story_do(&story, ROLLOUT_RESUME);
	SAYS("progressing 3: save weight=95% notify=resume");
	TICK(29, UNPROVEN, PASS);
	assert_int_equal(story.rollout.state, ROLLOUT_PROGRESSING);
	AFTER(1, UNPROVEN, PASS, "paused hold 3: save notify=pause");
	story_do(&story, ROLLOUT_PROMOTE);
	SAYS("completed 3: save weight=100% notify=done");
	schedule = plain(CONFIG_UNPROVEN_ADVANCE);
	story = started(&schedule);
	AFTER(29, UNPROVEN, PASS, "progressing 1: save");
	AFTER(1, UNPROVEN, PASS, "progressing 2: save weight=50% notify=step");
	schedule = plain(CONFIG_UNPROVEN_ROLLBACK);
	story = started(&schedule);
	AFTER(29, UNPROVEN, PASS, "progressing 1: save");
	AFTER(1, UNPROVEN, PASS, "rolled_back 1: save weight=0% notify=rollback");
	assert_int_equal(story.rollout.cause, ROLLOUT_BY_UNPROVEN);
}

/* A check that cannot be answered is no pass and no failure; one that fails holds the step when its time is over. */
static void test_checks(void **state)
{
	struct config_schedule schedule = plain(CONFIG_UNPROVEN_HOLD);
	struct story story = started(&schedule);

	(void)state;
	AFTER(30, HEALTHY, NO_DATA, "paused hold 1: save notify=pause");
	assert_int_equal(story.rollout.cause, ROLLOUT_BY_UNPROVEN);
	assert_string_equal(story.rollout.reason, "check");
	/* Another reason to be held is saved, and not told again. */
	AFTER(1, HEALTHY, HOLD, "paused hold 1: save");
	assert_int_equal(story.rollout.cause, ROLLOUT_BY_CHECK);
	AFTER(1, HEALTHY, PASS, "progressing 2: save weight=50% notify=step");
	/* Before its time is over a check that fails is no matter. */
	AFTER(9, HEALTHY, HOLD, "progressing 2:");
	AFTER(1, HEALTHY, HOLD, "paused hold 2: save notify=pause");
	assert_string_equal(story.rollout.reason, "check");
	/* It passes again while health is yet to be shown. */
	AFTER(1, UNPROVEN, PASS, "progressing 2: save notify=resume");
	AFTER(1, HEALTHY, PASS, "progressing 3: save weight=95% notify=step");
	/* on_unproven is about evidence: what fails is held whatever it says. */
	schedule = plain(CONFIG_UNPROVEN_ADVANCE);
	story = started(&schedule);
	TICK(300, UNPROVEN, HOLD);
	assert_int_equal(story.rollout.step, 0);
	AFTER(1, UNPROVEN, PASS, "progressing 2: save weight=50% notify=step");
	/* Nor does a step end before every check has looked: a window may be as long as the step. */
	AFTER(30, UNPROVEN, PENDING, "progressing 2: save");
	AFTER(1, UNPROVEN, PENDING, "progressing 2:");
	AFTER(1, UNPROVEN, ROLLBACK, "rolled_back 2: save weight=0% notify=rollback");
	schedule = plain(CONFIG_UNPROVEN_HOLD);
	story = started(&schedule);
	TICK(30, UNPROVEN, PENDING);
	AFTER(1, UNPROVEN, NO_DATA, "paused hold 1: save notify=pause");
	/* The agent has been restarted, and looks anew. */
	AFTER(1, HEALTHY, PENDING, "paused hold 1:");
	AFTER(1, HEALTHY, PASS, "progressing 2: save weight=50% notify=step");
}

/* Work and holds count towards a deadline, pauses do not. */
static void test_deadline(void **state)
{
	struct config_schedule schedule = plain(CONFIG_UNPROVEN_HOLD);
	struct story story;

	(void)state;
	schedule.deadline = 60000;
	story = started(&schedule);
	AFTER(30, UNPROVEN, PASS, "paused hold 1: save notify=pause");
	story_do(&story, ROLLOUT_PAUSE);
	TICK(100, UNPROVEN, PASS);
	story_do(&story, ROLLOUT_RESUME);
	SAYS("paused hold 1: save weight=5% notify=resume");
	AFTER(29, UNPROVEN, PASS, "paused hold 1: save"); /* the reason is the step's again */
	AFTER(1, UNPROVEN, PASS, "rolled_back 1: save weight=0% notify=rollback");
	assert_int_equal(story.rollout.cause, ROLLOUT_BY_DEADLINE);
	/* Each step has its own. */
	story = started(&schedule);
	TICK(55, UNPROVEN, PASS);
	AFTER(1, HEALTHY, PASS, "progressing 2: save weight=50% notify=step");
	TICK(55, UNPROVEN, PASS);
	assert_int_equal(story.rollout.step, 1);
}

static void test_promote(void **state)
{
	struct config_schedule schedule = plain(CONFIG_UNPROVEN_HOLD);
	struct story story = started(&schedule);

	(void)state;
	story_do(&story, ROLLOUT_PROMOTE);
	SAYS("progressing 2: save weight=50% notify=step");
	AFTER(10, HEALTHY, HOLD, "paused hold 2: save notify=pause");
	story_do(&story, ROLLOUT_PAUSE);
	story_do(&story, ROLLOUT_PROMOTE);
	SAYS("progressing 3: save weight=95% notify=step");
	story_do(&story, ROLLOUT_PROMOTE);
	SAYS("completed 3: save weight=100% notify=done");
}

/* Capacity, holdback and what other versions on trial have. */
static void test_limits(void **state)
{
	const struct config_schedule schedule = plain(CONFIG_UNPROVEN_HOLD);
	struct story story;

	(void)state;
	story_begin(&story, &schedule);
	story.event.limits = (struct rollout_limits){ .capacity = 4000, .others = 1000 };
	story_do(&story, ROLLOUT_START);
	AFTER(10, HEALTHY, PASS, "progressing 2: save weight=40% notify=step");
	/* They move under it, and the next tick obeys. */
	story.event.limits.capacity = 3000;
	AFTER(1, HEALTHY, PASS, "progressing 2: save weight=30%");
	story.event.limits = (struct rollout_limits){ .capacity = 10000, .others = 6000 };
	AFTER(1, HEALTHY, PASS, "progressing 2: save weight=35%");
	AFTER(8, HEALTHY, PASS, "progressing 3: save weight=35% notify=step");
	/* Under somebody's pause nothing rises, but limits hold. */
	story_do(&story, ROLLOUT_PAUSE);
	story.event.limits.others = 0;
	AFTER(1, HEALTHY, PASS, "paused user 3:");
	story.event.limits.others = 7000;
	AFTER(1, HEALTHY, PASS, "paused user 3: save weight=25%");
	story_do(&story, ROLLOUT_RESUME);
	AFTER(10, HEALTHY, PASS, "completed 3: save weight=30% notify=done");
	/* Nothing is left at all: not a share below 0. */
	story_begin(&story, &schedule);
	story_do(&story, ROLLOUT_START);
	story.event.limits.others = 10000;
	AFTER(1, HEALTHY, PASS, "progressing 1: save weight=0%");
}

/* G begins anew every five minutes and with every weight, whatever the rollout waits for. */
static void test_epochs(void **state)
{
	struct config_schedule schedule = plain(CONFIG_UNPROVEN_HOLD);
	struct story story;

	(void)state;
	schedule.steps[0].for_ms = 3600000;
	story = started(&schedule);
	AFTER(299, UNPROVEN, PASS, "progressing 1:");
	AFTER(1, UNPROVEN, PASS, "progressing 1: save epoch");
	TICK(200, UNPROVEN, PASS);
	story_do(&story, ROLLOUT_PAUSE);
	AFTER(99, UNPROVEN, PASS, "paused user 1:");
	AFTER(1, UNPROVEN, PASS, "paused user 1: save epoch");
	story.event.verdict.suspended = true;
	AFTER(300, UNPROVEN, PASS, "paused user 1: save epoch");
	story_do(&story, ROLLOUT_ABORT);
	AFTER(600, UNPROVEN, PASS, "aborted 1:");
}

/* What may be found any moment is waited for, however a step would end; what is found is not. */
static void test_pending(void **state)
{
	struct config_schedule schedule = plain(CONFIG_UNPROVEN_ADVANCE);
	struct story story;

	(void)state;
	schedule.extend = 1;
	story = started(&schedule);
	AFTER(9, UNPROVEN, PASS, "progressing 1:");
	story.event.verdict.pending = true;
	AFTER(10, UNPROVEN, PASS, "progressing 1:");
	AFTER(10, UNPROVEN, HOLD, "progressing 1:");
	story.event.verdict.pending = false;
	AFTER(1, UNPROVEN, PASS, "progressing 2: save weight=50% notify=step");
	story.event.verdict.pending = true;
	TICK(1, REGRESSION, PASS);
	assert_int_equal(story.rollout.state, ROLLOUT_ROLLED_BACK);
	story = started(&schedule);
	TICK(1, UNPROVEN, ROLLBACK);
	assert_int_equal(story.rollout.state, ROLLOUT_ROLLED_BACK);
	/* Nor does the epoch end over it. */
	schedule.steps[0].for_ms = 3600000;
	story = started(&schedule);
	story.event.verdict.pending = false;
	AFTER(299, UNPROVEN, PASS, "progressing 1:");
	story.event.verdict.pending = true;
	AFTER(2, UNPROVEN, PASS, "progressing 1:");
	story.event.verdict.pending = false;
	AFTER(1, UNPROVEN, PASS, "progressing 1: save epoch");
}

/* An agent that was gone for a day, a clock that was set: nobody watched, so nothing passed. */
static void test_gaps(void **state)
{
	const struct config_schedule schedule = plain(CONFIG_UNPROVEN_HOLD);
	struct story story = started(&schedule);

	(void)state;
	story.now += 86400000;
	story_do(&story, ROLLOUT_RESTARTED);
	SAYS("progressing 1: save notify=start");
	AFTER(9, HEALTHY, PASS, "progressing 1:");
	story.now -= 86400000;
	TICK(0, HEALTHY, PASS);
	story_do(&story, ROLLOUT_TICK);
	SAYS("progressing 1:");
	assert_int_equal(story.rollout.judged_ms, 9000);
	/* Once, the longest gap there is. */
	story.now += 86400000;
	story_do(&story, ROLLOUT_TICK);
	SAYS("progressing 2: save weight=50% notify=step");
	story_do(&story, ROLLOUT_TICK);
	story_do(&story, ROLLOUT_TICK);
	SAYS("progressing 2:");
	assert_int_equal(story.rollout.judged_ms, 0);
}

/* The longest step extended as far as can be does not wrap around. */
static void test_longest(void **state)
{
	struct config_schedule schedule = plain(CONFIG_UNPROVEN_ROLLBACK);
	struct story story;

	(void)state;
	schedule.steps[0].for_ms = 604800000;
	schedule.extend = 100;
	story = started(&schedule);
	story.rollout.judged_ms = 60480000000 - 200;
	TICK(0, UNPROVEN, PASS);
	story.now += 100;
	story_do(&story, ROLLOUT_TICK);
	SAYS("progressing 1: save");
	story.now += 100;
	story_do(&story, ROLLOUT_TICK);
	SAYS("rolled_back 1: save weight=0% notify=rollback");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_itself),       cmocka_unit_test(test_pauses),
		cmocka_unit_test(test_pause_into_hold), cmocka_unit_test(test_unproven),
		cmocka_unit_test(test_checks),          cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_promote),         cmocka_unit_test(test_limits),
		cmocka_unit_test(test_epochs),          cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_longest),         cmocka_unit_test(test_pending),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
