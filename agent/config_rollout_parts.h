/* SPDX-License-Identifier: BSD-2-Clause */
/* What the readers of a rollout share. Internal to config_*.c. */
#ifndef SERIN_CONFIG_ROLLOUT_PARTS_H
#define SERIN_CONFIG_ROLLOUT_PARTS_H

#include "config_parts.h"

#define EXPECTED_STEPS "a list of 1 to 100 of {weight: SHARE, for: DURATION}, or {start, step, every, max}"

/* A rollout while it is read: the service's versions, baseline and on_rollback are known. */
struct rollout_draft {
	const struct config_service *service;
	struct config_rollout *rollout;
	struct config_place deadline_place;
	struct {
		unsigned int start, step, max; /* basis points; start 0: the steps were listed */
		unsigned int every;            /* ms */
	} ladder;
};

/* All into struct rollout_draft. */
config_read_fn config_read_steps; /* config_steps.c */
config_read_fn config_read_start, config_read_rise, config_read_every, config_read_max;
config_read_fn config_read_judge;        /* config_judge.c */
config_read_fn config_read_plain_checks; /* config_plain.c */

/* The steps of a rollout's mapping that has been read are said in one of the forms, and whole. */
int config_check_steps(struct config_reader *reader, const yaml_node_t *node, const struct rollout_draft *draft);

/* Make the steps of the short form, for which the holdback has to be known. */
void config_finish_steps(struct rollout_draft *draft);

#endif
