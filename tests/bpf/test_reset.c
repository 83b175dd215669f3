/* SPDX-License-Identifier: BSD-2-Clause */
/* Ends of flows that no FIN brings about: a backend that is being emptied, the agent's sweep and its closing of single
 * flows; and that the counts of opened, closed and gone ones are right. */
#include <bpf/bpf.h>

#include "answers.h"

static const uint8_t payload[100] = "more";

static void set_flags(const struct conversation *talk, uint8_t flags)
{
	struct serin_backend backend;

	lab_read(talk->lab, "backends", talk->backend, &backend);
	backend.flags = flags;
	lab_write(talk->lab, "backends", talk->backend, &backend);
}

/* A finished handshake, and the way to the backend. */
static struct conversation established(const struct scene *scene, uint32_t *ret_index)
{
	struct conversation talk = talk_answered(scene, FRAME_TCP);
	struct expect_counters change = { .drops = { 0 } };
	struct segment in = from_client(&talk);

	answer_all(talk.lab);
	in.flags = ACK;
	in.seq = 1001;
	in.ack = 5001;
	change.stats[talk.backend].established = 1;
	expect_talk(&talk, "ACK", SERIN_TO_BACKEND, &in, &change);
	*ret_index = flowtable_find(talk.lab, &in);
	return talk;
}

static struct segment reset_of(const struct segment *in)
{
	struct segment out = segment_back(in);

	if (in->flags & ACK) {
		out.flags = RST;
		out.seq = in->ack;
		return out;
	}
	out.flags = RST | ACK;
	out.ack = in->seq + (uint32_t)in->payload_length + !!(in->flags & SYN) + !!(in->flags & FIN);
	return out;
}

/* Whoever sends is told, whatever it is but a RST. */
static void stragglers_get_a_reset(void **state)
{
	static const uint8_t flags[] = { ACK, ACK | PSH, FIN | ACK, SYN | ACK, SYN };
	static struct frame in_frame, out_frame;
	enum serin_direction direction;
	size_t i, j;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		for (direction = SERIN_TO_BACKEND; direction < SERIN_DIRECTIONS; direction++) {
			for (j = 0; j < sizeof(flags); j++) {
				struct expect_counters change = { .drops = { 0 } };
				struct segment in, out;
				struct conversation talk;
				uint32_t index;

				talk = established(&scenes[i], &index);
				set_flags(&talk, SERIN_BACKEND_USED | SERIN_BACKEND_RESET);
				in = direction == SERIN_TO_BACKEND ? from_client(&talk) : from_backend(&talk);
				in.flags = flags[j];
				if (direction == SERIN_TO_BACKEND && in.flags == SYN)
					continue; /* see syns_move() */
				in.seq = direction == SERIN_TO_BACKEND ? 1001 : 5001;
				in.ack = direction == SERIN_TO_BACKEND ? 5001 : 1001;
				in.payload = payload;
				in.payload_length = flags[j] & PSH ? sizeof(payload) : 0;
				out = reset_of(&in);
				change.drops[SERIN_DROP_RESETTING] = 1;
				change.table.rst_sent = 1;
				expect_counted(talk.lab, "straggler", talk_arm(&talk, direction),
					       segment_write(&in, &in_frame), LAB_BACK, segment_write(&out, &out_frame),
					       &change);
			}
		}
	}
}

/* In one-way modes the client is all there is to tell. */
static void one_way_stragglers(void **state)
{
	static struct frame in_frame, out_frame;
	size_t i;

	(void)state;
	for (i = 0; i < mode_scene_count; i++) {
		struct conversation talk = { .scene = mode_scenes[i] };
		struct expect_counters change = { .drops = { 0 } };
		struct segment in = from_client(&talk), out;

		if (!SERIN_IS_ONE_WAY(mode_scenes[i].forward))
			continue;
		talk.lab = scene_open(&talk.scene, NULL);
		talk.backend = scene_backend(talk.lab, &talk.scene);
		assert_int_equal(lab_run(talk.lab, LAB_FRONT, segment_write(&in, &in_frame)), LAB_ON);
		set_flags(&talk, SERIN_BACKEND_USED | SERIN_BACKEND_RESET);
		in.flags = ACK;
		in.ack = 4321;
		out = reset_of(&in);
		change.drops[SERIN_DROP_RESETTING] = 1;
		change.table.rst_sent = 1;
		expect_counted(talk.lab, "straggler", LAB_FRONT, segment_write(&in, &in_frame), LAB_BACK,
			       segment_write(&out, &out_frame), &change);
	}
}

