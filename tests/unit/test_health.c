/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of a backend: every transition, the backoff, the slow start, and the cap for versions of 0 to 10 members. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "health.h"

static const struct health_rules by_checks = { HEALTH_BY_CHECKS, .fall = 3, .rise = 2 };
static const struct health_rules by_trial = { HEALTH_BY_TRIAL, .fall = 3, .rise = 2 };
static const struct health_rules by_time = { HEALTH_BY_TIME, .fall = 3, .rise = 2 };
static const struct health_rules slowly = { HEALTH_BY_CHECKS, .fall = 1, .rise = 1, .slow_start_ms = 30000 };

static enum health_change pass(struct health *health, int64_t now_ms)
{
	return health_checked(health, &by_checks, true, HEALTH_NONE, now_ms);
}

static enum health_change fail_by(struct health *health, enum health_reason why, int64_t now_ms)
{
	return health_checked(health, &by_checks, false, why, now_ms);
}

/* Struck when it may be ejected. */
static enum health_change strike(struct health *health, int64_t now_ms)
{
	return health_struck(health, HEALTH_REFUSED, true, now_ms);
}

static void test_begins_in_service(void **state)
{
	struct health health = { 0 };

	(void)state;
	assert_true(health_in_service(&health));
	assert_int_equal(health_share(&health, &slowly, 5), 1000);
	assert_int_equal(health_tick(&health, &by_trial, 1 << 30), HEALTH_SAME);
	assert_true(health_next_ms(&health, &slowly, 5) == INT64_MAX);
	assert_string_equal(health_state_name(health.state), "up");
}

static void test_falls_by_checks_in_a_row(void **state)
{
	struct health health = { 0 };

	(void)state;
	assert_int_equal(fail_by(&health, HEALTH_REFUSED, 1000), HEALTH_SAME);
	assert_int_equal(fail_by(&health, HEALTH_REFUSED, 2000), HEALTH_SAME);
	assert_int_equal(health.why, HEALTH_REFUSED);
	assert_int_equal(pass(&health, 3000), HEALTH_SAME); /* begins to count again */
	assert_int_equal(health.why, HEALTH_NONE);
	assert_int_equal(fail_by(&health, HEALTH_REFUSED, 4000), HEALTH_SAME);
	assert_int_equal(fail_by(&health, HEALTH_REFUSED, 5000), HEALTH_SAME);
	assert_true(health_in_service(&health));
	assert_int_equal(fail_by(&health, HEALTH_STATUS, 6000), HEALTH_WENT_OUT);
	assert_int_equal(health.state, HEALTH_DOWN);
	assert_int_equal(health.why, HEALTH_STATUS);
	assert_false(health.passive);
	assert_true(health.since_ms == 6000);
	assert_int_equal(health_share(&health, &by_checks, 6000), 0);
	assert_int_equal(fail_by(&health, HEALTH_TIMEOUT, 8000), HEALTH_SAME); /* the reason is the latest */
	assert_int_equal(health.why, HEALTH_TIMEOUT);
	assert_true(health.since_ms == 6000);
}

static void test_rises_by_checks_in_a_row(void **state)
{
	struct health health = { 0 };
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		fail_by(&health, HEALTH_REFUSED, 1000);
	assert_int_equal(pass(&health, 2000), HEALTH_SAME);
	assert_int_equal(fail_by(&health, HEALTH_CLOSED, 3000), HEALTH_SAME);
	assert_int_equal(pass(&health, 4000), HEALTH_SAME);
	assert_int_equal(health_tick(&health, &by_checks, 1 << 30), HEALTH_SAME); /* never by time */
	assert_int_equal(pass(&health, 5000), HEALTH_CAME_BACK);
	assert_int_equal(health.state, HEALTH_UP);
	assert_int_equal(health.why, HEALTH_NONE);
	assert_true(health.since_ms == 5000);
	assert_int_equal(health_share(&health, &by_checks, 5000), 1000); /* without a slow start */
	/* and needs `fall` of them once more */
	assert_int_equal(fail_by(&health, HEALTH_REFUSED, 6000), HEALTH_SAME);
	assert_int_equal(fail_by(&health, HEALTH_REFUSED, 7000), HEALTH_SAME);
	assert_int_equal(fail_by(&health, HEALTH_REFUSED, 8000), HEALTH_WENT_OUT);
}

