/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The TC doors: sk_buff in, TC verdict out. An sk_buff can hold several packets at once (GRO, GSO), and its checksum may be
 * half done: the device that it leaves by adds the rest. Only the kernel's helpers know which kind they have. */
#ifndef SERIN_CTX_TC_H
#define SERIN_CTX_TC_H

#include "answer.h"
#include "encap.h"
#include "pipeline.h"
#include "reset.h"
#include "translate.h"

/* TC_ACT_OK would end the chain of programs, and those behind us would not see what is not ours. */
enum tc_verdict {
	TC_PASS = -1,
	TC_DROP = 2,
};

#define TC_LINEAR 256 /* bytes: more than any headers that are ours */

static __always_inline void *tc_data(const struct __sk_buff *skb)
{
	return (void *)(long)skb->data;
}

static __always_inline void *tc_end(const struct __sk_buff *skb)
{
	return (void *)(long)skb->data_end;
}

static __always_inline int tc_drop(enum serin_drop reason)
{
	count_drop(reason);
	return TC_DROP;
}

/* Where the transport checksum is in the frame. */
static __always_inline __u32 tc_check_at(const struct pkt *pkt)
{
	return pkt->l4 +
	       (pkt->protocol == IPPROTO_TCP ? offsetof(struct tcphdr, check) : offsetof(struct udphdr, check));
}

/* Tell the transport checksum of what has changed: `addresses` in its pseudo-header, and the ports. */
static __always_inline void tc_update_check(struct __sk_buff *skb, const struct scratch *here, __u64 addresses)
{
	__u32 at = tc_check_at(&here->pkt);
	__u64 none = here->pkt.protocol == IPPROTO_UDP ? BPF_F_MARK_MANGLED_0 : 0; /* zero stays zero */
	__u32 sum;

	addresses = (addresses & 0xffffffff) + (addresses >> 32);
	sum = (addresses & 0xffffffff) + (addresses >> 32);
	if (sum)
		bpf_l4_csum_replace(skb, at, 0, sum, BPF_F_PSEUDO_HDR | none);
	bpf_l4_csum_replace(skb, at, here->pkt.ports, here->flow.rewrite.ports, none | sizeof(__u32));
	/* Where the device has summed up the whole packet, the helper takes the addresses' change off that sum. In IPv6
	 * nothing else in the packet makes up for it; but the hop limit has changed. */
	if (sum && here->pkt.family == SERIN_IPV6)
		bpf_csum_update(skb, sum_fold((__u64)sum + (__u16)~bpf_htons(1)));
}

static __always_inline bool tc_write_ports(struct headers *at, void *end, const struct rewrite *to)
{
	if ((void *)(at->udp + 1) > end)
		return false;
	/* Where TCP has them, too. */
	at->udp->source = to->sport;
	at->udp->dest = to->dport;
	return true;
}

/* Write the decision into the packet. */
static __always_inline bool tc_rewrite(struct __sk_buff *skb, struct scratch *here)
{
	const struct rewrite *to = &here->flow.rewrite;
	void *end = tc_end(skb);
	struct headers at;
	__u64 sum = 0;

	headers_again(tc_data(skb), &here->pkt, &at);
	if (unlikely(here->pkt.unusual & UNUSUAL_ERROR))
		return translate(at.ip4, at.icmp, end, here) && rewrite_eth(at.eth, end, to);
	if (!rewrite_network(&at, tc_data(skb), end, &here->pkt, to, &sum))
		return false;
	if (here->pkt.unusual & UNUSUAL_LATER_FRAGMENT)
		return true;
	if (!tc_write_ports(&at, end, to))
		return false;
	tc_update_check(skb, here, sum);
	return true;
}

/* To a process of this host or from it. */
static __noinline int tc_rewrite_local(struct __sk_buff *skb, struct scratch *here)
{
	void *end = tc_end(skb);
	struct headers at;

	headers_again(tc_data(skb), &here->pkt, &at);
	if (here->pkt.unusual & UNUSUAL_ERROR)
		translate(at.ip4, at.icmp, end, here);
	else if (!(here->pkt.unusual & UNUSUAL_LATER_FRAGMENT) && tc_write_ports(&at, end, &here->flow.rewrite))
		tc_update_check(skb, here, 0);
	return TC_PASS;
}

/* Is the checksum at that place half done? The helper leaves it alone then when data changes, which is the only way to
 * find out. */
static __always_inline bool tc_is_partial(struct __sk_buff *skb, __u32 at)
{
	__u16 before = 0, after = 0;

	if (bpf_skb_load_bytes(skb, at, &before, sizeof(before)) || bpf_l4_csum_replace(skb, at, 0, 1, sizeof(__u16)) ||
	    bpf_skb_load_bytes(skb, at, &after, sizeof(after)) ||
	    bpf_skb_store_bytes(skb, at, &before, sizeof(before), 0))
		return false;
	return before == after;
}

