/* SPDX-License-Identifier: BSD-2-Clause */
/* Where clients reach this host: its addresses, and the interfaces that have them. */
#ifndef SERIN_TRY_HOST_H
#define SERIN_TRY_HOST_H

#include <stddef.h>

#include <ifaddrs.h>
#include <serin/abi.h>
#include "complaint.h"
#include "config.h"

struct try_host {
	struct serin_addr addresses[CONFIG_MAX_LISTENERS];
	size_t address_count;
	struct config_interface interfaces[SERIN_MAX_DEVICES]; /* the loopback first, where it is up */
	size_t interface_count;
	size_t left_out_addresses, left_out_interfaces; /* because there is no room */
};

/* Addresses of the loopback first, then those that are routed, then link-local ones. An interface that has link-local IPv6
 * addresses alone is one that nobody gave an address to, such as a bridge's port: it is not taken. */
int try_host_look(struct try_host *ret, struct complaint *complaint);

/* The same from a list. Pure. */
void try_host_choose(const struct ifaddrs *list, struct try_host *ret);

#endif
