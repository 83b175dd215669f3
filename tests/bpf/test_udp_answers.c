/* SPDX-License-Identifier: BSD-2-Clause */
/* UDP flows whose backend answers, at once or late, and those whose backend never does: which of them are established,
 * and which have to give way. */

#include "strikes.h"

/* All but what is said of a flow when it is opened. */
#define FLAGS (SERIN_WAY_FIN | SERIN_WAY_HEARD | SERIN_WAY_ANSWERED)

static uint32_t index_of(const struct conversation *talk)
{
	struct segment any = from_client(talk);
	uint32_t index = flowtable_find(talk->lab, &any);

	assert_int_not_equal(index, FLOWTABLE_NONE);
	return index;
}

static struct serin_way to_backend(const struct conversation *talk)
{
	return flowtable_way(talk->lab, index_of(talk));
}

static struct serin_way to_client(const struct conversation *talk)
{
	return flowtable_way(talk->lab, to_backend(talk).peer);
}

static void expect_way(const struct conversation *talk, const char *when, const struct serin_way *way,
		       unsigned int flags, enum serin_way_state state)
{
	if ((way->flags & FLAGS) != flags || SERIN_WAY_STATE(way->claim) != state)
		fail_msg("%s, %s: the way to the %s has flags %u and state %u, expected %u and %u", talk->scene.name,
			 when, way->flags & SERIN_WAY_TO_CLIENT ? "client" : "backend", way->flags & FLAGS,
			 SERIN_WAY_STATE(way->claim), flags, state);
}

/* Both ways say the same. */
static void expect_flow(const struct conversation *talk, const char *when, bool answered, enum serin_way_state state)
{
	struct serin_way way = to_backend(talk), peer = to_client(talk);

	expect_way(talk, when, &way, answered ? SERIN_WAY_HEARD : 0, state);
	expect_way(talk, when, &peer, answered ? SERIN_WAY_ANSWERED : 0, state);
	assert_int_equal(stats_of(talk).established, state == SERIN_WAY_ESTABLISHED);
}

/* Each of them in another stamp, and the last one is what the flow's age is told by. */
static void go_on(const struct conversation *talk)
{
	unsigned int i;

	for (i = 0; i < 4; i++) {
		flowtable_age(talk->lab, index_of(talk), 5);
		ask_again(talk);
		assert_in_range(lab_now() - to_backend(talk).stamp, 0, 2);
	}
}

static void set_flags(const struct conversation *talk, uint8_t set, uint8_t clear)
{
	struct serin_way way = to_backend(talk);

	way.flags = (uint8_t)((way.flags | set) & ~clear);
	flowtable_set_way(talk->lab, index_of(talk), &way);
}

IN(scenes, answered)
{
	struct conversation talk = begin(scene, FRAME_UDP);

	datagram(&talk, SERIN_TO_BACKEND);
	expect_flow(&talk, "asked", false, SERIN_WAY_EMBRYONIC);
	datagram(&talk, SERIN_TO_CLIENT);
	expect_flow(&talk, "answered", true, SERIN_WAY_EMBRYONIC);
	datagram(&talk, SERIN_TO_CLIENT);
	expect_flow(&talk, "answered twice", true, SERIN_WAY_EMBRYONIC);
	datagram(&talk, SERIN_TO_BACKEND);
	expect_flow(&talk, "the client goes on", true, SERIN_WAY_ESTABLISHED);
	go_on(&talk);
	expect_flow(&talk, "and on", true, SERIN_WAY_ESTABLISHED);
	unreachable(&talk);
	go_on(&talk);
	expect_flow(&talk, "unreachable later", true, SERIN_WAY_ESTABLISHED);
}

IN(scenes, never_answered)
{
	struct conversation talk = begin(scene, FRAME_UDP);

	datagram(&talk, SERIN_TO_BACKEND);
	go_on(&talk);
	expect_flow(&talk, "the client goes on", false, SERIN_WAY_EMBRYONIC);
}

