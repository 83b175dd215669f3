/* SPDX-License-Identifier: BSD-2-Clause */
/* Clients whose outcomes were reported, in buckets of eight. */
#include "outcomes.h"

#include <stdlib.h>
#include <string.h>

#include <serin/split.h>

#define WAYS 8u

struct way {
	uint64_t client; /* hash; 0: nobody */
	uint32_t failed; /* epoch of the last failure that counted; 0: none in this rollout */
	uint32_t pad;
};

/* Crowded: a client was not taken up, or lost its way. Who is heard of for the first time cannot be told here any
 * more. */
struct bucket {
	struct way ways[WAYS];
	bool crowded;
};

struct outcomes {
	uint64_t seed, lost;
	bool lost_memory;
	size_t buckets; /* a power of two */
	struct bucket bucket[];
};

struct outcomes *outcomes_new(size_t clients, uint64_t seed)
{
	struct outcomes *outcomes;
	size_t buckets = 8;

	while (buckets * WAYS < clients && buckets < SIZE_MAX / 2 / sizeof(struct bucket))
		buckets *= 2;
	outcomes = calloc(1, sizeof(*outcomes) + buckets * sizeof(struct bucket));
	if (!outcomes)
		return NULL;
	outcomes->seed = seed;
	outcomes->buckets = buckets;
	return outcomes;
}

struct outcomes *outcomes_free(struct outcomes *outcomes)
{
	free(outcomes);
	return NULL;
}

void outcomes_begin(struct outcomes *outcomes)
{
	memset(outcomes->bucket, 0, outcomes->buckets * sizeof(outcomes->bucket[0]));
	outcomes->lost = 0;
	outcomes->lost_memory = false;
}

void outcomes_lost_memory(struct outcomes *outcomes)
{
	outcomes_begin(outcomes);
	outcomes->lost_memory = true;
}

uint64_t outcomes_lost(const struct outcomes *outcomes)
{
	return outcomes->lost;
}

static struct way *find(struct bucket *bucket, uint64_t client)
{
	for (unsigned int i = 0; i < WAYS; i++) {
		if (bucket->ways[i].client == client)
			return &bucket->ways[i];
	}
	return NULL;
}

/* A newcomer that fails takes the place of one that never did: of that one nothing is lost but that it was heard of. */
static struct way *make_room(struct bucket *bucket, bool failed)
{
	struct way *way = find(bucket, 0);

	if (way)
		return way;
	bucket->crowded = true;
	for (unsigned int i = 0; failed && i < WAYS; i++) {
		if (!bucket->ways[i].failed)
			return &bucket->ways[i];
	}
	return NULL;
}

struct outcomes_first outcomes_note(struct outcomes *outcomes, uint64_t client, bool failed, uint32_t epoch)
{
	uint64_t hash = serin_mix64(outcomes->seed ^ serin_mix64(client + outcomes->seed)) | 1;
	struct bucket *bucket = &outcomes->bucket[hash >> 32 & (outcomes->buckets - 1)];
	struct way *way = find(bucket, hash);
	struct outcomes_first first = { 0 };

	if (!way) {
		way = make_room(bucket, failed);
		if (!way) {
			outcomes->lost += failed;
			return first;
		}
		*way = (struct way){ .client = hash };
		first.seen = !bucket->crowded && !outcomes->lost_memory;
	}
	if (failed && way->failed != epoch) {
		first.failed_rollout = !way->failed && !outcomes->lost_memory;
		first.failed_epoch = true;
		way->failed = epoch;
	}
	return first;
}
