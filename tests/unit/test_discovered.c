/* SPDX-License-Identifier: BSD-2-Clause */
/* Lists of discovered backends, and the sentence about where they stand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "discovered.h"
#include "discovered_json.h"

static struct config_backend backend(const char *text, uint16_t weight)
{
	struct config_backend made = { .weight = weight };

	assert_int_equal(endpoint_parse(text, &made.endpoint), 0);
	return made;
}

static void add(struct backend_list *list, const char *text, uint16_t weight)
{
	struct config_backend made = backend(text, weight);

	assert_int_equal(backend_list_add(list, &made), 0);
}

static struct backend_list two(const char *one, const char *other)
{
	struct backend_list list = { .items = NULL };

	add(&list, one, 1);
	add(&list, other, 1);
	backend_list_settle(&list, SERIN_FORWARD_NAT);
	return list;
}

static void check_item(const struct backend_list *list, size_t i, const char *text, uint16_t weight)
{
	char found[ADDRESS_TEXT_LEN];

	assert_true(i < list->count);
	assert_string_equal(endpoint_format(&list->items[i].endpoint.addr, list->items[i].endpoint.port, found), text);
	assert_int_equal(list->items[i].weight, weight);
}

static void test_sorted_without_doubles(void **state)
{
	struct backend_list list = { .items = NULL };

	(void)state;
	add(&list, "10.0.0.9:80", 1);
	add(&list, "[2001:db8::1]:80", 4);
	add(&list, "10.0.0.10:443", 2);
	add(&list, "10.0.0.10:80", 3);
	add(&list, "10.0.0.9:80", 5);
	add(&list, "10.0.0.10:80", 999);
	backend_list_settle(&list, SERIN_FORWARD_NAT);
	assert_int_equal(list.count, 4);
	check_item(&list, 0, "10.0.0.9:80", 6);
	check_item(&list, 1, "10.0.0.10:80", 1000);
	check_item(&list, 2, "10.0.0.10:443", 2);
	check_item(&list, 3, "[2001:db8::1]:80", 4);
	backend_list_settle(&list, SERIN_FORWARD_IPIP);
	assert_int_equal(list.count, 3);
	check_item(&list, 1, "10.0.0.10:80", 1000);
	backend_list_clear(&list);
	backend_list_settle(&list, SERIN_FORWARD_NAT);
	assert_int_equal(list.count, 0);
}

static void test_full(void **state)
{
	struct backend_list list = { .items = NULL };
	struct config_backend one = backend("10.0.0.1:1", 1);

	(void)state;
	for (unsigned int i = BACKEND_LIST_MAX; i > 0; i--) {
		one.endpoint.port = htons((uint16_t)i);
		assert_int_equal(backend_list_add(&list, &one), 0);
	}
	assert_int_equal(backend_list_add(&list, &one), -E2BIG);
	backend_list_settle(&list, SERIN_FORWARD_NAT);
	assert_int_equal(list.count, BACKEND_LIST_MAX);
	for (unsigned int i = 0; i < BACKEND_LIST_MAX; i++)
		assert_int_equal(ntohs(list.items[i].endpoint.port), i + 1);
	backend_list_clear(&list);
}

static void check_text(const struct discovered *discovered, int64_t now_ms, const char *expected)
{
	char text[DISCOVERED_TEXT_LEN];

	assert_string_equal(discovered_describe(discovered, 0, now_ms, text), expected);
}

static void test_name(void **state)
{
	struct discovered name = { .source = DISCOVERED_BY_DNS, .subject = "canary.shop.internal" };
	struct backend_list list = two("10.0.0.2:80", "10.0.0.1:80"), same = two("10.0.0.1:80", "10.0.0.2:80");
	struct backend_list other = two("10.0.0.1:80", "10.0.0.3:80");

	(void)state;
	check_text(&name, 0, "canary.shop.internal: no answer yet");
	assert_true(discovered_refuse(&name, "NXDOMAIN", 1000));
	check_text(&name, 4999, "canary.shop.internal: NXDOMAIN for 3 s: has given no addresses yet");
	assert_true(discovered_take(&name, &list, "", 5000));
	assert_null(list.items);
	assert_int_equal(name.changes, 1);
	check_text(&name, 7000, "canary.shop.internal: 2 addresses, asked 2 s ago");
	assert_false(discovered_take(&name, &same, "", 8000));
	check_text(&name, 8000, "canary.shop.internal: 2 addresses, asked 0 s ago");
	assert_true(discovered_refuse(&name, "no answer", 10000));
	assert_false(discovered_refuse(&name, "no answer", 20000));
	check_text(&name, 40000, "canary.shop.internal: no answer for 30 s: keeps the last 2 addresses");
	check_text(&name, 10000 + 3 * 60000, "canary.shop.internal: no answer for 3 min: keeps the last 2 addresses");
	check_text(&name, 10000 + 3 * 3600000, "canary.shop.internal: no answer for 3 h: keeps the last 2 addresses");
	assert_true(discovered_refuse(&name, "NXDOMAIN", 50000));
	check_text(&name, 51000, "canary.shop.internal: NXDOMAIN for 1 s: keeps the last 2 addresses");
	assert_int_equal(name.changes, 1);
	check_item(&name.list, 1, "10.0.0.2:80", 1);
	same = two("10.0.0.1:80", "10.0.0.2:80");
	assert_true(discovered_take(&name, &same, "", 60000)); /* the trouble is over: that is news too */
	assert_int_equal(name.changes, 1);
	assert_true(discovered_take(&name, &other, "AAAA: no answer", 61000));
	assert_int_equal(name.changes, 2);
	check_text(&name, 61000, "canary.shop.internal: 2 addresses, asked 0 s ago; AAAA: no answer");
	discovered_clear(&name);
}

