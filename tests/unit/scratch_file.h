/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of a test: written whole, in directories that are gone when it ends. */
#ifndef SERIN_TESTS_SCRATCH_FILE_H
#define SERIN_TESTS_SCRATCH_FILE_H

#include "../scratch.h"

static inline void write_file(const char *path, const char *text, size_t length)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static inline void write_text(const char *path, const char *text)
{
	write_file(path, text, strlen(text));
}

/* A path for a file that is not there yet. */
static inline void scratch_path(const char *name, char ret_path[SCRATCH_PATH_LEN])
{
	char directory[SCRATCH_LEN];

	assert_int_equal(scratch_directory(directory), 0);
	snprintf(ret_path, SCRATCH_PATH_LEN, "%s/%.30s", directory, name);
}

/* One that is there, with this text in it. */
static inline void scratch_file(const char *name, const char *text, char ret_path[SCRATCH_PATH_LEN])
{
	scratch_path(name, ret_path);
	write_text(ret_path, text);
}

#endif
