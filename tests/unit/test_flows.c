/* SPDX-License-Identifier: BSD-2-Clause */
/* Flows read out of small tables of ways: what is one, what is none, and which are idle. */
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

#include "flows.h"
#include "flows_json.h"

#define WAYS 16
#define FORWARD 3 /* the way to the backend */
#define REVERSE 9
#define NOW 1000u

static struct serin_way ways[WAYS];
static const struct flows flows = { ways, WAYS };

static int make_flow(void **state)
{
	(void)state;
	memset(ways, 0, sizeof(ways));
	ways[FORWARD] = (struct serin_way){
		.claim = SERIN_WAY_CLAIM(70, SERIN_WAY_ESTABLISHED),
		.peer = REVERSE,
		.peer_generation = 71,
		.stamp = NOW - 5,
		.client.byte = { 0x20, 0x01, 0x0d, 0xb8, [15] = 7 },
		.client_port = htons(40000),
		.nat_port = htons(1024),
		.listener = 2,
		.backend = 300,
		.asked = 5000,
		.next_seq = 777,
		.opened = NOW - 40,
		.bytes_low = 9,
		.bytes_high = 1,
		.snat = 1,
		.flags = SERIN_WAY_SEQ,
	};
	ways[REVERSE] = ways[FORWARD];
	ways[REVERSE].claim = SERIN_WAY_CLAIM(71, SERIN_WAY_ESTABLISHED);
	ways[REVERSE].peer = FORWARD;
	ways[REVERSE].peer_generation = 70;
	ways[REVERSE].stamp = NOW - 3;
	ways[REVERSE].hop = ~0ull;
	ways[REVERSE].next_seq = 5001;
	ways[REVERSE].bytes_low = 11;
	ways[REVERSE].bytes_high = 0;
	ways[REVERSE].flags = SERIN_WAY_SEQ | SERIN_WAY_TO_CLIENT;
	return 0;
}

static void make_one_way(void)
{
	memset(&ways[REVERSE], 0, sizeof(ways[REVERSE]));
	ways[FORWARD].peer = FORWARD;
	ways[FORWARD].peer_generation = 70;
	ways[FORWARD].acked = 5001;
}

static struct flow read_it(void)
{
	struct flow flow;

	assert_true(flow_read(&flows, FORWARD, &flow));
	return flow;
}

static void test_both_ways_make_one_flow(void **state)
{
	struct flow flow = read_it();

	(void)state;
	assert_int_equal(flow.index, FORWARD);
	assert_int_equal(flow.generation, 70);
	assert_int_equal(flow.state, SERIN_WAY_ESTABLISHED);
	assert_false(flow.one_way);
	assert_false(flow.placed);
	assert_memory_equal(&flow.client, &ways[FORWARD].client, 16);
	assert_int_equal(flow.client_port, htons(40000));
	assert_int_equal(flow.nat_port, htons(1024));
	assert_int_equal(flow.listener, 2);
	assert_int_equal(flow.backend, 300);
	assert_int_equal(flow.snat, 1);
	assert_true(flow.bytes[SERIN_TO_BACKEND] == (1ull << 32 | 9));
	assert_true(flow.bytes[SERIN_TO_CLIENT] == 11);
	assert_int_equal(flow.next_seq[SERIN_TO_BACKEND], 777);
	assert_int_equal(flow.next_seq[SERIN_TO_CLIENT], 5001);
	assert_true(flow.has_seq[SERIN_TO_BACKEND] && flow.has_seq[SERIN_TO_CLIENT]);
	assert_int_equal(flow.asked, 5000);
	assert_int_equal(flow_age(&flow, NOW), 40);
	assert_int_equal(flow_idle(&flow, NOW), 3);
}

static void test_a_flow_counts_once(void **state)
{
	struct flow flow;
	uint16_t backend;
	unsigned int found = 0, glanced = 0;

	(void)state;
	for (uint32_t i = 0; i < WAYS; i++) {
		found += flow_read(&flows, i, &flow);
		glanced += flow_glance(&flows, i, &backend);
	}
	assert_int_equal(found, 1);
	assert_int_equal(glanced, 1);
	assert_true(flow_glance(&flows, FORWARD, &backend));
	assert_int_equal(backend, 300);
	assert_false(flow_read(&flows, WAYS, &flow));
}

