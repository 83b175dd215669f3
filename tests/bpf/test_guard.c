/* SPDX-License-Identifier: BSD-2-Clause */
/* The guard: the very incident that crosses a line trips it, the lease, and that nothing happens by itself. */
#include <errno.h>

#include "guarded.h"

static void nothing_is_armed(void **state)
{
	struct trial trial = trial_open();

	(void)state;
	assert_int_equal(guard_of(&trial, trial.canary).arm, 0);
	incidents_of(&trial, trial.canary_backend, 50);
	expect_open(&trial);
	assert_int_equal(counted(&trial, trial.canary).rollout, 50);
	assert_int_equal(counted(&trial, trial.canary).epoch, 50);
	assert_int_equal(counted(&trial, trial.stable).rollout, 0);
	for (int why = 0; why < SERIN_GUARD_REASON_COUNT; why++)
		assert_int_equal(turned_away(&trial, trial.canary, why), 0);
	/* Nor by an unarmed guard that is otherwise shut in every way. */
	arm_rollout(&trial, INT64_MIN, 0);
	datapath_guard_close(trial.lab->datapath, trial.service, trial.canary, true);
	datapath_guard_lease(trial.lab->datapath, trial.service, trial.canary, 1);
	assert_int_equal(datapath_guard_disarm(trial.lab->datapath, trial.service, trial.canary), 0);
	incidents_of(&trial, trial.canary_backend, 2);
	expect_open(&trial);
}

static void the_line_of_the_rollout(void **state)
{
	struct trial trial = trial_open();
	uint64_t number = arm_rollout(&trial, 3 * ONE, ONE / 2);

	(void)state;
	incidents_of(&trial, trial.stable_backend, 2); /* the bound is 4 */
	expect_trips_after(&trial, 4, SERIN_LINE_ROLLOUT, number);
	assert_int_equal(turned_away(&trial, trial.canary, SERIN_GUARD_ERRORS), 1);
	assert_int_equal(turned_away(&trial, trial.canary, SERIN_GUARD_LEASE), 0);
	assert_int_equal(turned_away(&trial, trial.stable, SERIN_GUARD_ERRORS), 0);
	/* Once, whatever more there is; nor does it go back with the baseline's incidents. */
	incidents_of(&trial, trial.stable_backend, 100);
	read_trips(trial.lab);
	assert_int_equal(trips_told, 0);
	assert_int_equal(goes_to(&trial, trial.canary_backend), trial.stable_backend);
}

/* A fraction below the bound is not there yet. */
static void to_the_fraction(void **state)
{
	struct trial trial = trial_open();
	uint64_t number = arm_rollout(&trial, 2 * ONE + 1, 0);

	(void)state;
	expect_trips_after(&trial, 3, SERIN_LINE_ROLLOUT, number);
	number = arm_rollout(&trial, 4 * ONE - 1, 1); /* with the baseline's 1: 4 */
	incidents_of(&trial, trial.stable_backend, 1);
	expect_trips_after(&trial, 1, SERIN_LINE_ROLLOUT, number);
}

static void the_line_of_the_epoch(void **state)
{
	struct trial trial = trial_open();
	uint32_t epoch = trial_epoch(&trial);
	uint64_t number;

	(void)state;
	number = arm_epoch(&trial, 2 * ONE, 0, epoch);
	expect_trips_after(&trial, 2, SERIN_LINE_EPOCH, number);
	/* Of another epoch: nothing. */
	number = arm_epoch(&trial, 2 * ONE, 0, epoch + 1);
	incidents_of(&trial, trial.canary_backend, 5);
	expect_open(&trial);
	trial_change_plan(&trial, to_epoch, epoch + 1);
	/* Cumulative: seven before. */
	expect_trips_after(&trial, 1, SERIN_LINE_EPOCH, number);
	/* The plan goes on, the line waits for the agent. */
	arm_epoch(&trial, 9 * ONE, 0, epoch + 1);
	trial_change_plan(&trial, to_epoch, epoch + 2);
	incidents_of(&trial, trial.canary_backend, 5);
	expect_open(&trial);
}

