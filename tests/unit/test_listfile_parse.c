/* SPDX-License-Identifier: BSD-2-Clause */
/* Every mistake that a list of backends in JSON can hold, and the whole complaint about it; then what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "listfile_parse.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LIST "expected a list of 1 to 1024 backends such as [\"10.0.0.11:3000\"]"
#define BACKEND "expected ADDR:PORT such as 10.0.0.11:3000 or [2001:db8::11]:3000"
#define UNICAST "expected a unicast address that packets can be forwarded to"
#define FAMILY "serin does not translate between IPv4 and IPv6, expected one service per family"
#define JSON "expected valid JSON"

static const struct backend_form nat4 = { SERIN_FORWARD_NAT, true, false };
static const struct backend_form nat6 = { SERIN_FORWARD_NAT, false, true };
static const struct backend_form local = { SERIN_FORWARD_LOCAL, true, true };
static const struct backend_form ipip = { SERIN_FORWARD_IPIP, true, true };

struct mistake {
	const char *text;
	const char *complaint; /* behind "f.json:" */
};

static void check_mistake(const struct backend_form *form, const struct mistake *mistake)
{
	struct config_backend *const untouched = (struct config_backend *)mistake;
	struct backend_list list = { untouched, 77 };
	struct complaint complaint = { "" };
	char expected[sizeof(complaint.text)];

	if (listfile_parse("f.json", mistake->text, strlen(mistake->text), form, &list, &complaint) != -EINVAL)
		fail_msg("not refused, expected '%s' in:\n%s", mistake->complaint, mistake->text);
	snprintf(expected, sizeof(expected), "f.json:%s", mistake->complaint);
	assert_string_equal(complaint.text, expected);
	assert_ptr_equal(list.items, untouched);
	assert_int_equal(list.count, 77);
}

static void test_mistakes(void **state)
{
	static const struct mistake mistakes[] = {
		{ "", "1:1: the file is empty, " LIST },
		{ " \n\t\r\n ", "1:1: the file is empty, " LIST },
		{ "[]", "1:1: an empty list, " LIST },
		{ "\n  [\n]\n", "2:3: an empty list, " LIST },
		{ "{}", "1:1: an object, " LIST },
		{ " 5", "1:2: a number, " LIST },
		{ "\"10.0.0.1:80\"", "1:1: a text, " LIST },
		{ "null", "1:1: null, " LIST },
		{ "true", "1:1: a truth value, " LIST },
		{ "[5]", "1:2: a number for a backend address, " BACKEND },
		{ "[null]", "1:2: null for a backend address, " BACKEND },
		{ "[[\"10.0.0.1:80\"]]", "1:2: a list for a backend address, " BACKEND },
		{ "[\"10.0.0.1\"]", "1:2: invalid backend address '10.0.0.1', " BACKEND },
		{ "[\"10.0.0.1:80\",\n \"10.0.0.1:0\"]", "2:2: invalid backend address '10.0.0.1:0', " BACKEND },
		{ "[\"10.0.0.1:80\",\n\n\t\"web.test:80\"]", "3:2: invalid backend address 'web.test:80', " BACKEND },
		{ "[\"10.0.0.1:80\", {\"address\": \"10.0.0.2:80\", \"weight\": 2}, \"x\"]",
		  "1:58: invalid backend address 'x', " BACKEND },
		{ "[\"10.0.0.1:80\", {\"weight\": 2, \"address\": \"[]{},\\\"\"}]",
		  "1:17: invalid backend address '[]{},\"', " BACKEND },
		{ "[{\"address\": \"10.0.0.1:80\", \"weight\": -1}]",
		  "1:2: invalid backend weight, expected a whole number from 0 to 1000" },
		{ "[{\"address\": \"10.0.0.1:80\", \"weight\": 1001}]",
		  "1:2: invalid backend weight, expected a whole number from 0 to 1000" },
		{ "[{\"address\": \"10.0.0.1:80\", \"weight\": 1.0}]",
		  "1:2: invalid backend weight, expected a whole number from 0 to 1000" },
		{ "[{\"address\": \"10.0.0.1:80\", \"weight\": null}]",
		  "1:2: invalid backend weight, expected a whole number from 0 to 1000" },
		{ "[{\"address\": 7}]", "1:2: a number for a backend address, " BACKEND },
		{ "[{}]", "1:2: missing key 'address' in a backend, " BACKEND },
		{ "[{\"address\": \"10.0.0.1:80\", \"wieght\": 1}]",
		  "1:2: unknown key 'wieght' in a backend, expected one of: address, weight" },
		{ "[\"10.0.0.1:80\",\n \"10.0.0.2:80\",\n \"10.0.0.1:80\"]",
		  "3:2: backend '10.0.0.1:80' again (first on line 1), expected it once" },
		{ "[\"127.0.0.1:80\"]", "1:2: the loopback address '127.0.0.1', " UNICAST },
		{ "[\"224.0.0.1:80\"]", "1:2: the multicast address '224.0.0.1', " UNICAST },
		{ "[\"[2001:db8::1]:80\"]", "1:2: backend '2001:db8::1' in a service that listens on IPv4: " FAMILY },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(mistakes); i++)
		check_mistake(&nat4, &mistakes[i]);
}

