/* SPDX-License-Identifier: BSD-2-Clause */
/* What clients see of real plans: shares, who moves when a weight or a backend changes and who does not, affinity. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <serin/split.h>
#include "plan.h"

#define CLIENTS 50000u
#define STABLE 0u
#define CANARY 1u

struct world {
	struct serin_split_key *v4, *v6; /* CLIENTS distinct ones each, the IPv6 ones of distinct /64s */
	struct ring_member stable[6], canary[4];
	struct plan_input input;
	struct serin_plan *plan, *other;
};

static struct serin_split_key client4(uint32_t addr)
{
	struct serin_split_key key = {
		.family = SERIN_IPV4,
		.protocol = 6,
		.client_port = 0x3930,
		.listener_port = 80,
	};

	key.client.half[5] = 0xffff;
	key.client.word[3] = __builtin_bswap32(addr);
	key.listener = key.client;
	key.listener.word[3] = 0x0a7100cb;
	return key;
}

static struct serin_split_key client6(uint64_t net, uint64_t host)
{
	struct serin_split_key key = {
		.family = SERIN_IPV6,
		.protocol = 6,
		.client_port = 0x3930,
		.listener_port = 80,
	};

	key.client.quad[0] = __builtin_bswap64(net);
	key.client.quad[1] = __builtin_bswap64(host);
	key.listener.byte[0] = 0x20;
	key.listener.byte[15] = 1;
	return key;
}

/* A bijection of 32 bits, so that counting up draws distinct addresses without order. */
static uint32_t scatter(uint32_t x)
{
	x = (x ^ x >> 16) * 0x7feb352du;
	x = (x ^ x >> 15) * 0x846ca68bu;
	return x ^ x >> 16;
}

static void make_members(struct ring_member *members, unsigned int count, __u16 first_id)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		members[i] = (struct ring_member){ .port = 80, .id = (__u16)(first_id + i), .weight = 1 };
		members[i].addr.half[5] = 0xffff;
		members[i].addr.byte[12] = 10;
		members[i].addr.byte[15] = (__u8)(first_id + i);
	}
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	uint32_t i;

	assert_non_null(w);
	w->v4 = calloc(CLIENTS, sizeof(*w->v4));
	w->v6 = calloc(CLIENTS, sizeof(*w->v6));
	w->plan = calloc(1, sizeof(*w->plan));
	w->other = calloc(1, sizeof(*w->other));
	assert_true(w->v4 && w->v6 && w->plan && w->other);
	for (i = 0; i < CLIENTS; i++) {
		w->v4[i] = client4(scatter(i));
		w->v6[i] = client6(0x2001000000000000ull | scatter(i), serin_mix64(i));
	}
	make_members(w->stable, 6, 10);
	make_members(w->canary, 4, 20);
	w->input = (struct plan_input){
		.service = "shop",
		.rollout = 1,
		.generation = 1,
		.prefix4 = 32,
		.prefix6 = 64,
		.version_count = 2,
		.versions = { { "stable", 0, w->stable, 6 }, { "canary", 0, w->canary, 3 } },
	};
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	free(w->v4);
	free(w->v6);
	free(w->plan);
	free(w->other);
	free(w);
	return 0;
}

static void build(struct world *w, uint16_t canary, struct serin_plan *ret)
{
	w->input.versions[CANARY].weight = canary;
	assert_int_equal(plan_build(&w->input, ret), 0);
}

static struct serin_split split(const struct serin_plan *plan, const struct serin_split_key *key)
{
	struct serin_split got;

	serin_split(plan, key, &got);
	assert_true(got.slot < SERIN_SLOTS && got.place < SERIN_RING_SIZE);
	assert_int_equal(plan->slot[got.slot], got.version);
	assert_int_equal(plan->ring[got.version][got.place], got.backend);
	return got;
}

static unsigned int count_canary(const struct serin_plan *plan, const struct serin_split_key *keys)
{
	unsigned int i, count = 0;

	for (i = 0; i < CLIENTS; i++)
		count += split(plan, &keys[i]).version == CANARY;
	return count;
}

