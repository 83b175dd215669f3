/* SPDX-License-Identifier: BSD-2-Clause */
/* What must pass to the host without a bit changed: other services, other protocols, broken and truncated packets.
 * Twice each: with and without a flow that the intact packet belongs to. */
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "scene.h"

static const uint8_t payload[17] = "a request";
static const uint8_t options[12] = { 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2 };

/* Bytes written over an intact packet. */
struct damage {
	const char *name;
	uint16_t offset;
	uint8_t length;
	uint8_t bytes[12];
};

#define MAC_DST 0
#define ETHERTYPE 12
#define IP(n) (14 + (n))
#define TCP4(n) (14 + 20 + (n))
#define TCP6(n) (14 + 40 + (n))

static const struct damage any_damage[] = {
	{ "to everybody", MAC_DST, 6, { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } },
	{ "to an IPv4 group", MAC_DST, 6, { 1, 0, 0x5e, 0, 0, 1 } },
	{ "to an IPv6 group", MAC_DST, 6, { 0x33, 0x33, 0, 0, 0, 1 } },
	{ "ARP", ETHERTYPE, 2, { 0x08, 0x06 } },
	{ "RARP", ETHERTYPE, 2, { 0x80, 0x35 } },
	{ "VLAN", ETHERTYPE, 4, { 0x81, 0x00, 0x00, 0x64 } },
	{ "QinQ", ETHERTYPE, 4, { 0x88, 0xa8, 0x00, 0x64 } },
	{ "LLDP", ETHERTYPE, 2, { 0x88, 0xcc } },
	{ "PPPoE", ETHERTYPE, 2, { 0x88, 0x64 } },
	{ "MPLS", ETHERTYPE, 2, { 0x88, 0x47 } },
	{ "MACsec", ETHERTYPE, 2, { 0x88, 0xe5 } },
	{ "802.3 with a length", ETHERTYPE, 2, { 0x00, 0x40 } },
	{ "ethertype 0", ETHERTYPE, 2, { 0x00, 0x00 } },
	{ "IP version 0", IP(0), 1, { 0x05 } },
	{ "IP version 5", IP(0), 1, { 0x55 } },
	{ "IP version 15", IP(0), 1, { 0xf5 } },
};

static const struct damage ipv4_damage[] = {
	{ "IPv6 by its ethertype", ETHERTYPE, 2, { 0x86, 0xdd } },
	{ "version 6", IP(0), 1, { 0x65 } },
	{ "header of 0 words", IP(0), 1, { 0x40 } },
	{ "header of 1 word", IP(0), 1, { 0x41 } },
	{ "header of 4 words", IP(0), 1, { 0x44 } },
	{ "total length 0", IP(2), 2, { 0, 0 } },
	{ "total length 19", IP(2), 2, { 0, 19 } },
	{ "total length without TCP", IP(2), 2, { 0, 20 } },
	{ "total length with half a TCP header", IP(2), 2, { 0, 39 } },
	{ "total length without all TCP options", IP(2), 2, { 0, 51 } },
	{ "total length one beyond the frame", IP(2), 2, { 0, 70 } },
	{ "total length 65535", IP(2), 2, { 0xff, 0xff } },
	{ "ICMP", IP(9), 1, { 1 } },
	{ "IGMP", IP(9), 1, { 2 } },
	{ "IPIP", IP(9), 1, { 4 } },
	{ "UDP", IP(9), 1, { 17 } },
	{ "GRE", IP(9), 1, { 47 } },
	{ "ESP", IP(9), 1, { 50 } },
	{ "SCTP", IP(9), 1, { 132 } },
	{ "protocol 0", IP(9), 1, { 0 } },
	{ "another address", IP(19), 1, { 11 } },
	{ "the host's address", IP(16), 4, { 198, 51, 100, 1 } },
	{ "another port", TCP4(2), 2, { 0, 81 } },
	{ "port 0", TCP4(2), 2, { 0, 0 } },
	{ "port 80 in the wrong byte order", TCP4(2), 2, { 80, 0 } },
	{ "TCP header of 0 words", TCP4(12), 1, { 0x00 } },
	{ "TCP header of 4 words", TCP4(12), 1, { 0x40 } },
	{ "TCP header beyond the packet", TCP4(12), 1, { 0xf0 } },
};

