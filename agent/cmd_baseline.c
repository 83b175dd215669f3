/* SPDX-License-Identifier: BSD-2-Clause */
/* `serin baseline`: which version is the baseline of a service that has lost it with a damaged state file. */
#include "commands.h"

int cmd_baseline(const struct options *options)
{
	json_t *body, *service = NULL;
	int code;

	body = json_pack("{s:s, s:s*}", "version", options->arguments[1], "reason", options->reason);
	if (!body)
		return command_fail(COMMAND_USAGE, "the version or the reason is not UTF-8 text");
	code = command_call_service(options, "POST", "/baseline", body, &service);
	json_decref(body);
	if (code)
		return code;
	code = command_print_shares(options, service);
	json_decref(service);
	return code;
}
