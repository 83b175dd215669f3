/* SPDX-License-Identifier: BSD-2-Clause */
/* A service's plan: who owns each of the 10 000 slots, and one backend ring per version. */
#include "plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <serin/split.h>

#define SLOT_FREE 0xffu

/* Keeps seeds that come from one name apart. */
enum seed_use { SEED_SPLIT = 1, SEED_RING, SEED_SLOTS };

/* FNV-1a, 64 bits (draft-eastlake-fnv), and a finalizer, because FNV leaves the high bits of short names alike. */
static uint64_t hash_name(const char *name)
{
	uint64_t hash = 0xcbf29ce484222325ull;

	for (; name && *name; name++)
		hash = (hash ^ (unsigned char)*name) * 0x100000001b3ull;
	return serin_mix64(hash);
}

static uint64_t seed_for(uint64_t from, enum seed_use use, uint64_t with)
{
	return serin_mix64(serin_mix64(from + (uint64_t)use) ^ with);
}

uint64_t plan_seed(const char *service, uint64_t rollout)
{
	return seed_for(hash_name(service), SEED_SPLIT, rollout);
}

static int check_input(const struct plan_input *input)
{
	unsigned int i, claimed = 0;

	if (!input->generation || !input->version_count || input->version_count > SERIN_MAX_VERSIONS)
		return -EINVAL;
	if (input->baseline >= input->version_count || input->prefix4 > 32 || input->prefix6 > 128)
		return -EINVAL;
	if (input->affinity != SERIN_AFFINITY_SOURCE && input->affinity != SERIN_AFFINITY_FLOW)
		return -EINVAL;
	for (i = 0; i < input->version_count; i++)
		claimed += i == input->baseline ? 0 : input->versions[i].weight;
	return claimed > SERIN_SLOTS ? -EINVAL : 0;
}

/* Fisher-Yates, driven by SplitMix64. */
static void permute_slots(uint64_t seed, uint16_t order[SERIN_SLOTS])
{
	uint16_t swap;
	uint32_t i, j;

	for (i = 0; i < SERIN_SLOTS; i++)
		order[i] = (uint16_t)i;
	for (i = SERIN_SLOTS - 1; i; i--) {
		seed += 0x9e3779b97f4a7c15ull;
		j = serin_scale(serin_mix64(seed), i + 1);
		swap = order[i];
		order[i] = order[j];
		order[j] = swap;
	}
}

/* The order does not depend on the weight: a larger share is the smaller one and some more. */
static void claim_slots(struct serin_plan *plan, uint8_t version, uint16_t weight, uint64_t seed)
{
	uint16_t order[SERIN_SLOTS];
	uint32_t i, claimed = 0;

	permute_slots(seed, order);
	for (i = 0; i < SERIN_SLOTS && claimed < weight; i++) {
		if (plan->slot[order[i]] != SLOT_FREE)
			continue;
		plan->slot[order[i]] = version;
		claimed++;
	}
	plan->weight[version] = weight;
}

static void fill_slots(struct serin_plan *plan, const struct plan_input *input)
{
	uint16_t left = SERIN_SLOTS;
	uint32_t i;

	memset(plan->slot, SLOT_FREE, sizeof(plan->slot));
	for (i = 0; i < input->version_count; i++) {
		const struct plan_version *version = &input->versions[i];

		if (i == input->baseline || !version->weight)
			continue;
		claim_slots(plan, (uint8_t)i, version->weight,
			    seed_for(plan->seed, SEED_SLOTS, hash_name(version->name)));
		left -= version->weight;
	}
	plan->weight[input->baseline] = left;
	for (i = 0; i < SERIN_SLOTS; i++) {
		if (plan->slot[i] == SLOT_FREE)
			plan->slot[i] = input->baseline;
	}
}

/* The rollout's number does not count here: a ring moves only when its own members do. */
static int fill_rings(struct serin_plan *plan, const struct plan_input *input)
{
	unsigned int i;
	int r;

	for (i = 0; i < SERIN_MAX_VERSIONS; i++) {
		const struct plan_version *version = &input->versions[i];
		size_t count = i < input->version_count ? version->member_count : 0;

		r = ring_build(version->members, count, plan->ring_seed, plan->ring[i]);
		if (r)
			return r;
	}
	return 0;
}

int plan_build(const struct plan_input *input, struct serin_plan *ret)
{
	struct serin_plan *plan = NULL;
	int r;

	r = check_input(input);
	if (r)
		goto out;
	plan = calloc(1, sizeof(*plan));
	if (!plan) {
		r = -ENOMEM;
		goto out;
	}
	plan->generation = input->generation;
	plan->epoch = input->epoch ? input->epoch : input->generation;
	plan->versions = input->version_count;
	plan->baseline = input->baseline;
	plan->affinity = (__u8)input->affinity;
	plan->prefix4 = input->prefix4;
	plan->prefix6 = input->prefix6;
	plan->rules = input->rules;
	plan->max_new = input->max_new;
	plan->seed = plan_seed(input->service, input->rollout);
	plan->ring_seed = seed_for(hash_name(input->service), SEED_RING, 0);
	serin_prefix_mask(96u + input->prefix4, plan->mask4);
	serin_prefix_mask(input->prefix6, plan->mask6);
	fill_slots(plan, input);
	r = fill_rings(plan, input);
	if (!r)
		*ret = *plan;
out:
	free(plan);
	return r;
}

uint64_t plan_find_rollout(const char *service, const struct serin_plan *plan)
{
	const uint64_t name = hash_name(service);

	for (uint64_t i = 0; i < 1u << 16; i++) {
		if (seed_for(name, SEED_SPLIT, i) == plan->seed)
			return i;
	}
	return 0;
}
