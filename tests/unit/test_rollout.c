/* SPDX-License-Identifier: BSD-2-Clause */
/* Every event in every state of a rollout, and the story of each kind of step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "rollout_story.h"

/* Where a rollout can be. */
enum situation {
	IDLE,
	PROGRESSING,
	USER,
	USER_OVER_HOLD,
	MANUAL,
	TIMED,
	HOLD,
	REBOOT,
	COMPLETED,
	ROLLED_BACK,
	ABORTED,
	SITUATIONS,
};

static const char *const situation_names[SITUATIONS] = {
	"idle", "progressing", "user",      "user over hold", "manual",  "timed",
	"hold", "reboot",      "completed", "rolled_back",    "aborted",
};

/* The schedule of all the table: 5 % for 10 s and a pause of 20 s; 25 % until promoted; 100 %. */
static void arrive(struct story *story, enum situation situation)
{
	story_begin(story, story_schedule());
	if (situation == IDLE)
		return;
	story_do(story, ROLLOUT_START);
	switch (situation) {
	case USER:
		story_do(story, ROLLOUT_PAUSE);
		break;
	case USER_OVER_HOLD:
	case HOLD:
		story_tick(story, 10, ROLLOUT_HEALTHY, ROLLOUT_CHECKS_HOLD);
		if (situation == USER_OVER_HOLD)
			story_do(story, ROLLOUT_PAUSE);
		break;
	case MANUAL:
		story_do(story, ROLLOUT_PROMOTE);
		break;
	case TIMED:
		story_tick(story, 10, ROLLOUT_HEALTHY, ROLLOUT_CHECKS_PASS);
		break;
	case REBOOT:
		story_do(story, ROLLOUT_REBOOTED);
		break;
	case COMPLETED:
		story_do(story, ROLLOUT_PROMOTE);
		story_do(story, ROLLOUT_PROMOTE);
		break;
	case ROLLED_BACK:
		story_do(story, ROLLOUT_ROLLBACK);
		break;
	case ABORTED:
		story_do(story, ROLLOUT_ABORT);
		break;
	default:
		break;
	}
}

/* What becomes of it: state (and pause) behind the event, then the actions; "busy": refused. */
#define FRESH "progressing 1: save draw weight=5% notify=start"
#define OUT "rolled_back 1: save weight=0% reset notify=rollback"
#define GIVEN_UP "aborted 1: save weight=0% notify=abort"
#define PAUSED "paused user 1: save notify=pause"
#define NEXT "paused manual 2: save weight=25% notify=pause"
#define DARK "paused reboot 1: save weight=0% notify=pause"
#define AGAIN "progressing 1: save weight=5% notify=resume"

/* What several situations have in common. */
#define UNDER_WAY [ROLLOUT_START] = "busy", [ROLLOUT_RETRY] = "busy", [ROLLOUT_FINISH] = "busy"
#define NOT_UNDER_WAY [ROLLOUT_PAUSE] = "busy", [ROLLOUT_RESUME] = "busy", [ROLLOUT_PROMOTE] = "busy"
#define LEAVES_STEP_1 \
	[ROLLOUT_PROMOTE] = NEXT, [ROLLOUT_ABORT] = GIVEN_UP, [ROLLOUT_ROLLBACK] = OUT, [ROLLOUT_REBOOTED] = DARK

