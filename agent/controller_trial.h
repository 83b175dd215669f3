/* SPDX-License-Identifier: BSD-2-Clause */
/* What the controller's files share about a version on trial: what runs beside the state, and the steps of a change. */
#ifndef SERIN_CONTROLLER_TRIAL_H
#define SERIN_CONTROLLER_TRIAL_H

#include "controller_rollout.h"
#include "outcomes.h"
#include "plain_set.h"

/* By kind and time, as the histograms have it. */
struct trial_answers {
	__u64 bucket[SERIN_TURN_KINDS][SERIN_HISTOGRAM_BUCKETS];
};

/* Beside what the state keeps of it (state_trial). */
struct trial {
	struct config_rollout *config; /* a copy: a rollout keeps what it began with */
	struct plain_set *checks;
	struct outcomes *outcomes;
	struct evidence_counts reported[JUDGE_PROCESSES]; /* cumulative, like the kernel's */
	uint64_t reporters;
	struct trial_answers before;  /* of both versions until it began */
	int64_t warm_ms;              /* from when on answers are timed; 0: nobody has asked anything yet */
	uint32_t limited;             /* the epoch whose limits hold; 0: none */
	bool forsaken;                /* the baseline had no live backend, or the lease was over */
	int64_t again_ms;             /* nothing is tried before that: it has just failed */
	int64_t kept_ms;              /* when the evidence was last persisted */
	struct judge_verdict verdict; /* of the last tick */
	int64_t incident_ms;          /* the trial version's first one in this epoch, as a tick saw it; 0: none */
	double detection_seconds;     /* of the last rollback on evidence; 0: none */
};

/* ---- controller_trial.c ---------------------------------------------------------------------------------------------- */

/* Index of the rollout's version, or -ENOENT: it is not configured any more. */
int trial_version(const struct service *service);
/* The share that was assigned to it of its and the baseline's clients. */
double trial_share(const struct state_service *state, size_t version);
/* From the counters, of the version and the baseline. */
void trial_sample(const struct controller *controller, const struct service *service, size_t version,
		  struct plain_sample *ret);
/* Of the version and the baseline together, cumulative. */
void trial_read_answers(const struct controller *controller, const struct service *service, size_t version,
			struct trial_answers *ret);
/* All that has been counted for the judge; `state` names the version. */
void trial_count(const struct controller *controller, const struct service *service, const struct state_service *state,
		 struct judge_meter *ret);
/* What has been counted by now is no evidence. Clients who were known stay known, also where the kernel does not remember them
 * any more: they are not to be counted again. */
void trial_skip(const struct controller *controller, const struct service *service, struct state_service *state);
/* The same, when a draw begins: under it no client is known. */
void trial_skip_draw(const struct controller *controller, const struct service *service, struct state_service *state);
/* What runs beside the state: made where it is not there, begun anew with each draw; `goes_on`: in a
 * rollout's course, with what that began with. -ENOMEM and a complaint. */
int trial_begin(struct controller *controller, struct service *service, bool goes_on, struct complaint *complaint);
void trial_end(struct controller *controller, unsigned int service);
/* Whether an application has told of outcomes since the agent began. */
bool trial_heard(const struct controller *controller, const struct service *service);
struct trial *trial_of(const struct controller *controller, const struct service *service);
/* How long what a burst says has to stand. */
unsigned int trial_settle_ms(const struct controller *controller, const struct service *service);

/* Where a version that is neither judged nor the baseline has less in `state` than in `from`, or is not there any more, the
 * judge has to know. */
void trial_note_returned(const struct state_service *from, struct state_service *state);
/* A new epoch begins with this state: the judge's G begins again, from the kernel's present counts on. */
void controller_trial_epoch(const struct controller *controller, const struct service *service,
			    struct state_service *state);

/* ---- controller_judge.c ---------------------------------------------------------------------------------------------- */

/* The judge learns what the kernel has counted; with `rollout_only` of process R alone: the epoch is new. */
void controller_judge_tell(struct controller *controller, struct service *service, double share, bool rollout_only);
/* A tick of every rollout: counts, judge, checks, and what comes of them. */
void controller_judge_tick(void *controller);
void controller_judge_one(struct controller *controller, struct service *service);

/* ---- controller_guard.c ---------------------------------------------------------------------------------------------- */

/* Around the swap of a plan: before it, what must hold by then; after it, what may hold only now; and when there was none
 * after all, what held before. */
void controller_guard_before(struct controller *controller, const struct service *service,
			     const struct state_service *wanted);
void controller_guard_after(struct controller *controller, struct service *service, const struct state_service *before);
void controller_guard_settle(struct controller *controller, struct service *service);
/* Before the plans of a start or a reload hold: every guard as the state wants it. `differs`: the plan is another one. */
void controller_guard_start(struct controller *controller, struct service *service, bool differs);
bool controller_guard_has_tripped(const struct controller *controller, const struct service *service);
/* Nobody has answered for the version any more: it got no new clients. */
bool controller_guard_lapsed(const struct controller *controller, const struct service *service, unsigned int version);
/* What has been counted since the judge was last told is no evidence: while the lease was over the version got nobody, and the
 * baseline's incidents were still counted; while no backend of the baseline's lives they are out of its ring, and only the
 * version's are counted. That does not depend on what it says. A guard that has tripped did so on what was counted before. */
bool controller_guard_is_lopsided(const struct controller *controller, const struct service *service);
/* The lines and the lease as of now. That it was over is kept in struct trial. */
void controller_guard_renew(struct controller *controller, const struct service *service, uint64_t grace_ms);

/* ---- controller_move.c ----------------------------------------------------------------------------------------------- */

/* An event that nobody asked for: a tick, a version without backends. What is not a tick is owed when it fails: it is tried
 * again until it holds, or the rollout is another one; its strings are constants, therefore. */
int controller_rollout_event(struct controller *controller, struct service *service, const char *by,
			     struct rollout_event *event);
bool controller_rollout_owes(const struct controller *controller, const struct service *service);
/* What is owed is tried again, where it is time. */
void controller_rollout_settle(struct controller *controller, struct service *service);

/* ---- controller_change.c --------------------------------------------------------------------------------------------- */

int controller_check_generation(const struct service *service, const struct controller_request *request,
				struct complaint *complaint);
/* Another generation, by them. */
void controller_stamp(struct state_service *wanted, const struct controller_request *request,
		      enum state_change_kind kind);
/* Build the plan, persist, swap; log where the generation is another one. All or nothing. */
int controller_commit(struct controller *controller, struct service *service, const struct state_service *wanted,
		      struct complaint *complaint);

#endif
