/* SPDX-License-Identifier: BSD-2-Clause */
/* IPv6 extension headers: every kind and order that comes before a transport header is read and kept; chains that lead
 * nowhere pass to the host. */
#include "conversation.h"

static const uint8_t pad6[6] = { 1, 4 };
static const uint8_t pad14[14] = { 1, 12 };
static const uint8_t pad62[62] = { 1, 60 };
static const uint8_t router_alert[6] = { 5, 2, 0, 0, 1, 0 };
static const uint8_t segments_left[22] = { 0, 1 }; /* type 0: none of our business */
static const uint8_t atomic[6] = { 0, 0, 0, 0, 0, 9 };
static const uint8_t authentication[22] = { 0, 0, 0, 0, 1, 0 };
static const uint8_t payload[333] = "behind all of it";

#define HEADER(type, body) { (type), sizeof(body), (body) }
#define HOP_BY_HOP(body) HEADER(0, body)
#define ROUTING(body) HEADER(43, body)
#define OPTIONS(body) HEADER(60, body)
#define ATOMIC HEADER(44, atomic)

struct chain {
	const char *name;
	struct frame_extension headers[6];
	size_t count;
};

static const struct chain chains[] = {
	{ "hop-by-hop", { HOP_BY_HOP(pad6) }, 1 },
	{ "hop-by-hop, longer", { HOP_BY_HOP(pad14) }, 1 },
	{ "router alert", { HOP_BY_HOP(router_alert) }, 1 },
	{ "destination options", { OPTIONS(pad6) }, 1 },
	{ "long destination options", { OPTIONS(pad62) }, 1 },
	{ "routing", { ROUTING(segments_left) }, 1 },
	{ "fragment header of a whole packet", { ATOMIC }, 1 },
	{ "hop-by-hop, routing", { HOP_BY_HOP(pad6), ROUTING(segments_left) }, 2 },
	{ "as RFC 8200 recommends",
	  { HOP_BY_HOP(pad6), OPTIONS(pad6), ROUTING(segments_left), ATOMIC, OPTIONS(pad14) },
	  5 },
	{ "six headers", { HOP_BY_HOP(pad6), OPTIONS(pad6), ROUTING(pad6), OPTIONS(pad6), ATOMIC, OPTIONS(pad14) }, 6 },
};

static void extend(struct segment *segment, const struct chain *chain)
{
	segment->extensions = chain->headers;
	segment->extension_count = chain->count;
	segment->payload = payload;
	segment->payload_length = sizeof(payload);
}

static void converse(const struct scene *scene, const struct chain *chain, uint8_t protocol)
{
	struct conversation talk = talk_begin(scene, protocol);
	struct expect_counters change = { .drops = { 0 } };
	struct segment in = from_client(&talk);

	extend(&in, chain);
	change.stats[talk.backend].opened = 1;
	expect_talk(&talk, chain->name, SERIN_TO_BACKEND, &in, &change);
	in = from_backend(&talk);
	extend(&in, chain);
	expect_talk(&talk, chain->name, SERIN_TO_CLIENT, &in, NULL);
}

static void in_ipv6_scenes(void (*test)(const struct scene *scene, const struct chain *chain, uint8_t protocol))
{
	size_t i, j;

	for (i = 0; i < scene_count; i++) {
		for (j = 0; !scene_is_ipv4(&scenes[i]) && j < sizeof(chains) / sizeof(chains[0]); j++) {
			test(&scenes[i], &chains[j], FRAME_TCP);
			test(&scenes[i], &chains[j], FRAME_UDP);
		}
	}
}

static void chains_are_kept(void **state)
{
	(void)state;
	in_ipv6_scenes(converse);
}

/* An authentication header vouches for the addresses: nobody could check it after they were changed. */
static void authenticated(const struct scene *scene, const struct chain *chain, uint8_t protocol)
{
	static const struct chain alone = { "authentication", { HEADER(51, authentication) }, 1 };
	struct conversation talk = talk_begin(scene, protocol);
	struct segment in = from_client(&talk);
	static struct frame frame;

	(void)chain;
	extend(&in, &alone);
	expect_frame(talk.lab, alone.name, talk.scene.client_arm, segment_write(&in, &frame), LAB_PASS, NULL);
}

static void authenticated_packets_pass(void **state)
{
	(void)state;
	in_ipv6_scenes(authenticated);
}

/* Cut off at every byte, and with every header claiming to be longer than the packet. */
static void cut_off(const struct scene *scene, const struct chain *chain, uint8_t protocol)
{
	struct conversation talk = talk_begin(scene, protocol);
	static struct frame whole, frame;
	struct segment in = from_client(&talk);
	size_t length, at = 14 + 40, i;

	extend(&in, chain);
	segment_write(&in, &whole);
	for (length = 14; length < whole.length; length += length < 200 ? 1 : 60) {
		memcpy(frame.data, whole.data, whole.length);
		frame.length = length;
		expect_frame(talk.lab, "cut off", talk.scene.client_arm, &frame, LAB_PASS, NULL);
		if (length < 54 || length >= whole.length - sizeof(payload))
			continue;
		frame.data[18] = 0;
		frame.data[19] = (uint8_t)(length - 54);
		expect_frame(talk.lab, "short", talk.scene.client_arm, &frame, LAB_PASS, NULL);
		frame.length = whole.length;
		expect_frame(talk.lab, "short, with padding", talk.scene.client_arm, &frame, LAB_PASS, NULL);
	}
	for (i = 0; i < chain->count; i++) {
		memcpy(frame.data, whole.data, whole.length);
		frame.length = whole.length;
		frame.data[at + 1] = 0xff; /* a fragment header has no length */
		if (chain->headers[i].type != 44)
			expect_frame(talk.lab, "too long", talk.scene.client_arm, &frame, LAB_PASS, NULL);
		at += chain->headers[i].length + 2u;
	}
	assert_int_equal(flowtable_count(talk.lab).flows, 0);
}

static void broken_chains_pass(void **state)
{
	(void)state;
	in_ipv6_scenes(cut_off);
}

/* What follows is no transport header, or none that a service could have. */
static void other_ends_pass(const struct scene *scene, const struct chain *chain, uint8_t protocol)
{
	static const uint8_t ends[] = { 59, 58, 50, 4, 41, 47, 132, 135, 139, 140, 253, 255 };
	struct conversation talk = talk_begin(scene, protocol);
	static struct frame frame;
	struct segment in = from_client(&talk);
	struct frame_places at;
	size_t i;

	extend(&in, chain);
	for (i = 0; i < sizeof(ends); i++) {
		segment_write(&in, &frame);
		assert_true(frame_find(&frame, &at));
		frame.data[at.next_header] = ends[i];
		expect_frame(talk.lab, "another protocol", talk.scene.client_arm, &frame, LAB_PASS, NULL);
	}
}

static void other_protocols_pass(void **state)
{
	(void)state;
	in_ipv6_scenes(other_ends_pass);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chains_are_kept),
		cmocka_unit_test(authenticated_packets_pass),
		cmocka_unit_test(broken_chains_pass),
		cmocka_unit_test(other_protocols_pass),
	};

	return EXPECT_RUN("extensions", tests);
}
