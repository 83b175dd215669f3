/* SPDX-License-Identifier: BSD-2-Clause */
/* What is used up: the flows that a service may open in a second, SNAT ports, places in the table. Each has its reason, and
 * what was there before goes on. */
#include <unistd.h>

#include "answers.h"

#define PER_SECOND 40

static struct lab *open_limited(const struct scene *scene, unsigned int per_second)
{
	struct lab *lab = scene_open(scene, NULL);
	unsigned int service = lab_service(lab, "shop");
	struct serin_plan *plan = malloc(sizeof(*plan));

	assert_non_null(plan);
	assert_int_equal(datapath_get_plan(lab->datapath, service, plan), 0);
	plan->max_new = per_second;
	assert_int_equal(datapath_set_plan(lab->datapath, service, plan, NULL), 0);
	free(plan);
	return lab;
}

/* The window of 2^30 ns that the limit is counted over; a new one. */
static uint32_t next_window(void)
{
	uint32_t window = lab_now() >> 2;

	while (lab_now() >> 2 == window)
		usleep(2000);
	return window + 1;
}

/* First packets of as many clients; how many were let in. */
static unsigned int knock(struct conversation *talk, uint16_t sport, unsigned int clients, enum lab_verdict *ret_last)
{
	static struct frame frame;
	unsigned int let_in = 0, i;

	for (i = 0; i < clients; i++) {
		struct segment in = from_client(talk);

		in.sport = (uint16_t)(sport + i);
		*ret_last = lab_run(talk->lab, talk->scene.client_arm, segment_write(&in, &frame));
		let_in += *ret_last == scene_verdict(&talk->scene);
	}
	return let_in;
}

static void limited(const struct scene *scene, uint8_t protocol)
{
	const unsigned int most = PER_SECOND * 1100 / 1024 + 1; /* in a window */
	struct conversation talk = { .scene = *scene };
	struct expect_counters counters;
	enum lab_verdict last;
	struct segment known;
	static struct frame frame;

	talk.scene.protocol = protocol;
	talk.lab = open_limited(&talk.scene, PER_SECOND);
	talk.backend = scene_backend(talk.lab, &talk.scene);
	next_window();
	assert_int_equal(knock(&talk, 1000, most, &last), most);
	assert_int_equal(knock(&talk, 2000, 30, &last), 0);
	assert_int_equal(last, LAB_DROP);
	counters = expect_read_counters(talk.lab);
	assert_int_equal(counters.drops[SERIN_DROP_NEW_FLOW_LIMIT], 30);
	assert_int_equal(counters.stats[talk.backend].opened, most);
	assert_int_equal(flowtable_count(talk.lab).flows, most);
	/* Those who are in go on. */
	known = from_client(&talk);
	known.sport = 1000;
	assert_int_equal(lab_run(talk.lab, talk.scene.client_arm, segment_write(&known, &frame)),
			 scene_verdict(&talk.scene));
	next_window();
	assert_int_equal(knock(&talk, 3000, 5, &last), 5);
	assert_int_equal(flowtable_check(talk.lab, stdout), 0);
}

static void flows_per_second(void **state)
{
	static const char *const names[] = { "gateway-ipv4", "gateway-ipv6" };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		limited(scene_find(names[i]), FRAME_TCP);
		limited(scene_find(names[i]), FRAME_UDP);
	}
}

/* One service's limit is none of another's. */
static void limits_are_apart(void **state)
{
	static const char yaml[] =
		"interfaces: [front, rear]\nservices:\n"
		"  - name: shop\n    listen: [\"203.0.113.10:80/udp\"]\n    forward: gateway\n    baseline: stable\n"
		"    max_new_flows: 1/s\n"
		"    versions: {stable: {backends: [\"10.0.0.17:3000\"]}, canary: {backends: [\"10.0.0.18:3000\"]}}\n"
		"  - name: other\n    listen: [\"203.0.113.11:80/udp\"]\n    forward: gateway\n    baseline: stable\n"
		"    versions: {stable: {backends: [\"10.0.0.19:3000\"]}, canary: {backends: [\"10.0.0.20:3000\"]}}\n";
	struct lab *lab = lab_open(SCENE_FLOWS);
	static struct frame frame;
	unsigned int in[2] = { 0, 0 }, i;

	(void)state;
	lab_configure(lab, yaml);
	next_window();
	for (i = 0; i < 60; i++) {
		struct segment segment =
			segment_between("198.51.100.16:1", i & 1 ? "203.0.113.11:80" : "203.0.113.10:80");

		segment.sport = (uint16_t)(1000 + i);
		segment.protocol = FRAME_UDP;
		segment.to = NET_FRONT_MAC;
		segment.from = NET_CLIENT_MAC(0x10);
		in[i & 1] += lab_run(lab, LAB_FRONT, segment_write(&segment, &frame)) == LAB_ON;
	}
	assert_int_equal(in[0], 2);
	assert_int_equal(in[1], 30);
	assert_int_equal(expect_read_counters(lab).drops[SERIN_DROP_NEW_FLOW_LIMIT], 28);
}

