/* SPDX-License-Identifier: BSD-2-Clause */
/* What two files that follow one another say to have changed, line by line, and what they may not change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_diff.h"

static struct config *parse(const char *text)
{
	struct complaint complaint = { "" };
	struct config *config = NULL;

	if (config_parse("serin.yaml", text, strlen(text), &config, &complaint))
		fail_msg("%s", complaint.text);
	return config;
}

static void assert_lines(const struct config_lines *lines, const char *expected)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	assert_non_null(out);
	for (size_t i = 0; i < lines->count; i++)
		fprintf(out, "%s\n", lines->line[i]);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
}

static void assert_diff(const char *from, const char *to, const char *changes, const char *refused)
{
	struct config *old = parse(from), *new = parse(to);
	struct config_diff diff;

	assert_int_equal(config_diff_make(old, new, &diff), 0);
	assert_lines(&diff.changes, changes);
	assert_lines(&diff.refused, refused);
	config_diff_free(&diff);
	config_free(old);
	config_free(new);
}

/* The file with one of its texts replaced: good until the call after the next. */
static const char *edit(const char *text, const char *what, const char *with)
{
	static char buffers[2][4096];
	static unsigned int calls;
	char *buffer = buffers[calls++ % 2];
	const char *at = strstr(text, what);

	assert_non_null(at);
	assert_null(strstr(at + 1, what));
	snprintf(buffer, sizeof(buffers[0]), "%.*s%s%s", (int)(at - text), text, with, at + strlen(what));
	return buffer;
}

static const char base[] = "interfaces: [eth0, eth1]\n"
			   "attach: auto\n"
			   "http: {listen: \"127.0.0.1:9477\", token_file: /etc/serin/token}\n"
			   "snat: {ports: 2000-3000}\n"
			   "flows: 65536\n"
			   "services:\n"
			   "- name: shop\n"
			   "  listen: [\"192.0.2.1:80/tcp\", \"192.0.2.1:443/tcp\"]\n"
			   "  forward: nat\n"
			   "  affinity: source\n"
			   "  baseline: stable\n"
			   "  versions:\n"
			   "    stable: {backends: [\"10.0.0.11:3000\", \"10.0.0.12:3000\"]}\n"
			   "    canary: {backends: [\"10.0.0.21:3000\"], weight: 5%}\n"
			   "- name: mail\n"
			   "  listen: \"[2001:db8::10]:25/tcp\"\n"
			   "  forward: gateway\n"
			   "  versions: {one: {backends: [\"[2001:db8:2::1]:25\"]}}\n";

static void changes(const char *what, const char *with, const char *expected)
{
	assert_diff(base, edit(base, what, with), expected, "");
}

static void test_nothing(void **state)
{
	(void)state;
	assert_diff(base, base, "", "");
	/* Comments, order and defaults that are said are no difference. */
	changes("flows:", "# more\ntimeouts: {closed: 10s}\nflows:", "");
	changes("[eth0, eth1]", "[eth1, eth0]", "");
	changes("[\"192.0.2.1:80/tcp\", \"192.0.2.1:443/tcp\"]", "[\"192.0.2.1:443/tcp\", \"192.0.2.1:80/tcp\"]", "");
	changes("[\"10.0.0.11:3000\", \"10.0.0.12:3000\"]", "[\"10.0.0.12:3000\", \"10.0.0.11:3000\"]", "");
	changes("    canary: {backends: [\"10.0.0.21:3000\"], weight: 5%}",
		"    canary: {weight: 5%, backends: [{address: \"10.0.0.21:3000\", weight: 1}]}", "");
	changes("  affinity: source", "  affinity: {ipv4: 32, ipv6: 64}", "");
}

