/* SPDX-License-Identifier: BSD-2-Clause */
/* `serin status` on given answers: the whole text of good ones, the complaint about others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "status_text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define COUNTERS(opened, established, closed, client, backend)                                         \
	"\"opened\":" #opened ",\"established\":" #established ",\"closed\":" #closed ","              \
	"\"packets\":{\"to_backend\":1,\"to_client\":2},\"bytes\":{\"to_backend\":3,\"to_client\":4}," \
	"\"resets\":{\"client\":" #client ",\"backend\":" #backend "}"

static const char shop[] =
	"{\"name\":\"shop\",\"protocol\":\"tcp\",\"forward\":\"nat\",\"baseline\":\"stable\",\"generation\":7,"
	"\"affinity\":{\"by\":\"source\",\"ipv4\":32,\"ipv6\":64},\"window_seconds\":42.0,"
	"\"listen\":[\"203.0.113.10:80/tcp\",\"203.0.113.11:80/tcp\"],"
	"\"changed\":{\"by\":\"uid 0\",\"at\":\"2026-11-23T05:00:00Z\",\"reason\":\"looks \\u001b[1mgood\","
	"\"what\":\"weights\"},\"versions\":["
	"{\"name\":\"stable\",\"role\":\"baseline\",\"weight\":8766,\"measured\":1,\"measured_low\":0.9961,"
	"\"measured_high\":1.0,\"opened_per_second\":112.44," COUNTERS(
		4829999, 99999, 100000, 1239999,
		4560000) ","
			 "\"backends\":[{\"address\":\"10.0.0.11:3000\",\"weight\":1,\"leaving\":false,\"drained\":false,\"state\":\"up\"," COUNTERS(
				 4829999, 99999, 100000, 1239999,
				 4560000) "},"
					  "{\"address\":\"[2001:db8::12]:3000\",\"weight\":2,\"leaving\":true,\"drained\":false,\"state\":\"up\"," COUNTERS(
						  0, 0, 0, 0,
						  0) "}]},"
						     "{\"name\":\"canary\",\"role\":\"trial\",\"weight\":1234,\"measured\":null,\"measured_low\":null,"
						     "\"measured_high\":null,\"opened_per_second\":0," COUNTERS(
							     0, 0, 0, 0, 0) ",\"backends\":[]}]}";

static const char shop_text[] = "shop  203.0.113.10:80/tcp, 203.0.113.11:80/tcp\n"
				"forward nat, affinity source, generation 7, measured over 42 s (95% interval)\n"
				"protocol tcp: the status of answers is not seen (TLS), only how turns fail\n"
				"shares set by uid 0 at 2026-11-23T05:00:00Z: looks ?[1mgood\n"
				"\n"
				"VERSION ROLE      SHARE MEASURED          CONN/S OPENED ESTAB CLOSED RESETS(c/b)\n"
				"stable  baseline 87.66% 100.0% 99.6-100.0  112.4  4.82M 99999   100k 1.23M/4.56M\n"
				"canary  trial    12.34%      -               0.0      0     0      0         0/0\n"
				"\n"
				"BACKEND              VERSION   WEIGHT  OPENED  ESTAB  CLOSED  RESETS(c/b)\n"
				"10.0.0.11:3000       stable         1   4.82M  99999    100k  1.23M/4.56M\n"
				"[2001:db8::12]:3000  stable   leaving       0      0       0          0/0\n";

static int print(const char *json, bool colours, char **ret, struct complaint *complaint)
{
	json_error_t where;
	json_t *answer = json_loads(json, 0, &where);
	size_t size;
	FILE *out = open_memstream(ret, &size);
	int error;

	if (!answer)
		fail_msg("the test's own JSON: %s at %d", where.text, where.position);
	error = status_print(out, answer, colours, complaint);
	fclose(out);
	json_decref(answer);
	return error;
}

static void assert_prints(const char *json, bool colours, const char *expected)
{
	struct complaint complaint;
	char *text = NULL;

	assert_int_equal(print(json, colours, &text, &complaint), 0);
	assert_string_equal(text, expected);
	free(text);
}

static void test_one_service(void **state)
{
	(void)state;
	assert_prints(shop, false, shop_text);
}

/* The widest figures that there can be, beside names of the usual length. */
static void test_fits_80_columns(void **state)
{
	const char *line, *end;

	(void)state;
	for (line = shop_text; *line; line = end + 1) {
		end = strchr(line, '\n');
		assert_in_range(end - line, 0, 80);
		assert_false(end > line && end[-1] == ' ');
	}
}

