/* SPDX-License-Identifier: BSD-2-Clause */
/* Walking a YAML document by tables of keys, with the place of every mistake. Internal to config*.c. */
#ifndef SERIN_CONFIG_READER_H
#define SERIN_CONFIG_READER_H

#include <yaml.h>

#include "config.h"

#define CONFIG_MAX_KEYS 32  /* of one table */
#define CONFIG_QUOTE_LEN 72 /* of a text that a complaint repeats */

struct config_reader {
	const char *path;
	struct complaint *complaint;
	yaml_document_t document;
	struct config *config; /* being filled */
	size_t rule_count;     /* of all services so far */
	bool found;            /* no document: `path` is where backends come from that have been found since */
};

/* Reads one value into `into`, whose type its table knows. 0 or a negative errno, complaint written. */
typedef int config_read_fn(struct config_reader *reader, yaml_node_t *node, void *into);

/* One line per key that a mapping may have. */
struct config_key {
	const char *name;
	config_read_fn *read;
	size_t offset;        /* of what `read` fills within what the mapping fills */
	const char *required; /* what is expected there; NULL: the key may be left out */
};

struct config_mapping {
	const char *name;    /* with its article: "a version" */
	const char *or_text; /* what may stand in place of the mapping, NULL: nothing */
	const struct config_key *keys;
	size_t key_count;
};

struct config_list {
	const char *name;
	const char *expected;
	size_t max; /* and at least one */
	config_read_fn *read;
};

#define CONFIG_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CONFIG_KEYS(array) .keys = (array), .key_count = CONFIG_COUNT(array)

/* Load the one document of the text into reader->document (to be deleted on success only). */
int config_document_load(struct config_reader *reader, const char *text, size_t length);

struct config_place config_place_of(const yaml_node_t *node);

/* "FILE:LINE:COLUMN: " and the sentence, "FILE: " where there is no line. Returns -EINVAL. */
int config_complain(struct config_reader *reader, struct config_place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int config_complain_memory(struct config_reader *reader);

/* "invalid WHAT 'text', expected EXPECTED", or what else the node is instead of a text. Returns -EINVAL. */
int config_bad_value(struct config_reader *reader, const yaml_node_t *node, const char *what, const char *expected);

/* The same for a node that is no mapping or no list where one belongs. */
int config_bad_type(struct config_reader *reader, const yaml_node_t *node, const char *what, const char *expected);

/* The text of a scalar, or any other, safe to print. Return `buffer` of CONFIG_QUOTE_LEN bytes. */
const char *config_quote(const yaml_node_t *node, char *buffer);
const char *config_quote_text(const char *text, size_t length, char *buffer);

/* A scalar's text; NULL when the node is something else, is null, or has a tag or a zero byte. */
const char *config_text(const yaml_node_t *node);

/* Whether the node is a mapping, or a list, without a tag of the user's. */
bool config_is_mapping(const yaml_node_t *node);
bool config_is_list(const yaml_node_t *node);

/* A mapping by its table: unknown, repeated and missing keys are refused. */
int config_read_mapping(struct config_reader *reader, yaml_node_t *node, const struct config_mapping *mapping,
			void *into);

/* The key of that name in a mapping that has been read; NULL: it is not there. */
const yaml_node_t *config_find_key(struct config_reader *reader, const yaml_node_t *node, const char *name);

/* Every entry of a list. */
int config_read_list(struct config_reader *reader, yaml_node_t *node, const struct config_list *list, void *into);

#endif
