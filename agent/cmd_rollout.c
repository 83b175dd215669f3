/* SPDX-License-Identifier: BSD-2-Clause */
/* `serin rollout`: what people ask of a rollout. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "rollout_text.h"
#include "rollout_wait.h"
#include "table.h"

struct verb {
	const char *name;
	unsigned int takes; /* enum option_set; of those that not every verb takes */
};

static const struct verb verbs[] = {
	{ "start", OPTION_VERSION | OPTION_RELEASE | OPTION_BLIND | OPTION_WAIT },
	{ "pause", 0 },
	{ "resume", OPTION_WAIT },
	{ "promote", OPTION_WAIT },
	{ "abort", OPTION_FLOWS },
	{ "retry", OPTION_RELEASE | OPTION_BLIND | OPTION_WAIT },
	{ "finish", 0 },
};

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	}
	return NULL;
}

/* What is given although it would mean nothing, or NULL. */
static const char *find_superfluous(const struct verb *verb, const struct options *options)
{
	const struct {
		unsigned int bit;
		bool is_given;
		const char *name;
	} given[] = {
		{ OPTION_VERSION, options->version, "--version" },
		{ OPTION_RELEASE, options->release, "--release" },
		{ OPTION_BLIND, options->blind, "--blind" },
		{ OPTION_FLOWS, options->flows != FLOWS_AS_CONFIGURED, "--flows" },
		{ OPTION_WAIT, options->wait, "--wait" },
	};

	for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++) {
		if (given[i].is_given && !(verb->takes & given[i].bit))
			return given[i].name;
	}
	return NULL;
}

static const char *flows_name(enum options_flows flows)
{
	return flows == FLOWS_RESET ? "reset" : flows == FLOWS_DRAIN ? "drain" : NULL;
}

static int print_answer(const struct options *options, const json_t *service)
{
	if (options->output == OUTPUT_JSON)
		return command_print_json(service);
	text_print(stdout, options->arguments[0]);
	fputs(": ", stdout);
	if (!rollout_print_line(stdout, json_object_get(service, "rollout")))
		fputs("no rollout", stdout);
	putchar('\n');
	return COMMAND_OK;
}

int cmd_rollout(const struct options *options)
{
	const struct verb *verb = find_verb(options->arguments[1]);
	const char *superfluous = verb ? find_superfluous(verb, options) : NULL;
	json_t *body, *service = NULL;
	int code;

	if (!verb)
		return command_fail(COMMAND_USAGE,
				    "'%s' is none, expected start, pause, resume, promote, abort, retry or finish",
				    options->arguments[1]);
	if (superfluous)
		return command_fail(COMMAND_USAGE, "%s does not go with %s", superfluous, verb->name);
	body = json_pack("{s:s, s:s*, s:s*, s:s*, s:s*}", "action", verb->name, "version", options->version, "release",
			 options->release, "reason", options->reason, "flows", flows_name(options->flows));
	if (!body)
		return command_fail(COMMAND_USAGE, "version, release or reason is not UTF-8 text");
	if (options->blind)
		json_object_set_new(body, "blind", json_true());
	code = command_call_service(options, "POST", "/rollout", body, &service);
	json_decref(body);
	if (code)
		return code;
	code = options->wait ? rollout_wait(options, service) : print_answer(options, service);
	json_decref(service);
	return code;
}
