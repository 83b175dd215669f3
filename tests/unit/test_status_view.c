/* SPDX-License-Identifier: BSD-2-Clause */
/* The live view on given answers: the whole text, how it is cut, and what unknown figures look like. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "status_backends.h"
#include "status_view.h"
#include "status_view_private.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define STABLE                                                                                                    \
	"{\"name\":\"stable\",\"role\":\"baseline\",\"weight\":9500,\"measured\":0.949,\"measured_low\":0.941,"   \
	"\"measured_high\":0.956,\"opened_per_second\":12.0,\"active\":120,\"incident_clients\":3,"               \
	"\"window\":{\"seconds\":42.0,\"requests_per_second\":112.44,\"connections_per_second\":12.0,"            \
	"\"failed\":10,\"of\":5000,\"failure_ratio\":0.002,\"failures_per_second\":{\"refused\":0,\"timeout\":0," \
	"\"reset\":0.119047619,\"unanswered\":0,\"unreachable\":0,\"http_5xx\":0.119047619},"                     \
	"\"response\":{\"p50\":0.00125,\"p95\":0.0123,\"p99\":0.25,\"samples\":4990},"                            \
	"\"handshake\":{\"p50\":0.0001,\"p95\":0.00085,\"p99\":0.001,\"samples\":500}}}"
#define CANARY                                                                                                   \
	"{\"name\":\"canary\",\"role\":\"trial\",\"weight\":500,\"measured\":0.051,\"measured_low\":0.044,"      \
	"\"measured_high\":0.059,\"opened_per_second\":0.6,\"active\":12345,\"incident_clients\":17,"            \
	"\"window\":{\"seconds\":42.0,\"requests_per_second\":5.9,\"connections_per_second\":0.6,\"failed\":30," \
	"\"of\":250,\"failure_ratio\":0.12,\"failures_per_second\":{\"refused\":0,\"timeout\":0,\"reset\":0.0,"  \
	"\"unanswered\":0,\"unreachable\":0,\"http_5xx\":0.714285714},"                                          \
	"\"response\":{\"p50\":0.0525,\"p95\":1.5,\"p99\":12.25,\"samples\":240},\"handshake\":null}}"
/* Of an agent that knows none of the new figures */
#define OLD(name)                                                                                         \
	"{\"name\":\"" name "\",\"role\":\"trial\",\"weight\":0,\"measured\":null,\"measured_low\":null," \
	"\"measured_high\":null,\"opened_per_second\":0.0}"
#define SERVICE(name, versions)                                            \
	"{\"name\":\"" name "\",\"generation\":7,\"window_seconds\":42.0," \
	"\"listen\":[\"203.0.113.10:80/tcp\",\"[2001:db8::10]:80/tcp\"],\"versions\":[" versions "]}"
#define EVENT(kind, text)                                                                        \
	"{\"id\":1,\"time\":\"2026-11-23T13:00:00.200Z\",\"kind\":\"" kind "\",\"text\":\"" text \
	"\",\"by\":\"uid 0\",\"reason\":\"looks good\"}"

static const char events[] =
	"{\"events\":[" EVENT("weight", "shop set: now stable 95%, canary 5%, before stable 100%") "]}";

static int print(const char *json, const char *more, const struct status_view *view, char **ret,
		 struct complaint *complaint)
{
	json_error_t where;
	json_t *answer = json_loads(json, 0, &where), *list = more ? json_loads(more, 0, NULL) : NULL;
	size_t size;
	FILE *out = open_memstream(ret, &size);
	int error;

	if (!answer || (more && !list))
		fail_msg("the test's own JSON: %s at %d", where.text, where.position);
	error = status_view_print(out, answer, list, view, complaint);
	fclose(out);
	json_decref(answer);
	json_decref(list);
	return error;
}

static void assert_prints(const char *json, const char *more, const struct status_view *view, const char *expected)
{
	struct complaint complaint;
	char *text;

	assert_int_equal(print(json, more, view, &text, &complaint), 0);
	assert_string_equal(text, expected);
	free(text);
}

