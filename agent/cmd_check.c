/* SPDX-License-Identifier: BSD-2-Clause */
/* `serin check`: everything that can be said about a configuration before an agent runs with it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "check_host.h"
#include "check_report.h"
#include "commands.h"
#include "image.h"
#include "table.h"

/* The host's own address, for the sake of counting: which one it is, is the host's to say. */
static int stand_in_source(void *context, const struct serin_addr *to, struct serin_addr *ret,
			   struct complaint *complaint)
{
	static const struct serin_addr ipv4 = { { { [10] = 0xff, [11] = 0xff, [15] = 1 } } };
	static const struct serin_addr ipv6 = { { { [15] = 1 } } };

	(void)context;
	(void)complaint;
	*ret = address_is_ipv4(to) ? ipv4 : ipv6;
	return 0;
}

/* Whether all of it has room in the kernel's tables. */
static int check_room(const struct config *config, struct complaint *complaint)
{
	struct image *empty = calloc(2, sizeof(*empty));
	int error;

	if (!empty)
		return complain(complaint, -ENOMEM, "out of memory");
	error = image_build(config, empty, stand_in_source, NULL, empty + 1, complaint);
	free(empty);
	return error;
}

static int print_report(const struct config *config, const struct options *options, json_t *warnings)
{
	json_t *report;
	int code;

	if (options->output == OUTPUT_TEXT)
		return check_print(stdout, config) ? command_fail(COMMAND_FAILED, "out of memory") : COMMAND_OK;
	report = check_to_json(config);
	if (!report)
		return command_fail(COMMAND_FAILED, "out of memory");
	json_object_set(report, "warnings", warnings);
	code = command_print_json(report);
	json_decref(report);
	return code;
}

static void print_warnings(const json_t *warnings)
{
	json_t *warning;
	size_t i;

	fflush(stdout); /* the report comes first where both go to one place */
	json_array_foreach (warnings, i, warning) {
		fputs("serin: warning: ", stderr);
		text_print(stderr, json_string_value(warning));
		putc('\n', stderr);
	}
}

int cmd_check(const struct options *options)
{
	struct config *config = NULL;
	struct complaint complaint;
	json_t *warnings = json_array();
	int code;

	/* As compilers do: "FILE:LINE:COLUMN: ..." with nothing before it, so that editors find the place. */
	if (config_load(options->config, &config, &complaint) || check_room(config, &complaint)) {
		text_print(stderr, complaint.text);
		putc('\n', stderr);
		code = COMMAND_FAILED;
		goto out;
	}
	check_host(config, warnings);
	code = print_report(config, options, warnings);
	print_warnings(warnings);
out:
	json_decref(warnings);
	config_free(config);
	return code;
}
