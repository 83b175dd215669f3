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

static __always_inline __sum16 checksum_update(__sum16 check, __u64 changes)
{
	return (__sum16)~sum_fold(changes + (__u16)~check);
}

static __always_inline void rewrite_eth(struct ethhdr *eth, const struct rewrite *to)
{
	*(__u32 *)eth->h_dest = (__u32)to->mac;
	*(__u16 *)(eth->h_dest + 4) = (__u16)(to->mac >> 32);
	__builtin_memcpy(eth->h_source, to->own_mac, sizeof(eth->h_source));
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

#pragma unroll
	for (i = 0; i < 4; i++) {
		sum = sum_changed(sum, ip->saddr.in6_u.u6_addr32[i], to->src.word[i]);
		sum = sum_changed(sum, ip->daddr.in6_u.u6_addr32[i], to->dst.word[i]);
	}
	__builtin_memcpy(&ip->saddr, &to->src, sizeof(ip->saddr));
	__builtin_memcpy(&ip->daddr, &to->dst, sizeof(ip->daddr));
	ip->hop_limit--;
	return sum;
}

/* Apply the decision. False, with nothing changed, never happens: but the verifier does not remember which family was
 * parsed, so the longer header is checked again. */
static __always_inline bool rewrite(struct headers *at, void *end, const struct pkt *pkt, const struct rewrite *to)
{
	__u64 sum;

	if (pkt->family == SERIN_IPV4) {
		sum = rewrite_ipv4(at->ip4, to);
	} else {
		if ((void *)(at->ip6 + 1) > end)
			return false;
		sum = rewrite_ipv6(at->ip6, to);
	}
	rewrite_eth(at->eth, to);
	sum = sum_changed(sum, pkt->ports, to->ports);
	at->tcp->source = to->sport;
	at->tcp->dest = to->dport;
	at->tcp->check = checksum_update(at->tcp->check, sum);
	return true;
}

#endif
