/* SPDX-License-Identifier: BSD-2-Clause */
/* A configuration copied, and backends put into it that a name or a file gave: the good ones, and those refused. */
#include "config_mistakes.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "config_diff.h"

static const char shop[] = "interfaces: [eth0]\n"
			   "http: {token_file: /etc/serin/token}\n"
			   "services:\n"
			   "- name: shop\n"
			   "  listen: 192.0.2.1:80/tcp\n"
			   "  baseline: stable\n"
			   "  rules: [{from: 10.0.0.0/8, version: stable}]\n"
			   "  versions:\n"
			   "    stable: {backends: ['10.0.0.11:3000']}\n"
			   "    canary: {dns: {name: canary, port: 3000}, weight: 5%}\n"
			   "    next: {file: /etc/serin/next.json}\n"
			   "- name: tunnel\n"
			   "  forward: gue\n"
			   "  listen: 192.0.2.2:443/udp\n"
			   "  versions: {only: {dns: {name: only}}}\n";

enum { STABLE_VERSION, CANARY, NEXT };

/* "ADDR:PORT" or "ADDR", each on a line of its own of the list. */
static size_t make_list(const char *const *texts, struct config_backend *list)
{
	size_t count = 0;

	for (; texts[count]; count++) {
		list[count] = (struct config_backend){ .weight = 1, .place = { (unsigned int)count + 1, 3 } };
		if (endpoint_parse(texts[count], &list[count].endpoint))
			assert_int_equal(address_parse(texts[count], &list[count].endpoint.addr), 0);
	}
	return count;
}

static void assert_backends(const struct config_version *version, const char *expected)
{
	char text[ADDRESS_TEXT_LEN], all[512] = "";

	for (size_t i = 0; i < version->backend_count; i++) {
		const struct endpoint *endpoint = &version->backends[i].endpoint;

		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i ? " " : "",
			 endpoint_format(&endpoint->addr, endpoint->port, text));
	}
	assert_string_equal(all, expected);
}

static void assert_set(struct config *config, size_t service, size_t version, const char *const *texts,
		       const char *expected)
{
	struct complaint complaint = { "" };
	struct config_backend list[8];
	size_t count = make_list(texts, list);

	if (config_set_backends(config, service, version, list, count, &complaint))
		fail_msg("refused: %s", complaint.text);
	assert_backends(&config->services[service].versions[version], expected);
}

static void assert_refused(struct config *config, size_t version, const char *const *texts, const char *expected)
{
	const struct config_version before = config->services[0].versions[version];
	struct complaint complaint = { "" };
	struct config_backend list[8];
	size_t count = make_list(texts, list);

	assert_int_equal(config_set_backends(config, 0, version, list, count, &complaint), -EINVAL);
	assert_string_equal(complaint.text, expected);
	assert_memory_equal(&config->services[0].versions[version], &before, sizeof(before));
}

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void test_set(void **state)
{
	struct config *config = parse(shop);

	(void)state;
	assert_set(config, 0, CANARY, LIST("10.0.0.21:3000", "10.0.0.22:3000"), "10.0.0.21:3000 10.0.0.22:3000");
	assert_set(config, 0, NEXT, LIST("10.0.0.31:3000"), "10.0.0.31:3000");
	assert_set(config, 0, CANARY, LIST("10.0.0.23:3000"), "10.0.0.23:3000");
	/* The same once more is no backend twice. */
	assert_set(config, 0, CANARY, LIST("10.0.0.23:3000"), "10.0.0.23:3000");
	assert_backends(&config->services[0].versions[STABLE_VERSION], "10.0.0.11:3000");
	/* A name's addresses of the other family are for others; a tunnel carries both. */
	assert_set(config, 0, CANARY, LIST("10.0.0.21:3000", "[2001:db8::1]:3000"), "10.0.0.21:3000");
	assert_set(config, 1, 0, LIST("10.0.0.21", "2001:db8::1"), "10.0.0.21:443 [2001:db8::1]:443");
	config_free(config);
}

