/* SPDX-License-Identifier: BSD-2-Clause */
/* The one-way modes ipip, gue and l2, in all combinations of families: what leaves, byte for byte, and what becomes of
 * packets that are too big, too old, in pieces, or without a flow. */
#include "address.h"
#include "answers.h"

static const uint8_t payload[1400] = "a request that its backend answers by itself";
static const uint8_t mss[] = { 2, 4, 5, 0xb4 };                             /* 1460 */
static const uint8_t odd_mss[] = { 1, 3, 3, 7, 1, 2, 4, 5, 0xb4, 1, 4, 2 }; /* at an even place, behind others */
static const uint8_t odder_mss[] = { 1, 2, 4, 5, 0xb4, 3, 3, 7 };           /* at an odd one */
static const uint8_t small_mss[] = { 2, 4, 1, 0 };
static const uint8_t no_mss[] = { 4, 2, 1, 1 };

static struct frame in_frame, out_frame;

static bool is_l2(const struct conversation *talk)
{
	return scene_forward(&talk->scene) == SERIN_FORWARD_L2;
}

static size_t outer_length(const struct conversation *talk)
{
	struct segment any = from_client(talk);
	struct outer outer;

	if (is_l2(talk))
		return 0;
	outer = scene_outer(&talk->scene, &any, 0);
	return frame_wrap_length(&outer);
}

/* Where routers look to spread flows: made of the flow's hash. */
static void spread(const struct conversation *talk, const struct segment *of, struct outer *outer)
{
	uint64_t hash = flowtable_place(talk->lab, of).hash;

	if (outer->gue_port)
		outer->source_port = (uint16_t)(0xc000 | (hash >> 32 & 0x3fff));
	outer->flow_label = (uint32_t)(hash >> 32) & 0xfffff;
}

/* `frame`, whose flow is that of `of`, as it leaves: one hop less, in an outer header; or just to another MAC address. */
static void wrap(const struct conversation *talk, const struct frame *frame, const struct segment *of, bool no_checksum)
{
	static struct frame inner;
	struct frame_places at;
	struct outer outer;

	inner = *frame;
	if (is_l2(talk)) {
		struct segment out = scene_at_backend(&talk->scene, of, 0);

		memcpy(inner.data, out.to.byte, 6);
		memcpy(inner.data + 6, out.from.byte, 6);
		out_frame = inner;
		return;
	}
	assert_true(frame_find(&inner, &at));
	outer = scene_outer(&talk->scene, of, 0);
	outer.tos = at.ipv4 ? inner.data[at.ip + 1] : (uint8_t)(inner.data[at.ip] << 4 | inner.data[at.ip + 1] >> 4);
	spread(talk, of, &outer);
	inner.data[at.ip + (at.ipv4 ? 8 : 7)]--;
	if (at.ipv4) {
		uint16_t sum;

		memset(inner.data + at.ip + 10, 0, 2);
		sum = frame_fold(frame_sum(0, inner.data + at.ip, at.transport - at.ip));
		inner.data[at.ip + 10] = (uint8_t)(sum >> 8);
		inner.data[at.ip + 11] = (uint8_t)sum;
	}
	frame_wrap(&inner, &outer, &out_frame);
	if (no_checksum && outer.gue_port && !address_is_ipv4(&outer.src))
		memset(out_frame.data + at.ip + 40 + 6, 0, 2);
	/* What was behind the packet stays there. */
	memset(out_frame.data + out_frame.length, 0xa5, frame->length - at.ip - frame_ip_length(frame));
	out_frame.length += frame->length - at.ip - frame_ip_length(frame);
}

static void expect_wrapped(const struct conversation *talk, const char *name, const struct segment *in,
			   const struct expect_counters *change)
{
	char full[120];

	snprintf(full, sizeof(full), "%s: %s", talk->scene.name, name);
	segment_write(in, &in_frame);
	wrap(talk, &in_frame, in, false);
	expect_passage(talk->lab, full, talk->scene.client_arm, &in_frame, scene_verdict(&talk->scene), &out_frame,
		       talk->backend, SERIN_TO_BACKEND, change);
}

static struct conversation begin(const struct scene *scene, uint8_t protocol)
{
	struct conversation talk = { .scene = *scene };

	talk.scene.protocol = protocol;
	talk.lab = scene_open(&talk.scene, NULL);
	talk.backend = scene_backend(talk.lab, &talk.scene);
	answer_all(talk.lab);
	return talk;
}

/* The client's first packet has opened a flow. */
static struct conversation opened(const struct scene *scene, uint8_t protocol)
{
	struct conversation talk = begin(scene, protocol);
	struct expect_counters change = { .drops = { 0 } };
	struct segment in = from_client(&talk);

