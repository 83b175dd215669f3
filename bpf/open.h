/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Opening a flow: two ways (one in a one-way mode), and under forward: nat a source port. All of it or nothing. */
#ifndef SERIN_OPEN_H
#define SERIN_OPEN_H

#include "port_claim.h"

/* One way of a flow in the making. */
struct half {
	struct serin_way *way;
	__u32 index;
	__u64 hash;
};

static __always_inline bool half_claim(struct half *half, __u64 hash, const struct scratch *here)
{
	__s64 index = way_claim(hash, here->pkt.stamp, SERIN_IS_ONE_WAY(here->opening.forward));

	half->hash = hash;
	half->index = index;
	half->way = index < 0 ? NULL : way_at(index);
	return half->way != NULL;
}

/* An address and port that connections to a backend come from, under forward: nat. */
struct snat {
	__u32 index;
	__be16 port;
};

/* The one that a place among the owner words of the backend's endpoint stands for. */
static __always_inline struct snat snat_at(const struct serin_settings *set, const struct serin_backend *backend,
					   __u32 place)
{
	__u32 ports = set->snat_port_count, nth = ports ? place / ports : 0;

	return (struct snat){ .index = backend->snat_first + nth,
			      .port = bpf_htons(set->snat_port_first + place - nth * ports) };
}

/* The hash under which the backend's packets will look for the flow. */
static __always_inline __u64 reverse_hash(const struct scratch *here, const struct serin_backend *backend,
					  struct snat from)
{
	const struct serin_listener *listener = listener_at(here->opening.listener);
	const struct serin_addr *towards = &here->pkt.src;

	if (from.index != SERIN_NO_SNAT)
		towards = bpf_map_lookup_elem(&snat, &from.index);
	if (!towards || !listener)
		return 0;
	/* Source port first in memory, whatever the host's byte order. */
	union {
		__be16 port[2];
		__u32 both;
	} ports = { .port = { backend->port, from.port } };
	return flow_hash(here->opening.forward == SERIN_FORWARD_LOCAL ? &listener->addr : &backend->addr, towards,
			 ports.both, listener->protocol);
}

/* A new flow's places are in lines that nobody has had in a cache for long. All are asked for together, before the first of them
 * is needed; of the way back those that it has if the first port is free. */
static __always_inline void flow_prefetch(const struct scratch *here, const struct serin_backend *backend)
{
	const struct serin_settings *set = THE_ONE(settings);
	struct snat from = { SERIN_NO_SNAT, here->pkt.sport };
	__u32 endpoint = backend->endpoint;
	const __u32 *cursor;

	newcomer_prefetch(here->opening.hash);
	if (here->opening.forward == SERIN_FORWARD_NAT) {
		cursor = bpf_map_lookup_elem(&cursors, &endpoint);
		if (!set || !cursor)
			return;
		from = snat_at(set, backend, port_start(*cursor, set->snat_port_count * backend->snat_count));
	}
	bucket_prefetch(reverse_hash(here, backend, from));
}

static __always_inline void half_fill(struct half *half, const struct half *other, const struct scratch *here,
				      __u8 direction)
{
	const struct opening *opening = &here->opening;
	const struct pkt *pkt = &here->pkt;
	struct serin_way *way = half->way;
	__u8 flags = SERIN_WAY_FLAGS_OF(opening->forward);

	way->peer = other->index;
	way->peer_generation = SERIN_WAY_GENERATION(other->way->claim);
	way->stamp = pkt->stamp;
	way->bytes_low = 0;
	way->bytes_high = 0;
	way->client = pkt->src;
	way->client_port = pkt->sport;
	way->listener = opening->listener;
	way->backend = opening->backend;
	if (opening->by_rule)
		flags |= SERIN_WAY_BY_RULE;
	if (direction == SERIN_TO_BACKEND) {
		way->opened = pkt->stamp;
		way->plan = SERIN_IS_ONE_WAY(opening->forward) ? 0 : opening->plan;
		way->next_seq = tcp_end(pkt);
		way->asked = 0;
		way->flags = flags | (pkt->protocol == IPPROTO_TCP ? SERIN_WAY_SEQ : 0);
	} else {
		way->hop = SERIN_HOP_OF(opening->client_hop, opening->routes_generation);
		way->next_seq = 0;
		way->owed = 0;
		if (pkt->flags & TCP_SYN && pkt->protocol == IPPROTO_TCP)
			way->owed = (__u32)(bpf_ktime_get_ns() >> SERIN_OWED_SHIFT) << SERIN_OWED_BITS | SERIN_OWED;
		way->flags = flags | SERIN_WAY_TO_CLIENT;
		way->snat = other->way->snat;
		way->nat_port = other->way->nat_port;
	}
}

/* Make the backend's way, whose key the forward one's address and port decide, and show it to other inserters. */
static __always_inline bool reverse_publish(struct half *reverse, const struct half *forward,
					    const struct scratch *here, const struct serin_backend *backend)
{
	struct snat from = { forward->way->snat, forward->way->nat_port };

	if (!half_claim(reverse, reverse_hash(here, backend, from), here))
		return false;
	half_fill(reverse, forward, here, SERIN_TO_CLIENT);
	way_publish(reverse->way, reverse->index, reverse->hash);
	return true;
}

/* forward: nat. The owner word makes the reverse key ours alone. 0, or a drop. */
static __always_inline int bind_nat(struct half *forward, struct half *reverse, const struct scratch *here,
				    const struct serin_backend *backend)
{
	const struct serin_settings *set = THE_ONE(settings);
	__u32 generation = SERIN_WAY_GENERATION(forward->way->claim);
	struct snat from;
	__s64 place;

	place = port_claim(here->opening.backend, forward->index, generation, forward->hash, here->pkt.stamp);
	if (place < 0 || !set)
		return drop(SERIN_DROP_SNAT_EXHAUSTED);
	from = snat_at(set, backend, place);
	forward->way->snat = from.index;
	forward->way->nat_port = from.port;
	if (!reverse_publish(reverse, forward, here, backend)) {
		port_release(forward->way, forward->index, generation, here->pkt.stamp);
		return drop(SERIN_DROP_FLOW_TABLE_FULL);
	}
	return 0;
}

