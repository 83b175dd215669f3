/* SPDX-License-Identifier: BSD-2-Clause */
/* A list of backends out of JSON. */
#include "listfile_parse.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <jansson.h>

#include "config_value.h"
#include "json_place.h"

#define EXPECTED_LIST "a list of 1 to 1024 backends such as [\"10.0.0.11:3000\"]"

struct parse {
	const char *path, *text;
	size_t length;
	const struct backend_form *form;
	struct complaint *complaint;
	size_t index; /* of the entry that is being read */
};

static int complain_place(const struct parse *parse, struct config_place place, const char *sentence)
{
	return complain(parse->complaint, -EINVAL, "%.255s:%u:%u: %s", parse->path, place.line, place.column, sentence);
}

/* Where the text's first word is. */
static int complain_whole(const struct parse *parse, const char *sentence)
{
	return complain_place(parse, json_place_of_root(parse->text, parse->length), sentence);
}

/* The entry that is being read. */
static int complain_entry(const struct parse *parse, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int complain_entry(const struct parse *parse, const char *format, ...)
{
	char sentence[320];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	return complain_place(parse, json_place_of_entry(parse->text, parse->length, parse->index), sentence);
}

static int complain_syntax(const struct parse *parse, const json_error_t *error)
{
	char sentence[JSON_ERROR_TEXT_LENGTH + 64];

	snprintf(sentence, sizeof(sentence), "%s, expected valid JSON", error->text);
	return complain_place(parse, json_place_of_error(parse->text, parse->length, error), sentence);
}

static const char *expected_of(enum serin_forward forward)
{
	if (forward == SERIN_FORWARD_LOCAL)
		return "a port of this host such as 3001 (forward: local)";
	return SERIN_IS_ONE_WAY(forward)
		       ? "ADDR or ADDR:PORT such as 10.0.0.11 or [2001:db8::11]:80 (its port is not rewritten)"
		       : EXPECTED_ENDPOINT;
}

static const char *kind_of(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "a list";
	case JSON_STRING:
		return "a text";
	case JSON_INTEGER:
	case JSON_REAL:
		return "a number";
	case JSON_NULL:
		return "null";
	default:
		return "a truth value";
	}
}

static int check_address(const struct parse *parse, const struct serin_addr *addr)
{
	const char *special = config_special_address(addr);
	bool ipv4 = address_is_ipv4(addr);
	char text[ADDRESS_TEXT_LEN];

	address_format(addr, text);
	if (special)
		return complain_entry(
			parse, "the %s address '%s', expected a unicast address that packets can be forwarded to",
			special, text);
	if (ipv4 ? !parse->form->ipv4 : !parse->form->ipv6)
		return complain_entry(parse,
				      "backend '%s' in a service that listens on %s: serin does not translate between "
				      "IPv4 and IPv6, expected one service per family",
				      text, ipv4 ? "IPv6" : "IPv4");
	return 0;
}

static int read_address(const struct parse *parse, const json_t *value, struct endpoint *ret)
{
	enum serin_forward forward = parse->form->forward;
	const char *text = json_string_value(value);
	char number[32], quoted[CONFIG_QUOTE_LEN];

	/* A port is a number to whoever writes one; an address is a text. */
	if (forward == SERIN_FORWARD_LOCAL && json_is_integer(value)) {
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
		text = number;
	}
	if (!text)
		return complain_entry(parse, "%s for a backend address, expected %s", kind_of(value),
				      expected_of(forward));
	if (!config_parse_backend(text, forward, ret))
		return complain_entry(parse, "invalid backend address '%s', expected %s",
				      config_quote_text(text, strlen(text), quoted), expected_of(forward));
	return forward == SERIN_FORWARD_LOCAL ? 0 : check_address(parse, &ret->addr);
}

static int read_weight(const struct parse *parse, const json_t *value, uint16_t *ret)
{
	json_int_t weight = json_integer_value(value);

	if (!json_is_integer(value) || weight < 0 || weight > (json_int_t)BACKEND_WEIGHT_MAX)
		return complain_entry(parse, "invalid backend weight, expected a whole number from 0 to 1000");
	*ret = (uint16_t)weight;
	return 0;
}

static int read_object(const struct parse *parse, json_t *entry, struct config_backend *ret)
{
	json_t *address = json_object_get(entry, "address"), *value;
	char quoted[CONFIG_QUOTE_LEN];
	const char *key;
	int err;

	json_object_foreach (entry, key, value) {
		if (strcmp(key, "address") != 0 && strcmp(key, "weight") != 0)
			return complain_entry(parse, "unknown key '%s' in a backend, expected one of: address, weight",
					      config_quote_text(key, strlen(key), quoted));
	}
	if (!address)
		return complain_entry(parse, "missing key 'address' in a backend, expected %s",
				      expected_of(parse->form->forward));
	err = read_address(parse, address, &ret->endpoint);
	value = json_object_get(entry, "weight");
	return err || !value ? err : read_weight(parse, value, &ret->weight);
}

static int read_entry(const struct parse *parse, json_t *entry, struct backend_list *list)
{
	struct config_backend backend = { .weight = 1 };
	int err;

	if (json_is_object(entry))
		err = read_object(parse, entry, &backend);
	else
		err = read_address(parse, entry, &backend.endpoint);
	if (!err)
		err = backend_list_add(list, &backend);
	if (err == -E2BIG)
		err = complain_entry(parse, "more than %u backends, expected up to that", BACKEND_LIST_MAX);
	return err;
}

/* The list is in the order of the file, still: its last one is the newest. */
static int check_once(const struct parse *parse, const struct backend_list *list)
{
	const struct endpoint *newest = &list->items[list->count - 1].endpoint;
	struct config_place place;
	char text[ADDRESS_TEXT_LEN];

	for (size_t i = 0; i + 1 < list->count; i++) {
		if (!config_is_same_server(parse->form->forward, &list->items[i].endpoint, newest))
			continue;
		place = json_place_of_entry(parse->text, parse->length, i);
		return complain_entry(parse, "backend '%s' again (first on line %u), expected it once",
				      backend_format(&newest->addr, newest->port, text), place.line);
	}
	return 0;
}

static int read_list(struct parse *parse, const json_t *root, struct backend_list *list)
{
	json_t *entry;
	int err;

	if (!json_is_array(root)) {
		char sentence[160];

		snprintf(sentence, sizeof(sentence), "%s, expected " EXPECTED_LIST, kind_of(root));
		return complain_whole(parse, sentence);
	}
	if (!json_array_size(root))
		return complain_whole(parse, "an empty list, expected " EXPECTED_LIST);
	json_array_foreach (root, parse->index, entry) {
		err = read_entry(parse, entry, list);
		if (!err)
			err = check_once(parse, list);
		if (err)
			return err;
	}
	return 0;
}

int listfile_parse(const char *path, const char *text, size_t length, const struct backend_form *form,
		   struct backend_list *ret, struct complaint *complaint)
{
	struct parse parse = { path, text, length, form, complaint, 0 };
	struct backend_list list = { .items = NULL };
	json_error_t error;
	json_t *root;
	int err;

	if (json_is_blank(text, length))
		return complain_place(&parse, (struct config_place){ 1, 1 },
				      "the file is empty, expected " EXPECTED_LIST);
	root = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (!root)
		return complain_syntax(&parse, &error);
	err = read_list(&parse, root, &list);
	json_decref(root);
	if (err) {
		backend_list_clear(&list);
		return err == -ENOMEM ? complain(complaint, err, "%.255s: out of memory", path) : err;
	}
	backend_list_settle(&list, form->forward);
	*ret = list;
	return 0;
}
