/* SPDX-License-Identifier: BSD-2-Clause */
/* Telling configurations that follow one another, and checking the images that they make; for the tests of image.h. */
#ifndef SERIN_IMAGE_STORY_H
#define SERIN_IMAGE_STORY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"

struct story {
	struct config config;
	struct image *image; /* what the last configuration made */
	struct image *next;
	struct complaint complaint;
	int source_error;
	unsigned int source_salt; /* 0: one source per family; else one per backend */
};

static inline int setup(void **state)
{
	struct story *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->image = calloc(1, sizeof(*s->image));
	s->next = calloc(1, sizeof(*s->next));
	s->config.services = calloc(SERIN_MAX_SERVICES + 1, sizeof(*s->config.services));
	assert_true(s->image && s->next && s->config.services);
	s->config.path = (char *)"serin.yaml";
	*state = s;
	return 0;
}

/* A new file is begun. */
static inline void clear(struct story *s)
{
	size_t i, j;

	for (i = 0; i < s->config.service_count; i++) {
		for (j = 0; j < s->config.services[i].version_count; j++)
			free(s->config.services[i].versions[j].backends);
	}
	memset(s->config.services, 0, (SERIN_MAX_SERVICES + 1) * sizeof(*s->config.services));
	s->config.service_count = 0;
	s->config.snat.address_count = 0;
}

static inline int teardown(void **state)
{
	struct story *s = *state;

	clear(s);
	free(s->config.services);
	free(s->image);
	free(s->next);
	free(s);
	return 0;
}

/* "192.0.2.1:80" or "2001:db8::1:80", the last colon before the port: short to write here. */
static inline struct endpoint at(const char *text)
{
	struct endpoint endpoint = { 0 };
	char addr[64];
	const char *colon = strrchr(text, ':');

	snprintf(addr, sizeof(addr), "%.*s", (int)(colon - text), text);
	if (inet_pton(AF_INET, addr, &endpoint.addr.word[3]) == 1)
		endpoint.addr.half[5] = 0xffff;
	else
		assert_int_equal(inet_pton(AF_INET6, addr, &endpoint.addr), 1);
	endpoint.port = htons((uint16_t)atoi(colon + 1));
	return endpoint;
}

/* The two versions that every service of these stories has. */
enum { STABLE, CANARY };

static inline struct config_version *version(struct config_service *service, const char *name)
{
	struct config_version *added = &service->versions[service->version_count++];

	snprintf(added->name, sizeof(added->name), "%s", name);
	return added;
}

static inline struct config_service *service(struct story *s, const char *name, const char *listen)
{
	struct config_service *added = &s->config.services[s->config.service_count++];
	struct endpoint endpoint = at(listen);

	snprintf(added->name, sizeof(added->name), "%s", name);
	added->listeners[0] = (struct config_listener){ endpoint.addr, endpoint.port, IPPROTO_TCP, { 0 } };
	added->listener_count = 1;
	added->forward = SERIN_FORWARD_GATEWAY;
	version(added, "stable");
	version(added, "canary");
	return added;
}

static inline void listener(struct config_service *service, const char *listen)
{
	struct endpoint endpoint = at(listen);

	service->listeners[service->listener_count++] =
		(struct config_listener){ endpoint.addr, endpoint.port, IPPROTO_TCP, { 0 } };
}

static inline void backend_at(struct config_version *version, struct endpoint endpoint, uint16_t weight)
{
	size_t count = version->backend_count++;

	version->backends = realloc(version->backends, version->backend_count * sizeof(*version->backends));
	assert_non_null(version->backends);
	version->backends[count] = (struct config_backend){ endpoint, weight, { 12, 7 } };
}

static inline void backend(struct config_service *service, unsigned int version, const char *text)
{
	backend_at(&service->versions[version], at(text), 1);
}

static inline void snat(struct story *s, const char *text)
{
	s->config.snat.addresses[s->config.snat.address_count++] = at(text).addr;
}

/* The host is 192.0.2.254 and 2001:db8::fe; with a salt, another one towards each backend. */
static inline int source(void *context, const struct serin_addr *to, struct serin_addr *ret,
			 struct complaint *complaint)
{
	const struct story *s = context;

