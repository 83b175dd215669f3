/* SPDX-License-Identifier: BSD-2-Clause */
/* What the agent refuses, arranges or warns about on this host before it attaches. Everything is read in the network
 * namespace of the calling thread. */
#ifndef SERIN_HOSTCHECK_H
#define SERIN_HOSTCHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <serin/abi.h>
#include "complaint.h"

/* Whether IP forwarding is on for the families that are needed. -EPERM, and the sysctl to set, when it is not. */
int hostcheck_forwarding(bool ipv4, bool ipv6, struct complaint *complaint);

/* SNAT ports, and the protocols that they are used for. */
struct hostcheck_ports {
	uint16_t first, last;
	bool tcp, udp;
};

/* Whether the ports are free of the host's own sockets at the SNAT addresses: no listener there or on the wildcard
 * address, no connection from there. -EADDRINUSE names the first that is taken and the largest part of the range that is
 * not. Connections in TIME_WAIT do not count. A listener on [::] counts for IPv4 too: /proc does not tell whether it is
 * bound to IPv6 alone. */
int hostcheck_snat_ports(const struct hostcheck_ports *ports, const struct serin_addr *addresses, size_t count,
			 struct complaint *complaint);

/* Whether a process of this host listens on that port of the address, or of all addresses. */
int hostcheck_is_listening(const struct serin_addr *address, uint16_t port, uint8_t protocol, bool *ret_listening,
			   struct complaint *complaint);

/* Add the range to net.ipv4.ip_local_reserved_ports (which is IPv6's as well), so that the kernel takes none of it for
 * a connection of the host's own. Keeps what is reserved already; writes nothing when all of it is. */
int hostcheck_reserve_ports(uint16_t first, uint16_t last, struct complaint *complaint);

/* Whether the address is one of this host's, so that it answers ARP or neighbour discovery for it. */
int hostcheck_listener_address(const struct serin_addr *address, bool *ret_local);

/* The host's firewall rules that name one of the addresses as a destination, one per line, "" when there are none; the
 * caller frees. Packets that serin forwards never meet them. Best effort: looks where `nft` and `iptables-legacy-save`
 * are installed, gives each two seconds, and does not follow sets to the rules that use them. */
int hostcheck_firewall(const struct serin_addr *addresses, size_t count, char **ret_lines);

/* The part of it that reads: `text` is what `nft list ruleset` or `iptables-save` printed, `tool` begins every line.
 * Returns how many lines it wrote to `out`. Pure. */
size_t hostcheck_firewall_scan(const char *tool, const char *text, const struct serin_addr *addresses, size_t count,
			       FILE *out);

#endif
