/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules on the way of a packet: the longest prefix places a client before the hash, the ring within the version stays, and
 * what is placed is counted so. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../scratch.h"
#include "expect.h"
#include "scene.h"

/* Backend ids by the order of the file: 0 stable, 1 canary, 2 other. */
enum { STABLE, CANARY, OTHER };

static const char *const listeners[] = { "203.0.113.10:80", "[2001:db8:f::10]:80" };

static struct lab *open_service(bool ipv6, const char *rules)
{
	struct lab *lab = lab_open(4096);
	char yaml[1024];

	snprintf(
		yaml, sizeof(yaml),
		"interfaces: [front, rear]\nsnat: {addresses: [\"%s\"]}\nservices:\n"
		"  - name: shop\n    listen: [\"%s/tcp\"]\n    baseline: stable\n    versions:\n"
		"      stable: {backends: [\"%s\"]}\n      canary: {backends: [\"%s\"]}\n      other: {backends: [\"%s\"]}\n"
		"    rules: [%s]\n",
		ipv6 ? "2001:db8:b::1" : "10.0.0.1", listeners[ipv6], ipv6 ? "[2001:db8:b::11]:80" : "10.0.0.17:80",
		ipv6 ? "[2001:db8:b::12]:80" : "10.0.0.18:80", ipv6 ? "[2001:db8:b::13]:80" : "10.0.0.19:80", rules);
	lab_configure(lab, yaml);
	return lab;
}

/* The way to the backend of a client's first packet. */
static struct serin_way first_packet(struct lab *lab, const char *client, bool ipv6)
{
	static struct frame frame;
	struct segment syn;
	char from[64];
	uint32_t index;

	snprintf(from, sizeof(from), ipv6 ? "[%s]:40000" : "%s:40000", client);
	syn = segment_between(from, listeners[ipv6]);
	syn.flags = SYN;
	syn.to = NET_FRONT_MAC;
	syn.from = NET_CLIENT_GATEWAY_MAC;
	assert_int_equal(lab_run(lab, LAB_FRONT, segment_write(&syn, &frame)), LAB_ON);
	index = flowtable_find(lab, &syn);
	assert_int_not_equal(index, FLOWTABLE_NONE);
	return flowtable_way(lab, index);
}

static void assert_placed(struct lab *lab, const char *client, bool ipv6, unsigned int backend, bool placed)
{
	struct serin_way way = first_packet(lab, client, ipv6);

	if (way.backend != backend || !(way.flags & SERIN_WAY_BY_RULE) == placed)
		fail_msg("%s: backend %u%s, expected %u%s", client, way.backend,
			 way.flags & SERIN_WAY_BY_RULE ? " by a rule" : "", backend, placed ? " by a rule" : "");
}

static void the_longest_prefix_places(void **state)
{
	struct expect_counters before, after;
	struct lab *lab =
		open_service(false, "{from: 100.64.0.0/10, version: canary}, {from: 100.64.8.0/24, version: stable}, "
				    "{from: 100.64.8.7, version: other}");

	(void)state;
	before = expect_read_counters(lab);
	assert_placed(lab, "100.64.1.1", false, CANARY, true);
	assert_placed(lab, "100.127.255.255", false, CANARY, true);
	assert_placed(lab, "100.64.8.1", false, STABLE, true);
	assert_placed(lab, "100.64.8.7", false, OTHER, true);
	assert_placed(lab, "100.64.8.8", false, STABLE, true);
	assert_placed(lab, "192.0.2.1", false, STABLE, false); /* drawn: canary and other have no share */
	after = expect_read_counters(lab);
	assert_int_equal(after.stats[STABLE].opened - before.stats[STABLE].opened, 3);
	assert_int_equal(after.stats[STABLE].placed - before.stats[STABLE].placed, 2);
	assert_int_equal(after.stats[CANARY].placed - before.stats[CANARY].placed, 2);
	assert_int_equal(after.stats[OTHER].placed - before.stats[OTHER].placed, 1);
	assert_int_equal(flowtable_check(lab, stdout), 0);
	lab_close(lab);
}

static void ipv6_prefixes_place(void **state)
{
	struct lab *lab = open_service(true, "{from: '2001:db8:7::/48', version: canary}, "
					     "{from: '2001:db8:7:1::/64', version: other}");

	(void)state;
	assert_placed(lab, "2001:db8:7::1", true, CANARY, true);
	assert_placed(lab, "2001:db8:7:1::1", true, OTHER, true);
	assert_placed(lab, "2001:db8:7:2::1", true, CANARY, true);
	lab_close(lab);
}

/* ::/0 is everybody who comes by IPv6; the mapped addresses that IPv4 clients have in the table are inside of it. */
static void one_family_does_not_place_the_other(void **state)
{
	struct lab *lab = open_service(false, "{from: '::/0', version: canary}");

	(void)state;
	assert_placed(lab, "100.64.1.1", false, STABLE, false);
	lab_close(lab);
	lab = open_service(true, "{from: 0.0.0.0/0, version: canary}");
	assert_placed(lab, "2001:db8:7::1", true, STABLE, false);
	lab_close(lab);
	lab = open_service(true, "{from: '::/0', version: other}, {from: 0.0.0.0/0, version: canary}");
	assert_placed(lab, "2001:db8:7::1", true, OTHER, true);
	lab_close(lab);
}

