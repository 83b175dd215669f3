/* SPDX-License-Identifier: BSD-2-Clause */
/* ICMP errors of serin's own: "too big" and "time exceeded", in every scene of nat and gateway, for packets of both ends. */
#include "answers.h"

static const uint8_t payload[1400] = "much";

static struct segment sent_by(const struct conversation *talk, enum serin_direction direction, size_t length)
{
	struct segment in = direction == SERIN_TO_BACKEND ? from_client(talk) : from_backend(talk);

	in.flags = ACK;
	in.payload = payload;
	in.payload_length = length;
	in.ip_id = 31;
	in.tos = 0x28;
	return in;
}

static void in_every_scene(void (*test)(const struct conversation *talk, enum serin_direction direction))
{
	static const uint8_t protocols[] = { FRAME_TCP, FRAME_UDP };
	size_t i, j;

	for (i = 0; i < scene_count; i++) {
		for (j = 0; j < 2; j++) {
			struct conversation talk = talk_answered(&scenes[i], protocols[j]);

			answer_all(talk.lab);
			test(&talk, SERIN_TO_CLIENT);
			test(&talk, SERIN_TO_BACKEND);
		}
	}
}

static void one_byte_too_much(const struct conversation *talk, enum serin_direction direction)
{
	enum lab_arm arm = talk_arm(talk, direction), out = talk_arm(talk, !direction);
	struct segment in = sent_by(talk, direction, 1000);
	struct expect_counters change = { .drops = { 0 } };
	uint32_t mtu = (uint32_t)segment_ip_length(&in) - 1;

	set_mtu(talk->lab, out, mtu);
	expect_answer(talk, "one byte too much", arm, &in, SERIN_DROP_TOO_BIG, mtu);
	in.padding = 40; /* does not count, and does not come back */
	expect_answer(talk, "padded", arm, &in, SERIN_DROP_TOO_BIG, mtu);
	if (scene_is_ipv4(&talk->scene)) {
		in.may_fragment = true;
		expect_answer(talk, "who lets it be split is told, too", arm, &in, SERIN_DROP_TOO_BIG, mtu);
		in.may_fragment = false;
	}
	in.payload_length--;
	change.stats[talk->backend].established = direction == SERIN_TO_BACKEND && talk->scene.protocol == FRAME_UDP;
	expect_talk(talk, "just fits", direction, &in, &change);
	set_mtu(talk->lab, out, NET_MTU);
}

static void too_big_is_answered(void **state)
{
	(void)state;
	in_every_scene(one_byte_too_much);
}

static void used_up(const struct conversation *talk, enum serin_direction direction)
{
	static const size_t lengths[] = { 0, 1, 2, 3, 4, 60, 87, 88, 89, 100, 108, 109, 1400 };
	size_t i;

	for (i = 0; i < 2 * sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct segment in = sent_by(talk, direction, lengths[i / 2]);

		in.ttl = (uint8_t)(i & 1);
		in.zero_ttl = true;
		expect_answer(talk, "TTL used up", talk_arm(talk, direction), &in, SERIN_DROP_TTL_EXPIRED, 0);
	}
}

static void time_exceeded_is_answered(void **state)
{
	(void)state;
	in_every_scene(used_up);
}

/* What goes no further opens nothing. */
static void nothing_is_opened(void **state)
{
	static const uint8_t protocols[] = { FRAME_TCP, FRAME_UDP };
	size_t i, j;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		for (j = 0; j < 2; j++) {
			struct conversation talk = talk_begin(&scenes[i], protocols[j]);
			struct segment in = from_client(&talk);

			answer_all(talk.lab);
			in.ttl = 1;
			expect_answer(&talk, "first packet", talk.scene.client_arm, &in, SERIN_DROP_TTL_EXPIRED, 0);
			assert_int_equal(flowtable_count(talk.lab).flows, 0);
		}
	}
}

