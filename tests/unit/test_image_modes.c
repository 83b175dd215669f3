/* SPDX-License-Identifier: BSD-2-Clause */
/* Images of the kernel's tables: backends of the other ways to forward, and listeners of two protocols. */
#include "image_story.h"

static const struct serin_backend *backend_of(const struct story *s, const struct config_service *service,
					      size_t version, size_t index)
{
	const struct endpoint *endpoint = &service->versions[version].backends[index].endpoint;
	int service_id = image_find_service(s->image, service->name), version_id, id;

	version_id = image_find_version(s->image, (unsigned int)service_id, service->versions[version].name);
	id = image_find_backend(s->image, (unsigned int)service_id, (unsigned int)version_id, endpoint);
	assert_true(id >= 0);
	return &s->image->backends[id];
}

static void assert_snat(const struct story *s, unsigned int index, const char *text)
{
	struct serin_addr addr = at(text).addr;

	assert_memory_equal(&s->image->snat[index], &addr, sizeof(addr));
}

static void test_local(void **state)
{
	static const struct serin_addr none;
	struct story *s = *state;
	struct config_service *node, *other;

	s->source_error = -EIO; /* nobody asks: nothing leaves this host */
	clear(s);
	node = service(s, "node", "203.0.113.10:80");
	node->forward = SERIN_FORWARD_LOCAL;
	backend_at(&node->versions[STABLE], (struct endpoint){ .port = htons(3001) }, 1);
	backend_at(&node->versions[CANARY], (struct endpoint){ .port = htons(3002) }, 1);
	other = service(s, "other", "203.0.113.11:80");
	other->forward = SERIN_FORWARD_LOCAL;
	backend_at(&other->versions[STABLE], (struct endpoint){ .port = htons(3001) }, 1);
	apply(s);
	assert_memory_equal(&backend_of(s, node, STABLE, 0)->addr, &none, sizeof(none));
	assert_int_equal(backend_of(s, node, CANARY, 0)->port, htons(3002));
	assert_int_equal(backend_of(s, node, CANARY, 0)->snat_count, 0);
	assert_int_equal(s->image->listeners[0].forward, SERIN_FORWARD_LOCAL);
	assert_ptr_not_equal(backend_of(s, node, STABLE, 0), backend_of(s, other, STABLE, 0));
	assert_int_equal(s->image->endpoint_count, 2);
}

/* The outer source of each family, and no ports. */
static void test_tunnel_under_the_hosts_own_address(void **state)
{
	struct story *s = *state;
	struct config_service *tunnel;

	clear(s);
	tunnel = service(s, "tunnel", "2001:db8::10:80");
	tunnel->forward = SERIN_FORWARD_IPIP;
	backend(tunnel, STABLE, "10.0.0.11:80");
	backend(tunnel, STABLE, "2001:db8:1::11:80");
	apply(s);
	assert_int_equal(backend_of(s, tunnel, STABLE, 0)->snat_first, 0);
	assert_int_equal(backend_of(s, tunnel, STABLE, 1)->snat_first, 1);
	assert_int_equal(backend_of(s, tunnel, STABLE, 0)->snat_count, 0);
	assert_snat(s, 0, "192.0.2.254:0");
	assert_snat(s, 1, "2001:db8::fe:0");
	s->source_error = -ENETUNREACH;
	refused(s, -ENETUNREACH, "no route");
}

/* Configured addresses come first; a family that has none is the host's to choose. */
static void test_tunnel_under_a_configured_address(void **state)
{
	struct story *s = *state;
	struct config_service *tunnel;

	clear(s);
	snat(s, "2001:db8::a:0");
	snat(s, "2001:db8::b:0");
	tunnel = service(s, "tunnel", "203.0.113.10:80");
	tunnel->forward = SERIN_FORWARD_GUE;
	backend(tunnel, STABLE, "2001:db8:1::11:80");
	backend(tunnel, CANARY, "10.0.0.11:80");
	apply(s);
	assert_int_equal(backend_of(s, tunnel, STABLE, 0)->snat_first, 0);
	assert_int_equal(backend_of(s, tunnel, STABLE, 0)->snat_count, 0);
	assert_int_equal(backend_of(s, tunnel, CANARY, 0)->snat_first, 2);
	assert_snat(s, 2, "192.0.2.254:0");
}

static void test_l2_has_no_source(void **state)
{
	static const struct serin_addr none;
	struct story *s = *state;
	struct config_service *segment;

	s->source_error = -EIO;
	clear(s);
	segment = service(s, "segment", "203.0.113.10:80");
	segment->forward = SERIN_FORWARD_L2;
	backend(segment, STABLE, "10.0.0.11:80");
	apply(s);
	assert_int_equal(backend_of(s, segment, STABLE, 0)->snat_count, 0);
	assert_memory_equal(&s->image->snat[0], &none, sizeof(none));
}

/* One address and port, two listeners. */
static void test_protocols(void **state)
{
	struct story *s = *state;
	struct config_service *dns;

	clear(s);
	dns = service(s, "dns", "203.0.113.10:53");
	listener(dns, "203.0.113.10:53");
	dns->listeners[1].protocol = IPPROTO_UDP;
	backend(dns, STABLE, "10.0.0.11:53");
	apply(s);
	assert_int_equal(s->image->listeners[0].protocol, IPPROTO_TCP);
	assert_int_equal(s->image->listeners[1].protocol, IPPROTO_UDP);
	assert_int_equal(s->image->listeners[1].service, 0);
	assert_int_equal(s->image->listeners[0].speaks, SERIN_SPEAKS_ANY);

	dns->speaks = SERIN_SPEAKS_HTTP; /* a reload: what is said over UDP is no HTTP/1.x */
	apply(s);
	assert_int_equal(s->image->listeners[0].speaks, SERIN_SPEAKS_HTTP);
	assert_int_equal(s->image->listeners[1].speaks, SERIN_SPEAKS_ANY);
	dns->speaks = SERIN_SPEAKS_ANY;
	apply(s);
	assert_int_equal(s->image->listeners[0].speaks, SERIN_SPEAKS_ANY);

	dns->listeners[0] = dns->listeners[1]; /* tcp goes, udp keeps its id */
	dns->listener_count = 1;
	apply(s);
	assert_int_equal(s->image->listeners[0].forward, 0);
	assert_int_equal(s->image->listeners[1].forward, SERIN_FORWARD_GATEWAY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(test_local),
		STORY(test_tunnel_under_the_hosts_own_address),
		STORY(test_tunnel_under_a_configured_address),
		STORY(test_l2_has_no_source),
		STORY(test_protocols),
	};

	return cmocka_run_group_tests_name("image modes", tests, NULL, NULL);
}
