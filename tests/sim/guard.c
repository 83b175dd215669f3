/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's guard over a run: counts, two lines, and an agent that sets them every tick and around a change of
 * plan. */
#include "court.h"

#include "line.h"

/* Replacing a plan takes its time, and so does reading the counts after it. */
#define SWAP_S 0.010
#define READ_S 0.005

struct guard {
	const struct scenario *scenario;
	const struct traffic *traffic;
	enum guard_story story;
	struct judge judge; /* what the agent knows */
	struct evidence_counts now[JUDGE_PROCESSES], told[JUDGE_PROCESSES];
	struct line line[JUDGE_PROCESSES];
	unsigned int epoch; /* of the plan */
	bool dead;
	double met[2],
		crossed; /* the trial's last two incidents; since when a line has been crossed, INFINITY: it is not */
	uint64_t clients;
};

static const struct line never = { LINE_NEVER, 0 };

static struct evidence_counts since(struct evidence_counts now, struct evidence_counts then)
{
	return (struct evidence_counts){ now.trial - then.trial, now.baseline - then.baseline };
}

static double share_of(const struct guard *guard, unsigned int epoch)
{
	return guard->traffic->epochs[epoch].share;
}

static struct judge_sample untold(const struct guard *guard, double share)
{
	struct judge_sample sample = { .share = share };

	for (unsigned int i = 0; i < JUDGE_PROCESSES; i++)
		sample.counts[JUDGE_FAILED][i] = since(guard->now[i], guard->told[i]);
	return sample;
}

/* The agent reads the counts, and sets both lines. */
static void tick(struct guard *guard)
{
	double share = share_of(guard, guard->epoch);
	struct judge_sample sample = untold(guard, share);

	judge_tick(&guard->judge, &sample);
	for (unsigned int i = 0; i < JUDGE_PROCESSES; i++) {
		guard->told[i] = guard->now[i];
		guard->line[i] = line_make(&guard->judge, i, share, guard->told[i]);
	}
}

/* Before the plan of `epoch` comes: as tick(), and what holds until both lines are made anew. */
static void prepare(struct guard *guard, unsigned int epoch)
{
	double larger = fmax(share_of(guard, epoch - 1), share_of(guard, epoch));

	tick(guard);
	if (guard->story == GUARD_STALE || guard->story == GUARD_STALE_DEAD)
		return;
	guard->line[JUDGE_R] = line_make(&guard->judge, JUDGE_R, larger, guard->told[JUDGE_R]);
	guard->line[JUDGE_G] = never;
}

/* The plan is there. What R counted meanwhile is told it under the larger share; what G did belongs to neither epoch.
 * */
static void settle(struct guard *guard, unsigned int epoch)
{
	double larger = fmax(share_of(guard, epoch - 1), share_of(guard, epoch));
	struct judge_sample sample = untold(guard, larger);

	sample.counts[JUDGE_FAILED][JUDGE_G] = (struct evidence_counts){ 0 };
	judge_tick(&guard->judge, &sample);
	judge_epoch(&guard->judge);
	guard->told[JUDGE_R] = guard->now[JUDGE_R];
	guard->told[JUDGE_G] = guard->now[JUDGE_G];
	tick(guard);
}

/* Whether the judge, told of what the kernel has counted, would find what the line has. */
static bool judge_agrees(const struct guard *guard)
{
	struct judge judge = guard->judge;
	struct judge_sample sample = untold(guard, share_of(guard, guard->epoch));

	return judge_tick(&judge, &sample);
}

static bool is_stale(const struct guard *guard)
{
	return guard->story == GUARD_STALE || guard->story == GUARD_STALE_DEAD;
}

/* All that the agent does up to the time of the next incident. *next_tick, and the step of the change that is due. */
static void agent_until(struct guard *guard, double at, double *next_tick, unsigned int *step)
{
	for (;;) {
		unsigned int coming = *step / 3 + 1;
		double change = INFINITY;

		if (coming < guard->traffic->epoch_count)
			change = guard->traffic->epochs[coming].from +
				 ((const double[]){ -SWAP_S, 0, READ_S })[*step % 3];
		if (fmin(change, *next_tick) > at)
			return;
		if (change <= *next_tick) {
			if (*step % 3 == 0 && !guard->dead)
				prepare(guard, coming);
			if (*step % 3 == 1 && !guard->dead) {
				guard->epoch = coming;
				guard->line[JUDGE_G] = never; /* it names another epoch than the plan */
				guard->dead = guard->story == GUARD_DEAD || guard->story == GUARD_STALE_DEAD;
			}
			if (*step % 3 == 2 && !guard->dead && !is_stale(guard))
				settle(guard, coming);
			if (*step % 3 == 2 && !guard->dead && is_stale(guard))
				judge_epoch(&guard->judge);
			(*step)++;
		} else {
			/* Between a swap and what belongs to it, the agent has no time for ticks. */
			if (!guard->dead && *step % 3 == 0)
				tick(guard);
			*next_tick += guard->scenario->tick_s;
		}
	}
}

/* As is_burst() and has_stood() of bpf/guard.h. */
static bool has_settled(struct guard *guard, bool crossed, double at)
{
	double before = guard->met[1];

	guard->met[1] = guard->met[0];
	guard->met[0] = at;
	if (!crossed)
		guard->crossed = INFINITY;
	else if (isinf(guard->crossed))
		guard->crossed = at;
	return crossed && (at - guard->crossed >= SETTLE_S || at - before >= SETTLE_S);
}

/* Does this one trip it? */
static bool counted(struct guard *guard, const struct incident *incident)
{
	bool crossed = false;

	for (unsigned int i = incident->first ? JUDGE_R : JUDGE_G; i < JUDGE_PROCESSES; i++) {
		if (incident->trial)
			guard->now[i].trial++;
		else
			guard->now[i].baseline++;
		crossed |= line_is_crossed(&guard->line[i], guard->now[i]);
	}
	guard->clients += incident->first && incident->at >= guard->scenario->onset_s;
	return incident->trial && has_settled(guard, crossed, incident->at);
}

struct trip court_guard(const struct scenario *scenario, const struct traffic *traffic,
			const struct judge_settings *settings, enum guard_story story)
{
	struct guard guard = { .scenario = scenario,
			       .traffic = traffic,
			       .story = story,
			       .met = { -INFINITY, -INFINITY },
			       .crossed = INFINITY };
	double next_tick = 0;
	unsigned int step = 0;

	judge_begin(&guard.judge, settings);
	for (size_t i = 0; i < traffic->count; i++) {
		const struct incident *incident = &traffic->incidents[i];

		agent_until(&guard, incident->at, &next_tick, &step);
		/* With a dead agent, no plan comes after the one that it died with. */
		if (guard.dead && incident->epoch > guard.epoch)
			break;
		if (counted(&guard, incident))
			return (struct trip){ incident->at, !judge_agrees(&guard), guard.clients };
	}
	return (struct trip){ INFINITY, false, guard.clients };
}
