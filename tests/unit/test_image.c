/* SPDX-License-Identifier: BSD-2-Clause */
/* Images of the kernel's tables: who keeps which id while configurations follow one another. */
#include "image_story.h"

static void test_nothing_configured(void **state)
{
	static const struct image empty;
	struct story *s = *state;

	apply(s);
	assert_memory_equal(s->image, &empty, sizeof(empty));
}

static void test_first_image(void **state)
{
	struct story *s = *state;
	struct config_service *added = shop(s);
	struct endpoint twelve = at("10.0.0.12:3000"), vip = at("2001:db8::10:80");
	const struct serin_backend *got;

	listener(added, "2001:db8::10:80");
	added->versions[STABLE].backends[1].weight = 70;
	added->baseline = CANARY;
	apply(s);
	assert_int_equal(image_find_service(s->image, "shop"), 0);
	assert_int_equal(image_find_version(s->image, 0, "stable"), 0);
	assert_int_equal(image_find_version(s->image, 0, "canary"), 1);
	assert_int_equal(s->image->services[0].baseline, 1);
	assert_int_equal(listener_of(s, "203.0.113.10:80"), 0);
	assert_memory_equal(&s->image->listeners[1].addr, &vip.addr, sizeof(vip.addr));
	assert_int_equal(s->image->listeners[1].port, vip.port);
	assert_int_equal(s->image->listeners[1].protocol, IPPROTO_TCP);
	assert_int_equal(s->image->listeners[1].forward, SERIN_FORWARD_GATEWAY);
	assert_int_equal(s->image->listeners[1].service, 0);

	assert_int_equal(id_of(s, "shop", "stable", "10.0.0.11:3000"), 0);
	assert_int_equal(id_of(s, "shop", "canary", "10.0.0.21:3000"), 2);
	got = &s->image->backends[1];
	assert_memory_equal(&got->addr, &twelve.addr, sizeof(twelve.addr));
	assert_int_equal(got->port, twelve.port);
	assert_int_equal(got->weight, 70);
	assert_int_equal(got->flags, SERIN_BACKEND_USED);
	assert_int_equal(got->snat_count, 0);
	assert_int_equal(s->image->endpoint_count, 3);
}

static void test_find_says_no(void **state)
{
	struct story *s = *state;
	struct endpoint unknown = at("10.9.9.9:1");

	shop(s);
	apply(s);
	assert_int_equal(image_find_service(s->image, "forum"), -ENOENT);
	assert_int_equal(image_find_service(s->image, ""), -ENOENT);
	assert_int_equal(image_find_version(s->image, 0, "next"), -ENOENT);
	assert_int_equal(image_find_version(s->image, 0, ""), -ENOENT);
	assert_int_equal(image_find_version(s->image, SERIN_MAX_SERVICES, "stable"), -ENOENT);
	assert_int_equal(image_find_backend(s->image, 0, 0, &unknown), -ENOENT);
	unknown = at("0.0.0.0:0");
	memset(&unknown.addr, 0, sizeof(unknown.addr));
	assert_int_equal(image_find_backend(s->image, 0, 0, &unknown), -ENOENT); /* unused entries are zero */
}

/* Everything is written the other way round: nothing moves. */
static void test_order_of_the_file_does_not_matter(void **state)
{
	struct story *s = *state;
	struct config_service *added;

	added = shop(s);
	listener(added, "203.0.113.11:80");
	added = service(s, "forum", "203.0.113.20:80");
	backend(added, STABLE, "10.0.1.11:3000");
	apply(s);

	clear(s);
	added = service(s, "forum", "203.0.113.20:80");
	backend(added, STABLE, "10.0.1.11:3000");
	added = service(s, "shop", "203.0.113.11:80");
	listener(added, "203.0.113.10:80");
	snprintf(added->versions[0].name, sizeof(added->versions[0].name), "canary");
	snprintf(added->versions[1].name, sizeof(added->versions[1].name), "stable");
	added->baseline = 1;
	backend(added, 0, "10.0.0.21:3000");
	backend(added, 1, "10.0.0.12:3000");
	backend(added, 1, "10.0.0.11:3000");
	assert_int_equal(build(s), 0);
	assert_memory_equal(s->image, s->next, sizeof(*s->image));
}

