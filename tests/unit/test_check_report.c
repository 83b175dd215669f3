/* SPDX-License-Identifier: BSD-2-Clause */
/* `serin check` on given files: the whole report, and the figures in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_report.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char two_services[] =
	"interfaces: [eth0, eth1]\n"
	"attach: xdp-generic\n"
	"http: {listen: \"127.0.0.1:9477\", token_file: /etc/serin/token}\n"
	"snat: {addresses: [192.0.2.1, 192.0.2.2, \"2001:db8::1\"], ports: 2000-2999}\n"
	"services:\n"
	"  - name: shop\n"
	"    listen: [\"203.0.113.10:80/tcp\", \"203.0.113.11:80/tcp\"]\n"
	"    baseline: stable\n"
	"    versions:\n"
	"      stable: {backends: [\"10.0.0.11:3000\", {address: \"10.0.0.12:3000\", weight: 2}]}\n"
	"      canary: {weight: 2.5%, backends: [\"10.0.0.21:3000\"]}\n"
	"  - name: api\n"
	"    listen: [\"[2001:db8::10]:443/tcp\"]\n"
	"    affinity: flow\n"
	"    forward: gateway\n"
	"    baseline: b\n"
	"    versions:\n"
	"      a: {backends: [\"[2001:db8::a]:3000\"]}\n"
	"      b: {backends: [\"[2001:db8::b]:3000\"]}\n";

static const char two_services_text[] =
	"shop  203.0.113.10:80/tcp, 203.0.113.11:80/tcp\n"
	"forward nat, affinity source (IPv4 /32, IPv6 /64)\n"
	"VERSION  ROLE      SHARE  BACKEND         WEIGHT\n"
	"stable   baseline  97.5%  10.0.0.11:3000       1\n"
	"                          10.0.0.12:3000       2\n"
	"canary   trial      2.5%  10.0.0.21:3000       1\n"
	"each IPv4 backend can have 2000 connections at a time (ports 2000-2999 of 2 source addresses)\n"
	"removed backends drain for 5m; a rollback lets flows drain\n"
	"failed handshakes eject up to 50% of a version's backends; flows of ejected ones are left alone\n"
	"protocol tcp: the status of answers is not seen (TLS), only how turns fail\n"
	"\n"
	"api  [2001:db8::10]:443/tcp\n"
	"forward gateway, affinity flow\n"
	"VERSION  ROLE      SHARE  BACKEND             WEIGHT\n"
	"a        trial        0%  [2001:db8::a]:3000       1\n"
	"b        baseline   100%  [2001:db8::b]:3000       1\n"
	"removed backends drain for 5m; a rollback lets flows drain\n"
	"failed handshakes eject up to 50% of a version's backends; flows of ejected ones are left alone\n"
	"protocol tcp: the status of answers is not seen (TLS), only how turns fail\n"
	"\n"
	"flow table: 262144 connections in 1048576 ways, 65 MiB of kernel memory\n"
	"tables: 2 of 256 services, 3 of 1024 listening addresses, 5 of 4096 backends, 0 of 524288 rules\n"
	"interfaces: eth0, eth1 (attach xdp-generic)\n"
	"http: 127.0.0.1:9477 (changes with a token)\n";

static struct config *parse(const char *text)
{
	struct config *config = NULL;
	struct complaint complaint;

	if (config_parse("test.yaml", text, strlen(text), &config, &complaint))
		fail_msg("%s", complaint.text);
	return config;
}

static void test_text(void **state)
{
	struct config *config = parse(two_services);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_int_equal(check_print(out, config), 0);
	fclose(out);
	assert_string_equal(text, two_services_text);
	free(text);
	config_free(config);
}

static void test_json(void **state)
{
	struct config *config = parse(two_services);
	json_t *report = check_to_json(config), *expected;

	(void)state;
	expected = json_loads(
		"{\"interfaces\":[\"eth0\",\"eth1\"],\"attach\":\"xdp-generic\","
		"\"flow_table\":{\"max_flows\":262144,\"ways\":1048576,\"bytes\":68157440},\"tables\":{\"services\":2,"
		"\"listening_addresses\":3,\"backends\":5,\"rules\":0},\"services\":["
		"{\"name\":\"shop\",\"rules\":0,\"max_new_flows\":null,\"drain_timeout\":300,\"on_rollback\":{\"flows\":\"drain\"},"
		"\"health\":{\"passive\":true,\"check\":\"off\",\"path\":\"/\",\"host\":null,\"port\":null,\"status_low\":200,"
		"\"status_high\":399,\"every_ms\":2000,\"timeout_ms\":1000,\"fall\":3,\"rise\":2},\"max_ejected\":5000,"
		"\"on_ejection\":{\"flows\":\"leave\"},\"slow_start_ms\":0,"
		"\"protocol\":\"tcp\",\"forward\":\"nat\",\"baseline\":\"stable\","
		"\"affinity\":{\"by\":\"source\",\"ipv4\":32,\"ipv6\":64},"
		"\"listen\":[\"203.0.113.10:80/tcp\",\"203.0.113.11:80/tcp\"],\"versions\":["
		"{\"name\":\"stable\",\"role\":\"baseline\",\"weight\":9750,\"rules\":0,\"backends\":["
		"{\"address\":\"10.0.0.11:3000\",\"weight\":1,\"max_connections\":2000},"
		"{\"address\":\"10.0.0.12:3000\",\"weight\":2,\"max_connections\":2000}]},"
		"{\"name\":\"canary\",\"role\":\"trial\",\"weight\":250,\"rules\":0,\"backends\":["
		"{\"address\":\"10.0.0.21:3000\",\"weight\":1,\"max_connections\":2000}]}]},"
		"{\"name\":\"api\",\"rules\":0,\"max_new_flows\":null,\"drain_timeout\":300,\"on_rollback\":{\"flows\":\"drain\"},"
		"\"health\":{\"passive\":true,\"check\":\"off\",\"path\":\"/\",\"host\":null,\"port\":null,\"status_low\":200,"
		"\"status_high\":399,\"every_ms\":2000,\"timeout_ms\":1000,\"fall\":3,\"rise\":2},\"max_ejected\":5000,"
		"\"on_ejection\":{\"flows\":\"leave\"},\"slow_start_ms\":0,"
		"\"protocol\":\"tcp\",\"forward\":\"gateway\",\"baseline\":\"b\","
		"\"affinity\":{\"by\":\"flow\"},\"listen\":[\"[2001:db8::10]:443/tcp\"],\"versions\":["
		"{\"name\":\"a\",\"role\":\"trial\",\"weight\":0,\"rules\":0,\"backends\":["
		"{\"address\":\"[2001:db8::a]:3000\",\"weight\":1}]},"
		"{\"name\":\"b\",\"role\":\"baseline\",\"weight\":10000,\"rules\":0,\"backends\":["
		"{\"address\":\"[2001:db8::b]:3000\",\"weight\":1}]}]}]}",
		0, NULL);
	assert_non_null(expected);
	assert_true(json_equal(report, expected));
	json_decref(expected);
	json_decref(report);
	config_free(config);
}

/* A service and its rollout; other versions keep what they have. */
static void assert_rollout(const char *service, const char *expected)
{
	char *file = NULL, *text = NULL, *rollout;
	struct config *config;
	size_t size;
	FILE *out;

	if (asprintf(
		    &file,
		    "interfaces: [eth0]\nservices:\n- name: shop\n  listen: 203.0.113.10:80/tcp\n  baseline: stable\n%s",
		    service) < 0)
		fail();
	config = parse(file);
	out = open_memstream(&text, &size);
	assert_int_equal(check_print(out, config), 0);
	fclose(out);
	rollout = strstr(text, "rollout of ");
	assert_non_null(rollout);
	*strstr(rollout, "\n\n") = '\0';
	assert_string_equal(rollout, expected);
	free(text);
	free(file);
	config_free(config);
}

