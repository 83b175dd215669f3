/* SPDX-License-Identifier: BSD-2-Clause */
/* What is null, missing or of another type is not known. */
#include "api_metrics_rollout.h"

#include <string.h>

#define UNKNOWN (-1.0)

static double number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_number(value) && json_number_value(value) >= 0 ? json_number_value(value) : UNKNOWN;
}

static enum rollout_state state_of(const json_t *rollout)
{
	const char *text = json_string_value(json_object_get(rollout, "state"));

	for (unsigned int i = 0; text && i < ROLLOUT_STATES; i++) {
		if (!strcmp(text, rollout_state_name((enum rollout_state)i)))
			return (enum rollout_state)i;
	}
	return ROLLOUT_IDLE;
}

static enum rollout_pause pause_of(const json_t *rollout)
{
	const char *text = json_string_value(json_object_get(rollout, "pause"));

	for (unsigned int i = 0; text && i < ROLLOUT_PAUSES; i++) {
		if (!strcmp(text, rollout_pause_name((enum rollout_pause)i)))
			return (enum rollout_pause)i;
	}
	return ROLLOUT_NOT_PAUSED;
}

static uint64_t count(const json_t *object, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(object, key));

	return value > 0 ? (uint64_t)value : 0;
}

/* Before the first rollout all are known to be zero. */
static void read_counts(const json_t *rollout, struct metrics_rollout *ret)
{
	static const char *const reasons[SERIN_GUARD_REASON_COUNT] = {
#define REASON(upper, label, text) #label,
		SERIN_GUARD_REASONS(REASON)
#undef REASON
	};
	const json_t *counts = json_object_get(rollout, "counts");
	const json_t *rollbacks = json_object_get(counts, "rollbacks"), *trips = json_object_get(counts, "trips");

	ret->outcomes_lost = count(counts, "outcomes_lost");
	ret->is_counted = json_is_null(rollout) || json_is_object(counts);
	for (unsigned int i = 0; i < ROLLOUT_CAUSES; i++)
		ret->rollbacks[i] = count(rollbacks, rollout_cause_name((enum rollout_cause)i));
	for (unsigned int i = 0; i < SERIN_GUARD_REASON_COUNT; i++)
		ret->trips[i] = count(trips, reasons[i]);
}

void api_rollout_metrics(const json_t *rollout, struct metrics_rollout *ret)
{
	const json_t *checks = json_object_get(json_object_get(rollout, "judge"), "checks");
	const json_t *guard = json_object_get(rollout, "guard");
	enum rollout_state state = state_of(rollout);
	bool is_judged = state == ROLLOUT_PROGRESSING || state == ROLLOUT_PAUSED;

	ret->version = json_string_value(json_object_get(rollout, "version"));
	ret->phase = state;
	ret->pause = pause_of(rollout);
	ret->step = is_judged ? (unsigned int)count(rollout, "step") : 0;
	/* Of one that has ended well it would be an alert on nothing. */
	if (!is_judged && state != ROLLOUT_ROLLED_BACK)
		checks = NULL;
	for (unsigned int i = 0; i < JUDGE_CHECKS; i++)
		ret->evidence[i] = number(json_object_get(checks, judge_check_name((enum judge_check)i)), "ratio");
	ret->allowance = json_is_true(json_object_get(guard, "armed")) ? number(guard, "allowance") : UNKNOWN;
	ret->detection_seconds = number(rollout, "detection_seconds");
	read_counts(rollout, ret);
}
