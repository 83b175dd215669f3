/* SPDX-License-Identifier: BSD-2-Clause */
/* The rings: shares, order, disruption, and the cases without anybody to choose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <serin/split.h>
#include "ring.h"

#define MANY 400
#define SEED 0x5eedull

static uint16_t ring[SERIN_RING_SIZE], other[SERIN_RING_SIZE];

/* 10.0.x.y:8080 */
static struct ring_member member(unsigned int number, uint16_t weight)
{
	struct ring_member made = { .port = 0x901f, .id = (uint16_t)number, .weight = weight };

	made.addr.half[5] = 0xffff;
	made.addr.byte[12] = 10;
	made.addr.byte[14] = (__u8)(number >> 8);
	made.addr.byte[15] = (__u8)number;
	return made;
}

static void make_members(struct ring_member *members, unsigned int count, uint16_t weight)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		members[i] = member(i, weight);
}

static unsigned int places_of(const uint16_t *in, unsigned int id)
{
	unsigned int i, count = 0;

	for (i = 0; i < SERIN_RING_SIZE; i++)
		count += in[i] == id;
	return count;
}

static void test_nobody(void **state)
{
	struct ring_member idle = member(1, 0);

	(void)state;
	assert_int_equal(ring_build(NULL, 0, SEED, ring), 0);
	assert_int_equal(places_of(ring, SERIN_NO_BACKEND), SERIN_RING_SIZE);
	memset(ring, 0, sizeof(ring));
	assert_int_equal(ring_build(&idle, 1, SEED, ring), 0);
	assert_int_equal(places_of(ring, SERIN_NO_BACKEND), SERIN_RING_SIZE);
}

static void test_one_has_all(void **state)
{
	struct ring_member members[] = { member(7, 3), member(8, 0) };

	(void)state;
	assert_int_equal(ring_build(members, 2, SEED, ring), 0);
	assert_int_equal(places_of(ring, 7), SERIN_RING_SIZE);
}

static void test_equal_weights_differ_by_one_place(void **state)
{
	static const unsigned int counts[] = { 2, 3, 7, 10, 64, 160, MANY };
	static struct ring_member members[MANY];
	unsigned int i, j, places;

	(void)state;
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		make_members(members, counts[i], (uint16_t)(1 + 37 * i));
		assert_int_equal(ring_build(members, counts[i], SEED, ring), 0);
		for (j = 0; j < counts[i]; j++) {
			places = places_of(ring, j);
			assert_in_range(places, SERIN_RING_SIZE / counts[i], SERIN_RING_SIZE / counts[i] + 1);
		}
	}
}

static void test_weights_are_shares(void **state)
{
	struct ring_member pair[] = { member(0, 1), member(1, 2) };
	struct ring_member far[] = { member(0, 1000), member(1, 1) };
	struct ring_member mixed[] = { member(0, 1), member(1, 2), member(2, 3), member(3, 10), member(4, 84) };
	unsigned int i, want, places;

	(void)state;
	ring_build(pair, 2, SEED, ring);
	assert_in_range(places_of(ring, 0), 5459, 5462); /* a third of 16 381 is 5460.3 */
	ring_build(far, 2, SEED, ring);
	assert_in_range(places_of(ring, 1), 16, 17);
	assert_int_equal(places_of(ring, 0) + places_of(ring, 1), SERIN_RING_SIZE);

	ring_build(mixed, 5, SEED, ring);
	for (i = 0; i < 5; i++) {
		want = SERIN_RING_SIZE * mixed[i].weight / 100;
		places = places_of(ring, i);
		assert_in_range(places, want - want / 100 - 1, want + want / 100 + 1);
	}
}

/* Light members must not have their turns in step: the heavy one would get too much or too little. */
static void test_heavy_among_many_light(void **state)
{
	static struct ring_member members[MANY];
	unsigned int i, want = SERIN_RING_SIZE * 1000u / (1000u + MANY - 1), places;

	(void)state;
	make_members(members, MANY, 1);
	members[5].weight = 1000;
	ring_build(members, MANY, SEED, ring);
	places = places_of(ring, 5);
	assert_in_range(places, want - want / 100, want + want / 100);
	for (i = 0; i < MANY; i++) {
		if (i != 5)
			assert_in_range(places_of(ring, i), 11, 13); /* 11.7 each */
	}
}

