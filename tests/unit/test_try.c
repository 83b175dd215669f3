/* SPDX-License-Identifier: BSD-2-Clause */
/* serin try: its arguments and the exact complaint about each wrong one, the configuration that they make, the addresses
 * that it takes, and what it shows, within the columns that there are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "try.h"
#include "try_host.h"
#include "screen.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MAX_WORDS 12

static int parse(const char *const *words, struct try_split *ret, struct complaint *complaint)
{
	char *arguments[MAX_WORDS];
	int count = 0;

	for (; words[count]; count++)
		arguments[count] = (char *)words[count];
	return try_parse(arguments, count, IPPROTO_TCP, ret, complaint);
}

static struct try_split parsed(const char *const *words)
{
	struct complaint complaint = { "" };
	struct try_split split;

	if (parse(words, &split, &complaint))
		fail_msg("%s", complaint.text);
	return split;
}

static void test_stable_is_the_baseline(void **state)
{
	static const char *const words[] = { "8080", "canary=3002@10%", "stable=3001", "b-2=3003@0.25%", NULL };
	struct try_split split = parsed(words);

	(void)state;
	assert_int_equal(split.port, 8080);
	assert_int_equal(split.protocol, IPPROTO_TCP);
	assert_int_equal(split.count, 3);
	assert_int_equal(split.baseline, 1);
	assert_string_equal(split.versions[0].name, "canary");
	assert_int_equal(split.versions[0].port, 3002);
	assert_int_equal(split.versions[0].weight, 1000);
	assert_int_equal(split.versions[1].weight, 8975);
	assert_int_equal(split.versions[2].weight, 25);
}

static void test_else_the_first(void **state)
{
	static const char *const words[] = { "65535", "old=1", "new=65535", NULL };
	static const char *const whole[] = { "80", "a=1@0%", "b=2@40%", "c=3@60%", NULL };
	struct try_split split = parsed(words);

	(void)state;
	assert_int_equal(split.baseline, 0);
	assert_int_equal(split.versions[0].weight, 10000);
	assert_int_equal(split.versions[1].weight, 0);
	split = parsed(whole);
	assert_int_equal(split.baseline, 0);
	assert_int_equal(split.versions[0].weight, 0);
}

#define LONG "abcdefghijklmnopqrstuvwxyz-12345" /* one too long */
#define IS_NO_VERSION "is no version, expected NAME=PORT or NAME=PORT@SHARE such as canary=3002@10%"
#define EXPECTED_NAME "expected 1 to 31 lowercase letters, digits and inner hyphens"
#define EXPECTED_PORT "expected 1 to 65535, such as in canary=3002@10%"
#define EXPECTED_PERCENT "expected 0% to 100% with at most two decimals, such as 5% or 0.25%"

