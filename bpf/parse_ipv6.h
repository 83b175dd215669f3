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
	NEXT_AUTHENTICATION = 51,
	NEXT_DESTINATION = 60,
};

struct fragment_header {
	__u8 next, reserved;
	__be16 offset; /* in units of 8 bytes, in the upper 13 bits; lowest bit: more follow */
	__be32 id;
};

/* Where a chain of extension headers has led. */
struct extensions {
	__u32 length;
	__u32 fragment_id;
	__u32 fragment_at; /* from the first one on */
	__u8 next;         /* the header after them */
	__u8 unusual;
	__u8 pad[2];
};

static __always_inline bool is_extension(__u8 next)
{
	return next == NEXT_HOP_BY_HOP || next == NEXT_ROUTING || next == NEXT_FRAGMENT ||
	       next == NEXT_AUTHENTICATION || next == NEXT_DESTINATION;
}

/* Walk the chain that begins at `at`; false: it leads out of the packet's first part. */
static __noinline bool extensions_walk(void *at, void *end, struct extensions *ret)
{
	struct fragment_header *header = at;
	__u32 length = 0, size;
	int i;

	for (i = 0; i < EXTENSIONS && is_extension(ret->next); i++) {
		header = at + length;
		if ((void *)(header + 1) > end)
			return false;
		size = 8;
		if (ret->next == NEXT_FRAGMENT) {
			__u16 offset = bpf_ntohs(header->offset);

			/* Whole, though it has the header (RFC 6946): nothing to remember. */
			if (offset & 0xfff9)
				ret->unusual = offset & 0xfff8 ? UNUSUAL_LATER_FRAGMENT : UNUSUAL_FIRST_FRAGMENT;
			ret->fragment_id = header->id;
			ret->fragment_at = length + offsetof(struct fragment_header, id);
		} else if (ret->next == NEXT_AUTHENTICATION) {
			size = (header->reserved + 2u) * 4;
		} else {
			size = (header->reserved + 1u) * 8;
		}
		ret->next = header->next;
		length += size;
		if (length > 1024)
			return false;
		if (ret->unusual & UNUSUAL_LATER_FRAGMENT)
			break;
	}
	ret->length = length;
	return true;
}

static __always_inline bool parse_transport(struct headers *at, void *end, __u32 room, struct pkt *pkt);

static __always_inline bool parse_ipv6(struct headers *at, void *data, void *end, struct pkt *pkt)
{
	struct ipv6hdr *ip = at->ip6;
	__u32 room;

	if ((void *)(ip + 1) > end || ip->version != 6)
		return false;
	room = bpf_ntohs(ip->payload_len);
	pkt->may_split = false;
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
		struct extensions more = { .next = ip->nexthdr };

		if (!extensions_walk(at->l4, end, &more) || more.length > room)
			return false;
		pkt->protocol = more.next;
		pkt->unusual = more.unusual;
		pkt->fragment_id = more.fragment_id;
		pkt->fragment_at = at->l4 - data + more.fragment_at;
		room -= more.length;
		at->l4 += more.length & 2047;
	}
	pkt->l4 = at->l4 - data;
	return parse_transport(at, end, room, pkt);
}

#endif
