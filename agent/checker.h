/* SPDX-License-Identifier: BSD-2-Clause */
/* Active checks and trial connections: asks backends by TCP or HTTP from the agent's loop, without ever waiting. */
#ifndef SERIN_CHECKER_H
#define SERIN_CHECKER_H

#include <stdint.h>

#include "address.h"
#include "health.h"
#include "loop.h"

#define CHECKER_MAX_RUNNING 512 /* checks under way; what is due beyond waits, and its timeout does not run yet */
#define CHECK_TEXT_LEN 96

enum check_kind {
	CHECK_TCP,  /* the handshake, nothing more */
	CHECK_HTTP, /* GET, no further than the status line */
};

struct check {
	enum check_kind kind;
	struct endpoint endpoint; /* both the address and the port */
	const char *path, *host;  /* HTTP: "/healthz"; a Host header, NULL: the endpoint. Copied. */
	uint16_t status_first, status_last;
	unsigned int every_ms;   /* 0: once, as soon as possible (a trial connection), and forgotten with its result */
	unsigned int timeout_ms; /* 1 at least; where it is longer than `every_ms`, checks are left out meanwhile */
};

enum check_verdict {
	CHECK_PASSED,
	CHECK_FAILED,
	CHECK_IMPOSSIBLE, /* of this host's doing (no descriptor, port or memory left): says nothing about the backend */
};

struct check_result {
	enum check_verdict verdict;
	enum health_reason why; /* of CHECK_FAILED, else HEALTH_NONE */
	/* "connected", "status 200", "connect: Connection refused", "status 503, expected 200-399",
	 * "answer: timeout after 1s". For the time of the call. */
	const char *text;
	unsigned int took_ms;
};

/* May set and remove checks, its own as well, but not free the checker. */
typedef void (*checker_fn)(void *context, unsigned int id, const struct check_result *result);

struct checker;

/* 0, -ENOMEM, or what epoll and timerfd gave. */
int checker_new(struct loop *loop, checker_fn fn, void *context, struct checker **ret);
/* While its loop still exists, which must not run again. NULL is fine. Returns NULL. */
struct checker *checker_free(struct checker *checker);

/* Check this backend (id below SERIN_MAX_BACKENDS) from now on, instead of what was set for the id before: a check
 * under way is dropped without a result. The same check once more changes nothing, unless it is one for once. The
 * moments of many checks are spread over `every_ms` by id. 0; -EINVAL for an id, endpoint, path, host or timeout that
 * cannot be; -ENOMEM. */
int checker_set(struct checker *checker, unsigned int id, const struct check *check);

/* No result comes any more. Of an id that has no check: nothing. */
void checker_remove(struct checker *checker, unsigned int id);

struct checker_figures {
	unsigned int checks, running;
	int64_t late_ms;     /* how long the longest waiting check has been due */
	int64_t longest_us;  /* that the loop was held in one go, callbacks included */
	uint64_t results[3]; /* by verdict */
};

void checker_measure(const struct checker *checker, struct checker_figures *ret);

#endif
