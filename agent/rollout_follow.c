/* SPDX-License-Identifier: BSD-2-Clause */
/* Looks may be seconds apart, and agents come and go between them: each one is taken for what it says by itself. */
#include "rollout_follow.h"

#include <stdio.h>
#include <string.h>

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static enum rollout_follow_end end_of(const char *state)
{
	static const struct {
		enum rollout_state state;
		enum rollout_follow_end end;
	} ends[] = {
		{ ROLLOUT_IDLE, FOLLOW_COMPLETED }, /* somebody was quick with `finish`: only a completed one can be */
		{ ROLLOUT_COMPLETED, FOLLOW_COMPLETED },
		{ ROLLOUT_ROLLED_BACK, FOLLOW_ROLLED_BACK },
		{ ROLLOUT_ABORTED, FOLLOW_ABORTED },
	};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (!strcmp(state, rollout_state_name(ends[i].state)))
			return ends[i].end;
	}
	return FOLLOW_RUNS;
}

static void take(struct rollout_follow *follow, const json_t *rollout)
{
	*follow = (struct rollout_follow){
		.began = true,
		.number = json_integer_value(json_object_get(rollout, "number")),
		.step = json_integer_value(json_object_get(rollout, "step")),
	};
	snprintf(follow->version, sizeof(follow->version), "%s", text_of(rollout, "version"));
	snprintf(follow->release, sizeof(follow->release), "%s", text_of(rollout, "release"));
	snprintf(follow->state, sizeof(follow->state), "%s", text_of(rollout, "state"));
	snprintf(follow->pause, sizeof(follow->pause), "%s", text_of(rollout, "pause"));
}

enum rollout_follow_end rollout_follow_look(struct rollout_follow *follow, const json_t *rollout, bool *ret_news)
{
	struct rollout_follow now;

	*ret_news = false;
	take(&now, rollout);
	if (!*now.version)
		return FOLLOW_LOST;
	if (follow->began && (strcmp(now.version, follow->version) || strcmp(now.release, follow->release)))
		return FOLLOW_REPLACED;
	*ret_news = !follow->began || now.number != follow->number || now.step != follow->step ||
		    strcmp(now.state, follow->state) || strcmp(now.pause, follow->pause);
	*follow = now;
	return end_of(now.state);
}
