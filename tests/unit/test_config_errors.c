/* SPDX-License-Identifier: BSD-2-Clause */
/* Every mistake that the configuration file can hold, and the whole complaint about it. */
#include "config_mistakes.h"

static void test_yaml(void **state)
{
	static const struct mistake mistakes[] = {
		{ "", "1:1: the file is empty, expected a mapping with interfaces and services" },
		{ "# nothing but words\n", "1:1: the file is empty, expected a mapping with interfaces and services" },
		{ "---\n", "2:1: no value for the configuration, expected a mapping with: " ALL_KEYS },
		{ "- a\n", "1:1: a list for the configuration, expected a mapping with: " ALL_KEYS },
		{ "serin\n", "1:1: the text 'serin' for the configuration, expected a mapping with: " ALL_KEYS },
		{ "{}\n", "1:1: missing key 'interfaces' in the configuration, "
			  "expected a list of 1 to 16 interface names" },
		{ "interfaces: [eth0\nservices: 1\n",
		  "2:9: did not find expected ',' or ']' while parsing a flow sequence, expected valid YAML" },
		{ "interfaces:\n\t- eth0\n", "2:1: found character that cannot start any token "
					     "while scanning for the next token, expected valid YAML" },
		{ "interfaces: *eth\n", "1:13: found undefined alias, expected valid YAML" },
		{ "a: &x 1\nb: 'open", "2:9: found unexpected end of stream "
				       "while scanning a quoted scalar, expected valid YAML" },
		{ "interfaces: [eth0]\n  # caf\xe9 au lait\n",
		  "2:9: invalid trailing UTF-8 octet, expected UTF-8 text" },
		{ "# caf\xc3\xa9 \xff\n", "1:8: invalid leading UTF-8 octet, expected UTF-8 text" },
		{ "\xff\xfe{}", "1:1: invalid leading UTF-8 octet, expected UTF-8 text" },
		{ "a: \x01\n", "1:4: control characters are not allowed, expected UTF-8 text" },
		{ GOOD "---\n" GOOD, "6:1: a second document, expected only one in the file" },
		{ GOOD "---\n", "6:1: a second document, expected only one in the file" },
		{ GOOD "]\n", "6:1: did not find expected key while parsing a block mapping, expected valid YAML" },
		{ GOOD "...\n]\n", "7:1: did not find expected <document start>, expected valid YAML" },
		{ TOP "x: " DEEP DEEP DEEP DEEP "\n", "2:35: lists and mappings nested too deep, "
						      "expected up to 32 levels" },
		{ "a: &x 1\nb: &x 1\n", "2:4: found an anchor that was defined before, expected valid YAML" },
		{ "\xef\xbb\xbf"
		  "bad: 1\n",
		  "1:1: unknown key 'bad' in the configuration, "
		  "expected one of: " ALL_KEYS },
		{ "interfaces: &a [*a]\n", "1:13: a list for interface name, " INTERFACE },
	};

	(void)state;
	check_all(mistakes, COUNT(mistakes));
}

