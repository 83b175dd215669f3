/* SPDX-License-Identifier: BSD-2-Clause */
/* Routes and neighbours over rtnetlink: which next hops the backends have, and whether they are resolved. */
#include "neigh.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <linux/rtnetlink.h>

#include "address.h"
#include "managed.h"
#include "rtmon.h"
#include "rtnl.h"

struct neigh {
	struct rtnl rtnl;
	struct rtmon *mon;
	struct next_hops hops; /* of the watched addresses, sorted, each once */
	size_t unreachable;    /* watched addresses that have none */
};

int neigh_open(struct neigh **ret, struct complaint *complaint)
{
	struct neigh *neigh = calloc(1, sizeof(*neigh));
	int r;

	if (!neigh)
		return complain(complaint, -ENOMEM, "out of memory");
	r = rtnl_open(&neigh->rtnl);
	if (r < 0) {
		complain(complaint, r, "cannot open a netlink socket: %s", strerror(-r));
		goto out;
	}
	r = rtmon_open(&neigh->rtnl, &neigh->mon);
	if (r < 0) {
		complain(complaint, r, "cannot read links and neighbours over netlink: %s", strerror(-r));
		goto out;
	}
	*ret = neigh;
	neigh = NULL;
out:
	neigh_close(neigh);
	return r;
}

struct neigh *neigh_close(struct neigh *neigh)
{
	if (!neigh)
		return NULL;
	rtmon_close(neigh->mon);
	rtnl_close(&neigh->rtnl);
	free(neigh->hops.items);
	free(neigh);
	return NULL;
}

/* Kinds of route that refuse (unreachable, prohibit, blackhole) come as errors of their own. */
static bool means_unreachable(int error)
{
	return error == -ENETUNREACH || error == -EHOSTUNREACH || error == -EACCES || error == -EINVAL;
}

static int get_route(struct neigh *neigh, const struct serin_addr *to, struct rtnl_route *ret,
		     struct complaint *complaint)
{
	char text[ADDRESS_TEXT_LEN];
	struct rtnl_route route;
	int r = rtnl_get_route(&neigh->rtnl, to, &route);

	address_format(to, text);
	if (means_unreachable(r))
		return complain(complaint, -ENETUNREACH,
				"no route to %s (%s): expected one out of an interface of this host", text,
				strerror(-r));
	if (r < 0)
		return complain(complaint, r, "cannot look up the route to %s: %s", text, strerror(-r));
	if (route.type != RTN_UNICAST && route.type != RTN_LOCAL)
		return complain(complaint, -ENETUNREACH, "%s is a broadcast or multicast address: expected one host's",
				text);
	*ret = route;
	return 0;
}

int neigh_route(struct neigh *neigh, const struct serin_addr *to, struct neigh_route *ret, struct complaint *complaint)
{
	struct rtnl_route route;
	int r = get_route(neigh, to, &route, complaint);

	if (r < 0)
		return r;
	ret->ifindex = route.ifindex;
	ret->next_hop = route.next_hop;
	ret->source = route.source;
	return 0;
}

static int find_hop(struct neigh *neigh, const struct serin_addr *to, struct next_hop *ret, struct complaint *complaint)
{
	char text[ADDRESS_TEXT_LEN];
	struct rtnl_route route;
	int r = get_route(neigh, to, &route, complaint);

	if (r < 0)
		return r;
	if (route.type == RTN_LOCAL)
		return complain(complaint, -ENETUNREACH,
				"%s is an address of this host: expected one that is reached over an interface",
				address_format(to, text));
	ret->ifindex = route.ifindex;
	ret->address = route.next_hop;
	return 0;
}

/* An address without a route must not keep the others from being watched: the first complaint is kept, all are done. */
static int find_hops(struct neigh *neigh, const struct serin_addr *addresses, size_t count, struct next_hops *hops,
		     size_t *ret_unreachable, struct complaint *complaint)
{
	struct complaint why;
	size_t i, unreachable = 0;
	int r;

	for (i = 0; i < count; i++) {
		r = find_hop(neigh, &addresses[i], &hops->items[hops->count], &why);
		if (!r)
			hops->count++;
		else if (r != -ENETUNREACH)
			return complain(complaint, r, "%s", why.text);
		else if (!unreachable++)
			complain(complaint, r, "%s", why.text);
	}
	next_hops_sort(hops);
	*ret_unreachable = unreachable;
	return unreachable ? -ENETUNREACH : 0;
}

static int manage_all(struct neigh *neigh, const struct next_hops *hops, struct complaint *complaint)
{
	char text[ADDRESS_TEXT_LEN], name[IF_NAMESIZE];
	int r, first = 0;
	size_t i;

	for (i = 0; i < hops->count; i++) {
		const struct next_hop *hop = &hops->items[i];

		r = neigh_table_watch(rtmon_neighbours(neigh->mon), hop->ifindex, &hop->address);
		if (!r)
			r = managed_keep(&neigh->rtnl, hop);
		if (r < 0 && !first)
			first = complain(complaint, r, "cannot have the kernel keep neighbour %s on %s resolved: %s",
					 address_format(&hop->address, text),
					 if_indextoname(hop->ifindex, name) ? name : "a link that is gone",
					 strerror(-r));
	}
	return first;
}

int neigh_watch(struct neigh *neigh, const struct serin_addr *addresses, size_t count, struct complaint *complaint)
{
	struct next_hops hops = { .items = calloc(count + 1, sizeof(*hops.items)) };
	struct neigh_table *table = rtmon_neighbours(neigh->mon);
	size_t unreachable = 0;
	int r, first;

	if (!hops.items)
		return complain(complaint, -ENOMEM, "out of memory");
	first = find_hops(neigh, addresses, count, &hops, &unreachable, complaint);
	if (first < 0 && first != -ENETUNREACH) {
		free(hops.items);
		return first;
	}
	free(neigh->hops.items);
	neigh->hops = hops;
	neigh->unreachable = unreachable;
	neigh_table_unwatch_all(table);
	r = manage_all(neigh, &hops, first ? NULL : complaint);
	first = first ? first : r;
	r = managed_release_others(&neigh->rtnl, &hops);
	if (r < 0 && !first)
		first = complain(complaint, r, "cannot release neighbours that are no longer needed: %s", strerror(-r));
	return first;
}

int neigh_unresolved(struct neigh *neigh)
{
	size_t i, unresolved = neigh->unreachable;
	struct rtnl_neigh entry;
	int r;

	for (i = 0; i < neigh->hops.count; i++) {
		r = rtnl_get_neigh(&neigh->rtnl, neigh->hops.items[i].ifindex, &neigh->hops.items[i].address, &entry);
		if (r == -ETIMEDOUT)
			return r;
		if (r < 0 || !rtnl_neigh_is_resolved(&entry))
			unresolved++;
	}
	return (int)unresolved;
}

int neigh_fd(const struct neigh *neigh)
{
	return rtmon_fd(neigh->mon);
}

int neigh_process(struct neigh *neigh, bool *ret_routes_changed, bool *ret_links_changed)
{
	return rtmon_process(neigh->mon, ret_routes_changed, ret_links_changed);
}
