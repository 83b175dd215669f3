/* SPDX-License-Identifier: BSD-2-Clause */
/* How backends are emptied: phases by the clock, the fate of every kind of flow, and when an id is free again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>

#define sweeper_last fake_sweep
#include "../../agent/leaving.c"

#define NOW 1000u

static void test_draining_goes_on_to_reset_and_to_force(void **state)
{
	struct leaving_backend backend = { .phase = LEAVING_DRAINING, .until_ms = 5000 };

	(void)state;
	assert_false(leaving_advance(&backend, 4999));
	assert_int_equal(backend.phase, LEAVING_DRAINING);
	assert_true(leaving_advance(&backend, 5000));
	assert_int_equal(backend.phase, LEAVING_RESETTING);
	assert_false(leaving_advance(&backend, 5000 + LEAVING_ANSWER_TIMEOUT_MS - 1));
	assert_true(leaving_advance(&backend, 5000 + LEAVING_ANSWER_TIMEOUT_MS));
	assert_int_equal(backend.phase, LEAVING_FORCING);
	assert_false(leaving_advance(&backend, INT64_MAX));
}

/* However late the agent looks, busy connections get their time. */
static void test_a_late_look_skips_no_phase(void **state)
{
	struct leaving_backend backend = { .phase = LEAVING_DRAINING, .until_ms = 5000 };

	(void)state;
	assert_true(leaving_advance(&backend, 900000));
	assert_int_equal(backend.phase, LEAVING_RESETTING);
	assert_false(leaving_advance(&backend, 900001));
	assert_false(leaving_advance(&(struct leaving_backend){ .phase = LEAVING_NOT }, INT64_MAX));
}

static bool flagged(enum leaving_phase phase, bool spares_placed)
{
	const struct leaving_backend backend = { .phase = phase, .spares_placed = spares_placed };

	return leaving_wants_flag(&backend);
}

static void test_the_kernel_is_called_in_late(void **state)
{
	(void)state;
	assert_false(flagged(LEAVING_NOT, false));
	assert_false(flagged(LEAVING_DRAINING, false));
	assert_false(flagged(LEAVING_RESETTING, false));
	assert_true(flagged(LEAVING_FORCING, false));
	/* It would reset the connections that rules have placed as well. */
	assert_false(flagged(LEAVING_FORCING, true));
}

/* What a flow is like, and what becomes of it in each phase: draining, resetting, forcing. */
struct kind {
	const char *name;
	struct flow flow;
	uint8_t protocol;
	enum leaving_fate fate[LEAVING_FORCING + 1];
};

#define OPEN(when, is) .state = (is), .stamp = { (when), (when) }, .has_seq = { true, true }, .asked = 100

