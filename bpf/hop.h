/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Next hops: looked up once per backend and second and once per client, never per packet. */
#ifndef SERIN_HOP_H
#define SERIN_HOP_H

#include "flow.h"

#define FAMILY_INET 2
#define FAMILY_INET6 10
#define HOP_STAMPS 4 /* a second: how long a backend's next hop is trusted even while nobody watches the routes */

#define HOP_ON_LINK (1ull << 62) /* in an answer: the destination is the next hop itself */
#define HOP_MAC ((1ull << 48) - 1)

/* The kernel's answer to here->question: a hop, perhaps without a MAC address, or a drop. For every door, since all of
 * them have the helper: the verifier checks it once for each. `came_by`: the device's id where it is known, which is often the
 * one that the packet leaves by. */
static __noinline void fib_ask(void *ctx, struct scratch *here, __u32 came_by)
{
	const struct serin_addr *from = &here->question.from, *to = &here->question.to;
	bool v4 = addr_is_mapped(to);
	struct bpf_fib_lookup fib = {};
	__u64 mac, on_link;
	__u32 device = came_by, *known;
	long answer;

	here->question.answer = drop(SERIN_DROP_NO_ROUTE);
	fib.l4_protocol = here->pkt.protocol;
	fib.ifindex = here->pkt.ifindex;
	if (v4) {
		fib.family = FAMILY_INET;
		fib.ipv4_src = from->word[3];
		fib.ipv4_dst = to->word[3];
	} else {
		fib.family = FAMILY_INET6;
		__builtin_memcpy(fib.ipv6_src, from, sizeof(fib.ipv6_src));
		__builtin_memcpy(fib.ipv6_dst, to, sizeof(fib.ipv6_dst));
	}
	answer = bpf_fib_lookup(ctx, &fib, sizeof(fib), 0);
	/* TC's helper looks at the packet's length as well: that is for later, and for what the packet becomes. */
	if (answer != BPF_FIB_LKUP_RET_SUCCESS && answer != BPF_FIB_LKUP_RET_NO_NEIGH &&
	    answer != BPF_FIB_LKUP_RET_FRAG_NEEDED)
		return;
	if (device == NO_DEVICE || fib.ifindex != here->pkt.ifindex) {
		known = bpf_map_lookup_elem(&device_ids, &fib.ifindex);
		if (!known)
			return;
		device = *known;
	}
	/* The helper writes the gateway over the destination. */
	if (v4)
		on_link = fib.ipv4_dst == to->word[3];
	else
		on_link = addr_equal((const struct serin_addr *)fib.ipv6_dst, to);
	mac = answer == BPF_FIB_LKUP_RET_NO_NEIGH ? 0 : mac_number(fib.dmac);
	here->question.answer = SERIN_HOP(mac, device & 15) | (on_link ? HOP_ON_LINK : 0);
}

/* Where an answer came without a MAC address, the one known before holds on the same device: the neighbour is only
 * being resolved anew. Else the host can be asked to find it, through the TC door. 0 or a drop. */
static __always_inline int hop_settle(const struct scratch *here, __u64 known, __u64 *ret)
{
	__s64 answer = here->question.answer;

	if (answer < 0)
		return answer;
	*ret = answer & ~HOP_ON_LINK;
	if (*ret & HOP_MAC)
		return 0;
	if (known && SERIN_HOP_DEVICE(known) == SERIN_HOP_DEVICE(*ret))
		*ret = known;
	else if (here->pkt.door == DOOR_XDP)
		return drop(SERIN_DROP_NO_NEIGHBOUR);
	return 0;
}

/* The next hop as it is remembered, and whether that is still to be trusted. */
static __always_inline bool hop_known(const struct scratch *here, __u32 routes, __u64 *ret)
{
	const struct flow *flow = &here->flow;
	__u32 endpoint = flow->endpoint;
	struct serin_hop *hop;

	if (flow->direction == SERIN_TO_CLIENT) {
		*ret = flow->hop;
		return SERIN_HOP_GENERATION(flow->hop) == (routes & 0xfff);
	}
	hop = bpf_map_lookup_elem(&hops, &endpoint);
	*ret = hop ? READ_ONCE(hop->hop) : 0;
	return *ret && hop->routes_generation == routes && here->pkt.stamp - hop->stamp < HOP_STAMPS;
}

/* Remember what the routes have answered. */
static __always_inline void hop_learn(const struct scratch *here, struct serin_way *way, __u32 routes, __u64 hop)
{
	__u32 endpoint = here->flow.endpoint;
	struct serin_hop *known;

	if (!(hop & HOP_MAC))
		return;
	if (here->flow.direction == SERIN_TO_CLIENT) {
		/* The way may be another flow's by now, and that one's hop is not to be touched. */
		if (way)
			swap_if(&way->hop, here->flow.hop, SERIN_HOP_OF(hop, routes));
		return;
	}
	known = bpf_map_lookup_elem(&hops, &endpoint);
	if (!known)
		return;
	WRITE_ONCE(known->hop, hop & ~(0xfffull << 52));
	known->routes_generation = routes;
	known->stamp = here->pkt.stamp;
}

/* Towards a client that is opening a flow, from the routes' answer. On the same segment its own frame says where it is; and
 * if its gateway there is not known yet, the one that its frame came from is. */
static __always_inline int hop_to_new_client(const struct scratch *here, __u64 *ret)
{
	__u32 device = here->opening.device;
	__u64 seen = device == NO_DEVICE ? 0 : SERIN_HOP(here->pkt.mac, device & 15);
	__s64 answer = here->question.answer;

	if (answer >= 0 && answer & HOP_ON_LINK && SERIN_HOP_DEVICE(answer) == SERIN_HOP_DEVICE(seen)) {
		*ret = seen;
		return 0;
	}
	return hop_settle(here, seen, ret);
}

/* What an outer header adds to a packet. */
static __always_inline __u32 outer_length(const struct flow *flow)
{
	__u32 length = addr_is_mapped(&flow->rewrite.dst) ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);

	if (flow->forward == SERIN_FORWARD_GUE)
		return length + sizeof(struct udphdr) + 4;
	return flow->forward == SERIN_FORWARD_IPIP ? length : 0;
}

/* Both ends of the outer header are known, and of one family. */
static __always_inline bool outer_is_possible(const struct flow *flow)
{
	const struct rewrite *to = &flow->rewrite;

	return addr_is_mapped(&to->src) == addr_is_mapped(&to->dst) && (to->src.quad[0] | to->src.quad[1]);
}

/* The device that a next hop is behind: the frame's new addresses and way out. */
static __always_inline int hop_take(struct scratch *here, __u64 hop)
{
	struct rewrite *ret = &here->flow.rewrite;
	__u32 id = SERIN_HOP_DEVICE(hop);
	const struct serin_device *device = bpf_map_lookup_elem(&devices, &id);

	if (!device || !device->ifindex)
		return drop(SERIN_DROP_NO_ROUTE);
	ret->room = device->mtu;
	if (unlikely(SERIN_IS_ONE_WAY(here->flow.forward))) {
		if (here->flow.forward != SERIN_FORWARD_L2 && !outer_is_possible(&here->flow))
			return drop(SERIN_DROP_ENCAPSULATION);
		ret->room -= outer_length(&here->flow);
	}
	if (here->pkt.segment > ret->room)
		return drop(SERIN_DROP_TOO_BIG);
	ret->ifindex = device->ifindex;
	ret->mac = hop & HOP_MAC;
	__builtin_memcpy(ret->own_mac, device->mac, sizeof(ret->own_mac));
	return 0;
}

#endif
