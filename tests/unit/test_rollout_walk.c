/* SPDX-License-Identifier: BSD-2-Clause */
/* What holds of every rollout whatever happens to it, and that it is the same behind its JSON at any moment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "rollout_json.h"
#include "rollout_story.h"

#define WALKS 120
#define EVENTS 200

static uint64_t seed;
/* How often each event did something in each state: a walk that never gets there proves nothing. */
static unsigned int seen[ROLLOUT_STATES][ROLLOUT_EVENTS], paused[ROLLOUT_PAUSES];

/* SplitMix64: the same walk on every machine. */
static unsigned int draw(unsigned int below)
{
	uint64_t z = seed += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return (unsigned int)((z ^ (z >> 31)) % below);
}

static void draw_schedule(struct config_schedule *schedule)
{
	unsigned int weight = 0;

	*schedule = (struct config_schedule){
		.holdback = 1 + draw(5000),
		.on_unproven = (enum config_unproven)draw(3),
		.extend = 1 + draw(4),
		.deadline = draw(2) ? 30000 + draw(60000) : 0,
		.reset = draw(2),
	};
	for (schedule->step_count = 1 + draw(6); weight < schedule->step_count; weight++) {
		struct config_step *step = &schedule->steps[weight];
		bool last = weight + 1 == schedule->step_count;

		step->weight = last ? 10000 : 1 + weight * 1500 + draw(1400);
		step->for_ms = draw(3) ? 1000 + draw(20000) : 0;
		step->pause = (enum config_pause)draw(3);
		step->pause_ms = step->pause == CONFIG_PAUSE_TIMED ? 1000 + draw(9000) : 0;
		if (!last && !step->for_ms && step->pause == CONFIG_PAUSE_NONE)
			step->for_ms = 1000;
	}
}

static void draw_event(struct story *story)
{
	static const char *const releases[] = { NULL, "", "v1", "v2" };
	struct rollout_event *event = &story->event;
	struct rollout_verdict *verdict = &event->verdict;
	unsigned int odd;

	/* Ticks above all, or nothing would ever take its time. */
	event->kind = draw(4) ? ROLLOUT_TICK : (enum rollout_event_kind)draw(ROLLOUT_EVENTS);
	story->now += draw(50) ? (int64_t)draw(3000) : (int64_t)draw(1000000) - 500000;
	event->release = releases[draw(4)];
	event->limits.capacity = draw(20) ? 10000 : 1 + draw(10000);
	event->limits.others = draw(20) ? 500 : draw(10001);
	event->share = draw(2) ? 10000 : draw(10001);
	verdict->health = draw(60) ? (enum rollout_health)draw(2) : ROLLOUT_REGRESSION;
	verdict->checks = draw(60) ? (enum rollout_checks)draw(4) : ROLLOUT_CHECKS_ROLLBACK;
	odd = draw(40);
	verdict->suspended = !odd;
	verdict->pending = odd == 1;
}

static struct rollout through_json(const struct rollout *rollout)
{
	json_t *json = rollout_encode(rollout), *again;
	char *text = json_dumps(json, 0);
	struct complaint complaint = { "" };
	struct rollout copy;

	assert_non_null(text);
	json_decref(json);
	again = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	if (rollout_decode(again, &copy, &complaint))
		fail_msg("%s in %s", complaint.text, text);
	free(text);
	json_decref(again);
	return copy;
}

/* Padding may differ, and nothing else. */
static void assert_same(const struct rollout *a, const struct rollout *b)
{
	json_t *one = rollout_encode(a), *other = rollout_encode(b);

	if (!json_equal(one, other))
		fail_msg("%s\nis not\n%s", json_dumps(one, 0), json_dumps(other, 0));
	json_decref(one);
	json_decref(other);
}

static bool sets(const struct rollout_actions *actions, enum rollout_action_kind kind)
{
	for (size_t i = 0; i < actions->count; i++) {
		if (actions->item[i].kind == kind)
			return true;
	}
	return false;
}

static unsigned int clipped(unsigned int weight)
{
	return weight < 10000 ? 10000 - weight : 0;
}