static const struct kind kinds[] = {
	{ "idle",
	  { OPEN(NOW - 2, SERIN_WAY_ESTABLISHED), .next_seq = { 1, 101 } },
	  IPPROTO_TCP,
	  { LEAVING_ALONE, LEAVING_ALONE, LEAVING_END, LEAVING_END } },
	{ "answer owed",
	  { OPEN(NOW - 2, SERIN_WAY_ESTABLISHED), .next_seq = { 1, 100 } },
	  IPPROTO_TCP,
	  { LEAVING_ALONE, LEAVING_ALONE, LEAVING_WAIT, LEAVING_END } },
	{ "data on the way",
	  { OPEN(NOW - 1, SERIN_WAY_ESTABLISHED), .next_seq = { 1, 101 } },
	  IPPROTO_TCP,
	  { LEAVING_ALONE, LEAVING_ALONE, LEAVING_WAIT, LEAVING_PRESS } },
	{ "half closed",
	  { OPEN(NOW - 2, SERIN_WAY_HALF_CLOSED), .next_seq = { 1, 101 } },
	  IPPROTO_TCP,
	  { LEAVING_ALONE, LEAVING_ALONE, LEAVING_END, LEAVING_END } },
	{ "being opened, just now",
	  { .state = SERIN_WAY_EMBRYONIC, .stamp = { NOW, NOW } },
	  IPPROTO_TCP,
	  { LEAVING_ALONE, LEAVING_ALONE, LEAVING_WAIT, LEAVING_PRESS } },
	{ "being opened, for long",
	  { .state = SERIN_WAY_EMBRYONIC, .stamp = { NOW - 9, NOW - 9 } },
	  IPPROTO_TCP,
	  { LEAVING_ALONE, LEAVING_ALONE, LEAVING_WAIT, LEAVING_END } },
	{ "closed",
	  { OPEN(NOW - 9, SERIN_WAY_CLOSED), .next_seq = { 1, 101 } },
	  IPPROTO_TCP,
	  { LEAVING_ALONE, LEAVING_ALONE, LEAVING_ALONE, LEAVING_ALONE } },
	{ "one way, idle",
	  { OPEN(NOW - 3, SERIN_WAY_ESTABLISHED), .acked = 101, .one_way = true },
	  IPPROTO_TCP,
	  { LEAVING_ALONE, LEAVING_ALONE, LEAVING_END, LEAVING_END } },
	{ "one way, its acknowledgement perhaps held back",
	  { OPEN(NOW - 2, SERIN_WAY_ESTABLISHED), .acked = 101, .one_way = true },
	  IPPROTO_TCP,
	  { LEAVING_ALONE, LEAVING_ALONE, LEAVING_WAIT, LEAVING_END } },
	{ "one way, answer owed",
	  { OPEN(NOW - 30, SERIN_WAY_ESTABLISHED), .acked = 100, .one_way = true },
	  IPPROTO_TCP,
	  { LEAVING_ALONE, LEAVING_ALONE, LEAVING_WAIT, LEAVING_END } },
	/* Nobody says whether an answer is owed, nor is anybody told. */
	{ "UDP, a second",
	  { OPEN(NOW - 4, SERIN_WAY_EMBRYONIC) },
	  IPPROTO_UDP,
	  { LEAVING_ALONE, LEAVING_ALONE, LEAVING_WAIT, LEAVING_END } },
	{ "UDP, long",
	  { OPEN(NOW - 8, SERIN_WAY_EMBRYONIC) },
	  IPPROTO_UDP,
	  { LEAVING_ALONE, LEAVING_ALONE, LEAVING_END, LEAVING_END } },
	{ "UDP, just now",
	  { OPEN(NOW, SERIN_WAY_ESTABLISHED) },
	  IPPROTO_UDP,
	  { LEAVING_ALONE, LEAVING_ALONE, LEAVING_WAIT, LEAVING_END } },
};

static void test_fates(void **state)
{
	struct leaving_backend backend = { .phase = LEAVING_NOT };

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		for (int phase = LEAVING_NOT; phase <= LEAVING_FORCING; phase++) {
			backend.phase = phase;
			if (leaving_fate(&backend, &kinds[i].flow, kinds[i].protocol, NOW) != kinds[i].fate[phase])
				fail_msg("%s in phase %d: %d, expected %d", kinds[i].name, phase,
					 leaving_fate(&backend, &kinds[i].flow, kinds[i].protocol, NOW),
					 kinds[i].fate[phase]);
		}
	}
}

static void test_placed_flows_are_spared_where_they_would_come_back(void **state)
{
	struct leaving_backend backend = { .phase = LEAVING_FORCING, .spares_placed = true };
	struct flow flow = kinds[0].flow;

	(void)state;
	assert_int_equal(leaving_fate(&backend, &flow, IPPROTO_TCP, NOW), LEAVING_END);
	flow.placed = true;
	assert_int_equal(leaving_fate(&backend, &flow, IPPROTO_TCP, NOW), LEAVING_ALONE);
	backend.spares_placed = false;
	assert_int_equal(leaving_fate(&backend, &flow, IPPROTO_TCP, NOW), LEAVING_END);
}

static void test_an_id_is_free_after_two_clean_rounds(void **state)
{
	struct leaving_backend backend = { .phase = LEAVING_DRAINING, .for_good = true, .since_ms = 1000 };

	(void)state;
	assert_false(leaving_count_sweep(&backend, 1, 999, 0)); /* it began too early to prove anything */
	assert_false(leaving_count_sweep(&backend, 2, 1000, 0));
	assert_false(leaving_count_sweep(&backend, 3, 2000, 0));
	assert_false(leaving_count_sweep(&backend, 3, 2000, 0)); /* the same round, looked at again */
	assert_false(leaving_count_sweep(&backend, 4, 3000, 1));
	assert_false(leaving_count_sweep(&backend, 5, 4000, 0));
	assert_true(leaving_count_sweep(&backend, 6, 5000, 0));
}

