/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets of ours that are not forwarded: each drop has its one reason; segments of no connection get a RST. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "expect.h"
#include "scene.h"

static const uint8_t payload[1400] = "some data";
static const uint8_t options[] = { 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2 };
static const uint8_t ip_options[] = { 0x94, 4, 0, 0 };

/* RFC 9293, section 3.10.7.1: "If the ACK bit is off, sequence number zero is used, <SEQ=0><ACK=SEG.SEQ+SEG.LEN>
 * <CTL=RST,ACK>. If the ACK bit is on, <SEQ=SEG.ACK><CTL=RST>." SEG.LEN counts SYN and FIN. */
struct answer {
	const char *name;
	uint8_t flags;
	uint32_t seq, ack;
	uint16_t payload;
	uint8_t out_flags;
	uint32_t out_seq, out_ack;
};

static const struct answer answers[] = {
	{ "ACK", ACK, 100, 200, 0, RST, 200, 0 },
	{ "ACK with data", ACK | PSH, 100, 200, 1400, RST, 200, 0 },
	{ "ACK of 0", ACK, 100, 0, 0, RST, 0, 0 },
	{ "ACK of 2^32 - 1", ACK, 0xffffffff, 0xffffffff, 3, RST, 0xffffffff, 0 },
	{ "FIN-ACK", FIN | ACK, 100, 200, 0, RST, 200, 0 },
	{ "SYN-ACK", SYN | ACK, 100, 200, 0, RST, 200, 0 },
	{ "SYN-FIN-ACK", SYN | FIN | ACK, 100, 200, 7, RST, 200, 0 },
	{ "FIN", FIN, 100, 200, 0, RST | ACK, 0, 101 },
	{ "FIN with data", FIN | PSH, 100, 200, 11, RST | ACK, 0, 112 },
	{ "data without ACK", PSH, 100, 200, 5, RST | ACK, 0, 105 },
	{ "data without ACK, over the end", 0, 0xfffffffe, 200, 5, RST | ACK, 0, 3 },
	{ "no flag at all", 0, 100, 200, 0, RST | ACK, 0, 100 },
	{ "URG", URG, 100, 200, 1, RST | ACK, 0, 101 },
};

static size_t fixtures;

/* The bare segment that goes back the way that `in` came. */
static struct segment answer_to(const struct segment *in, const struct answer *answer)
{
	struct segment out = segment_back(in);

	out.flags = answer->out_flags;
	out.seq = answer->out_seq;
	out.ack = answer->out_ack;
	return out;
}

static void refuse(struct lab *lab, const struct scene *scene, const struct answer *answer, size_t variant)
{
	struct expect_counters before = expect_read_counters(lab), change = { .drops = { 0 } };
	struct segment in = scene_from_client(scene, answer->flags, answer->seq, answer->ack), out;

	in.payload = payload;
	in.payload_length = answer->payload;
	in.ip_id = 99;
	in.tos = 0x20;
	in.ttl = 1; /* it goes no further, so that does not matter */
	if (variant & 1) {
		in.tcp_options = options;
		in.tcp_options_length = sizeof(options);
		in.ip_options = ip_options;
		in.ip_options_length = strchr(scene->client, '[') ? 0 : sizeof(ip_options);
	}
	in.padding = variant & 2 ? 6 : 0;
	out = answer_to(&in, answer);
	expect_segment(lab, answer->name, scene->client_arm, &in, LAB_BACK, &out);
	change.drops[SERIN_DROP_NO_FLOW] = 1;
	change.table.rst_sent = 1;
	expect_changes(lab, answer->name, &before, &change);
	fixtures++;
}

/* Enough RSTs for everything in one stamp. */
static void answer_all(struct lab *lab)
{
	struct serin_settings settings = lab_settings(lab);

	settings.answers_per_second = 1000000;
	lab_change_settings(lab, &settings);
}

static void nat_refuses_what_has_no_flow(void **state)
{
	size_t i, j;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		struct lab *lab = scene_open(&scenes[i], NULL);

		answer_all(lab);
		for (j = 0; scenes[i].snat && j < 4 * sizeof(answers) / sizeof(answers[0]); j++)
			refuse(lab, &scenes[i], &answers[j / 4], j % 4);
		assert_int_equal(flowtable_count(lab).flows, 0);
		lab_close(lab);
	}
	print_message("%zu fixtures\n", fixtures);
}

