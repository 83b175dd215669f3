/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a segment tells about its connection (RFC 9293), as far as a flow's life depends on it. */
#ifndef SERIN_TCP_H
#define SERIN_TCP_H

#include "incident.h"
#include "strike.h"
#include "table.h"

/* The way of the packet at hand. */
struct tracked {
	struct serin_way *way;
	__u32 index;
	__u32 claim;
	__u32 direction;
};

/* How far a sender may run ahead of what was seen of it: a little on its own word; farther, where segments were lost
 * before they came here, only with an acknowledgement that fits as well; more than that is an outsider's guess. */
#define TCP_STEP (1u << 16)
#define TCP_PLAUSIBLE (1u << 24)

static __always_inline bool tcp_near(__u32 number, __u32 next_seq)
{
	return number - next_seq + TCP_PLAUSIBLE < 2 * TCP_PLAUSIBLE;
}

static __always_inline void way_mark(struct serin_way *way, __u8 flag)
{
	__sync_fetch_and_or(way_flags_word(way), bpf_htonl(flag));
}

/* Raise a way to a later state; true for the one CPU that has done it. */
static __always_inline bool way_raise(struct serin_way *way, __u32 generation, __u32 state)
{
	int i;

	for (i = 0; i < 4; i++) {
		__u32 claim = READ_ONCE(way->claim);

		if (SERIN_WAY_GENERATION(claim) != generation || SERIN_WAY_STATE(claim) < SERIN_WAY_EMBRYONIC ||
		    SERIN_WAY_STATE(claim) >= state)
			return false;
		if (swap_if(&way->claim, claim, claim_same(claim, state)))
			return true;
	}
	return false;
}

/* The handshake is complete: no newcomer may take the flow from here on. The way to the client goes first, so that
 * once the way to the backend is established both are: whoever takes the other one before that has ended an embryonic
 * flow. */
static __always_inline bool flow_establish(const struct tracked *flow, struct serin_way *peer)
{
	struct serin_way *way = flow->way;

	if (!way_raise(peer, READ_ONCE(way->peer_generation), SERIN_WAY_ESTABLISHED))
		return false;
	return way_raise(way, SERIN_WAY_GENERATION(flow->claim), SERIN_WAY_ESTABLISHED);
}

/* True for the one CPU that has raised the way to the backend: flows are counted by it. */
static __always_inline bool flow_raise(const struct tracked *flow, struct serin_way *peer, __u32 state)
{
	bool own = way_raise(flow->way, SERIN_WAY_GENERATION(flow->claim), state);
	bool other = peer && way_raise(peer, READ_ONCE(flow->way->peer_generation), state);

	return flow->direction == SERIN_TO_BACKEND ? own : other;
}

/* For whoever has closed it. */
static __always_inline void tell_closed(const struct tracked *flow, enum serin_ended how)
{
	if (flow->direction == SERIN_TO_BACKEND)
		flow_ended(flow->index, flow->claim, how);
	else
		flow_ended(READ_ONCE(flow->way->peer),
			   SERIN_WAY_CLAIM(READ_ONCE(flow->way->peer_generation), SERIN_WAY_CLOSED), how);
}

/* A RST ends the flow only with the very sequence number that its receiver waits for (RFC 5961, section 3), or, from a
 * backend that refuses a SYN, with that SYN's acknowledgement. */
static __always_inline bool rst_fits(const struct pkt *pkt, const struct tracked *flow, const struct serin_way *peer)
{
	if (flow->way->flags & SERIN_WAY_SEQ)
		return pkt->seq == flow->way->next_seq;
	return flow->direction == SERIN_TO_CLIENT && pkt->flags & TCP_ACK && peer && pkt->ack == peer->next_seq;
}

/* Up to half a second: longer than an answer is likely to pause, shorter than a connection is kept idle. */
#define HALF_GIVEN_STAMPS 1

/* Which failure a backend's RST is; SERIN_FAILURES: none. See turn.h. */
static __always_inline __u32 rst_failure(const struct pkt *pkt, const struct serin_way *way,
					 const struct serin_way *peer)
{
	__u32 owed = READ_ONCE(way->owed);

	if (owed & SERIN_OWED_FAILED || !peer)
		return SERIN_FAILURES;
	/* Of a connection that was begun before us nobody knows what is owed. */
	if (!(way->flags & SERIN_WAY_SEQ))
		return owed & SERIN_OWED ? SERIN_FAILURE_REFUSED : SERIN_FAILURES;
	if (peer->flags & SERIN_WAY_FIN || way->flags & SERIN_WAY_FIN)
		return SERIN_FAILURES;
	if (owed & SERIN_OWED ||
	    (way->flags & SERIN_WAY_ANSWERED && (__s32)(pkt->stamp - way->stamp) <= HALF_GIVEN_STAMPS))
		return SERIN_FAILURE_RESET;
	return SERIN_FAILURES;
}

