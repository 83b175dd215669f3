/* SPDX-License-Identifier: BSD-2-Clause */
/* What every service starts with: its weights, and its plan in the kernel. */
#include "controller_trial.h"
#include "startup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"

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
	controller_rollout_resume(controller, service, !is_pinned && stored);
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
	const struct service *service;
	int r = 0;

	for (size_t i = 0; !r && i < controller->service_count; i++) {
		service = &controller->services[i];
		if (differs[i])
			r = datapath_set_plan(controller->datapath, service->id, service->plan, complaint);
	}
	return r;
}