static void test_rollout(void **state)
{
	(void)state;
	assert_rollout(
		"  protocol: http\n"
		"  versions: {stable: {backends: ['10.0.0.11:3000']}, canary: {backends: ['10.0.0.21:3000']}}\n"
		"  rollout: {steps: [{weight: 5%, for: 15m}, {weight: 50%, for: 1h, pause: manual},\n"
		"    {weight: 100%, for: 1m, pause: 10m}], deadline: 1d, on_unproven: rollback,\n"
		"    judge: {errors: {tolerate: 1.5}, latency: off}, on_rollback: {flows: reset},\n"
		"    checks: [{name: errors, max_increase: 3%, action: rollback}, {name: p95, max_ratio: 1.2, window: 15m}]}\n"
		"  notify: [{url: 'https://hooks.example/T0'}]\n",
		"rollout of canary; 5% stay with stable until the last step has passed\n"
		"STEP           SHARE  FOR  AT MOST  THEN\n"
		"   1              5%  15m      45m\n"
		"   2             50%   1h       3h  until promoted\n"
		"   3  95% (holdback)   1m       3m  pause of 10m, completed at 100%\n"
		"a step without evidence of health by then is rolled back; one that takes 1d is rolled back; a "
		"rollback resets flows\n"
		"judge: errors above 1.5 times the baseline's, more failed outcomes than the baseline's; false alarms in "
		"up to 1% of rollouts\n"
		"check errors more than 3% above the baseline's, over 1m from 100 requests on: rollback, outside the "
		"promise of 1% false alarms\n"
		"check p95 above 1.2 times the baseline's, over 15m from 100 requests on: hold\n"
		"notifications: 1");
	assert_rollout(
		"  versions: {stable: {backends: ['10.0.0.11:3000']}, canary: {backends: ['10.0.0.21:3000'], capacity: "
		"40%},\n    other: {backends: ['10.0.0.31:3000'], weight: 65%}}\n"
		"  rollout: {version: canary, steps: [{weight: 30%, for: 90s}, {weight: 100%}], on_unproven: advance,\n"
		"    extend: 1, judge: {errors: off, outcomes: off, latency: off}}\n",
		"rollout of canary, never more than 40% (capacity); 5% stay with stable until the last step has passed\n"
		"STEP  SHARE  FOR  AT MOST  THEN\n"
		"   1    30%  90s      90s\n"
		"   2                       completed at 35%\n"
		"a step without evidence of health by then passes all the same; a rollback lets flows drain\n"
		"judge: off, nothing is rolled back on evidence\n"
		"'serin rollout start' takes outcomes or --blind here: errors inside of answers are not seen");
}

