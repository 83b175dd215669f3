/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The XDP door: packet memory in, XDP verdict out. */
#ifndef SERIN_CTX_XDP_H
#define SERIN_CTX_XDP_H

typedef struct xdp_md ctx_t;

#include "pipeline.h"
#include "reset.h"

static __always_inline void *xdp_data(const struct xdp_md *ctx)
{
	return (void *)(long)ctx->data;
}

static __always_inline void *xdp_end(const struct xdp_md *ctx)
{
	return (void *)(long)ctx->data_end;
}

static __always_inline int xdp_drop(enum serin_drop reason)
{
	count_drop(reason);
	return XDP_DROP;
}

/* Is all of the IP packet in the frame? Only one that reaches beyond the linear part pays for the call. */
static __always_inline bool xdp_is_whole(struct xdp_md *ctx, __u32 length)
{
	length += sizeof(struct ethhdr);
	return length <= xdp_end(ctx) - xdp_data(ctx) || length <= bpf_xdp_get_buff_len(ctx);
}

/* Answer with a RST, out of the interface that the segment came by. A RST itself is never answered. */
verified_once int xdp_refuse(struct xdp_md *ctx, const struct pkt *pkt)
{
	__u32 length = sizeof(struct ethhdr) + sizeof(struct tcphdr);

	if (!pkt)
		return XDP_DROP;
	length += pkt->family == SERIN_IPV4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	if (pkt->flags & TCP_RST)
		return xdp_drop(SERIN_DROP_NO_FLOW);
	if (!rst_allowed(pkt->stamp))
		return xdp_drop(SERIN_DROP_RST_LIMITED);
	count_drop(SERIN_DROP_NO_FLOW);
	if (bpf_xdp_adjust_tail(ctx, (int)length - (int)bpf_xdp_get_buff_len(ctx)))
		return XDP_DROP;
	return rst_write(xdp_data(ctx), xdp_end(ctx), pkt) ? XDP_TX : XDP_DROP;
}

static __always_inline int xdp_door(struct xdp_md *ctx)
{
	struct scratch *here = THE_ONE(scratch);
	struct headers at = {};
	int verdict;

	if (!here)
		return XDP_PASS;

	if (!parse(xdp_data(ctx), xdp_end(ctx), &at, &here->pkt) || !xdp_is_whole(ctx, here->pkt.length))
		return XDP_PASS;
	here->pkt.ifindex = ctx->ingress_ifindex;
	here->pkt.mac = mac_number(at.eth->h_source);
	here->pkt.to_mac = mac_number(at.eth->h_dest);
	here->pkt.stamp = bpf_ktime_get_coarse_ns() >> SERIN_STAMP_SHIFT;
	verdict = pipeline(ctx, &here->pkt, &here->flow);
	if (verdict == VERDICT_PASS)
		return XDP_PASS;
	if (verdict == VERDICT_REFUSE)
		return xdp_refuse(ctx, &here->pkt);
	if (verdict < 0)
		return xdp_drop(-1 - verdict);
	if (!rewrite(&at, xdp_end(ctx), &here->pkt, &here->flow.rewrite))
		return XDP_PASS;
	return here->flow.rewrite.ifindex == here->pkt.ifindex ? XDP_TX : bpf_redirect(here->flow.rewrite.ifindex, 0);
}

#endif
