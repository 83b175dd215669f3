/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of flows in one-way modes, where only the client is heard: both ends' sequence numbers are far apart, as they
 * are on real connections. */
#include "answers.h"

#define CLIENT_START 1000u
#define BACKEND_START 0x90000000u

static const uint8_t payload[1000] = "all that the client says";

static void client(const struct conversation *talk, uint8_t flags, uint32_t seq, uint32_t ack, size_t length)
{
	static struct frame frame;
	struct segment in = from_client(talk);

	in.flags = flags;
	in.seq = seq;
	in.ack = ack;
	in.payload = payload;
	in.payload_length = length;
	assert_int_equal(lab_run(talk->lab, LAB_FRONT, segment_write(&in, &frame)), scene_verdict(&talk->scene));
}

static struct serin_way way_of(const struct conversation *talk)
{
	struct segment any = from_client(talk);

	return flowtable_way(talk->lab, flowtable_find(talk->lab, &any));
}

static struct conversation established(const struct scene *scene)
{
	struct conversation talk = talk_begin(scene, FRAME_TCP);

	client(&talk, SYN, CLIENT_START, 0, 0);
	client(&talk, ACK, CLIENT_START + 1, BACKEND_START + 1, 0);
	assert_int_equal(SERIN_WAY_STATE(way_of(&talk).claim), SERIN_WAY_ESTABLISHED);
	return talk;
}

static struct serin_stats stats_of(const struct conversation *talk)
{
	return expect_read_counters(talk->lab).stats[talk->backend];
}

static void in_one_way_scenes(void (*test)(const struct scene *scene))
{
	size_t i;

	for (i = 0; i < mode_scene_count; i++)
		if (SERIN_IS_ONE_WAY(mode_scenes[i].forward))
			test(&mode_scenes[i]);
}

#define IN_ONE_WAY_SCENES(name)                           \
	static void name##_in(const struct scene *scene); \
	static void name(void **state)                    \
	{                                                 \
		(void)state;                              \
		in_one_way_scenes(name##_in);             \
	}                                                 \
	static void name##_in(const struct scene *scene)

/* A client that has ended its half is not counted among the active ones, and its next SYN is a new connection. */
IN_ONE_WAY_SCENES(fin_closes)
{
	struct conversation talk = established(scene);

	client(&talk, FIN | ACK, CLIENT_START + 1, BACKEND_START + 501, 0);
	assert_int_equal(SERIN_WAY_STATE(way_of(&talk).claim), SERIN_WAY_CLOSED);
	assert_int_equal(stats_of(&talk).closed, 1);
	client(&talk, ACK, CLIENT_START + 2, BACKEND_START + 502, 0);
	client(&talk, SYN, 77 * CLIENT_START, 0, 0);
	assert_int_equal(stats_of(&talk).opened, 2);
	assert_int_equal(flowtable_count(talk.lab).flows, 1);
}

/* The FIN is the first that is seen behind the SYN, or at all. */
IN_ONE_WAY_SCENES(fin_at_once)
{
	struct conversation talk = talk_begin(scene, FRAME_TCP);

	client(&talk, SYN, CLIENT_START, 0, 0);
	client(&talk, FIN | ACK, CLIENT_START + 1, BACKEND_START + 1, 5);
	assert_int_equal(SERIN_WAY_STATE(way_of(&talk).claim), SERIN_WAY_CLOSED);
}

/* A stranger's that does not fit does not. */
IN_ONE_WAY_SCENES(strange_fin)
{
	struct conversation talk = established(scene);

	client(&talk, FIN | ACK, CLIENT_START + 1, BACKEND_START + 0x40000000, 0);
	client(&talk, FIN | ACK, CLIENT_START + 0x40000000, BACKEND_START + 1, 0);
	assert_int_equal(SERIN_WAY_STATE(way_of(&talk).claim), SERIN_WAY_ESTABLISHED);
	client(&talk, ACK, CLIENT_START + 1, BACKEND_START + 1, 100);
	client(&talk, FIN | ACK, CLIENT_START + 101, BACKEND_START + 1, 0);
	assert_int_equal(SERIN_WAY_STATE(way_of(&talk).claim), SERIN_WAY_CLOSED);
}

/* What was lost before it came here is no reason to lose count for good: a RST must still be known by its number. */
IN_ONE_WAY_SCENES(burst_lost)
{
	struct conversation talk = established(scene);
	uint32_t seq = CLIENT_START + 1 + 300000;

	client(&talk, ACK, seq, BACKEND_START + 1, 1000);
	assert_int_equal(way_of(&talk).next_seq, seq + 1000);
	client(&talk, RST, seq + 1000, 0, 0);
	assert_int_equal(SERIN_WAY_STATE(way_of(&talk).claim), SERIN_WAY_CLOSED);
	assert_int_equal(stats_of(&talk).closed, 1);
}

/* A flood in a one-way mode takes the places of flows like its own, and of none that wait for an answer. */
IN_ONE_WAY_SCENES(handshakes_of_others_are_kept)
{
	struct conversation talk = talk_begin(scene, FRAME_TCP);
	struct segment in = from_client(&talk);
	struct flowtable_place place = flowtable_place(talk.lab, &in);
	uint32_t one = place.bucket[0] * SERIN_WAYS_PER_BUCKET;
	struct serin_way way;

	flowtable_stuff(talk.lab, place.bucket[0], SERIN_WAY_EMBRYONIC, 3);
	flowtable_stuff(talk.lab, place.bucket[1], SERIN_WAY_EMBRYONIC, 3);
	client(&talk, ACK, CLIENT_START, BACKEND_START, 0);
	assert_int_equal(flowtable_find(talk.lab, &in), FLOWTABLE_NONE);
	assert_int_equal(expect_read_counters(talk.lab).table.unremembered, 1);
	way = flowtable_way(talk.lab, one);
	way.flags = SERIN_WAY_FLAGS_OF(SERIN_FORWARD_GUE);
	way.stamp += 3; /* the youngest */
	flowtable_set_way(talk.lab, one, &way);
	client(&talk, ACK, CLIENT_START, BACKEND_START, 0);
	assert_int_equal(flowtable_find(talk.lab, &in), one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fin_closes),
		cmocka_unit_test(fin_at_once),
		cmocka_unit_test(strange_fin),
		cmocka_unit_test(burst_lost),
		cmocka_unit_test(handshakes_of_others_are_kept),
	};

	return EXPECT_RUN("one-way life", tests);
}
