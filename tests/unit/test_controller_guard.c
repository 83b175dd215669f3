/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel has counted while the lease was over is no evidence, whoever is the first to move the service afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define loop_now_ms fake_now_ms
#define loop_now_ns fake_now_ns
#define controller_commit fake_commit
#define controller_save fake_save
#define controller_rollout_event fake_event
#define controller_watch_baseline fake_watch_baseline
#define datapath_guard_arm fake_arm
#define datapath_guard_disarm fake_disarm
#define datapath_guard_read fake_read
#define datapath_guard_line fake_line
#define datapath_guard_lease fake_lease
#define datapath_guard_close fake_close
#define datapath_guard_incidents fake_incidents
#define datapath_guard_slow fake_slow
#define datapath_guard_served fake_served
#define datapath_guard_slow_limits fake_slow_limits
#include "../../agent/controller_trial.c"
#include "../../agent/controller_guard.c"
#include "../../agent/controller_judge.c"

#define CANARY 1

/* The kernel, the clock and the disk. */
static struct guard_state kernel;
static struct serin_incidents incidents[2];
static int64_t now_ms;
static bool is_full;
static unsigned int commits;

int64_t fake_now_ms(void)
{
	return now_ms;
}

uint64_t fake_now_ns(void)
{
	return (uint64_t)now_ms * 1000000;
}

int fake_save(struct controller *controller, struct complaint *complaint)
{
	(void)controller, (void)complaint;
	return 0;
}

int fake_commit(struct controller *controller, struct service *service, const struct state_service *wanted,
		struct complaint *complaint)
{
	struct state_service before = service->now;

	commits++;
	if (is_full) {
		controller_guard_settle(controller, service);
		return complain(complaint, -ENOSPC, "cannot write the state: No space left on device");
	}
	service->now = *wanted;
	controller_guard_after(controller, service, &before);
	return 0;
}

int fake_event(struct controller *controller, struct service *service, const char *by, struct rollout_event *event)
{
	(void)controller, (void)service, (void)by, (void)event;
	return 0;
}

void fake_watch_baseline(struct controller *controller, const struct service *service)
{
	(void)controller, (void)service;
}

int fake_arm(struct datapath *datapath, unsigned int service, unsigned int version, const struct guard_lines *lines,
	     uint64_t lease_ns, uint64_t *ret_arm)
{
	(void)datapath, (void)service, (void)version, (void)ret_arm;
	kernel = (struct guard_state){ .arm = 1, .lease_ns = lease_ns, .lines = *lines };
	return 0;
}

int fake_disarm(struct datapath *datapath, unsigned int service, unsigned int version)
{
	(void)datapath, (void)service, (void)version;
	return 0;
}

int fake_read(const struct datapath *datapath, unsigned int service, unsigned int version, struct guard_state *ret)
{
	(void)datapath, (void)service;
	assert_int_equal(version, CANARY);
	*ret = kernel;
	return 0;
}

int fake_line(struct datapath *datapath, unsigned int service, unsigned int version, const struct guard_lines *lines)
{
	(void)datapath, (void)service, (void)version;
	kernel.lines = *lines;
	return 0;
}

int fake_lease(struct datapath *datapath, unsigned int service, unsigned int version, uint64_t lease_ns)
{
	(void)datapath, (void)service, (void)version;
	kernel.lease_ns = lease_ns;
	return 0;
}

int fake_close(struct datapath *datapath, unsigned int service, unsigned int version, bool closed)
{
	(void)datapath, (void)service, (void)version;
	kernel.closed = closed;
	return 0;
}

int fake_incidents(const struct datapath *datapath, unsigned int service, unsigned int version,
		   struct serin_incidents *ret)
{
	(void)datapath, (void)service;
	*ret = incidents[version];
	return 0;
}

int fake_slow(const struct datapath *datapath, unsigned int service, unsigned int version, struct serin_slow *ret)
{
	(void)datapath, (void)service, (void)version, (void)ret;
	return 0;
}

