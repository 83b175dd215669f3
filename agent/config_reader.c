/* SPDX-License-Identifier: BSD-2-Clause */
/* Nodes of the configuration: what they are, what is wrong with them, and walking them by tables. */
#include "config_reader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct config_place config_place_of(const yaml_node_t *node)
{
	return (struct config_place){ (unsigned int)node->start_mark.line + 1,
				      (unsigned int)node->start_mark.column + 1 };
}

int config_complain(struct config_reader *reader, struct config_place place, const char *format, ...)
{
	char sentence[sizeof(reader->complaint->text)];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	if (!place.line)
		return complain(reader->complaint, -EINVAL, "%s: %s", reader->path, sentence);
	return complain(reader->complaint, -EINVAL, "%s:%u:%u: %s", reader->path, place.line, place.column, sentence);
}

int config_complain_memory(struct config_reader *reader)
{
	return complain(reader->complaint, -ENOMEM, "%s: out of memory", reader->path);
}

/* Everything but printable ASCII is shown as bytes: a no-break space or a dash that is no hyphen is often the very
 * mistake, and a terminal must not obey what a file says. */
const char *config_quote_text(const char *text, size_t length, char *buffer)
{
	size_t used = 0, i;

	for (i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		if (used + sizeof("\\xff...") > CONFIG_QUOTE_LEN) {
			strcpy(buffer + used, "...");
			return buffer;
		}
		if (c >= 0x20 && c < 0x7f)
			buffer[used++] = (char)c;
		else
			used += (size_t)sprintf(buffer + used, "\\x%02x", c);
	}
	buffer[used] = '\0';
	return buffer;
}

const char *config_quote(const yaml_node_t *node, char *buffer)
{
	return config_quote_text((const char *)node->data.scalar.value, node->data.scalar.length, buffer);
}

static bool has_tag(const yaml_node_t *node)
{
	const char *none = node->type == YAML_SCALAR_NODE     ? YAML_DEFAULT_SCALAR_TAG
			   : node->type == YAML_SEQUENCE_NODE ? YAML_DEFAULT_SEQUENCE_TAG
							      : YAML_DEFAULT_MAPPING_TAG;

	return node->tag && strcmp((const char *)node->tag, none);
}

/* The null of YAML's core schema. Quoted, these are texts like any other. */
static bool is_null(const yaml_node_t *node)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };
	size_t i;

	if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	for (i = 0; i < CONFIG_COUNT(nulls); i++) {
		if (!strcmp((const char *)node->data.scalar.value, nulls[i]))
			return true;
	}
	return false;
}

const char *config_text(const yaml_node_t *node)
{
	const char *text;

	if (node->type != YAML_SCALAR_NODE || has_tag(node) || is_null(node))
		return NULL;
	text = (const char *)node->data.scalar.value;
	return strlen(text) == node->data.scalar.length ? text : NULL;
}

bool config_is_mapping(const yaml_node_t *node)
{
	return node->type == YAML_MAPPING_NODE && !has_tag(node);
}

bool config_is_list(const yaml_node_t *node)
{
	return node->type == YAML_SEQUENCE_NODE && !has_tag(node);
}

static bool is_empty(const yaml_node_t *node)
{
	if (node->type == YAML_SEQUENCE_NODE)
		return node->data.sequence.items.start == node->data.sequence.items.top;
	return node->data.mapping.pairs.start == node->data.mapping.pairs.top;
}

int config_bad_type(struct config_reader *reader, const yaml_node_t *node, const char *what, const char *expected)
{
	struct config_place place = config_place_of(node);
	char quoted[CONFIG_QUOTE_LEN];

	if (has_tag(node)) {
		config_quote_text((const char *)node->tag, strlen((const char *)node->tag), quoted);
		return config_complain(reader, place, "the tag '%s' for %s, expected no tag", quoted, what);
	}
	if (is_null(node))
		return config_complain(reader, place, "no value for %s, expected %s", what, expected);
	if (node->type == YAML_SCALAR_NODE)
		return config_complain(reader, place, "the text '%s' for %s, expected %s", config_quote(node, quoted),
				       what, expected);
	return config_complain(reader, place, "%s %s for %s, expected %s", is_empty(node) ? "an empty" : "a",
			       node->type == YAML_SEQUENCE_NODE ? "list" : "mapping", what, expected);
}

int config_bad_value(struct config_reader *reader, const yaml_node_t *node, const char *what, const char *expected)
{
	char quoted[CONFIG_QUOTE_LEN];

	if (node->type != YAML_SCALAR_NODE || has_tag(node) || is_null(node))
		return config_bad_type(reader, node, what, expected);
	return config_complain(reader, config_place_of(node), "invalid %s '%s', expected %s", what,
			       config_quote(node, quoted), expected);
}

