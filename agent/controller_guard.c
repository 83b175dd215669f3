/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's guards of versions on trial, in the order that keeps them true while shares move: a line belongs to a share,
 * so that of the larger one holds before the plan, that of a smaller one after it. */
#include <time.h>

#include "controller_trial.h"
#include "datapath_guard.h"
#include "line.h"

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t lease_of(const struct controller *controller, const struct service *service, uint64_t grace_ms)
{
	/* Without a live baseline there is nowhere to send clients instead. */
	if (!controller->config->lease || controller->forsaken[service->id])
		return 0;
	return now_ns() + (controller->config->lease + grace_ms) * 1000000;
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
	struct guard_lines lines = { .line = { GUARD_NO_LINE, GUARD_NO_LINE }, .epoch = service_epoch(state) };

	if (controller->forsaken[service->id])
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
	if (rollout->state == ROLLOUT_ROLLED_BACK) {
		shut(controller, service, version);
		return;
	}
	if (!rollout_is_judged(rollout))
		return;
	share = trial_share(wanted, (size_t)trial);
	if (is_drawn_anew(service, wanted) || !is_armed(controller, service, version)) {
		lines = lines_of(controller, service, wanted, share, true);
		datapath_guard_arm(controller->datapath, service->id, version, &lines, lease_of(controller, service, 0),
				   NULL);
	} else if (share > trial_share(&service->now, (size_t)trial)) {
		lines = lines_of(controller, service, wanted, share, false);
		datapath_guard_line(controller->datapath, service->id, version, &lines);
	}
}

/* Whoever was stopped, or comes after one that was killed, finds it so. */
static bool is_lease_over(const struct controller *controller, const struct service *service, unsigned int version)
{
	struct guard_state guard;

	return !datapath_guard_read(controller->datapath, service->id, version, &guard) && guard.arm &&
	       guard.lease_ns && guard.lease_ns < now_ns();
}

void controller_guard_renew(struct controller *controller, const struct service *service, uint64_t grace_ms)
{
	int trial = trial_version(service);
	struct guard_lines lines;
	unsigned int version;

	if (trial < 0)
		return;
	version = service->version_id[trial];
	controller->rollout_counts[service->id].trips[SERIN_GUARD_LEASE] += is_lease_over(controller, service, version);
	lines = lines_of(controller, service, &service->now, trial_share(&service->now, (size_t)trial), true);
	datapath_guard_line(controller->datapath, service->id, version, &lines);
	datapath_guard_lease(controller->datapath, service->id, version, lease_of(controller, service, grace_ms));
}

void controller_guard_after(struct controller *controller, struct service *service, const struct state_service *before)
{
	const struct rollout *rollout = &service->now.trial.rollout;
	int trial = trial_version(service);
	double share, old;

	if (trial < 0)
		return;
	if (rollout_is_judged(rollout)) {
		share = trial_share(&service->now, (size_t)trial);
		old = before->rollout == service->now.rollout ? trial_share(before, (size_t)trial) : share;
		controller_judge_tell(controller, service, old > share ? old : share, true);
		controller_guard_renew(controller, service, 0);
	} else if (rollout->state != ROLLOUT_ROLLED_BACK || service->now.versions[trial].weight) {
		/* What is not judged has no brake either: completed, given up, or set by hand since. */
		datapath_guard_disarm(controller->datapath, service->id, service->version_id[trial]);
	}
}

void controller_guard_settle(struct controller *controller, struct service *service)
{
	int trial = trial_version(service);

	if (trial < 0)
		return;
	if (!rollout_is_judged(&service->now.trial.rollout)) {
		if (service->now.trial.rollout.state != ROLLOUT_ROLLED_BACK)
			datapath_guard_disarm(controller->datapath, service->id, service->version_id[trial]);
		return;
	}
	controller_guard_renew(controller, service, 0);
}
