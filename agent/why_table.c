/* SPDX-License-Identifier: BSD-2-Clause */
/* What was counted, which ratio that speaks for, how much evidence it is of how much that it takes. */
#include "why_private.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "status_text.h"
#include "table.h"

static const char *const processes[] = { "rollout", "epoch" }; /* as the API calls them */

double why_number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_number(value) ? json_number_value(value) : NAN;
}

const char *why_evidence(double ln, char *buffer)
{
	double value = exp(ln);

	if (isnan(ln))
		snprintf(buffer, WHY_CELL_LEN, "-");
	else if (ln > 600)
		snprintf(buffer, WHY_CELL_LEN, "e%.0f", ln);
	else if (value >= 99.95 && value < 999999.5)
		snprintf(buffer, WHY_CELL_LEN, "%.0f", value);
	else
		snprintf(buffer, WHY_CELL_LEN, "%.3g", value);
	return buffer;
}

/* The alternative that explains the counts best, unless none does better than "not worse". */
static const char *speaks_for(const json_t *alternatives, char *buffer)
{
	double most = 0, ratio = NAN;
	json_t *one;
	size_t i;

	json_array_foreach (alternatives, i, one) {
		if (why_number(one, "ln") <= most || isnan(why_number(one, "ln")))
			continue;
		most = why_number(one, "ln");
		ratio = why_number(one, "ratio");
	}
	if (isnan(ratio))
		snprintf(buffer, WHY_CELL_LEN, "not worse");
	else
		snprintf(buffer, WHY_CELL_LEN, "%.3gx", ratio);
	return buffer;
}

static void add_count(struct table *table, const json_t *stream, const char *key)
{
	double count = why_number(stream, key);
	char text[STATUS_COUNT_LEN];

	if (isnan(count) || count < 0)
		table_cell(table, "-");
	else
		table_cell(table, "%s", status_count((unsigned long long)count, text));
}

static bool is_any(const json_t *stream)
{
	return why_number(stream, "trial") > 0 || why_number(stream, "baseline") > 0;
}

/* Of latency's three, which one. */
static void add_names(struct table *table, const char *check, const char *stream, unsigned int process,
		      json_int_t epoch)
{
	static const char *const quantiles[][2] = { { "slow_p90", "p90 " },
						    { "slow_p99", "p99 " },
						    { "slow_p999", "p99.9 " } };
	const char *which = "";

	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
		if (!strcmp(stream, quantiles[i][0]))
			which = quantiles[i][1];
	}
	table_cell(table, "%s %s", check, which);
	if (process)
		table_cell(table, "epoch %lld", (long long)epoch);
	else
		table_cell(table, "rollout");
}

/* What is required is required of a check: of latency, of the mean of its three. */
static void add_stream(struct table *table, const json_t *stream, const json_t *required, const json_t *health)
{
	char text[WHY_CELL_LEN];

	add_count(table, stream, "trial");
	add_count(table, stream, "baseline");
	table_cell(table, "%s", is_any(stream) ? speaks_for(json_object_get(stream, "worse"), text) : "-");
	table_cell(table, "%s", why_evidence(why_number(stream, "ln"), text));
	table_cell(table, "%s", why_evidence(why_number(required, "required"), text));
	table_cell(table, "%s", why_evidence(why_number(health, "ln"), text));
	table_cell(table, "%s", why_evidence(why_number(health, "required"), text));
}

static void add_mean(struct table *table, const char *check, unsigned int process, json_int_t epoch,
		     const json_t *regression, const json_t *health)
{
	char text[WHY_CELL_LEN];

	add_names(table, check, "", process, epoch);
	for (unsigned int i = 0; i < 3; i++)
		table_cell(table, i == 2 ? "mean" : "");
	table_cell(table, "%s", why_evidence(why_number(regression, "ln"), text));
	table_cell(table, "%s", why_evidence(why_number(regression, "required"), text));
	table_cell(table, "%s", why_evidence(why_number(health, "ln"), text));
	table_cell(table, "%s", why_evidence(why_number(health, "required"), text));
}

static void add_process(struct table *table, const char *name, const json_t *check, unsigned int process,
			json_int_t epoch)
{
	const json_t *json = json_object_get(check, processes[process]), *streams = json_object_get(json, "streams");
	const json_t *regression = json_object_get(json, "regression"), *health = json_object_get(json, "health");
	bool several = json_object_size(streams) > 1;
	const char *key;
	json_t *stream;

	json_object_foreach ((json_t *)streams, key, stream) {
		if (several && !is_any(stream))
			continue;
		add_names(table, name, key, process, epoch);
		add_stream(table, stream, several ? NULL : regression, several ? NULL : health);
	}
	if (several)
		add_mean(table, name, process, epoch, regression, health);
}

int why_print_table(FILE *out, const json_t *arithmetic)
{
	static const struct table_column columns[] = {
		{ "CHECK", TABLE_LEFT },     { "IN THE", TABLE_LEFT },      { "TRIAL", TABLE_RIGHT },
		{ "BASELINE", TABLE_RIGHT }, { "SPEAKS FOR", TABLE_RIGHT }, { "EVIDENCE", TABLE_RIGHT },
		{ "OF", TABLE_LEFT },        { "HEALTH", TABLE_RIGHT },     { "OF", TABLE_LEFT },
	};
	struct table *table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	json_int_t epoch = json_integer_value(json_object_get(arithmetic, "epoch"));
	const char *name;
	json_t *check;
	int error;

	if (!table)
		return -ENOMEM;
	json_object_foreach (json_object_get(arithmetic, "checks"), name, check) {
		for (unsigned int i = 0; i < 2; i++)
			add_process(table, name, check, i, epoch);
	}
	error = table_print(table, out, 2, "", "");
	table_free(table);
	return error;
}
