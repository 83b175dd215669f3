/* SPDX-License-Identifier: BSD-2-Clause */
/* What a service says about backends that die and come back: values, defaults, mistakes. */
#include "config_mistakes.h"

#define HEALTH(text) GOOD "  health: {" text "}\n" /* line 6; the text begins in column 12 */
#define ONLY_UDP TOP SERVICES "  listen: 192.0.2.1:53/udp\n" STABLE
#define HEALTH_KEYS "check, path, host, status, every, timeout, fall, rise, port"
#define CHECK "expected tcp, http or off"
#define PATH "expected a path such as /healthz: up to 255 printable characters without space and '#'"
#define HOST "expected a host name or an address, perhaps with a port, such as shop.example or shop.example:8080"
#define STATUS "expected a status from 200 to 599 or a range of them, such as 200 or 200-399"
#define EVERY "expected a duration from 100ms to 1h, such as 2s"
#define TIMEOUT "expected a duration from 10ms to 1h that is no longer than 'every', such as 1s"
#define TIMES "expected a whole number from 1 to 100"
#define SLOW_START "expected off or a duration from 1s to 1h, such as 30s"
#define PORT_OR_OFF "expected off, or the 'port' where backends answer it"

/* What the file gives for one service; *ret_config is to be freed. */
static const struct config_health *health_of(const char *text, struct config **ret_config)
{
	*ret_config = parse(text);
	return &(*ret_config)->services[0].health;
}

static void assert_health(const struct config_health *health, const struct config_health *expected)
{
	assert_int_equal(health->passive, expected->passive);
	assert_int_equal(health->check, expected->check);
	assert_string_equal(health->path, expected->path);
	assert_string_equal(health->host, expected->host);
	assert_int_equal(health->status_low, expected->status_low);
	assert_int_equal(health->status_high, expected->status_high);
	assert_int_equal(health->every, expected->every);
	assert_int_equal(health->timeout, expected->timeout);
	assert_int_equal(health->fall, expected->fall);
	assert_int_equal(health->rise, expected->rise);
	assert_int_equal(health->port, expected->port);
}

static void test_defaults(void **state)
{
	static const char *const texts[] = { GOOD, HEALTH("check: off"), ONLY_UDP };
	static const struct config_health defaults = { .passive = true,
						       .check = CONFIG_CHECK_OFF,
						       .path = "/",
						       .status_low = 200,
						       .status_high = 399,
						       .every = 2000,
						       .timeout = 1000,
						       .fall = 3,
						       .rise = 2 };
	struct config *config;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		assert_health(health_of(texts[i], &config), &defaults);
		assert_int_equal(config->services[0].max_ejected, 5000);
		assert_int_equal(config->services[0].on_ejection, CONFIG_FLOWS_LEAVE);
		assert_int_equal(config->services[0].slow_start, 0);
		config_free(config);
	}
}

static void test_off(void **state)
{
	static const char *const texts[] = { GOOD "  health: off\n", GOOD "  health: 'off'\n",
					     ONLY_UDP "  health: off\n" };
	struct config *config;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		const struct config_health *health = health_of(texts[i], &config);

		assert_false(health->passive);
		assert_int_equal(health->check, CONFIG_CHECK_OFF);
		config_free(config);
	}
}

static void test_everything(void **state)
{
	static const char text[] = GOOD
		"  health: {check: http, path: '/healthz?full=1', host: 'shop.example:8080', status: 204-299, every: 500ms,\n"
		"    timeout: 250ms, fall: 100, rise: 1, port: 65535}\n"
		"  max_ejected: 33.34%\n  on_ejection: {flows: reset}\n  slow_start: 90s\n";
	static const struct config_health expected = { .passive = true,
						       .check = CONFIG_CHECK_HTTP,
						       .path = "/healthz?full=1",
						       .host = "shop.example:8080",
						       .status_low = 204,
						       .status_high = 299,
						       .every = 500,
						       .timeout = 250,
						       .fall = 100,
						       .rise = 1,
						       .port = 65535 };
	struct config *config;

	(void)state;
	assert_health(health_of(text, &config), &expected);
	assert_int_equal(config->services[0].max_ejected, 3334);
	assert_int_equal(config->services[0].on_ejection, CONFIG_FLOWS_RESET);
	assert_int_equal(config->services[0].slow_start, 90000);
	config_free(config);
}

