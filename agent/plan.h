/* SPDX-License-Identifier: BSD-2-Clause */
/* Building a service's plan, the value of its kernel map, from shares and backends. Pure. */
#ifndef SERIN_PLAN_H
#define SERIN_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include <serin/abi.h>
#include "ring.h"

struct plan_version {
	const char *name; /* seeds its permutation of slots: the same on every host */
	uint16_t weight;  /* basis points; the baseline's is ignored, it owns the rest */
	const struct ring_member *members;
	size_t member_count;
};

struct plan_input {
	const char *service; /* seeds the split, together with `rollout` */
	uint64_t rollout;    /* number of the rollout: each draws its clients anew */
	uint32_t generation; /* not 0 */
	uint32_t epoch;      /* 0: of the generation's number */
	enum serin_affinity affinity;
	uint8_t prefix4, prefix6;
	uint32_t rules;        /* the set in the kernel; 0: none */
	uint32_t max_new;      /* flows per second; 0: any number */
	uint8_t baseline;      /* index into versions */
	uint8_t version_count; /* 1 .. SERIN_MAX_VERSIONS */
	struct plan_version versions[SERIN_MAX_VERSIONS];
};

/* Of the draw of that number. */
uint64_t plan_seed(const char *service, uint64_t rollout);

/* Build the plan. Each version on trial claims `weight` slots in the order of its own seeded permutation, in the
 * order of the versions, passing over slots already claimed; the baseline owns what is left. 0; -EINVAL when the
 * trial weights add up to more than SERIN_SLOTS or an index is out of range; -ENOMEM. `ret` is untouched on errors. */
int plan_build(const struct plan_input *input, struct serin_plan *ret);

/* The rollout that drew a plan's clients: the number that went into its seed. 0: none of the first 65536. */
uint64_t plan_find_rollout(const char *service, const struct serin_plan *plan);

#endif
