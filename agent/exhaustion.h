/* SPDX-License-Identifier: BSD-2-Clause */
/* Saying in the log that new connections find no room: ports, the flow table, a service's limit, or turns. */
#ifndef SERIN_EXHAUSTION_H
#define SERIN_EXHAUSTION_H

#include <stdbool.h>
#include <stdint.h>

#include <serin/reasons.h>
#include "counters.h"
#include "image.h"
#include "log.h"

#define EXHAUSTION_EVERY_MS 10000 /* one line per reason, at most */

/* All zero at first: what was dropped before the first look is nobody's news. */
struct exhaustion {
	bool has_looked;
	uint64_t said[SERIN_DROPS];
	struct log_limit limit[SERIN_DROPS];
};

/* How many packets of `reason` are to be reported now; 0: nothing new, or too soon. Pure. */
uint64_t exhaustion_due(struct exhaustion *exhaustion, enum serin_drop reason, uint64_t dropped, int64_t now_ms);

/* The backend towards which most SNAT ports are in use, of as many as its source addresses have: *ret_flows of `ports`
 * for each address. Backends of one endpoint share them. -ENOENT: none uses any. Pure. */
int exhaustion_fullest(const struct counters *counters, const struct image *image, uint32_t ports, uint64_t *ret_flows);

/* Look at the counters and log what is due. `ports`: of one source address. */
void exhaustion_look(struct exhaustion *exhaustion, const struct counters *counters, const struct image *image,
		     uint32_t ports, int64_t now_ms);

#endif