/* 0.3 points of 50 000 clients. */
static void assert_share(unsigned int count, unsigned int basis_points)
{
	unsigned int want = CLIENTS / 10000 * basis_points, margin = CLIENTS * 3 / 1000;

	assert_in_range(count, want > margin ? want - margin : 0, want + margin);
}

static void test_five_percent_is_five_percent(void **state)
{
	static const char *const services[] = { "shop", "forum", "a", "api.example.net" };
	struct world *w = *state;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		w->input.service = services[i];
		for (w->input.rollout = 0; w->input.rollout < 3; w->input.rollout++) {
			build(w, 500, w->plan);
			assert_share(count_canary(w->plan, w->v4), 500);
			assert_share(count_canary(w->plan, w->v6), 500);
		}
	}
}

/* Clients are seldom random: whole networks, counted through, must be shared out as well. */
static void test_neighbours_are_shared_out_too(void **state)
{
	struct world *w = *state;
	uint32_t i;

	build(w, 500, w->plan);
	for (i = 0; i < CLIENTS; i++) {
		w->v4[i] = client4(0x0a000000 + i);
		w->v6[i] = client6(0x20010db800000000ull + i, 1);
	}
	assert_share(count_canary(w->plan, w->v4), 500);
	assert_share(count_canary(w->plan, w->v6), 500);
}

static void test_nobody_and_everybody(void **state)
{
	struct world *w = *state;

	build(w, 0, w->plan);
	assert_int_equal(count_canary(w->plan, w->v4), 0);
	build(w, 10000, w->plan);
	assert_int_equal(count_canary(w->plan, w->v4), CLIENTS);
}

/* `less` and `more` differ in the canary's weight only: whoever changes sides goes the canary's way, and the rest
 * keep their backend. */
static unsigned int assert_only_joins(const struct serin_plan *less, const struct serin_plan *more,
				      const struct serin_split_key *keys)
{
	struct serin_split before, after;
	unsigned int i, joined = 0;

	for (i = 0; i < CLIENTS; i++) {
		before = split(less, &keys[i]);
		after = split(more, &keys[i]);
		if (before.version == after.version) {
			assert_int_equal(before.backend, after.backend);
			continue;
		}
		assert_int_equal(before.version, STABLE);
		assert_int_equal(after.version, CANARY);
		joined++;
	}
	return joined;
}

/* Read from `more` to `less`, the same says that going back down moves nobody to the canary. */
static void test_weight_moves_clients_one_way(void **state)
{
	static const uint16_t steps[] = { 0, 1, 500, 1500, 2500, 5000, 9500, 10000 };
	struct world *w = *state;
	unsigned int i;

	for (i = 1; i < sizeof(steps) / sizeof(steps[0]); i++) {
		build(w, steps[i - 1], w->plan);
		build(w, steps[i], w->other);
		assert_share(assert_only_joins(w->plan, w->other, w->v4), steps[i] - steps[i - 1]);
		assert_share(assert_only_joins(w->plan, w->other, w->v6), steps[i] - steps[i - 1]);
	}
}

static void test_five_to_fifteen_and_back(void **state)
{
	struct world *w = *state;
	unsigned int i, left = 0;

	build(w, 500, w->plan);
	build(w, 1500, w->other);
	assert_share(assert_only_joins(w->plan, w->other, w->v4), 1000);

	build(w, 1500, w->plan); /* and now down, with a plan of its own */
	build(w, 500, w->other);
	for (i = 0; i < CLIENTS; i++) {
		unsigned int before = split(w->plan, &w->v4[i]).version, after = split(w->other, &w->v4[i]).version;

		assert_false(before == STABLE && after == CANARY);
		left += before == CANARY && after == STABLE;
	}
	assert_share(left, 1000);
}

