/* SPDX-License-Identifier: BSD-2-Clause */
/* Which format a scraper wants, by its Accept header (RFC 9110, section 12.5.1). */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "metrics.h"

#define OPENMETRICS "application/openmetrics-text"

const char *metrics_content_type(enum metrics_format format)
{
	return format == METRICS_OPENMETRICS ? OPENMETRICS "; version=1.0.0; charset=utf-8"
					     : "text/plain; version=0.0.4; charset=utf-8";
}

/* One range of the list: where its parameters begin, and where it ends. */
static const char *end_of(const char *range)
{
	return range + strcspn(range, ",");
}

static const char *skip_space(const char *text)
{
	return text + strspn(text, " \t");
}

/* The value of a parameter of the range, or NULL. */
static const char *parameter(const char *range, const char *name)
{
	size_t length = strlen(name);
	const char *end = end_of(range), *at = range;

	while ((at = memchr(at, ';', (size_t)(end - at)))) {
		at = skip_space(at + 1);
		if (!strncasecmp(at, name, length) && at[length] == '=')
			return at + length + 1;
	}
	return NULL;
}

static bool is_type(const char *range, const char *type)
{
	size_t length = strlen(type);

	return !strncasecmp(range, type, length) && strchr(";, \t", range[length]);
}

/* Versions that were never published are not ours. */
static bool is_version_of_ours(const char *range)
{
	const char *version = parameter(range, "version");

	if (version && *version == '"')
		version++;
	return !version || !strncmp(version, "1.0.0", 5) || !strncmp(version, "0.0.1", 5);
}

static double quality(const char *range)
{
	const char *q = parameter(range, "q");

	return q ? strtod(q, NULL) : 1;
}

enum metrics_format metrics_choose(const char *accept)
{
	double open = 0, text = 0, q;

	for (const char *range = accept ? accept : ""; *range;) {
		range = skip_space(range);
		q = quality(range);
		if (is_type(range, OPENMETRICS) && is_version_of_ours(range) && q > open)
			open = q;
		else if (is_type(range, "text/plain") && q > text)
			text = q;
		range = end_of(range);
		range += *range == ',';
	}
	return open > text ? METRICS_OPENMETRICS : METRICS_TEXT;
}
