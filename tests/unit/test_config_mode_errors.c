/* SPDX-License-Identifier: BSD-2-Clause */
/* Mistakes about ways to forward, udp, rules and the ends of flows, and the whole complaint about each. */
#include "config_mistakes.h"

#define BACKENDS(mode, list) SHOP "  forward: " mode "\n  versions: {a: {backends: [" list "]}}\n"
#define ONE_WAY "expected ADDR or ADDR:PORT such as 10.0.0.11 or [2001:db8::11]:80 (its port is not rewritten)"
#define LOCAL "expected a port of this host such as 3001 (forward: local)"
#define PREFIX "expected an IPv4 or IPv6 prefix such as 10.8.0.0/16 or 2001:db8::/32"
#define RULE(text) GOOD "  rules:\n  - " text "\n"
#define AB TOP SERVICES "  listen: 192.0.2.1:80/tcp\n  baseline: a\n" TWO "}\n" /* 8 lines */

static void test_backends(void **state)
{
	static const struct mistake mistakes[] = {
		{ BACKENDS("local", "'10.0.0.1:80'"), "6:29: invalid backend address '10.0.0.1:80', " LOCAL },
		{ BACKENDS("local", "0"), "6:29: invalid backend address '0', " LOCAL },
		{ BACKENDS("local", "65536"), "6:29: invalid backend address '65536', " LOCAL },
		{ BACKENDS("local", "':3001'"), "6:29: invalid backend address ':3001', " LOCAL },
		{ BACKENDS("local", "3001, 3001"),
		  "6:35: backend ':3001' again (first in version 'a' on line 6), expected it once in a service" },
		{ BACKENDS("local", "[3001]"), "6:29: a list for a backend, expected PORT or a mapping with: address, "
					       "weight" },
		{ BACKENDS("local", "{weight: 1}"), "6:29: missing key 'address' in a backend, expected PORT" },
		{ BACKENDS("nat", "3001"), "6:29: invalid backend address '3001', " BACKEND },
		{ BACKENDS("gateway", "10.0.0.1"), "6:29: invalid backend address '10.0.0.1', " BACKEND },
		{ BACKENDS("ipip", "3001"), "6:29: invalid backend address '3001', " ONE_WAY },
		{ BACKENDS("gue", "'10.0.0.1:'"), "6:29: invalid backend address '10.0.0.1:', " ONE_WAY },
		{ BACKENDS("l2", "{address: web}"), "6:39: invalid backend address 'web', " ONE_WAY },
		{ BACKENDS("l2", "127.0.0.1"), "6:29: the loopback address '127.0.0.1', " UNICAST },
		{ BACKENDS("ipip", "10.0.0.1, '10.0.0.1:80'"),
		  "6:39: backend '10.0.0.1:80' again (first in version 'a' on line 6), expected it once in a service" },
		{ BACKENDS("gue", "'10.0.0.1:80', '10.0.0.1:81'"),
		  "6:44: backend '10.0.0.1:81' again (first in version 'a' on line 6), expected it once in a service" },
		{ BACKENDS("ipip", "'192.0.2.1:1234'"),
		  "6:29: backend '192.0.2.1' is where service 'shop' listens (line 4), expected another address" },
		{ BACKENDS("l2", "'2001:db8::1'"),
		  "6:29: backend '[2001:db8::1]:80' in a service that listens on IPv4: " FAMILY },
		/* `forward` counts wherever it stands. */
		{ SHOP "  versions: {a: {backends: [3001]}}\n  forward: ipip\n",
		  "5:29: invalid backend address '3001', " ONE_WAY },
		{ SHOP "  forward: local\n  forward: nat\n" STABLE,
		  "6:3: key 'forward' again in a service, expected it once" },
	};

	(void)state;
	check_all(mistakes, COUNT(mistakes));
}

