/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Strikes: handshakes that a backend has failed in a row, and the word to the agent that they are too many.
 *
 *   refused       the backend's valid RST to a SYN
 *   unreachable   an ICMP error that says so before the backend has answered; UDP: while an answer is owed
 *   timeout       the SYN is sent again, and nothing has been heard: the first time, not after the answer timeout, which
 *                 most clients do not wait for; whether the SYN could leave or not. One-way modes: the client has not gone on
 *
 *   A flow strikes once, whatever it tries; one over UDP, which has no handshake, once until it is answered. The answer to a
 *   SYN takes all strikes back, over UDP any answer; in one-way modes the client's segment that completes the handshake.
 *   Whether clients were placed by a rule, or the plan has changed, is no matter here: this is about the backend. */
#ifndef SERIN_STRIKE_H
#define SERIN_STRIKE_H

#include "flow.h"

/* Stamps, so a quarter of a second at least: longer than a live backend's answer takes. Networks that deliver a SYN twice and
 * senders of two at once are faster, clients are not: they wait for a second (RFC 6298, section 2.1). */
#define SYN_AGAIN_STAMPS 2

/* Two CPUs at two flows: each strike is counted, and one of them makes the count full. */
verified_once int strike(__u32 backend, __u32 why)
{
	__u32 *count = bpf_map_lookup_elem(&strikes, &backend), now;
	struct serin_verdict *verdict;

	if (!count)
		return 0;
	now = __sync_fetch_and_add(count, 1) + 1;
	/* The first one too: with few clients the agent would rather look for itself than wait for four more. */
	if (now != 1 && now % SERIN_STRIKES_OUT)
		return 0;
	/* No room, since nobody reads: the map has the count, and the next five try again. */
	verdict = bpf_ringbuf_reserve(&verdicts, sizeof(*verdict), 0);
	if (!verdict)
		return 0;
	verdict->kind = SERIN_VERDICT_STRUCK;
	verdict->backend = backend;
	verdict->ns = bpf_ktime_get_ns();
	verdict->why = why;
	verdict->count = now;
	bpf_ringbuf_submit(verdict, 0);
	return 1;
}

/* For the handshake of the flow whose way to the backend that is. */
verified_once int strike_once(__u32 index, __u32 backend, __u32 why)
{
	struct serin_way *way = way_at(index);

	if (!way || way->flags & SERIN_WAY_STRUCK)
		return 0;
	/* Several CPUs may see why at once. */
	if (__sync_fetch_and_or(way_flags_word(way), bpf_htonl(SERIN_WAY_STRUCK)) & bpf_htonl(SERIN_WAY_STRUCK))
		return 0;
	return strike(backend, why);
}

/* The backend lives. Read first: on most days there is nothing to write, and handshakes of all CPUs share the line. */
static __always_inline void strikes_clear(__u32 backend)
{
	__u32 *count = bpf_map_lookup_elem(&strikes, &backend);

	if (count && READ_ONCE(*count))
		WRITE_ONCE(*count, 0);
}

/* The SYN is not the flow's first one: late enough to say that nobody answers? */
static __always_inline bool syn_is_late(const struct pkt *pkt, const struct serin_way *way)
{
	return (__s32)(pkt->stamp - way->opened) >= SYN_AGAIN_STAMPS;
}

#endif
