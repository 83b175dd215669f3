/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ICMP errors that this host sends itself, as every router does: "time exceeded", and "too big" for path-MTU discovery
 * (RFC 1191, RFC 8201). They come from the address that the packet was sent to, and share their rate with the RSTs. */
#ifndef SERIN_ANSWER_H
#define SERIN_ANSWER_H

#include "parse.h"
#include "reset.h"

#define QUOTE_MOST \
	128 /* bytes of the packet that are sent back: any IP header and eight of the transport's, and more */
#define ANSWER_TTL 64

/* May and must this drop be answered? Neither errors nor later fragments are (RFC 1122, section 3.2.2). A sender that lets
 * routers split its packets is told the MTU as well, though it asks for none (RFC 1191, section 4): nothing here could
 * split them. */
static __always_inline bool is_answered(const struct pkt *pkt, enum serin_drop reason)
{
	if (pkt->unusual & (UNUSUAL_ERROR | UNUSUAL_LATER_FRAGMENT | UNUSUAL_DOOR))
		return false;
	return reason == SERIN_DROP_TTL_EXPIRED || reason == SERIN_DROP_TOO_BIG;
}

/* Bytes of the packet that go back: whole words, so that they can be summed up. */
static __always_inline __u32 quote_length(const struct pkt *pkt)
{
	return pkt->length < QUOTE_MOST ? pkt->length & ~3u : QUOTE_MOST;
}

/* Of the IP and the ICMP header. */
static __always_inline __u32 answer_header(const struct pkt *pkt)
{
	return sizeof(struct icmphdr) + (pkt->family == SERIN_IPV4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
}

/* Sum up whole words until the end of the frame. */
static __always_inline __u64 sum_until(const __u32 *word, void *end)
{
	__u64 sum = 0;
	int i;

	for (i = 0; i < QUOTE_MOST / 4 && (void *)(word + 1) <= end; i++, word++)
		sum += *word;
	return sum;
}

/* The same of a quote whose transport checksum a device will still fill in: then header and data are the complement of
 * what stands there now. */
static __always_inline __u64 sum_partial(const __u16 *half, void *end, const struct pkt *pkt)
{
	__u32 network = pkt->l4 - pkt->l3, check = network + (pkt->protocol == IPPROTO_TCP ? 16 : 6);
	const __u16 *partial = (void *)half + (check & 127);
	__u64 sum = 0;
	__u32 i;

	for (i = 0; i < QUOTE_MOST / 2 && i * 2 < network && (void *)(half + 1) <= end; i++, half++)
		sum += *half;
	return (void *)(partial + 1) <= end ? sum + (__u16) ~*partial : sum;
}

static __always_inline void answer_type(struct icmphdr *icmp, const struct scratch *here, enum serin_drop reason)
{
	bool too_big = reason == SERIN_DROP_TOO_BIG;

	__builtin_memset(icmp, 0, sizeof(*icmp));
	if (here->pkt.family == SERIN_IPV4) {
		icmp->type = too_big ? ICMP_UNREACHABLE : ICMP_TIME_EXCEEDED;
		icmp->code = too_big ? ICMP_FRAGMENTATION_NEEDED : 0;
		icmp->un.frag.mtu = too_big ? bpf_htons(here->flow.rewrite.room) : 0;
		return;
	}
	icmp->type = too_big ? ICMPV6_TOO_BIG : ICMPV6_TIME_EXCEEDED;
	icmp->un.gateway = too_big ? bpf_htonl(here->flow.rewrite.room)
				   : 0; /* the MTU's place (RFC 4443, section 3.2) */
}

static __always_inline struct icmphdr *answer_write4(struct iphdr *ip, const struct pkt *pkt)
{
	__builtin_memset(ip, 0, sizeof(*ip));
	*(__u8 *)ip = 0x45;
	ip->tos = 0xc0; /* internetwork control (RFC 1812, section 4.3.2.5) */
	ip->tot_len = bpf_htons(answer_header(pkt) + quote_length(pkt));
	ip->ttl = ANSWER_TTL;
	ip->protocol = IPPROTO_ICMP;
	ip->saddr = pkt->dst.word[3];
	ip->daddr = pkt->src.word[3];
	ip->check = (__sum16)~sum_fold(sum_words(0, (const __u32 *)ip, 5));
	return (void *)(ip + 1);
}

static __always_inline struct icmphdr *answer_write6(struct ipv6hdr *ip, const struct pkt *pkt)
{
	*(__be32 *)ip = bpf_htonl(0x60000000);
	ip->payload_len = bpf_htons(sizeof(struct icmphdr) + quote_length(pkt));
	ip->nexthdr = IPPROTO_ICMPV6;
	ip->hop_limit = ANSWER_TTL;
	__builtin_memcpy(&ip->saddr, &pkt->dst, sizeof(ip->saddr));
	__builtin_memcpy(&ip->daddr, &pkt->src, sizeof(ip->daddr));
	return (void *)(ip + 1);
}

/* Write the answer before its quote, into a frame that ends with that and has just the room, and turn it round.
 * `partial`: see sum_partial(). */
static __noinline bool answer_write(void *data, void *end, const struct scratch *here, enum serin_drop reason,
				    bool partial)
{
	const struct pkt *pkt = &here->pkt;
	void *l3 = data + (pkt->l3 & 31);
	struct icmphdr *icmp;
	__u64 sum = 0;

	if (l3 + sizeof(struct ipv6hdr) + sizeof(*icmp) > end || !turn_round(data, end))
		return false;
	if (pkt->family == SERIN_IPV4) {
		icmp = answer_write4(l3, pkt);
	} else {
		icmp = answer_write6(l3, pkt);
		sum = sum_words(sum_words(0, pkt->src.word, 4), pkt->dst.word, 4);
		sum += bpf_htons(IPPROTO_ICMPV6) + bpf_htons(sizeof(*icmp) + quote_length(pkt));
	}
	answer_type(icmp, here, reason);
	sum += sum_words(0, (const __u32 *)icmp, 2);
	sum += partial ? sum_partial((void *)(icmp + 1), end, pkt) : sum_until((void *)(icmp + 1), end);
	icmp->checksum = (__sum16)~sum_fold(sum);
	return true;
}

static __always_inline void count_icmp(void)
{
	struct serin_table_stats *count = THE_ONE(table_stats);

	if (count)
		count->icmp_sent++;
}

#endif
