/* SPDX-License-Identifier: BSD-2-Clause */
/* A changed configuration file takes effect: compared, prepared, applied, and then it is the one that runs. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller_rollout.h"
#include "decision.h"
#include "reload.h"

#define FIND_PATIENCE_MS 2000 /* the loop stands still meanwhile */

static struct controller *next_new(const struct controller *controller)
{
	struct controller *next = calloc(1, sizeof(*next));

	if (!next)
		return NULL;
	next->options = controller->options;
	next->datapath = controller->datapath;
	next->neigh = controller->neigh;
	memcpy(next->trials, controller->trials, sizeof(next->trials));
	memcpy(next->forsaken, controller->forsaken, sizeof(next->forsaken));
	return next;
}

/* Ports of addresses in use are ours already, but not those of a protocol that nobody had a port of. */
static bool is_at_work(const struct config *from, const struct config *to)
{
	return (config_uses_nat(from, IPPROTO_TCP) || !config_uses_nat(to, IPPROTO_TCP)) &&
	       (config_uses_nat(from, IPPROTO_UDP) || !config_uses_nat(to, IPPROTO_UDP));
}

/* Only what is its own. */
static void next_free(struct controller *next)
{
	if (!next)
		return;
	for (size_t i = 0; i < next->service_count; i++)
		free(next->services[i].plan);
	free(next->services);
	state_free(&next->state);
	config_free(next->config);
	free(next);
}

static int refuse(const struct config_lines *refused, struct complaint *complaint)
{
	if (refused->count == 1)
		return complain(complaint, -EINVAL, "%s", refused->line[0]);
	return complain(complaint, -EINVAL, "%.400s (and %zu more that a reload cannot change)", refused->line[0],
			refused->count - 1);
}

/* The file, or what runs, with the backends that are found now. */
static int load(struct reload *reload, bool from_file, struct complaint *complaint)
{
	const struct config *running = reload->controller->config;
	struct controller *next = reload->next;
	int r = 0;

	if (from_file)
		r = config_load(running->path, &next->config, complaint);
	else if (!(next->config = config_copy(running)))
		r = complain(complaint, -ENOMEM, "not enough memory for a configuration");
	if (!r)
		r = discovery_fill(reload->controller->discovery, next->config, running,
				   from_file ? FIND_PATIENCE_MS : 0, complaint);
	return r;
}

static int compare(struct reload *reload, bool from_file, struct complaint *complaint)
{
	struct controller *next = reload->next;
	int r;

	r = load(reload, from_file, complaint);
	if (!r && config_diff_make(reload->controller->config, next->config, &reload->diff))
		r = complain(complaint, -ENOMEM, "not enough memory to compare the configurations");
	if (!r && reload->diff.refused.count)
		r = refuse(&reload->diff.refused, complaint);
	if (!r)
		next->at_work = is_at_work(reload->controller->config, next->config);
	return r;
}

/* `next` keeps what was the controller's, to be freed with it. */
static void take_over(struct controller *controller, struct controller *next)
{
	struct service *services = controller->services;
	size_t count = controller->service_count;
	struct config *config = controller->config;
	struct state state = controller->state;

	counters_rename(&controller->counters, &controller->image, &next->image);
	controller->services = next->services;
	controller->service_count = next->service_count;
	controller->config = next->config;
	controller->state = next->state;
	controller->image = next->image;
	controller->nexthops.config = controller->config;
	controller->unsaved = false;
	next->services = services;
	next->service_count = count;
	next->config = config;
	next->state = state;
}

/* What goes drains for as long as its own service has said, also where that is gone; then the new file's word counts. */
static void empty_what_goes(struct reload *reload)
{
	struct controller *controller = reload->controller;
	const struct controller *old = reload->next;

	leaving_tick(controller->leaving, old->services, old->service_count, loop_now_ms());
	leaving_tick(controller->leaving, controller->services, controller->service_count, loop_now_ms());
}

static void restart_windows(struct reload *reload)
{
	struct controller *controller = reload->controller;

	controller_refresh(controller);
	for (size_t i = 0; i < controller->service_count; i++) {
		if (reload->moved[i])
			controller_restart_window(controller, &controller->services[i]);
	}
}