static void test_keys(void **state)
{
	static const struct mistake mistakes[] = {
		{ GOOD "judge: 1\n", "6:1: unknown key 'judge' in the configuration, expected one of: " ALL_KEYS },
		{ TOP "http: {port: 1}\n", "2:8: unknown key 'port' in http, expected one of: listen, token_file" },
		{ TOP "snat: {port: 1}\n", "2:8: unknown key 'port' in snat, expected one of: addresses, ports" },
		{ TOP "timeouts: {x: 1s}\n", "2:12: unknown key 'x' in timeouts, expected one of: "
					     "embryonic, established, half_closed, closed, port_rest, udp" },
		{ SHOP "  rollouts: {}\n", "5:3: unknown key 'rollouts' in a service, expected one of: " SERVICE_KEYS },
		{ SHOP "  versions:\n    stable: {wieght: 5%}\n",
		  "6:14: unknown key 'wieght' in a version, expected one of: " VERSION_KEYS },
		{ SHOP "  versions: {a: {backends: [{adress: '10.0.0.1:80'}]}}\n",
		  "5:30: unknown key 'adress' in a backend, expected one of: address, weight" },
		{ SHOP "  affinity: {ipv5: 1}\n", "5:14: unknown key 'ipv5' in affinity, expected one of: ipv4, ipv6" },
		{ TOP "http: {<<: {}}\n", "2:8: unknown key '<<' in http, expected one of: listen, token_file" },
		{ TOP "Http: off\n", "2:1: unknown key 'Http' in the configuration, expected one of: " ALL_KEYS },
		{ TOP "\"a\\e[31m\\0\": 1\n", "2:1: unknown key 'a\\x1b[31m\\x00' in the configuration, "
					      "expected one of: " ALL_KEYS },
		{ TOP LONG63 LONG63 ": 1\n",
		  "2:1: unknown key 'aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123aa...' "
		  "in the configuration, expected one of: " ALL_KEYS },
		{ TOP "? [a]\n: 1\n", "2:3: a list for a key of the configuration, expected one of: " ALL_KEYS },
		{ TOP "~: 1\n", "2:1: no value for a key of the configuration, expected one of: " ALL_KEYS },
		{ TOP "!k http: off\n", "2:1: the tag '!k' for a key of the configuration, expected no tag" },
		{ TOP "flows: 1024\nflows: 1024\n", "3:1: key 'flows' again in the configuration, expected it once" },
		{ SHOP "  name: other\n", "5:3: key 'name' again in a service, expected it once" },
		{ SHOP "  versions: {a: {weight: 1%, weight: 1%}}\n",
		  "5:30: key 'weight' again in a version, expected it once" },
		{ SHOP "  versions: {a: {backends: ['10.0.0.1:80']}, a: {backends: ['10.0.0.2:80']}}\n",
		  "5:46: key 'a' again in versions, expected it once" },
	};

	(void)state;
	check_all(mistakes, COUNT(mistakes));
}

static void test_missing(void **state)
{
	static const struct mistake mistakes[] = {
		{ "attach: xdp\n", "1:1: missing key 'interfaces' in the configuration, "
				   "expected a list of 1 to 16 interface names" },
		{ TOP, "1:1: missing key 'services' in the configuration, expected a list of 1 to 256 services" },
		{ TOP "services:\n- listen: 192.0.2.1:80/tcp\n" STABLE,
		  "3:3: missing key 'name' in a service, " NAME63 },
		{ TOP SERVICES STABLE, "3:3: missing key 'listen' in a service, " LISTEN },
		{ SHOP, "3:3: missing key 'versions' in a service, " VERSIONS },
		{ SHOP "  versions: {stable: {weight: 1%}}\n",
		  "5:22: missing key 'backends' in a version, expected that, 'dns' or 'file'" },
		{ SHOP "  versions: {stable: {backends: [{weight: 1}]}}\n",
		  "5:34: missing key 'address' in a backend, expected ADDR:PORT" },
		{ SHOP TWO "}\n", "3:3: missing key 'baseline' in a service of 2 versions, "
				  "expected the name of one" },
	};

	(void)state;
	check_all(mistakes, COUNT(mistakes));
}