static void test_smallest_weight_has_a_place(void **state)
{
	static struct ring_member members[MANY];

	(void)state;
	make_members(members, MANY, 1000);
	members[MANY - 1].weight = 1; /* 0.04 places */
	ring_build(members, MANY, SEED, ring);
	assert_int_equal(places_of(ring, MANY - 1), 1);
}

static void test_order_and_ids_do_not_matter(void **state)
{
	static struct ring_member members[50], shuffled[50];
	unsigned int i;

	(void)state;
	for (i = 0; i < 50; i++) {
		members[i] = member(i, (uint16_t)(1 + i % 4));
		if (i % 5 == 0) { /* the same address, another port */
			members[i] = member(i + 1, (uint16_t)(1 + i % 4));
			members[i].port = 0x911f;
			members[i].id = (uint16_t)i;
		}
		shuffled[(i * 17 + 3) % 50] = members[i];
		shuffled[(i * 17 + 3) % 50].id = (uint16_t)(4000 - i);
	}
	ring_build(members, 50, SEED, ring);
	ring_build(shuffled, 50, SEED, other);
	for (i = 0; i < SERIN_RING_SIZE; i++)
		assert_int_equal(other[i], 4000 - ring[i]);
}

static void test_seed_moves_the_ring(void **state)
{
	static struct ring_member members[10];
	unsigned int i, same = 0;

	(void)state;
	make_members(members, 10, 1);
	ring_build(members, 10, SEED, ring);
	ring_build(members, 10, SEED + 1, other);
	for (i = 0; i < SERIN_RING_SIZE; i++)
		same += ring[i] == other[i];
	assert_in_range(same, SERIN_RING_SIZE * 8 / 100, SERIN_RING_SIZE * 12 / 100);
}

/* Per mille of the places not owned by members[gone] that change hands when it goes. */
static unsigned int disruption(const struct ring_member *members, unsigned int count, unsigned int gone)
{
	static struct ring_member rest[MANY];
	unsigned int i, moved = 0, others = 0;

	memcpy(rest, members, gone * sizeof(*rest));
	memcpy(rest + gone, members + gone + 1, (count - gone - 1) * sizeof(*rest));
	ring_build(members, count, SEED, ring);
	ring_build(rest, count - 1, SEED, other);
	for (i = 0; i < SERIN_RING_SIZE; i++) {
		assert_int_not_equal(other[i], members[gone].id);
		others += ring[i] != members[gone].id;
		moved += ring[i] != members[gone].id && ring[i] != other[i];
	}
	return moved * 1000 / others;
}

static void test_removal_moves_few_others(void **state)
{
	static const unsigned int counts[] = { 2, 3, 5, 10, 20, 50, 100, 300 };
	static struct ring_member members[MANY];
	unsigned int i, gone;

	(void)state;
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		make_members(members, counts[i], 1);
		for (gone = 0; gone < counts[i] && gone < 8; gone++)
			assert_in_range(disruption(members, counts[i], gone), 0, 25);
	}
	make_members(members, 2, 1);
	assert_int_equal(disruption(members, 2, 0), 0);
}

static void test_removal_with_weights(void **state)
{
	static struct ring_member members[20];
	unsigned int gone;

	(void)state;
	make_members(members, 20, 1);
	for (gone = 0; gone < 20; gone++)
		members[gone].weight = (uint16_t)(1 + gone);
	for (gone = 0; gone < 20; gone++)
		assert_in_range(disruption(members, 20, gone), 0, 30);
}

/* 200 changes of weights in 20 s rebuild eight rings each: 12 ms a ring. Sanitizers slow this down several times. */
static void test_fast_enough(void **state)
{
	static struct ring_member members[MANY];
	clock_t start;
	unsigned int i;

	(void)state;
	make_members(members, MANY, 1);
	members[0].weight = 1000;
	start = clock();
	for (i = 0; i < 10; i++)
		ring_build(members, MANY, SEED + i, ring);
	assert_in_range((clock() - start) / (CLOCKS_PER_SEC / 1000), 0, 10 * 80);
}

