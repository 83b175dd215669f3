/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses: bytes of what is read, near misses that must not be, and the way back to text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "address.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_parse_bytes(void **state)
{
	static const struct {
		const char *text;
		bool ipv4;
		__u8 byte[16];
	} cases[] = {
		{ "192.0.2.1", true, { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1 } },
		{ "0.0.0.0", true, { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0 } },
		{ "2001:db8::1", false, { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } },
		{ "2001:DB8::10", false, { 0x20, 0x01, 0x0d, 0xb8, [15] = 0x10 } },
		{ "2001:db8:0:0:0:0:0:1", false, { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } },
		{ "64:ff9b::192.0.2.1", false, { 0, 0x64, 0xff, 0x9b, [12] = 192, 0, 2, 1 } },
		{ "::", false, { 0 } },
	};
	struct serin_addr addr;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		memset(&addr, 0xaa, sizeof(addr));
		if (address_parse(cases[i].text, &addr))
			fail_msg("'%s' was refused", cases[i].text);
		assert_memory_equal(addr.byte, cases[i].byte, 16);
		assert_int_equal(address_is_ipv4(&addr), cases[i].ipv4);
	}
}

static void test_parse_refuses(void **state)
{
	static const char *const texts[] = {
		"",
		" ",
		"1",
		"1.2.3",
		"1.2.3.4.5",
		"1.2.3.256",
		"01.2.3.4",
		"1.2.3.04",
		"1.2.3.00",
		"0x1.2.3.4",
		" 1.2.3.4",
		"1.2.3.4 ",
		"1.2.3.4:80",
		"[1.2.3.4]",
		"1.2.3.4/32",
		"16909060",
		"localhost",
		":",
		":::",
		"1::2::3",
		"1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7:8:9",
		"12345::",
		"g::",
		"[2001:db8::1]",
		"2001:db8::1%eth0",
		"fe80::1%1",
		"2001:db8::1/64",
		"2001:0db8::1",
		"2001:db8::01",
		"00::1",
		"::ffff:1.2.3.4",
		"::ffff:102:304",
		"0:0:0:0:0:ffff:1.2.3.4",
		"64:ff9b::192.0.02.1",
	};
	struct serin_addr addr, before;
	size_t i;

	(void)state;
	memset(&before, 0xaa, sizeof(before));
	for (i = 0; i < COUNT(texts); i++) {
		addr = before;
		if (address_parse(texts[i], &addr) != -EINVAL)
			fail_msg("'%s' was not refused", texts[i]);
		assert_memory_equal(&addr, &before, sizeof(addr));
	}
}

static void test_endpoint_refuses(void **state)
{
	static const char *const texts[] = {
		"",
		":",
		":80",
		"80",
		"1.2.3.4",
		"1.2.3.4:",
		"1.2.3.4:0",
		"1.2.3.4:65536",
		"1.2.3.4:080",
		"1.2.3.4:+80",
		"1.2.3.4:-1",
		"1.2.3.4: 80",
		"1.2.3.4 :80",
		"1.2.3.4:80 ",
		"1.2.3.4:80/tcp",
		"1.2.3.4:http",
		"[1.2.3.4]:80",
		"2001:db8::1:80",
		"2001:db8::1",
		"[2001:db8::1]",
		"[2001:db8::1]80",
		"[2001:db8::1]:",
		"[2001:db8::1]:0",
		"[2001:db8::1:80",
		"2001:db8::1]:80",
		"[]:80",
		"[:80",
		"]:80",
		"[[2001:db8::1]]:80",
		"[2001:db8::1%eth0]:80",
		"[::ffff:1.2.3.4]:80",
		"localhost:80",
		"*:80",
		"[2001:db8::1]:99999999999999999999",
		"[2001:db8::1111111111111111111111111111111111111111111111111111111111111111111111111]:80",
	};
	struct endpoint endpoint, before;
	size_t i;

	(void)state;
	memset(&before, 0xaa, sizeof(before));
	for (i = 0; i < COUNT(texts); i++) {
		endpoint = before;
		if (endpoint_parse(texts[i], &endpoint) != -EINVAL)
			fail_msg("'%s' was not refused", texts[i]);
		assert_memory_equal(&endpoint, &before, sizeof(endpoint));
	}
}

