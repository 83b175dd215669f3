/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Clients that count once: who is one, and the tables that remember whom has been counted. */
#ifndef SERIN_CLIENT_H
#define SERIN_CLIENT_H

#include "flow.h"

/* What may count of a flow's trouble: that its client was drawn, by which plan, for which version. */
struct draw {
	const struct serin_plan *plan;
	__u32 service;
	__u32 version;
};

/* Not where a rule had placed the client, or a plan that no longer holds, or a guard had turned it away: what is judged is
 * what the draw under this plan has done. Nor by a backend that is known to be broken and has left its version's ring: what
 * its last flows meet says nothing about the version. */
static __always_inline bool draw_of(const struct serin_way *way, struct draw *ret)
{
	const struct serin_backend *backend;
	void *of_service;

	if (way->flags & SERIN_WAY_BY_RULE)
		return false;
	backend = backend_at(READ_ONCE(way->backend));
	if (!backend || backend->flags & SERIN_BACKEND_EJECTED)
		return false;
	ret->service = backend->service;
	ret->version = backend->version & (SERIN_MAX_VERSIONS - 1);
	of_service = bpf_map_lookup_elem(&plans, &ret->service);
	ret->plan = of_service ? THE_ONE(*(struct plan_map *)of_service) : NULL;
	return ret->plan && ret->plan->generation == way->plan;
}

/* Who counts as one client: as many bits of its address as decide about its version, or its connection. */
static __always_inline __u64 client_hash(const struct draw *draw, const struct serin_way *way)
{
	const struct serin_plan *plan = draw->plan;
	const __u64 *mask = addr_is_mapped(&way->client) ? plan->mask4 : plan->mask6;
	__u64 high = way->client.quad[0], low = way->client.quad[1], own = draw->service;

	if (plan->affinity == SERIN_AFFINITY_SOURCE) {
		high &= mask[0];
		low &= mask[1];
	} else {
		own |= (__u64)way->client_port << 16 | (__u64)way->listener << 32;
	}
	return serin_mix64(serin_mix64(serin_mix64(plan->seed ^ own) ^ high) ^ low);
}

/* A word of either table: the client's tag, the upper bits of its hash, and below it `fields` numbers of `bits` each: the
 * epoch in which the client was last counted for this or that. */
struct client_words {
	int fields, bits;
};
#define CLIENT_OF_INCIDENT ((struct client_words){ 1, 32 })
#define CLIENT_SLOW ((struct client_words){ SERIN_QUANTILES, SERIN_SLOW_BITS })

static __always_inline __u64 client_tag(__u64 hash, struct client_words as)
{
	int shift = as.fields * as.bits;

	return hash >> shift << shift;
}

static __always_inline __u32 client_field(__u64 word, int nth, struct client_words as)
{
	return word >> nth * as.bits & ((1ull << as.bits) - 1);
}

static __always_inline bool client_is_of(__u64 word, __u32 epoch, struct client_words as)
{
	int i;

	for (i = 0; i < as.fields; i++)
		if (client_field(word, i, as) == epoch)
			return true;
	return false;
}

static __always_inline __u32 client_place_as(const struct serin_clients *bucket, __u64 hash, __u32 epoch,
					     struct client_words as)
{
	__u32 place = hash >> 20 & (SERIN_CLIENTS_PER_BUCKET - 1), i;
	bool stale = false;
	__u64 known;

	for (i = 0; i < SERIN_CLIENTS_PER_BUCKET; i++) {
		known = READ_ONCE(bucket->word[i]);
		if (!known || client_tag(known, as) == client_tag(hash, as)) {
			place = i;
			break;
		}
		if (!stale && !client_is_of(known, epoch, as)) {
			place = i;
			stale = true;
		}
	}
	return place;
}

/* Where the client's word is in its bucket; else a free one, or the first that holds nothing of this epoch, which at worst
 * counts in its rollout once more; else any. */
verified_once int client_place(const struct serin_clients *bucket, __u64 hash, __u32 epoch, bool slow)
{
	if (!bucket)
		return 0;
	return slow ? client_place_as(bucket, hash, epoch, CLIENT_SLOW)
		    : client_place_as(bucket, hash, epoch, CLIENT_OF_INCIDENT);
}

static __always_inline __u64 *client_word(struct serin_clients *bucket, __u64 hash, __u32 epoch, bool slow)
{
	return &bucket->word[(__u32)client_place(bucket, hash, epoch, slow) & (SERIN_CLIENTS_PER_BUCKET - 1)];
}

#endif
