/* SPDX-License-Identifier: BSD-2-Clause */
/* What configurations of the other ways to forward give, field by field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "settings.h"

static const char all_modes[] =
	"interfaces: [eth0, lo]\n"
	"attach: tc\n"
	"timeouts: {udp: 90s, embryonic: 1s}\n"
	"gue_port: 6081\n"
	"services:\n"
	"- name: dns\n"
	"  listen: [192.0.2.1:53/udp, 192.0.2.1:53/tcp]\n"
	"  max_new_flows: 5000/s\n"
	"  drain_timeout: 0s\n"
	"  on_rollback: {flows: reset}\n"
	"  versions: {v: {backends: ['10.0.0.1:53']}}\n"
	"- name: node\n"
	"  versions: {a: {backends: [3001, {address: '3002', weight: 3}]}, b: {backends: [8080]}}\n"
	"  baseline: a\n"
	"  forward: local\n"
	"  listen: [127.0.0.1:8080/tcp, '[::1]:8080/tcp', 192.0.2.1:8080/tcp]\n"
	"- name: tunnel\n"
	"  forward: ipip\n"
	"  listen: ['[2001:db8::1]:443/tcp', '[2001:db8::1]:80/tcp', 192.0.2.2:80/tcp]\n"
	"  versions: {v: {backends: [10.0.0.1, '2001:db8:1::1', '[2001:db8:1::2]:80', {address: 10.0.0.2, weight: 0}]}}\n"
	"- name: gue\n"
	"  forward: gue\n"
	"  protocol: udp\n"
	"  listen: 192.0.2.3:80/udp\n"
	"  versions: {v: {backends: [10.0.0.1]}}\n"
	"- name: segment\n"
	"  forward: l2\n"
	"  protocol: udp\n"
	"  listen: [192.0.2.4:80/tcp, 192.0.2.4:81/udp]\n"
	"  drain_timeout: 7d\n"
	"  on_rollback: {flows: drain}\n"
	"  versions: {v: {backends: [10.0.0.1]}}\n";

static struct config *parse(const char *text)
{
	struct complaint complaint = { "" };
	struct config *config = NULL;

	if (config_parse("serin.yaml", text, strlen(text), &config, &complaint))
		fail_msg("refused: %s", complaint.text);
	return config;
}

static void assert_backend(const struct config_service *service, size_t version, size_t index, const char *expected)
{
	const struct endpoint *endpoint = &service->versions[version].backends[index].endpoint;
	char text[ADDRESS_TEXT_LEN];

	assert_string_equal(backend_format(&endpoint->addr, endpoint->port, text), expected);
}

static void test_host(void **state)
{
	struct config *config = parse(all_modes);
	struct serin_settings settings = settings_of(config);

	(void)state;
	assert_int_equal(config->attach, ATTACH_TC);
	assert_int_equal(config->timeouts.udp, 90);
	assert_int_equal(config->gue_port, 6081);
	assert_int_equal(settings.gue_port, htons(6081));
	assert_int_equal(settings.linger_udp, 335);     /* 90 s / 0.268 s */
	assert_int_equal(settings.linger_embryonic, 3); /* 1 s */
	assert_int_equal(settings.answers_per_second, 100);
	assert_int_equal(settings.snat_port_first, 1024);
	assert_int_equal(settings.snat_port_count, 31744);
	assert_int_equal(settings.routes_generation, 0);
	assert_true(config_forwards_family(config, true) && config_forwards_family(config, false));
	assert_true(config_uses_nat(config, IPPROTO_UDP) && config_uses_nat(config, IPPROTO_TCP));
	config_free(config);
}

static void test_udp(void **state)
{
	struct config *config = parse(all_modes);
	const struct config_service *dns = config_find_service(config, "dns");

	(void)state;
	assert_int_equal(dns->listener_count, 2);
	assert_int_equal(dns->listeners[0].protocol, IPPROTO_UDP);
	assert_int_equal(dns->listeners[1].protocol, IPPROTO_TCP);
	assert_int_equal(dns->protocol, IPPROTO_UDP);
	assert_int_equal(dns->max_new, 5000);
	assert_int_equal(dns->drain_timeout, 0);
	assert_int_equal(dns->on_rollback, CONFIG_FLOWS_RESET);
	config_free(config);
}

