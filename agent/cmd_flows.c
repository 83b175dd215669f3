/* SPDX-License-Identifier: BSD-2-Clause */
/* `serin flows`: the live connections of a service. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "commands.h"
#include "table.h"

#define PAGE 1000u /* as many as the agent gives in one answer */

static const struct table_column columns[] = {
	{ "CLIENT", TABLE_LEFT },  { "PROTOCOL", TABLE_LEFT },    { "VERSION", TABLE_LEFT },
	{ "BACKEND", TABLE_LEFT }, { "STATE", TABLE_LEFT },       { "AGE", TABLE_RIGHT },
	{ "IDLE", TABLE_RIGHT },   { "TO BACKEND", TABLE_RIGHT }, { "TO CLIENT", TABLE_RIGHT },
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* What has been gathered over several answers. */
struct listing {
	json_t *flows;
	json_int_t from;
	bool complete;
};

/* Names of versions need no percent-encoding; anything else is the agent's to refuse, in its words. */
static char *make_query(const struct options *options, const struct listing *listing)
{
	size_t left = options->limit - json_array_size(listing->flows);
	char *version = options->version ? client_encode(options->version) : strdup("");
	char *query = NULL;

	if (version && asprintf(&query, "/flows?limit=%zu&from=%lld%s%s", left < PAGE ? left : PAGE,
				(long long)listing->from, *version ? "&version=" : "", version) < 0)
		query = NULL;
	free(version);
	return query;
}

static int take_page(const json_t *answer, struct listing *listing)
{
	json_t *flows, *next;
	int complete;

	if (json_unpack((json_t *)answer, "{s:o, s:b, s:o}", "flows", &flows, "complete", &complete, "next", &next) ||
	    !json_is_array(flows) || json_array_extend(listing->flows, flows))
		return -1;
	if (!complete && json_integer_value(next) <= listing->from && !json_array_size(flows))
		return -1;
	listing->complete = complete;
	listing->from = json_integer_value(next);
	return 0;
}

/* Page by page: a large table is not walked in one answer. */
static int gather(const struct options *options, struct listing *listing)
{
	json_t *answer = NULL;
	char *query;
	int code = COMMAND_OK, bad;

	while (code == COMMAND_OK && !listing->complete && json_array_size(listing->flows) < options->limit) {
		query = make_query(options, listing);
		if (!query)
			return command_fail(COMMAND_FAILED, "out of memory");
		code = command_call_service(options, "GET", query, NULL, &answer);
		free(query);
		if (code)
			return code;
		bad = take_page(answer, listing);
		json_decref(answer);
		if (bad)
			return command_fail(COMMAND_FAILED, "the agent's answer is no list of connections");
	}
	return code;
}

static void print_time(struct table *table, double seconds)
{
	if (seconds < 60)
		table_cell(table, "%.1fs", seconds);
	else if (seconds < 3600)
		table_cell(table, "%dm%02ds", (int)seconds / 60, (int)seconds % 60);
	else
		table_cell(table, "%dh%02dm", (int)(seconds / 3600), (int)(seconds / 60) % 60);
}

static int add_row(struct table *table, json_t *flow)
{
	const char *client, *protocol, *version, *backend, *state;
	int one_way;
	double age, idle;
	json_int_t to_backend;
	json_t *to_client;

	if (json_unpack(flow, "{s:s, s:s, s:s, s:s, s:s, s:b, s:F, s:F, s:{s:I, s:o}}", "client", &client, "protocol",
			&protocol, "version", &version, "backend", &backend, "state", &state, "one_way", &one_way,
			"age", &age, "idle", &idle, "bytes", "to_backend", &to_backend, "to_client", &to_client))
		return -1;
	table_cell(table, "%s", client);
	table_cell(table, "%s", protocol);
	table_cell(table, "%s", version);
	table_cell(table, "%s", backend);
	table_cell(table, "%s%s", state, one_way ? ", one way" : "");
	print_time(table, age);
	print_time(table, idle);
	table_cell(table, "%lld", (long long)to_backend);
	if (json_is_integer(to_client))
		table_cell(table, "%lld", (long long)json_integer_value(to_client));
	else
		table_cell(table, "-");
	return 0;
}

static int print_table(const struct options *options, const struct listing *listing)
{
	struct table *table = table_new(columns, COLUMNS);
	json_t *flow;
	size_t i;
	int bad = table ? 0 : -1;

	json_array_foreach (listing->flows, i, flow)
		bad = bad ? bad : add_row(table, flow);
	bad = bad ? bad : table_print(table, stdout, 2, "", "");
	table_free(table);
	if (bad)
		return command_fail(COMMAND_FAILED, "cannot print the connections");
	if (!listing->complete)
		printf("and more: these are the first %u, as --limit says\n", options->limit);
	return COMMAND_OK;
}

static int print_json(const struct options *options, const struct listing *listing)
{
	json_t *answer = json_pack("{s:s, s:O, s:b}", "service", options->arguments[0], "flows", listing->flows,
				   "complete", (int)listing->complete);
	int code = answer ? command_print_json(answer) : command_fail(COMMAND_FAILED, "out of memory");

	json_decref(answer);
	return code;
}

int cmd_flows(const struct options *options)
{
	struct listing listing = { .flows = json_array() };
	int code;

	if (!listing.flows)
		return command_fail(COMMAND_FAILED, "out of memory");
	code = gather(options, &listing);
	if (!code)
		code = options->output == OUTPUT_JSON ? print_json(options, &listing) : print_table(options, &listing);
	json_decref(listing.flows);
	return code;
}
