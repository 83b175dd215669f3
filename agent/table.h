/* SPDX-License-Identifier: BSD-2-Clause */
/* Columns of text for a terminal. Pure. */
#ifndef SERIN_TABLE_H
#define SERIN_TABLE_H

#include <stddef.h>
#include <stdio.h>

enum table_align { TABLE_LEFT, TABLE_RIGHT };

struct table_column {
	const char *title;
	enum table_align align; /* of title and cells */
};

#define TABLE_MAX_COLUMNS 16

struct table;

/* `columns` is kept by reference. NULL: out of memory, or more than TABLE_MAX_COLUMNS. */
struct table *table_new(const struct table_column *columns, size_t count);
struct table *table_free(struct table *table); /* NULL is fine; returns NULL */

/* Add the next cell, row by row. What a terminal would obey is made harmless (text_print). Running out of memory is
 * remembered for table_print. */
void table_cell(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Print titles and rows, each column as wide as its widest cell, `gap` spaces between columns and none at the end of
 * a line. `before` and `after` go around the line of titles ("" for none). 0, or -ENOMEM with nothing printed. */
int table_print(const struct table *table, FILE *out, unsigned int gap, const char *before, const char *after);

/* Print text that others wrote (reasons, messages): control characters become '?', so that they cannot steer the
 * terminal of whoever reads it. */
void text_print(FILE *out, const char *text);

#endif