static void test_side_by_side(void **state)
{
	const struct status_view view = { .columns = 79 };

	(void)state;
	assert_prints(SERVICE("shop", STABLE "," CANARY), events, &view,
		      "shop  203.0.113.10:80/tcp, [2001:db8::10]:80/tcp  generation 7, last 42 s\n"
		      "                      stable       canary\n"
		      "role                baseline        trial\n"
		      "share set                95%           5%\n"
		      "  measured             94.9%         5.1%\n"
		      "  95% interval    94.1-95.6%     4.4-5.9%\n"
		      "requests/s               112          5.9\n"
		      "connections/s           12.0          0.6\n"
		      "failed                 0.20%       12.00%\n"
		      "  reset                0.10%           0%\n"
		      "  5xx                  0.10%       12.00%\n"
		      "answer p50            1.25ms       52.5ms\n"
		      "  p95                 12.3ms        1.50s\n"
		      "  p99                  250ms        12.2s\n"
		      "handshake p95          850us            -\n"
		      "active flows             120        12345\n"
		      "clients failed             3           17\n"
		      "\n"
		      "13:00:00  weight     shop set: now stable 95%, canary 5%, before stable 100%, b\n");
}

#define MEMBER(address, more) "{\"address\":\"" address "\",\"leaving\":false," more "}"

/* Below the figures of one service: who is out and why, and where backends come from. */
static void test_who_is_out(void **state)
{
	static const char json[] =
		"{\"name\":\"shop\",\"generation\":7,\"window_seconds\":42.0,\"listen\":[],\"versions\":["
		"{\"backends\":[" MEMBER("10.0.0.11:3000", "\"drained\":false,\"state\":\"up\"") "," MEMBER(
			"10.0.0.12:3000",
			"\"drained\":false,\"state\":\"down\",\"why\":\"refused\"") "," MEMBER("10.0.0.13:3000",
											       "\"drained\":true,"
											       "\"state\":"
											       "\"drained\"") "],"
													      "\"source\":null,\"name\":\"stable\",\"role\":\"baseline\",\"weight\":10000},"
													      "{\"backends\":[{\"address\":\"10.0.0.21:3000\",\"leaving\":true,\"state\":\"up\"}],\"source\":"
													      "{\"text\":\"canary.shop.internal: NXDOMAIN for 3 s: keeps the last 2 addresses\"},"
													      "\"name\":\"canary\",\"role\":\"trial\",\"weight\":0}]}";
	const struct status_view view = { .columns = 79 };
	struct complaint complaint;
	const char *below;
	char *text;

	(void)state;
	assert_int_equal(print(json, NULL, &view, &text, &complaint), 0);
	below = strstr(text, "clients failed");
	assert_non_null(below);
	below = strchr(below, '\n');
	assert_string_equal(below, "\n"
				   "stable  10.0.0.12:3000  out: refused\n"
				   "stable  10.0.0.13:3000  drained\n"
				   "canary from canary.shop.internal: NXDOMAIN for 3 s: keeps the last 2 addresses\n");
	free(text);
}

/* Where backends are not listed they are counted; a dead rack does not fill the screen. */
static void test_how_many_are_out(void **state)
{
	const struct status_view view = { .columns = 79 };
	char json[2048] = "[{\"name\":\"stable\",\"backends\":[", *text;
	json_t *versions;
	size_t size;
	FILE *out;

	(void)state;
	for (int i = 0; i < 8; i++)
		snprintf(json + strlen(json), sizeof(json) - strlen(json),
			 "%s{\"address\":\"s%d\",\"state\":\"trying\"}", i ? "," : "", i);
	snprintf(json + strlen(json), sizeof(json) - strlen(json), "]}]");
	versions = json_loads(json, 0, NULL);
	out = open_memstream(&text, &size);
	status_print_out(out, NULL, versions);
	fclose(out);
	assert_string_equal(text,
			    "stable  s0  out\nstable  s1  out\nstable  s2  out\nstable  s3  out\nstable  s4  out\n"
			    "stable  and 3 more\n");
	free(text);
	json_decref(versions);
	assert_prints("{\"services\":[" SERVICE(
			      "shop",
			      "{\"name\":\"blue\",\"role\":\"trial\",\"weight\":0,\"live\":{\"of\":4,"
			      "\"serving\":2}}") "," SERVICE("tea",
							     "{\"name\":\"green\",\"role\":\"trial\","
							     "\"weight\":0,\"live\":{\"of\":1,\"serving\":1}}") "]}",
		      NULL, &view,
		      "SERVICE VERSION SHARE MEASURED REQ/S CONN/S FAILED P50 P95 P99\n"
		      "shop    blue       0%        -     -      -      -   -   -   -\n"
		      "tea     green      0%        -     -      -      -   -   -   -\n"
		      "shop blue  2 of 4 backends get no clients\n");
}

