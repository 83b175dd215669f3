/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The measuring frame: writes the next packet of a list over the frame, then goes on into the program under test by a
 * tail call. BPF_PROG_TEST_RUN with repeat runs it a million times in a row; the same frame around a program that does
 * nothing gives the time to take off. */
#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "wrapper.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_packet);
} packets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_cursor);
} cursor SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, BENCH_PROGRAMS);
	__type(key, __u32);
	__type(value, __u32);
} programs SEC(".maps");

SEC("xdp.frags")
int wrapper(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct tcphdr *tcp = (void *)(ip + 1);
	struct bench_cursor *at = bpf_map_lookup_elem(&cursor, &(__u32){ 0 });
	struct bench_packet *packet;
	__u32 next;

	if (!at || (void *)(tcp + 1) > end)
		return XDP_ABORTED;
	next = at->next;
	packet = bpf_map_lookup_elem(&packets, &next);
	if (!packet)
		return XDP_ABORTED;
	at->next = next + 1 >= at->end ? at->first : next + 1;
	at->seq += at->seq_step;
	__builtin_memcpy(eth->h_dest, at->mac, sizeof(eth->h_dest));
	__builtin_memcpy(eth->h_source, at->mac, sizeof(eth->h_source));
	ip->ttl = 64;
	ip->saddr = packet->saddr;
	ip->daddr = packet->daddr;
	tcp->source = packet->sport;
	tcp->dest = packet->dport;
	tcp->seq = bpf_htonl(at->seq);
	tcp->ack_seq = bpf_htonl(at->ack);
	((__u8 *)tcp)[13] = at->flags;
	bpf_tail_call(ctx, &programs, at->program);
	return XDP_ABORTED;
}

SEC("xdp.frags")
int nothing(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_TX;
}
