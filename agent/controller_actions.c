/* SPDX-License-Identifier: BSD-2-Clause */
/* What the actions of a rollout's event make of a service's state: shares, roles, the draw, and the judge that begins. */
#include <errno.h>
#include <string.h>

#include "controller_move.h"
#include "scalar.h"

static unsigned int count_trials(const struct state_service *state)
{
	unsigned int count = 0;

	for (size_t i = 0; i < state->version_count; i++)
		count += i != state->baseline &&
			 (state->versions[i].weight || !strcmp(state->versions[i].name, state->trial.rollout.version));
	return count ? count : 1;
}

int controller_judge_settings(const struct controller *controller, const struct service *service,
			      struct judge_settings *ret, struct complaint *complaint)
{
	const struct config_rollout *config = service->config->rollout;
	struct judge_settings settings = judge_defaults;

	if (config) {
		settings.false_alarm = config->judge.false_alarm / 10000.0;
		settings.false_health = config->judge.false_pass / 10000.0;
		settings.checks[JUDGE_ERRORS] = config->judge.errors;
		settings.checks[JUDGE_LATENCY] = config->judge.latency;
		/* Whoever has said nothing so far is not waited for, unless there is nothing else to go by. */
		settings.checks[JUDGE_OUTCOMES] =
			config->judge.outcomes &&
			(trial_heard(controller, service) || (!config->judge.errors && !config->judge.latency));
		settings.tolerate = config->judge.errors_tolerate;
		settings.worse = config->judge.health_ratio;
		settings.objective[JUDGE_ERRORS] = config->judge.objective / 10000.0;
		settings.objective[JUDGE_OUTCOMES] = config->judge.objective / 10000.0;
	}
	settings.trials = 1;
	/* The classic script: plain checks, and no judge. */
	if (config && config->check_count && !config->judge.errors && !config->judge.latency && !config->judge.outcomes)
		settings.trials = 0;
	else if (judge_settings_check(&settings, complaint))
		return -EINVAL;
	*ret = settings;
	return 0;
}

/* One that is drawn anew in its course is judged as before; only a beginning takes what the file says by now. */
static void begin_judge(const struct controller *controller, const struct service *service,
			struct state_service *wanted)
{
	struct judge_settings settings = wanted->trial.judge.settings;
	struct complaint complaint = { "" };

	if (!rollout_is_judged(&service->now.trial.rollout)) {
		settings = judge_defaults;
		controller_judge_settings(controller, service, &settings, &complaint);
	}
	wanted->trial.judge = (struct judge){ .epoch = 0 };
	if (settings.trials) {
		settings.trials = count_trials(wanted);
		judge_begin(&wanted->trial.judge, &settings);
	}
	trial_skip_draw(controller, service, wanted);
}

static void set_weight(struct state_service *wanted, unsigned int weight)
{
	int version = state_find_version(wanted, wanted->trial.rollout.version);
	unsigned int rest = SHARE_WHOLE;

	if (version < 0)
		return;
	wanted->versions[version].weight = (uint16_t)weight;
	for (size_t i = 0; i < wanted->version_count; i++)
		rest -= i == wanted->baseline ? 0 : wanted->versions[i].weight;
	wanted->versions[wanted->baseline].weight = (uint16_t)rest;
}

static void change_roles(struct state_service *wanted)
{
	int version = state_find_version(wanted, wanted->trial.rollout.version);

	if (version < 0)
		return;
	wanted->versions[wanted->baseline].weight = 0;
	wanted->baseline = (size_t)version;
	set_weight(wanted, wanted->trial.rollout.weight);
}

struct consequences controller_actions_fold(const struct controller *controller, const struct service *service,
					    const struct rollout_actions *actions, struct state_service *wanted)
{
	struct consequences ret = { 0 };

	for (size_t i = 0; i < actions->count; i++) {
		const struct rollout_action *action = &actions->item[i];

		switch (action->kind) {
		case ROLLOUT_SAVE:
			break;
		case ROLLOUT_DRAW:
			wanted->rollout = wanted->trial.rollout.number;
			begin_judge(controller, service, wanted);
			ret.plan = ret.fresh = true;
			break;
		case ROLLOUT_WEIGHT:
			set_weight(wanted, action->weight);
			ret.plan = true;
			break;
		case ROLLOUT_EPOCH:
			ret.epoch = true;
			break;
		case ROLLOUT_RESET:
			ret.reset = true;
			break;
		case ROLLOUT_ROLES:
			change_roles(wanted);
			ret.plan = true;
			break;
		case ROLLOUT_NOTIFY:
			ret.told = true;
			ret.notice = action->notice;
			break;
		}
	}
	return ret;
}
