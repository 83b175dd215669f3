/* SPDX-License-Identifier: BSD-2-Clause */
/* The judge to JSON and back. What is read is checked as strictly as what a stranger sends: it decides over
 * rollbacks. */
#include "judge_json.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static const char *const process_keys[JUDGE_PROCESSES] = { "rollout", "epoch" };

static json_t *encode_ln(const struct evidence *evidence, const struct evidence_against *against)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < against->count; i++)
		json_array_append_new(list, json_real(evidence->ln[i]));
	return list;
}

static json_t *encode_process(const struct judge *judge, enum judge_stream stream, enum judge_process process)
{
	struct evidence_against worse = judge_against(&judge->settings, stream);
	struct evidence_against better = evidence_better(judge->settings.worse);
	const struct evidence *evidence = &judge->worse[stream][process];

	/* "largest" only where there is one: an agent that knows of none refuses it. */
	return json_pack("{s:I, s:I, s:o*, s:o, s:o}", "trial", (json_int_t)evidence->seen.trial, "baseline",
			 (json_int_t)evidence->seen.baseline, "largest",
			 evidence->largest > 0 ? json_real(evidence->largest) : NULL, "worse",
			 encode_ln(evidence, &worse), "better", encode_ln(&judge->better[stream][process], &better));
}

static json_t *encode_streams(const struct judge *judge)
{
	json_t *streams = json_object();

	for (unsigned int i = 0; i < JUDGE_STREAMS; i++)
		json_object_set_new(streams, judge_stream_name(i),
				    json_pack("{s:I, s:f, s:o, s:o}", "before", (json_int_t)judge->before[i], "fresh",
					      judge->fresh[i], process_keys[JUDGE_R], encode_process(judge, i, JUDGE_R),
					      process_keys[JUDGE_G], encode_process(judge, i, JUDGE_G)));
	return streams;
}

static json_t *encode_checks(const struct judge *judge)
{
	json_t *checks = json_object();

	for (unsigned int i = 0; i < JUDGE_CHECKS; i++)
		json_object_set_new(checks, judge_check_name(i),
				    json_pack("{s:b, s:f, s:I}", "counts", judge->settings.checks[i], "objective",
					      judge->settings.objective[i], "clients", (json_int_t)judge->clients[i]));
	return checks;
}

static json_t *encode_regression(const struct judge *judge)
{
	if (!judge->regression)
		return json_null();
	return json_pack("{s:s, s:s, s:f, s:f}", "check", judge_check_name(judge->check), "process",
			 process_keys[judge->process], "ln", judge->ln_found, "required", judge->ln_required);
}

/* json_real() and its like make nothing of what is not finite, and a list without it would be shorter. */
static bool is_whole(const struct judge *judge)
{
	for (unsigned int i = 0; i < JUDGE_STREAMS * JUDGE_PROCESSES; i++) {
		const struct evidence *of[] = { &judge->worse[0][0] + i, &judge->better[0][0] + i };

		for (unsigned int j = 0; j < 2 * EVIDENCE_MOST; j++) {
			if (!isfinite(of[j % 2]->ln[j / 2]))
				return false;
		}
		if (!isfinite(of[0]->largest))
			return false;
	}
	return isfinite(judge->ln_found);
}

json_t *judge_encode(const struct judge *judge)
{
	const struct judge_settings *settings = &judge->settings;
	json_t *json;

	if (!is_whole(judge))
		return NULL;
	json = json_pack("{s:{s:f, s:f, s:I, s:f, s:f}, s:I, s:f, s:o, s:o, s:o}", "settings", "false_alarm",
			 settings->false_alarm, "false_health", settings->false_health, "trials",
			 (json_int_t)settings->trials, "tolerate", settings->tolerate, "worse", settings->worse,
			 "epoch", (json_int_t)judge->epoch, "share", judge->share, "checks", encode_checks(judge),
			 "streams", encode_streams(judge), "regression", encode_regression(judge));
	if (judge->returned && json_object_set_new(json, "returned", json_true())) {
		json_decref(json);
		return NULL;
	}
	return json;
}

static int decode_count(json_int_t value, const char *what, uint64_t *ret, struct complaint *complaint)
{
	if (value < 0)
		return complain(complaint, -EBADMSG, "\"%s\" is %lld, expected 0 or more", what, (long long)value);
	*ret = (uint64_t)value;
	return 0;
}

/* Each of the trial's clients has brought ln g less b at most, and each of the baseline's has cost b at most, which lies between
 * 0 and ln g: less where many were counted at once (latency), and nothing where they were only seen. */
