/* SPDX-License-Identifier: BSD-2-Clause */
/* Cells are kept in one growing array, row by row; widths are found when printing. */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

#include "table.h"

struct table {
	const struct table_column *columns;
	size_t column_count;
	char **cells;
	size_t cell_count, room;
	bool failed;
};

struct table *table_new(const struct table_column *columns, size_t count)
{
	struct table *table;

	if (!count || count > TABLE_MAX_COLUMNS)
		return NULL;
	table = calloc(1, sizeof(*table));
	if (!table)
		return NULL;
	table->columns = columns;
	table->column_count = count;
	return table;
}

struct table *table_free(struct table *table)
{
	size_t i;

	if (!table)
		return NULL;
	for (i = 0; i < table->cell_count; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table);
	return NULL;
}

static bool make_room(struct table *table)
{
	size_t room = table->room ? 2 * table->room : 64;
	char **cells;

	if (table->cell_count < table->room)
		return true;
	cells = reallocarray(table->cells, room, sizeof(*cells));
	if (!cells)
		return false;
	table->cells = cells;
	table->room = room;
	return true;
}

void table_cell(struct table *table, const char *format, ...)
{
	va_list arguments;
	char *text;
	int length;

	if (table->failed)
		return;
	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0 || !make_room(table)) {
		if (length >= 0)
			free(text);
		table->failed = true;
		return;
	}
	table->cells[table->cell_count++] = text;
}

/* Columns that a text takes: its UTF-8 characters, each assumed to be one wide. */
static size_t text_width(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static bool is_control(const unsigned char *byte)
{
	/* U+0080 to U+009F, in UTF-8, are control characters too; some terminals obey them. */
	return *byte < 0x20 || *byte == 0x7f || (*byte == 0xc2 && byte[1] >= 0x80 && byte[1] <= 0x9f);
}

void text_print(FILE *out, const char *text)
{
	const unsigned char *byte;

	for (byte = (const unsigned char *)text; *byte; byte++) {
		if (!is_control(byte)) {
			putc(*byte, out);
			continue;
		}
		putc('?', out);
		if (*byte == 0xc2)
			byte++;
	}
}

static const char *cell_at(const struct table *table, size_t index)
{
	return index < table->cell_count ? table->cells[index] : "";
}

static void find_widths(const struct table *table, size_t *widths)
{
	size_t i, width;

	for (i = 0; i < table->column_count; i++)
		widths[i] = text_width(table->columns[i].title);
	for (i = 0; i < table->cell_count; i++) {
		width = text_width(table->cells[i]);
		if (widths[i % table->column_count] < width)
			widths[i % table->column_count] = width;
	}
}

/* Spaces are owed until something follows them: that is what keeps line ends clean. */
static void print_cell(FILE *out, const char *text, size_t width, enum table_align align, size_t *owed)
{
	size_t padding = width - text_width(text);

	if (align == TABLE_RIGHT)
		*owed += padding;
	if (*text) {
		fprintf(out, "%*s", (int)*owed, "");
		text_print(out, text);
		*owed = 0;
	}
	if (align == TABLE_LEFT)
		*owed += padding;
}

int table_print(const struct table *table, FILE *out, unsigned int gap, const char *before, const char *after)
{
	size_t widths[TABLE_MAX_COLUMNS], row, column, owed;

	if (table->failed)
		return -ENOMEM;
	find_widths(table, widths);
	fputs(before, out);
	for (column = owed = 0; column < table->column_count; column++, owed += gap)
		print_cell(out, table->columns[column].title, widths[column], table->columns[column].align, &owed);
	fputs(after, out);
	putc('\n', out);
	for (row = 0; row < table->cell_count; row += table->column_count) {
		for (column = owed = 0; column < table->column_count; column++, owed += gap)
			print_cell(out, cell_at(table, row + column), widths[column], table->columns[column].align,
				   &owed);
		putc('\n', out);
	}
	return 0;
}