static void test_types(void **state)
{
	static const struct mistake mistakes[] = {
		{ "interfaces: eth0\n",
		  "1:13: the text 'eth0' for interfaces, expected a list of 1 to 16 interface names" },
		{ "interfaces:\n", "1:12: no value for interfaces, expected a list of 1 to 16 interface names" },
		{ "interfaces: []\n",
		  "1:13: an empty list for interfaces, expected a list of 1 to 16 interface names" },
		{ "interfaces: {eth0: 1}\n",
		  "1:13: a mapping for interfaces, expected a list of 1 to 16 interface names" },
		{ "interfaces: !!set [eth0]\n",
		  "1:13: the tag 'tag:yaml.org,2002:set' for interfaces, expected no tag" },
		{ "interfaces: [[eth0]]\n", "1:14: a list for interface name, " INTERFACE },
		{ "interfaces: [eth0, ]\nattach: {}\n",
		  "2:9: an empty mapping for attach, expected one of: auto, xdp, xdp-generic, tc" },
		{ TOP "http: on\n", "2:7: the text 'on' for http, "
				    "expected off or a mapping with: listen, token_file" },
		{ TOP "http: []\n", "2:7: an empty list for http, "
				    "expected off or a mapping with: listen, token_file" },
		{ TOP "http: !t {}\n", "2:7: the tag '!t' for http, expected no tag" },
		{ TOP "snat: [10.0.0.1]\n", "2:7: a list for snat, expected a mapping with: addresses, ports" },
		{ TOP "timeouts: 5s\n", "2:11: the text '5s' for timeouts, expected a mapping with: "
					"embryonic, established, half_closed, closed, port_rest, udp" },
		{ TOP "flows: [1024]\n", "2:8: a list for flows, expected a whole number from 256 to 16777216" },
		{ TOP "flows: !!int 1024\n", "2:8: the tag 'tag:yaml.org,2002:int' for flows, expected no tag" },
		{ TOP "services: {shop: {}}\n", "2:11: a mapping for services, expected a list of 1 to 256 services" },
		{ TOP "services: []\n", "2:11: an empty list for services, expected a list of 1 to 256 services" },
		{ TOP "services: [shop]\n",
		  "2:12: the text 'shop' for a service, expected a mapping with: " SERVICE_KEYS },
		{ TOP "services:\n-\n", "3:2: no value for a service, expected a mapping with: " SERVICE_KEYS },
		{ TOP SERVICES "  listen: {}\n", "4:11: an empty mapping for listen, " LISTEN },
		{ TOP SERVICES "  listen: []\n", "4:11: an empty list for listen, " LISTEN },
		{ TOP SERVICES "  listen: ~\n", "4:11: no value for listening address, " LISTENER },
		{ SHOP "  versions: [a]\n", "5:13: a list for versions, " VERSIONS },
		{ SHOP "  versions: {}\n", "5:13: an empty mapping for versions, " VERSIONS },
		{ SHOP "  versions: stable\n", "5:13: the text 'stable' for versions, " VERSIONS },
		{ SHOP "  versions: {a: ['10.0.0.1:80']}\n",
		  "5:17: a list for a version, expected a mapping with: " VERSION_KEYS },
		{ SHOP "  versions: {a: {backends: '10.0.0.1:80'}}\n",
		  "5:28: the text '10.0.0.1:80' for backends, expected a list of at least one backend" },
		{ SHOP "  versions: {a: {backends: []}}\n",
		  "5:28: an empty list for backends, expected a list of at least one backend" },
		{ SHOP "  versions: {a: {backends: [[]]}}\n",
		  "5:29: an empty list for a backend, expected ADDR:PORT or a mapping with: address, weight" },
		{ SHOP "  versions: {a: {backends: [null]}}\n", "5:29: no value for backend address, " BACKEND },
		{ SHOP "  affinity: [source]\n", "5:13: a list for affinity, "
						 "expected source, flow or a mapping with: ipv4, ipv6" },
	};

	(void)state;
	check_all(mistakes, COUNT(mistakes));
}

