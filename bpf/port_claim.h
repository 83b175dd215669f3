/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Choosing a SNAT port for a new flow. */
#ifndef SERIN_PORT_CLAIM_H
#define SERIN_PORT_CLAIM_H

#include "table.h"

/* Eight neighbours of the last port given out, which are the longest unused; then places drawn at random, since
 * long-lived flows stand in rows. A bound, so that a full range costs a packet microseconds, not milliseconds. */
#define PORT_TRIES_IN_ROW 8
#define PORT_TRIES_ENOUGH 12 /* when one that can be had at a price has been seen */
#define PORT_TRIES 32

/* How gladly a port is given out; 0: never. Below the resting ones: the rank of the flow that would have to end. */
#define PORT_AT_ONCE (~0ull)
#define PORT_RESTING (1ull << 40)
#define PORT_FINISHED (1ull << 41) /* its flow has been over for as long as a freed port rests */

verified_once __u64 port_rank(__u64 owner, __u32 now)
{
	const struct serin_settings *set = THE_ONE(settings);
	struct serin_way *way;
	__u32 claim;
	__s32 rest;
	__u64 rank;

	if (!set)
		return 0;
	if (!(owner & SERIN_OWNER_HELD)) {
		/* Below zero: another CPU gave it back after a tick of the clock that this one has not seen. */
		rest = now - (__u32)owner;
		if (rest < 0)
			rest = 0;
		return !owner || (__u32)rest >= set->port_rest ? PORT_AT_ONCE : PORT_RESTING | rest;
	}
	way = way_at(SERIN_OWNER_WAY(owner));
	if (!way)
		return 0;
	claim = READ_ONCE(way->claim);
	/* A flow that is no more: its port is being given back at this moment. */
	if (SERIN_WAY_GENERATION(claim) != SERIN_OWNER_GENERATION(owner))
		return 0;
	rank = eviction_rank(SERIN_OWNER_WAY(owner), claim, now);
	if (RANK_KIND(rank) == RANK_CLOSED && (__u32)rank >= set->port_rest)
		rank |= PORT_FINISHED;
	return rank;
}

/* End the flow that a port is held by: that very one, if it still may be ended. */
static __always_inline bool port_free(__u64 owner, __u32 now)
{
	__u32 index = SERIN_OWNER_WAY(owner), claim;
	struct serin_way *way = way_at(index);

	if (!way)
		return false;
	claim = READ_ONCE(way->claim);
	if (SERIN_WAY_GENERATION(claim) != SERIN_OWNER_GENERATION(owner) || !eviction_rank(index, claim, now) ||
	    !flow_end(index, claim, now, SERIN_ENDED_EVICTED))
		return false;
	way_free(way, index);
	return true;
}

/* Take a port that may be held or resting. */
static __always_inline bool port_take(__u64 *word, __u64 mine, __u32 now)
{
	__u64 owner = READ_ONCE(*word);
	bool held = (owner & SERIN_OWNER_HELD) != 0;
	struct serin_table_stats *count;

	if (held) {
		if (!port_free(owner, now))
			return false;
		owner = READ_ONCE(*word);
	}
	if (owner & SERIN_OWNER_HELD || !swap_if(word, owner, mine))
		return false;
	count = THE_ONE(table_stats);
	if (count && held)
		count->ports_retaken++;
	else if (count)
		count->ports_unrested++;
	return true;
}

/* Each CPU walks the range from a start of its own. */
static __always_inline __u32 port_start(__u32 cursor, __u32 total)
{
	__u32 start = cursor ? cursor : serin_scale(serin_mix64(bpf_get_smp_processor_id() + 1), total);

	return start < total ? start : 0;
}

/* A source port towards the backend for the way `index` of that generation: its place among the endpoint's owner words,
 * or -1. Free and rested ones first, then those of flows that have been over for as long, then the longest resting, then
 * those of flows that may be ended, in the order of their ranks. */
verified_once __s64 port_claim(__u32 backend_id, __u32 index, __u32 generation, __u64 hash, __u32 now)
{
	const struct serin_backend *backend = backend_at(backend_id);
	const struct serin_settings *set = THE_ONE(settings);
	__u64 mine = SERIN_OWNER(index, generation), best_rank = 0, rank, owner;
	__u32 endpoint = backend ? backend->endpoint : 0, total, start, place, best = 0, i;
	void *words = bpf_map_lookup_elem(&owners, &endpoint);
	__u32 *cursor = bpf_map_lookup_elem(&cursors, &endpoint);
	__u64 *word;

	if (!backend || !set || !words || !cursor)
		return -1;
	total = set->snat_port_count * backend->snat_count;
	start = port_start(*cursor, total);
	for (i = 0; i < PORT_TRIES && (i < PORT_TRIES_ENOUGH || !best_rank); i++) {
		if (i < PORT_TRIES_IN_ROW) {
			place = start + i < total ? start + i : start + i - total;
		} else {
			hash = serin_mix64(hash + i);
			place = serin_scale(hash, total);
		}
		word = bpf_map_lookup_elem(words, &place);
		if (!word)
			continue;
		owner = READ_ONCE(*word);
		rank = port_rank(owner, now);
		if (rank == PORT_AT_ONCE && swap_if(word, owner, mine))
			goto taken;
		if (rank > best_rank && rank != PORT_AT_ONCE) {
			best_rank = rank;
			best = place;
		}
	}
	place = best;
	word = bpf_map_lookup_elem(words, &place);
	if (!best_rank || !word || !port_take(word, mine, now))
		return -1;
taken:
	*cursor = place + 1;
	return place;
}

#endif
