/* SPDX-License-Identifier: BSD-2-Clause */
/* How a rollout's event moves a service: what it asks for is persisted, done and told, in this order. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "controller_move.h"
#include "datapath_guard.h"
#include "log.h"
#include "scalar.h"

#define AGAIN_MS 1000 /* after what could not be done */

struct rollout_limits controller_rollout_limits(const struct service *service, const char *version)
{
	struct rollout_limits limits = { .capacity = SHARE_WHOLE };
	int trial = state_find_version(&service->now, version);

	for (size_t i = 0; i < service->now.version_count; i++) {
		if ((int)i != trial && i != service->now.baseline)
			limits.others += service->now.versions[i].weight;
	}
	if (trial >= 0)
		limits.capacity = service->config->versions[trial].capacity;
	return limits;
}

/* A state that no packet sees. */
static int persist(struct controller *controller, struct service *service, const struct state_service *wanted,
		   struct complaint *complaint)
{
	int r = state_put_service(&controller->state, wanted);

	if (r)
		return complain(complaint, r, "not enough memory for the state");
	r = controller_save(controller, complaint);
	if (r) {
		state_put_service(&controller->state, &service->now);
		return r;
	}
	service->now = *wanted;
	return 0;
}

static enum state_change_kind kind_of(const struct rollout *rollout)
{
	return rollout->state == ROLLOUT_ROLLED_BACK ? STATE_ROLLBACK : STATE_ROLLOUT;
}

static void follow_checks(struct controller *controller, struct service *service, const struct state_service *before,
			  const struct consequences *done)
{
	const struct rollout *now = &service->now.trial.rollout, *was = &before->trial.rollout;
	struct trial *trial = trial_of(controller, service);
	static struct plain_sample sample;

	if (trial && !done->fresh && now->step != was->step && trial_version(service) >= 0) {
		trial_sample(controller, service, (size_t)trial_version(service), &sample);
		plain_set_begin(trial->checks, &sample, loop_now_ms());
	}
	if (!rollout_is_judged(now))
		datapath_guard_slow_limits(controller->datapath, service->id, NULL);
}

static void note_detection(struct trial *trial, const struct rollout *rollout)
{
	bool on_evidence = rollout->cause == ROLLOUT_BY_ERRORS || rollout->cause == ROLLOUT_BY_LATENCY ||
			   rollout->cause == ROLLOUT_BY_OUTCOMES;

	if (trial && trial->incident_ms && on_evidence && rollout->state == ROLLOUT_ROLLED_BACK)
		trial->detection_seconds = fmax(0.001, (double)(loop_now_ms() - trial->incident_ms) / 1000);
}

static void count_rollback(struct rollout_counts *counts, const struct rollout *before, const struct rollout *rollout)
{
	if (rollout->state != ROLLOUT_ROLLED_BACK || before->state == ROLLOUT_ROLLED_BACK)
		return;
	counts->rollbacks[rollout->cause]++;
	counts->trips[SERIN_GUARD_ERRORS] += !strcmp(rollout->by, "kernel");
}

/* The service is as the event wants it: what runs beside it follows, and who is to know is told. */
static void follow(struct controller *controller, struct service *service, const struct state_service *before,
		   const struct consequences *done)
{
	struct complaint complaint = { "" };

	note_detection(trial_of(controller, service), &service->now.trial.rollout);
	count_rollback(&controller->rollout_counts[service->id], &before->trial.rollout, &service->now.trial.rollout);
	if (done->fresh && trial_begin(controller, service, rollout_is_judged(&before->trial.rollout), &complaint))
		log_error("a rollout's checks cannot run", log_text("service", service->config->name),
			  log_text("error", complaint.text));
	follow_checks(controller, service, before, done);
	if (done->reset || kind_of(&service->now.trial.rollout) == STATE_ROLLBACK)
		leaving_rollback(controller->leaving, service, done->reset ? LEAVING_RESET : LEAVING_DRAIN);
	if (!done->plan && done->told)
		controller_notice_log(service, &before->trial.rollout);
	if (done->told)
		controller_notice_add(controller, service, done->notice,
				      rollout_state_name(before->trial.rollout.state));
}

