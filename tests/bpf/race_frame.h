/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The hammer's frames: TCP over IPv4 or IPv6, no options, written and read as 16-bit words with full checksums. */
#ifndef SERIN_TEST_RACE_FRAME_H
#define SERIN_TEST_RACE_FRAME_H

#define ETH_WORDS 7
#define IPV4_WORDS 10
#define IPV6_WORDS 20
#define TCP_WORDS 10
#define PAYLOAD_WORDS 4

/* 02:00:00:a:b:c */
#define MAC_NUMBER(a, b, c) (2ull | (__u64)(a) << 24 | (__u64)(b) << 32 | (__u64)(c) << 40)

/* An address among the constants. By an ordinary pointer the compiler would take the zero that it sees for good. */
static __always_inline struct serin_addr constant_addr(const volatile struct serin_addr *addr)
{
	return (struct serin_addr){ .quad = { addr->quad[0], addr->quad[1] } };
}

static __always_inline __u32 words_sum(const __u16 *words, int count)
{
	__u32 sum = 0;
	int i;

#pragma unroll
	for (i = 0; i < count; i++)
		sum += words[i];
	return sum;
}

static __always_inline __u16 words_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

static __always_inline __u32 word_pair(const __u16 *words)
{
	return bpf_ntohl((__u32)words[0] | (__u32)words[1] << 16);
}

static __always_inline void put_pair(__u16 *words, __u32 value)
{
	value = bpf_htonl(value);
	words[0] = value;
	words[1] = value >> 16;
}

static __always_inline void put_mac(__u16 *words, __u64 mac)
{
	words[0] = mac;
	words[1] = mac >> 16;
	words[2] = mac >> 32;
}

static __always_inline __u64 get_mac(const __u16 *words)
{
	return words[0] | (__u64)words[1] << 16 | (__u64)words[2] << 32;
}

/* The sum over TCP and its pseudo-header; right when it folds to 0xffff. */
static __always_inline __u32 tcp_sum(const __u16 *addresses, int address_words, const __u16 *tcp, __u32 payload)
{
	__u32 sum = words_sum(addresses, address_words) + bpf_htons(6) + bpf_htons(20 + payload);

	sum += words_sum(tcp, TCP_WORDS);
	return payload ? sum + words_sum(tcp + TCP_WORDS, PAYLOAD_WORDS) : sum;
}

static __always_inline void write_tcp(__u16 *tcp, const __u16 *addresses, int address_words,
				      const struct race_packet *packet)
{
	tcp[0] = packet->tuple.sport;
	tcp[1] = packet->tuple.dport;
	put_pair(tcp + 2, packet->seq);
	put_pair(tcp + 4, packet->ack);
	tcp[6] = bpf_htons(0x5000 | packet->flags);
	tcp[7] = bpf_htons(29200);
	tcp[8] = tcp[9] = 0;
	put_pair(tcp + TCP_WORDS, packet->key);
	put_pair(tcp + TCP_WORDS + 2, ~packet->key);
	tcp[8] = ~words_fold(tcp_sum(addresses, address_words, tcp, packet->payload));
}

static __always_inline void write_ipv4(__u16 *ip, const struct race_packet *packet)
{
	ip[0] = bpf_htons(0x4500);
	ip[1] = bpf_htons(40 + packet->payload);
	ip[2] = 0;
	ip[3] = bpf_htons(0x4000);
	ip[4] = bpf_htons(64 << 8 | 6);
	ip[5] = 0;
	ip[6] = packet->tuple.src.half[6];
	ip[7] = packet->tuple.src.half[7];
	ip[8] = packet->tuple.dst.half[6];
	ip[9] = packet->tuple.dst.half[7];
	ip[5] = ~words_fold(words_sum(ip, IPV4_WORDS));
	write_tcp(ip + IPV4_WORDS, ip + 6, 4, packet);
}

static __always_inline void write_ipv6(__u16 *ip, const struct race_packet *packet)
{
	int i;

	ip[0] = bpf_htons(0x6000);
	ip[1] = 0;
	ip[2] = bpf_htons(20 + packet->payload);
	ip[3] = bpf_htons(6 << 8 | 64);
#pragma unroll
	for (i = 0; i < 8; i++) {
		ip[4 + i] = packet->tuple.src.half[i];
		ip[12 + i] = packet->tuple.dst.half[i];
	}
	write_tcp(ip + IPV6_WORDS, ip + 4, 16, packet);
}