static void test_only_what_leaves_for_good_is_freed(void **state)
{
	struct leaving_backend backend = { .phase = LEAVING_FORCING };
	struct leaving_backend nothing = { .phase = LEAVING_NOT, .for_good = true };

	(void)state;
	for (uint64_t i = 1; i < 9; i++) {
		assert_false(leaving_count_sweep(&backend, i, 2000, 0));
		assert_false(leaving_count_sweep(&nothing, i, 2000, 0));
	}
}

static void test_slices_fit_into_their_time(void **state)
{
	(void)state;
	assert_int_equal(sweeper_next_slice(10000, 6000), 5000);
	assert_int_equal(sweeper_next_slice(10000, 3000), 10000);
	assert_int_equal(sweeper_next_slice(10000, 2000), 15000);
	assert_int_equal(sweeper_next_slice(10000, 10), 20000); /* it grows step by step */
	assert_int_equal(sweeper_next_slice(10000, 0), 20000);
	assert_int_equal(sweeper_next_slice(60000, 100), SWEEPER_MAX_SLICE);
	assert_int_equal(sweeper_next_slice(1024, 1000000), SWEEPER_MIN_SLICE);
}

const struct sweep *fake_sweep(const struct sweeper *sweeper)
{
	static const struct sweep none;

	(void)sweeper;
	return &none;
}

enum { BASE, LIVE, EJECTED, BACKENDS };

static struct image image;
static struct config_service config = { .drain_timeout = 30 };

/* Two of the version on trial drain; the clients of one of them go to others. */
static void begin(struct leaving *leaving, struct service *service, uint16_t weight)
{
	static const uint16_t ids[] = { LIVE, EJECTED };

	memset(&image, 0, sizeof(image));
	for (unsigned int id = 0; id < BACKENDS; id++)
		image.backends[id] = (struct serin_backend){ .flags = SERIN_BACKEND_USED, .version = id != BASE };
	image.backends[EJECTED].flags |= SERIN_BACKEND_EJECTED | SERIN_BACKEND_REPLACED;
	memset(leaving, 0, sizeof(*leaving));
	leaving->options.image = &image;
	memset(service, 0, sizeof(*service));
	service->config = &config;
	service->version_id[1] = 1;
	service->now.version_count = 2;
	service->now.versions[1].weight = weight;
	leaving_begin(leaving, ids, 2, LEAVING_DRAIN, loop_now_ms() + 30000);
}

static void check_kept(const struct leaving *leaving)
{
	assert_int_equal(leaving->backends[LIVE].phase, LEAVING_NOT);
	assert_int_equal(leaving->backends[EJECTED].phase, LEAVING_DRAINING);
}

/* Weights, steps and epochs come and go meanwhile. */
static void test_whose_clients_others_take_goes_on_draining(void **state)
{
	static struct leaving leaving;
	struct service service;

	(void)state;
	begin(&leaving, &service, 1000);
	leaving_stop(&leaving, 0, 1);
	check_kept(&leaving);
	begin(&leaving, &service, 0);
	leaving_rollback(&leaving, &service, LEAVING_DRAIN);
	check_kept(&leaving);
	begin(&leaving, &service, 1000);
	leaving_tick(&leaving, &service, 1, loop_now_ms());
	check_kept(&leaving);
}

/* It keeps its place where all are out. */
static void test_nobody_else_takes_its_clients(void **state)
{
	static struct leaving leaving;
	struct service service;

	(void)state;
	begin(&leaving, &service, 1000);
	image.backends[EJECTED].flags &= (__u8)~SERIN_BACKEND_REPLACED;
	leaving_tick(&leaving, &service, 1, loop_now_ms());
	assert_int_equal(leaving.backends[EJECTED].phase, LEAVING_NOT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_draining_goes_on_to_reset_and_to_force),
		cmocka_unit_test(test_a_late_look_skips_no_phase),
		cmocka_unit_test(test_the_kernel_is_called_in_late),
		cmocka_unit_test(test_fates),
		cmocka_unit_test(test_placed_flows_are_spared_where_they_would_come_back),
		cmocka_unit_test(test_an_id_is_free_after_two_clean_rounds),
		cmocka_unit_test(test_only_what_leaves_for_good_is_freed),
		cmocka_unit_test(test_slices_fit_into_their_time),
		cmocka_unit_test(test_whose_clients_others_take_goes_on_draining),
		cmocka_unit_test(test_nobody_else_takes_its_clients),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
