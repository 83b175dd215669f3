/* SPDX-License-Identifier: BSD-2-Clause */
/* Resets byte by byte, and whose they are. The expected packets were computed by other code than the one under test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "rst.h"

static struct serin_addr addr(const char *text)
{
	struct serin_addr parsed;

	assert_int_equal(address_parse(text, &parsed), 0);
	return parsed;
}

static void test_ipv4_with_acknowledgement(void **state)
{
	static const uint8_t expected[] = {
		0x45, 0x00, 0x00, 0x28, 0x00, 0x00, 0x40, 0x00, 0x40, 0x06, 0xd4, 0x8a, /* header checksum */
		0xcb, 0x00, 0x71, 0x0a, 0xc6, 0x33, 0x64, 0x07, 0x00, 0x50, 0x9c, 0x40, /* addresses, ports */
		0xff, 0xff, 0xff, 0xf0, 0x12, 0x34, 0x56, 0x78, 0x50, 0x14, 0x00, 0x00, /* RST, ACK */
		0x44, 0x5d, 0x00, 0x00,
	};
	const struct rst_segment segment = {
		.src = addr("203.0.113.10"),
		.dst = addr("198.51.100.7"),
		.sport = htons(80),
		.dport = htons(40000),
		.seq = 0xfffffff0u,
		.ack = 0x12345678,
		.has_ack = true,
	};
	uint8_t packet[RST_MAX_LEN];

	(void)state;
	assert_int_equal(rst_build(&segment, packet), sizeof(expected));
	assert_memory_equal(packet, expected, sizeof(expected));
}

/* Without an acknowledgement the field is zero, whatever was said. */
static void test_ipv6_without(void **state)
{
	static const uint8_t expected[] = {
		0x60, 0x00, 0x00, 0x00, 0x00, 0x14, 0x06, 0x40, 0x20, 0x01, 0x0d, 0xb8, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x20, 0x01, 0x0d, 0xb8, 0xff, 0xff,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x07, 0x01, 0xbb, 0xff, 0xff, 0x00,
		0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x50, 0x04, 0x00, 0x00, 0x52, 0x9c, 0x00, 0x00,
	};
	const struct rst_segment segment = {
		.src = addr("2001:db8::10"),
		.dst = addr("2001:db8:ffff::7"),
		.sport = htons(443),
		.dport = htons(65535),
		.seq = 1,
		.ack = 99,
		.has_ack = false,
	};
	uint8_t packet[RST_MAX_LEN];

	(void)state;
	assert_int_equal(rst_build(&segment, packet), sizeof(expected));
	assert_memory_equal(packet, expected, sizeof(expected));
}

/* A receiver's sum over pseudo header and segment is 0xffff, whatever the numbers: over many of them. */
static void test_checksums_hold_for_any_numbers(void **state)
{
	struct rst_segment segment = { .src = addr("10.0.0.1"), .dst = addr("10.0.0.21"), .has_ack = true };
	uint8_t packet[RST_MAX_LEN];
	uint32_t sum;

	(void)state;
	srandom(7);
	for (int i = 0; i < 100000; i++) {
		segment.seq = (uint32_t)random() << 1;
		segment.ack = (uint32_t)random() << 1 | 1;
		segment.sport = (uint16_t)random();
		segment.dst.word[3] = (uint32_t)random();
		assert_int_equal(rst_build(&segment, packet), 40);
		sum = 6 + 20;
		for (int j = 12; j < 40; j += 2)
			sum += (uint32_t)packet[j] << 8 | packet[j + 1];
		assert_int_equal((sum & 0xffff) + (sum >> 16), 0xffff);
	}
}

struct story {
	struct image *image;
	struct flow flow;
};

static int make_story(void **state)
{
	struct story *story = calloc(1, sizeof(*story));

	story->image = calloc(1, sizeof(*story->image));
	story->image->listeners[2] = (struct serin_listener){ .addr = addr("203.0.113.10"),
							      .port = htons(80),
							      .forward = SERIN_FORWARD_NAT };
	story->image->backends[300] =
		(struct serin_backend){ .addr = addr("10.0.0.21"), .port = htons(3000), .flags = SERIN_BACKEND_USED };
	story->image->snat[1] = addr("10.0.0.1");
	story->flow = (struct flow){
		.state = SERIN_WAY_ESTABLISHED,
		.client = addr("198.51.100.7"),
		.client_port = htons(40000),
		.nat_port = htons(1024),
		.listener = 2,
		.backend = 300,
		.snat = 1,
		.next_seq = { 777, 5001 },
		.has_seq = { true, true },
		.asked = 4000,
		.acked = 4242,
	};
	*state = story;
	return 0;
}

static int free_story(void **state)
{
	struct story *story = *state;

	free(story->image);
	free(story);
	return 0;
}

