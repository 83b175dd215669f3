/* SPDX-License-Identifier: BSD-2-Clause */
/* A service's rules, sorted: asking them, and the form that the kernel's trie has them in. Pure. */
#ifndef SERIN_RULES_H
#define SERIN_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"

/* One entry of a set in the kernel. */
struct rule_entry {
	struct prefix prefix;
	__u32 version; /* as in the plan, or SERIN_NOT_PLACED */
};

/* Sorts by address, then by length. */
void rules_sort(struct config_rules *rules);

/* The rule of the longest prefix that holds the client, or NULL. */
const struct config_rule *rules_find(const struct config_rules *rules, const struct serin_addr *client);

/* How many entries rules_entries() makes of them. */
size_t rules_entry_count(const struct config_rules *rules);

/* The set as the kernel gets it, sorted; version_id: the plan's, by index into config->versions. The caller frees. NULL:
 * out of memory. */
struct rule_entry *rules_entries(const struct config_rules *rules, const uint8_t *version_id);

int rule_entry_compare(const void *one, const void *other); /* for qsort(): by prefix */
bool rule_entries_equal(const struct rule_entry *a, const struct rule_entry *b, size_t count);

#endif
