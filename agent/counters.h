/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel has counted, as last read: by backend, and summed up by version. */
#ifndef SERIN_COUNTERS_H
#define SERIN_COUNTERS_H

#include <stdint.h>

#include <serin/abi.h>
#include <serin/reasons.h>
#include "datapath.h"
#include "image.h"
#include "recent.h"
#include "service.h"

/* Of all backends that a version has, and has had while this agent runs: never falls. */
struct counters_version {
	struct serin_stats stats;
	struct serin_observed observed;
	struct recent recent;
};

struct counters {
	struct serin_stats backends[SERIN_MAX_BACKENDS];     /* by backend id; those not in use are zero */
	struct serin_observed *observed[SERIN_MAX_BACKENDS]; /* NULL: nothing yet */
	uint8_t behind[SERIN_MAX_BACKENDS];                  /* how often `observed` is still to be read */
	unsigned int next;                                   /* that is read first */
	int64_t at_ms;                                       /* of the last reading */
	struct counters_version *versions[SERIN_MAX_SERVICES][SERIN_MAX_VERSIONS]; /* NULL: nothing yet */
	struct serin_incidents incidents[SERIN_MAX_SERVICES][SERIN_MAX_VERSIONS];
	uint64_t drops[SERIN_DROPS];
	struct serin_table_stats table;
};

/* Read all but what is observed. 0, or the first negative errno, with the rest read all the same. */
int counters_read(struct counters *counters, struct datapath *datapath, const struct image *image, int64_t now_ms);

/* Read what is observed of backends whose other counters have moved. Past `budget_ms` the rest has to wait for the next
 * call, which goes on there: with thousands of busy backends on a host of many CPUs nothing else would be done. */
int counters_read_observed(struct counters *counters, struct datapath *datapath, const struct image *image,
			   int64_t budget_ms);

/* One reading of one backend; 0 or -ENOMEM. What it has gained goes to its version. */
int counters_take(struct counters *counters, const struct image *image, unsigned int backend,
		  const struct serin_stats *stats);
int counters_take_observed(struct counters *counters, const struct image *image, unsigned int backend,
			   const struct serin_observed *observed);

/* Before a backend's id is freed: its counters are the next one's from here on. */
void counters_retire(struct counters *counters, unsigned int backend);

/* Before `image` becomes `next`: what another version begins with, under an id that was given before, is nothing. */
void counters_rename(struct counters *counters, const struct image *image, const struct image *next);

/* All zero where nothing was counted. */
const struct counters_version *counters_of_version(const struct counters *counters, unsigned int service,
						   unsigned int version);

/* Flows that neither closed nor went otherwise. CPUs are read one after the other, so that a flow may be seen to end that
 * was not seen to begin: never below 0. */
uint64_t counters_active(const struct serin_stats *stats);

/* Have `newest` of each service say what its versions have come to. */
void counters_sample(const struct counters *counters, struct service *services, size_t service_count);

/* The histograms' part of windows: once a second; and when a service's window begins anew. */
void counters_tick(struct counters *counters);
void counters_restart(struct counters *counters, unsigned int service);

/* What it points to; NULL is fine. */
void counters_free(struct counters *counters);

#endif