static const char modes[] =
	"interfaces: [eth0]\n"
	"attach: tc\n"
	"gue_port: 6081\n"
	"http: off\n"
	"services:\n"
	"  - name: dns\n"
	"    listen: [\"203.0.113.10:53/udp\", \"203.0.113.10:53/tcp\"]\n"
	"    forward: gue\n"
	"    max_new_flows: 5000/s\n"
	"    drain_timeout: 90s\n"
	"    on_rollback: {flows: reset}\n"
	"    baseline: a\n"
	"    versions: {a: {backends: [10.0.0.1, \"2001:db8::1\"]}, b: {backends: [10.0.0.2]}}\n"
	"    rules: [{from: 10.0.0.0/8, version: b}, {from: 10.1.0.0/16, version: a}, {from: \"::/0\", version: b}]\n"
	"  - name: node\n"
	"    listen: [\"203.0.113.10:80/tcp\"]\n"
	"    forward: local\n"
	"    versions: {only: {backends: [3001]}}\n"
	"    rules: [{from: 10.0.0.0/8, version: only}]\n"
	"  - name: wrap\n"
	"    listen: [\"203.0.113.11:80/tcp\"]\n"
	"    forward: ipip\n"
	"    versions: {only: {backends: [10.0.0.1]}}\n";