static __always_inline void track_rst(const struct pkt *pkt, const struct tracked *flow, struct serin_way *peer,
				      struct serin_stats *count, __u32 backend)
{
	__u32 failure = SERIN_FAILURES, client = flow->way->peer;

	if (!rst_fits(pkt, flow, peer))
		return;
	if (flow->direction == SERIN_TO_CLIENT)
		failure = rst_failure(pkt, flow->way, peer);
	if (!flow_raise(flow, peer, SERIN_WAY_CLOSED))
		return;
	count->resets[flow->direction & 1]++;
	count->closed++;
	if (failure < SERIN_FAILURES)
		fail(client, backend, failure);
	if (failure == SERIN_FAILURE_REFUSED)
		strike_once(client, backend, failure);
	tell_closed(flow,
		    flow->direction == SERIN_TO_CLIENT ? SERIN_ENDED_RESET_BY_BACKEND : SERIN_ENDED_RESET_BY_CLIENT);
}

static __always_inline void track_fin(const struct tracked *flow, struct serin_way *peer, struct serin_stats *count)
{
	__u32 state;

	way_mark(flow->way, SERIN_WAY_FIN);
	/* Raising is a full barrier: of two CPUs with the two FINs at least one sees both. */
	flow_raise(flow, peer, SERIN_WAY_HALF_CLOSED);
	state = peer && READ_ONCE(peer->flags) & SERIN_WAY_FIN ? SERIN_WAY_CLOSED : SERIN_WAY_HALF_CLOSED;
	if (state == SERIN_WAY_CLOSED && flow_raise(flow, peer, state)) {
		count->closed++;
		tell_closed(flow, SERIN_ENDED_CLOSED);
	}
}

/* Owed until the backend's next number is beyond what the client had when it asked: nothing is, right after a handshake. */
static __always_inline __u32 asked_at_first(const struct pkt *pkt)
{
	return pkt->payload ? pkt->ack : pkt->ack - 1;
}

/* How far the other end's numbers are known. In one-way modes nobody hears it: as far as the client has acknowledged. */
static __always_inline __u32 heard_of(const struct serin_way *way, const struct serin_way *peer)
{
	return peer == way ? way->acked : peer->next_seq;
}

/* Segments that are not plain data of an established connection. */
verified_once int track_rare(const struct scratch *here)
{
	__u32 claim, direction, backend, step;
	struct serin_way *way, *peer;
	struct serin_stats *count;
	const struct pkt *pkt;
	struct tracked flow;
	bool embryonic;

	if (!here)
		return 0;
	pkt = &here->pkt;
	claim = here->flow.claim;
	direction = here->flow.direction;
	backend = here->flow.backend;
	embryonic = SERIN_WAY_STATE(claim) == SERIN_WAY_EMBRYONIC;
	count = bpf_map_lookup_elem(&stats, &backend);
	way = flow_way(here->flow.index, pkt);
	if (!count || !way)
		return 0;
	flow = (struct tracked){ way, here->flow.index, claim, direction };
	peer = flow_peer(way);
	if (pkt->flags & TCP_RST) {
		track_rst(pkt, &flow, peer, count, backend);
		return 0;
	}
	/* A SYN on a live flow changes nothing: its challenge ACK must pass (RFC 5961, section 4). While embryonic, the
	 * latest SYN of either side is the one that counts. */
	if (pkt->flags & TCP_SYN && !embryonic)
		return 0;
	step = tcp_end(pkt) - way->next_seq - 1;
	if (pkt->flags & TCP_SYN || !(way->flags & SERIN_WAY_SEQ)) {
		way->next_seq = tcp_end(pkt);
		if (!(way->flags & SERIN_WAY_SEQ))
			way_mark(way, SERIN_WAY_SEQ);
	} else if (step < TCP_STEP || (step < TCP_PLAUSIBLE && peer && tcp_near(pkt->ack, heard_of(way, peer)))) {
		way->next_seq = tcp_end(pkt);
	}
	if (peer == way && pkt->flags & TCP_SYN) {
		if (syn_is_late(pkt, way))
			strike_once(flow.index, backend, SERIN_FAILURE_TIMEOUT);
		return 0;
	}
	/* Nobody's answers are seen here: a client that goes on is taken at its word. Its way can be taken back all the same. */
	if (embryonic && peer == way && !(pkt->flags & TCP_SYN) && pkt->flags & TCP_ACK &&
	    way_raise(way, SERIN_WAY_GENERATION(claim), SERIN_WAY_ESTABLISHED)) {
		/* The flow of one that was begun before us says nothing about handshakes. */
		if (!here->flow.fresh)
			strikes_clear(backend);
		way->asked = asked_at_first(pkt);
		way->acked = pkt->ack;
		count->established++;
		embryonic = false;
	}
	/* Only who has seen the backend's number can acknowledge it: an answer alone proves nothing about the client. */
	if (embryonic && direction == SERIN_TO_BACKEND && pkt->flags & TCP_ACK && peer && peer != way &&
	    peer->flags & SERIN_WAY_SEQ && pkt->ack == peer->next_seq && flow_establish(&flow, peer)) {
		way->asked = asked_at_first(pkt);
		count->established++;
		embryonic = false;
	}
	/* Nor may a stranger's FIN raise a flow above the embryonic ones, which are there to be taken back, or make an
	 * established one shorter-lived. */
	if (pkt->flags & TCP_FIN && !embryonic && tcp_near(pkt->seq, way->next_seq) &&
	    (!peer || tcp_near(pkt->ack, heard_of(way, peer))))
		track_fin(&flow, peer, count);
	return 0;
}