static bool is_possible(double ln, double times, struct evidence_counts seen)
{
	double with = (double)seen.trial * log(times), without = -(double)seen.baseline * log(times);
	double room = 1e-6 * (1 + fabs(with) + fabs(without));

	return ln >= fmin(with, without) - room && ln <= fmax(with, without) + room;
}

static int decode_ln(json_t *list, const struct evidence_against *against, const char *what, struct evidence *ret,
		     struct complaint *complaint)
{
	if (!json_is_array(list) || json_array_size(list) != against->count)
		return complain(complaint, -EBADMSG, "\"%s\", expected a list of %u numbers", what, against->count);
	for (unsigned int i = 0; i < against->count; i++) {
		json_t *value = json_array_get(list, i);
		double ln = json_number_value(value);

		if (!json_is_number(value) || !is_possible(ln, against->times[i], ret->seen))
			return complain(complaint, -EBADMSG,
					"\"%s\", number %u is none that its counts can bring about", what, i + 1);
		ret->ln[i] = ln;
	}
	return 0;
}

static int decode_process(json_t *value, enum judge_stream stream, enum judge_process process, struct judge *ret,
			  struct complaint *complaint)
{
	struct evidence_against against = judge_against(&ret->settings, stream);
	struct evidence *worse = &ret->worse[stream][process], *better = &ret->better[stream][process];
	json_int_t trial, baseline;
	json_t *ln, *ln_better;
	json_error_t error;
	int r;

	/* An agent that did not know of "largest" has left none. */
	if (json_unpack_ex(value, &error, JSON_STRICT, "{s:I, s:I, s?F, s:o, s:o}", "trial", &trial, "baseline",
			   &baseline, "largest", &worse->largest, "worse", &ln, "better", &ln_better))
		return complain(complaint, -EBADMSG, "%s", error.text);
	if (!(worse->largest >= 0))
		return complain(complaint, -EBADMSG, "\"largest\" is %g, expected 0 or more", worse->largest);
	r = decode_count(trial, "trial", &worse->seen.trial, complaint);
	if (!r)
		r = decode_count(baseline, "baseline", &worse->seen.baseline, complaint);
	better->seen = worse->seen;
	if (!r)
		r = decode_ln(ln, &against, "worse", worse, complaint);
	against = evidence_better(ret->settings.worse);
	return r ? r : decode_ln(ln_better, &against, "better", better, complaint);
}

/* The sentence of what a part is wrong in, behind the name of the part. */
static int inside(const char *part, int error, struct complaint *complaint)
{
	struct complaint inner;

	if (!error || !complaint)
		return error;
	inner = *complaint;
	return complain(complaint, error, "%s: %.400s", part, inner.text);
}

static int decode_stream(json_t *value, enum judge_stream stream, struct judge *ret, struct complaint *complaint)
{
	json_t *processes[JUDGE_PROCESSES];
	struct evidence_counts seen;
	json_int_t before;
	json_error_t error;
	int r;

	if (json_unpack_ex(value, &error, JSON_STRICT, "{s:I, s:F, s:o, s:o}", "before", &before, "fresh",
			   &ret->fresh[stream], process_keys[JUDGE_R], &processes[JUDGE_R], process_keys[JUDGE_G],
			   &processes[JUDGE_G]))
		return complain(complaint, -EBADMSG, "%s", error.text);
	r = decode_count(before, "before", &ret->before[stream], complaint);
	for (unsigned int i = 0; !r && i < JUDGE_PROCESSES; i++)
		r = decode_process(processes[i], stream, i, ret, complaint);
	if (r)
		return r;
	seen = ret->worse[stream][JUDGE_R].seen;
	if (ret->before[stream] > seen.trial + seen.baseline)
		return complain(complaint, -EBADMSG, "\"before\" is more than all of the rollout's clients");
	if (!(ret->fresh[stream] >= 0 && ret->fresh[stream] <= 1))
		return complain(complaint, -EBADMSG, "\"fresh\" is %g, expected 0 to 1", ret->fresh[stream]);
	return 0;
}

static int decode_streams(json_t *streams, struct judge *ret, struct complaint *complaint)
{
	if (json_object_size(streams) != JUDGE_STREAMS)
		return complain(complaint, -EBADMSG, "%zu streams, expected %d", json_object_size(streams),
				JUDGE_STREAMS);
	for (unsigned int i = 0; i < JUDGE_STREAMS; i++) {
		json_t *value = json_object_get(streams, judge_stream_name(i));
		int r = value ? decode_stream(value, i, ret, complaint)
			      : complain(complaint, -EBADMSG, "there is none");

		if (r)
			return inside(judge_stream_name(i), r, complaint);
	}
	return 0;
}