static void test_forms(void **state)
{
	static const char *const hosts[] = {
		"shop", "shop.example.", "shop.example:1", "10.0.0.1", "10.0.0.1:80", "[2001:db8::1]:80",
	};
	struct config *config;
	char text[512];

	(void)state;
	assert_int_equal(health_of(HEALTH("check: http, status: 599"), &config)->status_low, 599);
	assert_int_equal(config->services[0].health.status_high, 599);
	config_free(config);
	assert_int_equal(health_of(HEALTH("check: tcp, every: 1h, timeout: 1h"), &config)->timeout, 3600000);
	assert_int_equal(config->services[0].health.check, CONFIG_CHECK_TCP);
	config_free(config);
	/* The default is no longer than `every`, wherever that stands. */
	assert_int_equal(health_of(HEALTH("every: 100ms, check: tcp"), &config)->timeout, 100);
	config_free(config);
	/* Switched off for a while, nothing else has to go. */
	assert_string_equal(health_of(HEALTH("check: off, path: /x, every: 9s"), &config)->path, "/x");
	config_free(config);
	for (size_t i = 0; i < COUNT(hosts); i++) {
		snprintf(text, sizeof(text), HEALTH("check: http, host: '%s'"), hosts[i]);
		assert_string_equal(health_of(text, &config)->host, hosts[i]);
		config_free(config);
	}
	config = parse(GOOD "  max_ejected: 0%\n  on_ejection: {flows: leave}\n  slow_start: off\n");
	assert_int_equal(config->services[0].max_ejected, 0);
	assert_int_equal(config->services[0].on_ejection, CONFIG_FLOWS_LEAVE);
	assert_int_equal(config->services[0].slow_start, 0);
	config_free(config);
	config = parse(GOOD "  max_ejected: 100%\n  on_ejection: {flows: drain}\n  slow_start: 1h\n");
	assert_int_equal(config->services[0].max_ejected, 10000);
	assert_int_equal(config->services[0].on_ejection, CONFIG_FLOWS_DRAIN);
	assert_int_equal(config->services[0].slow_start, 3600000);
	config_free(config);
}

/* Checks are connections over TCP: they need a port that takes some. */
static void test_ports(void **state)
{
	struct config *config;

	(void)state;
	assert_int_equal(health_of(ONLY_UDP "  health: {check: http, port: 8080}\n", &config)->port, 8080);
	config_free(config);
	assert_int_equal(health_of(ONLY_UDP "  health: {port: 53, check: tcp}\n", &config)->port, 53);
	config_free(config);
	assert_int_equal(health_of(TOP SERVICES "  listen: [192.0.2.1:53/udp, 192.0.2.1:80/tcp]\n" STABLE
						"  health: {check: tcp}\n",
				   &config)
				 ->port,
			 0);
	config_free(config);
	/* One-way, a backend's port is the first listener's, and here that one is for udp. */
	assert_int_equal(health_of(TOP SERVICES "  health: {check: tcp}\n  forward: ipip\n"
						"  listen: [192.0.2.1:53/udp, 192.0.2.1:80/tcp]\n" STABLE,
				   &config)
				 ->port,
			 80);
	config_free(config);
	assert_int_equal(health_of(TOP SERVICES "  health: {check: tcp}\n  forward: ipip\n"
						"  listen: [192.0.2.1:80/tcp, 192.0.2.1:53/udp]\n" STABLE,
				   &config)
				 ->port,
			 0);
	config_free(config);
}

