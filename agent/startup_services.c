/* SPDX-License-Identifier: BSD-2-Clause */
/* What every service starts with: its weights, and its plan in the kernel. */
#include "controller_trial.h"
#include "startup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "decision.h"
#include "log.h"
#include "weights.h"

/* Which version is the baseline, only the state's file and the running plans know: the configuration's may be the one that was
 * replaced long ago. What an agent that had lost it has left in the kernel knows no more. */
static bool is_lost(const struct controller *controller, const struct service *service, bool is_pinned)
{
	if (!*controller->damaged)
		return false;
	return is_pinned ? service_is_empty_plan(service->plan) : !datapath_is_reused(controller->datapath);
}

static void lose_baseline(const struct controller *controller, struct state_service *now)
{
	now->lost = true;
	weights_rollback(now);
	now->changed = (struct state_change){ .by = "agent", .at = time(NULL), .kind = STATE_START };
	snprintf(now->changed.reason, sizeof(now->changed.reason), "the state file was damaged, it is kept as %.200s",
		 controller->damaged);
}

static void log_lost(const struct service *service)
{
	struct complaint complaint = { "" };

	controller_check_baseline(service, &complaint);
	decision_make(LOG_LEVEL_ERROR, EVENT_FAILED, "nobody is served", complaint.text,
		      log_text("service", service->config->name), log_text("error", complaint.text));
}

static void log_start(const struct service *service, enum weights_source source)
{
	char text[512];

	log_info("weights", log_text("service", service->config->name),
		 log_text("to", weights_format(&service->now, text, sizeof(text))), log_text("by", "agent"),
		 log_text("source", weights_source_name(source)));
	if (strcmp(service->now.versions[service->now.baseline].name,
		   service->config->versions[service->config->baseline].name))
		log_info("the baseline is another one than the configuration starts with",
			 log_text("service", service->config->name),
			 log_text("baseline", service->now.versions[service->now.baseline].name));
}

/* Whether none of the backends that run for the version on trial is configured any more, or others are. */
static bool has_others(const struct image *running, const struct service *service)
{
	struct config_backend *before = calloc(SERIN_MAX_BACKENDS, sizeof(*before));
	const struct config_version *to = &service->config->versions[trial_version(service)];
	struct config_version from = { .backends = before };
	bool others;

	if (!before)
		return false;
	from.backend_count = image_list_backends(running, service->config->name, to->name, before);
	others = controller_rollout_has_others(&from, to);
	free(before);
	return others;
}

/* The rollout that the last agent left. */
static void resume(struct controller *controller, const struct image *running, struct service *service, bool is_pinned)
{
	const struct rollout *rollout = &service->now.trial.rollout;

	controller_rollout_resume(controller, service, is_pinned ? ROLLOUT_RESTARTED : ROLLOUT_REBOOTED, NULL);
	if (is_pinned && rollout_is_judged(rollout) && trial_version(service) >= 0 && has_others(running, service))
		controller_rollout_resume(controller, service, ROLLOUT_BACKENDS, NULL);
}

static int choose_weights(struct controller *controller, const struct image *running, struct service *service,
			  struct complaint *complaint)
{
	const struct state_service *stored = state_find_service(&controller->state, service->config->name);
	struct serin_plan *plan = malloc(sizeof(*plan));
	int id = image_find_service(running, service->config->name);
	struct state_service pinned;
	bool is_pinned = false;
	enum weights_source source;

	if (!plan)
		return complain(complaint, -ENOMEM, "not enough memory for a plan");
	if (id >= 0 && !datapath_get_plan(controller->datapath, (unsigned int)id, plan)) {
		is_pinned = service_read_plan(&running->services[id], plan, &pinned);
		service->plan = plan;
	} else {
		free(plan);
	}
	source = weights_start(service->config, stored, is_pinned ? &pinned : NULL, time(NULL), &service->now);
	if (stored)
		trial_note_returned(stored, &service->now);
	resume(controller, running, service, is_pinned);
	if (is_lost(controller, service, is_pinned))
		lose_baseline(controller, &service->now);
	if (service->now.lost)
		log_lost(service);
	else
		log_start(service, source);
	return 0;
}

int startup_choose_weights(struct controller *controller, const struct image *running, struct complaint *complaint)
{
	struct service *service;
	int r;

	controller->services = calloc(controller->config->service_count + 1, sizeof(*controller->services));
	if (!controller->services)
		return complain(complaint, -ENOMEM, "not enough memory for the services");
	for (size_t i = 0; i < controller->config->service_count; i++) {
		service = &controller->services[controller->service_count++];
		r = service_bind(service, &controller->config->services[i], &controller->image);
		if (r)
			return complain(complaint, r, "service %s is not in the tables that were made for it",
					controller->config->services[i].name);
		r = choose_weights(controller, running, service, complaint);
		if (r)
			return r;
		controller->image.services[service->id].baseline = service->version_id[service->now.baseline];
	}
	return 0;
}

static void note_former(struct service *service, const struct serin_plan *next)
{
	const struct serin_plan *plan = service->plan;
	int trial = trial_version(service);
	unsigned int of_trial, of_baseline;

	service->redrawn = plan && plan->seed != next->seed;
	service->former_share = 0;
	if (!plan || trial < 0)
		return;
	of_trial = plan->weight[service->version_id[trial]];
	of_baseline = plan->weight[plan->baseline % SERIN_MAX_VERSIONS];
	if (service->version_id[trial] != plan->baseline && of_trial + of_baseline)
		service->former_share = (double)of_trial / (of_trial + of_baseline);
}

/* The plan that the service should have, in service->plan; *ret_differs from what the kernel has. */
static int make_plan(struct controller *controller, struct service *service, bool *ret_differs,
		     struct complaint *complaint)
{
	struct serin_plan *plan = malloc(sizeof(*plan));
	uint32_t newest = service->now.generation;
	int r;

	if (!plan)
		return complain(complaint, -ENOMEM, "not enough memory for a plan");
	if (service->plan && service->plan->generation > newest)
		newest = service->plan->generation;
	service->now.generation = newest + 1 ? newest + 1 : 1;
	service_next_epoch(&service->now);
	r = service_build_plan(service, &controller->image, &service->now, plan, complaint);
	if (r) {
		free(plan);
		return r;
	}
	*ret_differs = !service->plan || !service_same_plan(service->plan, plan);
	if (*ret_differs) {
		note_former(service, plan);
		free(service->plan);
		service->plan = plan;
		controller_trial_epoch(controller, service, &service->now);
	} else {
		service->now.generation = service->plan->generation;
		service->now.epoch = service->plan->epoch;
		free(plan);
	}
	return 0;
}

int startup_make_plans(struct controller *controller, bool ret_differs[SERIN_MAX_SERVICES], struct complaint *complaint)
{
	struct service *service;
	int r = 0;

	for (size_t i = 0; !r && i < controller->service_count; i++) {
		service = &controller->services[i];
		r = make_plan(controller, service, &ret_differs[i], complaint);
		if (!r && state_put_service(&controller->state, &service->now))
			r = complain(complaint, -ENOMEM, "not enough memory for the state");
	}
	return r;
}

int startup_set_plans(struct controller *controller, const bool differs[SERIN_MAX_SERVICES],
		      struct complaint *complaint)
{
	struct service *service;
	int r = 0;

	for (size_t i = 0; !r && i < controller->service_count; i++) {
		service = &controller->services[i];
		controller_guard_start(controller, service, differs[i]);
		if (differs[i])
			r = datapath_set_plan(controller->datapath, service->id, service->plan, complaint);
	}
	return r;
}