/* Returns how many clients of the canary changed their backend. */
static unsigned int assert_stable_unmoved(struct world *w, unsigned int gone_id)
{
	struct serin_split before, after;
	unsigned int i, moved = 0;

	for (i = 0; i < CLIENTS; i++) {
		before = split(w->plan, &w->v4[i]);
		after = split(w->other, &w->v4[i]);
		assert_int_equal(before.version, after.version);
		if (before.version == STABLE)
			assert_int_equal(before.backend, after.backend);
		else
			moved += before.backend != after.backend && before.backend != gone_id &&
				 after.backend != gone_id;
	}
	return moved;
}

static void test_canary_backends_move_no_stable_client(void **state)
{
	struct world *w = *state;

	build(w, 1500, w->plan);
	w->input.versions[CANARY].member_count = 4; /* one more */
	build(w, 1500, w->other);
	assert_in_range(assert_stable_unmoved(w, 23), 0, CLIENTS * 15 / 100 * 2 / 100);

	build(w, 1500, w->plan);
	w->input.versions[CANARY].members = w->canary + 1; /* one fewer */
	w->input.versions[CANARY].member_count = 3;
	build(w, 1500, w->other);
	assert_in_range(assert_stable_unmoved(w, 20), 0, CLIENTS * 15 / 100 * 2 / 100);

	build(w, 1500, w->plan);
	w->canary[1].weight = 0;
	w->input.versions[CANARY].member_count = 1; /* none at all: still nobody changes sides */
	build(w, 1500, w->other);
	assert_stable_unmoved(w, SERIN_NO_BACKEND);
}

/* The slot must say nothing about the place: else a small canary's clients would meet some of its backends only. */
static void test_backends_share_the_canary_evenly(void **state)
{
	unsigned int i, per_backend[4] = { 0 }, all = 0;
	struct world *w = *state;
	struct serin_split got;

	w->input.versions[CANARY].member_count = 4;
	build(w, 500, w->plan);
	for (i = 0; i < CLIENTS; i++) {
		got = split(w->plan, &w->v4[i]);
		if (got.version != CANARY)
			continue;
		assert_in_range(got.backend, 20, 23);
		per_backend[got.backend - 20]++;
		all++;
	}
	for (i = 0; i < 4; i++) /* 625 +- 4 standard deviations */
		assert_in_range(per_backend[i], all / 4 - 87, all / 4 + 87);
}

static void test_ipv6_network_stays_together(void **state)
{
	struct world *w = *state;
	struct serin_split first, got;
	unsigned int i, j;

	build(w, 5000, w->plan);
	for (i = 0; i < 500; i++) {
		first = split(w->plan, &w->v6[i]);
		for (j = 0; j < 20; j++) {
			struct serin_split_key key = w->v6[i];

			key.client.quad[1] = serin_mix64(i * 20 + j);
			key.client_port = (__be16)j;
			got = split(w->plan, &key);
			assert_memory_equal(&got, &first, sizeof(got));
		}
	}
	w->input.prefix6 = 128;
	build(w, 5000, w->plan);
	for (i = 0; i < CLIENTS; i++)
		w->v6[i] = client6(0x20010db800000001ull, i);
	assert_share(count_canary(w->plan, w->v6), 5000);
}

static void test_ipv4_network_stays_together(void **state)
{
	struct world *w = *state;
	unsigned int i, apart = 0;

	w->input.prefix4 = 24;
	build(w, 5000, w->plan);
	w->input.prefix4 = 32;
	build(w, 5000, w->other);
	for (i = 0; i < CLIENTS; i++) {
		struct serin_split_key neighbour = w->v4[i];

		neighbour.client.byte[15] ^= 0x80;
		assert_int_equal(split(w->plan, &w->v4[i]).slot, split(w->plan, &neighbour).slot);
		apart += split(w->other, &w->v4[i]).version != split(w->other, &neighbour).version;
		neighbour.client.byte[14] ^= 1;
		neighbour.client.byte[15] ^= 0x80;
		assert_int_not_equal(serin_split_hash(w->plan, &w->v4[i], w->plan->seed),
				     serin_split_hash(w->plan, &neighbour, w->plan->seed));
	}
	assert_in_range(apart, CLIENTS * 48 / 100, CLIENTS * 52 / 100);
}

