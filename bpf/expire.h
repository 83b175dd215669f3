/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How old is a flow, and may a newcomer have its place? */
#ifndef SERIN_EXPIRE_H
#define SERIN_EXPIRE_H

#include "flow.h"

static __always_inline __u32 linger(const struct serin_settings *set, const struct serin_way *way, __u32 state)
{
	const struct serin_listener *listener = listener_at(READ_ONCE(way->listener));

	if (listener && listener->protocol == IPPROTO_UDP)
		return set->linger_udp;
	switch (state) {
	case SERIN_WAY_EMBRYONIC:
		return set->linger_embryonic;
	case SERIN_WAY_HALF_CLOSED:
		return set->linger_half_closed;
	case SERIN_WAY_CLOSED:
		return set->linger_closed;
	default:
		return set->linger_established;
	}
}

/* Stamps since the flow's last packet in either direction. */
static __always_inline __u32 idle_time(const struct serin_way *way, const struct serin_way *peer, __u32 now)
{
	__s32 own = now - READ_ONCE(way->stamp);
	__s32 other = peer ? (__s32)(now - READ_ONCE(peer->stamp)) : own;
	__s32 idle = own < other ? own : other;

	return idle < 0 ? 0 : idle; /* another CPU's clock tick may be one ahead */
}

static __always_inline bool way_expired(const struct serin_settings *set, const struct serin_way *way, __u32 claim,
					__u32 now)
{
	__u32 limit = linger(set, way, SERIN_WAY_STATE(claim));

	/* The peer's line is read only for those whose own stamp is old. */
	return idle_time(way, NULL, now) >= limit && idle_time(way, flow_peer(way), now) >= limit;
}

/* How gladly a way is given away; 0: never. Closed before otherwise expired, then those before their time: embryonic ones
 * and closed ones that still linger, since their last segments may have to be sent again; at last those of one-way modes,
 * of which nobody can say whether the client is real, and which the ring can do without. The longest idle of a kind goes
 * first. */
#define RANK_CLOSED (4ull << 32)
#define RANK_EXPIRED (3ull << 32)
#define RANK_EARLY (2ull << 32)
#define RANK_ONE_WAY (1ull << 32)
#define RANK_KIND(rank) ((rank) & ~0xffffffffull)

verified_once __u64 eviction_rank(__u32 index, __u32 claim, __u32 now)
{
	const struct serin_settings *set = THE_ONE(settings);
	const struct serin_way *way = way_at(index);
	__u32 state = SERIN_WAY_STATE(claim);
	__u64 rank;

	if (!set || !way || state < SERIN_WAY_EMBRYONIC)
		return 0;
	if (way_expired(set, way, claim, now))
		rank = state == SERIN_WAY_CLOSED ? RANK_CLOSED : RANK_EXPIRED;
	else if (state == SERIN_WAY_EMBRYONIC || state == SERIN_WAY_CLOSED)
		rank = RANK_EARLY;
	else if (SERIN_IS_ONE_WAY(SERIN_WAY_FORWARD(way)))
		rank = RANK_ONE_WAY;
	else
		return 0;
	return rank + idle_time(way, NULL, now);
}

#endif