	change.stats[talk.backend].opened = 1;
	expect_wrapped(&talk, "first packet", &in, &change);
	return talk;
}

static void in_one_way_scenes(void (*test)(const struct scene *scene, uint8_t protocol))
{
	size_t i;

	for (i = 0; i < mode_scene_count; i++) {
		if (!SERIN_IS_ONE_WAY(mode_scenes[i].forward))
			continue;
		test(&mode_scenes[i], FRAME_TCP);
		test(&mode_scenes[i], FRAME_UDP);
	}
}

#define IN_ONE_WAY_SCENES(name, test)    \
	static void name(void **state)   \
	{                                \
		(void)state;             \
		in_one_way_scenes(test); \
	}

static void converse(const struct scene *scene, uint8_t protocol)
{
	static const size_t lengths[] = { 0, 1, 2, 3, 77, 500, 1380 };
	struct conversation talk = opened(scene, protocol);
	struct segment in = from_client(&talk);
	size_t i;

	in.flags = ACK;
	in.seq++;
	in.ack = 5001;
	in.payload = payload;
	for (i = 0; i < 2 * sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct expect_counters change = { .drops = { 0 } };

		in.payload_length = lengths[i / 2];
		in.tos = i & 1 ? 0xb9 : 0;
		in.ttl = i & 1 ? 2 : 255;
		in.padding = i & 1 ? 7 : 0;
		in.flow_label = (uint32_t)i;
		in.ip_id = (uint16_t)i;
		change.stats[talk.backend].established = !i && protocol == FRAME_TCP;
		expect_wrapped(&talk, "more", &in, &change);
		in.seq += (uint32_t)in.payload_length;
	}
	assert_int_equal(flowtable_count(talk.lab).flows, 1);
}

IN_ONE_WAY_SCENES(conversations, converse)

/* A UDP datagram without a checksum says nothing about its own bytes. */
static void without_a_checksum(void **state)
{
	static struct frame result;
	size_t i;

	(void)state;
	for (i = 0; i < mode_scene_count; i++) {
		struct conversation talk;
		struct segment in;

		if (!SERIN_IS_ONE_WAY(mode_scenes[i].forward) || !scene_is_ipv4(&mode_scenes[i]))
			continue;
		talk = opened(&mode_scenes[i], FRAME_UDP);
		in = from_client(&talk);
		in.payload = payload;
		in.payload_length = 222;
		in.no_checksum = true;
		segment_write(&in, &in_frame);
		result = in_frame;
		assert_int_equal(lab_run(talk.lab, LAB_FRONT, &result), scene_verdict(&talk.scene));
		/* None outside, or a right one. */
		wrap(&talk, &in_frame, &in, false);
		if (memcmp(result.data, out_frame.data, out_frame.length) != 0)
			wrap(&talk, &in_frame, &in, true);
		expect_same_frame("no checksum", &result, &out_frame);
	}
}

/* The MSS that the tunnel has room for, if the client says a larger one. */
static void expect_clamped(const struct conversation *talk, uint16_t sport, const uint8_t *options, size_t length,
			   size_t at)
{
	struct expect_counters change = { .drops = { 0 } };
	struct segment in = from_client(talk);
	size_t headers = scene_is_ipv4(&talk->scene) ? 40 : 60, room = NET_MTU - outer_length(talk) - headers;
	static struct frame clamped_frame;
	uint8_t clamped[40];

	in.sport = sport;
	in.tcp_options = options;
	in.tcp_options_length = length;
	segment_write(&in, &in_frame);
	memcpy(clamped, options, length);
	if (at && !is_l2(talk) && (size_t)(options[at] << 8 | options[at + 1]) > room) {
		clamped[at] = (uint8_t)(room >> 8);
		clamped[at + 1] = (uint8_t)room;
	}
	in.tcp_options = clamped;
	segment_write(&in, &clamped_frame);
	wrap(talk, &clamped_frame, &in, false);
	change.stats[talk->backend].opened = 1;
	expect_passage(talk->lab, talk->scene.name, LAB_FRONT, &in_frame, scene_verdict(&talk->scene), &out_frame,
		       talk->backend, SERIN_TO_BACKEND, &change);
}

static void mss_is_clamped(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < mode_scene_count; i++) {
		struct conversation talk;

		if (!SERIN_IS_ONE_WAY(mode_scenes[i].forward))
			continue;
		talk = begin(&mode_scenes[i], FRAME_TCP);
		expect_clamped(&talk, 1001, mss, sizeof(mss), 2);
		expect_clamped(&talk, 1002, odd_mss, sizeof(odd_mss), 7);
		expect_clamped(&talk, 1003, odder_mss, sizeof(odder_mss), 3);
		expect_clamped(&talk, 1004, small_mss, sizeof(small_mss), 2);
		expect_clamped(&talk, 1005, no_mss, sizeof(no_mss), 0);
	}
}