/* Answer with a RST, out of the interface that the segment came by. A RST itself is never answered. */
static __noinline int tc_refuse(struct __sk_buff *skb, const struct pkt *pkt, enum serin_drop reason)
{
	int length = rst_length(pkt);
	bool partial;

	if (pkt->flags & TCP_RST)
		return tc_drop(reason);
	if (!answer_allowed(pkt->stamp))
		return tc_drop(SERIN_DROP_RST_LIMITED);
	count_drop(reason);
	partial = tc_is_partial(skb, pkt->l4 + offsetof(struct tcphdr, check));
	/* The device will write its part where the segment had its checksum. */
	if (partial && pkt->l4 + (int)sizeof(struct tcphdr) != length)
		return TC_DROP;
	if (bpf_skb_change_tail(skb, length, 0))
		return TC_DROP;
	if (!rst_write(tc_data(skb), tc_end(skb), pkt, partial))
		return TC_DROP;
	count_rst();
	return bpf_redirect(skb->ifindex, 0);
}

/* Make room before the IP header. `type` becomes the EtherType; `flags` tell the kernel what kind of header will stand there,
 * so that it can still cut large packets into segments. It cannot where a tag is in the frame itself: then only small ones
 * have their headers moved by hand. */
static __noinline bool tc_grow(struct __sk_buff *skb, const struct pkt *pkt, __u32 by, __be16 type, __u64 flags)
{
	struct link_header link;

	if (!link_save(tc_data(skb), tc_end(skb), &link))
		return false;
	if (pkt->l3 == sizeof(struct ethhdr)) {
		if (bpf_skb_adjust_room(skb, by, BPF_ADJ_ROOM_MAC, flags))
			return false;
	} else if (pkt->segment != pkt->length || bpf_skb_change_head(skb, by, 0)) {
		return false;
	}
	return link_write(tc_data(skb), tc_end(skb), pkt->l3, &link, type);
}

/* Answer with an ICMP error, out of the interface that the packet came by. */
static __noinline int tc_answer(struct __sk_buff *skb, const struct scratch *here, enum serin_drop reason)
{
	const struct pkt *pkt = &here->pkt;
	bool partial;

	count_drop(reason);
	if (!answer_allowed(pkt->stamp))
		return TC_DROP;
	partial = tc_is_partial(skb, tc_check_at(pkt));
	if (bpf_skb_change_tail(skb, pkt->l3 + quote_length(pkt), 0) ||
	    !tc_grow(skb, pkt, answer_header(pkt),
		     bpf_htons(pkt->family == SERIN_IPV4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6), 0) ||
	    !answer_write(tc_data(skb), tc_end(skb), here, reason, partial))
		return TC_DROP;
	count_icmp();
	return bpf_redirect(skb->ifindex, 0);
}

static __noinline void tc_clamp_mss(struct __sk_buff *skb, const struct scratch *here)
{
	struct tcphdr *tcp = tc_data(skb) + (here->pkt.l4 & 2047);
	__u32 at = mss_find(tcp, tc_end(skb)), room = mss_room(here);
	__u16 mss, wanted = bpf_htons(room);

	if (!at || bpf_skb_load_bytes(skb, here->pkt.l4 + at, &mss, sizeof(mss)) || bpf_ntohs(mss) <= room)
		return;
	bpf_skb_store_bytes(skb, here->pkt.l4 + at, &wanted, sizeof(wanted), 0);
	bpf_l4_csum_replace(skb, tc_check_at(&here->pkt), as_summed(mss, at), as_summed(wanted, at), sizeof(mss));
}

/* Wrap the packet for a backend that answers the client directly. */
static __noinline bool tc_encapsulate(struct __sk_buff *skb, struct scratch *here)
{
	const struct pkt *pkt = &here->pkt;
	__u64 flags = addr_is_mapped(&here->flow.rewrite.dst) ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV4
							      : BPF_F_ADJ_ROOM_ENCAP_L3_IPV6;
	__u32 l3 = pkt->l3 & 31;

	if (here->flow.forward == SERIN_FORWARD_GUE)
		flags |= BPF_F_ADJ_ROOM_ENCAP_L4_UDP;
	if (pkt->flags & TCP_SYN)
		tc_clamp_mss(skb, here);
	return inner_hop(tc_data(skb) + l3, tc_end(skb), pkt) &&
	       tc_grow(skb, pkt, outer_length(&here->flow), outer_type(here), flags) &&
	       outer_write(tc_data(skb) + l3, tc_end(skb), here);
}

