/* SPDX-License-Identifier: BSD-2-Clause */
/* The judge's processes: what a tick adds, when an epoch ends, and how much evidence is enough. */
#include "judge.h"

#include <errno.h>
#include <math.h>
#include <string.h>

const struct judge_settings judge_defaults = {
	.false_alarm = 0.01,
	.false_health = 0.01,
	.trials = 1,
	.checks = { [JUDGE_ERRORS] = true, [JUDGE_LATENCY] = true },
	.tolerate = 1,
	.worse = 2,
};

static const struct {
	const char *name, *words;
} checks[] = {
#define JUDGE_TEXTS(id, name, words) [JUDGE_##id] = { name, words },
	JUDGE_CHECK_LIST(JUDGE_TEXTS)
#undef JUDGE_TEXTS
};

static const struct {
	enum judge_check check;
	const char *name;
} streams[] = {
#define JUDGE_STREAM(id, check, name) [JUDGE_##id] = { JUDGE_##check, name },
	JUDGE_STREAM_LIST(JUDGE_STREAM)
#undef JUDGE_STREAM
};

const char *judge_check_name(enum judge_check check)
{
	return checks[check].name;
}

const char *judge_check_words(enum judge_check check)
{
	return checks[check].words;
}

const char *judge_stream_name(enum judge_stream stream)
{
	return streams[stream].name;
}

enum judge_check judge_stream_check(enum judge_stream stream)
{
	return streams[stream].check;
}

static unsigned int checks_that_count(const struct judge_settings *settings)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < JUDGE_CHECKS; i++)
		count += settings->checks[i];
	return count;
}

/* Written so that what is not a number is refused as well. */
int judge_settings_check(const struct judge_settings *settings, struct complaint *complaint)
{
	if (!evidence_share_is_valid(settings->false_alarm) || !evidence_share_is_valid(settings->false_health))
		return complain(complaint, -EINVAL, "false alarm %g, false health %g, expected above 0 and below 1",
				settings->false_alarm, settings->false_health);
	if (settings->trials < 1 || settings->trials > 1000)
		return complain(complaint, -EINVAL, "%u versions on trial, expected 1 to 1000", settings->trials);
	if (!checks_that_count(settings))
		return complain(complaint, -EINVAL, "no check counts, expected at least one");
	if (!(settings->tolerate >= 1 && settings->tolerate <= 1000))
		return complain(complaint, -EINVAL, "tolerated ratio %g, expected 1 to 1000", settings->tolerate);
	if (!(settings->worse > 1 && settings->worse <= 1000))
		return complain(complaint, -EINVAL,
				"ratio %g that health has to refute, expected above 1, at most 1000", settings->worse);
	for (unsigned int i = 0; i < JUDGE_CHECKS; i++) {
		if (!(settings->objective[i] >= 0 && settings->objective[i] < 1))
			return complain(complaint, -EINVAL, "objective %g of %s, expected 0 for none, or below 1",
					settings->objective[i], judge_check_name(i));
	}
	return 0;
}

void judge_begin(struct judge *judge, const struct judge_settings *settings)
{
	*judge = (struct judge){ .settings = *settings, .epoch = 1 };
}

/* The slowness that is tolerated is in the limit above which an answer is slow: of slow clients, no more are
 * tolerated. */
struct evidence_against judge_against(const struct judge_settings *settings, enum judge_stream stream)
{
	return evidence_worse(streams[stream].check == JUDGE_LATENCY ? 1 : settings->tolerate);
}

/* Clients of an epoch from which on it tells what share of them is new. */
#define FRESH_OF_MIN 20

/* Below it, "as good" is hardly another hypothesis than the null. */
#define NULL_LEAST 1.05

/* Of the present epoch as soon as it has had enough clients, else of the last that had. In the first, all are new. */
static double fresh(const struct judge *judge, enum judge_stream stream)
{
	struct evidence_counts r = judge->worse[stream][JUDGE_R].seen, g = judge->worse[stream][JUDGE_G].seen;
	double of = (double)(g.trial + g.baseline);

	if (judge->epoch == 1)
		return 1;
	if (of < FRESH_OF_MIN)
		return judge->fresh[stream];
	return fmin(1, (double)(r.trial + r.baseline - judge->before[stream]) / of);
}

