/* SPDX-License-Identifier: BSD-2-Clause */
/* Log lines: quoting for key=value and JSON, levels, a rate limit. */
#include "log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const level_names[] = { "error", "warn", "info", "debug" };
static const char *const format_names[] = { "keyvalue", "json" };

static enum log_level max_level = LOG_LEVEL_INFO;
static enum log_format line_format = LOG_KEYVALUE;

static int find_name(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(name, names[i]))
			return (int)i;
	}
	return -EINVAL;
}

int log_parse_level(const char *name, enum log_level *ret)
{
	int i = find_name(name, level_names, sizeof(level_names) / sizeof(level_names[0]));

	if (i < 0)
		return i;
	*ret = (enum log_level)i;
	return 0;
}

int log_parse_format(const char *name, enum log_format *ret)
{
	int i = find_name(name, format_names, sizeof(format_names) / sizeof(format_names[0]));

	if (i < 0)
		return i;
	*ret = (enum log_format)i;
	return 0;
}

void log_setup(enum log_level level, enum log_format format)
{
	max_level = level;
	line_format = format;
}

static bool is_continuation(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* Bytes of the well-formed UTF-8 sequence at `s` (RFC 3629: neither overlong, surrogate nor past U+10FFFF), or 0. */
static size_t utf8_length(const unsigned char *s)
{
	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		return is_continuation(s[1]) ? 2 : 0;
	if ((s[0] & 0xf0) == 0xe0) {
		if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f))
			return 0;
		return is_continuation(s[1]) && is_continuation(s[2]) ? 3 : 0;
	}
	if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		if ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
			return 0;
		return is_continuation(s[1]) && is_continuation(s[2]) && is_continuation(s[3]) ? 4 : 0;
	}
	return 0;
}

/* A C1 control character (U+0080 to U+009F) moves a terminal's cursor like the old ones below U+0020. */
static bool is_control(const unsigned char *s)
{
	return s[0] < 0x20 || s[0] == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0);
}

static bool is_bare(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	for (; *s; s++) {
		if (*s <= ' ' || *s >= 0x7f || strchr("=\"\\", *s))
			return false;
	}
	return s != (const unsigned char *)text;
}

static void print_escape(FILE *out, enum log_format format, unsigned char c, bool valid)
{
	if (c == '\n')
		fputs("\\n", out);
	else if (c == '\t')
		fputs("\\t", out);
	else if (format == LOG_JSON && valid)
		fprintf(out, "\\u%04x", c);
	else if (format == LOG_JSON)
		fputs("\\ufffd", out);
	else
		fprintf(out, "\\x%02x", c);
}

static void print_quoted(FILE *out, enum log_format format, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	fputc('"', out);
	while (*s) {
		size_t length = utf8_length(s);

		if (!length || is_control(s)) {
			/* the second byte of a C1 character is its code point */
			print_escape(out, format, length == 2 ? s[1] : s[0], length != 0);
		} else {
			if (*s == '"' || *s == '\\')
				fputc('\\', out);
			fwrite(s, 1, length, out);
		}
		s += length ? length : 1;
	}
	fputc('"', out);
}

static void print_field(FILE *out, enum log_format format, const struct log_field *field)
{
	if (format == LOG_JSON)
		fprintf(out, ",\"%s\":", field->key);
	else
		fprintf(out, " %s=", field->key);
	if (!field->text)
		fprintf(out, "%lld", (long long)field->number);
	else if (format == LOG_KEYVALUE && is_bare(field->text))
		fputs(field->text, out);
	else
		print_quoted(out, format, field->text);
}

void log_print(FILE *out, enum log_format format, int64_t ms, enum log_level level, const struct log_field *fields,
	       size_t count)
{
	time_t seconds = (time_t)(ms / 1000);
	char when[32] = "";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	if (format == LOG_JSON)
		fprintf(out, "{\"time\":\"%s.%03dZ\",\"level\":\"%s\"", when, (int)(ms % 1000), level_names[level]);
	else
		fprintf(out, "time=%s.%03dZ level=%s", when, (int)(ms % 1000), level_names[level]);
	for (size_t i = 0; i < count; i++)
		print_field(out, format, &fields[i]);
	fputs(format == LOG_JSON ? "}\n" : "\n", out);
}

void log_write(enum log_level level, const struct log_field *fields, size_t count)
{
	struct timespec now;
	char *line = NULL;
	size_t length = 0;
	FILE *out;

	if (level > max_level)
		return;
	out = open_memstream(&line, &length);
	if (!out)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	log_print(out, line_format, now.tv_sec * 1000 + now.tv_nsec / 1000000, level, fields, count);
	if (!fclose(out) && write(STDERR_FILENO, line, length) < 0) {
		/* nobody is left to be told */
	}
	free(line);
}

bool log_allowed(struct log_limit *limit, int64_t now_ms, int64_t interval_ms, unsigned int *ret_kept_back)
{
	if (now_ms < limit->next_ms) {
		limit->kept_back++;
		return false;
	}
	*ret_kept_back = limit->kept_back;
	limit->kept_back = 0;
	limit->next_ms = now_ms + interval_ms;
	return true;
}

bool log_bucket_take(struct log_bucket *bucket, int64_t now_ms, unsigned int *ret_kept_back)
{
	int64_t cost = 1000 / (int64_t)bucket->per_second;

	if (bucket->spent_ms < now_ms)
		bucket->spent_ms = now_ms;
	if (bucket->spent_ms + cost > now_ms + cost * (int64_t)bucket->burst) {
		bucket->kept_back++;
		return false;
	}
	bucket->spent_ms += cost;
	*ret_kept_back = bucket->kept_back;
	bucket->kept_back = 0;
	return true;
}
