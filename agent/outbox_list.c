/* SPDX-License-Identifier: BSD-2-Clause */
/* The list in memory. */
#include "outbox_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct outbox_entry *outbox_entry_free(struct outbox_entry *entry)
{
	if (!entry)
		return NULL;
	free(entry->service);
	free(entry->url);
	free(entry->key);
	free(entry->body);
	free(entry);
	return NULL;
}

void outbox_list_clear(struct outbox_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		outbox_entry_free(list->entries[i]);
	for (size_t i = 0; i < OUTBOX_KEYS; i++)
		free(list->keys[i]);
	*list = (struct outbox_list){ 0 };
}

bool outbox_list_knows(const struct outbox_list *list, const char *key)
{
	for (size_t i = 0; i < list->key_count; i++) {
		if (!strcmp(list->keys[i], key))
			return true;
	}
	return false;
}

int outbox_list_remember(struct outbox_list *list, const char *key)
{
	char *copy = strdup(key);

	if (!copy)
		return -ENOMEM;
	free(list->keys[list->key_next]);
	list->keys[list->key_next] = copy;
	list->key_next = (list->key_next + 1) % OUTBOX_KEYS;
	if (list->key_count < OUTBOX_KEYS)
		list->key_count++;
	return 0;
}

void outbox_list_remove(struct outbox_list *list, struct outbox_entry *entry)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->entries[i] != entry)
			continue;
		list->count--;
		memmove(&list->entries[i], &list->entries[i + 1], (list->count - i) * sizeof(list->entries[0]));
		return;
	}
}

bool outbox_list_is_first(const struct outbox_list *list, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (!strcmp(list->entries[i]->url, list->entries[index]->url))
			return false;
	}
	return true;
}

/* The oldest that may go, of this URL or, NULL, of all. NULL: there is none. */
static struct outbox_entry *find_oldest(const struct outbox_list *list, const char *url)
{
	for (size_t i = 0; i < list->count; i++) {
		if (!list->entries[i]->fetch && (!url || !strcmp(list->entries[i]->url, url)))
			return list->entries[i];
	}
	return NULL;
}

static size_t count_of_url(const struct outbox_list *list, const char *url)
{
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++)
		count += !strcmp(list->entries[i]->url, url);
	return count;
}

static struct outbox_entry *entry_new(const char *service, const char *url, const char *key, const char *body,
				      int64_t at)
{
	struct outbox_entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return NULL;
	entry->service = strdup(service);
	entry->url = strdup(url);
	entry->key = strdup(key);
	entry->body = strdup(body);
	entry->at = at;
	if (!entry->service || !entry->url || !entry->key || !entry->body)
		return outbox_entry_free(entry);
	return entry;
}

int outbox_list_add(struct outbox_list *list, const char *service, const char *url, const char *key, const char *body,
		    int64_t at, struct outbox_entry **ret_dropped)
{
	bool url_is_full = count_of_url(list, url) >= OUTBOX_MAX_OF_URL, full = list->count >= OUTBOX_MAX;
	struct outbox_entry *entry, *dropped = NULL;

	if (strlen(body) > OUTBOX_MAX_BODY)
		return -EMSGSIZE;
	if (url_is_full || full) {
		dropped = find_oldest(list, url_is_full ? url : NULL);
		if (!dropped)
			return -ENOSPC;
	}
	entry = entry_new(service, url, key, body, at);
	if (!entry)
		return -ENOMEM;
	if (dropped)
		outbox_list_remove(list, dropped);
	list->entries[list->count++] = entry;
	*ret_dropped = dropped;
	return 0;
}

int64_t outbox_backoff(unsigned int attempts, int64_t first_ms, int64_t longest_ms, uint32_t random)
{
	int64_t wait_ms = first_ms;

	while (--attempts && wait_ms < longest_ms)
		wait_ms *= 2;
	if (wait_ms > longest_ms)
		wait_ms = longest_ms;
	return wait_ms - (int64_t)((uint64_t)(wait_ms / 2) * random >> 32);
}