/* A verdict that is fine, and one second: what passes in ticks is in the stories. */
static const char *const table[SITUATIONS][ROLLOUT_EVENTS] = {
	[IDLE] = { NOT_UNDER_WAY, [ROLLOUT_START] = FRESH, [ROLLOUT_RETRY] = "busy", [ROLLOUT_ABORT] = "busy",
		   [ROLLOUT_FINISH] = "busy", [ROLLOUT_ROLLBACK] = "idle 1:", [ROLLOUT_BACKENDS] = "idle 1:",
		   [ROLLOUT_RESTARTED] = "idle 1:", [ROLLOUT_REBOOTED] = "idle 1:", [ROLLOUT_TICK] = "idle 1:" },
	[PROGRESSING] = { UNDER_WAY, LEAVES_STEP_1, [ROLLOUT_PAUSE] = PAUSED, [ROLLOUT_RESUME] = "busy",
			  [ROLLOUT_BACKENDS] = FRESH, [ROLLOUT_RESTARTED] = "progressing 1: save notify=start",
			  [ROLLOUT_TICK] = "progressing 1:" },
	[USER] = { UNDER_WAY, LEAVES_STEP_1, [ROLLOUT_PAUSE] = "paused user 1:", [ROLLOUT_RESUME] = AGAIN,
		   [ROLLOUT_BACKENDS] = "paused user 1: save draw weight=5% notify=start",
		   [ROLLOUT_RESTARTED] = "paused user 1: save notify=pause", [ROLLOUT_TICK] = "paused user 1:" },
	[USER_OVER_HOLD] = { UNDER_WAY, LEAVES_STEP_1, [ROLLOUT_PAUSE] = "paused user 1:",
			     [ROLLOUT_RESUME] = "paused hold 1: save weight=5% notify=resume",
			     [ROLLOUT_BACKENDS] = "paused user 1: save draw weight=5% notify=start",
			     [ROLLOUT_RESTARTED] = "paused user 1: save notify=pause",
			     [ROLLOUT_TICK] = "paused user 1:" },
	[MANUAL] = { UNDER_WAY, [ROLLOUT_PAUSE] = "paused user 2: save notify=pause", [ROLLOUT_RESUME] = "busy",
		     [ROLLOUT_PROMOTE] = "completed 3: save weight=100% notify=done",
		     [ROLLOUT_ABORT] = "aborted 2: save weight=0% notify=abort",
		     [ROLLOUT_ROLLBACK] = "rolled_back 2: save weight=0% reset notify=rollback",
		     [ROLLOUT_BACKENDS] = FRESH, [ROLLOUT_RESTARTED] = "paused manual 2: save notify=pause",
		     [ROLLOUT_REBOOTED] = "paused reboot 2: save weight=0% notify=pause",
		     [ROLLOUT_TICK] = "paused manual 2:" },
	[TIMED] = { UNDER_WAY,
		    LEAVES_STEP_1, [ROLLOUT_PAUSE] = PAUSED, [ROLLOUT_RESUME] = "busy", [ROLLOUT_BACKENDS] = FRESH,
		    [ROLLOUT_RESTARTED] = "paused timed 1: save notify=pause", [ROLLOUT_TICK] = "paused timed 1:" },
	[HOLD] = { UNDER_WAY, LEAVES_STEP_1, [ROLLOUT_PAUSE] = PAUSED, [ROLLOUT_RESUME] = AGAIN,
		   [ROLLOUT_BACKENDS] = FRESH, [ROLLOUT_RESTARTED] = "paused hold 1: save notify=pause",
		   [ROLLOUT_TICK] = "paused timed 1: save notify=pause" },
	[REBOOT] = { UNDER_WAY, [ROLLOUT_PAUSE] = "paused reboot 1:",
		     [ROLLOUT_RESUME] = "progressing 1: save draw weight=5% notify=resume", [ROLLOUT_PROMOTE] = "busy",
		     [ROLLOUT_ABORT] = GIVEN_UP, [ROLLOUT_ROLLBACK] = OUT, [ROLLOUT_BACKENDS] = "paused reboot 1:",
		     [ROLLOUT_RESTARTED] = "paused reboot 1: save notify=pause",
		     [ROLLOUT_REBOOTED] = "paused reboot 1: save notify=pause", [ROLLOUT_TICK] = "paused reboot 1:" },
	[COMPLETED] = { NOT_UNDER_WAY, [ROLLOUT_START] = "busy", [ROLLOUT_RETRY] = "busy",
			[ROLLOUT_ABORT] = "aborted 3: save weight=0% notify=abort",
			[ROLLOUT_FINISH] = "idle 3: save roles=100% notify=finish",
			[ROLLOUT_ROLLBACK] = "rolled_back 3: save weight=0% reset notify=rollback",
			[ROLLOUT_BACKENDS] = "completed 3:", [ROLLOUT_RESTARTED] = "completed 3: save notify=done",
			[ROLLOUT_REBOOTED] = "completed 3: save notify=done", [ROLLOUT_TICK] = "completed 3:" },
	[ROLLED_BACK] = { NOT_UNDER_WAY, [ROLLOUT_START] = "busy", [ROLLOUT_RETRY] = FRESH, [ROLLOUT_ABORT] = "busy",
			  [ROLLOUT_FINISH] = "busy", [ROLLOUT_ROLLBACK] = "rolled_back 1:",
			  [ROLLOUT_BACKENDS] = "rolled_back 1:",
			  [ROLLOUT_RESTARTED] = "rolled_back 1: save notify=rollback",
			  [ROLLOUT_REBOOTED] = "rolled_back 1: save notify=rollback",
			  [ROLLOUT_TICK] = "rolled_back 1:" },
	[ABORTED] = { NOT_UNDER_WAY, [ROLLOUT_START] = FRESH, [ROLLOUT_RETRY] = FRESH, [ROLLOUT_ABORT] = "aborted 1:",
		      [ROLLOUT_FINISH] = "busy", [ROLLOUT_ROLLBACK] = "aborted 1:", [ROLLOUT_BACKENDS] = "aborted 1:",
		      [ROLLOUT_RESTARTED] = "aborted 1: save notify=abort",
		      [ROLLOUT_REBOOTED] = "aborted 1: save notify=abort", [ROLLOUT_TICK] = "aborted 1:" },
};

