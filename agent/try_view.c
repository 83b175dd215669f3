/* SPDX-License-Identifier: BSD-2-Clause */
/* The figures of a split, for people and programs. Pure. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "counters.h"
#include "scalar.h"
#include "status_text.h"
#include "table.h"
#include "try.h"
#include "window.h"

#define NAME_MIN 4 /* columns */

/* How a table is laid out. */
struct fit {
	unsigned int gap, name_columns, width;
};

static const struct table_column columns_of_table[] = {
	{ "VERSION", TABLE_LEFT },  { "PORT", TABLE_RIGHT },         { "SHARE", TABLE_RIGHT },
	{ "MEASURED", TABLE_LEFT }, { "CONNS", TABLE_RIGHT },        { "CONN/S", TABLE_RIGHT },
	{ "ACTIVE", TABLE_RIGHT },  { "BYTES in/out", TABLE_RIGHT }, { "RESETS", TABLE_RIGHT },
};

#define COLUMNS (sizeof(columns_of_table) / sizeof(columns_of_table[0]))

struct measured {
	bool known;
	double share, low, high;
};

static struct measured measure(const struct try_split *split, const struct try_figures *figures, size_t version)
{
	struct measured measured = { .known = false };
	uint64_t all = 0, own = figures->versions[version].opened;

	for (size_t i = 0; i < split->count; i++)
		all += figures->versions[i].opened;
	if (!all)
		return measured;
	measured.known = true;
	measured.share = (double)own / (double)all;
	window_wilson(own, all, &measured.low, &measured.high);
	return measured;
}

uint64_t try_translated(const struct try_split *split, const struct try_figures *figures)
{
	uint64_t open = 0;

	for (size_t i = 0; i < split->count; i++) {
		if (split->versions[i].port != split->port)
			open += counters_active(&figures->versions[i]);
	}
	return open;
}

static const char *rate_format(double rate, char *buffer)
{
	if (rate >= 1000)
		return status_count((unsigned long long)rate, buffer);
	snprintf(buffer, STATUS_COUNT_LEN, "%.*f", rate >= 100 ? 0 : 1, rate);
	return buffer;
}

static void add_row(struct table *table, const struct try_split *split, const struct try_figures *figures, size_t i,
		    unsigned int name_columns)
{
	const struct try_version *version = &split->versions[i];
	const struct serin_stats *stats = &figures->versions[i];
	struct measured measured = measure(split, figures, i);
	char a[STATUS_COUNT_LEN], b[STATUS_COUNT_LEN], share[SHARE_TEXT_LEN];

	if (strlen(version->name) > name_columns)
		table_cell(table, "%.*s~", (int)name_columns - 1, version->name);
	else
		table_cell(table, "%s", version->name);
	table_cell(table, "%u", version->port);
	table_cell(table, "%s", share_format(version->weight, share));
	if (measured.known)
		table_cell(table, "%5.1f%% %.1f-%.1f", 100 * measured.share, 100 * measured.low, 100 * measured.high);
	else
		table_cell(table, "     -");
	table_cell(table, "%s", status_count(stats->opened, a));
	table_cell(table, "%s", rate_format(figures->per_second[i], a));
	table_cell(table, "%s", status_count(counters_active(stats), a));
	table_cell(table, "%s/%s", status_count(stats->bytes[SERIN_TO_BACKEND], a),
		   status_count(stats->bytes[SERIN_TO_CLIENT], b));
	table_cell(table, "%s", status_count(stats->resets[SERIN_TO_CLIENT], a));
}

static int render(const struct try_split *split, const struct try_figures *figures, const struct fit *fit,
		  const char *before, const char *after, char **ret)
{
	struct table *table = table_new(columns_of_table, COLUMNS);
	char *text = NULL;
	size_t size;
	FILE *out = table ? open_memstream(&text, &size) : NULL;
	int r = out ? 0 : -ENOMEM;

	for (size_t i = 0; !r && i < split->count; i++)
		add_row(table, split, figures, i, fit->name_columns);
	if (!r)
		r = table_print(table, out, fit->gap, before, after);
	if (out && fclose(out))
		r = -ENOMEM;
	table_free(table);
	if (r) {
		free(text);
		return r;
	}
	*ret = text;
	return 0;
}

static unsigned int longest_line(const char *text)
{
	size_t longest = 0, length;

	for (; *text; text += length + (text[length] == '\n')) {
		length = strcspn(text, "\n");
		longest = length > longest ? length : longest;
	}
	return (unsigned int)longest;
}

static unsigned int longest_name(const struct try_split *split)
{
	size_t longest = 0;

	for (size_t i = 0; i < split->count; i++)
		longest = strlen(split->versions[i].name) > longest ? strlen(split->versions[i].name) : longest;
	return (unsigned int)longest;
}

/* Where two spaces between columns are too wide, one; what is too long then is cut off the names, since figures that miss a
 * digit would be other figures. */
static int find_fit(const struct try_split *split, const struct try_figures *figures, unsigned int columns,
		    struct fit *ret)
{
	char *text;
	int r;

