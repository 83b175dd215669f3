/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* IPv6 headers and their extensions (RFC 8200). */
#ifndef SERIN_PARSE_IPV6_H
#define SERIN_PARSE_IPV6_H

#include "pkt.h"

#define EXTENSIONS 6 /* more are nobody's: every kind comes once, destination options twice */

enum {
	NEXT_HOP_BY_HOP = 0,
	NEXT_ROUTING = 43,
	NEXT_FRAGMENT = 44,
	NEXT_DESTINATION = 60,
};

struct fragment_header {
	__u8 next, reserved;
	__be16 offset; /* in units of 8 bytes, in the upper 13 bits; lowest bit: more follow */
	__be32 id;
};

/* Not the authentication header: it is about the addresses, as in IPv4. */
static __always_inline bool is_extension(__u32 next)
{
	return next == NEXT_HOP_BY_HOP || next == NEXT_ROUTING || next == NEXT_FRAGMENT || next == NEXT_DESTINATION;
}

#define CHAIN_MOST 1024u /* bytes */

/* Walk the chain of extension headers that begins at `first` with one of type `next`; its length and, above that, the type of
 * what follows it. What fragments say goes into the facts. 0: it leads out of the packet's first part. */
static __noinline __u32 chain_walk(void *data, __u32 first, void *end, __u32 next, struct pkt *pkt)
{
	struct fragment_header *header;
	__u32 length = 0;
	int i;

	for (i = 0; i < EXTENSIONS && is_extension(next); i++) {
		header = data + ((first + length) & 2047);
		if ((void *)(header + 1) > end || length > CHAIN_MOST)
			return 0;
		if (next == NEXT_FRAGMENT) {
			__u16 offset = bpf_ntohs(header->offset);

			pkt->fragment_id = header->id;
			pkt->fragment_at = first + length + offsetof(struct fragment_header, id);
			next = header->next;
			length += 8;
			/* Whole, though it has the header (RFC 6946): nothing to remember. */
			if (!(offset & 0xfff9))
				continue;
			pkt->unusual = offset & 0xfff8 ? UNUSUAL_LATER_FRAGMENT : UNUSUAL_FIRST_FRAGMENT;
			if (offset & 0xfff8)
				break;
			continue;
		}
		length += (header->reserved + 1u) * 8;
		next = header->next;
	}
	return length <= CHAIN_MOST ? next << 16 | length : 0;
}

static __always_inline bool parse_transport(struct headers *at, void *end, __u32 room, struct pkt *pkt);

static __always_inline bool parse_ipv6(struct headers *at, void *data, void *end, struct pkt *pkt)
{
	struct ipv6hdr *ip = at->ip6;
	__u32 room;

	if ((void *)(ip + 1) > end || ip->version != 6)
		return false;
	room = bpf_ntohs(ip->payload_len);
	pkt->family = SERIN_IPV6;
	pkt->protocol = ip->nexthdr;
	pkt->ttl = ip->hop_limit;
	pkt->tos = (__u8)(bpf_ntohs(*(__be16 *)ip) >> 4);
	pkt->length = sizeof(*ip) + room;
	__builtin_memcpy(&pkt->src, &ip->saddr, sizeof(pkt->src));
	__builtin_memcpy(&pkt->dst, &ip->daddr, sizeof(pkt->dst));
	/* On the wire such an address is nobody's (RFC 4038, section 4.2); in here it would be an IPv4 packet's. */
	if (addr_is_mapped(&pkt->src) || addr_is_mapped(&pkt->dst))
		return false;
	at->l4 = (void *)(ip + 1);
	if (unlikely(is_extension(ip->nexthdr))) {
		__u32 chain = chain_walk(data, at->l4 - data, end, ip->nexthdr, pkt), length = chain & 0xffff;

		if (!chain || length > room)
			return false;
		pkt->protocol = chain >> 16;
		room -= length;
		at->l4 += length & 2047;
	}
	pkt->l4 = at->l4 - data;
	return parse_transport(at, end, room, pkt);
}

#endif