static void test_table(void **state)
{
	struct story story;

	(void)state;
	for (enum situation s = IDLE; s < SITUATIONS; s++) {
		for (enum rollout_event_kind kind = ROLLOUT_START; kind < ROLLOUT_EVENTS; kind++) {
			arrive(&story, s);
			if (kind == ROLLOUT_TICK)
				story_tick(&story, 1, ROLLOUT_HEALTHY, ROLLOUT_CHECKS_PASS);
			else
				story_do(&story, kind);
			if (strcmp(story.text, table[s][kind]))
				fail_msg("%s in %s: '%s', expected '%s'", rollout_event_name(kind), situation_names[s],
					 story.text, table[s][kind]);
		}
	}
}

/* Nothing waits for a verdict that is bad, whatever the state of a rollout that is judged. */
static void test_rolled_back(void **state)
{
	struct story story;

	(void)state;
	for (enum situation s = PROGRESSING; s <= REBOOT; s++) {
		arrive(&story, s);
		story_tick(&story, 1, ROLLOUT_REGRESSION, ROLLOUT_CHECKS_PASS);
		assert_int_equal(story.rollout.state, ROLLOUT_ROLLED_BACK);
		assert_int_equal(story.rollout.cause, ROLLOUT_BY_LATENCY);
		assert_string_equal(story.rollout.reason, "figures");
		assert_int_equal(story.rollout.weight, 0);
		arrive(&story, s);
		story_tick(&story, 1, ROLLOUT_HEALTHY, ROLLOUT_CHECKS_ROLLBACK);
		assert_int_equal(story.rollout.state, ROLLOUT_ROLLED_BACK);
		assert_int_equal(story.rollout.cause, ROLLOUT_BY_CHECK);
		assert_string_equal(story.rollout.reason, "check");
		/* There is nowhere to go back to: neither back nor on, until there is. */
		arrive(&story, s);
		story.event.verdict.suspended = true;
		story_tick(&story, 1, ROLLOUT_REGRESSION, ROLLOUT_CHECKS_ROLLBACK);
		assert_true(rollout_is_judged(&story.rollout));
		story_tick(&story, 10, ROLLOUT_HEALTHY, ROLLOUT_CHECKS_PASS);
		assert_int_equal(story.rollout.step, s == MANUAL ? 1 : 0);
		story.event.verdict.suspended = false;
		story_tick(&story, 1, ROLLOUT_REGRESSION, ROLLOUT_CHECKS_PASS);
		assert_int_equal(story.rollout.state, ROLLOUT_ROLLED_BACK);
	}
	for (enum situation s = COMPLETED; s < SITUATIONS; s++) {
		arrive(&story, s);
		story_tick(&story, 1, ROLLOUT_REGRESSION, ROLLOUT_CHECKS_ROLLBACK);
		assert_string_equal(story.text, table[s][ROLLOUT_TICK]);
	}
}