static int perform(struct controller *controller, struct service *service, const struct controller_request *request,
		   const struct rollout_actions *actions, struct state_service *wanted, struct complaint *complaint)
{
	struct rollout_event tripped = { .kind = ROLLOUT_ROLLBACK,
					 .cause = ROLLOUT_BY_ERRORS,
					 .reason = "the kernel's guard tripped in the last moment" };
	struct consequences todo = controller_actions_fold(controller, service, actions, wanted);
	struct state_service before = service->now;
	int r;

	if (todo.plan) {
		controller_stamp(wanted, request, kind_of(&wanted->trial.rollout));
		wanted->changed.reset = todo.reset;
	} else if (todo.epoch) {
		service_next_epoch(wanted);
	}
	if ((todo.plan || todo.epoch) && !todo.fresh)
		controller_trial_epoch(controller, service, wanted);
	r = todo.plan || todo.epoch ? controller_commit(controller, service, wanted, complaint)
				    : persist(controller, service, wanted, complaint);
	if (r)
		return r;
	follow(controller, service, &before, &todo);
	if (rollout_is_judged(&before.trial.rollout) && service->now.trial.rollout.state == ROLLOUT_COMPLETED &&
	    controller_guard_has_tripped(controller, service))
		controller_rollout_event(controller, service, "kernel", &tripped);
	return 0;
}

int controller_move(struct controller *controller, struct service *service, const struct controller_request *request,
		    const struct rollout_event *event, bool everyone, struct complaint *complaint)
{
	struct state_service wanted = service->now;
	struct rollout *rollout = &wanted.trial.rollout;
	struct rollout_actions actions;
	int r;

	/* No draw comes twice, though the state that knew of the last one was lost. */
	if (rollout->number < wanted.rollout)
		rollout->number = wanted.rollout;
	r = rollout_apply(rollout, event, &actions, complaint);
	if (r)
		return r;
	if (!actions.count) {
		service->now.trial.rollout = wanted.trial.rollout;
		return 0;
	}
	if (everyone)
		weights_rollback(&wanted);
	return perform(controller, service, request, &actions, &wanted, complaint);
}

bool controller_rollout_owes(const struct controller *controller, const struct service *service)
{
	const struct rollout *rollout = &service->now.trial.rollout;
	const struct rollout_owed *owed = &controller->owed[service->id];

	return owed->again_ms && owed->number == rollout->number &&
	       (rollout_is_judged(rollout) || rollout->state == ROLLOUT_COMPLETED);
}

/* A tick comes again by itself. Taking a version out goes before beginning with it anew. */
static void owe(struct controller *controller, const struct service *service, const struct rollout_event *event)
{
	if (event->kind == ROLLOUT_TICK ||
	    (event->kind == ROLLOUT_BACKENDS && controller_rollout_owes(controller, service)))
		return;
	controller->owed[service->id] = (struct rollout_owed){
		.kind = event->kind,
		.cause = event->cause,
		.by = event->by,
		.reason = event->reason,
		.number = service->now.trial.rollout.number,
		.again_ms = loop_now_ms() + AGAIN_MS,
	};
}

void controller_rollout_settle(struct controller *controller, struct service *service)
{
	struct rollout_owed *owed = &controller->owed[service->id];
	struct rollout_event event = { .kind = owed->kind, .cause = owed->cause, .reason = owed->reason };
	bool owes = controller_rollout_owes(controller, service);

	if (owes && loop_now_ms() < owed->again_ms)
		return;
	owed->again_ms = 0;
	if (owes)
		controller_rollout_event(controller, service, owed->by, &event);
}

int controller_rollout_event(struct controller *controller, struct service *service, const char *by,
			     struct rollout_event *event)
{
	char reason[STATE_REASON_LEN];
	struct controller_request request = { .by = by };
	struct complaint complaint = { "" };
	unsigned int kept_back;
	int r;

	event->now = event->now ? event->now : loop_wall_ms();
	event->by = by;
	event->limits = controller_rollout_limits(service, service->now.trial.rollout.version);
	snprintf(reason, sizeof(reason), "%s",
		 event->reason ?: event->verdict.reason ?: event->verdict.checks_reason ?: "");
	request.reason = reason;
	r = controller_move(controller, service, &request, event, false, &complaint);
	if (r)
		owe(controller, service, event);
	if (r && log_allowed(&controller->limit, loop_now_ms(), 10000, &kept_back))
		log_error("a rollout cannot go on", log_text("service", service->config->name),
			  log_text("error", complaint.text), log_number("kept_back", kept_back));
	return r;
}
