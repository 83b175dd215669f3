/* SPDX-License-Identifier: BSD-2-Clause */
/* Buckets, quantiles and sums of log-linear histograms. */
#include "histogram.h"

#include <math.h>

#define UNIT_NS (1u << SERIN_HISTOGRAM_SHIFT)

const uint64_t histogram_bounds[SERIN_HISTOGRAM_BOUND_COUNT] = {
#define BOUND(index, ns) [index] = (ns),
	SERIN_HISTOGRAM_BOUNDS(BOUND)
#undef BOUND
};

/* Above eight units, the three bits behind the leading one choose among the octave's eight. */
unsigned int histogram_bucket(uint64_t ns)
{
	uint64_t units = ns >> SERIN_HISTOGRAM_SHIFT;
	unsigned int octave, bucket;

	if (units < 8)
		return (unsigned int)units;
	octave = 63u - (unsigned int)__builtin_clzll(units) - 3;
	bucket = 8 * (octave + 1) + (unsigned int)(units >> octave) - 8;
	return bucket < SERIN_HISTOGRAM_BUCKETS ? bucket : SERIN_HISTOGRAM_BUCKETS - 1;
}

uint64_t histogram_count(const __u64 bucket[SERIN_HISTOGRAM_BUCKETS])
{
	uint64_t count = 0;

	for (unsigned int i = 0; i < SERIN_HISTOGRAM_BUCKETS; i++)
		count += bucket[i];
	return count;
}

/* `share`: how far into the bucket, 0 to 1. */
static double place_in(unsigned int bucket, double share)
{
	double from = (double)SERIN_HISTOGRAM_FROM(bucket), to = (double)SERIN_HISTOGRAM_FROM(bucket + 1);

	if (bucket == SERIN_HISTOGRAM_BUCKETS - 1)
		to = from;
	return (from + share * (to - from)) * UNIT_NS / 1e9;
}

double histogram_quantile(const __u64 bucket[SERIN_HISTOGRAM_BUCKETS], double q)
{
	uint64_t count = histogram_count(bucket), before = 0, rank;
	unsigned int i;

	if (!count)
		return -1;
	rank = (uint64_t)ceil(q * (double)count);
	rank = rank < 1 ? 1 : rank > count ? count : rank;
	for (i = 0; before + bucket[i] < rank; i++)
		before += bucket[i];
	return place_in(i, ((double)(rank - before) - 0.5) / (double)bucket[i]);
}

/* Those of the bucket that a bound lies in which are not longer than it. */
static uint64_t within(const struct serin_histogram *histogram, unsigned int bound, unsigned int bucket)
{
	uint64_t all = histogram->bucket[bucket], beyond = histogram->beyond[bound];

	return beyond < all ? all - beyond : 0;
}

void histogram_sum_up(const struct serin_histogram *histogram, struct histogram_sums *ret)
{
	uint64_t sum = 0, last = 0;
	unsigned int bucket = 0, at;

	for (unsigned int bound = 0; bound < SERIN_HISTOGRAM_BOUND_COUNT; bound++) {
		for (at = histogram_bucket(histogram_bounds[bound]); bucket < at; bucket++)
			sum += histogram->bucket[bucket];
		ret->upto[bound] = sum + within(histogram, bound, at);
		/* Two bounds may lie in one bucket, whose counts were read one after the other. */
		if (ret->upto[bound] < last)
			ret->upto[bound] = last;
		last = ret->upto[bound];
	}
	for (; bucket < SERIN_HISTOGRAM_BUCKETS; bucket++)
		sum += histogram->bucket[bucket];
	ret->count = sum;
	ret->seconds = (double)histogram->ns / 1e9;
}