/* Before that, and for a backend that is only leaving, nothing changes. */
static void leaving_backends_keep_their_flows(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		uint32_t index;
		struct conversation talk = established(&scenes[i], &index);
		struct segment in = from_client(&talk), back = from_backend(&talk);

		set_flags(&talk, SERIN_BACKEND_USED | SERIN_BACKEND_LEAVING);
		in.flags = back.flags = ACK;
		in.seq = back.ack = 1001;
		in.ack = back.seq = 5001;
		expect_talk(&talk, "to a leaving backend", SERIN_TO_BACKEND, &in, NULL);
		expect_talk(&talk, "from a leaving backend", SERIN_TO_CLIENT, &back, NULL);
	}
}

/* What begins a conversation goes wherever the plan says now. */
static void first_packets_move(uint8_t protocol)
{
	size_t i;

	for (i = 0; i < scene_count; i++) {
		struct conversation talk = talk_answered(&scenes[i], protocol), other = talk;
		struct expect_counters change = { .drops = { 0 } };
		struct segment in = from_client(&talk);

		lab_set_weight(talk.lab, "shop", "canary", SERIN_SLOTS);
		set_flags(&talk, SERIN_BACKEND_USED | SERIN_BACKEND_RESET);
		other.scene.backend = talk.scene.other_backend;
		other.scene.backend_mac = scenes[i].backend_mac;
		other.scene.backend_mac.byte[5] =
			(uint8_t)(scenes[i].backend_mac.byte[5] + !strstr(scenes[i].name, "far"));
		other.backend = lab_backend(talk.lab, "shop", "canary", talk.scene.other_backend);
		flowtable_set_cursor(other.lab, other.lab->image->backends[other.backend].endpoint,
				     PORT - SCENE_PORT_FIRST);
		change.stats[talk.backend].gone = 1;
		change.stats[other.backend].opened = 1;
		expect_talk(&other, "moved", SERIN_TO_BACKEND, &in, &change);
		assert_int_equal(flowtable_count(talk.lab).flows, 1);
	}
}

/* UDP has nobody to tell: the client's next datagram begins anew. */
static void datagrams_move(void **state)
{
	(void)state;
	first_packets_move(FRAME_UDP);
}

/* A SYN that is sent again has not been answered, or is a new connection: a RST would only make it fail. */
static void syns_move(void **state)
{
	(void)state;
	first_packets_move(FRAME_TCP);
}

static struct serin_close close_flow(const struct lab *lab, uint32_t index, uint32_t generation)
{
	struct serin_close ask = { .index = index, .generation = generation };
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = &ask, .ctx_size_in = sizeof(ask));

	assert_int_equal(bpf_prog_test_run_opts(lab_program(lab, "serin_close"), &options), 0);
	return ask;
}

static struct serin_sweep sweep(const struct lab *lab, uint32_t first, uint32_t count)
{
	struct serin_sweep ask = { .first = first, .count = count };
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = &ask, .ctx_size_in = sizeof(ask));

	assert_int_equal(bpf_prog_test_run_opts(lab_program(lab, "serin_sweep"), &options), 0);
	return ask;
}

/* In as many pieces as it takes. */
static struct serin_sweep sweep_all(const struct lab *lab)
{
	uint32_t total = datapath_buckets(lab->datapath) * SERIN_WAYS_PER_BUCKET, piece = 100, first;
	struct serin_sweep sum = { .first = 0 };

	for (first = 0; first < total; first += piece) {
		struct serin_sweep one = sweep(lab, first, first + piece < total ? piece : total - first);

		sum.ended += one.ended;
		sum.live += one.live;
	}
	assert_int_equal(flowtable_check(lab, stdout), 0);
	return sum;
}

static struct serin_stats stats_of(const struct conversation *talk)
{
	return expect_read_counters(talk->lab).stats[talk->backend];
}

