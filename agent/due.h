/* SPDX-License-Identifier: BSD-2-Clause */
/* What is due first, out of many: a binary heap whose items know their place, so that any of them can be taken out.
 * Pure. */
#ifndef SERIN_DUE_H
#define SERIN_DUE_H

#include <stddef.h>
#include <stdint.h>

/* Part of the thing that is due. */
struct due {
	int64_t at_ms;
	size_t place; /* in the heap, from 1; 0: in none */
};

struct due_heap {
	struct due **items;
	size_t count, capacity;
};

/* 0 or -ENOMEM. */
int due_heap_init(struct due_heap *heap, size_t capacity);
/* Of all zero too. The items are their owners'. */
void due_heap_destroy(struct due_heap *heap);

/* An item that is in no heap, into one that is not full. */
void due_add(struct due_heap *heap, struct due *item, int64_t at_ms);
/* An item of this heap. */
void due_remove(struct due_heap *heap, struct due *item);

/* NULL when there is none. */
struct due *due_first(const struct due_heap *heap);
/* INT64_MAX when there is none. */
int64_t due_first_ms(const struct due_heap *heap);

#endif
