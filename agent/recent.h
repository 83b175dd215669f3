/* SPDX-License-Identifier: BSD-2-Clause */
/* What one version's histograms have gained lately: since the last change of weights, a minute at most. Pure. */
#ifndef SERIN_RECENT_H
#define SERIN_RECENT_H

#include <stdint.h>

#include <serin/abi.h>

/* Older than RECENT_SECONDS is forgotten, in steps of five: a snapshot has two kilobytes. */
#define RECENT_SECONDS 60
#define RECENT_STEP_SECONDS 5
#define RECENT_SNAPSHOTS (RECENT_SECONDS / RECENT_STEP_SECONDS + 1)

/* Low words of cumulative counts: enough for differences of less than 2^32. */
struct recent_snapshot {
	int64_t at_ms;
	uint32_t handshake[SERIN_HISTOGRAM_BUCKETS];
	uint32_t response[SERIN_HISTOGRAM_BUCKETS];
};

struct recent {
	struct recent_snapshot snapshots[RECENT_SNAPSHOTS];
	unsigned int first, count;
};

/* Forget the past: `now` is where it begins. */
void recent_restart(struct recent *recent, const struct serin_observed *now, int64_t now_ms);

/* At any time, about once a second; time must not run backwards. */
void recent_add(struct recent *recent, const struct serin_observed *now, int64_t now_ms);

/* What came since the beginning; since `now` itself when nothing was ever added. */
void recent_gain(const struct recent *recent, const struct serin_observed *now,
		 __u64 ret_handshake[SERIN_HISTOGRAM_BUCKETS], __u64 ret_response[SERIN_HISTOGRAM_BUCKETS]);

#endif
