/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counting durations: see struct serin_histogram. */
#ifndef SERIN_HISTOGRAM_H
#define SERIN_HISTOGRAM_H

#include "compat.h"
#include "maps.h"

/* The highest bit that is set, of a number that is not 0: BPF has no instruction for it. */
static __always_inline __u32 highest_bit(__u32 value)
{
	__u32 bit = 0, step;

#pragma unroll
	for (step = 16; step; step /= 2) {
		if (value >> step) {
			value >>= step;
			bit += step;
		}
	}
	return bit;
}

static __always_inline __u32 histogram_bucket(__u32 units)
{
	__u32 bit;

	if (units < 8)
		return units;
	bit = highest_bit(units);
	return (bit - 2) * 8 + (units >> (bit - 3) & 7);
}

/* The same for a constant, by the compiler. */
#define CONSTANT_BIT(units) (63 - __builtin_clzll(units))
#define CONSTANT_BUCKET(units) ((CONSTANT_BIT(units) - 2) * 8 + ((units) >> (CONSTANT_BIT(units) - 3) & 7))

static __always_inline __u32 histogram_bucket_of(__u64 ns)
{
	__u64 units = ns >> SERIN_HISTOGRAM_SHIFT;

	if (units < SERIN_HISTOGRAM_FROM(SERIN_HISTOGRAM_BUCKETS - 1))
		return histogram_bucket(units);
	return SERIN_HISTOGRAM_BUCKETS - 1;
}

static __always_inline void histogram_add(struct serin_histogram *to, __u64 ns)
{
	__u32 bucket = histogram_bucket_of(ns);

	to->ns += ns;
	forget_bounds(bucket);
	if (bucket < SERIN_HISTOGRAM_BUCKETS)
		to->bucket[bucket]++;
#define BEYOND(index, bound)                                                                       \
	if (bucket == CONSTANT_BUCKET((bound##ull) >> SERIN_HISTOGRAM_SHIFT) && ns > (bound##ull)) \
		to->beyond[index]++;
	SERIN_HISTOGRAM_BOUNDS(BEYOND)
#undef BEYOND
}

#endif
