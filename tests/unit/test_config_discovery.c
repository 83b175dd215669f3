/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a version's backends come from: names in the DNS and files, their defaults, mistakes. */
#include "config_mistakes.h"

#define A(text) SHOP "  versions: {a: {" text "}}\n" /* line 5; the text begins in column 18 */
#define MODE(mode, text) SHOP "  versions: {a: {" text "}}\n  forward: " mode "\n"
#define DNS_KEYS "name, port, every, type"
#define NAME "expected a host name such as canary.shop.internal (addresses stand under 'backends')"
#define EVERY "expected a duration from 1s to 1h, such as 5s"
#define PORT "expected a whole number from 1 to 65535"
#define FILE_PATH "expected an absolute path such as /etc/serin/canary.json"
#define ONE "expected exactly one of backends, dns, file"
#define LOCAL "in a service of forward: local, expected 'backends' with ports of this host"
#define AB(a, b) SHOP "  baseline: a\n  versions:\n    a: {" a "}\n    b: {" b "}\n" /* lines 7 and 8, column 9 */

static const struct config_version *version_of(const char *text, struct config **ret_config)
{
	*ret_config = parse(text);
	return &(*ret_config)->services[0].versions[0];
}

static void assert_source(const struct config_version *version, const char *expected)
{
	char text[CONFIG_SOURCE_LEN];

	assert_string_equal(config_source_format(version, text), expected);
}

static void test_backends(void **state)
{
	struct config *config;
	const struct config_version *version = version_of(A("backends: ['10.0.0.1:80']"), &config);

	(void)state;
	assert_false(config_is_discovered(version));
	assert_null(version->dns.name);
	assert_null(version->file);
	assert_int_equal(version->source_place.line, 5);
	assert_int_equal(version->source_place.column, 28);
	assert_source(version, "1 address");
	config_free(config);
	version = version_of(A("backends: ['10.0.0.1:80', '10.0.0.1:81']"), &config);
	assert_source(version, "2 addresses");
	config_free(config);
}

static void test_dns(void **state)
{
	struct config *config;
	const struct config_version *version;

	(void)state;
	version = version_of(A("weight: 0%, dns: {name: canary.shop.internal, port: 3000}}, b: "
			       "{backends: ['10.0.0.1:80']}}\n  baseline: b\n#"),
			     &config);
	assert_true(config_is_discovered(version));
	assert_int_equal(version->weight, 0);
	assert_int_equal(version->backend_count, 0);
	assert_null(version->file);
	assert_string_equal(version->dns.name, "canary.shop.internal");
	assert_int_equal(version->dns.type, CONFIG_DNS_A);
	assert_int_equal(version->dns.port, 3000);
	assert_int_equal(version->dns.every, 5000);
	assert_int_equal(version->source_place.column, 35);
	assert_source(version, "dns canary.shop.internal:3000");
	config_free(config);

	version = version_of(A("dns: {type: a, every: 1s, port: 65535, name: Canary.}"), &config);
	assert_string_equal(version->dns.name, "Canary.");
	assert_int_equal(version->dns.port, 65535);
	assert_int_equal(version->dns.every, 1000);
	config_free(config);

	version = version_of(A("dns: {name: _http._tcp.canary.svc.cluster.local, type: srv, every: 1h}"), &config);
	assert_int_equal(version->dns.type, CONFIG_DNS_SRV);
	assert_int_equal(version->dns.port, 0);
	assert_int_equal(version->dns.every, 3600000);
	assert_source(version, "dns _http._tcp.canary.svc.cluster.local (SRV)");
	config_free(config);
}

/* Where no port is rewritten, it is the listener's: as for backends that are written down. */
static void test_one_way(void **state)
{
	struct config *config;
	const struct config_version *version = version_of(MODE("gue", "dns: {name: canary}"), &config);

	(void)state;
	assert_int_equal(version->dns.port, 80);
	assert_source(version, "dns canary:80");
	config_free(config);
	version = version_of(MODE("l2", "dns: {name: canary, port: 81}"), &config);
	assert_int_equal(version->dns.port, 81);
	config_free(config);
}

static void test_file(void **state)
{
	struct config *config;
	const struct config_version *version = version_of(A("file: /etc/serin/canary.json"), &config);

	(void)state;
	assert_true(config_is_discovered(version));
	assert_null(version->dns.name);
	assert_string_equal(version->file, "/etc/serin/canary.json");
	assert_int_equal(version->backend_count, 0);
	assert_source(version, "file /etc/serin/canary.json");
	config_free(config);
}

/* One name may serve two versions by two ports, and two services the same way. */
static void test_shared(void **state)
{
	(void)state;
	config_free(parse(AB("dns: {name: shop, port: 1}", "dns: {name: shop, port: 2}")));
	config_free(parse(AB("dns: {name: shop, port: 1}", "dns: {name: shop, type: srv}")));
	config_free(parse(AB("file: /a", "file: /b")));
	config_free(parse(A("file: /a") "- name: other\n  listen: 192.0.2.2:80/tcp\n  versions: {v: {file: /a}}\n"));
}

