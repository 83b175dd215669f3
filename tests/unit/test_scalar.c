/* SPDX-License-Identifier: BSD-2-Clause */
/* Strict numbers: every form that is read, and the near misses that must not be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scalar.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define UNTOUCHED 77777u

static void test_unsigned(void **state)
{
	static const struct {
		const char *text;
		unsigned int min, max;
		int result;
		unsigned int value;
	} cases[] = {
		{ "0", 0, 10, 0, 0 },
		{ "10", 0, 10, 0, 10 },
		{ "4294967295", 0, UINT32_MAX, 0, UINT32_MAX },
		{ "11", 0, 10, -ERANGE, 0 },
		{ "0", 1, 10, -ERANGE, 0 },
		{ "4294967296", 0, UINT32_MAX, -ERANGE, 0 },
		{ "99999999999999999999", 0, UINT32_MAX, -ERANGE, 0 },
		{ "", 0, 10, -EINVAL, 0 },
		{ "+1", 0, 10, -EINVAL, 0 },
		{ "-1", 0, 10, -EINVAL, 0 },
		{ " 1", 0, 10, -EINVAL, 0 },
		{ "1 ", 0, 10, -EINVAL, 0 },
		{ "01", 0, 10, -EINVAL, 0 },
		{ "00", 0, 10, -EINVAL, 0 },
		{ "0x1", 0, 10, -EINVAL, 0 },
		{ "0o7", 0, 10, -EINVAL, 0 },
		{ "1.0", 0, 10, -EINVAL, 0 },
		{ "1e1", 0, 10, -EINVAL, 0 },
		{ "1k", 0, 10000, -EINVAL, 0 },
		{ "1_000", 0, 10000, -EINVAL, 0 },
		{ "five", 0, 10, -EINVAL, 0 },
	};
	unsigned int value;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		value = UNTOUCHED;
		if (parse_unsigned(cases[i].text, cases[i].min, cases[i].max, &value) != cases[i].result)
			fail_msg("unexpected result for '%s'", cases[i].text);
		assert_int_equal(value, cases[i].result ? UNTOUCHED : cases[i].value);
	}
}

static void test_share(void **state)
{
	static const struct {
		const char *text;
		int result;
		unsigned int value;
	} cases[] = {
		{ "0%", 0, 0 },           { "5%", 0, 500 },
		{ "0.25%", 0, 25 },       { "0.01%", 0, 1 },
		{ "0.1%", 0, 10 },        { "5.0%", 0, 500 },
		{ "33.33%", 0, 3333 },    { "100%", 0, 10000 },
		{ "100.00%", 0, 10000 },  { "100.01%", -ERANGE, 0 },
		{ "101%", -ERANGE, 0 },   { "42949673%", -ERANGE, 0 }, /* times 100 it would wrap to 4 */
		{ "5", -EINVAL, 0 },      { "5x", -EINVAL, 0 },
		{ "5 %", -EINVAL, 0 },    { " 5%", -EINVAL, 0 },
		{ "5% ", -EINVAL, 0 },    { "5%%", -EINVAL, 0 },
		{ ".5%", -EINVAL, 0 },    { "5.%", -EINVAL, 0 },
		{ "5.123%", -EINVAL, 0 }, { "5.-1%", -EINVAL, 0 },
		{ "5,5%", -EINVAL, 0 },   { "1e1%", -EINVAL, 0 },
		{ "-1%", -EINVAL, 0 },    { "+1%", -EINVAL, 0 },
		{ "05%", -EINVAL, 0 },    { "%", -EINVAL, 0 },
		{ "", -EINVAL, 0 },       { "0.05", -EINVAL, 0 },
		{ "nan%", -EINVAL, 0 },
	};
	unsigned int value;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		value = UNTOUCHED;
		if (parse_share(cases[i].text, &value) != cases[i].result)
			fail_msg("unexpected result for '%s'", cases[i].text);
		assert_int_equal(value, cases[i].result ? UNTOUCHED : cases[i].value);
	}
}

static void test_share_round_trip(void **state)
{
	char text[SHARE_TEXT_LEN];
	unsigned int i, value;

	(void)state;
	for (i = 0; i <= SHARE_WHOLE; i++) {
		assert_int_equal(parse_share(share_format(i, text), &value), 0);
		assert_int_equal(value, i);
	}
	assert_string_equal(share_format(500, text), "5%");
	assert_string_equal(share_format(550, text), "5.5%");
	assert_string_equal(share_format(505, text), "5.05%");
	assert_string_equal(share_format(UINT32_MAX, text), "42949672.95%");
}

