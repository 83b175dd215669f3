/* SPDX-License-Identifier: BSD-2-Clause */
/* Histograms of durations against the durations themselves: buckets, quantiles of many distributions, sums up to bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "histogram.h"

#define SAMPLES 20000
#define MOST_ERROR 0.125

/* xorshift64*: the same numbers in every run. */
static uint64_t seed = 0x9e3779b97f4a7c15ull;

static uint64_t draw(void)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return seed * 0x2545f4914f6cdd1dull;
}

static double uniform(void)
{
	return ((double)(draw() >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(void)
{
	return sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform());
}

/* The definition of abi.h, word by word: no arithmetic in common with the code. */
static unsigned int bucket_by_definition(uint64_t ns)
{
	uint64_t units = ns / 128;
	unsigned int bucket = 0;

	while (bucket + 1 < SERIN_HISTOGRAM_BUCKETS && units >= SERIN_HISTOGRAM_FROM(bucket + 1))
		bucket++;
	return bucket;
}

static void add(struct serin_histogram *histogram, uint64_t ns)
{
	unsigned int bucket = bucket_by_definition(ns);

	histogram->ns += ns;
	histogram->bucket[bucket]++;
	for (unsigned int i = 0; i < SERIN_HISTOGRAM_BOUND_COUNT; i++)
		histogram->beyond[i] += bucket_by_definition(histogram_bounds[i]) == bucket && ns > histogram_bounds[i];
}

static void test_buckets(void **state)
{
	uint64_t ns;

	(void)state;
	for (unsigned int b = 0; b < SERIN_HISTOGRAM_BUCKETS; b++) {
		ns = SERIN_HISTOGRAM_FROM(b) << SERIN_HISTOGRAM_SHIFT;
		assert_int_equal(histogram_bucket(ns), b);
		if (b)
			assert_int_equal(histogram_bucket(ns - 1), b - 1);
		assert_true(SERIN_HISTOGRAM_FROM(b + 1) > SERIN_HISTOGRAM_FROM(b));
		if (b >= 8)
			assert_true((SERIN_HISTOGRAM_FROM(b + 1) - SERIN_HISTOGRAM_FROM(b)) * 8 <=
				    SERIN_HISTOGRAM_FROM(b));
	}
	for (unsigned int i = 0; i < 100000; i++) {
		ns = draw() >> draw() % 64;
		assert_int_equal(histogram_bucket(ns), bucket_by_definition(ns));
	}
	assert_int_equal(histogram_bucket(1024), 8);
	assert_int_equal(histogram_bucket(UINT64_MAX), SERIN_HISTOGRAM_BUCKETS - 1);
	assert_true(SERIN_HISTOGRAM_FROM(SERIN_HISTOGRAM_BUCKETS - 1) * 128 > UINT64_C(100000000000));
}

static int compare(const void *one, const void *other)
{
	uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;

	return a < b ? -1 : a > b;
}

static double constant(void)
{
	return 0.0123;
}

static double uniform_ms(void)
{
	return 1e-3 + 99e-3 * uniform();
}

static double exponential(void)
{
	return -30e-3 * log(uniform());
}

static double log_normal(void)
{
	return 8e-3 * exp(1.2 * normal());
}

/* A few microseconds, and one in fifty at 40 ms: what a p99 is asked for. */
static double two_peaks(void)
{
	return uniform() < 0.02 ? 40e-3 + 1e-3 * uniform() : 20e-6 * exp(0.2 * normal());
}

static double pareto(void)
{
	return 1e-4 * pow(uniform(), -1 / 1.1);
}

/* Every octave that there is. */
static double log_uniform(void)
{
	return exp(log(1.1e-6) + uniform() * (log(130.0) - log(1.1e-6)));
}

static void check_quantiles(const char *name, double (*seconds)(void), size_t samples)
{
	static const double quantiles[] = { 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 1 };
	static uint64_t ns[SAMPLES];
	struct serin_histogram histogram = { .ns = 0 };

	for (size_t i = 0; i < samples; i++) {
		ns[i] = (uint64_t)(fmin(fmax(seconds(), 1.1e-6), 136) * 1e9);
		add(&histogram, ns[i]);
	}
	qsort(ns, samples, sizeof(ns[0]), compare);
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
		size_t rank = (size_t)ceil(quantiles[i] * (double)samples);
		double exact = (double)ns[(rank ? rank : 1) - 1] / 1e9;
		double found = histogram_quantile(histogram.bucket, quantiles[i]);

		if (fabs(found - exact) > MOST_ERROR * exact)
			fail_msg("%s, %zu samples, q = %g: %g, exactly %g", name, samples, quantiles[i], found, exact);
	}
}

static void test_quantiles(void **state)
{
	static const struct {
		const char *name;
		double (*seconds)(void);
	} distributions[] = {
		{ "constant", constant },       { "uniform", uniform_ms },  { "exponential", exponential },
		{ "log-normal", log_normal },   { "two peaks", two_peaks }, { "pareto", pareto },
		{ "log-uniform", log_uniform },
	};
	static const size_t samples[] = { 1, 2, 3, 7, 100, 1001, SAMPLES };

	(void)state;
	for (size_t d = 0; d < sizeof(distributions) / sizeof(distributions[0]); d++) {
		for (size_t s = 0; s < sizeof(samples) / sizeof(samples[0]); s++) {
			for (int round = 0; round < 5; round++)
				check_quantiles(distributions[d].name, distributions[d].seconds, samples[s]);
		}
	}
}

static void test_quantiles_at_the_ends(void **state)
{
	struct serin_histogram histogram = { .ns = 0 };

	(void)state;
	assert_true(histogram_quantile(histogram.bucket, 0.5) < 0);
	add(&histogram, 0);
	assert_true(histogram_quantile(histogram.bucket, 1) < 128e-9);
	memset(&histogram, 0, sizeof(histogram));
	add(&histogram, UINT64_MAX);
	assert_true(fabs(histogram_quantile(histogram.bucket, 0.5) - 137.4) < 0.1);
	/* Large counts lose nothing. */
	memset(&histogram, 0, sizeof(histogram));
	histogram.bucket[100] = UINT64_C(1) << 50;
	histogram.bucket[101] = 1;
	assert_true(histogram_quantile(histogram.bucket, 0.5) < SERIN_HISTOGRAM_FROM(101) * 128 / 1e9);
	assert_int_equal(histogram_count(histogram.bucket), (UINT64_C(1) << 50) + 1);
}

static uint64_t near_a_bound(void)
{
	uint64_t bound = histogram_bounds[draw() % SERIN_HISTOGRAM_BOUND_COUNT];

	switch (draw() % 4) {
	case 0:
		return bound;
	case 1:
		return bound + 1;
	case 2:
		return bound - 1;
	default:
		return bound - bound / 10 + draw() % (bound / 5);
	}
}

static void test_sums_are_exact(void **state)
{
	static uint64_t ns[SAMPLES];
	struct histogram_sums sums;

	(void)state;
	for (int round = 0; round < 20; round++) {
		struct serin_histogram histogram = { .ns = 0 };
		double seconds = 0;

		for (size_t i = 0; i < SAMPLES; i++) {
			ns[i] = round % 2 ? near_a_bound() : (uint64_t)(log_uniform() * 1e9);
			add(&histogram, ns[i]);
			seconds += (double)ns[i] / 1e9;
		}
		histogram_sum_up(&histogram, &sums);
		assert_int_equal(sums.count, SAMPLES);
		assert_true(fabs(sums.seconds - seconds) <= 1e-9 * seconds);
		for (unsigned int b = 0; b < SERIN_HISTOGRAM_BOUND_COUNT; b++) {
			uint64_t exact = 0;

			for (size_t i = 0; i < SAMPLES; i++)
				exact += ns[i] <= histogram_bounds[b];
			assert_int_equal(sums.upto[b], exact);
		}
	}
}

static void test_bounds(void **state)
{
	static const double seconds[] = { 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10 };

	(void)state;
	for (unsigned int b = 0; b < SERIN_HISTOGRAM_BOUND_COUNT; b++)
		assert_true(fabs((double)histogram_bounds[b] / 1e9 - seconds[b]) < 1e-12);
}

/* A reading in the midst of counting: `beyond` came before its bucket. */
static void test_torn_readings_stay_monotonic(void **state)
{
	struct serin_histogram histogram = { .ns = 5 };
	struct histogram_sums sums;

	(void)state;
	for (unsigned int b = 0; b < SERIN_HISTOGRAM_BOUND_COUNT; b++)
		histogram.beyond[b] = 3;
	histogram.bucket[histogram_bucket(histogram_bounds[4])] = 2;
	histogram_sum_up(&histogram, &sums);
	assert_int_equal(sums.upto[4], 0);
	assert_int_equal(sums.upto[5], 2);
	assert_int_equal(sums.count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buckets),
		cmocka_unit_test(test_quantiles),
		cmocka_unit_test(test_quantiles_at_the_ends),
		cmocka_unit_test(test_sums_are_exact),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_torn_readings_stay_monotonic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
