/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Next hops: looked up once per backend and second and once per client, never per packet. */
#ifndef SERIN_HOP_H
#define SERIN_HOP_H

#include "flow.h"

#define FAMILY_INET 2
#define FAMILY_INET6 10
#define HOP_STAMPS 4 /* a second: how long a backend's next hop is trusted even while nobody watches the routes */

#define HOP_ON_LINK (1ull << 62) /* in fib_ask's answer: the destination is the next hop itself */
#define HOP_MAC ((1ull << 48) - 1)

/* The kernel's answer for one packet: a hop, perhaps without a MAC address, or a drop. */
verified_once __s64 fib_ask(ctx_t *ctx, __u32 ifindex, __u32 family, const struct serin_addr *from,
			    const struct serin_addr *to)
{
	struct bpf_fib_lookup fib = {};
	__u64 mac = 0, on_link;
	__u32 *device;
	long answer;

	if (!from || !to)
		return drop(SERIN_DROP_NO_ROUTE);
	fib.l4_protocol = IPPROTO_TCP;
	fib.ifindex = ifindex;
	if (family == SERIN_IPV4) {
		fib.family = FAMILY_INET;
		fib.ipv4_src = from->word[3];
		fib.ipv4_dst = to->word[3];
	} else {
		fib.family = FAMILY_INET6;
		__builtin_memcpy(fib.ipv6_src, from, sizeof(fib.ipv6_src));
		__builtin_memcpy(fib.ipv6_dst, to, sizeof(fib.ipv6_dst));
	}
	answer = bpf_fib_lookup(ctx, &fib, sizeof(fib), 0);
	if (answer != BPF_FIB_LKUP_RET_SUCCESS && answer != BPF_FIB_LKUP_RET_NO_NEIGH)
		return drop(SERIN_DROP_NO_ROUTE);
	device = bpf_map_lookup_elem(&device_ids, &fib.ifindex);
	if (!device)
		return drop(SERIN_DROP_NO_ROUTE);
	/* The helper writes the gateway over the destination. */
	if (family == SERIN_IPV4)
		on_link = fib.ipv4_dst == to->word[3];
	else
		on_link = addr_equal((const struct serin_addr *)fib.ipv6_dst, to);
	if (answer == BPF_FIB_LKUP_RET_SUCCESS)
		mac = mac_number(fib.dmac);
	return SERIN_HOP(mac, *device & 15) | (on_link ? HOP_ON_LINK : 0);
}

/* Where an answer came without a MAC address, the one known before holds on the same device: the neighbour is only
 * being resolved anew. 0 or a drop. */
static __always_inline int hop_settle(__s64 answer, __u64 known, __u64 *ret)
{
	if (answer < 0)
		return answer;
	*ret = answer & ~HOP_ON_LINK;
	if (*ret & HOP_MAC)
		return 0;
	if (!known || SERIN_HOP_DEVICE(known) != SERIN_HOP_DEVICE(*ret))
		return drop(SERIN_DROP_NO_NEIGHBOUR);
	*ret = known;
	return 0;
}

/* Towards a backend. */
static __always_inline int hop_to_backend(ctx_t *ctx, const struct pkt *pkt, const struct flow *flow, __u32 routes,
					  __u64 *ret)
{
	__u32 endpoint = flow->endpoint;
	struct serin_hop *hop = bpf_map_lookup_elem(&hops, &endpoint);
	int failed;

	if (!hop)
		return drop(SERIN_DROP_NO_ROUTE);
	*ret = READ_ONCE(hop->hop);
	if (likely(*ret && hop->routes_generation == routes && pkt->stamp - hop->stamp < HOP_STAMPS))
		return 0;
	failed = hop_settle(fib_ask(ctx, pkt->ifindex, pkt->family, &flow->rewrite.src, &flow->rewrite.dst), *ret, ret);
	if (failed)
		return failed;
	WRITE_ONCE(hop->hop, *ret);
	hop->routes_generation = routes;
	hop->stamp = pkt->stamp;
	return 0;
}

/* Towards a client that is opening a flow. On the same segment its own frame says where it is; and if its gateway there
 * is not known yet, the one that its frame came from is. */
static __always_inline int hop_to_new_client(ctx_t *ctx, const struct pkt *pkt, __u64 *ret)
{
	__s64 answer = fib_ask(ctx, pkt->ifindex, pkt->family, &pkt->dst, &pkt->src);
	__u32 *device = bpf_map_lookup_elem(&device_ids, &pkt->ifindex);
	__u64 seen = device ? SERIN_HOP(pkt->mac, *device & 15) : 0;

	if (answer >= 0 && answer & HOP_ON_LINK && SERIN_HOP_DEVICE(answer & ~HOP_ON_LINK) == SERIN_HOP_DEVICE(seen)) {
		*ret = seen;
		return 0;
	}
	return hop_settle(answer, seen, ret);
}

/* Towards the client of a flow whose next hop was looked up under older routes. */
static __always_inline int hop_to_client(ctx_t *ctx, const struct pkt *pkt, const struct flow *flow,
					 struct serin_way *way, __u32 routes, __u64 *ret)
{
	int failed;

	*ret = flow->hop;
	if (likely(SERIN_HOP_GENERATION(flow->hop) == (routes & 0xfff)))
		return 0;
	failed = hop_settle(fib_ask(ctx, pkt->ifindex, pkt->family, &flow->rewrite.src, &flow->rewrite.dst), *ret, ret);
	if (failed)
		return failed;
	/* Only an established flow's way is sure to be still its own. */
	if (SERIN_WAY_STATE(flow->claim) == SERIN_WAY_ESTABLISHED) {
		WRITE_ONCE(way->hop, SERIN_HOP_OF(*ret, routes));
	}
	return 0;
}

/* The device that a next hop is behind: the frame's new addresses and way out. */
static __always_inline int hop_take(__u64 hop, const struct pkt *pkt, struct rewrite *ret)
{
	__u32 id = SERIN_HOP_DEVICE(hop);
	const struct serin_device *device = bpf_map_lookup_elem(&devices, &id);

	if (!device || !device->ifindex)
		return drop(SERIN_DROP_NO_ROUTE);
	if (pkt->length > device->mtu)
		return drop(SERIN_DROP_TOO_BIG);
	ret->ifindex = device->ifindex;
	ret->mac = hop;
	__builtin_memcpy(ret->own_mac, device->mac, sizeof(ret->own_mac));
	return 0;
}

#endif
