/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From bytes to facts. A packet that cannot be read is not ours. */
#ifndef SERIN_PARSE_H
#define SERIN_PARSE_H

#include "compat.h"
#include "pkt.h"

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_QINQ 0x88a8
#define IPV4_DONT_FRAGMENT 0x4000
#define IPV4_MORE_FRAGMENTS 0x2000
#define IPV4_FRAGMENT_OFFSET 0x1fff

/* Where the headers lie in packet memory. */
struct headers {
	struct ethhdr *eth;
	union {
		struct iphdr *ip4;
		struct ipv6hdr *ip6;
	};
	union {
		struct tcphdr *tcp;
		struct udphdr *udp;
		struct icmphdr *icmp;
		void *l4; /* of a later fragment: its data */
	};
};

/* The same again from the facts. Pointers that live across the core's calls would have the verifier go through all that
 * follows once for each way that a packet can be parsed. */
static __always_inline void headers_again(void *data, const struct pkt *pkt, struct headers *ret)
{
	ret->ip4 = data + (pkt->l3 & 31);
	ret->l4 = data + (pkt->l4 & 2047);
	/* Or the compiler takes what lies before a checked header for checked: "invalid access to packet". */
	forget_bounds(data);
	ret->eth = data;
}

static __always_inline bool parse_tcp(const struct tcphdr *tcp, void *end, __u32 room, struct pkt *pkt)
{
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

static __always_inline bool parse_udp(const struct udphdr *udp, void *end, __u32 room, struct pkt *pkt)
{
	__u32 length;

	if ((void *)(udp + 1) > end || room < sizeof(*udp))
		return false;
	length = bpf_ntohs(udp->len);
	/* Of a first fragment it says the length of all. */
	if (length < sizeof(*udp) || (length > room && !pkt->unusual))
		return false;
	pkt->sport = udp->source;
	pkt->dport = udp->dest;
	pkt->flags = 0;
	pkt->seq = 0;
	pkt->ack = 0;
	pkt->payload = 0;
	return true;
}

#include "parse_ipv6.h"
/* Embedded packets have extension headers, too. */
#include "parse_icmp.h"

/* The transport header, `room` bytes of the IP packet. */
static __always_inline bool parse_transport(struct headers *at, void *end, __u32 room, struct pkt *pkt)
{
	if (pkt->unusual & UNUSUAL_LATER_FRAGMENT) {
		pkt->ports = 0;
		pkt->flags = 0;
		return pkt->protocol == IPPROTO_TCP || pkt->protocol == IPPROTO_UDP;
	}
	if (likely(pkt->protocol == IPPROTO_TCP))
		return parse_tcp(at->tcp, end, room, pkt);
	if (pkt->protocol == IPPROTO_UDP)
		return parse_udp(at->udp, end, room, pkt);
	if (pkt->unusual)
		return false;
	return parse_icmp(at->l4, end, room, pkt);
}

static __always_inline bool parse_ipv4(struct headers *at, void *data, void *end, struct pkt *pkt)
{
	struct iphdr *ip = at->ip4;
	__u32 header, length;
	__u16 fragment;

	if ((void *)(ip + 1) > end || ip->version != 4)
		return false;
	header = ip->ihl * 4;
	length = bpf_ntohs(ip->tot_len);
	if (header < sizeof(*ip) || length < header)
		return false;
	fragment = bpf_ntohs(ip->frag_off);
	if (unlikely(fragment & (IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET))) {
		pkt->unusual = fragment & IPV4_FRAGMENT_OFFSET ? UNUSUAL_LATER_FRAGMENT : UNUSUAL_FIRST_FRAGMENT;
		pkt->fragment_id = ip->id;
		pkt->fragment_at = pkt->l3 + offsetof(struct iphdr, id);
	}
	pkt->family = SERIN_IPV4;
	pkt->protocol = ip->protocol;
	pkt->ttl = ip->ttl;
	pkt->tos = ip->tos;
	pkt->length = length;
	addr_from_ipv4(&pkt->src, ip->saddr);
	addr_from_ipv4(&pkt->dst, ip->daddr);
	at->l4 = (void *)ip + header;
	pkt->l4 = at->l4 - data;
	return parse_transport(at, end, length - header, pkt);
}

/* How many bytes of VLAN tags (IEEE 802.1Q, 802.1ad) stand before the packet, and in the upper half the EtherType that
 * follows them. */
static __noinline __u32 vlan_tags(void *data, void *end)
{
	__be16 *type = data + offsetof(struct ethhdr, h_proto);
	int i;

	for (i = 0; i < 2; i++) {
		if ((void *)(type + 3) > end)
			return 0;
		if (*type != bpf_htons(ETHERTYPE_VLAN) && *type != bpf_htons(ETHERTYPE_QINQ))
			break;
		type += 2;
	}
	return (__u32)*type << 16 | (__u32)(i * 4);
}

/* Fill `at` and the facts; false: not something that a service could be about. The frame may reach beyond `end`. */
static __always_inline bool parse(void *data, void *end, struct headers *at, struct pkt *pkt)
{
	struct ethhdr *eth = data;
	__u32 l3 = sizeof(*eth), tags;
	__be16 type;

	if ((void *)(eth + 1) > end || eth->h_dest[0] & 1) /* group addresses are never a service's */
		return false;
	pkt->mac = mac_number(eth->h_source);
	pkt->to_mac = mac_number(eth->h_dest);
	pkt->unusual = 0;
	type = eth->h_proto;
	if (unlikely(type == bpf_htons(ETHERTYPE_VLAN) || type == bpf_htons(ETHERTYPE_QINQ))) {
		tags = vlan_tags(data, end);
		type = tags >> 16;
		l3 += tags & 12;
	}
	at->eth = eth;
	at->ip4 = data + l3;
	pkt->l3 = l3;
	if (likely(type == bpf_htons(ETHERTYPE_IPV4)))
		return parse_ipv4(at, data, end, pkt);
	if (type == bpf_htons(ETHERTYPE_IPV6))
		return parse_ipv6(at, data, end, pkt);
	return false;
}

#endif
