/* SPDX-License-Identifier: BSD-2-Clause */
/* What metrics say of rollouts: where they stand, how near to being rolled back, what the kernel did alone. */
#include "metrics_text.h"

static const char *const guard_labels[SERIN_GUARD_REASON_COUNT] = {
#define GUARD_LABEL(upper, label, text) #label,
	SERIN_GUARD_REASONS(GUARD_LABEL)
#undef GUARD_LABEL
};

static void make_labels(const struct metrics_rollout *rollout, bool with_version, char labels[METRICS_LABELS_LEN])
{
	labels[0] = '\0';
	metrics_add_label(labels, "service", rollout->service);
	if (with_version && rollout->version)
		metrics_add_label(labels, "version", rollout->version);
}

/* A line for each phase, 1 for that which it is in: what is alerted on is a name. */
static void print_phases(struct metrics_out *out, const struct metrics *metrics)
{
	char labels[METRICS_LABELS_LEN];

	metrics_head(out, "serin_rollout_phase", "gauge", "1 for the phase that a service's rollout is in.");
	for (size_t i = 0; i < metrics->rollout_count; i++) {
		const struct metrics_rollout *rollout = &metrics->rollouts[i];

		make_labels(rollout, false, labels);
		for (unsigned int j = 0; j < ROLLOUT_STATES; j++)
			metrics_count(out, "serin_rollout_phase", labels, "phase",
				      rollout_state_name((enum rollout_state)j), j == rollout->phase);
	}
	metrics_head(out, "serin_rollout_paused", "gauge", "1 for what a paused rollout waits for.");
	for (size_t i = 0; i < metrics->rollout_count; i++) {
		make_labels(&metrics->rollouts[i], false, labels);
		for (unsigned int j = ROLLOUT_NOT_PAUSED + 1; j < ROLLOUT_PAUSES; j++)
			metrics_count(out, "serin_rollout_paused", labels, "reason",
				      rollout_pause_name((enum rollout_pause)j), j == metrics->rollouts[i].pause);
	}
	metrics_head(out, "serin_rollout_step", "gauge", "The step that a rollout is at, from 1 on; 0 when none runs.");
	for (size_t i = 0; i < metrics->rollout_count; i++) {
		make_labels(&metrics->rollouts[i], false, labels);
		metrics_count(out, "serin_rollout_step", labels, NULL, NULL, metrics->rollouts[i].step);
	}
}

static void print_evidence(struct metrics_out *out, const struct metrics *metrics)
{
	char labels[METRICS_LABELS_LEN];

	metrics_head(out, "serin_evidence_ratio", "gauge",
		     "Evidence that the version on trial is worse; 1 is enough to roll it back.");
	for (size_t i = 0; i < metrics->rollout_count; i++) {
		const struct metrics_rollout *rollout = &metrics->rollouts[i];

		for (unsigned int j = 0; rollout->version && j < JUDGE_CHECKS; j++) {
			if (rollout->evidence[j] < 0)
				continue;
			make_labels(rollout, true, labels);
			metrics_add_label(labels, "check", judge_check_name((enum judge_check)j));
			metrics_real(out, "serin_evidence_ratio", labels, rollout->evidence[j]);
		}
	}
	metrics_head(out, "serin_guard_allowance", "gauge",
		     "Failed clients of the version on trial alone, from now on, that trip the kernel's guard.");
	for (size_t i = 0; i < metrics->rollout_count; i++) {
		make_labels(&metrics->rollouts[i], true, labels);
		if (metrics->rollouts[i].version && metrics->rollouts[i].allowance >= 0)
			metrics_real(out, "serin_guard_allowance", labels, metrics->rollouts[i].allowance);
	}
}

/* The others begin a rollout again, or pause it. */
static bool is_rollback(unsigned int cause)
{
	return cause != ROLLOUT_BY_NOTHING && cause != ROLLOUT_BY_BACKENDS && cause != ROLLOUT_BY_REBOOT;
}

static void print_rollbacks(struct metrics_out *out, const struct metrics *metrics)
{
	char labels[METRICS_LABELS_LEN];

	metrics_head(out, "serin_rollbacks_total", "counter", "Rollouts that were rolled back, by reason.");
	for (size_t i = 0; i < metrics->rollout_count; i++) {
		const struct metrics_rollout *rollout = &metrics->rollouts[i];

		make_labels(rollout, false, labels);
		for (unsigned int j = 0; rollout->is_counted && j < ROLLOUT_CAUSES; j++) {
			if (is_rollback(j))
				metrics_count(out, "serin_rollbacks_total", labels, "reason",
					      rollout_cause_name((enum rollout_cause)j), rollout->rollbacks[j]);
		}
	}
	metrics_head(out, "serin_outcomes_lost_total", "counter",
		     "Failures told by the application that the judge could not count for want of room.");
	for (size_t i = 0; i < metrics->rollout_count; i++) {
		make_labels(&metrics->rollouts[i], false, labels);
		if (metrics->rollouts[i].is_counted)
			metrics_count(out, "serin_outcomes_lost_total", labels, NULL, NULL,
				      metrics->rollouts[i].outcomes_lost);
	}
	metrics_head(out, "serin_rollback_detection_seconds", "gauge",
		     "From the first failure to the last rollback on evidence.");
	for (size_t i = 0; i < metrics->rollout_count; i++) {
		make_labels(&metrics->rollouts[i], false, labels);
		if (metrics->rollouts[i].detection_seconds >= 0)
			metrics_real(out, "serin_rollback_detection_seconds", labels,
				     metrics->rollouts[i].detection_seconds);
	}
}

/* What the agent closes, it does not trip. */
static void print_guards(struct metrics_out *out, const struct metrics *metrics, char (*versions)[METRICS_LABELS_LEN])
{
	char labels[METRICS_LABELS_LEN];
	size_t i;

	metrics_head(out, "serin_guard_trips_total", "counter", "Times that the kernel took a version out alone.");
	for (i = 0; i < metrics->rollout_count; i++) {
		const struct metrics_rollout *rollout = &metrics->rollouts[i];

		make_labels(rollout, false, labels);
		for (unsigned int j = 0; rollout->is_counted && j < SERIN_GUARD_CLOSED; j++)
			metrics_count(out, "serin_guard_trips_total", labels, "reason", guard_labels[j],
				      rollout->trips[j]);
	}
	metrics_head(out, "serin_guard_turned_away_total", "counter",
		     "New connections of a version that its guard gave to the baseline.");
	for (i = 0; i < metrics->version_count; i++) {
		for (unsigned int j = 0; j < SERIN_GUARD_REASON_COUNT; j++)
			metrics_count(out, "serin_guard_turned_away_total", versions[i], "reason", guard_labels[j],
				      metrics->versions[i].turned_away.count[j]);
	}
}

void metrics_print_rollouts(struct metrics_out *out, const struct metrics *metrics,
			    char (*versions)[METRICS_LABELS_LEN])
{
	print_phases(out, metrics);
	print_evidence(out, metrics);
	print_rollbacks(out, metrics);
	print_guards(out, metrics, versions);
}