static void test_refuses(void **state)
{
	static const struct {
		const char *words[MAX_WORDS];
		const char *complaint;
	} cases[] = {
		{ { NULL }, "'' is no port to split, expected 1 to 65535, such as 8080" },
		{ { "0" }, "'0' is no port to split, expected 1 to 65535, such as 8080" },
		{ { "65536", "a=1", "b=2" }, "'65536' is no port to split, expected 1 to 65535, such as 8080" },
		{ { "http", "a=1", "b=2" }, "'http' is no port to split, expected 1 to 65535, such as 8080" },
		{ { "stable=1", "8080", "b=2" }, "'stable=1' is no port to split, expected 1 to 65535, such as 8080" },
		{ { "-1", "a=1", "b=2" }, "'-1' is no port to split, expected 1 to 65535, such as 8080" },
		{ { "8080/udp", "a=1", "b=2" }, "'8080/udp' is no port to split, expected 1 to 65535, such as 8080" },
		{ { "8080" }, "0 versions, expected 2 to 8 of NAME=PORT or NAME=PORT@SHARE such as canary=3002@10%" },
		{ { "8080", "a=1" },
		  "1 version, expected 2 to 8 of NAME=PORT or NAME=PORT@SHARE such as canary=3002@10%" },
		{ { "80", "a=1", "b=2", "c=3", "d=4", "e=5", "f=6", "g=7", "h=8", "i=9" },
		  "'i=9' is one version too many, expected 2 to 8" },
		{ { "8080", "a=1", "3002" }, "'3002' " IS_NO_VERSION },
		{ { "8080", "a=1", "b:3002" }, "'b:3002' " IS_NO_VERSION },
		{ { "8080", "a=1", "=3002" }, "the name in '=3002' is wrong, " EXPECTED_NAME },
		{ { "8080", "a=1", "Canary=3002" }, "the name in 'Canary=3002' is wrong, " EXPECTED_NAME },
		{ { "8080", "a=1", "a b=3002" }, "the name in 'a b=3002' is wrong, " EXPECTED_NAME },
		{ { "8080", "a=1", "-b=3002" }, "the name in '-b=3002' is wrong, " EXPECTED_NAME },
		{ { "8080", "a=1", LONG "=2" }, "the name in '" LONG "=2' is wrong, " EXPECTED_NAME },
		{ { "8080", "a=1", "b=" }, "the port in 'b=' is wrong, " EXPECTED_PORT },
		{ { "8080", "a=1", "b=0" }, "the port in 'b=0' is wrong, " EXPECTED_PORT },
		{ { "8080", "a=1", "b=70000" }, "the port in 'b=70000' is wrong, " EXPECTED_PORT },
		{ { "8080", "a=1", "b=127.0.0.1:2" }, "the port in 'b=127.0.0.1:2' is wrong, " EXPECTED_PORT },
		{ { "8080", "a=1", "b=10%" }, "the port in 'b=10%' is wrong, " EXPECTED_PORT },
		{ { "8080", "a=1", "b=2@" }, "the share in 'b=2@' is wrong, " EXPECTED_PERCENT },
		{ { "8080", "a=1", "b=2@10" }, "the share in 'b=2@10' is wrong, " EXPECTED_PERCENT },
		{ { "8080", "a=1", "b=2@101%" }, "the share in 'b=2@101%' is wrong, " EXPECTED_PERCENT },
		{ { "8080", "a=1", "b=2@1.234%" }, "the share in 'b=2@1.234%' is wrong, " EXPECTED_PERCENT },
		{ { "8080", "a=1", "b=2@-5%" }, "the share in 'b=2@-5%' is wrong, " EXPECTED_PERCENT },
		{ { "8080", "a=1", "b=2@5%@5%" }, "the share in 'b=2@5%@5%' is wrong, " EXPECTED_PERCENT },
		{ { "8080", "a=1", "a=2" }, "version a is named twice, expected a name for each" },
		{ { "8080", "a=1", "b=1" }, "versions a and b are both on port 1, expected a port for each" },
		{ { "8080", "a=1", "b=2@60%", "c=3@40.01%" }, "all shares add up to 100.01%, expected at most 100%" },
		{ { "8080", "a=1@50%", "b=2@49%" },
		  "all shares add up to 99%, expected 100% where the baseline a has one" },
		{ { "8080", "b=2@20%", "stable=1@90%" },
		  "all shares add up to 110%, expected 100% where the baseline stable has one" },
	};
	struct try_split split, before;
	struct complaint complaint;

	(void)state;
	memset(&before, 0xaa, sizeof(before));
	for (size_t i = 0; i < COUNT(cases); i++) {
		split = before;
		assert_int_equal(parse(cases[i].words, &split, &complaint), -EINVAL);
		assert_string_equal(complaint.text, cases[i].complaint);
		assert_memory_equal(&split, &before, sizeof(split));
	}
}

/* Names that mean something else to YAML, too. */
static void test_configuration(void **state)
{
	static const char *const words[] = { "8080", "no=3001", "1e3=3002@10%", "null=3003@0.25%", NULL };
	struct try_split split = parsed(words);
	char *text = try_config_text(&split, 65536);
	struct complaint complaint = { "" };
	const struct config_service *service;
	struct config *config = NULL;

	(void)state;
	if (config_parse("try", text, strlen(text), &config, &complaint))
		fail_msg("%s", complaint.text);
	service = &config->services[0];
	assert_string_equal(service->name, "try-8080");
	assert_int_equal(service->forward, SERIN_FORWARD_LOCAL);
	assert_int_equal(service->affinity, SERIN_AFFINITY_FLOW);
	assert_int_equal(service->protocol, IPPROTO_TCP);
	assert_int_equal(service->version_count, 3);
	assert_int_equal(service->baseline, 0);
	assert_string_equal(service->versions[1].name, "1e3");
	assert_int_equal(service->versions[1].weight, 1000);
	assert_int_equal(service->versions[2].weight, 25);
	assert_int_equal(ntohs(service->versions[1].backends[0].endpoint.port), 3002);
	assert_false(config->http.enabled);
	assert_int_equal(config->max_flows, 65536);
	config_free(config);
	free(text);
}

