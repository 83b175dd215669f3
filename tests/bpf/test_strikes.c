/* SPDX-License-Identifier: BSD-2-Clause */
/* Strikes: which handshakes are held against a backend, what takes that back, and when the agent is told. */
#include "strikes.h"

IN(scenes, refused)
{
	struct conversation talk = begin(scene, FRAME_TCP), other;

	syn(&talk);
	backend(&talk, RST | ACK, 0, CLIENT_ISN + 77);
	expect_strikes(&talk, "a stranger's RST", 0);
	backend(&talk, RST | ACK, 0, CLIENT_ISN + 1);
	expect_strikes(&talk, "refused", 1);
	backend(&talk, RST | ACK, 0, CLIENT_ISN + 1);
	expect_strikes(&talk, "the same once more", 1);
	other = another(&talk);
	refuse(&other);
	expect_strikes(&talk, "another client", 2);
	assert_int_equal(stats_of(&talk).failures[SERIN_FAILURE_REFUSED], 2);
	expect_silence_of(&talk);
}

/* Is held against the backend once, however often. */
static void one_that_tries_again(const struct conversation *talk)
{
	syn(talk);
	syn(talk);
	expect_strikes(talk, "a SYN that came twice", 0);
	repeat(talk);
	expect_strikes(talk, "repeated", 1);
	repeat(talk);
	repeat(talk);
	expect_strikes(talk, "and again", 1);
}

IN(scenes, repeated)
{
	struct conversation talk = begin(scene, FRAME_TCP), other;

	one_that_tries_again(&talk);
	backend(&talk, RST | ACK, 0, CLIENT_ISN + 1);
	expect_strikes(&talk, "refused as well", 1);
	/* Those of its failures that are counted at once, as before. */
	assert_int_equal(stats_of(&talk).failures[SERIN_FAILURE_TIMEOUT], 0);
	assert_int_equal(stats_of(&talk).failures[SERIN_FAILURE_REFUSED], 1);
	/* A new connection with the same ports is a new flow. */
	syn(&talk);
	repeat(&talk);
	expect_strikes(&talk, "a new connection", 2);
	other = another(&talk);
	syn(&other);
	repeat(&other);
	expect_strikes(&talk, "another client", 3);
}

/* Its answer was lost behind us, or the client is a forger. */
IN(scenes, repeated_to_one_that_has_answered)
{
	struct conversation talk = begin(scene, FRAME_TCP), other;

	syn(&talk);
	accept(&talk);
	repeat(&talk);
	expect_strikes(&talk, "after a SYN-ACK", 0);
	client(&talk, ACK, CLIENT_ISN + 1, BACKEND_ISN + 1);
	repeat(&talk);
	expect_strikes(&talk, "a SYN on an established connection", 0);
	/* One that does not fit is alive, too. */
	other = another(&talk);
	syn(&other);
	backend(&other, SYN | ACK, BACKEND_ISN, CLIENT_ISN + 77);
	repeat(&other);
	expect_strikes(&talk, "after another SYN-ACK", 0);
}

IN(scenes, cleared)
{
	struct conversation talk = begin(scene, FRAME_TCP), other = another(&talk), third = another(&talk);

	refuse(&other);
	syn(&talk);
	repeat(&talk);
	expect_strikes(&talk, "two of them", 2);
	syn(&third);
	backend(&third, SYN | ACK, BACKEND_ISN, CLIENT_ISN + 77);
	expect_strikes(&talk, "a SYN-ACK that does not fit", 2);
	accept(&talk);
	expect_strikes(&talk, "a late SYN-ACK", 0);
	client(&talk, ACK, CLIENT_ISN + 1, BACKEND_ISN + 1);
	expect_strikes(&talk, "established", 0);
	other = another(&talk);
	refuse(&other);
	expect_strikes(&talk, "it begins again at one", 1);
	/* An established connection says nothing about new ones. */
	client(&talk, PSH | ACK, CLIENT_ISN + 1, BACKEND_ISN + 1);
	backend(&talk, PSH | ACK, BACKEND_ISN + 1, CLIENT_ISN + 1);
	backend(&talk, RST | ACK, BACKEND_ISN + 1, CLIENT_ISN + 1);
	expect_strikes(&talk, "an old connection", 1);
}

