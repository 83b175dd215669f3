/* SPDX-License-Identifier: BSD-2-Clause */
/* Rollouts where an agent begins or takes another configuration: what is told of them, and how they go on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define loop_wall_ms fake_wall_ms
#define loop_add_timer fake_add_timer
#define loop_set_timer fake_set_timer
#define fetcher_new fake_fetcher_new
#define outbox_open fake_outbox_open
#define outbox_add fake_outbox_add
#define outbox_retain fake_outbox_retain
#define trial_begin fake_begin
#define controller_trial_epoch fake_trial_epoch
#define controller_commit fake_commit
#include "../../agent/controller_notice.c"
#include "../../agent/controller_resume.c"

#define DAY (INT64_C(24) * 3600 * 1000)

static int64_t wall_ms;
static struct {
	unsigned int count;
	enum config_notice kind;
	int64_t at;
} told;

int64_t fake_wall_ms(void)
{
	return wall_ms;
}

int fake_add_timer(struct loop *loop, loop_fn fn, void *context, struct loop_source **ret)
{
	(void)loop, (void)fn, (void)context, (void)ret;
	return 0;
}

int fake_set_timer(struct loop_source *timer, int64_t first_ms, int64_t interval_ms)
{
	(void)timer, (void)first_ms, (void)interval_ms;
	return 0;
}

int fake_fetcher_new(struct loop *loop, struct fetcher **ret)
{
	(void)loop, (void)ret;
	return 0;
}

int fake_outbox_open(struct loop *loop, struct fetcher *fetcher, const char *directory,
		     const struct outbox_settings *settings, outbox_fn fn, void *context, struct outbox **ret,
		     struct complaint *complaint)
{
	(void)loop, (void)fetcher, (void)directory, (void)settings, (void)fn, (void)context, (void)complaint;
	*ret = context;
	return 0;
}

int fake_outbox_add(struct outbox *outbox, const struct config_notify *receivers, size_t count,
		    const struct notice *notice, struct complaint *complaint)
{
	(void)outbox, (void)receivers, (void)count, (void)complaint;
	told.count++;
	told.kind = notice->kind;
	told.at = notice->at;
	return 0;
}

void fake_outbox_retain(struct outbox *outbox, bool (*wanted)(void *context, const char *url), void *context)
{
	(void)outbox, (void)wanted, (void)context;
}

static struct trial trial;
static int committed;  /* what that comes to */
static bool is_lapsed; /* and it finds the lease over */

int fake_begin(struct controller *controller, struct service *service, bool goes_on, struct complaint *complaint)
{
	(void)goes_on, (void)complaint;
	controller->trials[service->id] = &trial;
	return 0;
}

void fake_trial_epoch(const struct controller *controller, const struct service *service, struct state_service *state)
{
	(void)controller, (void)service, (void)state;
}

int fake_commit(struct controller *controller, struct service *service, const struct state_service *wanted,
		struct complaint *complaint)
{
	(void)controller;
	trial.forsaken = is_lapsed;
	if (committed)
		return complain(complaint, committed, "cannot write the state: No space left on device");
	service->now = *wanted;
	return 0;
}

static const char text[] = "interfaces: [eth0]\nservices:\n- name: shop\n  listen: 192.0.2.1:80/tcp\n  baseline: a\n"
			   "  versions: {a: {backends: ['10.0.0.1:80']}, b: {backends: ['10.0.0.2:80']}}\n"
			   "  rollout: {steps: [{weight: 10%, for: 1m}]}\n";

struct shop {
	struct controller *controller;
	struct service service;
	struct config *config;
};