static void test_keys(void **state)
{
	(void)state;
	changes("flows:",
		"timeouts: {embryonic: 5s, established: 1h, half_closed: 60s, closed: 1s, port_rest: 1m, udp: 31s}\ngue_port: 6081\nanswer_timeout: 2500ms\nflows:",
		"~ timeouts.embryonic: 10s -> 5s\n"
		"~ timeouts.established: 124m -> 1h\n"
		"~ timeouts.half_closed: 4m -> 1m\n"
		"~ timeouts.closed: 10s -> 1s\n"
		"~ timeouts.udp: 30s -> 31s\n"
		"~ answer_timeout: 10s -> 2500ms\n"
		"~ gue_port: 6080 -> 6081\n");
	changes("flows:", "flow_log: 1/1000\nflows:", "~ flow_log: off -> 1/1000\n");
	changes("flows:", "answer_timeout: off\nflows:", "~ answer_timeout: 10s -> off\n");
	changes("  affinity: source", "  affinity: source\n  protocol: http", "~ protocol of shop: tcp -> http\n");
	changes("  affinity: source",
		"  affinity: source\n  max_new_flows: 5000/s\n  drain_timeout: 1m\n  on_rollback: {flows: reset}",
		"~ max_new_flows of shop: any number -> 5000/s\n"
		"~ drain_timeout of shop: 5m -> 1m\n"
		"~ on_rollback of shop: drain -> reset\n");
	changes("  affinity: source", "  affinity: flow", "~ affinity of shop: source -> flow\n");
	changes("  affinity: source", "  affinity: {ipv4: 24}",
		"~ affinity of shop: source -> source {ipv4: 24, ipv6: 64}\n");
	changes("weight: 5%", "weight: 12.5%", "~ weight of shop/canary: 5% -> 12.5%\n");
	changes(", weight: 5%", "", "~ weight of shop/canary: 5% -> 0%\n");
	assert_diff(base, edit(edit(base, "baseline: stable", "baseline: canary"), ", weight: 5%", ""),
		    "~ baseline of shop: stable -> canary\n"
		    "~ weight of shop/stable: the rest -> 0%\n"
		    "~ weight of shop/canary: 5% -> the rest\n",
		    "");
}

/* A rollout that runs keeps what it began with, so each line says from when on it holds. */
static void test_rollout(void **state)
{
	static const char key[] = "  affinity: source",
			  none[] = "  affinity: source\n  rollout: {steps: [{weight: 5%, for: 15m}, "
				   "{weight: 100%}]}";
	char with[2048];

	(void)state;
	snprintf(with, sizeof(with), "%s", edit(base, key, none));
	changes("flows:", "lease: off\nrestart_grace: 90s\nflows:", "~ lease: 5s -> off\n~ restart_grace: 1m -> 90s\n");
	changes("weight: 5%", "weight: 5%, capacity: 40%", "~ capacity of shop/canary: 100% -> 40%\n");
	assert_diff(base, with, "+ rollout of shop: 2 steps (from the next start on)\n", "");
	assert_diff(with, base, "- rollout of shop (from the next start on)\n", "");
	assert_diff(with, with, "", "");
	assert_diff(
		with,
		edit(base, key,
		     "  affinity: source\n  rollout:\n    version: canary\n    steps: [{weight: 10%, for: 1h, pause: manual}]\n"
		     "    holdback: 10%\n    on_unproven: advance\n    extend: 2\n    deadline: 3h\n"
		     "    on_rollback: {flows: reset}\n"
		     "    judge: {false_alarm: 2%, false_pass: 3%, errors: {tolerate: 1.5}, latency: off, outcomes: off,\n"
		     "      health: {ratio: 3, objective: 0.5%}}\n"
		     "    checks: [{name: p95, max_ratio: 1.2}]"),
		"~ rollout.version of shop: whichever is not the baseline -> canary (from the next start on)\n"
		"~ rollout.steps of shop: 5% for 15m, 100% -> 10% for 1h until promoted (from the next start on)\n"
		"~ rollout.holdback of shop: 5% -> 10% (from the next start on)\n"
		"~ rollout.on_unproven of shop: hold -> advance (from the next start on)\n"
		"~ rollout.extend of shop: 3 -> 2 (from the next start on)\n"
		"~ rollout.deadline of shop: off -> 3h (from the next start on)\n"
		"~ rollout.on_rollback of shop: drain -> reset (from the next start on)\n"
		"~ rollout.judge.false_alarm of shop: 1% -> 2% (from the next start on)\n"
		"~ rollout.judge.false_pass of shop: 1% -> 3% (from the next start on)\n"
		"~ rollout.judge.errors of shop: 1 -> 1.5 (from the next start on)\n"
		"~ rollout.judge.outcomes of shop: 1 -> off (from the next start on)\n"
		"~ rollout.judge.latency of shop: 20% -> off (from the next start on)\n"
		"~ rollout.judge.health.ratio of shop: 2 -> 3 (from the next start on)\n"
		"~ rollout.judge.health.objective of shop: 1% -> 0.5% (from the next start on)\n"
		"+ check of shop: p95 above 1.2 times the baseline's, over 1m from 100 requests on: hold (from the next "
		"start on)\n",
		"");
}