static void log_weights(const struct state_service *now)
{
	char to[256], text[EVENT_TEXT_LEN];

	weights_format(now, to, sizeof(to));
	snprintf(text, sizeof(text), "%s set by a reload: now %s", now->name, to);
	decision_make(LOG_LEVEL_INFO, EVENT_WEIGHT, "weights", text, log_text("service", now->name), log_text("to", to),
		      log_text("by", now->changed.by), log_number("generation", now->generation));
}

/* "3 changes: + service x; ...", cut where the room ends. */
static void describe(const struct config_lines *changes, char *text, size_t size)
{
	size_t used = (size_t)snprintf(text, size, "configuration reloaded, %zu change%s", changes->count,
				       changes->count == 1 ? "" : "s");

	for (size_t i = 0; i < changes->count && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s", i ? "; " : ": ", changes->line[i]);
}

static void log_done(const struct reload *reload)
{
	const struct config_lines *changes = &reload->diff.changes;
	const struct controller *controller = reload->controller;
	char text[EVENT_TEXT_LEN];

	for (size_t i = 0; i < changes->count; i++)
		log_info("reload", log_text("change", changes->line[i]));
	for (size_t i = 0; i < controller->service_count; i++) {
		if (reload->moved[i])
			log_weights(&controller->services[i].now);
	}
	describe(changes, text, sizeof(text));
	decision_make(LOG_LEVEL_INFO, EVENT_RELOAD, "reloaded", text, log_text("by", reload->request->by),
		      log_number("changes", (int64_t)changes->count), log_text("reason", reload->request->reason));
}

static void log_failed(const struct reload *reload, int error, const struct complaint *complaint)
{
	const char *what = error == -EUCLEAN ? "a reload failed half-way" : "a reload failed, all is as it was";
	char text[EVENT_TEXT_LEN];

	snprintf(text, sizeof(text), "%s: %.500s", what, complaint->text);
	decision_make(LOG_LEVEL_ERROR, EVENT_FAILED, what, text, log_text("error", complaint->text),
		      log_text("by", reload->request->by));
}

static int run(struct reload *reload, bool from_file, bool check, struct complaint *complaint)
{
	int r;

	reload->next = next_new(reload->controller);
	if (!reload->next)
		return complain(complaint, -ENOMEM, "not enough memory for a reload");
	r = compare(reload, from_file, complaint);
	if (r || !reload->diff.changes.count)
		return r;
	r = reload_prepare(reload, complaint);
	if (r || check)
		return r;
	r = reload_arrange(reload, complaint);
	if (!r)
		r = reload_apply(reload, complaint);
	if (r)
		return r;
	take_over(reload->controller, reload->next);
	if (from_file && discovery_follow(reload->controller->discovery, reload->controller->config, complaint))
		log_error("backends are not asked for anew", log_text("error", complaint->text));
	liveness_follow(reload->controller->liveness, reload->controller->services, reload->controller->service_count);
	controller_rollout_reloaded(reload->controller, reload->next);
	empty_what_goes(reload);
	restart_windows(reload);
	return 0;
}

static int reload_from(bool from_file, struct controller *controller, const struct controller_request *request,
		       bool check, struct config_diff *ret, struct complaint *complaint)
{
	struct reload reload = { .controller = controller, .request = request };
	int r = run(&reload, from_file, check, complaint);

	/* Lists that cannot be used are tried again and again. */
	if (!check && r && (from_file || strcmp(controller->unusable.text, complaint->text)))
		log_failed(&reload, r, complaint);
	else if (!check && reload.diff.changes.count)
		log_done(&reload);
	else if (!check && from_file)
		log_info("nothing to reload", log_text("by", request->by));
	next_free(reload.next);
	free(reload.running);
	free(reload.both);
	free(reload.back);
	if (r)
		config_diff_free(&reload.diff);
	else
		*ret = reload.diff;
	return r;
}

int controller_reload(struct controller *controller, const struct controller_request *request, bool check,
		      struct config_diff *ret, struct complaint *complaint)
{
	return reload_from(true, controller, request, check, ret, complaint);
}

int controller_apply_found(struct controller *controller, struct complaint *complaint)
{
	const struct controller_request request = { .by = "agent", .reason = "other backends were found" };
	struct config_diff diff = { 0 };
	int r = reload_from(false, controller, &request, false, &diff, complaint);

	if (r) {
		controller->unusable = *complaint;
		return r;
	}
	controller->unusable.text[0] = '\0';
	config_diff_free(&diff);
	return 0;
}
