/* SPDX-License-Identifier: BSD-2-Clause */
/* A flow is two ways that name each other. Each is copied between two looks at its claim, as the kernel's readers do. */
#include "flows.h"

#include <string.h>

uint32_t flows_stamp(int64_t now_ms)
{
	return (uint32_t)((uint64_t)now_ms * 1000000u >> SERIN_STAMP_SHIFT);
}

static uint32_t claim_now(const struct serin_way *way)
{
	return __atomic_load_n(&way->claim, __ATOMIC_ACQUIRE);
}

static bool is_live(uint32_t claim)
{
	return SERIN_WAY_STATE(claim) >= SERIN_WAY_EMBRYONIC;
}

/* A change of state alone does not spoil a copy. */
static bool same_holder(const struct serin_way *way, uint32_t claim)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return SERIN_WAY_GENERATION(claim_now(way)) == SERIN_WAY_GENERATION(claim) && is_live(claim_now(way));
}

static bool copy_way(const struct serin_way *way, struct serin_way *ret)
{
	uint32_t claim = claim_now(way);

	if (!is_live(claim))
		return false;
	memcpy(ret, way, sizeof(*ret));
	ret->claim = claim;
	return same_holder(way, claim);
}

bool flow_glance(const struct flows *flows, uint32_t index, uint16_t *ret_backend)
{
	const struct serin_way *way = &flows->ways[index];

	if (!is_live(claim_now(way)) || way->flags & SERIN_WAY_TO_CLIENT)
		return false;
	*ret_backend = way->backend;
	return true;
}

/* The way to the client, or false when it has been taken: the flow is about to end. */
static bool copy_peer(const struct flows *flows, uint32_t index, const struct serin_way *way, struct serin_way *ret)
{
	if (way->peer >= flows->count || !copy_way(&flows->ways[way->peer], ret))
		return false;
	return SERIN_WAY_GENERATION(ret->claim) == way->peer_generation && ret->peer == index &&
	       ret->peer_generation == SERIN_WAY_GENERATION(way->claim);
}

static void take_direction(const struct serin_way *way, enum serin_direction direction, struct flow *flow)
{
	flow->stamp[direction] = way->stamp;
	flow->bytes[direction] = SERIN_WAY_BYTES(way);
	flow->next_seq[direction] = way->next_seq;
	flow->has_seq[direction] = way->flags & SERIN_WAY_SEQ;
}

bool flow_read(const struct flows *flows, uint32_t index, struct flow *ret)
{
	struct serin_way way, peer;
	struct flow flow = { .index = index };

	if (index >= flows->count || !copy_way(&flows->ways[index], &way) || way.flags & SERIN_WAY_TO_CLIENT)
		return false;
	flow.one_way = way.peer == index;
	if (!flow.one_way && (!copy_peer(flows, index, &way, &peer) || !same_holder(&flows->ways[index], way.claim)))
		return false;
	flow.generation = SERIN_WAY_GENERATION(way.claim);
	flow.state = SERIN_WAY_STATE(way.claim);
	flow.placed = way.flags & SERIN_WAY_BY_RULE;
	flow.client = way.client;
	flow.client_port = way.client_port;
	flow.nat_port = way.nat_port;
	flow.listener = way.listener;
	flow.backend = way.backend;
	flow.snat = way.snat;
	flow.opened = way.opened;
	flow.asked = way.asked;
	flow.acked = way.acked;
	take_direction(&way, SERIN_TO_BACKEND, &flow);
	if (flow.one_way)
		flow.stamp[SERIN_TO_CLIENT] = way.stamp;
	else
		take_direction(&peer, SERIN_TO_CLIENT, &flow);
	*ret = flow;
	return true;
}

static uint32_t since(uint32_t stamp, uint32_t now)
{
	int32_t passed = (int32_t)(now - stamp);

	return passed < 0 ? 0 : (uint32_t)passed;
}

uint32_t flow_age(const struct flow *flow, uint32_t now)
{
	return since(flow->opened, now);
}

uint32_t flow_idle(const struct flow *flow, uint32_t now)
{
	uint32_t client = since(flow->stamp[SERIN_TO_BACKEND], now);
	uint32_t backend = since(flow->stamp[SERIN_TO_CLIENT], now);

	return client < backend ? client : backend;
}

/* The client has sent data, and since then nothing of the backend's has come that the client had not acknowledged. */
static bool answer_is_owed(const struct flow *flow)
{
	if (flow->one_way)
		return (int32_t)(flow->acked - flow->asked) <= 0;
	return !flow->has_seq[SERIN_TO_CLIENT] || (int32_t)(flow->next_seq[SERIN_TO_CLIENT] - flow->asked) <= 0;
}

bool flow_is_idle(const struct flow *flow, uint32_t now)
{
	if (flow->state != SERIN_WAY_ESTABLISHED && flow->state != SERIN_WAY_HALF_CLOSED)
		return false;
	if (flow_idle(flow, now) < (flow->one_way ? FLOWS_QUIET_ONE_WAY : FLOWS_QUIET))
		return false;
	return !answer_is_owed(flow);
}

const char *flow_state_name(enum serin_way_state state)
{
	switch (state) {
	case SERIN_WAY_EMBRYONIC:
		return "embryonic";
	case SERIN_WAY_ESTABLISHED:
		return "established";
	case SERIN_WAY_HALF_CLOSED:
		return "half-closed";
	case SERIN_WAY_CLOSED:
		return "closed";
	default:
		return "none";
	}
}
