/* SPDX-License-Identifier: BSD-2-Clause */
/* What is different between two configurations, in words: what a reload changes, and what it cannot change. Pure. */
#ifndef SERIN_CONFIG_DIFF_H
#define SERIN_CONFIG_DIFF_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"

struct config_lines {
	char **line;
	size_t count;
	bool incomplete; /* memory was short */
};

struct config_diff {
	/* "+ service api", "- backend 10.0.0.21:3000 of shop/canary (draining)", "~ affinity of shop: source -> flow": the
	 * host's keys first, then services in the order of the new file, at last those that are gone. */
	struct config_lines changes;
	/* What takes more than a reload: "FILE:LINE:COLUMN: what is wrong, what was expected". */
	struct config_lines refused;
};

/* Compare two configurations that were checked. 0 and *ret, to be freed with config_diff_free; or -ENOMEM with *ret
 * untouched. Order within lists and places in the file are no difference. */
int config_diff_make(const struct config *from, const struct config *to, struct config_diff *ret);
void config_diff_free(struct config_diff *diff);

/* One line more; a failure is remembered in `lines`. */
void config_lines_add(struct config_lines *lines, const char *format, ...) __attribute__((format(printf, 2, 3)));
void config_lines_free(struct config_lines *lines);

bool config_diff_has_listener(const struct config_service *service, const struct config_listener *like);
/* The service that has this listening address, or NULL. */
const struct config_service *config_diff_find_former(const struct config *from, const struct config_listener *listener);

/* config_diff_refused.c: the part of config_diff_make that says what takes more than a reload. */
void config_diff_find_refused(const struct config *from, const struct config *to, struct config_diff *diff);

/* "~ WHAT of SERVICE: FROM -> TO" where the two differ. */
void config_diff_words(const char *what, const struct config_service *of, const char *from, const char *to,
		       struct config_lines *lines);

/* The same for durations; `what` and `of` are put together. */
void config_diff_seconds(const char *what, const char *of, unsigned int from, unsigned int to,
			 struct config_lines *lines);

/* config_diff_host.c */
void config_diff_find_host(const struct config *from, const struct config *to, struct config_lines *lines);

/* config_diff_health.c: keys of a service that was there before. */
void config_diff_find_health(const struct config_service *from, const struct config_service *to,
			     struct config_lines *lines);
/* config_diff_rollout.c: rollout and notify. URLs are not told: they may hold secrets. */
void config_diff_find_rollout(const struct config_service *from, const struct config_service *to,
			      struct config_lines *lines);
/* The same for where a version's backends come from. Returns whether the lists themselves can be compared: not between
 * two origins, and not with what has yet to be found. */
bool config_diff_find_source(const struct config_service *service, const struct config_version *from,
			     const struct config_version *to, struct config_lines *lines);

#endif
