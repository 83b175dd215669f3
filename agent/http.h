/* SPDX-License-Identifier: BSD-2-Clause */
/* HTTP over TCP and over the Unix socket: transport, bounds, and who is asking. What requests mean is api.h's. */
#ifndef SERIN_HTTP_H
#define SERIN_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "complaint.h"
#include "config.h"
#include "loop.h"

#define HTTP_MAX_BODY (64u * 1024)
#define HTTP_MAX_PARAMETERS 8

/* What the one who asks may do. */
enum http_access {
	HTTP_MAY_CHANGE, /* came in by the Unix socket, or has the token */
	HTTP_MAY_READ,   /* TCP from this host, without the token */
	HTTP_MAY_PROBE,  /* TCP from elsewhere, without the token: /healthz and /readyz */
};

struct http_parameter {
	const char *name, *value;
};

/* All of it belongs to the server and is good for the call. */
struct http_request {
	const char *method, *path; /* path: percent-decoded, without the query */
	struct http_parameter parameters[HTTP_MAX_PARAMETERS];
	size_t parameter_count; /* more than HTTP_MAX_PARAMETERS: the rest is missing */
	const char *if_match;   /* or NULL */
	const char *accept;     /* or NULL */
	const char *body;
	size_t body_length;
	bool body_too_large; /* then it is missing */
	enum http_access access;
	bool has_token_file; /* whether a token could change anything */
	bool may_wait;       /* a response's wait_ms is heeded */
	const char *by;      /* for the record: "uid 0", "token" */
};

struct http_response {
	unsigned int status;
	const char *content_type;
	const char *content_policy; /* a page's Content-Security-Policy, or NULL */
	char *body;                 /* malloc, given away; NULL: nothing */
	size_t body_length;
	char etag[16];  /* "": none; with its quotes */
	char allow[64]; /* "": none */
	bool challenge; /* a 401's WWW-Authenticate */
	int wait_ms;    /* > 0: none of the above yet; ask again after http_wake, or when so much time has passed */
};

/* Must fill in a status, or where the request may wait, wait_ms. */
typedef void (*http_fn)(void *context, const struct http_request *request, struct http_response *response);

struct http;

struct http_options {
	const struct config_http *config; /* TCP, when enabled */
	const char *socket_path;
	http_fn fn;
};

/* Bind both doors; nobody is answered before http_serve. The Unix socket is mode 0660, of group `serin` if there is
 * one; a stale one is replaced, so the caller must hold the agent's lock. */
int http_open(const struct http_options *options, struct http **ret, struct complaint *complaint);

/* Answer from the loop; `context` is for the function. */
int http_serve(struct http *http, void *context, struct loop *loop, struct complaint *complaint);

/* Something happened that requests may wait for. */
void http_wake(struct http *http);

/* Answers those who wait, and removes the Unix socket. NULL is fine. Returns NULL. */
struct http *http_close(struct http *http);

#endif
