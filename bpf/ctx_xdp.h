/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The XDP door: packet memory in, XDP verdict out. */
#ifndef SERIN_CTX_XDP_H
#define SERIN_CTX_XDP_H

#include "answer.h"
#include "encap.h"
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

/* Make room before the IP header. `type` becomes the EtherType. */
static __noinline bool xdp_grow(struct xdp_md *ctx, const struct pkt *pkt, __u32 by, __be16 type)
{
	struct link_header link;

	return link_save(xdp_data(ctx), xdp_end(ctx), &link) && !bpf_xdp_adjust_head(ctx, -(int)by) &&
	       link_write(xdp_data(ctx), xdp_end(ctx), pkt->l3, &link, type);
}

/* Answer with an ICMP error, out of the interface that the packet came by. */
static __noinline int xdp_answer(struct xdp_md *ctx, const struct scratch *here, enum serin_drop reason)
{
	const struct pkt *pkt = &here->pkt;
	int length = (pkt->l3 & 31) + quote_length(pkt);

	count_drop(reason);
	if (!answer_allowed(pkt->stamp) || bpf_xdp_adjust_tail(ctx, length - (int)bpf_xdp_get_buff_len(ctx)))
		return XDP_DROP;
	if (!xdp_grow(ctx, pkt, answer_header(pkt),
		      bpf_htons(pkt->family == SERIN_IPV4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6)) ||
	    !answer_write(xdp_data(ctx), xdp_end(ctx), here, reason, false))
		return XDP_DROP;
	count_icmp();
	return XDP_TX;
}

static __noinline void xdp_clamp_mss(struct xdp_md *ctx, const struct scratch *here)
{
	struct tcphdr *tcp = xdp_data(ctx) + (here->pkt.l4 & 2047);
	__u32 at = mss_find(tcp, xdp_end(ctx)), room = mss_room(here);
	__u16 *mss = (void *)tcp + (at & 63), wanted = bpf_htons(room);

	if (!at || (void *)(tcp + 1) > xdp_end(ctx) || (void *)(mss + 1) > xdp_end(ctx) || bpf_ntohs(*mss) <= room)
		return;
	tcp->check = checksum_update(tcp->check, sum_changed(0, as_summed(*mss, at), as_summed(wanted, at)));
	*mss = wanted;
}

/* Wrap the packet for a backend that answers the client directly. */
static __noinline bool xdp_encapsulate(struct xdp_md *ctx, struct scratch *here)
{
	const struct pkt *pkt = &here->pkt;
	__u32 l3 = pkt->l3 & 31;

	if (pkt->flags & TCP_SYN)
		xdp_clamp_mss(ctx, here);
	return inner_hop(xdp_data(ctx) + l3, xdp_end(ctx), pkt) &&
	       xdp_grow(ctx, pkt, outer_length(&here->flow), outer_type(here)) &&
	       outer_write(xdp_data(ctx) + l3, xdp_end(ctx), here);
}

/* Write the decision into the packet. */
static __always_inline bool xdp_rewrite(struct xdp_md *ctx, struct scratch *here)
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

/* Packets of one-way modes: wrapped, or with nothing changed but the frame's addresses. */
static __noinline int xdp_send_one_way(struct xdp_md *ctx, struct scratch *here)
{
	if ((here->flow.forward != SERIN_FORWARD_L2 && !xdp_encapsulate(ctx, here)) ||
	    !rewrite_eth(xdp_data(ctx), xdp_end(ctx), &here->flow.rewrite))
		return xdp_drop(SERIN_DROP_ENCAPSULATION);
	return xdp_send(here);
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
	if (verdict == VERDICT_FORWARD)
		return xdp_send_one_way(ctx, here);
	if (verdict < 0 && is_answered(&here->pkt, -1 - verdict))
		return xdp_answer(ctx, here, -1 - verdict);
	return verdict < 0 ? xdp_drop(-1 - verdict) : XDP_PASS;
}

/* The beginning or end of a turn, before anything is rewritten. */
static __noinline int xdp_look(struct xdp_md *ctx, struct scratch *here)
{
	__u32 at = here->pkt.l3 + here->pkt.length - here->pkt.payload;

	if (turn_reads(here)) {
		__builtin_memset(here->said, 0, sizeof(here->said));
		if (here->pkt.payload >= SAID_LENGTH)
			bpf_xdp_load_bytes(ctx, at, here->said[0], SAID_LENGTH);
		if (here->pkt.payload >= HTTP_CONTINUE_LENGTH + SAID_LENGTH)
			bpf_xdp_load_bytes(ctx, at + HTTP_CONTINUE_LENGTH, here->said[1], SAID_LENGTH);
	}
	return core_turn(here);
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
	stamp_refresh(here);
	verdict = core_decide(here);
	if (unlikely(verdict == VERDICT_OPEN)) {
		if (here->opening.forward <= SERIN_FORWARD_GATEWAY)
			fib_ask(ctx, here, here->opening.device);
		verdict = core_open(here);
		if (verdict == VERDICT_OPENED)
			verdict = core_begin(here);
	}
	if (unlikely(verdict == VERDICT_ASK)) {
		fib_ask(ctx, here, NO_DEVICE);
		verdict = core_aim(here);
	}
	if (verdict == VERDICT_PASS)
		return XDP_PASS;
	if (unlikely(here->look))
		xdp_look(ctx, here);
	if (unlikely(verdict != VERDICT_FORWARD || SERIN_IS_ONE_WAY(here->flow.forward)))
		return xdp_rare(ctx, here, verdict);
	return xdp_rewrite(ctx, here) ? xdp_send(here) : XDP_PASS;
}

#endif
