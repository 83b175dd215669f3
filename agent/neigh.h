/* SPDX-License-Identifier: BSD-2-Clause */
/* Routes and neighbours over rtnetlink (libmnl): keeps the next hops of backends resolved, and tells when a next hop
 * that the kernel program has looked up may have changed. */
#ifndef SERIN_NEIGH_H
#define SERIN_NEIGH_H

#include <stdbool.h>
#include <stddef.h>

#include <serin/abi.h>
#include "complaint.h"

struct neigh;

/* A route as `ip route get` would answer: the way out, the next hop (the address itself when on-link), the source. */
struct neigh_route {
	unsigned int ifindex;
	struct serin_addr next_hop;
	struct serin_addr source;
};

/* Opens two netlink sockets: one for requests, one (non-blocking) that listens for changes of routes, neighbours
 * and links. */
int neigh_open(struct neigh **ret, struct complaint *complaint);
struct neigh *neigh_close(struct neigh *neigh);

/* -ENETUNREACH and a complaint when there is no route. */
int neigh_route(struct neigh *neigh, const struct serin_addr *to, struct neigh_route *ret, struct complaint *complaint);

/* Have the kernel keep the next hop towards these addresses resolved for good (NTF_EXT_MANAGED: it outlives the agent);
 * permanent entries are left as they are. Remembers the addresses. Call again when routes change. */
int neigh_watch(struct neigh *neigh, const struct serin_addr *addresses, size_t count, struct complaint *complaint);

/* How many of the watched next hops have no link-layer address yet. */
int neigh_unresolved(struct neigh *neigh);

/* For the event loop: readable when something changed; then neigh_process says whether next hops must be looked up
 * again (a route, a link, or the MAC address of a known neighbour changed). */
int neigh_fd(const struct neigh *neigh);
int neigh_process(struct neigh *neigh, bool *ret_routes_changed, bool *ret_links_changed);

#endif