/* A gateway's backend may know a connection that this host does not: its segments open a flow. But a SYN-ACK from a
 * client is nobody's. */
static void gateway_takes_over_what_has_no_flow(void **state)
{
	static const uint8_t flags[] = { ACK, ACK | PSH, FIN | ACK };
	size_t i, j;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		const struct scene *scene = &scenes[i];
		struct lab *lab;

		if (scene->snat)
			continue;
		for (j = 0; j < sizeof(flags); j++) {
			struct segment in = scene_from_client(scene, flags[j], 5000, 7000), out, back;
			struct expect_counters change = { .drops = { 0 } }, before;
			struct serin_stats *stats;

			lab = scene_open(scene, NULL);
			stats = &change.stats[scene_backend(lab, scene)];
			in.payload = payload;
			in.payload_length = 10;
			out = scene_at_backend(scene, &in, 0);
			before = expect_read_counters(lab);
			expect_segment(lab, "gateway, middle of a connection", scene->client_arm, &in,
				       scene_verdict(scene), &out);
			back = scene_from_backend(scene, 0, ACK, 7000, 5010);
			out = scene_at_client(scene, &back);
			expect_segment(lab, "gateway, answer", scene->backend_arm, &back, scene_verdict(scene), &out);
			stats->opened = 1;
			stats->packets[0] = stats->packets[1] = 1;
			stats->bytes[0] = segment_ip_length(&in);
			stats->bytes[1] = segment_ip_length(&back);
			expect_changes(lab, "gateway", &before, &change);
			lab_close(lab);
		}
		lab = scene_open(scene, NULL);
		answer_all(lab);
		for (j = 0; j < 4; j++)
			refuse(lab, scene, &answers[5], j);
		assert_int_equal(flowtable_count(lab).flows, 0);
		lab_close(lab);
	}
}

/* The packet is dropped for one reason, and nothing else is counted. */
static void expect_drop(struct lab *lab, const char *name, enum lab_arm arm, const struct segment *in,
			enum serin_drop reason)
{
	struct expect_counters before = expect_read_counters(lab), change = { .drops = { 0 } }, now;
	size_t i;

	expect_segment(lab, name, arm, in, LAB_DROP, NULL);
	change.drops[reason] = 1;
	now = expect_read_counters(lab);
	for (i = 0; i < EXPECT_BACKENDS; i++) /* a flow may have been opened for it */
		change.stats[i].opened = now.stats[i].opened - before.stats[i].opened;
	expect_changes(lab, name, &before, &change);
	assert_int_equal(flowtable_check(lab, stdout), 0);
	fixtures++;
}

static void resets_are_never_answered(void **state)
{
	static const uint8_t flags[] = { RST, RST | ACK, RST | SYN, RST | FIN | ACK };
	size_t i, j;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		struct lab *lab = scene_open(&scenes[i], NULL);

		for (j = 0; j < sizeof(flags); j++) {
			struct segment in = scene_from_client(&scenes[i], flags[j], 1, 2);

			expect_drop(lab, "RST without a flow", scenes[i].client_arm, &in, SERIN_DROP_NO_FLOW);
		}
		assert_int_equal(flowtable_count(lab).flows, 0);
		lab_close(lab);
	}
}

