/* SPDX-License-Identifier: BSD-2-Clause */
/* Events wake it, the service's state tells it what is so: nothing that an agent did not live to say is missed. */
#include "rollout_wait.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "commands.h"
#include "loop.h"
#include "rollout_follow.h"
#include "rollout_text.h"

#define EVENT_SECONDS 3      /* less than CLIENT_TIMEOUT_MS */
#define AWAY_MS (600 * 1000) /* an agent that is away for longer does not come back by itself */

struct waiter {
	const struct options *options;
	struct client *client;
	char *path, *events; /* the latter as far as "after=" */
	struct rollout_follow follow;
	json_int_t newest; /* event */
	int64_t answered_ms;
	bool is_away;
};

static void print_news(const struct waiter *waiter, const json_t *rollout)
{
	time_t now = time(NULL);
	struct tm tm;

	if (waiter->options->output == OUTPUT_JSON) {
		json_dumpf(rollout, stdout, JSON_COMPACT | JSON_REAL_PRECISION(15));
	} else {
		if (gmtime_r(&now, &tm))
			printf("%02d:%02d:%02d  ", tm.tm_hour, tm.tm_min, tm.tm_sec);
		rollout_print_line(stdout, rollout);
	}
	putchar('\n');
	fflush(stdout);
}

static int end(const struct waiter *waiter, enum rollout_follow_end how)
{
	const char *service = waiter->options->arguments[0];

	switch (how) {
	case FOLLOW_COMPLETED:
		return COMMAND_OK;
	case FOLLOW_ROLLED_BACK:
		return COMMAND_ROLLED_BACK;
	case FOLLOW_ABORTED:
		return command_fail(COMMAND_FAILED, "the rollout of %s was aborted", service);
	case FOLLOW_REPLACED:
		return command_fail(COMMAND_FAILED, "another rollout of %s has begun, the end of this one was not seen",
				    service);
	default:
		return command_fail(COMMAND_FAILED, "the agent knows of no rollout of %s any more", service);
	}
}

/* True when it has ended, with the exit code in *ret. */
static bool look(struct waiter *waiter, const json_t *service, int *ret)
{
	const json_t *rollout = json_object_get(service, "rollout");
	enum rollout_follow_end how;
	bool news;

	how = rollout_follow_look(&waiter->follow, rollout, &news);
	if (news)
		print_news(waiter, rollout);
	if (ferror(stdout)) { /* nobody is left to be told */
		*ret = COMMAND_FAILED;
		return true;
	}
	if (how == FOLLOW_RUNS)
		return false;
	*ret = end(waiter, how);
	return true;
}

/* 0 when there was an answer or there may be one later; else it is told, and the exit code. */
static int bear(struct waiter *waiter, int error, const struct complaint *complaint)
{
	if (!error) {
		waiter->is_away = false;
		waiter->answered_ms = loop_now_ms();
		return 0;
	}
	if (command_exit_of(error) != COMMAND_NO_AGENT)
		return command_fail(COMMAND_FAILED, "%s", complaint->text);
	if (loop_now_ms() - waiter->answered_ms > AWAY_MS)
		return command_fail(COMMAND_NO_AGENT, "%s; the rollout goes on without this command", complaint->text);
	if (!waiter->is_away)
		command_fail(COMMAND_NO_AGENT, "%s; waiting for one", complaint->text);
	waiter->is_away = true;
	sleep(1);
	return 0;
}

/* Until something happens to the service, EVENT_SECONDS at most. */
static int wait_for_event(struct waiter *waiter)
{
	int64_t began = loop_now_ms();
	struct complaint complaint;
	json_t *answer = NULL;
	char *path = NULL;
	bool any;
	int error;

	if (asprintf(&path, "%s%lld", waiter->events, (long long)waiter->newest) < 0)
		return command_fail(COMMAND_FAILED, "out of memory");
	error = client_call(waiter->client, "GET", path, NULL, &answer, &complaint);
	free(path);
	any = json_array_size(json_object_get(answer, "events"));
	if (!error)
		waiter->newest = json_integer_value(json_object_get(answer, "newest"));
	json_decref(answer);
	/* The loop that answers those who wait had no room for more. */
	if (!error && !any && loop_now_ms() - began < 500)
		sleep(1);
	return bear(waiter, error, &complaint);
}

static int follow(struct waiter *waiter, const json_t *service)
{
	struct complaint complaint;
	int code, error;

	if (look(waiter, service, &code))
		return code;
	for (;;) {
		json_t *answer = NULL;
		bool ended = false;

		code = wait_for_event(waiter);
		if (code)
			return code;
		error = client_call(waiter->client, "GET", waiter->path, NULL, &answer, &complaint);
		code = bear(waiter, error, &complaint);
		if (!error)
			ended = look(waiter, answer, &code);
		json_decref(answer);
		if (code || ended)
			return code;
	}
}

int rollout_wait(const struct options *options, const json_t *service)
{
	struct waiter waiter = { .options = options, .answered_ms = loop_now_ms() };
	char *name = client_encode(options->arguments[0]);
	struct complaint complaint;
	int code;

	waiter.path = client_service_path(options->arguments[0], "");
	if (!name || asprintf(&waiter.events, "/v1/events?limit=1&wait=%d&service=%s&after=", EVENT_SECONDS, name) < 0)
		waiter.events = NULL;
	if (!waiter.path || !waiter.events)
		code = command_fail(COMMAND_FAILED, "out of memory");
	else if (client_open(options->socket, &waiter.client, &complaint))
		code = command_fail(COMMAND_FAILED, "%s", complaint.text);
	else
		code = follow(&waiter, service);
	client_close(waiter.client);
	free(waiter.path);
	free(waiter.events);
	free(name);
	return code;
}
