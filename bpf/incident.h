/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Failures, and the clients that they befell. */
#ifndef SERIN_INCIDENT_H
#define SERIN_INCIDENT_H

#include "flow.h"

/* Who counts as one client: as many bits of its address as decide about its version, or its connection. */
static __always_inline __u64 client_hash(const struct serin_plan *plan, const struct serin_way *way, __u32 service)
{
	const __u64 *mask = addr_is_mapped(&way->client) ? plan->mask4 : plan->mask6;
	__u64 high = way->client.quad[0], low = way->client.quad[1], own = service;

	if (plan->affinity == SERIN_AFFINITY_SOURCE) {
		high &= mask[0];
		low &= mask[1];
	} else {
		own |= (__u64)way->client_port << 16 | (__u64)way->listener << 32;
	}
	return serin_mix64(serin_mix64(serin_mix64(plan->seed ^ own) ^ high) ^ low);
}

/* Has this client not been counted under that generation yet? Then it is now. */
static __always_inline bool client_is_new(__u64 hash, __u32 generation)
{
	struct serin_table_stats *count = THE_ONE(table_stats);
	__u64 own = (hash | 1ull << 63) >> 32 << 32, *word;
	__u32 place = (__u32)hash & (SERIN_CLIENT_BUCKETS - 1), i;
	struct serin_clients *bucket = bpf_map_lookup_elem(&clients, &place);
	__u64 known;

	if (!bucket)
		return false;
	for (i = 0; i < SERIN_CLIENTS_PER_BUCKET; i++) {
		word = &bucket->word[i];
		known = READ_ONCE(*word);
		if (known && known >> 32 << 32 != own)
			continue;
		return known != (own | generation) && swap_if(word, known, own | generation);
	}
	/* Any will do: who is forgotten can at worst be counted twice. */
	word = &bucket->word[hash >> 20 & (SERIN_CLIENTS_PER_BUCKET - 1)];
	known = READ_ONCE(*word);
	if (!swap_if(word, known, own | generation))
		return false;
	if (count)
		__sync_fetch_and_add(&count->forgotten, 1);
	return true;
}

/* The client of that flow was failed. Counted once per generation of the plan, and not where a rule had placed it, or a plan
 * that no longer holds: what is judged is what the draw under this plan has done. Nor by a backend that is known to be broken
 * and has left its version's ring: what its last flows meet says nothing about the version. */
verified_once int incident(__u32 index)
{
	struct serin_way *way = way_at(index);
	const struct serin_backend *backend;
	const struct serin_plan *plan;
	__u32 service, place;
	void *of_service;
	__u64 *count;

	if (!way || way->flags & SERIN_WAY_BY_RULE)
		return 0;
	backend = backend_at(READ_ONCE(way->backend));
	if (!backend || backend->flags & SERIN_BACKEND_EJECTED)
		return 0;
	service = backend->service;
	of_service = bpf_map_lookup_elem(&plans, &service);
	plan = of_service ? THE_ONE(*(struct plan_map *)of_service) : NULL;
	if (!plan || plan->generation != way->plan || !client_is_new(client_hash(plan, way, service), plan->generation))
		return 0;
	place = service * SERIN_MAX_VERSIONS + (backend->version & (SERIN_MAX_VERSIONS - 1));
	count = bpf_map_lookup_elem(&incidents, &place);
	if (count)
		__sync_fetch_and_add(count, 1);
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
