/* SPDX-License-Identifier: BSD-2-Clause */
/* SNAT ports: one owner each, given back, rested, and retaken only from those who may be cut off. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "scene.h"

#define FIRST SCENE_PORT_FIRST
#define COUNT SCENE_PORT_COUNT

static const char *const scene_names[] = { "nat-ipv4", "nat-ipv6" };

struct world {
	const struct scene *scene;
	struct lab *lab;
	unsigned int endpoint;
};

static struct world open_world(const char *name)
{
	struct world world = { .scene = scene_find(name) };

	world.lab = scene_open(world.scene, NULL);
	world.endpoint = scene_endpoint(world.lab, world.scene);
	return world;
}

static struct segment syn_of(const struct world *world, uint16_t sport)
{
	struct segment syn = scene_from_client(world->scene, SYN, 1, 0);

	syn.sport = sport;
	return syn;
}

static uint32_t run(const struct world *world, const struct segment *segment, enum lab_arm arm)
{
	static struct frame frame;

	return lab_run(world->lab, arm, segment_write(segment, &frame));
}

/* The way of a client's flow; FLOWTABLE_NONE: it has none. */
static uint32_t way_of(const struct world *world, uint16_t sport)
{
	struct segment syn = syn_of(world, sport);

	return flowtable_find(world->lab, &syn);
}

/* Open a client's flow; its SNAT port, by what came out; 0 when it was dropped. */
static uint16_t open_flow(const struct world *world, uint16_t sport)
{
	static struct frame frame;
	struct segment syn = syn_of(world, sport), out;

	if (lab_run(world->lab, world->scene->client_arm, segment_write(&syn, &frame)) == LAB_DROP)
		return 0;
	assert_true(segment_read(&frame, &out));
	assert_in_range(out.sport, FIRST, FIRST + COUNT - 1);
	assert_int_equal(htons(out.sport), flowtable_way(world->lab, way_of(world, sport)).nat_port);
	return out.sport;
}

static void establish(const struct world *world, uint16_t sport, uint16_t port)
{
	struct segment answer = scene_from_backend(world->scene, port, SYN | ACK, 50, 2);
	struct segment ack = scene_from_client(world->scene, ACK, 2, 51);

	ack.sport = sport;
	run(world, &answer, world->scene->backend_arm);
	run(world, &ack, world->scene->client_arm);
	assert_int_equal(flowtable_state(world->lab, way_of(world, sport)), SERIN_WAY_ESTABLISHED);
}

static void close_flow(const struct world *world, uint16_t sport)
{
	struct segment rst = scene_from_client(world->scene, RST, 2, 0);

	rst.sport = sport;
	run(world, &rst, world->scene->client_arm);
	assert_int_equal(flowtable_state(world->lab, way_of(world, sport)), SERIN_WAY_CLOSED);
}

/* Flows of clients 40000, 40001, ..., one on each port of the endpoint; ports[i] is client 40000 + i's. */
static void take_all(const struct world *world, uint16_t ports[COUNT], bool established)
{
	bool seen[COUNT] = { false };
	unsigned int i;

	for (i = 0; i < COUNT; i++) {
		ports[i] = open_flow(world, (uint16_t)(40000 + i));
		assert_int_not_equal(ports[i], 0);
		assert_false(seen[ports[i] - FIRST]);
		seen[ports[i] - FIRST] = true;
		if (established)
			establish(world, (uint16_t)(40000 + i), ports[i]);
	}
	assert_int_equal(flowtable_check(world->lab, stdout), 0);
}

static unsigned int flows_left(const struct world *world)
{
	unsigned int i, left = 0;

	for (i = 0; i < COUNT; i++)
		left += way_of(world, (uint16_t)(40000 + i)) != FLOWTABLE_NONE;
	return left;
}

static void established_flows_keep_their_ports(void **state)
{
	uint16_t ports[COUNT];
	struct expect_counters before, change = { .drops = { 0 } };
	unsigned int i, j;

	(void)state;
	change.drops[SERIN_DROP_SNAT_EXHAUSTED] = 1;
	for (i = 0; i < 2; i++) {
		struct world world = open_world(scene_names[i]);

		take_all(&world, ports, true);
		for (j = 0; j < 20; j++) {
			before = expect_read_counters(world.lab);
			assert_int_equal(open_flow(&world, (uint16_t)(50000 + j)), 0);
			expect_changes(world.lab, "exhausted", &before, &change);
		}
		assert_int_equal(flows_left(&world), COUNT);
		assert_int_equal(flowtable_count(world.lab).flows, COUNT);
		assert_int_equal(flowtable_check(world.lab, stdout), 0);
		lab_close(world.lab);
	}
}

