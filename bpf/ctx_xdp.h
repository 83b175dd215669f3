/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The XDP door: packet memory in, XDP verdict out. */
#ifndef SERIN_CTX_XDP_H
#define SERIN_CTX_XDP_H

#include "pipeline.h"
#include "reset.h"
#include "translate.h"

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
	return length <= xdp_end(ctx) - xdp_data(ctx) || length <= bpf_xdp_get_buff_len(ctx);
}

/* Answer with a RST, out of the interface that the segment came by. A RST itself is never answered. */
static __noinline int xdp_refuse(struct xdp_md *ctx, const struct pkt *pkt, enum serin_drop reason)
{
	int length = rst_length(pkt);

	if (pkt->flags & TCP_RST)
		return xdp_drop(reason);
	if (!answer_allowed(pkt->stamp))
		return xdp_drop(SERIN_DROP_RST_LIMITED);
	count_drop(reason);
	if (bpf_xdp_adjust_tail(ctx, length - (int)bpf_xdp_get_buff_len(ctx)))
		return XDP_DROP;
	if (!rst_write(xdp_data(ctx), xdp_end(ctx), pkt, false))
		return XDP_DROP;
	count_rst();
	return XDP_TX;
}

/* Write the decision into the packet. */
static __noinline bool xdp_rewrite(struct xdp_md *ctx, struct scratch *here)
{
	const struct rewrite *to = &here->flow.rewrite;
	void *end = xdp_end(ctx);
	struct headers at;
	__u64 sum = 0;

	headers_again(xdp_data(ctx), &here->pkt, &at);
	if (unlikely(here->pkt.unusual & UNUSUAL_ERROR))
		return translate(at.ip4, at.icmp, end, here) && rewrite_eth(at.eth, end, to);
	if (!rewrite_network(&at, xdp_data(ctx), end, &here->pkt, to, &sum))
		return false;
	return here->pkt.unusual & UNUSUAL_LATER_FRAGMENT || rewrite_transport(&at, end, &here->pkt, to, sum);
}

static __always_inline int xdp_send(struct scratch *here)
{
	__u32 ifindex = here->flow.rewrite.ifindex;

	return ifindex == here->pkt.ifindex ? XDP_TX : bpf_redirect(ifindex, 0);
}

/* Verdicts that not every packet meets. */
static __noinline int xdp_rare(struct xdp_md *ctx, struct scratch *here, int verdict)
{
	struct headers at;

	if (verdict == VERDICT_REFUSE)
		return xdp_refuse(ctx, &here->pkt, here->refusal);
	if (verdict == VERDICT_UP) {
		headers_again(xdp_data(ctx), &here->pkt, &at);
		if (here->pkt.unusual & UNUSUAL_ERROR)
			translate(at.ip4, at.icmp, xdp_end(ctx), here);
		else if (!(here->pkt.unusual & UNUSUAL_LATER_FRAGMENT))
			rewrite_transport(&at, xdp_end(ctx), &here->pkt, &here->flow.rewrite, 0);
		return XDP_PASS;
	}
	return verdict < 0 ? xdp_drop(-1 - verdict) : XDP_PASS;
}

static __always_inline int xdp_door(struct xdp_md *ctx)
{
	struct scratch *here = THE_ONE(scratch);
	struct headers at = {};
	int verdict;

	if (!here)
		return XDP_PASS;
	if (!parse(xdp_data(ctx), xdp_end(ctx), &at, &here->pkt) || !xdp_is_whole(ctx, here->pkt.l3 + here->pkt.length))
		return XDP_PASS;
	here->pkt.segment = here->pkt.length;
	here->pkt.packets = 1;
	here->pkt.door = DOOR_XDP;
	here->pkt.ifindex = ctx->ingress_ifindex;
	here->pkt.stamp = bpf_ktime_get_coarse_ns() >> SERIN_STAMP_SHIFT;
	verdict = core_decide(here);
	if (unlikely(verdict == VERDICT_OPEN)) {
		if (here->opening.forward <= SERIN_FORWARD_GATEWAY)
			fib_ask(ctx, here);
		verdict = core_open(here);
	}
	if (unlikely(verdict == VERDICT_ASK)) {
		fib_ask(ctx, here);
		verdict = core_aim(here);
	}
	if (verdict == VERDICT_PASS)
		return XDP_PASS;
	if (unlikely(verdict != VERDICT_FORWARD))
		return xdp_rare(ctx, here, verdict);
	return xdp_rewrite(ctx, here) ? xdp_send(here) : XDP_PASS;
}

#endif