/* forward: gateway, local. The client's own port, unless that client already talks to this backend from it through another
 * listening address: then a few others are tried. */
static __always_inline int bind_own(struct half *forward, struct half *reverse, const struct scratch *here,
				    const struct serin_backend *backend)
{
	const struct serin_settings *set = THE_ONE(settings);
	__u64 hash = forward->hash;
	int i;

	if (!set)
		return drop(SERIN_DROP_TUPLE_CLASH);
	forward->way->snat = SERIN_NO_SNAT;
	forward->way->nat_port = here->pkt.sport;
	for (i = 0; i < 4; i++) {
		/* Not at the end: clang 14 puts it above the loop, to fall into its beginning, and Linux 6.1 knows no loop that
		 * is closed without a jump: "back-edge from insn". */
		if (i) {
			hash = serin_mix64(hash + i);
			forward->way->nat_port =
				bpf_htons(set->snat_port_first + serin_scale(hash, set->snat_port_count));
		}
		if (!reverse_publish(reverse, forward, here, backend))
			return drop(SERIN_DROP_FLOW_TABLE_FULL);
		if (way_rival(reverse->index, reverse->hash) == NO_WAY)
			return 0;
		way_free(reverse->way, reverse->index);
	}
	return drop(SERIN_DROP_TUPLE_CLASH);
}

/* In flow_open's answer: the flow at that index is another CPU's. */
#define OPENED_BY_RIVAL (1ll << 32)

/* Show both ways to packets, the one to the client first: a packet that meets the other one has an answer's way, and a
 * reverse key that was lost to another opener is noticed while nobody has seen the flow. The flow's index; that of a
 * rival who was quicker with the same client; or NO_WAY, when the reverse key was lost, or the flow was ended already.
 * Of a flow that lost nothing is left. */
static __always_inline __s64 flow_go_live(struct half *forward, struct half *reverse, __u32 now)
{
	__u32 generation = SERIN_WAY_GENERATION(forward->way->claim);
	__u32 reverse_generation = SERIN_WAY_GENERATION(reverse->way->claim);
	__s64 rival;

	way_publish(forward->way, forward->index, forward->hash);
	rival = way_rival(forward->index, forward->hash);
	if (rival != NO_WAY || !way_go_live(reverse->way)) {
		way_free(reverse->way, reverse->index);
	} else {
		if (way_go_live(forward->way))
			return forward->index;
		/* Killed by a rival, or by whoever has ended the flow through its other way. */
		peer_retire(reverse->index, reverse_generation, SERIN_ENDED_EVICTED);
		rival = way_rival(forward->index, forward->hash);
	}
	port_release(forward->way, forward->index, generation, now);
	way_free(forward->way, forward->index);
	return rival == NO_WAY ? NO_WAY : rival | OPENED_BY_RIVAL;
}

/* A flow of a one-way mode: the backend's answers never come by. */
static __always_inline __s64 one_way_open(struct half *forward, const struct scratch *here,
					  const struct serin_backend *backend)
{
	__s64 rival;

	forward->way->snat = here->opening.forward == SERIN_FORWARD_L2 ? SERIN_NO_SNAT : backend->snat_first;
	forward->way->nat_port = here->pkt.sport;
	half_fill(forward, forward, here, SERIN_TO_BACKEND);
	way_publish(forward->way, forward->index, forward->hash);
	rival = way_rival(forward->index, forward->hash);
	if (rival == NO_WAY && way_go_live(forward->way))
		return forward->index;
	way_free(forward->way, forward->index);
	return rival == NO_WAY ? NO_WAY : rival | OPENED_BY_RIVAL;
}

/* Open the flow of a client's packet, as here->opening says. Its way's index, perhaps OPENED_BY_RIVAL; NO_WAY when it was
 * taken back at once; or a drop, below NO_WAY. */
static __always_inline __s64 flow_open(struct scratch *here)
{
	struct half forward = {}, reverse = {};
	const struct serin_backend *backend;
	int failed;

	if (!here)
		return NO_WAY + drop(SERIN_DROP_NO_BACKEND);
	backend = backend_at(here->opening.backend);
	if (!backend)
		return NO_WAY + drop(SERIN_DROP_NO_BACKEND);
	if (!SERIN_IS_ONE_WAY(here->opening.forward))
		flow_prefetch(here, backend);
	if (!half_claim(&forward, here->opening.hash, here))
		return NO_WAY + drop(SERIN_DROP_FLOW_TABLE_FULL);
	if (SERIN_IS_ONE_WAY(here->opening.forward))
		return one_way_open(&forward, here, backend);
	/* Binding a port reads these, and giving it back when the rest fails. */
	forward.way->client = here->pkt.src;
	forward.way->listener = here->opening.listener;
	forward.way->backend = here->opening.backend;
	forward.way->flags = SERIN_WAY_FLAGS_OF(here->opening.forward);
	if (here->opening.forward == SERIN_FORWARD_NAT)
		failed = bind_nat(&forward, &reverse, here, backend);
	else
		failed = bind_own(&forward, &reverse, here, backend);
	if (failed) {
		way_free(forward.way, forward.index);
		return NO_WAY + failed;
	}
	half_fill(&forward, &reverse, here, SERIN_TO_BACKEND);
	return flow_go_live(&forward, &reverse, here->pkt.stamp);
}

#endif
