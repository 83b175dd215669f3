/* SPDX-License-Identifier: BSD-2-Clause */
/* Plans: exact shares, what each table depends on and what not, refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <serin/split.h>
#include "plan.h"

#define MEMBERS 4

/* Versions 0 "stable" (the baseline), 1 "canary", 2 "beta"; backend ids 10 .. 13, 20 .. 23, 30 .. 33. */
struct fixture {
	struct ring_member members[3][MEMBERS];
	struct plan_input input;
	struct serin_plan *plan, *other;
};

static int setup(void **state)
{
	static const char *const names[] = { "stable", "canary", "beta" };
	struct fixture *f = calloc(1, sizeof(*f));
	unsigned int i, j;

	assert_non_null(f);
	f->plan = calloc(1, sizeof(*f->plan));
	f->other = calloc(1, sizeof(*f->other));
	assert_true(f->plan && f->other);
	f->input = (struct plan_input){
		.service = "shop",
		.rollout = 1,
		.generation = 9,
		.prefix4 = 32,
		.prefix6 = 64,
		.version_count = 3,
	};
	for (i = 0; i < 3; i++) {
		for (j = 0; j < MEMBERS; j++) {
			struct ring_member *member = &f->members[i][j];

			member->addr.half[5] = 0xffff;
			member->addr.byte[12] = 10;
			member->addr.byte[15] = member->id = (__u16)(10 * (i + 1) + j);
			member->port = 80;
			member->weight = 1;
		}
		f->input.versions[i] = (struct plan_version){ names[i], 0, f->members[i], MEMBERS };
	}
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	free(f->plan);
	free(f->other);
	free(f);
	return 0;
}

static unsigned int slots_of(const struct serin_plan *plan, unsigned int version)
{
	unsigned int i, count = 0;

	for (i = 0; i < SERIN_SLOTS; i++)
		count += plan->slot[i] == version;
	return count;
}

static void build(struct fixture *f, uint16_t canary, uint16_t beta, struct serin_plan *ret)
{
	f->input.versions[1].weight = canary;
	f->input.versions[2].weight = beta;
	assert_int_equal(plan_build(&f->input, ret), 0);
}

static void test_slots_are_exact(void **state)
{
	static const uint16_t table[][2] = {
		{ 0, 0 },       { 1, 0 },       { 1, 1 },    { 500, 0 },   { 1500, 500 }, { 3333, 3333 },
		{ 5000, 5000 }, { 4999, 5000 }, { 9999, 1 }, { 10000, 0 }, { 0, 10000 },  { 9999, 0 },
	};
	struct fixture *f = *state;
	unsigned int i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		f->input.versions[0].weight = (uint16_t)(i * 777); /* the baseline's is ignored */
		build(f, table[i][0], table[i][1], f->plan);
		assert_int_equal(slots_of(f->plan, 1), table[i][0]);
		assert_int_equal(slots_of(f->plan, 2), table[i][1]);
		assert_int_equal(slots_of(f->plan, 0), SERIN_SLOTS - table[i][0] - table[i][1]);
		assert_int_equal(f->plan->weight[0], SERIN_SLOTS - table[i][0] - table[i][1]);
		assert_int_equal(f->plan->weight[1], table[i][0]);
		assert_int_equal(f->plan->weight[2], table[i][1]);
	}
}

static void test_baseline_may_be_any(void **state)
{
	struct fixture *f = *state;

	f->input.baseline = 1;
	f->input.versions[0].weight = 300;
	build(f, 10000, 700, f->plan);
	assert_int_equal(slots_of(f->plan, 0), 300);
	assert_int_equal(slots_of(f->plan, 1), 9000);
	assert_int_equal(slots_of(f->plan, 2), 700);
	assert_int_equal(f->plan->weight[1], 9000);
	assert_int_equal(f->plan->baseline, 1);
}

static void test_header_fields(void **state)
{
	static const __u8 mask4[16] = { [0 ... 14] = 0xff, [15] = 0xf0 }, mask6[16] = { [0 ... 5] = 0xff, [6] = 0xfe };
	struct fixture *f = *state;

	f->input.prefix4 = 28;
	f->input.prefix6 = 55;
	f->input.affinity = SERIN_AFFINITY_FLOW;
	build(f, 5, 6, f->plan);
	assert_int_equal(f->plan->generation, 9);
	assert_int_equal(f->plan->versions, 3);
	assert_int_equal(f->plan->baseline, 0);
	assert_int_equal(f->plan->affinity, SERIN_AFFINITY_FLOW);
	assert_int_equal(f->plan->prefix4, 28);
	assert_int_equal(f->plan->prefix6, 55);
	assert_memory_equal(f->plan->mask4, mask4, 16);
	assert_memory_equal(f->plan->mask6, mask6, 16);
}

static void test_rings_hold_own_members_only(void **state)
{
	struct fixture *f = *state;
	unsigned int i, j, id;

	f->input.versions[2].member_count = 0;
	build(f, 500, 0, f->plan);
	for (i = 0; i < SERIN_MAX_VERSIONS; i++) {
		for (j = 0; j < SERIN_RING_SIZE; j++) {
			id = f->plan->ring[i][j];
			if (i < 2)
				assert_in_range(id, 10 * (i + 1), 10 * (i + 1) + MEMBERS - 1);
			else
				assert_int_equal(id, SERIN_NO_BACKEND);
		}
	}
}

/* An index that no version has at the moment. */
static void test_version_without_name_or_members(void **state)
{
	struct fixture *f = *state;

	f->input.versions[1] = (struct plan_version){ NULL, 0, NULL, 0 };
	build(f, 0, 250, f->plan);
	assert_int_equal(slots_of(f->plan, 1), 0);
	assert_int_equal(slots_of(f->plan, 2), 250);
}

