/* SPDX-License-Identifier: BSD-2-Clause */
/* What people ask of a rollout, and what happens to the host it runs on. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "rollout_private.h"
#include "scalar.h"

typedef int move_fn(struct rollout_move *move);

static bool has_text(const char *text)
{
	return text && *text;
}

/* Clients drawn anew: nothing that was learned of the last draw counts. */
static void draw(struct rollout_move *move)
{
	move->rollout.number++;
	rollout_add(move, ROLLOUT_DRAW);
}

/* A step that gives nothing would wait for evidence that cannot come. */
static int check_schedule(const struct rollout_move *move, const struct config_schedule *schedule, const char *version)
{
	const struct rollout_limits *limits = &move->event->limits;
	char others[SHARE_TEXT_LEN], holdback[SHARE_TEXT_LEN];

	if (!schedule || !schedule->step_count)
		return complain(move->complaint, -EINVAL,
				"no steps are configured, expected 'rollout: {steps: ...}' in the service");
	if (rollout_judged_share(schedule, 0, *limits))
		return 0;
	return complain(
		move->complaint, -EINVAL,
		"nothing is left for version '%s': other versions on trial have %s and the holdback is %s, expected "
		"less of theirs",
		version, share_format(limits->others, others), share_format(schedule->holdback, holdback));
}

static int begin(struct rollout_move *move, const char *version, const char *release,
		 const struct config_schedule *schedule, bool blind)
{
	const struct rollout_event *event = move->event;
	struct rollout fresh = { .number = move->rollout.number, .blind = blind, .now = event->now };

	if (strlen(release) >= sizeof(fresh.release))
		return complain(move->complaint, -EINVAL, "a release of %zu bytes, expected up to %zu", strlen(release),
				sizeof(fresh.release) - 1);
	fresh.schedule = *schedule;
	fresh.began = event->now;
	snprintf(fresh.version, sizeof(fresh.version), "%s", version);
	snprintf(fresh.release, sizeof(fresh.release), "%s", release);
	move->rollout = fresh;
	rollout_because(move, ROLLOUT_BY_USER, event->reason);
	draw(move);
	rollout_enter(move, 0, CONFIG_NOTICE_START);
	return 0;
}

static int start(struct rollout_move *move)
{
	const struct rollout_event *event = move->event;
	const char *release = event->release ? event->release : "";
	int err;

	/* The latch is on what was released: another one has done nothing wrong yet. */
	if (rollout_is_judged(&move->rollout) || move->rollout.state == ROLLOUT_COMPLETED ||
	    (move->rollout.state == ROLLOUT_ROLLED_BACK && (!*release || !strcmp(release, move->rollout.release))))
		return rollout_refuse(move);
	if (!has_text(event->version) || !name_is_valid(event->version, sizeof(move->rollout.version)))
		return complain(move->complaint, -EINVAL, "no version to roll out, expected the name of one on trial");
	err = check_schedule(move, event->schedule, event->version);
	if (err)
		return err;
	if (event->unseen && !event->blind)
		return complain(move->complaint, -EINVAL,
				"%s, expected outcomes, 'checks', or --blind to start all the same", event->unseen);
	return begin(move, event->version, release, event->schedule, event->blind);
}

static int retry(struct rollout_move *move)
{
	const struct rollout_event *event = move->event;
	const struct rollout before = move->rollout;
	int err;

	if (before.state != ROLLOUT_ROLLED_BACK && before.state != ROLLOUT_ABORTED)
		return rollout_refuse(move);
	err = check_schedule(move, event->schedule, before.version);
	return err ? err
		   : begin(move, before.version, event->release ? event->release : before.release, event->schedule,
			   before.blind || event->blind);
}