static void test_duration(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint64_t value;
	} cases[] = {
		{ "0s", 0, 0 },
		{ "500ms", 0, 500 },
		{ "10s", 0, 10 * 1000 },
		{ "15m", 0, 15 * 60 * 1000 },
		{ "2h", 0, 2 * 3600 * 1000 },
		{ "7d", 0, 7 * 24 * 3600 * 1000 },
		{ "4294967295d", 0, 4294967295ull * 24 * 3600 * 1000 },
		{ "4294967296ms", -ERANGE, 0 },
		{ "10", -EINVAL, 0 },
		{ "s", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "5x", -EINVAL, 0 },
		{ "10 s", -EINVAL, 0 },
		{ "10s ", -EINVAL, 0 },
		{ "1.5h", -EINVAL, 0 },
		{ "1h30m", -EINVAL, 0 },
		{ "-1s", -EINVAL, 0 },
		{ "+1s", -EINVAL, 0 },
		{ "01s", -EINVAL, 0 },
		{ "10S", -EINVAL, 0 },
		{ "10sec", -EINVAL, 0 },
		{ "10us", -EINVAL, 0 },
		{ "2w", -EINVAL, 0 },
	};
	uint64_t value;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		value = UNTOUCHED;
		if (parse_duration(cases[i].text, &value) != cases[i].result)
			fail_msg("unexpected result for '%s'", cases[i].text);
		assert_true(value == (cases[i].result ? UNTOUCHED : cases[i].value));
	}
}

static void test_port_range(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint16_t first, last;
	} cases[] = {
		{ "1024-32767", 0, 1024, 32767 }, { "1-65535", 0, 1, 65535 },  { "80-80", 0, 80, 80 },
		{ "81-80", -ERANGE, 0, 0 },       { "0-80", -ERANGE, 0, 0 },   { "1-65536", -ERANGE, 0, 0 },
		{ "65537-65538", -ERANGE, 0, 0 }, { "80", -EINVAL, 0, 0 },     { "80-", -EINVAL, 0, 0 },
		{ "-80", -EINVAL, 0, 0 },         { "80--81", -EINVAL, 0, 0 }, { "80 - 81", -EINVAL, 0, 0 },
		{ "80-81-82", -EINVAL, 0, 0 },    { "80:81", -EINVAL, 0, 0 },  { "080-81", -EINVAL, 0, 0 },
		{ "80-081", -EINVAL, 0, 0 },      { "", -EINVAL, 0, 0 },
	};
	uint16_t first, last;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		first = last = 7;
		if (parse_port_range(cases[i].text, &first, &last) != cases[i].result)
			fail_msg("unexpected result for '%s'", cases[i].text);
		assert_int_equal(first, cases[i].result ? 7 : cases[i].first);
		assert_int_equal(last, cases[i].result ? 7 : cases[i].last);
	}
}

static void test_name(void **state)
{
	(void)state;
	assert_true(name_is_valid("a", 32));
	assert_true(name_is_valid("0", 32));
	assert_true(name_is_valid("shop-2", 32));
	assert_true(name_is_valid("a--b", 32));
	assert_true(name_is_valid("abc", 4));
	assert_false(name_is_valid("abcd", 4));
	assert_false(name_is_valid("", 32));
	assert_false(name_is_valid("-a", 32));
	assert_false(name_is_valid("a-", 32));
	assert_false(name_is_valid("-", 32));
	assert_false(name_is_valid("Shop", 32));
	assert_false(name_is_valid("a_b", 32));
	assert_false(name_is_valid("a.b", 32));
	assert_false(name_is_valid("a b", 32));
	assert_false(name_is_valid("a\n", 32));
	assert_false(name_is_valid("\xc3\xa9", 32));
}

static void test_rates(void **state)
{
	static const char *const bad[] = {
		"", "5", "/s", "5/", "5/S", "5/sec", "5 /s", "5.5/s", "05/s", "-5/s", "5/m"
	};
	unsigned int rate = 7;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse_rate(bad[i], &rate), -EINVAL);
	assert_int_equal(parse_rate("0/s", &rate), -ERANGE);
	assert_int_equal(parse_rate("1000000001/s", &rate), -ERANGE);
	assert_int_equal(parse_rate("99999999999/s", &rate), -ERANGE);
	assert_int_equal(rate, 7);
	assert_int_equal(parse_rate("5000/s", &rate), 0);
	assert_int_equal(rate, 5000);
	assert_int_equal(parse_rate("1000000000/s", &rate), 0);
	assert_int_equal(rate, RATE_MAX);
}