static void test_listeners(void **state)
{
	static const struct mistake mistakes[] = {
		{ TOP SERVICES "  forward: nat\n  listen: 127.0.0.1:80/udp\n",
		  "5:11: the loopback address '127.0.0.1:80/udp', " UNICAST },
		{ TOP SERVICES "  forward: local\n  listen: 0.0.0.0:80/tcp\n",
		  "5:11: the unspecified address '0.0.0.0:80/tcp', " UNICAST },
		{ TOP SERVICES "  listen: [192.0.2.1:53/udp, 192.0.2.1:53/tcp, 192.0.2.1:53/udp]\n" STABLE,
		  "4:48: listening address '192.0.2.1:53/udp' again (first on line 4), expected it once" },
		{ TOP SERVICES "  listen: [192.0.2.1:53/udp]\n  protocol: tcp\n" STABLE,
		  "5:13: protocol 'tcp' in a service that listens on udp alone, expected that one" },
		{ TOP SERVICES "  listen: [192.0.2.1:53/udp]\n  protocol: http\n" STABLE,
		  "5:13: protocol 'http' in a service that listens on udp alone, expected that one" },
		{ TOP SERVICES "  listen: [192.0.2.1:53/udp, 10.0.0.1:80/udp]\n" STABLE,
		  "5:34: backend '10.0.0.1:80' is where service 'shop' listens (line 4), expected another address" },
		{ GOOD "- name: both\n  listen: [10.0.0.1:80/tcp, 10.0.0.1:80/udp]\n"
		       "  versions: {v: {backends: ['10.0.0.9:1']}}\n",
		  "5:34: backend '10.0.0.1:80' is where service 'both' listens (line 7), expected another address" },
		{ TOP SERVICES "  forward: l2\n  listen: [192.0.2.1:80/tcp, '[2001:db8::1]:80/tcp']\n" STABLE,
		  "5:30: listening address '[2001:db8::1]:80' in a service that listens on IPv4: " FAMILY },
	};

	(void)state;
	check_all(mistakes, COUNT(mistakes));
}

static void test_numbers(void **state)
{
#define RATE "expected 1/s to 1000000000/s, such as 5000/s"
#define DRAIN "expected whole seconds from 0s to 7d, such as 90s or 5m"
	static const struct mistake mistakes[] = {
		{ GOOD "  max_new_flows: 5000\n", "6:18: invalid max_new_flows '5000', " RATE },
		{ GOOD "  max_new_flows: 0/s\n", "6:18: invalid max_new_flows '0/s', " RATE },
		{ GOOD "  max_new_flows: 5000/m\n", "6:18: invalid max_new_flows '5000/m', " RATE },
		{ GOOD "  max_new_flows: 1000000001/s\n", "6:18: invalid max_new_flows '1000000001/s', " RATE },
		{ GOOD "  max_new_flows: -1/s\n", "6:18: invalid max_new_flows '-1/s', " RATE },
		{ GOOD "  max_new_flows:\n", "6:17: no value for max_new_flows, " RATE },
		{ GOOD "  drain_timeout: 5\n", "6:18: invalid drain_timeout '5', " DRAIN },
		{ GOOD "  drain_timeout: 1500ms\n", "6:18: invalid drain_timeout '1500ms', " DRAIN },
		{ GOOD "  drain_timeout: 8d\n", "6:18: invalid drain_timeout '8d', " DRAIN },
		{ GOOD "  on_rollback: reset\n", "6:16: the text 'reset' for on_rollback, expected a mapping with: "
						 "flows" },
		{ GOOD "  on_rollback: {flows: kill}\n", "6:24: invalid flows 'kill', expected one of: reset, drain" },
		{ GOOD "  on_rollback: {}\n", "6:16: missing key 'flows' in on_rollback, expected reset or drain" },
		{ TOP "gue_port: 0\n", "2:11: invalid gue_port '0', expected a whole number from 1 to 65535" },
		{ TOP "gue_port: 65536\n", "2:11: invalid gue_port '65536', expected a whole number from 1 to 65535" },
		{ TOP "answer_timeout: 10\n", "2:17: invalid answer_timeout '10', " ANSWER_TIMEOUT },
		{ TOP "answer_timeout: 99ms\n", "2:17: invalid answer_timeout '99ms', " ANSWER_TIMEOUT },
		{ TOP "answer_timeout: 60001ms\n", "2:17: invalid answer_timeout '60001ms', " ANSWER_TIMEOUT },
		{ TOP "answer_timeout: 0s\n", "2:17: invalid answer_timeout '0s', " ANSWER_TIMEOUT },
		{ TOP "answer_timeout:\n", "2:16: no value for answer_timeout, " ANSWER_TIMEOUT },
		{ TOP "answer_timeout: {tcp: 1s}\n", "2:17: a mapping for answer_timeout, " ANSWER_TIMEOUT },
		{ TOP "flow_log: 1000\n", "2:11: invalid flow_log '1000', " FLOW_LOG },
		{ TOP "flow_log: 1/0\n", "2:11: invalid flow_log '1/0', " FLOW_LOG },
		{ TOP "flow_log: 1/1000001\n", "2:11: invalid flow_log '1/1000001', " FLOW_LOG },
		{ TOP "flow_log: 2/1000\n", "2:11: invalid flow_log '2/1000', " FLOW_LOG },
		{ TOP "flow_log: 1/ 10\n", "2:11: invalid flow_log '1/ 10', " FLOW_LOG },
		{ TOP "flow_log: 0.1%\n", "2:11: invalid flow_log '0.1%', " FLOW_LOG },
		{ TOP "flow_log: on\n", "2:11: invalid flow_log 'on', " FLOW_LOG },
		{ TOP "flow_log:\n", "2:10: no value for flow_log, " FLOW_LOG },
		{ TOP "flow_log: [1/10]\n", "2:11: a list for flow_log, " FLOW_LOG },
		{ TOP "timeouts: {udp: 0s}\n", "2:17: invalid timeout '0s', " SECONDS },
	};

	(void)state;
	check_all(mistakes, COUNT(mistakes));
}