	if (s->source_error)
		return complain(complaint, s->source_error, "no route");
	*ret = at(address_is_ipv4(to) ? "192.0.2.254:0" : "2001:db8::fe:0").addr;
	if (s->source_salt)
		ret->byte[15] = (__u8)(to->byte[15] + s->source_salt);
	return 0;
}

/* What has to hold in any image. */
static inline void check(const struct image *image)
{
	unsigned int i, j;

	for (i = 0; i < SERIN_MAX_BACKENDS; i++) {
		const struct serin_backend *a = &image->backends[i];

		if (!a->flags)
			continue;
		assert_true(a->flags & SERIN_BACKEND_USED);
		assert_true(a->endpoint < image->endpoint_count);
		assert_string_not_equal(image->services[a->service].name, "");
		assert_string_not_equal(image->services[a->service].version[a->version], "");
		for (j = i + 1; j < SERIN_MAX_BACKENDS && image->endpoint_count < 100; j++) {
			const struct serin_backend *b = &image->backends[j];
			int same = a->port == b->port && !memcmp(&a->addr, &b->addr, sizeof(a->addr));

			if (b->flags)
				assert_int_equal(a->endpoint == b->endpoint, same);
		}
	}
}

static inline int build(struct story *s)
{
	strcpy(s->complaint.text, "");
	return image_build(&s->config, s->image, source, s, s->next, &s->complaint);
}

/* The configuration takes effect. Once more must change nothing. */
static inline void apply(struct story *s)
{
	struct image *swap;

	assert_int_equal(build(s), 0);
	swap = s->image;
	s->image = s->next;
	s->next = swap;
	check(s->image);
	assert_int_equal(build(s), 0);
	assert_memory_equal(s->image, s->next, sizeof(*s->image));
}

static inline void refused(struct story *s, int error, const char *expected)
{
	struct image *before = malloc(sizeof(*before));

	assert_non_null(before);
	*before = *s->image;
	memset(s->next, 0x5a, sizeof(*s->next));
	assert_int_equal(build(s), error);
	assert_string_equal(s->complaint.text, expected);
	assert_memory_equal(before, s->image, sizeof(*before));
	memset(before, 0x5a, sizeof(*before));
	assert_memory_equal(before, s->next, sizeof(*before));
	free(before);
}

static inline int id_of(const struct story *s, const char *service, const char *version, const char *endpoint)
{
	int service_id = image_find_service(s->image, service);
	int version_id = image_find_version(s->image, (unsigned int)service_id, version);
	struct endpoint wanted = at(endpoint);

	if (service_id < 0 || version_id < 0)
		return -ENOENT;
	return image_find_backend(s->image, (unsigned int)service_id, (unsigned int)version_id, &wanted);
}

static inline int listener_of(const struct story *s, const char *listen)
{
	struct endpoint wanted = at(listen);
	int i;

	for (i = 0; i < (int)SERIN_MAX_LISTENERS; i++) {
		if (s->image->listeners[i].forward && s->image->listeners[i].port == wanted.port &&
		    !memcmp(&s->image->listeners[i].addr, &wanted.addr, sizeof(wanted.addr)))
			return i;
	}
	return -ENOENT;
}

static inline bool is_leaving(const struct story *s, int id)
{
	assert_true(s->image->backends[id].flags & SERIN_BACKEND_USED);
	return s->image->backends[id].flags & SERIN_BACKEND_LEAVING;
}

/* The agent found that no flow names a leaving backend any more. */
static inline void forget(struct story *s, int id)
{
	assert_true(is_leaving(s, id));
	memset(&s->image->backends[id], 0, sizeof(s->image->backends[id]));
}

static inline struct config_service *shop(struct story *s)
{
	struct config_service *added;

	clear(s);
	added = service(s, "shop", "203.0.113.10:80");
	backend(added, STABLE, "10.0.0.11:3000");
	backend(added, STABLE, "10.0.0.12:3000");
	backend(added, CANARY, "10.0.0.21:3000");
	return added;
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