static void test_interfaces(void **state)
{
	static const struct mistake mistakes[] = {
		{ "interfaces: [eth0, eth1, eth0]\n", "1:26: interface 'eth0' again, expected it once" },
		{ "interfaces: ['']\n", "1:14: invalid interface name '', " INTERFACE },
		{ "interfaces: ['a b']\n", "1:14: invalid interface name 'a b', " INTERFACE },
		{ "interfaces: [a/b]\n", "1:14: invalid interface name 'a/b', " INTERFACE },
		{ "interfaces: ['a:1']\n", "1:14: invalid interface name 'a:1', " INTERFACE },
		{ "interfaces: [..]\n", "1:14: invalid interface name '..', " INTERFACE },
		{ "interfaces: [abcdefghijklmnop]\n", "1:14: invalid interface name 'abcdefghijklmnop', " INTERFACE },
		{ "interfaces: [\"eth0\\0x\"]\n", "1:14: invalid interface name 'eth0\\x00x', " INTERFACE },
		{ "interfaces: [eth\xc2\xa0"
		  "0]\n",
		  "1:14: invalid interface name 'eth\\xc2\\xa00', " INTERFACE },
		{ "interfaces: [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q]\n",
		  "1:62: more than 16 entries for interfaces, expected a list of 1 to 16 interface names" },
	};

	(void)state;
	check_all(mistakes, COUNT(mistakes));
}

static void test_host(void **state)
{
	static const struct mistake mistakes[] = {
		{ TOP "attach: tcx\n", "2:9: invalid attach 'tcx', expected one of: auto, xdp, xdp-generic, tc" },
		{ TOP "attach: ''\n", "2:9: invalid attach '', expected one of: auto, xdp, xdp-generic, tc" },
		{ TOP "attach:\n", "2:8: no value for attach, expected one of: auto, xdp, xdp-generic, tc" },
		{ TOP "http: {listen: '9477'}\n", "2:16: invalid http address '9477', "
						  "expected off or ADDR:PORT such as 127.0.0.1:9477" },
		{ TOP "http: {listen: '224.0.0.1:9477'}\n",
		  "2:16: the multicast address '224.0.0.1:9477', expected one of this host" },
		{ TOP "http: {token_file: token}\n", "2:20: invalid token_file 'token', "
						     "expected an absolute path such as /etc/serin/token" },
		{ TOP "http: {token_file: }\n", "2:20: no value for token_file, "
						"expected an absolute path such as /etc/serin/token" },
		{ TOP "snat: {addresses: []}\n", "2:19: an empty list for SNAT addresses, "
						 "expected a list of 1 to 16 addresses of this host" },
		{ TOP "snat: {addresses: ['10.0.0.1:80']}\n", "2:20: invalid SNAT address '10.0.0.1:80', " SNAT },
		{ TOP "snat: {addresses: ['::ffff:10.0.0.1']}\n",
		  "2:20: invalid SNAT address '::ffff:10.0.0.1', " SNAT },
		{ TOP "snat: {addresses: [10.0.0.1, 10.0.0.1]}\n",
		  "2:30: SNAT address '10.0.0.1' again, expected it once" },
		{ TOP "snat: {addresses: [127.0.0.1]}\n", "2:20: the loopback address '127.0.0.1', " UNICAST },
		{ TOP "snat: {addresses: [1.0.0.1,1.0.0.2,1.0.0.3,1.0.0.4,1.0.0.5,1.0.0.6,1.0.0.7,1.0.0.8,1.0.0.9,"
		      "1.0.0.10,1.0.0.11,1.0.0.12,1.0.0.13,1.0.0.14,1.0.0.15,1.0.0.16,1.0.0.17]}\n",
		  "2:155: more than 16 entries for SNAT addresses, "
		  "expected a list of 1 to 16 addresses of this host" },
		{ TOP "snat: {ports: 1024}\n", "2:15: invalid SNAT ports '1024', "
					       "expected FIRST-LAST with 1 <= FIRST <= LAST <= 65535, "
					       "such as 1024-32767" },
		{ TOP "snat: {ports: 1024\xe2\x80\x93"
		      "32767}\n",
		  "2:15: invalid SNAT ports '1024\\xe2\\x80\\x9332767', "
		  "expected FIRST-LAST with 1 <= FIRST <= LAST <= 65535, such as 1024-32767" },
		{ TOP "timeouts: {closed: 10}\n", "2:20: invalid timeout '10', " SECONDS },
		{ TOP "timeouts: {closed: 5x}\n", "2:20: invalid timeout '5x', " SECONDS },
		{ TOP "timeouts: {closed: 0s}\n", "2:20: invalid timeout '0s', " SECONDS },
		{ TOP "timeouts: {closed: 1500ms}\n", "2:20: invalid timeout '1500ms', " SECONDS },
		{ TOP "timeouts: {closed: 8d}\n", "2:20: invalid timeout '8d', " SECONDS },
		{ TOP "timeouts: {closed: 604801s}\n", "2:20: invalid timeout '604801s', " SECONDS },
		{ TOP "timeouts: {closed: }\n", "2:20: no value for timeout, " SECONDS },
		{ TOP "flows: 255\n", "2:8: invalid flows '255', expected a whole number from 256 to 16777216" },
		{ TOP "flows: 16777217\n",
		  "2:8: invalid flows '16777217', expected a whole number from 256 to 16777216" },
		{ TOP "flows: 256k\n", "2:8: invalid flows '256k', expected a whole number from 256 to 16777216" },
		{ TOP "flows: 0x400\n", "2:8: invalid flows '0x400', expected a whole number from 256 to 16777216" },
		{ TOP "flows: 1_024\n", "2:8: invalid flows '1_024', expected a whole number from 256 to 16777216" },
	};

	(void)state;
	check_all(mistakes, COUNT(mistakes));
}

