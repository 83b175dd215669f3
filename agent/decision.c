/* SPDX-License-Identifier: BSD-2-Clause */
/* Where decisions go: process-wide like the log, since everything that logs may decide. */
#include "decision.h"

#include "loop.h"

#define MAX_FIELDS 16

/* Of one kind: whoever sets weights in a loop is heard, does not fill the disk, and keeps no other line back. */
#define LINES_PER_SECOND 10
#define LINES_AT_ONCE 100

static struct events *ring;
static void (*on_added)(void *context);
static void *on_added_context;
static struct log_bucket buckets[EVENT_KIND_COUNT];

void decision_setup(struct events *events, void (*added)(void *context), void *context)
{
	ring = events;
	on_added = added;
	on_added_context = context;
}

static void write_line(enum log_level level, enum event_kind kind, const struct log_field *fields, size_t count)
{
	struct log_bucket *bucket = &buckets[kind];
	struct log_field more[MAX_FIELDS + 1];
	unsigned int kept_back;

	bucket->per_second = LINES_PER_SECOND;
	bucket->burst = LINES_AT_ONCE;
	if (!log_bucket_take(bucket, loop_now_ms(), &kept_back))
		return;
	if (!kept_back || count > MAX_FIELDS) {
		log_write(level, fields, count);
		return;
	}
	for (size_t i = 0; i < count; i++)
		more[i] = fields[i];
	more[count] = log_number("kept_back", kept_back);
	log_write(level, more, count + 1);
}

void decision_write(enum log_level level, enum event_kind kind, const char *text, const struct log_field *fields,
		    size_t count)
{
	write_line(level, kind, fields, count);
	if (!ring)
		return;
	if (events_add(ring, loop_wall_ms(), kind, text, fields + 1, count - 1)) {
		log_error("an event is lost", log_text("error", "not enough memory"));
		return;
	}
	if (on_added)
		on_added(on_added_context);
}
