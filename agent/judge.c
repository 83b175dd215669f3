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

void judge_epoch(struct judge *judge)
{
	judge->epoch++;
	for (unsigned int i = 0; i < JUDGE_STREAMS; i++) {
		judge->worse[i][JUDGE_G] = (struct evidence){ 0 };
		judge->better[i][JUDGE_G] = (struct evidence){ 0 };
	}
}

/* The slowness that is tolerated is in the limit above which an answer is slow: of slow clients, no more are tolerated. */
struct evidence_against judge_against(const struct judge_settings *settings, enum judge_stream stream, bool better)
{
	if (better)
		return evidence_better(settings->worse);
	return evidence_worse(streams[stream].check == JUDGE_LATENCY ? 1 : settings->tolerate);
}

static double ln_of(const struct judge *judge, enum judge_check check, enum judge_process process, bool better)
{
	double ln[JUDGE_STREAMS];
	unsigned int count = 0;

	for (unsigned int i = 0; i < JUDGE_STREAMS; i++) {
		struct evidence_against against = judge_against(&judge->settings, i, better);

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
	return ln_required(judge->settings.false_health, judge->epoch, process);
}

static void look(struct judge *judge, enum judge_check check, enum judge_process process)
{
	double ln = judge_ln_worse(judge, check, process), required = judge_ln_required(judge, process);

	if (judge->regression || ln < required)
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

static void add(struct judge *judge, enum judge_stream stream, const struct judge_sample *sample)
{
	struct evidence_against worse = judge_against(&judge->settings, stream, false);
	struct evidence_against better = judge_against(&judge->settings, stream, true);

	for (unsigned int i = 0; i < JUDGE_PROCESSES; i++) {
		evidence_add(&judge->worse[stream][i], &worse, sample->counts[stream][i], sample->share);
		evidence_add(&judge->better[stream][i], &better, sample->counts[stream][i], sample->share);
	}
}

bool judge_tick(struct judge *judge, const struct judge_sample *sample)
{
	bool changed[JUDGE_CHECKS] = { false };
	unsigned int i;

	for (i = 0; i < JUDGE_CHECKS; i++)
		judge->clients[i] += sample->clients[i];
	if (!evidence_share_is_valid(sample->share))
		return judge->regression;
	judge->share = sample->share;
	for (i = 0; i < JUDGE_STREAMS; i++) {
		if (is_empty(sample->counts[i]))
			continue;
		add(judge, i, sample);
		changed[streams[i].check] = judge->settings.checks[streams[i].check];
	}
	for (i = 0; i < JUDGE_CHECKS; i++) {
		for (unsigned int process = 0; changed[i] && process < JUDGE_PROCESSES; process++)
			look(judge, i, process);
	}
	return judge->regression;
}
