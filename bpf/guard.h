/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The guard of a version on trial: it decides without the agent that no new connection goes there.
 *
 *   errors   the version has failed so many more clients than the baseline that one of its two lines is crossed: a latch, in
 *            the map `trips`, until the agent arms the guard anew
 *   lease    the time has come up to which the agent has answered for it: a state, until the agent puts that off
 *   closed   the agent says so
 *
 *   The lines are looked at with every incident of the version: an incident of the baseline's moves the bound up. The counts
 *   of an outage that both share move together, and trip nothing; since it does not begin everywhere in the same
 *   millisecond, what a burst says, three incidents within `settle_ns`, has to stand for as long. From then on new
 *   connections ask as well, since those that it befell may have been all there are. Incidents that come more slowly decide
 *   at once. */
#ifndef SERIN_GUARD_H
#define SERIN_GUARD_H

#include "compat.h"
#include "maps.h"

/* Of two numbers below 2^63; SERIN_LINE_OFF when it does not fit. */
static __always_inline __u64 product(__u64 a, __u64 b)
{
	__u64 small = a < b ? a : b, large = a < b ? b : a, high, low;

	if (small >> 32)
		return SERIN_LINE_OFF;
	high = (large >> 32) * small;
	low = (large & 0xffffffff) * small;
	high += low >> 32;
	return high >> 31 ? SERIN_LINE_OFF : high << 32 | (low & 0xffffffff);
}

static __always_inline bool line_is_crossed(const struct serin_line *line, __u64 trial, __u64 baseline)
{
	__s64 bound = READ_ONCE(line->allowance), slope = READ_ONCE(line->slope);
	__u64 rise;

	if (bound == SERIN_LINE_OFF || slope == SERIN_LINE_OFF || slope < 0)
		return false;
	rise = product(slope, baseline);
	if (rise == SERIN_LINE_OFF || (bound > 0 && rise > (__u64)SERIN_LINE_OFF - (__u64)bound))
		return false;
	bound += (__s64)rise;
	if (trial >> (63 - SERIN_LINE_SHIFT))
		trial = (1ull << (63 - SERIN_LINE_SHIFT)) - 1;
	return (__s64)(trial << SERIN_LINE_SHIFT) >= bound;
}

#define NO_LINE (-1)

/* The line that is crossed, of those that hold, or NO_LINE. The agent writes the pair that does not hold: should it have
 * done so twice while we were looking, the number has moved. */
static __always_inline int line_crossed(const struct serin_guard *guard, const struct serin_incidents *trial,
					const struct serin_incidents *baseline, __u32 epoch)
{
	int i, crossed = NO_LINE;

	for (i = 0; i < 4; i++) {
		__u64 lines = READ_ONCE(guard->lines);
		const struct serin_line *line = guard->line[SERIN_GUARD_PAIR(lines)];

		load_fence();
		crossed = NO_LINE;
		/* The version's own count first: the baseline's can only be later, and the bound higher. */
		if (line_is_crossed(&line[SERIN_LINE_ROLLOUT], READ_ONCE(trial->rollout), READ_ONCE(baseline->rollout)))
			crossed = SERIN_LINE_ROLLOUT;
		else if (SERIN_GUARD_EPOCH(lines) == epoch &&
			 line_is_crossed(&line[SERIN_LINE_EPOCH], READ_ONCE(trial->epoch), READ_ONCE(baseline->epoch)))
			crossed = SERIN_LINE_EPOCH;
		load_fence();
		if (READ_ONCE(guard->lines) == lines)
			return crossed;
	}
	return NO_LINE; /* the next incident sees it as well */
}

/* Is this the third incident within that time? */
static __always_inline bool is_burst(struct serin_trip *trip, __u64 settle, __u64 now)
{
	__u64 before = READ_ONCE(trip->met_ns[1]);

	WRITE_ONCE(trip->met_ns[1], READ_ONCE(trip->met_ns[0]));
	WRITE_ONCE(trip->met_ns[0], now);
	return (__s64)(now - before) < (__s64)settle;
}

/* Has a line been crossed for so long? Stores that CPUs lose to each other move that by what lies between two packets. */
static __always_inline bool has_stood(struct serin_trip *trip, __u64 arm, __u64 settle, __u64 now)
{
	__u64 since = READ_ONCE(trip->crossed_ns);

	if (!since || READ_ONCE(trip->crossed_arm) != arm) {
		WRITE_ONCE(trip->crossed_arm, arm);
		WRITE_ONCE(trip->crossed_ns, now);
		since = now;
	}
	return (__s64)(now - since) >= (__s64)settle;
}

