/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What became of the packet that has just gone through, and whether it may have. The table was looked at before and
 * after. A flow that was there both times was there all the time (its generation says so), and the packet must have
 * met it. Otherwise it may have met the one before, the one after, or one that came and went between the two looks:
 * then the plan and the pairs of addresses and ports still say who may have talked to whom. */
#ifndef SERIN_TEST_RACE_JUDGE_H
#define SERIN_TEST_RACE_JUDGE_H

enum outcome { UNTOUCHED, REFUSED, FORWARDED };

verified_once int blame(struct race_state *state, __u32 fault)
{
	struct race_evidence *report;
	__u32 *count = THE_ONE(report_count), slot;

	if (!state || !count || fault >= RACE_FAULT_COUNT)
		return 0;
	state->faults[fault]++;
	state->now.fault = fault;
	state->now.cpu = bpf_get_smp_processor_id();
	if (*count >= RACE_REPORTS)
		return 0;
	slot = __sync_fetch_and_add(count, 1);
	report = bpf_map_lookup_elem(&reports, &slot);
	if (report)
		*report = state->now;
	return 0;
}

static __always_inline void note(struct race_state *state, enum race_figure figure)
{
	state->figures[figure]++;
}

static __always_inline __u64 drops_so_far(void)
{
	__u64 sum = 0, *count;
	__u32 reason;

	for (reason = 0; reason < SERIN_DROPS; reason++) {
		count = bpf_map_lookup_elem(&drops, &reason);
		if (count)
			sum += *count;
	}
	return sum;
}

static __always_inline __u64 client_mac(const struct serin_addr *addr)
{
	return FROM_MAC(0x0d, 0, addr->byte[15]);
}

static __always_inline __u64 backend_mac(const struct serin_addr *addr)
{
	return FROM_MAC(0, 0x0b, addr->byte[15]);
}

static __always_inline bool same_bytes(const struct race_packet *packet, const struct race_seen *seen)
{
	return seen->sums_right && seen->ttl == 63 && seen->seq == packet->seq && seen->ack == packet->ack &&
	       seen->flags == packet->flags && seen->payload == packet->payload && seen->key == packet->key;
}

static __always_inline bool right_macs(const struct race_packet *packet, const struct race_seen *seen)
{
	if (packet->direction == SERIN_TO_BACKEND)
		return seen->mac_to == backend_mac(&seen->tuple.dst) && seen->mac_from == FROM_MAC(0, 1, 2);
	return seen->mac_to == client_mac(&seen->tuple.dst) && seen->mac_from == FROM_MAC(0, 1, 1);
}

/* Is this end the backend that the plan gives to the key? */
static __always_inline bool planned(__u32 key, const struct serin_addr *addr, __be16 port)
{
	__u32 *id = bpf_map_lookup_elem(&planned_backend, &key);
	const struct serin_backend *backend = id ? backend_at(*id) : NULL;

	return backend && backend->port == port && addr_equal(&backend->addr, addr);
}

static __always_inline bool port_in_range(__be16 port)
{
	return (__u32)bpf_ntohs(port) - config.port_first < config.port_count;
}

static __always_inline bool right_backend(const struct race_packet *packet, const struct race_tuple *out)
{
	if (!planned(packet->key, &out->dst, out->dport))
		return false;
	if (config.forward == SERIN_FORWARD_NAT)
		return addr_equal(&out->src, (const struct serin_addr *)&config.snat) && port_in_range(out->sport);
	return addr_equal(&out->src, &packet->tuple.src) &&
	       (out->sport == packet->tuple.sport || port_in_range(out->sport));
}

/* The key whose client got the answer, or RACE_NO_KEY. */
static __always_inline __u32 key_of_answer(const struct race_tuple *out)
{
	__u32 client = bpf_ntohs(out->dport) - RACE_CLIENT_PORT, listener;
	struct serin_addr addr;

	if (client >= config.keys / 2)
		return RACE_NO_KEY;
	__builtin_memcpy(&addr, (const void *)&config.client, sizeof(addr));
	addr.byte[15] = RACE_CLIENT_BASE + client % RACE_CLIENT_ADDRESSES;
	for (listener = 0; listener < 2; listener++)
		if (addr_equal(&addr, &out->dst) && config.listener[listener].port == out->sport &&
		    addr_equal((const struct serin_addr *)&config.listener[listener].addr, &out->src))
			return 2 * client + listener;
	return RACE_NO_KEY;
}

static __always_inline bool right_client(const struct race_packet *packet, const struct race_tuple *out)
{
	__u32 key = key_of_answer(out);

	if (key == RACE_NO_KEY || !planned(key, &packet->tuple.src, packet->tuple.sport))
		return false;
	return config.forward == SERIN_FORWARD_NAT || addr_equal(&out->dst, &packet->tuple.dst);
}

/* All that holds whatever the other CPU has done meanwhile. */
verified_once int judge_forwarded(struct race_state *state)
{
	struct race_evidence *now;

	if (!state)
		return 0;
	now = &state->now;
	if (!same_bytes(&now->packet, &now->seen))
		blame(state, RACE_BYTES);
	if (!right_macs(&now->packet, &now->seen))
		blame(state, RACE_HOP);
	if (now->packet.direction == SERIN_TO_BACKEND ? !right_backend(&now->packet, &now->seen.tuple)
						      : !right_client(&now->packet, &now->seen.tuple))
		blame(state, RACE_STRANGER);
	if (now->drops)
		blame(state, RACE_UNCOUNTED);
	note(state, now->packet.direction == SERIN_TO_BACKEND ? RACE_TO_BACKEND : RACE_TO_CLIENT);
	return 0;
}

