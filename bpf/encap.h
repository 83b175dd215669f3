/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Outer headers: IP in IP (RFC 2003, 2473, 4213) and Generic UDP Encapsulation (draft-ietf-intarea-gue, variant 0). The
 * doors make room for them, this writes them. */
#ifndef SERIN_ENCAP_H
#define SERIN_ENCAP_H

#include "nat.h"
#include "scratch.h"

#define OUTER_TTL 64
#define GUE_SPORT_FIRST 0xc000 /* of 2^14: one per flow, so that routers and NICs spread them (RFC 7510, section 3) */

struct gue_header {
	__u8 variant_control_length; /* 0: variant 0, data, no extensions */
	__u8 protocol;               /* of what follows, by IP's numbers */
	__be16 flags;
};

struct outer_gue {
	struct udphdr udp;
	struct gue_header gue;
};

static __always_inline __u8 inner_protocol(const struct pkt *pkt)
{
	return pkt->family == SERIN_IPV4 ? IPPROTO_IPIP : IPPROTO_IPV6;
}

/* What the inner packet adds to a sum over all of it, without looking at its data: a right transport checksum makes header
 * and data the complement of the pseudo-header, and an IPv4 header's own makes that nothing. 0: it cannot be known. */
static __always_inline __u64 inner_sum(const struct pkt *pkt, const void *inner, void *end)
{
	__u32 transport = pkt->length - (pkt->l4 - pkt->l3);
	__u64 pseudo = sum_words(0, pkt->src.word, 4), sum = 0;
	const struct udphdr *udp = inner + ((pkt->l4 - pkt->l3) & 127);
	const __u32 *ip6 = inner;

	pseudo = sum_words(pseudo, pkt->dst.word, 4) + bpf_htons(transport) + bpf_htons(pkt->protocol);
	if (pkt->unusual || pkt->segment != pkt->length)
		return 0;
	if (pkt->protocol == IPPROTO_UDP && ((void *)(udp + 1) > end || !udp->check))
		return 0;
	if (pkt->family == SERIN_IPV6) {
		if (pkt->l4 - pkt->l3 != sizeof(struct ipv6hdr) || (void *)(ip6 + 10) > end)
			return 0;
		sum = sum_words(0, ip6, 10);
	}
	return sum + (__u16)~sum_fold(pseudo);
}

/* The UDP and GUE headers. In IPv6 there is a checksum (RFC 8200, section 8.1), unless only the device could know it. */
static __always_inline void gue_write(struct outer_gue *gue, const struct scratch *here, __be16 port, __u64 address_sum,
				      __u64 inner)
{
	__u32 length = here->pkt.length + sizeof(*gue);
	__sum16 check;

	gue->udp.source = bpf_htons(GUE_SPORT_FIRST | ((here->opening.hash >> 32) & 0x3fff));
	gue->udp.dest = port;
	gue->udp.len = bpf_htons(length);
	gue->udp.check = 0;
	gue->gue = (struct gue_header){ .protocol = inner_protocol(&here->pkt) };
	if (!inner)
		return;
	inner += address_sum + bpf_htons(IPPROTO_UDP) + bpf_htons(length);
	check = (__sum16)~sum_fold(sum_words(inner, (const __u32 *)gue, 3));
	gue->udp.check = check ? check : 0xffff;
}

static __always_inline bool outer_write4(struct iphdr *ip, void *end, const struct scratch *here, __be16 gue_port)
{
	const struct rewrite *to = &here->flow.rewrite;
	struct outer_gue *gue = (void *)(ip + 1);
	bool is_gue = here->flow.forward == SERIN_FORWARD_GUE;
	__u32 length = here->pkt.length + sizeof(*ip) + (is_gue ? sizeof(*gue) : 0);

	if ((void *)(gue + 1) > end)
		return false;
	if (is_gue)
		gue_write(gue, here, gue_port, 0, 0);
	*(__be16 *)ip = bpf_htons(0x4500 | here->pkt.tos);
	ip->tot_len = bpf_htons(length);
	ip->id = 0; /* nothing will be fragmented: any will do (RFC 6864) */
	ip->frag_off = bpf_htons(IPV4_DONT_FRAGMENT);
	ip->ttl = OUTER_TTL;
	ip->protocol = is_gue ? IPPROTO_UDP : inner_protocol(&here->pkt);
	ip->check = 0;
	ip->saddr = to->src.word[3];
	ip->daddr = to->dst.word[3];
	ip->check = (__sum16)~sum_fold(sum_words(0, (const __u32 *)ip, 5));
	return true;
}

