/* SPDX-License-Identifier: BSD-2-Clause */
/* The last decisions of the agent, in a ring: what was done, by whom, why, and the figures it was done on. Pure. */
#ifndef SERIN_EVENTS_H
#define SERIN_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include "log.h"

#define EVENTS_KEPT 1000
#define EVENT_TEXT_LEN 640

/* The name that is shown, and what it stands for. */
#define EVENT_KINDS(X)                                                      \
	X(START, start, "the agent is at work")                             \
	X(STOP, stop, "the agent ends")                                     \
	X(WEIGHT, weight, "shares were set")                                \
	X(ROLLBACK, rollback, "versions on trial got no share")             \
	X(ROLLOUT, rollout, "a rollout has moved, or was moved")            \
	X(BACKEND, backend, "a backend was taken out by hand, or put back") \
	X(RELOAD, reload, "the configuration was read again")               \
	X(FAILED, failed, "a change was wanted and could not be made")      \
	X(RESET, reset, "connections are being reset")                      \
	X(EMPTIED, emptied, "a backend has no connections any more")        \
	X(EXHAUSTED, exhausted, "new connections find no room")             \
	X(INTERFACE, interface, "programs came to or went from an interface")

enum event_kind {
#define EVENT_ENUM(upper, label, text) EVENT_##upper,
	EVENT_KINDS(EVENT_ENUM)
#undef EVENT_ENUM
		EVENT_KIND_COUNT
};

const char *event_kind_name(enum event_kind kind);

struct events;

/* `ms`: milliseconds since 1970. Ids go on from there, so that those of the next agent are larger and whoever has seen
 * events up to one id goes on behind it. */
int events_new(int64_t ms, struct events **ret);
struct events *events_free(struct events *events); /* NULL is fine; returns NULL */

/* The newest one; the oldest may have to go. `text`: one sentence. Fields "service", "by" and "reason" are the event's
 * own, all others are its figures. 0 or -ENOMEM, and then nothing was added. */
int events_add(struct events *events, int64_t ms, enum event_kind kind, const char *text,
	       const struct log_field *fields, size_t count);

/* Of the newest one; one less than the first will have where there is none. */
uint64_t events_newest(const struct events *events);

/* What is asked for. */
struct events_filter {
	uint64_t after;      /* ids above this one */
	const char *service; /* NULL: all, those that are about no service included */
	size_t limit;        /* the newest so many */
};

/* Whether it would show any. */
bool events_any(const struct events *events, const struct events_filter *filter);
/* Whether one is kept that is about this service. */
bool events_know_service(const struct events *events, const char *service);

/* A list, the oldest first. NULL: out of memory. */
json_t *events_to_json(const struct events *events, const struct events_filter *filter);

#endif
