/* SPDX-License-Identifier: BSD-2-Clause */
/* Peers: credentials on the Unix socket, addresses on TCP. */
#include "http_peer.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

void http_peer_name(int fd, char *buffer, size_t size)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length))
		snprintf(buffer, size, "unknown uid");
	else
		snprintf(buffer, size, "uid %u", peer.uid);
}

static bool is_loopback(const struct sockaddr_storage *addr)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)addr;
	const struct sockaddr_in *in = (const struct sockaddr_in *)addr;

	if (addr->ss_family == AF_INET)
		return ntohl(in->sin_addr.s_addr) >> 24 == 127;
	return addr->ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

static bool is_same_address(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET)
		return ((const struct sockaddr_in *)a)->sin_addr.s_addr ==
		       ((const struct sockaddr_in *)b)->sin_addr.s_addr;
	return !memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr, &((const struct sockaddr_in6 *)b)->sin6_addr,
		       sizeof(struct in6_addr));
}

bool http_peer_is_here(int fd)
{
	struct sockaddr_storage peer, own;
	socklen_t peer_length = sizeof(peer), own_length = sizeof(own);

	if (getpeername(fd, (struct sockaddr *)&peer, &peer_length) ||
	    getsockname(fd, (struct sockaddr *)&own, &own_length))
		return false;
	return is_loopback(&peer) || is_same_address(&peer, &own);
}
