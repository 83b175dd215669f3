/* SPDX-License-Identifier: BSD-2-Clause */
/* Several services: a line per version. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include <serin/abi.h>
#include "scalar.h"
#include "status_view_private.h"
#include "table.h"

#define SERVICE_COLUMNS 12
#define VERSION_COLUMNS 10

static const struct table_column columns[] = {
	{ "SERVICE", TABLE_LEFT }, { "VERSION", TABLE_LEFT }, { "SHARE", TABLE_RIGHT },  { "MEASURED", TABLE_RIGHT },
	{ "REQ/S", TABLE_RIGHT },  { "CONN/S", TABLE_RIGHT }, { "FAILED", TABLE_RIGHT }, { "P50", TABLE_RIGHT },
	{ "P95", TABLE_RIGHT },    { "P99", TABLE_RIGHT },
};

static void add_name(struct table *table, const char *name, int room)
{
	bool is_long = strlen(name) > (size_t)room;

	table_cell(table, "%.*s%s", is_long ? room - 1 : room, name, is_long ? "~" : "");
}

static void add_version(struct table *table, const char *service, const struct view_version *version)
{
	char text[VIEW_TEXT_LEN];

	add_name(table, service, SERVICE_COLUMNS);
	add_name(table, version->name, VERSION_COLUMNS);
	table_cell(table, "%s", share_format((unsigned int)lround(fmax(0, version->weight) * SERIN_SLOTS), text));
	table_cell(table, "%s", view_percent(version->measured, text));
	table_cell(table, "%s", view_rate(version->requests, text));
	table_cell(table, "%s", view_rate(version->connections, text));
	table_cell(table, "%s", view_share(version->failure_ratio, text));
	table_cell(table, "%s", view_time(version->response[VIEW_P50], text));
	table_cell(table, "%s", view_time(version->response[VIEW_P95], text));
	table_cell(table, "%s", view_time(version->response[VIEW_P99], text));
}

static int add_service(struct table *table, json_t *service, struct complaint *complaint)
{
	struct view_version version;
	json_t *versions, *json;
	json_error_t where;
	const char *name;
	int error = 0;
	size_t i;

	if (json_unpack_ex(service, &where, 0, "{s:s, s:o}", "name", &name, "versions", &versions))
		return complain(complaint, -EBADMSG, "the agent's answer has no usable service: %s", where.text);
	json_array_foreach (versions, i, json) {
		error = view_read_version(json, &version, complaint);
		if (error)
			return error;
		add_version(table, i ? "" : name, &version);
	}
	return 0;
}

int view_print_list(FILE *out, const json_t *services, const struct status_view *view, struct complaint *complaint)
{
	struct table *table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	json_t *service;
	int error = table ? 0 : complain(complaint, -ENOMEM, "out of memory");
	size_t i;

	json_array_foreach (services, i, service) {
		if (!error)
			error = add_service(table, service, complaint);
	}
	if (!error && !json_array_size(services))
		fputs("no services\n", out);
	else if (!error && table_print(table, out, 1, view->colours ? VIEW_DIM : "", view->colours ? VIEW_PLAIN : ""))
		error = complain(complaint, -ENOMEM, "out of memory");
	table_free(table);
	return error;
}
