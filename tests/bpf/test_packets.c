/* SPDX-License-Identifier: BSD-2-Clause */
/* One connection from its SYN to its last ACK, in every scene: each packet's verdict, every byte that comes out, and
 * every counter. */
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "scene.h"

#define PORT (SCENE_PORT_FIRST + 1)
#define MAX_PAYLOAD 1460

/* Sequence numbers begin just below the end of their space. */
#define CLIENT_ISN 0xfffffff0u
#define BACKEND_ISN 0xfffffffeu
#define C(n) (CLIENT_ISN + (n))
#define B(n) (BACKEND_ISN + (n))

static uint8_t payload[MAX_PAYLOAD];
static const uint8_t mss[] = { 2, 4, 5, 0xb4 };
static const uint8_t timestamps[] = { 1, 1, 8, 10, 0xde, 0xad, 0xbe, 0xef, 0, 0, 0, 1 };
static const uint8_t syn_options[] = { 2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7 };
static const uint8_t forty_options[40] = { 2, 4, 5, 0xb4, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };
static const uint8_t router_alert[] = { 0x94, 4, 0, 0 };
static const uint8_t record_route[40] = { 7, 39, 4 };

/* One packet of the story. `in` says what differs from a bare segment. */
struct step {
	const char *name;
	enum serin_direction direction;
	struct segment in;
	enum serin_way_state state; /* of the flow afterwards */
	struct serin_stats change;  /* but for packets and bytes */
};

#define CLIENT SERIN_TO_BACKEND
#define BACKEND SERIN_TO_CLIENT
#define EMBRYONIC SERIN_WAY_EMBRYONIC
#define ESTABLISHED SERIN_WAY_ESTABLISHED
#define HALF_CLOSED SERIN_WAY_HALF_CLOSED
#define CLOSED SERIN_WAY_CLOSED
#define OPTIONS(bytes) .tcp_options = (bytes), .tcp_options_length = sizeof(bytes)
#define IP_OPTIONS(bytes) .ip_options = (bytes), .ip_options_length = sizeof(bytes)
#define BYTES(n) .payload = payload, .payload_length = (n)

