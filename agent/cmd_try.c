/* SPDX-License-Identifier: BSD-2-Clause */
/* `serin try`: split a port of this machine between processes on other ports of it, and show what comes of it, until
 * somebody ends it. */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "commands.h"
#include "loop.h"
#include "priv.h"
#include "try_kernel.h"
#include "try_lock.h"
#include "try_say.h"
#include "screen.h"

#define ROUND_MS 1000
#define LOOK_MS 50       /* how often it is looked whether the last connection has ended */
#define PATIENCE_MS 1000 /* for requests that are on their way when it ends */
#define TITLE "\033[1m"
#define DIM "\033[2m"
#define PLAIN "\033[0m"

enum phase { RUNNING, ENDING, OVER };

struct trial {
	const struct options *options;
	struct try_split split;
	struct try_host host;
	struct try_kernel *kernel;
	struct try_figures figures, shown;
	struct screen screen;
	struct loop *loop;
	struct loop_source *timer;
	enum phase phase;
	int64_t give_up_ms;   /* of ending */
	const char *ended_by; /* a signal's name; NULL: nobody yet */
	bool is_terminal;     /* the standard output, at the start: a terminal that hung up is none any more */
	int lock;
	int error; /* what ended it, if it was no signal */
};

/* A block for the terminal: what is split, the table, and how to end it or what became of it. */
static int render(const struct trial *trial, char **ret)
{
	const struct screen *screen = &trial->screen;
	size_t size;
	FILE *out = open_memstream(ret, &size);
	int r;

	if (!out)
		return -ENOMEM;
	fprintf(out, "%sport %u/%s%s, %lld s\n", screen->colours ? TITLE : "", trial->split.port,
		protocol_name(trial->split.protocol), screen->colours ? PLAIN : "",
		(long long)trial->figures.ms / 1000);
	r = try_print_table(out, &trial->split, &trial->figures, screen->redraw ? screen_columns() : SCREEN_COLUMNS,
			    screen->colours ? DIM : "", screen->colours ? PLAIN : "");
	if (trial->phase == OVER)
		try_print_end(out, &trial->split, &trial->figures);
	else
		fputs("Ctrl-C ends it and undoes everything\n", out);
	if (fclose(out) && !r)
		r = -ENOMEM;
	if (r)
		free(*ret);
	return r;
}

static void show_text(struct trial *trial)
{
	char *text;

	if (render(trial, &text))
		return;
	if (trial->screen.redraw)
		screen_draw(&trial->screen, text);
	else
		fputs(text, stdout);
	free(text);
}

/* Nothing happened, nothing is said: a log of idle seconds serves nobody. */
static bool is_news(const struct trial *trial)
{
	return memcmp(trial->figures.versions, trial->shown.versions, sizeof(trial->figures.versions)) != 0;
}

static void show_json(const struct trial *trial)
{
	json_t *json = try_to_json(&trial->split, &trial->figures, trial->phase == OVER ? trial->ended_by : NULL);

	if (json && !json_dumpf(json, stdout, JSON_COMPACT | JSON_REAL_PRECISION(15)))
		putchar('\n');
	json_decref(json);
}

static void show(struct trial *trial)
{
	if (trial->options->output == OUTPUT_JSON)
		show_json(trial);
	else if (trial->screen.redraw || trial->phase == OVER)
		show_text(trial);
	else if (is_news(trial))
		try_print_lines(stdout, &trial->split, &trial->figures);
	trial->shown = trial->figures;
	fflush(stdout);
}

/* The terminal is gone, or whoever read the pipe. */
static bool is_unheard(void)
{
	return ferror(stdout) != 0;
}

static int read_figures(struct trial *trial)
{
	int r = try_kernel_read(trial->kernel, loop_now_ms(), &trial->figures);

	if (r) {
		trial->error = r;
		loop_stop(trial->loop);
	}
	return r;
}

/* First no new connections, so that requests on their way may still be answered. */
static void begin_end(struct trial *trial, const char *by)
{
	struct complaint complaint;

	trial->phase = ENDING;
	trial->ended_by = by;
	trial->give_up_ms = loop_now_ms() + PATIENCE_MS;
	if (try_kernel_hide(trial->kernel, &complaint) || loop_set_timer(trial->timer, 0, LOOK_MS))
		loop_stop(trial->loop);
}

