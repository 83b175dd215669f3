/* SPDX-License-Identifier: BSD-2-Clause */
/* Versions side by side: a column for each, as many columns beside each other as there is room for. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include <serin/abi.h>
#include "scalar.h"
#include "status_view_private.h"
#include "table.h"

#define LABEL_COLUMNS 15u
#define CELL_COLUMNS 13u
#define NAME_COLUMNS (CELL_COLUMNS - 2)

struct block {
	FILE *out;
	const struct view_version *versions;
	size_t count;
	double baseline_ratio;
	bool colours;
};

typedef const char *(*cell_fn)(const struct view_version *version, char *buffer);

static const char *cell_role(const struct view_version *version, char *buffer)
{
	snprintf(buffer, VIEW_TEXT_LEN, "%.*s", (int)NAME_COLUMNS, version->role);
	return buffer;
}

static const char *cell_weight(const struct view_version *version, char *buffer)
{
	return share_format((unsigned int)lround(fmax(0, version->weight) * SERIN_SLOTS), buffer);
}

static const char *cell_measured(const struct view_version *version, char *buffer)
{
	return view_percent(version->measured, buffer);
}

static const char *cell_interval(const struct view_version *version, char *buffer)
{
	return view_interval(version->low, version->high, buffer);
}

static const char *cell_requests(const struct view_version *version, char *buffer)
{
	return view_rate(version->requests, buffer);
}

static const char *cell_connections(const struct view_version *version, char *buffer)
{
	return view_rate(version->connections, buffer);
}

static const char *cell_failed(const struct view_version *version, char *buffer)
{
	return view_share(version->failure_ratio, buffer);
}

static const char *cell_p50(const struct view_version *version, char *buffer)
{
	return view_time(version->response[VIEW_P50], buffer);
}

static const char *cell_p95(const struct view_version *version, char *buffer)
{
	return view_time(version->response[VIEW_P95], buffer);
}

static const char *cell_p99(const struct view_version *version, char *buffer)
{
	return view_time(version->response[VIEW_P99], buffer);
}

static const char *cell_handshake(const struct view_version *version, char *buffer)
{
	return view_time(version->handshake[VIEW_P95], buffer);
}

static const char *cell_count(double count, char *buffer)
{
	if (count < 1000)
		snprintf(buffer, VIEW_TEXT_LEN, "%.0f", count);
	else
		view_rate(count, buffer);
	return buffer;
}

static const char *cell_active(const struct view_version *version, char *buffer)
{
	return cell_count(version->active, buffer);
}

static const char *cell_clients(const struct view_version *version, char *buffer)
{
	return cell_count(version->clients, buffer);
}

static void print_label(const struct block *block, const char *label)
{
	fprintf(block->out, "%s%-*s%s", block->colours ? VIEW_DIM : "", (int)LABEL_COLUMNS, label,
		block->colours ? VIEW_PLAIN : "");
}

static void print_cell(const struct block *block, const char *text, const char *colour)
{
	size_t padding = strlen(text) < CELL_COLUMNS ? CELL_COLUMNS - strlen(text) : 1;
	bool coloured = block->colours && *colour;

	fprintf(block->out, "%*s%s", (int)padding, "", coloured ? colour : "");
	text_print(block->out, text);
	fputs(coloured ? VIEW_PLAIN : "", block->out);
}

static void print_row(const struct block *block, const char *label, cell_fn cell, bool mark)
{
	char text[VIEW_TEXT_LEN];

	print_label(block, label);
	for (size_t i = 0; i < block->count; i++) {
		const struct view_version *version = &block->versions[i];
		bool is_worse = mark && view_is_worse(version, block->baseline_ratio);

		print_cell(block, cell(version, text), is_worse ? VIEW_RED : "");
	}
	putc('\n', block->out);
}

static void print_names(const struct block *block)
{
	char name[VIEW_TEXT_LEN];

	print_label(block, "");
	for (size_t i = 0; i < block->count; i++) {
		const char *whole = block->versions[i].name;
		bool is_long = strlen(whole) > NAME_COLUMNS;

		snprintf(name, sizeof(name), "%.*s%s", (int)(is_long ? NAME_COLUMNS - 1 : NAME_COLUMNS), whole,
			 is_long ? "~" : "");
		print_cell(block, name, VIEW_BOLD);
	}
	putc('\n', block->out);
}

/* Only reasons that there are: a line of zeros tells what the one above it says. */
static void print_reasons(const struct block *block, const bool seen[VIEW_REASONS])
{
	static const char *const labels[VIEW_REASONS] = {
#define REASON_LABEL(upper, label, text) [SERIN_FAILURE_##upper] = "  " #label,
		SERIN_FAILURE_REASONS(REASON_LABEL)
#undef REASON_LABEL
			[VIEW_HTTP_5XX] = "  5xx",
	};
	char text[VIEW_TEXT_LEN];

	for (size_t reason = 0; reason < VIEW_REASONS; reason++) {
		if (!seen[reason])
			continue;
		print_label(block, labels[reason]);
		for (size_t i = 0; i < block->count; i++)
			print_cell(block, view_share(block->versions[i].reasons[reason], text), "");
		putc('\n', block->out);
	}
}

static void print_block(const struct block *block, const bool seen[VIEW_REASONS])
{
	print_names(block);
	print_row(block, "role", cell_role, false);
	print_row(block, "share set", cell_weight, false);
	print_row(block, "  measured", cell_measured, false);
	print_row(block, "  95% interval", cell_interval, false);
	print_row(block, "requests/s", cell_requests, false);
	print_row(block, "connections/s", cell_connections, false);
	print_row(block, "failed", cell_failed, true);
	print_reasons(block, seen);
	print_row(block, "answer p50", cell_p50, false);
	print_row(block, "  p95", cell_p95, false);
	print_row(block, "  p99", cell_p99, false);
	print_row(block, "handshake p95", cell_handshake, false);
	print_row(block, "active flows", cell_active, false);
	print_row(block, "clients failed", cell_clients, false);
}

static void look_at_reasons(const struct view_version *versions, size_t count, bool seen[VIEW_REASONS])
{
	for (size_t i = 0; i < count; i++) {
		for (size_t reason = 0; reason < VIEW_REASONS; reason++)
			seen[reason] |= versions[i].reasons[reason] > 0;
	}
}

static double find_baseline(const struct view_version *versions, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(versions[i].role, "baseline"))
			return versions[i].failure_ratio;
	}
	return NAN;
}

int view_print_versions(FILE *out, json_t *service, const struct status_view *view, struct complaint *complaint)
{
	size_t fit = view->columns > LABEL_COLUMNS + CELL_COLUMNS ? (view->columns - LABEL_COLUMNS) / CELL_COLUMNS : 1;
	json_t *list = json_object_get(service, "versions"), *json;
	struct view_version versions[SERIN_MAX_VERSIONS];
	size_t count = json_array_size(list), i;
	bool seen[VIEW_REASONS] = { false };
	int error;

	if (!json_is_array(list) || count > SERIN_MAX_VERSIONS)
		return complain(complaint, -EBADMSG, "the agent's answer has no usable list of versions");
	json_array_foreach (list, i, json) {
		error = view_read_version(json, &versions[i], complaint);
		if (error)
			return error;
	}
	look_at_reasons(versions, count, seen);
	for (i = 0; i < count; i += fit) {
		const struct block block = {
			.out = out,
			.versions = &versions[i],
			.count = count - i < fit ? count - i : fit,
			.baseline_ratio = find_baseline(versions, count),
			.colours = view->colours,
		};

		fputs(i ? "\n" : "", out);
		print_block(&block, seen);
	}
	return 0;
}