/* The same clients in another epoch feed its line, and not that of the rollout. */
static void once_more_in_every_epoch(void **state)
{
	struct trial trial = trial_open();
	uint32_t epoch = trial_epoch(&trial);
	unsigned int clients[3];
	uint64_t number;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct visit visit = visit_of(&trial, clients[i] = client_drawn_for(&trial, trial.canary_backend), 1);

		visit_refuse(&visit);
	}
	arm_rollout(&trial, 4 * ONE, 0);
	trial_change_plan(&trial, to_epoch, epoch + 1);
	for (size_t i = 0; i < 6; i++) {
		struct visit visit = visit_of(&trial, clients[i % 3], (uint16_t)(2 + i));

		visit_refuse(&visit);
	}
	assert_int_equal(counted(&trial, trial.canary).rollout, 3);
	assert_int_equal(counted(&trial, trial.canary).epoch, 6);
	expect_open(&trial);
	/* Another draw: everybody is new. */
	number = arm_rollout(&trial, 4 * ONE, 0);
	trial_change_plan(&trial, to_seed, 12345);
	expect_trips_after(&trial, 1, SERIN_LINE_ROLLOUT, number);
	assert_int_equal(counted(&trial, trial.canary).rollout, 4);
	assert_int_equal(counted(&trial, trial.canary).epoch, 7);
}

/* Allowances are about cumulative counts: what was counted before may be far beyond, or far below. */
static void signed_numbers(void **state)
{
	static const struct {
		int64_t allowance, slope;
		unsigned int baseline;
		bool trips;
	} cases[] = {
		{ 0, 0, 0, true },
		{ -5 * ONE, ONE, 6, true },
		{ -5 * ONE, ONE, 7, false }, /* bound 2 */
		{ -5 * ONE - 1, 3 * ONE, 2, true },
		{ INT64_MIN, 0, 3, true },
		{ INT64_MIN, (1ll << 60) - 1, 8, true },
		{ INT64_MIN, 1ll << 60, 8, false }, /* 2^63 does not fit */
		{ INT64_MIN, INT64_MAX - 1, 1, true },
		{ INT64_MIN, INT64_MAX - 1, 2, false }, /* what does not fit */
		{ 1, 1ll << 62, 1, false },
		{ 1, 1ll << 62, 2, false },
		{ 1, 1ll << 62, 3, false }, /* 2^62 * 3 - 2^64 would be negative */
		{ 1, 1ll << 62, 4, false }, /* 2^64 would be 0 */
		{ INT64_MAX - 1, ONE, 1, false },
		{ INT64_MAX - 1, 2, 1, false },
		{ SERIN_LINE_OFF, 0, 1, false },
		{ INT64_MIN, SERIN_LINE_OFF, 0, false },
		{ -ONE, SERIN_LINE_OFF, 3, false },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct trial trial = trial_open();

		arm_rollout(&trial, cases[i].allowance, cases[i].slope);
		incidents_of(&trial, trial.stable_backend, cases[i].baseline);
		one_incident(&trial, trial.canary_backend);
		if (guard_of(&trial, trial.canary).tripped != cases[i].trips)
			fail_msg("case %zu: %s, expected otherwise", i, cases[i].trips ? "open" : "tripped");
	}
}

