/* SPDX-License-Identifier: BSD-2-Clause */
/* A rollout that is led through its events, and what became of it in words; for the tests of rollout.h. Behind cmocka.h. */
#ifndef SERIN_ROLLOUT_STORY_H
#define SERIN_ROLLOUT_STORY_H

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "rollout.h"
#include "scalar.h"

struct story {
	struct rollout rollout;
	struct rollout_event event; /* of the next event, but for its kind and time */
	struct rollout_actions actions;
	int64_t now;
	char text[256]; /* "paused hold 1: save notify=pause" */
};

/* 5 % for 10 s and a pause of 20 s; 25 % until promoted; 100 %. */
static inline const struct config_schedule *story_schedule(void)
{
	static const struct config_schedule schedule = {
		.steps = { { .weight = 500, .for_ms = 10000, .pause = CONFIG_PAUSE_TIMED, .pause_ms = 20000 },
			   { .weight = 2500, .pause = CONFIG_PAUSE_MANUAL },
			   { .weight = 10000 } },
		.step_count = 3,
		.holdback = 500,
		.extend = 3,
		.reset = true,
	};

	return &schedule;
}

static inline void story_begin(struct story *story, const struct config_schedule *schedule)
{
	*story = (struct story){
		.now = 1700000000000,
		.rollout = { .number = 7, .now = 1700000000000 },
		.event = { .by = "uid 0",
			   .reason = "because",
			   .limits = { .capacity = SHARE_WHOLE },
			   .version = "canary",
			   .release = "v2",
			   .schedule = schedule,
			   .share = SHARE_WHOLE,
			   .verdict = { .cause = ROLLOUT_BY_LATENCY, .reason = "figures", .checks_reason = "check" } },
	};
}

static inline size_t story_say_action(const struct rollout_action *action, char *room, size_t size)
{
	static const char *const names[] = { "save", "draw", "weight", "epoch", "reset", "roles", "notify" };
	const char *name = names[action->kind];
	char share[SHARE_TEXT_LEN];

	if (action->kind == ROLLOUT_WEIGHT || action->kind == ROLLOUT_ROLES)
		return (size_t)snprintf(room, size, " %s=%s", name, share_format(action->weight, share));
	if (action->kind == ROLLOUT_NOTIFY)
		return (size_t)snprintf(room, size, " %s=%s", name, config_notice_name(action->notice));
	return (size_t)snprintf(room, size, " %s", name);
}

static inline void story_say(struct story *story)
{
	const struct rollout *rollout = &story->rollout;
	bool paused = rollout->pause != ROLLOUT_NOT_PAUSED;
	size_t used;

	used = (size_t)snprintf(story->text, sizeof(story->text), "%s%s%s %zu:", rollout_state_name(rollout->state),
				paused ? " " : "", paused ? rollout_pause_name(rollout->pause) : "", rollout->step + 1);
	for (size_t i = 0; i < story->actions.count; i++)
		used += story_say_action(&story->actions.item[i], story->text + used, sizeof(story->text) - used);
}

static inline int story_apply(struct story *story, enum rollout_event_kind kind, struct complaint *complaint)
{
	const struct rollout before = story->rollout;
	int err;

	story->event.kind = kind;
	story->event.now = story->now;
	err = rollout_apply(&story->rollout, &story->event, &story->actions, complaint);
	if (err) {
		assert_memory_equal(&before, &story->rollout, sizeof(before));
		strcpy(story->text, err == -EBUSY ? "busy" : "invalid");
		return err;
	}
	if (story->actions.count)
		assert_int_equal(story->actions.item[0].kind, ROLLOUT_SAVE);
	for (size_t i = 1; i < story->actions.count; i++)
		assert_int_not_equal(story->actions.item[i].kind, ROLLOUT_SAVE);
	story_say(story);
	return 0;
}

static inline void story_do(struct story *story, enum rollout_event_kind kind)
{
	struct complaint complaint = { "" };

	story_apply(story, kind, &complaint);
}

static inline void story_expect(struct story *story, enum rollout_event_kind kind, int error, const char *text)
{
	struct complaint complaint = { "" };

	assert_int_equal(story_apply(story, kind, &complaint), error);
	assert_string_equal(complaint.text, text);
}

/* Ticks of 100 ms for so many seconds, with that verdict; the text is of the last tick that did something, if any did. */
static inline void story_tick(struct story *story, unsigned int seconds, enum rollout_health health,
			      enum rollout_checks checks)
{
	struct rollout_actions last = { .count = 0 };
	struct complaint complaint;

	story->event.verdict.health = health;
	story->event.verdict.checks = checks;
	for (unsigned int i = 0; i < 10 * seconds; i++) {
		story->now += 100;
		assert_int_equal(story_apply(story, ROLLOUT_TICK, &complaint), 0);
		if (story->actions.count)
			last = story->actions;
	}
	story->actions = last;
	story_say(story);
}

#endif
