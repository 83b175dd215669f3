/* SPDX-License-Identifier: BSD-2-Clause */
/* What configuration files give, field by field, how files are read, and that no mutation of one does harm. */
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
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "scratch_file.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char least[] = "interfaces: [eth0]\n"
			    "services:\n"
			    "- name: shop\n"
			    "  listen: 192.0.2.1:80/tcp\n"
			    "  versions: {stable: {backends: ['10.0.0.1:80']}}\n";

static const char most[] =
	"# every key\n"
	"interfaces: [eth0, 'eth1.100', \"br-0@x\"]\n"
	"attach: xdp-generic\n"
	"http: {listen: \"[::]:9999\", token_file: /etc/serin/token}\n"
	"snat: {addresses: [10.0.0.9, '2001:db8::9'], ports: 2000-3000}\n"
	"timeouts: {embryonic: 1s, established: 7d, half_closed: 2m, closed: 5000ms, port_rest: 1h}\n"
	"flows: '16777216'\n"
	"services:\n"
	"  - name: shop\n"
	"    listen: [\"203.0.113.10:80/tcp\", 203.0.113.10:443/tcp]\n"
	"    protocol: tcp\n"
	"    forward: gateway\n"
	"    affinity: {ipv4: 24, ipv6: 0}\n"
	"    baseline: stable\n"
	"    versions:\n"
	"      canary: {backends: [\"10.0.0.21:3000\"], weight: 0.25%}\n"
	"      stable: &stable\n"
	"        backends:\n"
	"          - \"10.0.0.11:3000\"\n"
	"          - {address: \"10.0.0.12:3000\", weight: 1000}\n"
	"          - weight: 0\n"
	"            address: 10.0.0.13:65535\n"
	"      next: {backends: [\"10.0.0.31:3000\"]}\n"
	"  - name: shop-6\n"
	"    affinity: flow\n"
	"    versions: {a: {backends: [\"[2001:db8:1::1]:3000\"]}}\n"
	"    listen: \"[2001:db8::10]:80/tcp\"\n"
	"  - name: mirror\n"
	"    affinity: source\n"
	"    forward: nat\n"
	"    listen: 203.0.113.11:80/tcp\n"
	"    versions: {v1: *stable}\n"
	"  - {name: node, forward: local, listen: [127.0.0.1:80/tcp, '[::1]:80/udp'], versions: {v: {backends: [3001]}},\n"
	"     rules: [{from: 10.0.0.0/8, version: v}, {from: '2001:db8::/32', version: v}, {from: '::/0', version: v}],\n"
	"     max_new_flows: 5000/s, drain_timeout: 90s, on_rollback: {flows: reset}, protocol: udp}\n"
	"  - {name: found, listen: 203.0.113.13:80/tcp, baseline: a, max_ejected: 25%, on_ejection: {flows: drain},\n"
	"     health: {check: http, path: /healthz, host: shop.example, status: 200-299, every: 5s, timeout: 500ms, fall: 2,\n"
	"     rise: 1, port: 8080}, slow_start: 30s, versions: {a: {dns: {name: a.shop.internal, port: 3000, every: 10s}},\n"
	"     b: {dns: {name: _http._tcp.b.shop.internal, type: srv}}, c: {file: /etc/serin/c.json, weight: 1%}}}\n"
	"  - {name: tunnel, forward: gue, listen: 203.0.113.12:80/udp, versions: {v: {backends: [10.0.0.1, '2001:db8::1']}}}\n";

static struct config *parse(const char *text)
{
	struct complaint complaint = { "" };
	struct config *config = NULL;

	if (config_parse("serin.yaml", text, strlen(text), &config, &complaint))
		fail_msg("refused: %s", complaint.text);
	assert_non_null(config);
	return config;
}

static void assert_endpoint(const struct serin_addr *addr, __be16 port, const char *expected)
{
	char text[ADDRESS_TEXT_LEN];

	assert_string_equal(endpoint_format(addr, port, text), expected);
}

static void assert_place(struct config_place place, unsigned int line, unsigned int column)
{
	assert_int_equal(place.line, line);
	assert_int_equal(place.column, column);
}

