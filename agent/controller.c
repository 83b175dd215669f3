/* SPDX-License-Identifier: BSD-2-Clause */
/* The controller at work: opening, ticks, readiness. */
#include "controller_rollout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "startup.h"

#define FOUND_MS 20
#define FOUND_AGAIN_MS 5000
#define TICK_MS 1000
#define OBSERVE_MS 10 /* at most, for one reading of what is observed */

static void backend_freed(void *context, unsigned int id)
{
	struct controller *controller = context;

	counters_retire(&controller->counters, id);
	liveness_forget(controller->liveness, id);
}

static void look_for_exhaustion(struct controller *controller)
{
	const struct config_snat *snat = &controller->config->snat;

	exhaustion_look(&controller->exhaustion, &controller->counters, &controller->image,
			(uint32_t)(snat->port_last - snat->port_first + 1), loop_now_ms());
}

static void refresh(struct controller *controller, int64_t budget_ms)
{
	struct counters *counters = &controller->counters;
	int64_t now = loop_now_ms();
	unsigned int kept_back;
	int r, also;

	r = counters_read(counters, controller->datapath, &controller->image, now);
	also = counters_read_observed(counters, controller->datapath, &controller->image, budget_ms);
	r = r ? r : also;
	if (r && log_allowed(&controller->limit, now, 60000, &kept_back))
		log_error("cannot read all counters", log_text("error", strerror(-r)),
			  log_number("kept_back", kept_back));
	counters_sample(counters, controller->services, controller->service_count);
}

static int backends_changed(void *context, unsigned int service)
{
	return controller_backends_changed(context, service);
}

static void guard_tripped(void *context, unsigned int place)
{
	controller_rollout_tripped(context, place);
}

static int open_flows(struct controller *controller, struct complaint *complaint)
{
	struct leaving_options options = {
		.datapath = controller->datapath,
		.image = &controller->image,
		.freed = backend_freed,
		.context = controller,
	};

	struct liveness_options health = {
		.datapath = controller->datapath,
		.image = &controller->image,
		.changed = backends_changed,
		.tripped = guard_tripped,
		.context = controller,
	};

	if (sweeper_open(controller->datapath, &controller->sweeper))
		return complain(complaint, -ENOMEM, "not enough memory to sweep the flow table with");
	options.sweeper = controller->sweeper;
	return leaving_open(&options, &controller->leaving, complaint)
		       ?: liveness_open(&health, &controller->liveness, complaint)
		       ?: flow_log_open(controller->datapath, &controller->image, &controller->flow_log, complaint)
		       ?: datapath_watch(controller->datapath, complaint);
}

/* The agent before this one may have had no time to finish what its last rollback began. Where it had, there is nothing
 * left to reset. */
static void resume_resets(struct controller *controller)
{
	for (size_t i = 0; i < controller->service_count; i++) {
		const struct state_change *changed = &controller->services[i].now.changed;

		if (changed->kind == STATE_ROLLBACK && changed->reset)
			leaving_rollback(controller->leaving, &controller->services[i], LEAVING_RESET);
	}
}

int controller_open(const struct controller_options *options, struct config *config, struct controller **ret,
		    struct complaint *complaint)
{
	struct controller *controller = calloc(1, sizeof(*controller));
	int r;

	if (!controller)
		return complain(complaint, -ENOMEM, "not enough memory for the controller");
	controller->options = *options;
	controller->started = time(NULL);
	controller->config = config;
	controller->pin_lock = -1;
	r = startup_run(controller, complaint);
	if (!r) {
		r = open_flows(controller, complaint);
		if (r)
			startup_withdraw(controller);
	}
	if (r) {
		controller->config = NULL; /* still the caller's */
		controller_close(controller);
		return r;
	}
	/* What the last agent saw must not look like the first second's. */
	refresh(controller, INT32_MAX);
	look_for_exhaustion(controller);
	for (size_t i = 0; i < controller->service_count; i++)
		controller_restart_window(controller, &controller->services[i]);
	*ret = controller;
	return 0;
}

struct controller *controller_close(struct controller *controller)
{
	if (!controller)
		return NULL;
	for (size_t i = 0; i < controller->service_count; i++)
		free(controller->services[i].plan);
	free(controller->services);
	controller_free_history(controller);
	controller_rollout_free(controller);
	discovery_close(controller->discovery);
	liveness_close(controller->liveness);
	leaving_close(controller->leaving);
	sweeper_close(controller->sweeper);
	flow_log_close(controller->flow_log);
	nexthops_stop(&controller->nexthops);
	neigh_close(controller->neigh);
	datapath_close(controller->datapath);
	if (controller->pin_lock >= 0)
		close(controller->pin_lock);
	state_free(&controller->state);
	config_free(controller->config);
	counters_free(&controller->counters);
	free(controller);
	return NULL;
}

struct service *controller_find_service(const struct controller *controller, const char *name)
{
	for (size_t i = 0; i < controller->service_count; i++) {
		if (!strcmp(controller->services[i].config->name, name))
			return &controller->services[i];
	}
	return NULL;
}

void controller_refresh(struct controller *controller)
{
	refresh(controller, OBSERVE_MS);
}

void controller_restart_window(struct controller *controller, struct service *service)
{
	window_restart(&service->window, &service->newest);
	counters_restart(&controller->counters, service->id);
}

