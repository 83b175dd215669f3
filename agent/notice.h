/* SPDX-License-Identifier: BSD-2-Clause */
/* What a notification says: JSON for programs, with a sentence that chats show as it is. Pure. */
#ifndef SERIN_NOTICE_H
#define SERIN_NOTICE_H

#include <stddef.h>
#include <stdint.h>
#include <jansson.h>

#include "config_rollout.h"

#define NOTICE_KEY_LEN 160

/* A transition of a service's rollout. Strings may be NULL: then the body has null. */
struct notice {
	enum config_notice kind;
	const char *service;
	const char *version, *release; /* on trial */
	const char *from, *to;         /* states of the rollout, or shares: what changed */
	const char *reason, *who;      /* "kernel", "agent", "uid 0", "token" */
	int64_t at;                    /* seconds since 1970 */
	/* What tells it from all others, and survives a restart: number and beginning (seconds since 1970) of the
	 * rollout, step, and how many of this rollout were told before (pauses may come twice in one step). */
	uint64_t rollout, change;
	int64_t began;
	unsigned int step;
	json_t *figures; /* an object, borrowed; NULL: none */
};

/* "shop-7-1763920000-rollback-2-14": the same for the same transition. Writes NOTICE_KEY_LEN bytes at most, returns
 * `buffer`. */
const char *notice_key(const struct notice *notice, char *buffer);

/* What is posted; to be freed. NULL: out of memory. */
char *notice_body(const struct notice *notice);

#endif
