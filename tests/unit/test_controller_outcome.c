/* SPDX-License-Identifier: BSD-2-Clause */
/* Outcomes that an application reports: what counts for the judge, and what is said of those for which there was no room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller_trial.h"

#define PLACES 64
#define CLIENTS 500

static const char text[] = "interfaces: [eth0]\nservices:\n- name: shop\n  listen: 192.0.2.1:80/tcp\n  baseline: a\n"
			   "  versions: {a: {backends: ['10.0.0.1:80']}, b: {backends: ['10.0.0.2:80']}}\n"
			   "  rollout: {steps: [{weight: 100%, for: 1m}]}\n";

struct shop {
	struct controller *controller;
	struct service service;
	struct config *config;
	struct serin_plan *plan;
	struct trial trial;
};

static void shop_open(struct shop *shop)
{
	struct complaint complaint = { "" };
	struct rollout *rollout = &shop->service.now.trial.rollout;

	memset(shop, 0, sizeof(*shop));
	assert_int_equal(config_parse("serin.yaml", text, strlen(text), &shop->config, &complaint), 0);
	shop->controller = calloc(1, sizeof(*shop->controller));
	shop->plan = calloc(1, sizeof(*shop->plan));
	shop->trial.outcomes = outcomes_new(PLACES, 1);
	assert_true(shop->controller && shop->plan && shop->trial.outcomes);
	shop->controller->trials[0] = &shop->trial;
	shop->service.config = &shop->config->services[0];
	shop->service.plan = shop->plan;
	weights_start(shop->service.config, NULL, NULL, 0, &shop->service.now);
	service_next_epoch(&shop->service.now);
	snprintf(rollout->version, sizeof(rollout->version), "b");
	rollout->state = ROLLOUT_PROGRESSING;
}

static void shop_close(struct shop *shop)
{
	outcomes_free(shop->trial.outcomes);
	free(shop->plan);
	free(shop->controller);
	config_free(shop->config);
}

static int tell(struct shop *shop, const char *version, unsigned int client, bool failed)
{
	struct complaint complaint = { "" };
	char name[16];

	snprintf(name, sizeof(name), "client-%u", client);
	return controller_outcome(shop->controller, &shop->service, version, name, failed, &complaint);
}

static uint64_t lost(const struct shop *shop)
{
	return shop->controller->rollout_counts[0].outcomes_lost;
}

static void test_each_client_once(void **state)
{
	struct shop shop;

	(void)state;
	shop_open(&shop);
	for (int again = 0; again < 3; again++) {
		assert_int_equal(tell(&shop, "b", 1, true), 0);
		assert_int_equal(tell(&shop, "a", 2, true), 0);
		assert_int_equal(tell(&shop, "b", 3, false), 0);
	}
	assert_int_equal(shop.trial.reported[JUDGE_R].trial, 1);
	assert_int_equal(shop.trial.reported[JUDGE_R].baseline, 1);
	assert_int_equal(shop.trial.reporters, 2);
	assert_int_equal(lost(&shop), 0);
	assert_int_equal(tell(&shop, "c", 1, true), -ENOENT);
	shop_close(&shop);
}

/* Each failed once: it counts, or it is said not to. The next rollout's are added to them. */
static void test_no_room(void **state)
{
	uint64_t before;
	struct shop shop;

	(void)state;
	shop_open(&shop);
	for (unsigned int i = 0; i < CLIENTS; i++)
		assert_int_equal(tell(&shop, "b", i, true), 0);
	assert_in_range(shop.trial.reported[JUDGE_R].trial, 1, PLACES);
	assert_int_equal(lost(&shop) + shop.trial.reported[JUDGE_R].trial, CLIENTS);
	before = lost(&shop);
	outcomes_begin(shop.trial.outcomes);
	for (unsigned int i = 0; i < CLIENTS; i++)
		assert_int_equal(tell(&shop, "a", i, true), 0);
	assert_int_equal(lost(&shop) - before + shop.trial.reported[JUDGE_R].baseline, CLIENTS);
	for (unsigned int i = 0; i < CLIENTS; i++)
		tell(&shop, "a", CLIENTS + i, false);
	assert_int_equal(lost(&shop) - before + shop.trial.reported[JUDGE_R].baseline, CLIENTS);
	shop_close(&shop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_client_once),
		cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