static __always_inline bool outer_write6(struct ipv6hdr *ip, void *end, const struct scratch *here, __be16 gue_port)
{
	const struct rewrite *to = &here->flow.rewrite;
	struct outer_gue *gue = (void *)(ip + 1);
	bool is_gue = here->flow.forward == SERIN_FORWARD_GUE;
	__u64 sum;

	if ((void *)(gue + 1) > end)
		return false;
	if (is_gue) {
		sum = sum_words(sum_words(0, to->src.word, 4), to->dst.word, 4);
		gue_write(gue, here, gue_port, sum, inner_sum(&here->pkt, gue + 1, end));
	}
	/* The flow label does for IP in IP what the source port does for UDP (RFC 6438). */
	*(__be32 *)ip = bpf_htonl(6u << 28 | (__u32)here->pkt.tos << 20 | ((here->opening.hash >> 32) & 0xfffff));
	ip->payload_len = bpf_htons(here->pkt.length + (is_gue ? sizeof(*gue) : 0));
	ip->nexthdr = is_gue ? IPPROTO_UDP : inner_protocol(&here->pkt);
	ip->hop_limit = OUTER_TTL;
	__builtin_memcpy(&ip->saddr, &to->src, sizeof(ip->saddr));
	__builtin_memcpy(&ip->daddr, &to->dst, sizeof(ip->daddr));
	return true;
}

static __always_inline __be16 outer_type(const struct scratch *here)
{
	return addr_is_mapped(&here->flow.rewrite.dst) ? bpf_htons(ETHERTYPE_IPV4) : bpf_htons(ETHERTYPE_IPV6);
}

/* Write the outer header where the inner one was, `room` bytes before it now. */
static __noinline bool outer_write(void *l3, void *end, const struct scratch *here)
{
	const struct serin_settings *set = THE_ONE(settings);

	if (!set)
		return false;
	if (addr_is_mapped(&here->flow.rewrite.dst))
		return outer_write4(l3, end, here, set->gue_port);
	return outer_write6(l3, end, here, set->gue_port);
}

/* One hop less for the packet that is wrapped (RFC 2003, section 3.1). */
static __always_inline bool inner_hop(void *l3, void *end, const struct pkt *pkt)
{
	struct ipv6hdr *ip6 = l3;
	struct iphdr *ip = l3;

	if ((void *)(ip + 1) > end)
		return false;
	if (pkt->family == SERIN_IPV4) {
		ip->check = checksum_update(ip->check, (__u16)~bpf_htons(0x0100));
		ip->ttl--;
		return true;
	}
	ip6->hop_limit--;
	return true;
}

#define TCP_OPTION_END 0
#define TCP_OPTION_NOP 1
#define TCP_OPTION_MSS 2
#define TCP_MOST_OPTIONS 40

/* Where in a SYN the value of its MSS option is, in bytes from the TCP header on; 0: nowhere. */
static __noinline __u32 mss_find(struct tcphdr *tcp, void *end)
{
	__u32 at = sizeof(*tcp), header;
	__u8 *option;
	int i;

	if ((void *)(tcp + 1) > end)
		return 0;
	header = tcp->doff * 4;
	for (i = 0; i < TCP_MOST_OPTIONS && at + 4 <= header; i++) {
		/* Also keeps the verifier from telling apart the ways that led here: 112 000 instructions more without it. */
		at &= 63;
		option = (void *)tcp + at;
		if ((void *)(option + 4) > end || option[0] == TCP_OPTION_END)
			return 0;
		if (option[0] == TCP_OPTION_MSS)
			return option[1] == 4 ? at + 2 : 0;
		if (option[0] != TCP_OPTION_NOP && option[1] < 2)
			return 0;
		at += option[0] == TCP_OPTION_NOP ? 1 : option[1];
	}
	return 0;
}

/* The largest segment that the way through the tunnel has room for. */
static __always_inline __u32 mss_room(const struct scratch *here)
{
	__u32 headers = (here->pkt.family == SERIN_IPV4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr)) +
			sizeof(struct tcphdr);

	return here->flow.rewrite.room > headers ? here->flow.rewrite.room - headers : 0;
}

/* Two bytes as a checksum takes them that begin at an odd place. */
static __always_inline __u16 as_summed(__u16 value, __u32 at)
{
	return at & 1 ? __builtin_bswap16(value) : value;
}

#endif
