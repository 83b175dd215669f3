/* SPDX-License-Identifier: BSD-2-Clause */
/* What a name or a file has given so far: the last good list, which nothing but a good one replaces, and how it stands
 * now. Pure. */
#ifndef SERIN_DISCOVERED_H
#define SERIN_DISCOVERED_H

#include <stdint.h>

#include "backend_list.h"

#define DISCOVERED_TEXT_LEN 1024 /* room for discovered_describe */

enum discovered_source { DISCOVERED_BY_DNS, DISCOVERED_IN_FILE };

struct discovered {
	enum discovered_source source;
	const char *subject;      /* the name, or the path; its owner's */
	struct backend_list list; /* empty: there has been no good one yet */
	unsigned int changes;     /* how often the list became another one */
	int64_t good_ms;          /* when it was last confirmed */
	bool keeps;               /* the latest answer was no good */
	struct complaint trouble; /* why it was not, or what a good answer lacked; "": nothing */
	int64_t trouble_ms;       /* since when it has been that one */
};

/* Called from the loop after the list or the trouble has become another one. */
typedef void (*discovered_fn)(void *context);

/* A good list, settled and not empty, which is moved out of `list`. `lacks`: "" or what it had to do without, for
 * discovered_describe. Whether list or trouble are others now. */
bool discovered_take(struct discovered *discovered, struct backend_list *list, const char *lacks, int64_t now_ms);

/* No good list, and why: with the subject for a file ("FILE:1:2: what is wrong, what was expected"), without for DNS. Since
 * `since_ms` unless it has been so before. Whether the trouble is another one. */
bool discovered_refuse(struct discovered *discovered, const char *trouble, int64_t since_ms);

/* "canary.shop.internal: 3 addresses, asked 2 s ago" or "canary.shop.internal: no answer for 30 s: keeps the last 3
 * addresses". `running`: how many backends its version has; those of before a restart are kept until there is a list.
 * Writes DISCOVERED_TEXT_LEN bytes at most, returns `buffer`. */
const char *discovered_describe(const struct discovered *discovered, size_t running, int64_t now_ms, char *buffer);

/* Free the list. */
void discovered_clear(struct discovered *discovered);

#endif