static void assert_checks(const char *from, const char *to, const char *expected)
{
	static const char format[] = "  affinity: source\n  rollout: {steps: [{weight: 100%%}], checks: [%s]}";
	char before[512], after[512];

	snprintf(before, sizeof(before), format, from);
	snprintf(after, sizeof(after), format, to);
	assert_diff(edit(base, "  affinity: source", before), edit(base, "  affinity: source", after), expected, "");
}

/* Neither what a check asks nor whom a notification goes to is repeated: both may hold secrets. */
static void test_checks(void **state)
{
	(void)state;
	assert_checks(
		"{name: errors, max: 5%}", "{name: errors, max: 6%, action: rollback}",
		"~ check of shop: errors above 5%, over 1m from 100 requests on: hold -> errors above 6%, over 1m from "
		"100 requests on: rollback (from the next start on)\n");
	assert_checks("{name: x, prometheus: 'http://a', query: up, max: 1}",
		      "{name: x, prometheus: 'http://a/', query: down, max: 1}",
		      "~ query of check x of shop (from the next start on)\n");
	assert_checks("{name: p50, max: 1s}, {name: p90, max: 1s}", "{name: p90, max: 1s}",
		      "- check p50 of shop (from the next start on)\n");
	changes("  affinity: source", "  affinity: source\n  notify: [{url: 'http://secret'}]",
		"~ notify of shop: 0 -> 1\n");
	assert_diff(edit(base, "  affinity: source", "  affinity: source\n  notify: [{url: 'http://secret'}]"),
		    edit(base, "  affinity: source", "  affinity: source\n  notify: [{url: 'http://other'}]"),
		    "~ notify of shop: 1, others than before\n", "");
}

static void test_backends(void **state)
{
	(void)state;
	changes("\"10.0.0.12:3000\"", "\"10.0.0.12:3000\", \"10.0.0.13:3000\"",
		"+ backend 10.0.0.13:3000 of shop/stable\n");
	changes("\"10.0.0.12:3000\"", "{address: \"10.0.0.13:3000\", weight: 2}",
		"+ backend 10.0.0.13:3000 of shop/stable: weight 2\n"
		"- backend 10.0.0.12:3000 of shop/stable (draining)\n");
	changes("\"10.0.0.12:3000\"", "{address: \"10.0.0.12:3000\", weight: 3}",
		"~ backend 10.0.0.12:3000 of shop/stable: weight 1 -> 3\n");
	changes("10.0.0.12:3000", "10.0.0.12:3001",
		"+ backend 10.0.0.12:3001 of shop/stable\n"
		"- backend 10.0.0.12:3000 of shop/stable (draining)\n");
	changes("[2001:db8:2::1]:25", "[2001:db8:2::2]:25",
		"+ backend [2001:db8:2::2]:25 of mail/one\n"
		"- backend [2001:db8:2::1]:25 of mail/one (draining)\n");
}