static void test_defaults(void **state)
{
	struct config *config = parse(least);
	const struct config_service *service = &config->services[0];

	(void)state;
	assert_string_equal(config->path, "serin.yaml");
	assert_int_equal(config->interface_count, 1);
	assert_string_equal(config->interfaces[0].name, "eth0");
	assert_place(config->interfaces[0].place, 1, 14);
	assert_int_equal(config->attach, ATTACH_AUTO);
	assert_true(config->http.enabled);
	assert_endpoint(&config->http.listen.addr, config->http.listen.port, "127.0.0.1:9477");
	assert_null(config->http.token_file);
	assert_place(config->http.place, 0, 0);
	assert_int_equal(config->snat.address_count, 0);
	assert_int_equal(config->snat.port_first, 1024);
	assert_int_equal(config->snat.port_last, 32767);
	assert_place(config->snat.place, 0, 0);
	assert_int_equal(config->timeouts.embryonic, 10);
	assert_int_equal(config->timeouts.established, 7440);
	assert_int_equal(config->timeouts.half_closed, 240);
	assert_int_equal(config->timeouts.closed, 10);
	assert_int_equal(config->timeouts.port_rest, 60);
	assert_int_equal(config->max_flows, 262144);
	assert_int_equal(config->answer_timeout, 10000);
	assert_int_equal(config->flow_log, 0);
	assert_int_equal(config->service_count, 1);
	assert_string_equal(service->name, "shop");
	assert_place(service->place, 3, 3);
	assert_int_equal(service->listener_count, 1);
	assert_endpoint(&service->listeners[0].addr, service->listeners[0].port, "192.0.2.1:80");
	assert_int_equal(service->listeners[0].protocol, IPPROTO_TCP);
	assert_place(service->listeners[0].place, 4, 11);
	assert_int_equal(service->forward, SERIN_FORWARD_NAT);
	assert_int_equal(service->affinity, SERIN_AFFINITY_SOURCE);
	assert_int_equal(service->prefix4, 32);
	assert_int_equal(service->prefix6, 64);
	assert_int_equal(service->version_count, 1);
	assert_int_equal(service->baseline, 0);
	assert_string_equal(service->versions[0].name, "stable");
	assert_int_equal(service->versions[0].weight, -1);
	assert_place(service->versions[0].place, 5, 14);
	assert_int_equal(service->versions[0].backend_count, 1);
	assert_int_equal(service->versions[0].backends[0].weight, 1);
	assert_place(service->versions[0].backends[0].place, 5, 34);
	assert_null(config_free(config));
}

static void assert_host_section(const struct config *config)
{
	assert_int_equal(config->interface_count, 3);
	assert_string_equal(config->interfaces[0].name, "eth0");
	assert_string_equal(config->interfaces[1].name, "eth1.100");
	assert_string_equal(config->interfaces[2].name, "br-0@x");
	assert_place(config->interfaces[2].place, 2, 32);
	assert_int_equal(config->attach, ATTACH_XDP_GENERIC);
	assert_true(config->http.enabled);
	assert_endpoint(&config->http.listen.addr, config->http.listen.port, "[::]:9999");
	assert_string_equal(config->http.token_file, "/etc/serin/token");
	assert_place(config->http.place, 4, 7);
	assert_int_equal(config->snat.address_count, 2);
	assert_endpoint(&config->snat.addresses[0], 0, "10.0.0.9");
	assert_endpoint(&config->snat.addresses[1], 0, "2001:db8::9");
	assert_int_equal(config->snat.port_first, 2000);
	assert_int_equal(config->snat.port_last, 3000);
	assert_place(config->snat.place, 5, 7);
	assert_int_equal(config->timeouts.embryonic, 1);
	assert_int_equal(config->timeouts.established, 604800);
	assert_int_equal(config->timeouts.half_closed, 120);
	assert_int_equal(config->timeouts.closed, 5);
	assert_int_equal(config->timeouts.port_rest, 3600);
	assert_int_equal(config->max_flows, 16777216);
}

