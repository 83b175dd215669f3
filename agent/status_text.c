/* SPDX-License-Identifier: BSD-2-Clause */
/* Per service: two lines of facts, the versions side by side, their backends. Fits into 80 columns. */
#include <errno.h>
#include <string.h>

#include "blind.h"
#include "rollout_text.h"
#include "scalar.h"
#include "status_backends.h"
#include "status_text.h"
#include "table.h"

#define BOLD "\033[1m"
#define DIM "\033[2m"
#define PLAIN "\033[0m"

struct counters {
	json_int_t opened, established, closed;
	json_int_t client_resets, backend_resets;
};

static const struct table_column version_columns[] = {
	{ "VERSION", TABLE_LEFT },  { "ROLE", TABLE_LEFT },    { "SHARE", TABLE_RIGHT },
	{ "MEASURED", TABLE_LEFT }, { "CONN/S", TABLE_RIGHT }, { "OPENED", TABLE_RIGHT },
	{ "ESTAB", TABLE_RIGHT },   { "CLOSED", TABLE_RIGHT }, { "RESETS(c/b)", TABLE_RIGHT },
};

static const struct table_column backend_columns[] = {
	{ "BACKEND", TABLE_LEFT }, { "VERSION", TABLE_LEFT }, { "WEIGHT", TABLE_RIGHT },      { "OPENED", TABLE_RIGHT },
	{ "ESTAB", TABLE_RIGHT },  { "CLOSED", TABLE_RIGHT }, { "RESETS(c/b)", TABLE_RIGHT },
};

#define COLUMNS(array) (sizeof(array) / sizeof((array)[0]))

const char *status_count(unsigned long long count, char *buffer)
{
	static const char units[] = "kMGTPE";
	unsigned long long unit = 1000;
	const char *letter = units;

	if (count < 100000) {
		snprintf(buffer, STATUS_COUNT_LEN, "%llu", count);
		return buffer;
	}
	while (count / unit >= 1000 && letter[1]) {
		unit *= 1000;
		letter++;
	}
	if (count / unit >= 100)
		snprintf(buffer, STATUS_COUNT_LEN, "%llu%c", count / unit, *letter);
	else if (count / unit >= 10)
		snprintf(buffer, STATUS_COUNT_LEN, "%llu.%llu%c", count / unit, count % unit / (unit / 10), *letter);
	else
		snprintf(buffer, STATUS_COUNT_LEN, "%llu.%02llu%c", count / unit, count % unit / (unit / 100), *letter);
	return buffer;
}

static int bad(struct complaint *complaint, const char *what, const json_error_t *error)
{
	return complain(complaint, -EBADMSG, "the agent's answer has no usable %s: %s", what, error->text);
}

static int read_counters(json_t *from, struct counters *ret, struct complaint *complaint)
{
	json_error_t error;

	if (json_unpack_ex(from, &error, 0, "{s:I, s:I, s:I, s:{s:I, s:I}}", "opened", &ret->opened, "established",
			   &ret->established, "closed", &ret->closed, "resets", "client", &ret->client_resets,
			   "backend", &ret->backend_resets))
		return bad(complaint, "counters", &error);
	return 0;
}

static void add_counters(struct table *table, const struct counters *counters)
{
	char a[STATUS_COUNT_LEN], b[STATUS_COUNT_LEN];

	table_cell(table, "%s", status_count((unsigned long long)counters->opened, a));
	table_cell(table, "%s", status_count((unsigned long long)counters->established, a));
	table_cell(table, "%s", status_count((unsigned long long)counters->closed, a));
	table_cell(table, "%s/%s", status_count((unsigned long long)counters->client_resets, a),
		   status_count((unsigned long long)counters->backend_resets, b));
}

/* "94.9% 94.1-95.6": the share of the connections opened in the window, and where the true one lies. */
static void add_measured(struct table *table, const json_t *measured, const json_t *low, const json_t *high)
{
	if (json_is_number(measured) && json_is_number(low) && json_is_number(high))
		table_cell(table, "%5.1f%% %.1f-%.1f", 100 * json_number_value(measured), 100 * json_number_value(low),
			   100 * json_number_value(high));
	else
		table_cell(table, "     -");
}

static void add_rate(struct table *table, double rate)
{
	char text[STATUS_COUNT_LEN];

	if (rate < 1000)
		table_cell(table, "%.1f", rate);
	else
		table_cell(table, "%s", status_count((unsigned long long)rate, text));
}

