/* SPDX-License-Identifier: BSD-2-Clause */
/* Handshakes that fail or do not, told in few words, and what the program holds against the backend for it. */
#ifndef SERIN_TEST_STRIKES_H
#define SERIN_TEST_STRIKES_H

#include <bpf/libbpf.h>
#include <time.h>

#include "turns.h"

#define CLIENT_ISN 1000u
#define BACKEND_ISN 5000u
#define SYN_WAIT 3 /* stamps: what passes until a client repeats its SYN */

static struct serin_verdict told[16];
static size_t told_count, first_ones; /* records of a first strike are only counted */

static inline int note(void *context, void *data, size_t size)
{
	(void)context;
	assert_int_equal(size, sizeof(told[0]));
	if (((const struct serin_verdict *)data)->count == 1) {
		first_ones++;
		return 0;
	}
	if (told_count < sizeof(told) / sizeof(told[0]))
		memcpy(&told[told_count], data, size);
	told_count++;
	return 0;
}

/* What has come since the last look. */
static inline void read_verdicts(const struct lab *lab)
{
	struct ring_buffer *ring = ring_buffer__new(lab_map(lab, "verdicts"), note, NULL, NULL);

	told_count = first_ones = 0;
	assert_non_null(ring);
	assert_true(ring_buffer__consume(ring) >= 0);
	ring_buffer__free(ring);
}

static inline uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* One record, of this moment. */
static inline void expect_told(const struct conversation *talk, uint32_t count, enum serin_failure why)
{
	read_verdicts(talk->lab);
	assert_int_equal(told_count, 1);
	assert_int_equal(told[0].kind, SERIN_VERDICT_STRUCK);
	assert_int_equal(told[0].backend, talk->backend);
	assert_int_equal(told[0].why, why);
	assert_int_equal(told[0].count, count);
	assert_in_range(now_ns() - told[0].ns, 0, 10000000000ull);
}

static inline void expect_silence_of(const struct conversation *talk)
{
	read_verdicts(talk->lab);
	assert_int_equal(told_count, 0);
}

static inline uint32_t strikes_of(const struct conversation *talk, unsigned int backend)
{
	uint32_t count;

	lab_read(talk->lab, "strikes", backend, &count);
	return count;
}

/* Against this backend, and against no other one. */
static inline void expect_strikes(const struct conversation *talk, const char *when, uint32_t expected)
{
	unsigned int i;

	for (i = 0; i < EXPECT_BACKENDS; i++)
		if (strikes_of(talk, i) != (i == talk->backend ? expected : 0))
			fail_msg("%s, %s: %u strikes against backend %u, expected %u", talk->scene.name, when,
				 strikes_of(talk, i), i, i == talk->backend ? expected : 0);
}

static inline void in_scenes(void (*test)(const struct scene *scene))
{
	size_t i;

	for (i = 0; i < scene_count; i++)
		test(&scenes[i]);
}

static inline void in_one_way_scenes(void (*test)(const struct scene *scene))
{
	size_t i;

	for (i = 0; i < mode_scene_count; i++)
		if (SERIN_IS_ONE_WAY(mode_scenes[i].forward))
			test(&mode_scenes[i]);
}

#define IN(which, name)                                   \
	static void name##_in(const struct scene *scene); \
	static void name(void **state)                    \
	{                                                 \
		(void)state;                              \
		in_##which(name##_in);                    \
	}                                                 \
	static void name##_in(const struct scene *scene)

static inline struct conversation begin(const struct scene *scene, uint8_t protocol)
{
	struct conversation talk = talk_begin(scene, protocol);

	read_verdicts(talk.lab); /* another test's */
	expect_strikes(&talk, "at first", 0);
	return talk;
}

/* The same client from another port. */
static inline struct conversation another(const struct conversation *talk)
{
	static char clients[14][48];
	static unsigned int nth;
	struct conversation other = *talk;
	char *client = clients[nth = (nth + 1) % 14];
	const char *own = talk->scene.client;

	snprintf(client, sizeof(clients[0]), "%.*s:%u", (int)(strrchr(own, ':') - own), own, 41000 + nth);
	other.scene.client = client;
	if (scene_forward(&talk->scene) == SERIN_FORWARD_NAT)
		other.port = (uint16_t)(SCENE_PORT_FIRST + 2 + nth);
	return other;
}

