/* SPDX-License-Identifier: BSD-2-Clause */
/* Rollouts where an agent begins, takes another configuration, and leaves. */
#include <string.h>

#include "controller_move.h"
#include "datapath_guard.h"
#include "log.h"

#define TICK_MS 100

/* After the agent's start. Who has reported failures is not known any more: nobody is first again, neither in the rollout
 * nor in the epoch, which therefore ends. */
static void go_on(struct controller *controller, struct service *service)
{
	struct state_service wanted = service->now;
	struct complaint complaint = { "" };
	int r = trial_begin(controller, service, false, &complaint);

	if (!r && wanted.trial.judge.settings.checks[JUDGE_OUTCOMES]) {
		outcomes_lost_memory(trial_of(controller, service)->outcomes);
		controller->heard[service->id] = true;
		service_next_epoch(&wanted);
		controller_trial_epoch(controller, service, &wanted);
		r = controller_commit(controller, service, &wanted, &complaint);
		/* What is counted until then is passed over by the ticks, until it holds. */
		if (r)
			trial_of(controller, service)->forsaken = true;
	}
	if (r)
		log_error("a rollout does not go on as it should", log_text("service", service->config->name),
			  log_text("error", complaint.text));
}

int controller_rollout_add_to_loop(struct controller *controller, struct loop *loop)
{
	struct loop_source *timer;
	int r;

	r = fetcher_new(loop, &controller->fetcher);
	if (!r)
		r = loop_add_timer(loop, controller_judge_tick, controller, &timer);
	if (!r)
		r = loop_set_timer(timer, TICK_MS, TICK_MS);
	if (r)
		return r;
	controller_notice_open(controller, loop);
	for (size_t i = 0; i < controller->service_count; i++) {
		struct service *service = &controller->services[i];
		const struct rollout *rollout = &service->now.trial.rollout;

		if (rollout_is_judged(rollout) && trial_version(service) >= 0)
			go_on(controller, service);
		controller_notice_add_again(controller, service);
	}
	return 0;
}

void controller_rollout_resume(struct controller *controller, struct service *service, enum rollout_event_kind kind,
			       const char *reason)
{
	struct rollout_event event = { .kind = kind, .now = loop_wall_ms(), .reason = reason };
	struct state_service wanted = service->now;
	struct complaint complaint = { "" };
	struct rollout_actions actions;

	if (!wanted.trial.rollout.version[0])
		return;
	if (rollout_is_judged(&wanted.trial.rollout) && trial_version(service) < 0) {
		event.kind = ROLLOUT_ABORT;
		event.reason = "the version is not configured any more";
	}
	event.by = "agent";
	event.limits = controller_rollout_limits(service, wanted.trial.rollout.version);
	if (rollout_apply(&wanted.trial.rollout, &event, &actions, &complaint))
		return;
	controller_actions_fold(controller, service, &actions, &wanted);
	service->now = wanted;
}

/* Those that come and go under a name count when none is left of those that were judged. */
bool controller_rollout_has_others(const struct config_version *from, const struct config_version *to)
{
	size_t common = 0;

	for (size_t i = 0; i < from->backend_count; i++) {
		for (size_t j = 0; j < to->backend_count; j++)
			common += from->backends[i].endpoint.port == to->backends[j].endpoint.port &&
				  !memcmp(&from->backends[i].endpoint.addr, &to->backends[j].endpoint.addr,
					  sizeof(struct serin_addr));
	}
	return config_is_discovered(to) ? !common : common != from->backend_count || common != to->backend_count;
}

static bool has_others(const struct service *old, const struct service *new, int version)
{
	const struct config_version *to = &new->config->versions[version];
	int at = config_find_version(old->config, to->name);

	return at < 0 || controller_rollout_has_others(&old->config->versions[at], to);
}

static void reloaded(struct controller *controller, struct service *service, const struct service *old)
{
	struct rollout_event event = { .kind = ROLLOUT_BACKENDS };
	int version = trial_version(service);

	/* A service that is back in the file: with its absence a rollout has ended, and that is found out only now. */
	if (!old)
		controller_notice_add_again(controller, service);
	if (!rollout_is_judged(&service->now.trial.rollout))
		return;
	if (version < 0) {
		event.kind = ROLLOUT_ABORT;
		event.reason = "the version is not configured any more";
	}
	if (version < 0 || (old && has_others(old, service, version)))
		controller_rollout_event(controller, service, "agent", &event);
	if (trial_version(service) >= 0 && rollout_is_judged(&service->now.trial.rollout))
		controller_guard_renew(controller, service, 0);
}

/* Ids that belong to other services than before begin with nothing. */
static void forget_others(struct controller *controller, const struct controller *before)
{
	for (size_t i = 0; i < before->service_count; i++) {
		const struct service *old = &before->services[i];
		const struct service *now = controller_find_service(controller, old->config->name);

		if (now && now->id == old->id)
			continue;
		trial_end(controller, old->id);
		controller->heard[old->id] = controller->forsaken[old->id] = false;
		controller->rollout_counts[old->id] = (struct rollout_counts){ 0 };
		controller->owed[old->id] = (struct rollout_owed){ 0 };
		datapath_guard_slow_limits(controller->datapath, old->id, NULL);
	}
}

void controller_rollout_reloaded(struct controller *controller, const struct controller *before)
{
	forget_others(controller, before);
	controller_notice_retain(controller);
	for (size_t i = 0; i < controller->service_count; i++) {
		struct service *service = &controller->services[i];

		reloaded(controller, service, controller_find_service(before, service->config->name));
	}
}

void controller_rollout_leave(struct controller *controller)
{
	bool judged = false;

	for (size_t i = 0; i < controller->service_count; i++) {
		struct service *service = &controller->services[i];

		if (!rollout_is_judged(&service->now.trial.rollout) || trial_version(service) < 0)
			continue;
		/* A lease that is over tells the next agent what to pass over. */
		if (!controller_guard_is_lopsided(controller, service))
			controller_guard_renew(controller, service, controller->config->restart_grace);
		judged |= !state_put_service(&controller->state, &service->now);
	}
	if (judged)
		controller_save(controller, NULL);
}

void controller_rollout_free(struct controller *controller)
{
	for (unsigned int i = 0; i < SERIN_MAX_SERVICES; i++)
		trial_end(controller, i);
	controller->outbox = outbox_free(controller->outbox);
	controller->fetcher = fetcher_free(controller->fetcher);
}
