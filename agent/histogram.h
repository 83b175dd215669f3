/* SPDX-License-Identifier: BSD-2-Clause */
/* Figures out of the kernel's histograms of durations: quantiles, and sums up to the bounds that people use. Pure. */
#ifndef SERIN_HISTOGRAM_H
#define SERIN_HISTOGRAM_H

#include <stdint.h>

#include <serin/abi.h>

/* Of ns, the bucket that counts them: what abi.h defines, said a second time for the agent. */
unsigned int histogram_bucket(uint64_t ns);

/* SERIN_HISTOGRAM_BOUNDS in their order, in ns. */
extern const uint64_t histogram_bounds[SERIN_HISTOGRAM_BOUND_COUNT];

uint64_t histogram_count(const __u64 bucket[SERIN_HISTOGRAM_BUCKETS]);

/* The q-quantile (0 < q <= 1), in seconds: the place, within its bucket, of the sample of rank ceil(q n). Bucket's width is
 * an eighth of its lower end at most, and so is the error, of durations from 1.024 us to 137 s. Longer ones are taken for
 * 137 s. Negative when there is no sample. */
double histogram_quantile(const __u64 bucket[SERIN_HISTOGRAM_BUCKETS], double q);

struct histogram_sums {
	uint64_t upto[SERIN_HISTOGRAM_BOUND_COUNT]; /* durations that are not longer than the bound, exactly */
	uint64_t count;                             /* all */
	double seconds;                             /* their sum */
};

/* Monotonic whatever the kernel was counting while the histogram was read. */
void histogram_sum_up(const struct serin_histogram *histogram, struct histogram_sums *ret);

#endif