int fake_served(const struct datapath *datapath, unsigned int service, unsigned int version, struct serin_served *ret)
{
	(void)datapath, (void)service, (void)version, (void)ret;
	return -ENOENT;
}

int fake_slow_limits(struct datapath *datapath, unsigned int service, const struct serin_slow_limits *limits)
{
	(void)datapath, (void)service, (void)limits;
	return 0;
}

static const char text[] =
	"interfaces: [eth0]\nservices:\n- name: shop\n  listen: 192.0.2.1:80/tcp\n  baseline: a\n"
	"  versions: {a: {backends: ['10.0.0.1:80']}, b: {backends: ['10.0.0.2:80']}}\n"
	"  rollout: {steps: [{weight: 10%, for: 1m}, {weight: 20%, for: 1m}], judge: {latency: off}}\n";

struct shop {
	struct controller *controller;
	struct service service;
	struct config *config;
};

static void tick(struct shop *shop, int64_t later_ms)
{
	now_ms += later_ms;
	controller_judge_one(shop->controller, &shop->service);
}

/* So many clients more, of each version. */
static void fail_clients(uint64_t canary, uint64_t baseline)
{
	incidents[CANARY].rollout += canary;
	incidents[CANARY].epoch += canary;
	incidents[0].rollout += baseline;
	incidents[0].epoch += baseline;
}

/* What somebody's change does. */
static void change(struct shop *shop)
{
	struct state_service wanted = shop->service.now;
	struct complaint complaint = { "" };

	wanted.versions[CANARY].weight = 2000;
	wanted.versions[0].weight = 8000;
	service_next_epoch(&wanted);
	controller_trial_epoch(shop->controller, &shop->service, &wanted);
	assert_int_equal(fake_commit(shop->controller, &shop->service, &wanted, &complaint), 0);
}

static struct evidence_counts told(const struct shop *shop, enum judge_process process)
{
	return shop->service.now.trial.judge.worse[JUDGE_FAILED][process].seen;
}

/* In its first step, and told of 10 clients. */
static void shop_open(struct shop *shop)
{
	struct complaint complaint = { "" };
	struct state_service *now = &shop->service.now;

	memset(shop, 0, sizeof(*shop));
	memset(incidents, 0, sizeof(incidents));
	now_ms = 1000000;
	is_full = false;
	assert_int_equal(config_parse("serin.yaml", text, strlen(text), &shop->config, &complaint), 0);
	shop->controller = calloc(1, sizeof(*shop->controller));
	assert_non_null(shop->controller);
	shop->controller->config = shop->config;
	shop->service.config = &shop->config->services[0];
	shop->service.version_id[CANARY] = CANARY;
	weights_start(shop->service.config, NULL, NULL, 0, now);
	now->versions[CANARY].weight = 1000;
	now->versions[0].weight = 9000;
	now->trial.rollout = (struct rollout){ .state = ROLLOUT_PROGRESSING, .version = "b", .weight = 1000 };
	judge_begin(&now->trial.judge, &judge_defaults);
	assert_int_equal(trial_begin(shop->controller, &shop->service, false, &complaint), 0);
	arm_anew(shop->controller, &shop->service, CANARY);
	fail_clients(0, 10);
	tick(shop, 100);
	assert_int_equal(told(shop, JUDGE_R).baseline, 10);
	commits = 0;
}

static void shop_close(struct shop *shop)
{
	trial_end(shop->controller, 0);
	state_free(&shop->controller->state);
	free(shop->controller);
	config_free(shop->config);
}

/* Stopped for a minute, in which the baseline alone is asked, and the first that comes then is not a tick. */
static void stand_still(void)
{
	now_ms += 60000;
	fail_clients(0, 1000);
}

