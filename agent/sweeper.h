/* SPDX-License-Identifier: BSD-2-Clause */
/* Going through the flow table round after round, a slice at a time: flows that nobody will touch again end, and it
 * becomes known which backends no flow names any more. */
#ifndef SERIN_SWEEPER_H
#define SERIN_SWEEPER_H

#include <stdint.h>

#include <serin/abi.h>
#include "datapath.h"
#include "loop.h"

#define SWEEPER_EVERY_MS 100
#define SWEEPER_MAX_SLICE 65536u
#define SWEEPER_MIN_SLICE 1024u

/* One round over the whole table. */
struct sweep {
	uint64_t number; /* from 1; 0: there was none yet */
	int64_t began_ms, ended_ms;
	uint64_t ended; /* flows */
	uint64_t live;  /* and those that are left */
	uint32_t named[SERIN_MAX_BACKENDS];
};

struct sweeper;

int sweeper_open(struct datapath *datapath, struct sweeper **ret);
struct sweeper *sweeper_close(struct sweeper *sweeper); /* NULL is fine; returns NULL */

/* From here on a slice every SWEEPER_EVERY_MS. */
int sweeper_add_to_loop(struct sweeper *sweeper, struct loop *loop);

/* The last whole round. */
const struct sweep *sweeper_last(const struct sweeper *sweeper);

/* How many ways the next slice is to have, when one of `ways` took `us`: as many as fit into the time that a loop can be
 * away for. Pure. */
uint32_t sweeper_next_slice(uint32_t ways, int64_t us);

#endif
