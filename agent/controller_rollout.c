/* SPDX-License-Identifier: BSD-2-Clause */
/* What people ask of a rollout, and what befalls the versions on trial: each becomes an event. */
#include <errno.h>
#include <string.h>

#include "blind.h"
#include "controller_move.h"
#include "scalar.h"

static int choose_version(const struct service *service, const struct rollout_wish *wish, const char **ret,
			  struct complaint *complaint)
{
	const struct state_service *now = &service->now;
	int version;

	if (wish->version)
		version = state_find_version(now, wish->version);
	else if (service->config->rollout)
		version = config_rollout_version(service->config, now->baseline);
	else
		version = now->version_count == 2 ? (int)!now->baseline : -EINVAL;
	if (version < 0 && wish->version)
		return complain(complaint, -ENOENT, "service %s has no version named '%.64s'", service->config->name,
				wish->version);
	if (version < 0)
		return complain(complaint, -EINVAL,
				"service %s has several versions that could be rolled out, expected "
				"one to be named",
				service->config->name);
	if ((size_t)version == now->baseline)
		return complain(complaint, -EINVAL, "version %s is the baseline, expected one on trial",
				now->versions[version].name);
	*ret = now->versions[version].name;
	return 0;
}

/* TLS, or no HTTP at all: what is wrong inside answers would have to come from elsewhere. */
static const char *unseen(const struct controller *controller, const struct service *service)
{
	const struct config_rollout *config = service->config->rollout;

	if ((config && config->check_count) || trial_heard(controller, service))
		return NULL;
	return blind_to(config_protocol_name(service->config), config_forward_name(service->config->forward));
}

static int fill(const struct controller *controller, const struct service *service,
		const struct controller_request *request, const struct rollout_wish *wish, struct rollout_event *event,
		struct complaint *complaint)
{
	const struct rollout *rollout = &service->now.trial.rollout;
	int r = 0;

	event->kind = wish->kind;
	event->now = loop_wall_ms();
	event->by = request->by;
	event->reason = request->reason;
	event->release = wish->release;
	event->blind = wish->blind;
	event->reset = wish->reset;
	event->version = rollout->version;
	if (wish->kind == ROLLOUT_START)
		r = choose_version(service, wish, &event->version, complaint);
	else if (wish->kind == ROLLOUT_RETRY && trial_version(service) < 0)
		r = complain(complaint, -ENOENT,
			     "version '%s' is not configured any more, expected `start` with another",
			     rollout->version);
	if (r)
		return r;
	event->limits = controller_rollout_limits(service, event->version);
	event->unseen = unseen(controller, service);
	event->schedule = service->config->rollout ? &service->config->rollout->schedule : NULL;
	if (trial_version(service) >= 0)
		event->share = service->now.versions[trial_version(service)].weight;
	return 0;
}

/* Where it would go, somebody has to take the clients. */
static int check_takers(const struct controller *controller, const struct service *service, const char *version,
			struct complaint *complaint)
{
	struct state_service wanted = service->now;
	int trial = state_find_version(&wanted, version);

	if (trial < 0)
		return 0;
	wanted.versions[trial].weight = SHARE_WHOLE;
	return controller_check_takers(controller, service, &wanted, complaint);
}

int controller_rollout(struct controller *controller, struct service *service, const struct controller_request *request,
		       const struct rollout_wish *wish, struct complaint *complaint)
{
	struct rollout_event event = { 0 };
	struct judge_settings settings;
	int r;

	/* Nobody goes on with what has just been found. */
	if (rollout_is_judged(&service->now.trial.rollout) && wish->kind != ROLLOUT_ABORT)
		controller_judge_one(controller, service);
	r = controller_check_generation(service, request, complaint);
	if (!r)
		r = controller_check_baseline(service, complaint);
	if (!r && (wish->kind == ROLLOUT_START || wish->kind == ROLLOUT_RETRY))
		r = controller_judge_settings(controller, service, &settings, complaint);
	if (!r)
		r = fill(controller, service, request, wish, &event, complaint);
	if (!r && (wish->kind == ROLLOUT_START || wish->kind == ROLLOUT_RETRY || wish->kind == ROLLOUT_RESUME ||
		   wish->kind == ROLLOUT_PROMOTE))
		r = check_takers(controller, service, event.version, complaint);
	return r ? r : controller_move(controller, service, request, &event, false, complaint);
}

int controller_rollout_back(struct controller *controller, struct service *service,
			    const struct controller_request *request, struct complaint *complaint)
{
	bool reset = request->flows == LEAVING_RESET;
	struct rollout_event event = {
		.kind = ROLLOUT_ROLLBACK,
		.now = loop_wall_ms(),
		.by = request->by,
		.reason = request->reason,
		.limits = controller_rollout_limits(service, service->now.trial.rollout.version),
		.cause = ROLLOUT_BY_USER,
		.reset = &reset,
	};

	return controller_move(controller, service, request, &event, true, complaint);
}

bool controller_rollout_no_backend(struct controller *controller, struct service *service, size_t version)
{
	struct rollout_event event = { .kind = ROLLOUT_ROLLBACK,
				       .cause = ROLLOUT_BY_NO_BACKEND,
				       .reason = "no_backend" };
	const struct rollout *rollout = &service->now.trial.rollout;

	if ((!rollout_is_judged(rollout) && rollout->state != ROLLOUT_COMPLETED) ||
	    trial_version(service) != (int)version)
		return false;
	controller_rollout_event(controller, service, "agent", &event);
	return true;
}

void controller_rollout_tripped(struct controller *controller, unsigned int place)
{
	for (size_t i = 0; i < controller->service_count; i++) {
		struct service *service = &controller->services[i];

		if (service->id == place / SERIN_MAX_VERSIONS && rollout_is_judged(&service->now.trial.rollout))
			controller_judge_one(controller, service);
	}
}
