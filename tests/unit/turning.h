/* SPDX-License-Identifier: BSD-2-Clause */
/* The event loop, turned until something is so; for tests of what lives in it. */
#ifndef SERIN_TURNING_H
#define SERIN_TURNING_H

#include <stdbool.h>
#include <stdint.h>

#include "loop.h"

#define TICK_MS 5

typedef bool turning_fn(void);

static struct {
	struct loop *loop;
	struct loop_source *timer;
	turning_fn *until;
	bool reached;
	int64_t deadline_ms, last_ms, longest_ms; /* the longest time that the loop was busy with one thing */
} turning;

static inline void turning_tick(void *context)
{
	int64_t now = loop_now_ms();

	(void)context;
	if (now - turning.last_ms > turning.longest_ms)
		turning.longest_ms = now - turning.last_ms;
	turning.last_ms = now;
	turning.reached = turning.until && turning.until();
	if (turning.reached || now >= turning.deadline_ms)
		loop_stop(turning.loop);
}

static inline int turning_begin(void)
{
	int err = loop_new(&turning.loop);

	turning.longest_ms = 0;
	return err ? err : loop_add_timer(turning.loop, turning_tick, NULL, &turning.timer);
}

static inline void turning_end(void)
{
	turning.loop = loop_free(turning.loop);
}

/* Whether it became so within that time. NULL: never. */
static inline bool turn_until(turning_fn *until, int64_t ms)
{
	turning.until = until;
	turning.reached = false;
	turning.last_ms = loop_now_ms();
	turning.deadline_ms = turning.last_ms + ms;
	loop_set_timer(turning.timer, 0, TICK_MS);
	loop_run(turning.loop);
	loop_stop_timer(turning.timer);
	return turning.reached;
}

static inline void turn_for(int64_t ms)
{
	turn_until(NULL, ms);
}

#endif
