/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Turns: who has asked, who owes an answer, how long it took, and what is a failure.
 *
 *   A turn begins with new data of the client's on an established connection, and its last byte so far gives the time: a
 *   segment that is pushed, or the first one. HTTP: only where a request line begins; what follows belongs to it. UDP: with
 *   a client's datagram, but not more often than once per stamp and flow.
 *   It ends with the first new data of the backend's. HTTP: with a status line other than 1xx (101 is an answer).
 *   The handshake is a turn of its own, from SYN to SYN-ACK.
 *
 *   No sample comes from a turn in which anything was sent again, came out of order, or was asked twice (pipelining: those
 *   requests are one turn). Who speaks without having been asked (a server's greeting) ends no turn and begins none.
 *
 *   refused       a RST whose acknowledgement fits, to a SYN
 *   timeout       the SYN was sent again, and within the answer timeout nothing came
 *   reset         the backend's RST, while it owes an answer or up to half a second after data of its own, unless the
 *                 client has ended its side before; a RST on an idle connection is none
 *   unanswered    the backend's FIN that acknowledges the request, instead of an answer, unless the client has ended its
 *                 side before; or a turn that is open for longer than the answer timeout. Where only HTTP would tell a
 *                 request from a message that wants no answer: on connections where the backend has never sent data
 *   unreachable   an ICMP error that says so while a turn is open
 *
 *   A request that crosses the backend's FIN, whose FIN therefore does not acknowledge it, is nobody's failure: the idle
 *   connection was closed. Nor is a client's FIN or RST while an answer is owed, or a late answer to a repeated SYN. */
#ifndef SERIN_TURN_H
#define SERIN_TURN_H

#include "histogram.h"
#include "http.h"
#include "incident.h"
#include "served.h"
#include "slow.h"
#include "tcp.h"

static __always_inline __u32 owed_now(__u64 ns)
{
	return (__u32)(ns >> SERIN_OWED_SHIFT) << SERIN_OWED_BITS;
}

/* ns since the turn began. */
static __always_inline __u64 owed_for(__u32 owed, __u64 now)
{
	return (__u64)((owed_now(now) - owed) >> SERIN_OWED_BITS) << SERIN_OWED_SHIFT;
}

/* Longer than the answer timeout, and not yet counted for that: the agent's rounds are seconds apart, and it may be dead. */
static __always_inline bool owed_too_long(__u32 owed)
{
	const struct serin_settings *set = THE_ONE(settings);

	return set && set->answer_timeout && (owed & (SERIN_OWED | SERIN_OWED_FAILED)) == SERIN_OWED &&
	       owed_for(owed, bpf_ktime_get_ns()) >> SERIN_OWED_SHIFT >= set->answer_timeout;
}

static __always_inline struct serin_observed *observed_of(__u32 backend)
{
	void *of_backend = bpf_map_lookup_elem(&observed, &backend);

	return of_backend ? THE_ONE(*(struct observed_map *)of_backend) : NULL;
}

static __always_inline bool speaks_http(const struct serin_way *way)
{
	const struct serin_listener *listener = listener_at(READ_ONCE(way->listener));

	return listener && listener->speaks == SERIN_SPEAKS_HTTP;
}

/* Are the first bytes of what is said wanted? */
static __always_inline bool turn_reads(const struct scratch *here)
{
	const struct serin_way *way = flow_way(here->flow.index, &here->pkt);

	return way && here->look & (LOOK_ASK | LOOK_ANSWER) && here->pkt.payload && speaks_http(way);
}

static __always_inline void taint(struct serin_way *to_client)
{
	__u32 owed = READ_ONCE(to_client->owed);

	if (owed & SERIN_OWED)
		swap_if(&to_client->owed, owed, owed | SERIN_OWED_TAINTED);
}

/* The client has asked: what is owed from here on. The same: nothing more than before. */
static __always_inline __u32 owed_after_asking(const struct scratch *here, __u32 owed, int method, bool http, __u32 now)
{
	if (!(owed & SERIN_OWED))
		return http && method == HTTP_NO_METHOD ? owed : now | SERIN_OWED;
	if (http ? method != HTTP_NO_METHOD : here->pkt.protocol == IPPROTO_UDP)
		return owed | SERIN_OWED_TAINTED;
	return now | (owed & ((1u << SERIN_OWED_BITS) - 1));
}

/* May silence be called a failure? */
static __always_inline bool answer_is_due(const struct serin_way *way)
{
	return !(way->flags & SERIN_WAY_ANSWERED) || speaks_http(way);
}

/* A turn that has been open for too long: `way` is the one to the client. */
verified_once int turn_overdue(__u32 index, __u32 owed)
{
	struct serin_way *way = way_at(index), *peer;
	__u32 reason = SERIN_FAILURE_UNANSWERED, state;
	const struct serin_listener *listener;

	if (!way)
		return 0;
	peer = flow_peer(way);
	listener = listener_at(READ_ONCE(way->listener));
	state = SERIN_WAY_STATE(READ_ONCE(way->claim));
	if (!peer || !listener || state < SERIN_WAY_EMBRYONIC)
		return 0;
	if (listener->protocol == IPPROTO_TCP && state == SERIN_WAY_EMBRYONIC) {
		if (!(owed & SERIN_OWED_TAINTED) || way->flags & SERIN_WAY_SEQ)
			return 0;
		reason = SERIN_FAILURE_TIMEOUT;
	} else if (!answer_is_due(way)) {
		return 0;
	}
	if (!swap_if(&way->owed, owed, owed | SERIN_OWED_FAILED))
		return 0;
	return fail(way->peer, READ_ONCE(way->backend), reason);
}

/* TCP: has nothing been heard of the backend since the SYN? */
static __always_inline bool handshake_is_open(const struct scratch *here, const struct serin_way *to_client, __u32 owed)
{
	return owed & SERIN_OWED && SERIN_WAY_STATE(here->flow.claim) == SERIN_WAY_EMBRYONIC &&
	       !(to_client->flags & SERIN_WAY_SEQ);
}

static __always_inline int turn_ask(const struct scratch *here, const struct serin_way *way, struct serin_stats *count)
{
	struct serin_way *peer = flow_peer(way);
	int method = SERIN_HTTP_OTHER;
	struct serin_observed *seen;
	bool http = speaks_http(way);
	__u32 owed, next;

	if (!peer || peer == way)
		return 0;
	if (here->look & (LOOK_AGAIN | LOOK_LEAVING)) {
		if (here->look & LOOK_AGAIN)
			taint(peer);
		owed = READ_ONCE(peer->owed);
		if (here->pkt.flags & TCP_SYN && handshake_is_open(here, peer, owed) && syn_is_late(&here->pkt, way))
			strike_once(here->flow.index, here->flow.backend, SERIN_FAILURE_TIMEOUT);
		if (owed_too_long(owed))
			turn_overdue(way->peer, owed);
		return 0;
	}
	owed = READ_ONCE(peer->owed);
	/* Of a few bytes nothing can be read: they belong to the request that is being made, or begin one. */
	if (http && here->pkt.payload >= SAID_LENGTH)
		method = http_method(here->said[0]);
	else if (http && owed & SERIN_OWED)
		method = HTTP_NO_METHOD;
	next = owed_after_asking(here, owed, method, http, owed_now(bpf_ktime_get_ns()));
	if (next == owed || !swap_if(&peer->owed, owed, next) || (owed & SERIN_OWED && !http))
		return 0;
	if (method == HTTP_NO_METHOD)
		return 0;
	count->asked++;
	seen = http ? observed_of(here->flow.backend) : NULL;
	if (seen)
		seen->methods[method & (SERIN_HTTP_METHODS - 1)]++;
	return 0;
}

/* The handshake's turn ends. */
static __always_inline void turn_accepted(const struct scratch *here, struct serin_way *way, __u32 owed)
{
	const struct serin_way *peer = flow_peer(way);
	struct serin_observed *seen = observed_of(here->flow.backend);

	if (!peer || here->pkt.ack != peer->next_seq)
		return;
	strikes_clear(here->flow.backend);
	if (!swap_if(&way->owed, owed, 0))
		return;
	if (seen && !(owed & (SERIN_OWED_TAINTED | SERIN_OWED_FAILED)))
		histogram_add(&seen->handshake, owed_for(owed, bpf_ktime_get_ns()));
}

/* Nothing but a FIN. */
static __always_inline void turn_shut(const struct scratch *here, struct serin_way *way, __u32 owed)
{
	const struct serin_way *peer = flow_peer(way);

	if (!peer || !swap_if(&way->owed, owed, 0))
		return;
	if (!(owed & SERIN_OWED_FAILED) && answer_is_due(way) &&
	    (owed_too_long(owed) || (!(peer->flags & SERIN_WAY_FIN) && here->pkt.ack == peer->next_seq)))
		fail(way->peer, here->flow.backend, SERIN_FAILURE_UNANSWERED);
}

static __always_inline void turn_unreachable(const struct scratch *here, struct serin_way *way, __u32 owed)
{
	__u32 backend = here->flow.backend;

	if (owed & SERIN_OWED_FAILED || !swap_if(&way->owed, owed, owed | SERIN_OWED_FAILED))
		return;
	fail(way->peer, backend, SERIN_FAILURE_UNREACHABLE);
	if (here->pkt.protocol == IPPROTO_UDP)
		strike(backend, SERIN_FAILURE_UNREACHABLE);
	else if (handshake_is_open(here, way, owed))
		strike_once(way->peer, backend, SERIN_FAILURE_UNREACHABLE);
}

/* A function of its own: with a second bucket at hand, clang 19 compares one copy and indexes with another, and Linux 6.1 says
 * "R5 unbounded memory access". */
verified_once int turn_was_first(__u32 backend, __u64 ns)
{
	struct serin_observed *seen = observed_of(backend);
	__u32 bucket = histogram_bucket_of(ns);

	forget_bounds(bucket);
	if (seen && bucket < SERIN_HISTOGRAM_BUCKETS)
		seen->first[bucket]++;
	return 0;
}

/* Has the backend said nothing on this flow before? UDP's handshake is that the client goes on after that. */
static __always_inline bool says_its_first(const struct scratch *here, const struct serin_way *way)
{
	if (here->pkt.protocol == IPPROTO_UDP)
		return SERIN_WAY_STATE(here->flow.claim) == SERIN_WAY_EMBRYONIC;
	return !(way->flags & SERIN_WAY_ANSWERED);
}

/* How long the answer took, which ends the turn. */
static __always_inline void turn_took(const struct scratch *here, const struct serin_way *way,
				      struct serin_observed *seen, __u32 owed)
{
	const struct serin_listener *listener = listener_at(READ_ONCE(way->listener));
	__u64 ns = owed_for(owed, bpf_ktime_get_ns());
	bool first = says_its_first(here, way);
	__u32 beyond;

	histogram_add(&seen->response, ns);
	if (first)
		turn_was_first(here->flow.backend, ns);
	if (!listener)
		return;
	beyond = slow_beyond(listener->service, first ? SERIN_TURN_FIRST : SERIN_TURN_LATER, ns >> SERIN_OWED_SHIFT);
	if (unlikely(beyond))
		slow_turn(way->peer, beyond);
}

/* The backend has said something. */
static __always_inline void turn_answered(const struct scratch *here, struct serin_way *way, __u32 owed,
					  struct serin_stats *count)
{
	struct serin_observed *seen = observed_of(here->flow.backend);
	int status = HTTP_UNREAD;
	bool http = speaks_http(way);

	if (http && !(here->look & LOOK_GAP))
		status = http_answer(here);
	if (status == HTTP_INTERIM || !swap_if(&way->owed, owed, 0))
		return;
	if (owed_too_long(owed) && answer_is_due(way))
		fail(way->peer, here->flow.backend, SERIN_FAILURE_UNANSWERED);
	if (here->pkt.protocol == IPPROTO_UDP)
		strikes_clear(here->flow.backend);
	count->answered++;
	if (!seen)
		return;
	if (http)
		http_count(seen, status);
	if (!(owed & SERIN_OWED_TAINTED) && !(here->look & LOOK_GAP))
		turn_took(here, way, seen, owed);
	if (status >= 500)
		incident(way->peer);
}

static __always_inline int turn_answer(const struct scratch *here, struct serin_way *way, struct serin_stats *count)
{
	const struct pkt *pkt = &here->pkt;
	__u32 owed = READ_ONCE(way->owed);
	bool udp = pkt->protocol == IPPROTO_UDP;

	if (here->look & LOOK_UNREACHABLE) {
		turn_unreachable(here, way, owed);
		return 0;
	}
	if (here->look & LOOK_AGAIN) {
		count->retransmits++;
		return 0;
	}
	if (pkt->flags & TCP_SYN && !udp) {
		turn_accepted(here, way, owed);
		return 0;
	}
	if (pkt->payload || udp) {
		if (owed & SERIN_OWED)
			turn_answered(here, way, owed, count);
		if (says_its_first(here, way)) {
			way_mark(way, SERIN_WAY_ANSWERED);
			serve(way->peer);
		}
	} else if (owed & SERIN_OWED && pkt->flags & TCP_FIN) {
		turn_shut(here, way, owed);
	}
	return 0;
}

/* A SYN that cannot leave, since the routes know no way to the backend: it waits in vain like one that a silent backend gets. */
static __always_inline void syn_is_stuck(struct scratch *here, const struct serin_way *way)
{
	const struct flow *flow = &here->flow;

	if (!observe || !way || here->pkt.unusual || here->pkt.protocol != IPPROTO_TCP ||
	    !(here->pkt.flags & TCP_SYN) || flow->direction != SERIN_TO_BACKEND || flow->fresh)
		return;
	if (!SERIN_IS_ONE_WAY(flow->forward))
		here->look = LOOK_AGAIN;
	else if (SERIN_WAY_STATE(flow->claim) == SERIN_WAY_EMBRYONIC && syn_is_late(&here->pkt, way))
		strike_once(flow->index, flow->backend, SERIN_FAILURE_TIMEOUT);
}

/* After the decision, for the packets that here->look names; with the first bytes in here->said where turn_reads(). */
verified_once int core_turn(struct scratch *here)
{
	struct serin_stats *count;
	struct serin_way *way;
	__u32 backend;

	if (!here)
		return 0;
	backend = here->flow.backend;
	count = bpf_map_lookup_elem(&stats, &backend);
	way = flow_way(here->flow.index, &here->pkt);
	if (!count || !way || SERIN_WAY_GENERATION(READ_ONCE(way->claim)) != SERIN_WAY_GENERATION(here->flow.claim))
		return 0;
	if (here->flow.direction == SERIN_TO_BACKEND)
		return turn_ask(here, way, count);
	return turn_answer(here, way, count);
}

#endif
