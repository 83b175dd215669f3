/* SPDX-License-Identifier: BSD-2-Clause */
/* `serin reload`: the agent reads its configuration again, and says what that has changed. */
#include <stdio.h>

#include "commands.h"
#include "table.h"

static int print(const struct options *options, json_t *answer)
{
	const json_t *changes = json_object_get(answer, "changes"), *line;
	size_t i;

	if (!json_is_array(changes))
		return command_fail(COMMAND_FAILED, "the agent's answer has no list of changes");
	json_array_foreach (changes, i, line) {
		text_print(stdout, json_is_string(line) ? json_string_value(line) : "?");
		putchar('\n');
	}
	if (!json_array_size(changes))
		puts("nothing to do: the configuration is what runs");
	else if (options->dry_run)
		puts("nothing was changed (--dry-run)");
	else
		puts("applied");
	return COMMAND_OK;
}

int cmd_reload(const struct options *options)
{
	json_t *body, *answer = NULL;
	int code;

	body = json_pack("{s:b, s:s*}", "check", options->dry_run, "reason", options->reason);
	if (!body)
		return command_fail(COMMAND_USAGE, "the reason is not UTF-8 text");
	code = command_call(options, "POST", "/v1/reload", body, &answer);
	json_decref(body);
	if (code)
		return code;
	code = options->output == OUTPUT_JSON ? command_print_json(answer) : print(options, answer);
	json_decref(answer);
	return code;
}
