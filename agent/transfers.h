/* SPDX-License-Identifier: BSD-2-Clause */
/* libcurl's transfers in the agent's loop: many under way, none waited for. */
#ifndef SERIN_TRANSFERS_H
#define SERIN_TRANSFERS_H

#include <stdbool.h>
#include <stdint.h>
#include <curl/curl.h>

#include "loop.h"

/* Any of them may add and remove transfers, but not free the lot. */
struct transfers_ops {
	/* libcurl is done with it: it is to be removed. */
	void (*done)(void *context, CURL *easy, CURLcode code);
	/* One of its sockets could not be waited for, for want of something on this host (errno): it will not end by
	 * itself. Called from within libcurl: to be noted, no more. */
	void (*deaf)(void *context, CURL *easy, int error);
	/* After each turn: how long the loop was held, callbacks included. NULL is fine. */
	void (*turned)(void *context, int64_t held_us);
};

struct transfers;

/* 0, -ENOMEM, or what epoll and timerfd gave. */
int transfers_new(struct loop *loop, const struct transfers_ops *ops, void *context, struct transfers **ret);
/* Without transfers any more, while its loop still exists, which must not run again. NULL is fine. Returns NULL. */
struct transfers *transfers_free(struct transfers *transfers);

/* It begins with the next transfers_hear, or in the loop's next turn after transfers_kick. 0 or -ENOMEM. */
int transfers_add(struct transfers *transfers, CURL *easy);
void transfers_kick(struct transfers *transfers);
/* Closes its connection if it was under way. Of one that was not added: nothing. */
void transfers_remove(struct transfers *transfers, CURL *easy);

/* Begin what was added, hear some of the sockets that have something to say, and what came of it. True when these were all: for callers with
 * deadlines of their own, since answers may have come in time while the loop was held elsewhere. */
bool transfers_hear(struct transfers *transfers);

#endif