static void test_backend_leaves_and_comes_back(void **state)
{
	struct story *s = *state;
	struct config_service *added = shop(s);
	int gone, newcomer;

	apply(s);
	gone = id_of(s, "shop", "stable", "10.0.0.11:3000");

	clear(s);
	added = service(s, "shop", "203.0.113.10:80");
	backend(added, STABLE, "10.0.0.13:3000");
	backend(added, STABLE, "10.0.0.12:3000");
	backend(added, CANARY, "10.0.0.21:3000");
	apply(s);
	assert_int_equal(id_of(s, "shop", "stable", "10.0.0.11:3000"), gone);
	assert_true(is_leaving(s, gone));
	assert_int_equal(s->image->backends[gone].weight, 0);
	newcomer = id_of(s, "shop", "stable", "10.0.0.13:3000");
	assert_int_equal(newcomer, 3);
	assert_false(is_leaving(s, newcomer));

	added = shop(s);
	apply(s);
	assert_int_equal(id_of(s, "shop", "stable", "10.0.0.11:3000"), gone);
	assert_false(is_leaving(s, gone));
	assert_int_equal(s->image->backends[gone].weight, 1);
	assert_true(is_leaving(s, newcomer));

	forget(s, newcomer);
	backend(added, CANARY, "10.0.0.22:3000");
	apply(s);
	assert_int_equal(id_of(s, "shop", "canary", "10.0.0.22:3000"), newcomer);
	assert_int_equal(id_of(s, "shop", "stable", "10.0.0.13:3000"), -ENOENT);
}

/* A server is moved from stable to canary: its old flows stay stable's, and both count its ports in one place. */
static void test_backend_changes_version(void **state)
{
	struct story *s = *state;
	struct config_service *added;
	int before, after;

	shop(s);
	apply(s);
	before = id_of(s, "shop", "stable", "10.0.0.12:3000");
	clear(s);
	added = service(s, "shop", "203.0.113.10:80");
	backend(added, STABLE, "10.0.0.11:3000");
	backend(added, CANARY, "10.0.0.12:3000");
	apply(s);
	after = id_of(s, "shop", "canary", "10.0.0.12:3000");
	assert_int_not_equal(before, after);
	assert_true(is_leaving(s, before));
	assert_int_equal(s->image->backends[before].version, STABLE);
	assert_int_equal(s->image->backends[before].endpoint, s->image->backends[after].endpoint);
}

static void rename_canary(struct story *s, const char *name)
{
	struct config_service *added = shop(s);

	snprintf(added->versions[CANARY].name, sizeof(added->versions[CANARY].name), "%s", name);
}

static void test_version_index_is_held_by_leaving_backends(void **state)
{
	struct story *s = *state;
	int canary;

	shop(s);
	apply(s);
	canary = id_of(s, "shop", "canary", "10.0.0.21:3000");
	rename_canary(s, "next");
	apply(s);
	assert_int_equal(image_find_version(s->image, 0, "stable"), 0);
	assert_int_equal(image_find_version(s->image, 0, "canary"), 1);
	assert_int_equal(image_find_version(s->image, 0, "next"), 2);
	assert_true(is_leaving(s, canary));

	forget(s, canary);
	apply(s);
	assert_int_equal(image_find_version(s->image, 0, "canary"), -ENOENT);
	assert_int_equal(image_find_version(s->image, 0, "next"), 2);
	rename_canary(s, "last");
	apply(s);
	assert_int_equal(image_find_version(s->image, 0, "last"), 1);
	assert_int_equal(image_find_version(s->image, 0, "next"), 2);
}

static void forum(struct story *s)
{
	struct config_service *added;

	clear(s);
	added = service(s, "forum", "203.0.113.20:80");
	backend(added, STABLE, "10.0.1.11:3000");
}

static void test_service_goes_and_comes_back(void **state)
{
	struct story *s = *state;
	int id;

	shop(s);
	apply(s);
	forum(s);
	apply(s);
	assert_int_equal(image_find_service(s->image, "shop"), 0); /* its backends may have flows */
	assert_int_equal(image_find_service(s->image, "forum"), 1);
	assert_int_equal(listener_of(s, "203.0.113.10:80"), -ENOENT);
	for (id = 0; id < 3; id++)
		assert_true(is_leaving(s, id));

	shop(s);
	apply(s);
	assert_int_equal(image_find_service(s->image, "shop"), 0);
	assert_int_equal(listener_of(s, "203.0.113.10:80"), 0);
	assert_int_equal(id_of(s, "shop", "stable", "10.0.0.11:3000"), 0);
	assert_false(is_leaving(s, 0));

	forum(s);
	apply(s);
	for (id = 0; id < 3; id++)
		forget(s, id);
	apply(s);
	assert_int_equal(image_find_service(s->image, "shop"), -ENOENT);
	service(s, "wiki", "203.0.113.30:80");
	apply(s);
	assert_int_equal(image_find_service(s->image, "wiki"), 0);
	assert_int_equal(image_find_service(s->image, "forum"), 1);
}

