/* SPDX-License-Identifier: BSD-2-Clause */
/* `serin rollback`: no new clients for any version on trial, at once. */
#include <stdio.h>
#include <string.h>

#include "commands.h"

static const char *flows_name(enum options_flows flows)
{
	switch (flows) {
	case FLOWS_DRAIN:
		return "drain";
	case FLOWS_RESET:
		return "reset";
	default:
		return NULL; /* the service's own on_rollback */
	}
}

static void print_what_becomes_of_flows(const json_t *answer)
{
	const char *flows = json_string_value(json_object_get(answer, "flows"));

	if (flows && !strcmp(flows, "reset"))
		puts("open connections are reset: idle ones now, busy ones when they fall idle, or after 10 s");
	else
		puts("open connections stay where they are until they end");
}

int cmd_rollback(const struct options *options)
{
	json_t *body, *service = NULL;
	int code;

	body = json_pack("{s:s*, s:s*}", "flows", flows_name(options->flows), "reason", options->reason);
	if (!body)
		return command_fail(COMMAND_USAGE, "the reason is not UTF-8 text");
	code = command_call_service(options, "POST", "/rollback", body, &service);
	json_decref(body);
	if (code)
		return code;
	code = command_print_shares(options, service);
	if (!code && options->output == OUTPUT_TEXT)
		print_what_becomes_of_flows(service);
	json_decref(service);
	return code;
}
