/* SPDX-License-Identifier: BSD-2-Clause */
/* The image of the kernel's tables: what a configuration wants in them, given what is there. Ids are how flows name
 * their backend, so an image keeps every id of the one before it. Pure. */
#ifndef SERIN_IMAGE_H
#define SERIN_IMAGE_H

#include <serin/abi.h>
#include "complaint.h"
#include "config.h"

struct image {
	struct serin_service services[SERIN_MAX_SERVICES];
	struct serin_listener listeners[SERIN_MAX_LISTENERS];
	struct serin_backend backends[SERIN_MAX_BACKENDS];
	struct serin_addr snat[SERIN_MAX_SNAT]; /* all zero: no such address */
	uint16_t absent
		[SERIN_MAX_BACKENDS]; /* thousandths of its places that others have; the agent's own, in no table */
	__u32 endpoint_count;         /* endpoints 0 .. count - 1 are in use */
};

/* The source address that the host would use towards an endpoint: 0, or a negative errno and a complaint. For
 * configurations without snat.addresses; tests give their own. */
typedef int (*image_source_fn)(void *context, const struct serin_addr *to, struct serin_addr *ret,
			       struct complaint *complaint);

/* Compute what `config` wants in the tables that now hold `actual` (all zero at first). A service, version or backend
 * that is configured again keeps its id; a backend no longer configured keeps its id and becomes LEAVING. -ENOSPC and
 * a complaint past a limit of abi.h; `ret` is untouched on errors. */
int image_build(const struct config *config, const struct image *actual, image_source_fn source, void *context,
		struct image *ret, struct complaint *complaint);

/* Ids, or -ENOENT. */
int image_find_service(const struct image *image, const char *name);
int image_find_version(const struct image *image, unsigned int service, const char *name);
/* Those of a version that are not leaving, into `ret` of SERIN_MAX_BACKENDS; how many. */
size_t image_list_backends(const struct image *image, const char *service, const char *version,
			   struct config_backend *ret);
int image_find_backend(const struct image *image, unsigned int service, unsigned int version,
		       const struct endpoint *endpoint);

#endif
