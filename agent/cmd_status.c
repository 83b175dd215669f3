/* SPDX-License-Identifier: BSD-2-Clause */
/* `serin status`: shares set and measured, and what each version's connections came to. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "commands.h"
#include "screen.h"
#include "status_text.h"
#include "status_view.h"

#define EVENTS_SHOWN 5

struct watcher {
	const struct options *options;
	struct client *client;
	struct screen screen;
	char *path, *events_path;
	char *last; /* what was shown, for as long as the agent is away */
};

/* The text to show: whole, so that a screen never sees half of it. */
static int render(const struct watcher *watcher, const json_t *answer, const json_t *events, char **ret,
		  struct complaint *complaint)
{
	const struct options *options = watcher->options;
	bool redraw = watcher->screen.redraw;
	const struct status_view view = {
		.columns = redraw ? screen_columns() : SCREEN_COLUMNS - 1,
		.rows = redraw ? screen_rows() : 0,
		.colours = watcher->screen.colours,
	};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int error = 0;

	if (!out)
		return complain(complaint, -ENOMEM, "out of memory");
	if (options->output ==
	    OUTPUT_JSON) { /* watching: a line per round, so that a program can tell where one ends */
		json_dumpf(answer, out, (options->watch ? JSON_COMPACT : JSON_INDENT(2)) | JSON_REAL_PRECISION(15));
		putc('\n', out);
	} else if (options->watch) {
		error = status_view_print(out, answer, events, &view, complaint);
	} else {
		error = status_print(out, answer, watcher->screen.colours, complaint);
	}
	if (fclose(out) && !error)
		error = complain(complaint, -ENOMEM, "out of memory");
	if (error) {
		free(text);
		return error;
	}
	*ret = text;
	return 0;
}

static void show(struct watcher *watcher, const char *text)
{
	if (watcher->options->watch && watcher->screen.redraw && watcher->options->output == OUTPUT_TEXT) {
		screen_draw(&watcher->screen, text);
		return;
	}
	if (watcher->last && watcher->options->output == OUTPUT_TEXT)
		putchar('\n');
	fputs(text, stdout);
	fflush(stdout);
}

/* Decorations: without them the figures are shown all the same. */
static json_t *ask_events(struct watcher *watcher)
{
	struct complaint complaint;
	json_t *events = NULL;

	if (watcher->options->watch && watcher->options->output == OUTPUT_TEXT &&
	    client_call(watcher->client, "GET", watcher->events_path, NULL, &events, &complaint))
		return NULL;
	return events;
}

static int round_once(struct watcher *watcher, struct complaint *complaint)
{
	json_t *answer = NULL, *events = NULL;
	char *text = NULL;
	int error;

	error = client_call(watcher->client, "GET", watcher->path, NULL, &answer, complaint);
	if (!error)
		events = ask_events(watcher);
	if (!error)
		error = render(watcher, answer, events, &text, complaint);
	if (!error) {
		show(watcher, text);
		free(watcher->last);
		watcher->last = text;
	}
	json_decref(answer);
	json_decref(events);
	return error;
}

/* The screen keeps the last figures, under a line that says how old they are. */
static void show_away(struct watcher *watcher, const struct complaint *complaint)
{
	char *text;

	if (!watcher->screen.redraw || watcher->options->output == OUTPUT_JSON) {
		command_fail(COMMAND_NO_AGENT, "%s", complaint->text);
		return;
	}
	if (asprintf(&text, "no agent: what follows is old\n%s", watcher->last) < 0)
		return;
	screen_draw(&watcher->screen, text);
	free(text);
}

static volatile sig_atomic_t has_screen;

/* No cursor is hidden and no mode set; but it may have come in the middle of a coloured line. */
static void leave(int signal_number)
{
	static const char plain[] = "\033[0m\n";

	(void)signal_number;
	if (has_screen && write(STDOUT_FILENO, plain, sizeof(plain) - 1) < 0) {
		/* nobody is left to see it */
	}
	_exit(COMMAND_OK);
}

/* Goes on while an agent is being restarted; what it refuses, it refuses for good. */
static int watch(struct watcher *watcher, struct complaint *complaint)
{
	int error;

	for (;;) {
		sleep(1);
		error = round_once(watcher, complaint);
		if (error && command_exit_of(error) != COMMAND_NO_AGENT)
			return error;
		if (error)
			show_away(watcher, complaint);
		if (ferror(stdout))
			return complain(complaint, -EIO, "cannot write to the standard output");
	}
}

static int make_paths(struct watcher *watcher)
{
	const struct options *options = watcher->options;
	char *name = client_encode(options->argument_count ? options->arguments[0] : "");

	if (options->argument_count)
		watcher->path = client_service_path(options->arguments[0], "");
	else /* the view shows none */
		watcher->path = strdup(options->watch && options->output == OUTPUT_TEXT ? "/v1/services?backends=no"
											: "/v1/services");
	if (!name || asprintf(&watcher->events_path, "/v1/events?limit=%d%s%s", EVENTS_SHOWN, *name ? "&service=" : "",
			      name) < 0)
		watcher->events_path = NULL;
	free(name);
	return watcher->path && watcher->events_path ? 0 : -ENOMEM;
}

int cmd_status(const struct options *options)
{
	struct watcher watcher = { .options = options };
	struct complaint complaint;
	int error;

	screen_look(&watcher.screen);
	error = make_paths(&watcher) ? complain(&complaint, -ENOMEM, "out of memory")
				     : client_open(options->socket, &watcher.client, &complaint);
	if (error)
		goto out;
	has_screen = watcher.screen.redraw && options->output == OUTPUT_TEXT;
	if (options->watch)
		signal(SIGINT, leave);
	error = round_once(&watcher, &complaint);
	if (!error && options->watch)
		error = watch(&watcher, &complaint);
out:
	client_close(watcher.client);
	free(watcher.path);
	free(watcher.events_path);
	free(watcher.last);
	return error ? command_fail(command_exit_of(error), "%s", complaint.text) : COMMAND_OK;
}
