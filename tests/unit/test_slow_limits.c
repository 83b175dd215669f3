/* SPDX-License-Identifier: BSD-2-Clause */
/* Limits of slow answers: from when on there are any, where they lie, and how many answers are beyond. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "histogram.h"
#include "slow_limits.h"

#define MS 1000000ull

static void test_enough_seen(void **state)
{
	__u64 bucket[SERIN_HISTOGRAM_BUCKETS] = { 0 };
	uint32_t limit[SLOW_QUANTILES];

	(void)state;
	slow_limits(bucket, 0.2, limit);
	assert_true(!limit[0] && !limit[1] && !limit[2]);
	bucket[100] = 99;
	slow_limits(bucket, 0.2, limit);
	assert_true(!limit[0] && !limit[1] && !limit[2]);
	bucket[100] = 100;
	slow_limits(bucket, 0.2, limit);
	assert_true(limit[0] && !limit[1] && !limit[2]);
	bucket[100] = 1000;
	slow_limits(bucket, 0.2, limit);
	assert_true(limit[0] && limit[1] && !limit[2]);
	bucket[100] = 10000;
	slow_limits(bucket, 0.2, limit);
	assert_true(limit[0] && limit[1] && limit[2]);
}

static void test_where_they_lie(void **state)
{
	__u64 bucket[SERIN_HISTOGRAM_BUCKETS] = { 0 };
	unsigned int fast = histogram_bucket(5 * MS), slow = histogram_bucket(40 * MS),
		     odd = histogram_bucket(900 * MS);
	uint64_t end = SERIN_HISTOGRAM_FROM(fast + 1) << SERIN_HISTOGRAM_SHIFT;
	uint32_t limit[SLOW_QUANTILES];

	(void)state;
	bucket[fast] = 95000;
	bucket[slow] = 4800;
	bucket[odd] = 200;
	slow_limits(bucket, 0, limit);
	/* Nothing of the bucket itself is beyond its end. */
	assert_true(((uint64_t)limit[0] << SERIN_OWED_SHIFT) >= end);
	assert_true(((uint64_t)(limit[0] - 1) << SERIN_OWED_SHIFT) < end);
	assert_true((uint64_t)limit[1] << SERIN_OWED_SHIFT >= 40 * MS &&
		    (uint64_t)limit[1] << SERIN_OWED_SHIFT < 46 * MS);
	assert_true((uint64_t)limit[2] << SERIN_OWED_SHIFT >= 900 * MS);
	slow_limits(bucket, 0.5, limit);
	assert_in_range((uint64_t)limit[0] << SERIN_OWED_SHIFT, end * 3 / 2, end * 3 / 2 + 256);
	/* As many as a quantile allows are not beyond it. */
	bucket[odd] = 100;
	slow_limits(bucket, 0, limit);
	assert_true((uint64_t)limit[2] << SERIN_OWED_SHIFT >= 900 * MS);
	bucket[odd] = 99;
	slow_limits(bucket, 0, limit);
	assert_true((uint64_t)limit[2] << SERIN_OWED_SHIFT < 900 * MS);
}

static void test_what_cannot_be_measured(void **state)
{
	__u64 bucket[SERIN_HISTOGRAM_BUCKETS] = { 0 };
	uint32_t limit[SLOW_QUANTILES];

	(void)state;
	bucket[SERIN_HISTOGRAM_BUCKETS - 1] = 100000;
	slow_limits(bucket, 0.2, limit);
	assert_true(!limit[0] && !limit[1] && !limit[2]);
	memset(bucket, 0, sizeof(bucket));
	bucket[0] = 100000;
	slow_limits(bucket, 0.2, limit);
	assert_true(limit[0] == 1 && limit[2] == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_enough_seen),
		cmocka_unit_test(test_where_they_lie),
		cmocka_unit_test(test_what_cannot_be_measured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