static void test_host_name(void **state)
{
	static const char *const good[] = {
		"canary.shop.internal", "a",      "localhost", "shop.example.", "A-1.b", "1.2.3.4a",
		"_http._tcp.x",         "my_app",
	};
	static const char *const bad[] = {
		"",    ".",   "a..b", ".a",   "a.-b", "a-.b", "10.0.0.1",    "10.0.0.1.", "80",
		"::1", "a b", "a\n",  "a:80", "a/b",  "*.a",  "caf\xc3\xa9", "a..",       "x,y",
	};
	char label[65], name[256];

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		if (!host_name_is_valid(good[i]))
			fail_msg("refused '%s'", good[i]);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		if (host_name_is_valid(bad[i]))
			fail_msg("accepted '%s'", bad[i]);
	}
	memset(label, 'a', 64);
	label[64] = '\0';
	assert_false(host_name_is_valid(label));
	label[63] = '\0';
	assert_true(host_name_is_valid(label));
	memset(name, 'a', 255);
	name[63] = name[127] = name[191] = '.';
	name[253] = '\0';
	assert_true(host_name_is_valid(name));
	strcpy(name + 253, ".");
	assert_true(host_name_is_valid(name));
	strcpy(name + 253, "a");
	assert_false(host_name_is_valid(name));
}

static void test_duration_texts_ms(void **state)
{
	char text[DURATION_TEXT_LEN];

	(void)state;
	assert_string_equal(duration_format_ms(0, text), "0s");
	assert_string_equal(duration_format_ms(1, text), "1ms");
	assert_string_equal(duration_format_ms(1500, text), "1500ms");
	assert_string_equal(duration_format_ms(2000, text), "2s");
	assert_string_equal(duration_format_ms(300000, text), "5m");
	assert_string_equal(duration_format_ms(UINT32_MAX, text), "4294967295ms");
}

/* What is written is read as the same. */
static void test_duration_texts(void **state)
{
	static const struct {
		unsigned int seconds;
		const char *text;
	} cases[] = {
		{ 0, "0s" },     { 1, "1s" },      { 59, "59s" },    { 60, "1m" },
		{ 90, "90s" },   { 300, "5m" },    { 3600, "1h" },   { 7440, "124m" },
		{ 86400, "1d" }, { 90000, "25h" }, { 604800, "7d" }, { 4294967295u, "4294967295s" },
	};
	char text[DURATION_TEXT_LEN];
	uint64_t ms;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_string_equal(duration_format(cases[i].seconds, text), cases[i].text);
		assert_int_equal(parse_duration(text, &ms), 0);
		assert_int_equal(ms, cases[i].seconds * 1000ull);
	}
}

/* The nearest double, as strtod() would have it, and nothing that only strtod() understands. */
static void test_decimal(void **state)
{
	static const char *const good[] = { "0",        "1",   "1.5", "-0.25", "0.001", "999999999.999999",
					    "1.000001", "0.1", "-3" };
	static const char *const bad[] = { "",    "-",   ".5",  "1.", "+1",  " 1",   "1 ",        "1e3", "0x1",
					   "inf", "nan", "1,5", "01", "--1", "1.5x", "1.0000001", "1.-5" };
	double value = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(parse_decimal(good[i], -1e9, 1e9, &value), 0);
		assert_true(value == strtod(good[i], NULL));
	}
	value = 7;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse_decimal(bad[i], -1e9, 1e9, &value), -EINVAL);
	assert_int_equal(parse_decimal("1000000000", -1e10, 1e10, &value), -ERANGE);
	assert_int_equal(parse_decimal("99999999999", -1e10, 1e10, &value), -ERANGE);
	assert_int_equal(parse_decimal("0.999", 1, 10, &value), -ERANGE);
	assert_int_equal(parse_decimal("10.001", 1, 10, &value), -ERANGE);
	assert_true(value == 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unsigned),
		cmocka_unit_test(test_share),
		cmocka_unit_test(test_share_round_trip),
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_decimal),
		cmocka_unit_test(test_port_range),
		cmocka_unit_test(test_name),
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_duration_texts),
		cmocka_unit_test(test_duration_texts_ms),
		cmocka_unit_test(test_host_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
