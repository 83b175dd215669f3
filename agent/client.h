/* SPDX-License-Identifier: BSD-2-Clause */
/* Asking the agent: its HTTP API over the Unix socket. */
#ifndef SERIN_CLIENT_H
#define SERIN_CLIENT_H

#include <jansson.h>
#include "complaint.h"

#define CLIENT_TIMEOUT_MS 5000L
#define CLIENT_MAX_ANSWER (16u << 20) /* bytes; thousands of backends fit */

struct client;

/* Nothing is connected yet. 0, -ENOMEM, or -ENAMETOOLONG for a path that no Unix socket can have. */
int client_open(const char *socket_path, struct client **ret, struct complaint *complaint);
struct client *client_close(struct client *client); /* NULL is fine; returns NULL */

/* "/v1/services/NAME" and `rest`, the name percent-encoded. NULL: out of memory. The caller frees it. */
char *client_service_path(const char *service, const char *rest);

/* Text percent-encoded for a query. NULL: out of memory. The caller frees it. */
char *client_encode(const char *text);

/* One request and its answer, CLIENT_TIMEOUT_MS at most; `body` may be NULL. 0 and *ret (the caller drops the
 * reference), or a complaint and:
 *   -ENOENT, -ECONNREFUSED  no agent is there        -ETIMEDOUT  one is there but silent
 *   -ECONNRESET             it hung up               -EACCES     this user may not talk to it
 *   -EREMOTEIO              it refuses, in its own words
 *   -EBADMSG                that was no answer of an agent's
 * Keeps the connection for the next call. */
int client_call(struct client *client, const char *method, const char *path, const json_t *body, json_t **ret,
		struct complaint *complaint);

#endif
