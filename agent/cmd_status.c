/* SPDX-License-Identifier: BSD-2-Clause */
/* `serin status`: shares set and measured, and what each version's connections came to. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "client.h"
#include "commands.h"
#include "status_text.h"
#include "table.h"

#define HOME_AND_CLEAR "\033[H\033[J"

/* How stdout wants to be written to. */
struct screen {
	bool colours;
	bool redraw; /* each round replaces the one before it */
};

static void look_at_screen(const struct options *options, struct screen *screen)
{
	const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
	bool smart = isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb");

	screen->redraw = smart && options->output == OUTPUT_TEXT;
	screen->colours = screen->redraw && !(no_color && *no_color); /* https://no-color.org */
}

/* Lines below the last row would scroll the first ones away. */
static void print_rows(const char *text, unsigned int rows)
{
	const char *end;

	for (; rows > 1; rows--, text = end + 1) {
		end = strchr(text, '\n');
		if (!end)
			return;
		fwrite(text, 1, (size_t)(end + 1 - text), stdout);
	}
	if (*text)
		fputs("... the window is too low for more: name a service, or leave out --watch", stdout);
}

static void show(const struct screen *screen, const struct options *options, const char *text, bool first)
{
	struct winsize window = { 0 };

	if (options->watch && screen->redraw) {
		if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) || !window.ws_row)
			window.ws_row = 24;
		fputs(HOME_AND_CLEAR, stdout);
		print_rows(text, window.ws_row);
	} else {
		if (!first && options->output == OUTPUT_TEXT)
			putchar('\n');
		fputs(text, stdout);
	}
	fflush(stdout);
}

/* The answer as the text to show: whole, so that a screen never sees half of it. */
static int render(const json_t *answer, const struct options *options, const struct screen *screen, char **ret,
		  struct complaint *complaint)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int error = 0;

	if (!out)
		return complain(complaint, -ENOMEM, "out of memory");
	if (options->output == OUTPUT_TEXT) {
		error = status_print(out, answer, screen->colours, complaint);
	} else { /* watching: one line per round, so that a program can tell where one ends */
		json_dumpf(answer, out, (options->watch ? JSON_COMPACT : JSON_INDENT(2)) | JSON_REAL_PRECISION(15));
		putc('\n', out);
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

static int round_once(struct client *client, const char *path, const struct options *options,
		      const struct screen *screen, bool first, struct complaint *complaint)
{
	json_t *answer = NULL;
	char *text = NULL;
	int error;

	error = client_call(client, "GET", path, NULL, &answer, complaint);
	if (!error)
		error = render(answer, options, screen, &text, complaint);
	if (!error)
		show(screen, options, text, first);
	free(text);
	json_decref(answer);
	return error;
}

/* Nothing is to be undone: no cursor hidden, no mode set. */
static void leave(int signal_number)
{
	(void)signal_number;
	_exit(COMMAND_OK);
}

/* Goes on while an agent is being restarted; what it refuses, it refuses for good. */
static int watch(struct client *client, const char *path, const struct options *options, const struct screen *screen,
		 struct complaint *complaint)
{
	int error;

	for (;;) {
		sleep(1);
		error = round_once(client, path, options, screen, false, complaint);
		if (error && command_exit_of(error) != COMMAND_NO_AGENT)
			return error;
		if (error && screen->redraw)
			fputs(HOME_AND_CLEAR, stdout);
		if (error)
			command_fail(COMMAND_NO_AGENT, "%s", complaint->text);
		if (ferror(stdout))
			return complain(complaint, -EIO, "cannot write to the standard output");
	}
}

int cmd_status(const struct options *options)
{
	struct complaint complaint;
	struct client *client = NULL;
	struct screen screen;
	char *path;
	int error;

	look_at_screen(options, &screen);
	path = options->argument_count ? client_service_path(options->arguments[0], "") : strdup("/v1/services");
	error = path ? client_open(options->socket, &client, &complaint)
		     : complain(&complaint, -ENOMEM, "out of memory");
	if (error)
		goto out;
	if (options->watch)
		signal(SIGINT, leave);
	error = round_once(client, path, options, &screen, true, &complaint);
	if (!error && options->watch)
		error = watch(client, path, options, &screen, &complaint);
out:
	client_close(client);
	free(path);
	return error ? command_fail(command_exit_of(error), "%s", complaint.text) : COMMAND_OK;
}