static void told_at_five_and_ten(void **state)
{
	struct conversation talk = begin(scene_find("gateway-ipv4"), FRAME_TCP), other;
	unsigned int i;

	(void)state;
	for (i = 1; i <= 12; i++) {
		other = another(&talk);
		if (i == 10) {
			syn(&other);
			repeat(&other);
		} else {
			refuse(&other);
		}
		expect_strikes(&talk, "in a row", i);
		if (i % SERIN_STRIKES_OUT == 0)
			expect_told(&talk, i, i == 10 ? SERIN_FAILURE_TIMEOUT : SERIN_FAILURE_REFUSED);
		else
			expect_silence_of(&talk);
		assert_int_equal(first_ones, i == 1);
	}
	other = another(&talk);
	syn(&other);
	accept(&other);
	for (i = 1; i <= 5; i++) {
		expect_silence_of(&talk);
		assert_int_equal(first_ones, i == 2);
		other = another(&talk);
		refuse(&other);
	}
	expect_told(&talk, 5, SERIN_FAILURE_REFUSED);
}

/* Not four, one that is answered, and one. */
static void in_a_row(void **state)
{
	struct conversation talk = begin(scene_find("gateway-ipv6"), FRAME_TCP), other;
	unsigned int i;

	(void)state;
	for (i = 0; i < 12; i++) {
		other = another(&talk);
		if (i % 5 == 4) {
			syn(&other);
			accept(&other);
		} else {
			refuse(&other);
		}
	}
	expect_strikes(&talk, "in between", 2);
	expect_silence_of(&talk);
}

/* Records that nobody reads are lost, the count is not. */
static void nobody_reads(void **state)
{
	struct conversation talk = begin(scene_find("gateway-ipv4"), FRAME_TCP);
	const uint32_t four = SERIN_STRIKES_OUT - 1;
	unsigned int i;

	(void)state;
	for (i = 0; i < 3 * SERIN_VERDICTS_BYTES / sizeof(struct serin_verdict); i++) {
		lab_write(talk.lab, "strikes", talk.backend, &four);
		refuse(&talk);
	}
	expect_strikes(&talk, "with a full ring", SERIN_STRIKES_OUT);
	read_verdicts(talk.lab);
	assert_in_range(told_count, 1000, SERIN_VERDICTS_BYTES / sizeof(struct serin_verdict));
	lab_write(talk.lab, "strikes", talk.backend, &four);
	refuse(&talk);
	expect_told(&talk, SERIN_STRIKES_OUT, SERIN_FAILURE_REFUSED);
}

IN(scenes, unreachable_over_tcp)
{
	struct conversation talk = begin(scene, FRAME_TCP), other = another(&talk);

	syn(&talk);
	unreachable(&talk);
	expect_strikes(&talk, "unreachable", 1);
	unreachable(&talk);
	repeat(&talk);
	expect_strikes(&talk, "the same flow", 1);
	/* The other way round. */
	syn(&other);
	repeat(&other);
	expect_strikes(&talk, "another flow", 2);
	unreachable(&other);
	expect_strikes(&talk, "that one is unreachable, too", 2);
	accept(&other);
	expect_strikes(&talk, "and answers", 0);
	client(&other, ACK, CLIENT_ISN + 1, BACKEND_ISN + 1);
	unreachable(&other);
	expect_strikes(&talk, "nothing is owed", 0);
}

/* A handshake is all that counts: what is owed later is a failure, and no strike. */
IN(scenes, unreachable_later)
{
	struct conversation talk = begin(scene, FRAME_TCP);
	struct segment ask = scene_from_client(&talk.scene, PSH | ACK, CLIENT_ISN + 1, BACKEND_ISN + 1);

	syn(&talk);
	accept(&talk);
	client(&talk, ACK, CLIENT_ISN + 1, BACKEND_ISN + 1);
	ask.payload = (const uint8_t *)"ask";
	ask.payload_length = 3;
	pass(&talk, SERIN_TO_BACKEND, &ask);
	unreachable(&talk);
	assert_int_equal(stats_of(&talk).failures[SERIN_FAILURE_UNREACHABLE], 1);
	expect_strikes(&talk, "later", 0);
}

