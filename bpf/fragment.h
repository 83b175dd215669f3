/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Fragments: the first one has the ports and teaches them, later ones go where it went. One that overtakes its first is
 * dropped if a service could be meant: nothing is ever kept waiting. */
#ifndef SERIN_FRAGMENT_H
#define SERIN_FRAGMENT_H

#include "choose.h"

#define FRAGMENT_STAMPS 112 /* 30 s, as long as a receiver would wait for the rest (RFC 8200, section 4.5: 60 s) */

struct fragment_known {
	__u32 ports;
	__u32 id; /* that the fragments go on with */
	__u32 stamp;
	__u32 passed; /* to the host: not ours */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct fragment_key);
	__type(value, struct fragment_known);
} fragments SEC(".maps");

/* The last identification given out. Two clients behind one SNAT address, or two backends behind one VIP, may well use the
 * same ones, and their fragments would be put together. */
MAP(fragment_ids, ARRAY, 1, __u32, __u32);

static __always_inline void fragment_key_fill(struct scratch *here)
{
	struct fragment_key *key = &here->fragment;

	key->src = here->pkt.src;
	key->dst = here->pkt.dst;
	key->id = here->pkt.fragment_id;
	key->protocol = here->pkt.protocol;
}

/* A later fragment's ports. VERDICT_FORWARD: they are known; VERDICT_PASS, or a drop. */
verified_once int fragment_recall(void)
{
	struct scratch *here = SCRATCH();
	struct fragment_known *known;
	__u32 id;

	if (!here)
		return VERDICT_PASS;
	fragment_key_fill(here);
	known = bpf_map_lookup_elem(&fragments, &here->fragment);
	/* Signed: another CPU's clock tick may be one ahead. */
	if (known && (__s32)(here->pkt.stamp - known->stamp) < FRAGMENT_STAMPS) {
		if (known->passed)
			return VERDICT_PASS;
		here->pkt.ports = known->ports;
		here->flow.rewrite.fragment_id = known->id;
		return VERDICT_FORWARD;
	}
	if (here->pkt.door == DOOR_TC_EGRESS || !listener_of(here, 0, &id) || !sent_to_us(here))
		return VERDICT_PASS;
	return drop(SERIN_DROP_FRAGMENT_EARLY);
}

/* What became of the first fragment becomes of the later ones: sent on under a new identification, or passed. */
verified_once int fragment_teach(int passed)
{
	struct fragment_known known = {};
	struct scratch *here = SCRATCH();
	__u32 *last = THE_ONE(fragment_ids), id;

	if (!here || !last)
		return 0;
	/* Who sends to an address without services needs no entry: its later fragments pass anyway. */
	if (passed && !listener_of(here, 0, &id))
		return 0;
	known.ports = here->pkt.ports;
	known.stamp = here->pkt.stamp;
	known.passed = passed;
	known.id = bpf_htonl(__sync_fetch_and_add(last, 1));
	if (here->pkt.family == SERIN_IPV4)
		known.id = known.id >> 16; /* the lower half, as it lies in the header */
	here->flow.rewrite.fragment_id = known.id;
	fragment_key_fill(here);
	bpf_map_update_elem(&fragments, &here->fragment, &known, BPF_ANY);
	return 0;
}

#endif