static const char modes_text[] =
	"dns  203.0.113.10:53/udp, 203.0.113.10:53/tcp\n"
	"forward gue, affinity source (IPv4 /32, IPv6 /64)\n"
	"VERSION  ROLE      SHARE  BACKEND           WEIGHT\n"
	"a        baseline   100%  10.0.0.1:53            1\n"
	"                          [2001:db8::1]:53       1\n"
	"b        trial        0%  10.0.0.2:53            1\n"
	"backends unwrap GUE at UDP port 6081; packets to IPv4 backends grow by 32 bytes: 1468 are left of an MTU of "
	"1500\n"
	"backends unwrap GUE at UDP port 6081; packets to IPv6 backends grow by 52 bytes: 1448 are left of an MTU of "
	"1500\n"
	"3 rules before the hash: 1 to a, 2 to b\n"
	"at most 5000 new flows a second\n"
	"removed backends drain for 90s; a rollback resets flows\n"
	"failed handshakes eject up to 50% of a version's backends; flows of ejected ones are left alone\n"
	"answers do not pass here: only what clients send shows how a version does\n"
	"\n"
	"node  203.0.113.10:80/tcp\n"
	"forward local, affinity source (IPv4 /32, IPv6 /64)\n"
	"VERSION  ROLE      SHARE  BACKEND  WEIGHT\n"
	"only     baseline   100%  :3001         1\n"
	"1 rule before the hash: 1 to only\n"
	"removed backends drain for 5m; a rollback lets flows drain\n"
	"failed handshakes eject up to 50% of a version's backends; flows of ejected ones are left alone\n"
	"protocol tcp: the status of answers is not seen (TLS), only how turns fail\n"
	"\n"
	"wrap  203.0.113.11:80/tcp\n"
	"forward ipip, affinity source (IPv4 /32, IPv6 /64)\n"
	"VERSION  ROLE      SHARE  BACKEND      WEIGHT\n"
	"only     baseline   100%  10.0.0.1:80       1\n"
	"packets to IPv4 backends grow by 20 bytes: 1480 are left of an MTU of 1500\n"
	"removed backends drain for 5m; a rollback lets flows drain\n"
	"failed handshakes eject up to 50% of a version's backends; flows of ejected ones are left alone\n"
	"answers do not pass here: only what clients send shows how a version does\n"
	"\n"
	"flow table: 262144 connections in 1048576 ways, 65 MiB of kernel memory\n"
	"tables: 3 of 256 services, 4 of 1024 listening addresses, 5 of 4096 backends, 5 of 524288 rules\n"
	"interfaces: eth0 (attach tc)\n"
	"http: off\n";

static void test_modes(void **state)
{
	struct config *config = parse(modes);
	json_t *report = check_to_json(config), *dns;
	const char *text, *protocol, *forward, *flows;
	int rules, max_new, drain, of_b;
	char *printed = NULL;
	size_t size;
	FILE *out = open_memstream(&printed, &size);

	(void)state;
	assert_int_equal(check_print(out, config), 0);
	fclose(out);
	assert_string_equal(printed, modes_text);
	dns = json_array_get(json_object_get(report, "services"), 0);
	assert_int_equal(json_unpack(dns, "{s:s, s:s, s:i, s:i, s:i, s:{s:s}}", "protocol", &protocol, "forward",
				     &forward, "rules", &rules, "max_new_flows", &max_new, "drain_timeout", &drain,
				     "on_rollback", "flows", &flows),
			 0);
	assert_string_equal(protocol, "udp");
	assert_string_equal(forward, "gue");
	assert_string_equal(flows, "reset");
	assert_int_equal(rules, 3);
	assert_int_equal(max_new, 5000);
	assert_int_equal(drain, 90);
	of_b = (int)json_integer_value(json_object_get(json_array_get(json_object_get(dns, "versions"), 1), "rules"));
	assert_int_equal(of_b, 2);
	text = json_string_value(json_array_get(json_object_get(dns, "listen"), 1));
	assert_string_equal(text, "203.0.113.10:53/tcp");
	json_decref(report);
	free(printed);
	config_free(config);
}

