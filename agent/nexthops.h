/* SPDX-License-Identifier: BSD-2-Clause */
/* Next hops of backends: kept resolved; looked up again when the network changes, ten times a second at most. */
#ifndef SERIN_NEXTHOPS_H
#define SERIN_NEXTHOPS_H

#include <stdbool.h>
#include <stddef.h>

#include "complaint.h"
#include "datapath.h"
#include "image.h"
#include "log.h"
#include "loop.h"
#include "neigh.h"

struct nexthops {
	struct neigh *neigh;
	struct datapath *datapath;
	struct serin_addr *addresses; /* of all backends, leaving ones too: flows still go to them */
	size_t count;
	int total;                    /* distinct next hops, and addresses without any */
	int unresolved;
	bool ready;                   /* see nexthops_ready */
	int64_t started_ms, bumped_ms;
	struct loop_source *timer;
	bool pending;
	struct log_limit limit;
};

/* Have the next hops of every backend resolved, and wait for that, `patience_ms` at most. That some are not
 * is no error: a backend may be down. */
int nexthops_start(struct nexthops *hops, struct neigh *neigh, struct datapath *datapath, const struct image *image,
	       int64_t patience_ms, struct complaint *complaint);
void nexthops_stop(struct nexthops *hops);

/* From the event loop: routes or neighbours changed. Needs `timer`, whose function is nexthops_flush. */
void nexthops_changed(struct nexthops *hops);
void nexthops_flush(void *hops);

/* Every second: see whether all have been resolved by now. */
void nexthops_tick(struct nexthops *hops, int64_t now_ms);

#endif
