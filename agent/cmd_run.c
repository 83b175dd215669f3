/* SPDX-License-Identifier: BSD-2-Clause */
/* `serin run`: the agent, in the foreground. Puts its parts together, in the order in which they can fail. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api.h"
#include "commands.h"
#include "config.h"
#include "controller_rollout.h"
#include "decision.h"
#include "events.h"
#include "http.h"
#include "http_listen.h"
#include "lock.h"
#include "log.h"
#include "loop.h"
#include "priv.h"

#define FIND_PATIENCE_MS 5000 /* for first answers about backends */

struct agent {
	const struct options *options;
	struct loop *loop;
	int lock;
	struct config *config; /* until the controller has it */
	struct events *events;
	struct http *http;
	struct controller *controller;
};

static void event_added(void *context)
{
	struct agent *agent = context;

	if (agent->http)
		http_wake(agent->http);
}

static void log_stop(const char *signal)
{
	char text[EVENT_TEXT_LEN];

	snprintf(text, sizeof(text), "the agent ends by %s, programs and maps stay at work", signal);
	decision_make(LOG_LEVEL_INFO, EVENT_STOP, "stop", text, log_text("signal", signal),
		      log_text("left", "programs and maps stay at work"));
}

static void on_signal(void *context, int signal)
{
	const struct controller_request request = { .by = "SIGHUP" };
	struct complaint complaint = { "" };
	struct config_diff diff = { 0 };
	struct agent *agent = context;

	if (signal == SIGHUP) {
		controller_reload(agent->controller, &request, false, &diff, &complaint);
		config_diff_free(&diff);
		return;
	}
	log_stop(signal == SIGTERM ? "SIGTERM" : "SIGINT");
	loop_stop(agent->loop);
}

static int take_lock(struct agent *agent, struct complaint *complaint)
{
	char path[PATH_MAX];
	int r;

	if (lock_path(agent->options->socket, path, sizeof(path)))
		return complain(complaint, -ENAMETOOLONG, "socket %.200s...: the path is too long",
				agent->options->socket);
	r = http_listen_make_directory(agent->options->socket, complaint);
	return r ? r : lock_take(path, &agent->lock, complaint);
}

/* The doors are bound before the kernel is touched: a port in use must not cost anything. */
static int start(struct agent *agent, struct complaint *complaint)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, 0 };
	struct controller_options options = {
		.pin_dir = agent->options->pin_dir,
		.state_dir = agent->options->state_dir,
	};
	struct http_options http = { .socket_path = agent->options->socket, .fn = api_handle };
	int r;

	signal(SIGPIPE, SIG_IGN);
	if (events_new((int64_t)time(NULL) * 1000, &agent->events))
		return complain(complaint, -ENOMEM, "not enough memory for events");
	options.events = agent->events;
	decision_setup(agent->events, event_added, agent);
	r = loop_new(&agent->loop);
	if (!r)
		r = loop_add_signals(agent->loop, signals, on_signal, agent);
	if (r)
		return complain(complaint, r, "cannot make the event loop: %s", strerror(-r));
	r = config_load(agent->options->config, &agent->config, complaint);
	if (!r)
		r = take_lock(agent, complaint);
	if (!r)
		r = discovery_fill(NULL, agent->config, NULL, FIND_PATIENCE_MS, complaint);
	if (r)
		return r;
	http.config = &agent->config->http;
	r = http_open(&http, &agent->http, complaint);
	if (!r)
		r = controller_open(&options, agent->config, &agent->controller, complaint);
	if (r)
		return r;
	agent->config = NULL;
	return priv_drop(complaint);
}

/* Root without CAP_DAC_OVERRIDE reads less than root: better said now than at the first reload. */
static void check_readable(const struct agent *agent)
{
	if (access(agent->options->config, R_OK))
		log_warn(
			"`serin reload` will not work: the configuration cannot be read with the privileges that are left",
			log_text("config", agent->options->config), log_text("error", strerror(errno)));
}

static void log_ready(const struct agent *agent)
{
	size_t services = agent->controller->service_count;
	char text[EVENT_TEXT_LEN];

	snprintf(text, sizeof(text), "the agent is at work, %zu service%s, pid %d", services, services == 1 ? "" : "s",
		 (int)getpid());
	decision_make(LOG_LEVEL_INFO, EVENT_START, "ready", text, log_text("socket", agent->options->socket),
		      log_number("services", (int64_t)services), log_number("pid", getpid()));
}

static int serve(struct agent *agent, struct complaint *complaint)
{
	int r;

	r = controller_check_state(agent->controller, complaint);
	if (r)
		return r;
	check_readable(agent);
	r = controller_add_to_loop(agent->controller, agent->loop);
	if (r)
		return complain(complaint, r, "cannot watch the network: %s", strerror(-r));
	r = http_serve(agent->http, agent->controller, agent->loop, complaint);
	if (r)
		return r;
	log_ready(agent);
	r = loop_run(agent->loop);
	controller_rollout_leave(agent->controller);
	return r ? complain(complaint, r, "the event loop failed: %s", strerror(-r)) : 0;
}

static void stop(struct agent *agent)
{
	agent->http = http_close(agent->http);
	decision_setup(NULL, NULL, NULL);
	controller_close(agent->controller);
	events_free(agent->events);
	config_free(agent->config);
	loop_free(agent->loop);
	if (agent->lock >= 0)
		close(agent->lock);
}

int cmd_run(const struct options *options)
{
	struct agent agent = { .options = options, .lock = -1 };
	struct complaint complaint = { "" };
	int r;

	discovery_setup(options->resolv_conf);
	log_setup(options->log_level, options->log_format);
	log_info("start", log_text("config", options->config), log_number("pid", getpid()));
	r = start(&agent, &complaint);
	if (!r)
		r = serve(&agent, &complaint);
	if (r)
		log_error("stop", log_text("error", complaint.text));
	stop(&agent);
	return r ? COMMAND_FAILED : COMMAND_OK;
}