static const char found[] =
	"interfaces: [eth0]\n"
	"http: off\n"
	"services:\n"
	"  - name: shop\n"
	"    listen: [\"203.0.113.10:80/tcp\"]\n"
	"    baseline: a\n"
	"    health: {check: http, path: /healthz, host: shop.example, status: 200, every: 5s, timeout: 500ms, port: 8080}\n"
	"    max_ejected: 25%\n"
	"    on_ejection: {flows: drain}\n"
	"    slow_start: 30s\n"
	"    versions: {a: {dns: {name: a.shop.internal, port: 3000}}, b: {dns: {name: b, type: srv}}}\n"
	"  - name: api\n"
	"    listen: [\"203.0.113.11:80/tcp\"]\n"
	"    forward: ipip\n"
	"    health: {check: tcp}\n"
	"    on_ejection: {flows: reset}\n"
	"    versions: {only: {file: /etc/serin/api.json}}\n"
	"  - name: left\n"
	"    listen: [\"203.0.113.12:80/tcp\"]\n"
	"    health: off\n"
	"    versions: {only: {backends: [\"10.0.0.1:80\"]}}\n";

static const char found_text[] =
	"shop  203.0.113.10:80/tcp\n"
	"forward nat, affinity source (IPv4 /32, IPv6 /64)\n"
	"VERSION  ROLE      SHARE  BACKEND                   WEIGHT\n"
	"a        baseline   100%  dns a.shop.internal:3000\n"
	"b        trial        0%  dns b (SRV)\n"
	"each IPv4 backend can have 31744 connections at a time (ports 1024-32767 of 1 source address, the host's own)\n"
	"removed backends drain for 5m; a rollback lets flows drain\n"
	"health: http GET /healthz of shop.example at port 8080, status 200 within 500ms, every 5s; out after 3, back "
	"after 2\n"
	"failed handshakes eject up to 25% of a version's backends; flows of ejected ones drain; slow start over 30s\n"
	"protocol tcp: the status of answers is not seen (TLS), only how turns fail\n"
	"\n"
	"api  203.0.113.11:80/tcp\n"
	"forward ipip, affinity source (IPv4 /32, IPv6 /64)\n"
	"VERSION  ROLE      SHARE  BACKEND                   WEIGHT\n"
	"only     baseline   100%  file /etc/serin/api.json\n"
	"removed backends drain for 5m; a rollback lets flows drain\n"
	"health: tcp within 1s, every 2s; out after 3, back after 2\n"
	"failed handshakes eject up to 50% of a version's backends; flows of ejected ones are reset\n"
	"answers do not pass here: only what clients send shows how a version does\n"
	"\n"
	"left  203.0.113.12:80/tcp\n"
	"forward nat, affinity source (IPv4 /32, IPv6 /64)\n"
	"VERSION  ROLE      SHARE  BACKEND      WEIGHT\n"
	"only     baseline   100%  10.0.0.1:80       1\n"
	"each IPv4 backend can have 31744 connections at a time (ports 1024-32767 of 1 source address, the host's own)\n"
	"removed backends drain for 5m; a rollback lets flows drain\n"
	"health: off, a dead backend keeps its clients\n"
	"protocol tcp: the status of answers is not seen (TLS), only how turns fail\n"
	"\n"
	"flow table: 262144 connections in 1048576 ways, 65 MiB of kernel memory\n"
	"tables: 3 of 256 services, 3 of 1024 listening addresses, 1 of 4096 backends, 0 of 524288 rules\n"
	"interfaces: eth0 (attach auto)\n"
	"http: off\n";

