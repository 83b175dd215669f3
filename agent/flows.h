/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading flows out of the kernel's table while packets go on writing it, and what a flow's state means. Pure. */
#ifndef SERIN_FLOWS_H
#define SERIN_FLOWS_H

#include <stdbool.h>
#include <stdint.h>

#include <serin/abi.h>

/* The table, as mapped. */
struct flows {
	const struct serin_way *ways;
	uint32_t count;
};

/* One flow. Arrays by enum serin_direction: the sender is the client in TO_BACKEND, the backend in TO_CLIENT. What a one-way
 * flow has of the way to the client is zero, its `stamp` excepted, which is that of the other direction. */
struct flow {
	uint32_t index, generation; /* of the way to the backend */
	enum serin_way_state state;
	bool one_way;
	bool placed; /* by a rule */
	struct serin_addr client;
	__be16 client_port, nat_port;
	uint16_t listener, backend;
	uint8_t snat;
	uint32_t opened, stamp[SERIN_DIRECTIONS];
	uint64_t bytes[SERIN_DIRECTIONS];
	uint32_t next_seq[SERIN_DIRECTIONS];
	bool has_seq[SERIN_DIRECTIONS]; /* TCP; of other flows it says nothing */
	uint32_t asked, acked;
};

/* How long, in stamps, both directions must have been silent before a flow can be called idle: between a quarter and half
 * a second. Of a one-way flow only acknowledgements tell of answers, and they may be held back for as long as that
 * (RFC 1122, section 4.2.3.2). */
#define FLOWS_QUIET 2u
#define FLOWS_QUIET_ONE_WAY 3u

/* The kernel's stamp at a time of loop_now_ms (CLOCK_MONOTONIC). */
uint32_t flows_stamp(int64_t now_ms);

/* Whether there is a live way to a backend at `index`, which is what flow_read can make a flow of, and whose: a glance at
 * one line, for those who look at millions. */
bool flow_glance(const struct flows *flows, uint32_t index, uint16_t *ret_backend);

/* The flow whose way to the backend is at `index`. False, `ret` untouched, when there is none, or when it was taken while
 * it was being read. */
bool flow_read(const struct flows *flows, uint32_t index, struct flow *ret);

/* In stamps; 0 where another CPU's clock was one ahead. */
uint32_t flow_age(const struct flow *flow, uint32_t now);
uint32_t flow_idle(const struct flow *flow, uint32_t now); /* since the last packet in either direction */

/* TCP: whether nobody would miss the connection right now: established, silent, and no answer owed. Never so for flows that
 * are being opened, since somebody is waiting, nor for those that have ended. */
bool flow_is_idle(const struct flow *flow, uint32_t now);

/* "embryonic", "established", "half-closed", "closed". */
const char *flow_state_name(enum serin_way_state state);

#endif