static void test_several_services(void **state)
{
	char json[2 * sizeof(shop) + 32], expected[2 * sizeof(shop_text)];

	(void)state;
	snprintf(json, sizeof(json), "{\"services\":[%s,%s]}", shop, shop);
	snprintf(expected, sizeof(expected), "%s\n%s", shop_text, shop_text);
	assert_prints(json, false, expected);
	assert_prints("{\"services\":[]}", false, "no services\n");
}

static void test_colours(void **state)
{
	struct complaint complaint;
	char *text = NULL;

	(void)state;
	assert_int_equal(print(shop, true, &text, &complaint), 0);
	assert_memory_equal(text, "\033[1mshop\033[0m  203", 17);
	assert_non_null(strstr(text, "\033[2mVERSION ROLE"));
	assert_non_null(strstr(text, "RESETS(c/b)\033[0m\n"));
	free(text);
}

static void test_who_changed(void **state)
{
#define ENDED(state, by, reason) "{\"state\":\"" state "\",\"version\":\"v\",\"by\":\"" by "\",\"reason\":" reason "}"
	static const struct {
		const char *by, *what, *reason, *line, *rollout;
	} cases[] = {
		{ "uid 1000", "weights", "null", "\nshares set by uid 1000 at T\n\n", "null" },
		{ "token", "rollback", "\"p95\"", "\nrolled back by a token's holder at T: p95\n\n", "null" },
		{ "agent", "rollback", "null", "\nrolled back by the agent at T\n\n", "null" },
		{ "file", "start", "null", "\nset at the start by the configuration file at T\n\n", "null" },
		{ "file", "reload", "null", "\nset at a reload by the configuration file at T\n\n", "null" },
		{ "agent", "rollout", "null", "\nshares set for a rollout by the agent at T\n\n", "null" },
		/* Once is enough, but only of the same. */
		{ "kernel", "rollback", "\"p95\"",
		  "\nshares last set at T\nrollout  v rolled back by the kernel: p95\n\n",
		  ENDED("rolled_back", "kernel", "\"p95\"") },
		{ "uid 0", "rollout", "null", "\nshares last set at T\nrollout  v aborted by uid 0\n\n",
		  ENDED("aborted", "uid 0", "null") },
		{ "uid 0", "rollback", "\"p95\"",
		  "\nrolled back by uid 0 at T: p95\nrollout  v rolled back by the kernel: p95\n",
		  ENDED("rolled_back", "kernel", "\"p95\"") },
		{ "uid 0", "weights", "\"p95\"",
		  "\nshares set by uid 0 at T: p95\nrollout  v rolled back by uid 0: p95\n",
		  ENDED("rolled_back", "uid 0", "\"p95\"") },
		{ "agent", "rollout", "null",
		  "\nshares set for a rollout by the agent at T\nrollout  v completed at 0%",
		  ENDED("completed", "agent", "null") },
	};
	struct complaint complaint;
	char *text;
	char json[512];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		snprintf(json, sizeof(json),
			 "{\"name\":\"s\",\"protocol\":\"tcp\",\"forward\":\"nat\",\"generation\":1,"
			 "\"affinity\":{\"by\":\"flow\"},\"window_seconds\":0,\"listen\":[],\"versions\":[],"
			 "\"changed\":{\"by\":\"%s\",\"what\":\"%s\",\"reason\":%s,\"at\":\"T\"},\"rollout\":%s}",
			 cases[i].by, cases[i].what, cases[i].reason, cases[i].rollout);
		assert_int_equal(print(json, false, &text, &complaint), 0);
		if (!strstr(text, cases[i].line))
			fail_msg("no '%s' in '%s'", cases[i].line, text);
		free(text);
	}
}

