/* SPDX-License-Identifier: BSD-2-Clause */
/* Rollouts at work: wishes of people, the judge's ticks, the kernel's guard, and the order in which they move a service. */
#ifndef SERIN_CONTROLLER_ROLLOUT_H
#define SERIN_CONTROLLER_ROLLOUT_H

#include <stdbool.h>
#include <jansson.h>

#include "controller.h"
#include "rollout.h"

/* What somebody asks of a rollout: start to finish of enum rollout_event_kind, besides by, reason and generation. */
struct rollout_wish {
	enum rollout_event_kind kind;
	const char *version; /* start: NULL: the configuration's, or whichever is not the baseline */
	const char *release; /* start, retry; NULL: not said */
	bool blind;          /* start, retry */
	const bool *reset;   /* abort: whether open connections are reset; NULL: no */
};

/* Decide, persist, put into the kernel, tell. All or nothing: 0, or a complaint and -EBUSY (the rollout's state does not
 * allow it), -EINVAL, -ENOENT (no such version), -ENODATA (the baseline is lost), -ESTALE, or what persisting or swapping gave. */
int controller_rollout(struct controller *controller, struct service *service, const struct controller_request *request,
		       const struct rollout_wish *wish, struct complaint *complaint);

/* The application's own word on one of a client's requests. `client`: an address, or any text of up to 128 bytes that
 * names one client. 0; -EINVAL or -ENOENT and a complaint. Outside of a rollout it is taken and counts for nothing. */
int controller_outcome(struct controller *controller, struct service *service, const char *version, const char *client,
		       bool failed, struct complaint *complaint);

/* {"state", "pause", "version", "release", "number", "step", "steps", "weight", "remaining_seconds", "began", "since",
 *  "cause", "reason", "by", "blind",
 *  "judge": {"finding", "checks": {"errors": {"ratio", ...}}, "detectable", "more_clients"},
 *  "guard": {"armed", "closed", "tripped", "lease_seconds", "allowance"},
 *  "checks": [...], "counts": {"rollbacks": {CAUSE: n}, "trips": {REASON: n}, "outcomes_lost": n}, "detection_seconds"}; `step` from 1 on,
 * `weight` in basis points, times in seconds since 1970. Null when there has never been one. With `arithmetic` there is also "arithmetic": all that the judge
 * has computed. NULL: out of memory. */
json_t *controller_rollout_to_json(const struct controller *controller, const struct service *service, bool arithmetic);

/* ---- for the controller's own files --------------------------------------------------------------------------------- */

/* Before plans are made: what has become of a rollout that an agent left, or a configuration without that service. */
void controller_rollout_resume(struct controller *controller, struct service *service, enum rollout_event_kind kind,
			       const char *reason);
int controller_rollout_add_to_loop(struct controller *controller, struct loop *loop);
/* An orderly stop: leases are put off by restart_grace, evidence is persisted. */
void controller_rollout_leave(struct controller *controller);
void controller_rollout_free(struct controller *controller);
/* The kernel has tripped a guard. */
void controller_rollout_tripped(struct controller *controller, unsigned int place);
/* The version on trial has no live backend. True: a rollout that is judged or completed was about it, and is rolled back, or
 * will be as soon as that can be persisted. */
bool controller_rollout_no_backend(struct controller *controller, struct service *service, size_t version);
/* A rollback by somebody while a rollout is judged or completed: all versions on trial lose their share. */
int controller_rollout_back(struct controller *controller, struct service *service,
			    const struct controller_request *request, struct complaint *complaint);
/* Whether a version has other backends than it had. */
bool controller_rollout_has_others(const struct config_version *from, const struct config_version *to);
/* After a reload: services, their versions and backends may be others. */
void controller_rollout_reloaded(struct controller *controller, const struct controller *before);

#endif