static const struct step story[] = {
	{ "SYN with options", CLIENT, { .flags = SYN, .seq = C(0), OPTIONS(syn_options) }, EMBRYONIC, { .opened = 1 } },
	{ "SYN again", CLIENT, { .flags = SYN, .seq = C(0), OPTIONS(mss), .ip_id = 1 }, EMBRYONIC, { .opened = 0 } },
	{ "SYN asking for ECN",
	  CLIENT,
	  { .flags = SYN | ECE | CWR, .seq = C(0), .tos = 1 },
	  EMBRYONIC,
	  { .opened = 0 } },
	{ "SYN-ACK",
	  BACKEND,
	  { .flags = SYN | ACK, .seq = B(0), .ack = C(1), OPTIONS(syn_options) },
	  EMBRYONIC,
	  { .opened = 0 } },
	{ "SYN-ACK again, padded",
	  BACKEND,
	  { .flags = SYN | ACK, .seq = B(0), .ack = C(1), .padding = 6 },
	  EMBRYONIC,
	  { .opened = 0 } },
	{ "ACK of the client, padded to a minimum frame",
	  CLIENT,
	  { .flags = ACK, .seq = C(1), .ack = B(1), .padding = 6 },
	  ESTABLISHED,
	  { .established = 1 } },
	{ "ACK again", CLIENT, { .flags = ACK, .seq = C(1), .ack = B(1) }, ESTABLISHED, { .opened = 0 } },
	{ "request, one byte",
	  CLIENT,
	  { .flags = ACK | PSH, .seq = C(1), .ack = B(1), BYTES(1), .padding = 5 },
	  ESTABLISHED,
	  { .opened = 0 } },
	{ "request, odd",
	  CLIENT,
	  { .flags = ACK | PSH, .seq = C(2), .ack = B(1), BYTES(777) },
	  ESTABLISHED,
	  { .opened = 0 } },
	{ "request, full",
	  CLIENT,
	  { .flags = ACK, .seq = C(779), .ack = B(1), BYTES(1440) },
	  ESTABLISHED,
	  { .opened = 0 } },
	{ "answer",
	  BACKEND,
	  { .flags = ACK | PSH, .seq = B(1), .ack = C(2219), BYTES(1440) },
	  ESTABLISHED,
	  { .opened = 0 } },
	{ "answer, odd",
	  BACKEND,
	  { .flags = ACK | PSH, .seq = B(1441), .ack = C(2219), BYTES(3), .padding = 64 },
	  ESTABLISHED,
	  { .opened = 0 } },
	{ "ACK with timestamps",
	  CLIENT,
	  { .flags = ACK, .seq = C(2219), .ack = B(1444), OPTIONS(timestamps) },
	  ESTABLISHED,
	  { .opened = 0 } },
	{ "ACK with forty bytes of options",
	  BACKEND,
	  { .flags = ACK, .seq = B(1444), .ack = C(2219), OPTIONS(forty_options) },
	  ESTABLISHED,
	  { .opened = 0 } },
	{ "data with options",
	  CLIENT,
	  { .flags = ACK,
	    .seq = C(2219),
	    .ack = B(1444),
	    OPTIONS(timestamps),
	    BYTES(100),
	    .tos = 0xb8,
	    .ip_id = 0xffff,
	    .flow_label = 0x12345 },
	  ESTABLISHED,
	  { .opened = 0 } },
	{ "urgent data",
	  CLIENT,
	  { .flags = ACK | URG, .seq = C(2319), .ack = B(1444), BYTES(5), .urgent = 5 },
	  ESTABLISHED,
	  { .opened = 0 } },
	{ "data that may be fragmented",
	  BACKEND,
	  { .flags = ACK, .seq = B(1444), .ack = C(2324), BYTES(64), .may_fragment = true, .ip_id = 4711 },
	  ESTABLISHED,
	  { .opened = 0 } },
	{ "the smallest TTL that goes on",
	  BACKEND,
	  { .flags = ACK, .seq = B(1508), .ack = C(2324), .ttl = 2 },
	  ESTABLISHED,
	  { .opened = 0 } },
	{ "the greatest TTL",
	  CLIENT,
	  { .flags = ACK, .seq = C(2324), .ack = B(1508), .ttl = 255 },
	  ESTABLISHED,
	  { .opened = 0 } },
	{ "keep-alive", CLIENT, { .flags = ACK, .seq = C(2323), .ack = B(1508) }, ESTABLISHED, { .opened = 0 } },
	{ "nothing but flags", CLIENT, { .seq = C(2324), .ack = B(1508), .window = 1 }, ESTABLISHED, { .opened = 0 } },
	{ "FIN of the client with data",
	  CLIENT,
	  { .flags = ACK | FIN, .seq = C(2324), .ack = B(1508), BYTES(7) },
	  HALF_CLOSED,
	  { .opened = 0 } },
	{ "FIN again",
	  CLIENT,
	  { .flags = ACK | FIN, .seq = C(2324), .ack = B(1508), BYTES(7) },
	  HALF_CLOSED,
	  { .opened = 0 } },
	{ "data while half closed",
	  BACKEND,
	  { .flags = ACK, .seq = B(1508), .ack = C(2332), BYTES(999) },
	  HALF_CLOSED,
	  { .opened = 0 } },
	{ "ACK while half closed",
	  CLIENT,
	  { .flags = ACK, .seq = C(2332), .ack = B(2507) },
	  HALF_CLOSED,
	  { .opened = 0 } },
	{ "FIN of the backend",
	  BACKEND,
	  { .flags = ACK | FIN, .seq = B(2507), .ack = C(2332) },
	  CLOSED,
	  { .closed = 1 } },
	{ "FIN of the backend again",
	  BACKEND,
	  { .flags = ACK | FIN, .seq = B(2507), .ack = C(2332) },
	  CLOSED,
	  { .opened = 0 } },
	{ "last ACK", CLIENT, { .flags = ACK, .seq = C(2332), .ack = B(2508) }, CLOSED, { .opened = 0 } },
	{ "RST after all", CLIENT, { .flags = RST, .seq = C(2332) }, CLOSED, { .opened = 0 } },
};

/* Only where there is such a thing. */
static const struct step ipv4_story[] = {
	{ "SYN with an IP option",
	  CLIENT,
	  { .flags = SYN, .seq = C(0), IP_OPTIONS(router_alert) },
	  EMBRYONIC,
	  { .opened = 1 } },
	{ "SYN-ACK with forty bytes of IP options",
	  BACKEND,
	  { .flags = SYN | ACK, .seq = B(0), .ack = C(1), IP_OPTIONS(record_route) },
	  EMBRYONIC,
	  { .opened = 0 } },
	{ "ACK with forty bytes of options of both kinds",
	  CLIENT,
	  { .flags = ACK, .seq = C(1), .ack = B(1), IP_OPTIONS(record_route), OPTIONS(forty_options), .padding = 1 },
	  ESTABLISHED,
	  { .established = 1 } },
	{ "data behind IP options",
	  BACKEND,
	  { .flags = ACK, .seq = B(1), .ack = C(1), IP_OPTIONS(router_alert), BYTES(33) },
	  ESTABLISHED,
	  { .opened = 0 } },
	{ "RST of the backend",
	  BACKEND,
	  { .flags = RST | ACK, .seq = B(34), .ack = C(1), IP_OPTIONS(router_alert) },
	  CLOSED,
	  { .closed = 1, .resets = { 0, 1 } } },
};