static void tick(void *context)
{
	struct trial *trial = context;

	if (read_figures(trial))
		return;
	if (trial->phase == ENDING) {
		if (!try_translated(&trial->split, &trial->figures) || loop_now_ms() >= trial->give_up_ms)
			loop_stop(trial->loop);
		return;
	}
	show(trial);
	if (is_unheard())
		begin_end(trial, "output");
}

/* A second one does not wait. */
static void on_signal(void *context, int signal)
{
	struct trial *trial = context;

	if (trial->phase == ENDING)
		loop_stop(trial->loop);
	else
		begin_end(trial, signal == SIGINT ? "SIGINT" : signal == SIGTERM ? "SIGTERM" : "SIGHUP");
}

static int prepare_loop(struct trial *trial, struct complaint *complaint)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, 0 };
	int r;

	signal(SIGPIPE, SIG_IGN);
	r = loop_new(&trial->loop);
	if (!r)
		r = loop_add_signals(trial->loop, signals, on_signal, trial);
	if (!r)
		r = loop_add_timer(trial->loop, tick, trial, &trial->timer);
	return r ? complain(complaint, r, "cannot make the event loop: %s", strerror(-r)) : 0;
}

static int start(struct trial *trial, struct complaint *complaint)
{
	int r;

	r = prepare_loop(trial, complaint);
	if (!r)
		r = try_lock(trial->split.port, trial->split.protocol, &trial->lock, complaint);
	if (!r)
		r = try_host_look(&trial->host, complaint);
	if (!r)
		r = try_kernel_open(&trial->split, &trial->host, try_say_skipped, NULL, &trial->kernel, complaint);
	if (!r)
		r = priv_drop(complaint);
	if (!r)
		r = try_kernel_add_to_loop(trial->kernel, trial->loop)
			    ? complain(complaint, -ENOMEM, "cannot sweep the flow table")
			    : 0;
	if (!r)
		r = try_kernel_show(trial->kernel, complaint);
	if (!r)
		try_say_start(&trial->split, &trial->host);
	return r;
}

static int run(struct trial *trial, struct complaint *complaint)
{
	int r;

	screen_look(&trial->screen);
	trial->is_terminal = isatty(STDOUT_FILENO);
	r = loop_set_timer(trial->timer, 0, ROUND_MS);
	if (!r)
		r = loop_run(trial->loop);
	if (!r)
		r = trial->error;
	return r ? complain(complaint, r, "ended, since its figures cannot be read: %s", strerror(-r)) : 0;
}

/* Taken out first: what is said then is true. */
static void stop(struct trial *trial)
{
	if (trial->kernel && trial->phase == ENDING)
		try_kernel_read(trial->kernel, loop_now_ms(), &trial->figures);
	trial->kernel = try_kernel_close(trial->kernel);
	loop_free(trial->loop);
	if (trial->lock >= 0)
		close(trial->lock);
}

/* Over the whole time, where there is no second before. */
static void average(struct trial *trial)
{
	for (size_t i = 0; i < trial->split.count; i++)
		trial->figures.per_second[i] = trial->figures.ms > 0 ? (double)trial->figures.versions[i].opened *
									       1000 / (double)trial->figures.ms
								     : 0;
}

/* Nobody may be there to read it: that a terminal hangs up is one way to end this, and no failure. */
static void say_end(struct trial *trial)
{
	trial->phase = OVER;
	average(trial);
	show(trial);
	if (is_unheard() && trial->is_terminal) {
		__fpurge(stdout);
		clearerr(stdout);
	}
}

int cmd_try(const struct options *options)
{
	struct trial trial = { .options = options, .lock = -1 };
	struct complaint complaint = { "" };
	int r;

	if (try_parse(options->arguments, options->argument_count, options->udp ? IPPROTO_UDP : IPPROTO_TCP,
		      &trial.split, &complaint))
		return command_fail(COMMAND_USAGE, "%s", complaint.text);
	r = start(&trial, &complaint);
	if (!r)
		r = run(&trial, &complaint);
	stop(&trial);
	if (r)
		return command_fail(COMMAND_FAILED, "%s", complaint.text);
	say_end(&trial);
	return COMMAND_OK;
}