static void test_unknown_figures(void **state)
{
	const struct status_view view = { .columns = 79 };

	(void)state;
	assert_prints("{\"services\":[" SERVICE("shop", OLD("a-name-that-is-long")) "]}", NULL, &view,
		      "shop  203.0.113.10:80/tcp, [2001:db8::10]:80/tcp  generation 7, last 42 s\n"
		      "                 a-name-tha~\n"
		      "role                   trial\n"
		      "share set                 0%\n"
		      "  measured                 -\n"
		      "  95% interval             -\n"
		      "requests/s                 -\n"
		      "connections/s            0.0\n"
		      "failed                     -\n"
		      "answer p50                 -\n"
		      "  p95                      -\n"
		      "  p99                      -\n"
		      "handshake p95              -\n"
		      "active flows               -\n"
		      "clients failed             -\n");
}

static void test_several_services(void **state)
{
	const struct status_view view = { .columns = 79 };

	(void)state;
	assert_prints("{\"services\":[" SERVICE("a-service-of-a-shop", STABLE "," CANARY) "," SERVICE("b",
												      OLD("blue")) "]}",
		      NULL, &view,
		      "SERVICE      VERSION SHARE MEASURED REQ/S CONN/S FAILED    P50    P95   P99\n"
		      "a-service-o~ stable    95%    94.9%   112   12.0  0.20% 1.25ms 12.3ms 250ms\n"
		      "             canary     5%     5.1%   5.9    0.6 12.00% 52.5ms  1.50s 12.2s\n"
		      "b            blue       0%        -     -    0.0      -      -      -     -\n");
	assert_prints("{\"services\":[]}", NULL, &view, "no services\n");
}

/* At every width and height: no line longer, no line more; and sequences do not count. */
static void test_never_larger_than_the_terminal(void **state)
{
	static const char eight[] = SERVICE("shop", STABLE "," CANARY "," OLD("c") "," OLD("d") "," OLD("e") "," OLD(
							    "f") "," OLD("g") "," OLD("h"));
	struct complaint complaint;
	char *text;

	(void)state;
	for (unsigned int columns = 20; columns <= 200; columns++) {
		for (unsigned int rows = 1; rows <= 120; rows += 7) {
			const struct status_view view = { columns, rows, .colours = columns % 2 };
			unsigned int lines = 0, used = 0;
			bool sequence = false;

			assert_int_equal(print(eight, events, &view, &text, &complaint), 0);
			for (const char *c = text; *c; c++) {
				sequence |= *c == '\033';
				used += !sequence && *c != '\n';
				sequence &= *c != 'm';
				assert_in_range(used, 0,
						columns < 45 ? 45 : columns); /* the note on rows is never cut */
				if (*c == '\n') {
					lines++;
					used = 0;
				}
			}
			assert_in_range(lines, 1, rows);
			free(text);
		}
	}
}

static void test_eight_versions_at_80_columns(void **state)
{
	static const char eight[] = SERVICE("shop", STABLE "," CANARY "," OLD("c") "," OLD("d") "," OLD("e") "," OLD(
							    "f") "," OLD("g") "," OLD("h"));
	const struct status_view view = { .columns = 79 };
	struct complaint complaint;
	char *text;

	(void)state;
	assert_int_equal(print(eight, NULL, &view, &text, &complaint), 0);
	assert_non_null(strstr(text, "\n                      stable       canary            c            d\n"));
	assert_non_null(strstr(text, "\n\n                           e            f            g            h\n"));
	free(text);
}

