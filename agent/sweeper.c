/* SPDX-License-Identifier: BSD-2-Clause */
/* The rounds of the sweep. */
#include "sweeper.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

#define TARGET_US 3000 /* of 5 ms, the longest that anything else should have to wait */

struct sweeper {
	struct datapath *datapath;
	uint32_t ways, position, slice;
	struct sweep now, last;
	struct log_limit limit;
};

int sweeper_open(struct datapath *datapath, struct sweeper **ret)
{
	struct sweeper *sweeper = calloc(1, sizeof(*sweeper));

	if (!sweeper)
		return -ENOMEM;
	sweeper->datapath = datapath;
	sweeper->ways = datapath_buckets(datapath) * SERIN_WAYS_PER_BUCKET;
	sweeper->slice = SWEEPER_MIN_SLICE;
	*ret = sweeper;
	return 0;
}

struct sweeper *sweeper_close(struct sweeper *sweeper)
{
	free(sweeper);
	return NULL;
}

const struct sweep *sweeper_last(const struct sweeper *sweeper)
{
	return &sweeper->last;
}

uint32_t sweeper_next_slice(uint32_t ways, int64_t us)
{
	uint64_t fitting = us > 0 ? (uint64_t)ways * TARGET_US / (uint64_t)us : UINT64_MAX;

	/* One quick slice may have met an empty part of the table. */
	if (fitting > 2ull * ways)
		fitting = 2ull * ways;
	if (fitting < SWEEPER_MIN_SLICE)
		return SWEEPER_MIN_SLICE;
	return fitting > SWEEPER_MAX_SLICE ? SWEEPER_MAX_SLICE : (uint32_t)fitting;
}

static int begin_round(struct sweeper *sweeper)
{
	sweeper->now = (struct sweep){ .number = sweeper->last.number + 1, .began_ms = loop_now_ms() };
	return datapath_clear_named(sweeper->datapath);
}

static int end_round(struct sweeper *sweeper)
{
	int r = datapath_read_named(sweeper->datapath, sweeper->now.named);

	if (r)
		return r;
	sweeper->now.ended_ms = loop_now_ms();
	sweeper->last = sweeper->now;
	return 0;
}

static int sweep_slice(struct sweeper *sweeper)
{
	int64_t start = loop_now_us();
	struct serin_sweep slice;
	int r;

	r = sweeper->position ? 0 : begin_round(sweeper);
	if (!r)
		r = datapath_sweep(sweeper->datapath, sweeper->position, sweeper->slice, &slice);
	if (r)
		return r;
	sweeper->position += slice.count;
	sweeper->now.ended += slice.ended;
	sweeper->now.live += slice.live;
	if (slice.count == sweeper->slice)
		sweeper->slice = sweeper_next_slice(slice.count, loop_now_us() - start);
	if (sweeper->position >= sweeper->ways) {
		sweeper->position = 0;
		r = end_round(sweeper);
	}
	return r;
}

/* A round that fails somewhere proves nothing: it begins anew. */
static void tick(void *context)
{
	struct sweeper *sweeper = context;
	unsigned int kept_back;
	int r = sweep_slice(sweeper);

	if (!r)
		return;
	sweeper->position = 0;
	if (log_allowed(&sweeper->limit, loop_now_ms(), 60000, &kept_back))
		log_error("cannot sweep the flow table", log_text("error", strerror(-r)),
			  log_number("kept_back", kept_back));
}

int sweeper_add_to_loop(struct sweeper *sweeper, struct loop *loop)
{
	struct loop_source *timer;
	int r = loop_add_timer(loop, tick, sweeper, &timer);

	return r ? r : loop_set_timer(timer, SWEEPER_EVERY_MS, SWEEPER_EVERY_MS);
}