static void test_local(void **state)
{
	static const struct serin_addr none;
	struct config *config = parse(all_modes);
	const struct config_service *node = config_find_service(config, "node");

	(void)state;
	assert_int_equal(node->forward, SERIN_FORWARD_LOCAL);
	assert_int_equal(node->listener_count, 3);
	assert_memory_equal(&node->versions[0].backends[0].endpoint.addr, &none, sizeof(none));
	assert_backend(node, 0, 0, ":3001");
	assert_backend(node, 0, 1, ":3002");
	assert_int_equal(node->versions[0].backends[1].weight, 3);
	assert_backend(node, 1, 0, ":8080"); /* where it was before serin: its port stays */
	assert_int_equal(node->max_new, 0);
	assert_int_equal(node->drain_timeout, 300);
	assert_int_equal(node->on_rollback, CONFIG_FLOWS_DRAIN);
	config_free(config);
}

static void test_one_way(void **state)
{
	struct config *config = parse(all_modes);
	const struct config_service *service = config_find_service(config, "tunnel");

	(void)state;
	assert_int_equal(service->forward, SERIN_FORWARD_IPIP);
	assert_backend(service, 0, 0, "10.0.0.1:443"); /* the first listener's */
	assert_backend(service, 0, 1, "[2001:db8:1::1]:443");
	assert_backend(service, 0, 2, "[2001:db8:1::2]:80");
	assert_backend(service, 0, 3, "10.0.0.2:443");
	assert_int_equal(service->versions[0].backends[3].weight, 0);
	service = config_find_service(config, "gue");
	assert_int_equal(service->forward, SERIN_FORWARD_GUE);
	assert_int_equal(service->protocol, IPPROTO_UDP);
	service = config_find_service(config, "segment");
	assert_int_equal(service->forward, SERIN_FORWARD_L2);
	assert_int_equal(service->protocol, IPPROTO_UDP);
	assert_int_equal(service->drain_timeout, 604800);
	config_free(config);
}

/* Forwarding must be on for what leaves this host, and for nothing else. */
static void test_families(void **state)
{
	static const char local[] = "interfaces: [eth0]\nservices:\n- {name: a, forward: local, "
				    "listen: '192.0.2.1:80/tcp', versions: {v: {backends: [1]}}}\n";
	static const char tunnel[] = "interfaces: [eth0]\nservices:\n- {name: a, forward: gue, "
				     "listen: '192.0.2.1:80/tcp', versions: {v: {backends: ['2001:db8::1']}}}\n";
	struct config *config = parse(local);

	(void)state;
	assert_false(config_forwards_family(config, true) || config_forwards_family(config, false));
	assert_false(config_uses_nat(config, IPPROTO_TCP));
	config_free(config);
	config = parse(tunnel);
	assert_true(config_forwards_family(config, true) && config_forwards_family(config, false));
	assert_false(config_uses_nat(config, IPPROTO_TCP));
	config_free(config);
}

