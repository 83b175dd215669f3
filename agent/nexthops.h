/* SPDX-License-Identifier: BSD-2-Clause */
/* Next hops of backends, and gateways towards clients: kept resolved; looked up again when the network changes, ten
 * times a second at most. Which gateways there are takes a dump of all routes: that waits for its turn. */
#ifndef SERIN_NEXTHOPS_H
#define SERIN_NEXTHOPS_H

#include <stdbool.h>
#include <stddef.h>

#include "complaint.h"
#include "config.h"
#include "datapath.h"
#include "image.h"
#include "log.h"
#include "loop.h"
#include "neigh.h"

struct nexthops {
	struct neigh *neigh;
	struct datapath *datapath;
	const struct image *image;
	const struct config *config;
	struct serin_addr *addresses; /* of all backends, leaving ones too (flows still go to them), and of gateways */
	size_t count;
	struct serin_addr *gateways; /* as of the last dump that succeeded */
	size_t gateway_count;
	int64_t gateways_ms; /* no dump before this */
	bool gateways_stale; /* routes have changed since the last one */
	int total;           /* distinct next hops, and addresses without any */
	int unresolved;
	bool ready; /* all were resolved once, or enough of them for long enough */
	int64_t started_ms, bumped_ms;
	struct loop_source *timer;
	bool pending;
	struct log_limit limit, bump_limit, gateways_limit;
};

/* Have the next hops of every backend in the image and the gateways behind the configured interfaces resolved, and wait
 * for that, `patience_ms` at most. That some are not is no error: a backend may be down. Image and configuration must
 * outlive it. */
int nexthops_start(struct nexthops *hops, struct neigh *neigh, struct datapath *datapath, const struct image *image,
		   const struct config *config, int64_t patience_ms, struct complaint *complaint);
void nexthops_stop(struct nexthops *hops);

/* From the event loop: routes or neighbours changed. Needs `timer`, whose function is nexthops_flush. */
void nexthops_changed(struct nexthops *hops);
void nexthops_flush(void *hops);

/* Before another image is put to work: its next hops as well are resolved from now on. Waits for those that were not,
 * `patience_ms` at most; a backend that is down is worth a log line, no more. */
void nexthops_expect(struct nexthops *hops, const struct image *image, int64_t patience_ms);
/* After the image that was given at the start has lost backends, or has not got the expected ones. */
void nexthops_refresh(struct nexthops *hops);

/* Every second: see whether all have been resolved by now, and whether gateways must be read again. */
void nexthops_tick(struct nexthops *hops, int64_t now_ms);

#endif
