/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ICMP errors (RFC 792, RFC 4443): what they say about which packet. */
#ifndef SERIN_PARSE_ICMP_H
#define SERIN_PARSE_ICMP_H

#include "pkt.h"

enum icmp_type {
	ICMP_UNREACHABLE = 3,
	ICMP_SOURCE_QUENCH = 4,
	ICMP_TIME_EXCEEDED = 11,
	ICMP_PARAMETER_PROBLEM = 12,
	ICMPV6_UNREACHABLE = 1,
	ICMPV6_TOO_BIG = 2,
	ICMPV6_TIME_EXCEEDED = 3,
	ICMPV6_PARAMETER_PROBLEM = 4,
};

#define ICMP_FRAGMENTATION_NEEDED 4

static __always_inline bool icmp_is_error(const struct pkt *pkt, __u8 type)
{
	if (pkt->family == SERIN_IPV6)
		return pkt->protocol == IPPROTO_ICMPV6 && type >= ICMPV6_UNREACHABLE &&
		       type <= ICMPV6_PARAMETER_PROBLEM;
	return pkt->protocol == IPPROTO_ICMP && (type == ICMP_UNREACHABLE || type == ICMP_SOURCE_QUENCH ||
						 type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETER_PROBLEM);
}

static __always_inline bool icmp_says_unreachable(const struct pkt *pkt, const struct icmphdr *icmp)
{
	if (pkt->family == SERIN_IPV6)
		return icmp->type == ICMPV6_UNREACHABLE;
	return icmp->type == ICMP_UNREACHABLE && icmp->code != ICMP_FRAGMENTATION_NEEDED;
}

/* How long an embedded IPv6 header is with, in a first fragment, that header; 0: the ports are not in there. */
static __always_inline __u32 embedded_header6(struct ipv6hdr *ip, void *end, __u8 *ret_protocol)
{
	struct fragment_header *fragment = (void *)(ip + 1);

	if ((void *)fragment > end || ip->version != 6)
		return 0;
	*ret_protocol = ip->nexthdr;
	if (ip->nexthdr != NEXT_FRAGMENT)
		return sizeof(*ip);
	if ((void *)(fragment + 1) > end || fragment->offset & bpf_htons(0xfff8))
		return 0;
	*ret_protocol = fragment->next;
	return sizeof(*ip) + sizeof(*fragment);
}

/* How long the embedded packet's IP header is; 0: it cannot be read, or says nothing about ports. */
static __always_inline __u32 embedded_header(const struct pkt *pkt, void *inner, void *end, __u8 *ret_protocol)
{
	struct iphdr *ip = inner;
	__u32 header;

	if (pkt->family == SERIN_IPV6)
		return embedded_header6(inner, end, ret_protocol);
	if ((void *)(ip + 1) > end || ip->version != 4 || ip->frag_off & bpf_htons(IPV4_FRAGMENT_OFFSET))
		return 0;
	header = ip->ihl * 4;
	*ret_protocol = ip->protocol;
	return header < sizeof(*ip) ? 0 : header;
}

/* The facts become those of an answer to the embedded packet: its flow is found by them. False: not such an error, or not
 * sent to whom the embedded packet came from. */
static __noinline bool parse_icmp(void *l4, void *end, __u32 room, struct pkt *pkt)
{
	struct icmphdr *icmp = l4;
	void *inner = icmp + 1;
	__be16 *ports;
	__u8 protocol;
	__u32 header;

	if (inner > end || !icmp_is_error(pkt, icmp->type))
		return false;
	header = embedded_header(pkt, inner, end, &protocol);
	if (!header || header + 16 > room)
		return false;
	ports = inner + (header & 63);
	if ((void *)(ports + 4) > end || (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP))
		return false;
	if (pkt->family == SERIN_IPV6) {
		struct ipv6hdr *ip6 = inner;

		if ((void *)(ip6 + 1) > end)
			return false;
		__builtin_memcpy(&pkt->src, &ip6->saddr, sizeof(pkt->src));
		if (!addr_equal(&pkt->src, &pkt->dst))
			return false;
		__builtin_memcpy(&pkt->src, &ip6->daddr, sizeof(pkt->src));
		if (addr_is_mapped(&pkt->src))
			return false;
	} else {
		struct iphdr *ip = inner;

		if (pkt->dst.word[3] != ip->saddr)
			return false;
		addr_from_ipv4(&pkt->src, ip->daddr);
	}
	pkt->protocol = protocol;
	pkt->sport = ports[1];
	pkt->dport = ports[0];
	pkt->flags = 0;
	pkt->unreachable = icmp_says_unreachable(pkt, icmp);
	pkt->unusual = UNUSUAL_ERROR;
	return true;
}

#endif
