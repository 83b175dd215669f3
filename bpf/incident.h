/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Failures, and the clients that they befell. */
#ifndef SERIN_INCIDENT_H
#define SERIN_INCIDENT_H

#include "client.h"
#include "guard.h"

enum client_first {
	FIRST_NEVER = 0, /* it has been counted in this epoch */
	FIRST_IN_EPOCH = 1,
	FIRST_IN_ROLLOUT = 3, /* and so in the epoch */
};

/* Another client's word, for this one's sake. */
static __always_inline void client_forgotten(void)
{
	struct serin_table_stats *count = THE_ONE(table_stats);

	if (count)
		__sync_fetch_and_add(&count->forgotten, 1);
}

/* Count the client, unless it has been in this epoch. Twice: another CPU may just have written the same word, for this
 * client or for another one. */
static __always_inline enum client_first client_meets(__u64 hash, __u32 epoch)
{
	__u32 place = (__u32)hash & (SERIN_CLIENT_BUCKETS - 1), i;
	struct serin_clients *bucket = bpf_map_lookup_elem(&clients, &place);
	__u64 own = client_tag(hash, CLIENT_OF_INCIDENT), *word, known;

	if (!bucket)
		return FIRST_NEVER;
	for (i = 0; i < 2; i++) {
		word = client_word(bucket, hash, epoch, false);
		known = READ_ONCE(*word);
		if (known == (own | epoch))
			return FIRST_NEVER;
		if (!swap_if(word, known, own | epoch))
			continue;
		if (known && client_tag(known, CLIENT_OF_INCIDENT) == own)
			return FIRST_IN_EPOCH;
		if (known)
			client_forgotten();
		return FIRST_IN_ROLLOUT;
	}
	return FIRST_NEVER;
}

/* The client of that flow was failed. */
verified_once int incident(__u32 index)
{
	struct serin_way *way = way_at(index);
	struct serin_incidents *count;
	enum client_first first;
	struct draw draw;
	__u32 place;

	if (!way || !draw_of(way, &draw))
		return 0;
	first = client_meets(client_hash(&draw, way), draw.plan->epoch);
	if (first == FIRST_NEVER)
		return 0;
	place = SERIN_VERSION_PLACE(draw.service, draw.version);
	count = bpf_map_lookup_elem(&incidents, &place);
	if (!count)
		return 0;
	if (first == FIRST_IN_ROLLOUT)
		__sync_fetch_and_add(&count->rollout, 1);
	__sync_fetch_and_add(&count->epoch, 1);
	if (draw.version != draw.plan->baseline)
		guard_judge(place, SERIN_VERSION_PLACE(draw.service, draw.plan->baseline), draw.plan->epoch, true);
	return 1;
}

/* The backend has failed the flow whose way to it that is. Atomic: the sweep, which packets interrupt, counts as well. */
verified_once int fail(__u32 index, __u32 backend, __u32 reason)
{
	struct serin_stats *count = bpf_map_lookup_elem(&stats, &backend);

	if (count && reason < SERIN_FAILURES)
		__sync_fetch_and_add(&count->failures[reason], 1);
	return incident(index);
}

#endif
