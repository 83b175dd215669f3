/* SPDX-License-Identifier: BSD-2-Clause */
/* Images of the kernel's tables: full ones, and the complaints past their limits. */
#include "image_story.h"

/* Eight versions, one renamed while its backend leaves: that is nine. */
static void test_versions_past_the_limit(void **state)
{
	struct story *s = *state;
	struct config_service *added = shop(s);
	static const char *const more[] = { "c", "d", "e", "f", "g", "h" };
	unsigned int i;
	char text[32];

	for (i = 0; i < 6; i++) {
		version(added, more[i]);
		snprintf(text, sizeof(text), "10.0.3.%u:80", i);
		backend(added, 2 + i, text);
	}
	added->place = (struct config_place){ 4, 5 };
	apply(s);
	snprintf(added->versions[7].name, SERIN_VERSION_NAME_LEN, "i");
	refused(s, -ENOSPC,
		"serin.yaml:4:5: 8 versions of service \"shop\", and 1 removed that connections may still use, "
		"expected at most 8 together");
}

static void fill_listeners(struct story *s, unsigned int services)
{
	struct config_service *added;
	unsigned int i, j;
	char text[64];

	clear(s);
	for (i = 0; i < services; i++) {
		snprintf(text, sizeof(text), "10.1.%u.0:80", i);
		added = service(s, text, text);
		for (j = 1; j < CONFIG_MAX_LISTENERS; j++) {
			snprintf(text, sizeof(text), "10.1.%u.%u:80", i, j);
			listener(added, text);
		}
	}
}

static void test_listeners_to_the_limit_and_past(void **state)
{
	struct story *s = *state;

	fill_listeners(s, SERIN_MAX_LISTENERS / CONFIG_MAX_LISTENERS);
	apply(s);
	s->config.services[63].listeners[15] =
		(struct config_listener){ at("10.9.9.9:80").addr, htons(80), IPPROTO_TCP, { 0 } };
	apply(s);
	assert_int_equal(listener_of(s, "10.9.9.9:80"), 1023);

	/* Ids 15 and 1023 become free, and the owner of 15 comes back behind a newcomer: it gets 15 all the same. */
	s->config.services[0].listener_count = 15;
	s->config.services[63].listener_count = 15;
	apply(s);
	listener(&s->config.services[0], "10.9.9.8:80");
	listener(&s->config.services[63], "10.1.0.15:80");
	apply(s);
	assert_int_equal(listener_of(s, "10.1.0.15:80"), 15);
	assert_int_equal(listener_of(s, "10.9.9.8:80"), 1023);

	fill_listeners(s, SERIN_MAX_LISTENERS / CONFIG_MAX_LISTENERS);
	service(s, "one-more", "10.2.0.0:80");
	refused(s, -ENOSPC, "serin.yaml: 1025 listening addresses, expected at most 1024");
}

static void fill_services(struct story *s, const char *prefix, unsigned int count)
{
	unsigned int i;
	char name[64], listen[64];

	clear(s);
	for (i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%s%u", prefix, i);
		snprintf(listen, sizeof(listen), "10.3.%u.%u:80", i / 256, i % 256);
		service(s, name, listen);
	}
}

static void test_services_to_the_limit_and_past(void **state)
{
	struct story *s = *state;

	fill_services(s, "a", SERIN_MAX_SERVICES);
	apply(s);
	fill_services(s, "b", SERIN_MAX_SERVICES + 1);
	refused(s, -ENOSPC, "serin.yaml: 257 services, expected at most 256");

	fill_services(s, "a", SERIN_MAX_SERVICES);
	backend(&s->config.services[0], STABLE, "10.0.0.1:80");
	apply(s);
	fill_services(s, "b", SERIN_MAX_SERVICES);
	refused(s, -ENOSPC,
		"serin.yaml: 256 services, and 1 removed that connections may still use, "
		"expected at most 256 together");
}

static void fill_backends(struct story *s, unsigned int first, unsigned int count)
{
	struct config_service *added;
	unsigned int i;

	clear(s);
	added = service(s, "shop", "203.0.113.10:80");
	for (i = first; i < first + count; i++) {
		struct endpoint endpoint = at("10.0.0.0:80");

		endpoint.addr.byte[14] = (__u8)(i >> 8);
		endpoint.addr.byte[15] = (__u8)i;
		backend_at(&added->versions[i % 2], endpoint, 1);
	}
}

static void test_backends_to_the_limit_and_past(void **state)
{
	struct story *s = *state;

	fill_backends(s, 0, SERIN_MAX_BACKENDS + 1);
	refused(s, -ENOSPC, "serin.yaml: 4097 backends, expected at most 4096");
	fill_backends(s, 0, SERIN_MAX_BACKENDS);
	assert_int_equal(build(s), 0);
	*s->image = *s->next;
	assert_int_equal(s->image->endpoint_count, SERIN_MAX_BACKENDS);

	fill_backends(s, 2, SERIN_MAX_BACKENDS - 1); /* two leave, one comes */
	refused(s, -ENOSPC,
		"serin.yaml: 4095 backends, and 2 removed that connections may still use, "
		"expected at most 4096 together");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(test_versions_past_the_limit),
		STORY(test_listeners_to_the_limit_and_past),
		STORY(test_services_to_the_limit_and_past),
		STORY(test_backends_to_the_limit_and_past),
	};

	return cmocka_run_group_tests_name("image limits", tests, NULL, NULL);
}
