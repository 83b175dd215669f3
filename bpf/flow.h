/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finding a packet's flow: one lookup, by the packet's own five-tuple, in either direction.
 *
 * The table is an array of buckets of eight ways, 64 bytes each. A key has two candidate buckets; a way's tag, eight
 * bits of its key's hash, lies with the seven others of its bucket in one word of a second array, so that a miss
 * reads one line. Ways come and go under other CPUs' eyes:
 *   - a way is filled and emptied only by the CPU that has made it BUSY by compare-and-swap, and every such claim
 *     moves its generation;
 *   - a reader compares the key, copies, then reads the claim again: changed means miss;
 *   - a tag is written only by whoever holds its way BUSY or PENDING, so a late clear cannot hide a new flow. */
#ifndef SERIN_FLOW_H
#define SERIN_FLOW_H

#include "compat.h"
#include "scratch.h"

/* NH (Black et al., "UMAC: Fast and Secure Message Authentication", CRYPTO 1999): sums of products of keyed words.
 * Without the secret key nobody can choose packets that collide; then one mixing round, since the bits are used apart. */
static __always_inline __u64 flow_hash(const struct serin_addr *src, const struct serin_addr *dst, __u32 ports,
				       __u32 protocol)
{
	__u64 hash;

	hash = (__u64)(src->word[0] + hash_key[0]) * (src->word[1] + hash_key[1]);
	hash += (__u64)(src->word[2] + hash_key[2]) * (src->word[3] + hash_key[3]);
	hash += (__u64)(dst->word[0] + hash_key[4]) * (dst->word[1] + hash_key[5]);
	hash += (__u64)(dst->word[2] + hash_key[6]) * (dst->word[3] + hash_key[7]);
	hash += (__u64)(ports + hash_key[8]) * (protocol + hash_key[9]);
	hash ^= hash >> 32;
	hash *= 0x9e3779b97f4a7c15ull;
	return hash ^ hash >> 32;
}

static __always_inline __u64 pkt_hash(const struct pkt *pkt)
{
	return flow_hash(&pkt->src, &pkt->dst, pkt->ports, pkt->protocol);
}

#define WAY_BITS 3

static __always_inline __u32 first_bucket(__u64 hash)
{
	return (__u32)hash & bucket_mask;
}

static __always_inline __u32 second_bucket(__u64 hash)
{
	return (__u32)(hash >> 28) & bucket_mask;
}

/* The way of its bucket that a key takes when that is free. */
static __always_inline __u32 favourite(__u64 hash)
{
	return (__u32)(hash >> 53) & (SERIN_WAYS_PER_BUCKET - 1);
}

/* 1 to 255: 0 is an empty way's. */
static __always_inline __u32 way_tag(__u64 hash)
{
	__u32 tag = hash >> 56;

	return tag ? tag : 1;
}

#define EVERY_BYTE 0x0101010101010101ull

/* The top bit of every byte that is zero, and perhaps of some above the lowest such byte: good for a search that
 * compares keys afterwards (S. Anderson, "Bit Twiddling Hacks"). */
static __always_inline __u64 zero_bytes(__u64 word)
{
	return (word - EVERY_BYTE) & ~word & (EVERY_BYTE << 7);
}

/* Which byte the lowest of those bits is in: the product brings that byte of the constant to the top. */
static __always_inline __u32 lowest_byte(__u64 bits)
{
	return ((bits & -bits) >> 7) * 0x0001020304050607ull >> 56;
}

/* The word that a way's flags are in, for changing one of them. What else they say may be another flow's by now: it is left
 * as it is. */
static __always_inline __u32 *way_flags_word(struct serin_way *way)
{
	_Static_assert(__builtin_offsetof(struct serin_way, flags) == sizeof(*way) - 1,
		       "the flags are a way's last byte");
	return (__u32 *)(way + 1) - 1;
}

/* Is the packet one of this way's? Then say how it is rewritten. Backends of forward: local listen where the listener
 * does. */