static void embryonic_flows_give_theirs(void **state)
{
	uint16_t ports[COUNT], port;
	struct expect_counters counters;
	unsigned int i, j;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct world world = open_world(scene_names[i]);

		take_all(&world, ports, false);
		/* Of the next in a row, the oldest; its backend's answer is nobody's. */
		flowtable_set_cursor(world.lab, world.endpoint, 3);
		for (j = 0; j < COUNT; j++)
			flowtable_age(world.lab, way_of(&world, (uint16_t)(40000 + j)), ports[j] == FIRST + 6 ? 20 : 5);
		port = open_flow(&world, 50000);
		assert_int_equal(port, FIRST + 6);
		assert_int_equal(flows_left(&world), COUNT - 1);
		counters = expect_read_counters(world.lab);
		assert_int_equal(counters.table.ports_retaken, 1);
		assert_int_equal(counters.table.ports_unrested, 0);
		assert_int_equal(flowtable_count(world.lab).flows, COUNT);
		assert_int_equal(flowtable_check(world.lab, stdout), 0);
		/* Between established flows there is one to be had. */
		for (j = 0; j < COUNT; j++)
			if (ports[j] != FIRST + 6 && ports[j] != FIRST + 8)
				establish(&world, (uint16_t)(40000 + j), ports[j]);
		establish(&world, 50000, port);
		flowtable_set_cursor(world.lab, world.endpoint, 2);
		assert_int_equal(open_flow(&world, 50001), FIRST + 8);
		assert_int_equal(flowtable_count(world.lab).live[SERIN_WAY_ESTABLISHED], 2 * (COUNT - 1));
		assert_int_equal(flowtable_check(world.lab, stdout), 0);
		lab_close(world.lab);
	}
}

static void set_both(const struct world *world, uint32_t index, enum serin_way_state state)
{
	struct serin_way way = flowtable_way(world->lab, index), peer = flowtable_way(world->lab, way.peer);

	way.claim = (way.claim & ~SERIN_WAY_STATE_MASK) | state;
	peer.claim = (peer.claim & ~SERIN_WAY_STATE_MASK) | state;
	flowtable_set_way(world->lab, index, &way);
	flowtable_set_way(world->lab, way.peer, &peer);
}

/* As if the flow had ended that long ago. */
static void let_rest(const struct world *world, uint32_t index, uint32_t place, uint32_t ago)
{
	uint32_t peer = flowtable_way(world->lab, index).peer;

	set_both(world, index, SERIN_WAY_FREE);
	flowtable_set_tag(world->lab, index, 0);
	flowtable_set_tag(world->lab, peer, 0);
	flowtable_set_owner(world->lab, world->endpoint, place, SERIN_OWNER_REST(lab_now() - ago));
}

/* Places 1 to 7, after one another: embryonic, expired, closed, three that rest, and long closed. */
static void arrange(struct world *world, uint32_t place, uint16_t sport)
{
	struct serin_settings settings = lab_settings(world->lab);
	uint32_t index = way_of(world, sport);

	if (place == 1)
		set_both(world, index, SERIN_WAY_EMBRYONIC);
	if (place == 2)
		flowtable_age(world->lab, index, settings.linger_established + 1);
	if (place == 3 || place == 7)
		close_flow(world, sport);
	if (place == 3)
		flowtable_age(world->lab, index, settings.linger_closed + 1);
	if (place == 7)
		flowtable_age(world->lab, index, settings.port_rest + 1);
	if (place == 4)
		let_rest(world, index, place, 5);
	if (place == 5)
		let_rest(world, index, place, 20);
	if (place == 6)
		let_rest(world, index, place, settings.port_rest + 1);
}

/* Free and rested ones, then those of flows closed for as long as a port rests, then the longest resting, then those of
 * closed, of expired and of embryonic flows. */
