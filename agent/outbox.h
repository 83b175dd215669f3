/* SPDX-License-Identifier: BSD-2-Clause */
/* Notifications on their way: posted from the loop, in order per receiver, tried again for a day, and kept in a file so that
 * a restart neither loses nor repeats one. */
#ifndef SERIN_OUTBOX_H
#define SERIN_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "complaint.h"
#include "fetch.h"
#include "loop.h"
#include "notice.h"

#define OUTBOX_FILE "outbox.json"

/* What becomes of a notification, and of the file: the name that is shown, and what it stands for. */
#define OUTBOX_FATES(X)                                                            \
	X(DELIVERED, delivered, "the receiver has taken it")                       \
	X(LATE, late, "the first attempt failed: it will be tried again")          \
	X(REFUSED, refused, "the receiver will never take it")                     \
	X(GIVEN_UP, given_up, "the receiver has not taken it for a day")           \
	X(DROPPED, dropped, "too many wait, or nobody is to have it any more")     \
	X(UNSAVED, unsaved, "the file cannot be written: a restart may repeat it") \
	X(DAMAGED, damaged, "the file was damaged and has been set aside")

enum outbox_fate {
#define OUTBOX_ENUM(upper, label, text) OUTBOX_##upper,
	OUTBOX_FATES(OUTBOX_ENUM)
#undef OUTBOX_ENUM
		OUTBOX_FATE_COUNT
};

const char *outbox_fate_name(enum outbox_fate fate);

struct outbox_report {
	enum outbox_fate fate;
	const char *service, *key; /* NULL of UNSAVED and DAMAGED */
	const char *text;          /* one sentence; names the receiver without what is secret in its URL */
};

/* May add notifications, but not free the outbox. */
typedef void (*outbox_fn)(void *context, const struct outbox_report *report);

struct outbox_settings {
	unsigned int timeout_ms;      /* of one attempt */
	int64_t first_ms, longest_ms; /* between attempts */
	int64_t give_up_s;            /* an attempt that fails when it is so old was the last one */
	int64_t (*clock)(void);       /* seconds since 1970 */
};

extern const struct outbox_settings outbox_defaults; /* 10 s; 1 s to 15 min; a day; time(2) */

struct outbox;

/* Reads the file, if there is one; what waits in it is posted as soon as the loop runs. A damaged or newer file is set
 * aside (reported from the loop). 0; or a negative errno and a complaint when the file cannot be read or set aside. */
int outbox_open(struct loop *loop, struct fetcher *fetcher, const char *directory,
		const struct outbox_settings *settings, outbox_fn fn, void *context, struct outbox **ret,
		struct complaint *complaint);
/* While loop and fetcher still exist. What has not been delivered stays in the file. NULL is fine. Returns NULL. */
struct outbox *outbox_free(struct outbox *outbox);

/* Take it on for those of `receivers` who are to have that kind: when this has returned 0, it is in the file and will be
 * posted. Of a key that was taken on before, nothing is: so whoever is not sure, after a restart, says it again. The
 * same receiver gets at most one at a time, in this order; a receiver may get one twice only when the agent was killed
 * while it was being posted, and then with the same Idempotency-Key. A negative errno and a complaint: it is posted all the
 * same unless there was no memory, but a restart may lose it. */
int outbox_add(struct outbox *outbox, const struct config_notify *receivers, size_t count, const struct notice *notice,
	       struct complaint *complaint);

/* After a change of the configuration: what is for others than those that `wanted` knows is dropped. */
void outbox_retain(struct outbox *outbox, bool (*wanted)(void *context, const char *url), void *context);

struct outbox_figures {
	size_t pending, busy;
	int64_t oldest_s; /* age */
	uint64_t fates[OUTBOX_FATE_COUNT];
};

void outbox_measure(const struct outbox *outbox, struct outbox_figures *ret);

#endif
