/* SPDX-License-Identifier: BSD-2-Clause */
/* The outbox as JSON. Bodies are strings in it: what is sent after a restart is what was to be sent, byte for byte. */
#include "outbox_list.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT 1

static int encode_keys(const struct outbox_list *list, json_t *keys)
{
	size_t first = (list->key_next + OUTBOX_KEYS - list->key_count) % OUTBOX_KEYS;
	int failed = 0;

	for (size_t i = 0; i < list->key_count; i++)
		failed |= json_array_append_new(keys, json_string(list->keys[(first + i) % OUTBOX_KEYS]));
	return failed;
}

static int encode_pending(const struct outbox_list *list, json_t *pending)
{
	int failed = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct outbox_entry *entry = list->entries[i];

		failed |= json_array_append_new(pending, json_pack("{s:s, s:s, s:s, s:I, s:s}", "service",
								   entry->service, "url", entry->url, "key", entry->key,
								   "at", (json_int_t)entry->at, "body", entry->body));
	}
	return failed;
}

char *outbox_list_encode(const struct outbox_list *list)
{
	json_t *keys = json_array(), *pending = json_array(), *document;
	char *text = NULL;
	int failed;

	failed = encode_keys(list, keys) | encode_pending(list, pending);
	document = json_pack("{s:i, s:o, s:o}", "format", FORMAT, "keys", keys, "pending", pending);
	if (document && !failed)
		text = json_dumps(document, JSON_INDENT(1));
	json_decref(document);
	return text;
}

static int decode_keys(json_t *keys, struct outbox_list *ret, struct complaint *complaint)
{
	size_t i;
	json_t *key;

	if (!json_is_array(keys) || json_array_size(keys) > OUTBOX_KEYS)
		return complain(complaint, -EBADMSG, "keys: expected a list of at most %d", OUTBOX_KEYS);
	json_array_foreach (keys, i, key) {
		if (!json_is_string(key))
			return complain(complaint, -EBADMSG, "keys: entry %zu is no text", i + 1);
		if (outbox_list_remember(ret, json_string_value(key)))
			return -ENOMEM;
	}
	return 0;
}

static int decode_pending(json_t *pending, struct outbox_list *ret, struct complaint *complaint)
{
	size_t i;
	json_t *item;

	if (!json_is_array(pending) || json_array_size(pending) > OUTBOX_MAX)
		return complain(complaint, -EBADMSG, "pending: expected a list of at most %d", OUTBOX_MAX);
	json_array_foreach (pending, i, item) {
		const char *service, *url, *key, *body;
		struct outbox_entry *dropped;
		json_int_t at;
		int r;

		if (json_unpack(item, "{s:s, s:s, s:s, s:I, s:s !}", "service", &service, "url", &url, "key", &key,
				"at", &at, "body", &body))
			return complain(complaint, -EBADMSG,
					"pending: entry %zu is not {service, url, key, at, body} and nothing else",
					i + 1);
		r = outbox_list_add(ret, service, url, key, body, at, &dropped);
		if (r == -EMSGSIZE)
			return complain(complaint, -EBADMSG, "pending: entry %zu has a body of more than %u bytes",
					i + 1, OUTBOX_MAX_BODY);
		if (r)
			return r;
		outbox_entry_free(dropped);
	}
	return 0;
}

int outbox_list_decode(const char *text, size_t length, struct outbox_list *ret, struct complaint *complaint)
{
	json_error_t error;
	json_t *document = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
	json_t *format = json_object_get(document, "format");
	int r;

	if (!document)
		r = complain(complaint, -EBADMSG, "line %d: %s", error.line, error.text);
	else if (!json_is_integer(format) || json_integer_value(format) < 1)
		r = complain(complaint, -EBADMSG, "no format, expected %d", FORMAT);
	else if (json_integer_value(format) > FORMAT)
		r = complain(complaint, -EPROTO, "written by a newer serin: format %lld, expected %d",
			     (long long)json_integer_value(format), FORMAT);
	else
		r = decode_keys(json_object_get(document, "keys"), ret, complaint);
	if (!r)
		r = decode_pending(json_object_get(document, "pending"), ret, complaint);
	if (r)
		outbox_list_clear(ret);
	json_decref(document);
	return r;
}