static void test_checks_nobody_waits_for(void **state)
{
	struct health health = { 0 };
	int i;

	(void)state;
	for (i = 0; i < 5; i++)
		assert_int_equal(health_checked(&health, &by_trial, false, HEALTH_REFUSED, 1000), HEALTH_SAME);
	assert_int_equal(health.fails, 0);
	assert_int_equal(strike(&health, 2000), HEALTH_WENT_OUT);
	assert_int_equal(health_checked(&health, &by_trial, true, HEALTH_NONE, 9000), HEALTH_SAME);
	assert_int_equal(health.state, HEALTH_DOWN);
}

static void test_trial_brings_back(void **state)
{
	struct health health = { 0 };

	(void)state;
	assert_int_equal(strike(&health, 100000), HEALTH_WENT_OUT);
	assert_true(health.passive);
	assert_int_equal(health.why, HEALTH_REFUSED);
	assert_true(health_next_ms(&health, &by_trial, 100000) == 101000);
	assert_int_equal(health_tick(&health, &by_trial, 100999), HEALTH_SAME);
	assert_int_equal(health_tick(&health, &by_trial, 101000), HEALTH_TRY);
	assert_int_equal(health.state, HEALTH_TRYING);
	assert_false(health_in_service(&health));
	assert_int_equal(health_tick(&health, &by_trial, 102000), HEALTH_SAME); /* one at a time */
	assert_true(health_next_ms(&health, &by_trial, 102000) == INT64_MAX);
	assert_int_equal(strike(&health, 102000), HEALTH_SAME);
	assert_int_equal(health_checked(&health, &by_trial, true, HEALTH_NONE, 102001), HEALTH_CAME_BACK);
	assert_true(health_in_service(&health));
	assert_false(health.passive);
}

static void test_trials_back_off(void **state)
{
	static const int waits[] = { 1, 2, 4, 8, 16, 32, 60, 60, 60 };
	struct health health = { 0 };
	int64_t now = 1000000;
	unsigned int i;

	(void)state;
	strike(&health, now);
	for (i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		assert_int_equal(health_next_ms(&health, &by_trial, now) - now, waits[i] * 1000);
		now += waits[i] * 1000;
		assert_int_equal(health_tick(&health, &by_trial, now - 1), HEALTH_SAME);
		assert_int_equal(health_tick(&health, &by_trial, now), HEALTH_TRY);
		now += 500;
		assert_int_equal(health_checked(&health, &by_trial, false, HEALTH_TIMEOUT, now), HEALTH_SAME);
		assert_int_equal(health.state, HEALTH_DOWN);
		assert_int_equal(health.why, HEALTH_TIMEOUT);
	}
}

/* A trial that this host could not make says nothing, and costs nothing. */
static void test_untried(void **state)
{
	struct health health = { 0 };

	(void)state;
	health_untried(&health, 500);
	assert_int_equal(health.state, HEALTH_UP);
	strike(&health, 1000);
	assert_int_equal(health_tick(&health, &by_trial, 2000), HEALTH_TRY);
	health_checked(&health, &by_trial, false, HEALTH_REFUSED, 2100);
	assert_int_equal(health_tick(&health, &by_trial, 4100), HEALTH_TRY);
	health_untried(&health, 4200);
	assert_int_equal(health.state, HEALTH_DOWN);
	assert_true(health_next_ms(&health, &by_trial, 4200) == 6200);
	health_found_out(&health, 10000);
	health.backoff_ms = 0;
	assert_int_equal(health_tick(&health, &by_trial, 10000), HEALTH_TRY);
	health_untried(&health, 10000);
	assert_true(health_next_ms(&health, &by_trial, 10000) == 11000);
}