static int add_version(struct table *table, json_t *version, struct complaint *complaint)
{
	json_t *measured = NULL, *low = NULL, *high = NULL;
	const char *name, *role;
	struct counters counters;
	char text[SHARE_TEXT_LEN];
	json_error_t where;
	double rate;
	int weight, error;

	if (json_unpack_ex(version, &where, 0, "{s:s, s:s, s:i, s:F, s?o, s?o, s?o}", "name", &name, "role", &role,
			   "weight", &weight, "opened_per_second", &rate, "measured", &measured, "measured_low", &low,
			   "measured_high", &high))
		return bad(complaint, "version", &where);
	error = read_counters(version, &counters, complaint);
	if (error)
		return error;
	table_cell(table, "%s", name);
	table_cell(table, "%s", role);
	table_cell(table, "%s", share_format(weight < 0 ? 0 : (unsigned int)weight, text));
	add_measured(table, measured, low, high);
	add_rate(table, rate);
	add_counters(table, &counters);
	return 0;
}

static int add_backends(struct table *table, json_t *version, struct complaint *complaint)
{
	const char *name, *address, *state, *why, *out;
	char text[STATUS_PLACE_LEN];
	struct counters counters;
	json_t *backends, *backend;
	json_error_t where;
	int weight, leaving, drained, error;
	size_t i;

	if (json_unpack_ex(version, &where, 0, "{s:s, s:o}", "name", &name, "backends", &backends))
		return bad(complaint, "version", &where);
	json_array_foreach (backends, i, backend) {
		why = NULL;
		if (json_unpack_ex(backend, &where, 0, "{s:s, s:i, s:b, s:b, s:s, s?s}", "address", &address, "weight",
				   &weight, "leaving", &leaving, "drained", &drained, "state", &state, "why", &why))
			return bad(complaint, "backend", &where);
		error = read_counters(backend, &counters, complaint);
		if (error)
			return error;
		table_cell(table, "%s", address);
		table_cell(table, "%s", name);
		out = status_backend_out(backend, text);
		if (out)
			table_cell(table, "%s", out);
		else
			table_cell(table, "%d", weight);
		add_counters(table, &counters);
	}
	return 0;
}

static int print_tables(FILE *out, const json_t *versions, bool colours, struct complaint *complaint)
{
	struct table *upper = table_new(version_columns, COLUMNS(version_columns));
	struct table *lower = table_new(backend_columns, COLUMNS(backend_columns));
	const char *before = colours ? DIM : "", *after = colours ? PLAIN : "";
	json_t *version;
	int error = upper && lower ? 0 : -ENOMEM;
	size_t i;

	if (error)
		goto out;
	json_array_foreach (versions, i, version) {
		error = add_version(upper, version, complaint);
		if (!error)
			error = add_backends(lower, version, complaint);
		if (error)
			goto out;
	}
	error = table_print(upper, out, 1, before, after);
	putc('\n', out);
	if (!error)
		error = table_print(lower, out, 2, before, after);
out:
	table_free(upper);
	table_free(lower);
	return error == -ENOMEM ? complain(complaint, error, "out of memory") : error;
}

static const char *what_happened(const char *what)
{
	static const struct {
		const char *what, *words;
	} known[] = {
		{ "weights", "shares set by " },     { "rollback", "rolled back by " },
		{ "reload", "set at a reload by " }, { "rollout", "shares set for a rollout by " },
		{ "baseline", "baseline said by " },
	};

	for (size_t i = 0; i < COLUMNS(known); i++) {
		if (!strcmp(known[i].what, what))
			return known[i].words;
	}
	return "set at the start by ";
}

/* Of what the rollout has done itself its own line says who and why. */
static bool is_told_by_rollout(const json_t *service)
{
	const json_t *rollout = json_object_get(service, "rollout"), *changed = json_object_get(service, "changed");
	const char *state = json_string_value(json_object_get(rollout, "state"));
	const char *what = json_string_value(json_object_get(changed, "what"));
	bool is_end = state && (!strcmp(state, "rolled_back") || !strcmp(state, "aborted"));

	return is_end && what && (!strcmp(what, "rollback") || !strcmp(what, "rollout")) &&
	       json_is_string(json_object_get(rollout, "version")) &&
	       json_equal(json_object_get(rollout, "by"), json_object_get(changed, "by")) &&
	       json_equal(json_object_get(rollout, "reason"), json_object_get(changed, "reason"));
}