/* What a router says is no answer, nor is what is remembered of it. */
IN(scenes, unreachable_and_late)
{
	struct conversation talk = begin(scene, FRAME_UDP);

	datagram(&talk, SERIN_TO_BACKEND);
	unreachable(&talk);
	expect_flow(&talk, "unreachable", false, SERIN_WAY_EMBRYONIC);
	go_on(&talk);
	unreachable(&talk);
	go_on(&talk);
	expect_strikes(&talk, "one flow", 1);
	expect_flow(&talk, "the client goes on", false, SERIN_WAY_EMBRYONIC);
	assert_int_equal(SERIN_WAY_HEARD & SERIN_WAY_STRUCK, 0);
	set_flags(&talk, SERIN_WAY_STRUCK, 0);
	go_on(&talk);
	assert_int_equal(to_backend(&talk).flags & FLAGS, SERIN_WAY_STRUCK);
	assert_int_equal(SERIN_WAY_STATE(to_backend(&talk).claim), SERIN_WAY_EMBRYONIC);
	assert_int_equal(stats_of(&talk).established, 0);
	set_flags(&talk, 0, SERIN_WAY_STRUCK);
	datagram(&talk, SERIN_TO_CLIENT);
	expect_flow(&talk, "a late answer", true, SERIN_WAY_EMBRYONIC);
	datagram(&talk, SERIN_TO_BACKEND);
	expect_flow(&talk, "and the client goes on", true, SERIN_WAY_ESTABLISHED);
}

/* Maps outlive programs: one that knew no such flag has seen the first answer. */
IN(scenes, answered_before)
{
	struct conversation talk = begin(scene, FRAME_UDP);

	datagram(&talk, SERIN_TO_BACKEND);
	datagram(&talk, SERIN_TO_CLIENT);
	set_flags(&talk, 0, SERIN_WAY_HEARD);
	datagram(&talk, SERIN_TO_CLIENT);
	expect_flow(&talk, "answered again", true, SERIN_WAY_EMBRYONIC);
	datagram(&talk, SERIN_TO_BACKEND);
	expect_flow(&talk, "the client goes on", true, SERIN_WAY_ESTABLISHED);
}

/* An answer's mark that comes when the way is another flow's. */
IN(scenes, marked_for_another)
{
	struct conversation talk = begin(scene, FRAME_UDP);

	datagram(&talk, SERIN_TO_BACKEND);
	set_flags(&talk, SERIN_WAY_HEARD, 0);
	go_on(&talk);
	assert_int_equal(SERIN_WAY_STATE(to_backend(&talk).claim), SERIN_WAY_EMBRYONIC);
	assert_int_equal(stats_of(&talk).established, 0);
	datagram(&talk, SERIN_TO_CLIENT);
	datagram(&talk, SERIN_TO_BACKEND);
	expect_flow(&talk, "answered", true, SERIN_WAY_ESTABLISHED);
}

/* The next flow in the same place begins with nothing of that. */
IN(scenes, next_in_its_place)
{
	struct conversation talk = begin(scene, FRAME_UDP);
	struct serin_way before;
	uint32_t index;

	datagram(&talk, SERIN_TO_BACKEND);
	datagram(&talk, SERIN_TO_CLIENT);
	index = index_of(&talk);
	before = to_backend(&talk);
	flowtable_age(talk.lab, index, lab_settings(talk.lab).linger_udp + 1);
	datagram(&talk, SERIN_TO_BACKEND);
	assert_int_equal(index_of(&talk), index);
	assert_int_not_equal(SERIN_WAY_GENERATION(to_backend(&talk).claim), SERIN_WAY_GENERATION(before.claim));
	assert_int_equal(stats_of(&talk).opened, 2);
	go_on(&talk);
	expect_flow(&talk, "the client goes on", false, SERIN_WAY_EMBRYONIC);
}