static void test_flags(void **state)
{
	(void)state;
	ways[FORWARD].flags |= SERIN_WAY_BY_RULE;
	assert_true(read_it().placed);
	ways[REVERSE].flags &= ~SERIN_WAY_SEQ;
	assert_false(read_it().has_seq[SERIN_TO_CLIENT]);
}

/* Every state that is not a live one's. */
static void test_ways_in_the_making_are_no_flows(void **state)
{
	static const enum serin_way_state not_live[] = { SERIN_WAY_FREE, SERIN_WAY_BUSY, SERIN_WAY_PENDING,
							 SERIN_WAY_KILLED };
	struct flow flow = { .index = 99 };
	uint16_t backend = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(not_live) / sizeof(not_live[0]); i++) {
		make_flow(NULL);
		ways[REVERSE].claim = SERIN_WAY_CLAIM(71, not_live[i]);
		assert_false(flow_read(&flows, FORWARD, &flow));
		make_flow(NULL);
		ways[FORWARD].claim = SERIN_WAY_CLAIM(70, not_live[i]);
		assert_false(flow_read(&flows, FORWARD, &flow));
		assert_false(flow_glance(&flows, FORWARD, &backend));
	}
	assert_int_equal(flow.index, 99);
	assert_int_equal(backend, 7);
}

