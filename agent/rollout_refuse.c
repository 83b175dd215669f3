/* SPDX-License-Identifier: BSD-2-Clause */
/* Why a rollout cannot do now what somebody asks, and what it can; and its words for states and causes. */
#include <errno.h>
#include <stdio.h>

#include "rollout_private.h"

static const char *const state_names[ROLLOUT_STATES] = {
	[ROLLOUT_IDLE] = "idle",           [ROLLOUT_PROGRESSING] = "progressing", [ROLLOUT_PAUSED] = "paused",
	[ROLLOUT_COMPLETED] = "completed", [ROLLOUT_ROLLED_BACK] = "rolled_back", [ROLLOUT_ABORTED] = "aborted",
};

static const char *const pause_names[ROLLOUT_PAUSES] = {
	[ROLLOUT_NOT_PAUSED] = "none",   [ROLLOUT_PAUSE_USER] = "user", [ROLLOUT_PAUSE_MANUAL] = "manual",
	[ROLLOUT_PAUSE_TIMED] = "timed", [ROLLOUT_PAUSE_HOLD] = "hold", [ROLLOUT_PAUSE_REBOOT] = "reboot",
};

static const char *const cause_names[ROLLOUT_CAUSES] = {
	[ROLLOUT_BY_NOTHING] = "none",      [ROLLOUT_BY_ERRORS] = "errors",
	[ROLLOUT_BY_LATENCY] = "latency",   [ROLLOUT_BY_OUTCOMES] = "outcomes",
	[ROLLOUT_BY_CHECK] = "check",       [ROLLOUT_BY_UNPROVEN] = "unproven",
	[ROLLOUT_BY_DEADLINE] = "deadline", [ROLLOUT_BY_NO_BACKEND] = "no_backend",
	[ROLLOUT_BY_BACKENDS] = "backends", [ROLLOUT_BY_REBOOT] = "reboot",
	[ROLLOUT_BY_USER] = "user",
};

const char *rollout_state_name(enum rollout_state state)
{
	return state_names[state];
}

const char *rollout_pause_name(enum rollout_pause pause)
{
	return pause_names[pause];
}

const char *rollout_cause_name(enum rollout_cause cause)
{
	return cause_names[cause];
}

/* What can be asked of a rollout that is paused so. */
static const char *const pause_ways[ROLLOUT_PAUSES] = {
	[ROLLOUT_NOT_PAUSED] = "'pause' stops it, 'promote' goes to the next step now, 'abort' gives it up",
	[ROLLOUT_PAUSE_USER] = "'resume' goes on, 'promote' goes to the next step now, 'abort' gives it up",
	[ROLLOUT_PAUSE_MANUAL] = "'promote' goes to the next step, 'abort' gives it up",
	[ROLLOUT_PAUSE_TIMED] = "'promote' goes to the next step now, 'abort' gives it up",
	[ROLLOUT_PAUSE_HOLD] = "'resume' gives the step its time again, 'promote' ends it so, 'abort' gives it up",
	[ROLLOUT_PAUSE_REBOOT] = "'resume' begins the step again, 'abort' gives it up",
};

static const char *const pause_words[ROLLOUT_PAUSES] = {
	[ROLLOUT_NOT_PAUSED] = "is at",
	[ROLLOUT_PAUSE_USER] = "is paused by somebody at",
	[ROLLOUT_PAUSE_MANUAL] = "waits for 'promote' at",
	[ROLLOUT_PAUSE_TIMED] = "waits for its time at",
	[ROLLOUT_PAUSE_HOLD] = "is held at",
	[ROLLOUT_PAUSE_REBOOT] = "was stopped by a reboot at",
};

/* "version 'canary' (release v2)" */
static const char *subject(const struct rollout *rollout, char buffer[128])
{
	if (rollout->release[0])
		snprintf(buffer, 128, "version '%s' (release %s)", rollout->version, rollout->release);
	else
		snprintf(buffer, 128, "version '%s'", rollout->version);
	return buffer;
}

int rollout_refuse(const struct rollout_move *move)
{
	const struct rollout *rollout = &move->rollout;
	const char *verb = rollout_event_name(move->event->kind);
	const char *colon = rollout->reason[0] ? ": " : "";
	char text[128];

	switch (rollout->state) {
	case ROLLOUT_IDLE:
		return complain(move->complaint, -EBUSY, "cannot %s: no rollout runs, expected 'start' first", verb);
	case ROLLOUT_PROGRESSING:
	case ROLLOUT_PAUSED:
		return complain(move->complaint, -EBUSY, "cannot %s: %s %s step %zu of %zu, expected one of: %s", verb,
				subject(rollout, text), pause_words[rollout->pause], rollout->step + 1,
				rollout->schedule.step_count, pause_ways[rollout->pause]);
	case ROLLOUT_COMPLETED:
		return complain(move->complaint, -EBUSY,
				"cannot %s: the rollout of %s is completed, expected 'finish', which makes it the "
				"baseline, or 'rollback'",
				verb, subject(rollout, text));
	case ROLLOUT_ROLLED_BACK:
		return complain(
			move->complaint, -EBUSY,
			"cannot %s: %s was rolled back (%s%s%.120s), expected 'retry', or 'start --release' with "
			"another one",
			verb, subject(rollout, text), cause_names[rollout->cause], colon, rollout->reason);
	default:
		return complain(move->complaint, -EBUSY,
				"cannot %s: the rollout of %s was aborted, expected 'retry' or 'start'", verb,
				subject(rollout, text));
	}
}