/* Nothing of that has been told, and all that comes from now on is. */
static void assert_passed_over(struct shop *shop)
{
	assert_int_equal(told(shop, JUDGE_R).baseline, 10);
	tick(shop, 1000);
	assert_int_equal(told(shop, JUDGE_R).baseline, 10);
	assert_int_equal(told(shop, JUDGE_G).baseline, 0);
	commits = 0;
	fail_clients(1, 2);
	tick(shop, 100);
	assert_int_equal(told(shop, JUDGE_R).baseline, 12);
	assert_int_equal(told(shop, JUDGE_G).baseline, 2);
	assert_int_equal(told(shop, JUDGE_G).trial, 1);
	assert_int_equal(commits, 0);
}

static void test_a_tick(void **state)
{
	struct shop shop;

	(void)state;
	shop_open(&shop);
	stand_still();
	tick(&shop, 0);
	assert_int_equal(commits, 1);
	assert_passed_over(&shop);
	shop_close(&shop);
}

static void test_a_change(void **state)
{
	struct shop shop;

	(void)state;
	shop_open(&shop);
	fail_clients(0, 5);
	change(&shop);
	assert_int_equal(told(&shop, JUDGE_R).baseline, 15);
	shop_close(&shop);
	shop_open(&shop);
	stand_still();
	change(&shop);
	/* The lease is renewed by then, and the next tick knows nevertheless. */
	assert_true(kernel.lease_ns > fake_now_ns());
	assert_int_equal(shop.controller->rollout_counts[0].trips[SERIN_GUARD_LEASE], 1);
	fail_clients(0, 100);
	assert_passed_over(&shop);
	assert_int_equal(shop.controller->rollout_counts[0].trips[SERIN_GUARD_LEASE], 1);
	shop_close(&shop);
}

/* What it tripped over was counted before. */
static void test_a_trip(void **state)
{
	struct shop shop;

	(void)state;
	shop_open(&shop);
	fail_clients(5, 0);
	kernel.tripped = true;
	stand_still();
	change(&shop);
	assert_int_equal(told(&shop, JUDGE_R).trial, 5);
	shop_close(&shop);
}

static void test_a_start(void **state)
{
	struct shop shop;

	(void)state;
	for (unsigned int lapsed = 0; lapsed < 2; lapsed++) {
		shop_open(&shop);
		trial_end(shop.controller, 0);
		if (lapsed)
			stand_still();
		else
			fail_clients(0, 1000);
		controller_guard_start(shop.controller, &shop.service, true);
		assert_int_equal(told(&shop, JUDGE_R).baseline, lapsed ? 10 : 1010);
		shop_close(&shop);
	}
}

/* Nor is it forgotten, or tried with every tick, while it cannot be persisted. */
static void test_a_full_disk(void **state)
{
	struct shop shop;

	(void)state;
	shop_open(&shop);
	is_full = true;
	stand_still();
	for (unsigned int i = 0; i < 10; i++)
		tick(&shop, 100);
	assert_int_equal(commits, 1);
	assert_true(kernel.lease_ns > fake_now_ns());
	tick(&shop, 100);
	assert_int_equal(commits, 2);
	is_full = false;
	fail_clients(0, 100);
	change(&shop);
	assert_passed_over(&shop);
	shop_close(&shop);
}

static void test_clients_that_come_back(void **unused)
{
	struct state_service from = { .versions = { { "a", 7000 }, { "b", 1000 }, { "c", 2000 } }, .version_count = 3 };
	struct state_service to = from;

	(void)unused;
	to.trial.rollout = (struct rollout){ .state = ROLLOUT_PAUSED, .version = "b" };
	to.versions[1].weight = 0;
	to.versions[2].weight = 3000;
	trial_note_returned(&from, &to);
	assert_false(to.trial.judge.returned);
	to.version_count = 2; /* not configured any more */
	trial_note_returned(&from, &to);
	assert_true(to.trial.judge.returned);
	to.trial.judge.returned = false;
	to.trial.rollout.state = ROLLOUT_COMPLETED;
	trial_note_returned(&from, &to);
	assert_false(to.trial.judge.returned);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_tick),      cmocka_unit_test(test_a_change),
		cmocka_unit_test(test_a_trip),      cmocka_unit_test(test_a_start),
		cmocka_unit_test(test_a_full_disk), cmocka_unit_test(test_clients_that_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
