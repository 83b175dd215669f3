/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's guards of versions on trial, in the order that keeps them true while shares move: a line belongs to a share,
 * so that of the larger one holds before the plan, that of a smaller one after it. */
#include "controller_trial.h"
#include "datapath_guard.h"
#include "line.h"

static uint64_t lease_of(const struct controller *controller, const struct service *service, uint64_t grace_ms)
{
	/* Without a live baseline there is nowhere to send clients instead. */
	if (!controller->config->lease || controller->forsaken[service->id])
		return 0;
	return loop_now_ns() + (controller->config->lease + grace_ms) * 1000000;
}

static struct serin_line line_of(const struct state_service *state, enum judge_process process, double share)
{
	struct line line =
		line_make(&state->trial.judge, process, share, state->trial.told.counts[JUDGE_FAILED][process]);

	return (struct serin_line){ line.allowance, line.slope };
}

static struct guard_lines lines_of(const struct controller *controller, const struct service *service,
				   const struct state_service *state, double share, bool of_epoch)
{
	struct guard_lines lines = { .line = { GUARD_NO_LINE, GUARD_NO_LINE },
				     .epoch = service_epoch(state),
				     .settle_ns = trial_settle_ms(controller, service) * UINT64_C(1000000) };

	if (controller->forsaken[service->id] || !state->trial.judge.settings.trials)
		return lines;
	lines.line[SERIN_LINE_ROLLOUT] = line_of(state, JUDGE_R, share);
	if (of_epoch)
		lines.line[SERIN_LINE_EPOCH] = line_of(state, JUDGE_G, share);
	return lines;
}

static bool is_armed(const struct controller *controller, const struct service *service, unsigned int version)
{
	struct guard_state guard;

	return !datapath_guard_read(controller->datapath, service->id, version, &guard) && guard.arm;
}

static bool is_drawn_anew(const struct service *service, const struct state_service *wanted)
{
	return service->now.rollout != wanted->rollout;
}

/* Nobody new from this moment on, whatever the plan says. */
static void shut(struct controller *controller, const struct service *service, unsigned int version)
{
	const struct guard_lines none = { .line = { GUARD_NO_LINE, GUARD_NO_LINE }, .epoch = 1 };

	if (!is_armed(controller, service, version))
		datapath_guard_arm(controller->datapath, service->id, version, &none, 0, NULL);
	datapath_guard_close(controller->datapath, service->id, version, true);
}

/* Of a draw that is not at work yet nothing can be said: its line comes with the plan, its lease before. */
static void arm_anew(struct controller *controller, const struct service *service, unsigned int version)
{
	const struct guard_lines none = { .line = { GUARD_NO_LINE, GUARD_NO_LINE }, .epoch = 1 };

	datapath_guard_arm(controller->datapath, service->id, version, &none, lease_of(controller, service, 0), NULL);
}

void controller_guard_before(struct controller *controller, const struct service *service,
			     const struct state_service *wanted)
{
	const struct rollout *rollout = &wanted->trial.rollout;
	int trial = rollout->version[0] ? state_find_version(wanted, rollout->version) : -1;
	struct guard_lines lines;
	unsigned int version;
	double share;

	if (trial < 0)
		return;
	version = service->version_id[trial];
	if (rollout->state == ROLLOUT_ROLLED_BACK && !wanted->versions[trial].weight)
		shut(controller, service, version);
	if (!rollout_is_judged(rollout))
		return;
	share = trial_share(wanted, (size_t)trial);
	if (is_drawn_anew(service, wanted) || !is_armed(controller, service, version)) {
		arm_anew(controller, service, version);
	} else if (share > trial_share(&service->now, (size_t)trial)) {
		lines = lines_of(controller, service, wanted, share, false);
		datapath_guard_line(controller->datapath, service->id, version, &lines);
	}
}

/* Whoever was stopped, or comes after one that was killed, finds it so. */
bool controller_guard_lapsed(const struct controller *controller, const struct service *service, unsigned int version)
{
	struct guard_state guard;

	return !datapath_guard_read(controller->datapath, service->id, version, &guard) && guard.arm &&
	       guard.lease_ns && guard.lease_ns < loop_now_ns();
}

void controller_guard_renew(struct controller *controller, const struct service *service, uint64_t grace_ms)
{
	struct trial *ours = trial_of(controller, service);
	int trial = trial_version(service);
	struct guard_lines lines;
	unsigned int version;

	if (trial < 0)
		return;
	version = service->version_id[trial];
	if (controller_guard_lapsed(controller, service, version)) {
		controller->rollout_counts[service->id].trips[SERIN_GUARD_LEASE]++;
		/* From here on nothing else shows it. */
		if (ours)
			ours->forsaken = true;
	}
	lines = lines_of(controller, service, &service->now, trial_share(&service->now, (size_t)trial), true);
	datapath_guard_line(controller->datapath, service->id, version, &lines);
	datapath_guard_lease(controller->datapath, service->id, version, lease_of(controller, service, grace_ms));
}