/* Counts as they are after years. */
static void large_counts(void **state)
{
	static const struct {
		uint64_t trial, baseline;
		int64_t allowance, slope;
		bool trips;
	} cases[] = {
		{ 1ull << 40, 1ull << 40, 0, ONE, true }, /* with the one that is added */
		{ 1ull << 40, (1ull << 40) + 2, 0, ONE, false },
		{ 1ull << 40, 1ull << 33, 0, 128 * ONE, true },
		{ 1ull << 40, (1ull << 33) + 1, 0, 128 * ONE, false },
		{ 1ull << 40, 1ull << 33, ONE, 128 * ONE, true },
		{ 1ull << 40, 1ull << 33, ONE + 1, 128 * ONE, false },
		{ (1ull << 43) - 2, 0, INT64_MAX - ONE + 1, 0, true },
		{ (1ull << 43) - 3, 0, INT64_MAX - ONE + 1, 0, false },
		{ 1ull << 50, 0, INT64_MAX - ONE + 1, 0, true },
		{ 1ull << 50, 0, INT64_MAX - ONE + 2, 0, false }, /* a count of that size is cut off */
		{ 1ull << 63, 1ull << 62, INT64_MIN, 1, true },
		{ 0, 1ull << 63, INT64_MIN, 1, false },
		{ 0, UINT64_MAX, INT64_MIN, 0, true },
		{ 0, 1ull << 32, INT64_MIN, 1ll << 32, false },
		{ 0, (1ull << 31) - 1, INT64_MIN, 1ll << 32, true },
		{ 0, 1ull << 34, INT64_MIN, 1ll << 62, false }, /* whose product is a multiple of 2^64 */
		{ 5, 0xffffffff, -0x7fffffff80000000, 0x7fffffff, true },
		{ 5, 0xffffffff, -0x7ffffffe80000001 + 6 * ONE, 0x7fffffff, true },
		{ 5, 0xffffffff, -0x7ffffffe80000001 + 6 * ONE + 1, 0x7fffffff, false },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct trial trial = trial_open();
		struct serin_incidents own = { cases[i].trial, 0 }, other = { cases[i].baseline, 0 };

		lab_write(trial.lab, "incidents", SERIN_VERSION_PLACE(trial.service, trial.canary), &own);
		lab_write(trial.lab, "incidents", SERIN_VERSION_PLACE(trial.service, trial.stable), &other);
		arm_rollout(&trial, cases[i].allowance, cases[i].slope);
		one_incident(&trial, trial.canary_backend);
		if (guard_of(&trial, trial.canary).tripped != cases[i].trips)
			fail_msg("case %zu: %s, expected otherwise", i, cases[i].trips ? "open" : "tripped");
	}
}

/* Both fail alike: the bound moves with the baseline. */
static void a_shared_outage(void **state)
{
	struct trial trial = trial_open();
	uint64_t number = arm_rollout(&trial, 5 * ONE, ONE + ONE / 4);

	(void)state;
	for (int i = 0; i < 100; i++) {
		one_incident(&trial, trial.stable_backend);
		one_incident(&trial, trial.canary_backend);
	}
	expect_open(&trial);
	/* The bound is 130. */
	incidents_of(&trial, trial.canary_backend, 28);
	expect_trips_after(&trial, 2, SERIN_LINE_ROLLOUT, number);
}

static void the_lease(void **state)
{
	struct trial trial = trial_open();
	struct datapath *datapath = trial.lab->datapath;

	(void)state;
	arm_rollout(&trial, SERIN_LINE_OFF, 0);
	expect_open(&trial);
	datapath_guard_lease(datapath, trial.service, trial.canary, now_ns() + 3600 * SECOND);
	expect_open(&trial);
	datapath_guard_lease(datapath, trial.service, trial.canary, now_ns() - SECOND);
	assert_int_equal(goes_to(&trial, trial.canary_backend), trial.stable_backend);
	assert_int_equal(turned_away(&trial, trial.canary, SERIN_GUARD_LEASE), 1);
	assert_false(guard_of(&trial, trial.canary).tripped);
	/* No latch. */
	datapath_guard_lease(datapath, trial.service, trial.canary, now_ns() + 3600 * SECOND);
	expect_open(&trial);
	datapath_guard_lease(datapath, trial.service, trial.canary, 1);
	assert_int_equal(goes_to(&trial, trial.canary_backend), trial.stable_backend);
	datapath_guard_lease(datapath, trial.service, trial.canary, 0);
	expect_open(&trial);
	assert_int_equal(turned_away(&trial, trial.canary, SERIN_GUARD_LEASE), 2);
	/* It runs out by itself. */
	datapath_guard_lease(datapath, trial.service, trial.canary, now_ns() + SECOND / 5);
	expect_open(&trial);
	nanosleep(&(struct timespec){ .tv_nsec = 300000000 }, NULL);
	assert_int_equal(goes_to(&trial, trial.canary_backend), trial.stable_backend);
}

static void closed(void **state)
{
	struct trial trial = trial_open();
	struct datapath *datapath = trial.lab->datapath;

	(void)state;
	assert_int_equal(datapath_guard_close(datapath, trial.service, trial.canary, true), -ENOENT);
	arm_rollout(&trial, SERIN_LINE_OFF, 0);
	assert_int_equal(datapath_guard_close(datapath, trial.service, trial.canary, true), 0);
	assert_int_equal(goes_to(&trial, trial.canary_backend), trial.stable_backend);
	assert_int_equal(turned_away(&trial, trial.canary, SERIN_GUARD_CLOSED), 1);
	assert_int_equal(datapath_guard_close(datapath, trial.service, trial.canary, false), 0);
	expect_open(&trial);
}

