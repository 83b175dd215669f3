/* SPDX-License-Identifier: BSD-2-Clause */
/* Next hops, and the kernel's promise to keep them resolved (NTF_EXT_MANAGED, Linux 5.16): given and taken back. */
#ifndef SERIN_MANAGED_H
#define SERIN_MANAGED_H

#include <stdbool.h>
#include <stddef.h>

#include "rtnl.h"

struct next_hop {
	unsigned int ifindex;
	struct serin_addr address;
};

struct next_hops {
	struct next_hop *items;
	size_t count;
};

/* Put in order, each once. */
void next_hops_sort(struct next_hops *hops);
/* Of sorted ones. */
bool next_hops_contain(const struct next_hops *hops, const struct next_hop *hop);

/* Have the kernel resolve the neighbour and keep it so. Permanent entries, and those that somebody already has
 * managed, are left as they are. */
int managed_keep(struct rtnl *rtnl, const struct next_hop *hop);

/* Take it back for all neighbours that this agent, or one before it, has made managed, but for those to keep (sorted):
 * they would be probed for ever. Does all it can, returns the first error. */
int managed_release_others(struct rtnl *rtnl, const struct next_hops *keep);

#endif