/* A plan with other rules: the next client is placed by them, those that are there stay. */
static void rules_change_with_the_plan(void **state)
{
	struct lab *lab = open_service(false, "{from: 100.64.0.0/10, version: canary}");

	(void)state;
	assert_placed(lab, "100.64.1.1", false, CANARY, true);
	lab_configure(lab, "interfaces: [front, rear]\nsnat: {addresses: [10.0.0.1]}\nservices:\n"
			   "  - name: shop\n    listen: ['203.0.113.10:80/tcp']\n    baseline: stable\n    versions:\n"
			   "      stable: {backends: ['10.0.0.17:80']}\n      canary: {backends: ['10.0.0.18:80']}\n"
			   "      other: {backends: ['10.0.0.19:80']}\n"
			   "    rules: [{from: 100.64.0.0/10, version: other}]\n");
	assert_placed(lab, "100.64.1.1", false, CANARY, true);
	assert_placed(lab, "100.64.1.2", false, OTHER, true);
	lab_close(lab);
}

#define MANY 100000

struct prefix_rule {
	uint32_t prefix; /* host byte order */
	unsigned int bits, version;
};

static struct prefix_rule many[2 * MANY];

static uint32_t mask_of(unsigned int bits)
{
	return bits ? ~0u << (32 - bits) : 0;
}

static int by_length_then_prefix(const void *a, const void *b)
{
	const struct prefix_rule *one = a, *other = b;

	if (one->bits != other->bits)
		return one->bits > other->bits ? -1 : 1;
	return one->prefix < other->prefix ? -1 : one->prefix > other->prefix;
}

/* No prefix twice, long ones first. */
static void make_many(void)
{
	size_t i, kept = 0;

	for (i = 0; i < 2 * MANY; i++) {
		many[i].bits = 32 - (unsigned int)(random() % 3 ? random() % 6 : random() % 18);
		many[i].prefix = (0x64400000u | ((uint32_t)random() & 0x3fffffu)) & mask_of(many[i].bits);
		many[i].version = (unsigned int)random() % 3;
	}
	qsort(many, 2 * MANY, sizeof(many[0]), by_length_then_prefix);
	for (i = 0; i < 2 * MANY; i++)
		if (!kept || by_length_then_prefix(&many[kept - 1], &many[i]))
			many[kept++] = many[i];
	assert_true(kept >= MANY);
	memmove(many, many + kept - MANY, MANY * sizeof(many[0]));
}

static void write_many(char path[SCRATCH_LEN + 8])
{
	static const char *const names[] = { "stable", "canary", "other" };
	FILE *file;
	size_t i;

	assert_int_equal(scratch_directory(path), 0);
	strcat(path, "/rules");
	file = fopen(path, "w");
	assert_non_null(file);
	for (i = 0; i < MANY; i++)
		fprintf(file, "%u.%u.%u.%u/%u %s\n", many[i].prefix >> 24, many[i].prefix >> 16 & 255,
			many[i].prefix >> 8 & 255, many[i].prefix & 255, many[i].bits, names[many[i].version]);
	fclose(file);
}

static struct lab *open_many(void)
{
	struct lab *lab = lab_open(4096);
	char path[SCRATCH_LEN + 8], yaml[1024];

	write_many(path);
	snprintf(yaml, sizeof(yaml),
		 "interfaces: [front, rear]\nsnat: {addresses: [10.0.0.1]}\nservices:\n"
		 "  - name: shop\n    listen: ['203.0.113.10:80/tcp']\n    baseline: stable\n    versions:\n"
		 "      stable: {backends: ['10.0.0.17:80']}\n      canary: {backends: ['10.0.0.18:80']}\n"
		 "      other: {backends: ['10.0.0.19:80']}\n    rules_file: %s\n",
		 path);
	lab_configure(lab, yaml);
	return lab;
}

/* As many rules as a service may have, against a search that looks at each. */
static void a_hundred_thousand_rules(void **state)
{
	size_t i, j, placed = 0;
	struct lab *lab;

	(void)state;
	srandom(7);
	make_many();
	lab = open_many();
	for (i = 0; i < 1000; i++) {
		uint32_t client = 0x64400000u | ((uint32_t)random() & 0x3fffffu);
		char text[32];

		for (j = 0; j < MANY; j++)
			if ((client & mask_of(many[j].bits)) == many[j].prefix)
				break;
		snprintf(text, sizeof(text), "%u.%u.%u.%u", client >> 24, client >> 16 & 255, client >> 8 & 255,
			 client & 255);
		assert_placed(lab, text, false, j < MANY ? many[j].version : STABLE, j < MANY);
		placed += j < MANY;
	}
	assert_in_range(placed, 500, 1000);
	lab_close(lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_longest_prefix_places),
		cmocka_unit_test(ipv6_prefixes_place),
		cmocka_unit_test(one_family_does_not_place_the_other),
		cmocka_unit_test(rules_change_with_the_plan),
		cmocka_unit_test(a_hundred_thousand_rules),
	};

	return EXPECT_RUN("rules", tests);
}
