/* SPDX-License-Identifier: BSD-2-Clause */
/* Emptying backends: those that are no longer configured, and those of a version that is rolled back with its connections
 * reset. Idle connections get a RST on both sides, busy ones when they fall idle, all after LEAVING_ANSWER_TIMEOUT_MS.
 * The id of a backend that is no longer configured becomes free when no flow names it. */
#ifndef SERIN_LEAVING_H
#define SERIN_LEAVING_H

#include <stddef.h>
#include <stdint.h>

#include "complaint.h"
#include "datapath.h"
#include "image.h"
#include "loop.h"
#include "service.h"
#include "sweeper.h"

#define LEAVING_DRAIN_MS 300000 /* where the service is no longer configured either */

enum leaving_mode { LEAVING_DRAIN, LEAVING_RESET };

struct leaving;

/* What a backend was freed as, for those who keep something by its id. It is still in the image. */
typedef void (*leaving_freed_fn)(void *context, unsigned int id);

struct leaving_options {
	struct datapath *datapath;
	struct image *image; /* the controller's, as the kernel has it: flags and freed ids are written into it */
	const struct sweeper *sweeper;
	leaving_freed_fn freed; /* may be NULL */
	void *context;
};

/* Opens the raw sockets: CAP_NET_RAW is needed now. */
int leaving_open(const struct leaving_options *options, struct leaving **ret, struct complaint *complaint);
struct leaving *leaving_close(struct leaving *leaving); /* NULL is fine; returns NULL */
int leaving_add_to_loop(struct leaving *leaving, struct loop *loop);

/* Once a second: moves phases on, frees ids, and follows what others have done to the image: a backend that is configured
 * again does not leave, one of a version that has a weight is not reset unless others take its clients (REPLACED), one that
 * the image calls LEAVING and nobody has announced drains for its service's drain_timeout (or LEAVING_DRAIN_MS). */
void leaving_tick(struct leaving *leaving, const struct service *services, size_t count, int64_t now_ms);

/* Backends get no new flows from now on (their plan is in the kernel): empty them. Drain: nothing happens before
 * `deadline_ms` (of loop_now_ms), and then it goes on as reset. Reset: at `deadline_ms` busy connections are reset too;
 * loop_now_ms() + LEAVING_ANSWER_TIMEOUT_MS is usual. A backend that is being reset is not put back to draining, and one
 * that is draining keeps the earlier deadline. */
void leaving_begin(struct leaving *leaving, const uint16_t *ids, size_t count, enum leaving_mode mode,
		   int64_t deadline_ms);

/* A rollback: what becomes of the connections of all versions on trial. Drain leaves them where they are, also those that
 * an earlier rollback was about to reset; but not what goes because others take a backend's clients. */
void leaving_rollback(struct leaving *leaving, const struct service *service, enum leaving_mode mode);

/* Backends of this version (id of the image) get new flows again, but for those whose clients others take: call it before
 * they do. */
void leaving_stop(struct leaving *leaving, unsigned int service, unsigned int version);

/* The same for one backend: it was out, and is back. */
void leaving_keep(struct leaving *leaving, unsigned int id);

/* Flows that were ended, since the agent's start. */
uint64_t leaving_ended(const struct leaving *leaving);

#endif
