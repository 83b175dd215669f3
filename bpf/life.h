/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The ends of flows that no packet brings about. The agent asks, these programs do it under the same rules as packets. */
#ifndef SERIN_LIFE_H
#define SERIN_LIFE_H

#include "turn.h"

#define SWEEP_MOST 65536u /* ways of one call */

struct sweeping {
	__u32 first, now;
	__u32 ended, live;
	__u32 overdue; /* the longest that a turn may take, 0: any time */
	__u64 ns;
};

static __always_inline bool is_to_move(const struct serin_way *way)
{
	const struct serin_listener *listener = listener_at(READ_ONCE(way->listener));
	const struct serin_backend *backend = backend_at(READ_ONCE(way->backend));

	return listener && backend && listener->protocol == IPPROTO_UDP && backend->flags & SERIN_BACKEND_RESET;
}

/* Nobody needs to give up waiting for it to be known that the backend is silent. The second look is at the clock of now: a
 * turn may be younger than the slice. */
static __always_inline void sweep_turn(__u32 index, __u32 owed, const struct sweeping *sweep)
{
	if ((owed & (SERIN_OWED | SERIN_OWED_FAILED)) == SERIN_OWED && sweep->overdue &&
	    owed_for(owed, sweep->ns) >> SERIN_OWED_SHIFT >= sweep->overdue &&
	    owed_for(owed, bpf_ktime_get_ns()) >> SERIN_OWED_SHIFT >= sweep->overdue)
		turn_overdue(index, owed);
}

/* One way. Those to a backend stand for the flow. */
static long sweep_one(__u32 nth, struct sweeping *sweep)
{
	__u32 index = sweep->first + nth, claim, backend, *count;
	struct serin_way *way = way_at(index);
	bool expired;

	if (!way)
		return 1;
	claim = READ_ONCE(way->claim);
	if (SERIN_WAY_STATE(claim) < SERIN_WAY_EMBRYONIC)
		return 0;
	if (SERIN_WAY_DIRECTION(way) != SERIN_TO_BACKEND) {
		if (SERIN_WAY_STATE(claim) < SERIN_WAY_CLOSED)
			sweep_turn(index, READ_ONCE(way->owed), sweep);
		return 0;
	}
	expired = RANK_KIND(eviction_rank(index, claim, sweep->now)) >= RANK_EXPIRED;
	if ((expired || is_to_move(way)) &&
	    flow_end(index, claim, sweep->now, expired ? SERIN_ENDED_EXPIRED : SERIN_ENDED_MOVED)) {
		way_free(way, index);
		sweep->ended++;
		return 0;
	}
	sweep->live++;
	backend = READ_ONCE(way->backend);
	count = bpf_map_lookup_elem(&named, &backend);
	if (count)
		(*count)++;
	return 0;
}

static __always_inline struct sweeping sweep_begin(__u32 first)
{
	const struct serin_settings *set = THE_ONE(settings);
	__u64 ns = bpf_ktime_get_ns();

	return (struct sweeping){
		.first = first, .now = ns >> SERIN_STAMP_SHIFT, .ns = ns, .overdue = set ? set->answer_timeout : 0
	};
}

static __always_inline int sweep(struct serin_sweep *ask)
{
	struct sweeping sweep = sweep_begin(ask->first);
	struct serin_watch *watch = THE_ONE(watches);
	__u32 count = ask->count;

	if (watch)
		WRITE_ONCE(watch->swept, sweep.now);
	bpf_loop(count < SWEEP_MOST ? count : SWEEP_MOST, sweep_one, &sweep, 0);
	ask->ended = sweep.ended;
	ask->live = sweep.live;
	return 0;
}

/* The two ends of a TCP connection have been told; a UDP flow has none to tell. */
static __always_inline int close_flow(struct serin_close *ask)
{
	struct serin_way *way = way_at(ask->index);
	const struct serin_listener *listener;
	struct serin_stats *count;
	struct tracked flow;
	__u32 claim, backend;

	ask->closed = false;
	if (!way)
		return 0;
	claim = READ_ONCE(way->claim);
	if (SERIN_WAY_GENERATION(claim) != ask->generation || SERIN_WAY_STATE(claim) < SERIN_WAY_EMBRYONIC ||
	    SERIN_WAY_DIRECTION(way) != SERIN_TO_BACKEND)
		return 0;
	listener = listener_at(READ_ONCE(way->listener));
	if (listener && listener->protocol == IPPROTO_UDP) {
		if (flow_end(ask->index, claim, bpf_ktime_get_ns() >> SERIN_STAMP_SHIFT, SERIN_ENDED_EMPTIED)) {
			way_free(way, ask->index);
			ask->closed = true;
		}
		return 0;
	}
	backend = READ_ONCE(way->backend);
	count = bpf_map_lookup_elem(&stats, &backend);
	flow = (struct tracked){ way, ask->index, claim, SERIN_TO_BACKEND };
	if (!count || !flow_raise(&flow, flow_peer(way), SERIN_WAY_CLOSED))
		return 0;
	__sync_fetch_and_add(&count->closed, 1); /* see flow_gone() */
	flow_ended(ask->index, claim, SERIN_ENDED_EMPTIED);
	ask->closed = true;
	return 0;
}

#endif
