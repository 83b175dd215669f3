/* SPDX-License-Identifier: BSD-2-Clause */
/* Events as lines for people, out of what the agent answered. Pure. */
#ifndef SERIN_EVENTS_TEXT_H
#define SERIN_EVENTS_TEXT_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

/* "2026-11-23T05:00:00.123Z  rollback   shop rolled back: ..., by uid 0: p95 is up". With `brief` the time of day alone.
 * 0, or -EBADMSG with nothing printed. */
int event_print(FILE *out, json_t *event, bool brief, bool colours);

#endif
