/* SPDX-License-Identifier: BSD-2-Clause */
/* The files of the live page, inside the binary. */
#ifndef SERIN_PAGE_H
#define SERIN_PAGE_H

#include <stdbool.h>
#include <stddef.h>

struct page {
	const char *content_type;
	const char *bytes;
	size_t length;
};

/* By the path that is asked for. */
bool page_find(const char *path, struct page *ret);

#endif
