/* SPDX-License-Identifier: BSD-2-Clause */
/* One line per event. */
#include "events_text.h"

#include <errno.h>
#include <string.h>

#include "status_text.h"
#include "table.h"

#define KIND_COLUMNS 9 /* of the longest kind */
#define RED "\033[31m"
#define YELLOW "\033[33m"
#define PLAIN "\033[0m"

static const char *colour_of(const char *kind)
{
	if (!strcmp(kind, "rollback") || !strcmp(kind, "failed"))
		return RED;
	return !strcmp(kind, "exhausted") ? YELLOW : "";
}

/* "05:00:00" of "2026-11-23T05:00:00.123Z" */
static void print_time(FILE *out, const char *time, bool brief)
{
	const char *clock = strchr(time, 'T');

	if (brief && clock && strlen(clock) > 8)
		fprintf(out, "%.8s", clock + 1);
	else
		text_print(out, time);
}

int event_print(FILE *out, json_t *event, bool brief, bool colours)
{
	const char *by = json_string_value(json_object_get(event, "by"));
	const char *reason = json_string_value(json_object_get(event, "reason"));
	const char *time, *kind, *text, *colour;

	if (json_unpack(event, "{s:s, s:s, s:s}", "time", &time, "kind", &kind, "text", &text))
		return -EBADMSG;
	colour = colours ? colour_of(kind) : "";
	print_time(out, time, brief);
	fprintf(out, "  %s", colour);
	text_print(out, kind);
	fprintf(out, "%s%*s", *colour ? PLAIN : "",
		(int)(strlen(kind) < KIND_COLUMNS ? KIND_COLUMNS - strlen(kind) : 0) + 2, "");
	text_print(out, text);
	if (by) {
		fputs(", by ", out);
		text_print(out, status_who(by));
	}
	if (by && reason) { /* without somebody the reason is in the text */
		fputs(": ", out);
		text_print(out, reason);
	}
	putc('\n', out);
	return 0;
}
