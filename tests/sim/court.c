/* SPDX-License-Identifier: BSD-2-Clause */
/* The judge over a run, and Wald's test beside it. */
#include "court.h"

#include <string.h>

#include "served.h"

struct judge_settings court_settings(const enum judge_check *checks, unsigned int count)
{
	struct judge_settings settings = judge_defaults;

	memset(settings.checks, 0, sizeof(settings.checks));
	for (unsigned int i = 0; i < count; i++)
		settings.checks[checks[i]] = true;
	return settings;
}

static void count(struct judge_sample *sample, const struct incident *incident)
{
	for (unsigned int i = incident->first ? JUDGE_R : JUDGE_G; i < JUDGE_PROCESSES; i++) {
		if (incident->trial)
			sample->counts[JUDGE_FAILED][i].trial++;
		else
			sample->counts[JUDGE_FAILED][i].baseline++;
	}
}

/* Incidents from *next on that lie before `to` and in one epoch: one sample. */
static struct judge_sample take(const struct traffic *traffic, size_t *next, double to)
{
	unsigned int epoch = traffic->incidents[*next].epoch;
	struct judge_sample sample = { .share = traffic->epochs[epoch].share };

	for (; *next < traffic->count; (*next)++) {
		const struct incident *incident = &traffic->incidents[*next];

		if (incident->at >= to || incident->epoch != epoch)
			break;
		count(&sample, incident);
	}
	return sample;
}

/* Ticks without an incident change nothing, so they are left out. */
static double one_tick(const struct scenario *scenario, const struct traffic *traffic, size_t *next, bool each,
		       struct judge *judge, struct judge_sample *ret)
{
	const struct incident *incident = &traffic->incidents[*next];
	double at = incident->at, end = (floor(at / scenario->tick_s) + 1) * scenario->tick_s;

	while (judge->epoch < incident->epoch + 1)
		judge_epoch(judge);
	if (traffic->epochs[incident->epoch].returned)
		judge_returned(judge);
	*ret = take(traffic, next, each ? nextafter(at, INFINITY) : end);
	ret->at_ms = 1 + (int64_t)(1000 * (each ? at : end));
	ret->settle_ms = SETTLE_MS;
	judge_tick(judge, ret);
	return each ? at : end;
}

static struct ruling judge_over(const struct scenario *scenario, const struct traffic *traffic,
				const struct judge_settings *settings, bool each, struct judge *judge)
{
	struct ruling ruling = { INFINITY, 0 };
	size_t next = 0;

	judge_begin(judge, settings);
	while (next < traffic->count && !judge->regression) {
		double begun = traffic->incidents[next].at;
		struct judge_sample sample;
		double at = one_tick(scenario, traffic, &next, each, judge, &sample);

		if (begun >= scenario->onset_s)
			ruling.clients += sample.counts[JUDGE_FAILED][JUDGE_R].trial +
					  sample.counts[JUDGE_FAILED][JUDGE_R].baseline;
		if (judge->regression)
			ruling.at = at;
	}
	return ruling;
}

struct ruling court_judge(const struct scenario *scenario, const struct traffic *traffic,
			  const struct judge_settings *settings, struct judge *ret)
{
	struct judge judge;

	return judge_over(scenario, traffic, settings, false, ret ? ret : &judge);
}

struct ruling court_judge_each(const struct scenario *scenario, const struct traffic *traffic,
			       const struct judge_settings *settings)
{
	struct judge judge;

	return judge_over(scenario, traffic, settings, true, &judge);
}

#define SEED 0x5e21ull /* of the plan: any one */

struct audience {
	struct serin_served registers;
	uint64_t known; /* what the judge was told */
	size_t next;
};

/* As the kernel does. True: a register has grown. */
static bool meet(struct serin_served *served, uint64_t hash)
{
	uint32_t upper = hash >> 32, rank = upper ? (uint32_t)__builtin_clz(upper) + 1 : SERIN_SERVED_RANKS;
	uint32_t *word = &served->word[hash % SERIN_SERVED_REGISTERS];

	if (SERIN_SERVED_RANK(*word) >= rank)
		return false;
	*word = SERIN_SERVED_DRAW(SEED) | rank;
	return true;
}