static void armed_anew(void **state)
{
	struct trial trial = trial_open();
	struct guard_lines lines = no_lines();
	uint64_t first = arm_rollout(&trial, ONE, 0), second;

	(void)state;
	expect_trips_after(&trial, 1, SERIN_LINE_ROLLOUT, first);
	/* Another line does not open it again. */
	assert_int_equal(datapath_guard_line(trial.lab->datapath, trial.service, trial.canary, &lines), 0);
	assert_int_equal(goes_to(&trial, trial.canary_backend), trial.stable_backend);
	second = arm_rollout(&trial, 3 * ONE, 0);
	assert_true(second > first);
	expect_open(&trial);
	expect_trips_after(&trial, 2, SERIN_LINE_ROLLOUT, second);
	/* No number comes twice, armed or not. */
	datapath_guard_disarm(trial.lab->datapath, trial.service, trial.canary);
	assert_false(guard_of(&trial, trial.canary).tripped);
	expect_open(&trial);
	assert_true(arm_rollout(&trial, SERIN_LINE_OFF, 0) > second);
	expect_open(&trial);
	/* A trip that comes late, of an arming before: not even with this one's line crossed. */
	lab_write(trial.lab, "trips", SERIN_VERSION_PLACE(trial.service, trial.canary),
		  &(struct serin_trip){ .word = SERIN_TRIP(second, 0), .ns = 1 });
	expect_open(&trial);
}

/* Lines that are moved while armed: from then on they hold, both of them. */
static void lines_are_moved(void **state)
{
	struct trial trial = trial_open();
	struct guard_lines lines = no_lines(), read;
	uint64_t number = arm_rollout(&trial, 2 * ONE, 0);

	(void)state;
	for (int64_t i = 3; i < 20; i++) {
		lines.line[SERIN_LINE_ROLLOUT] = (struct serin_line){ i * ONE, i };
		lines.line[SERIN_LINE_EPOCH] = (struct serin_line){ (i + 1) * ONE, i + 1 };
		lines.epoch = trial_epoch(&trial);
		assert_int_equal(datapath_guard_line(trial.lab->datapath, trial.service, trial.canary, &lines), 0);
		read = guard_of(&trial, trial.canary).lines;
		assert_memory_equal(read.line, lines.line, sizeof(lines.line));
		assert_int_equal(read.epoch, lines.epoch);
		one_incident(&trial, trial.canary_backend);
		expect_open(&trial);
	}
	lines.line[SERIN_LINE_ROLLOUT] = GUARD_NO_LINE;
	lines.line[SERIN_LINE_EPOCH] = (struct serin_line){ 19 * ONE, 0 };
	assert_int_equal(datapath_guard_line(trial.lab->datapath, trial.service, trial.canary, &lines), 0);
	expect_trips_after(&trial, 2, SERIN_LINE_EPOCH, number);
}

/* Nobody reads the ring: the map has it all the same. */
static void a_full_ring(void **state)
{
	const uint32_t records = SERIN_VERDICTS_BYTES / (8 + sizeof(struct serin_verdict));
	struct trial trial = trial_open();
	uint64_t number;

	(void)state;
	for (uint32_t i = 0; i < records + 5; i++) {
		number = arm_rollout(&trial, 0, 0);
		one_incident(&trial, trial.canary_backend);
		assert_true(guard_of(&trial, trial.canary).tripped);
		assert_int_equal(guard_of(&trial, trial.canary).arm, number);
	}
	read_trips(trial.lab);
	/* Five strikes in a row are told of, too. */
	assert_in_range(trips_told, records * 4 / 5, records);
}

