/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writing a decision into packet memory, with incremental checksums (RFC 1624, equation 3). */
#ifndef SERIN_NAT_H
#define SERIN_NAT_H

#include "parse.h"

/* A one's complement sum over 16-bit words does not mind how many are added at once, nor their byte order. */
static __always_inline __u64 sum_changed(__u64 sum, __u32 from, __u32 to)
{
	return sum + (__u32)~from + to;
}

static __always_inline __u16 sum_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static __always_inline __u64 sum_words(__u64 sum, const __u32 *words, int count)
{
	int i;

#pragma unroll
	for (i = 0; i < count; i++)
		sum += words[i];
	return sum;
}

static __always_inline __sum16 checksum_update(__sum16 check, __u64 changes)
{
	return (__sum16)~sum_fold(changes + (__u16)~check);
}

static __always_inline bool rewrite_eth(struct ethhdr *eth, void *end, const struct rewrite *to)
{
	if ((void *)(eth + 1) > end)
		return false;
	*(__u32 *)eth->h_dest = (__u32)to->mac;
	*(__u16 *)(eth->h_dest + 4) = (__u16)(to->mac >> 32);
	__builtin_memcpy(eth->h_source, to->own_mac, sizeof(eth->h_source));
	return true;
}

/* The Ethernet header with up to two tags, while the frame is being moved under it. */
struct link_header {
	__u32 words[5];
};

static __always_inline bool link_save(const __u32 *words, void *end, struct link_header *ret)
{
	int i;

	if ((void *)(words + 5) > end)
		return false;
#pragma unroll
	for (i = 0; i < 5; i++)
		ret->words[i] = words[i];
	return true;
}

/* Write it at the front of a frame that has grown, `l3` bytes with an EtherType at their end. */
static __always_inline bool link_write(__u32 *words, void *end, __u32 l3, const struct link_header *link, __be16 type)
{
	__u32 tags = l3 - sizeof(struct ethhdr);

	forget_bounds(words);
	if ((void *)(words + 6) > end)
		return false;
	words[0] = link->words[0];
	words[1] = link->words[1];
	words[2] = link->words[2];
	if (tags >= 4)
		words[3] = link->words[3];
	if (tags >= 8)
		words[4] = link->words[4];
	if (!tags)
		*(__be16 *)&words[3] = type;
	else if (tags == 4)
		*(__be16 *)&words[4] = type;
	else
		*(__be16 *)&words[5] = type;
	return true;
}

/* Addresses and TTL of the IP header; the sum of what has changed for the transport checksum's pseudo-header. */
static __always_inline __u64 rewrite_ipv4(struct iphdr *ip, const struct rewrite *to)
{
	__u64 sum = sum_changed(0, ip->saddr, to->src.word[3]);

	sum = sum_changed(sum, ip->daddr, to->dst.word[3]);
	ip->saddr = to->src.word[3];
	ip->daddr = to->dst.word[3];
	/* TTL is the high byte of its 16-bit word: one less of it is 0x0100 less. */
	ip->check = checksum_update(ip->check, sum + (__u16)~bpf_htons(0x0100));
	ip->ttl--;
	return sum;
}

static __always_inline __u64 rewrite_ipv6(struct ipv6hdr *ip, const struct rewrite *to)
{
	__u64 sum = 0;
	int i;

	/* Word by word: what is written only after all of it was summed up takes 100 bytes of stack meanwhile. */
#pragma unroll
	for (i = 0; i < 4; i++) {
		sum = sum_changed(sum, ip->saddr.in6_u.u6_addr32[i], to->src.word[i]);
		ip->saddr.in6_u.u6_addr32[i] = to->src.word[i];
		sum = sum_changed(sum, ip->daddr.in6_u.u6_addr32[i], to->dst.word[i]);
		ip->daddr.in6_u.u6_addr32[i] = to->dst.word[i];
	}
	ip->hop_limit--;
	return sum;
}

/* The identification of a fragment: see fragment.h. */
static __noinline bool rewrite_fragment(void *data, void *end, struct iphdr *ip, const struct pkt *pkt, __u32 id)
{
	__u32 *id6 = data + (pkt->fragment_at & 2047);

	if (pkt->family == SERIN_IPV4) {
		if ((void *)(ip + 1) > end)
			return false;
		ip->check = checksum_update(ip->check, sum_changed(0, ip->id, id & 0xffff));
		ip->id = id;
		return true;
	}
	if ((void *)(id6 + 1) > end)
		return false;
	*id6 = id;
	return true;
}

/* Everything before the transport header. The bounds are checked again for the verifier: it does not know what was parsed. */
static __always_inline bool rewrite_network(struct headers *at, void *data, void *end, const struct pkt *pkt,
					    const struct rewrite *to, __u64 *ret_sum)
{
	if ((void *)(at->ip4 + 1) > end)
		return false;
	if (pkt->family == SERIN_IPV4) {
		*ret_sum = rewrite_ipv4(at->ip4, to);
	} else {
		if ((void *)(at->ip6 + 1) > end)
			return false;
		*ret_sum = rewrite_ipv6(at->ip6, to);
	}
	if (!rewrite_eth(at->eth, end, to))
		return false;
	if (unlikely(pkt->unusual & UNUSUAL_FRAGMENT))
		return rewrite_fragment(data, end, at->ip4, pkt, to->fragment_id);
	return true;
}

/* No checksum stays none (RFC 768), and one that comes out as zero is written as its other zero. */
static __always_inline void udp_update(struct udphdr *udp, __u64 sum)
{
	__sum16 check = udp->check;

	if (!check)
		return;
	check = checksum_update(check, sum);
	udp->check = check ? check : 0xffff;
}

/* Ports, and the checksum of the transport header given what has changed in its pseudo-header. */
static __always_inline bool rewrite_transport(struct headers *at, void *end, const struct pkt *pkt,
					      const struct rewrite *to, __u64 sum)
{
	sum = sum_changed(sum, pkt->ports, to->ports);
	if (likely(pkt->protocol == IPPROTO_TCP)) {
		if ((void *)(at->tcp + 1) > end)
			return false;
		at->tcp->source = to->sport;
		at->tcp->dest = to->dport;
		at->tcp->check = checksum_update(at->tcp->check, sum);
		return true;
	}
	if ((void *)(at->udp + 1) > end)
		return false;
	at->udp->source = to->sport;
	at->udp->dest = to->dport;
	udp_update(at->udp, sum);
	return true;
}

#endif