static void test_endpoint_bytes(void **state)
{
	static const __u8 port[2] = { 0x1f, 0x90 }; /* 8080 as it goes over the wire */
	struct endpoint endpoint;

	(void)state;
	assert_int_equal(endpoint_parse("192.0.2.1:8080", &endpoint), 0);
	assert_true(address_is_ipv4(&endpoint.addr));
	assert_memory_equal(&endpoint.port, port, 2);
	assert_int_equal(endpoint_parse("[2001:db8::1]:8080", &endpoint), 0);
	assert_false(address_is_ipv4(&endpoint.addr));
	assert_memory_equal(&endpoint.port, port, 2);
	assert_int_equal(endpoint_parse("[::1]:65535", &endpoint), 0);
	assert_int_equal(ntohs(endpoint.port), 65535);
}

static void test_backend_refuses(void **state)
{
	static const char *const texts[] = { "", ":", ":0", ":65536", ":3001x", "3001", "10.0.0.1", "::1", "[::1]" };
	struct endpoint endpoint, before;
	char text[ADDRESS_TEXT_LEN];

	(void)state;
	assert_int_equal(backend_parse(":3001", &endpoint), 0);
	assert_string_equal(backend_format(&endpoint.addr, endpoint.port, text), ":3001");
	assert_int_equal(backend_parse("[2001:db8::1]:80", &endpoint), 0);
	assert_string_equal(backend_format(&endpoint.addr, endpoint.port, text), "[2001:db8::1]:80");
	memset(&before, 0xaa, sizeof(before));
	for (size_t i = 0; i < COUNT(texts); i++) {
		endpoint = before;
		if (backend_parse(texts[i], &endpoint) != -EINVAL)
			fail_msg("'%s' was not refused", texts[i]);
		assert_memory_equal(&endpoint, &before, sizeof(endpoint));
	}
}

static void test_round_trips(void **state)
{
	static const char *const addresses[] = {
		"0.0.0.0",
		"192.0.2.1",
		"255.255.255.255",
		"::",
		"::1",
		"2001:db8::1",
		"2001:db8:0:1:1:1:1:1",
		"2001:db8::1:0:0:1",
		"2001:0:0:1::1",
		"fe80::1",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	};
	static const char *const endpoints[] = {
		"192.0.2.1:1",
		"255.255.255.255:65535",
		"[::]:80",
		"[2001:db8::1]:443",
		"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
	};
	char text[ADDRESS_TEXT_LEN];
	struct endpoint endpoint;
	struct serin_addr addr;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(addresses); i++) {
		assert_int_equal(address_parse(addresses[i], &addr), 0);
		assert_string_equal(address_format(&addr, text), addresses[i]);
		assert_string_equal(endpoint_format(&addr, 0, text), addresses[i]);
	}
	for (i = 0; i < COUNT(endpoints); i++) {
		assert_int_equal(endpoint_parse(endpoints[i], &endpoint), 0);
		assert_string_equal(endpoint_format(&endpoint.addr, endpoint.port, text), endpoints[i]);
		assert_ptr_equal(endpoint_format(&endpoint.addr, endpoint.port, text), text);
	}
}

/* RFC 5952: lowercase, the longest run of zeros shortened, the first of two, never a single zero. */
static void test_canonical_form(void **state)
{
	static const char *const cases[][2] = {
		{ "2001:DB8::ABCD", "2001:db8::abcd" },          { "2001:db8:0:0:0:0:2:1", "2001:db8::2:1" },
		{ "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" }, { "2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
		{ "64:ff9b::192.0.2.1", "64:ff9b::c000:201" },
	};
	char text[ADDRESS_TEXT_LEN];
	struct serin_addr addr;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		assert_int_equal(address_parse(cases[i][0], &addr), 0);
		assert_string_equal(address_format(&addr, text), cases[i][1]);
	}
}

