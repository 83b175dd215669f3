/* SPDX-License-Identifier: BSD-2-Clause */
/* The arithmetic behind a verdict, as JSON for whoever asks why. */
#include "judge_json.h"

#include <math.h>

/* What is infinite, or no number at all, is null. */
static json_t *number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static json_t *count(uint64_t value)
{
	return value <= INT64_MAX ? json_integer((json_int_t)value) : json_null();
}

static json_t *figure(struct judge_figure figure)
{
	return json_pack("{s:o, s:o, s:b}", "ln", number(figure.ln), "required", number(figure.required), "reached",
			 figure.ln >= figure.required);
}

static json_t *alternatives(const struct evidence *evidence, const struct evidence_against *against)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < against->count; i++)
		json_array_append_new(list, json_pack("{s:f, s:o}", "ratio", against->null * against->times[i], "ln",
						      number(evidence->ln[i])));
	return list;
}

static json_t *explain_stream(const struct judge *judge, enum judge_stream stream, enum judge_process process)
{
	struct evidence_against worse = judge_against(&judge->settings, stream);
	struct evidence_against better = evidence_better(judge->settings.worse);
	const struct evidence *evidence = &judge->worse[stream][process];

	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "trial", count(evidence->seen.trial), "baseline",
			 count(evidence->seen.baseline), "ln", number(evidence_ln(evidence, &worse)), "worse",
			 alternatives(evidence, &worse), "better",
			 alternatives(&judge->better[stream][process], &better));
}

static json_t *explain_process(const struct judge *judge, const struct judge_verdict *verdict, enum judge_check check,
			       enum judge_process process)
{
	json_t *streams = json_object();

	for (unsigned int i = 0; i < JUDGE_STREAMS; i++) {
		if (judge_stream_check(i) == check)
			json_object_set_new(streams, judge_stream_name(i), explain_stream(judge, i, process));
	}
	return json_pack("{s:o, s:o, s:o}", "regression", figure(verdict->worse[check][process]), "health",
			 figure(verdict->better[check][process]), "streams", streams);
}

static json_t *explain_objective(const struct judge *judge, const struct judge_verdict *verdict, enum judge_check check)
{
	if (judge->settings.objective[check] <= 0)
		return json_null();
	return json_pack("{s:f, s:o, s:o}", "share", judge->settings.objective[check], "clients",
			 count(judge->clients[check]), "health", figure(verdict->objective[check]));
}

static json_t *explain_checks(const struct judge *judge, const struct judge_verdict *verdict)
{
	json_t *checks = json_object();

	for (unsigned int i = 0; i < JUDGE_CHECKS; i++) {
		if (judge->settings.checks[i])
			json_object_set_new(checks, judge_check_name(i),
					    json_pack("{s:o, s:b, s:o, s:o, s:o}", "ratio", number(verdict->ratio[i]),
						      "healthy", verdict->well[i], "rollout",
						      explain_process(judge, verdict, i, JUDGE_R), "epoch",
						      explain_process(judge, verdict, i, JUDGE_G), "objective",
						      explain_objective(judge, verdict, i)));
	}
	return checks;
}

static json_t *explain_reason(const struct judge *judge)
{
	if (!judge->regression)
		return json_null();
	return json_pack("{s:s, s:s, s:s, s:o, s:o}", "check", judge_check_name(judge->check), "words",
			 judge_check_words(judge->check), "process", judge->process == JUDGE_R ? "rollout" : "epoch",
			 "ln", number(judge->ln_found), "required", number(judge->ln_required));
}

static json_t *explain_missing(const struct judge_verdict *verdict)
{
	return json_pack("{s:o, s:o, s:o}", "detectable_ratio", number(verdict->detectable), "more_incidents",
			 count(verdict->more_incidents), "more_clients", count(verdict->more_clients));
}

json_t *judge_explain(const struct judge *judge)
{
	const struct judge_settings *settings = &judge->settings;
	struct judge_verdict verdict;

	judge_verdict(judge, &verdict);
	return json_pack("{s:s, s:o, s:f, s:f, s:I, s:f, s:f, s:f, s:I, s:o, s:o}", "finding",
			 judge_finding_name(verdict.finding), "reason", explain_reason(judge), "false_alarm",
			 settings->false_alarm, "false_health", settings->false_health, "trials",
			 (json_int_t)settings->trials, "tolerate", settings->tolerate, "worse", settings->worse,
			 "share", judge->share, "epoch", (json_int_t)judge->epoch, "checks",
			 explain_checks(judge, &verdict), "missing", explain_missing(&verdict));
}