/* A next hop that is not known yet is the host's to find: it keeps the packet meanwhile. */
static __always_inline int tc_send(const struct scratch *here)
{
	const struct rewrite *to = &here->flow.rewrite;

	return to->mac ? bpf_redirect(to->ifindex, 0) : bpf_redirect_neigh(to->ifindex, NULL, 0, 0);
}

/* Packets of one-way modes: wrapped, or with nothing changed but the frame's addresses. */
static __noinline int tc_send_one_way(struct __sk_buff *skb, struct scratch *here)
{
	if ((here->flow.forward != SERIN_FORWARD_L2 && !tc_encapsulate(skb, here)) ||
	    !rewrite_eth(tc_data(skb), tc_end(skb), &here->flow.rewrite))
		return tc_drop(SERIN_DROP_ENCAPSULATION);
	return tc_send(here);
}

/* Verdicts that not every packet meets. */
static __noinline int tc_rare(struct __sk_buff *skb, struct scratch *here, int verdict)
{
	if (verdict == VERDICT_REFUSE)
		return here->pkt.door == DOOR_TC_EGRESS ? TC_DROP : tc_refuse(skb, &here->pkt, here->refusal);
	if (verdict == VERDICT_UP)
		return tc_rewrite_local(skb, here);
	if (verdict == VERDICT_FORWARD)
		return tc_send_one_way(skb, here);
	if (verdict < 0 && is_answered(&here->pkt, -1 - verdict))
		return tc_answer(skb, here, -1 - verdict);
	return verdict < 0 ? tc_drop(-1 - verdict) : TC_PASS;
}

/* The facts, after having the headers laid out in one piece if they are not. */
static __always_inline bool tc_parse(struct __sk_buff *skb, struct scratch *here)
{
	struct pkt *pkt = &here->pkt;
	struct headers at = {};
	__u32 room;

	if (!parse(tc_data(skb), tc_end(skb), &at, pkt)) {
		room = skb->len < TC_LINEAR ? skb->len : TC_LINEAR;
		if (tc_end(skb) - tc_data(skb) >= room || bpf_skb_pull_data(skb, room) ||
		    !parse(tc_data(skb), tc_end(skb), &at, pkt))
			return false;
	}
	if (pkt->l3 + pkt->length > skb->len)
		return false;
	pkt->segment = pkt->length;
	pkt->packets = 1;
	if (skb->gso_size) {
		pkt->segment = pkt->l4 - pkt->l3 + sizeof(struct udphdr) + skb->gso_size;
		if (pkt->protocol == IPPROTO_TCP)
			pkt->segment = pkt->length - pkt->payload + skb->gso_size;
		pkt->packets = skb->gso_segs;
	}
	return true;
}

/* The beginning or end of a turn, before anything is rewritten. */
static __noinline int tc_look(struct __sk_buff *skb, struct scratch *here)
{
	__u32 at = here->pkt.l3 + here->pkt.length - here->pkt.payload;

	if (turn_reads(here)) {
		__builtin_memset(here->said, 0, sizeof(here->said));
		if (here->pkt.payload >= SAID_LENGTH)
			bpf_skb_load_bytes(skb, at, here->said[0], SAID_LENGTH);
		if (here->pkt.payload >= HTTP_CONTINUE_LENGTH + SAID_LENGTH)
			bpf_skb_load_bytes(skb, at + HTTP_CONTINUE_LENGTH, here->said[1], SAID_LENGTH);
	}
	return core_turn(here);
}

static __always_inline int tc_door(struct __sk_buff *skb, enum door door)
{
	struct scratch *here = THE_ONE(scratch);
	int verdict;

	if (!here || !tc_parse(skb, here))
		return TC_PASS;
	here->pkt.door = door;
	here->pkt.ifindex = skb->ifindex;
	stamp_refresh(here);
	if (door == DOOR_TC_EGRESS || skb->ifindex == LOOPBACK_IFINDEX)
		here->pkt.unusual |= UNUSUAL_DOOR;
	verdict = core_decide(here);
	if (unlikely(verdict == VERDICT_OPEN)) {
		if (here->opening.forward <= SERIN_FORWARD_GATEWAY)
			fib_ask(skb, here, here->opening.device);
		verdict = core_open(here);
		if (verdict == VERDICT_OPENED)
			verdict = core_begin(here);
	}
	if (unlikely(verdict == VERDICT_ASK)) {
		fib_ask(skb, here, NO_DEVICE);
		verdict = core_aim(here);
	}
	if (verdict == VERDICT_PASS)
		return TC_PASS;
	if (unlikely(here->look))
		tc_look(skb, here);
	if (unlikely(verdict != VERDICT_FORWARD || SERIN_IS_ONE_WAY(here->flow.forward)))
		return tc_rare(skb, here, verdict);
	return tc_rewrite(skb, here) ? tc_send(here) : TC_PASS;
}

#endif