struct evidence_against judge_against_health(const struct judge *judge, enum judge_stream stream,
					     enum judge_process process)
{
	double worse = judge->settings.worse;

	if (process == JUDGE_R)
		worse *= pow(fresh(judge, stream), worse - 1);
	return worse < NULL_LEAST ? (struct evidence_against){ .count = 2 } : evidence_better(worse);
}

void judge_epoch(struct judge *judge)
{
	for (unsigned int i = 0; i < JUDGE_STREAMS; i++) {
		struct evidence_counts r = judge->worse[i][JUDGE_R].seen;

		/* The first says nothing of what is left after it. */
		judge->fresh[i] = judge->epoch > 1 ? fresh(judge, i) : 0;
		judge->before[i] = r.trial + r.baseline;
		judge->worse[i][JUDGE_G] = (struct evidence){ 0 };
		judge->better[i][JUDGE_G] = (struct evidence){ 0 };
	}
	judge->epoch++;
}

static double ln_of(const struct judge *judge, enum judge_check check, enum judge_process process, bool better)
{
	double ln[JUDGE_STREAMS];
	unsigned int count = 0;

	for (unsigned int i = 0; i < JUDGE_STREAMS; i++) {
		struct evidence_against against = better ? evidence_better(judge->settings.worse)
							 : judge_against(&judge->settings, i);

		if (streams[i].check == check)
			ln[count++] = evidence_ln(&(better ? judge->better : judge->worse)[i][process], &against);
	}
	return evidence_ln_mean(ln, count);
}

double judge_ln_worse(const struct judge *judge, enum judge_check check, enum judge_process process)
{
	return ln_of(judge, check, process, false);
}

double judge_ln_better(const struct judge *judge, enum judge_check check, enum judge_process process)
{
	return ln_of(judge, check, process, true);
}

/* Half of what may be spent is R's, half of it G's, of which epoch j gets 1 / (j (j + 1)): all of them add up to 1. */
static double ln_required(double spend, uint32_t epoch, enum judge_process process)
{
	double j = epoch;

	return log(2 / spend) + (process == JUDGE_G ? log(j) + log1p(j) : 0);
}

double judge_ln_required(const struct judge *judge, enum judge_process process)
{
	double of = (double)judge->settings.trials * checks_that_count(&judge->settings);

	return ln_required(judge->settings.false_alarm / of, judge->epoch, process);
}

double judge_ln_required_better(const struct judge *judge, enum judge_process process)
{
	return ln_required(judge->settings.false_health / 2, judge->epoch, process);
}

double judge_ln_required_objective(const struct judge *judge)
{
	return log(2 / judge->settings.false_health);
}

/* The trial version's clients of one check that a tick has brought: of the stream that has most. */
static uint64_t brought(const struct judge_sample *sample, enum judge_check check)
{
	uint64_t most = 0;

	for (unsigned int i = 0; i < JUDGE_STREAMS * JUDGE_PROCESSES; i++) {
		uint64_t trial = sample->counts[i / JUDGE_PROCESSES][i % JUDGE_PROCESSES].trial;

		if (streams[i / JUDGE_PROCESSES].check == check && trial > most)
			most = trial;
	}
	return most;
}

/* Do three clients of the trial version lie within the time in which a burst has to settle? */
static bool is_burst(struct judge_burst *burst, uint64_t clients, const struct judge_sample *sample)
{
	int64_t third = clients > 2 ? sample->at_ms : burst->met_ms[clients == 1];

	if (clients > 1)
		burst->met_ms[0] = burst->met_ms[1] = sample->at_ms;
	if (clients == 1) {
		burst->met_ms[1] = burst->met_ms[0];
		burst->met_ms[0] = sample->at_ms;
	}
	return !clients || sample->at_ms - third < sample->settle_ms;
}

static void look(struct judge *judge, enum judge_check check, enum judge_process process,
		 const struct judge_sample *sample, bool burst)
{
	double ln = judge_ln_worse(judge, check, process), required = judge_ln_required(judge, process);
	int64_t *crossed = &judge->burst[check].crossed_ms[process];

	if (ln < required)
		*crossed = 0;
	else if (!*crossed)
		*crossed = sample->at_ms;
	if (judge->regression || ln < required || (burst && sample->at_ms - *crossed < sample->settle_ms))
		return;
	judge->regression = true;
	judge->check = check;
	judge->process = process;
	judge->ln_found = ln;
	judge->ln_required = required;
}