/* A firewall that lets the trial pass and not the clients: longer every time, until it has been well for a minute. */
static void test_backoff_outlives_a_short_return(void **state)
{
	struct health health = { 0 };
	int64_t now = 1000000;

	(void)state;
	strike(&health, now);
	health_tick(&health, &by_trial, now += 1000);
	assert_int_equal(health_checked(&health, &by_trial, true, HEALTH_NONE, now), HEALTH_CAME_BACK);
	assert_int_equal(strike(&health, now += 59999), HEALTH_WENT_OUT);
	assert_int_equal(health_next_ms(&health, &by_trial, now) - now, 2000);
	health_tick(&health, &by_trial, now += 2000);
	assert_int_equal(health_checked(&health, &by_trial, true, HEALTH_NONE, now), HEALTH_CAME_BACK);
	assert_int_equal(strike(&health, now += 60000), HEALTH_WENT_OUT);
	assert_int_equal(health_next_ms(&health, &by_trial, now) - now, 1000);
}

/* Struck while the checks pass: they bring it back, but not before the backoff is over. */
static void test_struck_under_checks(void **state)
{
	struct health health = { 0 };

	(void)state;
	assert_int_equal(strike(&health, 100000), HEALTH_WENT_OUT);
	assert_true(health_next_ms(&health, &by_checks, 100000) == INT64_MAX);
	assert_int_equal(pass(&health, 100300), HEALTH_SAME);
	assert_int_equal(pass(&health, 100600), HEALTH_SAME);
	assert_int_equal(pass(&health, 100900), HEALTH_SAME);
	assert_int_equal(pass(&health, 101200), HEALTH_CAME_BACK);
	assert_int_equal(strike(&health, 101300), HEALTH_WENT_OUT); /* 2 s now */
	assert_int_equal(pass(&health, 102000), HEALTH_SAME);
	assert_int_equal(pass(&health, 103200), HEALTH_SAME);
	assert_int_equal(pass(&health, 103300), HEALTH_CAME_BACK);
}

/* Out on strikes, then the checks fail too: it no longer takes up the cap. */
static void test_checks_confirm_strikes(void **state)
{
	struct health health = { 0 };

	(void)state;
	strike(&health, 1000);
	fail_by(&health, HEALTH_REFUSED, 2000);
	fail_by(&health, HEALTH_REFUSED, 4000);
	assert_true(health.passive);
	assert_int_equal(fail_by(&health, HEALTH_REFUSED, 6000), HEALTH_SAME);
	assert_false(health.passive);
	assert_int_equal(health.state, HEALTH_DOWN);
}

static void test_back_by_time(void **state)
{
	struct health health = { 0 };

	(void)state;
	assert_int_equal(health_struck(&health, HEALTH_UNREACHABLE, true, 100000), HEALTH_WENT_OUT);
	assert_int_equal(health_tick(&health, &by_time, 100999), HEALTH_SAME);
	assert_int_equal(health_tick(&health, &by_time, 101000), HEALTH_CAME_BACK);
	assert_int_equal(strike(&health, 101001), HEALTH_WENT_OUT);
	assert_true(health_next_ms(&health, &by_time, 101001) == 103001);
}

static void test_suspects_stay(void **state)
{
	struct health health = { 0 };

	(void)state;
	assert_int_equal(health_struck(&health, HEALTH_TIMEOUT, false, 1000), HEALTH_SAME);
	assert_true(health.suspect && health_in_service(&health));
	assert_int_equal(health.why, HEALTH_TIMEOUT);
	assert_true(health_next_ms(&health, &by_trial, 1000) == 11000);
	assert_int_equal(health_struck(&health, HEALTH_TIMEOUT, false, 2000), HEALTH_SAME);
	assert_int_equal(health_tick(&health, &by_trial, 11999), HEALTH_SAME);
	assert_true(health.suspect);
	assert_int_equal(health_tick(&health, &by_trial, 12000), HEALTH_SAME);
	assert_false(health.suspect);
	assert_int_equal(health.why, HEALTH_NONE);
	/* A check that passes ends it at once; being ejected after all does, too. */
	health_struck(&health, HEALTH_TIMEOUT, false, 20000);
	assert_int_equal(pass(&health, 20001), HEALTH_SAME);
	assert_false(health.suspect);
	health_struck(&health, HEALTH_TIMEOUT, false, 30000);
	assert_int_equal(strike(&health, 31000), HEALTH_WENT_OUT);
	assert_false(health.suspect);
}

