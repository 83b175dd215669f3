/* SPDX-License-Identifier: BSD-2-Clause */
/* UDP: conversations in every scene of nat and gateway, datagram by datagram, with every byte and counter; checksums that
 * are none or zero; how long a conversation is kept; exchanges of one packet each. */
#include <string.h>

#include "conversation.h"

static const uint8_t router_alert[] = { 0x94, 4, 0, 0 };
static uint8_t payload[1472];

/* A datagram of the story. `in` says what differs from a bare one. */
struct step {
	const char *name;
	enum serin_direction direction;
	struct segment in;
	enum serin_way_state state; /* of the flow afterwards */
	struct serin_stats change;  /* but for packets and bytes */
};

#define CLIENT SERIN_TO_BACKEND
#define BACKEND SERIN_TO_CLIENT
#define BYTES(n) .payload = payload, .payload_length = (n)

static const struct step story[] = {
	{ "first question", CLIENT, { BYTES(33) }, SERIN_WAY_EMBRYONIC, { .opened = 1 } },
	{ "asked again", CLIENT, { BYTES(33) }, SERIN_WAY_EMBRYONIC, { .opened = 0 } },
	{ "answer", BACKEND, { BYTES(512) }, SERIN_WAY_EMBRYONIC, { .opened = 0 } },
	{ "more of it", BACKEND, { BYTES(1) }, SERIN_WAY_EMBRYONIC, { .opened = 0 } },
	{ "the client goes on", CLIENT, { BYTES(2) }, SERIN_WAY_ESTABLISHED, { .established = 1 } },
	{ "and on", CLIENT, { BYTES(1440) }, SERIN_WAY_ESTABLISHED, { .opened = 0 } },
	{ "empty", CLIENT, { BYTES(0), .padding = 18 }, SERIN_WAY_ESTABLISHED, { .opened = 0 } },
	{ "empty answer", BACKEND, { BYTES(0) }, SERIN_WAY_ESTABLISHED, { .opened = 0 } },
	{ "odd, padded", BACKEND, { BYTES(3), .padding = 15 }, SERIN_WAY_ESTABLISHED, { .opened = 0 } },
	{ "marked",
	  CLIENT,
	  { BYTES(9), .tos = 0xb8, .flow_label = 77, .ip_id = 9 },
	  SERIN_WAY_ESTABLISHED,
	  { .opened = 0 } },
	{ "the smallest TTL that goes on", CLIENT, { BYTES(4), .ttl = 2 }, SERIN_WAY_ESTABLISHED, { .opened = 0 } },
	{ "may be fragmented",
	  BACKEND,
	  { BYTES(1000), .may_fragment = true, .ip_id = 4711 },
	  SERIN_WAY_ESTABLISHED,
	  { .opened = 0 } },
};

/* Only where there is such a thing. */
static const struct step ipv4_story[] = {
	{ "no checksum", CLIENT, { BYTES(33), .no_checksum = true }, SERIN_WAY_EMBRYONIC, { .opened = 1 } },
	{ "answer without a checksum",
	  BACKEND,
	  { BYTES(64), .no_checksum = true },
	  SERIN_WAY_EMBRYONIC,
	  { .opened = 0 } },
	{ "IP options",
	  CLIENT,
	  { BYTES(33), .ip_options = router_alert, .ip_options_length = 4 },
	  SERIN_WAY_ESTABLISHED,
	  { .established = 1 } },
	{ "IP options, no checksum",
	  BACKEND,
	  { BYTES(33), .ip_options = router_alert, .ip_options_length = 4, .no_checksum = true },
	  SERIN_WAY_ESTABLISHED,
	  { .opened = 0 } },
};

/* The datagram with the addresses of the scene. */
static struct segment placed(const struct conversation *talk, const struct step *step)
{
	struct segment ends = step->direction == CLIENT ? from_client(talk) : from_backend(talk), in = step->in;

	in.protocol = FRAME_UDP;
	in.src = ends.src;
	in.dst = ends.dst;
	in.sport = ends.sport;
	in.dport = ends.dport;
	in.from = ends.from;
	in.to = ends.to;
	return in;
}