/* Those that get clients and are not judged have no brake either. */
static void release_others(struct controller *controller, const struct service *service, int judged)
{
	for (size_t i = 0; i < service->now.version_count; i++) {
		if ((int)i != judged && service->now.versions[i].weight)
			datapath_guard_disarm(controller->datapath, service->id, service->version_id[i]);
	}
}

static bool is_tripped(const struct controller *controller, const struct service *service, int version)
{
	struct guard_state guard;

	return version >= 0 &&
	       !datapath_guard_read(controller->datapath, service->id, service->version_id[version], &guard) &&
	       guard.tripped;
}

bool controller_guard_is_lopsided(const struct controller *controller, const struct service *service)
{
	const struct trial *ours = trial_of(controller, service);
	int trial = trial_version(service);

	if (trial < 0 || is_tripped(controller, service, trial))
		return false;
	return (ours && ours->forsaken) || controller_guard_lapsed(controller, service, service->version_id[trial]);
}

bool controller_guard_has_tripped(const struct controller *controller, const struct service *service)
{
	return is_tripped(controller, service, trial_version(service));
}

/* What was counted under the former shares, for R: of G the epoch is new. Unless it is lopsided, as in a tick. */
static void tell_rest(struct controller *controller, struct service *service, double share)
{
	struct trial *trial = trial_of(controller, service);

	if (!controller_guard_is_lopsided(controller, service)) {
		controller_judge_tell(controller, service, share, true);
		return;
	}
	trial_skip(controller, service, &service->now);
	if (trial)
		trial->incident_ms = 0;
}

static void begin_draw(struct controller *controller, struct service *service)
{
	trial_skip_draw(controller, service, &service->now);
	controller_guard_renew(controller, service, 0);
}

void controller_guard_after(struct controller *controller, struct service *service, const struct state_service *before)
{
	const struct rollout *rollout = &service->now.trial.rollout;
	int trial = trial_version(service);
	double share, old;

	if (trial < 0 || !rollout_is_judged(rollout)) {
		/* What has tripped in the last moment is not forgotten: it is taken out as soon as this is done. */
		if (rollout->state != ROLLOUT_COMPLETED || !is_tripped(controller, service, trial))
			release_others(controller, service, -1);
		if (trial >= 0 && rollout->state != ROLLOUT_ROLLED_BACK && !service->now.versions[trial].weight)
			datapath_guard_disarm(controller->datapath, service->id, service->version_id[trial]);
		return;
	}
	release_others(controller, service, trial);
	if (before->rollout != service->now.rollout) {
		begin_draw(controller, service);
		return;
	}
	share = trial_share(&service->now, (size_t)trial);
	old = trial_share(before, (size_t)trial);
	tell_rest(controller, service, old > share ? old : share);
	controller_guard_renew(controller, service, 0);
}

void controller_guard_settle(struct controller *controller, struct service *service)
{
	const struct rollout *rollout = &service->now.trial.rollout;
	int trial = trial_version(service);

	if (trial < 0)
		return;
	if (rollout_is_judged(rollout))
		controller_guard_renew(controller, service, 0);
	else if (rollout->state == ROLLOUT_ROLLED_BACK && !service->now.versions[trial].weight)
		shut(controller, service, service->version_id[trial]);
	else
		datapath_guard_disarm(controller->datapath, service->id, service->version_id[trial]);
}

/* ---- a start, and a reload ------------------------------------------------------------------------------------------ */

/* What the kernel counts before the new plan holds was drawn by the old one's shares. */
static void start_judged(struct controller *controller, struct service *service, size_t trial, bool differs)
{
	double share = trial_share(&service->now, trial);
	unsigned int version = service->version_id[trial];
	struct guard_lines lines;

	if (service->redrawn || !is_armed(controller, service, version)) {
		arm_anew(controller, service, version);
		trial_skip(controller, service, &service->now);
		return;
	}
	if (!differs)
		return;
	share = service->former_share > share ? service->former_share : share;
	tell_rest(controller, service, share);
	lines = lines_of(controller, service, &service->now, share, false);
	datapath_guard_line(controller->datapath, service->id, version, &lines);
}

void controller_guard_start(struct controller *controller, struct service *service, bool differs)
{
	const struct rollout *rollout = &service->now.trial.rollout;
	int trial = trial_version(service);

	/* Of a rollout that this state knows nothing of somebody else may have been the judge: whoever is not answered for gets
	 * nobody, until shares are set by hand. */
	if (!rollout->version[0])
		return;
	for (size_t i = 0; i < service->now.version_count; i++) {
		if ((int)i != trial)
			datapath_guard_disarm(controller->datapath, service->id, service->version_id[i]);
		else if (rollout_is_judged(rollout))
			start_judged(controller, service, i, differs);
		else if (rollout->state == ROLLOUT_ROLLED_BACK && !service->now.versions[i].weight)
			shut(controller, service, service->version_id[i]);
		else
			datapath_guard_disarm(controller->datapath, service->id, service->version_id[i]);
	}
	if (!rollout_is_judged(rollout))
		datapath_guard_slow_limits(controller->datapath, service->id, NULL);
}
