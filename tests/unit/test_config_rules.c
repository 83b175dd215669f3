/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules: what files of them give, where their mistakes are, asking them, and a hundred thousand of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "rules.h"
#include "scratch_file.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char rules_file[SCRATCH_PATH_LEN];

static int new_file(void **state)
{
	(void)state;
	scratch_path("rules", rules_file);
	return 0;
}

/* So many services, all with the file's rules; `list` is what follows in each. */
static int parse(unsigned int services, const char *list, struct config **ret, struct complaint *complaint)
{
	char *text;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	unsigned int i;
	int r;

	assert_non_null(out);
	fprintf(out, "interfaces: [eth0]\nservices:\n");
	for (i = 0; i < services; i++)
		fprintf(out,
			"- name: s%u\n  listen: ['192.0.%u.1:80/tcp']\n  baseline: a\n"
			"  versions: {a: {backends: ['10.0.0.1:80']}, b: {backends: ['10.0.0.2:80']}}\n"
			"  rules_file: %s\n%s",
			i, i, rules_file, list);
	assert_int_equal(fclose(out), 0);
	r = config_parse("serin.yaml", text, length, ret, complaint);
	free(text);
	return r;
}

static struct config *rules_of(const char *text, const char *list)
{
	struct complaint complaint = { "" };
	struct config *config = NULL;

	write_file(rules_file, text, strlen(text));
	if (parse(1, list, &config, &complaint))
		fail_msg("refused: %s", complaint.text);
	return config;
}

/* "PREFIX=VERSION ..." in the order of the sorted rules. */
static void assert_rules(const struct config_rules *rules, const char *expected)
{
	char text[1024] = "", prefix[ADDRESS_TEXT_LEN];
	size_t used = 0, i;

	for (i = 0; i < rules->count; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s=%u", i ? " " : "",
					 prefix_format(&rules->items[i].prefix, prefix), rules->items[i].version);
	assert_string_equal(text, expected);
}

static void test_file(void **state)
{
	struct config *config =
		rules_of("\xef\xbb\xbf# staff\n"
			 "10.8.0.0/16 b\n"
			 "\n"
			 "   \t 10.8.1.0/24\ta   # but not these: caf\xc3\xa9\r\n"
			 "2001:db8::/32 b#x\n"
			 "#10.9.0.0/16 b\n"
			 "::/0 a\n"
			 "192.0.2.7 b",
			 "  rules: [{from: 0.0.0.0/0, version: a}, {version: b, from: 10.8.1.128/25}]\n");
	const struct config_rules *rules = &config->services[0].rules;

	(void)state;
	assert_string_equal(rules->file, rules_file);
	assert_rules(rules, "::/0=0 0.0.0.0/0=0 10.8.0.0/16=1 10.8.1.0/24=0 10.8.1.128/25=1 192.0.2.7/32=1 "
			    "2001:db8::/32=1");
	assert_true(rules->items[3].from_file);
	assert_int_equal(rules->items[3].place.line, 4);
	assert_int_equal(rules->items[3].place.column, 6);
	assert_false(rules->items[4].from_file);
	assert_int_equal(rules->items[4].place.line, 8);
	assert_int_equal(rules->items[4].place.column, 61);
	config_free(config);
	config = rules_of("", "");
	assert_int_equal(config->services[0].rules.count, 0);
	config_free(config);
	config = rules_of("# nobody yet", "");
	assert_int_equal(config->services[0].rules.count, 0);
	config_free(config);
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *text, *complaint; /* behind the file's name */
		size_t length;                /* 0: strlen() */
	} cases[] = {
		{ "10.8.0.0/16\n",
		  ":1:12: no version behind the prefix, expected PREFIX VERSION such as "
		  "10.8.0.0/16 canary",
		  0 },
		{ "10.8.0.0/16 # b\n",
		  ":1:13: no version behind the prefix, expected PREFIX VERSION such as 10.8.0.0/16 canary", 0 },
		{ "\n 10.8.0.0/16 c\n", ":2:14: 'c' is no version of service 's0', expected one such as 'a'", 0 },
		{ "10.0.0.0/8 a\n10.8.0.1/16 b\n",
		  ":2:1: prefix '10.8.0.1/16' has bits behind its length, expected such as 10.8.0.0/16", 0 },
		{ "10.0.0.0/8 a b\n",
		  ":1:14: 'b' behind a rule, expected only PREFIX VERSION such as 10.8.0.0/16 canary on a line", 0 },
		{ "a 10.0.0.0/8\n",
		  ":1:1: invalid prefix 'a', expected an IPv4 or IPv6 prefix such as 10.8.0.0/16 or 2001:db8::/32", 0 },
		{ "10.0.0.0/8\xc2\xa0"
		  "a\n",
		  ":1:1: invalid prefix '10.0.0.0/8\\xc2\\xa0a', "
		  "expected an IPv4 or IPv6 prefix such as 10.8.0.0/16 or 2001:db8::/32",
		  0 },
		{ "# x\n10.0.0.0/8\0 a\n", ":2:11: a zero byte, expected text", 18 },
		{ "10.0.0.0/8 a\n1.0.0.0/8 a\n10.0.0.0/8 b\n1.0.0.0/8 b\n",
		  ":3:1: prefix '10.0.0.0/8' again (first on line 1), expected it once in a service", 0 },
		{ "2.0.0.0/8 a\n 10.8.1.128/25 b\n",
		  ":2:2: prefix '10.8.1.128/25' again (first on line 8 of the "
		  "configuration), expected it once in a service",
		  0 },
	};
	static const char list[] = "  rules: [{from: 10.8.1.128/25, version: a}]\n";
	struct complaint complaint;
	struct config *config = NULL;
	char expected[512];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		write_file(rules_file, cases[i].text, cases[i].length ? cases[i].length : strlen(cases[i].text));
		assert_int_equal(parse(1, list, &config, &complaint), -EINVAL);
		snprintf(expected, sizeof(expected), "%s%s", rules_file, cases[i].complaint);
		assert_string_equal(complaint.text, expected);
		assert_null(config);
	}
	unlink(rules_file);
	assert_int_equal(parse(1, list, &config, &complaint), -EINVAL);
	snprintf(expected, sizeof(expected),
		 "serin.yaml:7:15: %s: No such file or directory, expected a file that can be read", rules_file);
	assert_string_equal(complaint.text, expected);
}

