/* SPDX-License-Identifier: BSD-2-Clause */
/* forward: local. The backend is a process of this host: a client's packet goes up with another port, the answer leaves with
 * the service's; nothing else of either changes. */
#include "answers.h"

static const uint8_t payload[500] = "hello";
static const char *const names[] = { "local-ipv4", "local-ipv6" };

static struct segment from_process(const struct conversation *talk, uint8_t flags)
{
	return scene_from_process(&talk->scene, flags, 5000, 1001);
}

/* The same, as the client gets it. */
static struct segment leaving(const struct conversation *talk, const struct segment *in)
{
	struct segment out = *in;

	out.sport = segment_between(talk->scene.listener, talk->scene.client).sport;
	return out;
}

/* Through TC's egress, with every byte and counter right. */
static void expect_egress(const struct conversation *talk, const char *name, const struct segment *in,
			  const struct segment *out, bool counted)
{
	struct expect_counters before = expect_read_counters(talk->lab), change = { .drops = { 0 } };
	static struct frame frame, expected;

	assert_int_equal(lab_run_egress(talk->lab, talk->scene.client_arm, segment_write(in, &frame)), LAB_PASS);
	expect_same_frame(name, &frame, segment_write(out, &expected));
	change.stats[talk->backend].packets[SERIN_TO_CLIENT] = counted;
	change.stats[talk->backend].bytes[SERIN_TO_CLIENT] = counted ? segment_ip_length(in) : 0;
	expect_changes(talk->lab, name, &before, &change);
	assert_int_equal(flowtable_check(talk->lab, stdout), 0);
}

static struct conversation begin(const char *name, uint8_t protocol)
{
	struct conversation talk = { .scene = *scene_find(name) };

	talk.scene.protocol = protocol;
	talk.lab = scene_open(&talk.scene, NULL);
	talk.backend = scene_backend(talk.lab, &talk.scene);
	return talk;
}

static void converse(const char *name, uint8_t protocol, const struct frame_tag *tag)
{
	struct conversation talk = begin(name, protocol);
	struct expect_counters change = { .drops = { 0 } };
	struct segment in = from_client(&talk), back = from_process(&talk, SYN | ACK), out;

	if (tag)
		in.tags[0] = back.tags[0] = *tag;
	change.stats[talk.backend].opened = 1;
	expect_talk(&talk, "up", SERIN_TO_BACKEND, &in, &change);
	out = leaving(&talk, &back);
	expect_egress(&talk, "back", &back, &out, true);
	in.flags = ACK;
	in.seq++;
	in.ack = 5001;
	in.payload = payload;
	in.payload_length = sizeof(payload);
	in.ttl = 1; /* it goes no further */
	in.padding = 5;
	change.stats[talk.backend].opened = 0;
	change.stats[talk.backend].established = 1;
	expect_talk(&talk, "up again", SERIN_TO_BACKEND, &in, &change);
	back.flags = ACK;
	back.payload = payload;
	back.payload_length = 499;
	back.no_checksum = scene_is_ipv4(&talk.scene);
	back.ttl = 1;
	out = leaving(&talk, &back);
	expect_egress(&talk, "back again", &back, &out, true);
	assert_int_equal(flowtable_count(talk.lab).live[SERIN_WAY_ESTABLISHED], 2);
}

static void up_and_back(void **state)
{
	static const struct frame_tag tag = { 0x8100, 77 };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		converse(names[i], FRAME_TCP, NULL);
		converse(names[i], FRAME_UDP, NULL);
		converse(names[i], FRAME_TCP, &tag);
		converse(names[i], FRAME_UDP, &tag);
	}
}

/* Connections from before serin go on, to whoever listens at the service's own port; so does what the host sends. */
static void without_a_flow(void **state)
{
	static const uint8_t flags[] = { ACK, FIN | ACK, RST, SYN | ACK, 0 };
	static struct frame frame;
	size_t i, j;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct conversation talk = begin(names[i], FRAME_TCP);
		struct segment in, back;

		for (j = 0; j < sizeof(flags); j++) {
			in = from_client(&talk);
			in.flags = flags[j];
			expect_counted(talk.lab, "no flow", talk.scene.client_arm, segment_write(&in, &frame), LAB_PASS,
				       NULL, NULL);
			back = from_process(&talk, flags[j]);
			expect_egress(&talk, "no flow", &back, &back, false);
			back.sport = 80;
			expect_egress(&talk, "the service's own port", &back, &back, false);
		}
		assert_int_equal(flowtable_count(talk.lab).flows, 0);
	}
}

