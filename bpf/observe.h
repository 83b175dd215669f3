/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counting: per backend, per CPU, cumulative. */
#ifndef SERIN_OBSERVE_H
#define SERIN_OBSERVE_H

#include "flow.h"

static __always_inline struct serin_stats *stats_of(__u32 backend)
{
	return bpf_map_lookup_elem(&stats, &backend);
}

static __always_inline void count_packet(const struct pkt *pkt, const struct flow *flow)
{
	struct serin_stats *count = stats_of(flow->backend);

	if (count) {
		count->packets[flow->direction & 1] += pkt->packets;
		count->bytes[flow->direction & 1] += pkt->length;
	}
}

/* A flow was opened by this CPU, or had been by another one just before. */
static __always_inline void count_opening(__u32 backend, bool by_this_cpu, bool by_rule)
{
	struct serin_table_stats *table = THE_ONE(table_stats);
	struct serin_stats *count = stats_of(backend);

	if (by_this_cpu && count) {
		count->opened++;
		count->placed += by_rule;
	}
	if (!by_this_cpu && table)
		table->lost_races++;
}

static __always_inline void count_drop(__u32 reason)
{
	__u64 *count = bpf_map_lookup_elem(&drops, &reason);

	if (count)
		(*count)++;
}

#endif