	*ret = (struct fit){ .gap = 2, .name_columns = longest_name(split) };
	r = render(split, figures, ret, "", "", &text);
	if (r)
		return r;
	ret->width = longest_line(text);
	free(text);
	if (ret->width <= columns)
		return 0;
	ret->gap = 1;
	ret->width -= COLUMNS - 1;
	if (ret->width <= columns)
		return 0;
	columns = ret->width - columns; /* that are to go */
	ret->name_columns = ret->name_columns > columns + NAME_MIN ? ret->name_columns - columns : NAME_MIN;
	return 0;
}

int try_print_table(FILE *out, const struct try_split *split, const struct try_figures *figures, unsigned int columns,
		    const char *before, const char *after)
{
	struct fit fit;
	char *text;
	int r;

	r = find_fit(split, figures, columns, &fit);
	if (!r)
		r = render(split, figures, &fit, before, after, &text);
	if (r)
		return r;
	fputs(text, out);
	free(text);
	return 0;
}

static void print_line(FILE *out, const struct try_split *split, const struct try_figures *figures, size_t i)
{
	const struct try_version *version = &split->versions[i];
	const struct serin_stats *stats = &figures->versions[i];
	struct measured measured = measure(split, figures, i);
	char a[STATUS_COUNT_LEN], share[SHARE_TEXT_LEN];

	fprintf(out, "%lld s: %s port %u share %s", (long long)figures->ms / 1000, version->name, version->port,
		share_format(version->weight, share));
	if (measured.known)
		fprintf(out, " measured %.1f%%", 100 * measured.share);
	fprintf(out, " connections %llu", (unsigned long long)stats->opened);
	fprintf(out, " %s/s active %llu", rate_format(figures->per_second[i], a),
		(unsigned long long)counters_active(stats));
	fprintf(out, " bytes %llu in %llu out resets %llu\n", (unsigned long long)stats->bytes[SERIN_TO_BACKEND],
		(unsigned long long)stats->bytes[SERIN_TO_CLIENT], (unsigned long long)stats->resets[SERIN_TO_CLIENT]);
}

void try_print_lines(FILE *out, const struct try_split *split, const struct try_figures *figures)
{
	for (size_t i = 0; i < split->count; i++)
		print_line(out, split, figures, i);
}

static json_t *version_to_json(const struct try_split *split, const struct try_figures *figures, size_t i)
{
	const struct try_version *version = &split->versions[i];
	const struct serin_stats *stats = &figures->versions[i];
	struct measured measured = measure(split, figures, i);

	return json_pack(
		"{s:s, s:s, s:i, s:i, s:o, s:o, s:o, s:f, s:I, s:I, s:I, s:I, s:{s:I, s:I}, s:{s:I, s:I}}", "name",
		version->name, "role", i == split->baseline ? "baseline" : "trial", "port", (int)version->port,
		"weight", (int)version->weight, "measured", measured.known ? json_real(measured.share) : json_null(),
		"measured_low", measured.known ? json_real(measured.low) : json_null(), "measured_high",
		measured.known ? json_real(measured.high) : json_null(), "opened_per_second", figures->per_second[i],
		"opened", (json_int_t)stats->opened, "established", (json_int_t)stats->established, "closed",
		(json_int_t)stats->closed, "active", (json_int_t)counters_active(stats), "bytes", "to_backend",
		(json_int_t)stats->bytes[SERIN_TO_BACKEND], "to_client", (json_int_t)stats->bytes[SERIN_TO_CLIENT],
		"resets", "client", (json_int_t)stats->resets[SERIN_TO_BACKEND], "backend",
		(json_int_t)stats->resets[SERIN_TO_CLIENT]);
}

json_t *try_to_json(const struct try_split *split, const struct try_figures *figures, const char *ended_by)
{
	json_t *versions = json_array();

	for (size_t i = 0; i < split->count; i++)
		json_array_append_new(versions, version_to_json(split, figures, i));
	return json_pack("{s:i, s:s, s:f, s:o, s:I, s:s?}", "port", (int)split->port, "protocol",
			 protocol_name(split->protocol), "seconds", (double)figures->ms / 1000, "versions", versions,
			 "dropped", (json_int_t)figures->dropped, "ended_by", ended_by);
}

void try_print_end(FILE *out, const struct try_split *split, const struct try_figures *figures)
{
	uint64_t cut = try_translated(split, figures), all = 0;

	for (size_t i = 0; i < split->count; i++)
		all += figures->versions[i].opened;
	fprintf(out, "ended after %lld s, %llu connections\n", (long long)figures->ms / 1000, (unsigned long long)all);
	fprintf(out, "programs and tables are out of the kernel, port %u is as it was before\n", split->port);
	if (figures->dropped)
		fprintf(out, "%llu packets were dropped\n", (unsigned long long)figures->dropped);
	if (cut)
		fprintf(out,
			"%llu connection%s still open: nothing translates %s port any more,\n"
			"the next packet breaks %s off\n",
			(unsigned long long)cut, cut == 1 ? " was" : "s were", cut == 1 ? "its" : "their",
			cut == 1 ? "it" : "them");
}