static void test_service_may_replace_all_its_versions(void **state)
{
	struct story *s = *state;
	struct config_service *added;
	int id;

	forum(s);
	apply(s);
	shop(s);
	apply(s);
	forget(s, 0);
	for (id = 1; id < 4; id++) {
		s->image->backends[id].flags |= SERIN_BACKEND_LEAVING;
		forget(s, id);
	}
	clear(s);
	added = service(s, "shop", "203.0.113.10:80");
	snprintf(added->versions[0].name, SERIN_VERSION_NAME_LEN, "blue");
	snprintf(added->versions[1].name, SERIN_VERSION_NAME_LEN, "green");
	apply(s);
	assert_int_equal(image_find_service(s->image, "shop"), 1);
	assert_int_equal(image_find_version(s->image, 1, "blue"), 0);
	assert_int_equal(image_find_version(s->image, 1, "stable"), -ENOENT);
}

/* Flows name their listener: a newcomer takes the id of one that is gone only when there is no other. */
static void test_listener_ids(void **state)
{
	struct story *s = *state;
	struct config_service *added = shop(s);

	listener(added, "203.0.113.11:80");
	apply(s);
	assert_int_equal(listener_of(s, "203.0.113.11:80"), 1);

	clear(s);
	added = service(s, "shop", "203.0.113.12:80"); /* instead of .10 */
	listener(added, "203.0.113.11:80");
	apply(s);
	assert_int_equal(listener_of(s, "203.0.113.10:80"), -ENOENT);
	assert_int_equal(s->image->listeners[0].forward, 0);
	assert_int_equal(listener_of(s, "203.0.113.11:80"), 1);
	assert_int_equal(listener_of(s, "203.0.113.12:80"), 2);

	added = service(s, "forum", "203.0.113.10:80"); /* back, for another service */
	added->forward = SERIN_FORWARD_NAT;
	apply(s);
	assert_int_equal(listener_of(s, "203.0.113.10:80"), 0);
	assert_int_equal(s->image->listeners[0].service, 1);
	assert_int_equal(s->image->listeners[0].forward, SERIN_FORWARD_NAT);
}

static void test_endpoints_are_shared_and_kept(void **state)
{
	struct story *s = *state;
	struct config_service *added;
	int twelve;

	shop(s);
	added = service(s, "forum", "203.0.113.20:80");
	backend(added, STABLE, "10.0.0.12:3000");
	backend(added, STABLE, "10.0.0.12:3001");
	apply(s);
	twelve = s->image->backends[id_of(s, "shop", "stable", "10.0.0.12:3000")].endpoint;
	assert_int_equal(s->image->backends[id_of(s, "forum", "stable", "10.0.0.12:3000")].endpoint, twelve);
	assert_int_equal(s->image->endpoint_count, 4); /* .11:3000 .12:3000 .21:3000 .12:3001 */

	/* The shop leaves, the forum's use of .12:3000 keeps the number; then .11's is free for the next. */
	clear(s);
	added = service(s, "forum", "203.0.113.20:80");
	backend(added, STABLE, "10.0.0.12:3000");
	backend(added, STABLE, "10.0.0.12:3001");
	apply(s);
	forget(s, 0);
	forget(s, 1);
	backend(added, CANARY, "10.0.5.5:80");
	apply(s);
	assert_int_equal(s->image->backends[id_of(s, "forum", "stable", "10.0.0.12:3000")].endpoint, twelve);
	assert_int_equal(s->image->backends[id_of(s, "forum", "canary", "10.0.5.5:80")].endpoint, 0);
	assert_int_equal(s->image->endpoint_count, 4);
	clear(s);
	apply(s);
	assert_int_equal(s->image->endpoint_count, 4); /* leaving ones count */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(test_nothing_configured),
		STORY(test_first_image),
		STORY(test_find_says_no),
		STORY(test_order_of_the_file_does_not_matter),
		STORY(test_backend_leaves_and_comes_back),
		STORY(test_backend_changes_version),
		STORY(test_version_index_is_held_by_leaving_backends),
		STORY(test_service_goes_and_comes_back),
		STORY(test_service_may_replace_all_its_versions),
		STORY(test_listener_ids),
		STORY(test_endpoints_are_shared_and_kept),
	};

	return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
