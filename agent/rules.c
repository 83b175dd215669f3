/* SPDX-License-Identifier: BSD-2-Clause */
/* A service's rules, sorted: asking them, comparing them, and the form that the kernel's trie has them in. */
#include "rules.h"

#include <stdlib.h>
#include <string.h>

/* Where IPv4 addresses lie among the others. */
static const struct prefix all_ipv4 = { { { { [10] = 0xff, [11] = 0xff } } }, 96 };

static int compare_prefixes(const struct prefix *one, const struct prefix *other)
{
	int order = memcmp(&one->addr, &other->addr, sizeof(one->addr));

	if (order)
		return order;
	return one->bits < other->bits ? -1 : one->bits > other->bits;
}

static bool same_prefix(const struct prefix *one, const struct prefix *other)
{
	return !compare_prefixes(one, other);
}

/* Of equal ones the first of the file comes first. */
static int compare_rules(const void *one, const void *other)
{
	const struct config_rule *a = one, *b = other;
	int order = compare_prefixes(&a->prefix, &b->prefix);

	if (order)
		return order;
	if (a->from_file != b->from_file)
		return a->from_file ? 1 : -1;
	if (a->place.line != b->place.line)
		return a->place.line < b->place.line ? -1 : 1;
	return a->place.column < b->place.column ? -1 : a->place.column > b->place.column;
}

void rules_sort(struct config_rules *rules)
{
	if (rules->count)
		qsort(rules->items, rules->count, sizeof(*rules->items), compare_rules);
}

/* An IPv6 prefix says nothing about IPv4 clients, short as it may be. */
static bool is_of_family(const struct prefix *prefix, bool ipv4)
{
	return address_is_ipv4(&prefix->addr) == ipv4;
}

const struct config_rule *rules_find(const struct config_rules *rules, const struct serin_addr *client)
{
	const struct config_rule *best = NULL;
	bool ipv4 = address_is_ipv4(client);
	size_t i;

	for (i = 0; i < rules->count; i++) {
		const struct prefix *prefix = &rules->items[i].prefix;

		if ((!best || prefix->bits > best->prefix.bits) && is_of_family(prefix, ipv4) &&
		    prefix_contains(prefix, client))
			best = &rules->items[i];
	}
	return best;
}

/* The trie knows addresses of one family only: where an IPv6 prefix such as ::/0 holds the place of the mapped IPv4
 * addresses, and no rule of theirs is as wide as all of them, an entry of its own says that nobody is placed there. */
static bool needs_guard(const struct config_rules *rules)
{
	bool covered = false;
	size_t i;

	for (i = 0; i < rules->count; i++) {
		const struct prefix *prefix = &rules->items[i].prefix;

		if (same_prefix(prefix, &all_ipv4))
			return false;
		covered |= prefix->bits < all_ipv4.bits && prefix_contains(prefix, &all_ipv4.addr);
	}
	return covered;
}

size_t rules_entry_count(const struct config_rules *rules)
{
	return rules->count + needs_guard(rules);
}

struct rule_entry *rules_entries(const struct config_rules *rules, const uint8_t *version_id)
{
	size_t count = rules_entry_count(rules), i;
	struct rule_entry *entries = calloc(count ? count : 1, sizeof(*entries));

	if (!entries)
		return NULL;
	for (i = 0; i < rules->count; i++) {
		entries[i].prefix = rules->items[i].prefix;
		entries[i].version = version_id[rules->items[i].version];
	}
	if (i < count) {
		entries[i].prefix = all_ipv4;
		entries[i].version = SERIN_NOT_PLACED;
		qsort(entries, count, sizeof(*entries), rule_entry_compare);
	}
	return entries;
}

int rule_entry_compare(const void *one, const void *other)
{
	const struct rule_entry *a = one, *b = other;

	return compare_prefixes(&a->prefix, &b->prefix);
}

bool rule_entries_equal(const struct rule_entry *a, const struct rule_entry *b, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (!same_prefix(&a[i].prefix, &b[i].prefix) || a[i].version != b[i].version)
			return false;
	}
	return true;
}
