/* SPDX-License-Identifier: BSD-2-Clause */
/* Places in JSON, by reading as much of it as that takes. */
#include "json_place.h"

#include <string.h>

#define NEAR " near '"

static struct config_place place_at(const char *text, size_t offset)
{
	struct config_place place = { 1, 1 };

	for (size_t i = 0; i < offset; i++) {
		place.column++;
		if (text[i] == '\n')
			place = (struct config_place){ place.line + 1, 1 };
	}
	return place;
}

static size_t skip_space(const char *text, size_t length, size_t at)
{
	while (at < length && (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r'))
		at++;
	return at;
}

bool json_is_blank(const char *text, size_t length)
{
	return skip_space(text, length, 0) == length;
}

struct config_place json_place_of_root(const char *text, size_t length)
{
	return place_at(text, skip_space(text, length, 0));
}

/* From the opening quote to behind the closing one. */
static size_t skip_string(const char *text, size_t length, size_t at)
{
	for (at++; at < length && text[at] != '"'; at++) {
		if (text[at] == '\\')
			at++;
	}
	return at + 1;
}

struct config_place json_place_of_entry(const char *text, size_t length, size_t index)
{
	size_t at = skip_space(text, length, 0) + 1, depth = 0, seen = 0;

	while (at < length && seen < index) {
		char c = text[at];

		if (c == '"') {
			at = skip_string(text, length, at);
			continue;
		}
		if (c == '[' || c == '{')
			depth++;
		else if ((c == ']' || c == '}') && depth)
			depth--;
		else if (c == ',' && !depth)
			seen++;
		at++;
	}
	return place_at(text, skip_space(text, length, at < length ? at : length));
}

/* jansson stops behind the word, which ends its sentence: "... near 'WORD'". */
struct config_place json_place_of_error(const char *text, size_t length, const json_error_t *error)
{
	const char *word = strstr(error->text, NEAR);
	size_t at = error->position > 0 ? (size_t)error->position : 0, near;

	if (at > length)
		at = length;
	if (word) {
		word += strlen(NEAR);
		near = strlen(word);
		near -= near > 0; /* the closing quote */
		if (near <= at && !memcmp(text + at - near, word, near))
			at -= near;
	}
	return place_at(text, at);
}
