/* SPDX-License-Identifier: BSD-2-Clause */
/* What moves a rollout: time, verdicts, and what happens to the host. The wishes of people are in rollout_verbs.c. */
#include "rollout.h"

#include <string.h>

#include "rollout_private.h"
#include "scalar.h"

bool rollout_is_judged(const struct rollout *rollout)
{
	return rollout->state == ROLLOUT_PROGRESSING || rollout->state == ROLLOUT_PAUSED;
}

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* What is left for the version when the others have theirs and the baseline keeps `rest`. */
static unsigned int clip(unsigned int weight, unsigned int rest, struct rollout_limits limits)
{
	unsigned int taken = limits.others + rest;

	return least(least(weight, limits.capacity), taken < SHARE_WHOLE ? SHARE_WHOLE - taken : 0);
}

unsigned int rollout_judged_share(const struct config_schedule *schedule, size_t step, struct rollout_limits limits)
{
	return clip(schedule->steps[step].weight, schedule->holdback, limits);
}

unsigned int rollout_last_share(const struct config_schedule *schedule, struct rollout_limits limits)
{
	return clip(schedule->steps[schedule->step_count - 1].weight, 0, limits);
}

static uint64_t longest(const struct rollout *rollout)
{
	return (uint64_t)rollout->schedule.steps[rollout->step].for_ms * rollout->schedule.extend;
}

uint64_t rollout_remaining(const struct rollout *rollout)
{
	uint64_t time = 0, gone = rollout->judged_ms;

	if (!rollout_is_judged(rollout))
		return 0;
	if (rollout->pause == ROLLOUT_PAUSE_TIMED) {
		time = rollout->schedule.steps[rollout->step].pause_ms;
		gone = rollout->waited_ms;
	} else if (rollout->state == ROLLOUT_PROGRESSING) {
		time = rollout->extended ? longest(rollout) : rollout->schedule.steps[rollout->step].for_ms;
	}
	return time > gone ? time - gone : 0;
}

void rollout_add(struct rollout_move *move, enum rollout_action_kind kind)
{
	struct rollout_action *action = &move->actions.item[move->actions.count++];

	*action = (struct rollout_action){ .kind = kind,
					   .weight = move->rollout.weight,
					   .notice = move->rollout.noticed };
}

/* Cut between characters where the room ends: JSON takes no half ones. */
static void copy_text(char *room, size_t size, const char *text)
{
	size_t length = strlen(text);

	if (length >= size) {
		for (length = size - 1; length && ((unsigned char)text[length] & 0xc0) == 0x80; length--)
			;
	}
	memcpy(room, text, length);
	room[length] = '\0';
}

void rollout_because(struct rollout_move *move, enum rollout_cause cause, const char *reason)
{
	struct rollout *rollout = &move->rollout;

	rollout->cause = cause;
	copy_text(rollout->reason, sizeof(rollout->reason), reason ? reason : "");
	copy_text(rollout->by, sizeof(rollout->by), move->event->by ? move->event->by : "agent");
}

/* One notice per move: whoever is restarted between saving and telling can say the last one again. */
void rollout_tell(struct rollout_move *move, enum config_notice notice)
{
	move->rollout.notices++;
	move->rollout.noticed = notice;
	move->rollout.since = move->event->now;
	rollout_add(move, ROLLOUT_NOTIFY);
}

void rollout_set_weight(struct rollout_move *move, unsigned int weight)
{
	move->rollout.weight = weight;
	move->rollout.epoch_ms = 0;
	rollout_add(move, ROLLOUT_WEIGHT);
}

/* Another phase of the step, or another state. */
void rollout_turn(struct rollout_move *move, enum rollout_state state, enum rollout_pause pause)
{
	move->rollout.state = state;
	move->rollout.pause = pause;
	move->rollout.under = ROLLOUT_NOT_PAUSED;
}

static void complete(struct rollout_move *move)
{
	rollout_turn(move, ROLLOUT_COMPLETED, ROLLOUT_NOT_PAUSED);
	rollout_set_weight(move, rollout_last_share(&move->rollout.schedule, move->event->limits));
	rollout_tell(move, CONFIG_NOTICE_DONE);
}

static enum rollout_pause own_pause(const struct rollout *rollout)
{
	static const enum rollout_pause pauses[] = {
		[CONFIG_PAUSE_NONE] = ROLLOUT_NOT_PAUSED,
		[CONFIG_PAUSE_TIMED] = ROLLOUT_PAUSE_TIMED,
		[CONFIG_PAUSE_MANUAL] = ROLLOUT_PAUSE_MANUAL,
	};

	return pauses[rollout->schedule.steps[rollout->step].pause];
}