/* A flood that comes while the limit is reached does not reach beyond it, nor into the next second. */
static void a_flood_is_bounded(void **state)
{
	struct conversation talk = { .scene = scene_over_udp(scene_find("gateway-ipv4")) };
	const unsigned int most = PER_SECOND * 1100 / 1024 + 1;
	enum lab_verdict last;
	uint32_t from, to;
	unsigned int let_in;

	(void)state;
	talk.lab = open_limited(&talk.scene, PER_SECOND);
	from = next_window();
	let_in = knock(&talk, 1000, 20000, &last);
	to = lab_now() >> 2;
	assert_in_range(let_in, most, most * (to - from + 1));
}

/* Every SNAT port belongs to somebody who may not be cut off. */
static void snat_ports(void **state)
{
	static const char *const names[] = { "nat-ipv4", "nat-ipv6" };
	static struct frame frame;
	size_t i, j;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct conversation talk = talk_begin(scene_find(names[i]), FRAME_TCP);
		struct expect_counters change = { .drops = { 0 } };
		struct segment in, out, back;

		for (j = 0; j < SCENE_PORT_COUNT; j++) {
			in = from_client(&talk);
			in.sport = (uint16_t)(1000 + j);
			lab_run(talk.lab, LAB_FRONT, segment_write(&in, &frame));
			assert_true(segment_read(&frame, &out));
			back = from_backend(&talk);
			back.dport = out.sport;
			lab_run(talk.lab, LAB_REAR, segment_write(&back, &frame));
			in.flags = ACK;
			in.seq++;
			in.ack = back.seq + 1;
			lab_run(talk.lab, LAB_FRONT, segment_write(&in, &frame));
		}
		assert_int_equal(flowtable_count(talk.lab).live[SERIN_WAY_ESTABLISHED], 2 * SCENE_PORT_COUNT);
		in = from_client(&talk);
		change.drops[SERIN_DROP_SNAT_EXHAUSTED] = 1;
		expect_counted(talk.lab, "no port", LAB_FRONT, segment_write(&in, &frame), LAB_DROP, NULL, &change);
		talk.scene.protocol = FRAME_UDP;
		in = from_client(&talk);
		expect_counted(talk.lab, "no such service", LAB_FRONT, segment_write(&in, &frame), LAB_PASS, NULL,
			       NULL);
	}
}

/* Where only established flows are, a newcomer finds no place; in one-way modes it is forwarded all the same
 * (test_modes.c). */
static void table_places(void **state)
{
	static struct frame frame;
	size_t i;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		struct conversation talk = talk_begin(&scenes[i], FRAME_UDP);
		struct expect_counters change = { .drops = { 0 } };
		struct segment in = from_client(&talk);
		struct flowtable_place place = flowtable_place(talk.lab, &in);
		struct expect_counters before = expect_read_counters(talk.lab);

		flowtable_stuff(talk.lab, place.bucket[0], SERIN_WAY_ESTABLISHED, 0);
		flowtable_stuff(talk.lab, place.bucket[1], SERIN_WAY_ESTABLISHED, 0);
		change.drops[SERIN_DROP_FLOW_TABLE_FULL] = 1;
		expect_frame(talk.lab, "no place", talk.scene.client_arm, segment_write(&in, &frame), LAB_DROP, NULL);
		expect_changes(talk.lab, "no place", &before, &change);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flows_per_second),   cmocka_unit_test(limits_are_apart),
		cmocka_unit_test(a_flood_is_bounded), cmocka_unit_test(snat_ports),
		cmocka_unit_test(table_places),
	};

	return EXPECT_RUN("exhaustion", tests);
}