static void test_forgiven(void **state)
{
	struct health health = { 0 };

	(void)state;
	assert_int_equal(health_forgive(&health, &by_trial, 1000), HEALTH_SAME);
	strike(&health, 2000);
	assert_int_equal(health_forgive(&health, &by_trial, 2001), HEALTH_CAME_BACK);
	strike(&health, 2002);
	assert_true(health_next_ms(&health, &by_trial, 2002) == 3002); /* the first backoff again */
	assert_int_equal(health_forgive(&health, &by_trial, 2003), HEALTH_CAME_BACK);
	assert_int_equal(health.state, HEALTH_UP);
}

static void test_found_out(void **state)
{
	struct health health = { 0 };

	(void)state;
	health_found_out(&health, 5000);
	assert_false(health_in_service(&health));
	assert_string_equal(health_reason_name(health.why), "before");
	assert_int_equal(health_tick(&health, &by_trial, 5000), HEALTH_TRY);
	health = (struct health){ 0 };
	health_found_out(&health, 5000);
	assert_int_equal(pass(&health, 5100), HEALTH_SAME);
	assert_int_equal(pass(&health, 5200), HEALTH_CAME_BACK);
}

/* Checks switched on while a trial is under way, and off while it is out by checks. */
static void test_rules_change(void **state)
{
	struct health health = { 0 };

	(void)state;
	strike(&health, 1000);
	assert_int_equal(health_tick(&health, &by_trial, 2000), HEALTH_TRY);
	assert_true(health_next_ms(&health, &by_checks, 2100) == 2100);
	assert_int_equal(health_tick(&health, &by_checks, 2100), HEALTH_SAME);
	assert_int_equal(health.state, HEALTH_DOWN);
	assert_int_equal(pass(&health, 2200), HEALTH_SAME);
	assert_int_equal(pass(&health, 2300), HEALTH_CAME_BACK);
	health_checked(&health, &slowly, false, HEALTH_REFUSED, 3000);
	assert_int_equal(health_tick(&health, &by_trial, 3000), HEALTH_TRY);
}

static void test_slow_start(void **state)
{
	struct health health = { 0 };
	int64_t now = 100000, came = 101000;
	unsigned int steps = 0, share = 100;

	(void)state;
	health_checked(&health, &slowly, false, HEALTH_REFUSED, now);
	assert_int_equal(health_checked(&health, &slowly, true, HEALTH_NONE, came), HEALTH_CAME_BACK);
	assert_int_equal(health_share(&health, &slowly, came), 100);
	for (now = came; health_next_ms(&health, &slowly, now) != INT64_MAX; steps++) {
		int64_t next = health_next_ms(&health, &slowly, now);

		assert_true(next > now);
		assert_int_equal(health_share(&health, &slowly, next - 1), share);
		share += 100;
		assert_int_equal(health_share(&health, &slowly, next), share);
		now = next;
	}
	assert_int_equal(steps, 9);
	assert_int_equal(share, 1000);
	assert_true(now == came + 30000);
	assert_int_equal(health_share(&health, &slowly, came + 14999), 500); /* linear: half of the way is 550 */
	assert_int_equal(health_share(&health, &slowly, came + 16667), 600);
	/* Out in the middle of it, and back: from the beginning. */
	health_checked(&health, &slowly, false, HEALTH_REFUSED, came + 10000);
	health_checked(&health, &slowly, true, HEALTH_NONE, came + 20000);
	assert_int_equal(health_share(&health, &slowly, came + 20000), 100);
	/* Switched off meanwhile. */
	assert_int_equal(health_share(&health, &by_checks, came + 20000), 1000);
}