static void test_listeners(void **state)
{
	static const struct mistake mistakes[] = {
		{ TOP SERVICES "  listen: 192.0.2.1:80\n",
		  "4:11: invalid listening address '192.0.2.1:80', " LISTENER },
		{ TOP SERVICES "  listen: 192.0.2.1/tcp\n",
		  "4:11: invalid listening address '192.0.2.1/tcp', " LISTENER },
		{ TOP SERVICES "  listen: 192.0.2.1:80/TCP\n",
		  "4:11: invalid listening address '192.0.2.1:80/TCP', " LISTENER },
		{ TOP SERVICES "  listen: 192.0.2.1:80/tcp/tcp\n",
		  "4:11: invalid listening address '192.0.2.1:80/tcp/tcp', " LISTENER },
		{ TOP SERVICES "  listen: example.org:80/tcp\n",
		  "4:11: invalid listening address 'example.org:80/tcp', " LISTENER },
		{ TOP SERVICES "  listen: " LONG63 LONG63 ":80/tcp\n",
		  "4:11: invalid listening address "
		  "'aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123aa...', " LISTENER },
		{ TOP SERVICES "  listen: 192.0.2.1:53/sctp\n",
		  "4:11: invalid listening address '192.0.2.1:53/sctp', " LISTENER },
		{ TOP SERVICES "  listen: 0.0.0.0:80/tcp\n",
		  "4:11: the unspecified address '0.0.0.0:80/tcp', " UNICAST },
		{ TOP SERVICES "  listen: '[::]:80/tcp'\n", "4:11: the unspecified address '[::]:80/tcp', " UNICAST },
		{ TOP SERVICES "  listen: 127.1.2.3:80/tcp\n",
		  "4:11: the loopback address '127.1.2.3:80/tcp', " UNICAST },
		{ TOP SERVICES "  listen: '[::1]:80/tcp'\n", "4:11: the loopback address '[::1]:80/tcp', " UNICAST },
		{ TOP SERVICES "  listen: 239.255.255.255:80/tcp\n",
		  "4:11: the multicast address '239.255.255.255:80/tcp', " UNICAST },
		{ TOP SERVICES "  listen: '[ff02::1]:80/tcp'\n",
		  "4:11: the multicast address '[ff02::1]:80/tcp', " UNICAST },
		{ TOP SERVICES "  listen: 255.255.255.255:80/tcp\n",
		  "4:11: the broadcast address '255.255.255.255:80/tcp', " UNICAST },
		{ TOP SERVICES "  listen: '[fe80::1]:80/tcp'\n",
		  "4:11: the link-local address '[fe80::1]:80/tcp', " UNICAST },
		{ TOP SERVICES "  listen:\n  - 192.0.2.1:80/tcp\n  - 192.0.2.1:80/tcp\n" STABLE,
		  "6:5: listening address '192.0.2.1:80/tcp' again (first on line 5), expected it once" },
		{ GOOD "- name: other\n  listen: 192.0.2.1:80/tcp\n",
		  "7:11: listening address '192.0.2.1:80/tcp' again (first on line 4), expected it once" },
		{ TOP SERVICES
		  "  listen: [1.0.0.1:1/tcp, 1.0.0.1:2/tcp, 1.0.0.1:3/tcp, 1.0.0.1:4/tcp, 1.0.0.1:5/tcp,\n"
		  "  1.0.0.1:6/tcp, 1.0.0.1:7/tcp, 1.0.0.1:8/tcp, 1.0.0.1:9/tcp, 1.0.0.1:10/tcp, 1.0.0.1:11/tcp,\n"
		  "  1.0.0.1:12/tcp, 1.0.0.1:13/tcp, 1.0.0.1:14/tcp, 1.0.0.1:15/tcp, 1.0.0.1:16/tcp,\n"
		  "  1.0.0.1:17/tcp]\n",
		  "7:3: more than 16 entries for listen, " LISTEN },
		{ "http: {listen: '192.0.2.1:80'}\n" GOOD,
		  "5:11: service 'shop' listens on '192.0.2.1:80' like http, expected two addresses" },
	};

	(void)state;
	check_all(mistakes, COUNT(mistakes));
}

