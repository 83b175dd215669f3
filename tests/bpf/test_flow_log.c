/* SPDX-License-Identifier: BSD-2-Clause */
/* The flow log: one event for each way that a flow can end, with what went through it; the sample; what is lost. */
#include <arpa/inet.h>
#include <bpf/bpf.h>

#include "conversation.h"

static struct serin_flow_end told[4096];
static size_t told_count;

static void note_end(void *context, const struct serin_flow_end *end)
{
	(void)context;
	assert_true(told_count < sizeof(told) / sizeof(told[0]));
	told[told_count++] = *end;
}

static void read_log(const struct lab *lab)
{
	assert_int_equal(datapath_read_flow_log(lab->datapath, 100000), 0);
}

/* What is left in the ring is another test's. */
static void log_one_of(const struct lab *lab, uint32_t threshold)
{
	struct serin_settings settings = lab_settings(lab);
	struct complaint complaint;

	settings.flow_log = threshold;
	lab_change_settings((struct lab *)lab, &settings);
	assert_int_equal(datapath_open_flow_log(lab->datapath, note_end, NULL, &complaint), 0);
	told_count = 0;
	read_log(lab);
	told_count = 0;
}

static void say(const struct conversation *talk, enum serin_direction direction, uint8_t flags, uint32_t seq,
		uint32_t ack)
{
	struct segment in = direction == SERIN_TO_BACKEND ? from_client(talk) : from_backend(talk);
	static struct frame frame;

	in.flags = flags;
	in.seq = seq;
	in.ack = ack;
	lab_run(talk->lab, talk_arm(talk, direction), segment_write(&in, &frame));
}

/* A finished handshake over TCP, an answered datagram over UDP; and the way to the backend. */
static struct conversation begin(const struct scene *scene, uint8_t protocol, uint32_t *ret_index)
{
	struct conversation talk = talk_answered(scene, protocol);
	struct segment first = from_client(&talk);

	log_one_of(talk.lab, UINT32_MAX);
	if (protocol == FRAME_TCP)
		say(&talk, SERIN_TO_BACKEND, ACK, 1001, 5001);
	*ret_index = flowtable_find(talk.lab, &first);
	return talk;
}

static struct serin_stats stats_of(const struct conversation *talk)
{
	return expect_read_counters(talk->lab).stats[talk->backend];
}

/* Nothing but this. `stats`: what went through the flow. */
static void expect_end(const struct conversation *talk, enum serin_ended how, const struct serin_stats *stats)
{
	struct segment first = from_client(talk);
	const struct serin_flow_end *end = told;

	read_log(talk->lab);
	assert_int_equal(told_count, 1);
	assert_int_equal(end->how, how);
	assert_memory_equal(&end->client, &first.src, sizeof(end->client));
	assert_int_equal(ntohs(end->client_port), first.sport);
	assert_int_equal(end->backend, talk->backend);
	assert_int_equal(end->listener, 0);
	assert_int_equal(end->forward, scene_forward(&talk->scene));
	assert_int_equal(end->bytes[SERIN_TO_BACKEND], stats->bytes[SERIN_TO_BACKEND]);
	assert_int_equal(end->bytes[SERIN_TO_CLIENT], stats->bytes[SERIN_TO_CLIENT]);
	assert_true(stats->bytes[SERIN_TO_BACKEND] > 0);
	/* Ten seconds. The clocks of packets and of processes are a tick apart at times. */
	assert_true((int32_t)(end->ended - end->opened) <= 40 && (int32_t)(end->ended - end->opened) >= -1);
	assert_true((int32_t)(lab_now() - end->ended) <= 40 && (int32_t)(lab_now() - end->ended) >= -1);
}

static void expect_no_more(const struct conversation *talk)
{
	told_count = 0;
	read_log(talk->lab);
	assert_int_equal(told_count, 0);
	assert_int_equal(expect_read_counters(talk->lab).table.unlogged, 0);
}

static void sweep(const struct lab *lab)
{
	struct serin_sweep result;

	assert_int_equal(datapath_sweep(lab->datapath, 0, DATAPATH_SWEEP_MOST, &result), 0);
}

