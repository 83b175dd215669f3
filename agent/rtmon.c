/* SPDX-License-Identifier: BSD-2-Clause */
/* Listens to rtnetlink for changes of routes, neighbours and links, and tells those that matter from chatter. */
#include "rtmon.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#define DATAGRAMS_PER_CALL 512
#define RECEIVE_BUFFER (4 << 20) /* what the kernel may queue before it has to drop */

/* What of a link can change where, or how, packets leave. */
struct link {
	unsigned int ifindex;
	unsigned int flags; /* IFF_* of LINK_FLAGS */
	uint32_t mtu;
	uint32_t master;
	uint8_t mac[8]; /* RTNL_LLADDR_LEN count; a multiple of four leaves no padding, the struct is compared whole */
	char name[IFNAMSIZ];
};

_Static_assert(sizeof(struct link) == 40, "padding in struct link");

#define LINK_FLAGS (IFF_UP | IFF_RUNNING | IFF_NOARP)

struct rtmon {
	struct rtnl *rtnl;
	struct mnl_socket *socket;
	struct neigh_table *neighbours;
	struct link *links;
	size_t link_count, link_room;
	bool routes_changed, links_changed; /* of the call that is running */
	_Alignas(8) char buffer[RTNL_BUFFER_SIZE];
};

static const int groups[] = {
	RTNLGRP_LINK,      RTNLGRP_NEIGH,     RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
	RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, RTNLGRP_NEXTHOP,
};