static void test_services(void **state)
{
	static const struct mistake mistakes[] = {
		{ TOP "services:\n- name: Shop\n", "3:9: invalid service name 'Shop', " NAME63 },
		{ TOP "services:\n- name: shop_1\n", "3:9: invalid service name 'shop_1', " NAME63 },
		{ TOP "services:\n- name: -shop\n", "3:9: invalid service name '-shop', " NAME63 },
		{ TOP "services:\n- name: shop-\n", "3:9: invalid service name 'shop-', " NAME63 },
		{ TOP "services:\n- name: ''\n", "3:9: invalid service name '', " NAME63 },
		{ TOP "services:\n- name:\n", "3:8: no value for service name, " NAME63 },
		{ TOP "services:\n- name: 4" LONG63 "\n", "3:9: invalid service name '4" LONG63 "', " NAME63 },
		{ GOOD "- name: shop\n", "6:9: service name 'shop' again (first on line 3), expected one of its own" },
		{ SHOP "  protocol: grpc\n", "5:13: invalid protocol 'grpc', expected one of: tcp, udp, http" },
		{ SHOP "  protocol: HTTP\n", "5:13: invalid protocol 'HTTP', expected one of: tcp, udp, http" },
		{ GOOD "  protocol: udp\n",
		  "6:13: protocol 'udp' in a service that listens on tcp alone, expected that one" },
		{ SHOP "  forward: sit\n",
		  "5:12: invalid forward 'sit', expected one of: nat, gateway, local, ipip, gue, l2" },
		{ SHOP "  affinity: cookie\n", "5:13: the text 'cookie' for affinity, "
					       "expected source, flow or a mapping with: ipv4, ipv6" },
		{ SHOP "  affinity:\n", "5:12: no value for affinity, "
					"expected source, flow or a mapping with: ipv4, ipv6" },
		{ SHOP "  affinity: {ipv4: 33}\n",
		  "5:20: invalid prefix length '33', expected a whole number from 0 to 32" },
		{ SHOP "  affinity: {ipv6: 129}\n",
		  "5:20: invalid prefix length '129', expected a whole number from 0 to 128" },
		{ SHOP "  affinity: {ipv6: /64}\n",
		  "5:20: invalid prefix length '/64', expected a whole number from 0 to 128" },
		{ GOOD "  baseline: canary\n", "6:13: baseline 'canary' is no version of service 'shop', "
					       "expected one such as 'stable'" },
		{ GOOD "  baseline: [stable]\n",
		  "6:13: a list for baseline, expected the name of a version of this service" },
		{ GOOD "  baseline: A\n",
		  "6:13: invalid baseline 'A', expected the name of a version of this service" },
		{ TOP SERVICES "  listen: [192.0.2.1:80/tcp, '[2001:db8::1]:80/tcp']\n" STABLE,
		  "4:30: listening address '[2001:db8::1]:80' in a service that listens on IPv4: " FAMILY },
		{ SHOP "  versions: {a: {backends: ['10.0.0.1:80', '[2001:db8::1]:80']}}\n",
		  "5:44: backend '[2001:db8::1]:80' in a service that listens on IPv4: " FAMILY },
		{ TOP SERVICES "  listen: ['[2001:db8::1]:80/tcp']\n" STABLE,
		  "5:34: backend '10.0.0.1:80' in a service that listens on IPv6: " FAMILY },
	};

	(void)state;
	check_all(mistakes, COUNT(mistakes));
}

