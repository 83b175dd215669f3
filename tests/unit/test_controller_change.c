/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes that the disk or the kernel refuses: what is made all the same, and how often it is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scalar.h"

#define loop_now_ms fake_now_ms
#define decision_write fake_decision
#define controller_save fake_save
#define controller_refresh fake_refresh
#define controller_restart_window fake_restart_window
#define datapath_set_plan fake_set_plan
#define leaving_stop fake_stop
#define controller_guard_before fake_guard_before
#define controller_guard_after fake_guard_after
#define controller_guard_settle fake_guard_settle
#define service_build_plan fake_build_plan
#include "../../agent/controller_change.c"

static int64_t now_ms;
static bool is_full;
static unsigned int failures, plans;

int64_t fake_now_ms(void)
{
	return now_ms;
}

void fake_decision(enum log_level level, enum event_kind kind, const char *text, const struct log_field *fields,
		   size_t count)
{
	(void)level, (void)text, (void)fields, (void)count;
	failures += kind == EVENT_FAILED;
}

int fake_save(struct controller *controller, struct complaint *complaint)
{
	(void)controller;
	return is_full ? complain(complaint, -ENOSPC, "cannot write the state: No space left on device") : 0;
}

void fake_refresh(struct controller *controller)
{
	(void)controller;
}

void fake_restart_window(struct controller *controller, struct service *service)
{
	(void)controller, (void)service;
}

int fake_set_plan(struct datapath *datapath, unsigned int service, const struct serin_plan *plan,
		  struct complaint *complaint)
{
	(void)datapath, (void)service, (void)plan, (void)complaint;
	plans++;
	return 0;
}

void fake_stop(struct leaving *leaving, unsigned int service, unsigned int version)
{
	(void)leaving, (void)service, (void)version;
}

void fake_guard_before(struct controller *controller, const struct service *service, const struct state_service *wanted)
{
	(void)controller, (void)service, (void)wanted;
}

void fake_guard_after(struct controller *controller, struct service *service, const struct state_service *before)
{
	(void)controller, (void)service, (void)before;
}

void fake_guard_settle(struct controller *controller, struct service *service)
{
	(void)controller, (void)service;
}

int fake_build_plan(const struct service *service, const struct image *image, const struct state_service *wanted,
		    struct serin_plan *ret, struct complaint *complaint)
{
	(void)service, (void)image, (void)complaint;
	*ret = (struct serin_plan){ .generation = wanted->generation };
	return 0;
}

struct shop {
	struct controller *controller;
	struct service service;
};

/* As somebody has left it: that was a change of `kind`. */
static void shop_open(struct shop *shop, enum state_change_kind kind)
{
	struct state_service *now = &shop->service.now;

	memset(shop, 0, sizeof(*shop));
	now_ms = 1000000;
	is_full = false;
	shop->controller = calloc(1, sizeof(*shop->controller));
	assert_non_null(shop->controller);
	snprintf(now->name, sizeof(now->name), "shop");
	snprintf(now->versions[0].name, sizeof(now->versions[0].name), "a");
	snprintf(now->versions[1].name, sizeof(now->versions[1].name), "b");
	now->version_count = 2;
	now->versions[0].weight = SHARE_WHOLE;
	controller_stamp(now, &(struct controller_request){ .by = "uid 0" }, kind);
	failures = plans = 0;
}

static void shop_close(struct shop *shop)
{
	state_free(&shop->controller->state);
	free(shop->service.plan);
	free(shop->controller);
}

/* A change of that kind by them; NULL: another epoch alone. */
static int change(struct shop *shop, const char *by, enum state_change_kind kind)
{
	const struct controller_request request = { .by = by };
	struct state_service wanted = shop->service.now;
	struct complaint complaint = { "" };

	if (by)
		controller_stamp(&wanted, &request, kind);
	else
		service_next_epoch(&wanted);
	return controller_commit(shop->controller, &shop->service, &wanted, &complaint);
}

/* For so many seconds. */
static void try_for(struct shop *shop, unsigned int seconds, const char *by, enum state_change_kind kind)
{
	failures = 0;
	now_ms += 100000;
	is_full = true;
	for (unsigned int i = 0; i < seconds; i++, now_ms += 1000)
		assert_int_equal(change(shop, by, kind), -ENOSPC);
}

/* Whoever asks is told, and so is everybody; what tries again by itself says so now and then. */
static void test_what_fails_is_said(void **state)
{
	struct shop shop;

	(void)state;
	shop_open(&shop, STATE_WEIGHTS);
	try_for(&shop, 20, NULL, STATE_WEIGHTS);
	assert_int_equal(failures, 2);
	try_for(&shop, 20, "agent", STATE_ROLLOUT);
	assert_int_equal(failures, 2);
	try_for(&shop, 20, "kernel", STATE_WEIGHTS);
	assert_int_equal(failures, 2);
	try_for(&shop, 20, "uid 0", STATE_WEIGHTS);
	assert_int_equal(failures, 20);
	try_for(&shop, 20, "token", STATE_ROLLOUT);
	assert_int_equal(failures, 20);
	shop_close(&shop);
}

/* A rollback does not wait for the disk; the epochs after it do. */
static void test_a_full_disk(void **state)
{
	struct shop shop;

	(void)state;
	shop_open(&shop, STATE_WEIGHTS);
	is_full = true;
	assert_int_equal(change(&shop, "agent", STATE_ROLLBACK), 0);
	assert_int_equal(plans, 1);
	assert_int_equal(shop.service.now.changed.kind, STATE_ROLLBACK);
	assert_int_equal(change(&shop, NULL, STATE_WEIGHTS), -ENOSPC);
	assert_int_equal(plans, 1);
	shop_close(&shop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_fails_is_said),
		cmocka_unit_test(test_a_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
