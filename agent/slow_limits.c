/* SPDX-License-Identifier: BSD-2-Clause */
/* Limits of slow answers out of histograms. */
#include "slow_limits.h"

#include <math.h>

#include "histogram.h"

/* Of every so many answers one is beyond the quantile. */
static const unsigned int one_in[SLOW_QUANTILES] = { 10, 100, 1000 };

/* The bucket of the quantile: no more than `beyond` answers lie in those above it. */
static unsigned int bucket_of(const __u64 bucket[SERIN_HISTOGRAM_BUCKETS], uint64_t beyond)
{
	uint64_t above = 0;
	unsigned int i;

	for (i = SERIN_HISTOGRAM_BUCKETS - 1; i > 0; i--) {
		above += bucket[i];
		if (above > beyond)
			break;
	}
	return i;
}

void slow_limits(const __u64 bucket[SERIN_HISTOGRAM_BUCKETS], double tolerate, uint32_t ret[SLOW_QUANTILES])
{
	uint64_t count = histogram_count(bucket);

	for (unsigned int i = 0; i < SLOW_QUANTILES; i++) {
		uint64_t beyond = count / one_in[i];
		double ticks;

		ret[i] = 0;
		if (beyond < SLOW_EXCEEDANCES_MIN)
			continue;
		ticks = ceil((double)(SERIN_HISTOGRAM_FROM(bucket_of(bucket, beyond) + 1) << SERIN_HISTOGRAM_SHIFT) *
			     (1 + tolerate) / (1 << SERIN_OWED_SHIFT));
		/* The kernel's clock of turns comes round soon after that. */
		if (ticks <= (double)SERIN_OWED_MOST)
			ret[i] = (uint32_t)ticks;
	}
}