/* How many more clients than before are certain to have been answered before `to`. */
static uint64_t audience_grows(struct audience *audience, const struct traffic *traffic, double to)
{
	uint64_t least = 0, more;
	bool grown = false;

	for (; audience->next < traffic->served_count && traffic->served[audience->next].at < to; audience->next++)
		grown |= meet(&audience->registers, traffic->served[audience->next].hash);
	if (grown)
		least = served_at_least(served_estimate(&audience->registers, SEED));
	more = least > audience->known ? least - audience->known : 0;
	audience->known += more;
	return more;
}

/* INFINITY: nothing comes any more. */
static double next_event(const struct traffic *traffic, size_t incident, size_t served)
{
	double at = incident < traffic->count ? traffic->incidents[incident].at : INFINITY;

	return served < traffic->served_count ? fmin(at, traffic->served[served].at) : at;
}

/* Epochs end with ticks. */
static unsigned int epoch_of(const struct traffic *traffic, double at)
{
	unsigned int epoch = 0;

	while (epoch + 1 < traffic->epoch_count && traffic->epochs[epoch].to <= at)
		epoch++;
	return epoch;
}

/* What comes before `end`, in that epoch. True when it says anything. */
static bool tell(struct judge *judge, const struct traffic *traffic, size_t *next, struct audience *audience,
		 unsigned int epoch, double end)
{
	struct judge_sample sample = { .share = traffic->epochs[epoch].share };
	bool any = *next < traffic->count && traffic->incidents[*next].at < end;

	while (judge->epoch < epoch + 1)
		judge_epoch(judge);
	if (any)
		sample = take(traffic, next, end);
	sample.clients[JUDGE_ERRORS] = audience_grows(audience, traffic, end);
	judge_tick(judge, &sample);
	return any || sample.clients[JUDGE_ERRORS];
}

double court_healthy(const struct scenario *scenario, const struct traffic *traffic,
		     const struct judge_settings *settings, double from_s)
{
	struct audience audience = { .next = 0 };
	struct judge_verdict verdict;
	struct judge judge;
	size_t next = 0;
	double at;

	judge_begin(&judge, settings);
	while ((at = next_event(traffic, next, audience.next)) < scenario->for_s) {
		double end = (floor(at / scenario->tick_s) + 1) * scenario->tick_s;

		if (!tell(&judge, traffic, &next, &audience, epoch_of(traffic, at), end) || end < from_s)
			continue;
		judge_find(&judge, &verdict);
		if (verdict.finding != JUDGE_UNPROVEN)
			return verdict.finding == JUDGE_HEALTHY ? end : INFINITY;
	}
	return INFINITY;
}

struct ruling court_wald(const struct scenario *scenario, const struct traffic *traffic, double alpha)
{
	struct ruling ruling = { INFINITY, 0 };
	double ratio = traffic_errors(scenario, true, scenario->onset_s) / scenario->errors, ln = 0;

	for (size_t i = 0; i < traffic->count; i++) {
		const struct incident *incident = &traffic->incidents[i];
		double share = traffic->epochs[incident->epoch].share;

		if (incident->at < scenario->onset_s || !incident->first)
			continue;
		ruling.clients++;
		ln += (incident->trial ? log(ratio) : 0) - log(ratio * share + 1 - share);
		if (ln >= log(1 / alpha)) {
			ruling.at = incident->at;
			break;
		}
	}
	return ruling;
}

double court_wald_bound(const struct scenario *scenario, double alpha)
{
	double share = scenario->phases[0].share;
	double ratio = traffic_errors(scenario, true, scenario->onset_s) / scenario->errors;
	double trial = ratio * share / (ratio * share + 1 - share);

	return log(1 / alpha) / (trial * log(trial / share) + (1 - trial) * log((1 - trial) / (1 - share)));
}
