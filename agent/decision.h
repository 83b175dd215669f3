/* SPDX-License-Identifier: BSD-2-Clause */
/* A decision of the agent: one line in its log and one event in its ring, made in one place. */
#ifndef SERIN_DECISION_H
#define SERIN_DECISION_H

#include "events.h"
#include "log.h"

/* From now on decisions go into `events` too, and `added` is called after each; NULL: into the log alone, as at first. */
void decision_setup(struct events *events, void (*added)(void *context), void *context);

/* decision_make(LOG_LEVEL_INFO, EVENT_ROLLBACK, "rollback", text, log_text("service", name), ...);
 * `what` is the log line's msg, `text` the event's sentence. Lines beyond a rate are kept back and counted in the next
 * one (kept_back); events are not. */
#define decision_make(level, kind, what, text, ...)                                                               \
	decision_write((level), (kind), (text), (const struct log_field[]){ log_text("msg", what), __VA_ARGS__ }, \
		       sizeof((struct log_field[]){ log_text("msg", what), __VA_ARGS__ }) / sizeof(struct log_field))

/* The first field is the msg. */
void decision_write(enum log_level level, enum event_kind kind, const char *text, const struct log_field *fields,
		    size_t count);

#endif
