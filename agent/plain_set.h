/* SPDX-License-Identifier: BSD-2-Clause */
/* All plain checks of one rollout: windows by the clock, queries to Prometheus by the way, and what they come to together. */
#ifndef SERIN_PLAIN_SET_H
#define SERIN_PLAIN_SET_H

#include <stddef.h>
#include <stdint.h>

#include "fetch.h"
#include "plain_check.h"
#include "rollout.h"

struct plain_set;

/* Names are copied; `checks` must live as long as the set. Nothing runs before plain_set_begin. 0 or -ENOMEM. */
int plain_set_new(struct fetcher *fetcher, const struct config_plain_check *checks, size_t count, const char *service,
		  const char *trial, const char *baseline, struct plain_set **ret);
/* While its fetcher still exists. NULL is fine. Returns NULL. */
struct plain_set *plain_set_free(struct plain_set *set);

/* All windows begin now and nothing is known of any: at the start of a rollout, and of a step. */
void plain_set_begin(struct plain_set *set, const struct plain_sample *now, int64_t now_ms);

/* As often as wanted, at least as often as the shortest window. Answers of Prometheus come from the loop between ticks. */
void plain_set_tick(struct plain_set *set, const struct plain_sample *now, int64_t now_ms);

/* The first check of each sort, NULL where there is none. A step may pass when all are. */
struct plain_summary {
	const struct plain_check *rollback; /* failed, and its action is to roll back */
	const struct plain_check *hold;     /* failed, and its action is to hold */
	const struct plain_check *pending;  /* its first window is not over, or what came of that is not known yet */
	const struct plain_check *open;     /* without data, or failing but not often enough as yet */
};

void plain_set_sum_up(const struct plain_set *set, struct plain_summary *ret);

/* The worst of them, for the rollout's tick, and that check's reason (NULL: all pass). */
enum rollout_checks plain_set_verdict(const struct plain_set *set, const char **ret_reason);

/* A list of plain_check_to_json. NULL: out of memory. */
json_t *plain_set_to_json(const struct plain_set *set);

#endif