static void test_versions_and_listeners(void **state)
{
	(void)state;
	changes(", \"192.0.2.1:443/tcp\"]", ", \"192.0.2.2:80/tcp\"]",
		"+ listener 192.0.2.2:80/tcp of shop\n"
		"- listener 192.0.2.1:443/tcp of shop\n");
	changes("    canary: {backends: [\"10.0.0.21:3000\"], weight: 5%}\n", "",
		"- version canary of shop\n"
		"- backend 10.0.0.21:3000 of shop/canary (draining)\n");
	changes("    canary:", "    next:",
		"+ version next of shop: weight 5%\n"
		"+ backend 10.0.0.21:3000 of shop/next\n"
		"- version canary of shop\n"
		"- backend 10.0.0.21:3000 of shop/canary (draining)\n");
}

/* By what they do: not by where they stand, nor by the versions' order. */
static void test_rules(void **state)
{
	static const char one[] =
		"  affinity: source\n"
		"  rules: [{from: 10.8.0.0/16, version: canary}, {from: 10.9.0.0/16, version: stable}]\n";
	const char *with;
	char *ruled;

	(void)state;
	changes("  affinity: source\n", one, "~ rules of shop: 0 -> 2\n");
	with = edit(base, "  affinity: source\n", one);
	ruled = strdup(with);
	assert_non_null(ruled);
	assert_diff(ruled, base, "~ rules of shop: 2 -> 0\n", "");
	assert_diff(ruled, edit(ruled, "10.9.0.0/16, version: stable", "10.9.0.0/16, version: canary"),
		    "~ rules of shop: 2, others than before\n", "");
	assert_diff(ruled, edit(ruled, "10.9.0.0/16", "10.9.0.0/17"), "~ rules of shop: 2, others than before\n", "");
	assert_diff(ruled,
		    edit(ruled, "{from: 10.8.0.0/16, version: canary}, {from: 10.9.0.0/16, version: stable}",
			 "{from: 10.9.0.0/16, version: stable}, {from: 10.8.0.0/16, version: canary}"),
		    "", "");
	free(ruled);
}

/* Key by key; what is not said is its default. */
static void test_health(void **state)
{
	static const char *const affinity = "  affinity: source\n";
	static const char checked[] =
		"  affinity: source\n"
		"  health: {check: http, path: /healthz, host: shop.example, status: 200, every: 5s, timeout: 1500ms, fall: 1,\n"
		"    rise: 10, port: 8080}\n"
		"  max_ejected: 12.5%\n"
		"  on_ejection: {flows: reset}\n"
		"  slow_start: 30s\n";
	char *with;

	(void)state;
	changes(affinity,
		"  affinity: source\n  health: {check: off, path: /, every: 2s, timeout: 1000ms, status: 200-399}\n"
		"  max_ejected: 50%\n  on_ejection: {flows: leave}\n  slow_start: off\n",
		"");
	changes(affinity, "  affinity: source\n  health: off\n", "~ health of shop: on -> off\n");
	changes(affinity, checked,
		"~ health.check of shop: off -> http\n"
		"~ health.path of shop: / -> /healthz\n"
		"~ health.host of shop: the backend's -> shop.example\n"
		"~ health.status of shop: 200-399 -> 200\n"
		"~ health.every of shop: 2s -> 5s\n"
		"~ health.timeout of shop: 1s -> 1500ms\n"
		"~ health.fall of shop: 3 -> 1\n"
		"~ health.rise of shop: 2 -> 10\n"
		"~ health.port of shop: the backend's -> 8080\n"
		"~ max_ejected of shop: 50% -> 12.5%\n"
		"~ on_ejection of shop: leave -> reset\n"
		"~ slow_start of shop: off -> 30s\n");
	with = strdup(edit(base, affinity, checked));
	assert_non_null(with);
	assert_diff(with, edit(with, "every: 5s", "every: 1h"), "~ health.every of shop: 5s -> 1h\n", "");
	assert_diff(with, edit(with, "status: 200", "status: 200-299"), "~ health.status of shop: 200 -> 200-299\n",
		    "");
	assert_diff(with, edit(with, "{flows: reset}", "{flows: drain}"), "~ on_ejection of shop: reset -> drain\n",
		    "");
	free(with);
}

