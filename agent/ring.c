/* SPDX-License-Identifier: BSD-2-Clause */
/* Weighted Maglev: members take turns at claiming the next free place of their own permutation of the ring. */
#include "ring.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <serin/split.h>

/* A member at work: its permutation is place, place + skip, place + 2 skip ... modulo the ring's prime size. */
struct taker {
	const struct ring_member *member;
	uint32_t place; /* where it looks next */
	uint32_t skip;
	int64_t credit; /* a turn costs the largest weight */
};

static int compare_takers(const void *left, const void *right)
{
	const struct ring_member *a = ((const struct taker *)left)->member;
	const struct ring_member *b = ((const struct taker *)right)->member;
	int order = memcmp(&a->addr, &b->addr, sizeof(a->addr));

	return order ? order : memcmp(&a->port, &b->port, sizeof(a->port));
}

/* Members without a weight are left out. Returns how many there are. */
static size_t pick_takers(const struct ring_member *members, size_t count, struct taker *takers, uint16_t *ret_heaviest)
{
	uint16_t heaviest = 0;
	size_t i, picked = 0;

	for (i = 0; i < count; i++) {
		if (!members[i].weight)
			continue;
		takers[picked++] = (struct taker){ .member = &members[i] };
		if (members[i].weight > heaviest)
			heaviest = members[i].weight;
	}
	*ret_heaviest = heaviest;
	return picked;
}

/* Members start with a random part of a turn's price: were they all to start with nothing, light members would have
 * their turns in the same round, and a full ring in front of that round would leave all of them short at once. */
static void seed_taker(struct taker *taker, uint64_t seed, uint16_t heaviest)
{
	const struct ring_member *member = taker->member;
	uint64_t hash = serin_mix64(seed ^ member->addr.quad[0]);

	hash = serin_mix64(hash + member->addr.quad[1]);
	hash = serin_mix64(hash ^ member->port);
	taker->place = serin_scale(hash, SERIN_RING_SIZE);
	taker->skip = 1 + serin_scale(serin_mix64(hash + 1), SERIN_RING_SIZE - 1);
	taker->credit = serin_scale(serin_mix64(hash + 2), heaviest);
}

static void take_place(struct taker *taker, uint16_t *ring)
{
	uint32_t place;

	do {
		place = taker->place;
		taker->place += taker->skip;
		if (taker->place >= SERIN_RING_SIZE)
			taker->place -= SERIN_RING_SIZE;
	} while (ring[place] != SERIN_NO_BACKEND);
	ring[place] = taker->member->id;
}

/* Everybody has a turn in the first round, on credit if need be: a weight, however small, means a place. The heaviest
 * have one in every round, so that this ends. */
static void take_turns(struct taker *takers, size_t count, uint16_t heaviest, uint16_t *ring)
{
	uint32_t left = SERIN_RING_SIZE;
	bool first = true;
	size_t i;

	for (; left; first = false) {
		for (i = 0; i < count && left; i++) {
			takers[i].credit += takers[i].member->weight;
			if (takers[i].credit < heaviest && !first)
				continue;
			takers[i].credit -= heaviest;
			take_place(&takers[i], ring);
			left--;
		}
	}
}

int ring_build(const struct ring_member *members, size_t count, uint64_t seed, uint16_t ret_ring[SERIN_RING_SIZE])
{
	struct taker *takers;
	uint16_t heaviest;
	size_t i;

	takers = calloc(count ? count : 1, sizeof(*takers));
	if (!takers)
		return -ENOMEM;
	count = pick_takers(members, count, takers, &heaviest);
	qsort(takers, count, sizeof(*takers), compare_takers);
	for (i = 0; i < count; i++)
		seed_taker(&takers[i], seed, heaviest);

	for (i = 0; i < SERIN_RING_SIZE; i++)
		ret_ring[i] = SERIN_NO_BACKEND;
	if (count)
		take_turns(takers, count, heaviest, ret_ring);
	free(takers);
	return 0;
}
