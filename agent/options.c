/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of options, and parsing it with getopt_long. */
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "datapath.h"
#include "options.h"
#include "scalar.h"

struct option_entry {
	enum option_set bit;
	char letter; /* 0: long form only */
	const char *name;
	const char *argument; /* NULL: takes none */
	const char *help;
};

static const struct option_entry entries[] = {
	{ OPTION_CONFIG, 'c', "config", "FILE", "configuration (default " OPTIONS_CONFIG_FILE ")" },
	{ OPTION_OUTPUT, 'o', "output", "text|json", "how to print (default text)" },
	{ OPTION_WATCH, 'w', "watch", NULL, "print again every second until Ctrl-C" },
	{ OPTION_FOLLOW, 'f', "follow", NULL, "go on with what comes, until Ctrl-C" },
	{ OPTION_DRY_RUN, 0, "dry-run", NULL, "say what would be changed, change nothing" },
	{ OPTION_UDP, 0, "udp", NULL, "split UDP instead of TCP" },
	{ OPTION_REASON, 0, "reason", "TEXT", "why, for the record and for colleagues" },
	{ OPTION_FLOWS, 0, "flows", "drain|reset",
	  "open connections (default: rollback as on_rollback says, abort drain)" },
	{ OPTION_VERSION, 0, "version", "VERSION", "the version that is meant" },
	{ OPTION_RELEASE, 0, "release", "ID",
	  "start, retry: what is released; another one than was rolled back may start" },
	{ OPTION_BLIND, 0, "blind", NULL, "start, retry: although the status of answers is not seen" },
	{ OPTION_WAIT, 0, "wait", NULL,
	  "start, retry, resume, promote: until the end; exit 0 completed, 3 rolled back" },
	{ OPTION_LIMIT, 0, "limit", "NUMBER", "how many at most (default 1000)" },
	{ OPTION_LISTEN, 0, "listen", "ADDRESS:PORT", "which listening address the client connects to" },
	{ OPTION_SOCKET, 0, "socket", "PATH", "the agent's socket (default " OPTIONS_SOCKET_PATH ")" },
	{ OPTION_PIN_DIR, 0, "pin-dir", "DIR", "where maps and links are pinned (default " DATAPATH_PIN_DIR ")" },
	{ OPTION_STATE_DIR, 0, "state-dir", "DIR", "where the agent keeps its state (default " OPTIONS_STATE_DIR ")" },
	{ OPTION_RESOLV_CONF, 0, "resolv-conf", "FILE", "the DNS servers (default /etc/resolv.conf)" },
	{ OPTION_LOG_LEVEL, 0, "log-level", "LEVEL", "error, warn, info or debug (default info)" },
	{ OPTION_LOG_FORMAT, 0, "log-format", "FORMAT", "keyvalue or json (default keyvalue)" },
	{ OPTION_HELP, 'h', "help", NULL, "this text" },
};

#define ENTRIES (sizeof(entries) / sizeof(entries[0]))

/* The table in getopt's terms. `val` is an entry's index plus LONG_BASE, out of the way of letters. */
#define LONG_BASE 256

struct getopt_tables {
	struct option options[ENTRIES + 1];
	char letters[2 * ENTRIES + 2];
};

static void make_tables(unsigned int allowed, struct getopt_tables *tables)
{
	struct option *option = tables->options;
	char *letter = tables->letters;
	size_t i;

	memset(tables, 0, sizeof(*tables));
	*letter++ = ':'; /* getopt tells a missing argument from an unknown option, and prints neither */
	for (i = 0; i < ENTRIES; i++) {
		if (!(entries[i].bit & allowed))
			continue;
		option->name = entries[i].name;
		option->has_arg = entries[i].argument ? required_argument : no_argument;
		option->val = LONG_BASE + (int)i;
		option++;
		if (!entries[i].letter)
			continue;
		*letter++ = entries[i].letter;
		if (entries[i].argument)
			*letter++ = ':';
	}
}

static const struct option_entry *find_letter(int letter)
{
	size_t i;

	for (i = 0; i < ENTRIES; i++)
		if (entries[i].letter && entries[i].letter == letter)
			return &entries[i];
	return NULL;
}

/* Those that take one of a few words, or a number. */
static int apply_checked(const struct option_entry *entry, const char *argument, struct options *options,
			 struct complaint *complaint)
{
	switch (entry->bit) {
	case OPTION_OUTPUT:
		if (strcmp(argument, "text") && strcmp(argument, "json"))
			return complain(complaint, -EINVAL, "--output is '%s', expected text or json", argument);
		options->output = strcmp(argument, "json") ? OUTPUT_TEXT : OUTPUT_JSON;
		break;
	case OPTION_FLOWS:
		if (strcmp(argument, "drain") && strcmp(argument, "reset"))
			return complain(complaint, -EINVAL, "--flows is '%s', expected drain or reset", argument);
		options->flows = strcmp(argument, "reset") ? FLOWS_DRAIN : FLOWS_RESET;
		break;
	case OPTION_LIMIT:
		if (parse_unsigned(argument, 1, OPTIONS_MAX_LIMIT, &options->limit))
			return complain(complaint, -EINVAL, "--limit is '%s', expected 1 to %u", argument,
					OPTIONS_MAX_LIMIT);
		break;
	case OPTION_LOG_LEVEL:
		if (log_parse_level(argument, &options->log_level))
			return complain(complaint, -EINVAL, "--log-level is '%s', expected error, warn, info or debug",
					argument);
		break;
	case OPTION_LOG_FORMAT:
		if (log_parse_format(argument, &options->log_format))
			return complain(complaint, -EINVAL, "--log-format is '%s', expected keyvalue or json",
					argument);
		break;
	default:
		break;
	}
	return 0;
}

