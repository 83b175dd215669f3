/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes of weights: built, persisted, put into the kernel, logged, or not at all. */
#include "controller.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "decision.h"

static int check_generation(const struct service *service, const struct controller_request *request,
			    struct complaint *complaint)
{
	const struct state_change *changed = &service->now.changed;
	time_t at = (time_t)changed->at;
	char when[32] = "?";
	struct tm tm;

	if (!request->has_generation || request->generation == service->now.generation)
		return 0;
	if (gmtime_r(&at, &tm))
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return complain(complaint, -ESTALE, "service %s is at generation %u, not %u: last changed (%s) by %s at %s%s%s",
			service->config->name, service->now.generation, request->generation,
			state_change_kind_name(changed->kind), changed->by, when, *changed->reason ? ": " : "",
			changed->reason);
}

static void stamp(struct state_service *wanted, const struct controller_request *request, enum state_change_kind kind)
{
	wanted->generation = wanted->generation + 1 ? wanted->generation + 1 : 1;
	wanted->changed = (struct state_change){ .at = time(NULL), .kind = kind };
	snprintf(wanted->changed.by, sizeof(wanted->changed.by), "%s", request->by);
	snprintf(wanted->changed.reason, sizeof(wanted->changed.reason), "%s", request->reason ? request->reason : "");
}

/* Versions that get clients again are not to reset them. */
static void keep_flows(struct controller *controller, const struct service *service, const struct state_service *wanted)
{
	for (size_t i = 0; i < wanted->version_count; i++) {
		if (wanted->versions[i].weight)
			leaving_stop(controller->leaving, service->id, service->version_id[i]);
	}
}

/* Persisted first: a crash right after it makes the next start set this very plan. A rollback that cannot be is made
 * nevertheless: the next start sees by the generation that the running plan is newer than the file. */
static int persist_and_swap(struct controller *controller, struct service *service, const struct state_service *wanted,
			    const struct serin_plan *plan, struct complaint *complaint)
{
	int r, saved;

	r = state_put_service(&controller->state, wanted);
	if (r)
		return complain(complaint, r, "not enough memory for the state");
	saved = r = controller_save(controller, complaint);
	if (r && wanted->changed.kind == STATE_ROLLBACK) {
		log_error("a rollback is not persisted yet", log_text("service", wanted->name),
			  log_text("error", complaint->text));
		r = 0;
	}
	if (!r) {
		keep_flows(controller, service, wanted);
		r = datapath_set_plan(controller->datapath, service->id, plan, complaint);
	}
	if (!r)
		return 0;
	/* The old one fits where the new one did. */
	state_put_service(&controller->state, &service->now);
	if (controller_save(controller, NULL) && !saved)
		log_error("the state file names weights that were not set", log_text("service", wanted->name));
	return r;
}

static void log_change(const struct state_service *from, const struct state_service *to)
{
	bool is_rollback = to->changed.kind == STATE_ROLLBACK;
	char old[256], new[256], text[EVENT_TEXT_LEN];

	weights_format(from, old, sizeof(old));
	weights_format(to, new, sizeof(new));
	snprintf(text, sizeof(text), "%s %s: now %s, before %s", to->name, is_rollback ? "rolled back" : "set", new,
		 old);
	decision_make(LOG_LEVEL_INFO, is_rollback ? EVENT_ROLLBACK : EVENT_WEIGHT,
		      state_change_kind_name(to->changed.kind), text, log_text("service", to->name),
		      log_text("from", old), log_text("to", new), log_text("by", to->changed.by),
		      log_text("reason", to->changed.reason), log_number("generation", to->generation));
}

static void log_failure(const struct state_service *wanted, const struct complaint *complaint)
{
	char text[EVENT_TEXT_LEN];

	snprintf(text, sizeof(text), "%s: a change failed, all is as it was: %.400s", wanted->name, complaint->text);
	decision_make(LOG_LEVEL_ERROR, EVENT_FAILED, "a change failed, all is as it was", text,
		      log_text("service", wanted->name), log_text("error", complaint->text),
		      log_text("by", wanted->changed.by));
}

static int commit(struct controller *controller, struct service *service, const struct state_service *wanted,
		  struct complaint *complaint)
{
	struct serin_plan *plan = malloc(sizeof(*plan));
	int r;

	if (!plan)
		return complain(complaint, -ENOMEM, "not enough memory for a plan");
	r = service_build_plan(service, &controller->image, wanted, plan, complaint);
	if (!r)
		r = persist_and_swap(controller, service, wanted, plan, complaint);
	if (r) {
		log_failure(wanted, complaint);
		free(plan);
		return r;
	}
	log_change(&service->now, wanted);
	free(service->plan);
	service->plan = plan;
	service->now = *wanted;
	controller_refresh(controller);
	controller_restart_window(controller, service);
	return 0;
}

int controller_set_weights(struct controller *controller, struct service *service,
			   const struct controller_request *request, const struct weights_wish *wishes, size_t count,
			   struct complaint *complaint)
{
	struct state_service wanted = service->now;
	int r;

	r = check_generation(service, request, complaint);
	if (!r)
		r = weights_change(&wanted, wishes, count, complaint);
	if (!r)
		r = controller_check_takers(controller, service, &wanted, complaint);
	if (r)
		return r;
	stamp(&wanted, request, STATE_WEIGHTS);
	return commit(controller, service, &wanted, complaint);
}

int controller_withdraw(struct controller *controller, struct service *service, size_t version,
			const struct controller_request *request, struct complaint *complaint)
{
	struct state_service wanted = service->now;
	const struct weights_wish wish = { .version = wanted.versions[version].name, .weight = 0 };
	int r;

	r = weights_change(&wanted, &wish, 1, complaint);
	if (r)
		return r;
	stamp(&wanted, request, STATE_ROLLBACK);
	wanted.changed.reset = request->flows == LEAVING_RESET;
	r = commit(controller, service, &wanted, complaint);
	if (!r)
		leaving_rollback(controller->leaving, service, request->flows);
	return r;
}

int controller_rollback(struct controller *controller, struct service *service,
			const struct controller_request *request, struct complaint *complaint)
{
	struct state_service wanted = service->now;
	int r;

	r = check_generation(service, request, complaint);
	if (r)
		return r;
	weights_rollback(&wanted);
	stamp(&wanted, request, STATE_ROLLBACK);
	wanted.changed.reset = request->flows == LEAVING_RESET;
	r = commit(controller, service, &wanted, complaint);
	if (!r)
		leaving_rollback(controller->leaving, service, request->flows);
	return r;
}
