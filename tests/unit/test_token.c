/* SPDX-License-Identifier: BSD-2-Clause */
/* The token: which files are taken, and which headers match. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scratch_file.h"
#include "token.h"

#define SECRET "0123456789abcdef"

static int load(const char *content, struct token *ret, struct complaint *complaint)
{
	char path[SCRATCH_PATH_LEN];

	scratch_file("token", content, path);
	return token_load(path, ret, complaint);
}

static void test_files(void **state)
{
	struct complaint complaint = { "" };
	struct token token = { .length = 0 };
	char longest[TOKEN_MAX + 3];

	(void)state;
	assert_int_equal(load(SECRET "\n", &token, &complaint), 0);
	assert_string_equal(token.text, SECRET);
	assert_int_equal(load(SECRET, &token, &complaint), 0);
	assert_string_equal(token.text, SECRET);
	assert_int_equal(load("", &token, &complaint), -EINVAL);
	assert_int_equal(load("0123456789abcde\n", &token, &complaint), -EINVAL);
	assert_non_null(strstr(complaint.text, "too short"));
	assert_int_equal(load(SECRET "\n\n", &token, &complaint), -EINVAL);
	assert_int_equal(load(SECRET " x", &token, &complaint), -EINVAL);
	assert_int_equal(load(SECRET "\nsecond line\n", &token, &complaint), -EINVAL);
	memset(longest, 'x', sizeof(longest));
	longest[TOKEN_MAX] = '\0';
	assert_int_equal(load(longest, &token, &complaint), 0);
	assert_int_equal(token.length, TOKEN_MAX);
	longest[TOKEN_MAX] = 'x';
	longest[TOKEN_MAX + 1] = '\0';
	assert_int_equal(load(longest, &token, &complaint), -EINVAL);
	assert_non_null(strstr(complaint.text, "too long"));
	longest[TOKEN_MAX + 1] = 'x';
	longest[TOKEN_MAX + 2] = '\0';
	assert_int_equal(load(longest, &token, &complaint), -EINVAL);
	assert_int_equal(token_load("/nonexistent", &token, &complaint), -ENOENT);
	assert_non_null(strstr(complaint.text, "/nonexistent"));
}

static void test_headers(void **state)
{
	struct token token = { .text = SECRET, .length = sizeof(SECRET) - 1 };

	(void)state;
	assert_true(token_matches(&token, "Bearer " SECRET));
	assert_true(token_matches(&token, "bearer " SECRET));
	assert_false(token_matches(&token, NULL));
	assert_false(token_matches(&token, ""));
	assert_false(token_matches(&token, "Bearer"));
	assert_false(token_matches(&token, "Bearer "));
	assert_false(token_matches(&token, SECRET));
	assert_false(token_matches(&token, "Basic " SECRET));
	assert_false(token_matches(&token, "Bearer " SECRET "x"));
	assert_false(token_matches(&token, "Bearer 0123456789abcde"));
	assert_false(token_matches(&token, "Bearer 1123456789abcdef"));
	assert_false(token_matches(&token, "Bearer 0123456789abcdeF"));
}

/* No token file: nothing opens the door, an empty token least of all. */
static void test_without_a_token_nothing_matches(void **state)
{
	struct token none = { .length = 0 };

	(void)state;
	assert_false(token_matches(&none, "Bearer "));
	assert_false(token_matches(&none, "Bearer " SECRET));
	assert_false(token_matches(&none, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_without_a_token_nothing_matches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