static int decode_checks(json_t *checks, struct judge *ret, struct complaint *complaint)
{
	if (json_object_size(checks) != JUDGE_CHECKS)
		return complain(complaint, -EBADMSG, "%zu checks, expected %d", json_object_size(checks), JUDGE_CHECKS);
	for (unsigned int i = 0; i < JUDGE_CHECKS; i++) {
		json_t *value = json_object_get(checks, judge_check_name(i));
		json_int_t clients;
		json_error_t error;
		int counts, r;

		if (json_unpack_ex(value, &error, JSON_STRICT, "{s:b, s:F, s:I}", "counts", &counts, "objective",
				   &ret->settings.objective[i], "clients", &clients))
			return complain(complaint, -EBADMSG, "%s: %s", judge_check_name(i), error.text);
		r = decode_count(clients, "clients", &ret->clients[i], complaint);
		if (r)
			return inside(judge_check_name(i), r, complaint);
		ret->settings.checks[i] = counts;
	}
	return 0;
}

static int decode_regression(json_t *value, struct judge *ret, struct complaint *complaint)
{
	const char *check, *process;
	json_error_t error;

	ret->regression = !json_is_null(value);
	if (!ret->regression)
		return 0;
	if (json_unpack_ex(value, &error, JSON_STRICT, "{s:s, s:s, s:F, s:F}", "check", &check, "process", &process,
			   "ln", &ret->ln_found, "required", &ret->ln_required))
		return complain(complaint, -EBADMSG, "regression: %s", error.text);
	for (; ret->check < JUDGE_CHECKS && strcmp(check, judge_check_name(ret->check)); ret->check++)
		;
	for (; ret->process < JUDGE_PROCESSES && strcmp(process, process_keys[ret->process]); ret->process++)
		;
	if (ret->check == JUDGE_CHECKS || ret->process == JUDGE_PROCESSES)
		return complain(complaint, -EBADMSG, "regression: unknown check \"%.32s\" or process \"%.32s\"", check,
				process);
	if (!(ret->ln_found >= ret->ln_required))
		return complain(complaint, -EBADMSG, "regression: %g, expected at least %g", ret->ln_found,
				ret->ln_required);
	return 0;
}

static int decode(json_t *value, struct judge *ret, struct complaint *complaint)
{
	struct judge_settings *settings = &ret->settings;
	json_t *checks, *streams, *regression;
	json_int_t trials, epoch;
	json_error_t error;
	int r, returned = 0;

	if (json_unpack_ex(value, &error, JSON_STRICT, "{s:{s:F, s:F, s:I, s:F, s:F}, s:I, s:F, s:o, s:o, s:o, s?b}",
			   "settings", "false_alarm", &settings->false_alarm, "false_health", &settings->false_health,
			   "trials", &trials, "tolerate", &settings->tolerate, "worse", &settings->worse, "epoch",
			   &epoch, "share", &ret->share, "checks", &checks, "streams", &streams, "regression",
			   &regression, "returned", &returned))
		return complain(complaint, -EBADMSG, "%s", error.text);
	if (trials < 1 || trials > UINT32_MAX || epoch < 1 || epoch > UINT32_MAX)
		return complain(complaint, -EBADMSG, "%lld versions on trial, epoch %lld, expected at least 1",
				(long long)trials, (long long)epoch);
	if (ret->share != 0 && !evidence_share_is_valid(ret->share))
		return complain(complaint, -EBADMSG, "share %g, expected 0 or more, below 1", ret->share);
	settings->trials = (unsigned int)trials;
	ret->epoch = (uint32_t)epoch;
	ret->returned = returned;
	r = decode_checks(checks, ret, complaint);
	if (!r && judge_settings_check(settings, complaint))
		r = -EBADMSG;
	if (!r)
		r = decode_streams(streams, ret, complaint);
	return r ? r : decode_regression(regression, ret, complaint);
}

int judge_decode(json_t *value, struct judge *ret, struct complaint *complaint)
{
	struct judge judge = { 0 };
	struct complaint unused;
	int r;

	complaint = complaint ? complaint : &unused;
	r = inside("judge", decode(value, &judge, complaint), complaint);
	if (!r)
		*ret = judge;
	return r;
}