void rollout_enter(struct rollout_move *move, size_t step, enum config_notice notice)
{
	struct rollout *rollout = &move->rollout;
	const struct config_step *config = &rollout->schedule.steps[step];
	enum rollout_pause pause;

	rollout->step = step;
	rollout->judged_ms = rollout->worked_ms = rollout->waited_ms = 0;
	rollout->waited = rollout->extended = false;
	pause = config->for_ms ? ROLLOUT_NOT_PAUSED : own_pause(rollout);
	/* Only the last step may have neither: it was never meant to be judged. */
	if (!config->for_ms && pause == ROLLOUT_NOT_PAUSED) {
		complete(move);
		return;
	}
	rollout_turn(move, pause == ROLLOUT_NOT_PAUSED ? ROLLOUT_PROGRESSING : ROLLOUT_PAUSED, pause);
	rollout_set_weight(move, rollout_judged_share(&rollout->schedule, step, move->event->limits));
	if (pause != ROLLOUT_NOT_PAUSED && notice == CONFIG_NOTICE_STEP)
		notice = CONFIG_NOTICE_PAUSE;
	rollout_tell(move, notice);
}

void rollout_advance(struct rollout_move *move)
{
	struct rollout *rollout = &move->rollout;

	if (rollout->step + 1 < rollout->schedule.step_count)
		rollout_enter(move, rollout->step + 1, CONFIG_NOTICE_STEP);
	else
		complete(move);
}

void rollout_take_out(struct rollout_move *move, enum rollout_state state, enum config_notice notice, bool reset)
{
	rollout_turn(move, state, ROLLOUT_NOT_PAUSED);
	rollout_set_weight(move, 0);
	if (reset)
		rollout_add(move, ROLLOUT_RESET);
	rollout_tell(move, notice);
}

static void roll_back(struct rollout_move *move, enum rollout_cause cause, const char *reason)
{
	rollout_because(move, cause, reason);
	rollout_take_out(move, ROLLOUT_ROLLED_BACK, CONFIG_NOTICE_ROLLBACK, move->rollout.schedule.reset);
}

static void hold(struct rollout_move *move, enum rollout_cause cause, const char *reason)
{
	bool already = move->rollout.pause == ROLLOUT_PAUSE_HOLD;

	/* Figures change with every tick: neither a reason to write nor to tell. */
	if (already && move->rollout.cause == cause)
		return;
	rollout_because(move, cause, reason);
	rollout_turn(move, ROLLOUT_PAUSED, ROLLOUT_PAUSE_HOLD);
	if (already)
		move->changed = true;
	else
		rollout_tell(move, CONFIG_NOTICE_PAUSE);
}

/* The step has done what it was for: what is left is its own pause, if it has one. */
static void pass(struct rollout_move *move)
{
	struct rollout *rollout = &move->rollout;
	enum rollout_pause pause = rollout->waited ? ROLLOUT_NOT_PAUSED : own_pause(rollout);

	rollout_because(move, ROLLOUT_BY_NOTHING, NULL);
	if (pause == ROLLOUT_NOT_PAUSED) {
		rollout_advance(move);
		return;
	}
	rollout_turn(move, ROLLOUT_PAUSED, pause);
	rollout_tell(move, CONFIG_NOTICE_PAUSE);
}

/* Its time is over, and nothing shows that the version is healthy. */
static void unproven(struct rollout_move *move)
{
	static const char reason[] = "the step's time is over without evidence of health";
	const struct rollout_verdict *verdict = &move->event->verdict;
	struct rollout *rollout = &move->rollout;
	const char *why = verdict->checks == ROLLOUT_CHECKS_NO_DATA ? verdict->checks_reason : verdict->reason;
	bool pending = verdict->checks == ROLLOUT_CHECKS_PENDING;

	if (pending && rollout->pause == ROLLOUT_PAUSE_HOLD)
		return;
	/* A window as long as the step is over a moment after it, and the answer to a query another moment later. */
	if (rollout->judged_ms < longest(rollout) || pending) {
		move->changed |= !rollout->extended;
		rollout->extended = true;
		if (rollout->pause != ROLLOUT_PAUSE_HOLD)
			return;
		rollout_because(move, ROLLOUT_BY_NOTHING, NULL);
		rollout_turn(move, ROLLOUT_PROGRESSING, ROLLOUT_NOT_PAUSED);
		rollout_tell(move, CONFIG_NOTICE_RESUME);
		return;
	}
	switch (rollout->schedule.on_unproven) {
	case CONFIG_UNPROVEN_HOLD:
		hold(move, ROLLOUT_BY_UNPROVEN, why ? why : reason);
		return;
	case CONFIG_UNPROVEN_ADVANCE:
		pass(move);
		return;
	case CONFIG_UNPROVEN_ROLLBACK:
		roll_back(move, ROLLOUT_BY_UNPROVEN, why ? why : reason);
		return;
	}
}

