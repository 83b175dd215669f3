/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages of rtnetlink about routes and neighbours, as plain structs and back. */
#include "rtnl.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "address.h"

const struct nlattr *rtnl_attribute(const struct nlmsghdr *message, size_t offset, uint16_t type)
{
	const struct nlattr *attribute;

	mnl_attr_for_each (attribute, message, offset) {
		if (mnl_attr_get_type(attribute) == type)
			return attribute;
	}
	return NULL;
}

uint32_t rtnl_attribute_u32(const struct nlmsghdr *message, size_t offset, uint16_t type)
{
	const struct nlattr *attribute = rtnl_attribute(message, offset, type);

	if (!attribute || mnl_attr_get_payload_len(attribute) < sizeof(uint32_t))
		return 0;
	return mnl_attr_get_u32(attribute);
}

static int family_of(const struct serin_addr *address)
{
	return address_is_ipv4(address) ? AF_INET : AF_INET6;
}

static void put_address(struct nlmsghdr *message, uint16_t type, const struct serin_addr *address)
{
	if (address_is_ipv4(address))
		mnl_attr_put(message, type, 4, &address->word[3]);
	else
		mnl_attr_put(message, type, sizeof(*address), address);
}

/* `length` bytes of an address of `family`, which need not be aligned. */
static bool parse_address(const void *bytes, size_t length, int family, struct serin_addr *ret)
{
	if (family == AF_INET6 && length >= sizeof(*ret)) {
		memcpy(ret, bytes, sizeof(*ret));
		return true;
	}
	if (family != AF_INET || length < 4)
		return false;
	memset(ret, 0, sizeof(*ret));
	memset(&ret->half[5], 0xff, sizeof(ret->half[5]));
	memcpy(&ret->word[3], bytes, 4);
	return true;
}

static bool parse_address_attribute(const struct nlattr *attribute, int family, struct serin_addr *ret)
{
	if (!attribute)
		return false;
	return parse_address(mnl_attr_get_payload(attribute), mnl_attr_get_payload_len(attribute), family, ret);
}

/* The gateway of an IPv4 route may be an IPv6 router (RFC 8950): then it comes as RTA_VIA, with its family. */
static void parse_next_hop(const struct nlmsghdr *message, int family, struct serin_addr *ret)
{
	const size_t header = sizeof(struct rtmsg), prefix = offsetof(struct rtvia, rtvia_addr);
	const struct nlattr *via = rtnl_attribute(message, header, RTA_VIA);
	const struct rtvia *hop;

	if (parse_address_attribute(rtnl_attribute(message, header, RTA_GATEWAY), family, ret))
		return;
	if (!via || mnl_attr_get_payload_len(via) < prefix)
		return;
	hop = mnl_attr_get_payload(via);
	parse_address(hop->rtvia_addr, mnl_attr_get_payload_len(via) - prefix, hop->rtvia_family, ret);
}

static int route_callback(const struct nlmsghdr *message, void *data)
{
	const struct rtmsg *header = mnl_nlmsg_get_payload(message);
	struct rtnl_route *route = data;

	if (message->nlmsg_type != RTM_NEWROUTE)
		return MNL_CB_OK;
	route->type = header->rtm_type;
	route->ifindex = rtnl_attribute_u32(message, sizeof(*header), RTA_OIF);
	parse_next_hop(message, header->rtm_family, &route->next_hop);
	parse_address_attribute(rtnl_attribute(message, sizeof(*header), RTA_PREFSRC), header->rtm_family,
				&route->source);
	return MNL_CB_OK;
}

int rtnl_get_route(struct rtnl *rtnl, const struct serin_addr *to, struct rtnl_route *ret)
{
	_Alignas(8) char buffer[RTNL_REQUEST_SIZE];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct rtnl_route route = { .next_hop = *to };
	struct rtmsg *header;
	int r;

	request->nlmsg_type = RTM_GETROUTE;
	header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
	header->rtm_family = (unsigned char)family_of(to);
	header->rtm_dst_len = address_is_ipv4(to) ? 32 : 128;
	put_address(request, RTA_DST, to);
	r = rtnl_talk(rtnl, request, route_callback, &route);
	if (r < 0)
		return r;
	if (!route.ifindex)
		return -ENETUNREACH;
	*ret = route;
	return 0;
}

bool rtnl_parse_neigh(const struct nlmsghdr *message, struct rtnl_neigh *ret)
{
	const struct ndmsg *header = mnl_nlmsg_get_payload(message);
	const struct nlattr *attribute;
	struct rtnl_neigh neigh = { 0 };

	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(*header)) || header->ndm_flags & NTF_PROXY)
		return false;
	attribute = rtnl_attribute(message, sizeof(*header), NDA_DST);
	if (!parse_address_attribute(attribute, header->ndm_family, &neigh.address))
		return false;
	neigh.ifindex = (unsigned int)header->ndm_ifindex;
	neigh.state = header->ndm_state;
	neigh.flags = header->ndm_flags;
	neigh.ext_flags = rtnl_attribute_u32(message, sizeof(*header), NDA_FLAGS_EXT);
	attribute = rtnl_attribute(message, sizeof(*header), NDA_PROTOCOL);
	if (attribute && mnl_attr_get_payload_len(attribute) >= 1)
		neigh.protocol = mnl_attr_get_u8(attribute);
	attribute = rtnl_attribute(message, sizeof(*header), NDA_LLADDR);
	if (attribute) {
		neigh.lladdr_len = (uint8_t)mnl_attr_get_payload_len(attribute);
		if (neigh.lladdr_len > RTNL_LLADDR_LEN)
			neigh.lladdr_len = RTNL_LLADDR_LEN;
		memcpy(neigh.lladdr, mnl_attr_get_payload(attribute), neigh.lladdr_len);
	}
	*ret = neigh;
	return true;
}

/* The states in which the kernel itself would send to the address (its NUD_VALID, which it does not export). */
bool rtnl_neigh_is_resolved(const struct rtnl_neigh *neigh)
{
	const unsigned int valid = NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY;

	return neigh->lladdr_len && neigh->state & valid;
}

struct nlmsghdr *rtnl_neigh_request(char *buffer, uint16_t type, unsigned int ifindex, const struct serin_addr *address,
				    uint16_t state)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct ndmsg *header;

	request->nlmsg_type = type;
	header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
	header->ndm_family = (uint8_t)family_of(address);
	header->ndm_ifindex = (int)ifindex;
	header->ndm_state = state;
	put_address(request, NDA_DST, address);
	return request;
}

static int neigh_callback(const struct nlmsghdr *message, void *data)
{
	if (message->nlmsg_type == RTM_NEWNEIGH)
		rtnl_parse_neigh(message, data);
	return MNL_CB_OK;
}

int rtnl_get_neigh(struct rtnl *rtnl, unsigned int ifindex, const struct serin_addr *address, struct rtnl_neigh *ret)
{
	_Alignas(8) char buffer[RTNL_REQUEST_SIZE];
	struct rtnl_neigh neigh = { 0 };
	int r;

	r = rtnl_talk(rtnl, rtnl_neigh_request(buffer, RTM_GETNEIGH, ifindex, address, 0), neigh_callback, &neigh);
	if (r < 0)
		return r;
	if (!neigh.ifindex)
		return -ENOENT;
	*ret = neigh;
	return 0;
}
