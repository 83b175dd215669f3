/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The measuring frame, for each of the two doors: writes the next packet of a list over the frame, then goes on into the
 * program under test by a tail call. BPF_PROG_TEST_RUN with repeat runs it a million times in a row; the same frame around a
 * program that does nothing gives the time to take off. */
#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "wrapper.h"

#define FAILED 0 /* XDP_ABORTED, TC_ACT_OK: no verdict that is ever expected */
#define TC_PASS (-1)

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

struct programs {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, BENCH_PROGRAMS);
	__type(key, __u32);
	__type(value, __u32);
} xdp_programs SEC(".maps"), tc_programs SEC(".maps");

/* Whole words, as a device would have written them: several small stores before the program's one load of them would have
 * it wait in a way that no real packet makes it wait. */
static __always_inline bool write_next(struct bench_cursor *at, void *data, void *end)
{
	__u32 next = at->next, *words = data;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct tcphdr *tcp = (void *)(ip + 1);
	struct bench_packet *packet = bpf_map_lookup_elem(&packets, &next);

	if (!packet || (void *)(tcp + 1) > end)
		return false;
	at->next = next + 1;
	words[0] = at->ethernet[0];
	words[1] = at->ethernet[1];
	words[2] = at->ethernet[2];
	eth->h_proto = bpf_htons(0x0800);
	ip->ttl = 64;
	ip->saddr = packet->saddr;
	ip->daddr = packet->daddr;
	*(__u32 *)tcp = *(const __u32 *)&packet->sport;
	if (at->protocol == IPPROTO_TCP) {
		tcp->seq = bpf_htonl(at->seq);
		tcp->ack_seq = bpf_htonl(at->ack);
		((__u8 *)tcp)[13] = at->flags;
	}
	/* Once round: what every flow says next follows on what it has said. */
	if (at->next >= at->end) {
		at->next = at->first;
		at->seq += at->seq_step;
		at->ack += at->ack_step;
	}
	return true;
}

SEC("xdp.frags")
int xdp_wrapper(struct xdp_md *ctx)
{
	struct bench_cursor *at = bpf_map_lookup_elem(&cursor, &(__u32){ 0 });

	if (!at)
		return FAILED;
	/* Also where there is nothing to cut off: what this call takes is the frame's, not the program's. */
	if (at->grows && bpf_xdp_adjust_head(ctx, (int)(ctx->data_end - ctx->data) - BENCH_FRAME_LENGTH))
		return FAILED;
	if (!write_next(at, (void *)(long)ctx->data, (void *)(long)ctx->data_end))
		return FAILED;
	bpf_tail_call(ctx, &xdp_programs, at->program);
	return FAILED;
}

SEC("tc")
int tc_wrapper(struct __sk_buff *skb)
{
	struct bench_cursor *at = bpf_map_lookup_elem(&cursor, &(__u32){ 0 });

	if (!at || !write_next(at, (void *)(long)skb->data, (void *)(long)skb->data_end))
		return FAILED;
	bpf_tail_call(skb, &tc_programs, at->program);
	return FAILED;
}

SEC("xdp.frags")
int xdp_nothing(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

SEC("tc")
int tc_nothing(struct __sk_buff *skb)
{
	(void)skb;
	return TC_PASS;
}
