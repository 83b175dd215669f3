/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Clients and backends in one program: each run judges what the real program has made of the packet before, since
 * BPF_PROG_TEST_RUN with repeat feeds a program its own output, then writes the next packet over it and goes on into
 * the real program. It works on that program's maps. */
#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "race_shared.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile __u32 bucket_mask = 0;
const volatile __u32 hash_key[SERIN_HASH_KEYS] = { 0 };
const volatile struct race_config config = { 0 };

#include "flow.h"

MAP(states, PERCPU_ARRAY, 1, __u32, struct race_state);
MAP(planned_backend, ARRAY, RACE_MAX_KEYS, __u32, __u32); /* by key */
MAP(residents, ARRAY, RACE_MAX_KEYS, __u32, struct race_resident);
MAP(reports, ARRAY, RACE_REPORTS, __u32, struct race_evidence);
MAP(report_count, ARRAY, 1, __u32, __u32);
MAP(meetings, ARRAY, 1, __u32, __u32);
MAP(real_program, PROG_ARRAY, 1, __u32, __u32);

#include "race_frame.h"
#include "race_view.h"
#include "race_judge.h"

#define CLIENT_ISN(key) ((key) << 16)
#define BACKEND_ISN 0x5000u
#define HOT_CLIENTS 2 /* whom both CPUs open flows for, and refuse them, all the time */
#define PATIENCE 1000 /* looks: some microseconds */

/* G. Marsaglia: "Xorshift RNGs", Journal of Statistical Software 8 (2003). */
static __always_inline __u32 draw(struct race_state *state, __u32 below)
{
	__u64 x = state->random;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	state->random = x;
	return ((x >> 32) * below) >> 32;
}

static __always_inline bool is_hot(__u32 key)
{
	return key - config.residents < 2 * HOT_CLIENTS;
}

/* Wait for the other CPU, within reason: both go on at once, with the same client. A key of his. */
verified_once __u32 meet(__u32 listener)
{
	__u32 *visits = THE_ONE(meetings), visit, i;

	if (!visits)
		return config.residents;
	visit = __sync_fetch_and_add(visits, 1);
	for (i = 0; !(visit & 1) && i < PATIENCE; i++)
		if (READ_ONCE(*visits) != visit + 1)
			break;
	return config.residents + 2 * (visit / 2 % HOT_CLIENTS) + (listener & 1);
}

/* A client's packet: SYN, data, FIN or RST. */
static __always_inline void from_client(struct race_state *state, __u32 key, __u32 flags)
{
	struct race_packet *packet = &state->now.packet;
	__u32 client = key / 2, listener = key & 1;

	packet->tuple.src = constant_addr(&config.client);
	packet->tuple.src.byte[15] = RACE_CLIENT_BASE + client % RACE_CLIENT_ADDRESSES;
	packet->tuple.sport = bpf_htons(RACE_CLIENT_PORT + client);
	packet->tuple.dst = constant_addr(&config.listener[listener].addr);
	packet->tuple.dport = config.listener[listener].port;
	packet->mac = client_mac(&packet->tuple.src);
	packet->key = key;
	packet->direction = SERIN_TO_BACKEND;
	packet->flags = flags;
	packet->payload = flags == TCP_ACK && draw(state, 2) ? 8 : 0;
	packet->seq = CLIENT_ISN(key) + (flags != TCP_SYN);
	packet->ack = flags == TCP_SYN ? 0 : BACKEND_ISN + 1;
	state->now.partner.claim = 0;
}

/* A backend's, `tuple` being what it got. */
static __always_inline void from_backend(struct race_state *state, const struct race_tuple *tuple, __u32 key,
					 __u32 flags)
{
	struct race_packet *packet = &state->now.packet;

	tuple_turn(tuple, &packet->tuple);
	packet->mac = backend_mac(&packet->tuple.src);
	packet->key = key;
	packet->direction = SERIN_TO_CLIENT;
	packet->flags = flags;
	packet->payload = flags == TCP_ACK ? 8 : 0;
	packet->seq = BACKEND_ISN + !(flags & TCP_SYN);
	packet->ack = CLIENT_ISN(key) + 1;
}

/* The answer to what has just been forwarded. */
static __always_inline void choose_answer(struct race_state *state)
{
	__u32 key = state->now.packet.key, flags = TCP_ACK;
	bool resident = key < config.residents && !state->settling;
	struct race_tuple tuple = state->now.seen.tuple;

	if (state->now.packet.flags == TCP_SYN && !resident)
		flags = !state->settling && (is_hot(key) || !draw(state, 8)) ? TCP_RST | TCP_ACK : TCP_SYN | TCP_ACK;
	else if (state->now.packet.flags & TCP_FIN)
		flags = TCP_FIN | TCP_ACK;
	state->now.partner = state->now.after;
	from_backend(state, &tuple, key, flags);
}

