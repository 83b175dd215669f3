/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Answering a TCP segment that belongs to no flow (RFC 9293, section 3.10.7.1), at a bounded rate. */
#ifndef SERIN_RESET_H
#define SERIN_RESET_H

#include "nat.h"
#include "scratch.h"

/* May another answer of our own be sent by this CPU within this stamp? */
static __always_inline bool answer_allowed(__u32 stamp)
{
	struct answer_budget *budget = THE_ONE(answer_budgets);
	const struct serin_settings *set = THE_ONE(settings);

	if (!budget || !set)
		return false;
	if (budget->stamp != stamp) {
		budget->stamp = stamp;
		budget->spent = 0;
	}
	/* A stamp is 2^28 ns: rate * 2^28 / 10^9, rounded up. */
	if (budget->spent >= (set->answers_per_second * 275ull >> 10) + 1)
		return false;
	budget->spent++;
	return true;
}

static __always_inline void count_rst(void)
{
	struct serin_table_stats *count = THE_ONE(table_stats);

	if (count)
		count->rst_sent++;
}

/* Of the whole frame. */
static __always_inline int rst_length(const struct pkt *pkt)
{
	__u32 network = pkt->family == SERIN_IPV4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);

	return (pkt->l3 & 31) + network + sizeof(struct tcphdr);
}

#define TCP_OFFSET_RST bpf_htons(0x5000 | TCP_RST)
#define TCP_OFFSET_RST_ACK bpf_htons(0x5000 | TCP_RST | TCP_ACK)

/* A segment with an ACK is answered with the number that its sender waits for; one without, with an acknowledgement. */
static __always_inline void rst_write_tcp(struct tcphdr *tcp, const struct pkt *pkt)
{
	bool acked = pkt->flags & TCP_ACK;

	__builtin_memset(tcp, 0, sizeof(*tcp));
	tcp->source = pkt->dport;
	tcp->dest = pkt->sport;
	tcp->seq = acked ? bpf_htonl(pkt->ack) : 0;
	tcp->ack_seq = acked ? 0 : bpf_htonl(tcp_end(pkt));
	((__be16 *)tcp)[6] = acked ? TCP_OFFSET_RST : TCP_OFFSET_RST_ACK;
}

/* An IPv4-mapped address adds 0xffff to the IPv4 address's sum, which is zero in one's complement. */
static __always_inline __u64 rst_pseudo_header(const struct pkt *pkt)
{
	__u64 sum = sum_words(0, pkt->src.word, 4);

	return sum_words(sum, pkt->dst.word, 4) + bpf_htons(IPPROTO_TCP) + bpf_htons(sizeof(struct tcphdr));
}

static __always_inline void rst_write_ipv4(struct iphdr *ip, const struct pkt *pkt)
{
	__builtin_memset(ip, 0, sizeof(*ip));
	*(__u8 *)ip = 0x45;
	ip->tot_len = bpf_htons(sizeof(*ip) + sizeof(struct tcphdr));
	ip->frag_off = bpf_htons(0x4000); /* don't fragment; its identification may then be 0 (RFC 6864) */
	ip->ttl = 64;
	ip->protocol = IPPROTO_TCP;
	ip->saddr = pkt->dst.word[3];
	ip->daddr = pkt->src.word[3];
	ip->check = (__sum16)~sum_fold(sum_words(0, (const __u32 *)ip, 5));
}

static __always_inline void rst_write_ipv6(struct ipv6hdr *ip, const struct pkt *pkt)
{
	*(__u32 *)ip = bpf_htonl(0x60000000);
	ip->payload_len = bpf_htons(sizeof(struct tcphdr));
	ip->nexthdr = IPPROTO_TCP;
	ip->hop_limit = 64;
	__builtin_memcpy(&ip->saddr, &pkt->dst, sizeof(ip->saddr));
	__builtin_memcpy(&ip->daddr, &pkt->src, sizeof(ip->daddr));
}

/* Back to where the frame came from. */
static __always_inline bool turn_round(void *data, void *end)
{
	struct ethhdr *eth = data;
	__u8 own[6];

	forget_bounds(eth);
	if ((void *)(eth + 1) > end)
		return false;
	__builtin_memcpy(own, eth->h_dest, sizeof(own));
	__builtin_memcpy(eth->h_dest, eth->h_source, sizeof(own));
	__builtin_memcpy(eth->h_source, own, sizeof(own));
	return true;
}

/* Write the whole answer over a frame that has just the room for it: back to where the segment came from. `partial`: the
 * device adds the sum of all but the pseudo-header. */
static __always_inline bool rst_write(void *data, void *end, const struct pkt *pkt, bool partial)
{
	void *l3 = data + (pkt->l3 & 31);
	struct tcphdr *tcp;

	if (pkt->family == SERIN_IPV4) {
		struct iphdr *ip = l3;

		tcp = (void *)(ip + 1);
		if ((void *)(tcp + 1) > end)
			return false;
		rst_write_ipv4(ip, pkt);
	} else {
		struct ipv6hdr *ip = l3;

		tcp = (void *)(ip + 1);
		if ((void *)(tcp + 1) > end)
			return false;
		rst_write_ipv6(ip, pkt);
	}
	if (!turn_round(data, end))
		return false;
	rst_write_tcp(tcp, pkt);
	if (partial)
		tcp->check = sum_fold(rst_pseudo_header(pkt));
	else
		tcp->check = (__sum16)~sum_fold(sum_words(rst_pseudo_header(pkt), (const __u32 *)tcp, 5));
	return true;
}

#endif
