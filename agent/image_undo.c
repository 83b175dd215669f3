/* SPDX-License-Identifier: BSD-2-Clause */
/* Images between two images: the one that has both, and the one to go back to. */
#include "image_undo.h"

#include <string.h>

static bool is_used(const struct serin_backend *backend)
{
	return backend->flags & SERIN_BACKEND_USED;
}

/* Names of `new` where `old` has none: leaving backends are shown under them, and keep their numbers from being given
 * to others. */
static void add_names(const struct serin_service *new, struct serin_service *old)
{
	if (strncmp(old->name, new->name, sizeof(old->name))) {
		/* Its number was free, or of a service that nothing referred to any more. */
		if (new->name[0])
			*old = *new;
		return;
	}
	for (size_t i = 0; i < SERIN_MAX_VERSIONS; i++) {
		if (new->version[i][0])
			memcpy(old->version[i], new->version[i], sizeof(old->version[i]));
	}
}

void image_undo(const struct image *old, const struct image *new, struct image *ret)
{
	*ret = *old;
	for (size_t i = 0; i < SERIN_MAX_SERVICES; i++)
		add_names(&new->services[i], &ret->services[i]);
	for (size_t i = 0; i < SERIN_MAX_BACKENDS; i++) {
		if (is_used(&old->backends[i]) || !is_used(&new->backends[i]))
			continue;
		ret->backends[i] = new->backends[i];
		ret->backends[i].flags |= SERIN_BACKEND_LEAVING;
		ret->backends[i].weight = 0;
	}
	/* Addresses are only ever added. */
	memcpy(ret->snat, new->snat, sizeof(ret->snat));
	if (new->endpoint_count > ret->endpoint_count)
		ret->endpoint_count = new->endpoint_count;
}

void image_union(const struct image *old, const struct image *new, struct image *ret)
{
	*ret = *new;
	for (size_t i = 0; i < SERIN_MAX_BACKENDS; i++) {
		if (is_used(&old->backends[i]) && new->backends[i].flags & SERIN_BACKEND_LEAVING)
			ret->backends[i] = old->backends[i];
	}
}
