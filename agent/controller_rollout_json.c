/* SPDX-License-Identifier: BSD-2-Clause */
/* A rollout as the API shows it: where it is, what the judge thinks, what the kernel would do by itself. */
#include <math.h>

#include "controller_trial.h"
#include "datapath_guard.h"
#include "judge_json.h"
#include "line.h"

static json_t *text_or_null(const char *text)
{
	return *text ? json_string(text) : json_null();
}

static json_t *number_or_null(double number)
{
	return isfinite(number) ? json_real(number) : json_null();
}

static json_t *figure(const struct judge_verdict *verdict, enum judge_check check)
{
	return json_pack("{s:o, s:b, s:o, s:o, s:o, s:o}", "ratio", number_or_null(verdict->ratio[check]), "healthy",
			 verdict->well[check], "ln_worse",
			 number_or_null(fmax(verdict->worse[check][JUDGE_R].ln, verdict->worse[check][JUDGE_G].ln)),
			 "required", number_or_null(verdict->worse[check][JUDGE_R].required), "ln_better",
			 number_or_null(fmax(verdict->better[check][JUDGE_R].ln, verdict->better[check][JUDGE_G].ln)),
			 "required_better", number_or_null(verdict->better[check][JUDGE_R].required));
}

static json_t *judge_of(const struct judge *judge)
{
	struct judge_verdict verdict;
	json_t *checks = json_object();

	judge_verdict(judge, &verdict);
	for (unsigned int i = 0; i < JUDGE_CHECKS; i++) {
		if (judge->settings.checks[i])
			json_object_set_new(checks, judge_check_name(i), figure(&verdict, i));
	}
	return json_pack("{s:s, s:o, s:o, s:o, s:f}", "finding", judge_finding_name(verdict.finding), "checks", checks,
			 "detectable", number_or_null(verdict.detectable), "more_clients",
			 verdict.more_clients == UINT64_MAX ? json_null()
							    : json_integer((json_int_t)verdict.more_clients),
			 "false_alarm", judge->settings.false_alarm);
}

static double lease_left(const struct guard_state *guard)
{
	if (!guard->lease_ns)
		return INFINITY;
	return (double)(int64_t)(guard->lease_ns - loop_now_ns()) / 1e9;
}

static json_t *guard_of(const struct controller *controller, const struct service *service, int version)
{
	const struct judge_meter *told = &service->now.trial.told;
	struct guard_state guard = { 0 };
	double left = INFINITY;

	if (version < 0 || datapath_guard_read(controller->datapath, service->id, service->version_id[version], &guard))
		return json_null();
	for (unsigned int i = 0; guard.arm && i < SERIN_LINES; i++) {
		const struct line line = { guard.lines.line[i].allowance, guard.lines.line[i].slope };

		left = fmin(left,
			    line_left(&line, told->counts[JUDGE_FAILED][i == SERIN_LINE_EPOCH ? JUDGE_G : JUDGE_R]));
	}
	return json_pack("{s:b, s:b, s:b, s:o, s:o}", "armed", guard.arm != 0, "closed", guard.closed, "tripped",
			 guard.tripped, "lease_seconds", number_or_null(lease_left(&guard)), "allowance",
			 number_or_null(left));
}

static json_t *place_of(const struct service *service)
{
	const struct rollout *rollout = &service->now.trial.rollout;
	int version = trial_version(service);

	return json_pack("{s:s, s:s, s:s, s:o, s:I, s:I, s:I, s:I, s:f, s:I, s:I, s:s, s:o, s:o, s:b}", "state",
			 rollout_state_name(rollout->state), "pause", rollout_pause_name(rollout->pause), "version",
			 rollout->version, "release", text_or_null(rollout->release), "number",
			 (json_int_t)rollout->number, "step", (json_int_t)rollout->step + 1, "steps",
			 (json_int_t)rollout->schedule.step_count, "weight",
			 (json_int_t)(version < 0 ? 0 : service->now.versions[version].weight), "remaining_seconds",
			 (double)rollout_remaining(rollout) / 1000, "began", (json_int_t)(rollout->began / 1000),
			 "since", (json_int_t)(rollout->since / 1000), "cause", rollout_cause_name(rollout->cause),
			 "reason", text_or_null(rollout->reason), "by", text_or_null(rollout->by), "blind",
			 rollout->blind);
}

static json_t *counts_of(const struct rollout_counts *counts)
{
	static const char *const reasons[SERIN_GUARD_REASON_COUNT] = {
#define REASON(upper, label, text) #label,
		SERIN_GUARD_REASONS(REASON)
#undef REASON
	};
	json_t *rollbacks = json_object(), *trips = json_object();

	for (unsigned int i = 0; i < ROLLOUT_CAUSES; i++) {
		if (counts->rollbacks[i])
			json_object_set_new(rollbacks, rollout_cause_name((enum rollout_cause)i),
					    json_integer((json_int_t)counts->rollbacks[i]));
	}
	for (unsigned int i = 0; i < SERIN_GUARD_REASON_COUNT; i++) {
		if (counts->trips[i])
			json_object_set_new(trips, reasons[i], json_integer((json_int_t)counts->trips[i]));
	}
	return json_pack("{s:o, s:o, s:I}", "rollbacks", rollbacks, "trips", trips, "outcomes_lost",
			 (json_int_t)counts->outcomes_lost);
}

json_t *controller_rollout_to_json(const struct controller *controller, const struct service *service, bool arithmetic)
{
	const struct state_trial *state = &service->now.trial;
	const struct trial *trial = trial_of(controller, service);
	int version = trial_version(service);
	json_t *ret;

	if (!state->rollout.version[0])
		return json_null();
	ret = place_of(service);
	if (state->judge.settings.trials)
		json_object_set_new(ret, "judge", judge_of(&state->judge));
	json_object_set_new(ret, "guard", guard_of(controller, service, version));
	json_object_set_new(ret, "checks", trial ? plain_set_to_json(trial->checks) : json_array());
	json_object_set_new(ret, "counts", counts_of(&controller->rollout_counts[service->id]));
	if (trial && trial->detection_seconds > 0)
		json_object_set_new(ret, "detection_seconds", json_real(trial->detection_seconds));
	if (arithmetic && state->judge.settings.trials)
		json_object_set_new(ret, "arithmetic", judge_explain(&state->judge));
	return ret;
}