/* A client that goes on after an answer is a real one; an answer alone proves nothing. The answer says so to both ways: who
 * asks without ever getting one, as for logs and metrics, has his own line to look at only. */
verified_once int track_udp(__u32 index, __u32 claim, __u32 direction, __u32 backend)
{
	struct serin_stats *count = bpf_map_lookup_elem(&stats, &backend);
	struct serin_way *way = way_at(index), *peer;
	struct tracked flow = { way, index, claim, direction };

	if (!way || !count)
		return 0;
	peer = flow_peer(way);
	if (direction == SERIN_TO_CLIENT) {
		if (!(way->flags & SERIN_WAY_ANSWERED))
			way_mark(way, SERIN_WAY_ANSWERED);
		if (peer && peer != way && !(peer->flags & SERIN_WAY_HEARD))
			way_mark(peer, SERIN_WAY_HEARD);
		return 0;
	}
	/* That mark may have come too late, when the way was another flow's: the other one decides. */
	if (peer && peer != way && peer->flags & SERIN_WAY_ANSWERED && flow_establish(&flow, peer))
		count->established++;
	return 0;
}

static __always_inline void way_count(struct serin_way *way, __u32 length)
{
	__u32 sum = way->bytes_low + length;

	if (unlikely(sum < length))
		way->bytes_high++;
	way->bytes_low = sum;
}

/* As far as the way is still the flow's: in another's the next hop lies there. */
static __always_inline void way_acked(struct serin_way *way, const struct flow *flow, __u32 ack)
{
	union {
		__u64 both;
		__u32 half[2]; /* opened, acked */
	} known = { flow->hop }, now = known;

	now.half[1] = ack;
	if (now.both != known.both)
		swap_if(&way->hop, known.both, now.both);
}

/* Does the segment begin or end a turn? By the way's own line alone, before anything of it is changed. */
static __always_inline __u32 look_at_segment(const struct scratch *here, const struct serin_way *way)
{
	const struct pkt *pkt = &here->pkt;
	__s32 news = pkt->seq + pkt->payload - way->next_seq, gap = pkt->seq - way->next_seq;
	bool again = pkt->payload && way->flags & SERIN_WAY_SEQ && news <= 0;

	if (here->flow.direction == SERIN_TO_CLIENT) {
		if (!pkt->payload && !(pkt->flags & (TCP_SYN | TCP_FIN)))
			return 0;
		if (unlikely(again))
			return LOOK_AGAIN;
		if (likely(!(way->owed & SERIN_OWED) && (way->flags & SERIN_WAY_ANSWERED || !pkt->payload)))
			return 0;
		return LOOK_ANSWER | (way->flags & SERIN_WAY_SEQ && gap > 0 ? LOOK_GAP : 0);
	}
	if (pkt->flags & TCP_SYN)
		return here->flow.fresh ? 0 : LOOK_AGAIN;
	if (pkt->flags & TCP_RST || (pkt->flags & TCP_FIN && !pkt->payload))
		return LOOK_LEAVING;
	if (!pkt->payload || SERIN_WAY_STATE(here->flow.claim) != SERIN_WAY_ESTABLISHED)
		return 0;
	if (way->asked == pkt->ack && !(pkt->flags & TCP_PSH) && !again)
		return 0;
	return LOOK_ASK | (again ? LOOK_AGAIN : 0);
}

