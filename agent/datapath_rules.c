/* SPDX-License-Identifier: BSD-2-Clause */
/* Sets of rules in the kernel: written whole, named by a plan, deleted when none names them any more. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "datapath_private.h"

#define BATCH 4096u
#define NOT_SUPPORTED 524 /* ENOTSUPP, which only the kernel knows */

/* So many keys and values at a time. */
struct batch {
	struct serin_rule_key keys[BATCH];
	__u32 values[BATCH];
};

static struct serin_rule_key key_of(__u32 set, const struct prefix *prefix)
{
	struct serin_rule_key key;

	memset(&key, 0, sizeof(key));
	key.prefix_length = 32 + prefix->bits;
	key.set = set;
	key.addr = prefix->addr;
	return key;
}

static bool no_batches(int error)
{
	return error == EINVAL || error == NOT_SUPPORTED || error == EOPNOTSUPP;
}

static int write_batch(int fd, const struct batch *batch, __u32 count)
{
	LIBBPF_OPTS(bpf_map_batch_opts, options);
	__u32 done = count, i;

	if (!bpf_map_update_batch(fd, batch->keys, batch->values, &done, &options))
		return 0;
	if (!no_batches(errno))
		return -errno;
	for (i = 0; i < count; i++)
		if (bpf_map_update_elem(fd, &batch->keys[i], &batch->values[i], BPF_ANY))
			return -errno;
	return 0;
}

static int delete_batch(int fd, const struct batch *batch, __u32 count)
{
	int r = 0;
	__u32 i;

	/* One by one: a batch stops at the first key that is not there, and what an interrupted write has left is not whole. */
	for (i = 0; i < count; i++)
		if (bpf_map_delete_elem(fd, &batch->keys[i]) && errno != ENOENT)
			r = -errno;
	return r;
}

/* Go through the entries of a set in batches. Stops at the first error. */
static int each_batch(struct datapath *datapath, __u32 set, const struct rule_entry *entries, size_t count,
		      int (*work)(int fd, const struct batch *batch, __u32 count))
{
	struct batch *batch = malloc(sizeof(*batch));
	size_t i = 0;
	__u32 used;
	int r = 0;

	if (!batch)
		return -ENOMEM;
	while (!r && i < count) {
		for (used = 0; used < BATCH && i < count; used++, i++) {
			batch->keys[used] = key_of(set, &entries[i].prefix);
			batch->values[used] = entries[i].version;
		}
		r = work(MAP_FD(datapath, rules), batch, used);
	}
	free(batch);
	return r;
}

__u32 datapath_new_rule_set(struct datapath *datapath)
{
	if (++datapath->last_rule_set == 0)
		datapath->last_rule_set = 1;
	return datapath->last_rule_set;
}

int datapath_write_rules(struct datapath *datapath, __u32 set, const struct rule_entry *entries, size_t count,
			 struct complaint *complaint)
{
	int r = each_batch(datapath, set, entries, count, write_batch);

	if (!r)
		return 0;
	datapath_delete_rules(datapath, set, entries, count);
	if (r == -ENOSPC)
		return complain(
			complaint, r,
			"no room for %zu rules: the kernel's table has %u places, those of rules that are being "
			"replaced included",
			count, SERIN_MAX_RULES);
	return complain(complaint, r, "cannot write %zu rules into the kernel: %s", count, strerror(-r));
}

int datapath_delete_rules(struct datapath *datapath, __u32 set, const struct rule_entry *entries, size_t count)
{
	return each_batch(datapath, set, entries, count, delete_batch);
}

static int compare_placed(const void *one, const void *other)
{
	const struct placed_entry *a = one, *b = other;

	if (a->set != b->set)
		return a->set < b->set ? -1 : 1;
	return rule_entry_compare(&a->entry, &b->entry);
}

struct reading {
	struct placed_entry *items;
	size_t count, room;
};

static int keep(struct reading *reading, const struct serin_rule_key *key, __u32 value)
{
	struct placed_entry *grown, *entry;

	if (key->prefix_length < 32)
		return 0; /* not one of ours */
	if (reading->count == reading->room) {
		grown = reallocarray(reading->items, 2 * reading->room + 1024, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		reading->items = grown;
		reading->room = 2 * reading->room + 1024;
	}
	entry = &reading->items[reading->count++];
	memset(entry, 0, sizeof(*entry));
	entry->set = key->set;
	entry->entry.prefix = (struct prefix){ .addr = key->addr, .bits = key->prefix_length - 32 };
	entry->entry.version = value;
	return 0;
}

/* Nothing is deleted meanwhile: older kernels lose their place in a trie when the key that they go on from is gone. */
static int read_trie(int fd, struct reading *reading)
{
	struct serin_rule_key key, next;
	const void *last = NULL;
	__u32 value;
	int r = 0;

	while (!r && !bpf_map_get_next_key(fd, last, &next)) {
		if (!bpf_map_lookup_elem(fd, &next, &value))
			r = keep(reading, &next, value);
		key = next;
		last = &key;
	}
	return r;
}

int datapath_read_rules(struct datapath *datapath, struct placed_entry **ret, size_t *ret_count,
			struct complaint *complaint)
{
	struct reading reading = { .items = NULL };
	int r = read_trie(MAP_FD(datapath, rules), &reading);
	size_t i;

	if (r) {
		free(reading.items);
		return complain(complaint, r, "cannot read the kernel's rules: %s", strerror(-r));
	}
	if (reading.count)
		qsort(reading.items, reading.count, sizeof(*reading.items), compare_placed);
	for (i = 0; i < reading.count; i++) {
		if (reading.items[i].set > datapath->last_rule_set)
			datapath->last_rule_set = reading.items[i].set;
	}
	*ret = reading.items;
	*ret_count = reading.count;
	return 0;
}
