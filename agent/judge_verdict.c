/* SPDX-License-Identifier: BSD-2-Clause */
/* What the judge says: the finding, how near each process is to its threshold, and what is missing. */
#include "judge.h"
#include "served.h"

#include <math.h>

const char *judge_finding_name(enum judge_finding finding)
{
	static const char *const names[] = { "unproven", "healthy", "regression" };

	return names[finding];
}

static enum judge_stream first_stream(enum judge_check check)
{
	return check == JUDGE_ERRORS ? JUDGE_FAILED : check == JUDGE_LATENCY ? JUDGE_SLOW_P90 : JUDGE_REPORTED;
}

static bool has_objective(const struct judge *judge, enum judge_check check)
{
	return check != JUDGE_LATENCY && judge->settings.objective[check] > 0;
}

static bool is_reached(struct judge_figure figure)
{
	return figure.ln >= figure.required;
}

static double of_required(struct judge_figure figure)
{
	return figure.ln > 0 ? figure.ln / figure.required : 0;
}

/* Of R, which learns nothing any more once others have given clients back, what it had seen of health is no word on the steps
 * that follow. */
static bool vouches(const struct judge *judge, enum judge_process process)
{
	return process != JUDGE_R || !judge->returned;
}

static void weigh(const struct judge *judge, enum judge_check check, struct judge_verdict *ret)
{
	uint64_t failed = judge->worse[first_stream(check)][JUDGE_R].seen.trial;

	for (unsigned int i = 0; i < JUDGE_PROCESSES; i++) {
		struct judge_figure *worse = &ret->worse[check][i], *better = &ret->better[check][i];

		*worse = (struct judge_figure){ judge_ln_worse(judge, check, i), judge_ln_required(judge, i) };
		*better = (struct judge_figure){ vouches(judge, i) ? judge_ln_better(judge, check, i) : 0,
						 judge_ln_required_better(judge, i) };
		ret->ratio[check] = fmax(ret->ratio[check], of_required(*worse));
		ret->well[check] |= is_reached(*better);
	}
	if (!has_objective(judge, check))
		return;
	ret->objective[check] = (struct judge_figure){ evidence_objective(judge->settings.objective[check], failed,
									  judge->clients[check]),
						       judge_ln_required_objective(judge) };
	ret->well[check] |= is_reached(ret->objective[check]);
}

/* Health is owed by whatever sees failures; by latency only where nothing else counts. */
static bool must_be_well(const struct judge_settings *settings, enum judge_check check)
{
	return settings->checks[check] &&
	       (check != JUDGE_LATENCY || (!settings->checks[JUDGE_ERRORS] && !settings->checks[JUDGE_OUTCOMES]));
}

static bool is_pending(const struct judge *judge, const struct judge_verdict *verdict)
{
	for (unsigned int i = 0; i < JUDGE_CHECKS * JUDGE_PROCESSES; i++) {
		enum judge_check check = i / JUDGE_PROCESSES;

		if (judge->settings.checks[check] && is_reached(verdict->worse[check][i % JUDGE_PROCESSES]))
			return !judge->regression;
	}
	return false;
}

static bool is_healthy(const struct judge *judge, const struct judge_verdict *verdict)
{
	for (unsigned int i = 0; i < JUDGE_CHECKS; i++) {
		if (must_be_well(&judge->settings, i) && !verdict->well[i])
			return false;
	}
	return true;
}

#define RATIO_MOST 1e6

/* The smallest ratio of which as many incidents of the baseline as there were would have let the process reach its
 * threshold. */
static double detectable(const struct judge *judge, enum judge_process process)
{
	struct evidence_against against = judge_against(&judge->settings, JUDGE_FAILED);
	uint64_t baseline = judge->worse[JUDGE_FAILED][process].seen.baseline;
	double required = judge_ln_required(judge, process), low = 1, high = RATIO_MOST;

	if (!evidence_share_is_valid(judge->share) || !vouches(judge, process) ||
	    evidence_expected(&against, baseline, high, judge->share) < required)
		return INFINITY;
	while (high / low > 1.001) {
		double middle = sqrt(low * high);

		if (evidence_expected(&against, baseline, middle, judge->share) < required)
			low = middle;
		else
			high = middle;
	}
	return high;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Of one stream: latency's three are not foreseen together. */
static uint64_t more_incidents(const struct judge *judge, enum judge_check check)
{
	enum judge_stream stream = first_stream(check);
	uint64_t more = UINT64_MAX;

	for (unsigned int i = 0; evidence_share_is_valid(judge->share) && i < JUDGE_PROCESSES; i++) {
		struct evidence_against against = judge_against_health(judge, stream, i);

		if (against.null > 0 && vouches(judge, i))
			more = least(more, evidence_needed(&judge->better[stream][i], &against, judge->share,
							   judge_ln_required_better(judge, i)));
	}
	return more;
}

/* The kernel's count of clients is a bound, below what there were: it takes more of them than the bound has to rise. Who
 * reports outcomes is counted exactly. */
static uint64_t more_clients(const struct judge *judge, enum judge_check check)
{
	uint64_t now = judge->clients[check], more;

	if (!has_objective(judge, check))
		return UINT64_MAX;
	more = evidence_objective_needed(judge->settings.objective[check],
					 judge->worse[first_stream(check)][JUDGE_R].seen.trial, now,
					 judge_ln_required_objective(judge));
	if (check == JUDGE_OUTCOMES || more >= UINT32_MAX)
		return more;
	return served_needed(now + more) - served_needed(now);
}

/* Of the check that is the furthest from it. */
static void say_what_is_missing(const struct judge *judge, struct judge_verdict *ret)
{
	for (unsigned int i = 0; i < JUDGE_CHECKS; i++) {
		uint64_t incidents, clients;

		if (!must_be_well(&judge->settings, i) || ret->well[i])
			continue;
		incidents = more_incidents(judge, i);
		clients = more_clients(judge, i);
		ret->more_incidents = incidents > ret->more_incidents ? incidents : ret->more_incidents;
		ret->more_clients = clients > ret->more_clients ? clients : ret->more_clients;
	}
	ret->detectable = fmin(detectable(judge, JUDGE_R), detectable(judge, JUDGE_G));
}

void judge_find(const struct judge *judge, struct judge_verdict *ret)
{
	*ret = (struct judge_verdict){ .finding = JUDGE_UNPROVEN };
	for (unsigned int i = 0; i < JUDGE_CHECKS; i++) {
		if (judge->settings.checks[i])
			weigh(judge, i, ret);
	}
	ret->pending = is_pending(judge, ret);
	if (judge->regression) {
		ret->finding = JUDGE_REGRESSION;
		ret->check = judge->check;
		ret->process = judge->process;
	} else if (!ret->pending && is_healthy(judge, ret)) {
		ret->finding = JUDGE_HEALTHY;
	}
}

void judge_verdict(const struct judge *judge, struct judge_verdict *ret)
{
	judge_find(judge, ret);
	say_what_is_missing(judge, ret);
}