static size_t fixtures;

/* What the packet is before and behind serin. */
static void make_packets(const struct scene *scene, const struct step *step, struct segment *ret_in,
			 struct segment *ret_out)
{
	struct segment ends = step->direction == CLIENT ? scene_from_client(scene, 0, 0, 0)
							: scene_from_backend(scene, PORT, 0, 0, 0);

	*ret_in = step->in;
	ret_in->src = ends.src;
	ret_in->dst = ends.dst;
	ret_in->sport = ends.sport;
	ret_in->dport = ends.dport;
	ret_in->from = ends.from;
	ret_in->to = ends.to;
	*ret_out = step->direction == CLIENT ? scene_at_backend(scene, ret_in, PORT) : scene_at_client(scene, ret_in);
}

static void take_step(struct lab *lab, const struct scene *scene, const struct step *step)
{
	struct expect_counters before = expect_read_counters(lab), change = { .drops = { 0 } };
	struct segment first = scene_from_client(scene, 0, 0, 0), in, out;
	struct serin_stats *stats = &change.stats[scene_backend(lab, scene)];
	char name[160];

	snprintf(name, sizeof(name), "%s: %s", scene->name, step->name);
	make_packets(scene, step, &in, &out);
	*stats = step->change;
	stats->packets[step->direction] = 1;
	stats->bytes[step->direction] = segment_ip_length(&in);
	expect_segment(lab, name, step->direction == CLIENT ? scene->client_arm : scene->backend_arm, &in,
		       scene_verdict(scene), &out);
	expect_changes(lab, name, &before, &change);
	if (flowtable_state(lab, flowtable_find(lab, &first)) != step->state)
		fail_msg("%s: the flow is in state %u, expected %u", name,
			 flowtable_state(lab, flowtable_find(lab, &first)), step->state);
	if (flowtable_check(lab, stdout))
		fail_msg("%s: the flow table is broken", name);
	fixtures++;
}

static void tell(const struct step *steps, size_t count, const struct scene *scene)
{
	struct lab *lab = scene_open(scene, NULL);
	size_t i;

	flowtable_set_cursor(lab, scene_endpoint(lab, scene), PORT - SCENE_PORT_FIRST);
	for (i = 0; i < count; i++)
		take_step(lab, scene, &steps[i]);
	lab_close(lab);
}

static void story_in_every_scene(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		tell(story, sizeof(story) / sizeof(story[0]), &scenes[i]);
		if (!strchr(scenes[i].client, '['))
			tell(ipv4_story, sizeof(ipv4_story) / sizeof(ipv4_story[0]), &scenes[i]);
	}
	print_message("%zu fixtures\n", fixtures);
}

/* Payloads of every length around words and lines, with random bytes: sums of all kinds. */
static void checksums_of_many_payloads(void **state)
{
	static const char *const names[] = { "nat-ipv4", "nat-ipv6", "gateway-ipv4", "gateway-ipv6" };
	size_t i, j, k;

	(void)state;
	srandom(1);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct scene *scene = scene_find(names[i]);
		struct lab *lab = scene_open(scene, NULL);
		struct step syn = { "SYN", CLIENT, { .flags = SYN }, EMBRYONIC, { .opened = 1 } };

		flowtable_set_cursor(lab, scene_endpoint(lab, scene), PORT - SCENE_PORT_FIRST);
		take_step(lab, scene, &syn);
		for (j = 0; j < 600; j++) {
			struct step data = { "data",
					     j & 1 ? BACKEND : CLIENT,
					     { .flags = ACK, BYTES(j % 71) },
					     EMBRYONIC,
					     { .opened = 0 } };
			struct segment in, out;

			for (k = 0; k < data.in.payload_length; k++)
				payload[k] = (uint8_t)random();
			data.in.seq = (uint32_t)random();
			data.in.ip_id = (uint16_t)random();
			data.in.ttl = (uint8_t)(2 + random() % 254);
			make_packets(scene, &data, &in, &out);
			expect_segment(lab, names[i], j & 1 ? scene->backend_arm : scene->client_arm, &in,
				       scene_verdict(scene), &out);
		}
		lab_close(lab);
	}
}

/* Look for the payload word or identification with which a checksum, of the packet before or behind, is `wanted`. */
static bool search(struct segment *in, struct segment *out, bool behind, bool of_ip, uint16_t wanted)
{
	static struct frame frame;
	uint32_t value;

	for (value = 0; value < 0x10000; value++) {
		payload[0] = (uint8_t)(value >> 8);
		payload[1] = (uint8_t)value;
		in->ip_id = out->ip_id = of_ip ? (uint16_t)value : 0;
		segment_write(behind ? out : in, &frame);
		if ((of_ip ? frame_ip_checksum(&frame) : frame_transport_checksum(&frame)) == wanted)
			return true;
	}
	return false;
}

