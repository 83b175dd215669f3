/* SPDX-License-Identifier: BSD-2-Clause */
/* Fragments of IPv4 and IPv6: the first one teaches, later ones follow it under one new identification; those that come
 * before it are dropped where a service could be meant, and pass elsewhere. */
#include <string.h>

#include <bpf/bpf.h>

#include "conversation.h"

#define PIECE 800

static uint8_t payload[3000];

/* A datagram or segment that is too long, and what of it leaves. */
struct cut {
	struct segment in, out;
	struct frame whole_in, whole_out;
	uint32_t id;
};

static struct cut cut; /* large */
static struct frame piece_in, piece_out, result;

static void cut_prepare(const struct conversation *talk, enum serin_direction direction, size_t length, uint32_t id)
{
	cut.in = direction == SERIN_TO_BACKEND ? from_client(talk) : from_backend(talk);
	cut.in.flags = ACK;
	cut.in.payload = payload;
	cut.in.payload_length = length;
	cut.in.may_fragment = true;
	cut.out = talk_out(talk, direction, &cut.in);
	segment_write(&cut.in, &cut.whole_in);
	segment_write(&cut.out, &cut.whole_out);
	cut.id = id;
}

static size_t pieces(void)
{
	return (frame_fragment_payload(&cut.whole_in) + PIECE - 1) / PIECE;
}

/* The identification of a fragment. */
static uint32_t id_of(const struct frame *frame)
{
	struct frame_places at;

	assert_true(frame_find(frame, &at));
	if (at.ipv4)
		return (uint32_t)(frame->data[at.ip + 4] << 8 | frame->data[at.ip + 5]);
	assert_int_not_equal(at.fragment_header, 0);
	return (uint32_t)frame->data[at.fragment_header + 4] << 24 |
	       (uint32_t)frame->data[at.fragment_header + 5] << 16 |
	       (uint32_t)frame->data[at.fragment_header + 6] << 8 | frame->data[at.fragment_header + 7];
}

/* The nth piece goes through, whole but for its identification, which is returned. */
static uint32_t expect_piece(const struct conversation *talk, const char *name, enum serin_direction direction,
			     size_t nth, const struct expect_counters *change)
{
	struct expect_counters before = expect_read_counters(talk->lab), all = { .drops = { 0 } };
	uint32_t id;

	if (change)
		all = *change;
	frame_fragment(&cut.whole_in, nth * PIECE, PIECE, cut.id, &piece_in);
	result = piece_in;
	assert_int_equal(lab_run(talk->lab, talk_arm(talk, direction), &result), scene_verdict(&talk->scene));
	id = id_of(&result);
	frame_fragment(&cut.whole_out, nth * PIECE, PIECE, id, &piece_out);
	expect_same_frame(name, &result, &piece_out);
	all.stats[talk->backend].packets[direction]++;
	all.stats[talk->backend].bytes[direction] += frame_ip_length(&piece_in);
	expect_changes(talk->lab, name, &before, &all);
	assert_int_equal(flowtable_check(talk->lab, stdout), 0);
	return id;
}

/* One packet's pieces, in an order; all leave under one identification. */
static uint32_t expect_pieces(const struct conversation *talk, enum serin_direction direction, bool backwards)
{
	size_t count = pieces(), i;
	uint32_t id = expect_piece(talk, "first fragment", direction, 0, NULL);

	for (i = 1; i < count; i++)
		assert_int_equal(expect_piece(talk, "later fragment", direction, backwards ? count - i : i, NULL), id);
	return id;
}

static void in_every_scene(uint8_t protocol, void (*test)(const struct conversation *talk))
{
	size_t i;

	for (i = 0; i < scene_count; i++) {
		struct conversation talk = talk_answered(&scenes[i], protocol);

		test(&talk);
	}
}

static void follow(const struct conversation *talk)
{
	enum serin_direction direction;
	uint32_t ids[4];

	for (direction = SERIN_TO_BACKEND; direction < SERIN_DIRECTIONS; direction++) {
		struct expect_counters change = { .drops = { 0 } };

		cut_prepare(talk, direction, sizeof(payload), 1000 + direction);
		/* After an answer the client goes on: UDP's flow is established by its first fragment. */
		if (direction == SERIN_TO_BACKEND && talk->scene.protocol == FRAME_UDP) {
			change.stats[talk->backend].established = 1;
			expect_piece(talk, "first fragment", direction, 0, &change);
		}
		ids[2 * direction] = expect_pieces(talk, direction, false);
		/* The same identification again is another packet, after a second first fragment. */
		ids[2 * direction + 1] = expect_pieces(talk, direction, true);
		assert_int_not_equal(ids[2 * direction], ids[2 * direction + 1]);
	}
	assert_int_not_equal(ids[0], ids[2]);
}

static void later_fragments_follow_the_first(void **state)
{
	(void)state;
	in_every_scene(FRAME_UDP, follow);
	in_every_scene(FRAME_TCP, follow);
}