static void closed_by_fins(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 2 * scene_count; i++) {
		bool client_first = i % 2;
		struct conversation talk;
		struct serin_stats stats;
		uint32_t index;

		talk = begin(&scenes[i / 2], FRAME_TCP, &index);
		if (client_first)
			say(&talk, SERIN_TO_BACKEND, FIN | ACK, 1001, 5001);
		say(&talk, SERIN_TO_CLIENT, FIN | ACK, 5001, client_first ? 1002 : 1001);
		if (!client_first)
			say(&talk, SERIN_TO_BACKEND, FIN | ACK, 1001, 5002);
		stats = stats_of(&talk);
		assert_int_equal(stats.closed, 1);
		expect_end(&talk, SERIN_ENDED_CLOSED, &stats);
		say(&talk, SERIN_TO_CLIENT, ACK, 5002, 1002);
		flowtable_age(talk.lab, index, lab_settings(talk.lab).linger_closed + 2);
		sweep(talk.lab);
		assert_int_equal(flowtable_count(talk.lab).flows, 0);
		expect_no_more(&talk);
	}
}

static void closed_by_resets(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 2 * scene_count; i++) {
		enum serin_direction direction = i % 2;
		struct conversation talk;
		struct serin_stats stats;
		uint32_t index;

		talk = begin(&scenes[i / 2], FRAME_TCP, &index);
		say(&talk, direction, RST, direction == SERIN_TO_BACKEND ? 1001 : 5001, 0);
		stats = stats_of(&talk);
		assert_int_equal(stats.resets[direction], 1);
		expect_end(&talk,
			   direction == SERIN_TO_BACKEND ? SERIN_ENDED_RESET_BY_CLIENT : SERIN_ENDED_RESET_BY_BACKEND,
			   &stats);
		expect_no_more(&talk);
	}
}

static void emptied(void **state)
{
	static const uint8_t protocols[] = { FRAME_TCP, FRAME_UDP };
	size_t i;

	(void)state;
	for (i = 0; i < 2 * scene_count; i++) {
		struct conversation talk;
		struct serin_stats stats;
		uint32_t index;

		talk = begin(&scenes[i / 2], protocols[i % 2], &index);
		stats = stats_of(&talk);
		assert_int_equal(datapath_close_flow(talk.lab->datapath, index,
						     SERIN_WAY_GENERATION(flowtable_way(talk.lab, index).claim)),
				 1);
		expect_end(&talk, SERIN_ENDED_EMPTIED, &stats);
		expect_no_more(&talk);
	}
}

static void expired(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		uint32_t index;
		struct conversation talk = begin(&scenes[i], FRAME_TCP, &index);
		struct serin_stats stats = stats_of(&talk);

		sweep(talk.lab);
		assert_int_equal(told_count, 0);
		flowtable_age(talk.lab, index, lab_settings(talk.lab).linger_established + 2);
		sweep(talk.lab);
		assert_int_equal(stats_of(&talk).gone, 1);
		expect_end(&talk, SERIN_ENDED_EXPIRED, &stats);
		expect_no_more(&talk);
	}
}

/* By the client's next datagram, and by the sweep. */
static void moved(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 2 * scene_count; i++) {
		uint32_t index;
		struct conversation talk = begin(&scenes[i / 2], FRAME_UDP, &index);
		struct serin_stats stats = stats_of(&talk);
		struct serin_backend backend;

		lab_read(talk.lab, "backends", talk.backend, &backend);
		backend.flags |= SERIN_BACKEND_RESET;
		lab_write(talk.lab, "backends", talk.backend, &backend);
		if (i % 2)
			sweep(talk.lab);
		else
			say(&talk, SERIN_TO_BACKEND, 0, 0, 0);
		assert_int_equal(stats_of(&talk).gone, 1);
		expect_end(&talk, SERIN_ENDED_MOVED, &stats);
		expect_no_more(&talk);
	}
}