static int subscribe(struct rtmon *mon)
{
	int size = RECEIVE_BUFFER, group, fd;
	size_t i;

	mon->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!mon->socket || mnl_socket_bind(mon->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	for (i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		group = groups[i];
		if (mnl_socket_setsockopt(mon->socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
			return -errno;
	}
	/* A small buffer only means more overruns, and those are dealt with. */
	fd = mnl_socket_get_fd(mon->socket);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return 0;
}

static bool parse_link(const struct nlmsghdr *message, struct link *ret)
{
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(message);
	const size_t offset = sizeof(*header);
	const struct nlattr *name = rtnl_attribute(message, offset, IFLA_IFNAME);
	const struct nlattr *mac = rtnl_attribute(message, offset, IFLA_ADDRESS);

	/* A bridge's and a wireless driver's news of a link come in messages of the same type, without the link. */
	if (header->ifi_family != AF_UNSPEC || !name)
		return false;
	memset(ret, 0, sizeof(*ret));
	ret->ifindex = (unsigned int)header->ifi_index;
	ret->flags = header->ifi_flags & LINK_FLAGS;
	ret->mtu = rtnl_attribute_u32(message, offset, IFLA_MTU);
	ret->master = rtnl_attribute_u32(message, offset, IFLA_MASTER);
	strncpy(ret->name, mnl_attr_get_str(name), sizeof(ret->name) - 1);
	if (mac && mnl_attr_get_payload_len(mac) == RTNL_LLADDR_LEN)
		memcpy(ret->mac, mnl_attr_get_payload(mac), RTNL_LLADDR_LEN);
	return true;
}

static struct link *find_link(struct rtmon *mon, unsigned int ifindex)
{
	size_t i;

	for (i = 0; i < mon->link_count; i++) {
		if (mon->links[i].ifindex == ifindex)
			return &mon->links[i];
	}
	return NULL;
}

static struct link *add_link(struct rtmon *mon)
{
	size_t room = mon->link_room ? mon->link_room * 2 : 16;
	struct link *links;

	if (mon->link_count == mon->link_room) {
		links = realloc(mon->links, room * sizeof(*links));
		if (!links)
			return NULL;
		mon->links = links;
		mon->link_room = room;
	}
	return &mon->links[mon->link_count++];
}

/* Attaching a program, for one, is announced like a change: compare with what was known. */
static void see_link(struct rtmon *mon, const struct nlmsghdr *message)
{
	struct link link, *known;

	if (!parse_link(message, &link))
		return;
	known = find_link(mon, link.ifindex);
	if (known && !memcmp(known, &link, sizeof(link)))
		return;
	mon->links_changed = true;
	if (!known)
		known = add_link(mon);
	if (known)
		*known = link;
}

static void lose_link(struct rtmon *mon, const struct nlmsghdr *message)
{
	struct link link, *known;

	if (!parse_link(message, &link))
		return;
	mon->links_changed = true;
	known = find_link(mon, link.ifindex);
	if (known)
		*known = mon->links[--mon->link_count];
}

static void see_neigh(struct rtmon *mon, const struct nlmsghdr *message)
{
	struct rtnl_neigh neigh;

	if (!rtnl_parse_neigh(message, &neigh))
		return;
	if (message->nlmsg_type == RTM_NEWNEIGH)
		mon->routes_changed |= neigh_table_update(mon->neighbours, &neigh);
	else
		mon->routes_changed |= neigh_table_remove(mon->neighbours, &neigh);
}

static int see_message(const struct nlmsghdr *message, void *data)
{
	struct rtmon *mon = data;

	switch (message->nlmsg_type) {
	case RTM_NEWLINK:
		see_link(mon, message);
		break;
	case RTM_DELLINK:
		lose_link(mon, message);
		break;
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		see_neigh(mon, message);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
	case RTM_NEWRULE:
	case RTM_DELRULE:
	case RTM_NEWNEXTHOP:
	case RTM_DELNEXTHOP:
		mon->routes_changed = true;
		break;
	}
	return MNL_CB_OK;
}

static int read_tables(struct rtmon *mon)
{
	int r = rtnl_dump(mon->rtnl, RTM_GETLINK, see_message, mon);

	if (r < 0)
		return r;
	return rtnl_dump(mon->rtnl, RTM_GETNEIGH, see_message, mon);
}

int rtmon_open(struct rtnl *rtnl, struct rtmon **ret)
{
	struct rtmon *mon = calloc(1, sizeof(*mon));
	int r = -ENOMEM;

	if (!mon)
		return r;
	mon->rtnl = rtnl;
	mon->neighbours = neigh_table_new();
	if (!mon->neighbours)
		goto out;
	r = subscribe(mon);
	if (r < 0)
		goto out;
	r = read_tables(mon);
	if (r < 0)
		goto out;
	*ret = mon;
	mon = NULL;
out:
	rtmon_close(mon);
	return r;
}

struct rtmon *rtmon_close(struct rtmon *mon)
{
	if (!mon)
		return NULL;
	if (mon->socket)
		mnl_socket_close(mon->socket);
	neigh_table_free(mon->neighbours);
	free(mon->links);
	free(mon);
	return NULL;
}

int rtmon_fd(const struct rtmon *mon)
{
	return mnl_socket_get_fd(mon->socket);
}

struct neigh_table *rtmon_neighbours(struct rtmon *mon)
{
	return mon->neighbours;
}

static void see_datagram(struct rtmon *mon, ssize_t length)
{
	const struct nlmsghdr *message = (const struct nlmsghdr *)mon->buffer;
	int left = (int)length;

	for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left))
		see_message(message, mon);
}

/* 1 when there may be more, 0 when there is none left. */
static int process_one(struct rtmon *mon, bool *ret_overrun)
{
	ssize_t length = mnl_socket_recvfrom(mon->socket, mon->buffer, sizeof(mon->buffer));

	if (length >= 0) {
		see_datagram(mon, length);
		return 1;
	}
	switch (errno) {
	case EAGAIN:
		return 0;
	case ENOBUFS: /* the kernel had to drop messages, */
	case ENOSPC:  /* or this one was cut off */
		*ret_overrun = true;
		return 1;
	case EINTR:
		return 1;
	default:
		return -errno;
	}
}

int rtmon_process(struct rtmon *mon, bool *ret_routes_changed, bool *ret_links_changed)
{
	bool overrun = false;
	int i, r = 1;

	mon->routes_changed = mon->links_changed = false;
	for (i = 0; i < DATAGRAMS_PER_CALL && r > 0; i++)
		r = process_one(mon, &overrun);
	if (r < 0)
		return r;
	/* Whatever was missed is covered by saying that all has changed. Should the dumps fail, the memory is merely
	 * old, and the next news that differs from it is reported as a change. */
	if (overrun) {
		mon->link_count = 0;
		read_tables(mon);
		mon->routes_changed = mon->links_changed = true;
	}
	*ret_routes_changed = mon->routes_changed || mon->links_changed;
	*ret_links_changed = mon->links_changed;
	return 0;
}
