/* SPDX-License-Identifier: BSD-2-Clause */
/* One HTTP request and its answer, in the agent's loop, without ever waiting: for queries and webhooks. */
#ifndef SERIN_FETCH_H
#define SERIN_FETCH_H

#include <stdbool.h>
#include <stddef.h>

#include "loop.h"

struct fetch_request {
	const char *url;    /* http or https; redirects are not followed */
	const char *body;   /* JSON to POST; NULL: GET */
	const char *header; /* one more line, "Idempotency-Key: 7"; NULL: none */
	unsigned int timeout_ms;
	size_t limit; /* bytes of the answer's body that are kept: what comes behind is not waited for */
};

struct fetch_answer {
	int status;      /* 0: none came */
	const char *why; /* the answer is not whole, or there is none, in words: "timeout after 5s"; "": it is */
	const char *body;
	size_t length;            /* a NUL follows */
	bool cut;                 /* there was more than `limit` */
	unsigned int retry_after; /* seconds that the server asked for; 0: it did not */
};

/* Its fetch is over. May start and cancel others, but not free the fetcher. */
typedef void (*fetch_fn)(void *context, const struct fetch_answer *answer);

struct fetcher;
struct fetch; /* under way */

/* 0, -ENOMEM, or what epoll and timerfd gave. */
int fetcher_new(struct loop *loop, struct fetcher **ret);
/* While its loop still exists, which must not run again. No answers come any more. NULL is fine. Returns NULL. */
struct fetcher *fetcher_free(struct fetcher *fetcher);

/* All of the request is copied. The answer comes from the loop, never from here: a URL that is none is an answer too.
 * 0 or -ENOMEM. */
int fetch_start(struct fetcher *fetcher, const struct fetch_request *request, fetch_fn fn, void *context,
		struct fetch **ret);
/* No answer comes. NULL is fine. Returns NULL. */
struct fetch *fetch_cancel(struct fetch *fetch);

/* Scheme, host and port of a URL, for people to read: paths of webhooks are secrets. Writes at most `size` bytes, returns
 * `buffer`. */
const char *fetch_origin(const char *url, char *buffer, size_t size);

/* Text of a stranger's, on one line and cut to `size` bytes. Returns `buffer`. */
const char *fetch_quote(const char *text, char *buffer, size_t size);

#endif
