/* SPDX-License-Identifier: BSD-2-Clause */
/* A binary heap, the earliest on top. items[0] stays empty, so that the children of n are 2n and 2n + 1. */
#include "due.h"

#include <errno.h>
#include <stdlib.h>

int due_heap_init(struct due_heap *heap, size_t capacity)
{
	struct due **items = calloc(capacity + 1, sizeof(*items));

	if (!items)
		return -ENOMEM;
	*heap = (struct due_heap){ .items = items, .capacity = capacity };
	return 0;
}

void due_heap_destroy(struct due_heap *heap)
{
	free(heap->items);
	*heap = (struct due_heap){ 0 };
}

static void put(struct due_heap *heap, struct due *item, size_t place)
{
	heap->items[place] = item;
	item->place = place;
}

/* Into the hole at `place`, or above it as long as parents are later. */
static void rise(struct due_heap *heap, struct due *item, size_t place)
{
	for (; place > 1 && heap->items[place / 2]->at_ms > item->at_ms; place /= 2)
		put(heap, heap->items[place / 2], place);
	put(heap, item, place);
}

/* Into the hole at `place`, or below it as long as children are earlier. */
static void sink(struct due_heap *heap, struct due *item, size_t place)
{
	size_t child;

	for (; (child = 2 * place) <= heap->count; place = child) {
		if (child < heap->count && heap->items[child + 1]->at_ms < heap->items[child]->at_ms)
			child++;
		if (heap->items[child]->at_ms >= item->at_ms)
			break;
		put(heap, heap->items[child], place);
	}
	put(heap, item, place);
}

void due_add(struct due_heap *heap, struct due *item, int64_t at_ms)
{
	item->at_ms = at_ms;
	rise(heap, item, ++heap->count);
}

void due_remove(struct due_heap *heap, struct due *item)
{
	struct due *last = heap->items[heap->count--];
	size_t place = item->place;

	item->place = 0;
	if (last == item)
		return;
	if (place > 1 && heap->items[place / 2]->at_ms > last->at_ms)
		rise(heap, last, place);
	else
		sink(heap, last, place);
}

struct due *due_first(const struct due_heap *heap)
{
	return heap->count ? heap->items[1] : NULL;
}

int64_t due_first_ms(const struct due_heap *heap)
{
	return heap->count ? heap->items[1]->at_ms : INT64_MAX;
}
