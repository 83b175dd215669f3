/* SPDX-License-Identifier: BSD-2-Clause */
/* The agent's log: one line per decision, as key=value or JSON, on stderr. */
#ifndef SERIN_LOG_H
#define SERIN_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Not LOG_ERR and the like: those are syslog.h's. */
enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_KEYVALUE, LOG_JSON };

struct log_field {
	const char *key;  /* [a-z0-9_]+, a constant */
	const char *text; /* NULL: the number counts */
	int64_t number;
};

/* NULL is shown as nothing. */
static inline struct log_field log_text(const char *key, const char *text)
{
	return (struct log_field){ key, text ? text : "", 0 };
}

static inline struct log_field log_number(const char *key, int64_t number)
{
	return (struct log_field){ key, NULL, number };
}

/* log_info("attached", log_text("interface", name), log_text("mode", mode)); */
#define log_at(level, what, ...)                                                               \
	log_write((level), (const struct log_field[]){ log_text("msg", what), ##__VA_ARGS__ }, \
		  sizeof((struct log_field[]){ log_text("msg", what), ##__VA_ARGS__ }) / sizeof(struct log_field))
#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_at(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* 0, or -EINVAL when there is no level or format of that name. */
int log_parse_level(const char *name, enum log_level *ret);
int log_parse_format(const char *name, enum log_format *ret);

/* From now on: lines up to `level`, in `format`. Before: info, key=value. */
void log_setup(enum log_level level, enum log_format format);

/* One write(2) to stderr per line, so that lines of several writers do not mix. */
void log_write(enum log_level level, const struct log_field *fields, size_t count);

/* The line itself, final newline included. `ms`: milliseconds since 1970. Pure. */
void log_print(FILE *out, enum log_format format, int64_t ms, enum log_level level, const struct log_field *fields,
	       size_t count);

/* For lines that could come by the thousand: at most one per interval. All zero at first. */
struct log_limit {
	int64_t next_ms;
	unsigned int kept_back;
};

/* True when a line may be written at `now_ms`; *ret_kept_back then says how many were not since the last one. */
bool log_allowed(struct log_limit *limit, int64_t now_ms, int64_t interval_ms, unsigned int *ret_kept_back);

/* For lines that may come in bursts: `burst` at once, then `per_second` of them. All else zero at first. */
struct log_bucket {
	unsigned int per_second, burst;
	int64_t spent_ms; /* lines cost 1000 / per_second each: until when those that were written are paid for */
	unsigned int kept_back;
};

/* Like log_allowed. Pure. */
bool log_bucket_take(struct log_bucket *bucket, int64_t now_ms, unsigned int *ret_kept_back);

#endif