static void test_prefixes(void **state)
{
	static const struct {
		const char *text, *same; /* NULL: refused */
		unsigned int bits;
		bool trimmed;
	} cases[] = {
		{ "10.8.0.0/16", "10.8.0.0/16", 112, false },
		{ "10.8.0.1/16", "10.8.0.0/16", 112, true },
		{ "10.8.0.1", "10.8.0.1/32", 128, false },
		{ "0.0.0.0/0", "0.0.0.0/0", 96, false },
		{ "255.255.255.255/0", "0.0.0.0/0", 96, true },
		{ "255.255.255.255/31", "255.255.255.254/31", 127, true },
		{ "::/0", "::/0", 0, false },
		{ "2001:DB8::/32", "2001:db8::/32", 32, false },
		{ "2001:db8::1", "2001:db8::1/128", 128, false },
		{ "2001:db8::1/127", "2001:db8::/127", 127, true },
		{ "", NULL, 0, false },
		{ "/16", NULL, 0, false },
		{ "10.8.0.0/", NULL, 0, false },
		{ "10.8.0.0/33", NULL, 0, false },
		{ "10.8.0.0/-1", NULL, 0, false },
		{ "10.8.0.0/08", NULL, 0, false },
		{ "10.8.0.0/16/16", NULL, 0, false },
		{ "10.8.0.0/255.255.0.0", NULL, 0, false },
		{ "::/129", NULL, 0, false },
		{ "::ffff:10.0.0.0/104", NULL, 0, false },
		{ "[2001:db8::]/32", NULL, 0, false },
	};
	char text[ADDRESS_TEXT_LEN];
	struct prefix prefix;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		memset(&prefix, 0x5a, sizeof(prefix));
		assert_int_equal(prefix_parse(cases[i].text, &prefix), cases[i].same ? 0 : -EINVAL);
		if (!cases[i].same)
			continue;
		assert_int_equal(prefix.bits, cases[i].bits);
		assert_int_equal(prefix_trim(&prefix), cases[i].trimmed);
		assert_string_equal(prefix_format(&prefix, text), cases[i].same);
		assert_false(prefix_trim(&prefix));
	}
}

static bool holds(const char *prefix_text, const char *text)
{
	struct serin_addr addr;
	struct prefix prefix;

	assert_int_equal(prefix_parse(prefix_text, &prefix), 0);
	assert_int_equal(address_parse(text, &addr), 0);
	return prefix_contains(&prefix, &addr);
}

static void test_prefix_contains(void **state)
{
	(void)state;
	assert_true(holds("10.8.0.0/16", "10.8.255.255"));
	assert_false(holds("10.8.0.0/16", "10.9.0.0"));
	assert_true(holds("10.8.0.0/15", "10.9.0.0"));
	assert_true(holds("0.0.0.0/0", "255.1.2.3"));
	assert_false(holds("0.0.0.0/0", "::1"));
	assert_true(holds("::/0", "10.0.0.1")); /* the mapped one: who asks looks at the family first */
	assert_true(holds("2001:db8::8/125", "2001:db8::f"));
	assert_false(holds("2001:db8::8/125", "2001:db8::10"));
}

static void test_listeners(void **state)
{
	static const char *const bad[] = {
		"192.0.2.1:80/",       "192.0.2.1:80/sctp", "192.0.2.1:80/tcp ", "192.0.2.1/tcp", "/tcp", "",
		"192.0.2.1:80/tcp/udp"
	};
	struct endpoint endpoint;
	char text[ADDRESS_TEXT_LEN];
	uint8_t protocol = 9;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++)
		assert_int_equal(listener_parse(bad[i], &endpoint, &protocol), -EINVAL);
	assert_int_equal(protocol, 9);
	assert_int_equal(listener_parse("192.0.2.1:80", &endpoint, &protocol), 0);
	assert_int_equal(protocol, 0);
	assert_int_equal(listener_parse("[2001:db8::1]:53/udp", &endpoint, &protocol), 0);
	assert_int_equal(protocol, IPPROTO_UDP);
	assert_string_equal(protocol_name(protocol), "udp");
	assert_string_equal(endpoint_format(&endpoint.addr, endpoint.port, text), "[2001:db8::1]:53");
	assert_int_equal(listener_parse("192.0.2.1:80/tcp", &endpoint, &protocol), 0);
	assert_string_equal(protocol_name(protocol), "tcp");
}

static void test_backend_texts(void **state)
{
	struct serin_addr addr = { { { 0 } } };
	char text[ADDRESS_TEXT_LEN];

	(void)state;
	assert_string_equal(backend_format(&addr, htons(3001), text), ":3001");
	assert_string_equal(endpoint_format(&addr, htons(3001), text), "[::]:3001");
	assert_int_equal(address_parse("10.0.0.1", &addr), 0);
	assert_string_equal(backend_format(&addr, htons(3001), text), "10.0.0.1:3001");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_bytes),      cmocka_unit_test(test_parse_refuses),
		cmocka_unit_test(test_endpoint_refuses), cmocka_unit_test(test_endpoint_bytes),
		cmocka_unit_test(test_backend_refuses),  cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_canonical_form),   cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_prefix_contains),  cmocka_unit_test(test_listeners),
		cmocka_unit_test(test_backend_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
