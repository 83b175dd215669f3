/* SPDX-License-Identifier: BSD-2-Clause */
/* The options of all subcommands: one table, of which each subcommand names those that it takes. */
#ifndef SERIN_OPTIONS_H
#define SERIN_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>
#include "complaint.h"
#include "log.h"

#define OPTIONS_CONFIG_FILE "/etc/serin/serin.yaml"
#define OPTIONS_SOCKET_PATH "/run/serin/serin.sock"
#define OPTIONS_STATE_DIR "/var/lib/serin"

/* Which of the options a subcommand takes; --help is always one of them. */
enum option_set {
	OPTION_HELP = 1 << 0,
	OPTION_CONFIG = 1 << 1,
	OPTION_OUTPUT = 1 << 2,
	OPTION_SOCKET = 1 << 3,
	OPTION_WATCH = 1 << 4,
	OPTION_REASON = 1 << 5,
	OPTION_FLOWS = 1 << 6,
	OPTION_LISTEN = 1 << 7,
	OPTION_PIN_DIR = 1 << 8,
	OPTION_STATE_DIR = 1 << 9,
	OPTION_LOG_LEVEL = 1 << 10,
	OPTION_LOG_FORMAT = 1 << 11,
	OPTION_VERSION = 1 << 12,
	OPTION_LIMIT = 1 << 13,
	OPTION_DRY_RUN = 1 << 14,
	OPTION_UDP = 1 << 15,
	OPTION_FOLLOW = 1 << 16,
	OPTION_RESOLV_CONF = 1 << 17,
	OPTION_RELEASE = 1 << 18,
	OPTION_BLIND = 1 << 19,
	OPTION_WAIT = 1 << 20,
};

enum options_output { OUTPUT_TEXT, OUTPUT_JSON };
enum options_flows { FLOWS_AS_CONFIGURED, FLOWS_DRAIN, FLOWS_RESET };

#define OPTIONS_LIMIT 1000u /* default of --limit */
#define OPTIONS_MAX_LIMIT 1000000u

/* Strings point into argv or are constants. An option that was not given has the default. */
struct options {
	bool help;
	const char *config;         /* OPTIONS_CONFIG_FILE */
	enum options_output output; /* OUTPUT_TEXT */
	const char *socket;         /* OPTIONS_SOCKET_PATH */
	bool watch;
	bool dry_run;
	bool udp;
	bool follow;
	const char *reason;       /* NULL */
	enum options_flows flows; /* FLOWS_AS_CONFIGURED */
	const char *version;      /* NULL */
	const char *release;      /* NULL */
	bool blind;
	bool wait;
	unsigned int limit;         /* OPTIONS_LIMIT */
	const char *resolv_conf;    /* NULL */
	const char *listen;         /* NULL */
	const char *pin_dir;        /* DATAPATH_PIN_DIR */
	const char *state_dir;      /* OPTIONS_STATE_DIR */
	enum log_level log_level;   /* LOG_LEVEL_INFO */
	enum log_format log_format; /* LOG_KEYVALUE */
	char **arguments;           /* what is not an option, in its order */
	int argument_count;
};

/* Parse argv; argv[0] is the subcommand's name. Options and arguments may be mixed, "--" ends the options. Reorders
 * argv. 0, or -EINVAL and a complaint with *ret untouched. */
int options_parse(int argc, char **argv, unsigned int allowed, struct options *ret, struct complaint *complaint);

/* The lines of a help text for these options. */
void options_describe(FILE *out, unsigned int allowed);

#endif
