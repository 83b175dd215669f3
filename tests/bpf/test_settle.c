/* SPDX-License-Identifier: BSD-2-Clause */
/* What a burst of incidents says has to stand for a while before the guard trips; what comes more slowly decides at once. */
#include <unistd.h>

#include "trial.h"

#define MILLISECOND 1000000ull
#define LONG (60000 * MILLISECOND)
#define SHORT (300 * MILLISECOND)

/* Three more incidents than the baseline has cross the line. */
static uint64_t arm_at_three(const struct trial *trial, uint64_t settle_ns)
{
	const struct guard_lines lines = { .line = { { 3 * ONE, ONE }, GUARD_NO_LINE }, .settle_ns = settle_ns };
	uint64_t number;

	assert_int_equal(datapath_guard_arm(trial->lab->datapath, trial->service, trial->canary, &lines, 0, &number),
			 0);
	assert_int_equal(guard_of(trial, trial->canary).lines.settle_ns, settle_ns);
	return number;
}

static bool has_tripped(struct trial *trial)
{
	bool tripped = guard_of(trial, trial->canary).tripped;

	assert_int_equal(goes_to(trial, trial->canary_backend),
			 tripped ? trial->stable_backend : trial->canary_backend);
	return tripped;
}

static void sleep_ns(uint64_t ns)
{
	usleep((useconds_t)(ns / 1000));
}

/* Those who came before, and are refused when the test says so: a new connection may decide. */
static struct visit came(struct trial *trial)
{
	return visit_of(trial, client_drawn_for(trial, trial->canary_backend), 40000);
}

static void a_burst_has_to_stand(void **state)
{
	struct trial trial = trial_open();
	struct visit before = came(&trial);

	(void)state;
	arm_at_three(&trial, SHORT);
	incidents_of(&trial, trial.canary_backend, 5);
	assert_false(has_tripped(&trial));
	/* Time alone decides nothing, nor does an incident of the baseline's. */
	sleep_ns(SHORT);
	incidents_of(&trial, trial.stable_backend, 1);
	assert_false(guard_of(&trial, trial.canary).tripped);
	visit_refuse(&before);
	assert_true(has_tripped(&trial));
}

/* Nobody is left whom it could fail: they have all been counted. */
static void who_comes_next_asks_again(void **state)
{
	struct trial trial = trial_open();

	(void)state;
	read_trips(trial.lab);
	arm_at_three(&trial, SHORT);
	incidents_of(&trial, trial.canary_backend, 5);
	assert_int_equal(goes_to(&trial, trial.canary_backend), trial.canary_backend);
	sleep_ns(SHORT);
	assert_int_equal(goes_to(&trial, trial.stable_backend), trial.stable_backend);
	assert_false(guard_of(&trial, trial.canary).tripped);
	assert_int_equal(goes_to(&trial, trial.canary_backend), trial.stable_backend);
	assert_true(has_tripped(&trial));
	assert_int_equal(turned_away(&trial, trial.canary, SERIN_GUARD_ERRORS), 2);
	read_trips(trial.lab);
	assert_int_equal(trips_told, 1);
}

static void what_the_baseline_shares_does_not_stand(void **state)
{
	struct trial trial = trial_open();
	struct visit before[] = { came(&trial), came(&trial), came(&trial), came(&trial), came(&trial) };

	(void)state;
	arm_at_three(&trial, SHORT);
	incidents_of(&trial, trial.canary_backend, 5);
	incidents_of(&trial, trial.stable_backend, 7); /* the bound is 10 */
	sleep_ns(SHORT);
	assert_false(has_tripped(&trial));
	/* It is crossed again, by a second burst, which has to stand for itself. */
	for (size_t i = 0; i < 5; i++)
		visit_refuse(&before[i]);
	assert_false(has_tripped(&trial));
	sleep_ns(SHORT);
	assert_int_equal(goes_to(&trial, trial.canary_backend), trial.stable_backend);
	assert_true(has_tripped(&trial));
}

static void who_fails_slowly_gets_no_respite(void **state)
{
	struct trial trial = trial_open();

	(void)state;
	arm_at_three(&trial, SHORT);
	incidents_of(&trial, trial.canary_backend, 1);
	sleep_ns(SHORT);
	/* Two at a time are no burst. */
	incidents_of(&trial, trial.canary_backend, 1);
	assert_false(has_tripped(&trial));
	incidents_of(&trial, trial.canary_backend, 1);
	assert_true(has_tripped(&trial));
}

static void an_arming_begins_anew(void **state)
{
	struct trial trial = trial_open();
	struct visit before = came(&trial);

	(void)state;
	arm_at_three(&trial, LONG);
	incidents_of(&trial, trial.canary_backend, 5);
	sleep_ns(SHORT);
	incidents_of(&trial, trial.canary_backend, 2);
	/* In the middle of a burst, with a line that is crossed already, but has not stood under this arming. */
	arm_at_three(&trial, SHORT);
	incidents_of(&trial, trial.canary_backend, 1);
	assert_false(has_tripped(&trial));
	sleep_ns(SHORT);
	visit_refuse(&before);
	assert_true(has_tripped(&trial));
	/* Without such a time the very incident decides. */
	arm_at_three(&trial, 0);
	incidents_of(&trial, trial.canary_backend, 1);
	assert_true(has_tripped(&trial));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_has_to_stand),
		cmocka_unit_test(who_comes_next_asks_again),
		cmocka_unit_test(what_the_baseline_shares_does_not_stand),
		cmocka_unit_test(who_fails_slowly_gets_no_respite),
		cmocka_unit_test(an_arming_begins_anew),
	};

	return EXPECT_RUN("settle", tests);
}