IN(scenes, over_udp)
{
	struct conversation talk = begin(scene, FRAME_UDP), other = another(&talk);

	datagram(&talk, SERIN_TO_BACKEND);
	ask_again(&talk);
	expect_strikes(&talk, "asked twice", 0);
	unreachable(&talk);
	expect_strikes(&talk, "unreachable", 1);
	ask_again(&talk);
	unreachable(&talk);
	expect_strikes(&talk, "the same flow", 1);
	datagram(&other, SERIN_TO_BACKEND);
	unreachable(&other);
	expect_strikes(&talk, "another flow", 2);
	datagram(&talk, SERIN_TO_CLIENT);
	expect_strikes(&talk, "an answer", 0);
	ask_again(&talk);
	unreachable(&talk);
	expect_strikes(&talk, "after that, one is one", 1);
	expect_silence_of(&talk);
}

static void flag(const struct conversation *talk, uint8_t set, uint8_t clear)
{
	struct complaint complaint;

	assert_int_equal(datapath_set_backend_flags(talk->lab->datapath, talk->backend, set, clear, &complaint), 0);
}

static uint64_t opened_at(const struct conversation *talk, unsigned int backend)
{
	return expect_read_counters(talk->lab).stats[backend].opened;
}

/* What begins a connection goes where the plan says now, but only where the old backend has no answer to it to give. */
static void begins_elsewhere(const struct scene *scene)
{
	struct conversation talk = { .scene = *scene }, done;
	unsigned int elsewhere;

	talk = SERIN_IS_ONE_WAY(scene_forward(scene)) ? talk : begin(scene, FRAME_TCP);
	if (SERIN_IS_ONE_WAY(scene_forward(scene))) {
		talk.lab = scene_open(&talk.scene, NULL);
		talk.backend = scene_backend(talk.lab, &talk.scene);
	}
	done = another(&talk);
	elsewhere = lab_backend(talk.lab, "shop", "canary", talk.scene.other_backend);
	syn(&done);
	if (!SERIN_IS_ONE_WAY(scene_forward(scene)))
		accept(&done);
	client(&done, ACK, CLIENT_ISN + 1, BACKEND_ISN + 1);
	syn(&talk);
	assert_int_equal(opened_at(&talk, talk.backend), 2);
	lab_set_weight(talk.lab, "shop", "canary", SERIN_SLOTS);
	/* All of its version are out, and the ring is kept: there is nowhere to go. */
	flag(&talk, SERIN_BACKEND_EJECTED, 0);
	repeat(&talk);
	assert_int_equal(opened_at(&talk, talk.backend), 2);
	assert_int_equal(opened_at(&talk, elsewhere), 0);
	flag(&talk, SERIN_BACKEND_REPLACED, 0);
	syn(&done);
	client(&done, ACK, CLIENT_ISN + 1, BACKEND_ISN + 1);
	assert_int_equal(opened_at(&talk, elsewhere), 0);
	syn(&talk);
	assert_int_equal(opened_at(&talk, elsewhere), 1);
	assert_int_equal(opened_at(&talk, talk.backend), 2);
	assert_int_equal(stats_of(&talk).gone, 1);
	flag(&talk, 0, SERIN_BACKEND_EJECTED | SERIN_BACKEND_REPLACED);
}

IN(scenes, elsewhere)
{
	begins_elsewhere(scene);
}

IN(one_way_scenes, elsewhere_one_way)
{
	begins_elsewhere(scene);
}

IN(one_way_scenes, one_way)
{
	struct conversation talk = begin(scene, FRAME_TCP), other = another(&talk), third;

	one_that_tries_again(&talk);
	syn(&other);
	repeat(&other);
	expect_strikes(&talk, "another client", 2);
	/* What was begun elsewhere is no handshake. */
	third = another(&talk);
	client(&third, ACK, CLIENT_ISN + 1, BACKEND_ISN + 1);
	expect_strikes(&talk, "another host's connection", 2);
	third = another(&talk);
	syn(&third);
	client(&third, RST, CLIENT_ISN + 1, 0);
	expect_strikes(&talk, "a client that gives up", 2);
	client(&other, ACK, CLIENT_ISN + 1, BACKEND_ISN + 1);
	expect_strikes(&talk, "a handshake that is completed", 0);
	repeat(&other);
	expect_strikes(&talk, "a SYN on an established connection", 0);
}

