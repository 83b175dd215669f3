/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of subcommands, and finding the one that was asked for. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <curl/curl.h>

#include <serin/abi.h>
#include "commands.h"

#ifndef SERIN_VERSION
#define SERIN_VERSION "dev"
#endif

#define MANY 1000 /* arguments; more than any service has versions */

struct subcommand {
	const char *name;
	int (*run)(const struct options *options);
	const char *synopsis; /* of the arguments */
	const char *description;
	unsigned int options; /* enum option_set; --help is always one of them */
	int min_arguments, max_arguments;
};

static const struct subcommand subcommands[] = {
	{ "run", cmd_run, "[-c FILE]", "the agent, in the foreground",
	  OPTION_CONFIG | OPTION_SOCKET | OPTION_PIN_DIR | OPTION_STATE_DIR | OPTION_LOG_LEVEL | OPTION_LOG_FORMAT |
		  OPTION_RESOLV_CONF,
	  0, 0 },
	{ "check", cmd_check, "[-c FILE]", "validate the configuration, print the plan, change nothing",
	  OPTION_CONFIG | OPTION_OUTPUT, 0, 0 },
	{ "status", cmd_status, "[SERVICE] [-w]", "shares set and measured, versions side by side",
	  OPTION_OUTPUT | OPTION_WATCH | OPTION_SOCKET, 0, 1 },
	{ "weight", cmd_weight, "SERVICE VERSION=SHARE ...", "set shares; versions not named keep theirs",
	  OPTION_OUTPUT | OPTION_REASON | OPTION_SOCKET, 2, MANY },
	{ "try", cmd_try, "PORT NAME=PORT[@SHARE] ...", "split a port of this machine between its processes",
	  OPTION_OUTPUT | OPTION_UDP, 1, MANY },
	{ "backend", cmd_backend, "SERVICE ADDRESS drain|ready", "take a backend out by hand, or put it back",
	  OPTION_OUTPUT | OPTION_REASON | OPTION_SOCKET, 3, 3 },
	{ "baseline", cmd_baseline, "SERVICE VERSION", "say which one it is, where that was lost",
	  OPTION_OUTPUT | OPTION_REASON | OPTION_SOCKET, 2, 2 },
	{ "rollout", cmd_rollout, "SERVICE ACTION", "start, pause, resume, promote, abort, retry or finish",
	  OPTION_OUTPUT | OPTION_VERSION | OPTION_RELEASE | OPTION_BLIND | OPTION_FLOWS | OPTION_REASON | OPTION_WAIT |
		  OPTION_SOCKET,
	  2, 2 },
	{ "why", cmd_why, "SERVICE", "the arithmetic behind the judge's last verdict", OPTION_OUTPUT | OPTION_SOCKET, 1,
	  1 },
	{ "rollback", cmd_rollback, "SERVICE", "every version on trial to 0%, at once",
	  OPTION_OUTPUT | OPTION_REASON | OPTION_FLOWS | OPTION_SOCKET, 1, 1 },
	{ "reload", cmd_reload, "[--dry-run]", "apply the changed configuration, whole or not at all",
	  OPTION_DRY_RUN | OPTION_OUTPUT | OPTION_REASON | OPTION_SOCKET, 0, 0 },
	{ "flows", cmd_flows, "SERVICE", "live connections",
	  OPTION_OUTPUT | OPTION_VERSION | OPTION_LIMIT | OPTION_SOCKET, 1, 1 },
	{ "events", cmd_events, "[SERVICE] [-f]", "every decision with its reason and figures",
	  OPTION_OUTPUT | OPTION_FOLLOW | OPTION_LIMIT | OPTION_SOCKET, 0, 1 },
	{ "explain", cmd_explain, "SERVICE ADDRESS[:PORT]", "which version that client gets, and why",
	  OPTION_OUTPUT | OPTION_LISTEN | OPTION_SOCKET, 2, 2 },
	{ "detach", cmd_detach, "", "take the programs and maps out of the kernel",
	  OPTION_OUTPUT | OPTION_PIN_DIR | OPTION_SOCKET, 0, 0 },
};

#define SUBCOMMANDS (sizeof(subcommands) / sizeof(subcommands[0]))

static void print_subcommands(FILE *out)
{
	char left[64];
	size_t i;

	fputs("Commands:\n", out);
	for (i = 0; i < SUBCOMMANDS; i++) {
		snprintf(left, sizeof(left), "%s %s", subcommands[i].name, subcommands[i].synopsis);
		fprintf(out, "  %-32s  %s\n", left, subcommands[i].description);
	}
	fputs("  help [COMMAND]                    this text, or that of one command\n", out);
}