/* Only the client's half is seen: its FIN is the end, and is told when the flow goes. */
static void one_way(void **state)
{
	static struct frame frame;
	size_t i;

	(void)state;
	for (i = 0; i < 2 * mode_scene_count; i++) {
		struct conversation talk = { .scene = mode_scenes[i / 2] };
		struct segment in = from_client(&talk);
		bool fin = i % 2;
		struct serin_stats stats;

		if (!SERIN_IS_ONE_WAY(talk.scene.forward))
			continue;
		talk.lab = scene_open(&talk.scene, NULL);
		talk.backend = scene_backend(talk.lab, &talk.scene);
		log_one_of(talk.lab, UINT32_MAX);
		lab_run(talk.lab, LAB_FRONT, segment_write(&in, &frame));
		say(&talk, SERIN_TO_BACKEND, ACK, 1001, 5001);
		if (fin)
			say(&talk, SERIN_TO_BACKEND, FIN | ACK, 1001, 5001);
		stats = stats_of(&talk);
		assert_int_equal(stats.bytes[SERIN_TO_CLIENT], 0);
		flowtable_age(talk.lab, flowtable_find(talk.lab, &in), lab_settings(talk.lab).linger_established + 2);
		sweep(talk.lab);
		expect_end(&talk, fin ? SERIN_ENDED_CLOSED : SERIN_ENDED_EXPIRED, &stats);
		expect_no_more(&talk);
	}
}

/* `count` clients, each with one datagram, in a table that is too small: how many flows are gone. */
static uint64_t crowd(const struct conversation *talk, unsigned int count, bool read_on)
{
	static struct frame frame;
	unsigned int j;

	for (j = 0; j < count; j++) {
		struct segment in = from_client(talk);

		in.sport = (uint16_t)(1000 + j);
		lab_run(talk->lab, talk->scene.client_arm, segment_write(&in, &frame));
		if (read_on)
			read_log(talk->lab);
	}
	return stats_of(talk).gone;
}

static void evicted(void **state)
{
	size_t i, j;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		struct conversation talk = talk_begin(&scenes[i], FRAME_UDP);
		uint64_t gone;

		log_one_of(talk.lab, UINT32_MAX);
		gone = crowd(&talk, 5 * SCENE_FLOWS, true);
		assert_true(gone > 100);
		assert_int_equal(told_count, gone);
		for (j = 0; j < told_count; j++)
			assert_int_equal(told[j].how, SERIN_ENDED_EVICTED);
		expect_no_more(&talk);
	}
}

/* A newcomer takes their places, but their time was over before. */
static void evicted_when_expired(void **state)
{
	size_t i, j;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		struct conversation talk = talk_begin(&scenes[i], FRAME_UDP);
		struct serin_settings settings;

		log_one_of(talk.lab, UINT32_MAX);
		settings = lab_settings(talk.lab);
		settings.linger_udp = 0;
		lab_change_settings(talk.lab, &settings);
		assert_true(crowd(&talk, 5 * SCENE_FLOWS, true) > 100);
		assert_true(told_count > 100);
		for (j = 0; j < told_count; j++)
			assert_int_equal(told[j].how, SERIN_ENDED_EXPIRED);
		expect_no_more(&talk);
	}
}

static void lost_ones_are_counted(void **state)
{
	struct conversation talk = talk_begin(scene_find("gateway-ipv4"), FRAME_UDP);
	uint64_t gone, lost;

	(void)state;
	log_one_of(talk.lab, UINT32_MAX);
	gone = crowd(&talk, 10 * SCENE_FLOWS, false);
	lost = expect_read_counters(talk.lab).table.unlogged;
	assert_true(lost > 0);
	read_log(talk.lab);
	assert_true(told_count >= SERIN_FLOW_LOG_BYTES / 64);
	assert_int_equal(told_count + lost, gone);
}

static void a_sample_of_them(void **state)
{
	struct conversation talk = talk_begin(scene_find("gateway-ipv4"), FRAME_UDP);
	uint64_t gone;

	(void)state;
	log_one_of(talk.lab, (1u << 30) - 1);
	gone = crowd(&talk, 16 * SCENE_FLOWS, true);
	assert_true(gone > 2000);
	assert_true(told_count > gone * 20 / 100 && told_count < gone * 30 / 100);
	log_one_of(talk.lab, 0);
	assert_true(crowd(&talk, 2 * SCENE_FLOWS, true) > gone);
	assert_int_equal(told_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closed_by_fins),
		cmocka_unit_test(closed_by_resets),
		cmocka_unit_test(emptied),
		cmocka_unit_test(expired),
		cmocka_unit_test(moved),
		cmocka_unit_test(one_way),
		cmocka_unit_test(evicted),
		cmocka_unit_test(evicted_when_expired),
		cmocka_unit_test(lost_ones_are_counted),
		cmocka_unit_test(a_sample_of_them),
	};

	return EXPECT_RUN("flow_log", tests);
}
