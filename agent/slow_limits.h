/* SPDX-License-Identifier: BSD-2-Clause */
/* Above which time an answer is slow: quantiles of what answers took so far, frozen for an epoch. Pure. */
#ifndef SERIN_SLOW_LIMITS_H
#define SERIN_SLOW_LIMITS_H

#include <stdint.h>

#include <serin/abi.h>

#define SLOW_QUANTILES 3        /* p90, p99 and p99.9 */
#define SLOW_EXCEEDANCES_MIN 10 /* that must be expected beyond a quantile before it is one */

/* Limits in ticks of 2^SERIN_OWED_SHIFT ns, for the kernel, of one kind of turn: the upper bound of the quantile's
 * bucket and `tolerate` (0.2: a fifth) more. 0, none, while too little has been seen, or where it would be beyond
 * what is measured. `bucket`: turns of that kind, of the trial version and of the baseline together, since the
 * rollout began. */
void slow_limits(const __u64 bucket[SERIN_HISTOGRAM_BUCKETS], double tolerate, uint32_t ret[SLOW_QUANTILES]);

#endif
