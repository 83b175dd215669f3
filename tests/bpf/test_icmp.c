/* SPDX-License-Identifier: BSD-2-Clause */
/* ICMP and ICMPv6 errors about packets that were forwarded: found by what they quote, translated inside and out, in both
 * directions. Everything else of ICMP is the host's. */
#include <string.h>

#include "conversation.h"

static const uint8_t payload[600] = "a request that was too long for somebody";
static const uint8_t router_alert[] = { 0x94, 4, 0, 0 };

struct kind {
	uint8_t type, code;
	uint32_t rest;
};

static const struct kind kinds4[] = {
	{ 3, 0, 0 },  { 3, 1, 0 },          { 3, 2, 0 },  { 3, 3, 0 },  { 3, 4, 1280 },
	{ 3, 4, 68 }, { 3, 4, 0xdead05dc }, { 3, 9, 0 },  { 3, 10, 0 }, { 3, 13, 0 },
	{ 3, 15, 0 }, { 4, 0, 0 },          { 11, 0, 0 }, { 11, 1, 0 }, { 12, 0, 20u << 24 },
};

static const struct kind kinds6[] = {
	{ 1, 0, 0 },    { 1, 1, 0 }, { 1, 3, 0 }, { 1, 4, 0 }, { 1, 6, 0 }, { 2, 0, 1280 },
	{ 2, 0, 1492 }, { 3, 0, 0 }, { 3, 1, 0 }, { 4, 0, 4 }, { 4, 1, 6 }, { 4, 2, 40 },
};

/* An error about one packet, as it comes and as it is to leave. */
struct error {
	struct segment inner_in, inner_out;
	struct frame about_in, about_out;
	struct icmp in, out;
	struct frame frame_in, frame_out;
};

static struct error error; /* large */

static struct serin_addr router_of(const struct scene *scene, enum lab_arm arm)
{
	if (scene_is_ipv4(scene))
		return frame_addr(arm == LAB_FRONT ? "198.51.100.254" : "10.0.0.254");
	return frame_addr(arm == LAB_FRONT ? "2001:db8:c::fe" : "2001:db8:b::fe");
}

static net_mac_t own_mac(enum lab_arm arm)
{
	return arm == LAB_FRONT ? NET_FRONT_MAC : NET_REAR_MAC;
}

/* What went the other way, and as the one who hears of it has sent it. */
static void quote(const struct conversation *talk, enum serin_direction direction, const struct segment *sent)
{
	error.inner_in = talk_out(talk, !direction, sent);
	error.inner_out = *sent;
	error.inner_out.ttl = error.inner_in.ttl;
	segment_write(&error.inner_in, &error.about_in);
	segment_write(&error.inner_out, &error.about_out);
}

/* The error about it goes in `direction`. */
static void make_error(const struct conversation *talk, enum serin_direction direction, const struct kind *kind)
{
	const struct scene *scene = &talk->scene;
	enum lab_arm arm = talk_arm(talk, direction), other = talk_arm(talk, !direction);

	error.in = (struct icmp){
		.to = own_mac(arm),
		.from = direction == SERIN_TO_BACKEND ? scene->client_mac : scene->backend_mac,
		.src = router_of(scene, arm),
		.dst = error.inner_in.src,
		.type = kind->type,
		.code = kind->code,
		.rest = kind->rest,
		.ttl = 61,
		.tos = 0xc0,
		.ip_id = 777,
		.may_fragment = true,
		.about = &error.about_in,
	};
	error.out = error.in;
	error.out.from = own_mac(other);
	error.out.to = direction == SERIN_TO_BACKEND ? scene->backend_mac : scene->client_mac;
	error.out.dst = error.inner_out.src;
	error.out.ttl--;
	error.out.about = &error.about_out;
	/* To the client all comes from the address that it has called. A backend that knows nobody but this host hears it
	 * from there; one that sees clients sees routers as well. */
	if (direction == SERIN_TO_CLIENT)
		error.out.src = segment_between(scene->listener, scene->listener).src;
	else if (scene->snat)
		error.out.src = frame_addr(scene->snat);
}

static void expect_translated(const struct conversation *talk, const char *name, enum serin_direction direction)
{
	expect_passage(talk->lab, name, talk_arm(talk, direction), icmp_write(&error.in, &error.frame_in),
		       scene_verdict(&talk->scene), icmp_write(&error.out, &error.frame_out), talk->backend, direction,
		       NULL);
}