static struct config_version *version_of(struct config *config, const char *name)
{
	int index = config_find_version(&config->services[0], name);

	assert_true(index >= 0);
	return &config->services[0].versions[index];
}

static void find_backend(struct config_version *version, const char *text)
{
	version->backends = reallocarray(version->backends, version->backend_count + 1, sizeof(*version->backends));
	assert_non_null(version->backends);
	version->backends[version->backend_count] = (struct config_backend){ .weight = 1 };
	assert_int_equal(endpoint_parse(text, &version->backends[version->backend_count++].endpoint), 0);
}

static void test_sources(void **state)
{
	static const char *const backends = "backends: [\"10.0.0.11:3000\", \"10.0.0.12:3000\"]";
	static const char *const canary = "backends: [\"10.0.0.21:3000\"]";
	char *named;

	(void)state;
	changes(backends, "dns: {name: stable.shop.internal, port: 3000}",
		"~ backends of shop/stable: from 2 addresses to dns stable.shop.internal:3000\n");
	changes(canary, "file: /etc/serin/canary.json",
		"~ backends of shop/canary: from 1 address to file /etc/serin/canary.json\n");
	named = strdup(edit(base, canary, "dns: {name: canary, port: 3000}"));
	assert_non_null(named);
	assert_diff(named, named, "", "");
	assert_diff(named, base, "~ backends of shop/canary: from dns canary:3000 to 1 address\n", "");
	assert_diff(named, edit(named, "port: 3000}", "port: 3000, every: 60s}"),
		    "~ dns.every of shop/canary: 5s -> 1m\n", "");
	assert_diff(named, edit(named, "port: 3000}", "port: 3001}"),
		    "~ backends of shop/canary: from dns canary:3000 to dns canary:3001\n", "");
	assert_diff(named, edit(named, "port: 3000}", "type: srv}"),
		    "~ backends of shop/canary: from dns canary:3000 to dns canary (SRV)\n", "");
	assert_diff(named, edit(named, "    canary:", "    next:"),
		    "+ version next of shop: weight 5%\n"
		    "+ backends of shop/next: dns canary:3000\n"
		    "- version canary of shop\n"
		    "- backends of shop/canary: dns canary:3000 (draining)\n",
		    "");
	free(named);
}

/* What was found is compared like what is written down, but not with what has yet to be found. */
static void test_found(void **state)
{
	const char *text = edit(base, "backends: [\"10.0.0.21:3000\"]", "dns: {name: canary, port: 3000}");
	struct config *old = parse(text), *new = parse(text);
	struct config_diff diff;

	(void)state;
	find_backend(version_of(old, "canary"), "10.0.0.21:3000");
	assert_int_equal(config_diff_make(old, new, &diff), 0);
	assert_lines(&diff.changes, "");
	config_diff_free(&diff);
	assert_int_equal(config_diff_make(new, old, &diff), 0);
	assert_lines(&diff.changes, "+ backend 10.0.0.21:3000 of shop/canary\n");
	config_diff_free(&diff);
	find_backend(version_of(new, "canary"), "10.0.0.22:3000");
	assert_int_equal(config_diff_make(old, new, &diff), 0);
	assert_lines(&diff.changes, "+ backend 10.0.0.22:3000 of shop/canary\n"
				    "- backend 10.0.0.21:3000 of shop/canary (draining)\n");
	config_diff_free(&diff);
	config_free(old);
	config_free(new);
}

