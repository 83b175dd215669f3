/* SPDX-License-Identifier: BSD-2-Clause */
/* Following one rollout to its end by what the API says of it: what is news, and how it has ended. Pure. */
#ifndef SERIN_ROLLOUT_FOLLOW_H
#define SERIN_ROLLOUT_FOLLOW_H

#include <stdbool.h>

#include <jansson.h>
#include "rollout.h"

enum rollout_follow_end {
	FOLLOW_RUNS,
	FOLLOW_COMPLETED, /* or finished already */
	FOLLOW_ROLLED_BACK,
	FOLLOW_ABORTED,
	FOLLOW_REPLACED, /* another version's or release's took its place; its own end was not seen */
	FOLLOW_LOST,     /* the agent knows of none */
};

/* All zero: the next look is the first, and says which rollout is meant. */
struct rollout_follow {
	bool began;
	char version[SERIN_VERSION_NAME_LEN], release[ROLLOUT_RELEASE_LEN];
	char state[16], pause[16];
	json_int_t number, step;
};

/* What is of another type counts as missing. *ret_news: whether it is worth a line: another state, pause or step, or the
 * rollout has begun anew. */
enum rollout_follow_end rollout_follow_look(struct rollout_follow *follow, const json_t *rollout, bool *ret_news);

#endif