static int pause(struct rollout_move *move)
{
	struct rollout *rollout = &move->rollout;
	enum rollout_pause under = rollout->pause;

	if (!rollout_is_judged(rollout))
		return rollout_refuse(move);
	/* What is asked for is so already: only a wish can end either. */
	if (under == ROLLOUT_PAUSE_USER || under == ROLLOUT_PAUSE_REBOOT)
		return 0;
	rollout_because(move, ROLLOUT_BY_USER, move->event->reason);
	rollout_turn(move, ROLLOUT_PAUSED, ROLLOUT_PAUSE_USER);
	rollout->under = under;
	rollout_tell(move, CONFIG_NOTICE_PAUSE);
	return 0;
}

/* The step from its beginning, at its share. */
static void again(struct rollout_move *move)
{
	rollout_enter(move, move->rollout.step, CONFIG_NOTICE_RESUME);
}

static void resume_user(struct rollout_move *move)
{
	struct rollout *rollout = &move->rollout;
	enum rollout_pause under = rollout->under;

	rollout_turn(move, under == ROLLOUT_NOT_PAUSED ? ROLLOUT_PROGRESSING : ROLLOUT_PAUSED, under);
	/* Somebody may have set another by hand meanwhile. */
	rollout_set_weight(move, rollout_judged_share(&rollout->schedule, rollout->step, move->event->limits));
	rollout_tell(move, CONFIG_NOTICE_RESUME);
}

static int resume(struct rollout_move *move)
{
	const enum rollout_pause paused = move->rollout.pause;

	if (paused != ROLLOUT_PAUSE_USER && paused != ROLLOUT_PAUSE_HOLD && paused != ROLLOUT_PAUSE_REBOOT)
		return rollout_refuse(move);
	rollout_because(move, ROLLOUT_BY_USER, move->event->reason);
	if (paused == ROLLOUT_PAUSE_USER) {
		resume_user(move);
		return 0;
	}
	/* The kernel's memory of who met an incident went with the reboot: a second count of theirs would be evidence
	 * that there is none of. */
	if (paused == ROLLOUT_PAUSE_REBOOT)
		draw(move);
	again(move);
	return 0;
}

static int promote(struct rollout_move *move)
{
	if (!rollout_is_judged(&move->rollout) || move->rollout.pause == ROLLOUT_PAUSE_REBOOT)
		return rollout_refuse(move);
	rollout_because(move, ROLLOUT_BY_USER, move->event->reason);
	rollout_advance(move);
	return 0;
}

static int abort_rollout(struct rollout_move *move)
{
	const bool *reset = move->event->reset;

	if (move->rollout.state == ROLLOUT_ABORTED)
		return 0;
	if (!rollout_is_judged(&move->rollout) && move->rollout.state != ROLLOUT_COMPLETED)
		return rollout_refuse(move);
	rollout_because(move, ROLLOUT_BY_USER, move->event->reason);
	rollout_take_out(move, ROLLOUT_ABORTED, CONFIG_NOTICE_ABORT, reset && *reset);
	return 0;
}

/* Whoever becomes the baseline takes all that is left: no more than it has been seen to bear. */
static int finish(struct rollout_move *move)
{
	struct rollout *rollout = &move->rollout;
	unsigned int share = move->event->share, rest = SHARE_WHOLE - move->event->limits.others;
	char has[SHARE_TEXT_LEN], wanted[SHARE_TEXT_LEN];

	if (rollout->state != ROLLOUT_COMPLETED)
		return rollout_refuse(move);
	if (share < rest)
		return complain(move->complaint, -EBUSY,
				"version '%s' has %s, and as the baseline it would get %s at once, expected that share "
				"before: 'serin weight' sets it",
				rollout->version, share_format(share, has), share_format(rest, wanted));
	rollout_because(move, ROLLOUT_BY_USER, move->event->reason);
	rollout_turn(move, ROLLOUT_IDLE, ROLLOUT_NOT_PAUSED);
	rollout->weight = rest;
	rollout_add(move, ROLLOUT_ROLES);
	rollout_tell(move, CONFIG_NOTICE_FINISH);
	return 0;
}