/* Addresses that change tunnels only: connections name no port of them. */
static void test_tunnels(void **state)
{
	static const char tunnel[] =
		"interfaces: [eth0]\n"
		"snat: {addresses: [10.0.0.2]}\n"
		"services:\n"
		"- {name: a, listen: 192.0.2.1:80/tcp, forward: ipip, versions: {v: {backends: [10.0.0.9]}}}\n";

	(void)state;
	assert_diff(tunnel, edit(tunnel, "[10.0.0.2]", "[10.0.0.3]"), "~ snat.addresses: 10.0.0.2 -> 10.0.0.3\n", "");
	assert_diff(tunnel, edit(tunnel, "10.0.0.9]", "10.0.0.9, 10.0.0.10]"), "+ backend 10.0.0.10:80 of a/v\n", "");
}

/* Processes on this host have no address of their own. */
static void test_local(void **state)
{
	static const char local[] =
		"interfaces: [eth0]\n"
		"services:\n"
		"- {name: a, listen: 192.0.2.1:80/tcp, forward: local, versions: {v: {backends: [3001]}}}\n";

	(void)state;
	assert_diff(local, edit(local, "[3001]", "[3002]"),
		    "+ backend :3002 of a/v\n"
		    "- backend :3001 of a/v (draining)\n",
		    "");
	assert_diff(local, edit(local, "192.0.2.1:80/tcp", "[192.0.2.1:80/tcp, 192.0.2.1:53/udp]"),
		    "+ listener 192.0.2.1:53/udp of a\n", "");
}

static void test_services(void **state)
{
	(void)state;
	assert_diff(base,
		    edit(edit(base, "- name: mail", "- name: post"), "- name: shop",
			 "- name: api\n"
			 "  listen: \"192.0.2.9:80/tcp\"\n"
			 "  affinity: flow\n"
			 "  versions: {v1: {backends: [\"10.0.0.31:80\"]}}\n"
			 "- name: shop"),
		    "+ service api: forward nat, affinity flow\n"
		    "+ listener 192.0.2.9:80/tcp of api\n"
		    "+ version v1 of api: weight the rest\n"
		    "+ backend 10.0.0.31:80 of api/v1\n"
		    "+ service post: forward gateway, affinity source\n"
		    "+ listener [2001:db8::10]:25/tcp of post\n"
		    "+ version one of post: weight the rest\n"
		    "+ backend [2001:db8:2::1]:25 of post/one\n"
		    "- service mail\n"
		    "- listener [2001:db8::10]:25/tcp of mail\n"
		    "- version one of mail\n"
		    "- backend [2001:db8:2::1]:25 of mail/one (draining)\n",
		    "");
}

static void refused(const char *what, const char *with, const char *expected)
{
	assert_diff(base, edit(base, what, with), "", expected);
}

static void test_refused(void **state)
{
	(void)state;
	refused("[eth0, eth1]", "[eth0, eth2]",
		"serin.yaml:1:20: interfaces: eth2 is new, which takes a restart, expected eth0, eth1 for a reload\n"
		"serin.yaml:1:14: interfaces: eth1 is gone, which takes a restart, expected eth0, eth1 for a reload\n");
	refused("attach: auto", "attach: xdp",
		"serin.yaml:2:9: attach changes from auto to xdp, which takes a restart, expected auto for a reload\n");
	refused("127.0.0.1:9477", "127.0.0.1:9478",
		"serin.yaml:3:16: http.listen changes from 127.0.0.1:9477 to 127.0.0.1:9478, which takes a restart, "
		"expected 127.0.0.1:9477 for a reload\n");
	refused("/etc/serin/token", "/etc/serin/secret",
		"serin.yaml:3:46: http.token_file changes from /etc/serin/token to /etc/serin/secret, "
		"which takes a restart, expected /etc/serin/token for a reload\n");
	refused(", token_file: /etc/serin/token", "",
		"serin.yaml:3:7: http.token_file changes from /etc/serin/token to none, which takes a restart, "
		"expected /etc/serin/token for a reload\n");
	refused("{listen: \"127.0.0.1:9477\", token_file: /etc/serin/token}", "off",
		"serin.yaml:3:7: http.listen changes from 127.0.0.1:9477 to off, which takes a restart, "
		"expected 127.0.0.1:9477 for a reload\n");
	refused("ports: 2000-3000", "ports: 2000-3001",
		"serin.yaml:4:15: snat.ports changes from 2000-3000 to 2000-3001, which takes a restart, "
		"expected 2000-3000 for a reload\n");
	refused("ports: 2000-3000", "ports: 2000-3000, addresses: [10.0.0.3, 10.0.0.2]",
		"serin.yaml:4:37: snat.addresses changes from those that the host would use to 10.0.0.2, 10.0.0.3, "
		"which takes a restart, expected those that the host would use for a reload\n");
	/* A default is nowhere in the file. */
	refused("flows: 65536\n", "",
		"serin.yaml: flows changes from 65536 to 262144, which takes a restart, expected 65536 for a reload\n");
}