static __always_inline void track_segment(struct scratch *here, struct serin_way *way)
{
	const struct pkt *pkt = &here->pkt;
	const struct flow *flow = &here->flow;
	bool one_way = SERIN_IS_ONE_WAY(flow->forward);
	__u32 end = pkt->seq + pkt->payload;

	if (observe && likely(!one_way))
		here->look = look_at_segment(here, way);
	if (flow->direction == SERIN_TO_BACKEND && pkt->payload)
		way->asked = pkt->ack;
	if (likely(SERIN_WAY_STATE(flow->claim) == SERIN_WAY_ESTABLISHED &&
		   !(pkt->flags & (TCP_SYN | TCP_FIN | TCP_RST)) &&
		   (end - way->next_seq - 1 < TCP_STEP || (__s32)(end - way->next_seq) <= 0))) {
		if ((__s32)(end - way->next_seq) > 0)
			way->next_seq = end;
	} else {
		track_rare(here);
		/* The segment that completes a handshake may ask as well. */
		if (observe && !one_way && pkt->payload && flow->direction == SERIN_TO_BACKEND && !here->look &&
		    SERIN_WAY_STATE(flow->claim) == SERIN_WAY_EMBRYONIC &&
		    SERIN_WAY_STATE(READ_ONCE(way->claim)) == SERIN_WAY_ESTABLISHED)
			here->look = LOOK_ASK;
	}
	/* Behind what compares with the one before. */
	if (one_way && (pkt->flags & (TCP_ACK | TCP_RST)) == TCP_ACK)
		way_acked(way, flow, pkt->ack);
}

static __always_inline void track_datagram(struct scratch *here, struct serin_way *way)
{
	const struct flow *flow = &here->flow;

	if (SERIN_WAY_STATE(flow->claim) == SERIN_WAY_EMBRYONIC &&
	    (flow->direction == SERIN_TO_CLIENT || way->flags & SERIN_WAY_HEARD))
		track_udp(flow->index, flow->claim, flow->direction, flow->backend);
	if (!observe || SERIN_IS_ONE_WAY(flow->forward))
		return;
	if (flow->direction == SERIN_TO_CLIENT) {
		if (way->owed & SERIN_OWED)
			here->look = LOOK_ANSWER;
	} else if (way->asked != here->pkt.stamp) {
		way->asked = here->pkt.stamp;
		here->look = LOOK_ASK;
	}
}

static __always_inline void track(struct scratch *here, struct serin_way *way)
{
	way_count(way, here->pkt.length);
	if (here->pkt.protocol == IPPROTO_UDP)
		track_datagram(here, way);
	else
		track_segment(here, way);
	/* Behind what asks when the one before came. */
	if (way->stamp != here->pkt.stamp)
		way->stamp = here->pkt.stamp;
}

/* A client's SYN on a flow that is over, by its FINs, a RST or its age: a new connection that happens to have the old
 * one's ports. In one-way modes its own FIN is all there is to see. */
static __always_inline bool syn_begins_anew(const struct pkt *pkt, const struct flow *flow, const struct serin_way *way,
					    const struct serin_settings *set)
{
	__u32 over = SERIN_IS_ONE_WAY(flow->forward) ? SERIN_WAY_HALF_CLOSED : SERIN_WAY_CLOSED;

	if (pkt->flags & TCP_ACK)
		return false;
	/* It would only be told to try again. */
	if (flow->backend_flags & SERIN_BACKEND_RESET || begins_elsewhere(flow))
		return true;
	return SERIN_WAY_STATE(flow->claim) >= over || way_expired(set, way, flow->claim, pkt->stamp);
}

/* A client's packet that asks for a new flow where there is an old one. UDP has no beginning: the idle time is all, and
 * a backend that is being emptied lets its UDP clients move. */
static __always_inline bool begins_anew(const struct pkt *pkt, const struct flow *flow, const struct serin_way *way,
					const struct serin_settings *set)
{
	if (flow->direction != SERIN_TO_BACKEND || pkt->unusual & UNUSUAL_ERROR)
		return false;
	if (likely(pkt->protocol == IPPROTO_TCP))
		return unlikely(pkt->flags & TCP_SYN) && syn_begins_anew(pkt, flow, way, set);
	return flow->backend_flags & SERIN_BACKEND_RESET || way_expired(set, way, flow->claim, pkt->stamp);
}

#endif