static void test_live_states(void **state)
{
	static const struct {
		enum serin_way_state state;
		const char *name;
	} live[] = {
		{ SERIN_WAY_EMBRYONIC, "embryonic" },
		{ SERIN_WAY_ESTABLISHED, "established" },
		{ SERIN_WAY_HALF_CLOSED, "half-closed" },
		{ SERIN_WAY_CLOSED, "closed" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(live) / sizeof(live[0]); i++) {
		ways[FORWARD].claim = SERIN_WAY_CLAIM(70, live[i].state);
		assert_int_equal(read_it().state, live[i].state);
		assert_string_equal(flow_state_name(read_it().state), live[i].name);
	}
}

/* Half of a flow whose other half belongs to somebody else by now. */
static void test_a_peer_that_does_not_name_the_way_back(void **state)
{
	struct flow flow;

	(void)state;
	ways[REVERSE].claim = SERIN_WAY_CLAIM(72, SERIN_WAY_ESTABLISHED);
	assert_false(flow_read(&flows, FORWARD, &flow));
	make_flow(NULL);
	ways[REVERSE].peer = FORWARD + 1;
	assert_false(flow_read(&flows, FORWARD, &flow));
	make_flow(NULL);
	ways[REVERSE].peer_generation = 69;
	assert_false(flow_read(&flows, FORWARD, &flow));
	make_flow(NULL);
	ways[FORWARD].peer = WAYS; /* outside of the table */
	assert_false(flow_read(&flows, FORWARD, &flow));
}

static void test_one_way(void **state)
{
	struct flow flow;

	(void)state;
	make_one_way();
	flow = read_it();
	assert_true(flow.one_way);
	assert_false(flow.has_seq[SERIN_TO_CLIENT]);
	assert_true(flow.bytes[SERIN_TO_CLIENT] == 0);
	assert_int_equal(flow_idle(&flow, NOW), 5);
}

static bool idle_with(uint32_t asked, uint32_t next_seq)
{
	struct flow flow;

	ways[FORWARD].asked = asked;
	ways[REVERSE].next_seq = next_seq;
	flow = read_it();
	return flow_is_idle(&flow, NOW);
}

static void test_an_owed_answer_is_not_idle(void **state)
{
	(void)state;
	assert_true(idle_with(5000, 5001));
	assert_false(idle_with(5000, 5000));
	assert_false(idle_with(5000, 4999)); /* the client has seen more than we have */
	/* Sequence numbers wrap. */
	assert_true(idle_with(0xfffffff0u, 16));
	assert_false(idle_with(16, 0xfffffff0u));
	assert_true(idle_with(0x7fffffffu, 0x80000001u));
	ways[REVERSE].flags &= ~SERIN_WAY_SEQ; /* it has said nothing at all */
	assert_false(idle_with(5000, 5001));
}

static bool idle_at(uint32_t to_backend, uint32_t to_client, uint32_t now)
{
	struct flow flow;

	ways[FORWARD].stamp = to_backend;
	ways[REVERSE].stamp = to_client;
	flow = read_it();
	return flow_is_idle(&flow, now);
}

static void test_idle_needs_both_directions_to_be_silent(void **state)
{
	(void)state;
	assert_true(idle_at(NOW - FLOWS_QUIET, NOW - FLOWS_QUIET, NOW));
	assert_false(idle_at(NOW - FLOWS_QUIET + 1, NOW - 100, NOW));
	assert_false(idle_at(NOW - 100, NOW - FLOWS_QUIET + 1, NOW));
	/* Another CPU's clock may be ahead, and stamps wrap. */
	assert_false(idle_at(NOW + 1, NOW - 100, NOW));
	assert_true(idle_at(0xfffffff0u, 0xfffffff0u, 1));
	assert_false(idle_at(0xfffffff0u, 0, 1));
}

static void test_only_open_connections_are_idle(void **state)
{
	static const bool idle[] = { [SERIN_WAY_EMBRYONIC] = false,
				     [SERIN_WAY_ESTABLISHED] = true,
				     [SERIN_WAY_HALF_CLOSED] = true,
				     [SERIN_WAY_CLOSED] = false };

	(void)state;
	for (uint32_t i = SERIN_WAY_EMBRYONIC; i <= SERIN_WAY_CLOSED; i++) {
		ways[FORWARD].claim = SERIN_WAY_CLAIM(70, i);
		assert_int_equal(idle_at(NOW - 100, NOW - 100, NOW), idle[i]);
	}
}

static void test_one_way_waits_longer(void **state)
{
	(void)state;
	make_one_way();
	assert_false(idle_at(NOW - FLOWS_QUIET_ONE_WAY + 1, 0, NOW));
	make_one_way();
	assert_true(idle_at(NOW - FLOWS_QUIET_ONE_WAY, 0, NOW));
}

/* Answers are seen by what the client acknowledges. */
static void test_one_way_owes_until_the_client_acknowledges(void **state)
{
	(void)state;
	make_one_way();
	ways[FORWARD].acked = 5000;
	assert_false(idle_at(NOW - 1000, 0, NOW));
	ways[FORWARD].asked = 0xfffffff0u;
	ways[FORWARD].acked = 16;
	assert_true(idle_at(NOW - 1000, 0, NOW));
}

static void test_ages_do_not_run_backwards(void **state)
{
	struct flow flow;

	(void)state;
	ways[FORWARD].opened = NOW + 1;
	flow = read_it();
	assert_int_equal(flow_age(&flow, NOW), 0);
	ways[FORWARD].opened = 0xfffffffeu;
	flow = read_it();
	assert_int_equal(flow_age(&flow, 3), 5);
}

static void test_stamps_of_the_clock(void **state)
{
	(void)state;
	assert_int_equal(flows_stamp(0), 0);
	assert_int_equal(flows_stamp(268), 0); /* 2^28 ns are 268.4 ms */
	assert_int_equal(flows_stamp(269), 1);
	assert_int_equal(flows_stamp(86400000), 321865); /* a day: 86400e9 / 2^28 = 321865.08 */
}

static void test_as_json(void **state)
{
	struct image *image = calloc(1, sizeof(*image));
	struct flow flow = read_it();
	json_t *json;
	char *text;

	(void)state;
	strcpy(image->services[4].version[1], "canary");
	image->listeners[2] = (struct serin_listener){ .protocol = IPPROTO_TCP, .port = htons(80) };
	image->listeners[2].addr = ways[FORWARD].client;
	image->backends[300] = (struct serin_backend){ .service = 4, .version = 1, .port = htons(3000) };
	image->backends[300].addr.byte[15] = 9;
	image->backends[300].addr.byte[0] = 0xfd;
	json = flow_to_json(&flow, image, NOW);
	text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(6));
	assert_string_equal(text, "{\"client\":\"[2001:db8::7]:40000\",\"protocol\":\"tcp\","
				  "\"listen\":\"[2001:db8::7]:80\",\"version\":\"canary\","
				  "\"backend\":\"[fd00::9]:3000\",\"state\":\"established\",\"one_way\":false,"
				  "\"placed\":false,\"age\":10.7374,\"idle\":0.805306,"
				  "\"bytes\":{\"to_backend\":4294967305,\"to_client\":11}}");
	free(text);
	json_decref(json);
	/* What is not seen is not called none. */
	make_one_way();
	image->listeners[2].protocol = IPPROTO_UDP;
	flow = read_it();
	json = flow_to_json(&flow, image, NOW);
	assert_true(json_is_true(json_object_get(json, "one_way")));
	assert_true(json_is_null(json_object_get(json_object_get(json, "bytes"), "to_client")));
	assert_string_equal(json_string_value(json_object_get(json, "protocol")), "udp");
	json_decref(json);
	free(image);
}

