/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel has counted, as last read. */
#ifndef SERIN_COUNTERS_H
#define SERIN_COUNTERS_H

#include <stdint.h>

#include <serin/abi.h>
#include <serin/reasons.h>
#include "datapath.h"
#include "image.h"
#include "service.h"

struct counters {
	struct serin_stats backends[SERIN_MAX_BACKENDS]; /* by backend id; those not in use are zero */
	uint64_t drops[SERIN_DROPS];
	struct serin_table_stats table;
	/* What backends had opened whose ids are free again, by service and version id: sums of a version never fall. */
	uint64_t retired[SERIN_MAX_SERVICES][SERIN_MAX_VERSIONS];
};

/* Read all of it. 0, or the first negative errno, with the rest read all the same. */
int counters_read(struct counters *counters, struct datapath *datapath, const struct image *image);

/* Before a backend's id is freed: its counters are the next one's from here on. */
void counters_retire(struct counters *counters, const struct image *image, unsigned int backend);

void counters_add(struct serin_stats *sum, const struct serin_stats *more);

/* Flows that neither closed nor went otherwise. CPUs are read one after the other, so that a flow may be seen to end that
 * was not seen to begin: never below 0. */
uint64_t counters_active(const struct serin_stats *stats);

/* Have `newest` of each service say what its versions have opened. */
void counters_sample(const struct counters *counters, const struct image *image, struct service *services,
		     size_t service_count, int64_t now_ms);

#endif
