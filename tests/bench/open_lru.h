/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Opening a flow in the LRU hash: the same port search, two inserts. Ports of evicted flows are lost: good enough for a
 * comparison of costs. Included by bpf/pipeline.h under SERIN_FLOW_LRU. */
#ifndef SERIN_OPEN_LRU_H
#define SERIN_OPEN_LRU_H

#include "port_claim.h"

#define OPENED_BY_RIVAL (1ll << 32)

/* Off the stack: 64 bytes more and the chain of calls is past 512. */
MAP(lru_new, PERCPU_ARRAY, 1, __u32, struct serin_way);

verified_once int lru_insert(const struct lru_key *key, const struct serin_way *way)
{
	if (!key || !way)
		return -1;
	return bpf_map_update_elem(&lru, key, way, BPF_NOEXIST);
}

static __always_inline __s64 flow_open(struct scratch *here)
{
	const struct opening *opening;
	const struct pkt *pkt;
	const struct serin_settings *set = THE_ONE(settings);
	const struct serin_backend *backend;
	struct serin_way *way = THE_ONE(lru_new);
	struct lru_key key;
	const struct serin_addr *own;
	__u32 snat_index;
	__s64 place;

	if (!here || !set || !way)
		return NO_WAY;
	opening = &here->opening;
	pkt = &here->pkt;
	backend = backend_at(opening->backend);
	if (!backend)
		return NO_WAY;
	place = port_claim(opening->backend, 0, 1, opening->hash, pkt->stamp);
	if (place < 0)
		return NO_WAY + drop(SERIN_DROP_SNAT_EXHAUSTED);
	snat_index = way->snat = backend->snat_first;
	own = bpf_map_lookup_elem(&snat, &snat_index);
	if (!own)
		return NO_WAY;
	way->claim = SERIN_WAY_CLAIM(1, SERIN_WAY_EMBRYONIC);
	way->peer_generation = 1;
	way->stamp = way->opened = pkt->stamp;
	way->client = pkt->src;
	way->client_port = pkt->sport;
	way->nat_port = bpf_htons(set->snat_port_first + (__u32)place);
	way->listener = opening->listener;
	way->backend = opening->backend;
	way->next_seq = pkt->seq + 1;
	way->flags = SERIN_WAY_FLAGS_OF(SERIN_FORWARD_NAT) | SERIN_WAY_SEQ;
	way->hop = 0;
	lru_key_of(pkt, &key);
	if (lru_insert(&key, way))
		return NO_WAY;
	way->flags = SERIN_WAY_FLAGS_OF(SERIN_FORWARD_NAT) | SERIN_WAY_TO_CLIENT;
	way->hop = SERIN_HOP_OF(opening->client_hop, set->routes_generation);
	key.src = backend->addr;
	key.dst = *own;
	key.ports = backend->port | (__u32)way->nat_port << 16;
	return lru_insert(&key, way) ? NO_WAY : 0;
}

#endif
