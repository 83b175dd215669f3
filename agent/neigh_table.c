/* SPDX-License-Identifier: BSD-2-Clause */
/* What was last known of each neighbour's link-layer address: a hash table with linear probing. */
#include "neigh_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <serin/split.h>

#define FIRST_PLACES 256u /* a power of two */

struct entry {
	struct serin_addr address;
	unsigned int ifindex; /* 0: a free place */
	uint8_t lladdr[RTNL_LLADDR_LEN];
	uint8_t lladdr_len; /* 0: never known, of watched neighbours only */
	bool watched;
	bool live; /* the kernel has the entry, with its link-layer address */
};

struct neigh_table {
	struct entry *entries;
	size_t places; /* a power of two */
	size_t count;
	size_t expendable; /* neither live nor watched */
	uint64_t seed;     /* who is on the link must not be able to choose where entries go */
};

struct neigh_table *neigh_table_new(void)
{
	struct neigh_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->places = FIRST_PLACES;
	table->entries = calloc(table->places, sizeof(*table->entries));
	if (!table->entries)
		return neigh_table_free(table);
	if (getrandom(&table->seed, sizeof(table->seed), GRND_NONBLOCK) < 0)
		table->seed = (uintptr_t)table;
	return table;
}

struct neigh_table *neigh_table_free(struct neigh_table *table)
{
	if (!table)
		return NULL;
	free(table->entries);
	free(table);
	return NULL;
}

/* The entry of that key, or the free place where it would go. There is always one: the load stays under 3/4. */
static struct entry *find(const struct neigh_table *table, unsigned int ifindex, const struct serin_addr *address)
{
	uint64_t hash = serin_mix64(table->seed ^ address->quad[0]);
	struct entry *entry;
	size_t i;

	hash = serin_mix64(hash + address->quad[1]);
	hash = serin_mix64(hash ^ ifindex);
	for (i = hash;; i++) {
		entry = &table->entries[i & (table->places - 1)];
		if (!entry->ifindex)
			return entry;
		if (entry->ifindex == ifindex && !memcmp(&entry->address, address, sizeof(*address)))
			return entry;
	}
}

static bool is_expendable(const struct entry *entry)
{
	return entry->ifindex && !entry->live && !entry->watched;
}

/* Move what is worth keeping into a table of `places`. */
static int rebuild(struct neigh_table *table, size_t places, bool forget)
{
	struct neigh_table next = *table;
	const struct entry *entry;
	size_t i;

	next.entries = calloc(places, sizeof(*next.entries));
	if (!next.entries)
		return -ENOMEM;
	next.places = places;
	next.count = 0;
	next.expendable = 0;
	for (i = 0; i < table->places; i++) {
		entry = &table->entries[i];
		if (!entry->ifindex || (forget && is_expendable(entry)))
			continue;
		*find(&next, entry->ifindex, &entry->address) = *entry;
		next.count++;
		next.expendable += is_expendable(entry);
	}
	free(table->entries);
	*table = next;
	return 0;
}

/* Forget those that are gone, once there are too many. Not for a handful: each time costs a walk over all of them. */
static bool make_room(struct neigh_table *table, bool *ret_forgot)
{
	if (table->count < NEIGH_TABLE_MAX)
		return true;
	if (table->expendable < NEIGH_TABLE_MAX / 16 || rebuild(table, table->places, true) < 0)
		return false;
	*ret_forgot = true;
	return true;
}

/* The caller makes it live or watched. NULL: out of memory. */
static struct entry *insert(struct neigh_table *table, unsigned int ifindex, const struct serin_addr *address)
{
	struct entry *entry;

	if ((table->count + 1) * 4 > table->places * 3 && rebuild(table, table->places * 2, false) < 0)
		return NULL;
	entry = find(table, ifindex, address);
	entry->ifindex = ifindex;
	entry->address = *address;
	table->count++;
	return entry;
}

static void set_live(struct neigh_table *table, struct entry *entry, bool live)
{
	table->expendable -= is_expendable(entry);
	entry->live = live;
	table->expendable += is_expendable(entry);
}

static bool set_lladdr(struct entry *entry, const struct rtnl_neigh *neigh)
{
	bool changed = entry->lladdr_len != neigh->lladdr_len ||
		       memcmp(entry->lladdr, neigh->lladdr, sizeof(entry->lladdr));

	memcpy(entry->lladdr, neigh->lladdr, sizeof(entry->lladdr));
	entry->lladdr_len = neigh->lladdr_len;
	return changed;
}

/* A new neighbour changes nothing by itself: nobody can have used an address of its before. */
static bool learn(struct neigh_table *table, const struct rtnl_neigh *neigh)
{
	struct entry *entry;
	bool forgot = false;

	if (!make_room(table, &forgot))
		return true;
	entry = insert(table, neigh->ifindex, &neigh->address);
	if (!entry)
		return true;
	set_lladdr(entry, neigh);
	entry->live = true;
	return forgot;
}

bool neigh_table_update(struct neigh_table *table, const struct rtnl_neigh *neigh)
{
	struct entry *entry = find(table, neigh->ifindex, &neigh->address);

	if (!neigh->ifindex)
		return false;
	if (!rtnl_neigh_is_resolved(neigh)) {
		if (entry->ifindex)
			set_live(table, entry, false);
		return false;
	}
	if (!entry->ifindex)
		return learn(table, neigh);
	set_live(table, entry, true);
	return set_lladdr(entry, neigh);
}

bool neigh_table_remove(struct neigh_table *table, const struct rtnl_neigh *neigh)
{
	struct entry *entry = find(table, neigh->ifindex, &neigh->address);

	if (!entry->ifindex)
		return false;
	set_live(table, entry, false);
	return entry->watched;
}

void neigh_table_unwatch_all(struct neigh_table *table)
{
	size_t i;

	for (i = 0; i < table->places; i++) {
		struct entry *entry = &table->entries[i];

		if (!entry->watched)
			continue;
		entry->watched = false;
		table->expendable += is_expendable(entry);
	}
}

/* Past the limit if need be: there are never more of them than backends. */
int neigh_table_watch(struct neigh_table *table, unsigned int ifindex, const struct serin_addr *address)
{
	struct entry *entry = find(table, ifindex, address);

	if (!entry->ifindex) {
		entry = insert(table, ifindex, address);
		if (!entry)
			return -ENOMEM;
	} else {
		table->expendable -= is_expendable(entry);
	}
	entry->watched = true;
	return 0;
}
