/* SPDX-License-Identifier: BSD-2-Clause */
/* A dump of the routing tables, of which only the gateways are kept. */
#include "gateways.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <linux/rtnetlink.h>

#include "rtnl.h"

struct search {
	const unsigned int *ifindexes;
	size_t ifindex_count;
	struct serin_addr *found;
	size_t count;
};

static bool is_ours(const struct search *search, unsigned int ifindex)
{
	for (size_t i = 0; i < search->ifindex_count; i++) {
		if (search->ifindexes[i] == ifindex)
			return true;
	}
	return false;
}

void gateways_insert(struct serin_addr *sorted, size_t *count, const struct serin_addr *addr)
{
	size_t low = 0, high = *count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = memcmp(&sorted[middle], addr, sizeof(*addr));

		if (!order)
			return;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (*count == GATEWAYS_MAX)
		return;
	memmove(&sorted[low + 1], &sorted[low], (*count - low) * sizeof(*sorted));
	sorted[low] = *addr;
	(*count)++;
}

static void add(struct search *search, unsigned int ifindex, int family, const void *bytes, size_t length)
{
	struct serin_addr addr = { .byte = { [10] = 0xff, [11] = 0xff } };

	if (!is_ours(search, ifindex))
		return;
	if (family == AF_INET && length >= 4)
		memcpy(&addr.byte[12], bytes, 4);
	else if (family == AF_INET6 && length >= sizeof(addr))
		memcpy(&addr, bytes, sizeof(addr));
	else
		return;
	if (family == AF_INET6 && addr.byte[0] == 0xfe && (addr.byte[1] & 0xc0) == 0x80)
		return;
	/* Thousands of routes share a few gateways. */
	gateways_insert(search->found, &search->count, &addr);
}

/* RTA_VIA: an IPv4 route by an IPv6 gateway (RFC 5549). */
static void add_attribute(struct search *search, unsigned int ifindex, int family, const struct nlattr *attribute)
{
	const struct rtvia *via = mnl_attr_get_payload(attribute);
	size_t length = mnl_attr_get_payload_len(attribute);

	if (mnl_attr_get_type(attribute) == RTA_GATEWAY)
		add(search, ifindex, family, via, length);
	else if (mnl_attr_get_type(attribute) == RTA_VIA && length > offsetof(struct rtvia, rtvia_addr))
		add(search, ifindex, via->rtvia_family, via->rtvia_addr, length - offsetof(struct rtvia, rtvia_addr));
}

static void add_multipath(struct search *search, int family, const struct nlattr *multipath)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(multipath);
	size_t left = mnl_attr_get_payload_len(multipath);
	const struct nlattr *attr; /* mnl_attr_for_each_payload asks for this name */

	while (left >= sizeof(*hop) && hop->rtnh_len >= sizeof(*hop) && hop->rtnh_len <= left) {
		size_t step = MNL_ALIGN(hop->rtnh_len);

		mnl_attr_for_each_payload((const void *)(hop + 1), hop->rtnh_len - sizeof(*hop))
			add_attribute(search, (unsigned int)hop->rtnh_ifindex, family, attr);
		if (step >= left)
			break;
		left -= step;
		hop = (const void *)((const char *)hop + step);
	}
}

static int on_route(const struct nlmsghdr *message, void *context)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(message);
	struct search *search = context;
	const struct nlattr *attribute;
	unsigned int ifindex;

	if (message->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len(message) < sizeof(*route) ||
	    route->rtm_type != RTN_UNICAST || route->rtm_flags & RTM_F_CLONED)
		return MNL_CB_OK;
	ifindex = rtnl_attribute_u32(message, sizeof(*route), RTA_OIF);
	mnl_attr_for_each (attribute, message, sizeof(*route)) {
		if (mnl_attr_get_type(attribute) == RTA_MULTIPATH)
			add_multipath(search, route->rtm_family, attribute);
		else
			add_attribute(search, ifindex, route->rtm_family, attribute);
	}
	return MNL_CB_OK;
}

int gateways_read(const unsigned int *ifindexes, size_t ifindex_count, struct serin_addr *ret, size_t *ret_count)
{
	struct search search = { .ifindexes = ifindexes, .ifindex_count = ifindex_count, .found = ret };
	struct rtnl *rtnl = calloc(1, sizeof(*rtnl));
	int r;

	if (!rtnl)
		return -ENOMEM;
	r = rtnl_open(rtnl);
	if (!r) {
		r = rtnl_dump(rtnl, RTM_GETROUTE, on_route, &search);
		rtnl_close(rtnl);
	}
	free(rtnl);
	if (r < 0)
		return r;
	*ret_count = search.count;
	return 0;
}