/* The shortest slow start that a file could ask for must neither stand still nor divide by zero. */
static void test_slow_start_of_a_millisecond(void **state)
{
	struct health_rules rules = { HEALTH_BY_CHECKS, .fall = 1, .rise = 1, .slow_start_ms = 1 };
	struct health health = { 0 };

	(void)state;
	health_checked(&health, &rules, false, HEALTH_REFUSED, 10);
	health_checked(&health, &rules, true, HEALTH_NONE, 20);
	assert_true(health_next_ms(&health, &rules, 20) == 21);
	assert_int_equal(health_share(&health, &rules, 21), 1000);
	assert_true(health_next_ms(&health, &rules, 21) == INT64_MAX);
}

/* Strike members of a version one after the other as long as the cap allows: how many went. */
static unsigned int eject_all(struct health *members, unsigned int count, unsigned int max_ejected)
{
	unsigned int ejected = 0;

	for (unsigned int i = 0; i < count; i++) {
		struct health_tally tally = { 0 };

		for (unsigned int j = 0; j < count; j++)
			health_count(&tally, &members[j], 1);
		ejected += health_struck(&members[i], HEALTH_TIMEOUT, health_may_eject(&tally, max_ejected), 1000) ==
			   HEALTH_WENT_OUT;
	}
	return ejected;
}

static void test_cap(void **state)
{
	/* by the number of members, 0 to 10 */
	static const unsigned int half[] = { 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5 };
	static const unsigned int third[] = { 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3 }; /* of 33 % */
	static const unsigned int whole[] = { 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 };
	unsigned int count;

	(void)state;
	for (count = 0; count <= 10; count++) {
		struct health a[10] = { 0 }, b[10] = { 0 }, c[10] = { 0 }, d[10] = { 0 };

		assert_int_equal(eject_all(a, count, 5000), half[count]);
		assert_int_equal(eject_all(b, count, 3300), third[count]);
		assert_int_equal(eject_all(c, count, 10000), whole[count]);
		assert_int_equal(eject_all(d, count, 0), 0);
	}
}

/* Those out by checks or by hand are no passive ejections, but the last that serves stays all the same. */
static void test_cap_beside_other_reasons(void **state)
{
	struct health members[4] = { 0 };
	struct health_tally tally = { 0 };

	(void)state;
	health_checked(&members[0], &slowly, false, HEALTH_REFUSED, 1000);
	assert_int_equal(eject_all(members + 2, 2, 10000), 1);
	for (int i = 0; i < 4; i++)
		health_count(&tally, &members[i], i != 1);
	assert_int_equal(tally.members, 4);
	assert_int_equal(tally.serving, 1);
	assert_int_equal(tally.passive, 1);
	assert_false(health_may_eject(&tally, 10000));
	/* A member without weight serves nobody. */
	tally = (struct health_tally){ 0 };
	health_count(&tally, &(struct health){ 0 }, 0);
	health_count(&tally, &(struct health){ 0 }, 1);
	assert_int_equal(tally.members, 2);
	assert_false(health_may_eject(&tally, 5000));
}

static void test_cap_is_free_again(void **state)
{
	struct health members[4] = { 0 };

	(void)state;
	assert_int_equal(eject_all(members, 4, 5000), 2);
	assert_true(members[2].suspect && members[3].suspect);
	health_tick(&members[0], &by_time, 9000);
	assert_int_equal(eject_all(members, 4, 5000), 1);
	/* All four may go by checks. */
	for (int i = 0; i < 4; i++)
		health_checked(&members[i], &slowly, false, HEALTH_REFUSED, 10000);
	for (int i = 0; i < 4; i++)
		assert_false(health_in_service(&members[i]));
}

/* The only backend of a version is kept by the cap, and yet it is known to be dead. */
static void test_all_dead(void **state)
{
	struct health members[2] = { 0 };
	struct health_tally tally = { 0 };

	(void)state;
	assert_int_equal(eject_all(members, 1, 5000), 0);
	health_count(&tally, &members[0], 1);
	assert_true(health_all_dead(&tally));
	health_count(&tally, &members[1], 1);
	assert_false(health_all_dead(&tally));
	tally = (struct health_tally){ 0 };
	health_count(&tally, &members[0], 1);
	health_count(&tally, &members[1], 0); /* drained */
	assert_true(health_all_dead(&tally));
}