static void test_versions(void **state)
{
	static const struct mistake mistakes[] = {
		{ SHOP "  versions: {Stable: {}}\n", "5:14: invalid version name 'Stable', " NAME31 },
		{ SHOP "  versions: {a23456789012345678901234567890ab: {}}\n",
		  "5:14: invalid version name 'a23456789012345678901234567890ab', " NAME31 },
		{ SHOP "  versions: {~: {}}\n", "5:14: no value for version name, " NAME31 },
		{ SHOP "  versions: {[a]: {}}\n", "5:14: a list for version name, " NAME31 },
		{ SHOP "  versions:\n    a: &a {backends: ['10.0.0.1:80']}\n    b: *a\n",
		  "6:23: backend '10.0.0.1:80' again (first in version 'a' on line 6), expected it once in a service" },
		{ SHOP "  versions:\n    a: {backends: ['10.0.0.1:1']}\n    b: {backends: ['10.0.0.1:2']}\n"
		       "    c: {backends: ['10.0.0.1:3']}\n    d: {backends: ['10.0.0.1:4']}\n"
		       "    e: {backends: ['10.0.0.1:5']}\n    f: {backends: ['10.0.0.1:6']}\n"
		       "    g: {backends: ['10.0.0.1:7']}\n    h: {backends: ['10.0.0.1:8']}\n"
		       "    i: {backends: ['10.0.0.1:9']}\n",
		  "14:5: more than 8 versions, " VERSIONS },
		{ SHOP TWO ", weight: 5}\n", "7:44: invalid weight '5', " SHARE },
		{ SHOP TWO ", weight: 5x}\n", "7:44: invalid weight '5x', " SHARE },
		{ SHOP TWO ", weight: 5 %}\n", "7:44: invalid weight '5 %', " SHARE },
		{ SHOP TWO ", weight: .5%}\n", "7:44: invalid weight '.5%', " SHARE },
		{ SHOP TWO ", weight: 0.125%}\n", "7:44: invalid weight '0.125%', " SHARE },
		{ SHOP TWO ", weight: 1e1%}\n", "7:44: invalid weight '1e1%', " SHARE },
		{ SHOP TWO ", weight: -1%}\n", "7:44: invalid weight '-1%', " SHARE },
		{ SHOP TWO ", weight: 100.01%}\n", "7:44: invalid weight '100.01%', " SHARE },
		{ SHOP TWO ", weight: }\n", "7:44: no value for weight, " SHARE },
		{ SHOP TWO ", weight: [5%]}\n", "7:44: a list for weight, " SHARE },
		{ SHOP TWO ", weight: 5%}\n  baseline: b\n",
		  "7:44: a weight for baseline 'b', expected none: it takes the rest" },
		{ SHOP "  versions: {a: {weight: 5%, backends: ['10.0.0.1:80']}}\n",
		  "5:26: a weight for baseline 'a', expected none: it takes the rest" },
		{ SHOP TWO ", weight: 60%}\n    c: {backends: ['10.0.0.3:80'], weight: 40.01%}\n  baseline: a\n",
		  "8:44: weights of service 'shop' add up to 100.01% here, expected up to 100%" },
	};

	(void)state;
	check_all(mistakes, COUNT(mistakes));
}