/* The two zeros of one's complement arithmetic, and their neighbours, on either side. */
static void checksums_at_the_edges(void **state)
{
	static const uint16_t edges[] = { 0x0000, 0x0001, 0xfffe, 0x00ff, 0xff00, 0x0100, 0xfeff, 0x8000 };
	size_t i, j, kind, found = 0;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		const struct scene *scene = &scenes[i];
		struct lab *lab = scene_open(scene, NULL);
		struct step syn = { "SYN", CLIENT, { .flags = SYN }, EMBRYONIC, { .opened = 1 } };

		flowtable_set_cursor(lab, scene_endpoint(lab, scene), PORT - SCENE_PORT_FIRST);
		take_step(lab, scene, &syn);
		for (j = 0; j < sizeof(edges) / sizeof(edges[0]); j++) {
			for (kind = 0; kind < 8; kind++) {
				struct step data = { "data",
						     kind & 1 ? BACKEND : CLIENT,
						     { .flags = ACK, BYTES(2) },
						     EMBRYONIC,
						     { .opened = 0 } };
				struct segment in, out;

				make_packets(scene, &data, &in, &out);
				if ((kind & 4 && strchr(scene->client, '[')) ||
				    !search(&in, &out, kind & 2, kind & 4, edges[j]))
					continue;
				expect_segment(lab, "checksum edge", kind & 1 ? scene->backend_arm : scene->client_arm,
					       &in, scene_verdict(scene), &out);
				found++;
			}
		}
		lab_close(lab);
	}
	print_message("%zu fixtures\n", found);
	assert_true(found > 200);
}

/* 0xffff on the wire is the other zero: what comes out must be right all the same. */
static void checksum_written_as_minus_zero(void **state)
{
	static struct frame in_frame, out_frame;
	size_t i;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		const struct scene *scene = &scenes[i];
		struct lab *lab = scene_open(scene, NULL);
		struct step syn = { "SYN", CLIENT, { .flags = SYN }, EMBRYONIC, { .opened = 1 } };
		struct step data = { "data", CLIENT, { .flags = ACK, BYTES(2) }, EMBRYONIC, { .opened = 0 } };
		struct segment in, out;

		flowtable_set_cursor(lab, scene_endpoint(lab, scene), PORT - SCENE_PORT_FIRST);
		take_step(lab, scene, &syn);
		make_packets(scene, &data, &in, &out);
		assert_true(search(&in, &out, false, false, 0));
		segment_write(&in, &in_frame);
		memset(in_frame.data + frame_transport_offset(&in_frame) + 16, 0xff, 2);
		expect_frame(lab, "minus zero", scene->client_arm, &in_frame, scene_verdict(scene),
			     segment_write(&out, &out_frame));
		lab_close(lab);
	}
}

/* Frames of several buffers, as NICs with jumbo frames give them: headers in the first, the rest untouched. */
static void jumbo_frames(void **state)
{
	static uint8_t much[8900];
	const size_t length = lab_longest_frame() < 9000 ? 3300 : sizeof(much);
	size_t i, j;

	(void)state;
	for (j = 0; j < sizeof(much); j++)
		much[j] = (uint8_t)(j * 7);
	for (i = 0; i < scene_count; i++) {
		const struct scene *scene = &scenes[i];
		struct lab *lab = scene_open(scene, NULL);
		struct step syn = { "SYN", CLIENT, { .flags = SYN }, EMBRYONIC, { .opened = 1 } };
		struct serin_device device;
		uint32_t id;

		for (id = 0; id < LAB_ARMS; id++) {
			lab_read(lab, "devices", id, &device);
			device.mtu = 9000;
			lab_write(lab, "devices", id, &device);
		}
		flowtable_set_cursor(lab, scene_endpoint(lab, scene), PORT - SCENE_PORT_FIRST);
		take_step(lab, scene, &syn);
		for (j = 0; j < 2; j++) {
			struct step data = { "jumbo",
					     j ? BACKEND : CLIENT,
					     { .flags = ACK, .payload = much, .payload_length = length - j },
					     EMBRYONIC,
					     { .opened = 0 } };

			take_step(lab, scene, &data);
		}
		lab_close(lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(story_in_every_scene),   cmocka_unit_test(checksums_of_many_payloads),
		cmocka_unit_test(checksums_at_the_edges), cmocka_unit_test(checksum_written_as_minus_zero),
		cmocka_unit_test(jumbo_frames),
	};
	size_t i;

	for (i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 31 + 7);
	return EXPECT_RUN("packets", tests);
}
