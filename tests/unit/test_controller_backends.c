/* SPDX-License-Identifier: BSD-2-Clause */
/* Backends that go out by evidence: whose connections that ends, and what becomes of a version that has nobody left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scalar.h"

#define liveness_mark fake_mark
#define liveness_count fake_count
#define datapath_set_backend_flags fake_set_backend_flags
#define datapath_set_plan fake_set_plan
#define leaving_begin fake_begin
#define leaving_keep fake_keep
#define controller_save fake_save
#define controller_withdraw fake_withdraw
#include "../../agent/controller_backends.c"

enum { A1, A2, B1, B2, BACKENDS };

static bool is_out[BACKENDS];
static enum { UNTOUCHED, KEPT, BEGUN } flows[BACKENDS];
static enum leaving_mode mode;
static int withdrawn; /* what that comes to */

void fake_mark(const struct liveness *liveness, struct image *image)
{
	(void)liveness;
	for (unsigned int id = 0; id < BACKENDS; id++) {
		image->backends[id].flags &= (__u8)~SERIN_BACKEND_EJECTED;
		image->backends[id].flags |= is_out[id] ? SERIN_BACKEND_EJECTED : 0;
	}
}

void fake_count(const struct liveness *liveness, unsigned int service, unsigned int version, struct health_tally *ret)
{
	unsigned int first = version ? B1 : A1;

	(void)liveness, (void)service;
	*ret = (struct health_tally){ .members = 2, .serving = !is_out[first] + !is_out[first + 1] };
}

int fake_set_backend_flags(struct datapath *datapath, unsigned int id, uint8_t set, uint8_t clear,
			   struct complaint *complaint)
{
	(void)datapath, (void)id, (void)set, (void)clear, (void)complaint;
	return 0;
}

int fake_set_plan(struct datapath *datapath, unsigned int service, const struct serin_plan *plan,
		  struct complaint *complaint)
{
	(void)datapath, (void)service, (void)plan, (void)complaint;
	return 0;
}

void fake_begin(struct leaving *leaving, const uint16_t *ids, size_t count, enum leaving_mode how, int64_t deadline_ms)
{
	(void)leaving;
	assert_int_equal(count, 1);
	assert_true(deadline_ms > loop_now_ms());
	flows[ids[0]] = BEGUN;
	mode = how;
}

void fake_keep(struct leaving *leaving, unsigned int id)
{
	(void)leaving;
	flows[id] = KEPT;
}

int fake_save(struct controller *controller, struct complaint *complaint)
{
	(void)controller, (void)complaint;
	return 0;
}

int fake_withdraw(struct controller *controller, struct service *service, size_t version,
		  const struct controller_request *request, struct complaint *complaint)
{
	(void)controller, (void)complaint;
	assert_int_equal(version, 1);
	assert_string_equal(request->reason, "no_backend");
	if (!withdrawn)
		service->now.versions[version].weight = 0;
	return withdrawn;
}

static const char text[] =
	"interfaces: [eth0]\nservices:\n- name: shop\n  listen: 192.0.2.1:80/tcp\n  baseline: a\n"
	"  on_ejection: {flows: reset}\n"
	"  versions: {a: {backends: ['10.0.0.1:80', '10.0.0.2:80']}, b: {backends: ['10.0.0.3:80', '10.0.0.4:80']}}\n";

struct shop {
	struct controller *controller;
	struct service service;
	struct config *config;
};