static void take_step(struct conversation *talk, const struct step *step)
{
	struct expect_counters change = { .drops = { 0 } };
	struct segment in = placed(talk, step), first = from_client(talk);
	char name[160];

	snprintf(name, sizeof(name), "%s: %s", talk->scene.name, step->name);
	change.stats[talk->backend] = step->change;
	expect_talk(talk, name, step->direction, &in, &change);
	if (flowtable_state(talk->lab, flowtable_find(talk->lab, &first)) != step->state)
		fail_msg("%s: the flow is in state %u, expected %u", name,
			 flowtable_state(talk->lab, flowtable_find(talk->lab, &first)), step->state);
}

static void tell(const struct scene *scene, const struct step *steps, size_t count)
{
	struct conversation talk = talk_begin(scene, FRAME_UDP);
	size_t i;

	for (i = 0; i < count; i++)
		take_step(&talk, &steps[i]);
}

static void story_in_every_scene(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		tell(&scenes[i], story, sizeof(story) / sizeof(story[0]));
		if (scene_is_ipv4(&scenes[i]))
			tell(&scenes[i], ipv4_story, sizeof(ipv4_story) / sizeof(ipv4_story[0]));
	}
}

/* A checksum that comes out as 0 would say that there is none: it is written as 0xffff (RFC 768), and so it comes in. */
static void zero_is_written_as_its_other_zero(void **state)
{
	size_t i, kind, found = 0;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		struct conversation talk = talk_begin(&scenes[i], FRAME_UDP);
		struct step data = { "data", CLIENT, { BYTES(2) }, SERIN_WAY_EMBRYONIC, { .opened = 1 } };

		take_step(&talk, &data);
		for (kind = 0; kind < 4; kind++) {
			static struct frame frame;
			struct segment in, out;
			uint32_t value;

			data.direction = kind & 1 ? BACKEND : CLIENT;
			in = placed(&talk, &data);
			out = talk_out(&talk, data.direction, &in);
			for (value = 0; value < 0x10000; value++) {
				payload[0] = (uint8_t)(value >> 8);
				payload[1] = (uint8_t)value;
				segment_write(kind & 2 ? &out : &in, &frame);
				if (frame_transport_checksum(&frame) == 0xffff)
					break;
			}
			assert_true(value < 0x10000);
			expect_segment(talk.lab, "the other zero",
				       kind & 1 ? talk.scene.backend_arm : talk.scene.client_arm, &in,
				       scene_verdict(&talk.scene), &out);
			found++;
		}
	}
	assert_int_equal(found, 4 * scene_count);
}

static void expect_opened(struct conversation *talk, const char *name, uint64_t opened, uint64_t gone)
{
	struct expect_counters change = { .drops = { 0 } };
	struct segment in = from_client(talk);

	change.stats[talk->backend].opened = opened;
	change.stats[talk->backend].gone = gone;
	expect_talk(talk, name, CLIENT, &in, &change);
}

/* Thirty seconds of silence end a conversation in any state, not less. */
static void idle_time(void **state)
{
	size_t i, established;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		for (established = 0; established < 2; established++) {
			struct conversation talk = talk_begin(&scenes[i], FRAME_UDP);
			struct serin_settings settings = lab_settings(talk.lab);
			struct segment in = from_client(&talk), answer = from_backend(&talk);
			struct expect_counters change = { .drops = { 0 } };
			uint32_t index;

			assert_int_equal(settings.linger_udp, 30ull * 1000000000 >> SERIN_STAMP_SHIFT);
			expect_opened(&talk, "first", 1, 0);
			if (established) {
				expect_talk(&talk, "answer", BACKEND, &answer, NULL);
				change.stats[talk.backend].established = 1;
				expect_talk(&talk, "second", CLIENT, &in, &change);
			}
			index = flowtable_find(talk.lab, &in);
			flowtable_age(talk.lab, index, settings.linger_udp - 2);
			expect_opened(&talk, "just in time", 0, 0);
			/* The backend's word keeps it, too. */
			flowtable_age(talk.lab, index, settings.linger_udp - 2);
			expect_talk(&talk, "answer in time", BACKEND, &answer, NULL);
			flowtable_age(talk.lab, index, settings.linger_udp - 2);
			change.stats[talk.backend].established = !established;
			expect_talk(&talk, "in time again", CLIENT, &in, &change);
			flowtable_age(talk.lab, index, settings.linger_udp + 1);
			talk_expect_port(&talk, PORT + 1); /* the other one rests */
			expect_opened(&talk, "too late", 1, 1);
			assert_int_equal(flowtable_state(talk.lab, flowtable_find(talk.lab, &in)), SERIN_WAY_EMBRYONIC);
			assert_int_equal(flowtable_count(talk.lab).flows, 1);
		}
	}
}

