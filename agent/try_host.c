/* SPDX-License-Identifier: BSD-2-Clause */
/* The addresses of this host that a split can be had on, best ones first. */
#include "try_host.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "address.h"

enum rank { RANK_LOOPBACK, RANK_ROUTED, RANK_LINK_LOCAL, RANKS, RANK_NONE };

static bool read_address(const struct sockaddr *from, struct serin_addr *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (from && from->sa_family == AF_INET) {
		ret->half[5] = 0xffff;
		memcpy(&ret->word[3], &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
		return true;
	}
	if (from && from->sa_family == AF_INET6) {
		memcpy(ret->byte, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, 16);
		return true;
	}
	return false;
}

static bool is_link_local(const struct serin_addr *addr)
{
	if (address_is_ipv4(addr))
		return addr->byte[12] == 169 && addr->byte[13] == 254;
	return addr->byte[0] == 0xfe && (addr->byte[1] & 0xc0) == 0x80;
}

static enum rank rank_of(const struct ifaddrs *entry, struct serin_addr *ret_addr)
{
	if (!(entry->ifa_flags & IFF_UP) || !read_address(entry->ifa_addr, ret_addr))
		return RANK_NONE;
	if (is_link_local(ret_addr))
		return RANK_LINK_LOCAL;
	return entry->ifa_flags & IFF_LOOPBACK ? RANK_LOOPBACK : RANK_ROUTED;
}

/* An address with a label of its own is listed as "eth0:1". */
static bool is_of(const char *listed, const char *name)
{
	size_t length = strcspn(listed, ":");

	return strlen(name) == length && !strncmp(listed, name, length);
}

static bool has_interface(const struct try_host *host, const char *listed)
{
	for (size_t i = 0; i < host->interface_count; i++) {
		if (is_of(listed, host->interfaces[i].name))
			return true;
	}
	return false;
}

static bool has_address(const struct try_host *host, const struct serin_addr *addr)
{
	for (size_t i = 0; i < host->address_count; i++) {
		if (!memcmp(&host->addresses[i], addr, sizeof(*addr)))
			return true;
	}
	return false;
}

static void add_interface(struct try_host *host, const char *listed)
{
	size_t length = strcspn(listed, ":");

	if (has_interface(host, listed) || host->interface_count == SERIN_MAX_DEVICES || length >= CONFIG_INTERFACE_LEN)
		return;
	memcpy(host->interfaces[host->interface_count++].name, listed, length);
}

static void add_address(struct try_host *host, const struct serin_addr *addr)
{
	if (has_address(host, addr))
		return;
	if (host->address_count == CONFIG_MAX_LISTENERS)
		host->left_out_addresses++;
	else
		host->addresses[host->address_count++] = *addr;
}

static bool wants_interface(const struct ifaddrs *entry)
{
	struct serin_addr addr;
	enum rank rank = rank_of(entry, &addr);

	return rank != RANK_NONE && (rank != RANK_LINK_LOCAL || address_is_ipv4(&addr));
}

/* Each once, at the first of its addresses. */
static size_t count_left_out(const struct ifaddrs *list, const struct try_host *host)
{
	const struct ifaddrs *entry, *before;
	char name[CONFIG_INTERFACE_LEN];
	size_t count = 0;

	for (entry = list; entry; entry = entry->ifa_next) {
		if (!wants_interface(entry) || has_interface(host, entry->ifa_name))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(entry->ifa_name, ":"), entry->ifa_name);
		for (before = list; before != entry; before = before->ifa_next) {
			if (wants_interface(before) && is_of(before->ifa_name, name))
				break;
		}
		count += before == entry;
	}
	return count;
}

void try_host_choose(const struct ifaddrs *list, struct try_host *ret)
{
	const struct ifaddrs *entry;
	struct serin_addr addr;
	enum rank rank;

	memset(ret, 0, sizeof(*ret));
	for (rank = RANK_LOOPBACK; rank < RANKS; rank++) {
		for (entry = list; entry; entry = entry->ifa_next) {
			if (rank_of(entry, &addr) != rank)
				continue;
			if (wants_interface(entry))
				add_interface(ret, entry->ifa_name);
			/* Where there was no room for the interface, its address is still reached from this host. */
			if (rank != RANK_LINK_LOCAL || has_interface(ret, entry->ifa_name))
				add_address(ret, &addr);
		}
	}
	ret->left_out_interfaces = count_left_out(list, ret);
}

int try_host_look(struct try_host *ret, struct complaint *complaint)
{
	struct ifaddrs *list;

	if (getifaddrs(&list))
		return complain(complaint, -errno, "cannot read this host's addresses: %s", strerror(errno));
	try_host_choose(list, ret);
	freeifaddrs(list);
	if (!ret->address_count)
		return complain(complaint, -EADDRNOTAVAIL,
				"no interface of this host is up and has an address, "
				"expected at least the loopback (`ip link set lo up`)");
	return 0;
}
