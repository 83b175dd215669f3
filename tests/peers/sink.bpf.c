/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where packets end: counts the generator's and drops them, lets all others in. In rounds that are not measured it also looks
 * whether they are whole, and answers them. */
#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "frame.h"

#define ETHERTYPE_IPV4 0x0800
#define IPV4_WITHOUT_OPTIONS 0x45

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} counted SEC(".maps");

/* By IPv4 address, while it inspects. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __be32);
	__type(value, __u64);
} destinations SEC(".maps");

__u32 mode;    /* enum sink_mode */
__u64 damaged; /* packets with a wrong checksum */

/* A sum that is right comes to all ones together with its checksum. */
static __always_inline bool is_right(__u64 sum)
{
	int i;

	for (i = 0; i < 3; i++)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

static __always_inline bool is_whole(struct iphdr *ip, struct udphdr *udp)
{
	__u16 *last = (void *)ip + FRAME_LENGTH - FRAME_IP - sizeof(*last);
	__u64 sum = bpf_htons(IPPROTO_UDP) + udp->len;

	if (!is_right((__u32)bpf_csum_diff(NULL, 0, (__be32 *)ip, sizeof(*ip), 0)))
		return false;
	sum += (__u32)bpf_csum_diff(NULL, 0, (__be32 *)&ip->saddr, 2 * sizeof(ip->saddr), 0);
	sum += (__u32)bpf_csum_diff(NULL, 0, (__be32 *)udp, (void *)last - (void *)udp, 0);
	return !udp->check || is_right(sum + *last);
}

static __noinline void inspect(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	struct iphdr *ip = data + FRAME_IP;
	__u64 one = 1, *count;
	__be32 to;

	if (data + FRAME_LENGTH > (void *)(long)ctx->data_end)
		return;
	if (!is_whole(ip, data + FRAME_UDP))
		__sync_fetch_and_add(&damaged, 1);
	to = ip->daddr;
	count = bpf_map_lookup_elem(&destinations, &to);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&destinations, &to, &one, BPF_ANY);
}

/* The checksums stay what they are. Not by XDP_TX: a veth that has its NAPI for GRO alone is not woken by that. */
static __noinline int answer(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	struct iphdr *ip = data + FRAME_IP;
	struct udphdr *udp = data + FRAME_UDP;
	struct ethhdr *eth = data;
	__u8 mac[6];
	__be32 address;
	__be16 port;

	if (data + FRAME_LENGTH > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	__builtin_memcpy(mac, eth->h_dest, sizeof(mac));
	__builtin_memcpy(eth->h_dest, eth->h_source, sizeof(mac));
	__builtin_memcpy(eth->h_source, mac, sizeof(mac));
	address = ip->daddr;
	ip->daddr = ip->saddr;
	ip->saddr = address;
	port = udp->dest;
	udp->dest = udp->source;
	udp->source = port;
	return bpf_redirect(ctx->ingress_ifindex, 0);
}

static __always_inline bool is_the_generators(void *data, void *end)
{
	struct ethhdr *eth = data;
	__u8 *ip = data + FRAME_IP;

	return data + FRAME_LENGTH <= end && eth->h_proto == bpf_htons(ETHERTYPE_IPV4) && *ip == IPV4_WITHOUT_OPTIONS &&
	       *(__u64 *)(data + FRAME_PAYLOAD) == FRAME_MARK;
}

SEC("xdp")
int sink(struct xdp_md *ctx)
{
	__u64 *count = bpf_map_lookup_elem(&counted, &(__u32){ 0 });

	if (!count || !is_the_generators((void *)(long)ctx->data, (void *)(long)ctx->data_end))
		return XDP_PASS;
	(*count)++;
	if (mode == SINK_COUNTS)
		return XDP_DROP;
	inspect(ctx);
	return mode == SINK_ANSWERS ? answer(ctx) : XDP_DROP;
}