static void bad_arguments(void **state)
{
	struct trial trial = trial_open();
	struct datapath *datapath = trial.lab->datapath;
	struct guard_lines lines = no_lines();
	struct serin_turned_away away;
	struct serin_incidents incidents;
	struct guard_state found;
	struct serin_slow slow;

	(void)state;
	assert_int_equal(datapath_guard_arm(datapath, SERIN_MAX_SERVICES, 0, &lines, 0, NULL), -EINVAL);
	assert_int_equal(datapath_guard_arm(datapath, 0, SERIN_MAX_VERSIONS, &lines, 0, NULL), -EINVAL);
	assert_int_equal(datapath_guard_disarm(datapath, 0, SERIN_MAX_VERSIONS), -EINVAL);
	assert_int_equal(datapath_guard_read(datapath, 0, SERIN_MAX_VERSIONS, &found), -EINVAL);
	assert_int_equal(datapath_guard_turned_away(datapath, 0, SERIN_MAX_VERSIONS, &away), -EINVAL);
	assert_int_equal(datapath_guard_incidents(datapath, SERIN_MAX_SERVICES, 0, &incidents), -EINVAL);
	assert_int_equal(datapath_guard_slow(datapath, SERIN_MAX_SERVICES, 0, &slow), -EINVAL);
	assert_int_equal(datapath_guard_slow_limits(datapath, SERIN_MAX_SERVICES, NULL), -EINVAL);
	assert_int_equal(datapath_guard_lease(datapath, trial.service, trial.canary, 1), -ENOENT);
	assert_int_equal(datapath_guard_line(datapath, trial.service, trial.canary, &lines), -ENOENT);
	lines.line[SERIN_LINE_EPOCH].slope = -1;
	assert_int_equal(datapath_guard_arm(datapath, trial.service, trial.canary, &lines, 0, NULL), -EINVAL);
	assert_int_equal(guard_of(&trial, trial.canary).arm, 0);
	arm_rollout(&trial, 7, 8);
	assert_int_equal(datapath_guard_line(datapath, trial.service, trial.canary, &lines), -EINVAL);
	assert_int_equal(guard_of(&trial, trial.canary).lines.line[SERIN_LINE_ROLLOUT].allowance, 7);
}

/* A negative slope, as no agent writes it: no line. */
static void a_falling_line(void **state)
{
	struct trial trial = trial_open();
	struct serin_guard guard = { .arm = 1, .line = { { { 0, -1 }, { 0, -1 } } } };

	(void)state;
	guard.lines = SERIN_GUARD_LINES(trial_epoch(&trial), 0);
	lab_write(trial.lab, "guards", SERIN_VERSION_PLACE(trial.service, trial.canary), &guard);
	one_incident(&trial, trial.canary_backend);
	expect_open(&trial);
}

static void another_name(void **state)
{
	struct trial trial = trial_open();
	struct image *next = malloc(sizeof(*next));
	struct complaint complaint;
	uint64_t number = arm_rollout(&trial, ONE, 0);

	(void)state;
	assert_non_null(next);
	one_incident(&trial, trial.canary_backend);
	goes_to(&trial, trial.canary_backend);
	*next = *trial.lab->image;
	strcpy(next->services[trial.service].version[trial.canary], "another");
	assert_int_equal(datapath_apply_backends(trial.lab->datapath, trial.lab->image, next, &complaint), 0);
	assert_int_equal(guard_of(&trial, trial.canary).arm, 0);
	assert_int_equal(counted(&trial, trial.canary).rollout, 0);
	assert_int_equal(turned_away(&trial, trial.canary, SERIN_GUARD_ERRORS), 0);
	read_trips(trial.lab);
	expect_open(&trial);
	assert_true(arm_rollout(&trial, SERIN_LINE_OFF, 0) > number);
	expect_open(&trial);
	free(next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_armed),
		cmocka_unit_test(the_line_of_the_rollout),
		cmocka_unit_test(to_the_fraction),
		cmocka_unit_test(the_line_of_the_epoch),
		cmocka_unit_test(once_more_in_every_epoch),
		cmocka_unit_test(signed_numbers),
		cmocka_unit_test(large_counts),
		cmocka_unit_test(a_shared_outage),
		cmocka_unit_test(the_lease),
		cmocka_unit_test(closed),
		cmocka_unit_test(armed_anew),
		cmocka_unit_test(lines_are_moved),
		cmocka_unit_test(a_full_ring),
		cmocka_unit_test(bad_arguments),
		cmocka_unit_test(a_falling_line),
		cmocka_unit_test(another_name),
	};

	return EXPECT_RUN("guard", tests);
}