static void test_backends(void **state)
{
#define BACKENDS(list) SHOP "  versions: {a: {backends: [" list "]}}\n"
	static const struct mistake mistakes[] = {
		{ BACKENDS("10.0.0.1"), "5:29: invalid backend address '10.0.0.1', " BACKEND },
		{ BACKENDS("'10.0.0.1:0'"), "5:29: invalid backend address '10.0.0.1:0', " BACKEND },
		{ BACKENDS("'10.0.0.1:80/tcp'"), "5:29: invalid backend address '10.0.0.1:80/tcp', " BACKEND },
		{ BACKENDS("'web:80'"), "5:29: invalid backend address 'web:80', " BACKEND },
		{ BACKENDS("''"), "5:29: invalid backend address '', " BACKEND },
		{ BACKENDS("{address: }"), "5:39: no value for backend address, " BACKEND },
		{ BACKENDS("{address: '10.0.0.1'}"), "5:39: invalid backend address '10.0.0.1', " BACKEND },
		{ BACKENDS("{address: '10.0.0.1:80', weight: 1001}"),
		  "5:62: invalid backend weight '1001', expected a whole number from 0 to 1000" },
		{ BACKENDS("{address: '10.0.0.1:80', weight: 5%}"),
		  "5:62: invalid backend weight '5%', expected a whole number from 0 to 1000" },
		{ BACKENDS("{address: '10.0.0.1:80', weight: 010}"),
		  "5:62: invalid backend weight '010', expected a whole number from 0 to 1000" },
		{ BACKENDS("{address: '10.0.0.1:80', weight: 0}"),
		  "5:29: only backends of weight 0 in version 'a', expected at least one above 0" },
		{ BACKENDS("'127.0.0.1:80'"), "5:29: the loopback address '127.0.0.1:80', " UNICAST },
		{ BACKENDS("'0.0.0.0:80'"), "5:29: the unspecified address '0.0.0.0:80', " UNICAST },
		{ BACKENDS("{address: '224.0.0.1:80'}"), "5:39: the multicast address '224.0.0.1:80', " UNICAST },
		{ BACKENDS("'255.255.255.255:80'"), "5:29: the broadcast address '255.255.255.255:80', " UNICAST },
		{ BACKENDS("'10.0.0.1:80', {address: '10.0.0.1:80'}"),
		  "5:44: backend '10.0.0.1:80' again (first in version 'a' on line 5), expected it once in a service" },
		{ SHOP "  versions:\n    a: {backends: ['10.0.0.1:80']}\n    b: {backends: ['10.0.0.1:80']}\n",
		  "7:20: backend '10.0.0.1:80' again (first in version 'a' on line 6), expected it once in a service" },
		{ BACKENDS("'192.0.2.1:80'"),
		  "5:29: backend '192.0.2.1:80' is where service 'shop' listens (line 4), expected another address" },
		{ GOOD "- name: other\n  listen: 10.0.0.1:80/tcp\n  versions: {a: {backends: ['10.0.0.2:80']}}\n",
		  "5:34: backend '10.0.0.1:80' is where service 'other' listens (line 7), expected another address" },
	};

	(void)state;
	check_all(mistakes, COUNT(mistakes));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_yaml),      cmocka_unit_test(test_keys),       cmocka_unit_test(test_missing),
		cmocka_unit_test(test_types),     cmocka_unit_test(test_interfaces), cmocka_unit_test(test_host),
		cmocka_unit_test(test_listeners), cmocka_unit_test(test_services),   cmocka_unit_test(test_versions),
		cmocka_unit_test(test_backends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