static void too_big(const struct scene *scene, uint8_t protocol)
{
	struct conversation talk = opened(scene, protocol);
	struct segment in = from_client(&talk);
	struct expect_counters change = { .drops = { 0 } };
	static const uint8_t much[2000];
	uint32_t room = (uint32_t)(NET_MTU - outer_length(&talk));

	in.flags = ACK;
	in.payload = much;
	in.payload_length = room - segment_ip_length(&in) + 1;
	expect_answer(&talk, "one byte too much", LAB_FRONT, &in, SERIN_DROP_TOO_BIG, room);
	in.payload_length--;
	change.stats[talk.backend].established = protocol == FRAME_TCP;
	expect_wrapped(&talk, "just fits", &in, &change);
}

IN_ONE_WAY_SCENES(too_big_is_answered, too_big)

static void used_up(const struct scene *scene, uint8_t protocol)
{
	struct conversation talk = opened(scene, protocol);
	struct segment in = from_client(&talk);

	in.flags = SYN;
	in.ttl = 1;
	if (is_l2(&talk))
		expect_wrapped(&talk, "l2 counts no hops", &in, NULL);
	else
		expect_answer(&talk, "TTL used up", LAB_FRONT, &in, SERIN_DROP_TTL_EXPIRED, 0);
}

IN_ONE_WAY_SCENES(time_exceeded_is_answered, used_up)

/* Another load balancer has begun the connection: this one sends it to where the same plan says, and remembers. */
static void taken_over(void **state)
{
	static const uint8_t flags[] = { ACK, ACK | PSH, FIN | ACK, 0 };
	size_t i, j;

	(void)state;
	for (i = 0; i < mode_scene_count; i++) {
		for (j = 0; SERIN_IS_ONE_WAY(mode_scenes[i].forward) && j < sizeof(flags); j++) {
			struct conversation talk = begin(&mode_scenes[i], FRAME_TCP);
			struct segment in = from_client(&talk);

			in.flags = flags[j];
			in.ack = 77;
			in.payload = payload;
			in.payload_length = 20;
			segment_write(&in, &in_frame);
			wrap(&talk, &in_frame, &in, false);
			expect_frame(talk.lab, "middle of a connection", LAB_FRONT, &in_frame,
				     scene_verdict(&talk.scene), &out_frame);
			assert_int_equal(expect_read_counters(talk.lab).stats[talk.backend].opened, 1);
			assert_int_equal(flowtable_count(talk.lab).flows, 1);
			assert_int_equal(flowtable_check(talk.lab, stdout), 0);
		}
	}
}

/* What opens nothing goes by the ring all the same: a RST, and what finds no place. */
static void unremembered(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < mode_scene_count; i++) {
		struct expect_counters change = { .drops = { 0 } };
		struct conversation talk;
		struct segment in;

		if (!SERIN_IS_ONE_WAY(mode_scenes[i].forward))
			continue;
		talk = begin(&mode_scenes[i], FRAME_TCP);
		in = from_client(&talk);
		change.table.unremembered = 1;
		in.flags = RST;
		expect_wrapped(&talk, "RST without a flow", &in, &change);
		assert_int_equal(flowtable_count(talk.lab).flows, 0);
		in.flags = SYN;
		struct flowtable_place place = flowtable_place(talk.lab, &in);

		flowtable_stuff(talk.lab, place.bucket[0], SERIN_WAY_ESTABLISHED, 0);
		flowtable_stuff(talk.lab, place.bucket[1], SERIN_WAY_ESTABLISHED, 0);
		segment_write(&in, &in_frame);
		wrap(&talk, &in_frame, &in, false);
		struct expect_counters before = expect_read_counters(talk.lab);

		change.stats[talk.backend].packets[0] = 1;
		change.stats[talk.backend].bytes[0] = segment_ip_length(&in);
		expect_frame(talk.lab, "no place", LAB_FRONT, &in_frame, scene_verdict(&talk.scene), &out_frame);
		expect_changes(talk.lab, "no place", &before, &change);
	}
}

