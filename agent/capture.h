/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs another program for what it prints. */
#ifndef SERIN_CAPTURE_H
#define SERIN_CAPTURE_H

#include <stddef.h>

/* What argv[0], an absolute path, writes to its standard output, as text that the caller frees. Its input and its
 * errors are /dev/null, its language is C. -ETIMEDOUT after `timeout_ms`, -EFBIG past `limit` bytes: then it is killed.
 * -ECHILD when it failed, -ENOENT when it is not installed. It is always reaped before this returns. */
int capture_output(const char *const argv[], int timeout_ms, size_t limit, char **ret_text);

#endif
