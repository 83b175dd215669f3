/* SPDX-License-Identifier: BSD-2-Clause */
/* A service's last quarter of an hour, in steps of five seconds: for charts. Pure. */
#ifndef SERIN_HISTORY_H
#define SERIN_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>
#include <serin/abi.h>

#define HISTORY_STEP 5 /* seconds */
#define HISTORY_POINTS 180

/* What has been counted of a version so far: all but the weight is cumulative. What falls counts as nothing new. */
struct history_counts {
	const char *name;    /* NULL: there is no version of this id */
	unsigned int weight; /* basis points */
	uint64_t opened;
	uint64_t asked, failed, of; /* of: what the failures are a share of */
	const __u64 *response;      /* SERIN_HISTOGRAM_BUCKETS of them; NULL: nothing is known */
};

struct history;

int history_new(const char *service, struct history **ret);
struct history *history_free(struct history *history); /* NULL is fine; returns NULL */
const char *history_service(const struct history *history);

/* Whether a new step has begun at `seconds`, since 1970. */
bool history_is_due(const struct history *history, int64_t seconds);

/* Close the step: `counts` by version id, `at_ms` on a clock that only goes forward. The first call only says where the
 * counters stand. A version whose id now has another name loses its past; so does everybody when the clock is set back. */
void history_add(struct history *history, int64_t seconds, int64_t at_ms,
		 const struct history_counts counts[SERIN_MAX_VERSIONS]);

/* {"step": 5, "points": [{"t": ..., "versions": {NAME: {...}}}]}, points later than `after`. NULL: out of memory. */
json_t *history_to_json(const struct history *history, int64_t after);

#endif