static void answers_have_a_rate(void **state)
{
	const struct scene *scene = scene_find("nat-ipv4");
	struct lab *lab = scene_open(scene, NULL);
	struct serin_settings settings = lab_settings(lab);
	struct segment in = scene_from_client(scene, ACK, 1, 2);
	struct expect_counters counters;
	static struct frame frame;
	uint64_t sent = 0, dropped = 0;
	uint32_t from, to;
	size_t i;

	(void)state;
	settings.answers_per_second = 8; /* 2.1 per stamp, and one */
	lab_change_settings(lab, &settings);
	from = lab_now();
	for (i = 0; i < 60; i++) {
		enum lab_verdict verdict = lab_run(lab, LAB_FRONT, segment_write(&in, &frame));

		sent += verdict == LAB_BACK;
		dropped += verdict == LAB_DROP;
	}
	to = lab_now();
	counters = expect_read_counters(lab);
	assert_int_equal(sent + dropped, 60);
	assert_in_range(sent, 3, 3 * (to - from + 1));
	assert_int_equal(counters.drops[SERIN_DROP_NO_FLOW], sent);
	assert_int_equal(counters.drops[SERIN_DROP_RST_LIMITED], dropped);
	assert_int_equal(counters.table.rst_sent, sent);
	/* Another stamp, another budget. */
	while (lab_now() == to)
		usleep(10000);
	assert_int_equal(lab_run(lab, LAB_FRONT, segment_write(&in, &frame)), LAB_BACK);
	lab_close(lab);
}

/* One service with one backend, wherever that is. */
static struct lab *open_with(const char *listener, const char *backend, const char *forward, const char *snat)
{
	struct lab *lab = lab_open(SCENE_FLOWS);
	char yaml[512];

	snprintf(yaml, sizeof(yaml),
		 "interfaces: [front, rear]\nsnat: {addresses: [\"%s\"], ports: 2000-2015}\nservices:\n"
		 "  - name: shop\n    listen: [\"%s/tcp\"]\n    forward: %s\n    baseline: stable\n"
		 "    versions: {stable: {backends: [\"%s\"]}, canary: {backends: [\"%s\"]}}\n",
		 snat, listener, forward, backend, listener[0] == '[' ? "[2001:db8:b::12]:9" : "10.0.0.18:9");
	lab_configure(lab, yaml);
	return lab;
}

struct hopeless {
	const char *name, *client, *listener, *backend, *snat;
	enum serin_drop reason;
};

#define V4 "203.0.113.10:80"
#define V6 "[2001:db8:f::10]:80"
#define CLIENT4 "198.51.100.16:40000"
#define CLIENT6 "[2001:db8:c::10]:40000"

static const struct hopeless hopeless[] = {
	{ "backend without a route", CLIENT4, V4, "172.31.0.5:80", "10.0.0.1", SERIN_DROP_NO_ROUTE },
	{ "backend without a route", CLIENT6, V6, "[2001:db8:dead::5]:80", "2001:db8:b::1", SERIN_DROP_NO_ROUTE },
	{ "backend behind another interface", CLIENT4, V4, "10.77.0.17:80", "10.77.0.1", SERIN_DROP_NO_ROUTE },
	{ "backend behind another interface", CLIENT6, V6, "[2001:db8:77::11]:80", "2001:db8:77::1",
	  SERIN_DROP_NO_ROUTE },
	{ "backend is this host", CLIENT4, V4, "10.0.0.2:80", "10.0.0.1", SERIN_DROP_NO_ROUTE },
	{ "backend without a neighbour", CLIENT4, V4, "10.0.0.99:80", "10.0.0.1", SERIN_DROP_NO_NEIGHBOUR },
	{ "backend without a neighbour", CLIENT6, V6, "[2001:db8:b::99]:80", "2001:db8:b::1", SERIN_DROP_NO_NEIGHBOUR },
	{ "client without a route", "172.31.0.5:4000", V4, "10.0.0.17:80", "10.0.0.1", SERIN_DROP_NO_ROUTE },
	{ "client without a route", "[2001:db8:dead::5]:4000", V6, "[2001:db8:b::11]:80", "2001:db8:b::1",
	  SERIN_DROP_NO_ROUTE },
	{ "client behind another interface", "10.77.0.17:4000", V4, "10.0.0.17:80", "10.0.0.1", SERIN_DROP_NO_ROUTE },
	{ "client with this host's address", "198.51.100.1:4000", V4, "10.0.0.17:80", "10.0.0.1", SERIN_DROP_NO_ROUTE },
};

/* The host is asked to find a neighbour that TC does not know, and keeps the packet meanwhile. */
static void expect_hopeless(struct lab *lab, const struct hopeless *h, const struct segment *syn)
{
	static struct frame frame;

	if (lab_door() == LAB_TC && h->reason == SERIN_DROP_NO_NEIGHBOUR)
		assert_int_equal(lab_run(lab, LAB_FRONT, segment_write(syn, &frame)), LAB_ON);
	else
		expect_drop(lab, h->name, LAB_FRONT, syn, h->reason);
}