static inline void pass(const struct conversation *talk, enum serin_direction direction, const struct segment *in)
{
	static struct frame frame;
	bool local = scene_forward(&talk->scene) == SERIN_FORWARD_LOCAL;

	segment_write(in, &frame);
	/* Should it open a flow, then with that port. */
	if (scene_forward(&talk->scene) == SERIN_FORWARD_NAT)
		flowtable_set_cursor(talk->lab, scene_endpoint(talk->lab, &talk->scene), talk->port - SCENE_PORT_FIRST);
	if (local && direction == SERIN_TO_CLIENT)
		assert_int_equal(lab_run_egress(talk->lab, talk->scene.client_arm, &frame), LAB_PASS);
	else
		assert_int_equal(lab_run(talk->lab, talk_arm(talk, direction), &frame), scene_verdict(&talk->scene));
}

static inline void client(const struct conversation *talk, uint8_t flags, uint32_t seq, uint32_t ack)
{
	struct segment in = scene_from_client(&talk->scene, flags, seq, ack);

	pass(talk, SERIN_TO_BACKEND, &in);
}

static inline void backend(const struct conversation *talk, uint8_t flags, uint32_t seq, uint32_t ack)
{
	struct segment in = scene_forward(&talk->scene) == SERIN_FORWARD_LOCAL
				    ? scene_from_process(&talk->scene, flags, seq, ack)
				    : scene_from_backend(&talk->scene, talk->port, flags, seq, ack);

	pass(talk, SERIN_TO_CLIENT, &in);
}

static inline void syn(const struct conversation *talk)
{
	client(talk, SYN, CLIENT_ISN, 0);
}

/* So long that the client tries again. */
static inline void wait_for_repeat(const struct conversation *talk)
{
	struct segment any = from_client(talk);
	uint32_t index = flowtable_find(talk->lab, &any);
	struct serin_way way = flowtable_way(talk->lab, index);

	way.opened -= SYN_WAIT;
	flowtable_set_way(talk->lab, index, &way);
}

static inline void repeat(const struct conversation *talk)
{
	wait_for_repeat(talk);
	syn(talk);
}

static inline void refuse(const struct conversation *talk)
{
	syn(talk);
	backend(talk, RST | ACK, 0, CLIENT_ISN + 1);
}

static inline void accept(const struct conversation *talk)
{
	backend(talk, SYN | ACK, BACKEND_ISN, CLIENT_ISN + 1);
}

/* What the backend's router says about the client's last packet. */
static inline void unreachable(const struct conversation *talk)
{
	bool ipv4 = scene_is_ipv4(&talk->scene);
	struct segment sent = from_client(talk), there = talk_out(talk, SERIN_TO_BACKEND, &sent);
	static struct frame about, frame;
	struct icmp icmp = {
		.to = talk_arm(talk, SERIN_TO_CLIENT) == LAB_FRONT ? NET_FRONT_MAC : NET_REAR_MAC,
		.from = talk->scene.backend_mac,
		.src = frame_addr(ipv4 ? "10.0.0.254" : "2001:db8:b::fe"),
		.dst = there.src,
		.type = ipv4 ? 3 : 1,
		.code = 1,
		.ttl = 61,
		.about = &about,
	};

	segment_write(&there, &about);
	assert_int_equal(lab_run(talk->lab, talk_arm(talk, SERIN_TO_CLIENT), icmp_write(&icmp, &frame)),
			 scene_verdict(&talk->scene));
}

static inline void datagram(const struct conversation *talk, enum serin_direction direction)
{
	struct segment in = direction == SERIN_TO_BACKEND ? from_client(talk) : from_backend(talk);

	in.payload = (const uint8_t *)"datagram";
	in.payload_length = 8;
	pass(talk, direction, &in);
}

/* A client's next datagram within the same stamp is not looked at: make it another one. */
static inline void ask_again(const struct conversation *talk)
{
	struct segment any = from_client(talk);
	uint32_t index = flowtable_find(talk->lab, &any);
	struct serin_way way = flowtable_way(talk->lab, index);

	way.asked--;
	flowtable_set_way(talk->lab, index, &way);
	datagram(talk, SERIN_TO_BACKEND);
}

static inline struct serin_stats stats_of(const struct conversation *talk)
{
	return expect_read_counters(talk->lab).stats[talk->backend];
}

#endif