static const struct damage ipv6_damage[] = {
	{ "IPv4 by its ethertype", ETHERTYPE, 2, { 0x08, 0x00 } },
	{ "version 4", IP(0), 1, { 0x45 } },
	{ "payload length 0", IP(4), 2, { 0, 0 } },
	{ "payload length with half a TCP header", IP(4), 2, { 0, 19 } },
	{ "payload length without all TCP options", IP(4), 2, { 0, 31 } },
	{ "payload length one beyond the frame", IP(4), 2, { 0, 50 } },
	{ "payload length 65535", IP(4), 2, { 0xff, 0xff } },
	{ "hop-by-hop options", IP(6), 1, { 0 } },
	{ "routing header", IP(6), 1, { 43 } },
	{ "fragment header", IP(6), 1, { 44 } },
	{ "destination options", IP(6), 1, { 60 } },
	{ "no next header", IP(6), 1, { 59 } },
	{ "authentication header", IP(6), 1, { 51 } },
	{ "ICMPv6", IP(6), 1, { 58 } },
	{ "UDP", IP(6), 1, { 17 } },
	{ "IPv4 inside", IP(6), 1, { 4 } },
	{ "another address", IP(39), 1, { 0x11 } },
	{ "an address that differs in its first half", IP(24), 1, { 0x21 } },
	{ "another port", TCP6(2), 2, { 0, 81 } },
	{ "TCP header of 0 words", TCP6(12), 1, { 0x00 } },
	{ "TCP header of 4 words", TCP6(12), 1, { 0x40 } },
	{ "TCP header beyond the packet", TCP6(12), 1, { 0xf0 } },
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct expect_counters nothing;
static size_t fixtures;

/* An intact packet of the scene's client: 12 bytes of options, 17 of payload. */
static struct segment intact(const struct scene *scene, uint8_t flags)
{
	struct segment segment = scene_from_client(scene, flags, 1000, 2000);

	segment.tcp_options = options;
	segment.tcp_options_length = sizeof(options);
	segment.payload = payload;
	segment.payload_length = sizeof(payload);
	return segment;
}

static void expect_pass(struct lab *lab, const char *name, enum lab_arm arm, const struct frame *frame)
{
	struct expect_counters before = expect_read_counters(lab);

	expect_frame(lab, name, arm, frame, LAB_PASS, NULL);
	expect_changes(lab, name, &before, &nothing);
	fixtures++;
}

static void damage_frame(struct lab *lab, const struct scene *scene, const struct damage *damages, size_t count)
{
	static const uint8_t flags[] = { SYN, ACK, RST, SYN | ACK, FIN | ACK };
	static struct frame frame;
	struct segment segment;
	size_t i, j;

	for (i = 0; i < count; i++) {
		for (j = 0; j < sizeof(flags); j++) {
			segment = intact(scene, flags[j]);
			segment_write(&segment, &frame);
			memcpy(frame.data + damages[i].offset, damages[i].bytes, damages[i].length);
			expect_pass(lab, damages[i].name, scene->client_arm, &frame);
		}
	}
}

static void open_flow(struct lab *lab, const struct scene *scene)
{
	struct segment syn = scene_from_client(scene, SYN, 999, 0);
	struct frame *frame = malloc(sizeof(*frame));

	assert_non_null(frame);
	assert_int_equal(lab_run(lab, scene->client_arm, segment_write(&syn, frame)), scene_verdict(scene));
	free(frame);
}

static void damage_all(struct lab *lab, const struct scene *scene)
{
	damage_frame(lab, scene, any_damage, COUNT(any_damage));
	if (strchr(scene->client, '['))
		damage_frame(lab, scene, ipv6_damage, COUNT(ipv6_damage));
	else
		damage_frame(lab, scene, ipv4_damage, COUNT(ipv4_damage));
}

static void damaged_packets_pass(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		struct lab *lab = scene_open(&scenes[i], NULL);

		damage_all(lab, &scenes[i]);
		open_flow(lab, &scenes[i]);
		damage_all(lab, &scenes[i]);
		assert_int_equal(flowtable_count(lab).flows, 1);
		lab_close(lab);
	}
	print_message("%zu fixtures\n", fixtures);
}

/* Cut off at every byte, with a kept length field; and the same with that field cut as well, inside the headers. */
static void truncate_at_every_byte(struct lab *lab, const struct scene *scene, uint8_t flags)
{
	static struct frame whole, cut;
	struct segment segment = intact(scene, flags);
	size_t length;

	segment_write(&segment, &whole);
	for (length = 14; length < whole.length; length++) {
		cut.length = length;
		memcpy(cut.data, whole.data, length);
		expect_pass(lab, "truncated", scene->client_arm, &cut);
	}
}

static void truncated_packets_pass(void **state)
{
	size_t i;

	(void)state;
	fixtures = 0;
	for (i = 0; i < scene_count; i++) {
		struct lab *lab = scene_open(&scenes[i], NULL);

		truncate_at_every_byte(lab, &scenes[i], SYN);
		truncate_at_every_byte(lab, &scenes[i], ACK);
		open_flow(lab, &scenes[i]);
		truncate_at_every_byte(lab, &scenes[i], SYN);
		truncate_at_every_byte(lab, &scenes[i], ACK);
		lab_close(lab);
	}
	print_message("%zu fixtures\n", fixtures);
}

