/* SPDX-License-Identifier: BSD-2-Clause */
/* Command lines: what they set, and the exact complaint about each wrong one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MAX_WORDS 16
#define EVERYTHING (2 * OPTION_LOG_FORMAT - 1)

/* getopt_long reorders argv, so that each parse gets a copy. */
static int parse(const char *const *words, unsigned int allowed, char **argv, struct options *ret,
		 struct complaint *complaint)
{
	int argc = 0;

	for (; words[argc]; argc++)
		argv[argc] = (char *)words[argc];
	argv[argc] = NULL;
	return options_parse(argc, argv, allowed, ret, complaint);
}

static void test_defaults(void **state)
{
	static const char *const words[] = { "status", NULL };
	char *argv[MAX_WORDS];
	struct complaint complaint;
	struct options options;

	(void)state;
	assert_int_equal(parse(words, EVERYTHING, argv, &options, &complaint), 0);
	assert_false(options.help);
	assert_false(options.watch);
	assert_int_equal(options.output, OUTPUT_TEXT);
	assert_int_equal(options.flows, FLOWS_AS_CONFIGURED);
	assert_string_equal(options.config, "/etc/serin/serin.yaml");
	assert_string_equal(options.socket, "/run/serin/serin.sock");
	assert_string_equal(options.pin_dir, "/sys/fs/bpf/serin");
	assert_string_equal(options.state_dir, "/var/lib/serin");
	assert_int_equal(options.log_level, LOG_LEVEL_INFO);
	assert_int_equal(options.log_format, LOG_KEYVALUE);
	assert_null(options.reason);
	assert_null(options.listen);
	assert_int_equal(options.argument_count, 0);
}

static void test_everything_mixed(void **state)
{
	static const char *const words[] = { "x",        "shop", "-wo",    "json", "--reason=a=b", "canary=5%",
					     "--socket", "/s",   "-cfile", "--",   "--not-one",    NULL };
	char *argv[MAX_WORDS];
	struct complaint complaint;
	struct options options;

	(void)state;
	assert_int_equal(parse(words, EVERYTHING, argv, &options, &complaint), 0);
	assert_true(options.watch);
	assert_int_equal(options.output, OUTPUT_JSON);
	assert_string_equal(options.reason, "a=b");
	assert_string_equal(options.socket, "/s");
	assert_string_equal(options.config, "file");
	assert_int_equal(options.argument_count, 3);
	assert_string_equal(options.arguments[0], "shop");
	assert_string_equal(options.arguments[1], "canary=5%");
	assert_string_equal(options.arguments[2], "--not-one");
}

static void test_the_rest(void **state)
{
	static const char *const words[] = { "x",
					     "--flows",
					     "reset",
					     "--pin-dir",
					     "/p",
					     "--state-dir=/d",
					     "--listen",
					     "l",
					     "--log-level=debug",
					     "--log-format",
					     "json",
					     "--help",
					     NULL };
	char *argv[MAX_WORDS];
	struct complaint complaint;
	struct options options;

	(void)state;
	assert_int_equal(parse(words, EVERYTHING, argv, &options, &complaint), 0);
	assert_true(options.help);
	assert_int_equal(options.flows, FLOWS_RESET);
	assert_string_equal(options.pin_dir, "/p");
	assert_string_equal(options.state_dir, "/d");
	assert_string_equal(options.listen, "l");
	assert_int_equal(options.log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(options.log_format, LOG_JSON);
}

static void test_refuses(void **state)
{
	static const struct {
		const char *words[5];
		const char *complaint;
	} cases[] = {
		{ { "check", "--bogus" }, "unknown option --bogus for check" },
		{ { "check", "--bogus=1", "a" }, "unknown option --bogus for check" },
		{ { "check", "-z" }, "unknown option -z for check" },
		{ { "check", "-ojson", "-hz" }, "unknown option -z for check" },
		{ { "check", "--output=json", "-zh" }, "unknown option -z for check" },
		{ { "check", "-w" }, "unknown option -w for check" }, /* another subcommand's */
		{ { "check", "--watch" }, "unknown option --watch for check" },
		{ { "check", "--out", "json" }, "unknown option --out, did you mean --output?" },
		{ { "check", "--outp=json" }, "unknown option --outp, did you mean --output?" },
		{ { "check", "a", "--conf", "b" }, "unknown option --conf, did you mean --config?" },
		{ { "check", "--help=1" }, "--help takes no value" },
		{ { "check", "-c" }, "--config needs a value, expected FILE" },
		{ { "check", "--output" }, "--output needs a value, expected text|json" },
		{ { "check", "-o", "JSON" }, "--output is 'JSON', expected text or json" },
		{ { "check", "-o", "" }, "--output is empty, expected text|json" },
		{ { "check", "--config=" }, "--config is empty, expected FILE" },
		{ { "check", "--flows", "keep" }, "--flows is 'keep', expected drain or reset" },
		{ { "check", "--log-level=loud" }, "--log-level is 'loud', expected error, warn, info or debug" },
		{ { "check", "--log-format=xml" }, "--log-format is 'xml', expected keyvalue or json" },
	};
	char *argv[MAX_WORDS];
	struct complaint complaint;
	unsigned int known = OPTION_CONFIG | OPTION_OUTPUT | OPTION_FLOWS | OPTION_LOG_LEVEL | OPTION_LOG_FORMAT;
	struct options options, before;
	size_t i;

	(void)state;
	memset(&before, 0xaa, sizeof(before));
	for (i = 0; i < COUNT(cases); i++) {
		options = before;
		assert_int_equal(parse(cases[i].words, known, argv, &options, &complaint), -EINVAL);
		assert_string_equal(complaint.text, cases[i].complaint);
		assert_memory_equal(&options, &before, sizeof(options));
	}
}

static void test_describe(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	options_describe(out, OPTION_OUTPUT | OPTION_REASON);
	fclose(out);
	assert_string_equal(text, "  -o, --output text|json    how to print (default text)\n"
				  "      --reason TEXT         why, for the record and for colleagues\n"
				  "  -h, --help                this text\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults), cmocka_unit_test(test_everything_mixed),
		cmocka_unit_test(test_the_rest), cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_describe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