/* The agent has told both ends. */
static void closing_one_flow(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		uint32_t index, generation;
		struct conversation talk = established(&scenes[i], &index);
		struct serin_way way = flowtable_way(talk.lab, index);

		generation = SERIN_WAY_GENERATION(way.claim);
		assert_int_equal(close_flow(talk.lab, index, generation + 1).closed, 0);
		assert_int_equal(close_flow(talk.lab, way.peer, way.peer_generation).closed, 0);
		assert_int_equal(close_flow(talk.lab, index ^ 1, generation).closed, 0);
		assert_int_equal(close_flow(talk.lab, UINT32_MAX, generation).closed, 0);
		assert_int_equal(stats_of(&talk).closed, 0);
		assert_int_equal(close_flow(talk.lab, index, generation).closed, 1);
		assert_int_equal(flowtable_state(talk.lab, index), SERIN_WAY_CLOSED);
		assert_int_equal(flowtable_state(talk.lab, way.peer), SERIN_WAY_CLOSED);
		assert_int_equal(stats_of(&talk).closed, 1);
		assert_int_equal(close_flow(talk.lab, index, generation).closed, 0);
		assert_int_equal(stats_of(&talk).closed, 1);
		assert_int_equal(flowtable_check(talk.lab, stdout), 0);
	}
}

static void closing_a_conversation(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		struct conversation talk = talk_answered(&scenes[i], FRAME_UDP);
		struct segment in = from_client(&talk);
		uint32_t index = flowtable_find(talk.lab, &in);
		struct serin_way way = flowtable_way(talk.lab, index);
		struct serin_stats stats;

		assert_int_equal(close_flow(talk.lab, index, SERIN_WAY_GENERATION(way.claim)).closed, 1);
		assert_int_equal(flowtable_count(talk.lab).flows, 0);
		stats = stats_of(&talk);
		assert_int_equal(SERIN_ACTIVE(&stats), 0);
		assert_int_equal(flowtable_check(talk.lab, stdout), 0);
	}
}

/* How long each state may be idle; what a sweep ends and what it leaves. */
static void sweeping(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		struct conversation talk = talk_answered(&scenes[i], FRAME_TCP);
		struct serin_settings settings = lab_settings(talk.lab);
		struct segment in = from_client(&talk);
		uint32_t index = flowtable_find(talk.lab, &in);
		struct serin_sweep result = sweep_all(talk.lab);
		struct serin_stats stats;
		uint32_t named;

		assert_int_equal(result.live, 1);
		assert_int_equal(result.ended, 0);
		lab_read(talk.lab, "named", talk.backend, &named);
		assert_int_equal(named, 1);
		flowtable_age(talk.lab, index, settings.linger_embryonic + 2);
		result = sweep_all(talk.lab);
		assert_int_equal(result.live, 0);
		assert_int_equal(result.ended, 1);
		stats = stats_of(&talk);
		assert_int_equal(stats.gone, 1);
		assert_int_equal(stats.closed, 0);
		assert_int_equal(SERIN_ACTIVE(&stats), 0);
		lab_read(talk.lab, "named", talk.backend, &named);
		assert_int_equal(named, 1); /* the agent empties it */
		assert_int_equal(flowtable_count(talk.lab).flows, 0);
		if (talk.scene.snat)
			assert_true(flowtable_owner(talk.lab, scene_endpoint(talk.lab, &talk.scene),
						    PORT - SCENE_PORT_FIRST) &
				    SERIN_OWNER_RESTING);
	}
}

/* A closed flow was counted when it closed: not again when it goes. */
static void closed_flows_are_counted_once(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		uint32_t index;
		struct conversation talk = established(&scenes[i], &index);
		struct serin_way way = flowtable_way(talk.lab, index);
		struct serin_settings settings = lab_settings(talk.lab);
		struct serin_stats stats;

		flowtable_age(talk.lab, index, settings.linger_closed + 2);
		assert_int_equal(sweep_all(talk.lab).ended, 0);
		assert_int_equal(close_flow(talk.lab, index, SERIN_WAY_GENERATION(way.claim)).closed, 1);
		stats = stats_of(&talk);
		assert_int_equal(SERIN_ACTIVE(&stats), 0);
		assert_int_equal(sweep_all(talk.lab).ended, 1);
		stats = stats_of(&talk);
		assert_int_equal(stats.closed, 1);
		assert_int_equal(stats.gone, 0);
		assert_int_equal(SERIN_ACTIVE(&stats), 0);
		assert_int_equal(flowtable_count(talk.lab).flows, 0);
	}
}