static void no_way_out(void **state)
{
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(hopeless) / sizeof(hopeless[0]); i++) {
		for (j = 0; j < 2; j++) {
			const struct hopeless *h = &hopeless[i];
			struct lab *lab = open_with(h->listener, h->backend, j ? "gateway" : "nat", h->snat);
			struct segment syn = segment_between(h->client, h->listener);

			syn.flags = SYN;
			syn.to = NET_FRONT_MAC;
			syn.from = NET_CLIENT_MAC(0x10);
			expect_hopeless(lab, h, &syn);
			expect_hopeless(lab, h, &syn);
			lab_close(lab);
		}
	}
}

static void service_without_a_plan(void **state)
{
	static const char yaml[] =
		"interfaces: [front, rear]\nsnat: {addresses: [10.0.0.1]}\nservices:\n"
		"  - name: shop\n    listen: [\"203.0.113.10:80/tcp\"]\n    baseline: stable\n"
		"    versions: {stable: {backends: [\"10.0.0.17:80\"]}, canary: {backends: [\"10.0.0.18:80\"]}}\n";
	struct lab *lab = lab_open(SCENE_FLOWS);
	struct segment syn = scene_from_client(scene_find("nat-ipv4"), SYN, 1, 0);
	static struct frame frame;

	(void)state;
	lab_configure_parts(lab, yaml, LAB_WITHOUT_PLANS);
	expect_drop(lab, "no plan", LAB_FRONT, &syn, SERIN_DROP_NO_PLAN);
	assert_int_equal(flowtable_count(lab).flows, 0);
	lab_configure(lab, yaml);
	assert_int_equal(lab_run(lab, LAB_FRONT, segment_write(&syn, &frame)), LAB_ON);
	lab_close(lab);
}

static void version_without_backends(void **state)
{
	const struct scene *scene = scene_find("nat-ipv4");
	struct lab *lab = scene_open(scene, NULL);
	struct segment syn = scene_from_client(scene, SYN, 1, 0);
	struct serin_plan *plan = malloc(sizeof(*plan));
	unsigned int service = lab_service(lab, "shop");

	(void)state;
	assert_non_null(plan);
	assert_int_equal(datapath_get_plan(lab->datapath, service, plan), 0);
	memset(plan->ring, 0xff, sizeof(plan->ring));
	assert_int_equal(datapath_set_plan(lab->datapath, service, plan, NULL), 0);
	free(plan);
	expect_drop(lab, "no backend", LAB_FRONT, &syn, SERIN_DROP_NO_BACKEND);
	assert_int_equal(flowtable_count(lab).flows, 0);
	lab_close(lab);
}

/* Many bytes of a jumbo frame are cut off for the answer. */
static void jumbo_frame_is_refused(void **state)
{
	static uint8_t much[8900];
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		const struct scene *scene = scene_find(i ? "nat-ipv6" : "nat-ipv4");
		struct lab *lab = scene_open(scene, NULL);
		struct segment in = scene_from_client(scene, ACK, 1, 77), out = answer_to(&in, &answers[0]);

		in.payload = much;
		in.payload_length = lab_longest_frame() < 9000 ? 3300 : sizeof(much);
		out.seq = 77;
		expect_segment(lab, "jumbo frame refused", scene->client_arm, &in, LAB_BACK, &out);
		lab_close(lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nat_refuses_what_has_no_flow), cmocka_unit_test(gateway_takes_over_what_has_no_flow),
		cmocka_unit_test(resets_are_never_answered),    cmocka_unit_test(answers_have_a_rate),
		cmocka_unit_test(jumbo_frame_is_refused),       cmocka_unit_test(no_way_out),
		cmocka_unit_test(service_without_a_plan),       cmocka_unit_test(version_without_backends),
	};
	int failed;

	failed = EXPECT_RUN("drops", tests);
	print_message("%zu fixtures\n", fixtures);
	return failed;
}
