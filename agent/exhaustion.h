/* SPDX-License-Identifier: BSD-2-Clause */
/* Saying in the log that new connections find no room: ports, the flow table, a service's limit, or turns. */
#ifndef SERIN_EXHAUSTION_H
#define SERIN_EXHAUSTION_H

#include <stdbool.h>
#include <stdint.h>

#include <serin/reasons.h>
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

/* Look at the counters and log what is due. */
void exhaustion_look(struct exhaustion *exhaustion, const uint64_t drops[SERIN_DROPS], int64_t now_ms);

#endif