static void test_find(void **state)
{
	static const struct {
		const char *client, *prefix;
	} cases[] = {
		{ "10.8.0.1", "10.8.0.0/16" },
		{ "10.8.1.1", "10.8.1.0/24" },
		{ "10.8.1.7", "10.8.1.7/32" },
		{ "10.9.0.1", NULL },
		{ "2001:db8::1", "2001:db8::/32" },
		{ "2001:db9::1", "::/0" },
		{ "::1", "::/0" },
	};
	struct config *config = rules_of("10.8.0.0/16 a\n10.8.1.0/24 b\n10.8.1.7 a\n2001:db8::/32 b\n::/0 a\n", "");
	const struct config_rule *rule;
	char text[ADDRESS_TEXT_LEN];
	struct serin_addr client;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		assert_int_equal(address_parse(cases[i].client, &client), 0);
		rule = rules_find(&config->services[0].rules, &client);
		if (cases[i].prefix)
			assert_string_equal(prefix_format(&rule->prefix, text), cases[i].prefix);
		else
			assert_null(rule);
	}
	config_free(config);
}

static void assert_entries(const char *text, const char *expected)
{
	static const uint8_t ids[SERIN_MAX_VERSIONS] = { 5, 2 };
	struct config *config = rules_of(text, "");
	const struct config_rules *rules = &config->services[0].rules;
	struct rule_entry *entries = rules_entries(rules, ids);
	char found[512] = "", prefix[ADDRESS_TEXT_LEN];
	size_t used = 0, i;

	assert_non_null(entries);
	for (i = 0; i < rules_entry_count(rules); i++)
		used += (size_t)snprintf(found + used, sizeof(found) - used, "%s%s=%u", i ? " " : "",
					 prefix_format(&entries[i].prefix, prefix), entries[i].version);
	assert_string_equal(found, expected);
	free(entries);
	config_free(config);
}