static void test_refuses(void **state)
{
	static const struct {
		const char *json, *complaint;
	} cases[] = {
		{ "[]", "the agent's answer has no usable service: Expected object, got array" },
		{ "{}", "the agent's answer has no usable service: Object item not found: name" },
		{ "{\"services\":{}}", "the agent's answer has no list of services" },
		{ "{\"services\":[{\"name\":1}]}",
		  "the agent's answer has no usable service: Expected string, got integer" },
	};
	struct complaint complaint;
	char *text;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		assert_int_equal(print(cases[i].json, false, &text, &complaint), -EBADMSG);
		assert_string_equal(complaint.text, cases[i].complaint);
		free(text);
	}
}

/* Who is out takes the place of the weight, with the reason. */
static void test_out(void **state)
{
	char json[sizeof(shop) + 64], *text = NULL, *place;
	struct complaint complaint;

	(void)state;
	place = strstr(shop, "\"state\":\"up\"");
	assert_non_null(place);
	snprintf(json, sizeof(json), "%.*s\"state\":\"down\",\"why\":\"refused\"%s", (int)(place - shop), shop,
		 place + strlen("\"state\":\"up\""));
	assert_int_equal(print(json, false, &text, &complaint), 0);
	assert_non_null(strstr(text, "10.0.0.11:3000       stable   out: refused"));
	free(text);
}

/* A version's source has a line below the tables. */
static void test_source(void **state)
{
	char json[sizeof(shop) + 128], *text = NULL, *place;
	struct complaint complaint;

	(void)state;
	place = strstr(shop, "{\"name\":\"canary\"");
	assert_non_null(place);
	snprintf(json, sizeof(json), "%.*s{\"source\":{\"text\":\"c.internal: 2 addresses, asked 2 s ago\\u001b\"},%s",
		 (int)(place - shop), shop, place + 1);
	assert_int_equal(print(json, false, &text, &complaint), 0);
	assert_memory_equal(text, shop_text, sizeof(shop_text) - 1);
	assert_string_equal(text + sizeof(shop_text) - 1, "\ncanary from c.internal: 2 addresses, asked 2 s ago?\n");
	free(text);
}

/* A part that is missing or of another type is found wherever it is: spoil each key of the answer once. */
static void test_refuses_every_gap(void **state)
{
	static const char *const keys[] = { "generation", "changed",  "by",       "at",      "what",
					    "weight",     "role",     "opened",   "closed",  "resets",
					    "client",     "backend",  "address",  "leaving", "drained",
					    "state",      "backends", "versions", "listen" };
	char json[sizeof(shop)], quoted[32], *text, *found;
	struct complaint complaint;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(keys); i++) {
		memcpy(json, shop, sizeof(shop));
		snprintf(quoted, sizeof(quoted), "\"%s\":", keys[i]);
		found = strstr(json, quoted);
		assert_non_null(found);
		found[1] = '#';
		assert_int_equal(print(json, false, &text, &complaint), -EBADMSG);
		assert_memory_equal(complaint.text, "the agent's answer has no usable ", 33);
		free(text);
	}
}

static void test_counts(void **state)
{
	static const struct {
		unsigned long long count;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ 99999, "99999" },
		{ 100000, "100k" },
		{ 999999, "999k" },
		{ 1000000, "1.00M" },
		{ 1099999, "1.09M" },
		{ 12345678, "12.3M" },
		{ 999999999, "999M" },
		{ 1000000000, "1.00G" },
		{ 54321000000, "54.3G" },
		{ 999999999999, "999G" },
		{ 18446744073709551615ull, "18.4E" },
	};
	char text[STATUS_COUNT_LEN];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		assert_string_equal(status_count(cases[i].count, text), cases[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_service),       cmocka_unit_test(test_fits_80_columns),
		cmocka_unit_test(test_several_services),  cmocka_unit_test(test_colours),
		cmocka_unit_test(test_who_changed),       cmocka_unit_test(test_out),
		cmocka_unit_test(test_refuses),           cmocka_unit_test(test_source),
		cmocka_unit_test(test_refuses_every_gap), cmocka_unit_test(test_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