/* ---- the host ---------------------------------------------------------------------------------------------------- */

struct listed {
	struct ifaddrs entry;
	struct sockaddr_in6 address; /* room for either */
};

static void list(struct listed *listed, const char *name, unsigned int flags, const char *address)
{
	struct sockaddr_in *ipv4 = (struct sockaddr_in *)(void *)&listed->address;

	memset(listed, 0, sizeof(*listed));
	listed->entry.ifa_name = (char *)name;
	listed->entry.ifa_flags = flags;
	if (!address)
		return;
	listed->entry.ifa_addr = (struct sockaddr *)(void *)&listed->address;
	if (inet_pton(AF_INET6, address, &listed->address.sin6_addr) == 1) {
		listed->address.sin6_family = AF_INET6;
		return;
	}
	ipv4->sin_family = AF_INET;
	assert_int_equal(inet_pton(AF_INET, address, &ipv4->sin_addr), 1);
}

static const struct ifaddrs *chain(struct listed *items, size_t count)
{
	for (size_t i = 0; i + 1 < count; i++)
		items[i].entry.ifa_next = &items[i + 1].entry;
	return &items[0].entry;
}

static void assert_address(const struct try_host *host, size_t i, const char *wanted)
{
	char text[ADDRESS_TEXT_LEN];

	assert_true(i < host->address_count);
	assert_string_equal(address_format(&host->addresses[i], text), wanted);
}

static void test_host(void **state)
{
	struct listed items[12];
	struct try_host host;

	(void)state;
	list(&items[0], "eth0", IFF_UP, NULL);
	list(&items[1], "eth0", IFF_UP, "fe80::1");
	list(&items[2], "eth0", IFF_UP, "192.0.2.1");
	list(&items[3], "eth0:1", IFF_UP, "192.0.2.2");
	list(&items[4], "down", 0, "192.0.2.3");
	list(&items[5], "veth7", IFF_UP, "fe80::7");
	list(&items[6], "lo", IFF_UP | IFF_LOOPBACK, "127.0.0.1");
	list(&items[7], "lo", IFF_UP | IFF_LOOPBACK, "::1");
	list(&items[8], "eth1", IFF_UP, "2001:db8::1");
	list(&items[9], "eth1", IFF_UP, "192.0.2.1");
	list(&items[10], "cable", IFF_UP, "169.254.9.9");
	list(&items[11], "eth1", IFF_UP, "fe80::1");
	try_host_choose(chain(items, COUNT(items)), &host);
	assert_int_equal(host.interface_count, 4);
	assert_string_equal(host.interfaces[0].name, "lo");
	assert_string_equal(host.interfaces[1].name, "eth0");
	assert_string_equal(host.interfaces[2].name, "eth1");
	assert_string_equal(host.interfaces[3].name, "cable");
	assert_int_equal(host.address_count, 7);
	assert_address(&host, 0, "127.0.0.1");
	assert_address(&host, 1, "::1");
	assert_address(&host, 2, "192.0.2.1");
	assert_address(&host, 3, "192.0.2.2");
	assert_address(&host, 4, "2001:db8::1");
	assert_address(&host, 5, "fe80::1");
	assert_address(&host, 6, "169.254.9.9");
	assert_int_equal(host.left_out_addresses, 0);
	assert_int_equal(host.left_out_interfaces, 0);
}

static void test_host_without_room(void **state)
{
	struct listed items[61];
	char names[20][16], text[32];
	struct try_host host;

	(void)state;
	list(&items[60], "lo", IFF_UP | IFF_LOOPBACK, "127.0.0.1");
	for (int i = 0; i < 60; i++) {
		snprintf(names[i % 20], sizeof(names[0]), "eth%d", i % 20);
		snprintf(text, sizeof(text), "192.0.2.%d", i);
		list(&items[i], names[i % 20], IFF_UP, text);
	}
	try_host_choose(chain(items, COUNT(items)), &host);
	assert_int_equal(host.address_count, CONFIG_MAX_LISTENERS);
	assert_address(&host, 0, "127.0.0.1");
	assert_address(&host, 1, "192.0.2.0");
	assert_int_equal(host.left_out_addresses, 61 - CONFIG_MAX_LISTENERS);
	assert_int_equal(host.interface_count, SERIN_MAX_DEVICES);
	assert_int_equal(host.left_out_interfaces, 21 - SERIN_MAX_DEVICES);
}