/* The wrong way round: an answer that comes in, a client's packet that goes out. */
static void wrong_way(void **state)
{
	static struct frame frame;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct conversation talk = begin(names[i], FRAME_UDP);
		struct expect_counters change = { .drops = { 0 } };
		struct segment in = from_client(&talk), back = from_process(&talk, 0);

		expect_egress(&talk, "a first packet opens nothing on its way out", &in, &in, false);
		change.stats[talk.backend].opened = 1;
		expect_talk(&talk, "up", SERIN_TO_BACKEND, &in, &change);
		expect_egress(&talk, "a client's packet, leaving", &in, &in, false);
		back.to = NET_FRONT_MAC;
		expect_counted(talk.lab, "an answer, coming in", talk.scene.client_arm, segment_write(&back, &frame),
			       LAB_PASS, NULL, NULL);
	}
}

/* Errors about the process's packets, and this host's own about the client's: ports as their receiver knows them. */
static void errors(void **state)
{
	static struct frame about, about_out, frame, expected;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct conversation talk = begin(names[i], FRAME_UDP);
		struct expect_counters change = { .drops = { 0 } };
		struct segment in = from_client(&talk), up = talk_out(&talk, SERIN_TO_BACKEND, &in);
		struct segment back = from_process(&talk, 0), out = leaving(&talk, &back);
		bool ipv4 = scene_is_ipv4(&talk.scene);
		struct icmp icmp = { .type = ipv4 ? 3 : 1, .code = ipv4 ? 3 : 4, .tos = 0xc0 };

		change.stats[talk.backend].opened = 1;
		expect_talk(&talk, "up", SERIN_TO_BACKEND, &in, &change);
		/* By a router: in. */
		icmp.to = in.to;
		icmp.from = in.from;
		icmp.src = frame_addr(ipv4 ? "198.51.100.254" : "2001:db8:c::fe");
		icmp.dst = out.src;
		icmp.about = segment_write(&out, &about);
		icmp_write(&icmp, &frame);
		icmp.about = segment_write(&back, &about_out);
		expect_passage(talk.lab, "a router's error", talk.scene.client_arm, &frame, LAB_PASS,
			       icmp_write(&icmp, &expected), talk.backend, SERIN_TO_BACKEND, NULL);
		/* By this host, whose process has gone: out. */
		icmp.to = in.from;
		icmp.from = in.to;
		icmp.src = in.dst;
		icmp.dst = in.src;
		icmp.about = segment_write(&up, &about);
		icmp_write(&icmp, &frame);
		icmp.about = segment_write(&in, &about_out);
		assert_int_equal(lab_run_egress(talk.lab, talk.scene.client_arm, &frame), LAB_PASS);
		expect_same_frame("this host's error", &frame, icmp_write(&icmp, &expected));
	}
}

/* A flow takes its own client's port with it, so two clients' answers are told apart; a clash is none of local's. */
static void many_clients(void **state)
{
	size_t i, j;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct conversation talk = begin(names[i], FRAME_UDP);
		struct expect_counters change = { .drops = { 0 } };

		change.stats[talk.backend].opened = 1;
		for (j = 0; j < 64; j++) {
			struct segment in = from_client(&talk), out;

			in.sport = (uint16_t)(1000 + j);
			expect_talk(&talk, "up", SERIN_TO_BACKEND, &in, &change);
			in = from_process(&talk, 0);
			in.dport = (uint16_t)(1000 + j);
			out = leaving(&talk, &in);
			expect_egress(&talk, "back", &in, &out, true);
		}
		assert_int_equal(flowtable_count(talk.lab).flows, 64);
	}
}

/* A process that is being emptied: its words still leave, and the client is told at its next ones. */
static void emptied(void **state)
{
	static struct frame frame, expected;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct conversation talk = begin(names[i], FRAME_TCP);
		struct expect_counters change = { .drops = { 0 } };
		struct segment in = from_client(&talk), back = from_process(&talk, SYN | ACK),
			       out = leaving(&talk, &back);
		struct serin_backend backend;

		answer_all(talk.lab);
		change.stats[talk.backend].opened = 1;
		expect_talk(&talk, "up", SERIN_TO_BACKEND, &in, &change);
		lab_read(talk.lab, "backends", talk.backend, &backend);
		backend.flags |= SERIN_BACKEND_RESET;
		lab_write(talk.lab, "backends", talk.backend, &backend);
		expect_egress(&talk, "of a process that is being emptied", &back, &out, true);
		in.flags = ACK;
		in.ack = 777;
		out = segment_back(&in);
		out.flags = RST;
		out.seq = 777;
		memset(&change, 0, sizeof(change));
		change.drops[SERIN_DROP_RESETTING] = 1;
		change.table.rst_sent = 1;
		expect_counted(talk.lab, "straggler", LAB_FRONT, segment_write(&in, &frame), LAB_BACK,
			       segment_write(&out, &expected), &change);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(up_and_back), cmocka_unit_test(without_a_flow), cmocka_unit_test(wrong_way),
		cmocka_unit_test(errors),      cmocka_unit_test(many_clients),   cmocka_unit_test(emptied),
	};

	return EXPECT_RUN("local", tests);
}