/* A step that runs, or is held. One without a time was only to be paused at: it asks for no evidence. */
static void work(struct rollout_move *move, uint64_t passed)
{
	const struct rollout_verdict *verdict = &move->event->verdict;
	struct rollout *rollout = &move->rollout;
	const struct config_step *step = &rollout->schedule.steps[rollout->step];

	rollout->judged_ms += passed;
	rollout->worked_ms += passed;
	if (rollout->judged_ms >= step->for_ms && verdict->checks != ROLLOUT_CHECKS_HOLD &&
	    (!step->for_ms || rollout->waited ||
	     (verdict->health == ROLLOUT_HEALTHY && verdict->checks == ROLLOUT_CHECKS_PASS)))
		pass(move);
	else if (rollout->schedule.deadline && rollout->worked_ms >= rollout->schedule.deadline)
		roll_back(move, ROLLOUT_BY_DEADLINE, "the step's deadline is over");
	else if (rollout->judged_ms < step->for_ms)
		return;
	else if (verdict->checks == ROLLOUT_CHECKS_HOLD)
		hold(move, ROLLOUT_BY_CHECK, verdict->checks_reason);
	else
		unproven(move);
}

static void wait(struct rollout_move *move, uint64_t passed)
{
	struct rollout *rollout = &move->rollout;

	rollout->waited_ms += passed;
	if (rollout->waited_ms < rollout->schedule.steps[rollout->step].pause_ms)
		return;
	rollout->waited = true;
	if (move->event->verdict.checks == ROLLOUT_CHECKS_HOLD)
		hold(move, ROLLOUT_BY_CHECK, move->event->verdict.checks_reason);
	else
		rollout_advance(move);
}

/* Limits move under a rollout when the file is changed, and no step is an excuse to go beyond them. */
static void keep_limits(struct rollout_move *move)
{
	struct rollout *rollout = &move->rollout;
	unsigned int share = rollout_judged_share(&rollout->schedule, rollout->step, move->event->limits);

	if (rollout->pause == ROLLOUT_PAUSE_REBOOT)
		return;
	/* What somebody has set by hand meanwhile is theirs to answer for. */
	if (rollout->pause == ROLLOUT_PAUSE_USER)
		share = clip(rollout->weight, rollout->schedule.holdback, move->event->limits);
	if (share != rollout->weight)
		rollout_set_weight(move, share);
}

static void keep_epoch(struct rollout_move *move, uint64_t passed)
{
	struct rollout *rollout = &move->rollout;

	rollout->epoch_ms += passed;
	if (rollout->epoch_ms < ROLLOUT_EPOCH_MS || move->event->verdict.pending)
		return;
	rollout->epoch_ms = 0;
	rollout_add(move, ROLLOUT_EPOCH);
}

/* Time that nobody watched is no time: it counts up to ROLLOUT_MAX_GAP_MS, whatever a clock says. */
static uint64_t passed_since(const struct rollout *rollout, int64_t now)
{
	if (now <= rollout->now)
		return 0;
	return now - rollout->now < ROLLOUT_MAX_GAP_MS ? (uint64_t)(now - rollout->now) : ROLLOUT_MAX_GAP_MS;
}

static void decide(struct rollout_move *move, uint64_t passed)
{
	const struct rollout_verdict *verdict = &move->event->verdict;
	const struct rollout *rollout = &move->rollout;

	if (verdict->health == ROLLOUT_REGRESSION)
		roll_back(move, verdict->cause, verdict->reason);
	else if (verdict->checks == ROLLOUT_CHECKS_ROLLBACK)
		roll_back(move, ROLLOUT_BY_CHECK, verdict->checks_reason);
	else if (verdict->pending)
		return;
	else if (rollout->state == ROLLOUT_PROGRESSING || rollout->pause == ROLLOUT_PAUSE_HOLD)
		work(move, passed);
	else if (rollout->pause == ROLLOUT_PAUSE_TIMED)
		wait(move, passed);
}

void rollout_tick(struct rollout_move *move)
{
	const struct rollout_verdict *verdict = &move->event->verdict;
	struct rollout *rollout = &move->rollout;
	uint64_t passed = passed_since(rollout, move->event->now);

	if (!rollout_is_judged(rollout))
		return;
	if (!verdict->suspended)
		decide(move, passed);
	if (!rollout_is_judged(rollout))
		return;
	keep_limits(move);
	keep_epoch(move, passed);
}
