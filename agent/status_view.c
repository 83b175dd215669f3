/* SPDX-License-Identifier: BSD-2-Clause */
/* Rendered whole first, then cut to the terminal's size line by line. */
#include "status_view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "events_text.h"
#include "rollout_text.h"
#include "screen.h"
#include "status_backends.h"
#include "status_view_private.h"
#include "table.h"

static void print_listeners(FILE *out, const json_t *listeners)
{
	json_t *listener;
	size_t i;

	json_array_foreach (listeners, i, listener) {
		fputs(i ? ", " : "", out);
		text_print(out, json_is_string(listener) ? json_string_value(listener) : "?");
	}
}

static int print_header(FILE *out, json_t *service, const struct status_view *view, struct complaint *complaint)
{
	json_int_t generation;
	json_error_t where;
	json_t *listeners;
	const char *name;
	double seconds;

	if (json_unpack_ex(service, &where, 0, "{s:s, s:o, s:I, s:F}", "name", &name, "listen", &listeners,
			   "generation", &generation, "window_seconds", &seconds))
		return complain(complaint, -EBADMSG, "the agent's answer has no usable service: %s", where.text);
	fputs(view->colours ? VIEW_BOLD : "", out);
	text_print(out, name);
	fputs(view->colours ? VIEW_PLAIN "  " : "  ", out);
	print_listeners(out, listeners);
	fprintf(out, "  generation %lld, last %.0f s\n", (long long)generation, seconds);
	return 0;
}

static void print_events(FILE *out, const json_t *answer, const struct status_view *view)
{
	json_t *event;
	size_t i;

	json_array_foreach (json_object_get(answer, "events"), i, event) {
		fputs(i ? "" : "\n", out);
		event_print(out, event, true, view->colours);
	}
}

/* Who gets no clients, and where the others come from: above the events, since these are cut first. */
static void print_backends(FILE *out, const json_t *versions)
{
	status_print_out(out, NULL, versions);
	status_print_sources(out, "", versions);
}

static int print_one(FILE *out, json_t *service, const struct status_view *view, struct complaint *complaint)
{
	int error = print_header(out, service, view, complaint);

	if (!error)
		rollout_print_block(out, service, view->colours);
	if (!error)
		error = view_print_versions(out, service, view, complaint);
	if (!error)
		print_backends(out, json_object_get(service, "versions"));
	return error;
}

/* A line is what there is room for. */
static void print_rollout(FILE *out, const json_t *service)
{
	const json_t *rollout = json_object_get(service, "rollout"), *guard = json_object_get(rollout, "guard");

	if (json_is_null(json_object_get(service, "baseline"))) {
		text_print(out, json_string_value(json_object_get(service, "name")));
		fputs("  its baseline is unknown: nobody is served\n", out);
		return;
	}
	if (!json_is_string(json_object_get(rollout, "version")) || !json_is_string(json_object_get(rollout, "state")))
		return;
	text_print(out, json_string_value(json_object_get(service, "name")));
	fputs("  ", out);
	rollout_print_line(out, rollout);
	fputs(json_is_true(json_object_get(guard, "tripped")) ? "; the guard has tripped\n" : "\n", out);
}

static int print_several(FILE *out, const json_t *services, const struct status_view *view, struct complaint *complaint)
{
	int error = view_print_list(out, services, view, complaint);
	json_t *service;
	size_t i;

	if (error)
		return error;
	json_array_foreach (services, i, service) {
		print_rollout(out, service);
		status_print_out(out, json_string_value(json_object_get(service, "name")),
				 json_object_get(service, "versions"));
	}
	return 0;
}

static int render(FILE *out, const json_t *answer, const json_t *events, const struct status_view *view,
		  struct complaint *complaint)
{
	const json_t *services = json_object_get(answer, "services");
	int error;

	if (!services)
		error = print_one(out, (json_t *)answer, view, complaint);
	else if (!json_is_array(services))
		error = complain(complaint, -EBADMSG, "the agent's answer has no list of services");
	else if (json_array_size(services) == 1)
		error = print_one(out, json_array_get(services, 0), view, complaint);
	else
		error = print_several(out, services, view, complaint);
	if (!error)
		print_events(out, events, view);
	return error;
}

static unsigned int count_lines(const char *text)
{
	unsigned int lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

static void print_cut(FILE *out, const char *text, const struct status_view *view)
{
	unsigned int lines = count_lines(text), room = view->rows ? view->rows : lines;

	for (unsigned int i = 0; i < lines; i++) {
		if (lines > room && i + 1 == room) {
			fprintf(out, "... %u lines more than there is room for\n", lines - i);
			return;
		}
		text = screen_print_line(out, text, view->columns);
		putc('\n', out);
	}
}

int status_view_print(FILE *out, const json_t *answer, const json_t *events, const struct status_view *view,
		      struct complaint *complaint)
{
	char *text = NULL;
	size_t size;
	FILE *memory = open_memstream(&text, &size);
	int error;

	if (!memory)
		return complain(complaint, -ENOMEM, "out of memory");
	error = render(memory, answer, events, view, complaint);
	if (fclose(memory) && !error)
		error = complain(complaint, -ENOMEM, "out of memory");
	if (!error)
		print_cut(out, text, view);
	free(text);
	return error;
}
