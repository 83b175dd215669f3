/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The flow log: a sample of the flows that end, each told of by the one CPU that ends it. Packets of a flow that goes on
 * pay nothing for it. */
#ifndef SERIN_FLOW_LOG_H
#define SERIN_FLOW_LOG_H

#include "expire.h"

/* A flow that is ending has that way at a later generation already, but still as it was. */
static __always_inline __u64 bytes_to_client(const struct serin_way *way)
{
	const struct serin_way *peer = way_at(way->peer);

	if (!peer || peer == way || SERIN_WAY_GENERATION(peer->claim) - way->peer_generation > 1)
		return 0;
	return SERIN_WAY_BYTES(peer);
}

/* Those whose time was over anyway are not told apart by whoever searches for a place: the verifier of Linux 6.1 would go
 * through its loops a second time. */
static __always_inline __u32 ended_how(const struct serin_settings *set, const struct serin_way *way, __u32 claim,
				       __u32 how, __u32 now)
{
	if (how == SERIN_ENDED_EVICTED && way_expired(set, way, claim, now))
		how = SERIN_ENDED_EXPIRED;
	/* Of a one-way flow no more is seen than that. */
	if (SERIN_IS_ONE_WAY(SERIN_WAY_FORWARD(way)) && way->flags & SERIN_WAY_FIN && how >= SERIN_ENDED_EXPIRED)
		how = SERIN_ENDED_CLOSED;
	return how;
}

static __always_inline void flow_end_fill(struct serin_flow_end *event, const struct serin_way *way)
{
	event->forward = SERIN_WAY_FORWARD(way);
	event->client = way->client;
	event->bytes[SERIN_TO_BACKEND] = SERIN_WAY_BYTES(way);
	event->opened = way->opened;
	event->listener = way->listener;
	event->backend = way->backend;
	event->client_port = way->client_port;
	event->bytes[SERIN_TO_CLIENT] = bytes_to_client(way);
}

/* By the flow's own numbers: every CPU draws alike, and nothing has to be kept. */
static __always_inline bool flow_is_drawn(__u32 index, __u32 generation, __u32 opened, __u32 of)
{
	return serin_mix64(serin_mix64((__u64)generation << 32 | index) ^ opened) >> 32 <= of;
}

/* The flow whose way to the backend that is, with the claim under which it was ended. The place of one that has just gone may
 * be taken by a newcomer: then it is lost. Filled in the ring: the ends of flows are the deepest of all calls, with no stack
 * to spare. */
verified_once int flow_ended(__u32 index, __u32 claim, __u32 how)
{
	__u32 generation = SERIN_WAY_GENERATION(claim);
	const struct serin_settings *set = THE_ONE(settings);
	struct serin_table_stats *count;
	struct serin_flow_end *event;
	const struct serin_way *way;

	if (!set || likely(!set->flow_log))
		return 0;
	way = way_at(index);
	if (!way || !flow_is_drawn(index, generation, way->opened, set->flow_log))
		return 0;
	event = bpf_ringbuf_reserve(&flow_log, sizeof(*event), 0);
	if (event) {
		flow_end_fill(event, way);
		event->ended = bpf_ktime_get_ns() >> SERIN_STAMP_SHIFT;
		event->how = ended_how(set, way, claim, how, event->ended);
		load_fence();
		if (SERIN_WAY_GENERATION(READ_ONCE(way->claim)) - generation <= 1) {
			bpf_ringbuf_submit(event, 0);
			return 0;
		}
		bpf_ringbuf_discard(event, 0);
	}
	/* Atomic: the sweep, which packets interrupt, counts as well. */
	count = THE_ONE(table_stats);
	if (count)
		__sync_fetch_and_add(&count->unlogged, 1);
	return 0;
}

#endif