static void print_exit_codes(FILE *out)
{
	fprintf(out,
		"\nExit codes: %d done, %d refused or failed (the reason is on stderr),\n"
		"%d wrong usage, %d rolled back (rollout --wait), %d no agent could be reached.\n",
		COMMAND_OK, COMMAND_FAILED, COMMAND_USAGE, COMMAND_ROLLED_BACK, COMMAND_NO_AGENT);
}

static void print_help(FILE *out)
{
	fputs("serin: canary releases inside the Linux kernel\n\n"
	      "Usage: serin COMMAND [ARGUMENTS] [OPTIONS]\n\n",
	      out);
	print_subcommands(out);
	fputs("\nserin COMMAND --help has the options of each; serin --version says what this is.\n", out);
	print_exit_codes(out);
}

static void print_usage(FILE *out, const struct subcommand *command)
{
	fprintf(out, "Usage: serin %s%s%s [OPTIONS]\n", command->name, *command->synopsis ? " " : "",
		command->synopsis);
}

static void print_command_help(FILE *out, const struct subcommand *command)
{
	fprintf(out, "serin %s: %s\n\n", command->name, command->description);
	print_usage(out, command);
	fputs("\nOptions:\n", out);
	options_describe(out, command->options);
	print_exit_codes(out);
}

static void print_version(void)
{
	printf("serin %s (ABI %u)\n", SERIN_VERSION, SERIN_ABI_VERSION);
}

static const struct subcommand *find_subcommand(const char *name)
{
	size_t i;

	for (i = 0; i < SUBCOMMANDS; i++)
		if (!strcmp(subcommands[i].name, name))
			return &subcommands[i];
	return NULL;
}

static int refuse_unknown(const char *name)
{
	int code = command_fail(COMMAND_USAGE, *name == '-' ? "unknown option %s" : "unknown command '%s'", name);

	print_subcommands(stderr);
	return code;
}

static int run_help(int argc, char **argv)
{
	const struct subcommand *command;

	if (argc < 2 || !strcmp(argv[1], "help")) {
		print_help(stdout);
		return COMMAND_OK;
	}
	command = find_subcommand(argv[1]);
	if (!command)
		return refuse_unknown(argv[1]);
	print_command_help(stdout, command);
	return COMMAND_OK;
}

static int refuse_usage(const struct subcommand *command, const char *what)
{
	int code = command_fail(COMMAND_USAGE, "%s", what);

	print_usage(stderr, command);
	return code;
}

static int check_count(const struct subcommand *command, const struct options *options, struct complaint *complaint)
{
	int i;

	if (options->argument_count < command->min_arguments)
		return complain(complaint, -EINVAL, "%s needs more arguments", command->name);
	if (options->argument_count > command->max_arguments)
		return complain(complaint, -EINVAL, "'%s' is one argument too many for %s",
				options->arguments[command->max_arguments], command->name);
	for (i = 0; i < options->argument_count; i++)
		if (!*options->arguments[i])
			return complain(complaint, -EINVAL, "argument %d of %s is empty", i + 1, command->name);
	return 0;
}

static int run_subcommand(const struct subcommand *command, int argc, char **argv)
{
	struct complaint complaint;
	struct options options;
	int code;

	if (options_parse(argc, argv, command->options, &options, &complaint))
		return refuse_usage(command, complaint.text);
	if (options.help) {
		print_command_help(stdout, command);
		return COMMAND_OK;
	}
	if (check_count(command, &options, &complaint))
		return refuse_usage(command, complaint.text);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	code = command->run(&options);
	curl_global_cleanup();
	return code;
}

static int run(int argc, char **argv)
{
	const struct subcommand *command;

	if (!argc) {
		print_help(stdout);
		return COMMAND_OK;
	}
	if (!strcmp(argv[0], "help") || !strcmp(argv[0], "--help") || !strcmp(argv[0], "-h"))
		return run_help(argc, argv);
	if (!strcmp(argv[0], "--version")) {
		print_version();
		return COMMAND_OK;
	}
	command = find_subcommand(argv[0]);
	return command ? run_subcommand(command, argc, argv) : refuse_unknown(argv[0]);
}

int main(int argc, char **argv)
{
	int code = run(argc ? argc - 1 : 0, argv + (argc ? 1 : 0));

	/* A full disk or a closed pipe shows only here: output that nobody got is a failure. */
	if (fflush(stdout) || ferror(stdout))
		return code ? code : command_fail(COMMAND_FAILED, "cannot write to the standard output");
	return code;
}
