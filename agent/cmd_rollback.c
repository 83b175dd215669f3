/* SPDX-License-Identifier: BSD-2-Clause */
/* `serin rollback`: no new clients for any version on trial, at once. */
#include <stdio.h>

#include "commands.h"

int cmd_rollback(const struct options *options)
{
	json_t *body, *service = NULL;
	int code;

	if (options->flows == FLOWS_RESET)
		return command_fail(COMMAND_FAILED, "--flows reset is not available yet, expected drain: "
						    "open connections stay where they are until they end");
	body = json_pack("{s:s, s:s*}", "flows", "drain", "reason", options->reason);
	if (!body)
		return command_fail(COMMAND_USAGE, "the reason is not UTF-8 text");
	code = command_call_service(options, "POST", "/rollback", body, &service);
	json_decref(body);
	if (code)
		return code;
	code = command_print_shares(options, service);
	if (!code && options->output == OUTPUT_TEXT)
		puts("open connections stay where they are until they end");
	json_decref(service);
	return code;
}