/* Nobody's answers are seen in one-way modes. */
IN(one_way_scenes, one_way)
{
	struct conversation talk = begin(scene, FRAME_UDP);
	struct serin_way way;

	datagram(&talk, SERIN_TO_BACKEND);
	go_on(&talk);
	way = to_backend(&talk);
	expect_way(&talk, "the client goes on", &way, 0, SERIN_WAY_EMBRYONIC);
	assert_int_equal(way.peer, index_of(&talk));
	assert_int_equal(stats_of(&talk).established, 0);
}

/* Thirty seconds for those, too: by the sweep, not before. */
IN(scenes, swept)
{
	size_t struck;

	for (struck = 0; struck < 2; struck++) {
		struct conversation talk = begin(scene, FRAME_UDP);
		uint32_t linger = lab_settings(talk.lab).linger_udp;

		datagram(&talk, SERIN_TO_BACKEND);
		if (struck)
			unreachable(&talk);
		go_on(&talk);
		flowtable_age(talk.lab, index_of(&talk), linger - 2);
		sweep_all(talk.lab);
		assert_int_equal(flowtable_count(talk.lab).flows, 1);
		/* Its own word keeps it. */
		ask_again(&talk);
		flowtable_age(talk.lab, index_of(&talk), linger - 2);
		sweep_all(talk.lab);
		assert_int_equal(flowtable_count(talk.lab).flows, 1);
		flowtable_age(talk.lab, index_of(&talk), 2);
		sweep_all(talk.lab);
		assert_int_equal(flowtable_count(talk.lab).flows, 0);
		assert_int_equal(flowtable_count(talk.lab).live[SERIN_WAY_EMBRYONIC], 0);
		assert_int_equal(stats_of(&talk).gone, 1);
		assert_int_equal(flowtable_check(talk.lab, stdout), 0);
	}
}

/* One of many clients, three datagrams of it; to every other one a router says something. */
static void log_to_nobody(const struct conversation *talk, unsigned int nth)
{
	struct conversation one = *talk;
	static struct frame frame;
	struct segment in, forwarded;
	char client[48];
	unsigned int i;

	snprintf(client, sizeof(client), "%.*s:%u", (int)(strrchr(talk->scene.client, ':') - talk->scene.client),
		 talk->scene.client, 20000 + nth);
	one.scene.client = client;
	in = from_client(&one);
	for (i = 0; i < 3; i++) {
		assert_int_equal(lab_run(one.lab, one.scene.client_arm, segment_write(&in, &frame)),
				 scene_verdict(&one.scene));
		assert_true(segment_read(&frame, &forwarded));
		one.port = forwarded.sport;
		if (nth & 1)
			unreachable(&one);
	}
}

/* Far more of them than there are SNAT ports, or places in the table. */
IN(scenes, many_give_way)
{
	struct conversation talk = begin(scene, FRAME_UDP);
	struct expect_counters counters;
	unsigned int i;

	for (i = 0; i < 3 * SCENE_FLOWS; i++)
		log_to_nobody(&talk, i);
	counters = expect_read_counters(talk.lab);
	assert_int_equal(counters.stats[talk.backend].opened, 3 * SCENE_FLOWS);
	assert_int_equal(counters.stats[talk.backend].packets[SERIN_TO_BACKEND], 9 * SCENE_FLOWS);
	assert_int_equal(counters.stats[talk.backend].established, 0);
	assert_int_equal(flowtable_count(talk.lab).live[SERIN_WAY_ESTABLISHED], 0);
	if (talk.scene.snat)
		assert_in_range(counters.table.ports_retaken, 1, 3 * SCENE_FLOWS);
	else
		assert_in_range(counters.table.evicted[SERIN_WAY_EMBRYONIC], 1, 3 * SCENE_FLOWS);
	assert_int_equal(flowtable_check(talk.lab, stdout), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answered),
		cmocka_unit_test(never_answered),
		cmocka_unit_test(unreachable_and_late),
		cmocka_unit_test(answered_before),
		cmocka_unit_test(marked_for_another),
		cmocka_unit_test(next_in_its_place),
		cmocka_unit_test(one_way),
		cmocka_unit_test(swept),
		cmocka_unit_test(many_give_way),
	};

	return EXPECT_RUN("udp_answers", tests);
}
