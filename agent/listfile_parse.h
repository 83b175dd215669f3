/* SPDX-License-Identifier: BSD-2-Clause */
/* A JSON list of backends, checked whole. Pure. */
#ifndef SERIN_LISTFILE_PARSE_H
#define SERIN_LISTFILE_PARSE_H

#include "backend_list.h"

#define LISTFILE_MAX_BYTES ((size_t)256 * 1024) /* 1024 of the longest entries take half of it */

/* A list of 1 to BACKEND_LIST_MAX, each "ADDR:PORT" or {"address": "ADDR:PORT", "weight": 2} (0 to 1000, default 1). As in
 * serin.yaml, forward: local takes ports ("3001" or 3001) and the one-way modes ADDR too (port 0: that of the first
 * listener). 0 and a settled list, or -EINVAL and "PATH:LINE:COLUMN: what is wrong, what was expected" with *ret untouched,
 * or -ENOMEM. The column counts bytes from 1. */
int listfile_parse(const char *path, const char *text, size_t length, const struct backend_form *form,
		   struct backend_list *ret, struct complaint *complaint);

#endif
