/* SPDX-License-Identifier: BSD-2-Clause */
/* Which backends live: what checks, trial connections and the kernel's strikes say of each, and who is to be in the rings. */
#ifndef SERIN_LIVENESS_H
#define SERIN_LIVENESS_H

#include <stddef.h>
#include <stdint.h>

#include "checker.h"
#include "complaint.h"
#include "datapath.h"
#include "health.h"
#include "image.h"
#include "loop.h"
#include "service.h"

struct liveness;

struct liveness_options {
	struct datapath *datapath;
	const struct image *image; /* the controller's, as the kernel has it */
	/* The rings of that service, an id of the image, are to be built anew: once for all that came together; again a second later where it gives an error. */
	int (*changed)(void *context, unsigned int service);
	void (*tripped)(void *context, unsigned int place); /* the kernel's guard of that version; may be NULL */
	void *context;
};

int liveness_open(const struct liveness_options *options, struct liveness **ret, struct complaint *complaint);
struct liveness *liveness_close(struct liveness *liveness); /* NULL is fine; returns NULL */
int liveness_add_to_loop(struct liveness *liveness, struct loop *loop);

/* After the start and every reload: these services are at work, and the image has their backends. Those that the image
 * calls ejected and that are not known here were found so by another agent. The services stay the caller's. */
void liveness_follow(struct liveness *liveness, const struct service *services, size_t count);

/* The id belongs to nobody any more. */
void liveness_forget(struct liveness *liveness, unsigned int id);

/* Into an image: who is ejected, and how much of its places the others have. */
void liveness_mark(const struct liveness *liveness, struct image *image);

/* Of its checks, trials and probes. */
void liveness_measure(const struct liveness *liveness, struct checker_figures *ret);

/* What is known of a backend. */
const struct health *liveness_of(const struct liveness *liveness, unsigned int id);

/* Of a version, by ids of the image. */
void liveness_count(const struct liveness *liveness, unsigned int service, unsigned int version,
		    struct health_tally *ret);

#endif
