/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes of weights: built, persisted, put into the kernel, logged, or not at all. */
#include "controller_trial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "decision.h"

int controller_check_generation(const struct service *service, const struct controller_request *request,
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

void controller_stamp(struct state_service *wanted, const struct controller_request *request,
		      enum state_change_kind kind)
{
	service_next_epoch(wanted);
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

/* Else it is another epoch alone, and what it says of the last change is of an old one. */
static bool moves(const struct service *service, const struct state_service *wanted)
{
	return wanted->generation != service->now.generation;
}

/* Persisted first: a crash right after it makes the next start set this very plan. A rollback that cannot be is made
 * nevertheless: the next start sees by the generation that the running plan is newer than the file. */
static int persist_and_swap(struct controller *controller, struct service *service, const struct state_service *wanted,
			    const struct serin_plan *plan, struct complaint *complaint)
{
	bool is_rollback = wanted->changed.kind == STATE_ROLLBACK && moves(service, wanted);
	int r, saved;

	r = state_put_service(&controller->state, wanted);
	if (r)
		return complain(complaint, r, "not enough memory for the state");
	/* One word in the kernel, and no client is given to it any more: the disk can wait. */
	if (is_rollback)
		controller_guard_before(controller, service, wanted);
	saved = r = controller_save(controller, complaint);
	if (r && is_rollback) {
		log_error("a rollback is not persisted yet", log_text("service", wanted->name),
			  log_text("error", complaint->text));
		r = 0;
	}
	if (!r) {
		keep_flows(controller, service, wanted);
		controller_guard_before(controller, service, wanted);
		r = datapath_set_plan(controller->datapath, service->id, plan, complaint);
	}
	if (!r)
		return 0;
	controller_guard_settle(controller, service);
	/* The old one fits where the new one did. */
	state_put_service(&controller->state, &service->now);
	if (controller_save(controller, NULL) && !saved)
		log_error("the state file names weights that were not set", log_text("service", wanted->name));
	return r;
}

/* What a step of a rollout has done, in words. */
static void describe_step(const struct state_service *to, const char *new, const char *old, char *text, size_t size)
{
	const struct rollout *rollout = &to->trial.rollout;

	snprintf(text, size, "%s: rollout of %s %s, step %zu of %zu: now %.200s, before %.200s", to->name,
		 rollout->version, rollout_state_name(rollout->state), rollout->step + 1, rollout->schedule.step_count,
		 new, old);
}

static void log_change(const struct state_service *from, const struct state_service *to)
{
	static const enum event_kind kinds[STATE_CHANGE_KINDS] = {
		[STATE_START] = EVENT_WEIGHT,  [STATE_WEIGHTS] = EVENT_WEIGHT,  [STATE_ROLLBACK] = EVENT_ROLLBACK,
		[STATE_RELOAD] = EVENT_WEIGHT, [STATE_ROLLOUT] = EVENT_ROLLOUT, [STATE_BASELINE] = EVENT_WEIGHT,
	};
	bool is_rollback = to->changed.kind == STATE_ROLLBACK;
	char old[256], new[256], text[EVENT_TEXT_LEN];

	weights_format(from, old, sizeof(old));
	weights_format(to, new, sizeof(new));
	if (to->changed.kind == STATE_ROLLOUT)
		describe_step(to, new, old, text, sizeof(text));
	else if (to->changed.kind == STATE_BASELINE)
		snprintf(text, sizeof(text), "%s: the baseline is %s: now %s, before nobody was served", to->name,
			 to->versions[to->baseline].name, new);
	else
		snprintf(text, sizeof(text), "%s %s: now %s, before %s", to->name, is_rollback ? "rolled back" : "set",
			 new, old);
	decision_make(LOG_LEVEL_INFO, kinds[to->changed.kind], state_change_kind_name(to->changed.kind), text,
		      log_text("service", to->name), log_text("from", old), log_text("to", new),
		      log_text("by", to->changed.by), log_text("reason", to->changed.reason),
		      log_number("generation", to->generation));
}

/* What nobody asked for is tried again and again. */
static bool comes_again(const struct service *service, const struct state_service *wanted)
{
	const char *by = wanted->changed.by;

	return !moves(service, wanted) || !strcmp(by, "agent") || !strcmp(by, "kernel");
}

static void log_failure(struct controller *controller, const struct service *service,
			const struct state_service *wanted, const struct complaint *complaint)
{
	char text[EVENT_TEXT_LEN];
	unsigned int kept_back;

	if (comes_again(service, wanted) && !log_allowed(&controller->failure_limit, loop_now_ms(), 10000, &kept_back))
		return;

	snprintf(text, sizeof(text), "%s: a change failed, all is as it was: %.400s", wanted->name, complaint->text);
	decision_make(LOG_LEVEL_ERROR, EVENT_FAILED, "a change failed, all is as it was", text,
		      log_text("service", wanted->name), log_text("error", complaint->text),
		      log_text("by", wanted->changed.by));
}

int controller_commit(struct controller *controller, struct service *service, const struct state_service *wanted,
		      struct complaint *complaint)
{
	bool moved = moves(service, wanted);
	struct serin_plan *plan = malloc(sizeof(*plan));
	struct state_service before;
	int r;

	if (!plan)
		return complain(complaint, -ENOMEM, "not enough memory for a plan");
	r = service_build_plan(service, &controller->image, wanted, plan, complaint);
	if (!r)
		r = persist_and_swap(controller, service, wanted, plan, complaint);
	if (r) {
		log_failure(controller, service, wanted, complaint);
		free(plan);
		return r;
	}
	free(service->plan);
	service->plan = plan;
	before = service->now;
	service->now = *wanted;
	controller->image.services[service->id].baseline = service->version_id[wanted->baseline];
	controller_guard_after(controller, service, &before);
	if (!moved)
		return 0;
	log_change(&before, wanted);
	controller_refresh(controller);
	controller_restart_window(controller, service);
	return 0;
}

/* A rollout sets its weights itself, but in a pause that somebody has asked for. */
static int check_rollout(const struct service *service, struct complaint *complaint)
{
	const struct rollout *rollout = &service->now.trial.rollout;

	if (!rollout_is_judged(rollout) || rollout->pause == ROLLOUT_PAUSE_USER)
		return 0;
	return complain(complaint, -EBUSY,
			"a rollout of version %s is %s, expected it to be paused first (`serin rollout %s pause`)",
			rollout->version, rollout_state_name(rollout->state), service->config->name);
}

/* And knows what has been set in that. */
static void note_weight(struct state_service *wanted)
{
	struct rollout *rollout = &wanted->trial.rollout;
	int trial = state_find_version(wanted, rollout->version);

	if (trial >= 0 && (rollout_is_judged(rollout) || rollout->state == ROLLOUT_COMPLETED))
		rollout->weight = wanted->versions[trial].weight;
}

int controller_set_weights(struct controller *controller, struct service *service,
			   const struct controller_request *request, const struct weights_wish *wishes, size_t count,
			   struct complaint *complaint)
{
	struct state_service wanted = service->now;
	int r;

	r = controller_check_generation(service, request, complaint);
	if (!r)
		r = controller_check_baseline(service, complaint);
	if (!r)
		r = check_rollout(service, complaint);
	if (!r)
		r = weights_change(&wanted, wishes, count, complaint);
	if (!r)
		r = controller_check_takers(controller, service, &wanted, complaint);
	if (r)
		return r;
	note_weight(&wanted);
	controller_stamp(&wanted, request, STATE_WEIGHTS);
	controller_trial_epoch(controller, service, &wanted);
	return controller_commit(controller, service, &wanted, complaint);
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
	controller_stamp(&wanted, request, STATE_ROLLBACK);
	wanted.changed.reset = request->flows == LEAVING_RESET;
	controller_trial_epoch(controller, service, &wanted);
	r = controller_commit(controller, service, &wanted, complaint);
	if (!r)
		leaving_rollback(controller->leaving, service, request->flows);
	return r;
}

int controller_rollback(struct controller *controller, struct service *service,
			const struct controller_request *request, struct complaint *complaint)
{
	struct state_service wanted = service->now;
	int r;

	r = controller_check_generation(service, request, complaint);
	if (!r)
		r = controller_check_baseline(service, complaint);
	if (r)
		return r;
	if (rollout_is_judged(&wanted.trial.rollout) || wanted.trial.rollout.state == ROLLOUT_COMPLETED)
		return controller_rollout_back(controller, service, request, complaint);
	weights_rollback(&wanted);
	controller_stamp(&wanted, request, STATE_ROLLBACK);
	wanted.changed.reset = request->flows == LEAVING_RESET;
	r = controller_commit(controller, service, &wanted, complaint);
	if (!r)
		leaving_rollback(controller->leaving, service, request->flows);
	return r;
}