/* What answers can be read as, and how long one may take, in the kernel's ticks of 256 ns. */
static void test_protocol_http(void **state)
{
	static const char http[] =
		"interfaces: [eth0]\nanswer_timeout: 100ms\nservices:\n"
		"- {name: a, listen: ['192.0.2.1:80/tcp', '192.0.2.1:80/udp'], protocol: http, versions: {v: {backends: "
		"['10.0.0.1:80']}}}\n"
		"- {name: b, listen: '192.0.2.2:80/tcp', versions: {v: {backends: ['10.0.0.1:80']}}}\n";
	static const char off[] =
		"interfaces: [eth0]\nanswer_timeout: off\nservices:\n"
		"- {name: a, listen: '192.0.2.1:80/udp', versions: {v: {backends: ['10.0.0.1:80']}}}\n";
	static const char most[] =
		"interfaces: [eth0]\nanswer_timeout: 1m\nservices:\n"
		"- {name: a, listen: '192.0.2.1:80/tcp', versions: {v: {backends: ['10.0.0.1:80']}}}\n";
	struct config *config = parse(http);

	(void)state;
	assert_int_equal(config->services[0].speaks, SERIN_SPEAKS_HTTP);
	assert_int_equal(config->services[0].protocol, IPPROTO_TCP);
	assert_string_equal(config_protocol_name(&config->services[0]), "http");
	assert_int_equal(config->services[1].speaks, SERIN_SPEAKS_ANY);
	assert_string_equal(config_protocol_name(&config->services[1]), "tcp");
	assert_int_equal(config->answer_timeout, 100);
	assert_int_equal(settings_of(config).answer_timeout, 390625);
	config_free(config);
	config = parse(off);
	assert_string_equal(config_protocol_name(&config->services[0]), "udp");
	assert_int_equal(settings_of(config).answer_timeout, 0);
	config_free(config);
	config = parse(most);
	assert_int_equal(settings_of(config).answer_timeout, 234375000);
	assert_true(settings_of(config).answer_timeout <= SERIN_OWED_MOST);
	config_free(config);
}

/* One of so many, as the kernel draws: as many of 2^32 numbers, less one. */
static void test_flow_log(void **state)
{
	static const struct {
		const char *said;
		unsigned int one_of;
		uint32_t share;
	} cases[] = {
		{ "off", 0, 0 },
		{ "1/1", 1, UINT32_MAX },
		{ "1/2", 2, (1u << 31) - 1 },
		{ "1/1000", 1000, 4294966 },
		{ "1/1000000", 1000000, 4293 },
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config *config;

		snprintf(text, sizeof(text),
			 "interfaces: [eth0]\nflow_log: %s\nservices:\n"
			 "- {name: a, listen: '192.0.2.1:80/tcp', versions: {v: {backends: ['10.0.0.1:80']}}}\n",
			 cases[i].said);
		config = parse(text);
		assert_int_equal(config->flow_log, cases[i].one_of);
		assert_int_equal(settings_of(config).flow_log, cases[i].share);
		config_free(config);
	}
}

/* A nat service of one protocol may send to where a service of the other listens; http stands in the way of tcp only. */
static void test_protocols_do_not_clash(void **state)
{
	static const char text[] =
		"interfaces: [eth0]\nhttp: {listen: '192.0.2.9:53'}\nservices:\n"
		"- {name: a, listen: '192.0.2.1:53/udp', versions: {v: {backends: ['192.0.2.2:53']}}}\n"
		"- {name: b, listen: '192.0.2.2:53/tcp', versions: {v: {backends: ['10.0.0.1:53']}}}\n"
		"- {name: c, listen: '192.0.2.9:53/udp', versions: {v: {backends: ['10.0.0.1:53']}}}\n";

	(void)state;
	config_free(parse(text));
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(config_forward_name(SERIN_FORWARD_NAT), "nat");
	assert_string_equal(config_forward_name(SERIN_FORWARD_L2), "l2");
	assert_string_equal(config_forward_name((enum serin_forward)99), "?");
	assert_string_equal(config_attach_name(ATTACH_XDP_GENERIC), "xdp-generic");
	assert_string_equal(config_attach_name(ATTACH_TC), "tc");
	assert_string_equal(config_flows_name(CONFIG_FLOWS_RESET), "reset");
	assert_string_equal(config_flows_name(CONFIG_FLOWS_DRAIN), "drain");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_host),          cmocka_unit_test(test_udp),
		cmocka_unit_test(test_local),         cmocka_unit_test(test_one_way),
		cmocka_unit_test(test_families),      cmocka_unit_test(test_protocols_do_not_clash),
		cmocka_unit_test(test_protocol_http), cmocka_unit_test(test_flow_log),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