/* Errors of routers about the backend's own answers, which nobody here has seen: to the backend, untouched. */
static void errors(const struct scene *scene, uint8_t protocol)
{
	static struct frame about;
	size_t with_flow;

	for (with_flow = 0; with_flow < 2; with_flow++) {
		struct conversation talk = with_flow ? opened(scene, protocol) : begin(scene, protocol);
		struct expect_counters change = { .drops = { 0 } };
		struct segment answer = segment_between(scene->listener, scene->client), first = from_client(&talk);
		bool ipv4 = scene_is_ipv4(scene);
		struct icmp icmp = {
			.to = first.to,
			.from = first.from,
			.src = frame_addr(ipv4 ? "198.51.100.254" : "2001:db8:c::fe"),
			.dst = answer.src,
			.type = ipv4 ? 3 : 2,
			.code = ipv4 ? 4 : 0,
			.rest = 1400,
			.tos = 0xc0,
		};

		answer.protocol = protocol;
		answer.payload = payload;
		answer.payload_length = 900;
		icmp.about = segment_write(&answer, &about);
		icmp_write(&icmp, &in_frame);
		wrap(&talk, &in_frame, &first, true);
		change.table.unremembered = !with_flow;
		expect_passage(talk.lab, "router's error", LAB_FRONT, &in_frame, scene_verdict(scene), &out_frame,
			       talk.backend, SERIN_TO_BACKEND, &change);
		assert_int_equal(flowtable_count(talk.lab).flows, with_flow);
	}
}

IN_ONE_WAY_SCENES(errors_go_to_the_backend, errors)

static void pieces(const struct scene *scene, uint8_t protocol)
{
	struct conversation talk = opened(scene, protocol);
	static struct frame whole;
	struct segment in = from_client(&talk);
	size_t i;

	in.flags = ACK;
	in.payload = payload;
	in.payload_length = 1400;
	in.may_fragment = true;
	segment_write(&in, &whole);
	for (i = 0; i < 3; i++) {
		struct expect_counters change = { .drops = { 0 } };

		frame_fragment(&whole, i * 640, 640, 99, &in_frame);
		wrap(&talk, &in_frame, &in, true);
		change.stats[talk.backend].established = !i && protocol == FRAME_TCP;
		expect_passage(talk.lab, "fragment", LAB_FRONT, &in_frame, scene_verdict(scene), &out_frame,
			       talk.backend, SERIN_TO_BACKEND, &change);
	}
}

IN_ONE_WAY_SCENES(fragments_are_wrapped_as_they_are, pieces)

/* Tags stay in front of the outer header. Under TC one is beside the frame. */
static void tagged(const struct scene *scene, uint8_t protocol)
{
	static const struct frame_tag outer = { 0x8100, 5 }, inner = { 0x8100, 0x2007 };
	size_t i;

	for (i = 0; i < 2; i++) {
		struct conversation talk = begin(scene, protocol);
		struct segment in = from_client(&talk);

		if (lab_door() == LAB_TC) {
			if (i)
				in.tags[0] = inner;
			segment_write(&in, &in_frame);
			wrap(&talk, &in_frame, &in, false);
			assert_int_equal(lab_run_tagged(talk.lab, LAB_FRONT, outer, &in_frame), scene_verdict(scene));
			expect_same_frame("tag beside the frame", &in_frame, &out_frame);
			continue;
		}
		in.tags[0] = outer;
		if (i)
			in.tags[1] = inner;
		segment_write(&in, &in_frame);
		wrap(&talk, &in_frame, &in, false);
		expect_frame(talk.lab, "tags", LAB_FRONT, &in_frame, scene_verdict(scene), &out_frame);
	}
}

IN_ONE_WAY_SCENES(tags_are_kept, tagged)

/* No address of this host's to put in front. */
static void no_outer_address(void **state)
{
	static const struct serin_addr none;
	size_t i;

	(void)state;
	for (i = 0; i < mode_scene_count; i++) {
		struct conversation talk;
		struct segment in;
		uint32_t id;

		if (!mode_scenes[i].outer)
			continue;
		talk = begin(&mode_scenes[i], FRAME_UDP);
		in = from_client(&talk);
		for (id = 0; id < SERIN_MAX_SNAT; id++)
			lab_write(talk.lab, "snat", id, &none);
		expect_segment(talk.lab, "no outer address", LAB_FRONT, &in, LAB_DROP, NULL);
		assert_int_equal(expect_read_counters(talk.lab).drops[SERIN_DROP_ENCAPSULATION], 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conversations),
		cmocka_unit_test(without_a_checksum),
		cmocka_unit_test(mss_is_clamped),
		cmocka_unit_test(too_big_is_answered),
		cmocka_unit_test(time_exceeded_is_answered),
		cmocka_unit_test(taken_over),
		cmocka_unit_test(unremembered),
		cmocka_unit_test(errors_go_to_the_backend),
		cmocka_unit_test(fragments_are_wrapped_as_they_are),
		cmocka_unit_test(tags_are_kept),
		cmocka_unit_test(no_outer_address),
	};

	return EXPECT_RUN("modes", tests);
}
