/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How many clients a version on trial has answered, roughly. See struct serin_served. */
#ifndef SERIN_SERVED_H
#define SERIN_SERVED_H

#include "client.h"
#include "histogram.h"

static __always_inline __u32 served_rank(__u64 hash)
{
	__u32 upper = hash >> 32;

	return upper ? 32 - highest_bit(upper) : SERIN_SERVED_RANKS;
}

/* The client of the flow whose way to the backend that is has been answered. Again: other CPUs may raise the same register.
 * One that is lost nevertheless makes the clients fewer, which nobody is judged well by. */
verified_once int serve(__u32 index)
{
	const struct serin_way *way = way_at(index);
	struct serin_served *served_by;
	__u32 place, known, next, *word, i;
	struct draw draw;
	__u64 hash;

	if (!way || !draw_of(way, &draw) || draw.version == draw.plan->baseline)
		return 0;
	place = SERIN_VERSION_PLACE(draw.service, draw.version);
	served_by = bpf_map_lookup_elem(&served, &place);
	if (!served_by)
		return 0;
	hash = client_hash(&draw, way);
	word = &served_by->word[hash & (SERIN_SERVED_REGISTERS - 1)];
	next = SERIN_SERVED_DRAW(draw.plan->seed) | served_rank(hash);
	for (i = 0; i < 3; i++) {
		known = READ_ONCE(*word);
		if (known >= next && (known ^ next) >> SERIN_SERVED_RANK_BITS == 0)
			return 0;
		if (swap_if(word, known, next))
			return 1;
	}
	return 0;
}

#endif