static void assert_shop(const struct config_service *shop)
{
	const struct config_version *stable = &shop->versions[1];

	assert_int_equal(shop->listener_count, 2);
	assert_endpoint(&shop->listeners[0].addr, shop->listeners[0].port, "203.0.113.10:80");
	assert_endpoint(&shop->listeners[1].addr, shop->listeners[1].port, "203.0.113.10:443");
	assert_place(shop->listeners[1].place, 10, 37);
	assert_int_equal(shop->forward, SERIN_FORWARD_GATEWAY);
	assert_int_equal(shop->affinity, SERIN_AFFINITY_SOURCE);
	assert_int_equal(shop->prefix4, 24);
	assert_int_equal(shop->prefix6, 0);
	assert_int_equal(shop->version_count, 3);
	assert_int_equal(shop->baseline, 1);
	assert_string_equal(shop->versions[0].name, "canary");
	assert_int_equal(shop->versions[0].weight, 25);
	assert_int_equal(shop->versions[0].backend_count, 1);
	assert_string_equal(stable->name, "stable");
	assert_int_equal(stable->weight, -1);
	assert_place(stable->place, 17, 7);
	assert_int_equal(stable->backend_count, 3);
	assert_endpoint(&stable->backends[0].endpoint.addr, stable->backends[0].endpoint.port, "10.0.0.11:3000");
	assert_endpoint(&stable->backends[1].endpoint.addr, stable->backends[1].endpoint.port, "10.0.0.12:3000");
	assert_endpoint(&stable->backends[2].endpoint.addr, stable->backends[2].endpoint.port, "10.0.0.13:65535");
	assert_int_equal(stable->backends[0].weight, 1);
	assert_int_equal(stable->backends[1].weight, 1000);
	assert_int_equal(stable->backends[2].weight, 0);
	assert_place(stable->backends[2].place, 21, 13);
	assert_int_equal(shop->versions[2].weight, -1);
	assert_int_equal(config_find_version(shop, "canary"), 0);
	assert_int_equal(config_find_version(shop, "next"), 2);
	assert_int_equal(config_find_version(shop, "nex"), -ENOENT);
}

static void test_everything(void **state)
{
	struct config *config = parse(most);
	const struct config_service *service;

	(void)state;
	assert_host_section(config);
	assert_int_equal(config->service_count, 6);
	assert_shop(&config->services[0]);
	service = config_find_service(config, "shop-6");
	assert_ptr_equal(service, &config->services[1]);
	assert_int_equal(service->affinity, SERIN_AFFINITY_FLOW);
	assert_int_equal(service->prefix6, 64);
	assert_endpoint(&service->listeners[0].addr, service->listeners[0].port, "[2001:db8::10]:80");
	assert_endpoint(&service->versions[0].backends[0].endpoint.addr, service->versions[0].backends[0].endpoint.port,
			"[2001:db8:1::1]:3000");
	service = config_find_service(config, "mirror");
	assert_ptr_equal(service, &config->services[2]);
	assert_int_equal(service->affinity, SERIN_AFFINITY_SOURCE);
	assert_int_equal(service->forward, SERIN_FORWARD_NAT);
	assert_string_equal(service->versions[0].name, "v1");
	assert_int_equal(service->versions[0].backend_count, 3);
	assert_null(config_find_service(config, "shop-"));
	config_free(config);
}

/* The parts behind "interfaces: [eth0]" that change little: each is accepted, with what it changes. */
static struct config *parse_with(const char *head)
{
	char text[1024];

	snprintf(text, sizeof(text), "%s\n%s", head, least);
	return parse(text);
}

static void test_http_off(void **state)
{
	static const char *const texts[] = {
		"http: off",
		"http: 'off'",
		"http: {listen: off}",
		"http: {listen: \"off\"}",
		"http: {token_file: /t, listen: off}",
	};
	struct config *config;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(texts); i++) {
		config = parse_with(texts[i]);
		assert_false(config->http.enabled);
		config_free(config);
	}
	config = parse_with("http: {token_file: /t}");
	assert_true(config->http.enabled);
	assert_string_equal(config->http.token_file, "/t");
	assert_endpoint(&config->http.listen.addr, config->http.listen.port, "127.0.0.1:9477");
	config_free(config);
}

static void test_small_forms(void **state)
{
	struct config *config;

	(void)state;
	config = parse_with("attach: xdp");
	assert_int_equal(config->attach, ATTACH_XDP);
	config_free(config);
	config = parse_with("snat: {}\nhttp: {}\ntimeouts: {}\nattach: auto");
	assert_int_equal(config->snat.port_last, 32767);
	assert_true(config->http.enabled);
	assert_place(config->snat.place, 1, 7);
	config_free(config);
	config = parse_with("snat: {ports: 80-80}\nflows: 256");
	assert_int_equal(config->snat.port_first, 80);
	assert_int_equal(config->snat.port_last, 80);
	assert_int_equal(config->max_flows, 256);
	config_free(config);
	config = parse_with("\xef\xbb\xbf%YAML 1.1\n---\n# a byte order mark, a directive, a marker");
	assert_place(config->interfaces[0].place, 4, 14);
	config_free(config);
	config = parse("{\"http\": {\"listen\": \"off\"}, \"interfaces\": [\"eth7\"], \"services\": [{\"name\": \"j\", "
		       "\"listen\": [\"192.0.2.1:80/tcp\"], \"versions\": {\"v\": {\"backends\": "
		       "[{\"address\": \"10.0.0.1:80\", \"weight\": 3}]}}}]}");
	assert_false(config->http.enabled);
	assert_string_equal(config->interfaces[0].name, "eth7");
	assert_int_equal(config->services[0].versions[0].backends[0].weight, 3);
	config_free(config);
}

