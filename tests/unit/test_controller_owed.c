/* SPDX-License-Identifier: BSD-2-Clause */
/* What befalls a rollout while nothing can be persisted: it is tried until it holds, and no longer than it is true. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define loop_now_ms fake_now_ms
#define controller_commit fake_commit
#define controller_trial_epoch fake_trial_epoch
#define controller_notice_add fake_notice_add
#define controller_guard_has_tripped fake_has_tripped
#define datapath_guard_slow_limits fake_slow_limits
#define leaving_rollback fake_leaving_rollback
#define trial_begin fake_trial_begin
#define trial_skip_draw fake_skip_draw
#include "../../agent/controller_actions.c"
#include "../../agent/controller_move.c"
#include "../../agent/controller_rollout.c"

static int64_t now_ms;
static bool is_full, has_tripped;
static unsigned int commits;

int64_t fake_now_ms(void)
{
	return now_ms;
}

/* Refused by the disk; a rollback, which does not wait for it, by the kernel. */
int fake_commit(struct controller *controller, struct service *service, const struct state_service *wanted,
		struct complaint *complaint)
{
	(void)controller;
	commits++;
	if (is_full)
		return complain(complaint, -ENOSPC, "cannot write the state: No space left on device");
	service->now = *wanted;
	return 0;
}

void fake_trial_epoch(const struct controller *controller, const struct service *service, struct state_service *state)
{
	(void)controller, (void)service, (void)state;
}

void fake_notice_add(struct controller *controller, const struct service *service, enum config_notice kind,
		     const char *from)
{
	(void)controller, (void)service, (void)kind, (void)from;
}

bool fake_has_tripped(const struct controller *controller, const struct service *service)
{
	(void)controller, (void)service;
	/* Right after it has completed, the disk is full. */
	is_full = is_full || has_tripped;
	return has_tripped;
}

int fake_slow_limits(struct datapath *datapath, unsigned int service, const struct serin_slow_limits *limits)
{
	(void)datapath, (void)service, (void)limits;
	return 0;
}

void fake_leaving_rollback(struct leaving *leaving, const struct service *service, enum leaving_mode mode)
{
	(void)leaving, (void)service, (void)mode;
}

int fake_trial_begin(struct controller *controller, struct service *service, bool goes_on, struct complaint *complaint)
{
	(void)controller, (void)service, (void)goes_on, (void)complaint;
	return 0;
}