static struct segment sent_by(const struct conversation *talk, enum serin_direction direction)
{
	struct segment sent = direction == SERIN_TO_BACKEND ? from_client(talk) : from_backend(talk);

	sent.flags = ACK;
	sent.payload = payload;
	sent.payload_length = sizeof(payload);
	return sent;
}

static void every_kind(const struct conversation *talk, enum serin_direction direction)
{
	bool ipv4 = scene_is_ipv4(&talk->scene);
	const struct kind *kinds = ipv4 ? kinds4 : kinds6;
	size_t count = ipv4 ? sizeof(kinds4) / sizeof(kinds4[0]) : sizeof(kinds6) / sizeof(kinds6[0]), i;
	struct segment sent = sent_by(talk, !direction);
	char name[100];

	quote(talk, direction, &sent);
	for (i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%s, type %u code %u", talk->scene.name, kinds[i].type, kinds[i].code);
		make_error(talk, direction, &kinds[i]);
		expect_translated(talk, name, direction);
	}
}

/* As little as the eight bytes that RFC 792 asks for, more, and with something behind that is none of the packet's. */
static void every_length(const struct conversation *talk, enum serin_direction direction)
{
	static const size_t lengths[] = { 8, 9, 12, 16, 18, 19, 20, 24, 28, 100, 101, 0 };
	static const uint8_t extension[] = { 0x20, 0, 0xdf, 0xff, 0, 4, 1, 1 };
	bool ipv4 = scene_is_ipv4(&talk->scene);
	struct segment sent = sent_by(talk, !direction);
	size_t i;

	quote(talk, direction, &sent);
	for (i = 0; i < 2 * sizeof(lengths) / sizeof(lengths[0]); i++) {
		make_error(talk, direction, ipv4 ? &kinds4[4] : &kinds6[5]);
		error.in.quoted = lengths[i / 2] ? lengths[i / 2] + (ipv4 ? 20 : 40) : 0;
		error.in.payload = extension;
		/* RFC 4884, section 3: not behind less than 128 bytes. */
		error.in.payload_length = i & 1 && (!lengths[i / 2] || lengths[i / 2] > 99) ? sizeof(extension) : 0;
		error.out.quoted = error.in.quoted;
		error.out.payload = extension;
		error.out.payload_length = error.in.payload_length;
		expect_translated(talk, "quoted length", direction);
	}
}

/* The frame is longer than the packet: what lies behind is no checksum. */
static void padded(const struct conversation *talk, enum serin_direction direction)
{
	bool ipv4 = scene_is_ipv4(&talk->scene);
	struct segment sent = sent_by(talk, !direction);

	quote(talk, direction, &sent);
	make_error(talk, direction, ipv4 ? &kinds4[4] : &kinds6[5]);
	error.in.quoted = error.out.quoted = ipv4 ? 28 : 48;
	error.in.padding = error.out.padding = 40;
	expect_translated(talk, "padded", direction);
}

/* Of what was sent: options, fragments, no checksum. */
static void special_packets(const struct conversation *talk, enum serin_direction direction)
{
	struct segment sent = sent_by(talk, !direction);

	if (!scene_is_ipv4(&talk->scene))
		return;
	sent.ip_options = router_alert;
	sent.ip_options_length = sizeof(router_alert);
	quote(talk, direction, &sent);
	make_error(talk, direction, &kinds4[0]);
	expect_translated(talk, "about a packet with options", direction);
	if (talk->scene.protocol != FRAME_UDP)
		return;
	sent.no_checksum = true;
	quote(talk, direction, &sent);
	make_error(talk, direction, &kinds4[3]);
	expect_translated(talk, "about a datagram without a checksum", direction);
	error.in.quoted = error.out.quoted = 32;
	expect_translated(talk, "about a datagram without a checksum, cut off", direction);
}

/* A router that is to split a datagram that was split already. Only its first piece tells ports. */
static void first_fragments(const struct conversation *talk, enum serin_direction direction)
{
	static struct frame whole;
	bool ipv4 = scene_is_ipv4(&talk->scene);
	struct segment sent = sent_by(talk, !direction);

	quote(talk, direction, &sent);
	whole = error.about_in;
	frame_fragment(&whole, 0, 400, 0x1234, &error.about_in);
	whole = error.about_out;
	frame_fragment(&whole, 0, 400, 0x1234, &error.about_out);
	make_error(talk, direction, ipv4 ? &kinds4[4] : &kinds6[5]);
	expect_translated(talk, "about a first fragment", direction);
	error.in.quoted = error.out.quoted = ipv4 ? 28 : 56;
	expect_translated(talk, "about a first fragment, cut off", direction);
	quote(talk, direction, &sent);
	whole = error.about_in;
	frame_fragment(&whole, 400, 160, 0x1234, &error.about_in);
	make_error(talk, direction, ipv4 ? &kinds4[4] : &kinds6[5]);
	icmp_write(&error.in, &error.frame_in);
	expect_counted(talk->lab, "about a later fragment", talk_arm(talk, direction), &error.frame_in, LAB_PASS, NULL,
		       NULL);
}