/* Of 20 members of weights 1 to 3: whoever stays keeps every place, and gets of the absent one's by weight. */
static void test_only_places_of_the_absent_change(void **state)
{
	static struct ring_member members[20];
	unsigned int i, out, borrowed[20] = { 0 }, lent = 0;

	(void)state;
	for (i = 0; i < 20; i++)
		members[i] = member(i, (uint16_t)(1 + i % 3));
	assert_int_equal(ring_build(members, 20, SEED, ring), 0);
	for (out = 0; out < 20; out++) {
		members[out].absent = RING_ABSENT;
		assert_int_equal(ring_build(members, 20, SEED, other), 0);
		members[out].absent = 0;
		for (i = 0; i < SERIN_RING_SIZE; i++) {
			if (ring[i] != out) {
				assert_int_equal(other[i], ring[i]);
				continue;
			}
			assert_int_not_equal(other[i], out);
			borrowed[other[i]]++;
			lent++;
		}
	}
	assert_int_equal(lent, SERIN_RING_SIZE);
	for (i = 0; i < 20; i++) /* 39 is the sum of all weights */
		assert_in_range(borrowed[i], lent * (1 + i % 3) / 39 * 85 / 100, lent * (1 + i % 3) / 39 * 115 / 100);
}

/* A second one that leaves moves its own places and what it had borrowed, nothing else. */
static void test_a_second_absence(void **state)
{
	static struct ring_member members[10];
	unsigned int i;

	(void)state;
	make_members(members, 10, 1);
	members[2].absent = RING_ABSENT;
	ring_build(members, 10, SEED, ring);
	members[7].absent = RING_ABSENT;
	ring_build(members, 10, SEED, other);
	for (i = 0; i < SERIN_RING_SIZE; i++) {
		if (ring[i] != 7)
			assert_int_equal(other[i], ring[i]);
		else
			assert_true(other[i] != 7 && other[i] != 2);
	}
}

static void test_coming_back_slowly(void **state)
{
	static struct ring_member members[4];
	static uint16_t whole[SERIN_RING_SIZE];
	unsigned int i, share;

	(void)state;
	make_members(members, 4, 5);
	ring_build(members, 4, SEED, whole);
	members[1].absent = RING_ABSENT;
	ring_build(members, 4, SEED, other);
	for (share = 100; share <= 1000; share += 100) {
		memcpy(ring, other, sizeof(ring));
		members[1].absent = (uint16_t)(RING_ABSENT - share);
		ring_build(members, 4, SEED, other);
		for (i = 0; i < SERIN_RING_SIZE; i++) {
			if (ring[i] != other[i]) /* only ever back to its owner */
				assert_true(other[i] == 1 && whole[i] == 1);
		}
		assert_in_range(places_of(other, 1), SERIN_RING_SIZE * share / 4000 * 90 / 100,
				SERIN_RING_SIZE * share / 4000 * 110 / 100 + 1);
	}
	assert_memory_equal(other, whole, sizeof(whole));
}

static void test_the_most_present_have_all(void **state)
{
	struct ring_member members[] = { member(0, 1), member(1, 1), member(2, 7) };

	(void)state;
	members[0].absent = members[1].absent = members[2].absent = RING_ABSENT;
	ring_build(members, 3, SEED, ring);
	assert_int_equal(places_of(ring, SERIN_NO_BACKEND), SERIN_RING_SIZE);
	members[1].absent = 900; /* coming back, and the only one there is */
	ring_build(members, 3, SEED, ring);
	assert_int_equal(places_of(ring, 1), SERIN_RING_SIZE);
}

/* One of many is left: no place may stay without an owner, and it takes no time to speak of. */
static void test_one_left_of_many(void **state)
{
	static struct ring_member members[MANY];
	unsigned int i;

	(void)state;
	make_members(members, MANY, 1);
	for (i = 1; i < MANY; i++)
		members[i].absent = RING_ABSENT;
	ring_build(members, MANY, SEED, ring);
	assert_int_equal(places_of(ring, 0), SERIN_RING_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_one_has_all),
		cmocka_unit_test(test_equal_weights_differ_by_one_place),
		cmocka_unit_test(test_weights_are_shares),
		cmocka_unit_test(test_heavy_among_many_light),
		cmocka_unit_test(test_smallest_weight_has_a_place),
		cmocka_unit_test(test_order_and_ids_do_not_matter),
		cmocka_unit_test(test_seed_moves_the_ring),
		cmocka_unit_test(test_removal_moves_few_others),
		cmocka_unit_test(test_removal_with_weights),
		cmocka_unit_test(test_fast_enough),
		cmocka_unit_test(test_only_places_of_the_absent_change),
		cmocka_unit_test(test_a_second_absence),
		cmocka_unit_test(test_coming_back_slowly),
		cmocka_unit_test(test_the_most_present_have_all),
		cmocka_unit_test(test_one_left_of_many),
	};

	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