static void order_of_preference(void **state)
{
	uint16_t ports[COUNT];
	unsigned int i, j;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct world world = open_world(scene_names[i]);
		uint16_t next = 50000;

		take_all(&world, ports, true);
		for (j = 0; j < COUNT; j++)
			arrange(&world, ports[j] - FIRST, (uint16_t)(40000 + j));
		for (j = 0; j < 7; j++) {
			static const uint32_t order[] = { 6, 7, 5, 4, 3, 2, 1 };

			flowtable_set_cursor(world.lab, world.endpoint, 1);
			assert_int_equal(open_flow(&world, next), FIRST + order[j]);
			establish(&world, next++, (uint16_t)(FIRST + order[j]));
			assert_int_equal(flowtable_check(world.lab, stdout), 0);
		}
		assert_int_equal(open_flow(&world, next), 0);
		struct expect_counters counters = expect_read_counters(world.lab);

		assert_int_equal(counters.table.ports_unrested, 2);
		assert_int_equal(counters.table.ports_retaken, 4);
		lab_close(world.lab);
	}
}

/* A client that opens and closes, over and over, goes round the range before a port comes again. */
static void ports_rest(void **state)
{
	unsigned int i, j;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct world world = open_world(scene_names[i]);
		bool seen[COUNT] = { false };
		uint16_t port;

		for (j = 0; j < COUNT; j++) {
			port = open_flow(&world, 40000);
			assert_int_not_equal(port, 0);
			assert_false(seen[port - FIRST]);
			seen[port - FIRST] = true;
			close_flow(&world, 40000);
		}
		assert_int_equal(expect_read_counters(world.lab).table.ports_unrested, 0);
		/* None is left that has rested. */
		assert_int_not_equal(open_flow(&world, 40000), 0);
		assert_int_equal(expect_read_counters(world.lab).table.ports_unrested, 1);
		assert_int_equal(flowtable_count(world.lab).flows, 1);
		assert_int_equal(flowtable_check(world.lab, stdout), 0);
		lab_close(world.lab);
	}
}

/* Another CPU, whose packet came a moment later, may have given a port back in a stamp that has not begun for this one:
 * that is no time ago, not for ever. */
static void port_released_ahead_of_time(void **state)
{
	struct world world = open_world("nat-ipv4");

	(void)state;
	flowtable_set_owner(world.lab, world.endpoint, 3, SERIN_OWNER_REST(lab_now() + 2));
	flowtable_set_cursor(world.lab, world.endpoint, 3);
	assert_int_equal(open_flow(&world, 40000), FIRST + 4);
	lab_close(world.lab);
}

static struct lab *open_yaml(const char *text)
{
	struct lab *lab = lab_open(SCENE_FLOWS);

	lab_configure(lab, text);
	return lab;
}

/* Put a SYN through; the port that came out, or 0. */
static uint16_t port_after(struct lab *lab, const char *client, const char *listener, struct segment *ret_out)
{
	static struct frame frame;
	struct segment syn = segment_between(client, listener);

	syn.flags = SYN;
	syn.to = NET_FRONT_MAC;
	syn.from = NET_CLIENT_MAC(0x10);
	if (lab_run(lab, LAB_FRONT, segment_write(&syn, &frame)) == LAB_DROP)
		return 0;
	assert_true(segment_read(&frame, ret_out));
	return ret_out->sport;
}

/* The backend's answer to what came out must be the client's, from the address that it has called. */
static void expect_answer(struct lab *lab, const struct segment *out, const char *client, const char *listener)
{
	struct segment in = {
		.src = out->dst, .sport = out->dport, .dst = out->src, .dport = out->sport, .flags = SYN | ACK
	};
	struct segment expected = segment_between(listener, client);

	in.from = out->to;
	in.to = out->from;
	expected.flags = SYN | ACK;
	expected.ttl = 63;
	expected.from = NET_FRONT_MAC;
	expected.to = NET_CLIENT_MAC(0x10);
	expect_segment(lab, "answer", LAB_REAR, &in, LAB_ON, &expected);
}

