/* SPDX-License-Identifier: BSD-2-Clause */
/* Weighted Maglev: members take turns at claiming the next free place of their own permutation of the ring. Then places of
 * absent ones are lent: taking a member out of the first step would move a few of everybody's clients. */
#include "ring.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <serin/split.h>

/* A member at work: its permutation is place, place + skip, place + 2 skip ... modulo the ring's prime size. */
struct taker {
	const struct ring_member *member;
	uint16_t index; /* among the takers */
	uint16_t absent;
	uint16_t present; /* the index of the first, second, ... that is wholly present: a list of its own */
	uint32_t weights; /* of all up to this one */
	uint32_t place;   /* where it looks next */
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
	ring[place] = taker->index;
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

/* Who lends nothing has to be somebody. False: all are out. */
static bool settle_absence(struct taker *takers, size_t count, size_t *ret_present)
{
	uint16_t least = RING_ABSENT;
	uint32_t weights = 0;
	size_t i, present = 0;

	for (i = 0; i < count; i++) {
		if (takers[i].member->absent < least)
			least = takers[i].member->absent;
	}
	for (i = 0; i < count; i++) {
		takers[i].absent = takers[i].member->absent <= least ? 0 : takers[i].member->absent;
		takers[i].weights = weights += takers[i].member->weight;
		if (!takers[i].absent)
			takers[present++].present = (uint16_t)i;
	}
	*ret_present = present;
	return least < RING_ABSENT;
}

/* The taker that a number below the sum of all weights falls on. */
static size_t draw_taker(const struct taker *takers, size_t count, uint32_t number)
{
	size_t low = 0, high = count - 1;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (number < takers[middle].weights)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* Drawn among all until one is present: so a place that is lent changes hands again only when its borrower leaves as well.
 * After so many draws, when nearly all are out, it is one of those who are left. */
#define DRAWS 64
static size_t draw_borrower(const struct taker *takers, size_t count, size_t present, uint64_t hash)
{
	size_t drawn;
	int i;

	for (i = 0; i < DRAWS; i++) {
		hash = serin_mix64(hash + 1);
		drawn = draw_taker(takers, count, serin_scale(hash, takers[count - 1].weights));
		if (!takers[drawn].absent)
			return drawn;
	}
	return takers[serin_scale(serin_mix64(hash + 1), (uint32_t)present)].present;
}

/* A member that comes back gets more and more of its own places, and keeps each that it got. */
static void lend_places(const struct taker *takers, size_t count, size_t present, uint64_t seed, uint16_t *ring)
{
	uint32_t place;

	for (place = 0; place < SERIN_RING_SIZE; place++) {
		uint64_t hash = serin_mix64(seed + serin_mix64(place));

		if (serin_scale(hash, RING_ABSENT) < takers[ring[place]].absent)
			ring[place] = (uint16_t)draw_borrower(takers, count, present, hash);
	}
}

int ring_build(const struct ring_member *members, size_t count, uint64_t seed, uint16_t ret_ring[SERIN_RING_SIZE])
{
	struct taker *takers;
	uint16_t heaviest;
	size_t i, present;

	takers = calloc(count ? count : 1, sizeof(*takers));
	if (!takers)
		return -ENOMEM;
	count = pick_takers(members, count, takers, &heaviest);
	qsort(takers, count, sizeof(*takers), compare_takers);
	for (i = 0; i < count; i++) {
		takers[i].index = (uint16_t)i;
		seed_taker(&takers[i], seed, heaviest);
	}

	for (i = 0; i < SERIN_RING_SIZE; i++)
		ret_ring[i] = SERIN_NO_BACKEND;
	if (settle_absence(takers, count, &present)) {
		take_turns(takers, count, heaviest, ret_ring);
		lend_places(takers, count, present, seed, ret_ring);
		for (i = 0; i < SERIN_RING_SIZE; i++)
			ret_ring[i] = takers[ret_ring[i]].member->id;
	}
	free(takers);
	return 0;
}