static void test_forward(void **state)
{
	(void)state;
	refused("forward: nat", "forward: gateway",
		"serin.yaml:9:12: forward of service shop is gateway, was nat where connections go on, expected nat, "
		"or another service on another address\n");
	refused("  forward: gateway\n", "",
		"serin.yaml:15:3: forward of service mail is nat, was gateway where connections go on, "
		"expected gateway, or another service on another address\n");
	/* Nor by another service in its place: the connections belong to the address. */
	assert_diff(base, edit(edit(base, "name: mail", "name: post"), "forward: gateway", "forward: nat"),
		    "+ service post: forward nat, affinity source\n"
		    "+ listener [2001:db8::10]:25/tcp of post\n"
		    "+ version one of post: weight the rest\n"
		    "+ backend [2001:db8:2::1]:25 of post/one\n"
		    "- service mail\n"
		    "- listener [2001:db8::10]:25/tcp of mail\n"
		    "- version one of mail\n"
		    "- backend [2001:db8:2::1]:25 of mail/one (draining)\n",
		    "serin.yaml:17:12: forward of service post is nat, was gateway where connections go on, "
		    "expected gateway, or another service on another address\n");
}

/* The order of SNAT addresses says nothing, and without forward: nat no connection has any. */
static void test_snat_addresses(void **state)
{
	static const char two[] =
		"interfaces: [eth0]\n"
		"snat: {addresses: [10.0.0.2, 10.0.0.3]}\n"
		"services:\n"
		"- {name: a, listen: 192.0.2.1:80/tcp, forward: nat, versions: {v: {backends: ['10.0.0.9:1']}}}\n";

	(void)state;
	assert_diff(two, edit(two, "[10.0.0.2, 10.0.0.3]", "[10.0.0.3, 10.0.0.2]"), "", "");
	assert_diff(two, edit(two, "10.0.0.3]", "10.0.0.4]"), "",
		    "serin.yaml:2:19: snat.addresses changes from 10.0.0.2, 10.0.0.3 to 10.0.0.2, 10.0.0.4, "
		    "which takes a restart, expected 10.0.0.2, 10.0.0.3 for a reload\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),        cmocka_unit_test(test_keys),
		cmocka_unit_test(test_rollout),        cmocka_unit_test(test_checks),
		cmocka_unit_test(test_backends),       cmocka_unit_test(test_versions_and_listeners),
		cmocka_unit_test(test_rules),          cmocka_unit_test(test_tunnels),
		cmocka_unit_test(test_local),          cmocka_unit_test(test_services),
		cmocka_unit_test(test_refused),        cmocka_unit_test(test_forward),
		cmocka_unit_test(test_snat_addresses), cmocka_unit_test(test_health),
		cmocka_unit_test(test_sources),        cmocka_unit_test(test_found),
	};

	return cmocka_run_group_tests_name("config_diff", tests, NULL, NULL);
}
