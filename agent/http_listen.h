/* SPDX-License-Identifier: BSD-2-Clause */
/* Listening sockets of the HTTP server. Used by http.c. */
#ifndef SERIN_HTTP_LISTEN_H
#define SERIN_HTTP_LISTEN_H

#include "address.h"
#include "complaint.h"

/* Non-blocking, close-on-exec. 0 and *ret_fd, or a negative errno and a complaint. */
int http_listen_tcp(const struct endpoint *at, int *ret_fd, struct complaint *complaint);

/* Make the directory of a socket (0755) when it is not there. */
int http_listen_make_directory(const char *path, struct complaint *complaint);

/* Replaces a socket that is there already, nothing else. */
int http_listen_unix(const char *path, int *ret_fd, struct complaint *complaint);

#endif
