/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The way of a packet, from its facts to a decision. Nothing here knows by which door it came.
 *
 * A door calls core_decide(). Most packets are decided then; where the routes have to be asked, which needs the door's own
 * context, it asks and calls core_open() or core_aim() with the answer. core_begin() goes on for a flow's first packet. */
#ifndef SERIN_PIPELINE_H
#define SERIN_PIPELINE_H

#include "fragment.h"
#include "hop.h"
#include "observe.h"
#include "turn.h"
#ifdef SERIN_FLOW_LRU /* see tests/bench */
#include "open_lru.h"
#else
#include "open.h"
#endif

#define LOOPBACK_IFINDEX 1

/* It is on its way: count it, and learn from it. */
static __always_inline void depart(struct scratch *here, struct serin_way *way)
{
	count_packet(&here->pkt, &here->flow);
	if (way && likely(!(here->pkt.unusual & (UNUSUAL_ERROR | UNUSUAL_LATER_FRAGMENT))))
		track(here, way);
	if (unlikely(here->pkt.unusual & UNUSUAL_ERROR) && way && here->pkt.unreachable &&
	    here->flow.direction == SERIN_TO_CLIENT && way->owed & SERIN_OWED)
		here->look = LOOK_UNREACHABLE;
	if (unlikely(here->pkt.unusual & UNUSUAL_FIRST_FRAGMENT))
		fragment_teach(false);
}

/* Have the door ask the routes for the way from one end of the decision to the other. */
static __always_inline int ask(struct scratch *here)
{
	here->question.from = here->flow.rewrite.src;
	here->question.to = here->flow.rewrite.dst;
	return VERDICT_ASK;
}

/* With a flow, or at least a backend: find the next hop. VERDICT_FORWARD, VERDICT_ASK, or a drop. */
static __always_inline int aim(struct scratch *here, struct serin_way *way, __u32 routes)
{
	__u64 hop;
	int failed;

	if (unlikely(!hop_known(here, routes, &hop)))
		return ask(here);
	failed = hop_take(here, hop);
	if (failed)
		return failed;
	depart(here, way);
	return VERDICT_FORWARD;
}

/* A process of this host is the backend: only ports change, the way up and the way back. */
static __always_inline int go_local(struct scratch *here, struct serin_way *way)
{
	bool back = here->flow.direction == SERIN_TO_CLIENT;

	if (back != (here->pkt.door == DOOR_TC_EGRESS))
		return VERDICT_PASS;
	depart(here, way);
	return VERDICT_UP;
}

/* A packet of a flow. */
static __always_inline int go_on(struct scratch *here, struct serin_way *way, const struct serin_settings *set)
{
	const struct flow *flow = &here->flow;
	bool tcp = here->pkt.protocol == IPPROTO_TCP;

	if (unlikely(flow->backend_flags & SERIN_BACKEND_RESET) && tcp && !here->pkt.unusual) {
		here->refusal = SERIN_DROP_RESETTING;
		return VERDICT_REFUSE;
	}
	if (unlikely(flow->forward == SERIN_FORWARD_LOCAL))
		return go_local(here, way);
	if (unlikely(here->pkt.unusual & UNUSUAL_DOOR))
		return VERDICT_PASS;
	if (here->pkt.ttl <= 1 && flow->forward != SERIN_FORWARD_L2)
		return drop(SERIN_DROP_TTL_EXPIRED);
	return aim(here, way, set->routes_generation);
}