/* A conversation may begin with a fragmented question. */
static void first_fragment_opens_a_flow(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		struct conversation talk = talk_begin(&scenes[i], FRAME_UDP);
		struct expect_counters change = { .drops = { 0 } };
		uint32_t id;

		change.stats[talk.backend].opened = 1;
		cut_prepare(&talk, SERIN_TO_BACKEND, 2000, 5);
		id = expect_piece(&talk, "question", SERIN_TO_BACKEND, 0, &change);
		assert_int_equal(expect_piece(&talk, "rest of it", SERIN_TO_BACKEND, 1, NULL), id);
		assert_int_equal(expect_piece(&talk, "end of it", SERIN_TO_BACKEND, 2, NULL), id);
		assert_int_equal(flowtable_count(talk.lab).flows, 1);
	}
}

/* Two clients with one identification, whom the backend sees as one host: their fragments must not meet there. */
static void identifications_are_never_shared(void **state)
{
	static const char *const names[] = { "nat-ipv4", "nat-ipv6" };
	size_t i, j;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct conversation talk = talk_begin(scene_find(names[i]), FRAME_UDP);
		uint32_t ids[8];

		for (j = 0; j < 8; j++) {
			struct expect_counters change = { .drops = { 0 } };
			char client[64];

			snprintf(client, sizeof(client), i ? "[2001:db8:c::1%zu]:4000" : "198.51.100.1%zu:4000", j % 4);
			talk.scene.client = client;
			talk.scene.client_mac = NET_CLIENT_MAC((uint8_t)(0x10 + j % 4));
			talk_expect_port(&talk, (uint16_t)(PORT + j % 4));
			change.stats[talk.backend].opened = j < 4;
			cut_prepare(&talk, SERIN_TO_BACKEND, 2000, 77);
			ids[j] = expect_piece(&talk, "first", SERIN_TO_BACKEND, 0, &change);
			if (j)
				assert_int_not_equal(ids[j], ids[j - 1]);
		}
		for (j = 0; j < 4; j++)
			assert_int_not_equal(ids[j], ids[j + 4]);
	}
}

static void expect_early(const struct conversation *talk, const char *name, size_t nth)
{
	struct expect_counters change = { .drops = { 0 } };

	change.drops[SERIN_DROP_FRAGMENT_EARLY] = 1;
	frame_fragment(&cut.whole_in, nth * PIECE, PIECE, cut.id, &piece_in);
	expect_counted(talk->lab, name, talk->scene.client_arm, &piece_in, LAB_DROP, NULL, &change);
}

/* To a service's address, whether there is a flow or not. Nothing is kept waiting. */
static void early_fragments_are_dropped(void **state)
{
	static const uint8_t protocols[] = { FRAME_TCP, FRAME_UDP };
	size_t i, j;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		for (j = 0; j < 2; j++) {
			struct conversation talk = talk_answered(&scenes[i], protocols[j]);
			struct expect_counters change = { .drops = { 0 } };

			change.stats[talk.backend].established = protocols[j] == FRAME_UDP;
			cut_prepare(&talk, SERIN_TO_BACKEND, 2000, 9);
			expect_early(&talk, "second before the first", 1);
			expect_early(&talk, "last before the first", 2);
			expect_piece(&talk, "first", SERIN_TO_BACKEND, 0, &change);
			expect_piece(&talk, "second behind the first", SERIN_TO_BACKEND, 1, NULL);
			cut.id++;
			expect_early(&talk, "of another packet", 1);
		}
	}
}

static void expect_passing(const struct conversation *talk, const char *name, enum lab_arm arm, size_t nth)
{
	frame_fragment(&cut.whole_in, nth * PIECE, PIECE, cut.id, &piece_in);
	expect_counted(talk->lab, name, arm, &piece_in, LAB_PASS, NULL, NULL);
}

/* What is not ours passes in any order: other addresses, another protocol's, another port's, a backend's own. */
static void fragments_of_others_pass(void **state)
{
	size_t i, nth;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		struct conversation talk = talk_answered(&scenes[i], FRAME_UDP);
		enum lab_arm arm = talk.scene.client_arm;

		for (nth = 0; nth < 3; nth++) {
			cut_prepare(&talk, SERIN_TO_BACKEND, 2000, 9);
			cut.in.dst.byte[15] ^= 0x40;
			segment_write(&cut.in, &cut.whole_in);
			expect_passing(&talk, "to another address", arm, 2 - nth);
			cut_prepare(&talk, SERIN_TO_BACKEND, 2000, 10);
			cut.in.protocol = FRAME_TCP;
			segment_write(&cut.in, &cut.whole_in);
			expect_passing(&talk, "of a protocol without a service", arm, 2 - nth);
			/* Its first fragment tells that it is not ours; before it nobody can know. */
			cut_prepare(&talk, SERIN_TO_BACKEND, 2000, 11);
			cut.in.dport++;
			segment_write(&cut.in, &cut.whole_in);
			expect_passing(&talk, "to another port", arm, nth);
			cut_prepare(&talk, SERIN_TO_CLIENT, 2000, 12);
			cut.in.sport++;
			segment_write(&cut.in, &cut.whole_in);
			expect_passing(&talk, "from a backend, no flow", talk.scene.backend_arm, 2 - nth);
			cut_prepare(&talk, SERIN_TO_BACKEND, 2000, 13);
			cut.in.to = NET_MAC(9, 9);
			segment_write(&cut.in, &cut.whole_in);
			/* An established flow's are forwarded whoever they are for, as its other packets; its later ones
			 * without a first are not. */
			if (nth)
				expect_passing(&talk, "to another host", arm, nth);
		}
	}
}