/* What a backend sends that belongs to no flow is the host's: its own connections go that way. */
static void backends_without_a_flow_pass(void **state)
{
	static const uint8_t flags[] = { SYN, SYN | ACK, ACK, RST, FIN | ACK, 0 };
	static struct frame frame;
	struct segment segment;
	size_t i, j;

	(void)state;
	fixtures = 0;
	for (i = 0; i < scene_count; i++) {
		struct lab *lab = scene_open(&scenes[i], NULL);
		unsigned int port = SCENE_PORT_FIRST + 3;

		for (j = 0; j < 4 * sizeof(flags); j++) {
			segment = scene_from_backend(&scenes[i], (uint16_t)port, flags[j / 4], 1, 2);
			/* Then there is a flow, from which each differs in one thing. */
			if (j == 1) {
				flowtable_set_cursor(lab, scene_endpoint(lab, &scenes[i]), 3);
				open_flow(lab, &scenes[i]);
			}
			segment.sport = (uint16_t)(segment.sport + (j % 4 == 1));
			segment.dport = (uint16_t)(segment.dport + (j % 4 == 2));
			segment.src.byte[15] = (uint8_t)(segment.src.byte[15] + (j % 4 == 3));
			segment.dst.byte[15] = (uint8_t)(segment.dst.byte[15] + (j && j % 4 == 0));
			expect_pass(lab, "from a backend, no flow", scenes[i].backend_arm,
				    segment_write(&segment, &frame));
		}
		lab_close(lab);
	}
	print_message("%zu fixtures\n", fixtures);
}

/* An IPv4-mapped address never stands in an IPv6 header (RFC 4291, 2.5.5.2; RFC 6890): such a packet is no IPv4 client,
 * and no packet of an IPv4 flow. */
static void mapped_addresses_are_not_ipv4(void **state)
{
	const struct scene *scene = scene_find("nat-ipv4");
	struct lab *lab = scene_open(scene, NULL);
	static struct frame frame;
	struct segment segment = segment_between("[2001:db8::1]:40000", "[2001:db8::2]:80");
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		segment.to = NET_FRONT_MAC;
		segment.flags = i ? ACK : SYN;
		segment_write(&segment, &frame);
		memset(frame.data + IP(8), 0, 32);
		memset(frame.data + IP(18), 0xff, 2);
		memset(frame.data + IP(34), 0xff, 2);
		memcpy(frame.data + IP(20), (uint8_t[]){ 198, 51, 100, 16 }, 4);
		memcpy(frame.data + IP(36), (uint8_t[]){ 203, 0, 113, 10 }, 4);
		frame_fix_checksums(&frame);
		expect_pass(lab, "mapped addresses", LAB_FRONT, &frame);
		open_flow(lab, scene);
		expect_pass(lab, "mapped addresses, with an IPv4 flow", LAB_FRONT, &frame);
	}
	lab_close(lab);
}

/* Flooded frames, and those of a promiscuous port, are another host's to answer; a VRRP router's address is ours. */
static void frames_for_another_host_open_nothing(void **state)
{
	static const uint8_t flags[] = { SYN, ACK, SYN | ACK };
	static const net_mac_t other = { { 2, 0, 0, 0, 9, 9 } }, near_vrrp = { { 0, 0, 0x5e, 0, 3, 7 } };
	static const net_mac_t vrrp[] = { { { 0, 0, 0x5e, 0, 1, 7 } }, { { 0, 0, 0x5e, 0, 2, 7 } } };
	static struct frame frame;
	size_t i, j;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		struct lab *lab = scene_open(&scenes[i], NULL);
		struct segment segment;

		for (j = 0; j < 2 * sizeof(flags); j++) {
			segment = intact(&scenes[i], flags[j / 2]);
			segment.to = j % 2 ? other : near_vrrp;
			segment_write(&segment, &frame);
			expect_pass(lab, "to another host", scenes[i].client_arm, &frame);
		}
		assert_int_equal(flowtable_count(lab).flows, 0);
		segment = scene_from_client(&scenes[i], SYN, 999, 0);
		segment.to = vrrp[i % 2];
		assert_int_equal(lab_run(lab, scenes[i].client_arm, segment_write(&segment, &frame)),
				 scene_verdict(&scenes[i]));
		assert_int_equal(flowtable_count(lab).flows, 1);
		lab_close(lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damaged_packets_pass),
		cmocka_unit_test(truncated_packets_pass),
		cmocka_unit_test(backends_without_a_flow_pass),
		cmocka_unit_test(mapped_addresses_are_not_ipv4),
		cmocka_unit_test(frames_for_another_host_open_nothing),
	};

	return EXPECT_RUN("not ours", tests);
}
