/* SPDX-License-Identifier: BSD-2-Clause */
/* A parser of metrics in both formats that forgives nothing. */
#ifndef SERIN_TESTS_METRICS_PARSER_H
#define SERIN_TESTS_METRICS_PARSER_H

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metrics.h"

#define MAX_SAMPLES 512
#define MAX_FAMILIES 64

/* What the parser found: samples as "name{labels}" with their value, families in order. */
struct parsed {
	struct {
		char key[512];
		double value;
	} samples[MAX_SAMPLES];
	size_t sample_count;
	struct {
		char name[128], type[16];
	} families[MAX_FAMILIES];
	size_t family_count;
	enum metrics_format format;
	bool has_ended; /* OpenMetrics: "# EOF" */
};

static inline size_t name_length(const char *text)
{
	size_t n = 0;

	while (isalpha((unsigned char)text[n]) || text[n] == '_' || (n && isdigit((unsigned char)text[n])))
		n++;
	return n;
}

/* `{name="value",...}`: returns what comes after it. */
static inline const char *skip_labels(const char *text)
{
	assert_int_equal(*text++, '{');
	for (;;) {
		size_t n = name_length(text);

		assert_true(n > 0);
		text += n;
		assert_int_equal(*text++, '=');
		assert_int_equal(*text++, '"');
		for (; *text != '"'; text++) {
			assert_true(*text && *text != '\n');
			if (*text == '\\') {
				text++;
				assert_true(*text == '\\' || *text == '"' || *text == 'n');
			}
		}
		text++;
		if (*text == '}')
			return text + 1;
		assert_int_equal(*text++, ',');
	}
}

static inline bool ends_with(const char *text, size_t length, const char *end)
{
	return length > strlen(end) && !memcmp(text + length - strlen(end), end, strlen(end));
}

/* What promtool asks of names; and OpenMetrics, whose families have no suffix. */
static inline void check_name(const struct parsed *parsed, const char *name, const char *type)
{
	bool is_text = parsed->format == METRICS_TEXT, is_counter = !strcmp(type, "counter");

	assert_true(is_counter || !strcmp(type, "gauge") || !strcmp(type, "histogram") ||
		    (!is_text && !strcmp(type, "info")));
	assert_int_equal(ends_with(name, strlen(name), "_total"), is_text && is_counter);
	assert_false(!is_text && ends_with(name, strlen(name), "_info"));
}

/* What a sample of a family may be called behind its name. */
static inline bool is_suffix(const struct parsed *parsed, const char *type, const char *suffix, size_t length)
{
	char text[16];

	snprintf(text, sizeof(text), "%.*s", (int)length, suffix);
	if (!strcmp(type, "histogram"))
		return !strcmp(text, "_bucket") || !strcmp(text, "_sum") || !strcmp(text, "_count");
	if (parsed->format == METRICS_TEXT)
		return !length;
	return !strcmp(text, !strcmp(type, "counter") ? "_total" : !strcmp(type, "info") ? "_info" : "");
}

static inline void parse_head(struct parsed *parsed, const char *line)
{
	char name[128], type[16];
	size_t last = parsed->family_count;

	if (sscanf(line, "# HELP %127s %*s", name) == 1) {
		for (size_t i = 0; i < last; i++)
			if (!strcmp(parsed->families[i].name, name))
				fail_msg("family %s comes twice", name);
		assert_true(last < MAX_FAMILIES);
		assert_true(strlen(line) > strlen("# HELP  ") + strlen(name));
		strcpy(parsed->families[last].name, name);
		parsed->families[last].type[0] = '\0';
		parsed->family_count++;
		return;
	}
	assert_int_equal(sscanf(line, "# TYPE %127s %15s", name, type), 2);
	assert_true(last > 0);
	assert_string_equal(parsed->families[last - 1].name, name);
	assert_string_equal(parsed->families[last - 1].type, "");
	assert_int_equal(strncmp(name, "serin_", 6), 0);
	strcpy(parsed->families[last - 1].type, type);
	check_name(parsed, name, type);
}

static inline void parse_sample(struct parsed *parsed, const char *line)
{
	size_t n = name_length(line), last = parsed->family_count, family;
	const char *after = line + n;
	size_t length;
	char *end;

	assert_true(n > 0 && last > 0 && !parsed->has_ended);
	/* Families are contiguous: a sample belongs to the last head. */
	family = strlen(parsed->families[last - 1].name);
	assert_true(family <= n);
	assert_memory_equal(parsed->families[last - 1].name, line, family);
	assert_true(is_suffix(parsed, parsed->families[last - 1].type, line + family, n - family));
	if (*after == '{')
		after = skip_labels(after);
	length = (size_t)(after - line);
	assert_int_equal(*after++, ' ');
	assert_true(length < sizeof(parsed->samples[0].key) && parsed->sample_count < MAX_SAMPLES);
	memcpy(parsed->samples[parsed->sample_count].key, line, length);
	parsed->samples[parsed->sample_count].key[length] = '\0';
	for (size_t i = 0; i < parsed->sample_count; i++)
		if (!strcmp(parsed->samples[i].key, parsed->samples[parsed->sample_count].key))
			fail_msg("sample comes twice: %s", line);
	parsed->samples[parsed->sample_count++].value = strtod(after, &end);
	assert_true(end != after && !*end);
}

static inline void parse_line(struct parsed *parsed, const char *line)
{
	if (parsed->format == METRICS_OPENMETRICS && !strcmp(line, "# EOF"))
		parsed->has_ended = true;
	else if (*line == '#')
		parse_head(parsed, line);
	else
		parse_sample(parsed, line);
}

static inline struct parsed *print_and_parse_as(const struct metrics *metrics, enum metrics_format format)
{
	struct parsed *parsed = calloc(1, sizeof(*parsed));
	char *text = NULL, *line, *rest;
	size_t length = 0;

	assert_non_null(parsed);
	parsed->format = format;
	assert_int_equal(metrics_print(metrics, format, &text, &length), 0);
	assert_true(length && text[length - 1] == '\n');
	text[length - 1] = '\0';
	assert_null(strstr(text, "\n\n"));
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		parse_line(parsed, line);
	assert_int_equal(parsed->has_ended, format == METRICS_OPENMETRICS);
	free(text);
	return parsed;
}

static inline struct parsed *print_and_parse(const struct metrics *metrics)
{
	return print_and_parse_as(metrics, METRICS_TEXT);
}

static inline void assert_sample(const struct parsed *parsed, const char *key, double value)
{
	for (size_t i = 0; i < parsed->sample_count; i++) {
		if (strcmp(parsed->samples[i].key, key))
			continue;
		if (parsed->samples[i].value != value)
			fail_msg("%s is %f, expected %f", key, parsed->samples[i].value, value);
		return;
	}
	fail_msg("no sample %s", key);
}

#endif
