/* SPDX-License-Identifier: BSD-2-Clause */
/* What was last known of each neighbour's link-layer address, to tell a change that matters from the usual chatter of
 * neighbour states. Pure. */
#ifndef SERIN_NEIGH_TABLE_H
#define SERIN_NEIGH_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "rtnl.h"

/* Beyond that many neighbours, one that is not remembered always counts as changed. */
#define NEIGH_TABLE_MAX 65536u

struct neigh_table;

struct neigh_table *neigh_table_new(void); /* NULL: out of memory */
struct neigh_table *neigh_table_free(struct neigh_table *table);

/* True when a next hop that was looked up earlier may be wrong now: the link-layer address differs from the last one
 * that was known, a watched neighbour has got its first, or things had to be forgotten. States alone say nothing. */
bool neigh_table_update(struct neigh_table *table, const struct rtnl_neigh *neigh);

/* The kernel has dropped the entry. True when it was a watched one, which then has to be made again. The address is
 * remembered: the neighbour may come back with another, while a flow still uses the old one. */
bool neigh_table_remove(struct neigh_table *table, const struct rtnl_neigh *neigh);

/* Watched neighbours are never forgotten. */
void neigh_table_unwatch_all(struct neigh_table *table);
int neigh_table_watch(struct neigh_table *table, unsigned int ifindex, const struct serin_addr *address);

#endif
