/* SPDX-License-Identifier: BSD-2-Clause */
/* The subcommands of `serin`, their exit codes, and what they share. */
#ifndef SERIN_COMMANDS_H
#define SERIN_COMMANDS_H

#include <jansson.h>
#include "complaint.h"
#include "options.h"

/* What scripts may rely on; also printed by `serin --help`. */
enum command_exit {
	COMMAND_OK = 0,
	COMMAND_FAILED = 1,      /* refused, or it did not work; the reason is on stderr */
	COMMAND_USAGE = 2,       /* the command line itself is wrong */
	COMMAND_ROLLED_BACK = 3, /* waited for a rollout, and it was rolled back */
	COMMAND_NO_AGENT = 4,    /* no agent could be reached */
};

/* Each gets its options parsed and the number of its arguments checked, and returns an enum command_exit. */
int cmd_run(const struct options *options);
int cmd_check(const struct options *options);
int cmd_status(const struct options *options);
int cmd_weight(const struct options *options);
int cmd_try(const struct options *options);
int cmd_backend(const struct options *options);
int cmd_baseline(const struct options *options);
int cmd_rollout(const struct options *options);
int cmd_why(const struct options *options);
int cmd_rollback(const struct options *options);
int cmd_reload(const struct options *options);
int cmd_flows(const struct options *options);
int cmd_events(const struct options *options);
int cmd_explain(const struct options *options);
int cmd_detach(const struct options *options);

/* Print "serin: ..." on stderr and return `code`, so that `return command_fail(...)` ends a command. */
int command_fail(enum command_exit code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The exit code for a negative errno of client.h. */
enum command_exit command_exit_of(int error);

/* One request to the agent. COMMAND_OK and *ret (the caller drops the reference), or the complaint is printed and its
 * exit code returned. */
int command_call(const struct options *options, const char *method, const char *path, const json_t *body, json_t **ret);

/* The same on "/v1/services/NAME" and `rest`, NAME being the subcommand's first argument. */
int command_call_service(const struct options *options, const char *method, const char *rest, const json_t *body,
			 json_t **ret);

/* Print JSON for people and programs: indented, in the order given. */
int command_print_json(const json_t *value);

/* "shop: stable 95%, canary 5%" out of a service as the API gives it, or the whole as JSON with -o json. */
int command_print_shares(const struct options *options, const json_t *service);

#endif