/* An answer that nobody asked for, to any port. */
static __always_inline void choose_stray(struct race_state *state, __u32 key)
{
	struct race_tuple tuple = {};
	__u32 nth = draw(state, config.backend_count) & (RACE_BACKENDS - 1);

	from_client(state, key, TCP_ACK);
	tuple.src = state->now.packet.tuple.src;
	tuple.sport = state->now.packet.tuple.sport;
	if (config.forward == SERIN_FORWARD_NAT) {
		tuple.src = constant_addr(&config.snat);
		tuple.sport = bpf_htons(config.port_first + draw(state, config.port_count));
	}
	tuple.dst = constant_addr(&config.backend[nth].addr);
	tuple.dport = config.backend[nth].port;
	from_backend(state, &tuple, key, TCP_ACK);
}

static __always_inline void choose_resident(struct race_state *state)
{
	__u32 key = draw(state, config.residents), kind = draw(state, 8);

	from_client(state, key, kind == 0 ? TCP_SYN : kind == 1 ? TCP_RST : TCP_ACK);
	if (kind == 1)
		state->now.packet.seq += 0x7000; /* in nobody's window */
}

static __always_inline void choose_anything(struct race_state *state)
{
	__u32 key = config.residents + draw(state, config.keys - config.residents), kind = draw(state, 32);

	if (kind < 2) {
		choose_resident(state);
	} else if (kind < 4) {
		choose_stray(state, key);
	} else if (kind < 10) {
		from_client(state, meet(draw(state, 2)), TCP_SYN);
	} else if (kind < 23) {
		from_client(state, key, TCP_SYN);
	} else if (kind < 26) {
		from_client(state, key, TCP_ACK);
	} else if (kind < 28) {
		from_client(state, key, TCP_FIN | TCP_ACK);
	} else {
		/* Behind a handshake, a byte stream of 8, or a FIN. */
		from_client(state, key, TCP_RST);
		state->now.packet.seq += kind == 28 ? 0 : kind == 29 ? 8 : 1;
	}
}

static __always_inline bool choose(struct race_state *state)
{
	if (state->settling && state->settled >= config.residents)
		return false;
	if (state->next == RACE_ANSWER)
		choose_answer(state);
	else if (state->next == RACE_ACKNOWLEDGE)
		from_client(state, state->now.packet.key, TCP_ACK);
	else if (state->settling)
		from_client(state, state->settled, TCP_SYN);
	else
		choose_anything(state);
	return true;
}

/* A resident's last packet has gone through: remember where its flow is. */
static __always_inline void settle(struct race_state *state)
{
	struct race_resident *resident = bpf_map_lookup_elem(&residents, &state->settled);
	const struct race_view *after = &state->now.after;

	if (!resident || SERIN_WAY_STATE(after->claim) != SERIN_WAY_ESTABLISHED)
		return;
	resident->index = after->index;
	resident->generation = SERIN_WAY_GENERATION(after->claim);
	state->settled++;
}

/* How the conversation goes on. */
static __always_inline __u32 next_of(struct race_state *state, __u32 outcome)
{
	const struct race_evidence *now = &state->now;

	if (outcome != FORWARDED)
		return RACE_ANYTHING;
	if (now->packet.direction == SERIN_TO_CLIENT) {
		if (now->packet.flags != (TCP_SYN | TCP_ACK) || key_of_answer(&now->seen.tuple) != now->packet.key)
			return RACE_ANYTHING;
		return state->settling || draw(state, 8) == 0 ? RACE_ACKNOWLEDGE : RACE_ANYTHING;
	}
	if (state->settling && now->packet.flags == TCP_ACK) {
		settle(state);
		return RACE_ANYTHING;
	}
	if (!now->after.claim || !tuple_equal(&now->seen.tuple, &now->after.out) || now->packet.flags & TCP_RST)
		return RACE_ANYTHING;
	return state->settling || is_hot(now->packet.key) || draw(state, 4) ? RACE_ANSWER : RACE_ANYTHING;
}

SEC("xdp.frags")
int hammer(struct xdp_md *ctx)
{
	struct race_state *state = THE_ONE(states);

	if (!state || !frame_stretch(ctx))
		return XDP_ABORTED;
	if (state->armed && !frame_is_fresh(ctx))
		state->next = next_of(state, judge(ctx, state));
	else
		state->next = RACE_ANYTHING;
	state->armed = 0;
	if (!choose(state) || !frame_write(ctx, &state->now.packet))
		return XDP_ABORTED;
	view_take(&state->now.packet.tuple, &state->now.before);
	if (state->now.packet.direction == SERIN_TO_CLIENT)
		judge_partner(state);
	state->drops = drops_so_far();
	state->armed = 1;
	bpf_tail_call(ctx, &real_program, 0);
	return XDP_ABORTED;
}
