/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From a client to a backend: hash -> slot -> version -> ring. Kernel, agent and tests compile this same code. */
#ifndef SERIN_SPLIT_H
#define SERIN_SPLIT_H

#include <serin/abi.h>

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

/* What a connection is drawn by. Ports and destination count under SERIN_AFFINITY_FLOW only. */
struct serin_split_key {
	struct serin_addr client;
	struct serin_addr listener;
	__be16 client_port;
	__be16 listener_port;
	__u8 protocol;
	__u8 family; /* enum serin_family */
	__u8 pad[2];
};

struct serin_split {
	__u32 slot;    /* 0 .. SERIN_SLOTS - 1 */
	__u32 version; /* index into the plan */
	__u32 place;   /* on the version's ring */
	__u32 backend; /* id, or SERIN_NO_BACKEND */
};

/* The finalizer of SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014;
 * constants: D. Stafford's variant 13). A bijection of 64 bits in which every input bit moves half of the output. */
static __always_inline __u64 serin_mix64(__u64 x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

/* Scale a hash's high 32 bits to 0 .. n - 1 without a division (D. Lemire: "Fast random integer generation in an
 * interval", 2019). Its bounds are visible to the BPF verifier, those of `%` are not. */
static __always_inline __u32 serin_scale(__u64 hash, __u32 n)
{
	/* clang shifts both halves of the mixing's last XOR, and Linux 6.1's verifier knows no bounds of an XOR: "R5
	 * unbounded memory access". Make it shift the whole. */
	asm volatile("" : "+r"(hash));
	return (__u32)(((hash >> 32) * n) >> 32);
}

/* 64 bits drawn from all of the key that the plan's affinity counts. Big-endian hosts draw other clients. */
static __always_inline __u64 serin_split_hash(const struct serin_plan *plan, const struct serin_split_key *key,
					      __u64 hash)
{
	__u64 high = key->client.quad[0], low = key->client.quad[1];

	if (plan->affinity == SERIN_AFFINITY_SOURCE) {
		int v4 = key->family == SERIN_IPV4;

		high &= v4 ? plan->mask4[0] : plan->mask6[0];
		low &= v4 ? plan->mask4[1] : plan->mask6[1];
		hash = serin_mix64(hash ^ high);
		return serin_mix64(hash + low);
	}
	hash = serin_mix64(hash ^ high);
	hash = serin_mix64(hash + low);
	hash = serin_mix64(hash ^ key->listener.quad[0]);
	hash = serin_mix64(hash + key->listener.quad[1]);
	return serin_mix64(hash ^ ((__u64)key->client_port << 32 | (__u64)key->listener_port << 16 | key->protocol));
}

/* The version depends on the rollout's draw alone, the place on its ring on an independent hash that stays when a
 * rollout draws anew: neither moves when the other's table changes. */
static __always_inline void serin_split(const struct serin_plan *plan, const struct serin_split_key *key,
					struct serin_split *ret)
{
	ret->slot = serin_scale(serin_split_hash(plan, key, plan->seed), SERIN_SLOTS);
	ret->version = plan->slot[ret->slot] & (SERIN_MAX_VERSIONS - 1);
	ret->place = serin_scale(serin_split_hash(plan, key, plan->ring_seed), SERIN_RING_SIZE);
	ret->backend = plan->ring[ret->version][ret->place];
}

/* The whole-address mask of a prefix of `bits` (0 .. 128), in memory order. For an IPv4 prefix add 96. */
static inline void serin_prefix_mask(unsigned int bits, __u64 ret_mask[2])
{
	struct serin_addr mask = { { { 0 } } };
	unsigned int i;

	for (i = 0; i < 16; i++) {
		if (bits >= 8 * (i + 1))
			mask.byte[i] = 0xff;
		else if (bits > 8 * i)
			mask.byte[i] = (__u8)(0xff00u >> (bits - 8 * i));
	}
	ret_mask[0] = mask.quad[0];
	ret_mask[1] = mask.quad[1];
}

#endif
