/* SPDX-License-Identifier: BSD-2-Clause */
/* What the subcommands share: one way to fail, to ask the agent and to print. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "commands.h"
#include "scalar.h"
#include "table.h"

int command_fail(enum command_exit code, const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	fflush(stdout); /* what was printed before it comes before it */
	fputs("serin: ", stderr);
	text_print(stderr, text ? text : "out of memory");
	putc('\n', stderr);
	free(text);
	return code;
}

enum command_exit command_exit_of(int error)
{
	switch (error) {
	case 0:
		return COMMAND_OK;
	case -ENOENT:
	case -ENOTDIR:
	case -ECONNREFUSED:
	case -ECONNRESET:
	case -ETIMEDOUT:
		return COMMAND_NO_AGENT;
	default:
		return COMMAND_FAILED;
	}
}

int command_call(const struct options *options, const char *method, const char *path, const json_t *body, json_t **ret)
{
	struct client *client = NULL;
	struct complaint complaint;
	int error;

	error = client_open(options->socket, &client, &complaint);
	if (!error)
		error = client_call(client, method, path, body, ret, &complaint);
	client_close(client);
	if (!error)
		return COMMAND_OK;
	/* The request was sent, the answer is missing: a change may have happened. */
	if (strcmp(method, "GET") && (error == -ETIMEDOUT || error == -ECONNRESET))
		return command_fail(command_exit_of(error), "%s; `serin status` shows whether the change was made",
				    complaint.text);
	return command_fail(command_exit_of(error), "%s", complaint.text);
}

int command_call_service(const struct options *options, const char *method, const char *rest, const json_t *body,
			 json_t **ret)
{
	char *path = client_service_path(options->arguments[0], rest);
	int code;

	if (!path)
		return command_fail(COMMAND_FAILED, "out of memory");
	code = command_call(options, method, path, body, ret);
	free(path);
	return code;
}

int command_print_json(const json_t *value)
{
	/* 15 digits: what a double holds for certain, so that 0.9 is not printed as 0.90000000000000002. */
	if (json_dumpf(value, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15)))
		return command_fail(COMMAND_FAILED, "cannot print the answer");
	putchar('\n');
	return COMMAND_OK;
}

static int print_shares(FILE *out, const json_t *service)
{
	const char *name, *version_name;
	json_t *versions, *version;
	char text[SHARE_TEXT_LEN];
	int weight;
	size_t i;

	if (json_unpack((json_t *)service, "{s:s, s:o}", "name", &name, "versions", &versions))
		return -EBADMSG;
	text_print(out, name);
	json_array_foreach (versions, i, version) {
		if (json_unpack(version, "{s:s, s:i}", "name", &version_name, "weight", &weight) || weight < 0)
			return -EBADMSG;
		fputs(i ? ", " : ": ", out);
		text_print(out, version_name);
		fprintf(out, " %s", share_format((unsigned int)weight, text));
	}
	putc('\n', out);
	return 0;
}

int command_print_shares(const struct options *options, const json_t *service)
{
	if (options->output == OUTPUT_JSON)
		return command_print_json(service);
	if (print_shares(stdout, service))
		return command_fail(COMMAND_FAILED, "done, but the agent's answer is not a service");
	return COMMAND_OK;
}
