/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ICMP errors about our packets: outer and embedded headers as their receiver knows them (RFC 5508, section 4.2). */
#ifndef SERIN_TRANSLATE_H
#define SERIN_TRANSLATE_H

#include "nat.h"
#include "scratch.h"

/* One field of 16 bits becomes another: what that does to a sum over it. */
static __always_inline __u64 change16(__u64 sum, __u16 *field, __u16 to)
{
	sum = sum_changed(sum, *field, to);
	*field = to;
	return sum;
}

static __always_inline __u64 change_addr(__u64 sum, __u32 *field, const struct serin_addr *to)
{
	int i;

#pragma unroll
	for (i = 0; i < 4; i++) {
		sum = sum_changed(sum, field[i], to->word[i]);
		field[i] = to->word[i];
	}
	return sum;
}

static __always_inline __u64 change_addr4(__u64 sum, __be32 *field, const struct serin_addr *to)
{
	sum = sum_changed(sum, *field, to->word[3]);
	*field = to->word[3];
	return sum;
}

/* The embedded ports and, where it is still there, the checksum. `addresses`: what has changed in its pseudo-header. The
 * sum of all that has changed here. */
static __always_inline __u64 translate_ports(void *l3, __u16 *ports, void *end, const struct scratch *here,
					     __u64 addresses)
{
	const struct rewrite *to = &here->flow.rewrite;
	__u64 sum = change16(0, &ports[0], to->dport);
	__u16 *check = NULL;

	sum = change16(sum, &ports[1], to->sport);
	if (here->pkt.protocol == IPPROTO_UDP)
		check = ports[3] ? &ports[3] : NULL;
	/* Behind a short packet the frame may be padded. */
	else if ((void *)(ports + 9) <= end && (void *)(ports + 9) - l3 <= here->pkt.length)
		check = &ports[8];
	if (check)
		sum = change16(sum, check, checksum_update(*check, addresses + sum));
	return sum;
}

/* The sum of what has changed in the ICMP message; -1: it cannot be read after all, and nothing has changed. */
static __always_inline __s64 translate_embedded4(void *l3, struct iphdr *inner, void *end, const struct scratch *here)
{
	const struct rewrite *to = &here->flow.rewrite;
	__u64 addresses, sum;
	__u16 *ports;

	if ((void *)(inner + 1) > end)
		return -1;
	ports = (void *)inner + inner->ihl * 4;
	if ((void *)(ports + 4) > end)
		return -1;
	addresses = change_addr4(0, &inner->saddr, &to->dst);
	addresses = change_addr4(addresses, &inner->daddr, &to->src);
	sum = change16(addresses, &inner->check, checksum_update(inner->check, addresses));
	return sum + translate_ports(l3, ports, end, here, addresses);
}

static __always_inline __s64 translate_embedded6(void *l3, struct ipv6hdr *inner, void *end, const struct scratch *here)
{
	const struct rewrite *to = &here->flow.rewrite;
	__u16 *ports = (void *)(inner + 1);
	__u64 addresses;

	if ((void *)ports > end)
		return -1;
	if (inner->nexthdr == NEXT_FRAGMENT)
		ports = (void *)ports + sizeof(struct fragment_header);
	if ((void *)(ports + 4) > end)
		return -1;
	addresses = change_addr(0, inner->saddr.in6_u.u6_addr32, &to->dst);
	addresses = change_addr(addresses, inner->daddr.in6_u.u6_addr32, &to->src);
	return addresses + translate_ports(l3, ports, end, here, addresses);
}

/* The router that complains keeps its address where the receiver can have a route to it: from the client's side through to
 * a backend that sees clients' addresses. False, with nothing changed: it cannot be read after all. */
static __noinline bool translate(void *l3, struct icmphdr *icmp, void *end, const struct scratch *here)
{
	const struct rewrite *to = &here->flow.rewrite;
	bool keep = here->flow.direction == SERIN_TO_BACKEND && here->flow.forward != SERIN_FORWARD_NAT;
	bool routed = here->flow.forward != SERIN_FORWARD_LOCAL;
	struct ipv6hdr *ip6 = l3;
	struct iphdr *ip = l3;
	__u64 outer = 0;
	__s64 sum;

	if ((void *)(icmp + 1) > end || (void *)(ip + 1) > end)
		return false;
	if (here->pkt.family == SERIN_IPV4) {
		sum = translate_embedded4(l3, (void *)(icmp + 1), end, here);
		if (sum < 0)
			return false;
		outer = change_addr4(0, &ip->daddr, &to->dst);
		if (!keep)
			outer = change_addr4(outer, &ip->saddr, &to->src);
		if (routed) {
			outer += (__u16)~bpf_htons(0x0100);
			ip->ttl--;
		}
		ip->check = checksum_update(ip->check, outer);
	} else {
		if ((void *)(ip6 + 1) > end)
			return false;
		sum = translate_embedded6(l3, (void *)(icmp + 1), end, here);
		if (sum < 0)
			return false;
		sum += change_addr(0, ip6->daddr.in6_u.u6_addr32, &to->dst);
		if (!keep)
			sum += change_addr(0, ip6->saddr.in6_u.u6_addr32, &to->src);
		ip6->hop_limit -= routed;
	}
	icmp->checksum = checksum_update(icmp->checksum, sum);
	return true;
}

#endif