/* IPv4 clients must not fall to an IPv6 rule that is wide enough to hold their mapped addresses. */
static void test_entries(void **state)
{
	(void)state;
	assert_entries("", "");
	assert_entries("10.8.0.0/16 a\n2001:db8::/32 b\n", "10.8.0.0/16=5 2001:db8::/32=2");
	assert_entries("::/0 b\n10.0.0.0/8 a", "::/0=2 0.0.0.0/0=255 10.0.0.0/8=5");
	assert_entries("::/80 b\n", "::/80=2 0.0.0.0/0=255");
	assert_entries("::fffe:0:0/95 b\n", "::fffe:0:0/95=2 0.0.0.0/0=255");
	assert_entries("::fffe:0:0/96 b\n", "::fffe:0:0/96=2");
	assert_entries("::/0 b\n0.0.0.0/0 a\n", "::/0=2 0.0.0.0/0=5");
	assert_entries("::/1 b\n8000::/1 a\n", "::/1=2 0.0.0.0/0=255 8000::/1=5");
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Every second one IPv6, in no order. */
static void write_many(unsigned int count)
{
	FILE *file = fopen(rules_file, "w");
	unsigned int i, n;

	assert_non_null(file);
	for (i = 0; i < count; i++) {
		n = i * 7919 % 1048573; /* a prime: none twice */
		if (i % 2)
			fprintf(file, "2001:db8:%x:%x::/64 b\n", n >> 8, n & 0xff);
		else
			fprintf(file, "10.%u.%u.%u/32 a\n", n >> 16, n >> 8 & 0xff, n & 0xff);
	}
	assert_int_equal(fclose(file), 0);
}

static void test_many(void **state)
{
	struct complaint complaint = { "" };
	struct config *config = NULL;
	struct serin_addr client;
	double begin;

	(void)state;
	write_many(CONFIG_MAX_RULES);
	begin = now();
	assert_int_equal(parse(1, "", &config, &complaint), 0);
	print_message("%zu rules from a file in %.0f ms\n", config->services[0].rules.count, 1000 * (now() - begin));
	assert_true(now() - begin < 10);
	assert_int_equal(config->services[0].rules.count, CONFIG_MAX_RULES);
	assert_int_equal(address_parse("10.0.62.222", &client), 0); /* 2 * 7919 = 0x3dde */
	assert_null(rules_find(&config->services[0].rules, &client));
	assert_int_equal(address_parse("10.0.61.222", &client), 0);
	begin = now();
	assert_non_null(rules_find(&config->services[0].rules, &client));
	print_message("one is found among them in %.2f ms\n", 1000 * (now() - begin));
	config_free(config);
}

static void test_limits(void **state)
{
	struct complaint complaint = { "" };
	struct config *config = NULL;
	char expected[512];

	(void)state;
	write_many(CONFIG_MAX_RULES + 1);
	assert_int_equal(parse(1, "", &config, &complaint), -EINVAL);
	snprintf(expected, sizeof(expected), "%s:100001:1: one rule too many, expected up to 100000 in a service",
		 rules_file);
	assert_string_equal(complaint.text, expected);
	write_many(CONFIG_MAX_RULES);
	assert_int_equal(parse(1, "  rules: [{from: 9.9.9.9, version: a}]\n", &config, &complaint), -EINVAL);
	snprintf(expected, sizeof(expected), "%s:100000:1: one rule too many, expected up to 100000 in a service",
		 rules_file);
	assert_string_equal(complaint.text, expected);
	assert_int_equal(parse(6, "", &config, &complaint), -EINVAL);
	assert_string_equal(complaint.text, "serin.yaml:32:15: 600000 rules with those of service 's5', "
					    "expected up to 524288 in all services together");
	assert_null(config);
}

/* The whole list in the configuration itself: as many, and the file still fits. */
static void test_many_in_a_list(void **state)
{
	struct complaint complaint = { "" };
	struct config *config = NULL;
	unsigned int i, wanted;
	size_t length;
	double begin;
	char *list;
	FILE *out;

	(void)state;
	write_file(rules_file, "", 0);
	for (wanted = CONFIG_MAX_RULES; wanted <= CONFIG_MAX_RULES + 1; wanted++) {
		out = open_memstream(&list, &length);
		assert_non_null(out);
		fprintf(out, "  rules:\n");
		for (i = 0; i < wanted; i++)
			fprintf(out, "  - {from: 10.%u.%u.%u/32, version: b}\n", i >> 16, i >> 8 & 0xff, i & 0xff);
		assert_int_equal(fclose(out), 0);
		begin = now();
		if (wanted == CONFIG_MAX_RULES) {
			assert_int_equal(parse(1, list, &config, &complaint), 0);
			assert_int_equal(config->services[0].rules.count, CONFIG_MAX_RULES);
			config_free(config);
		} else {
			assert_int_equal(parse(1, list, &config, &complaint), -EINVAL);
			assert_string_equal(complaint.text, "serin.yaml:100009:5: more than 100000 entries for rules, "
							    "expected a list of 1 to 100000 rules");
		}
		print_message("%u rules of a list in %.0f ms\n", wanted, 1000 * (now() - begin));
		free(list);
	}
}

#define WITH_FILE(name) cmocka_unit_test_setup(name, new_file)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FILE(test_file), WITH_FILE(test_mistakes), WITH_FILE(test_find),           WITH_FILE(test_entries),
		WITH_FILE(test_many), WITH_FILE(test_limits),   WITH_FILE(test_many_in_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
