/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is at the other end of a connection. Used by http.c. */
#ifndef SERIN_HTTP_PEER_H
#define SERIN_HTTP_PEER_H

#include <stdbool.h>
#include <stddef.h>

/* Unix socket: "uid 0", or "unknown uid". */
void http_peer_name(int fd, char *buffer, size_t size);

/* TCP: whether the connection comes from this host (in its network namespace): from a loopback address, or from the
 * very address that it goes to. */
bool http_peer_is_here(int fd);

#endif