static void assert_json(const json_t *json, const char *expected)
{
	json_t *wanted = json_loads(expected, JSON_DECODE_ANY, NULL);

	assert_non_null(wanted);
	assert_true(json_equal(json, wanted));
	json_decref(wanted);
}

static void test_health(void **state)
{
	struct config *config = parse(found);
	json_t *report = check_to_json(config), *services = json_object_get(report, "services");
	json_t *shop = json_array_get(services, 0), *versions = json_object_get(shop, "versions");
	char *printed = NULL;
	size_t size;
	FILE *out = open_memstream(&printed, &size);

	(void)state;
	assert_int_equal(check_print(out, config), 0);
	fclose(out);
	assert_string_equal(printed, found_text);
	assert_json(
		json_object_get(shop, "health"),
		"{\"passive\":true,\"check\":\"http\",\"path\":\"/healthz\",\"host\":\"shop.example\",\"port\":8080,"
		"\"status_low\":200,\"status_high\":200,\"every_ms\":5000,\"timeout_ms\":500,\"fall\":3,\"rise\":2}");
	assert_int_equal(json_integer_value(json_object_get(shop, "max_ejected")), 2500);
	assert_int_equal(json_integer_value(json_object_get(shop, "slow_start_ms")), 30000);
	assert_json(json_object_get(shop, "on_ejection"), "{\"flows\":\"drain\"}");
	assert_json(json_array_get(versions, 0),
		    "{\"name\":\"a\",\"role\":\"baseline\",\"weight\":10000,\"rules\":0,\"backends\":[],"
		    "\"dns\":{\"name\":\"a.shop.internal\",\"type\":\"a\",\"port\":3000,\"every_ms\":5000}}");
	assert_json(json_object_get(json_array_get(versions, 1), "dns"),
		    "{\"name\":\"b\",\"type\":\"srv\",\"port\":null,\"every_ms\":5000}");
	versions = json_object_get(json_array_get(services, 1), "versions");
	assert_string_equal(json_string_value(json_object_get(json_array_get(versions, 0), "file")),
			    "/etc/serin/api.json");
	assert_json(json_object_get(json_object_get(json_array_get(services, 2), "health"), "passive"), "false");
	json_decref(report);
	free(printed);
	config_free(config);
}

static void test_flow_ways(void **state)
{
	static const struct {
		uint32_t flows;
		uint64_t ways;
	} cases[] = {
		{ 256, 1024 }, /* 683 at least */
		{ 384, 1024 }, /* 1024 exactly */
		{ 385, 2048 }, { 262144, 1 << 20 }, { SERIN_MAX_FLOWS, 1 << 26 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		assert_int_equal(check_flow_ways(cases[i].flows), cases[i].ways);
	assert_int_equal(check_flow_bytes(1024), 1024 * 65);
}

static void test_nat_capacity(void **state)
{
	struct config_snat snat = { .port_first = 1024, .port_last = 32767 };
	struct serin_addr ipv4, ipv6;

	(void)state;
	assert_int_equal(address_parse("10.0.0.1", &ipv4), 0);
	assert_int_equal(address_parse("2001:db8::1", &ipv6), 0);
	assert_int_equal(check_nat_capacity(&snat, &ipv4), 31744);
	assert_int_equal(check_nat_capacity(&snat, &ipv6), 31744);
	snat.addresses[0] = snat.addresses[1] = ipv4;
	snat.addresses[2] = ipv6;
	snat.address_count = 3;
	assert_int_equal(check_nat_capacity(&snat, &ipv4), 2 * 31744);
	assert_int_equal(check_nat_capacity(&snat, &ipv6), 31744);
	snat.port_first = 1;
	snat.port_last = 65535;
	assert_int_equal(check_nat_capacity(&snat, &ipv6), 65535);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),      cmocka_unit_test(test_json),         cmocka_unit_test(test_modes),
		cmocka_unit_test(test_flow_ways), cmocka_unit_test(test_nat_capacity), cmocka_unit_test(test_rollout),
		cmocka_unit_test(test_health),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