IN(one_way_scenes, one_way_told)
{
	struct conversation talk = begin(scene, FRAME_TCP), other;
	unsigned int i;

	for (i = 0; i < SERIN_STRIKES_OUT; i++) {
		expect_silence_of(&talk);
		other = another(&talk);
		syn(&other);
		repeat(&other);
	}
	expect_told(&talk, SERIN_STRIKES_OUT, SERIN_FAILURE_TIMEOUT);
}

static void of_a_process(void **state)
{
	static const char *const names[] = { "local-ipv4", "local-ipv6" };
	size_t i;

	(void)state;
	if (lab_door() != LAB_TC)
		return;
	for (i = 0; i < 2; i++) {
		struct conversation talk = begin(scene_find(names[i]), FRAME_TCP), other = another(&talk);

		refuse(&talk);
		expect_strikes(&talk, "refused", 1);
		syn(&other);
		repeat(&other);
		expect_strikes(&talk, "repeated", 2);
		accept(&other);
		expect_strikes(&talk, "answered", 0);
	}
}

/* One that was never there: its packets do not even leave. */
static void without_a_neighbour(void **state)
{
	static const char *const names[] = { "nat-ipv4", "gateway-ipv6", "ipip-4in4", "l2-ipv6" };
	static struct frame frame;
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct scene scene = *scene_find(names[i]);
		struct conversation talk;
		struct segment in;

		scene.backend = scene_is_ipv4(&scene) ? "10.0.0.99:80" : "[2001:db8:b::99]:80";
		talk = begin(&scene, FRAME_TCP);
		in = from_client(&talk);
		for (j = 0; j < 4; j++) {
			enum lab_verdict verdict = lab_run(talk.lab, LAB_FRONT, segment_write(&in, &frame));

			/* TC's packets wait in the host, which asks for the neighbour. */
			assert_int_equal(verdict, lab_door() == LAB_TC ? LAB_ON : LAB_DROP);
			expect_strikes(&talk, "its SYNs", j < 2 ? 0 : 1);
			if (j)
				wait_for_repeat(&talk);
		}
		age_turns(talk.lab, 11000);
		sweep_all(talk.lab);
		assert_int_equal(stats_of(&talk).failures[SERIN_FAILURE_TIMEOUT],
				 SERIN_IS_ONE_WAY(scene_forward(&scene)) ? 0 : 1);
	}
}

/* What an ejected backend fails is counted as a failure and a strike, and is no incident. */
static void ejected(void **state)
{
	struct conversation talk = begin(scene_find("gateway-ipv4"), FRAME_TCP);
	uint64_t before = incidents_in(talk.lab);

	(void)state;
	flag(&talk, SERIN_BACKEND_EJECTED, 0);
	refuse(&talk);
	assert_int_equal(incidents_in(talk.lab), before);
	assert_int_equal(stats_of(&talk).failures[SERIN_FAILURE_REFUSED], 1);
	expect_strikes(&talk, "ejected", 1);
	flag(&talk, SERIN_BACKEND_DRAINED, SERIN_BACKEND_EJECTED);
	refuse(&talk);
	assert_int_equal(incidents_in(talk.lab), before + 1);
	assert_int_equal(stats_of(&talk).failures[SERIN_FAILURE_REFUSED], 2);
	expect_strikes(&talk, "drained", 2);
	flag(&talk, 0, SERIN_BACKEND_DRAINED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused),
		cmocka_unit_test(repeated),
		cmocka_unit_test(repeated_to_one_that_has_answered),
		cmocka_unit_test(cleared),
		cmocka_unit_test(told_at_five_and_ten),
		cmocka_unit_test(in_a_row),
		cmocka_unit_test(nobody_reads),
		cmocka_unit_test(unreachable_over_tcp),
		cmocka_unit_test(unreachable_later),
		cmocka_unit_test(over_udp),
		cmocka_unit_test(elsewhere),
		cmocka_unit_test(elsewhere_one_way),
		cmocka_unit_test(one_way),
		cmocka_unit_test(one_way_told),
		cmocka_unit_test(of_a_process),
		cmocka_unit_test(without_a_neighbour),
		cmocka_unit_test(ejected),
	};

	return EXPECT_RUN("strikes", tests);
}
