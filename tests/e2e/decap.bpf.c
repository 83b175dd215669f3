/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a backend of the one-way modes does with its tunnel packets, on its network card: takes the outer header off
 * and passes the inner packet to the host. IPIP in all four mixtures of families, and Generic UDP Encapsulation of
 * variant 0 without optional fields, at port 6080. Everything else passes as it is. */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd
#define GUE_PORT 6080

/* Packets by what was taken off: [IPv4 inside or IPv6 inside][IPv4, IPv6, GUE over IPv4, GUE over IPv6 outside]. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} decapsulated SEC(".maps");

struct gue {
	__u8 control; /* variant in two bits, control in one, header length in five: all zero */
	__u8 protocol;
	__be16 flags;
};

struct outer {
	__u32 length; /* of all that is to go */
	__u32 kind;
	__u8 protocol;
};

/* The IP header; outer->protocol is what follows it. False: it is none that we know, or a piece of a packet. */
static __always_inline int read_ip(void *at, void *end, __be16 ethertype, struct outer *outer)
{
	const struct iphdr *v4 = at;
	const struct ipv6hdr *v6 = at;

	if (ethertype == bpf_htons(ETH_P_IP) && (void *)(v4 + 1) <= end && v4->ihl == 5 &&
	    !(v4->frag_off & bpf_htons(0x3fff))) {
		*outer = (struct outer){ .length = sizeof(*v4), .kind = 0, .protocol = v4->protocol };
		return 1;
	}
	if (ethertype == bpf_htons(ETH_P_IPV6) && (void *)(v6 + 1) <= end) {
		*outer = (struct outer){ .length = sizeof(*v6), .kind = 1, .protocol = v6->nexthdr };
		return 1;
	}
	return 0;
}

static __always_inline void read_gue(void *at, void *end, struct outer *outer)
{
	const struct udphdr *udp = at;
	const struct gue *gue = (void *)(udp + 1);

	if ((void *)(gue + 1) > end || udp->dest != bpf_htons(GUE_PORT) || gue->control || gue->flags) {
		outer->protocol = 0; /* a datagram of somebody else */
		return;
	}
	outer->length += sizeof(*udp) + sizeof(*gue);
	outer->kind += 2;
	outer->protocol = gue->protocol;
}

static __always_inline void count(__u32 kind)
{
	__u64 *counter = bpf_map_lookup_elem(&decapsulated, &kind);

	if (counter)
		__sync_fetch_and_add(counter, 1);
}

SEC("xdp.frags")
int decap(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data, kept;
	struct outer outer;

	if ((void *)(eth + 1) > end || !read_ip(eth + 1, end, eth->h_proto, &outer))
		return XDP_PASS;
	if (outer.protocol == IPPROTO_UDP)
		read_gue((void *)(eth + 1) + outer.length, end, &outer);
	if (outer.protocol != IPPROTO_IPIP && outer.protocol != IPPROTO_IPV6)
		return XDP_PASS;
	kept = *eth;
	kept.h_proto = bpf_htons(outer.protocol == IPPROTO_IPIP ? ETH_P_IP : ETH_P_IPV6);
	if (bpf_xdp_adjust_head(ctx, (int)outer.length))
		return XDP_DROP;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	if (data + sizeof(kept) > end)
		return XDP_DROP;
	__builtin_memcpy(data, &kept, sizeof(kept));
	count((outer.protocol == IPPROTO_IPV6) * 4 + outer.kind);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