/* Answers go back by the VLAN that the question came by. */
static void answers_have_tags(void **state)
{
	static struct frame about, out;
	size_t i;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		struct conversation talk = talk_answered(&scenes[i], FRAME_UDP);
		struct segment in = sent_by(&talk, SERIN_TO_BACKEND, 99);
		struct frame_tag beside = { 0x8100, 0x2005 };

		answer_all(talk.lab);
		in.ttl = 1;
		if (lab_door() == LAB_TC) { /* where one tag is beside the frame */
			segment_write(&in, &about);
			answer_write(&about, &in, 0, &out);
			assert_int_equal(lab_run_tagged(talk.lab, talk.scene.client_arm, beside, &about), LAB_BACK);
			expect_same_frame("tag beside the frame", &about, &out);
			continue;
		}
		in.tags[0] = beside;
		expect_answer(&talk, "VLAN", talk.scene.client_arm, &in, SERIN_DROP_TTL_EXPIRED, 0);
		in.tags[0].type = 0x88a8;
		in.tags[1] = beside;
		expect_answer(&talk, "QinQ", talk.scene.client_arm, &in, SERIN_DROP_TTL_EXPIRED, 0);
	}
}

/* Nobody is answered about a piece without ports (RFC 1122, section 3.2.2). */
static void later_fragments_are_not_answered(void **state)
{
	static struct frame whole, piece;
	size_t i;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		struct conversation talk = talk_answered(&scenes[i], FRAME_TCP);
		struct segment in = sent_by(&talk, SERIN_TO_BACKEND, 1400);
		struct expect_counters change = { .drops = { 0 } };

		in.may_fragment = true;
		in.ttl = 9;
		segment_write(&in, &whole);
		frame_fragment(&whole, 0, 800, 3, &piece);
		assert_int_equal(lab_run(talk.lab, talk.scene.client_arm, &piece), scene_verdict(&talk.scene));
		in.ttl = 1;
		segment_write(&in, &whole);
		frame_fragment(&whole, 800, 800, 3, &piece);
		change.drops[SERIN_DROP_TTL_EXPIRED] = 1;
		expect_counted(talk.lab, "later fragment", talk.scene.client_arm, &piece, LAB_DROP, NULL, &change);
	}
}

/* All that serin says by itself has one rate. */
static void answers_have_a_rate(void **state)
{
	struct conversation talk = talk_answered(scene_find("nat-ipv4"), FRAME_UDP);
	struct serin_settings settings = lab_settings(talk.lab);
	struct segment in = sent_by(&talk, SERIN_TO_BACKEND, 10);
	struct expect_counters counters;
	static struct frame frame;
	uint64_t sent = 0, dropped = 0;
	uint32_t from, to;
	size_t i;

	(void)state;
	settings.answers_per_second = 8; /* 2.1 per stamp, and one */
	lab_change_settings(talk.lab, &settings);
	in.ttl = 1;
	from = lab_now();
	for (i = 0; i < 60; i++) {
		enum lab_verdict verdict = lab_run(talk.lab, LAB_FRONT, segment_write(&in, &frame));

		sent += verdict == LAB_BACK;
		dropped += verdict == LAB_DROP;
	}
	to = lab_now();
	counters = expect_read_counters(talk.lab);
	assert_int_equal(sent + dropped, 60);
	assert_in_range(sent, 3, 3 * (to - from + 1));
	assert_int_equal(counters.drops[SERIN_DROP_TTL_EXPIRED], 60);
	assert_int_equal(counters.table.icmp_sent, sent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(too_big_is_answered),
		cmocka_unit_test(time_exceeded_is_answered),
		cmocka_unit_test(nothing_is_opened),
		cmocka_unit_test(answers_have_tags),
		cmocka_unit_test(later_fragments_are_not_answered),
		cmocka_unit_test(answers_have_a_rate),
	};

	return EXPECT_RUN("answers", tests);
}