static void in_every_scene(void (*test)(const struct conversation *talk, enum serin_direction direction))
{
	static const uint8_t protocols[] = { FRAME_TCP, FRAME_UDP };
	size_t i, j;

	for (i = 0; i < scene_count; i++) {
		for (j = 0; j < 2; j++) {
			struct conversation talk = talk_answered(&scenes[i], protocols[j]);
			struct segment first = from_client(&talk);
			uint32_t index = flowtable_find(talk.lab, &first);
			enum serin_way_state before = flowtable_state(talk.lab, index);

			test(&talk, SERIN_TO_CLIENT);
			test(&talk, SERIN_TO_BACKEND);
			assert_int_equal(flowtable_state(talk.lab, index), before);
		}
	}
}

#define IN_EVERY_SCENE(name, test)     \
	static void name(void **state) \
	{                              \
		(void)state;           \
		in_every_scene(test);  \
	}

IN_EVERY_SCENE(all_kinds_are_translated, every_kind)
IN_EVERY_SCENE(eight_bytes_are_enough, every_length)
IN_EVERY_SCENE(padding_is_no_packet, padded)
IN_EVERY_SCENE(about_special_packets, special_packets)
IN_EVERY_SCENE(about_first_fragments, first_fragments)

static void expect_pass(const struct conversation *talk, const char *name, enum serin_direction direction)
{
	expect_counted(talk->lab, name, talk_arm(talk, direction), &error.frame_in, LAB_PASS, NULL, NULL);
}

/* Pings, and all that is no error, or an error of another protocol's family. */
static void no_errors(const struct conversation *talk, enum serin_direction direction)
{
	static const uint8_t types4[] = { 0, 8, 5, 9, 10, 13, 14, 15, 16, 17, 18, 30, 1, 2, 255 };
	static const uint8_t types6[] = { 0, 5, 100, 127, 128, 129, 130, 133, 134, 135, 136, 137, 200, 255 };
	bool ipv4 = scene_is_ipv4(&talk->scene);
	struct segment sent = sent_by(talk, !direction);
	size_t i;

	quote(talk, direction, &sent);
	for (i = 0; i < (ipv4 ? sizeof(types4) : sizeof(types6)); i++) {
		struct kind kind = { .type = ipv4 ? types4[i] : types6[i], .rest = 0x12340001 };

		make_error(talk, direction, &kind);
		icmp_write(&error.in, &error.frame_in);
		expect_pass(talk, "no error", direction);
		error.in.about = NULL;
		error.in.payload = payload;
		error.in.payload_length = 56;
		icmp_write(&error.in, &error.frame_in);
		expect_pass(talk, "a ping, or the like", direction);
	}
}

/* Each differs in one thing from an error that is ours. */
static void not_ours(const struct conversation *talk, enum serin_direction direction)
{
	bool ipv4 = scene_is_ipv4(&talk->scene);
	const struct kind *kind = ipv4 ? &kinds4[4] : &kinds6[5];
	size_t inner = ipv4 ? 14 + 20 + 8 : 14 + 40 + 8, ports = inner + (ipv4 ? 20 : 40);
	const struct {
		const char *name;
		size_t at;
		uint8_t change;
	} changes[] = {
		{ "another embedded source port", ports + 1, 1 },
		{ "another embedded target port", ports + 3, 1 },
		{ "another embedded source, so not the receiver's packet", inner + (ipv4 ? 15 : 23), 0x40 },
		{ "another embedded target", inner + (ipv4 ? 19 : 39), 0x40 },
		{ "another receiver", 14 + (ipv4 ? 19 : 39), 0x40 },
		{ "embedded version", inner, 0x20 },
		{ "embedded protocol", inner + (ipv4 ? 9 : 6), 0x80 },
		{ "embedded protocol is ICMP", inner + (ipv4 ? 9 : 6),
		  (uint8_t)((talk->scene.protocol ^ (ipv4 ? 1 : 58))) },
		{ "to everybody", 0, 1 },
	};
	struct segment sent = sent_by(talk, !direction);
	size_t i;

	quote(talk, direction, &sent);
	make_error(talk, direction, kind);
	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		icmp_write(&error.in, &error.frame_in);
		error.frame_in.data[changes[i].at] ^= changes[i].change;
		expect_pass(talk, changes[i].name, direction);
	}
	if (ipv4) {
		icmp_write(&error.in, &error.frame_in);
		error.frame_in.data[inner + 7] = 1;
		expect_pass(talk, "about a later fragment", direction);
		icmp_write(&error.in, &error.frame_in);
		error.frame_in.data[inner] = 0x44;
		expect_pass(talk, "embedded header of four words", direction);
	}
}