/* Two services that share a backend's address share its ports: the backend sees one source address. */
static void services_that_share_a_backend(void **state)
{
	struct lab *lab =
		open_yaml("interfaces: [front, rear]\nsnat: {addresses: [10.0.0.1], ports: 2000-2015}\nservices:\n"
			  "  - name: one\n    listen: [\"203.0.113.10:80/tcp\"]\n    baseline: a\n"
			  "    versions: {a: {backends: [\"10.0.0.17:80\"]}, b: {backends: [\"10.0.0.18:80\"]}}\n"
			  "  - name: two\n    listen: [\"203.0.113.11:80/tcp\"]\n    baseline: a\n"
			  "    versions: {a: {backends: [\"10.0.0.17:80\"]}, b: {backends: [\"10.0.0.18:80\"]}}\n");
	struct segment outs[COUNT];
	bool seen[COUNT] = { false };
	char client[64];
	unsigned int i;

	(void)state;
	for (i = 0; i < COUNT; i++) {
		/* The same client address and port for both. */
		snprintf(client, sizeof(client), "198.51.100.16:%u", 40000 + i / 2);
		uint16_t port = port_after(lab, client, i & 1 ? "203.0.113.11:80" : "203.0.113.10:80", &outs[i]);

		assert_in_range(port, FIRST, FIRST + COUNT - 1);
		assert_false(seen[port - FIRST]);
		seen[port - FIRST] = true;
	}
	for (i = 0; i < COUNT; i++) {
		snprintf(client, sizeof(client), "198.51.100.16:%u", 40000 + i / 2);
		expect_answer(lab, &outs[i], client, i & 1 ? "203.0.113.11:80" : "203.0.113.10:80");
	}
	assert_int_equal(flowtable_count(lab).flows, COUNT);
	assert_int_equal(flowtable_check(lab, stdout), 0);
	lab_close(lab);
}

/* Every SNAT address has the whole range. */
static void several_addresses(void **state)
{
	struct lab *lab =
		open_yaml("interfaces: [front, rear]\nsnat: {addresses: [10.0.0.1, 10.0.0.2], ports: 2000-2015}\n"
			  "services:\n  - name: one\n    listen: [\"203.0.113.10:80/tcp\"]\n    baseline: a\n"
			  "    versions: {a: {backends: [\"10.0.0.17:80\"]}, b: {backends: [\"10.0.0.18:80\"]}}\n");
	struct segment outs[2 * COUNT];
	bool seen[2][COUNT] = { { false } };
	char client[64];
	unsigned int i, nth;

	(void)state;
	for (i = 0; i < 2 * COUNT; i++) {
		snprintf(client, sizeof(client), "198.51.100.16:%u", 40000 + i);
		assert_in_range(port_after(lab, client, "203.0.113.10:80", &outs[i]), FIRST, FIRST + COUNT - 1);
		nth = outs[i].src.byte[15] - 1u;
		assert_in_range(nth, 0, 1);
		assert_false(seen[nth][outs[i].sport - FIRST]);
		seen[nth][outs[i].sport - FIRST] = true;
	}
	for (i = 0; i < 2 * COUNT; i++) {
		snprintf(client, sizeof(client), "198.51.100.16:%u", 40000 + i);
		expect_answer(lab, &outs[i], client, "203.0.113.10:80");
	}
	assert_int_equal(expect_read_counters(lab).table.ports_retaken, 0);
	assert_int_equal(flowtable_check(lab, stdout), 0);
	lab_close(lab);
}

/* Towards different backends the same port may be used, and is told apart. */
static void one_port_towards_two_backends(void **state)
{
	struct lab *lab =
		open_yaml("interfaces: [front, rear]\nsnat: {addresses: [10.0.0.1], ports: 2000-2015}\nservices:\n"
			  "  - name: one\n    listen: [\"203.0.113.10:80/tcp\"]\n    baseline: a\n"
			  "    versions: {a: {backends: [\"10.0.0.17:80\"]}, b: {backends: [\"10.0.0.19:80\"]}}\n"
			  "  - name: two\n    listen: [\"203.0.113.11:80/tcp\"]\n    baseline: a\n"
			  "    versions: {a: {backends: [\"10.0.0.17:81\"]}, b: {backends: [\"10.0.0.19:81\"]}}\n");
	struct segment outs[2];

	(void)state;
	flowtable_set_cursor(lab, lab->image->backends[lab_backend(lab, "one", "a", "10.0.0.17:80")].endpoint, 5);
	flowtable_set_cursor(lab, lab->image->backends[lab_backend(lab, "two", "a", "10.0.0.17:81")].endpoint, 5);
	assert_int_equal(port_after(lab, "198.51.100.16:1111", "203.0.113.10:80", &outs[0]), FIRST + 5);
	assert_int_equal(port_after(lab, "198.51.100.16:2222", "203.0.113.11:80", &outs[1]), FIRST + 5);
	expect_answer(lab, &outs[0], "198.51.100.16:1111", "203.0.113.10:80");
	expect_answer(lab, &outs[1], "198.51.100.16:2222", "203.0.113.11:80");
	assert_int_equal(flowtable_check(lab, stdout), 0);
	lab_close(lab);
}