/* ---- what is shown ----------------------------------------------------------------------------------------------- */

static char *table_of(const struct try_split *split, const struct try_figures *figures, unsigned int columns)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(try_print_table(out, split, figures, columns, "", ""), 0);
	fclose(out);
	return text;
}

static void test_table(void **state)
{
	static const char *const words[] = { "8080", "stable=3001", "canary=3002@10%", NULL };
	struct try_split split = parsed(words);
	struct try_figures figures = { .per_second = { 88.6, 1234 } };
	char *text;

	(void)state;
	figures.versions[0] = (struct serin_stats){ .opened = 900, .closed = 890, .gone = 2, .bytes = { 1200, 3400 } };
	figures.versions[1] = (struct serin_stats){ .opened = 100, .closed = 100, .resets = { 9, 3 } };
	text = table_of(&split, &figures, 200);
	assert_string_equal(text,
			    "VERSION  PORT  SHARE  MEASURED          CONNS  CONN/S  ACTIVE  BYTES in/out  RESETS\n"
			    "stable   3001    90%   90.0% 88.0-91.7    900    88.6       8     1200/3400       0\n"
			    "canary   3002    10%   10.0% 8.3-12.0     100    1234       0           0/0       3\n");
	free(text);
	assert_int_equal(try_translated(&split, &figures), 8);
	split.versions[0].port = 8080;
	assert_int_equal(try_translated(&split, &figures), 0);
}

static size_t widest(const char *text)
{
	size_t widest = 0, length;

	for (; *text; text += length + 1) {
		length = strcspn(text, "\n");
		widest = length > widest ? length : widest;
	}
	return widest;
}

/* The longest names and the longest figures that there are. */
static void test_fits(void **state)
{
	static const char *const words[] = { "65535", "an-awfully-long-name-of-version=65534", "other=65533@33.33%",
					     NULL };
	struct try_split split = parsed(words);
	struct try_figures figures = { .per_second = { 98765, 99999999 } };
	char *text;

	(void)state;
	figures.versions[0] = (struct serin_stats){ .opened = UINT64_MAX / 2,
						    .bytes = { UINT64_MAX, UINT64_MAX },
						    .resets = { 0, UINT64_MAX } };
	text = table_of(&split, &figures, 79);
	assert_true(widest(text) <= 79);
	assert_non_null(strstr(text, "an-awf~ 65534"));
	free(text);
	text = table_of(&split, &figures, 200);
	assert_non_null(strstr(text, "an-awfully-long-name-of-version  65534"));
	free(text);
}

static char *drawn(struct screen *screen, const char *text, unsigned int columns, unsigned int rows)
{
	char *written = NULL;
	size_t size;
	FILE *out = open_memstream(&written, &size);

	screen_print(screen, out, text, columns, rows);
	fclose(out);
	return written;
}

static void assert_drawn(struct screen *screen, const char *text, unsigned int columns, unsigned int rows,
			 const char *wanted)
{
	char *written = drawn(screen, text, columns, rows);

	assert_string_equal(written, wanted);
	free(written);
}

static void test_screen(void **state)
{
	struct screen screen = { .redraw = true };

	(void)state;
	assert_drawn(&screen, "one\ntwo\n", 79, 24, "\r\033[Kone\n\033[Ktwo\n\033[J");
	assert_drawn(&screen, "one\n\033[1mtwo\033[0m and\n", 5, 24,
		     "\r\033[2A\033[Kone\n\033[K\033[1mtwo\033[0m a\n\033[J");
	/* The last row is for the cursor; a terminal that became lower has scrolled. */
	assert_drawn(&screen, "one\ntwo\n", 79, 2, "\r\033[1A\033[Kone\n\033[J");
	assert_drawn(&screen, "one\n", 79, 24, "\r\033[1A\033[Kone\n\033[J");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stable_is_the_baseline),
		cmocka_unit_test(test_else_the_first),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_configuration),
		cmocka_unit_test(test_host),
		cmocka_unit_test(test_host_without_room),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_fits),
		cmocka_unit_test(test_screen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
