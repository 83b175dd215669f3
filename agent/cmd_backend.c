/* SPDX-License-Identifier: BSD-2-Clause */
/* `serin backend`: no new connections for one backend, or again. */
#include <stdio.h>
#include <string.h>

#include "commands.h"

int cmd_backend(const struct options *options)
{
	const char *address = options->arguments[1], *state = options->arguments[2];
	json_t *body, *service = NULL;
	int code = COMMAND_OK;

	if (strcmp(state, "drain") && strcmp(state, "ready"))
		return command_fail(COMMAND_USAGE, "'%s' is no state of a backend, expected drain or ready", state);
	body = json_pack("{s:s, s:s, s:s*}", "address", address, "state", state, "reason", options->reason);
	if (!body)
		return command_fail(COMMAND_USAGE, "the address or the reason is not UTF-8 text");
	code = command_call_service(options, "POST", "/backend", body, &service);
	json_decref(body);
	if (code)
		return code;
	if (options->output == OUTPUT_JSON)
		code = command_print_json(service);
	else if (!strcmp(state, "drain"))
		printf("%s: %s gets no new connections; those that are open stay until they end\n",
		       options->arguments[0], address);
	else
		printf("%s: %s takes clients\n", options->arguments[0], address);
	json_decref(service);
	return code;
}