/* Make what first fragments have taught older: the third word of a value is its stamp. */
static void age_lessons(const struct lab *lab, uint32_t stamps)
{
	int fd = lab_map(lab, "fragments");
	struct bpf_map_info info = { .type = 0 };
	uint8_t key[64], *last = NULL;
	__u32 length = sizeof(info);
	uint32_t value[4];

	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &length), 0);
	assert_int_equal(info.value_size, sizeof(value));
	while (!bpf_map_get_next_key(fd, last, key)) {
		last = key;
		assert_int_equal(bpf_map_lookup_elem(fd, key, value), 0);
		assert_in_range(lab_now() - value[2], 0, 110);
		value[2] -= stamps;
		assert_int_equal(bpf_map_update_elem(fd, key, value, BPF_EXIST), 0);
	}
	assert_non_null(last);
}

/* After half a minute: an identification may well come again. */
static void lessons_are_forgotten(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		struct conversation talk = talk_answered(&scenes[i], FRAME_TCP);
		uint32_t id;

		cut_prepare(&talk, SERIN_TO_BACKEND, 2000, 9);
		id = expect_piece(&talk, "first", SERIN_TO_BACKEND, 0, NULL);
		age_lessons(talk.lab, 105);
		assert_int_equal(expect_piece(&talk, "28 s later", SERIN_TO_BACKEND, 1, NULL), id);
		age_lessons(talk.lab, 10);
		expect_early(&talk, "31 s later", 2);
	}
}

/* Fragments that are none: an IPv6 packet can have the header and yet be whole (RFC 6946). */
static void atomic_fragments(void **state)
{
	static const uint8_t atomic[6] = { 0, 0, 0, 0, 0, 7 };
	static const struct frame_extension header = { 44, 6, atomic };
	size_t i;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		struct conversation talk = talk_begin(&scenes[i], FRAME_UDP);
		struct expect_counters change = { .drops = { 0 } };
		struct segment in = from_client(&talk);

		if (scene_is_ipv4(&scenes[i]))
			continue;
		in.extensions = &header;
		in.extension_count = 1;
		in.payload = payload;
		in.payload_length = 99;
		change.stats[talk.backend].opened = 1;
		expect_talk(&talk, "atomic fragment", SERIN_TO_BACKEND, &in, &change);
		in = from_backend(&talk);
		in.extensions = &header;
		in.extension_count = 1;
		expect_talk(&talk, "atomic fragment back", SERIN_TO_CLIENT, &in, NULL);
	}
}

/* The first piece of 8 bytes has all of UDP's header; of TCP's it has too little, and is nobody's. */
static void tiny_fragments(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		struct conversation talk = talk_answered(&scenes[i], FRAME_TCP);

		cut_prepare(&talk, SERIN_TO_BACKEND, 100, 5);
		frame_fragment(&cut.whole_in, 0, 8, 5, &piece_in);
		expect_counted(talk.lab, "half a TCP header", talk.scene.client_arm, &piece_in, LAB_PASS, NULL, NULL);
		talk = talk_begin(&scenes[i], FRAME_UDP);
		cut_prepare(&talk, SERIN_TO_BACKEND, 100, 5);
		frame_fragment(&cut.whole_in, 0, 8, 5, &result);
		assert_int_equal(lab_run(talk.lab, talk.scene.client_arm, &result), scene_verdict(&talk.scene));
		frame_fragment(&cut.whole_out, 0, 8, id_of(&result), &piece_out);
		expect_same_frame("just a UDP header", &result, &piece_out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(later_fragments_follow_the_first),
		cmocka_unit_test(first_fragment_opens_a_flow),
		cmocka_unit_test(identifications_are_never_shared),
		cmocka_unit_test(early_fragments_are_dropped),
		cmocka_unit_test(fragments_of_others_pass),
		cmocka_unit_test(lessons_are_forgotten),
		cmocka_unit_test(atomic_fragments),
		cmocka_unit_test(tiny_fragments),
	};
	size_t i;

	for (i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 41 + 3);
	return EXPECT_RUN("fragments", tests);
}
