/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The flow table on the kernel's LRU hash: what serin's own is measured against, and for nothing else. Same key, same
 * facts, same rewrites; only where they are kept differs. Included by bpf/flow.h under SERIN_FLOW_LRU. */
#ifndef SERIN_FLOW_LRU_H
#define SERIN_FLOW_LRU_H

struct lru_key {
	struct serin_addr src, dst;
	__u32 ports;
	__u32 protocol;
};
MAP(lru, LRU_HASH, 1, struct lru_key, struct serin_way);

/* What is being looked up: off the stack, like lru_new. */
MAP(lru_wanted, PERCPU_ARRAY, 1, __u32, struct lru_key);

static __always_inline void lru_key_of(const struct pkt *pkt, struct lru_key *ret)
{
	ret->src = pkt->src;
	ret->dst = pkt->dst;
	ret->ports = pkt->ports;
	ret->protocol = pkt->protocol;
}

static __always_inline struct serin_way *flow_way(__u32 index, const struct pkt *pkt)
{
	struct lru_key *key = THE_ONE(lru_wanted);

	/* Else clang leaves the argument out of calls, and the verifier finds it unset. */
	asm volatile("" : : "r"(index));
	if (!key)
		return NULL;
	lru_key_of(pkt, key);
	return bpf_map_lookup_elem(&lru, key);
}

static __always_inline struct serin_way *flow_find(const struct pkt *pkt, __u64 hash, struct flow *ret)
{
	struct serin_way *way = flow_way(0, pkt);

	return way && flow_read(way, (__u32)hash, pkt, ret) ? way : NULL;
}

/* Of a flow that has lost one, its own: to the verifier the answer must not be perhaps nothing. */
static __always_inline struct serin_way *flow_peer(const struct serin_way *way)
{
	const struct serin_listener *listener = listener_at(way->listener);
	const struct serin_backend *backend = backend_at(way->backend);
	struct serin_way *own_way = (struct serin_way *)way, *peer;
	__u32 snat_index = way->snat;
	const struct serin_addr *own = bpf_map_lookup_elem(&snat, &snat_index);
	struct lru_key *key = THE_ONE(lru_wanted);

	if (!listener || !backend || !key)
		return own_way;
	key->protocol = listener->protocol;
	if (SERIN_WAY_DIRECTION(way) == SERIN_TO_BACKEND) {
		key->src = backend->addr;
		key->dst = own ? *own : way->client;
		key->ports = backend->port | (__u32)way->nat_port << 16;
	} else {
		key->src = way->client;
		key->dst = listener->addr;
		key->ports = way->client_port | (__u32)listener->port << 16;
	}
	peer = bpf_map_lookup_elem(&lru, key);
	return peer ? peer : own_way;
}

#endif