/* forward: gateway. A client that calls one backend through two addresses from one port would be one connection there:
 * the second gets another source port. */
static void reverse_tuples_that_clash(void **state)
{
	struct lab *lab = open_yaml(
		"interfaces: [front, rear]\nsnat: {ports: 2000-2015}\nservices:\n"
		"  - name: one\n    listen: [\"203.0.113.10:80/tcp\", \"203.0.113.11:80/tcp\"]\n"
		"    forward: gateway\n    baseline: a\n"
		"    versions: {a: {backends: [\"10.0.0.17:80\"]}, b: {backends: [\"10.0.0.18:80\"]}}\n"
		"  - name: two\n    listen: [\"203.0.113.12:80/tcp\"]\n    forward: gateway\n    baseline: a\n"
		"    versions: {a: {backends: [\"10.0.0.17:80\"]}, b: {backends: [\"10.0.0.18:80\"]}}\n");
	static const char *const listeners[] = { "203.0.113.10:80", "203.0.113.11:80", "203.0.113.12:80" };
	static const char client[] = "198.51.100.16:40000";
	struct serin_settings settings = lab_settings(lab);
	struct expect_counters before, change = { .drops = { 0 } };
	struct segment outs[3], again;
	char third[64];
	unsigned int i;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_int_not_equal(port_after(lab, client, listeners[i], &outs[i]), 0);
	assert_int_equal(outs[0].sport, 40000);
	assert_in_range(outs[1].sport, FIRST, FIRST + COUNT - 1);
	assert_in_range(outs[2].sport, FIRST, FIRST + COUNT - 1);
	assert_int_not_equal(outs[1].sport, outs[2].sport);
	for (i = 0; i < 3; i++)
		expect_answer(lab, &outs[i], client, listeners[i]);
	assert_int_equal(flowtable_check(lab, stdout), 0);
	/* The SYN again: the same port again. */
	assert_int_equal(port_after(lab, client, listeners[1], &again), outs[1].sport);
	/* A client that uses just that port itself. */
	snprintf(third, sizeof(third), "198.51.100.16:%u", outs[1].sport);
	assert_int_not_equal(port_after(lab, third, listeners[0], &again), outs[1].sport);
	expect_answer(lab, &again, third, listeners[0]);
	expect_answer(lab, &outs[1], client, listeners[1]);
	assert_int_equal(flowtable_check(lab, stdout), 0);
	/* No port is left to turn to. */
	settings.snat_port_count = 1;
	settings.snat_port_first = 50000;
	lab_change_settings(lab, &settings);
	assert_int_equal(port_after(lab, "198.51.100.16:50000", listeners[0], &again), 50000);
	assert_int_equal(port_after(lab, "198.51.100.16:50001", listeners[0], &again), 50001);
	before = expect_read_counters(lab);
	change.drops[SERIN_DROP_TUPLE_CLASH] = 1;
	assert_int_equal(port_after(lab, "198.51.100.16:50001", listeners[1], &again), 0);
	expect_changes(lab, "clash", &before, &change);
	assert_int_equal(flowtable_check(lab, stdout), 0);
	lab_close(lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(established_flows_keep_their_ports),
		cmocka_unit_test(embryonic_flows_give_theirs),
		cmocka_unit_test(order_of_preference),
		cmocka_unit_test(ports_rest),
		cmocka_unit_test(port_released_ahead_of_time),
		cmocka_unit_test(services_that_share_a_backend),
		cmocka_unit_test(several_addresses),
		cmocka_unit_test(one_port_towards_two_backends),
		cmocka_unit_test(reverse_tuples_that_clash),
	};

	return EXPECT_RUN("ports", tests);
}
