/* SPDX-License-Identifier: BSD-2-Clause */
/* Notifications that are still to be delivered, and the keys of those that were ever taken on: bounded, and as JSON. Pure. */
#ifndef SERIN_OUTBOX_LIST_H
#define SERIN_OUTBOX_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "complaint.h"

#define OUTBOX_MAX 256         /* pending, of all */
#define OUTBOX_MAX_OF_URL 64   /* of one receiver: whoever is away for long must not crowd out the others */
#define OUTBOX_KEYS 512        /* remembered; a service makes some ten in a rollout */
#define OUTBOX_MAX_BODY 65536u /* bytes */

struct fetch;
struct outbox;

struct outbox_entry {
	char *service, *url, *key, *body;
	int64_t at; /* seconds since 1970: when it was taken on */
	/* Not kept in the file: after a restart each begins with its first attempt. */
	unsigned int attempts;
	int64_t due_ms;
	struct outbox *outbox;
	struct fetch *fetch; /* NULL: it is not being posted */
};

/* Entries in the order in which they were taken on. All zero: empty. */
struct outbox_list {
	struct outbox_entry *entries[OUTBOX_MAX];
	size_t count;
	char *keys[OUTBOX_KEYS]; /* a ring */
	size_t key_count, key_next;
};

/* Leaves it empty. */
void outbox_list_clear(struct outbox_list *list);

/* Whether something of this key was ever taken on, of the last so many. */
bool outbox_list_knows(const struct outbox_list *list, const char *key);
int outbox_list_remember(struct outbox_list *list, const char *key); /* 0 or -ENOMEM */

/* At the end; where it is full, *ret_dropped is the one that had to go (the oldest that is not being posted), to be freed by the
 * caller, else NULL. 0, -ENOMEM, -EMSGSIZE for too long a body, -ENOSPC when all are being posted. */
int outbox_list_add(struct outbox_list *list, const char *service, const char *url, const char *key, const char *body,
		    int64_t at, struct outbox_entry **ret_dropped);
void outbox_list_remove(struct outbox_list *list, struct outbox_entry *entry);
struct outbox_entry *outbox_entry_free(struct outbox_entry *entry); /* NULL is fine; returns NULL */

/* Whether no older one goes to the same receiver: only then may it be delivered. */
bool outbox_list_is_first(const struct outbox_list *list, size_t index);

/* Of attempt number `attempts` (from 1) that failed: ms until the next one. Doubles from `first_ms` up to `longest_ms`;
 * `random` takes up to half of it off, so that many who failed at once do not come back at once. */
int64_t outbox_backoff(unsigned int attempts, int64_t first_ms, int64_t longest_ms, uint32_t random);

char *outbox_list_encode(const struct outbox_list *list); /* to be freed; NULL: out of memory */
/* Into an empty list. 0, -ENOMEM; -EBADMSG and a complaint: damaged; -EPROTO and a complaint: of a newer serin's. */
int outbox_list_decode(const char *text, size_t length, struct outbox_list *ret, struct complaint *complaint);

#endif
