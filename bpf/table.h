/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Taking and leaving places in the flow table. Who may race: any CPU with any other, at every step.
 *
 * States of a way:   FREE -> BUSY -> PENDING -> EMBRYONIC -> ... -> BUSY -> FREE
 *                                       `-> KILLED -> BUSY -> FREE
 * Every arrow out of FREE or of a live state is a compare-and-swap, so one CPU owns a BUSY way. */
#ifndef SERIN_TABLE_H
#define SERIN_TABLE_H

#include "flow_log.h"
#include "ports.h"

#define NO_WAY (-1)

static __always_inline __u32 claim_next(__u32 claim, __u32 state)
{
	return SERIN_WAY_CLAIM(SERIN_WAY_GENERATION(claim) + 1, state);
}

static __always_inline __u32 claim_same(__u32 claim, __u32 state)
{
	return (claim & ~SERIN_WAY_STATE_MASK) | state;
}

static __always_inline void way_set_tag(__u32 index, __u8 tag)
{
	__u32 bucket = index >> WAY_BITS;
	__u8 *byte = bpf_map_lookup_elem(&tags, &bucket);

	if (byte)
		WRITE_ONCE(byte[index & (SERIN_WAYS_PER_BUCKET - 1)], tag);
}

/* Empty a way that this CPU holds BUSY, PENDING or KILLED. */
static __always_inline void way_free(struct serin_way *way, __u32 index)
{
	way_set_tag(index, 0);
	store_release(&way->claim, claim_same(READ_ONCE(way->claim), SERIN_WAY_FREE));
}

/* A flow is gone when its way to the backend is taken, once, by whoever takes it. An atomic addition, though the counter is
 * this CPU's alone: the sweep is a process, and packets interrupt it. */
static __always_inline void flow_gone(const struct serin_way *way, __u32 index, __u32 claim, __u32 how)
{
	__u32 backend = READ_ONCE(way->backend);
	struct serin_stats *count = bpf_map_lookup_elem(&stats, &backend);

	if (!count || SERIN_WAY_STATE(claim) >= SERIN_WAY_CLOSED || SERIN_WAY_DIRECTION(way) != SERIN_TO_BACKEND)
		return;
	__sync_fetch_and_add(&count->gone, 1);
	flow_ended(index, claim, how);
}

/* Take the other direction's way out of a flow that is ending. Its owner may be changing its state meanwhile (then look
 * again), or still be opening it (then it is told to give up), or may be ending it as well (then it does the rest). */
static __always_inline void peer_retire(__u32 index, __u32 generation, __u32 how)
{
	struct serin_way *peer = way_at(index);
	int i;

	if (!peer)
		return;
	/* Its state can move five times, from PENDING to CLOSED. */
	for (i = 0; i < 6; i++) {
		__u32 claim = READ_ONCE(peer->claim);
		__u32 state = SERIN_WAY_STATE(claim);

		if (SERIN_WAY_GENERATION(claim) != generation || state < SERIN_WAY_PENDING || state == SERIN_WAY_KILLED)
			return;
		if (state == SERIN_WAY_PENDING) {
			if (swap_if(&peer->claim, claim, claim_same(claim, SERIN_WAY_KILLED)))
				return;
		} else if (swap_if(&peer->claim, claim, claim_next(claim, SERIN_WAY_BUSY))) {
			flow_gone(peer, index, claim, how);
			way_free(peer, index);
			return;
		}
	}
}

/* End a live flow, given one of its ways and the claim under which it may be ended. On success this way is BUSY and
 * ours, the other one gone, the port resting. */
verified_once int flow_end(__u32 index, __u32 claim, __u32 now, __u32 how)
{
	__u32 generation = SERIN_WAY_GENERATION(claim);
	struct serin_way *way = way_at(index);
	__u32 peer, peer_generation;

	if (!way || SERIN_WAY_STATE(claim) < SERIN_WAY_EMBRYONIC ||
	    !swap_if(&way->claim, claim, claim_next(claim, SERIN_WAY_BUSY)))
		return false;
	way_set_tag(index, 0);
	flow_gone(way, index, claim, how);
	peer = way->peer;
	peer_generation = way->peer_generation;
	peer_retire(peer, peer_generation, how);
	if (SERIN_WAY_DIRECTION(way) == SERIN_TO_BACKEND)
		port_release(way, index, generation, now);
	else
		port_release(way, peer, peer_generation, now);
	return true;
}

/* Nothing has come of the handshake, and nothing will: the backend is out, and others have its places. */
static __always_inline bool begins_elsewhere(const struct flow *flow)
{
	return flow->backend_flags & SERIN_BACKEND_REPLACED && SERIN_WAY_STATE(flow->claim) == SERIN_WAY_EMBRYONIC;
}

/* End the flow of a packet whose connection is over, and leave both places free. */
static __always_inline void flow_retire(const struct flow *flow, struct serin_way *way, __u32 now)
{
	__u32 how = flow->backend_flags & SERIN_BACKEND_RESET || begins_elsewhere(flow) ? SERIN_ENDED_MOVED
											: SERIN_ENDED_EXPIRED;

	if (flow_end(flow->index, flow->claim, now, how))
		way_free(way, flow->index);
}

/* Which ways of a bucket have no tag: the top bit of the lowest such byte is set, counted from the way `first` on. */
static __always_inline __u64 untagged_from(__u64 word, __u32 first)
{
	return zero_bytes(word >> 8 * first | word << 1 << (63 - 8 * first));
}

/* The first way that those bits stand for. */
static __always_inline __u32 untagged_way(__u32 bucket, __u64 untagged, __u32 first)
{
	return bucket << WAY_BITS | ((lowest_byte(untagged) + first) & (SERIN_WAYS_PER_BUCKET - 1));
}

/* The first free way of a bucket, from `first` on, made BUSY; NO_WAY when there is none. A way without a tag may be somebody's
 * already. */
static __always_inline __s64 bucket_claim(__u32 bucket, __u32 first)
{
	__u64 *word = bpf_map_lookup_elem(&tags, &bucket);
	__u64 untagged;
	int i;

	if (!word)
		return NO_WAY;
	untagged = untagged_from(READ_ONCE(*word), first);
	for (i = 0; i < (int)SERIN_WAYS_PER_BUCKET && untagged; i++, untagged &= untagged - 1) {
		__u32 index = untagged_way(bucket, untagged, first);
		struct serin_way *way = way_at(index);
		__u32 claim;

		if (!way)
			continue;
		claim = READ_ONCE(way->claim);
		if (SERIN_WAY_STATE(claim) == SERIN_WAY_FREE &&
		    swap_if(&way->claim, claim, claim_next(claim, SERIN_WAY_BUSY)))
			return index;
	}
	return NO_WAY;
}

/* May it have that place? One-way modes can do without a flow, and anybody's single segment opens theirs: handshakes of
 * other modes, whose clients have to wait for an answer, are not theirs to take. */
static __always_inline bool may_evict(__u64 rank, const struct serin_way *way, bool one_way)
{
	return !one_way || RANK_KIND(rank) >= RANK_EXPIRED || SERIN_IS_ONE_WAY(SERIN_WAY_FORWARD(way));
}

/* The way, of the sixteen where the key could be, that is given away most gladly; made BUSY. */
static __always_inline __s64 way_evict(__u64 hash, __u32 now, bool one_way)
{
	struct serin_table_stats *count = THE_ONE(table_stats);
	__u32 best = 0, best_claim = 0, i;
	struct serin_way *way;
	__u64 best_rank = 0;

	for (i = 0; i < 2 * SERIN_WAYS_PER_BUCKET; i++) {
		__u32 bucket = i < SERIN_WAYS_PER_BUCKET ? first_bucket(hash) : second_bucket(hash);
		__u32 index = bucket << WAY_BITS | (i & (SERIN_WAYS_PER_BUCKET - 1));
		__u32 claim;
		__u64 rank;

		way = way_at(index);
		if (!way)
			continue;
		claim = READ_ONCE(way->claim);
		rank = eviction_rank(index, claim, now);
		if (rank > best_rank && may_evict(rank, way, one_way)) {
			best_rank = rank;
			best = index;
			best_claim = claim;
		}
	}
	if (!best_rank)
		return NO_WAY;
	if (!flow_end(best, best_claim, now, SERIN_ENDED_EVICTED))
		return NO_WAY;
	if (count && RANK_KIND(best_rank) >= RANK_EXPIRED)
		count->expired++;
	else if (count)
		count->evicted[SERIN_WAY_STATE(best_claim) & 7]++;
	return best;
}

/* How many of a bucket's ways have a tag. */
static __always_inline __u32 bucket_load(__u32 bucket)
{
	const __u64 high = EVERY_BYTE << 7;
	__u64 *word = bpf_map_lookup_elem(&tags, &bucket);
	__u64 tagged;

	if (!word)
		return SERIN_WAYS_PER_BUCKET;
	tagged = READ_ONCE(*word);
	tagged = (((tagged & ~high) + ~high) | tagged) & high; /* the top bit of every byte that is not zero */
	return ((tagged >> 7) * EVERY_BYTE) >> 56;
}

/* A key goes to its first bucket, where a lookup reads one tag word less, until five of eight are taken there; then to the
 * emptier of the two. At the table's nominal load of three quarters 0.006 % of newcomers find both buckets full (1 % if they
 * filled the first bucket up, by simulation). */
#define FIRST_BUCKET_ENOUGH 5

static __always_inline __u32 newcomers_bucket(__u64 hash)
{
	__u32 one = first_bucket(hash), other = second_bucket(hash), load = bucket_load(one);

	return load >= FIRST_BUCKET_ENOUGH && bucket_load(other) < load ? other : one;
}

/* Asking memory for a line before it is needed: a load whose value nobody uses is waited for late, and several of them together
 * take as long as one. */
static __always_inline void way_prefetch(__u32 index)
{
	const struct serin_way *way = way_at(index);

	if (way)
		(void)READ_ONCE(way->claim);
}

/* The way that way_claim() will take for a key whose tags have been looked at. */
static __always_inline void newcomer_prefetch(__u64 hash)
{
	__u32 bucket = newcomers_bucket(hash), first = favourite(hash);
	const __u64 *word = bpf_map_lookup_elem(&tags, &bucket);

	if (word)
		way_prefetch(untagged_way(bucket, untagged_from(READ_ONCE(*word), first), first));
}

/* For one whose tags have not: them, and the two ways that it would have first. */
static __always_inline void bucket_prefetch(__u64 hash)
{
	__u32 bucket = first_bucket(hash), first = favourite(hash);
	const __u64 *word = bpf_map_lookup_elem(&tags, &bucket);

	if (word)
		(void)READ_ONCE(*word);
	way_prefetch(bucket << WAY_BITS | first);
	way_prefetch(bucket << WAY_BITS | ((first + 1) & (SERIN_WAYS_PER_BUCKET - 1)));
}

/* A BUSY way for a key, free or taken from another flow. */
verified_once __s64 way_claim(__u64 hash, __u32 now, __u32 one_way)
{
	__u32 one = newcomers_bucket(hash), other = first_bucket(hash) ^ second_bucket(hash) ^ one;
	__s64 index;
	int i;

	index = bucket_claim(one, favourite(hash));
	if (index == NO_WAY)
		index = bucket_claim(other, favourite(hash));
	/* Losing a race for the best candidate says nothing about the others. */
	for (i = 0; i < 3 && index == NO_WAY; i++)
		index = way_evict(hash, now, one_way);
	return index;
}

/* Do two ways stand for the same key? Both are read while their owners hold them PENDING or live. */
static __always_inline bool same_key(const struct serin_way *a, const struct serin_way *b)
{
	const struct serin_listener *listener_a = listener_at(a->listener), *listener_b = listener_at(b->listener);
	const struct serin_backend *backend_a, *backend_b;

	if (SERIN_WAY_DIRECTION(a) != SERIN_WAY_DIRECTION(b) || !addr_equal(&a->client, &b->client))
		return false;
	if (!listener_a || !listener_b || listener_a->protocol != listener_b->protocol)
		return false;
	if (SERIN_WAY_DIRECTION(a) == SERIN_TO_BACKEND)
		return a->client_port == b->client_port && a->listener == b->listener;
	if (SERIN_WAY_FORWARD(a) == SERIN_FORWARD_LOCAL && !addr_equal(&listener_a->addr, &listener_b->addr))
		return false;
	backend_a = backend_at(a->backend);
	backend_b = backend_at(b->backend);
	return backend_a && backend_b && a->nat_port == b->nat_port && backend_a->endpoint == backend_b->endpoint;
}

/* Of several CPUs that open the same key at once one may go on. Each publishes its way as PENDING first (a full
 * barrier) and then looks at the others: one that is live has won; of two PENDING ones the lower place kills the
 * higher, by compare-and-swap, so that whoever goes live first cannot be killed any more.
 * The place of the rival that has won, or NO_WAY. */
verified_once __s64 way_rival(__u32 index, __u64 hash)
{
	__u64 wanted = way_tag(hash) * EVERY_BYTE, matches = 0, *word;
	struct serin_way *way = way_at(index), *other;
	__u32 bucket = 0, other_index, claim, state;
	int i, second = 0;

	for (i = 0; way && i < 2 + 2 * (int)SERIN_WAYS_PER_BUCKET; i++) {
		if (!matches) {
			if (second == 2)
				return NO_WAY;
			bucket = second ? second_bucket(hash) : first_bucket(hash);
			second++;
			word = bpf_map_lookup_elem(&tags, &bucket);
			if (!word)
				return NO_WAY;
			matches = zero_bytes(READ_ONCE(*word) ^ wanted);
			continue;
		}
		other_index = bucket << WAY_BITS | lowest_byte(matches);
		matches &= matches - 1;
		other = way_at(other_index);
		if (!other || other_index == index)
			continue;
		claim = READ_ONCE(other->claim);
		state = SERIN_WAY_STATE(claim);
		if (state < SERIN_WAY_PENDING || state == SERIN_WAY_KILLED || !same_key(way, other))
			continue;
		if (state != SERIN_WAY_PENDING || other_index < index ||
		    !swap_if(&other->claim, claim, claim_same(claim, SERIN_WAY_KILLED)))
			return other_index;
	}
	return NO_WAY;
}

/* Show a filled way to other inserters. */
static __always_inline void way_publish(struct serin_way *way, __u32 index, __u64 hash)
{
	way_set_tag(index, way_tag(hash));
	store_release(&way->claim, claim_same(READ_ONCE(way->claim), SERIN_WAY_PENDING));
}

/* And to packets; false: it has been killed meanwhile. */
static __always_inline bool way_go_live(struct serin_way *way)
{
	__u32 claim = claim_same(READ_ONCE(way->claim), SERIN_WAY_PENDING);

	return swap_if(&way->claim, claim, claim_same(claim, SERIN_WAY_EMBRYONIC));
}

#endif