static void test_keys(void **state)
{
	static const struct mistake mistakes[] = {
		{ GOOD "  health: {}\n", "6:11: missing key 'check' in health, " CHECK },
		{ HEALTH("path: /"), "6:11: missing key 'check' in health, " CHECK },
		{ HEALTH("check: tcp, interval: 2s"),
		  "6:24: unknown key 'interval' in health, expected one of: " HEALTH_KEYS },
		{ HEALTH("check: tcp, check: tcp"), "6:24: key 'check' again in health, expected it once" },
		{ GOOD "  health: on\n",
		  "6:11: the text 'on' for health, expected off or a mapping with: " HEALTH_KEYS },
		{ GOOD "  health: http\n",
		  "6:11: the text 'http' for health, expected off or a mapping with: " HEALTH_KEYS },
		{ GOOD "  health:\n", "6:10: no value for health, expected off or a mapping with: " HEALTH_KEYS },
		{ GOOD "  health: [tcp]\n", "6:11: a list for health, expected off or a mapping with: " HEALTH_KEYS },
		{ GOOD "  health: off\n  health: off\n", "7:3: key 'health' again in a service, expected it once" },
		{ HEALTH("check: ping"), "6:19: invalid check 'ping', expected one of: tcp, http, off" },
		{ HEALTH("check: "), "6:19: no value for check, expected one of: tcp, http, off" },
		{ HEALTH("check: tcp, path: /healthz"),
		  "6:30: 'path' in a health check by tcp, expected 'check: http'" },
		{ HEALTH("status: 200, host: shop, check: tcp"),
		  "6:20: 'status' in a health check by tcp, expected 'check: http'" },
		{ HEALTH("host: shop, check: tcp"), "6:18: 'host' in a health check by tcp, expected 'check: http'" },
		{ ONLY_UDP "  health: {check: tcp}\n",
		  "6:19: check 'tcp' in a service that listens on udp alone, " PORT_OR_OFF },
		{ TOP SERVICES "  health: {every: 1s, check: http}\n  listen: 192.0.2.1:53/udp\n" STABLE,
		  "4:30: check 'http' in a service that listens on udp alone, " PORT_OR_OFF },
	};

	(void)state;
	check_all(mistakes, COUNT(mistakes));
}

static void test_values(void **state)
{
	static const struct mistake mistakes[] = {
		{ HEALTH("check: http, path: healthz"), "6:31: invalid path 'healthz', " PATH },
		{ HEALTH("check: http, path: '/a b'"), "6:31: invalid path '/a b', " PATH },
		{ HEALTH("check: http, path: '/a#b'"), "6:31: invalid path '/a#b', " PATH },
		{ HEALTH("check: http, path: \"/a\\r\\nX: y\""), "6:31: invalid path '/a\\x0d\\x0aX: y', " PATH },
		{ HEALTH("check: http, path: /caf\xc3\xa9"), "6:31: invalid path '/caf\\xc3\\xa9', " PATH },
		{ HEALTH("check: http, path: "), "6:31: no value for path, " PATH },
		{ HEALTH("check: http, path: ''"), "6:31: invalid path '', " PATH },
		{ HEALTH("check: http, path: /" LONG63 LONG63 LONG63 LONG63 "456"),
		  "6:31: invalid path '/aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123a...', " PATH },
		{ HEALTH("check: http, host: 'a b'"), "6:31: invalid host 'a b', " HOST },
		{ HEALTH("check: http, host: 'http://shop'"), "6:31: invalid host 'http://shop', " HOST },
		{ HEALTH("check: http, host: 'shop:0'"), "6:31: invalid host 'shop:0', " HOST },
		{ HEALTH("check: http, host: 'shop:'"), "6:31: invalid host 'shop:', " HOST },
		{ HEALTH("check: http, host: ':80'"), "6:31: invalid host ':80', " HOST },
		{ HEALTH("check: http, host: '2001:db8::1'"), "6:31: invalid host '2001:db8::1', " HOST },
		{ HEALTH("check: http, host: \"a\\r\\nX: y\""), "6:31: invalid host 'a\\x0d\\x0aX: y', " HOST },
		{ HEALTH("check: http, host: " LONG63 "." LONG63 "." LONG63 "." LONG63 ":80"),
		  "6:31: invalid host 'aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123.a...', " HOST },
		{ HEALTH("check: http, status: 199"), "6:33: invalid status '199', " STATUS },
		{ HEALTH("check: http, status: 600"), "6:33: invalid status '600', " STATUS },
		{ HEALTH("check: http, status: 2xx"), "6:33: invalid status '2xx', " STATUS },
		{ HEALTH("check: http, status: 200-600"), "6:33: invalid status '200-600', " STATUS },
		{ HEALTH("check: http, status: 100-399"), "6:33: invalid status '100-399', " STATUS },
		{ HEALTH("check: http, status: 399-200"), "6:33: invalid status '399-200', " STATUS },
		{ HEALTH("check: http, status: '200 - 399'"), "6:33: invalid status '200 - 399', " STATUS },
		{ HEALTH("check: http, status: [200]"), "6:33: a list for status, " STATUS },
		{ HEALTH("check: tcp, every: 2"), "6:31: invalid every '2', " EVERY },
		{ HEALTH("check: tcp, every: 99ms"), "6:31: invalid every '99ms', " EVERY },
		{ HEALTH("check: tcp, every: 3601s"), "6:31: invalid every '3601s', " EVERY },
		{ HEALTH("check: tcp, every: off"), "6:31: invalid every 'off', " EVERY },
		{ HEALTH("check: tcp, timeout: 9ms"), "6:33: invalid timeout '9ms', " TIMEOUT },
		{ HEALTH("check: tcp, timeout: 1.5s"), "6:33: invalid timeout '1.5s', " TIMEOUT },
		{ HEALTH("check: tcp, timeout: 2001ms"),
		  "6:33: a timeout of 2001ms in a health check every 2s, expected no longer than that" },
		{ HEALTH("timeout: 3s, every: 1500ms, check: tcp"),
		  "6:21: a timeout of 3s in a health check every 1500ms, expected no longer than that" },
		{ HEALTH("check: tcp, fall: 0"), "6:30: invalid fall '0', " TIMES },
		{ HEALTH("check: tcp, fall: 101"), "6:30: invalid fall '101', " TIMES },
		{ HEALTH("check: tcp, rise: 1x"), "6:30: invalid rise '1x', " TIMES },
		{ HEALTH("check: tcp, rise: 0"), "6:30: invalid rise '0', " TIMES },
		{ HEALTH("check: tcp, port: 0"), "6:30: invalid port '0', expected a whole number from 1 to 65535" },
		{ HEALTH("check: tcp, port: http"),
		  "6:30: invalid port 'http', expected a whole number from 1 to 65535" },
	};

	(void)state;
	check_all(mistakes, COUNT(mistakes));
}