void fake_skip_draw(const struct controller *controller, const struct service *service, struct state_service *state)
{
	(void)controller, (void)service, (void)state;
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

static int ask(struct shop *shop, enum rollout_event_kind kind)
{
	const struct controller_request request = { .by = "uid 0" };
	struct complaint complaint = { "" };
	const struct rollout_event event = {
		.kind = kind,
		.now = now_ms,
		.by = "uid 0",
		.version = "b",
		.blind = true,
		.schedule = &shop->config->services[0].rollout->schedule,
		.limits = controller_rollout_limits(&shop->service, "b"),
	};

	return controller_move(shop->controller, &shop->service, &request, &event, false, &complaint);
}

/* At its second step. */
static void shop_open(struct shop *shop)
{
	struct complaint complaint = { "" };

	memset(shop, 0, sizeof(*shop));
	now_ms = 1000000;
	is_full = has_tripped = false;
	assert_int_equal(config_parse("serin.yaml", text, strlen(text), &shop->config, &complaint), 0);
	shop->controller = calloc(1, sizeof(*shop->controller));
	assert_non_null(shop->controller);
	shop->controller->services = &shop->service;
	shop->controller->service_count = 1;
	shop->service.config = &shop->config->services[0];
	weights_start(shop->service.config, NULL, NULL, 0, &shop->service.now);
	assert_int_equal(ask(shop, ROLLOUT_START), 0);
	assert_int_equal(ask(shop, ROLLOUT_PROMOTE), 0);
	assert_int_equal(shop->service.now.trial.rollout.step, 1);
}

static void shop_close(struct shop *shop)
{
	free(shop->controller);
	config_free(shop->config);
}

static const struct rollout *rollout_of(const struct shop *shop)
{
	return &shop->service.now.trial.rollout;
}

/* Something befalls it while the disk is full. */
static void befall(struct shop *shop, enum rollout_event_kind kind, enum rollout_cause cause)
{
	struct rollout_event event = { .kind = kind, .cause = cause };

	is_full = true;
	assert_int_equal(controller_rollout_event(shop->controller, &shop->service, "agent", &event), -ENOSPC);
}

/* So much later. */
static void tick(struct shop *shop, int64_t later_ms)
{
	now_ms += later_ms;
	controller_judge_tick(shop->controller);
}

static void test_other_backends(void **state)
{
	unsigned int before;
	struct shop shop;

	(void)state;
	shop_open(&shop);
	befall(&shop, ROLLOUT_BACKENDS, ROLLOUT_BY_NOTHING);
	before = commits;
	tick(&shop, 100);
	assert_int_equal(commits, before); /* not with every tick */
	tick(&shop, 1000);
	tick(&shop, 1000);
	assert_int_equal(commits, before + 2);
	assert_int_equal(rollout_of(&shop)->step, 1);
	is_full = false;
	tick(&shop, 1000);
	assert_int_equal(rollout_of(&shop)->step, 0);
	assert_int_equal(rollout_of(&shop)->cause, ROLLOUT_BY_BACKENDS);
	assert_int_equal(shop.service.now.versions[1].weight, 1000);
	before = commits;
	for (int i = 0; i < 10; i++)
		tick(&shop, 1000);
	assert_int_equal(commits, before);
	shop_close(&shop);
}

/* What takes it out is not forgotten over other backends. */
static void test_no_backend(void **state)
{
	struct shop shop;

	(void)state;
	shop_open(&shop);
	befall(&shop, ROLLOUT_ROLLBACK, ROLLOUT_BY_NO_BACKEND);
	befall(&shop, ROLLOUT_BACKENDS, ROLLOUT_BY_NOTHING);
	is_full = false;
	tick(&shop, 1000);
	assert_int_equal(rollout_of(&shop)->state, ROLLOUT_ROLLED_BACK);
	assert_int_equal(rollout_of(&shop)->cause, ROLLOUT_BY_NO_BACKEND);
	assert_string_equal(rollout_of(&shop)->by, "agent");
	shop_close(&shop);
}

static void test_tripped_at_the_end(void **state)
{
	struct shop shop;

	(void)state;
	shop_open(&shop);
	has_tripped = true;
	assert_int_equal(ask(&shop, ROLLOUT_PROMOTE), 0);
	assert_int_equal(rollout_of(&shop)->state, ROLLOUT_COMPLETED);
	has_tripped = is_full = false;
	tick(&shop, 1000);
	assert_int_equal(rollout_of(&shop)->state, ROLLOUT_ROLLED_BACK);
	assert_string_equal(rollout_of(&shop)->by, "kernel");
	assert_int_equal(shop.service.now.versions[1].weight, 0);
	shop_close(&shop);
}

/* Nobody judges it any more, and nobody has made it the baseline as yet. */
static void test_no_backend_of_a_completed_one(void **state)
{
	struct shop shop;

	(void)state;
	shop_open(&shop);
	assert_int_equal(ask(&shop, ROLLOUT_PROMOTE), 0);
	assert_int_equal(rollout_of(&shop)->state, ROLLOUT_COMPLETED);
	assert_false(controller_rollout_no_backend(shop.controller, &shop.service, 0));
	is_full = true;
	assert_true(controller_rollout_no_backend(shop.controller, &shop.service, 1));
	assert_int_equal(rollout_of(&shop)->state, ROLLOUT_COMPLETED);
	is_full = false;
	tick(&shop, 1000);
	assert_int_equal(rollout_of(&shop)->state, ROLLOUT_ROLLED_BACK);
	assert_int_equal(rollout_of(&shop)->cause, ROLLOUT_BY_NO_BACKEND);
	assert_int_equal(rollout_of(&shop)->noticed, CONFIG_NOTICE_ROLLBACK);
	assert_int_equal(shop.controller->rollout_counts[0].rollbacks[ROLLOUT_BY_NO_BACKEND], 1);
	assert_int_equal(shop.service.now.versions[1].weight, 0);
	assert_int_equal(shop.service.now.versions[0].weight, SHARE_WHOLE);
	assert_int_equal(ask(&shop, ROLLOUT_START), -EBUSY); /* the latch */
	assert_false(controller_rollout_no_backend(shop.controller, &shop.service, 1));
	shop_close(&shop);
}

/* Of the next rollout nothing is owed, nor of one that is over. */
static void test_another_one(void **state)
{
	unsigned int before;
	struct shop shop;

	(void)state;
	shop_open(&shop);
	befall(&shop, ROLLOUT_BACKENDS, ROLLOUT_BY_NOTHING);
	is_full = false;
	assert_int_equal(ask(&shop, ROLLOUT_ABORT), 0);
	assert_int_equal(ask(&shop, ROLLOUT_RETRY), 0);
	assert_int_equal(ask(&shop, ROLLOUT_PROMOTE), 0);
	before = commits;
	tick(&shop, 5000);
	assert_int_equal(commits, before);
	assert_int_equal(rollout_of(&shop)->step, 1);
	befall(&shop, ROLLOUT_ABORT, ROLLOUT_BY_NOTHING);
	is_full = false;
	assert_int_equal(ask(&shop, ROLLOUT_ROLLBACK), 0);
	before = commits;
	tick(&shop, 5000);
	assert_int_equal(commits, before);
	assert_int_equal(rollout_of(&shop)->state, ROLLOUT_ROLLED_BACK);
	shop_close(&shop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_other_backends),     cmocka_unit_test(test_no_backend),
		cmocka_unit_test(test_tripped_at_the_end), cmocka_unit_test(test_no_backend_of_a_completed_one),
		cmocka_unit_test(test_another_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
