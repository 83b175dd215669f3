/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Slow clients: those with a turn beyond the limits that the agent has set. See struct serin_slow. */
#ifndef SERIN_SLOW_H
#define SERIN_SLOW_H

#include "client.h"

/* In an answer about quantiles: bits of those beyond, and in slow_meets() above them those never met in this rollout. */
#define SLOW_ALL ((1u << SERIN_QUANTILES) - 1)

/* The quantiles that a turn of that many ticks is beyond; 0: none, or no limits are set. */
static __always_inline __u32 slow_beyond(__u32 service, enum serin_turn_kind kind, __u32 ticks)
{
	const struct serin_slow_limits *limits = bpf_map_lookup_elem(&slow_limits, &service);
	__u32 beyond = 0, k;

	if (!limits)
		return 0;
#pragma unroll
	for (k = 0; k < SERIN_QUANTILES; k++) {
		__u32 limit = READ_ONCE(limits->ticks[kind][k]);

		beyond |= (limit && ticks > limit) << k;
	}
	return beyond;
}

/* The client's word, with all of `beyond` of this epoch; *ret_new: of which quantiles that is news. */
static __always_inline __u64 slow_word(__u64 known, __u32 beyond, __u32 epoch, __u32 *ret_new)
{
	__u32 k, news = 0;

#pragma unroll
	for (k = 0; k < SERIN_QUANTILES; k++) {
		__u32 then = client_field(known, k, CLIENT_SLOW);

		if (!(beyond & 1u << k) || then == epoch)
			continue;
		news |= (then ? 1u : 1u | 1u << SERIN_QUANTILES) << k;
		known ^= (__u64)(then ^ epoch) << k * SERIN_SLOW_BITS;
	}
	*ret_new = news;
	return known;
}

/* Which of these quantiles the client counts for, first in this epoch, and in the rollout. Again: other CPUs may write the
 * same word, for the same client or another one. */
static __always_inline __u32 slow_meets(__u64 hash, __u32 beyond, __u32 epoch)
{
	__u32 place = (__u32)hash & (SERIN_CLIENT_BUCKETS - 1), news, i;
	struct serin_clients *bucket = bpf_map_lookup_elem(&slow_clients, &place);
	struct serin_table_stats *count = THE_ONE(table_stats);
	__u64 *word, known, own = client_tag(hash, CLIENT_SLOW), next;

	if (!bucket)
		return 0;
	for (i = 0; i < 3; i++) {
		bool other;

		word = client_word(bucket, hash, epoch, true);
		known = READ_ONCE(*word);
		other = client_tag(known, CLIENT_SLOW) != own;
		next = slow_word(other ? own : known, beyond, epoch, &news);
		if (!news)
			return 0;
		if (!swap_if(word, known, next))
			continue;
		if (other && known && count)
			__sync_fetch_and_add(&count->forgotten_slow, 1);
		return news;
	}
	return 0;
}

/* An answer to the flow whose way to the backend that is took longer than the limits of these quantiles. */
verified_once int slow_turn(__u32 index, __u32 beyond)
{
	const struct serin_way *way = way_at(index);
	struct serin_slow *count;
	struct draw draw;
	__u32 place, news, k;

	if (!way || !draw_of(way, &draw))
		return 0;
	news = slow_meets(client_hash(&draw, way), beyond & SLOW_ALL, SERIN_SLOW_EPOCH(draw.plan->epoch));
	if (!news)
		return 0;
	place = SERIN_VERSION_PLACE(draw.service, draw.version);
	count = bpf_map_lookup_elem(&slow, &place);
	if (!count)
		return 0;
#pragma unroll
	for (k = 0; k < SERIN_QUANTILES; k++) {
		if (news & 1u << (SERIN_QUANTILES + k))
			__sync_fetch_and_add(&count->rollout[k], 1);
		if (news & 1u << k)
			__sync_fetch_and_add(&count->epoch[k], 1);
	}
	return 1;
}

#endif