static void test_ejection(void **state)
{
	static const struct mistake mistakes[] = {
		{ GOOD "  max_ejected: 50\n", "6:16: invalid max_ejected '50', " SHARE },
		{ GOOD "  max_ejected: 101%\n", "6:16: invalid max_ejected '101%', " SHARE },
		{ GOOD "  max_ejected:\n", "6:15: no value for max_ejected, " SHARE },
		{ GOOD "  on_ejection: leave\n",
		  "6:16: the text 'leave' for on_ejection, expected a mapping with: flows" },
		{ GOOD "  on_ejection: {}\n",
		  "6:16: missing key 'flows' in on_ejection, expected leave, drain or reset" },
		{ GOOD "  on_ejection: {flows: kill}\n",
		  "6:24: invalid flows 'kill', expected one of: leave, drain, reset" },
		{ GOOD "  on_rollback: {flows: leave}\n",
		  "6:24: invalid flows 'leave', expected one of: reset, drain" },
		{ GOOD "  slow_start: 30\n", "6:15: invalid slow_start '30', " SLOW_START },
		{ GOOD "  slow_start: 999ms\n", "6:15: invalid slow_start '999ms', " SLOW_START },
		{ GOOD "  slow_start: 2h\n", "6:15: invalid slow_start '2h', " SLOW_START },
		{ GOOD "  slow_start: on\n", "6:15: invalid slow_start 'on', " SLOW_START },
		{ GOOD "  slow_start:\n", "6:14: no value for slow_start, " SLOW_START },
	};

	(void)state;
	check_all(mistakes, COUNT(mistakes));
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(config_check_name(CONFIG_CHECK_TCP), "tcp");
	assert_string_equal(config_check_name(CONFIG_CHECK_HTTP), "http");
	assert_string_equal(config_check_name(CONFIG_CHECK_OFF), "off");
	assert_string_equal(config_flows_name(CONFIG_FLOWS_LEAVE), "leave");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults), cmocka_unit_test(test_off),      cmocka_unit_test(test_everything),
		cmocka_unit_test(test_forms),    cmocka_unit_test(test_ports),    cmocka_unit_test(test_keys),
		cmocka_unit_test(test_values),   cmocka_unit_test(test_ejection), cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("config_health", tests, NULL, NULL);
}
