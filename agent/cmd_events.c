/* SPDX-License-Identifier: BSD-2-Clause */
/* `serin events`: what the agent decided, and with -f what it decides from now on. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "commands.h"
#include "events.h"
#include "events_text.h"
#include "loop.h"
#include "screen.h"

#define WAIT_SECONDS 3 /* less than CLIENT_TIMEOUT_MS */

struct follower {
	const struct options *options;
	struct client *client;
	struct screen screen;
	json_int_t after;
};

/* The last --limit ones at first; then all that come. */
static char *make_path(const struct follower *follower, bool wait)
{
	const struct options *options = follower->options;
	char *service = client_encode(options->argument_count ? options->arguments[0] : "");
	unsigned int limit = wait || options->limit > EVENTS_KEPT ? EVENTS_KEPT : options->limit;
	char *path = NULL;

	if (service && asprintf(&path, "/v1/events?after=%lld&limit=%u&wait=%d%s%s", (long long)follower->after, limit,
				wait ? WAIT_SECONDS : 0, *service ? "&service=" : "", service) < 0)
		path = NULL;
	free(service);
	return path;
}

static int ask(struct follower *follower, bool wait, json_t **ret, struct complaint *complaint)
{
	char *path = make_path(follower, wait);
	int error;

	error = path ? client_call(follower->client, "GET", path, NULL, ret, complaint)
		     : complain(complaint, -ENOMEM, "out of memory");
	free(path);
	return error;
}

/* Following, one line of JSON per event, so that a program can read them as they come. */
static int print_event(const struct follower *follower, json_t *event)
{
	if (follower->options->output == OUTPUT_TEXT)
		return event_print(stdout, event, false, follower->screen.colours);
	if (json_dumpf(event, stdout, JSON_COMPACT | JSON_REAL_PRECISION(15)))
		return -EBADMSG;
	putchar('\n');
	return 0;
}

static int print_events(struct follower *follower, const json_t *answer, struct complaint *complaint)
{
	json_t *events = json_object_get(answer, "events"), *event;
	json_int_t id;
	size_t i;

	if (!json_is_array(events))
		return complain(complaint, -EBADMSG, "the agent's answer has no list of events");
	json_array_foreach (events, i, event) {
		id = json_integer_value(json_object_get(event, "id"));
		if (id <= follower->after || print_event(follower, event))
			return complain(complaint, -EBADMSG, "the agent's answer is no list of events");
		follower->after = id;
	}
	fflush(stdout);
	return 0;
}

static int show_once(struct follower *follower, struct complaint *complaint)
{
	json_t *answer = NULL;
	int error;

	error = ask(follower, false, &answer, complaint);
	if (error)
		return error;
	if (follower->options->output == OUTPUT_JSON && !follower->options->follow)
		command_print_json(answer);
	else
		error = print_events(follower, answer, complaint);
	json_decref(answer);
	return error;
}

/* The loop that answers those who wait has no room for more: come again, but not at once. */
static void pause_between(int64_t began_ms, size_t count)
{
	if (!count && loop_now_ms() - began_ms < 500)
		sleep(1);
}

/* Goes on while an agent is being restarted: the next one's ids are larger. */
static int follow(struct follower *follower, struct complaint *complaint)
{
	bool is_away = false;
	json_t *answer;
	int64_t began;
	int error;

	while (!ferror(stdout)) {
		answer = NULL;
		began = loop_now_ms();
		error = ask(follower, true, &answer, complaint);
		if (error && command_exit_of(error) != COMMAND_NO_AGENT)
			return error;
		if (error && !is_away)
			command_fail(COMMAND_NO_AGENT, "%s; waiting for one", complaint->text);
		is_away = error;
		if (error)
			sleep(1);
		else
			error = print_events(follower, answer, complaint);
		if (!is_away)
			pause_between(began, json_array_size(json_object_get(answer, "events")));
		json_decref(answer);
		if (error && !is_away)
			return error;
	}
	return complain(complaint, -EIO, "cannot write to the standard output");
}

static void leave(int signal_number)
{
	(void)signal_number;
	_exit(COMMAND_OK);
}

int cmd_events(const struct options *options)
{
	struct follower follower = { .options = options };
	struct complaint complaint = { "" };
	int error;

	screen_look(&follower.screen);
	if (options->follow)
		signal(SIGINT, leave);
	error = client_open(options->socket, &follower.client, &complaint);
	if (!error)
		error = show_once(&follower, &complaint);
	if (!error && options->follow)
		error = follow(&follower, &complaint);
	client_close(follower.client);
	return error ? command_fail(command_exit_of(error), "%s", complaint.text) : COMMAND_OK;
}