static double now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int controller_save(struct controller *controller, struct complaint *complaint)
{
	int r = state_save(controller->options.state_dir, &controller->state, complaint);

	controller->unsaved = r != 0;
	return r;
}

static void save_again(struct controller *controller)
{
	struct complaint complaint = { "" };
	unsigned int kept_back;

	if (!controller_save(controller, &complaint))
		log_info("the state is persisted again");
	else if (log_allowed(&controller->save_limit, loop_now_ms(), 60000, &kept_back))
		log_error("the state is not persisted", log_text("error", complaint.text),
			  log_number("kept_back", kept_back));
}

/* No message comes when what was in the way of attaching has gone. */
static void look_for_devices(struct controller *controller)
{
	if (!devices_missing(&controller->devices))
		return;
	devices_refresh(&controller->devices, controller->datapath);
	if (!devices_missing(&controller->devices))
		nexthops_changed(&controller->nexthops);
}

static void tick(void *context)
{
	struct controller *controller = context;
	double start = now_seconds();

	controller_refresh(controller);
	for (size_t i = 0; i < controller->service_count; i++)
		window_add(&controller->services[i].window, &controller->services[i].newest);
	counters_tick(&controller->counters);
	controller_keep_history(controller);
	leaving_tick(controller->leaving, controller->services, controller->service_count, loop_now_ms());
	look_for_exhaustion(controller);
	look_for_devices(controller);
	if (devices_end_local(&controller->devices, controller->datapath, controller->config)) {
		devices_names(&controller->devices, &controller->state);
		controller_save(controller, NULL);
	}
	if (controller->unsaved)
		save_again(controller);
	nexthops_tick(&controller->nexthops, loop_now_ms());
	controller->tick_seconds = now_seconds() - start;
}

static void network_changed(void *context)
{
	struct controller *controller = context;
	bool routes = false, links = false;
	unsigned int kept_back;
	int r;

	r = neigh_process(controller->neigh, &routes, &links);
	if (r < 0) {
		if (log_allowed(&controller->limit, loop_now_ms(), 60000, &kept_back))
			log_error("cannot read changes of the network", log_text("error", strerror(-r)),
				  log_number("kept_back", kept_back));
		return;
	}
	if (links)
		devices_refresh(&controller->devices, controller->datapath);
	if (routes || links)
		nexthops_changed(&controller->nexthops);
}

int controller_check_state(struct controller *controller, struct complaint *complaint)
{
	int r = controller_save(controller, complaint);

	if (r)
		startup_withdraw(controller);
	return r;
}

/* Several lists may have changed at once: one reload for all. */
static void lists_changed(void *context)
{
	struct controller *controller = context;

	loop_set_timer(controller->found, FOUND_MS, 0);
}

static void apply_found(void *context)
{
	struct controller *controller = context;
	struct complaint complaint = { "" };

	if (controller_apply_found(controller, &complaint))
		loop_set_timer(controller->found, FOUND_AGAIN_MS, 0);
}

static int find_backends(struct controller *controller, struct loop *loop)
{
	struct complaint complaint = { "" };
	int r;

	r = loop_add_timer(loop, apply_found, controller, &controller->found);
	if (!r)
		r = discovery_open(loop, lists_changed, controller, &controller->discovery, &complaint);
	if (!r)
		r = discovery_follow(controller->discovery, controller->config, &complaint);
	if (r)
		log_error("backends cannot be asked for", log_text("error", complaint.text));
	return r;
}

int controller_add_to_loop(struct controller *controller, struct loop *loop)
{
	struct loop_source *timer;
	int r;

	r = loop_add_timer(loop, nexthops_flush, &controller->nexthops, &controller->nexthops.timer);
	if (!r)
		r = loop_add_fd(loop, neigh_fd(controller->neigh), network_changed, controller, NULL);
	if (!r)
		r = sweeper_add_to_loop(controller->sweeper, loop);
	if (!r)
		r = leaving_add_to_loop(controller->leaving, loop);
	if (!r)
		r = flow_log_add_to_loop(controller->flow_log, loop);
	if (!r)
		r = liveness_add_to_loop(controller->liveness, loop);
	if (!r)
		liveness_follow(controller->liveness, controller->services, controller->service_count);
	if (!r)
		r = controller_rollout_add_to_loop(controller, loop);
	if (!r)
		r = find_backends(controller, loop);
	if (!r)
		r = loop_add_timer(loop, tick, controller, &timer);
	if (!r)
		r = loop_set_timer(timer, TICK_MS, TICK_MS);
	if (!r)
		resume_resets(controller);
	return r;
}

int controller_ready(const struct controller *controller, struct complaint *complaint)
{
	const char *missing = devices_missing(&controller->devices);

	for (size_t i = 0; i < controller->service_count; i++) {
		if (controller_check_baseline(&controller->services[i], complaint))
			return -EAGAIN;
	}
	if (missing)
		return complain(complaint, -EAGAIN, "interface %s is gone, its program with it", missing);
	if (!controller->nexthops.ready)
		return complain(complaint, -EAGAIN, "%d of %d next hops have not been resolved yet",
				controller->nexthops.unresolved, controller->nexthops.total);
	return 0;
}