/* Questions with one answer each, from ever other ports: far more than there are SNAT ports, or places in the table. */
static void exchanges_of_one_packet(void **state)
{
	static struct frame frame;
	size_t i, j;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		struct conversation talk = talk_begin(&scenes[i], FRAME_UDP);
		struct expect_counters counters;
		struct serin_stats *stats;

		for (j = 0; j < 3 * SCENE_FLOWS; j++) {
			struct segment question = from_client(&talk), forwarded, answer, expected;

			question.sport = (uint16_t)(20000 + j);
			assert_int_equal(lab_run(talk.lab, talk.scene.client_arm, segment_write(&question, &frame)),
					 scene_verdict(&talk.scene));
			assert_true(segment_read(&frame, &forwarded));
			answer = from_backend(&talk);
			answer.dport = forwarded.sport;
			expected = talk_out(&talk, BACKEND, &answer);
			expected.dport = question.sport;
			expect_segment(talk.lab, "answer", talk.scene.backend_arm, &answer, scene_verdict(&talk.scene),
				       &expected);
		}
		counters = expect_read_counters(talk.lab);
		stats = &counters.stats[talk.backend];
		assert_int_equal(stats->opened, j);
		assert_int_equal(stats->packets[0], j);
		assert_int_equal(stats->packets[1], j);
		assert_int_equal(SERIN_ACTIVE(stats), flowtable_count(talk.lab).flows);
		if (talk.scene.snat)
			assert_in_range(counters.table.ports_retaken + counters.table.ports_unrested, 1, 2 * j);
		assert_int_equal(flowtable_check(talk.lab, stdout), 0);
	}
}

/* Who has gone on after an answer keeps the port. */
static void conversations_keep_their_ports(void **state)
{
	static const char *const names[] = { "nat-ipv4", "nat-ipv6" };
	static struct frame frame;
	size_t i, j;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct conversation talk = talk_begin(scene_find(names[i]), FRAME_UDP);
		struct expect_counters change = { .drops = { 0 } };
		struct segment question, forwarded, answer;

		for (j = 0; j < SCENE_PORT_COUNT; j++) {
			question = from_client(&talk);
			question.sport = (uint16_t)(20000 + j);
			lab_run(talk.lab, talk.scene.client_arm, segment_write(&question, &frame));
			assert_true(segment_read(&frame, &forwarded));
			answer = from_backend(&talk);
			answer.dport = forwarded.sport;
			lab_run(talk.lab, talk.scene.backend_arm, segment_write(&answer, &frame));
			lab_run(talk.lab, talk.scene.client_arm, segment_write(&question, &frame));
		}
		assert_int_equal(flowtable_count(talk.lab).live[SERIN_WAY_ESTABLISHED], 2 * SCENE_PORT_COUNT);
		question.sport++;
		change.drops[SERIN_DROP_SNAT_EXHAUSTED] = 1;
		expect_counted(talk.lab, "one too many", talk.scene.client_arm, segment_write(&question, &frame),
			       LAB_DROP, NULL, &change);
	}
}