/* The release that was rolled back waits for `retry`, another one does not. */
static void test_latch(void **state)
{
	struct story story;

	(void)state;
	arrive(&story, ROLLED_BACK);
	assert_int_equal(story.rollout.number, 8);
	story.event.release = "v2";
	story_expect(
		&story, ROLLOUT_START, -EBUSY,
		"cannot start: version 'canary' (release v2) was rolled back (user: because), expected 'retry', or 'start "
		"--release' with another one");
	story.event.release = "";
	story_expect(
		&story, ROLLOUT_START, -EBUSY,
		"cannot start: version 'canary' (release v2) was rolled back (user: because), expected 'retry', or 'start "
		"--release' with another one");
	story.event.release = NULL;
	story_do(&story, ROLLOUT_RETRY);
	assert_string_equal(story.rollout.release, "v2");
	assert_int_equal(story.rollout.number, 9);
	story_do(&story, ROLLOUT_ROLLBACK);
	story.event.release = "v3";
	story_do(&story, ROLLOUT_START);
	assert_string_equal(story.text, FRESH);
	assert_string_equal(story.rollout.release, "v3");
	assert_int_equal(story.rollout.number, 10);
}

static void test_start(void **state)
{
	struct config_schedule none = { .holdback = 500 };
	struct story story;
	char release[66];

	(void)state;
	story_begin(&story, NULL);
	story_expect(&story, ROLLOUT_START, -EINVAL,
		     "no steps are configured, expected 'rollout: {steps: ...}' in the service");
	story_begin(&story, &none);
	story_expect(&story, ROLLOUT_START, -EINVAL,
		     "no steps are configured, expected 'rollout: {steps: ...}' in the service");
	story_begin(&story, story_schedule());
	story.event.limits.others = 9500;
	story_expect(
		&story, ROLLOUT_START, -EINVAL,
		"nothing is left for version 'canary': other versions on trial have 95% and the holdback is 5%, expected "
		"less of theirs");
	story_begin(&story, story_schedule());
	story.event.version = NULL;
	story_expect(&story, ROLLOUT_START, -EINVAL, "no version to roll out, expected the name of one on trial");
	story_begin(&story, story_schedule());
	story.event.unseen = "the status of answers is not seen";
	story_expect(
		&story, ROLLOUT_START, -EINVAL,
		"the status of answers is not seen, expected outcomes, 'checks', or --blind to start all the same");
	story.event.blind = true;
	story_do(&story, ROLLOUT_START);
	assert_string_equal(story.text, FRESH);
	assert_true(story.rollout.blind);
	story_begin(&story, story_schedule());
	memset(release, 'x', 65);
	release[65] = '\0';
	story.event.release = release;
	story_expect(&story, ROLLOUT_START, -EINVAL, "a release of 65 bytes, expected up to 64");
	release[64] = '\0';
	story_do(&story, ROLLOUT_START);
	assert_string_equal(story.rollout.release, release);
}