/* True for the one CPU that has done it. */
static __always_inline bool trip_set(struct serin_trip *trip, __u64 arm, int line, __u64 now)
{
	__u64 known;
	int i;

	for (i = 0; i < 4; i++) {
		known = READ_ONCE(trip->word);
		/* It has tripped already; or the agent has armed anew, and this CPU has not noticed. */
		if (SERIN_TRIP_ARM(known) >= arm)
			return false;
		WRITE_ONCE(trip->ns, now);
		if (swap_if(&trip->word, known, SERIN_TRIP(arm, line)))
			return true;
	}
	return false;
}

/* With `met`, the version at `place` has failed one more client, which has been counted; else what a burst said is asked for
 * again. The sweep, which packets interrupt, comes here as well: nothing in scratch. */
verified_once int guard_judge(__u32 place, __u32 baseline_place, __u32 epoch, bool met)
{
	const struct serin_incidents *trial = bpf_map_lookup_elem(&incidents, &place);
	const struct serin_incidents *baseline = bpf_map_lookup_elem(&incidents, &baseline_place);
	const struct serin_guard *guard = bpf_map_lookup_elem(&guards, &place);
	struct serin_trip *trip = bpf_map_lookup_elem(&trips, &place);
	struct serin_verdict *verdict;
	__u64 arm, now, settle;
	bool burst;
	int line;

	if (!trial || !baseline || !guard || !trip)
		return 0;
	arm = READ_ONCE(guard->arm);
	if (!arm || SERIN_TRIP_ARM(READ_ONCE(trip->word)) == arm)
		return 0;
	load_fence();
	now = bpf_ktime_get_ns();
	settle = READ_ONCE(guard->settle_ns);
	burst = !met || is_burst(trip, settle, now);
	line = line_crossed(guard, trial, baseline, epoch);
	if (line == NO_LINE) {
		WRITE_ONCE(trip->crossed_ns, 0);
		return 0;
	}
	if (!has_stood(trip, arm, settle, now) && burst)
		return 0;
	if (!trip_set(trip, arm, line, now))
		return 0;
	/* No room, since nobody reads: the map has it. */
	verdict = bpf_ringbuf_reserve(&verdicts, sizeof(*verdict), 0);
	if (!verdict)
		return 1;
	verdict->kind = SERIN_VERDICT_TRIPPED;
	verdict->place = place;
	verdict->ns = now;
	verdict->trip = SERIN_TRIP(arm, line);
	bpf_ringbuf_submit(verdict, 0);
	return 1;
}

static __always_inline bool is_to_be_asked(const struct serin_trip *trip, __u64 arm, __u64 settle)
{
	__u64 since = READ_ONCE(trip->crossed_ns);

	return since && READ_ONCE(trip->crossed_arm) == arm && (__s64)(bpf_ktime_get_ns() - since) >= (__s64)settle;
}

/* Why the version at `place` gets no new connection; SERIN_GUARD_REASON_COUNT: it does. */
static __always_inline __u32 guard_refusal(__u32 place, __u32 baseline_place, __u32 epoch)
{
	const struct serin_guard *guard = bpf_map_lookup_elem(&guards, &place);
	const struct serin_trip *trip;
	__u64 arm, lease;

	if (!guard)
		return SERIN_GUARD_REASON_COUNT;
	arm = READ_ONCE(guard->arm);
	if (!arm)
		return SERIN_GUARD_REASON_COUNT;
	trip = bpf_map_lookup_elem(&trips, &place);
	if (trip && is_to_be_asked(trip, arm, READ_ONCE(guard->settle_ns)))
		guard_judge(place, baseline_place, epoch, false);
	if (trip && SERIN_TRIP_ARM(READ_ONCE(trip->word)) == arm)
		return SERIN_GUARD_ERRORS;
	if (READ_ONCE(guard->closed))
		return SERIN_GUARD_CLOSED;
	lease = READ_ONCE(guard->lease_ns);
	return lease && bpf_ktime_get_coarse_ns() > lease ? SERIN_GUARD_LEASE : SERIN_GUARD_REASON_COUNT;
}

static __always_inline void count_turned_away(__u32 place, __u32 why)
{
	struct serin_turned_away *count = bpf_map_lookup_elem(&turned_away, &place);

	if (count && why < SERIN_GUARD_REASON_COUNT)
		count->count[why]++;
}

#endif