/* Both are in an outage, and one is out or back a little sooner: that says nothing about the other. */
static void test_dead_alone(void **state)
{
	struct health trial = { 0 }, baseline = { 0 };
	struct health_tally tallies[2];

	(void)state;
#define ALONE()                                                                     \
	(memset(tallies, 0, sizeof(tallies)), health_count(&tallies[0], &trial, 1), \
	 health_count(&tallies[1], &baseline, 1), health_dead_alone(&tallies[0], &tallies[1]))
	for (unsigned int i = 0; i < by_checks.fall; i++) {
		assert_false(ALONE());
		health_checked(&trial, &by_checks, false, HEALTH_STATUS, 1000);
	}
	assert_true(ALONE());
	health_checked(&baseline, &by_checks, false, HEALTH_STATUS, 1000);
	assert_false(ALONE()); /* it may be on its way out */
	health_checked(&baseline, &by_checks, true, HEALTH_NONE, 2000);
	assert_true(ALONE());
	health_checked(&trial, &by_checks, true, HEALTH_NONE, 2000);
	assert_false(ALONE()); /* it may be on its way back */
	health_checked(&trial, &by_checks, false, HEALTH_STATUS, 3000);
	assert_true(ALONE());
#undef ALONE
}

/* Any inputs in any order: what must hold always does, and somebody who is out can come back. */
static void test_random_lives(void **state)
{
	const struct health_rules *all[] = { &by_checks, &by_trial, &by_time, &slowly };
	uint64_t random = 1;

	(void)state;
	for (int life = 0; life < 200; life++) {
		struct health health = { 0 };
		int64_t now = 1;

		for (int i = 0; i < 500; i++) {
			const struct health_rules *rules = all[life % 4];
			bool served = health_in_service(&health);
			enum health_change change;

			random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
			now += (int64_t)(random >> 52);
			switch (random >> 33 & 7) {
			case 0:
				change = health_struck(&health, HEALTH_TIMEOUT, random >> 40 & 1, now);
				break;
			case 1:
				change = random >> 40 & 7 ? health_tick(&health, rules, now)
							  : health_forgive(&health, rules, now);
				break;
			case 2:
			case 3:
				change = health_tick(&health, rules, now);
				break;
			default:
				change = health_checked(&health, rules, random >> 40 & 1, HEALTH_REFUSED, now);
			}
			assert_int_equal(change == HEALTH_WENT_OUT, served && !health_in_service(&health));
			assert_int_equal(change == HEALTH_CAME_BACK, !served && health_in_service(&health));
			assert_int_equal(health_share(&health, rules, now) > 0, health_in_service(&health));
			assert_true(health.backoff_ms <= HEALTH_BACKOFF_MAX_MS);
			assert_true(!(health.state == HEALTH_UP && health.passive));
			assert_true(health.state != HEALTH_DOWN || health.return_ms <= now + HEALTH_BACKOFF_MAX_MS);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_begins_in_service),
		cmocka_unit_test(test_falls_by_checks_in_a_row),
		cmocka_unit_test(test_rises_by_checks_in_a_row),
		cmocka_unit_test(test_checks_nobody_waits_for),
		cmocka_unit_test(test_trial_brings_back),
		cmocka_unit_test(test_trials_back_off),
		cmocka_unit_test(test_untried),
		cmocka_unit_test(test_backoff_outlives_a_short_return),
		cmocka_unit_test(test_struck_under_checks),
		cmocka_unit_test(test_checks_confirm_strikes),
		cmocka_unit_test(test_back_by_time),
		cmocka_unit_test(test_suspects_stay),
		cmocka_unit_test(test_forgiven),
		cmocka_unit_test(test_found_out),
		cmocka_unit_test(test_rules_change),
		cmocka_unit_test(test_slow_start),
		cmocka_unit_test(test_slow_start_of_a_millisecond),
		cmocka_unit_test(test_cap),
		cmocka_unit_test(test_cap_beside_other_reasons),
		cmocka_unit_test(test_cap_is_free_again),
		cmocka_unit_test(test_all_dead),
		cmocka_unit_test(test_dead_alone),
		cmocka_unit_test(test_random_lives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