/* Where a one-way mode's packet goes without a flow: the backend is all there is to know. */
static __always_inline bool flow_by_ring(struct scratch *here)
{
	const struct serin_backend *backend = backend_at(here->opening.backend);
	struct serin_table_stats *count = THE_ONE(table_stats);
	struct flow *flow = &here->flow;
	const struct serin_addr *outer;
	__u32 snat_index;

	if (!backend)
		return false;
	snat_index = backend->snat_first;
	outer = bpf_map_lookup_elem(&snat, &snat_index);
	flow->rewrite.src = outer && here->opening.forward != SERIN_FORWARD_L2 ? *outer : here->pkt.src;
	flow->rewrite.dst = backend->addr;
	flow->rewrite.ports = here->pkt.ports;
	flow->backend = here->opening.backend;
	flow->endpoint = backend->endpoint;
	flow->direction = SERIN_TO_BACKEND;
	flow->forward = here->opening.forward;
	flow->backend_flags = backend->flags;
	flow->remembered = false;
	if (count)
		count->unremembered++;
	return true;
}

/* May a segment without a SYN open a flow? With the client's own addresses a backend can go on with a connection that this
 * host knows nothing about. One that stays on this host is none of ours if it began before us. */
static __always_inline int judge_stray(__u32 forward, __u32 flags)
{
	if ((flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN)
		return VERDICT_FORWARD;
	switch (forward) {
	case SERIN_FORWARD_LOCAL:
		return VERDICT_PASS;
	case SERIN_FORWARD_NAT:
		return VERDICT_REFUSE;
	case SERIN_FORWARD_GATEWAY:
		return flags & (TCP_SYN | TCP_RST) ? VERDICT_REFUSE : VERDICT_FORWARD;
	default:
		return VERDICT_FORWARD;
	}
}

/* Not ours. */
static __always_inline int pass(const struct scratch *here)
{
	if (unlikely(here->pkt.unusual & UNUSUAL_FIRST_FRAGMENT))
		fragment_teach(true);
	return VERDICT_PASS;
}

/* A packet without a flow, to the listener that here->opening names: VERDICT_OPEN with the rest of that filled, another
 * verdict, or a drop. */
verified_once int core_meet(void)
{
	const struct serin_listener *listener;
	struct scratch *here = SCRATCH();
	struct opening *opening;
	struct pkt *pkt;
	int backend, stray;

	if (!here)
		return VERDICT_PASS;
	pkt = &here->pkt;
	opening = &here->opening;
	listener = listener_at(opening->listener);
	if (!listener || !listener->forward || !sent_to_us(here))
		return pass(here);
	opening->forward = listener->forward;
	if (pkt->unusual & UNUSUAL_DOOR && opening->forward != SERIN_FORWARD_LOCAL)
		return VERDICT_PASS;
	if (pkt->unusual & UNUSUAL_ERROR && !SERIN_IS_ONE_WAY(opening->forward))
		return VERDICT_PASS;
	if (pkt->protocol == IPPROTO_TCP && !(pkt->unusual & (UNUSUAL_ERROR | UNUSUAL_LATER_FRAGMENT))) {
		stray = judge_stray(opening->forward, pkt->flags);
		here->refusal = SERIN_DROP_NO_FLOW;
		if (stray != VERDICT_FORWARD)
			return stray;
	}
	if (pkt->ttl <= 1 && opening->forward != SERIN_FORWARD_L2 && opening->forward != SERIN_FORWARD_LOCAL)
		return drop(SERIN_DROP_TTL_EXPIRED);
	backend = service_backend(listener->service, here);
	if (backend < 0)
		return backend;
	opening->backend = backend;
	here->question.from = pkt->dst;
	here->question.to = pkt->src;
	return VERDICT_OPEN;
}

/* Decide. VERDICT_FORWARD, VERDICT_UP: here->flow says everything, and the packet has been counted. No function of its own,
 * like all that a known flow's packet runs through: a call costs as much as a lookup where returns are guarded against
 * speculation. */
static __always_inline int core_decide(struct scratch *here)
{
	const struct serin_settings *set = THE_ONE(settings);
	struct serin_way *way;
	int verdict;

	if (!here || !set)
		return VERDICT_PASS;
	here->look = 0;
	if (unlikely(here->pkt.unusual & UNUSUAL_LATER_FRAGMENT)) {
		verdict = fragment_recall();
		if (verdict != VERDICT_FORWARD)
			return verdict;
	}
	here->opening.hash = pkt_hash(&here->pkt);
	way = flow_find(&here->pkt, here->opening.hash, &here->flow);
	if (likely(way)) {
		if (likely(!begins_anew(&here->pkt, &here->flow, way, set)))
			return go_on(here, way, set);
		flow_retire(&here->flow, way, here->pkt.stamp);
	}
	if (here->pkt.door == DOOR_TC_EGRESS)
		return VERDICT_PASS;
	/* Port 0 is the address, not a service on it. */
	if (!here->pkt.dport || !listener_of(here, here->pkt.dport, &here->opening.listener))
		return pass(here);
	return core_meet();
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

/* After VERDICT_OPEN, with the routes' answer about the way back to the client: is there a place for the flow? A one-way mode
 * needs neither that nor a flow. VERDICT_OPENED, or a drop. What comes then is a function of its own: what this one calls
 * takes all the stack that there is. */
verified_once int core_open(struct scratch *here)
{
	const struct serin_settings *set = THE_ONE(settings);
	bool one_way;
	int failed;

	if (!here || !set)
		return VERDICT_PASS;
	one_way = SERIN_IS_ONE_WAY(here->opening.forward);
	here->opening.routes_generation = set->routes_generation;
	here->opening.place = NO_WAY + drop(SERIN_DROP_NO_BACKEND);
	if (!one_way && here->opening.forward != SERIN_FORWARD_LOCAL) {
		failed = hop_to_new_client(here, &here->opening.client_hop);
		if (failed)
			return failed;
	}
	/* An error is no client's word, a RST no beginning. */
	if (!one_way || !(here->pkt.unusual & UNUSUAL_ERROR || here->pkt.flags & TCP_RST))
		here->opening.place = flow_open(here);
	return VERDICT_OPENED;
}

/* Has the packet's flow taken the place? Its way, or NULL and a drop. */
static __always_inline struct serin_way *flow_begin(struct scratch *here, int *ret_failed)
{
	__s64 index = here->opening.place;
	struct serin_way *way;
	bool rival;

	*ret_failed = drop(SERIN_DROP_CONTENDED);
	if (index < NO_WAY)
		*ret_failed = index - NO_WAY;
	if (index <= NO_WAY)
		return NULL;
	rival = (index & OPENED_BY_RIVAL) != 0;
	count_opening(here->opening.backend, !rival, here->opening.by_rule);
	if (rival)
		flow_await(index);
	way = flow_way(index, &here->pkt);
	if (!way || !flow_read(way, index, &here->pkt, &here->flow))
		return NULL;
	here->flow.fresh = !rival;
	return way;
}

/* After VERDICT_OPENED: VERDICT_FORWARD, VERDICT_UP, VERDICT_ASK, or a drop. */
verified_once int core_begin(struct scratch *here)
{
	const struct serin_settings *set = THE_ONE(settings);
	struct serin_way *way;
	int failed;

	if (!here || !set)
		return VERDICT_PASS;
	way = flow_begin(here, &failed);
	if (!way && !(SERIN_IS_ONE_WAY(here->opening.forward) && flow_by_ring(here)))
		return failed;
	return go_on(here, way, set);
}

/* After VERDICT_ASK, with the routes' answer. VERDICT_FORWARD, or a drop. */
verified_once int core_aim(struct scratch *here)
{
	const struct serin_settings *set = THE_ONE(settings);
	struct serin_way *way = NULL;
	__u64 hop = 0;
	int failed;

	if (!here || !set)
		return VERDICT_PASS;
	if (here->flow.remembered)
		way = flow_way(here->flow.index, &here->pkt);
	hop_known(here, set->routes_generation, &hop);
	failed = hop_settle(here, hop, &hop);
	if (failed) {
		syn_is_stuck(here, way);
		return failed;
	}
	hop_learn(here, way, set->routes_generation, hop);
	failed = hop_take(here, hop);
	if (failed)
		return failed;
	depart(here, way);
	return VERDICT_FORWARD;
}

#endif
