/* SPDX-License-Identifier: BSD-2-Clause */
/* A ring of snapshots of histograms. */
#include "recent.h"

#define STEP_MS (RECENT_STEP_SECONDS * 1000)

/* What is measured ends up to a second after the newest tick, and must not reach back further than a minute. */
#define KEEP_MS ((RECENT_SECONDS - 1) * 1000)

/* Ticks come a little early or late. */
#define SLACK_MS 500

static void take(struct recent_snapshot *snapshot, const struct serin_observed *now, int64_t now_ms)
{
	snapshot->at_ms = now_ms;
	for (unsigned int i = 0; i < SERIN_HISTOGRAM_BUCKETS; i++) {
		snapshot->handshake[i] = (uint32_t)now->handshake.bucket[i];
		snapshot->response[i] = (uint32_t)now->response.bucket[i];
	}
}

void recent_restart(struct recent *recent, const struct serin_observed *now, int64_t now_ms)
{
	recent->first = 0;
	recent->count = 1;
	take(&recent->snapshots[0], now, now_ms);
}

static void drop_first(struct recent *recent)
{
	recent->first = (recent->first + 1) % RECENT_SNAPSHOTS;
	recent->count--;
}

static struct recent_snapshot *nth(struct recent *recent, unsigned int n)
{
	return &recent->snapshots[(recent->first + n) % RECENT_SNAPSHOTS];
}

void recent_add(struct recent *recent, const struct serin_observed *now, int64_t now_ms)
{
	/* The newest one stays, however old: it is where the past goes on after a long silence. */
	while (recent->count > 1 && nth(recent, 0)->at_ms < now_ms - KEEP_MS)
		drop_first(recent);
	if (recent->count && nth(recent, recent->count - 1)->at_ms > now_ms - STEP_MS + SLACK_MS)
		return;
	if (recent->count == RECENT_SNAPSHOTS)
		drop_first(recent);
	take(nth(recent, recent->count++), now, now_ms);
}

void recent_gain(const struct recent *recent, const struct serin_observed *now,
		 __u64 ret_handshake[SERIN_HISTOGRAM_BUCKETS], __u64 ret_response[SERIN_HISTOGRAM_BUCKETS])
{
	const struct recent_snapshot *then = &recent->snapshots[recent->first];

	for (unsigned int i = 0; i < SERIN_HISTOGRAM_BUCKETS; i++) {
		ret_handshake[i] = recent->count ? (uint32_t)now->handshake.bucket[i] - then->handshake[i] : 0;
		ret_response[i] = recent->count ? (uint32_t)now->response.bucket[i] - then->response[i] : 0;
	}
}