/* Red is what is worse than the baseline beyond chance, and nothing else. */
static void test_colours(void **state)
{
	const struct status_view view = { .columns = 79, .colours = true };
	struct complaint complaint;
	char *text;

	(void)state;
	assert_int_equal(print(SERVICE("shop", STABLE "," CANARY), events, &view, &text, &complaint), 0);
	assert_memory_equal(text, "\033[1mshop\033[0m  203", 17);
	assert_non_null(strstr(text, "failed         \033[0m        0.20%       \033[31m12.00%\033[0m\n"));
	assert_non_null(strstr(text, "       \033[1mcanary\033[0m\n"));
	assert_ptr_equal(strstr(text, "\033[31m"), strstr(text, "\033[31m12.00%"));
	free(text);
}

static void test_worse(void **state)
{
	static const struct {
		double failed, of, baseline;
		bool is_worse;
	} cases[] = {
		{ 30, 250, 0.002, true }, { 1, 250, 0.002, false }, { 0, 0, 0, false },
		{ 0, 100, 0, false },     { 1, 100, 0, true },      { NAN, 100, 0, false },
		{ 5, NAN, 0, false },     { 200, 100, 0, false },   { 50, 100, NAN, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct view_version version = { .failed = cases[i].failed, .of = cases[i].of };

		assert_int_equal(view_is_worse(&version, cases[i].baseline), cases[i].is_worse);
	}
}

static void test_texts(void **state)
{
	static const struct {
		double seconds;
		const char *text;
	} times[] = {
		{ 0, "0us" },          { 0.0000014, "1us" }, { 0.0009994, "999us" }, { 0.0009996, "1.00ms" },
		{ 0.00999, "9.99ms" }, { 0.0456, "45.6ms" }, { 0.99949, "999ms" },   { 0.9996, "1.00s" },
		{ 123.4, "123s" },     { NAN, "-" },
	};
	static const struct {
		double ratio;
		const char *text;
	} shares[] = {
		{ 0, "0%" }, { 0.00001, "<0.01%" }, { 0.0001, "0.01%" }, { 0.5, "50.00%" }, { 1, "100%" }, { NAN, "-" },
	};
	char text[VIEW_TEXT_LEN];

	(void)state;
	for (size_t i = 0; i < COUNT(times); i++)
		assert_string_equal(view_time(times[i].seconds, text), times[i].text);
	for (size_t i = 0; i < COUNT(shares); i++)
		assert_string_equal(view_share(shares[i].ratio, text), shares[i].text);
	assert_string_equal(view_rate(99.94, text), "99.9");
	assert_string_equal(view_rate(1234567, text), "1.23M");
}

static void test_refuses(void **state)
{
	static const char *const answers[] = {
		"[]",
		"{}",
		"{\"services\":{}}",
		"{\"services\":[{},{}]}",
		"{\"services\":[{\"name\":1}]}",
		SERVICE("shop", "{\"name\":\"x\"}"),
		SERVICE("shop", "1"),
	};
	const struct status_view view = { .columns = 79 };
	struct complaint complaint;
	char *text;

	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		assert_int_equal(print(answers[i], NULL, &view, &text, &complaint), -EBADMSG);
		assert_memory_equal(complaint.text, "the agent's answer has no ", 26);
		assert_string_equal(text, "");
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_side_by_side),
		cmocka_unit_test(test_who_is_out),
		cmocka_unit_test(test_how_many_are_out),
		cmocka_unit_test(test_unknown_figures),
		cmocka_unit_test(test_several_services),
		cmocka_unit_test(test_never_larger_than_the_terminal),
		cmocka_unit_test(test_eight_versions_at_80_columns),
		cmocka_unit_test(test_colours),
		cmocka_unit_test(test_worse),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
