/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From bytes to facts. A packet that cannot be read is not ours. */
#ifndef SERIN_PARSE_H
#define SERIN_PARSE_H

#include "pkt.h"

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define IPV4_MORE_FRAGMENTS 0x2000
#define IPV4_FRAGMENT_OFFSET 0x1fff

/* Where the headers lie in packet memory. */
struct headers {
	struct ethhdr *eth;
	union {
		struct iphdr *ip4;
		struct ipv6hdr *ip6;
	};
	struct tcphdr *tcp;
};

static __always_inline bool parse_tcp(struct headers *at, void *end, __u32 room, struct pkt *pkt)
{
	struct tcphdr *tcp = at->tcp;
	__u32 header;

	if ((void *)(tcp + 1) > end)
		return false;
	header = tcp->doff * 4;
	if (header < sizeof(*tcp) || header > room)
		return false;
	pkt->sport = tcp->source;
	pkt->dport = tcp->dest;
	pkt->flags = ((const __u8 *)tcp)[13];
	pkt->seq = bpf_ntohl(tcp->seq);
	pkt->ack = bpf_ntohl(tcp->ack_seq);
	pkt->payload = room - header;
	return true;
}

static __always_inline bool parse_ipv4(struct headers *at, void *end, struct pkt *pkt)
{
	struct iphdr *ip = at->ip4;
	__u32 header, length;
	__u16 fragment;

	if ((void *)(ip + 1) > end || ip->version != 4 || ip->protocol != IPPROTO_TCP)
		return false;
	header = ip->ihl * 4;
	length = bpf_ntohs(ip->tot_len);
	fragment = bpf_ntohs(ip->frag_off);
	/* Later fragments have no ports: the host waits in vain for their first one, which we do not pass. */
	if (header < sizeof(*ip) || length < header || fragment & IPV4_FRAGMENT_OFFSET)
		return false;
	pkt->fragment = (fragment & IPV4_MORE_FRAGMENTS) != 0;
	pkt->family = SERIN_IPV4;
	pkt->ttl = ip->ttl;
	pkt->length = length;
	addr_from_ipv4(&pkt->src, ip->saddr);
	addr_from_ipv4(&pkt->dst, ip->daddr);
	at->tcp = (void *)ip + header;
	return parse_tcp(at, end, length - header, pkt);
}

static __always_inline bool parse_ipv6(struct headers *at, void *end, struct pkt *pkt)
{
	struct ipv6hdr *ip = at->ip6;
	__u32 room;

	if ((void *)(ip + 1) > end || ip->version != 6 || ip->nexthdr != IPPROTO_TCP)
		return false;
	room = bpf_ntohs(ip->payload_len);
	pkt->fragment = false;
	pkt->family = SERIN_IPV6;
	pkt->ttl = ip->hop_limit;
	pkt->length = sizeof(*ip) + room;
	__builtin_memcpy(&pkt->src, &ip->saddr, sizeof(pkt->src));
	__builtin_memcpy(&pkt->dst, &ip->daddr, sizeof(pkt->dst));
	/* On the wire such an address is nobody's (RFC 4038, section 4.2); in here it would be an IPv4 packet's. */
	if (addr_is_mapped(&pkt->src) || addr_is_mapped(&pkt->dst))
		return false;
	at->tcp = (void *)(ip + 1);
	return parse_tcp(at, end, room, pkt);
}

/* Fill `at` and the facts; false: not something that a service could be about. The frame may reach beyond `end`. */
static __always_inline bool parse(void *data, void *end, struct headers *at, struct pkt *pkt)
{
	struct ethhdr *eth = data;
	bool known = false;

	if ((void *)(eth + 1) > end || eth->h_dest[0] & 1) /* group addresses are never a service's */
		return false;
	at->eth = eth;
	at->ip4 = (void *)(eth + 1);
	pkt->protocol = IPPROTO_TCP;
	if (eth->h_proto == bpf_htons(ETHERTYPE_IPV4))
		known = parse_ipv4(at, end, pkt);
	else if (eth->h_proto == bpf_htons(ETHERTYPE_IPV6))
		known = parse_ipv6(at, end, pkt);
	return known;
}

#endif