static void test_rings_depend_on_service_and_members(void **state)
{
	struct fixture *f = *state;

	build(f, 500, 0, f->plan);
	f->input.rollout = 2;
	f->input.versions[1].name = "next";
	f->input.versions[1].member_count = 2;
	build(f, 5000, 100, f->other);
	assert_memory_equal(f->plan->ring[0], f->other->ring[0], sizeof(f->plan->ring[0]));
	assert_memory_equal(f->plan->ring[2], f->other->ring[2], sizeof(f->plan->ring[2]));
	assert_memory_not_equal(f->plan->ring[1], f->other->ring[1], sizeof(f->plan->ring[1]));
	assert_true(f->plan->seed != f->other->seed);

	f->input.service = "forum";
	build(f, 500, 0, f->other);
	assert_memory_not_equal(f->plan->ring[0], f->other->ring[0], sizeof(f->plan->ring[0]));
}

static void test_slots_depend_on_service_rollout_and_name(void **state)
{
	struct fixture *f = *state;

	build(f, 500, 0, f->plan);
	build(f, 500, 0, f->other);
	assert_memory_equal(f->plan, f->other, sizeof(*f->plan));

	f->input.versions[1].member_count = 1;
	f->input.generation = 10;
	build(f, 500, 0, f->other);
	assert_memory_equal(f->plan->slot, f->other->slot, SERIN_SLOTS);
	assert_true(f->plan->seed == f->other->seed);

	f->input.versions[1].name = "next";
	build(f, 500, 0, f->other);
	assert_memory_not_equal(f->plan->slot, f->other->slot, SERIN_SLOTS);
	f->input.versions[1].name = "canary";
	f->input.rollout = 2;
	build(f, 500, 0, f->other);
	assert_memory_not_equal(f->plan->slot, f->other->slot, SERIN_SLOTS);
	assert_int_equal(plan_find_rollout(f->input.service, f->other), 2);
	assert_int_equal(plan_find_rollout("another", f->other), 0);
}

/* A later version passes over what an earlier one has, and never takes from it. */
static void test_later_version_leaves_earlier_alone(void **state)
{
	struct fixture *f = *state;
	unsigned int i;

	build(f, 1500, 0, f->plan);
	build(f, 1500, 6000, f->other);
	for (i = 0; i < SERIN_SLOTS; i++)
		assert_int_equal(f->plan->slot[i] == 1, f->other->slot[i] == 1);
}

/* An upgrade that drew other clients from the same names would move everybody. Little-endian hosts. */
static void test_same_on_every_host(void **state)
{
	struct fixture *f = *state;
	uint64_t slots = 0, ring = 0;
	unsigned int i;

	build(f, 500, 1500, f->plan);
	for (i = 0; i < SERIN_SLOTS; i++)
		slots = serin_mix64(slots ^ f->plan->slot[i]);
	for (i = 0; i < SERIN_RING_SIZE; i++)
		ring = serin_mix64(ring ^ f->plan->ring[0][i]);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	assert_int_equal(f->plan->seed, 0x6a7e8cf436bd2a86ull);
	assert_int_equal(slots, 0x53b9307e70b36435ull);
	assert_int_equal(ring, 0x7db333937036d7a7ull);
#endif
}

static void refused(struct fixture *f, const struct plan_input *input)
{
	memset(f->plan, 0x5a, sizeof(*f->plan));
	memset(f->other, 0x5a, sizeof(*f->other));
	assert_int_equal(plan_build(input, f->plan), -EINVAL);
	assert_memory_equal(f->plan, f->other, sizeof(*f->plan));
}

static void test_refusals_change_nothing(void **state)
{
	struct fixture *f = *state;
	struct plan_input input = f->input;

	input.versions[1].weight = 5000;
	input.versions[2].weight = 5001;
	refused(f, &input);
	input.versions[1].weight = 10001;
	input.versions[2].weight = 0;
	refused(f, &input);
	input.versions[1].weight = input.versions[2].weight = 0x8000; /* 0 in 16 bits */
	refused(f, &input);

	input = f->input;
	input.generation = 0;
	refused(f, &input);
	input = f->input;
	input.baseline = 3;
	refused(f, &input);
	input = f->input;
	input.version_count = 0;
	refused(f, &input);
	input = f->input;
	input.version_count = SERIN_MAX_VERSIONS + 1;
	refused(f, &input);
	input = f->input;
	input.prefix4 = 33;
	refused(f, &input);
	input = f->input;
	input.prefix6 = 129;
	refused(f, &input);
	input = f->input;
	input.affinity = (enum serin_affinity)2;
	refused(f, &input);
}

/* What stands beside the tables, and moves nobody. */
static void test_rules_and_limit(void **state)
{
	struct fixture *f = *state;

	build(f, 500, 0, f->plan);
	assert_int_equal(f->plan->rules, 0);
	assert_int_equal(f->plan->max_new, 0);
	f->input.rules = 0xdeadbeef;
	f->input.max_new = 5000;
	build(f, 500, 0, f->other);
	assert_int_equal(f->other->rules, 0xdeadbeef);
	assert_int_equal(f->other->max_new, 5000);
	f->other->rules = 0;
	f->other->max_new = 0;
	assert_memory_equal(f->plan, f->other, sizeof(*f->plan));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_slots_are_exact),
		TEST(test_baseline_may_be_any),
		TEST(test_header_fields),
		TEST(test_rings_hold_own_members_only),
		TEST(test_version_without_name_or_members),
		TEST(test_rings_depend_on_service_and_members),
		TEST(test_slots_depend_on_service_rollout_and_name),
		TEST(test_later_version_leaves_earlier_alone),
		TEST(test_same_on_every_host),
		TEST(test_refusals_change_nothing),
		TEST(test_rules_and_limit),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