verified_once int frame_write(struct xdp_md *ctx, const struct race_packet *packet)
{
	__u16 *words = (void *)(long)ctx->data;

	if (!packet || (void *)words + RACE_FRAME > (void *)(long)ctx->data_end)
		return false;
	put_mac(words, packet->direction == SERIN_TO_BACKEND ? MAC_NUMBER(0, 1, 1) : MAC_NUMBER(0, 1, 2));
	put_mac(words + 3, packet->mac);
	words[6] = config.family == SERIN_IPV4 ? bpf_htons(0x0800) : bpf_htons(0x86dd);
	if (config.family == SERIN_IPV4)
		write_ipv4(words + ETH_WORDS, packet);
	else
		write_ipv6(words + ETH_WORDS, packet);
	return true;
}

static __always_inline void read_tcp(const __u16 *tcp, const __u16 *addresses, int address_words, struct race_seen *ret)
{
	ret->tuple.sport = tcp[0];
	ret->tuple.dport = tcp[1];
	ret->seq = word_pair(tcp + 2);
	ret->ack = word_pair(tcp + 4);
	ret->flags = bpf_ntohs(tcp[6]) & 0xfff;
	if (ret->payload > 2 * PAYLOAD_WORDS || bpf_ntohs(tcp[6]) >> 12 != 5)
		return;
	ret->key = word_pair(tcp + TCP_WORDS);
	ret->sums_right &= words_fold(tcp_sum(addresses, address_words, tcp, ret->payload)) == 0xffff;
}

static __always_inline void read_ipv4(const __u16 *ip, struct race_seen *ret)
{
	ret->payload = bpf_ntohs(ip[1]) - 40;
	ret->ttl = bpf_ntohs(ip[4]) >> 8;
	ret->sums_right = words_fold(words_sum(ip, IPV4_WORDS)) == 0xffff && ip[0] == bpf_htons(0x4500);
	addr_from_ipv4(&ret->tuple.src, (__u32)ip[6] | (__u32)ip[7] << 16);
	addr_from_ipv4(&ret->tuple.dst, (__u32)ip[8] | (__u32)ip[9] << 16);
	read_tcp(ip + IPV4_WORDS, ip + 6, 4, ret);
}

static __always_inline void read_ipv6(const __u16 *ip, struct race_seen *ret)
{
	int i;

	ret->payload = bpf_ntohs(ip[2]) - 20;
	ret->ttl = bpf_ntohs(ip[3]) & 0xff;
	ret->sums_right = ip[0] == bpf_htons(0x6000);
#pragma unroll
	for (i = 0; i < 8; i++) {
		ret->tuple.src.half[i] = ip[4 + i];
		ret->tuple.dst.half[i] = ip[12 + i];
	}
	read_tcp(ip + IPV6_WORDS, ip + 4, 16, ret);
}

verified_once int frame_read(struct xdp_md *ctx, struct race_seen *ret)
{
	const __u16 *words = (void *)(long)ctx->data;

	if (!ret || (void *)words + RACE_FRAME > (void *)(long)ctx->data_end)
		return false;
	ret->mac_to = get_mac(words);
	ret->mac_from = get_mac(words + 3);
	if (config.family == SERIN_IPV4)
		read_ipv4(words + ETH_WORDS, ret);
	else
		read_ipv6(words + ETH_WORDS, ret);
	return true;
}

/* The zeroes that every BPF_PROG_TEST_RUN begins with: what became of the last packet of the one before is lost. */
static __always_inline bool frame_is_fresh(struct xdp_md *ctx)
{
	const __u16 *words = (void *)(long)ctx->data;

	return (void *)(words + ETH_WORDS) > (void *)(long)ctx->data_end || !words[ETH_WORDS - 1];
}

/* A RST leaves a shorter frame behind. */
static __always_inline bool frame_stretch(struct xdp_md *ctx)
{
	int missing = RACE_FRAME - (int)(ctx->data_end - ctx->data);

	return !missing || !bpf_xdp_adjust_tail(ctx, missing);
}

#endif