/* Flags that say something else of UDP, and stamps where TCP has numbers, are not told. */
static void test_udp_as_json(void **state)
{
	static const struct {
		enum serin_way_state state;
		uint8_t flags, back;
		const char *name;
	} stages[] = {
		{ SERIN_WAY_EMBRYONIC, 0, 0, "embryonic" },
		{ SERIN_WAY_EMBRYONIC, SERIN_WAY_HEARD, SERIN_WAY_ANSWERED, "embryonic" },
		{ SERIN_WAY_ESTABLISHED, SERIN_WAY_HEARD, SERIN_WAY_ANSWERED, "established" },
		{ SERIN_WAY_ESTABLISHED, SERIN_WAY_HEARD | SERIN_WAY_STRUCK, SERIN_WAY_ANSWERED, "established" },
	};
	struct image *image = calloc(1, sizeof(*image));
	char *text, expected[400];
	struct flow flow;
	json_t *json;

	(void)state;
	strcpy(image->services[4].version[1], "canary");
	image->listeners[2] = (struct serin_listener){ .protocol = IPPROTO_UDP, .port = htons(53) };
	image->backends[300] = (struct serin_backend){ .service = 4, .version = 1, .port = htons(53) };
	ways[FORWARD].next_seq = ways[REVERSE].next_seq = 0;
	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
		ways[FORWARD].claim = SERIN_WAY_CLAIM(70, stages[i].state);
		ways[FORWARD].flags = stages[i].flags;
		ways[FORWARD].asked = NOW - 5;
		ways[REVERSE].claim = SERIN_WAY_CLAIM(71, stages[i].state);
		ways[REVERSE].flags = stages[i].back | SERIN_WAY_TO_CLIENT;
		flow = read_it();
		json = flow_to_json(&flow, image, NOW);
		text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(6));
		snprintf(expected, sizeof(expected),
			 "{\"client\":\"[2001:db8::7]:40000\",\"protocol\":\"udp\",\"listen\":\"[::]:53\","
			 "\"version\":\"canary\",\"backend\":\":53\",\"state\":\"%s\",\"one_way\":false,"
			 "\"placed\":false,\"age\":10.7374,\"idle\":0.805306,"
			 "\"bytes\":{\"to_backend\":4294967305,\"to_client\":11}}",
			 stages[i].name);
		assert_string_equal(text, expected);
		free(text);
		json_decref(json);
	}
	free(image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_both_ways_make_one_flow, make_flow),
		cmocka_unit_test_setup(test_a_flow_counts_once, make_flow),
		cmocka_unit_test_setup(test_flags, make_flow),
		cmocka_unit_test_setup(test_ways_in_the_making_are_no_flows, make_flow),
		cmocka_unit_test_setup(test_live_states, make_flow),
		cmocka_unit_test_setup(test_a_peer_that_does_not_name_the_way_back, make_flow),
		cmocka_unit_test_setup(test_one_way, make_flow),
		cmocka_unit_test_setup(test_an_owed_answer_is_not_idle, make_flow),
		cmocka_unit_test_setup(test_idle_needs_both_directions_to_be_silent, make_flow),
		cmocka_unit_test_setup(test_only_open_connections_are_idle, make_flow),
		cmocka_unit_test_setup(test_one_way_waits_longer, make_flow),
		cmocka_unit_test_setup(test_one_way_owes_until_the_client_acknowledges, make_flow),
		cmocka_unit_test_setup(test_ages_do_not_run_backwards, make_flow),
		cmocka_unit_test_setup(test_as_json, make_flow),
		cmocka_unit_test_setup(test_udp_as_json, make_flow),
		cmocka_unit_test(test_stamps_of_the_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