static bool is_empty(const struct evidence_counts counts[JUDGE_PROCESSES])
{
	return !counts[JUDGE_R].trial && !counts[JUDGE_R].baseline && !counts[JUDGE_G].trial &&
	       !counts[JUDGE_G].baseline;
}

/* Nothing is concluded from it, now or later; but the objective wants to know whom the version has failed. */
static void see(struct judge *judge, enum judge_stream stream, enum judge_process process,
		const struct judge_sample *sample)
{
	struct evidence *worse = &judge->worse[stream][process];

	worse->seen.trial += sample->counts[stream][process].trial;
	judge->better[stream][process].seen = worse->seen;
}

/* A server that stalls makes all who wait for it slow at once: the slow clients of a tick are one observation. */
static void add_worse(struct judge *judge, enum judge_stream stream, enum judge_process process,
		      struct evidence_counts counts, double share)
{
	struct evidence_against against = judge_against(&judge->settings, stream);
	struct evidence *evidence = &judge->worse[stream][process];

	if (streams[stream].check == JUDGE_LATENCY)
		evidence_add_joint(evidence, &against, counts, share);
	else
		evidence_add(evidence, &against, counts, share);
}

/* Ticks come ten times as often. */
#define LATE_MS 1000

/* The slow clients of a late one, or of all the time that there was no agent, were taken for those of one moment: as many as
 * that would be the stake of every tick to come, beside which a slow version's few are next to nothing. */
static bool is_late(const struct judge *judge, const struct judge_sample *sample)
{
	return sample->at_ms - judge->told_ms > LATE_MS;
}

/* Both are told of the same clients, whatever they make of them. */
static void add(struct judge *judge, enum judge_stream stream, enum judge_process process,
		const struct judge_sample *sample)
{
	struct evidence_against better = judge_against_health(judge, stream, process);
	struct evidence_counts counts = sample->counts[stream][process];

	if ((process == JUDGE_R && judge->returned) ||
	    (streams[stream].check == JUDGE_LATENCY && is_late(judge, sample))) {
		see(judge, stream, process, sample);
		return;
	}
	if (better.null > 0)
		evidence_add(&judge->better[stream][process], &better, counts, sample->share);
	add_worse(judge, stream, process, counts, sample->share);
	judge->better[stream][process].seen = judge->worse[stream][process].seen;
}

void judge_returned(struct judge *judge)
{
	judge->returned = true;
}

static void learn(struct judge *judge, const struct judge_sample *sample)
{
	for (unsigned int i = 0; i < JUDGE_STREAMS; i++) {
		if (is_empty(sample->counts[i]))
			continue;
		/* R first: what its null is must not depend on what comes in this tick. */
		for (unsigned int process = 0; process < JUDGE_PROCESSES; process++)
			add(judge, i, process, sample);
	}
}

bool judge_tick(struct judge *judge, const struct judge_sample *sample)
{
	unsigned int i;

	for (i = 0; i < JUDGE_CHECKS; i++)
		judge->clients[i] += sample->clients[i];
	/* With nothing to compare it with, a version fails clients nevertheless. */
	if (evidence_share_is_valid(sample->share)) {
		judge->share = sample->share;
		learn(judge, sample);
	} else {
		for (i = 0; i < JUDGE_STREAMS * JUDGE_PROCESSES; i++)
			see(judge, i / JUDGE_PROCESSES, i % JUDGE_PROCESSES, sample);
	}
	judge->told_ms = sample->at_ms;
	/* Also where nothing has come: a threshold that was reached has to stand, whatever an agent before has seen of that. */
	for (i = 0; i < JUDGE_CHECKS; i++) {
		bool burst = is_burst(&judge->burst[i], brought(sample, i), sample);

		for (unsigned int process = 0; judge->settings.checks[i] && process < JUDGE_PROCESSES; process++)
			look(judge, i, process, sample, burst);
	}
	return judge->regression;
}
