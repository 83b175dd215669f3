/* SPDX-License-Identifier: BSD-2-Clause */
/* `serin why`: the arithmetic behind the judge's last verdict. */
#include <errno.h>
#include <stdlib.h>

#include "commands.h"
#include "why_text.h"

static int print(const json_t *why, const char *service)
{
	struct complaint complaint;
	char *text = NULL;
	size_t size;
	FILE *memory = open_memstream(&text, &size);
	int error = memory ? why_print(memory, why, service, &complaint)
			   : complain(&complaint, -ENOMEM, "out of memory");

	if (memory && fclose(memory) && !error)
		error = complain(&complaint, -ENOMEM, "out of memory");
	if (!error)
		fputs(text, stdout);
	free(text);
	return error ? command_fail(COMMAND_FAILED, "%s", complaint.text) : COMMAND_OK;
}

int cmd_why(const struct options *options)
{
	json_t *why = NULL;
	int code;

	code = command_call_service(options, "GET", "/why", NULL, &why);
	if (code)
		return code;
	code = options->output == OUTPUT_JSON ? command_print_json(why) : print(why, options->arguments[0]);
	json_decref(why);
	return code;
}
