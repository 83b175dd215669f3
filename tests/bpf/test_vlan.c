/* SPDX-License-Identifier: BSD-2-Clause */
/* VLAN and QinQ tags: what comes with tags leaves with the same ones, in the frame and beside it. Under TC the stack has
 * taken the outer one out of the frame before the program sees it. */
#include <string.h>

#include "conversation.h"

#define VLAN(id) { 0x8100, (id) }
#define QINQ(id) { 0x88a8, (id) }

struct tagging {
	const char *name;
	struct frame_tag tags[FRAME_TAGS];
};

static const struct tagging taggings[] = {
	{ "VLAN 100", { VLAN(100) } },         { "VLAN 4094, priority 7", { VLAN(0xeffe) } },
	{ "priority tag", { VLAN(0x6000) } },  { "service tag alone", { QINQ(5) } },
	{ "QinQ", { QINQ(0x2064), VLAN(7) } }, { "QinQ with two customer tags", { VLAN(100), VLAN(200) } },
};

static const uint8_t payload[700];

static void tag(struct segment *segment, const struct tagging *tagging)
{
	memcpy(segment->tags, tagging->tags, sizeof(segment->tags));
}

static void converse(const struct conversation *talk, const struct tagging *tagging)
{
	struct expect_counters change = { .drops = { 0 } };
	struct segment in = from_client(talk);

	tag(&in, tagging);
	change.stats[talk->backend].opened = 1;
	expect_talk(talk, tagging->name, SERIN_TO_BACKEND, &in, &change);
	in = from_backend(talk);
	tag(&in, tagging);
	in.payload = payload;
	in.payload_length = sizeof(payload);
	expect_talk(talk, tagging->name, SERIN_TO_CLIENT, &in, NULL);
	in = from_client(talk);
	in.flags = ACK;
	in.seq++;
	in.ack = 5001;
	in.padding = 9;
	tag(&in, tagging);
	change.stats[talk->backend].opened = 0;
	change.stats[talk->backend].established = 1;
	if (talk->scene.protocol == FRAME_UDP)
		expect_talk(talk, tagging->name, SERIN_TO_BACKEND, &in, &change);
}

static void tags_are_kept(void **state)
{
	size_t i, j;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		for (j = 0; j < sizeof(taggings) / sizeof(taggings[0]); j++) {
			struct conversation tcp = talk_begin(&scenes[i], FRAME_TCP), udp;

			converse(&tcp, &taggings[j]);
			udp = talk_begin(&scenes[i], FRAME_UDP);
			converse(&udp, &taggings[j]);
		}
	}
}

/* The frame as the stack hands it to TC: its outer tag beside it. */
static void tags_beside_the_frame(void **state)
{
	static struct frame in_frame, out_frame;
	size_t i, j;

	(void)state;
	if (lab_door() != LAB_TC)
		return;
	for (i = 0; i < scene_count; i++) {
		for (j = 0; j < sizeof(taggings) / sizeof(taggings[0]); j++) {
			struct conversation talk = talk_begin(&scenes[i], FRAME_UDP);
			struct segment in = from_client(&talk), out;

			in.tags[0] = taggings[j].tags[1];
			out = talk_out(&talk, SERIN_TO_BACKEND, &in);
			segment_write(&in, &in_frame);
			assert_int_equal(lab_run_tagged(talk.lab, talk.scene.client_arm, taggings[j].tags[0],
							&in_frame),
					 scene_verdict(&talk.scene));
			expect_same_frame("tag beside the frame", &in_frame, segment_write(&out, &out_frame));
		}
	}
}

/* Answers of serin's own go back by the VLAN that the question came by. */
static void resets_have_tags(void **state)
{
	size_t i, j;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		for (j = 0; j < sizeof(taggings) / sizeof(taggings[0]); j++) {
			struct conversation talk = talk_begin(&scenes[i], FRAME_TCP);
			struct expect_counters change = { .drops = { 0 } };
			struct segment in = from_client(&talk), out = in;
			static struct frame in_frame, out_frame;

			if (!talk.scene.snat)
				continue;
			in.flags = ACK;
			in.ack = 777;
			tag(&in, &taggings[j]);
			out = segment_back(&in);
			out.flags = RST;
			out.seq = 777;
			tag(&out, &taggings[j]);
			change.drops[SERIN_DROP_NO_FLOW] = 1;
			change.table.rst_sent = 1;
			expect_counted(talk.lab, "RST with tags", talk.scene.client_arm, segment_write(&in, &in_frame),
				       LAB_BACK, segment_write(&out, &out_frame), &change);
		}
	}
}

/* More tags than two are nobody's, nor are other EtherTypes behind a tag, nor half of one. */
static void strange_tags_pass(void **state)
{
	static const uint8_t third[] = { 0x81, 0x00, 0x00, 0x07 };
	static struct frame frame, cut;
	size_t i, length;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		struct conversation talk = talk_begin(&scenes[i], FRAME_UDP);
		struct segment in = from_client(&talk);

		in.tags[0] = (struct frame_tag)QINQ(1);
		in.tags[1] = (struct frame_tag)VLAN(2);
		segment_write(&in, &frame);
		memmove(frame.data + 16, frame.data + 12, frame.length - 12);
		memcpy(frame.data + 12, third, sizeof(third));
		frame.length += 4;
		expect_counted(talk.lab, "three tags", talk.scene.client_arm, &frame, LAB_PASS, NULL, NULL);
		segment_write(&in, &frame);
		frame.data[20] = 0x88;
		frame.data[21] = 0xcc;
		expect_counted(talk.lab, "LLDP behind tags", talk.scene.client_arm, &frame, LAB_PASS, NULL, NULL);
		segment_write(&in, &frame);
		for (length = 14; length < frame.length; length++) {
			memcpy(cut.data, frame.data, frame.length);
			cut.length = length;
			expect_counted(talk.lab, "cut off", talk.scene.client_arm, &cut, LAB_PASS, NULL, NULL);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tags_are_kept),
		cmocka_unit_test(tags_beside_the_frame),
		cmocka_unit_test(resets_have_tags),
		cmocka_unit_test(strange_tags_pass),
	};

	return EXPECT_RUN("vlan", tests);
}
