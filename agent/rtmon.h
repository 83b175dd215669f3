/* SPDX-License-Identifier: BSD-2-Clause */
/* Listens to rtnetlink for changes of routes, neighbours and links, and tells those that matter from chatter. */
#ifndef SERIN_RTMON_H
#define SERIN_RTMON_H

#include <stdbool.h>

#include "neigh_table.h"
#include "rtnl.h"

struct rtmon;

/* Subscribes, then reads the tables as they are now: nothing is missed in between. `rtnl` is for those dumps and is
 * used again by rtmon_process after an overrun. */
int rtmon_open(struct rtnl *rtnl, struct rtmon **ret);
struct rtmon *rtmon_close(struct rtmon *mon);

int rtmon_fd(const struct rtmon *mon);
struct neigh_table *rtmon_neighbours(struct rtmon *mon);

/* Reads what has come, up to a bound per call: the descriptor stays readable when there is more. A link that changed
 * counts as a change of routes too, since the kernel withdraws IPv4 routes of a link that goes down without a word. */
int rtmon_process(struct rtmon *mon, bool *ret_routes_changed, bool *ret_links_changed);

#endif
