/* SPDX-License-Identifier: BSD-2-Clause */
/* Small files that must survive a crash and a power cut: replaced whole, read whole, set aside when damaged. */
#ifndef SERIN_DURABLE_H
#define SERIN_DURABLE_H

#include <stddef.h>
#include <time.h>

#include "complaint.h"

/* The whole of a regular file, to be freed, NUL added. A negative errno; -EFBIG: not a regular file of at most `max`
 * bytes. */
int durable_read(const char *path, size_t max, char **ret_text, size_t *ret_length);

/* Written aside, synced, renamed: when this has returned 0, nothing brings the old one back. Makes the directory if it is
 * not there. */
int durable_write(const char *directory, const char *name, const char *text, struct complaint *complaint);

/* The same as durable_set_aside, but it keeps its own name, too, until something is written in its place: whoever ends
 * before that leaves no trace of a first start. Where it has been done before, ret_path says so with a star. */
int durable_keep_aside(const char *directory, const char *name, time_t now, char *ret_path, size_t size,
		       struct complaint *complaint);

/* Rename it to NAME.damaged-TIME, so that nobody loses what is in it. ret_path has `size` bytes. */
int durable_set_aside(const char *directory, const char *name, time_t now, char *ret_path, size_t size,
		      struct complaint *complaint);

/* "DIRECTORY/NAME" in PATH_MAX bytes. 0 or -ENAMETOOLONG. */
int durable_path(const char *directory, const char *name, char *ret, struct complaint *complaint);

#endif