/* Never refused: where nothing is on trial there is nothing to take out. */
static int rollback(struct rollout_move *move)
{
	const struct rollout_event *event = move->event;
	struct rollout *rollout = &move->rollout;

	if (!rollout_is_judged(rollout) && rollout->state != ROLLOUT_COMPLETED)
		return 0;
	rollout_because(move, event->cause ? event->cause : ROLLOUT_BY_USER, event->reason);
	rollout_take_out(move, ROLLOUT_ROLLED_BACK, CONFIG_NOTICE_ROLLBACK,
			 event->reset ? *event->reset : rollout->schedule.reset);
	return 0;
}

/* Somebody's pause stays. After a reboot nothing runs that would have to begin again, and `resume` draws anew anyhow. */
static int backends(struct rollout_move *move)
{
	struct rollout *rollout = &move->rollout;
	const enum rollout_pause paused = rollout->pause;

	if (!rollout_is_judged(rollout))
		return 0;
	if (paused == ROLLOUT_PAUSE_REBOOT) {
		move->changed = rollout->step;
		rollout->step = 0;
		return 0;
	}
	rollout_because(move, ROLLOUT_BY_BACKENDS,
			move->event->reason ? move->event->reason : "the version's backends are others than before");
	draw(move);
	rollout_enter(move, 0, CONFIG_NOTICE_START);
	if (paused == ROLLOUT_PAUSE_USER) {
		rollout->under = rollout->pause;
		rollout->state = ROLLOUT_PAUSED;
		rollout->pause = ROLLOUT_PAUSE_USER;
	}
	return 0;
}

/* What the last agent may have saved and not told: those who know the notice's number already drop it. */
static int restarted(struct rollout_move *move)
{
	if (move->rollout.notices)
		rollout_add(move, ROLLOUT_NOTIFY);
	return 0;
}

static int rebooted(struct rollout_move *move)
{
	struct rollout *rollout = &move->rollout;

	if (!rollout_is_judged(rollout) || rollout->pause == ROLLOUT_PAUSE_REBOOT)
		return restarted(move);
	rollout_because(move, ROLLOUT_BY_REBOOT, "the host was started anew");
	rollout_turn(move, ROLLOUT_PAUSED, ROLLOUT_PAUSE_REBOOT);
	rollout_set_weight(move, 0);
	rollout_tell(move, CONFIG_NOTICE_PAUSE);
	return 0;
}

static int tick(struct rollout_move *move)
{
	rollout_tick(move);
	return 0;
}

static const struct {
	const char *name;
	move_fn *move;
} events[ROLLOUT_EVENTS] = {
	[ROLLOUT_START] = { "start", start },          [ROLLOUT_RETRY] = { "retry", retry },
	[ROLLOUT_PAUSE] = { "pause", pause },          [ROLLOUT_RESUME] = { "resume", resume },
	[ROLLOUT_PROMOTE] = { "promote", promote },    [ROLLOUT_ABORT] = { "abort", abort_rollout },
	[ROLLOUT_FINISH] = { "finish", finish },       [ROLLOUT_ROLLBACK] = { "rollback", rollback },
	[ROLLOUT_BACKENDS] = { "backends", backends }, [ROLLOUT_RESTARTED] = { "restarted", restarted },
	[ROLLOUT_REBOOTED] = { "rebooted", rebooted }, [ROLLOUT_TICK] = { "tick", tick },
};

const char *rollout_event_name(enum rollout_event_kind kind)
{
	return events[kind].name;
}

int rollout_apply(struct rollout *rollout, const struct rollout_event *event, struct rollout_actions *ret,
		  struct complaint *complaint)
{
	/* The place of ROLLOUT_SAVE, which is known to be needed when all the rest is. */
	struct rollout_move move = {
		.rollout = *rollout,
		.event = event,
		.actions = { .item = { { .kind = ROLLOUT_SAVE } }, .count = 1 },
		.complaint = complaint,
	};
	int err;

	err = events[event->kind].move(&move);
	if (err)
		return err;
	move.rollout.now = event->now;
	if (move.actions.count == 1 && !move.changed)
		move.actions.count = 0;
	*rollout = move.rollout;
	*ret = move.actions;
	return 0;
}
