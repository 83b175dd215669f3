/* SPDX-License-Identifier: BSD-2-Clause */
/* A tripped guard turns new connections away from its version: whose, whose not, and where they go then. */
#include "guarded.h"

/* Not asked, and not counted: the clients that a rule has placed. Turned away like all others. */
static void placed_by_a_rule(void **state)
{
	struct trial trial = trial_open_with("    rules: [{from: 100.64.200.0/24, version: canary}]\n");
	struct datapath *datapath = trial.lab->datapath;
	struct visit visit;

	(void)state;
	arm_rollout(&trial, ONE, 0);
	for (unsigned int client = 200 << 8; client < (200 << 8) + 5; client++) {
		visit = visit_of(&trial, client, 40000);
		assert_int_equal(visit.backend, trial.canary_backend);
		assert_true(visit.placed);
		visit_refuse(&visit);
	}
	assert_int_equal(counted(&trial, trial.canary).epoch, 0);
	expect_open(&trial);
	datapath_guard_close(datapath, trial.service, trial.canary, true);
	visit = visit_of(&trial, 200 << 8 | 99, 40000);
	assert_int_equal(visit.backend, trial.stable_backend);
	assert_true(visit.placed);
	visit_refuse(&visit);
	assert_int_equal(counted(&trial, trial.stable).epoch, 0);
	assert_int_equal(turned_away(&trial, trial.canary, SERIN_GUARD_CLOSED), 1);
}

/* Who was drawn for the trial and turned away is nobody's case: the baseline got more clients than the draw gave it. */
static void turned_away_is_not_judged(void **state)
{
	struct trial trial = trial_open();
	struct visit visit;

	(void)state;
	arm_rollout(&trial, SERIN_LINE_OFF, 0);
	datapath_guard_close(trial.lab->datapath, trial.service, trial.canary, true);
	visit = visit_of(&trial, client_drawn_for(&trial, trial.canary_backend), 40000);
	assert_int_equal(visit.backend, trial.stable_backend);
	assert_false(visit.placed);
	assert_false(visit.drawn);
	visit_refuse(&visit);
	assert_int_equal(counted(&trial, trial.stable).epoch, 0);
	assert_int_equal(counted(&trial, trial.canary).epoch, 0);
	one_incident(&trial, trial.stable_backend);
	assert_int_equal(counted(&trial, trial.stable).epoch, 1);
}

static void open_flows_go_on(void **state)
{
	struct trial trial = trial_open();
	unsigned int client = client_drawn_for(&trial, trial.canary_backend);
	struct visit old = visit_of(&trial, client, 40000);
	struct expect_counters before, after;

	(void)state;
	visit_answer(&old, SYN | ACK, BACKEND_ISN, CLIENT_ISN + 1, NULL);
	arm_rollout(&trial, ONE, 0);
	one_incident(&trial, trial.canary_backend);
	assert_int_equal(visit_of(&trial, client, 40001).backend, trial.stable_backend);
	before = expect_read_counters(trial.lab);
	visit_say(&old, ACK, CLIENT_ISN + 1, BACKEND_ISN + 1, NULL);
	visit_say(&old, PSH | ACK, CLIENT_ISN + 1, BACKEND_ISN + 1, "ask");
	visit_answer(&old, PSH | ACK, BACKEND_ISN + 1, CLIENT_ISN + 4, "say");
	after = expect_read_counters(trial.lab);
	assert_int_equal(after.stats[trial.canary_backend].packets[SERIN_TO_BACKEND] -
				 before.stats[trial.canary_backend].packets[SERIN_TO_BACKEND],
			 2);
	assert_int_equal(after.stats[trial.canary_backend].answered - before.stats[trial.canary_backend].answered, 1);
	assert_int_equal(flowtable_check(trial.lab, stdout), 0);
}

/* A segment in the middle of a connection that was begun elsewhere goes where that has gone; a datagram is a new flow. */
static void strays_are_no_new_connections(void **state)
{
	struct trial trial = trial_open();
	struct segment stray, datagram;
	unsigned int client;

	(void)state;
	arm_rollout(&trial, SERIN_LINE_OFF, 0);
	datapath_guard_close(trial.lab->datapath, trial.service, trial.canary, true);
	client = client_drawn_for(&trial, trial.canary_backend);
	stray = packet_of(client, 40000, FRAME_TCP, ACK);
	assert_int_equal(visit_begin(&trial, &stray).backend, trial.canary_backend);
	datagram = packet_of(client, 40000, FRAME_UDP, 0);
	assert_int_equal(visit_begin(&trial, &datagram).backend, trial.stable_backend);
}