/* Not forwarded: may it be dropped, refused, passed at all? */
verified_once int judge_kept(struct race_state *state, __u32 outcome)
{
	struct race_evidence *now;

	if (!state)
		return 0;
	now = &state->now;
	if (now->drops > 1)
		blame(state, RACE_UNCOUNTED);
	if (now->packet.direction == SERIN_TO_CLIENT) {
		if (outcome == REFUSED || now->drops)
			blame(state, RACE_DROPPED);
		note(state, RACE_ASIDE);
	} else if (outcome == REFUSED) {
		if (now->packet.flags == TCP_SYN)
			blame(state, RACE_DROPPED);
		if (!now->seen.sums_right || now->seen.seq != now->packet.ack || now->seen.flags != TCP_RST ||
		    now->seen.mac_to != now->packet.mac)
			blame(state, RACE_BYTES);
		note(state, RACE_REFUSALS);
	} else {
		if (!now->drops)
			blame(state, RACE_PASSED);
		note(state, RACE_DROPS);
	}
	return 0;
}

/* Against the table before and after. */
verified_once int judge_flow(struct race_state *state, __u32 outcome)
{
	struct race_evidence *now;

	if (!state)
		return 0;
	now = &state->now;
	if (view_same(&now->before, &now->after)) {
		/* A SYN that found its flow too old may have lost against the packet that made it young again. */
		if (now->packet.flags == TCP_SYN && outcome != FORWARDED && now->before.claim != now->after.claim)
			note(state, RACE_UNSETTLED);
		else if (outcome != FORWARDED)
			blame(state, RACE_NOT_FORWARDED);
		else if (!tuple_equal(&now->seen.tuple, &now->before.out))
			blame(state, RACE_WRONG_REWRITE);
		note(state, RACE_STEADY);
	} else if (outcome == FORWARDED) {
		bool known = (now->before.claim && tuple_equal(&now->seen.tuple, &now->before.out)) ||
			     (now->after.claim && tuple_equal(&now->seen.tuple, &now->after.out));

		note(state, known ? RACE_EITHER : RACE_UNSETTLED);
	}
	return 0;
}

static __always_inline void judge_resident(struct race_state *state)
{
	struct race_evidence *now = &state->now;
	__u32 key = now->packet.key;
	const struct race_resident *resident = bpf_map_lookup_elem(&residents, &key);

	if (!resident || state->settling || key >= config.residents || now->packet.direction != SERIN_TO_BACKEND)
		return;
	note(state, RACE_RESIDENTS);
	if (!now->before.claim || !now->after.claim || now->after.index != resident->index ||
	    SERIN_WAY_GENERATION(now->after.claim) != resident->generation)
		blame(state, RACE_RESIDENT);
}

/* forward: nat. Read between two looks at a live flow, its port's owner word must name it. */
static __always_inline void judge_owner(struct race_state *state)
{
	struct race_evidence *now = &state->now;

	if (config.forward != SERIN_FORWARD_NAT || !now->after.claim)
		return;
	now->owner = view_owner(&now->after);
	if (!still_live(now->after.index, now->after.claim))
		return;
	note(state, RACE_OWNERS);
	if (now->owner != view_ownership(&now->after))
		blame(state, RACE_OWNER);
}

/* Before an answer goes out: the other way of the flow that it is meant for. While that flow is live, no other client
 * may be behind its port; under forward: gateway, whose reverse keys have no owner words, a successor may be there
 * while the other CPU is about to end the flow. */
static __always_inline void judge_partner(struct race_state *state)
{
	struct race_evidence *now = &state->now;
	struct race_view *partner = &now->partner, *before = &now->before;

	if (!partner->claim)
		return;
	if (before->claim && before->peer == partner->index &&
	    before->peer_generation == SERIN_WAY_GENERATION(partner->claim)) {
		note(state, RACE_PARTNERS);
		return;
	}
	note(state, RACE_MISSED);
	if (!before->claim || !still_live(partner->index, partner->claim))
		return;
	if (config.forward == SERIN_FORWARD_NAT)
		blame(state, RACE_SHARED);
	else
		note(state, RACE_OVERLAPS);
}

static __always_inline __u32 outcome_of(const struct race_packet *packet, const struct race_seen *seen)
{
	struct race_tuple back;

	tuple_turn(&packet->tuple, &back);
	if (tuple_equal(&seen->tuple, &packet->tuple))
		return UNTOUCHED;
	return seen->flags & TCP_RST && tuple_equal(&seen->tuple, &back) ? REFUSED : FORWARDED;
}

static __always_inline __u32 judge(struct xdp_md *ctx, struct race_state *state)
{
	struct race_evidence *now = &state->now;
	__u32 outcome;

	now->drops = drops_so_far() - state->drops;
	frame_read(ctx, &now->seen);
	if (view_take(&now->packet.tuple, &now->after))
		blame(state, RACE_TWICE);
	outcome = outcome_of(&now->packet, &now->seen);
	note(state, RACE_ROUNDS);
	if (outcome == FORWARDED)
		judge_forwarded(state);
	else
		judge_kept(state, outcome);
	judge_flow(state, outcome);
	judge_resident(state);
	judge_owner(state);
	return outcome;
}

#endif