static void test_mistakes_in_ipv6(void **state)
{
	static const struct mistake mistakes[] = {
		{ "[\"[fe80::1]:80\"]", "1:2: the link-local address 'fe80::1', " UNICAST },
		{ "[\"10.0.0.1:80\"]", "1:2: backend '10.0.0.1' in a service that listens on IPv6: " FAMILY },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(mistakes); i++)
		check_mistake(&nat6, &mistakes[i]);
}

static void test_mistakes_of_local_ports(void **state)
{
	static const struct mistake mistakes[] = {
		{ "[\"10.0.0.1:80\"]",
		  "1:2: invalid backend address '10.0.0.1:80', expected a port of this host such as 3001 "
		  "(forward: local)" },
		{ "[70000]",
		  "1:2: invalid backend address '70000', expected a port of this host such as 3001 (forward: local)" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(mistakes); i++)
		check_mistake(&local, &mistakes[i]);
}

static void test_mistakes_of_one_way(void **state)
{
	static const struct mistake mistakes[] = {
		{ "[\"10.0.0.1:80\",\n \"10.0.0.1:81\"]",
		  "2:2: backend '10.0.0.1:81' again (first on line 1), expected it once" },
		{ "[\"10.0.0.1:x\"]",
		  "1:2: invalid backend address '10.0.0.1:x', expected ADDR or ADDR:PORT such as 10.0.0.11 or "
		  "[2001:db8::11]:80 (its port is not rewritten)" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(mistakes); i++)
		check_mistake(&ipip, &mistakes[i]);
}

/* The words are jansson's; the places are those of the words. */
static void test_no_json(void **state)
{
	static const struct mistake mistakes[] = {
		{ "[\"10.0.0.1:80\" \"10.0.0.2:80\"]", "1:16: ']' expected near '\"10.0.0.2:80\"', " JSON },
		{ "[\n\"10.0.0.1:80\",\n]", "3:1: unexpected token near ']', " JSON },
		{ "[\"10.0.0.1:80\"", "1:15: ']' expected near end of file, " JSON },
		{ "[\"10.0.0.1:80", "1:2: premature end of input near '\"10.0.0.1:80', " JSON },
		{ "[\"10.0.0.1:80\"] x", "1:17: end of file expected near 'x', " JSON },
		{ "- 10.0.0.1:80\n", "1:1: invalid token near '-', " JSON },
		{ "# none\n", "1:1: invalid token near '#', " JSON },
		{ "[{\"address\": \"10.0.0.1:80\", \"address\": \"10.0.0.2:80\"}]",
		  "1:29: duplicate object key near '\"address\"', " JSON },
		{ "[\"\xff\"]", "1:2: unable to decode byte 0xff near '\"', " JSON },
		{ "[\"a\\u0000b\"]", "1:2: \\u0000 is not allowed without JSON_ALLOW_NUL near '\"a\\u0000b\"', " JSON },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(mistakes); i++)
		check_mistake(&nat4, &mistakes[i]);
}

static struct backend_list parse(const char *text, const struct backend_form *form)
{
	struct backend_list list = { .items = NULL };
	struct complaint complaint = { "" };

	if (listfile_parse("f.json", text, strlen(text), form, &list, &complaint))
		fail_msg("%s", complaint.text);
	return list;
}

static void check_item(const struct backend_list *list, size_t i, const char *text, uint16_t weight)
{
	char found[ADDRESS_TEXT_LEN];

	assert_true(i < list->count);
	assert_string_equal(backend_format(&list->items[i].endpoint.addr, list->items[i].endpoint.port, found), text);
	assert_int_equal(list->items[i].weight, weight);
	assert_int_equal(list->items[i].place.line, 0);
}

static void test_good(void **state)
{
	struct backend_list list;

	(void)state;
	list = parse(" [\"10.0.0.2:80\",{\"weight\":0,\"address\":\"10.0.0.1:80\"},{\"address\":\"10.0.0.1:79\"}]\n",
		     &nat4);
	assert_int_equal(list.count, 3);
	check_item(&list, 0, "10.0.0.1:79", 1);
	check_item(&list, 1, "10.0.0.1:80", 0);
	check_item(&list, 2, "10.0.0.2:80", 1);
	backend_list_clear(&list);
	list = parse("[\"[2001:db8::1]:80\"]", &nat6);
	check_item(&list, 0, "[2001:db8::1]:80", 1);
	backend_list_clear(&list);
	list = parse("[3002, \"3001\", {\"address\": 3000, \"weight\": 1000}]", &local);
	assert_int_equal(list.count, 3);
	check_item(&list, 0, ":3000", 1000);
	check_item(&list, 2, ":3002", 1);
	backend_list_clear(&list);
	list = parse("[\"2001:db8::1\", \"10.0.0.1\", \"10.0.0.2:80\"]", &ipip);
	assert_int_equal(list.count, 3);
	check_item(&list, 0, "10.0.0.1", 1);
	check_item(&list, 1, "10.0.0.2:80", 1);
	check_item(&list, 2, "2001:db8::1", 1);
	backend_list_clear(&list);
}

/* `count` entries, one on each line. */
static char *make_text(unsigned int count)
{
	char *text, *at;

	text = malloc(64 + (size_t)count * 64);
	assert_non_null(text);
	at = text + sprintf(text, "[\n");
	for (unsigned int i = 0; i < count; i++)
		at += sprintf(at, "{\"address\": \"10.0.%u.%u:80\"}%s\n", i / 250, i % 250 + 1,
			      i + 1 < count ? "," : "");
	sprintf(at, "]\n");
	return text;
}

static void test_limit(void **state)
{
	char *most = make_text(1024), *more = make_text(1025);
	const struct mistake mistake = { more, "1026:1: more than 1024 backends, expected up to that" };
	struct backend_list list = parse(most, &nat4);

	(void)state;
	assert_int_equal(list.count, 1024);
	check_item(&list, 1023, "10.0.4.24:80", 1);
	check_mistake(&nat4, &mistake);
	backend_list_clear(&list);
	free(most);
	free(more);
}

/* Every beginning of a good file is a bad one, and any byte of it may be any other: nothing of that may do more than be
 * refused (the sanitizers are looking on). */
static void test_damaged(void **state)
{
	static const char good[] = "[\"10.0.0.1:80\", {\"address\": \"10.0.0.2:80\", \"weight\": 2}]";
	struct backend_list list = { .items = NULL };
	struct complaint complaint;
	char text[sizeof(good)];

	(void)state;
	for (size_t length = 0; length + 1 < sizeof(good) - 1; length++)
		assert_int_equal(listfile_parse("f.json", good, length, &nat4, &list, &complaint), -EINVAL);
	for (size_t i = 0; i + 1 < sizeof(good); i++) {
		for (int byte = 0; byte < 256; byte++) {
			memcpy(text, good, sizeof(good));
			text[i] = (char)byte;
			if (!listfile_parse("f.json", text, sizeof(text) - 1, &nat4, &list, &complaint))
				backend_list_clear(&list);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_mistakes_in_ipv6),
		cmocka_unit_test(test_mistakes_of_local_ports),
		cmocka_unit_test(test_mistakes_of_one_way),
		cmocka_unit_test(test_no_json),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
