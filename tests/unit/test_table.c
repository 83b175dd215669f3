/* SPDX-License-Identifier: BSD-2-Clause */
/* The column printer: whole outputs, byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "table.h"

static const struct table_column columns[] = {
	{ "NAME", TABLE_LEFT },
	{ "COUNT", TABLE_RIGHT },
	{ "NOTE", TABLE_LEFT },
};

static void assert_prints(const struct table *table, unsigned int gap, const char *before, const char *after,
			  const char *expected)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(table_print(table, out, gap, before, after), 0);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
}

static void test_alignment(void **state)
{
	struct table *table = table_new(columns, 3);

	(void)state;
	table_cell(table, "a");
	table_cell(table, "%d", 7);
	table_cell(table, "first");
	table_cell(table, "longer");
	table_cell(table, "%d", 1234567);
	table_cell(table, "second");
	assert_prints(table, 2, "", "",
		      "NAME      COUNT  NOTE\n"
		      "a             7  first\n"
		      "longer  1234567  second\n");
	table_free(table);
}

static void test_no_trailing_spaces(void **state)
{
	struct table *table = table_new(columns, 3);

	(void)state;
	table_cell(table, "a");
	table_cell(table, "%s", "");
	table_cell(table, "%s", "");
	table_cell(table, "%s", "");
	table_cell(table, "%s", "");
	table_cell(table, "x");
	table_cell(table, "alone"); /* a row that was not finished */
	assert_prints(table, 1, "", "",
		      "NAME  COUNT NOTE\n"
		      "a\n"
		      "            x\n"
		      "alone\n");
	table_free(table);
}

static void test_around_titles(void **state)
{
	struct table *table = table_new(columns, 2);

	(void)state;
	assert_prints(table, 2, "<", ">", "<NAME  COUNT>\n");
	table_free(table);
}

static void test_width_counts_characters(void **state)
{
	struct table *table = table_new(columns, 3);

	(void)state;
	table_cell(table, "zwölf");
	table_cell(table, "12");
	table_cell(table, "x");
	assert_prints(table, 1, "", "",
		      "NAME  COUNT NOTE\n"
		      "zwölf    12 x\n");
	table_free(table);
}

static void test_control_characters(void **state)
{
	struct table *table = table_new(columns, 2);

	(void)state;
	table_cell(table, "\033[2J\a\x7f"); /* clear the screen, ring, delete */
	table_cell(table, "\xc2\x9b"
			  "2J"); /* the same clearing with U+009B */
	assert_prints(table, 1, "", "",
		      "NAME   COUNT\n"
		      "?[2J??   ?2J\n");
	table_free(table);
}

static void test_many_rows(void **state)
{
	struct table *table = table_new(columns, 1);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int i;

	(void)state;
	for (i = 0; i < 1000; i++)
		table_cell(table, "%03d", i);
	assert_int_equal(table_print(table, out, 1, "", ""), 0);
	fclose(out);
	assert_int_equal(size, 5 + 1000 * 4);
	assert_string_equal(text + size - 8, "998\n999\n");
	free(text);
	table_free(table);
}

static void test_limits(void **state)
{
	(void)state;
	assert_null(table_new(columns, 0));
	assert_null(table_new(columns, TABLE_MAX_COLUMNS + 1));
	assert_null(table_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alignment),
		cmocka_unit_test(test_no_trailing_spaces),
		cmocka_unit_test(test_around_titles),
		cmocka_unit_test(test_width_counts_characters),
		cmocka_unit_test(test_control_characters),
		cmocka_unit_test(test_many_rows),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