/* TCP and UDP of one address are two services' business, or one's: never the same flow, never the same SNAT port. */
static void tcp_and_udp_apart(void **state)
{
	static const char yaml[] =
		"interfaces: [front, rear]\nsnat: {addresses: [10.0.0.1], ports: 2000-2015}\nservices:\n"
		"  - name: dns\n    listen: [\"203.0.113.10:80/tcp\", \"203.0.113.10:80/udp\"]\n    baseline: stable\n"
		"    versions: {stable: {backends: [\"10.0.0.17:3000\"]}, canary: {backends: [\"10.0.0.18:3000\"]}}\n";
	static const uint8_t protocols[] = { FRAME_TCP, FRAME_UDP };
	const struct scene *scene = scene_find("nat-ipv4");
	struct lab *lab = lab_open(SCENE_FLOWS);
	bool seen[SCENE_PORT_COUNT] = { false };
	static struct frame frame;
	size_t i, j;

	(void)state;
	lab_configure(lab, yaml);
	for (j = 0; j < SCENE_PORT_COUNT / 2; j++) {
		for (i = 0; i < 2; i++) {
			struct segment in = scene_from_client(scene, SYN, 1, 0), out, back, expected;

			in.protocol = protocols[i];
			in.sport = (uint16_t)(40000 + j);
			assert_int_equal(lab_run(lab, LAB_FRONT, segment_write(&in, &frame)), LAB_ON);
			assert_true(segment_read(&frame, &out));
			assert_false(seen[out.sport - SCENE_PORT_FIRST]);
			seen[out.sport - SCENE_PORT_FIRST] = true;
			back = scene_from_backend(scene, out.sport, SYN | ACK, 1, 2);
			back.protocol = protocols[i];
			expected = scene_at_client(scene, &back);
			expected.dport = in.sport;
			expect_segment(lab, "answer", LAB_REAR, &back, LAB_ON, &expected);
			back.protocol = protocols[!i];
			expect_segment(lab, "of the other protocol", LAB_REAR, &back, LAB_PASS, NULL);
		}
	}
	assert_int_equal(flowtable_count(lab).flows, SCENE_PORT_COUNT);
	assert_int_equal(flowtable_check(lab, stdout), 0);
}

/* Lengths that do not fit pass; a datagram that ends before its packet does is none of our business to judge. */
static void lengths(void **state)
{
	static const struct {
		uint16_t length;
		bool ours;
	} lengths[] = { { 0, false }, { 7, false },  { 8, true },     { 27, true },
			{ 28, true }, { 29, false }, { 65535, false } };
	static struct frame frame, out;
	size_t i, j;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		struct conversation talk = talk_begin(&scenes[i], FRAME_UDP);

		for (j = 0; j < sizeof(lengths) / sizeof(lengths[0]); j++) {
			struct segment in = from_client(&talk), forwarded;
			size_t at;

			in.payload = payload;
			in.payload_length = 20;
			in.no_checksum = scene_is_ipv4(&talk.scene);
			forwarded = talk_out(&talk, CLIENT, &in);
			segment_write(&in, &frame);
			at = frame_transport_offset(&frame) + 4;
			frame.data[at] = (uint8_t)(lengths[j].length >> 8);
			frame.data[at + 1] = (uint8_t)lengths[j].length;
			if (lengths[j].ours)
				segment_write(&forwarded, &out);
			else
				out = frame;
			memcpy(out.data + at, frame.data + at, 2);
			expect_frame(talk.lab, "length of a datagram", talk.scene.client_arm, &frame,
				     lengths[j].ours ? scene_verdict(&talk.scene) : LAB_PASS, &out);
		}
		assert_int_equal(flowtable_count(talk.lab).flows, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(story_in_every_scene),
		cmocka_unit_test(zero_is_written_as_its_other_zero),
		cmocka_unit_test(idle_time),
		cmocka_unit_test(exchanges_of_one_packet),
		cmocka_unit_test(conversations_keep_their_ports),
		cmocka_unit_test(tcp_and_udp_apart),
		cmocka_unit_test(lengths),
	};
	size_t i;

	for (i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 37 + 11);
	return EXPECT_RUN("udp", tests);
}