static void test_refused(void **state)
{
#define NONE ((const char *const[]){ NULL })
	struct config *config = parse(shop);

	(void)state;
	assert_refused(config, CANARY, NONE,
		       "dns canary:3000: no backend for version 'canary', expected at least one of a weight above 0");
	assert_set(config, 0, CANARY, LIST("10.0.0.21:3000"), "10.0.0.21:3000");
	assert_refused(config, CANARY, NONE,
		       "dns canary:3000: no backend for version 'canary', expected at least one of a weight above 0");
	assert_refused(config, CANARY, LIST("[2001:db8::1]:3000"),
		       "dns canary:3000: no backend for version 'canary', expected at least one of a weight above 0");
	assert_refused(config, NEXT, LIST("10.0.0.31:3000", "127.0.0.1:3000"),
		       "/etc/serin/next.json:2:3: the loopback address '127.0.0.1:3000', " UNICAST);
	assert_refused(config, NEXT, LIST("10.0.0.31:3000", "10.0.0.31:3000"),
		       "/etc/serin/next.json:2:3: backend '10.0.0.31:3000' again in version 'next', "
		       "expected it once in a service");
	assert_refused(config, NEXT, LIST("10.0.0.11:3000"),
		       "/etc/serin/next.json:1:3: backend '10.0.0.11:3000' is one of version 'stable', "
		       "expected it once in a service");
	assert_refused(config, NEXT, LIST("10.0.0.21:3000"),
		       "/etc/serin/next.json:1:3: backend '10.0.0.21:3000' is one of version 'canary', "
		       "expected it once in a service");
	assert_refused(config, NEXT, LIST("192.0.2.1:80"),
		       "/etc/serin/next.json:1:3: backend '192.0.2.1:80' is where service 'shop' listens, "
		       "expected another address");
	assert_refused(
		config, NEXT, LIST("[2001:db8::1]:80"),
		"/etc/serin/next.json:1:3: backend '[2001:db8::1]:80' in a service that listens on IPv4: " FAMILY);
	config_free(config);
}

static void test_room(void **state)
{
	struct config_backend *list = calloc(SERIN_MAX_BACKENDS, sizeof(*list));
	struct config *config = parse(shop);
	struct complaint complaint = { "" };

	(void)state;
	assert_non_null(list);
	for (uint32_t i = 0; i < SERIN_MAX_BACKENDS; i++) {
		list[i] = (struct config_backend){ .weight = 1 };
		assert_int_equal(address_parse("10.1.0.0", &list[i].endpoint.addr), 0);
		list[i].endpoint.addr.byte[14] = (__u8)(i >> 8);
		list[i].endpoint.addr.byte[15] = (__u8)i;
		list[i].endpoint.port = htons(80);
	}
	assert_int_equal(config_set_backends(config, 0, CANARY, list, SERIN_MAX_BACKENDS, &complaint), -EINVAL);
	assert_string_equal(complaint.text, "dns canary:3000: 4097 backends with those that there are, expected up to "
					    "4096 in all services together");
	assert_int_equal(config_set_backends(config, 0, CANARY, list, SERIN_MAX_BACKENDS - 1, &complaint), 0);
	/* What is replaced makes room for what comes. */
	assert_int_equal(config_set_backends(config, 0, CANARY, list + 1, SERIN_MAX_BACKENDS - 1, &complaint), 0);
	assert_int_equal(config->services[0].versions[CANARY].backend_count, SERIN_MAX_BACKENDS - 1);
	free(list);
	config_free(config);
}

static void assert_no_difference(const struct config *a, const struct config *b)
{
	struct config_diff diff;

	assert_int_equal(config_diff_make(a, b, &diff), 0);
	assert_int_equal(diff.changes.count, 0);
	assert_int_equal(diff.refused.count, 0);
	config_diff_free(&diff);
}

/* Nothing is shared: each of the two is changed and freed without the other. */
static void test_copy(void **state)
{
	struct config *config = parse(shop), *copy = config_copy(config);

	(void)state;
	assert_non_null(copy);
	assert_no_difference(config, copy);
	assert_string_equal(copy->path, "serin.yaml");
	assert_string_equal(copy->http.token_file, "/etc/serin/token");
	assert_int_equal(copy->services[0].rules.count, 1);
	assert_memory_equal(copy->services[0].rules.items, config->services[0].rules.items,
			    sizeof(*copy->services[0].rules.items));
	assert_ptr_not_equal(copy->services[0].rules.items, config->services[0].rules.items);
	assert_set(copy, 0, CANARY, LIST("10.0.0.21:3000"), "10.0.0.21:3000");
	assert_int_equal(config->services[0].versions[CANARY].backend_count, 0);
	config_free(config);
	assert_string_equal(copy->services[0].versions[CANARY].dns.name, "canary");
	assert_string_equal(copy->services[0].versions[NEXT].file, "/etc/serin/next.json");
	assert_backends(&copy->services[0].versions[STABLE_VERSION], "10.0.0.11:3000");
	config = config_copy(copy);
	assert_non_null(config);
	config_free(copy);
	assert_backends(&config->services[0].versions[CANARY], "10.0.0.21:3000");
	config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_copy),
	};

	return cmocka_run_group_tests_name("config_found", tests, NULL, NULL);
}