static __always_inline bool way_matches(const struct serin_way *way, const struct pkt *pkt, struct flow *ret)
{
	const struct serin_listener *listener = listener_at(READ_ONCE(way->listener));
	const struct serin_backend *backend = backend_at(READ_ONCE(way->backend));
	const struct serin_addr *snat_addr = NULL;
	struct rewrite *rewrite = &ret->rewrite;
	__u32 snat_index = READ_ONCE(way->snat);
	const struct serin_addr *there;

	if (!listener || !backend || listener->protocol != pkt->protocol)
		return false;
	ret->forward = SERIN_WAY_FORWARD(way);
	there = ret->forward == SERIN_FORWARD_LOCAL ? &listener->addr : &backend->addr;
	if (snat_index != SERIN_NO_SNAT) {
		snat_addr = bpf_map_lookup_elem(&snat, &snat_index);
		if (!snat_addr)
			return false;
	}
	ret->direction = SERIN_WAY_DIRECTION(way);
	if (ret->direction == SERIN_TO_BACKEND) {
		if (way->client_port != pkt->sport || !addr_equal(&way->client, &pkt->src) ||
		    listener->port != pkt->dport || !addr_equal(&listener->addr, &pkt->dst))
			return false;
		rewrite->src = snat_addr ? *snat_addr : pkt->src;
		rewrite->sport = way->nat_port;
		rewrite->dst = *there;
		rewrite->dport = backend->port;
	} else {
		if (way->nat_port != pkt->dport || !addr_equal(snat_addr ?: &way->client, &pkt->dst) ||
		    backend->port != pkt->sport || !addr_equal(there, &pkt->src))
			return false;
		rewrite->src = listener->addr;
		rewrite->sport = listener->port;
		rewrite->dst = way->client;
		rewrite->dport = way->client_port;
	}
	ret->backend = way->backend;
	ret->endpoint = backend->endpoint;
	ret->backend_flags = backend->flags;
	ret->hop = way->hop;
	ret->fresh = false;
	return true;
}

/* Compare, copy, compare the claim again. */
static __always_inline bool flow_read(const struct serin_way *way, __u32 index, const struct pkt *pkt, struct flow *ret)
{
	ret->claim = READ_ONCE(way->claim);
	load_fence();
	if (SERIN_WAY_STATE(ret->claim) < SERIN_WAY_EMBRYONIC || !way_matches(way, pkt, ret))
		return false;
	load_fence();
	/* A change of state alone is no reason to miss. */
	if ((READ_ONCE(way->claim) ^ ret->claim) >> SERIN_WAY_STATE_BITS)
		return false;
	ret->index = index;
	ret->remembered = true;
	return true;
}

#ifndef SERIN_FLOW_LRU
/* Look the packet's flow up: its way, and `ret` filled, or NULL. Costs the bucket's tag word and the way, two lines, when
 * the flow is in its first bucket; and where it has its favourite way there, the time of one: that is asked for before the tags
 * have come, which say whether it is the one. Not for a SYN: most have no flow yet. */
static __always_inline struct serin_way *flow_find(const struct pkt *pkt, __u64 hash, struct flow *ret)
{
	__u64 wanted = way_tag(hash) * EVERY_BYTE, matches = 0;
	__u32 bucket = 0, index;
	struct serin_way *way;
	int i, second = 0;

	if (!(pkt->flags & TCP_SYN)) {
		way = way_at(first_bucket(hash) << WAY_BITS | favourite(hash));
		if (way)
			(void)READ_ONCE(way->claim);
	}
	for (i = 0; i < 2 + 2 * (int)SERIN_WAYS_PER_BUCKET; i++) {
		if (!matches) {
			__u64 *word;

			if (second == 2)
				return NULL;
			bucket = second ? second_bucket(hash) : first_bucket(hash);
			second++;
			word = bpf_map_lookup_elem(&tags, &bucket);
			if (!word)
				return NULL;
			matches = zero_bytes(READ_ONCE(*word) ^ wanted);
			continue;
		}
		index = bucket << WAY_BITS | lowest_byte(matches);
		way = way_at(index);
		if (way && flow_read(way, index, pkt, ret))
			return way;
		matches &= matches - 1;
	}
	return NULL;
}

/* The way of a flow that was found before. */
static __always_inline struct serin_way *flow_way(__u32 index, const struct pkt *pkt)
{
	(void)pkt;
	return way_at(index);
}

/* The other direction's way, or NULL when it has been taken. */
static __always_inline struct serin_way *flow_peer(const struct serin_way *way)
{
	struct serin_way *peer = way_at(READ_ONCE(way->peer));
	__u32 claim;

	if (!peer)
		return NULL;
	claim = READ_ONCE(peer->claim);
	if (SERIN_WAY_GENERATION(claim) != READ_ONCE(way->peer_generation) ||
	    SERIN_WAY_STATE(claim) < SERIN_WAY_PENDING || SERIN_WAY_STATE(claim) == SERIN_WAY_KILLED)
		return NULL;
	return peer;
}
#else /* see tests/bench */
#include "flow_lru.h"
#endif

#endif