static void test_file(void **state)
{
	struct discovered file = { .source = DISCOVERED_IN_FILE, .subject = "/etc/serin/canary.json" };
	struct backend_list list = { .items = NULL };

	(void)state;
	add(&list, "10.0.0.1:80", 1);
	assert_true(discovered_take(&file, &list, "", 0));
	check_text(&file, 1000, "/etc/serin/canary.json: 1 address, read 1 s ago");
	assert_true(discovered_refuse(&file, "/etc/serin/canary.json:1:1: an empty list, expected some", 2000));
	check_text(&file, 12000,
		   "/etc/serin/canary.json:1:1: an empty list, expected some (for 10 s): keeps the last 1 address");
	discovered_clear(&file);
}

/* A restart while the DNS is away: the tables' backends take the clients. */
static void test_running_are_kept(void **state)
{
	struct discovered name = { .source = DISCOVERED_BY_DNS, .subject = "canary.shop.internal" };
	struct backend_list list = two("10.0.0.1:80", "10.0.0.2:80");
	char text[DISCOVERED_TEXT_LEN];

	(void)state;
	assert_true(discovered_refuse(&name, "no answer", 0));
	assert_string_equal(
		discovered_describe(&name, 1, 3000, text),
		"canary.shop.internal: no answer for 3 s: has given no addresses yet, the running 1 backend "
		"is kept");
	assert_string_equal(discovered_describe(&name, 4096, 3000, text),
			    "canary.shop.internal: no answer for 3 s: has given no addresses yet, the running 4096 "
			    "backends are kept");
	assert_true(discovered_take(&name, &list, "", 5000));
	assert_true(discovered_refuse(&name, "no answer", 6000));
	assert_string_equal(discovered_describe(&name, 7, 6000, text),
			    "canary.shop.internal: no answer for 0 s: keeps the last 2 addresses");
	discovered_clear(&name);
}

static void check_json(const struct discovered *discovered, const char *expected)
{
	json_t *found = discovered_to_json(discovered, 4, 3000), *wanted = json_loads(expected, JSON_DECODE_ANY, NULL);

	assert_non_null(wanted);
	assert_true(json_equal(found, wanted));
	json_decref(found);
	json_decref(wanted);
}

static void test_json(void **state)
{
	struct discovered name = { .source = DISCOVERED_BY_DNS, .subject = "c.internal" };
	struct discovered file = { .source = DISCOVERED_IN_FILE, .subject = "/c.json" };
	struct backend_list list = two("10.0.0.1:80", "10.0.0.2:80");

	(void)state;
	check_json(NULL, "null");
	discovered_refuse(&file, "/c.json:1:1: the file is empty, expected some", 2000);
	check_json(&file,
		   "{\"kind\":\"file\",\"name\":\"/c.json\",\"addresses\":0,\"age_seconds\":null,\"ok\":false,"
		   "\"text\":\"/c.json:1:1: the file is empty, expected some (for 1 s): has given no addresses yet, "
		   "the running 4 backends are kept\"}");
	discovered_take(&name, &list, "", 1500);
	check_json(&name, "{\"kind\":\"dns\",\"name\":\"c.internal\",\"addresses\":2,\"age_seconds\":1.5,\"ok\":true,"
			  "\"text\":\"c.internal: 2 addresses, asked 1 s ago\"}");
	discovered_refuse(&name, "NXDOMAIN", 2000);
	check_json(&name, "{\"kind\":\"dns\",\"name\":\"c.internal\",\"addresses\":2,\"age_seconds\":1.5,\"ok\":false,"
			  "\"text\":\"c.internal: NXDOMAIN for 1 s: keeps the last 2 addresses\"}");
	discovered_clear(&name);
}

/* A trouble that is longer than there is room for is one and the same the next time. */
static void test_long_trouble(void **state)
{
	struct discovered name = { .source = DISCOVERED_BY_DNS, .subject = "x" };
	char trouble[2000], text[DISCOVERED_TEXT_LEN];

	(void)state;
	memset(trouble, 'x', sizeof(trouble));
	trouble[sizeof(trouble) - 1] = '\0';
	assert_true(discovered_refuse(&name, trouble, 0));
	assert_false(discovered_refuse(&name, trouble, 1000));
	discovered_describe(&name, 0, 2000, text);
	assert_non_null(strstr(text, "x for 2 s: has given no addresses yet"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sorted_without_doubles),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_name),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_running_are_kept),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_long_trouble),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
