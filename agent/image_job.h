/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files that build an image share among themselves; everybody else includes image.h. */
#ifndef SERIN_IMAGE_JOB_H
#define SERIN_IMAGE_JOB_H

#include <stdbool.h>
#include <stddef.h>

#include "image.h"

/* Source addresses snat[first .. first + count). */
struct image_snat_group {
	__u8 first;
	__u8 count;
};

/* One call of image_build: `image` starts as a copy of what is there and becomes what is wanted. */
struct image_job {
	const struct config *config;
	struct image *image;
	struct image_snat_group snat4, snat6; /* where config->snat.addresses are */
	image_source_fn source;
	void *context;
	struct complaint *complaint;
};

/* The start of a complaint; `place` may be NULL. */
struct image_where {
	char text[256];
};

struct image_where image_where(const struct image_job *job, const struct config_place *place);

/* 0 or -ENOSPC. `kept` entries are not configured, but may be in use and take up room all the same. */
int image_check_room(const struct image_job *job, const struct config_place *place, const char *what, size_t wanted,
		     size_t kept, unsigned int limit);

static inline bool image_same_addr(const struct serin_addr *a, const struct serin_addr *b)
{
	return a->quad[0] == b->quad[0] && a->quad[1] == b->quad[1];
}

/* image_backend.c: mark every backend as leaving; give the configured ones their ids, endpoints and sources. */
void image_backends_leave(struct image *image);
int image_update_backends(const struct image_job *job);

/* image_snat.c: put config->snat.addresses into the table; then, the group that a backend of forward: nat uses, or the
 * one address that packets to a backend of forward: ipip or gue are wrapped under. */
int image_place_snat(struct image_job *job);
int image_choose_snat(const struct image_job *job, const struct config_service *service,
		      const struct config_backend *wanted, struct image_snat_group *ret);
int image_choose_outer(const struct image_job *job, const struct config_backend *wanted, struct image_snat_group *ret);

#endif
