/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What became of the packet that has just gone through, and whether it may have. The table was looked at before and
 * after. A flow that was there both times was there all the time (its generation says so), and the packet must have
 * met it. Otherwise it may have met the one before, the one after, or one that came and went between the two looks:
 * then the plan and the pairs of addresses and ports still say who may have talked to whom. */
#ifndef SERIN_TEST_RACE_JUDGE_H
#define SERIN_TEST_RACE_JUDGE_H

#include "race_rules.h"

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

/* How many packets the other CPU is through with. */
static __always_inline __u64 rounds_of_other(void)
{
	__u32 me = bpf_get_smp_processor_id(), zero = 0;
	const struct race_state *other;

	other = bpf_map_lookup_percpu_elem(&states, &zero, config.cpu[0] == me ? config.cpu[1] : config.cpu[0]);
	return other ? READ_ONCE(other->figures[RACE_ROUNDS]) : 0;
}

/* Is the other way of a live flow gone for good? */
static __always_inline bool is_orphan(const struct race_view *view)
{
	const struct serin_way *peer = way_at(view->peer);
	__u32 claim = peer ? READ_ONCE(peer->claim) : 0;

	load_fence();
	return still_live(view->index, view->claim) &&
	       (SERIN_WAY_GENERATION(claim) != view->peer_generation || SERIN_WAY_STATE(claim) < SERIN_WAY_PENDING ||
		SERIN_WAY_STATE(claim) == SERIN_WAY_KILLED);
}

/* A flow may have one way while the other CPU is opening or ending it: but not for two packets of his. */
static __always_inline void judge_whole(struct race_state *state)
{
	const struct race_view *after = &state->now.after;
	__u64 round = rounds_of_other();

	if (!after->claim || !is_orphan(after))
		return;
	if (state->orphan == after->index &&
	    SERIN_WAY_GENERATION(state->orphan_claim) == SERIN_WAY_GENERATION(after->claim)) {
		if (round >= state->orphan_round + 2)
			blame(state, RACE_ORPHAN);
		return;
	}
	note(state, RACE_ORPHANS);
	state->orphan = after->index;
	state->orphan_claim = after->claim;
	state->orphan_round = rounds_of_other();
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
	judge_whole(state);
	return outcome;
}

#endif
