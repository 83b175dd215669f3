/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of metrics: written by the ten thousand, so without formats and without locks. */
#include "metrics_text.h"

#include <stdbool.h>
#include <string.h>

static void put(const struct metrics_out *out, const char *text)
{
	fputs_unlocked(text, out->file);
}

static void put_character(const struct metrics_out *out, char character)
{
	putc_unlocked(character, out->file);
}

static void put_number(const struct metrics_out *out, uint64_t number)
{
	char digits[24], *at = digits + sizeof(digits);

	do
		*--at = (char)('0' + number % 10);
	while (number /= 10);
	fwrite_unlocked(at, 1, (size_t)(digits + sizeof(digits) - at), out->file);
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
static void put_family(const struct metrics_out *out, const char *name, const char *suffix)
{
	size_t length = strlen(name), end = strlen(suffix);

	if (out->format == METRICS_OPENMETRICS && length > end && !strcmp(name + length - end, suffix))
		length -= end;
	fwrite_unlocked(name, 1, length, out->file);
}

void metrics_head(const struct metrics_out *out, const char *name, const char *type, const char *help)
{
	bool is_info = !strcmp(type, "info");
	const char *suffix = is_info ? "_info" : !strcmp(type, "counter") ? "_total" : "";

	put(out, "# HELP ");
	put_family(out, name, suffix);
	put_character(out, ' ');
	put(out, help);
	put(out, "\n# TYPE ");
	put_family(out, name, suffix);
	put_character(out, ' ');
	put(out, is_info && out->format == METRICS_TEXT ? "gauge" : type);
	put_character(out, '\n');
}

static void put_sample(const struct metrics_out *out, const char *name, const char *labels, const char *label,
		       const char *value)
{
	put(out, name);
	if (labels || label)
		put_character(out, '{');
	if (labels)
		put(out, labels);
	if (label) {
		if (labels)
			put_character(out, ',');
		put(out, label);
		put(out, "=\"");
		put(out, value);
		put_character(out, '"');
	}
	put(out, labels || label ? "} " : " ");
}

void metrics_count(const struct metrics_out *out, const char *name, const char *labels, const char *label,
		   const char *value, uint64_t count)
{
	put_sample(out, name, labels, label, value);
	put_number(out, count);
	put_character(out, '\n');
}

void metrics_real(const struct metrics_out *out, const char *name, const char *labels, double real)
{
	put_sample(out, name, labels, NULL, NULL);
	fprintf(out->file, "%.9g\n", real);
}