static const char *list_keys(const struct config_mapping *mapping, char *buffer, size_t size)
{
	size_t used = 0, i;

	buffer[0] = '\0';
	for (i = 0; i < mapping->key_count && used < size; i++)
		used += (size_t)snprintf(buffer + used, size - used, "%s%s", i ? ", " : "", mapping->keys[i].name);
	return buffer;
}

static int bad_mapping(struct config_reader *reader, const yaml_node_t *node, const struct config_mapping *mapping)
{
	char names[256], expected[320];

	snprintf(expected, sizeof(expected), "%s%sa mapping with: %s", mapping->or_text ? mapping->or_text : "",
		 mapping->or_text ? " or " : "", list_keys(mapping, names, sizeof(names)));
	return config_bad_type(reader, node, mapping->name, expected);
}

static int bad_key(struct config_reader *reader, const yaml_node_t *node, const struct config_mapping *mapping)
{
	char names[256], expected[288], what[64], quoted[CONFIG_QUOTE_LEN];

	snprintf(expected, sizeof(expected), "one of: %s", list_keys(mapping, names, sizeof(names)));
	if (node->type == YAML_SCALAR_NODE && !has_tag(node) && !is_null(node))
		return config_complain(reader, config_place_of(node), "unknown key '%s' in %s, expected %s",
				       config_quote(node, quoted), mapping->name, expected);
	snprintf(what, sizeof(what), "a key of %s", mapping->name);
	return config_bad_type(reader, node, what, expected);
}

/* Returns key_count when there is none. */
static size_t find_key(const struct config_mapping *mapping, const char *name)
{
	size_t i;

	for (i = 0; i < mapping->key_count; i++) {
		if (!strcmp(mapping->keys[i].name, name))
			break;
	}
	return i;
}

static int read_pair(struct config_reader *reader, const yaml_node_pair_t *pair, const struct config_mapping *mapping,
		     bool *seen, void *into)
{
	yaml_node_t *name = yaml_document_get_node(&reader->document, pair->key);
	yaml_node_t *value = yaml_document_get_node(&reader->document, pair->value);
	const struct config_key *key;
	const char *text = config_text(name);
	size_t index;

	index = text ? find_key(mapping, text) : mapping->key_count;
	if (index == mapping->key_count)
		return bad_key(reader, name, mapping);
	key = &mapping->keys[index];
	if (seen[index])
		return config_complain(reader, config_place_of(name), "key '%s' again in %s, expected it once",
				       key->name, mapping->name);
	seen[index] = true;
	return key->read(reader, value, (char *)into + key->offset);
}

int config_read_mapping(struct config_reader *reader, yaml_node_t *node, const struct config_mapping *mapping,
			void *into)
{
	bool seen[CONFIG_MAX_KEYS] = { false };
	const yaml_node_pair_t *pair;
	size_t i;
	int err;

	if (!config_is_mapping(node))
		return bad_mapping(reader, node, mapping);
	for (pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
		err = read_pair(reader, pair, mapping, seen, into);
		if (err)
			return err;
	}
	for (i = 0; i < mapping->key_count; i++) {
		if (mapping->keys[i].required && !seen[i])
			return config_complain(reader, config_place_of(node), "missing key '%s' in %s, expected %s",
					       mapping->keys[i].name, mapping->name, mapping->keys[i].required);
	}
	return 0;
}

const yaml_node_t *config_find_key(struct config_reader *reader, const yaml_node_t *node, const char *name)
{
	const yaml_node_pair_t *pair;

	for (pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key = yaml_document_get_node(&reader->document, pair->key);
		const char *text = config_text(key);

		if (text && !strcmp(text, name))
			return key;
	}
	return NULL;
}

int config_read_list(struct config_reader *reader, yaml_node_t *node, const struct config_list *list, void *into)
{
	const yaml_node_item_t *item;
	int err;

	if (!config_is_list(node) || is_empty(node))
		return config_bad_type(reader, node, list->name, list->expected);
	for (item = node->data.sequence.items.start; item < node->data.sequence.items.top; item++) {
		yaml_node_t *entry = yaml_document_get_node(&reader->document, *item);

		if ((size_t)(item - node->data.sequence.items.start) >= list->max)
			return config_complain(reader, config_place_of(entry),
					       "more than %zu entries for %s, expected %s", list->max, list->name,
					       list->expected);
		err = list->read(reader, entry, into);
		if (err)
			return err;
	}
	return 0;
}