static void assert_ends(const struct rst_segment *segment, const char *from, const char *to)
{
	char text[ADDRESS_TEXT_LEN];

	assert_string_equal(endpoint_format(&segment->src, segment->sport, text), from);
	assert_string_equal(endpoint_format(&segment->dst, segment->dport, text), to);
}

static void assert_numbers(const struct rst_segment *segment, uint32_t seq, uint32_t ack)
{
	assert_int_equal(segment->seq, seq);
	assert_true(segment->has_ack);
	assert_int_equal(segment->ack, ack);
}

static void test_nat_resets_both_sides(void **state)
{
	struct story *story = *state;
	struct rst_segment is[SERIN_DIRECTIONS];

	assert_int_equal(rst_of_flow(&story->flow, story->image, is), 2);
	assert_ends(&is[0], "203.0.113.10:80", "198.51.100.7:40000");
	assert_numbers(&is[0], 5001, 777);
	assert_ends(&is[1], "10.0.0.1:1024", "10.0.0.21:3000");
	assert_numbers(&is[1], 777, 5001);
}

static void test_gateway_is_reset_as_by_the_client(void **state)
{
	struct story *story = *state;
	struct rst_segment is[SERIN_DIRECTIONS];

	story->flow.snat = SERIN_NO_SNAT;
	assert_int_equal(rst_of_flow(&story->flow, story->image, is), 2);
	assert_ends(&is[1], "198.51.100.7:1024", "10.0.0.21:3000");
}

static void test_local_is_reset_at_the_listening_address(void **state)
{
	struct story *story = *state;
	struct rst_segment is[SERIN_DIRECTIONS];

	story->flow.snat = SERIN_NO_SNAT;
	story->flow.nat_port = htons(40000);
	memset(&story->image->backends[300].addr, 0, sizeof(struct serin_addr));
	assert_int_equal(rst_of_flow(&story->flow, story->image, is), 2);
	assert_ends(&is[0], "203.0.113.10:80", "198.51.100.7:40000");
	assert_ends(&is[1], "198.51.100.7:40000", "203.0.113.10:3000");
}

/* The last that the client has acknowledged is what it waits for. */
static void test_one_way_resets_the_client_only(void **state)
{
	struct story *story = *state;
	struct rst_segment is[SERIN_DIRECTIONS];

	story->flow.one_way = true;
	story->flow.next_seq[SERIN_TO_CLIENT] = 0;
	story->flow.has_seq[SERIN_TO_CLIENT] = false;
	assert_int_equal(rst_of_flow(&story->flow, story->image, is), 1);
	assert_ends(&is[0], "203.0.113.10:80", "198.51.100.7:40000");
	assert_numbers(&is[0], 4242, 777);
}

/* A client in SYN-SENT takes a RST for its acknowledgement; a backend whose number nobody knows gets none. */
static void test_before_the_backend_has_answered(void **state)
{
	struct story *story = *state;
	struct rst_segment is[SERIN_DIRECTIONS];

	story->flow.state = SERIN_WAY_EMBRYONIC;
	story->flow.next_seq[SERIN_TO_CLIENT] = 0;
	story->flow.has_seq[SERIN_TO_CLIENT] = false;
	assert_int_equal(rst_of_flow(&story->flow, story->image, is), 2);
	assert_numbers(&is[0], 0, 777);
	assert_int_equal(is[1].seq, 777);
	assert_false(is[1].has_ack);
}

static void test_ids_out_of_range_are_nobody(void **state)
{
	struct story *story = *state;
	struct rst_segment is[SERIN_DIRECTIONS];

	story->flow.backend = SERIN_NO_BACKEND;
	assert_int_equal(rst_of_flow(&story->flow, story->image, is), 0);
	story->flow.backend = 300;
	story->flow.listener = SERIN_MAX_LISTENERS;
	assert_int_equal(rst_of_flow(&story->flow, story->image, is), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv4_with_acknowledgement),
		cmocka_unit_test(test_ipv6_without),
		cmocka_unit_test(test_checksums_hold_for_any_numbers),
		cmocka_unit_test_setup_teardown(test_nat_resets_both_sides, make_story, free_story),
		cmocka_unit_test_setup_teardown(test_gateway_is_reset_as_by_the_client, make_story, free_story),
		cmocka_unit_test_setup_teardown(test_local_is_reset_at_the_listening_address, make_story, free_story),
		cmocka_unit_test_setup_teardown(test_one_way_resets_the_client_only, make_story, free_story),
		cmocka_unit_test_setup_teardown(test_before_the_backend_has_answered, make_story, free_story),
		cmocka_unit_test_setup_teardown(test_ids_out_of_range_are_nobody, make_story, free_story),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
