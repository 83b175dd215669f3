/* SPDX-License-Identifier: BSD-2-Clause */
/* Which packets are ours: listeners in the kernel, by address and port, and by address alone for later fragments. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "datapath_private.h"

#define MAX_KEYS (2u * SERIN_MAX_LISTENERS)

struct shown {
	struct serin_listener_key key;
	__u32 id;
};

/* Sorted by key, each once. */
struct shown_list {
	struct shown items[MAX_KEYS];
	size_t count;
};

/* Of listeners that have the key without a port in common, the lowest id comes first. */
static int compare(const void *one, const void *other)
{
	const struct shown *a = one, *b = other;
	int order = memcmp(&a->key, &b->key, sizeof(a->key));

	if (order)
		return order;
	return a->id < b->id ? -1 : a->id > b->id;
}

static void add(struct shown_list *list, const struct serin_listener *listener, __u32 id, __be16 port)
{
	struct shown *shown = &list->items[list->count++];

	memset(shown, 0, sizeof(*shown));
	shown->key.addr = listener->addr;
	shown->key.port = port;
	shown->key.protocol = listener->protocol;
	shown->id = id;
}

static void gather(const struct image *image, struct shown_list *ret)
{
	size_t i, kept = 0;
	__u32 id;

	ret->count = 0;
	for (id = 0; id < SERIN_MAX_LISTENERS; id++) {
		const struct serin_listener *listener = &image->listeners[id];

		if (!listener->forward)
			continue;
		add(ret, listener, id, listener->port);
		add(ret, listener, id, 0);
	}
	qsort(ret->items, ret->count, sizeof(ret->items[0]), compare);
	for (i = 0; i < ret->count; i++) {
		if (!kept || memcmp(&ret->items[kept - 1].key, &ret->items[i].key, sizeof(ret->items[i].key)))
			ret->items[kept++] = ret->items[i];
	}
	ret->count = kept;
}

static bool has_key(const struct shown_list *list, const struct serin_listener_key *key)
{
	struct shown wanted = { .key = *key };
	size_t low = 0, high = list->count, middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (memcmp(&list->items[middle].key, &wanted.key, sizeof(wanted.key)) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < list->count && !memcmp(&list->items[low].key, &wanted.key, sizeof(wanted.key));
}

/* What is there and not wanted, whoever left it: an agent that was killed half way, too. Entries of `listeners` stay:
 * flows go on by them. */
static int hide_others(int fd, const struct shown_list *wanted)
{
	struct serin_listener_key *keys = calloc(MAX_KEYS, sizeof(*keys)), *last = NULL;
	size_t count = 0, i;
	int r = 0;

	if (!keys)
		return -ENOMEM;
	while (count < MAX_KEYS && !bpf_map_get_next_key(fd, last, &keys[count]))
		last = &keys[count++];
	for (i = 0; i < count; i++) {
		if (!has_key(wanted, &keys[i]) && bpf_map_delete_elem(fd, &keys[i]) && errno != ENOENT)
			r = -errno;
	}
	free(keys);
	return r;
}

/* All of them, and not what has changed: an agent may have been killed between a listener and its key. */
static int show(int fd, const struct shown_list *wanted)
{
	size_t i;

	for (i = 0; i < wanted->count; i++)
		if (bpf_map_update_elem(fd, &wanted->items[i].key, &wanted->items[i].id, BPF_ANY))
			return -errno;
	return 0;
}

static int write_listeners(int fd, const struct image *from, const struct image *to)
{
	__u32 id;

	for (id = 0; id < SERIN_MAX_LISTENERS; id++) {
		if (memcmp(&from->listeners[id], &to->listeners[id], sizeof(to->listeners[id])) &&
		    bpf_map_update_elem(fd, &id, &to->listeners[id], BPF_ANY))
			return -errno;
	}
	return 0;
}

int datapath_apply_listeners(struct datapath *datapath, const struct image *from, const struct image *to,
			     struct complaint *complaint)
{
	struct shown_list *wanted = malloc(sizeof(*wanted));
	int r = -ENOMEM;

	if (!wanted)
		goto out;
	gather(to, wanted);
	r = hide_others(MAP_FD(datapath, listener_ids), wanted);
	if (!r)
		r = write_listeners(MAP_FD(datapath, listeners), from, to);
	if (!r)
		r = show(MAP_FD(datapath, listener_ids), wanted);
out:
	free(wanted);
	return r ? complain(complaint, r, "cannot write the listeners into the kernel: %s", strerror(-r)) : 0;
}
