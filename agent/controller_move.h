/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files that move a rollout share: controller_rollout.c and controller_resume.c make events of what happens,
 * controller_actions.c, controller_move.c and controller_notice.c carry them out. Nobody else includes it: from outside a
 * rollout is moved by controller_rollout.h, and by controller_rollout_event in controller_trial.h. */
#ifndef SERIN_CONTROLLER_MOVE_H
#define SERIN_CONTROLLER_MOVE_H

#include "controller_trial.h"

/* ---- controller_actions.c -------------------------------------------------------------------------------------------- */

/* What is to be done besides the state. */
struct consequences {
	bool plan;  /* shares, roles or the draw are others */
	bool epoch; /* or the epoch alone */
	bool fresh; /* clients are drawn anew */
	bool reset;
	bool told; /* somebody may want to know */
	enum config_notice notice;
};

/* The judge's settings that the configuration gives. 0; -EINVAL and a complaint: it could not judge. */
int controller_judge_settings(const struct controller *controller, const struct service *service,
			      struct judge_settings *ret, struct complaint *complaint);
/* Into `wanted`, the state that is to be; the kernel and the file learn nothing of it here. */
struct consequences controller_actions_fold(const struct controller *controller, const struct service *service,
					    const struct rollout_actions *actions, struct state_service *wanted);

/* ---- controller_move.c ----------------------------------------------------------------------------------------------- */

/* What `version` may have of the service besides what its steps say. */
struct rollout_limits controller_rollout_limits(const struct service *service, const char *version);
/* An event with all that belongs to it: all or nothing. `everyone`: every version on trial loses its share. 0, or a
 * complaint and what the state machine, persisting or swapping gave. */
int controller_move(struct controller *controller, struct service *service, const struct controller_request *request,
		    const struct rollout_event *event, bool everyone, struct complaint *complaint);

/* ---- controller_notice.c --------------------------------------------------------------------------------------------- */

/* Notifications that wait are read, and go on their way; without them a rollout goes on. */
void controller_notice_open(struct controller *controller, struct loop *loop);
/* What waits for receivers that the configuration does not name any more is dropped: they are not to hear of it. */
void controller_notice_retain(struct controller *controller);
/* The rollout's last change, which had it in state `from` before (NULL: not known), to those who are to have that kind. */
void controller_notice_add(struct controller *controller, const struct service *service, enum config_notice kind,
			   const char *from);
/* Its last change, where nobody knows whether it was told: whoever has it in the outbox drops it. What is older than notifications
 * are tried for is told no more. */
void controller_notice_add_again(struct controller *controller, const struct service *service);
/* What no change of shares tells of. */
void controller_notice_log(const struct service *service, const struct rollout *before);

#endif