/* There is nothing else to know a connection by, when the table is full. */
static void but_in_one_way_modes_they_may_be(void **state)
{
	struct trial trial = trial_open_as("l2", "");
	struct segment stray;

	(void)state;
	assert_int_equal(goes_to(&trial, trial.canary_backend), trial.canary_backend);
	arm_rollout(&trial, SERIN_LINE_OFF, 0);
	datapath_guard_close(trial.lab->datapath, trial.service, trial.canary, true);
	assert_int_equal(goes_to(&trial, trial.canary_backend), trial.stable_backend);
	stray = packet_of(client_drawn_for(&trial, trial.canary_backend), 40000, FRAME_TCP, ACK);
	assert_int_equal(visit_begin(&trial, &stray).backend, trial.stable_backend);
}

static void two_shares(struct serin_plan *plan, uint64_t third)
{
	for (size_t i = 0; i < SERIN_SLOTS; i++)
		plan->slot[i] = (uint8_t)(i % 3 == 2 ? third : plan->slot[i]);
}

/* Each has a guard of its own, and the same baseline. */
static void several_versions_on_trial(void **state)
{
	struct trial trial = trial_open();
	struct guard_lines lines = no_lines();
	uint64_t number;

	(void)state;
	trial_change_plan(&trial, two_shares, trial.third);
	lines.line[SERIN_LINE_ROLLOUT] = (struct serin_line){ 4 * ONE, ONE };
	arm(&trial, trial.third, &lines);
	number = arm_rollout(&trial, 2 * ONE, ONE);
	incidents_of(&trial, trial.stable_backend, 1);
	incidents_of(&trial, trial.third_backend, 4);
	expect_trips_after(&trial, 3, SERIN_LINE_ROLLOUT, number);
	assert_false(guard_of(&trial, trial.third).tripped);
	assert_int_equal(goes_to(&trial, trial.third_backend), trial.third_backend);
	one_incident(&trial, trial.third_backend);
	assert_true(guard_of(&trial, trial.third).tripped);
	assert_int_equal(goes_to(&trial, trial.third_backend), trial.stable_backend);
	assert_int_equal(turned_away(&trial, trial.third, SERIN_GUARD_ERRORS), 1);
	assert_int_equal(turned_away(&trial, trial.canary, SERIN_GUARD_ERRORS), 1);
}

static void baseline_is(struct serin_plan *plan, uint64_t version)
{
	plan->baseline = (uint8_t)version;
}

/* Armed or not: it is where the others are sent. */
static void the_baseline_has_no_guard(void **state)
{
	struct trial trial = trial_open();
	struct guard_lines lines = no_lines();

	(void)state;
	lines.line[SERIN_LINE_ROLLOUT] = (struct serin_line){ 0, 0 };
	arm(&trial, trial.stable, &lines);
	datapath_guard_close(trial.lab->datapath, trial.service, trial.stable, true);
	one_incident(&trial, trial.stable_backend);
	assert_false(guard_of(&trial, trial.stable).tripped);
	assert_int_equal(goes_to(&trial, trial.stable_backend), trial.stable_backend);
	/* When it is on trial it has. */
	trial_change_plan(&trial, baseline_is, trial.canary);
	assert_int_equal(goes_to(&trial, trial.stable_backend), trial.canary_backend);
}

static void nobody_at_the_baseline(struct serin_plan *plan, uint64_t version)
{
	for (size_t i = 0; i < SERIN_RING_SIZE; i++)
		plan->ring[version][i] = SERIN_NO_BACKEND;
}

static void nowhere_to_go(void **state)
{
	struct trial trial = trial_open();

	(void)state;
	trial_change_plan(&trial, nobody_at_the_baseline, trial.stable);
	arm_rollout(&trial, SERIN_LINE_OFF, 0);
	datapath_guard_close(trial.lab->datapath, trial.service, trial.canary, true);
	assert_int_equal(goes_to(&trial, trial.canary_backend), trial.canary_backend);
	assert_int_equal(turned_away(&trial, trial.canary, SERIN_GUARD_CLOSED), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(placed_by_a_rule),
		cmocka_unit_test(turned_away_is_not_judged),
		cmocka_unit_test(open_flows_go_on),
		cmocka_unit_test(strays_are_no_new_connections),
		cmocka_unit_test(but_in_one_way_modes_they_may_be),
		cmocka_unit_test(several_versions_on_trial),
		cmocka_unit_test(the_baseline_has_no_guard),
		cmocka_unit_test(nowhere_to_go),
	};

	return EXPECT_RUN("guard_turns", tests);
}
