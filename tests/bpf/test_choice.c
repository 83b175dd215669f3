/* SPDX-License-Identifier: BSD-2-Clause */
/* Which backend a new connection gets: the program and include/serin/split.h say the same of every client, and what is
 * one client to the configuration is one to the program. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "scene.h"

#define CLIENTS 1500

static const char *const listeners[] = { "203.0.113.10:80", "[2001:db8:f::10]:80" };

static struct lab *open_service(bool ipv6, const char *affinity)
{
	static const char *const backends[2][6] = {
		{ "10.0.0.17:80", "10.0.0.18:80", "10.0.0.19:80", "10.0.0.20:80", "10.0.0.21:80", "10.9.0.5:80" },
		{ "[2001:db8:b::11]:80", "[2001:db8:b::12]:80", "[2001:db8:b::13]:80", "[2001:db8:b::14]:80",
		  "[2001:db8:b::15]:80", "[2001:db8:9::5]:80" },
	};
	const char *const *b = backends[ipv6];
	struct lab *lab = lab_open(4096);
	char yaml[1024];

	snprintf(yaml, sizeof(yaml),
		 "interfaces: [front, rear]\nsnat: {addresses: [\"%s\"]}\nservices:\n"
		 "  - name: shop\n    listen: [\"%s/tcp\"]\n    affinity: %s\n    baseline: stable\n    versions:\n"
		 "      stable: {backends: [\"%s\", {address: \"%s\", weight: 3}, \"%s\"]}\n"
		 "      canary: {weight: 30%%, backends: [\"%s\", \"%s\"]}\n"
		 "      other: {weight: 5%%, backends: [\"%s\"]}\n",
		 ipv6 ? "2001:db8:b::1" : "10.0.0.1", listeners[ipv6], affinity, b[0], b[1], b[2], b[3], b[4], b[5]);
	lab_configure(lab, yaml);
	return lab;
}

/* A client behind the gateway. */
static struct segment random_syn(bool ipv6)
{
	struct segment syn = segment_between(ipv6 ? "[2001:db8:7::]:1024" : "100.64.0.0:1024", listeners[ipv6]);
	size_t i;

	for (i = ipv6 ? 6 : 14; i < 16; i++)
		syn.src.byte[i] = (uint8_t)random();
	syn.sport = (uint16_t)(1024 + random() % 60000);
	syn.flags = SYN;
	syn.to = NET_FRONT_MAC;
	syn.from = NET_CLIENT_GATEWAY_MAC;
	return syn;
}

/* The backend that the program has chosen. */
static unsigned int choice_of(struct lab *lab, const struct segment *syn)
{
	static struct frame frame;
	uint32_t index;

	assert_int_equal(lab_run(lab, LAB_FRONT, segment_write(syn, &frame)), LAB_ON);
	index = flowtable_find(lab, syn);
	assert_int_not_equal(index, FLOWTABLE_NONE);
	return flowtable_way(lab, index).backend;
}

static void every_client_as_computed(bool ipv6, const char *affinity)
{
	struct lab *lab = open_service(ipv6, affinity);
	unsigned int given[EXPECT_BACKENDS] = { 0 }, i;
	struct expect_counters counters;
	struct segment syn;

	for (i = 0; i < CLIENTS; i++) {
		syn = random_syn(ipv6);
		unsigned int backend = choice_of(lab, &syn);

		assert_int_equal(backend, lab_choose(lab, "shop", &syn));
		given[backend]++;
	}
	counters = expect_read_counters(lab);
	for (i = 0; i < 6; i++) {
		assert_int_equal(counters.stats[i].opened, given[i]);
		assert_true(given[i] > 0);
	}
	assert_int_equal(flowtable_check(lab, stdout), 0);
	lab_close(lab);
}

static void choices_are_those_of_split_h(void **state)
{
	(void)state;
	srandom(3);
	every_client_as_computed(false, "source");
	every_client_as_computed(true, "source");
	every_client_as_computed(false, "flow");
	every_client_as_computed(true, "flow");
}

/* Affinity `source`: an IPv4 address, or an IPv6 /64, always meets one backend; one bit more is another client. */
static void one_client_one_backend(void **state)
{
	size_t i, j;

	(void)state;
	srandom(4);
	for (i = 0; i < 2; i++) {
		struct lab *lab = open_service(i, "source");
		struct segment syn = random_syn(i);
		unsigned int backend = choice_of(lab, &syn), others = 0;

		for (j = 0; j < 200; j++) {
			syn.sport++;
			if (i)
				syn.src.byte[8 + j % 8] = (uint8_t)random();
			assert_int_equal(choice_of(lab, &syn), backend);
		}
		for (j = 0; j < 50; j++) {
			syn.src.byte[i ? 7 : 15]++;
			others += choice_of(lab, &syn) != backend;
		}
		assert_in_range(others, 10, 50);
		lab_close(lab);
	}
}

/* Affinity `flow`: one client's connections go everywhere. */
static void every_connection_for_itself(void **state)
{
	size_t i, j;

	(void)state;
	srandom(5);
	for (i = 0; i < 2; i++) {
		struct lab *lab = open_service(i, "flow");
		unsigned int given[EXPECT_BACKENDS] = { 0 };
		struct segment syn = random_syn(i);

		for (j = 0; j < 600; j++) {
			syn.sport = (uint16_t)(2000 + j);
			given[choice_of(lab, &syn)]++;
		}
		for (j = 0; j < 6; j++)
			assert_true(given[j] > 0);
		lab_close(lab);
	}
}

/* A version's new share counts from the next SYN on, whole or not at all. */
static void weights_count_at_once(void **state)
{
	struct lab *lab = open_service(false, "source");
	unsigned int weight, i, canary;

	(void)state;
	srandom(6);
	for (weight = 0; weight <= SERIN_SLOTS; weight += SERIN_SLOTS / 4) {
		lab_set_weight(lab, "shop", "canary", weight);
		for (i = 0, canary = 0; i < 200; i++) {
			struct segment syn = random_syn(false);
			unsigned int backend = choice_of(lab, &syn);

			assert_int_equal(backend, lab_choose(lab, "shop", &syn));
			canary += lab->image->backends[backend].version ==
				  image_find_version(lab->image, lab_service(lab, "shop"), "canary");
		}
		assert_in_range(canary, weight * 200 / SERIN_SLOTS - (weight ? 35 * (weight < SERIN_SLOTS) : 0),
				weight * 200 / SERIN_SLOTS + (weight ? 35 : 0));
	}
	lab_close(lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(choices_are_those_of_split_h),
		cmocka_unit_test(one_client_one_backend),
		cmocka_unit_test(every_connection_for_itself),
		cmocka_unit_test(weights_count_at_once),
	};

	return EXPECT_RUN("choice", tests);
}