/* `b` has so much. */
static void shop_open(struct shop *shop, uint16_t weight)
{
	struct complaint complaint = { "" };
	struct state_service *now = &shop->service.now;

	memset(shop, 0, sizeof(*shop));
	memset(is_out, 0, sizeof(is_out));
	memset(flows, 0, sizeof(flows));
	assert_int_equal(config_parse("serin.yaml", text, strlen(text), &shop->config, &complaint), 0);
	shop->controller = calloc(1, sizeof(*shop->controller));
	assert_non_null(shop->controller);
	shop->controller->services = &shop->service;
	shop->controller->service_count = 1;
	shop->service.config = &shop->config->services[0];
	shop->service.version_id[1] = 1;
	weights_start(shop->service.config, NULL, NULL, 0, now);
	now->generation = 1;
	now->versions[1].weight = weight;
	now->versions[0].weight = (uint16_t)(SHARE_WHOLE - weight);
	for (unsigned int id = 0; id < BACKENDS; id++)
		shop->controller->image.backends[id] = (struct serin_backend){
			.flags = SERIN_BACKEND_USED, .version = id >= B1, .weight = 100, .port = (__be16)(id + 1)
		};
	shop->service.plan = calloc(1, sizeof(*shop->service.plan));
	assert_non_null(shop->service.plan);
	assert_int_equal(controller_backends_changed(shop->controller, 0), 0);
	memset(flows, 0, sizeof(flows));
}

static void shop_close(struct shop *shop)
{
	free(shop->service.plan);
	free(shop->controller);
	config_free(shop->config);
}

static void turns(struct shop *shop, unsigned int id, bool out)
{
	is_out[id] = out;
	assert_int_equal(controller_backends_changed(shop->controller, 0), 0);
}

static void test_one_of_two(void **state)
{
	struct shop shop;

	(void)state;
	shop_open(&shop, 1000);
	turns(&shop, A1, true);
	assert_int_equal(flows[A1], BEGUN);
	assert_int_equal(mode, LEAVING_RESET);
	assert_int_equal(flows[A2], UNTOUCHED);
	turns(&shop, A1, false);
	assert_int_equal(flows[A1], KEPT);
	shop_close(&shop);
}

/* Checks that are wrong about all of them end nothing: the ring keeps them. */
static void test_all_at_once(void **state)
{
	struct shop shop;

	(void)state;
	shop_open(&shop, 1000);
	is_out[A1] = true;
	turns(&shop, A2, true);
	assert_int_equal(flows[A1], UNTOUCHED);
	assert_int_equal(flows[A2], UNTOUCHED);
	turns(&shop, A2, false);
	assert_int_equal(flows[A1], BEGUN); /* now there is somebody else */
	assert_int_equal(flows[A2], UNTOUCHED);
	shop_close(&shop);
}

static void test_one_after_the_other(void **state)
{
	struct shop shop;

	(void)state;
	shop_open(&shop, 1000);
	turns(&shop, A1, true);
	assert_int_equal(flows[A1], BEGUN);
	turns(&shop, A2, true);
	assert_int_equal(flows[A1], KEPT);
	assert_int_equal(flows[A2], UNTOUCHED);
	shop_close(&shop);
}

/* What was rolled back is emptied whoever else goes out, and kept when it is back. */
static void test_without_a_share(void **state)
{
	struct shop shop;

	(void)state;
	shop_open(&shop, 0);
	turns(&shop, B1, true);
	assert_int_equal(flows[B1], BEGUN);
	turns(&shop, B2, true);
	assert_int_equal(flows[B1], BEGUN);
	assert_int_equal(flows[B2], UNTOUCHED);
	turns(&shop, B2, false);
	turns(&shop, B1, false);
	assert_int_equal(flows[B1], KEPT);
	shop_close(&shop);
}

/* Liveness calls again where it could not be. */
static void test_nobody_left_of_a_trial(void **state)
{
	struct shop shop;

	(void)state;
	shop_open(&shop, 1000);
	withdrawn = -ENOMEM;
	is_out[B1] = is_out[B2] = true;
	assert_int_equal(controller_backends_changed(shop.controller, 0), -ENOMEM);
	assert_int_equal(shop.service.now.versions[1].weight, 1000);
	withdrawn = 0;
	assert_int_equal(controller_backends_changed(shop.controller, 0), 0);
	assert_int_equal(shop.service.now.versions[1].weight, 0);
	shop_close(&shop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_of_two),
		cmocka_unit_test(test_all_at_once),
		cmocka_unit_test(test_one_after_the_other),
		cmocka_unit_test(test_without_a_share),
		cmocka_unit_test(test_nobody_left_of_a_trial),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
