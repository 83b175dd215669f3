/* SPDX-License-Identifier: BSD-2-Clause */
/* How many clients: never more than there were, seldom much less, and none of another draw. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include <serin/split.h>
#include "served.h"

#define SEED 0x123456789abcdef0ull

/* As the kernel does. True: a register has grown. */
static bool meet(struct serin_served *served, uint64_t seed, uint64_t client)
{
	uint64_t hash = serin_mix64(serin_mix64(seed ^ client) + client);
	uint32_t upper = hash >> 32, rank = upper ? (uint32_t)__builtin_clz(upper) + 1 : SERIN_SERVED_RANKS;
	uint32_t *word = &served->word[hash % SERIN_SERVED_REGISTERS];

	if ((*word ^ SERIN_SERVED_DRAW(seed)) >> SERIN_SERVED_RANK_BITS == 0 && SERIN_SERVED_RANK(*word) >= rank)
		return false;
	*word = SERIN_SERVED_DRAW(seed) | rank;
	return true;
}

static void test_none(void **state)
{
	struct serin_served served = { { 0 } };

	(void)state;
	assert_true(served_estimate(&served, SEED) == 0);
	assert_int_equal(served_at_least(0), 0);
	assert_int_equal(served_needed(0), 0);
	meet(&served, SEED, 1);
	assert_true(fabs(served_estimate(&served, SEED) - 1) < 0.01);
}

static void test_another_draw(void **state)
{
	struct serin_served served = { { 0 } };

	(void)state;
	for (uint64_t i = 0; i < 5000; i++)
		meet(&served, SEED, i);
	assert_true(served_estimate(&served, SEED) > 4000);
	assert_true(served_estimate(&served, ~SEED) == 0);
	for (uint64_t i = 0; i < 10; i++)
		meet(&served, ~SEED, i);
	assert_true(fabs(served_estimate(&served, ~SEED) - 10) < 1);
	/* What is not a rank is nothing. */
	memset(&served, 0xff, sizeof(served));
	assert_true(served_estimate(&served, UINT64_MAX) == 0);
}

static void test_full(void **state)
{
	struct serin_served served;

	(void)state;
	for (unsigned int i = 0; i < SERIN_SERVED_REGISTERS; i++)
		served.word[i] = SERIN_SERVED_DRAW(SEED) | SERIN_SERVED_RANKS;
	assert_true(served_estimate(&served, SEED) >= UINT32_MAX);
}

/* Mean and spread of many draws, at some sizes; and the bound, at each client. */
#define DRAWS 1000
#define MOST 5000
static void test_error(void **state)
{
	static const unsigned int sizes[] = { 10, 100, 460, 1000, MOST };
	double sum[5] = { 0 }, squares[5] = { 0 };
	unsigned int above = 0;

	(void)state;
	for (uint64_t draw = 0; draw < DRAWS; draw++) {
		uint64_t seed = serin_mix64(draw + 1);
		struct serin_served served = { { 0 } };
		double estimate = 0, before;
		bool ever = false;

		for (unsigned int n = 1, at = 0; n <= MOST; n++) {
			if (meet(&served, seed, n)) {
				before = estimate;
				estimate = served_estimate(&served, seed);
				assert_true(estimate >= before);
				ever |= served_at_least(estimate) > n;
			}
			if (n == sizes[at]) {
				sum[at] += estimate / n - 1;
				squares[at] += (estimate / n - 1) * (estimate / n - 1);
				at++;
			}
		}
		above += ever;
	}
	for (unsigned int i = 0; i < 5; i++) {
		double error = served_error(sizes[i]) / sizes[i], spread = sqrt(squares[i] / DRAWS);

		assert_true(fabs(sum[i] / DRAWS) < 4 * error / sqrt(DRAWS) + 0.003);
		assert_true(spread < error * 1.1 && spread > error * 0.75);
	}
	assert_true(above <= 1);
}

static void test_needed(void **state)
{
	static const uint64_t some[] = { 1, 10, 100, 460, 545, 1000, 100000, 100000000 };

	(void)state;
	for (unsigned int i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		uint64_t needed = served_needed(some[i]);

		assert_true(served_at_least((double)needed) >= some[i]);
		assert_true(served_at_least((double)(needed - 1)) < some[i]);
		assert_true(needed <= some[i] + some[i] / 4 + 3);
	}
	assert_true(served_needed(UINT64_MAX) == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),  cmocka_unit_test(test_another_draw), cmocka_unit_test(test_full),
		cmocka_unit_test(test_error), cmocka_unit_test(test_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