static void test_rules(void **state)
{
	static const struct mistake mistakes[] = {
		{ RULE("{from: 10.8.0.0/33, version: stable}"), "7:12: invalid prefix '10.8.0.0/33', " PREFIX },
		{ RULE("{from: 10.8.0.0/, version: stable}"), "7:12: invalid prefix '10.8.0.0/', " PREFIX },
		{ RULE("{from: 10.8/16, version: stable}"), "7:12: invalid prefix '10.8/16', " PREFIX },
		{ RULE("{from: 10.8.0.0/016, version: stable}"), "7:12: invalid prefix '10.8.0.0/016', " PREFIX },
		{ RULE("{from: '2001:db8::/129', version: stable}"), "7:12: invalid prefix '2001:db8::/129', " PREFIX },
		{ RULE("{from: '::ffff:10.8.0.0/112', version: stable}"),
		  "7:12: invalid prefix '::ffff:10.8.0.0/112', " PREFIX },
		{ RULE("{from: all, version: stable}"), "7:12: invalid prefix 'all', " PREFIX },
		{ RULE("{from: , version: stable}"), "7:12: no value for prefix, " PREFIX },
		{ RULE("{from: [10.8.0.0/16], version: stable}"), "7:12: a list for prefix, " PREFIX },
		{ RULE("{from: 10.8.0.1/16, version: stable}"),
		  "7:12: prefix '10.8.0.1/16' has bits behind its length, expected such as 10.8.0.0/16" },
		{ RULE("{from: 10.8.0.0/0, version: stable}"),
		  "7:12: prefix '10.8.0.0/0' has bits behind its length, expected such as 0.0.0.0/0" },
		{ RULE("{from: '2001:db8::1/64', version: stable}"),
		  "7:12: prefix '2001:db8::1/64' has bits behind its length, expected such as 2001:db8::/64" },
		{ RULE("{from: 10.8.0.0/16, version: canary}"),
		  "7:34: 'canary' is no version of service 'shop', expected one such as 'stable'" },
		{ RULE("{from: 10.8.0.0/16, version: }"),
		  "7:34: no value for version, expected the name of a version of this service" },
		{ RULE("{from: 10.8.0.0/16}"), "7:5: missing key 'version' in a rule, expected the name of a version" },
		{ RULE("{version: stable}"), "7:5: missing key 'from' in a rule, " PREFIX },
		{ RULE("{from: 10.8.0.0/16, to: stable}"),
		  "7:25: unknown key 'to' in a rule, expected one of: from, version" },
		{ RULE("10.8.0.0/16"), "7:5: the text '10.8.0.0/16' for a rule, expected a mapping with: from, "
				       "version" },
		{ GOOD "  rules: []\n", "6:10: an empty list for rules, expected a list of 1 to 100000 rules" },
		{ GOOD "  rules: {}\n", "6:10: an empty mapping for rules, expected a list of 1 to 100000 rules" },
		{ GOOD "  rules_file: shop.rules\n", "6:15: invalid rules_file 'shop.rules', "
						     "expected an absolute path such as /etc/serin/shop.rules" },
		{ GOOD "  rules_file: /nowhere/shop.rules\n",
		  "6:15: /nowhere/shop.rules: No such file or directory, expected a file that can be read" },
		{ GOOD "  rules_file: /dev/zero\n", "6:15: /dev/zero: more than 32 MiB, expected up to 100000 rules" },
		/* The first that stands in the file, not in the order of addresses. */
		{ AB "  rules:\n  - {from: 9.9.9.9, version: a}\n  - {from: 1.0.0.0/8, version: a}\n"
		     "  - {from: 9.9.9.9/32, version: b}\n  - {from: 1.0.0.0/8, version: a}\n",
		  "12:12: prefix '9.9.9.9/32' again (first on line 10), expected it once in a service" },
		{ AB "  rules: [{from: '2001:DB8::/32', version: a}, {from: '2001:db8:0::/32', version: a}]\n",
		  "9:55: prefix '2001:db8::/32' again (first on line 9), expected it once in a service" },
	};

	(void)state;
	check_all(mistakes, COUNT(mistakes));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_backends),
		cmocka_unit_test(test_listeners),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
