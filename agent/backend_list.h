/* SPDX-License-Identifier: BSD-2-Clause */
/* A version's backends as a DNS name or a file gives them: sorted, each server once. Pure. */
#ifndef SERIN_BACKEND_LIST_H
#define SERIN_BACKEND_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"

#define BACKEND_LIST_MAX 1024u /* of one version; a longer list is refused whole */
#define BACKEND_WEIGHT_MAX 1000u

/* What the service asks of its backends. */
struct backend_form {
	enum serin_forward forward;
	bool ipv4, ipv6; /* the families that it can forward to */
};

/* By address, then by port. No item has a place: the configuration file does not name it. */
struct backend_list {
	struct config_backend *items;
	size_t count;
};

/* Append. -E2BIG when there are BACKEND_LIST_MAX, -ENOMEM; the list is then as before. */
int backend_list_add(struct backend_list *list, const struct config_backend *backend);

/* Sort, and let the same server twice be one with the sum of the weights. One-way modes rewrite no port: there, ports tell
 * no servers apart. */
void backend_list_settle(struct backend_list *list, enum serin_forward forward);

/* Of settled lists. */
bool backend_list_equal(const struct backend_list *one, const struct backend_list *other);

/* Free what it holds; it is empty then. */
void backend_list_clear(struct backend_list *list);

#endif
