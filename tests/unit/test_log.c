/* SPDX-License-Identifier: BSD-2-Clause */
/* Log lines: quoting that no text can break out of, levels, the rate limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>

#include "log.h"

static char line[4096];

static const char *print(enum log_format format, const char *text)
{
	const struct log_field fields[] = { log_text("msg", "hello"), log_text("text", text), log_number("n", -7) };
	FILE *out = fmemopen(line, sizeof(line), "w");

	assert_non_null(out);
	log_print(out, format, INT64_C(1795410000123), LOG_LEVEL_WARN, fields, 3);
	assert_int_equal(fclose(out), 0);
	return line;
}

static void test_keyvalue(void **state)
{
	(void)state;
	assert_string_equal(print(LOG_KEYVALUE, "eth0"),
			    "time=2026-11-23T05:00:00.123Z level=warn msg=hello text=eth0 n=-7\n");
}

static void test_keyvalue_quotes_what_must_be(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{ "", " text=\"\" " },
		{ "two words", " text=\"two words\" " },
		{ "a=b", " text=\"a=b\" " },
		{ "say \"hi\"", " text=\"say \\\"hi\\\"\" " },
		{ "back\\slash", " text=\"back\\\\slash\" " },
		{ "line\nbreak\ttab", " text=\"line\\nbreak\\ttab\" " },
		{ "\033[31mred", " text=\"\\x1b[31mred\" " },
		{ "caf\xc3\xa9", " text=\"caf\xc3\xa9\" " },
		{ "broken\xff", " text=\"broken\\xff\" " },
		{ "cut\xe2\x82", " text=\"cut\\xe2\\x82\" " },
		{ "c1\xc2\x9bx", " text=\"c1\\x9bx\" " },
		{ "overlong\xc0\xaf", " text=\"overlong\\xc0\\xaf\" " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (!strstr(print(LOG_KEYVALUE, cases[i].text), cases[i].expected))
			fail_msg("case %zu: %s", i, line);
}

/* Whatever the text: one line, and JSON that gives it back (but for bytes that are no UTF-8). */
static void test_json_is_always_json(void **state)
{
	static const char *const texts[] = {
		"",
		"plain",
		"\"quoted\"",
		"back\\slash",
		"line\nbreak",
		"\001\002\037\177",
		"caf\xc3\xa9",
		"\xf0\x9f\x90\xa4 canary",
		"c1\xc2\x9bx",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		json_t *json = json_loads(print(LOG_JSON, texts[i]), JSON_REJECT_DUPLICATES, NULL);

		assert_non_null(json);
		assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
		assert_string_equal(json_string_value(json_object_get(json, "text")), texts[i]);
		assert_string_equal(json_string_value(json_object_get(json, "level")), "warn");
		assert_string_equal(json_string_value(json_object_get(json, "time")), "2026-11-23T05:00:00.123Z");
		assert_int_equal(json_integer_value(json_object_get(json, "n")), -7);
		json_decref(json);
	}
}

static void test_json_replaces_broken_bytes(void **state)
{
	unsigned char bytes[] = "x\xff\xed\xa0\x80y";
	json_t *json;

	(void)state;
	json = json_loads(print(LOG_JSON, (const char *)bytes), 0, NULL);
	assert_non_null(json);
	assert_string_equal(json_string_value(json_object_get(json, "text")),
			    "x\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdy");
	json_decref(json);
}

/* Every pair of bytes, in both forms: always one line. */
static void test_no_text_makes_a_second_line(void **state)
{
	char text[4] = "";
	json_t *json;

	(void)state;
	for (unsigned int i = 1; i < 65536; i++) {
		text[0] = (char)(i >> 8 ? i >> 8 : 'x');
		text[1] = (char)(i & 0xff ? i & 0xff : 'x');
		text[2] = '"';
		print(LOG_KEYVALUE, text);
		assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
		json = json_loads(print(LOG_JSON, text), 0, NULL);
		assert_non_null(json);
		json_decref(json);
	}
}

static void test_names(void **state)
{
	enum log_level level = LOG_LEVEL_ERROR;
	enum log_format format = LOG_KEYVALUE;

	(void)state;
	assert_int_equal(log_parse_level("debug", &level), 0);
	assert_int_equal(level, LOG_LEVEL_DEBUG);
	assert_int_equal(log_parse_level("loud", &level), -EINVAL);
	assert_int_equal(level, LOG_LEVEL_DEBUG);
	assert_int_equal(log_parse_format("json", &format), 0);
	assert_int_equal(format, LOG_JSON);
	assert_int_equal(log_parse_format("JSON", &format), -EINVAL);
}

static void test_rate_limit(void **state)
{
	struct log_limit limit = { 0 };
	unsigned int kept_back = 99, written = 0;

	(void)state;
	assert_true(log_allowed(&limit, 5000, 1000, &kept_back));
	assert_int_equal(kept_back, 0);
	for (int64_t ms = 5001; ms < 6000; ms++)
		written += log_allowed(&limit, ms, 1000, &kept_back);
	assert_int_equal(written, 0);
	assert_true(log_allowed(&limit, 6000, 1000, &kept_back));
	assert_int_equal(kept_back, 999);
	assert_false(log_allowed(&limit, 6001, 1000, &kept_back));
}

/* As many at once as the burst, then one per interval; a pause saves up no more than the burst again. */
static void test_bursts(void **state)
{
	struct log_bucket bucket = { .per_second = 10, .burst = 5 };
	unsigned int kept_back = 99, written = 0;

	(void)state;
	for (int i = 0; i < 20; i++)
		written += log_bucket_take(&bucket, 5000, &kept_back);
	assert_int_equal(written, 5);
	assert_false(log_bucket_take(&bucket, 5099, &kept_back));
	assert_true(log_bucket_take(&bucket, 5100, &kept_back));
	assert_int_equal(kept_back, 16);
	assert_false(log_bucket_take(&bucket, 5101, &kept_back));
	written = 0;
	for (int i = 0; i < 20; i++)
		written += log_bucket_take(&bucket, 90000, &kept_back);
	assert_int_equal(written, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keyvalue),
		cmocka_unit_test(test_keyvalue_quotes_what_must_be),
		cmocka_unit_test(test_json_is_always_json),
		cmocka_unit_test(test_json_replaces_broken_bytes),
		cmocka_unit_test(test_no_text_makes_a_second_line),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_rate_limit),
		cmocka_unit_test(test_bursts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