static void test_shares(void **state)
{
	static const char text[] = "interfaces: [eth0]\n"
				   "services:\n"
				   "- name: shop\n"
				   "  listen: 192.0.2.1:80/tcp\n"
				   "  baseline: b\n"
				   "  versions:\n"
				   "    a: {weight: 99.99%, backends: ['10.0.0.1:80']}\n"
				   "    b: {backends: ['10.0.0.2:80']}\n"
				   "    c: {weight: 0%, backends: ['10.0.0.3:80']}\n"
				   "    d: {weight: '0.01%', backends: ['10.0.0.4:80']}\n";
	struct config *config = parse(text);

	(void)state;
	assert_int_equal(config->services[0].baseline, 1);
	assert_int_equal(config->services[0].versions[0].weight, 9999);
	assert_int_equal(config->services[0].versions[1].weight, -1);
	assert_int_equal(config->services[0].versions[2].weight, 0);
	assert_int_equal(config->services[0].versions[3].weight, 1);
	config_free(config);
}

static char *print_many(unsigned int services, unsigned int listeners, unsigned int backends)
{
	size_t length;
	char *text;
	FILE *out = open_memstream(&text, &length);
	unsigned int s, i;

	assert_non_null(out);
	fprintf(out, "interfaces: [eth0]\nservices:\n");
	for (s = 0; s < services; s++) {
		fprintf(out, "- name: s%u\n  listen:\n", s);
		for (i = 0; i < listeners; i++)
			fprintf(out, "  - 192.0.%u.1:%u/tcp\n", s, i + 1);
		fprintf(out, "  versions:\n    v:\n      backends:\n");
		for (i = 0; i < backends; i++)
			fprintf(out, "      - 10.%u.%u.%u:80\n", s, i / 256, i % 256);
	}
	assert_int_equal(fclose(out), 0);
	return text;
}

static void assert_many(unsigned int services, unsigned int listeners, unsigned int backends, const char *expected)
{
	char *text = print_many(services, listeners, backends);
	struct complaint complaint = { "" };
	struct config *config = NULL;
	int result;

	result = config_parse("f", text, strlen(text), &config, &complaint);
	assert_string_equal(complaint.text, expected);
	assert_int_equal(result, expected[0] ? -EINVAL : 0);
	if (!result)
		assert_int_equal(config->service_count, services);
	config_free(config);
	free(text);
}

/* The kernel's maps have room for so many. */
static void test_limits(void **state)
{
	(void)state;
	assert_many(SERIN_MAX_SERVICES, 4, 16, "");
	assert_many(SERIN_MAX_SERVICES + 1, 1, 1,
		    "f:1795:3: more than 256 entries for services, expected a list of 1 to 256 services");
	assert_many(65, 16, 1,
		    "f:1413:5: one listening address too many, "
		    "expected up to 1024 in all services together");
	assert_many(1, 1, SERIN_MAX_BACKENDS, "");
	assert_many(1, 1, SERIN_MAX_BACKENDS + 1,
		    "f:4105:9: more than 4096 entries for backends, "
		    "expected a list of at least one backend");
	assert_many(2, 1, SERIN_MAX_BACKENDS / 2 + 1,
		    "f:4111:9: one backend too many, "
		    "expected up to 4096 in all services together");
}

static void assert_load(const char *path, int result, const char *expected)
{
	struct complaint complaint = { "" };
	struct config *config = NULL;
	char text[256];

	assert_int_equal(config_load(path, &config, &complaint), result);
	snprintf(text, sizeof(text), "%s%s", result ? path : "", expected);
	assert_string_equal(complaint.text, text);
	if (result)
		assert_null(config);
	else
		assert_string_equal(config->path, path);
	config_free(config);
}