/* Between a rollout before an event and behind it. */
static void assert_sound(const struct story *story, const struct rollout *before)
{
	const struct rollout *now = &story->rollout;
	const struct rollout_event *event = &story->event;
	const struct rollout_limits *limits = &event->limits;
	bool anew = sets(&story->actions, ROLLOUT_DRAW), moved = sets(&story->actions, ROLLOUT_WEIGHT);

	assert_true((now->state == ROLLOUT_PAUSED) == (now->pause != ROLLOUT_NOT_PAUSED));
	if (moved) {
		assert_true(now->weight <= limits->capacity);
		assert_true(now->weight <= clipped(limits->others));
	}
	/* Never beyond the limits for longer than until the next tick, and never at all of what is judged. */
	if (rollout_is_judged(now) && (moved || event->kind == ROLLOUT_TICK))
		assert_true(now->weight <= clipped(limits->others + now->schedule.holdback) &&
			    now->weight <= limits->capacity && now->weight <= now->schedule.steps[now->step].weight);
	if (now->state == ROLLOUT_ROLLED_BACK || now->state == ROLLOUT_ABORTED || now->pause == ROLLOUT_PAUSE_REBOOT)
		assert_int_equal(now->weight, 0);
	assert_int_equal(now->number, before->number + anew);
	/* A weight never changes unsaid. */
	if (!moved && !sets(&story->actions, ROLLOUT_ROLES))
		assert_int_equal(now->weight, before->weight);
	if (!anew && event->kind != ROLLOUT_BACKENDS)
		assert_true(now->step == before->step || now->step == before->step + 1);
	assert_true(now->notices <= before->notices + 1 || anew);
	/* What was rolled back stays so but for retry, and for another release. */
	if (before->state == ROLLOUT_ROLLED_BACK && now->state != ROLLOUT_ROLLED_BACK)
		assert_true(event->kind == ROLLOUT_RETRY ||
			    (event->kind == ROLLOUT_START && strcmp(now->release, before->release)));
	/* By itself nothing but a rollback moves what somebody has paused, or the host's reboot has. */
	if ((before->pause == ROLLOUT_PAUSE_USER || before->pause == ROLLOUT_PAUSE_REBOOT) &&
	    event->kind == ROLLOUT_TICK)
		assert_true(now->pause == before->pause || now->state == ROLLOUT_ROLLED_BACK);
	if (event->verdict.suspended && event->kind == ROLLOUT_TICK)
		assert_true(now->state == before->state && now->step == before->step);
	if (event->verdict.pending && event->kind == ROLLOUT_TICK)
		assert_true(now->state == ROLLOUT_ROLLED_BACK ||
			    (now->state == before->state && now->step == before->step));
	if (sets(&story->actions, ROLLOUT_ROLES))
		assert_true(before->state == ROLLOUT_COMPLETED && event->kind == ROLLOUT_FINISH);
}

/* Once more at the same time: nothing advances twice. */
static void assert_settled(const struct story *story)
{
	struct story again = *story;
	size_t step = again.rollout.step;
	struct complaint complaint;
	bool hold = again.rollout.pause == ROLLOUT_PAUSE_HOLD;

	if (story->event.kind != ROLLOUT_TICK)
		return;
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(story_apply(&again, ROLLOUT_TICK, &complaint), 0);
	/* What is held only waits for a verdict, and that may be this one: as long as it is not, it stays. */
	if (!hold)
		assert_int_equal(again.rollout.step, step);
}

static void walk(void)
{
	struct story story, twin;
	struct config_schedule schedule;
	struct complaint complaint, other;

	draw_schedule(&schedule);
	story_begin(&story, &schedule);
	for (unsigned int i = 0; i < EVENTS; i++) {
		const struct rollout before = story.rollout;
		int err;

		if (!draw(20))
			draw_schedule(&schedule);
		draw_event(&story);
		twin = story;
		twin.rollout = through_json(&story.rollout);
		err = story_apply(&story, story.event.kind, &complaint);
		assert_int_equal(story_apply(&twin, story.event.kind, &other), err);
		assert_same(&story.rollout, &twin.rollout);
		if (err) {
			assert_string_equal(complaint.text, other.text);
			continue;
		}
		assert_int_equal(story.actions.count, twin.actions.count);
		assert_string_equal(story.text, twin.text);
		if (story.actions.count)
			seen[before.state][story.event.kind]++;
		paused[story.rollout.pause]++;
		assert_sound(&story, &before);
		assert_settled(&story);
	}
}

static void test_walks(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < WALKS; i++) {
		seed = i;
		walk();
	}
	for (enum rollout_event_kind kind = ROLLOUT_START; kind < ROLLOUT_EVENTS; kind++) {
		unsigned int sum = 0;

		for (enum rollout_state s = ROLLOUT_IDLE; s < ROLLOUT_STATES; s++)
			sum += seen[s][kind];
		if (sum < 5)
			fail_msg("%s did something %u times", rollout_event_name(kind), sum);
	}
	for (enum rollout_pause pause = ROLLOUT_NOT_PAUSED; pause < ROLLOUT_PAUSES; pause++)
		assert_true(paused[pause] >= 5);
}

/* However often ticks come, a step takes its time, give or take one of them. */
static void test_ticks(void **state)
{
	static const unsigned int every[] = { 1, 7, 100, 999, 1000, 3000 };
	const struct config_schedule schedule = {
		.steps = { { .weight = 500, .for_ms = 10000 },
			   { .weight = 1000, .for_ms = 10000 },
			   { .weight = 2000, .for_ms = 10000 } },
		.step_count = 3,
		.holdback = 500,
		.extend = 3,
	};
	struct complaint complaint;
	struct story story;

	(void)state;
	for (size_t i = 0; i < sizeof(every) / sizeof(every[0]); i++) {
		unsigned int moves = 0;
		int64_t last;

		story_begin(&story, &schedule);
		story_do(&story, ROLLOUT_START);
		story.event.verdict.health = ROLLOUT_HEALTHY;
		for (last = story.now; story.rollout.state != ROLLOUT_COMPLETED;) {
			size_t step = story.rollout.step;

			story.now += every[i];
			assert_int_equal(story_apply(&story, ROLLOUT_TICK, &complaint), 0);
			if (story.rollout.step == step && story.rollout.state == ROLLOUT_PROGRESSING)
				continue;
			assert_in_range(story.now - last, 10000, 10000 + every[i] - 1);
			last = story.now;
			moves++;
		}
		assert_int_equal(moves, 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walks),
		cmocka_unit_test(test_ticks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