/* UDP flows of a backend that is being emptied go with the sweep, idle or not. */
static void sweeping_moves_datagrams(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		struct conversation talk = talk_answered(&scenes[i], FRAME_UDP);

		assert_int_equal(sweep_all(talk.lab).live, 1);
		set_flags(&talk, SERIN_BACKEND_USED | SERIN_BACKEND_RESET);
		assert_int_equal(sweep_all(talk.lab).ended, 1);
		assert_int_equal(stats_of(&talk).gone, 1);
		talk = talk_answered(&scenes[i], FRAME_TCP);
		set_flags(&talk, SERIN_BACKEND_USED | SERIN_BACKEND_RESET);
		assert_int_equal(sweep_all(talk.lab).live, 1);
	}
}

/* What a newcomer takes the place of is gone; one that was closed has been counted. */
static void evicted_flows_are_gone(void **state)
{
	static struct frame frame;
	size_t i, j;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		struct conversation talk = talk_begin(&scenes[i], FRAME_UDP);
		struct serin_stats stats;

		for (j = 0; j < 5 * SCENE_FLOWS; j++) {
			struct segment in = from_client(&talk);

			in.sport = (uint16_t)(1000 + j);
			lab_run(talk.lab, talk.scene.client_arm, segment_write(&in, &frame));
		}
		stats = stats_of(&talk);
		assert_true(stats.opened > SCENE_FLOWS);
		assert_int_equal(SERIN_ACTIVE(&stats), flowtable_count(talk.lab).flows);
		assert_int_equal(flowtable_check(talk.lab, stdout), 0);
	}
}

/* The agent reads from the table that no answer is owed, before it resets. */
static void what_is_owed(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		uint32_t index;
		struct conversation talk = established(&scenes[i], &index);
		struct segment in = from_client(&talk), back = from_backend(&talk);
		struct serin_way way = flowtable_way(talk.lab, index), peer = flowtable_way(talk.lab, way.peer);

		assert_true(peer.flags & SERIN_WAY_SEQ);
		assert_true((int32_t)(peer.next_seq - way.asked) > 0); /* idle after the handshake */
		in.flags = back.flags = ACK | PSH;
		in.seq = 1001;
		in.ack = back.seq = 5001;
		in.payload = back.payload = payload;
		in.payload_length = 60;
		back.payload_length = 100;
		back.ack = 1061;
		expect_talk(&talk, "request", SERIN_TO_BACKEND, &in, NULL);
		way = flowtable_way(talk.lab, index);
		peer = flowtable_way(talk.lab, way.peer);
		assert_false((int32_t)(peer.next_seq - way.asked) > 0); /* owed */
		assert_int_equal(way.next_seq, 1061);
		expect_talk(&talk, "answer", SERIN_TO_CLIENT, &back, NULL);
		peer = flowtable_way(talk.lab, way.peer);
		assert_true((int32_t)(peer.next_seq - way.asked) > 0);
		assert_int_equal(peer.next_seq, 5101);
		in.flags = ACK;
		in.seq = 1061;
		in.ack = 5101;
		in.payload_length = 0;
		expect_talk(&talk, "ACK of it", SERIN_TO_BACKEND, &in, NULL);
		way = flowtable_way(talk.lab, index);
		assert_true((int32_t)(peer.next_seq - way.asked) > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stragglers_get_a_reset),
		cmocka_unit_test(one_way_stragglers),
		cmocka_unit_test(leaving_backends_keep_their_flows),
		cmocka_unit_test(datagrams_move),
		cmocka_unit_test(syns_move),
		cmocka_unit_test(closing_one_flow),
		cmocka_unit_test(closing_a_conversation),
		cmocka_unit_test(sweeping),
		cmocka_unit_test(closed_flows_are_counted_once),
		cmocka_unit_test(sweeping_moves_datagrams),
		cmocka_unit_test(evicted_flows_are_gone),
		cmocka_unit_test(what_is_owed),
	};

	return EXPECT_RUN("reset", tests);
}