const char *status_who(const char *by)
{
	if (!strcmp(by, "file"))
		return "the configuration file";
	if (!strcmp(by, "token"))
		return "a token's holder";
	if (!strcmp(by, "kernel"))
		return "the kernel";
	return strcmp(by, "agent") ? by : "the agent";
}

/* "shares set by uid 0 at 2026-11-23T05:00:00Z: more confidence" */
static int print_changed(FILE *out, const json_t *service, json_t *changed, struct complaint *complaint)
{
	const char *by, *at, *what;
	json_t *reason = NULL;
	json_error_t where;

	if (json_unpack_ex(changed, &where, 0, "{s:s, s:s, s:s, s?o}", "by", &by, "at", &at, "what", &what, "reason",
			   &reason))
		return bad(complaint, "'changed'", &where);
	if (is_told_by_rollout(service)) {
		fputs("shares last set", out);
		reason = NULL;
	} else {
		fputs(what_happened(what), out);
		text_print(out, status_who(by));
	}
	fputs(" at ", out);
	text_print(out, at);
	if (json_is_string(reason)) {
		fputs(": ", out);
		text_print(out, json_string_value(reason));
	}
	putc('\n', out);
	return 0;
}

static void print_listeners(FILE *out, const json_t *listeners)
{
	json_t *listener;
	size_t i;

	json_array_foreach (listeners, i, listener) {
		fputs(i ? ", " : "", out);
		text_print(out, json_is_string(listener) ? json_string_value(listener) : "?");
	}
	putc('\n', out);
}

static int print_service(FILE *out, json_t *service, bool colours, struct complaint *complaint)
{
	const char *name, *protocol, *forward, *affinity;
	json_t *listeners, *changed, *versions;
	json_int_t generation;
	json_error_t where;
	double window;
	int error;

	if (json_unpack_ex(service, &where, 0, "{s:s, s:s, s:s, s:{s:s}, s:o, s:I, s:o, s:F, s:o}", "name", &name,
			   "protocol", &protocol, "forward", &forward, "affinity", "by", &affinity, "listen",
			   &listeners, "generation", &generation, "changed", &changed, "window_seconds", &window,
			   "versions", &versions))
		return bad(complaint, "service", &where);
	fputs(colours ? BOLD : "", out);
	text_print(out, name);
	fputs(colours ? PLAIN "  " : "  ", out);
	print_listeners(out, listeners);
	fprintf(out, "forward %s, affinity %s, generation %lld, measured over %.0f s (95%% interval)\n", forward,
		affinity, (long long)generation, window);
	if (blind_to(protocol, forward))
		fprintf(out, "%s\n", blind_to(protocol, forward));
	error = print_changed(out, service, changed, complaint);
	if (error)
		return error;
	rollout_print_block(out, service, colours);
	putc('\n', out);
	error = print_tables(out, versions, colours, complaint);
	if (!error)
		status_print_sources(out, "\n", versions);
	return error;
}

/* "interface front  tc: bridge: driver bridge has no native XDP" */
static void print_interfaces(FILE *out, const json_t *interfaces)
{
	const char *name, *attach, *why;
	json_t *interface;
	size_t i;

	json_array_foreach (interfaces, i, interface) {
		if (json_unpack(interface, "{s:s, s:s}", "name", &name, "why", &why))
			continue;
		attach = json_string_value(json_object_get(interface, "attach")); /* null: not attached */
		fputs(i ? "" : "\n", out);
		fprintf(out, "interface ");
		text_print(out, name);
		fprintf(out, "  %s: ", attach ? attach : "-");
		text_print(out, why);
		putc('\n', out);
	}
}

int status_print(FILE *out, const json_t *answer, bool colours, struct complaint *complaint)
{
	const json_t *services = json_object_get(answer, "services");
	json_t *service;
	size_t i;
	int error;

	if (!services)
		return print_service(out, (json_t *)answer, colours, complaint);
	if (!json_is_array(services))
		return complain(complaint, -EBADMSG, "the agent's answer has no list of services");
	if (!json_array_size(services))
		fputs("no services\n", out);
	json_array_foreach (services, i, service) {
		fputs(i ? "\n" : "", out);
		error = print_service(out, service, colours, complaint);
		if (error)
			return error;
	}
	print_interfaces(out, json_object_get(answer, "interfaces"));
	return 0;
}