static void test_source_affinity_sees_the_address_only(void **state)
{
	struct world *w = *state;
	struct serin_split before, after;
	unsigned int i;

	build(w, 5000, w->plan);
	for (i = 0; i < 1000; i++) {
		struct serin_split_key key = w->v4[i];

		key.client_port ^= 0x0101;
		key.listener_port ^= 0x0101;
		key.listener.byte[15] ^= 1;
		key.protocol = 17;
		before = split(w->plan, &w->v4[i]);
		after = split(w->plan, &key);
		assert_memory_equal(&before, &after, sizeof(before));
	}
}

static void test_flow_affinity_draws_every_connection(void **state)
{
	struct world *w = *state;
	uint32_t i;

	w->input.affinity = SERIN_AFFINITY_FLOW;
	build(w, 500, w->plan);
	for (i = 0; i < CLIENTS; i++) { /* one client, its ports */
		w->v4[i] = client4(0x0a000001);
		w->v4[i].client_port = __builtin_bswap16((uint16_t)(1024 + i));
		w->v6[i] = client6(0x20010db800000000ull, 7);
		w->v6[i].client_port = __builtin_bswap16((uint16_t)(1024 + i));
	}
	assert_share(count_canary(w->plan, w->v4), 500);
	assert_share(count_canary(w->plan, w->v6), 500);
}

static unsigned int count_both(const struct world *w)
{
	unsigned int i, both = 0;

	for (i = 0; i < CLIENTS; i++)
		both += split(w->plan, &w->v4[i]).version == CANARY && split(w->other, &w->v4[i]).version == CANARY;
	return both;
}

/* By chance, 5 % of 5 % are in both draws: 125 of 50 000, +- 4 standard deviations. */
static void test_rollouts_draw_anew(void **state)
{
	struct world *w = *state;
	uint64_t rollout;

	build(w, 500, w->plan);
	for (rollout = 2; rollout < 10; rollout++) {
		w->input.rollout = rollout;
		build(w, 500, w->other);
		assert_in_range(count_both(w), 125 - 45, 125 + 45);
	}
	w->input.rollout = 1;
	w->input.service = "forum";
	build(w, 500, w->other);
	assert_in_range(count_both(w), 125 - 45, 125 + 45);

	build(w, 5000, w->plan);
	w->input.rollout = 2;
	build(w, 5000, w->other);
	assert_in_range(count_both(w), CLIENTS * 24 / 100, CLIENTS * 26 / 100);
}

static void test_prefix_masks(void **state)
{
	__u64 mask[2];
	struct serin_addr addr;
	unsigned int bits, i, set;

	(void)state;
	for (bits = 0; bits <= 128; bits++) {
		serin_prefix_mask(bits, mask);
		memcpy(addr.byte, mask, sizeof(addr.byte));
		for (i = set = 0; i < 128; i++) {
			if (addr.byte[i / 8] & 0x80 >> i % 8)
				set++;
			assert_int_equal(set, i < bits ? i + 1 : bits);
		}
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_five_percent_is_five_percent),
		TEST(test_neighbours_are_shared_out_too),
		TEST(test_nobody_and_everybody),
		TEST(test_weight_moves_clients_one_way),
		TEST(test_five_to_fifteen_and_back),
		TEST(test_canary_backends_move_no_stable_client),
		TEST(test_backends_share_the_canary_evenly),
		TEST(test_ipv6_network_stays_together),
		TEST(test_ipv4_network_stays_together),
		TEST(test_source_affinity_sees_the_address_only),
		TEST(test_flow_affinity_draws_every_connection),
		TEST(test_rollouts_draw_anew),
		cmocka_unit_test(test_prefix_masks),
	};

	return cmocka_run_group_tests_name("split", tests, NULL, NULL);
}
