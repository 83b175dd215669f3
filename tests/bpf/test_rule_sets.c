/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules and listeners in the kernel's tables: written whole, found by the longest prefix, kept over a restart, cleaned up
 * after one that was killed. Needs root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>

#include "datapath_private.h"
#include "log.h"
#include "rules.h"
#include "service.h"
#include "startup.h"

#define MANY 100000u

static struct datapath *datapath;

static int open_datapath(void **state)
{
	const struct datapath_options options = { .max_flows = SERIN_MIN_FLOWS };
	struct complaint complaint;

	(void)state;
	if (!datapath_open(&options, &datapath, &complaint))
		return 0;
	print_error("%s\n", complaint.text);
	return -1;
}

static int close_datapath(void **state)
{
	(void)state;
	datapath = datapath_close(datapath);
	return 0;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static uint64_t draw(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static struct rule_entry entry(const char *text, __u32 version)
{
	struct rule_entry made = { .version = version };

	assert_int_equal(prefix_parse(text, &made.prefix), 0);
	return made;
}

/* What the program asks. -1: nothing fits. */
static int ask(__u32 set, const struct serin_addr *client)
{
	struct serin_rule_key key = { .prefix_length = 160, .set = set, .addr = *client };
	__u32 version;

	return bpf_map_lookup_elem(MAP_FD(datapath, rules), &key, &version) ? -1 : (int)version;
}

static int ask_text(__u32 set, const char *client)
{
	struct serin_addr addr;

	assert_int_equal(address_parse(client, &addr), 0);
	return ask(set, &addr);
}

static void write_set(__u32 set, const struct rule_entry *entries, size_t count)
{
	struct complaint complaint;

	if (datapath_write_rules(datapath, set, entries, count, &complaint))
		fail_msg("%s", complaint.text);
}

static size_t count_all(void)
{
	struct placed_entry *all = NULL;
	size_t count = 0;

	assert_int_equal(datapath_read_rules(datapath, &all, &count, NULL), 0);
	free(all);
	return count;
}

static void test_sets_do_not_mix(void **state)
{
	const struct rule_entry one[] = { entry("10.0.0.0/8", 1), entry("10.1.0.0/16", 2), entry("::/0", 3),
					  entry("0.0.0.0/0", SERIN_NOT_PLACED) };
	const struct rule_entry other[] = { entry("10.0.0.0/8", 4) };
	__u32 a = datapath_new_rule_set(datapath), b = datapath_new_rule_set(datapath);

	(void)state;
	assert_int_not_equal(a, b);
	write_set(a, one, 4);
	write_set(b, other, 1);
	assert_int_equal(ask_text(a, "10.0.0.1"), 1);
	assert_int_equal(ask_text(a, "10.1.0.1"), 2);
	assert_int_equal(ask_text(a, "192.0.2.1"), SERIN_NOT_PLACED);
	assert_int_equal(ask_text(a, "2001:db8::1"), 3);
	assert_int_equal(ask_text(b, "10.1.0.1"), 4);
	assert_int_equal(ask_text(b, "2001:db8::1"), -1);
	assert_int_equal(ask_text(b + 1, "10.1.0.1"), -1);
	assert_int_equal(count_all(), 5);
	assert_int_equal(datapath_delete_rules(datapath, a, one, 4), 0);
	assert_int_equal(datapath_delete_rules(datapath, a, one, 4), 0); /* gone already */
	assert_int_equal(ask_text(a, "10.1.0.1"), -1);
	assert_int_equal(ask_text(b, "10.1.0.1"), 4);
	assert_int_equal(datapath_delete_rules(datapath, b, other, 1), 0);
	assert_int_equal(count_all(), 0);
}

/* Prefixes of all lengths, nested in one another, both families. */
static void draw_rules(struct config_rules *rules, uint64_t *seed)
{
	size_t i, kept = 0;

	for (i = 0; i < MANY; i++) {
		struct config_rule *rule = &rules->items[i];

		*rule = (struct config_rule){ .version = (uint8_t)(draw(seed) % 8), .place = { (unsigned int)i, 1 } };
		rule->prefix.addr.quad[0] = draw(seed) & 0x00ffff0000ffff3full;
		rule->prefix.addr.quad[1] = draw(seed);
		rule->prefix.bits = (unsigned int)(draw(seed) % 129);
		if (i % 2) {
			rule->prefix.addr.quad[0] = 0;
			rule->prefix.addr.half[4] = 0;
			rule->prefix.addr.half[5] = 0xffff;
			rule->prefix.bits = 96 + rule->prefix.bits % 33;
		}
		prefix_trim(&rule->prefix);
	}
	rules->count = MANY;
	rules_sort(rules);
	for (i = 0; i < rules->count; i++) {
		if (!kept || memcmp(&rules->items[i].prefix.addr, &rules->items[kept - 1].prefix.addr, 16) ||
		    rules->items[i].prefix.bits != rules->items[kept - 1].prefix.bits)
			rules->items[kept++] = rules->items[i];
	}
	rules->count = kept;
}

/* The kernel's trie and the agent's own search answer alike. */
static void compare_answers(const struct config_rules *rules, __u32 set, uint64_t *seed)
{
	unsigned int i, placed = 0;

	for (i = 0; i < 1000; i++) {
		struct serin_addr client = rules->items[draw(seed) % rules->count].prefix.addr;
		const struct config_rule *rule;
		int found;

		client.byte[15] = (__u8)draw(seed);
		client.byte[14] ^= (__u8)(draw(seed) & draw(seed) & draw(seed));
		rule = rules_find(rules, &client);
		found = ask(set, &client);
		assert_int_equal(found == SERIN_NOT_PLACED ? -1 : found, rule ? rule->version : -1);
		placed += rule != NULL;
	}
	assert_true(placed > 500 && placed <= 1000);
}

static void test_many(void **state)
{
	static const uint8_t ids[SERIN_MAX_VERSIONS] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	struct config_rules rules = { .items = calloc(MANY, sizeof(*rules.items)) };
	__u32 set = datapath_new_rule_set(datapath);
	struct placed_entry *read = NULL;
	struct rule_entry *entries;
	uint64_t seed = 0x5e21;
	size_t count, found = 0, i;
	double begin;

	(void)state;
	assert_non_null(rules.items);
	draw_rules(&rules, &seed);
	entries = rules_entries(&rules, ids);
	count = rules_entry_count(&rules);
	assert_non_null(entries);
	begin = now();
	write_set(set, entries, count);
	print_message("%zu rules written in %.0f ms\n", count, 1000 * (now() - begin));
	begin = now();
	assert_int_equal(datapath_read_rules(datapath, &read, &found, NULL), 0);
	print_message("and read in %.0f ms\n", 1000 * (now() - begin));
	assert_int_equal(found, count);
	for (i = 0; i < count; i++) {
		assert_int_equal(read[i].set, set);
		assert_true(rule_entries_equal(&read[i].entry, &entries[i], 1));
	}
	compare_answers(&rules, set, &seed);
	begin = now();
	assert_int_equal(datapath_delete_rules(datapath, set, entries, count), 0);
	print_message("and deleted in %.0f ms\n", 1000 * (now() - begin));
	assert_int_equal(count_all(), 0);
	free(read);
	free(entries);
	free(rules.items);
}

/* More than the table holds: refused, and nothing of it is left. */
static void test_no_room(void **state)
{
	size_t count = SERIN_MAX_RULES + 1, i;
	struct rule_entry *entries = calloc(count, sizeof(*entries));
	struct complaint complaint = { "" };

	(void)state;
	assert_non_null(entries);
	for (i = 0; i < count; i++) {
		entries[i].prefix.bits = 128;
		entries[i].prefix.addr.word[3] = htonl((__u32)i);
		entries[i].prefix.addr.half[5] = 0xffff;
	}
	assert_int_equal(datapath_write_rules(datapath, 77, entries, count, &complaint), -ENOSPC);
	assert_string_equal(complaint.text,
			    "no room for 1048577 rules: the kernel's table has 1048576 places, those of "
			    "rules that are being replaced included");
	assert_int_equal(count_all(), 0);
	free(entries);
}

#define HEAD                                                                                     \
	"interfaces: [lo]\nservices:\n- name: shop\n  listen: 192.0.2.1:80/tcp\n  baseline: a\n" \
	"  versions: {a: {backends: ['10.0.0.1:80']}, b: {backends: ['10.0.0.2:80']}}\n"

/* An agent's start, as far as rules go. */
struct start {
	struct controller controller;
	struct config *config;
	struct service services[2];
	struct startup_rules rules;
};

static int host_address(void *context, const struct serin_addr *to, struct serin_addr *ret, struct complaint *complaint)
{
	(void)context;
	(void)complaint;
	*ret = *to;
	return 0;
}

static struct start *start(const char *yaml, const struct start *before)
{
	struct start *it = calloc(1, sizeof(*it));
	struct image *empty = calloc(1, sizeof(*empty));
	struct complaint complaint = { "" };
	size_t i;

	assert_true(it && empty);
	if (config_parse("serin.yaml", yaml, strlen(yaml), &it->config, &complaint) ||
	    image_build(it->config, empty, host_address, NULL, &it->controller.image, &complaint))
		fail_msg("%s", complaint.text);
	free(empty);
	it->controller.datapath = datapath;
	it->controller.services = it->services;
	it->controller.service_count = it->config->service_count;
	for (i = 0; i < it->config->service_count; i++) {
		assert_int_equal(service_bind(&it->services[i], &it->config->services[i], &it->controller.image), 0);
		it->services[i].plan = calloc(1, sizeof(struct serin_plan));
		assert_non_null(it->services[i].plan);
		if (before)
			*it->services[i].plan = *before->services[i].plan;
	}
	assert_int_equal(startup_choose_rules(&it->controller, &it->rules, &complaint), 0);
	assert_int_equal(startup_write_rules(&it->controller, &it->rules, &complaint), 0);
	for (i = 0; i < it->config->service_count; i++)
		it->services[i].plan->rules = it->services[i].rules;
	startup_drop_rules(&it->controller, &it->rules);
	return it;
}

static void finish(struct start *it)
{
	free(it->services[0].plan);
	free(it->services[1].plan);
	free(it->rules.running);
	config_free(it->config);
	free(it);
}

static void test_restarts(void **state)
{
	const struct rule_entry half[] = { entry("10.0.0.0/8", 0), entry("11.0.0.0/8", 1) };
	struct start *first =
		start(HEAD "  rules: [{from: 10.0.0.0/8, version: b}, {from: '::/0', version: a}]\n", NULL);
	struct start *same, *changed, *without;
	__u32 set = first->services[0].rules;

	(void)state;
	assert_int_not_equal(set, 0);
	assert_true(first->rules.fresh[0]);
	assert_int_equal(ask_text(set, "10.0.0.1"), first->services[0].version_id[1]);
	assert_int_equal(ask_text(set, "11.0.0.1"), SERIN_NOT_PLACED);

	/* An agent was killed while it wrote another set: the next one keeps the first and takes the other away. */
	write_set(set + 5, half, 2);
	same = start(HEAD "  rules: [{from: '::/0', version: a}, {from: 10.0.0.0/8, version: b}]\n", first);
	assert_false(same->rules.fresh[0]);
	assert_int_equal(same->services[0].rules, set);
	assert_int_equal(count_all(), 3);

	changed = start(HEAD "  rules: [{from: '::/0', version: b}, {from: 10.0.0.0/8, version: b}]\n", same);
	assert_true(changed->rules.fresh[0]);
	assert_true(changed->services[0].rules > set + 5);
	assert_int_equal(ask_text(changed->services[0].rules, "2001:db8::1"), changed->services[0].version_id[1]);
	assert_int_equal(ask_text(set, "10.0.0.1"), -1);
	assert_int_equal(count_all(), 3);

	without = start(HEAD, changed);
	assert_int_equal(without->services[0].rules, 0);
	assert_int_equal(count_all(), 0);
	finish(first);
	finish(same);
	finish(changed);
	finish(without);
}

/* Value, or -1. */
static int id_of(const char *text, uint16_t port, uint8_t protocol)
{
	struct serin_listener_key key = { .port = htons(port), .protocol = protocol };
	__u32 id;

	assert_int_equal(address_parse(text, &key.addr), 0);
	return bpf_map_lookup_elem(MAP_FD(datapath, listener_ids), &key, &id) ? -1 : (int)id;
}

static void listen_on(struct image *image, unsigned int id, const char *text, uint16_t port, uint8_t protocol)
{
	struct serin_listener *listener = &image->listeners[id];

	*listener = (struct serin_listener){ .port = htons(port), .protocol = protocol, .forward = SERIN_FORWARD_NAT };
	assert_int_equal(address_parse(text, &listener->addr), 0);
}

static void test_listeners(void **state)
{
	struct image *from = calloc(1, sizeof(*from)), *to = calloc(1, sizeof(*to));
	struct serin_listener_key key = { .port = htons(99), .protocol = 6 };
	__u32 id = 9;

	(void)state;
	assert_true(from && to);
	listen_on(to, 3, "192.0.2.1", 443, IPPROTO_TCP);
	listen_on(to, 4, "192.0.2.1", 80, IPPROTO_TCP);
	listen_on(to, 5, "192.0.2.1", 53, IPPROTO_UDP);
	listen_on(to, 6, "2001:db8::1", 53, IPPROTO_UDP);
	assert_int_equal(datapath_apply_listeners(datapath, from, to, NULL), 0);
	assert_int_equal(id_of("192.0.2.1", 443, IPPROTO_TCP), 3);
	assert_int_equal(id_of("192.0.2.1", 80, IPPROTO_TCP), 4);
	assert_int_equal(id_of("192.0.2.1", 53, IPPROTO_UDP), 5);
	assert_int_equal(id_of("192.0.2.1", 0, IPPROTO_TCP), 3);
	assert_int_equal(id_of("192.0.2.1", 0, IPPROTO_UDP), 5);
	assert_int_equal(id_of("2001:db8::1", 0, IPPROTO_UDP), 6);
	assert_int_equal(id_of("2001:db8::1", 0, IPPROTO_TCP), -1);

	/* One of two goes: the address still has a service. Then the last. */
	*from = *to;
	to->listeners[3].forward = 0;
	to->listeners[6].forward = 0;
	assert_int_equal(datapath_apply_listeners(datapath, from, to, NULL), 0);
	assert_int_equal(id_of("192.0.2.1", 443, IPPROTO_TCP), -1);
	assert_int_equal(id_of("192.0.2.1", 0, IPPROTO_TCP), 4);
	assert_int_equal(id_of("2001:db8::1", 53, IPPROTO_UDP), -1);
	assert_int_equal(id_of("2001:db8::1", 0, IPPROTO_UDP), -1);

	/* Left behind, and left out, by an agent that was killed. */
	assert_int_equal(address_parse("192.0.2.1", &key.addr), 0);
	assert_int_equal(bpf_map_update_elem(MAP_FD(datapath, listener_ids), &key, &id, BPF_ANY), 0);
	key.port = htons(80);
	assert_int_equal(bpf_map_delete_elem(MAP_FD(datapath, listener_ids), &key), 0);
	assert_int_equal(datapath_apply_listeners(datapath, to, to, NULL), 0);
	assert_int_equal(id_of("192.0.2.1", 99, IPPROTO_TCP), -1);
	assert_int_equal(id_of("192.0.2.1", 80, IPPROTO_TCP), 4);
	free(from);
	free(to);
}

/* As many as there may be, each at an address of its own. */
static void test_all_listeners(void **state)
{
	struct image *from = calloc(1, sizeof(*from)), *to = calloc(1, sizeof(*to));
	char text[32];
	unsigned int i;

	(void)state;
	assert_true(from && to);
	for (i = 0; i < SERIN_MAX_LISTENERS; i++) {
		snprintf(text, sizeof(text), "10.0.%u.%u", i / 256, i % 256);
		listen_on(to, i, text, 80, i % 2 ? IPPROTO_UDP : IPPROTO_TCP);
	}
	assert_int_equal(datapath_apply_listeners(datapath, from, to, NULL), 0);
	assert_int_equal(id_of("10.0.3.255", 80, IPPROTO_UDP), 1023);
	assert_int_equal(id_of("10.0.3.255", 0, IPPROTO_UDP), 1023);
	assert_int_equal(datapath_apply_listeners(datapath, to, from, NULL), 0);
	assert_int_equal(id_of("10.0.0.0", 80, IPPROTO_TCP), -1);
	free(from);
	free(to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sets_do_not_mix), cmocka_unit_test(test_many),
		cmocka_unit_test(test_no_room),         cmocka_unit_test(test_restarts),
		cmocka_unit_test(test_listeners),       cmocka_unit_test(test_all_listeners),
	};

	log_setup(LOG_LEVEL_ERROR, LOG_KEYVALUE);
	return cmocka_run_group_tests(tests, open_datapath, close_datapath);
}