/* A rollout of `b` that somebody has aborted, and the agent's next start, so much later. */
static void shop_open(struct shop *shop, int64_t later_ms)
{
	struct complaint complaint = { "" };

	memset(shop, 0, sizeof(*shop));
	memset(&told, 0, sizeof(told));
	assert_int_equal(config_parse("serin.yaml", text, strlen(text), &shop->config, &complaint), 0);
	shop->controller = calloc(1, sizeof(*shop->controller));
	assert_non_null(shop->controller);
	shop->controller->config = shop->config;
	shop->controller->services = &shop->service;
	shop->controller->service_count = 1;
	shop->service.config = &shop->config->services[0];
	weights_start(shop->service.config, NULL, NULL, 0, &shop->service.now);
	wall_ms = 1000 * DAY + 5000;
	shop->service.now.trial.rollout = (struct rollout){
		.state = ROLLOUT_ABORTED,
		.version = "b",
		.number = 7,
		.began = wall_ms - 60000,
		.since = wall_ms,
		.now = wall_ms,
		.notices = 2,
		.noticed = CONFIG_NOTICE_ABORT,
	};
	wall_ms += later_ms;
	controller_rollout_resume(shop->controller, &shop->service, ROLLOUT_RESTARTED, NULL);
	assert_int_equal(shop->service.now.trial.rollout.now, wall_ms);
}

static void shop_close(struct shop *shop)
{
	shop->controller->outbox = NULL;
	free(shop->controller);
	config_free(shop->config);
}

/* The last agent may have been killed before it told; of when that was nothing changes. */
static void test_a_start_tells_again(void **state)
{
	struct shop shop;

	(void)state;
	shop_open(&shop, DAY - 1);
	assert_int_equal(controller_rollout_add_to_loop(shop.controller, NULL), 0);
	assert_int_equal(told.count, 1);
	assert_int_equal(told.kind, CONFIG_NOTICE_ABORT);
	assert_int_equal(told.at, 1000 * DAY / 1000 + 5);
	shop_close(&shop);
}

static void test_nobody_hears_of_yesterday(void **state)
{
	struct shop shop;

	(void)state;
	shop_open(&shop, DAY);
	assert_int_equal(controller_rollout_add_to_loop(shop.controller, NULL), 0);
	assert_int_equal(told.count, 0);
	shop_close(&shop);
}

/* It was taken out of the file in its rollout's course, and is back. */
static void test_a_reload_tells_of_a_service_that_is_back(void **state)
{
	struct controller *before = calloc(1, sizeof(*before));
	struct shop shop;

	(void)state;
	assert_non_null(before);
	shop_open(&shop, 0);
	shop.controller->outbox = (void *)shop.controller;
	shop.service.now.trial.rollout.state = ROLLOUT_PROGRESSING;
	wall_ms += 1000;
	controller_rollout_resume(shop.controller, &shop.service, ROLLOUT_ABORT, "gone");
	controller_rollout_reloaded(shop.controller, before);
	assert_int_equal(told.count, 1);
	assert_int_equal(told.kind, CONFIG_NOTICE_ABORT);
	assert_int_equal(told.at, wall_ms / 1000);
	/* And not with each reload. */
	before->services = &shop.service;
	before->service_count = 1;
	controller_rollout_reloaded(shop.controller, before);
	assert_int_equal(told.count, 1);
	free(before);
	shop_close(&shop);
}

/* Who has reported failures is forgotten, and the epoch goes on: until it ends, what is counted is no evidence. */
static void test_a_start_that_cannot_end_the_epoch(void **state)
{
	struct shop shop;

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		shop_open(&shop, 0);
		committed = i == 1 ? -ENOSPC : 0;
		is_lapsed = i == 2;
		trial = (struct trial){ .outcomes = outcomes_new(10, 1) };
		assert_non_null(trial.outcomes);
		shop.service.now.trial.rollout.state = ROLLOUT_PROGRESSING;
		shop.service.now.trial.judge.settings.checks[JUDGE_OUTCOMES] = true;
		assert_int_equal(controller_rollout_add_to_loop(shop.controller, NULL), 0);
		assert_int_equal(trial.forsaken, i != 0);
		outcomes_free(trial.outcomes);
		shop_close(&shop);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_start_tells_again),
		cmocka_unit_test(test_nobody_hears_of_yesterday),
		cmocka_unit_test(test_a_reload_tells_of_a_service_that_is_back),
		cmocka_unit_test(test_a_start_that_cannot_end_the_epoch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
