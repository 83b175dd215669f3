/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of metrics: written by the ten thousand while nothing else is done, so without formats and streams. */
#include "metrics_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool make_room(struct metrics_out *out, size_t more)
{
	size_t room = 4 * out->room + more + 65536; /* untouched pages cost nothing */
	char *text = out->failed ? NULL : realloc(out->text, room);

	if (!text) {
		out->failed = true;
		return false;
	}
	out->text = text;
	out->room = room;
	return true;
}

static void put_bytes(struct metrics_out *out, const char *bytes, size_t length)
{
	if (out->used + length > out->room && !make_room(out, length))
		return;
	memcpy(out->text + out->used, bytes, length);
	out->used += length;
}

void metrics_put(struct metrics_out *out, const char *text)
{
	put_bytes(out, text, strlen(text));
}

static void put_number(struct metrics_out *out, uint64_t number)
{
	char digits[24], *at = digits + sizeof(digits);

	do
		*--at = (char)('0' + number % 10);
	while (number /= 10);
	put_bytes(out, at, (size_t)(digits + sizeof(digits) - at));
}

static size_t escape(const char *value, char *to, size_t room)
{
	size_t used = 0;

	for (; *value && used + 3 < room; value++) {
		if (*value == '\n' || *value == '"' || *value == '\\')
			to[used++] = '\\';
		to[used++] = *value == '\n' ? 'n' : *value;
	}
	return *value ? room : used;
}

void metrics_add_label(char labels[METRICS_LABELS_LEN], const char *name, const char *value)
{
	size_t used = strlen(labels), room, length;
	char escaped[METRICS_LABELS_LEN];

	room = METRICS_LABELS_LEN - used;
	length = escape(value, escaped, sizeof(escaped));
	if (length >= sizeof(escaped) || strlen(name) + length + sizeof(",=\"\"") > room)
		return;
	snprintf(labels + used, room, "%s%s=\"%.*s\"", used ? "," : "", name, (int)length, escaped);
}

/* OpenMetrics: a family is called what its samples are called without their suffix. */
static void put_family(struct metrics_out *out, const char *name, const char *suffix)
{
	size_t length = strlen(name), end = strlen(suffix);

	if (out->format == METRICS_OPENMETRICS && length > end && !strcmp(name + length - end, suffix))
		length -= end;
	put_bytes(out, name, length);
}

void metrics_head(struct metrics_out *out, const char *name, const char *type, const char *help)
{
	bool is_info = !strcmp(type, "info");
	const char *suffix = is_info ? "_info" : !strcmp(type, "counter") ? "_total" : "";

	metrics_put(out, "# HELP ");
	put_family(out, name, suffix);
	metrics_put(out, " ");
	metrics_put(out, help);
	metrics_put(out, "\n# TYPE ");
	put_family(out, name, suffix);
	metrics_put(out, " ");
	metrics_put(out, is_info && out->format == METRICS_TEXT ? "gauge" : type);
	metrics_put(out, "\n");
}

static void put_sample(struct metrics_out *out, const char *name, const char *labels, const char *label,
		       const char *value)
{
	metrics_put(out, name);
	if (labels || label)
		metrics_put(out, "{");
	if (labels)
		metrics_put(out, labels);
	if (label) {
		if (labels)
			metrics_put(out, ",");
		metrics_put(out, label);
		metrics_put(out, "=\"");
		metrics_put(out, value);
		metrics_put(out, "\"");
	}
	metrics_put(out, labels || label ? "} " : " ");
}

void metrics_count(struct metrics_out *out, const char *name, const char *labels, const char *label, const char *value,
		   uint64_t count)
{
	put_sample(out, name, labels, label, value);
	put_number(out, count);
	metrics_put(out, "\n");
}

void metrics_real(struct metrics_out *out, const char *name, const char *labels, double real)
{
	char text[32];

	put_sample(out, name, labels, NULL, NULL);
	snprintf(text, sizeof(text), "%.9g\n", real);
	metrics_put(out, text);
}
