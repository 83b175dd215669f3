/* SPDX-License-Identifier: BSD-2-Clause */
/* What a trial's guard says: open, or tripped by a line, once, with its record. */
#ifndef SERIN_TEST_GUARDED_H
#define SERIN_TEST_GUARDED_H

#include "trial.h"

#define SECOND 1000000000ull

static inline void expect_tripped(struct trial *trial, enum serin_line_kind line, uint64_t arm_number)
{
	struct guard_state state = guard_of(trial, trial->canary);

	assert_true(state.tripped);
	assert_int_equal(state.arm, arm_number);
	assert_int_equal(state.line, line);
	assert_in_range(now_ns() - state.tripped_ns, 0, 10 * SECOND);
	read_trips(trial->lab);
	assert_int_equal(trips_told, 1);
	assert_int_equal(trip_told[0].kind, SERIN_VERDICT_TRIPPED);
	assert_int_equal(trip_told[0].place, SERIN_VERSION_PLACE(trial->service, trial->canary));
	assert_int_equal(trip_told[0].trip, SERIN_TRIP(arm_number, line));
	assert_int_equal(trip_told[0].ns, state.tripped_ns);
}

static inline void expect_open(struct trial *trial)
{
	assert_false(guard_of(trial, trial->canary).tripped);
	read_trips(trial->lab);
	assert_int_equal(trips_told, 0);
	assert_int_equal(goes_to(trial, trial->canary_backend), trial->canary_backend);
}

/* Exactly `count` more incidents of the canary's cross the line. */
static inline void expect_trips_after(struct trial *trial, unsigned int count, enum serin_line_kind line,
				      uint64_t arm_number)
{
	while (--count) {
		one_incident(trial, trial->canary_backend);
		expect_open(trial);
	}
	one_incident(trial, trial->canary_backend);
	expect_tripped(trial, line, arm_number);
	assert_int_equal(goes_to(trial, trial->canary_backend), trial->stable_backend);
	assert_int_equal(goes_to(trial, trial->stable_backend), trial->stable_backend);
}

#endif