/* Each refusal says where the rollout is and what can be asked of it there. */
static void test_refusals(void **state)
{
	static const struct {
		enum situation situation;
		enum rollout_event_kind kind;
		const char *complaint;
	} cases[] = {
		{ IDLE, ROLLOUT_PROMOTE, "cannot promote: no rollout runs, expected 'start' first" },
		{ PROGRESSING, ROLLOUT_START,
		  "cannot start: version 'canary' (release v2) is at step 1 of 3, expected one of: 'pause' stops it, 'promote' "
		  "goes to the next step now, 'abort' gives it up" },
		{ PROGRESSING, ROLLOUT_FINISH,
		  "cannot finish: version 'canary' (release v2) is at step 1 of 3, expected one of: 'pause' stops it, 'promote' "
		  "goes to the next step now, 'abort' gives it up" },
		{ USER, ROLLOUT_RETRY,
		  "cannot retry: version 'canary' (release v2) is paused by somebody at step 1 of 3, expected one of: 'resume' "
		  "goes on, 'promote' goes to the next step now, 'abort' gives it up" },
		{ MANUAL, ROLLOUT_RESUME,
		  "cannot resume: version 'canary' (release v2) waits for 'promote' at step 2 of 3, expected one of: 'promote' "
		  "goes to the next step, 'abort' gives it up" },
		{ TIMED, ROLLOUT_RESUME,
		  "cannot resume: version 'canary' (release v2) waits for its time at step 1 of 3, expected one of: 'promote' "
		  "goes to the next step now, 'abort' gives it up" },
		{ HOLD, ROLLOUT_FINISH,
		  "cannot finish: version 'canary' (release v2) is held at step 1 of 3, expected one of: 'resume' gives the "
		  "step its time again, 'promote' ends it so, 'abort' gives it up" },
		{ REBOOT, ROLLOUT_PROMOTE,
		  "cannot promote: version 'canary' (release v2) was stopped by a reboot at step 1 of 3, expected one of: "
		  "'resume' begins the step again, 'abort' gives it up" },
		{ COMPLETED, ROLLOUT_START,
		  "cannot start: the rollout of version 'canary' (release v2) is completed, expected 'finish', which makes it "
		  "the baseline, or 'rollback'" },
		{ ROLLED_BACK, ROLLOUT_ABORT,
		  "cannot abort: version 'canary' (release v2) was rolled back (user: because), expected 'retry', or 'start "
		  "--release' with another one" },
		{ ABORTED, ROLLOUT_PAUSE,
		  "cannot pause: the rollout of version 'canary' (release v2) was aborted, expected 'retry' or 'start'" },
	};
	struct story story;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		arrive(&story, cases[i].situation);
		story_expect(&story, cases[i].kind, -EBUSY, cases[i].complaint);
	}
}

/* The version that takes all must have had all: a step to less is completed, too. */
static void test_finish(void **state)
{
	struct story story;

	(void)state;
	arrive(&story, COMPLETED);
	story.event.share = 4000;
	story_expect(
		&story, ROLLOUT_FINISH, -EBUSY,
		"version 'canary' has 40%, and as the baseline it would get 100% at once, expected that share before: "
		"'serin weight' sets it");
	story.event.share = 9000;
	story.event.limits.others = 1000;
	story_do(&story, ROLLOUT_FINISH);
	assert_string_equal(story.text, "idle 3: save roles=90% notify=finish");
	/* The next one, of the version that was the baseline. */
	story.event.version = "stable";
	story.event.release = "v3";
	story_do(&story, ROLLOUT_START);
	assert_string_equal(story.text, FRESH);
	assert_string_equal(story.rollout.version, "stable");
	assert_int_equal(story.rollout.number, 9);
}

static void test_flows(void **state)
{
	static const bool yes = true, no = false;
	struct story story;

	(void)state;
	arrive(&story, PROGRESSING);
	story.event.reset = &no;
	story_do(&story, ROLLOUT_ROLLBACK);
	assert_string_equal(story.text, "rolled_back 1: save weight=0% notify=rollback");
	arrive(&story, PROGRESSING);
	story.event.reset = &yes;
	story_do(&story, ROLLOUT_ABORT);
	assert_string_equal(story.text, "aborted 1: save weight=0% reset notify=abort");
	arrive(&story, PROGRESSING);
	story.event.cause = ROLLOUT_BY_NO_BACKEND;
	story_do(&story, ROLLOUT_ROLLBACK);
	assert_string_equal(story.text, OUT);
	assert_int_equal(story.rollout.cause, ROLLOUT_BY_NO_BACKEND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table), cmocka_unit_test(test_rolled_back), cmocka_unit_test(test_latch),
		cmocka_unit_test(test_start), cmocka_unit_test(test_refusals),    cmocka_unit_test(test_finish),
		cmocka_unit_test(test_flows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