static void test_load(void **state)
{
	char directory[SCRATCH_LEN], file[SCRATCH_PATH_LEN];
	const size_t limit = 16 << 20;
	char *large = malloc(limit + 1);

	(void)state;
	assert_non_null(large);
	assert_int_equal(scratch_directory(directory), 0);
	snprintf(file, sizeof(file), "%s/serin.yaml", directory);
	assert_load(file, -ENOENT, ": No such file or directory, expected a file that can be read");
	assert_load(directory, -EISDIR, ": Is a directory, expected a file that can be read");
	write_file(file, least, strlen(least));
	assert_load(file, 0, "");
	write_file(file, "", 0);
	assert_load(file, -EINVAL, ":1:1: the file is empty, expected a mapping with interfaces and services");
	write_file(file, "interfaces: []\n\0", 16);
	assert_load(file, -EINVAL, ":2:1: control characters are not allowed, expected UTF-8 text");

	/* A comment up to the last byte that is allowed, and one byte more. */
	memset(large, '#', limit + 1);
	memcpy(large, least, strlen(least));
	write_file(file, large, limit);
	assert_load(file, 0, "");
	write_file(file, large, limit + 1);
	assert_load(file, -EFBIG, ": more than 16 MiB, expected a configuration file");
	assert_load("/dev/zero", -EFBIG, ": more than 16 MiB, expected a configuration file");
	free(large);
}

static void test_no_room_for_complaint(void **state)
{
	struct config *config = NULL;

	(void)state;
	assert_int_equal(config_parse("f", "x", 1, &config, NULL), -EINVAL);
	assert_int_equal(config_load("/nowhere/f", &config, NULL), -ENOENT);
	assert_null(config);
	assert_null(config_free(NULL));
}

/* xorshift64: the same mutations in every run. */
static uint64_t draw(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* One change at a random place: another byte, a piece cut, a piece repeated, or a token of YAML put in. */
static size_t mutate(char *text, size_t length, size_t room, uint64_t *seed)
{
	static const char *const tokens[] = {
		"[",  "]",   "{",  "}",           ": ",   "- ",       ", ", "\n",   "\n  ",  "&a ",
		"*a", "!x ", "'",  "\"",          "|",    "~",        "? ", "#",    "---\n", "null",
		"0",  "%",   "-1", "99999999999", "\xff", "\xc2\xa0", "\\", "<<: ", "off",
	};
	size_t at = draw(seed) % length, piece = draw(seed) % 24;
	const char *token;

	if (piece > length - at)
		piece = length - at;
	switch (draw(seed) % 4) {
	case 0:
		text[at] = (char)draw(seed);
		return length;
	case 1:
		memmove(text + at, text + at + piece, length - at - piece);
		return length - piece;
	case 2:
		if (length + piece > room)
			return length;
		memmove(text + at + piece, text + at, length - at);
		return length + piece;
	default:
		token = tokens[draw(seed) % COUNT(tokens)];
		piece = strlen(token);
		if (length + piece > room)
			return length;
		memmove(text + at + piece, text + at, length - at);
		memcpy(text + at, token, piece);
		return length + piece;
	}
}

static void test_mutations(void **state)
{
	enum { ROUNDS = 20000, ROOM = sizeof(most) + 256 };
	unsigned int good = 0, bad = 0, round;
	uint64_t seed = 0x5e21bull;
	struct complaint complaint;
	struct config *config;
	char text[ROOM];

	(void)state;
	for (round = 0; round < ROUNDS; round++) {
		size_t length = strlen(most), changes = 1 + draw(&seed) % 4;
		char *exact;
		int result;

		memcpy(text, most, length);
		while (changes-- && length)
			length = mutate(text, length, ROOM, &seed);
		exact = malloc(length ? length : 1); /* so that a read past the end is seen */
		assert_non_null(exact);
		memcpy(exact, text, length);
		config = NULL;
		complaint.text[0] = '\0';
		result = config_parse("some/serin.yaml", exact, length, &config, &complaint);
		free(exact);
		if (!result) {
			assert_non_null(config);
			good++;
		} else {
			assert_int_equal(result, -EINVAL);
			assert_null(config);
			assert_int_equal(strncmp(complaint.text, "some/serin.yaml:", 16), 0);
			assert_non_null(strstr(complaint.text, ", expected "));
			bad++;
		}
		config_free(config);
	}
	/* Mutations that are all refused at the first byte, or all harmless, would try nothing. */
	assert_true(good > ROUNDS / 100);
	assert_true(bad > ROUNDS / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),  cmocka_unit_test(test_everything),
		cmocka_unit_test(test_http_off),  cmocka_unit_test(test_small_forms),
		cmocka_unit_test(test_shares),    cmocka_unit_test(test_limits),
		cmocka_unit_test(test_load),      cmocka_unit_test(test_no_room_for_complaint),
		cmocka_unit_test(test_mutations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
