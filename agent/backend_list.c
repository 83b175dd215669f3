/* SPDX-License-Identifier: BSD-2-Clause */
/* Lists of discovered backends: appended to, then sorted once. */
#include "backend_list.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 16u

/* Room doubles, so that the count tells it: when it is a power of two, all is taken. */
static int make_room(struct backend_list *list)
{
	size_t room = list->count ? 2 * list->count : FIRST_ROOM;
	struct config_backend *items;

	if (list->count && (list->count < FIRST_ROOM || (list->count & (list->count - 1))))
		return 0;
	items = reallocarray(list->items, room, sizeof(*items));
	if (!items)
		return -ENOMEM;
	list->items = items;
	return 0;
}

int backend_list_add(struct backend_list *list, const struct config_backend *backend)
{
	int err;

	if (list->count >= BACKEND_LIST_MAX)
		return -E2BIG;
	err = make_room(list);
	if (!err)
		list->items[list->count++] = *backend;
	return err;
}

static int compare(const void *a, const void *b)
{
	const struct endpoint *one = &((const struct config_backend *)a)->endpoint;
	const struct endpoint *other = &((const struct config_backend *)b)->endpoint;
	int order = memcmp(&one->addr, &other->addr, sizeof(one->addr));

	return order ? order : (int)ntohs(one->port) - (int)ntohs(other->port);
}

static uint16_t add_weights(uint16_t one, uint16_t other)
{
	unsigned int sum = (unsigned int)one + other;

	return (uint16_t)(sum < BACKEND_WEIGHT_MAX ? sum : BACKEND_WEIGHT_MAX);
}

void backend_list_settle(struct backend_list *list, enum serin_forward forward)
{
	size_t kept = 0;

	if (!list->count)
		return;
	qsort(list->items, list->count, sizeof(*list->items), compare);
	for (size_t i = 1; i < list->count; i++) {
		struct config_backend *last = &list->items[kept];

		if (config_is_same_server(forward, &last->endpoint, &list->items[i].endpoint))
			last->weight = add_weights(last->weight, list->items[i].weight);
		else
			list->items[++kept] = list->items[i];
	}
	list->count = kept + 1;
}

bool backend_list_equal(const struct backend_list *one, const struct backend_list *other)
{
	if (one->count != other->count)
		return false;
	for (size_t i = 0; i < one->count; i++) {
		if (compare(&one->items[i], &other->items[i]) || one->items[i].weight != other->items[i].weight)
			return false;
	}
	return true;
}

void backend_list_clear(struct backend_list *list)
{
	free(list->items);
	*list = (struct backend_list){ .items = NULL };
}