static void test_sources(void **state)
{
	static const struct mistake mistakes[] = {
		{ A("weight: 1%"), "5:17: missing key 'backends' in a version, expected that, 'dns' or 'file'" },
		{ A(""), "5:17: missing key 'backends' in a version, expected that, 'dns' or 'file'" },
		{ A("backends: ['10.0.0.1:80'], dns: {name: a, port: 1}"),
		  "5:50: 'dns' beside 'backends' in version 'a', " ONE },
		{ A("dns: {name: a, port: 1}, file: /a"), "5:49: 'file' beside 'dns' in version 'a', " ONE },
		{ A("file: /a, backends: ['10.0.0.1:80']"), "5:38: 'backends' beside 'file' in version 'a', " ONE },
		{ AB("file: /a", "file: /a"),
		  "8:15: file /a again (first in version 'a' on line 7), expected it once in a service" },
		{ AB("dns: {name: shop, port: 1}", "dns: {name: SHOP., port: 1}"),
		  "8:14: dns SHOP.:1 again (first in version 'a' on line 7), expected it once in a service" },
		{ AB("dns: {name: shop, type: srv}", "dns: {name: shop, type: srv, every: 1s}"),
		  "8:14: dns shop (SRV) again (first in version 'a' on line 7), expected it once in a service" },
		{ MODE("local", "dns: {name: a, port: 1}"), "5:23: 'dns' " LOCAL },
		{ MODE("local", "file: /a"), "5:24: 'file' " LOCAL },
	};

	(void)state;
	check_all(mistakes, COUNT(mistakes));
}

static void test_dns_mistakes(void **state)
{
	static const struct mistake mistakes[] = {
		{ A("dns: {}"), "5:23: missing key 'name' in dns, " NAME },
		{ A("dns: {port: 80}"), "5:23: missing key 'name' in dns, " NAME },
		{ A("dns: canary:80"), "5:23: the text 'canary:80' for dns, expected a mapping with: " DNS_KEYS },
		{ A("dns: "), "5:23: no value for dns, expected a mapping with: " DNS_KEYS },
		{ A("dns: [{name: a}]"), "5:23: a list for dns, expected a mapping with: " DNS_KEYS },
		{ A("dns: {name: a, ttl: 5s}"), "5:33: unknown key 'ttl' in dns, expected one of: " DNS_KEYS },
		{ A("dns: {name: a, name: b}"), "5:33: key 'name' again in dns, expected it once" },
		{ A("dns: {name: a}"), "5:23: missing key 'port' in dns, " PORT ", or 'type: srv'" },
		{ A("dns: {name: a, type: a}"), "5:23: missing key 'port' in dns, " PORT ", or 'type: srv'" },
		{ A("dns: {name: a, port: 80, type: srv}"),
		  "5:39: a port beside 'type: srv', expected none: SRV records say it" },
		{ A("dns: {name: 10.0.0.1, port: 80}"), "5:30: invalid dns name '10.0.0.1', " NAME },
		{ A("dns: {name: '2001:db8::1', port: 80}"), "5:30: invalid dns name '2001:db8::1', " NAME },
		{ A("dns: {name: 'canary:80', port: 80}"), "5:30: invalid dns name 'canary:80', " NAME },
		{ A("dns: {name: canary..internal, port: 80}"), "5:30: invalid dns name 'canary..internal', " NAME },
		{ A("dns: {name: -canary, port: 80}"), "5:30: invalid dns name '-canary', " NAME },
		{ A("dns: {name: 'a b', port: 80}"), "5:30: invalid dns name 'a b', " NAME },
		{ A("dns: {name: '*.internal', port: 80}"), "5:30: invalid dns name '*.internal', " NAME },
		{ A("dns: {name: ., port: 80}"), "5:30: invalid dns name '.', " NAME },
		{ A("dns: {name: '', port: 80}"), "5:30: invalid dns name '', " NAME },
		{ A("dns: {name: , port: 80}"), "5:30: no value for dns name, " NAME },
		{ A("dns: {name: a, port: 0}"), "5:39: invalid port '0', " PORT },
		{ A("dns: {name: a, port: 65536}"), "5:39: invalid port '65536', " PORT },
		{ A("dns: {name: a, port: http}"), "5:39: invalid port 'http', " PORT },
		{ A("dns: {name: a, port: 80, every: 5}"), "5:50: invalid every '5', " EVERY },
		{ A("dns: {name: a, port: 80, every: 999ms}"), "5:50: invalid every '999ms', " EVERY },
		{ A("dns: {name: a, port: 80, every: 2h}"), "5:50: invalid every '2h', " EVERY },
		{ A("dns: {name: a, port: 80, type: aaaa}"), "5:49: invalid type 'aaaa', expected one of: a, srv" },
		{ A("dns: {name: a, port: 80, type: A}"), "5:49: invalid type 'A', expected one of: a, srv" },
	};

	(void)state;
	check_all(mistakes, COUNT(mistakes));
}

static void test_file_mistakes(void **state)
{
	static const struct mistake mistakes[] = {
		{ A("file: canary.json"), "5:24: invalid file 'canary.json', " FILE_PATH },
		{ A("file: ''"), "5:24: invalid file '', " FILE_PATH },
		{ A("file: "), "5:24: no value for file, " FILE_PATH },
		{ A("file: [/a]"), "5:24: a list for file, " FILE_PATH },
		{ A("file: {path: /a}"), "5:24: a mapping for file, " FILE_PATH },
		{ A("file: /a, file: /a"), "5:28: key 'file' again in a version, expected it once" },
	};

	(void)state;
	check_all(mistakes, COUNT(mistakes));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_backends),     cmocka_unit_test(test_dns),
		cmocka_unit_test(test_one_way),      cmocka_unit_test(test_file),
		cmocka_unit_test(test_shared),       cmocka_unit_test(test_sources),
		cmocka_unit_test(test_dns_mistakes), cmocka_unit_test(test_file_mistakes),
	};

	return cmocka_run_group_tests_name("config_discovery", tests, NULL, NULL);
}
