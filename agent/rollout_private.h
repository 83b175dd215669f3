/* SPDX-License-Identifier: BSD-2-Clause */
/* A rollout while an event moves it. Internal to rollout*.c. */
#ifndef SERIN_ROLLOUT_PRIVATE_H
#define SERIN_ROLLOUT_PRIVATE_H

#include "rollout.h"

/* A copy that moves: what fails half-way has moved nothing. */
struct rollout_move {
	struct rollout rollout;
	const struct rollout_event *event;
	struct rollout_actions actions;
	bool changed; /* worth saving, though nothing is to be done */
	struct complaint *complaint;
};

/* rollout.c */
void rollout_tick(struct rollout_move *move);
void rollout_add(struct rollout_move *move, enum rollout_action_kind kind);
void rollout_because(struct rollout_move *move, enum rollout_cause cause, const char *reason);
void rollout_tell(struct rollout_move *move, enum config_notice notice);
void rollout_set_weight(struct rollout_move *move, unsigned int weight);
void rollout_turn(struct rollout_move *move, enum rollout_state state, enum rollout_pause pause);
/* A step from its beginning; `notice` is CONFIG_NOTICE_STEP unless there is more to tell. */
void rollout_enter(struct rollout_move *move, size_t step, enum config_notice notice);
void rollout_advance(struct rollout_move *move);
void rollout_take_out(struct rollout_move *move, enum rollout_state state, enum config_notice notice, bool reset);

/* rollout_refuse.c: why a verb is not possible now, and what is. Returns -EBUSY. */
int rollout_refuse(const struct rollout_move *move);

#endif
