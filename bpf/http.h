/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The first bytes of HTTP/1.x messages (RFC 9112, sections 3 and 4). */
#ifndef SERIN_HTTP_H
#define SERIN_HTTP_H

#include "scratch.h"

#define HTTP_UNREAD 0     /* not to be read as a status line */
#define HTTP_INTERIM (-1) /* 1xx: the answer is still to come */
#define HTTP_NO_METHOD (-1)

/* "HTTP/1.1 100 Continue" and two line ends: what servers send, and the answer perhaps right behind it. */
#define HTTP_CONTINUE_LENGTH 25

static __always_inline __u32 four(const __u8 *at)
{
	return (__u32)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

#define FOUR(a, b, c, d) ((__u32)(a) << 24 | (b) << 16 | (c) << 8 | (d))

static __always_inline bool is_upper(__u8 byte)
{
	return byte - 'A' < 26u;
}

/* enum serin_http_method, or HTTP_NO_METHOD: a request does not begin here. */
static __always_inline int http_method(const __u8 *at)
{
	switch (four(at)) {
	case FOUR('G', 'E', 'T', ' '):
		return SERIN_HTTP_GET;
	case FOUR('H', 'E', 'A', 'D'):
		return SERIN_HTTP_HEAD;
	case FOUR('P', 'O', 'S', 'T'):
		return SERIN_HTTP_POST;
	case FOUR('P', 'U', 'T', ' '):
		return SERIN_HTTP_PUT;
	case FOUR('P', 'A', 'T', 'C'):
		return SERIN_HTTP_PATCH;
	case FOUR('D', 'E', 'L', 'E'):
		return SERIN_HTTP_DELETE;
	case FOUR('O', 'P', 'T', 'I'):
		return SERIN_HTTP_OPTIONS;
	}
	if (is_upper(at[0]) && is_upper(at[1]) && is_upper(at[2]) && (is_upper(at[3]) || at[3] == ' '))
		return SERIN_HTTP_OTHER;
	return HTTP_NO_METHOD;
}

static __always_inline __u32 digit(__u8 byte)
{
	return byte - (__u32)'0';
}

/* The status, 100 to 599, or HTTP_UNREAD. */
static __always_inline int http_status(const __u8 *at)
{
	__u32 hundreds = digit(at[9]), tens = digit(at[10]), ones = digit(at[11]);

	if (four(at) != FOUR('H', 'T', 'T', 'P') || at[4] != '/' || at[5] != '1' || at[6] != '.' || at[8] != ' ' ||
	    hundreds - 1 > 4 || tens > 9 || ones > 9)
		return HTTP_UNREAD;
	return hundreds * 100 + tens * 10 + ones;
}

static __always_inline bool is_interim(int status)
{
	return status >= 100 && status < 200 && status != 101;
}

/* What the bytes in here->said answer: a status, HTTP_INTERIM or HTTP_UNREAD. */
static __always_inline int http_answer(const struct scratch *here)
{
	int status = http_status(here->said[0]);

	if (status == 100 && http_status(here->said[1]) != HTTP_UNREAD)
		status = http_status(here->said[1]);
	return is_interim(status) ? HTTP_INTERIM : status;
}

static __always_inline void http_count(struct serin_observed *count, int status)
{
	__u32 class = (__u32)status / 100, error = (__u32)status - 500;

	forget_bounds(class);
	if (class < SERIN_HTTP_CLASSES)
		count->classes[class]++;
	if (class != 5)
		return;
	if (error > SERIN_HTTP_SERVER_ERRORS - 2)
		error = SERIN_HTTP_SERVER_ERRORS - 1;
	forget_bounds(error);
	count->server_errors[error & (SERIN_HTTP_SERVER_ERRORS - 1)]++;
}

#endif