static int apply(const struct option_entry *entry, const char *argument, struct options *options,
		 struct complaint *complaint)
{
	if (entry->argument && !*argument)
		return complain(complaint, -EINVAL, "--%s is empty, expected %s", entry->name, entry->argument);
	switch (entry->bit) {
	case OPTION_HELP:
		options->help = true;
		break;
	case OPTION_WATCH:
		options->watch = true;
		break;
	case OPTION_DRY_RUN:
		options->dry_run = true;
		break;
	case OPTION_FOLLOW:
		options->follow = true;
		break;
	case OPTION_BLIND:
		options->blind = true;
		break;
	case OPTION_WAIT:
		options->wait = true;
		break;
	case OPTION_UDP:
		options->udp = true;
		break;
	case OPTION_CONFIG:
		options->config = argument;
		break;
	case OPTION_SOCKET:
		options->socket = argument;
		break;
	case OPTION_REASON:
		options->reason = argument;
		break;
	case OPTION_VERSION:
		options->version = argument;
		break;
	case OPTION_RELEASE:
		options->release = argument;
		break;
	case OPTION_LISTEN:
		options->listen = argument;
		break;
	case OPTION_PIN_DIR:
		options->pin_dir = argument;
		break;
	case OPTION_STATE_DIR:
		options->state_dir = argument;
		break;
	case OPTION_RESOLV_CONF:
		options->resolv_conf = argument;
		break;
	default:
		return apply_checked(entry, argument, options, complaint);
	}
	return 0;
}

/* getopt_long leaves the letter in optopt, or 0 when it was a long option. */
static int complain_unknown(const char *command, const char *word, struct complaint *complaint)
{
	if (optopt)
		return complain(complaint, -EINVAL, "unknown option -%c for %s", optopt, command);
	return complain(complaint, -EINVAL, "unknown option %.*s for %s", (int)strcspn(word, "="), word, command);
}

static int complain_missing(struct complaint *complaint)
{
	const struct option_entry *entry = optopt >= LONG_BASE ? &entries[optopt - LONG_BASE] : find_letter(optopt);

	return complain(complaint, -EINVAL, "--%s needs a value, expected %s", entry->name, entry->argument);
}

/* getopt_long takes any unique beginning of a long option; a script that leans on one breaks with the next option. */
static bool is_whole_name(const char *word, const struct option_entry *entry)
{
	size_t length = strlen(entry->name);

	return !strncmp(word + 2, entry->name, length) && (!word[2 + length] || word[2 + length] == '=');
}

static int parse_one(int found, char **argv, const char *word, struct options *options, struct complaint *complaint)
{
	const struct option_entry *entry;

	if (found == ':')
		return complain_missing(complaint);
	if (found == '?' && optopt >= LONG_BASE)
		return complain(complaint, -EINVAL, "--%s takes no value", entries[optopt - LONG_BASE].name);
	if (found == '?')
		return complain_unknown(argv[0], word, complaint);
	if (found < LONG_BASE)
		return apply(find_letter(found), optarg, options, complaint);
	entry = &entries[found - LONG_BASE];
	if (!is_whole_name(word, entry))
		return complain(complaint, -EINVAL, "unknown option %.*s, did you mean --%s?", (int)strcspn(word, "="),
				word, entry->name);
	return apply(entry, optarg, options, complaint);
}

/* The long option that getopt_long has just looked at: the last word consumed, or the one before its value. */
static const char *current_word(char **argv)
{
	bool separate = optarg && optarg == argv[optind - 1];

	return argv[optind - (separate ? 2 : 1)];
}

int options_parse(int argc, char **argv, unsigned int allowed, struct options *ret, struct complaint *complaint)
{
	struct options options = {
		.config = OPTIONS_CONFIG_FILE,
		.socket = OPTIONS_SOCKET_PATH,
		.pin_dir = DATAPATH_PIN_DIR,
		.state_dir = OPTIONS_STATE_DIR,
		.limit = OPTIONS_LIMIT,
		.log_level = LOG_LEVEL_INFO,
	};
	struct getopt_tables tables;
	int found, error;

	make_tables(allowed | OPTION_HELP, &tables);
	optind = 0; /* glibc: start anew, also where an earlier command line stopped half-way */
	opterr = 0;
	for (;;) {
		found = getopt_long(argc, argv, tables.letters, tables.options, NULL);
		if (found < 0)
			break;
		error = parse_one(found, argv, current_word(argv), &options, complaint);
		if (error)
			return error;
	}
	options.arguments = argv + optind;
	options.argument_count = argc - optind;
	*ret = options;
	return 0;
}

void options_describe(FILE *out, unsigned int allowed)
{
	char left[64], letter[8];
	size_t i;

	for (i = 0; i < ENTRIES; i++) {
		if (!(entries[i].bit & (allowed | OPTION_HELP)))
			continue;
		letter[0] = '\0';
		if (entries[i].letter)
			snprintf(letter, sizeof(letter), "-%c,", entries[i].letter);
		snprintf(left, sizeof(left), "%3s --%s%s%s", letter, entries[i].name, entries[i].argument ? " " : "",
			 entries[i].argument ? entries[i].argument : "");
		fprintf(out, "  %-24s  %s\n", left, entries[i].help);
	}
}
