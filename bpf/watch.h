/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* While no agent sweeps, a timer of the kernel's looks for turns that have been open for too long. It lives as long as the
 * pinned map that it lies in. */
#ifndef SERIN_WATCH_H
#define SERIN_WATCH_H

#include "life.h"

#define CLOCK_MONOTONIC 1
#define WATCH_WAYS 4096u           /* of one call: 0.1 to 0.3 ms */
#define WATCH_PAUSE 10000000ull    /* ns between two of them */
#define WATCH_DISTANCE 1000000000u /* ns from one look at the agent to the next, while it sweeps */
#define WATCH_STAMPS 8             /* two seconds: for so long an agent that has swept is taken for alive */

static long watch_one(__u32 nth, struct sweeping *sweep)
{
	__u32 index = sweep->first + nth, state;
	struct serin_way *way = way_at(index);

	if (!way)
		return 1;
	state = SERIN_WAY_STATE(READ_ONCE(way->claim));
	if (state >= SERIN_WAY_EMBRYONIC && state < SERIN_WAY_CLOSED && SERIN_WAY_DIRECTION(way) == SERIN_TO_CLIENT)
		sweep_turn(index, READ_ONCE(way->owed), sweep);
	return 0;
}

static int watch_tick(void *map, __u32 *key, struct serin_watch *watch)
{
	struct sweeping sweep = sweep_begin(watch->position);

	(void)map;
	(void)key;
	if ((__s32)(sweep.now - READ_ONCE(watch->swept)) <= WATCH_STAMPS) {
		bpf_timer_start(&watch->timer, WATCH_DISTANCE, 0);
		return 0;
	}
	bpf_loop(WATCH_WAYS, watch_one, &sweep, 0);
	watch->position = sweep.first + WATCH_WAYS > (bucket_mask << WAY_BITS) ? 0 : sweep.first + WATCH_WAYS;
	bpf_timer_start(&watch->timer, WATCH_PAUSE, 0);
	return 0;
}

/* 0, or a negative errno. Every agent calls it: the function is that of its own programs from then on. */
static __always_inline int watch_begin(void)
{
	struct serin_watch *watch = THE_ONE(watches);
	long failed;

	if (!watch)
		return -1;
	failed = bpf_timer_init(&watch->timer, &watches, CLOCK_MONOTONIC);
	if (failed && failed != -16) /* EBUSY: there already */
		return failed;
	failed = bpf_timer_set_callback(&watch->timer, watch_tick);
	return failed ? failed : bpf_timer_start(&watch->timer, WATCH_DISTANCE, 0);
}

#endif
