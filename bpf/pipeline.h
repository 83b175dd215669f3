/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The way of a packet, from its facts to a decision. */
#ifndef SERIN_PIPELINE_H
#define SERIN_PIPELINE_H

#include <serin/split.h>

#include "hop.h"
#include "observe.h"
#include "tcp.h"
#ifdef SERIN_FLOW_LRU /* see tests/bench */
#include "open_lru.h"
#else
#include "open.h"
#endif

/* The listener that the packet is for, or NULL: not ours. */
static __always_inline const struct serin_listener *listener_of(const struct pkt *pkt, __u32 *ret_id)
{
	struct serin_listener_key key = { .addr = pkt->dst, .port = pkt->dport, .protocol = pkt->protocol };
	const __u32 *id = bpf_map_lookup_elem(&listener_ids, &key);

	if (!id)
		return NULL;
	*ret_id = *id;
	return listener_at(*id);
}

/* Where a plan sends this client: a backend's id, or a drop. */
verified_once int plan_backend(const struct serin_plan *plan, const struct pkt *pkt)
{
	struct serin_split_key key = {};
	struct serin_split split;

	if (!pkt || !plan)
		return drop(SERIN_DROP_NO_PLAN);
	key.client = pkt->src;
	key.listener = pkt->dst;
	key.client_port = pkt->sport;
	key.listener_port = pkt->dport;
	key.protocol = pkt->protocol;
	key.family = pkt->family;
	serin_split(plan, &key, &split);
	return split.backend == SERIN_NO_BACKEND ? drop(SERIN_DROP_NO_BACKEND) : (int)split.backend;
}

static __always_inline int service_backend(__u32 service, const struct pkt *pkt)
{
	void *of_service = bpf_map_lookup_elem(&plans, &service);
	const struct serin_plan *plan = of_service ? THE_ONE(*(struct plan_map *)of_service) : NULL;

	return plan ? plan_backend(plan, pkt) : drop(SERIN_DROP_NO_PLAN);
}

/* A rival's flow shows itself as soon as it is whole: that takes it less than these looks. */
static __always_inline void flow_await(__u32 index)
{
	struct serin_way *way = way_at(index);
	int i;

	for (i = 0; way && i < 64; i++)
		if (SERIN_WAY_STATE(READ_ONCE(way->claim)) >= SERIN_WAY_EMBRYONIC)
			break;
}

/* XDP also sees frames that the switch has flooded, or a promiscuous port brings: another load balancer's, maybe. They
 * are its own to answer. A VRRP router's virtual address (RFC 5798, section 7.3) is whoever's the VIP is. */
static __always_inline bool sent_to_us(const struct pkt *pkt)
{
	__u32 *id = bpf_map_lookup_elem(&device_ids, &pkt->ifindex);
	struct serin_device *device = id ? bpf_map_lookup_elem(&devices, id) : NULL;
	__u64 vrrp = pkt->to_mac & 0xffffffffffull;

	return !device || pkt->to_mac == mac_number(device->mac) || vrrp == VRRP_IPV4 || vrrp == VRRP_IPV6;
}

/* A packet without a flow: what it is for, and a flow if it may open one. VERDICT_FORWARD with its way and `ret` filled,
 * another verdict, or a drop. */
static __always_inline int pipeline_open(ctx_t *ctx, const struct pkt *pkt, __u64 hash,
					 const struct serin_settings *set, struct flow *ret, struct serin_way **ret_way)
{
	struct opening opening = { .routes_generation = set->routes_generation };
	const struct serin_listener *listener = listener_of(pkt, &opening.listener);
	int backend, failed;
	__s64 index;
	bool rival;

	if (!listener || !listener->forward || !sent_to_us(pkt))
		return VERDICT_PASS;
	if (pkt->fragment)
		return drop(SERIN_DROP_FRAGMENT_EARLY);
	opening.forward = listener->forward;
	/* With the client's own addresses a backend can go on with a connection that this host knows nothing about. */
	if ((pkt->flags & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_SYN &&
	    (opening.forward == SERIN_FORWARD_NAT || pkt->flags & (TCP_SYN | TCP_RST)))
		return VERDICT_REFUSE;
	if (pkt->ttl <= 1)
		return drop(SERIN_DROP_TTL_EXPIRED);
	backend = service_backend(listener->service, pkt);
	if (backend < 0)
		return backend;
	opening.backend = backend;
	failed = hop_to_new_client(ctx, pkt, &opening.client_hop);
	if (failed)
		return failed;
	index = flow_open(pkt, hash, &opening);
	if (index < NO_WAY)
		return index - NO_WAY;
	if (index == NO_WAY)
		return drop(SERIN_DROP_CONTENDED);
	rival = (index & OPENED_BY_RIVAL) != 0;
	if (rival)
		flow_await(index);
	*ret_way = flow_way(index, pkt);
	if (!*ret_way || !flow_read(*ret_way, index, pkt, ret))
		return drop(SERIN_DROP_CONTENDED);
	count_opening(ret, !rival);
	return VERDICT_FORWARD;
}

/* Decide. VERDICT_FORWARD: `ret_flow->rewrite` says everything, and the packet has been counted. */
static __always_inline int pipeline(ctx_t *ctx, const struct pkt *pkt, struct flow *ret_flow)
{
	const struct serin_settings *set = THE_ONE(settings);
	__u64 hash = pkt_hash(pkt), hop = 0;
	struct serin_way *way;
	int verdict;

	if (!set)
		return VERDICT_PASS;
	way = flow_find(pkt, hash, ret_flow);
	if (way && syn_begins_anew(pkt, ret_flow, way, set)) {
		flow_retire(ret_flow, way, pkt->stamp);
		way = NULL;
	}
	if (!way) {
		verdict = pipeline_open(ctx, pkt, hash, set, ret_flow, &way);
		if (verdict != VERDICT_FORWARD)
			return verdict;
		/* The verifier does not see that there always is one. */
		if (!way)
			return drop(SERIN_DROP_CONTENDED);
	}
	if (pkt->fragment)
		return drop(SERIN_DROP_FRAGMENT_EARLY);
	if (pkt->ttl <= 1)
		return drop(SERIN_DROP_TTL_EXPIRED);
	if (ret_flow->direction == SERIN_TO_BACKEND)
		verdict = hop_to_backend(ctx, pkt, ret_flow, set->routes_generation, &hop);
	else
		verdict = hop_to_client(ctx, pkt, ret_flow, way, set->routes_generation, &hop);
	if (!verdict)
		verdict = hop_take(hop, pkt, &ret_flow->rewrite);
	if (verdict)
		return verdict;
	count_packet(pkt, ret_flow);
	track(pkt, ret_flow, way);
	return VERDICT_FORWARD;
}

#endif