/* Cut off at every byte, the lengths kept and the lengths cut as well. */
static void cut_off(const struct conversation *talk, enum serin_direction direction)
{
	bool ipv4 = scene_is_ipv4(&talk->scene);
	size_t needed = ipv4 ? 14 + 20 + 8 + 20 + 8 : 14 + 40 + 8 + 40 + 8, length;
	struct segment sent = sent_by(talk, !direction);

	quote(talk, direction, &sent);
	make_error(talk, direction, ipv4 ? &kinds4[4] : &kinds6[5]);
	for (length = 14; length < needed; length++) {
		icmp_write(&error.in, &error.frame_in);
		error.frame_in.length = length;
		expect_pass(talk, "cut off", direction);
		if (length < 14u + (ipv4 ? 20 : 40))
			continue;
		error.frame_in.data[ipv4 ? 16 : 18] = 0;
		error.frame_in.data[ipv4 ? 17 : 19] = (uint8_t)(length - 14 - (ipv4 ? 0 : 40));
		expect_pass(talk, "short", direction);
		error.frame_in.length = needed + 20;
		expect_pass(talk, "short, with padding", direction);
	}
}

IN_EVERY_SCENE(everything_else_is_the_hosts, no_errors)
IN_EVERY_SCENE(errors_of_others_pass, not_ours)
IN_EVERY_SCENE(truncated_errors_pass, cut_off)

/* No flow is made by an error, and none is needed for it to pass. */
static void errors_without_a_flow_pass(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		struct conversation talk = talk_begin(&scenes[i], FRAME_UDP);
		struct segment sent = sent_by(&talk, SERIN_TO_BACKEND);
		enum serin_direction direction;

		for (direction = SERIN_TO_BACKEND; direction < SERIN_DIRECTIONS; direction++) {
			sent = sent_by(&talk, !direction);
			quote(&talk, direction, &sent);
			make_error(&talk, direction, scene_is_ipv4(&talk.scene) ? &kinds4[3] : &kinds6[3]);
			icmp_write(&error.in, &error.frame_in);
			expect_pass(&talk, "no flow", direction);
		}
		assert_int_equal(flowtable_count(talk.lab).flows, 0);
	}
}

/* An error that has come too far is dropped, and never answered by another one (RFC 1122, section 3.2.2). */
static void errors_are_not_answered(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		struct conversation talk = talk_answered(&scenes[i], FRAME_UDP);
		struct expect_counters change = { .drops = { 0 } };
		struct segment sent = sent_by(&talk, SERIN_TO_BACKEND);

		quote(&talk, SERIN_TO_CLIENT, &sent);
		make_error(&talk, SERIN_TO_CLIENT, scene_is_ipv4(&talk.scene) ? &kinds4[3] : &kinds6[3]);
		error.in.ttl = 1;
		change.drops[SERIN_DROP_TTL_EXPIRED] = 1;
		expect_counted(talk.lab, "TTL 1", talk.scene.backend_arm, icmp_write(&error.in, &error.frame_in),
			       LAB_DROP, NULL, &change);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_kinds_are_translated),   cmocka_unit_test(eight_bytes_are_enough),
		cmocka_unit_test(padding_is_no_packet),       cmocka_unit_test(about_special_packets),
		cmocka_unit_test(about_first_fragments),      cmocka_unit_test(everything_else_is_the_hosts),
		cmocka_unit_test(errors_of_others_pass),      cmocka_unit_test(truncated_errors_pass),
		cmocka_unit_test(errors_without_a_flow_pass), cmocka_unit_test(errors_are_not_answered),
	};

	return EXPECT_RUN("icmp", tests);
}
