/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the HTTP server share. */
#ifndef SERIN_HTTP_PRIVATE_H
#define SERIN_HTTP_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>
#include <microhttpd.h>

#include "http.h"
#include "token.h"

/* One connection, in a list for the sake of its age. */
struct connection {
	struct connection *next, **at;
	int fd;
	int64_t since_ms; /* it was made, or answered last */
	bool waits;
};

/* One request on its way in. */
struct exchange {
	char *body;
	size_t length;
	bool too_large;
	/* One that waits for something to happen. */
	struct MHD_Connection *mhd;
	struct connection *connection;
	struct exchange *next, **at; /* among the door's, while it is suspended */
	int64_t until_ms;            /* 0: has not waited yet */
};

struct door {
	struct http *http;
	struct MHD_Daemon *daemon;
	int fd; /* before the daemon owns it; -1: closed */
	bool is_unix;
	struct loop_source *timer;
	struct connection *connections;
	struct exchange *waiting;
	unsigned int waiting_count;
};

enum { DOOR_TCP, DOOR_UNIX, DOORS };

struct http {
	struct door doors[DOORS];
	char *socket_path;
	struct token token;
	bool has_token_file, is_closing;
	struct loop_source *wake_timer;
	http_fn fn;
	void *context;
};

/* Let the daemon do what there is to do. Not from inside a request. */
void http_drive(void *door);

/* http_wait.c: requests that wait for something to happen are suspended connections. */

/* Whether one more may, and this one's time is not over. */
bool http_may_wait(const struct door *door, const struct exchange *exchange);
/* Until it is woken; the time counts from its first call. */
void http_suspend(struct door *door, struct exchange *exchange, int wait_ms);
/* Those whose time is over at `now_ms` ask again. */
void http_resume_due(struct door *door, int64_t now_ms);
/* All ask again: a timer's function, on a struct http. */
void http_wake_now(void *http);
/* All are answered: the daemon cannot end while anybody waits, and what is said now may be the end itself. */
void http_answer_waiting(struct door *door);

#endif
