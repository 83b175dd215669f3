/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a packet without a flow is for, and which backend its client is given: listener, rule or slot, guard, ring. */
#ifndef SERIN_CHOOSE_H
#define SERIN_CHOOSE_H

#include "guard.h"
#include "scratch.h"

/* The listener that the packet is for, or NULL: not ours. */
static __always_inline const struct serin_listener *listener_of(struct scratch *here, __be16 port, __u32 *ret_id)
{
	struct serin_listener_key *key = &here->wanted;
	const __u32 *id;

	key->addr = here->pkt.dst;
	key->port = port;
	key->protocol = here->pkt.protocol;
	__builtin_memset(key->pad, 0, sizeof(key->pad));
	id = bpf_map_lookup_elem(&listener_ids, key);
	if (!id)
		return NULL;
	*ret_id = *id;
	return listener_at(*id);
}

/* XDP also sees frames that the switch has flooded, or a promiscuous port brings: another load balancer's, maybe. They
 * are its own to answer. A VRRP router's virtual address (RFC 5798, section 7.3) is whoever's the VIP is. */
static __always_inline bool sent_to_us(struct scratch *here)
{
	const struct pkt *pkt = &here->pkt;
	__u32 *id = bpf_map_lookup_elem(&device_ids, &pkt->ifindex);
	struct serin_device *device = id ? bpf_map_lookup_elem(&devices, id) : NULL;
	__u64 vrrp = pkt->to_mac & 0xffffffffffull;

	here->opening.device = id ? *id : NO_DEVICE;
	return !device || pkt->to_mac == mac_number(device->mac) || vrrp == VRRP_IPV4 || vrrp == VRRP_IPV6;
}

/* A second and a little: short enough for a rate per second, long enough for one of a few. */
#define WINDOW_STAMPS_SHIFT 2
#define WINDOW_FLOWS(per_second) (((__u64)(per_second) * 1100 >> 10) + 1) /* 2^30 ns' worth */

/* May the service open another flow within this window? Several CPUs share the word. */
static __always_inline bool opening_allowed(__u32 service, __u32 per_second, __u32 stamp)
{
	__u64 *word = bpf_map_lookup_elem(&openings, &service), window = stamp >> WINDOW_STAMPS_SHIFT, before;

	if (!word)
		return true;
	before = READ_ONCE(*word);
	if (before >> 32 != window && swap_if(word, before, window << 32 | 1))
		return true;
	/* Refused ones are not counted, or a flood would run into the upper half. */
	if ((__u32)READ_ONCE(*word) >= WINDOW_FLOWS(per_second))
		return false;
	return (__u32)__sync_fetch_and_add(word, 1) < WINDOW_FLOWS(per_second);
}

/* The version that a rule places the client on, or -1: none does, or one that is not of the client's family would. */
static __always_inline int rule_version(const struct serin_plan *plan, struct scratch *here)
{
	struct serin_rule_key *key = &here->rule;
	const __u32 *version;

	key->prefix_length = 32 + 128;
	key->set = plan->rules;
	key->addr = here->pkt.src;
	version = bpf_map_lookup_elem(&rules, key);
	return version && *version < SERIN_MAX_VERSIONS ? (int)*version : -1;
}

/* Segments without a SYN go on with what another host or an older table has begun: they are no new clients. */
static __always_inline bool is_newcomer(const struct pkt *pkt)
{
	return pkt->protocol != IPPROTO_TCP || pkt->flags & TCP_SYN;
}

/* Of a client that was drawn for a version on trial, or placed on it. Where that gets no new connection: the baseline's, unless
 * nobody is there. Segments of older connections go on where those went; but in one-way modes, where a flow that finds no
 * place in the table has none, they may belong to one that was turned away. */
static __always_inline __u32 guarded_backend(const struct serin_plan *plan, __u32 service, struct scratch *here,
					     const struct serin_split *split)
{
	__u32 place = SERIN_VERSION_PLACE(service, split->version), backend, why;

	if (!is_newcomer(&here->pkt) && !SERIN_IS_ONE_WAY(here->opening.forward))
		return split->backend;
	why = guard_refusal(place, SERIN_VERSION_PLACE(service, plan->baseline), plan->epoch);
	if (likely(why == SERIN_GUARD_REASON_COUNT))
		return split->backend;
	backend = plan->ring[plan->baseline & (SERIN_MAX_VERSIONS - 1)][split->place];
	if (backend == SERIN_NO_BACKEND)
		return split->backend;
	here->opening.plan = 0; /* of no plan's draw: it is not judged */
	count_turned_away(place, why);
	return backend;
}

/* Where a service's plan sends this client: a backend's id, or a drop. */
verified_once int plan_backend(const struct serin_plan *plan, __u32 service)
{
	struct scratch *here = SCRATCH();
	struct serin_split split;
	int version = -1;

	if (!plan || !here)
		return drop(SERIN_DROP_NO_PLAN);
	here->drawn.client = here->pkt.src;
	here->drawn.listener = here->pkt.dst;
	here->drawn.client_port = here->pkt.sport;
	here->drawn.listener_port = here->pkt.dport;
	here->drawn.protocol = here->pkt.protocol;
	here->drawn.family = here->pkt.family;
	serin_split(plan, &here->drawn, &split);
	if (plan->rules)
		version = rule_version(plan, here);
	here->opening.by_rule = version >= 0;
	if (version >= 0) {
		split.version = version & (SERIN_MAX_VERSIONS - 1);
		split.backend = plan->ring[split.version][split.place];
	}
	if (split.version != plan->baseline)
		split.backend = guarded_backend(plan, service, here, &split);
	return split.backend == SERIN_NO_BACKEND ? drop(SERIN_DROP_NO_BACKEND) : (int)split.backend;
}

static __always_inline int service_backend(__u32 service, struct scratch *here)
{
	void *of_service = bpf_map_lookup_elem(&plans, &service);
	const struct serin_plan *plan = of_service ? THE_ONE(*(struct plan_map *)of_service) : NULL;

	if (!plan)
		return drop(SERIN_DROP_NO_PLAN);
	here->opening.plan = plan->generation;
	if (plan->max_new && is_newcomer(&here->pkt) && !opening_allowed(service, plan->max_new, here->pkt.stamp))
		return drop(SERIN_DROP_NEW_FLOW_LIMIT);
	return plan_backend(plan, service);
}

#endif
