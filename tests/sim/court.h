/* SPDX-License-Identifier: BSD-2-Clause */
/* Who decides over a run's incidents: the judge in ticks, the judge after every single one, the kernel by its lines,
 * and the test that cannot be beaten. */
#ifndef SERIN_SIM_COURT_H
#define SERIN_SIM_COURT_H

#include "judge.h"
#include "traffic.h"

/* How long what a burst says has to stand. */
#define SETTLE_MS 100
#define SETTLE_S (SETTLE_MS / 1000.0)

struct ruling {
	double at;        /* INFINITY: nothing was found */
	uint64_t clients; /* of R, up to then, since the onset */
};

struct judge_settings court_settings(const enum judge_check *checks, unsigned int count);

/* Looking every tick_s. `ret`: the judge as it was in the end, or NULL. */
struct ruling court_judge(const struct scenario *scenario, const struct traffic *traffic,
			  const struct judge_settings *settings, struct judge *ret);

/* Looking after every incident. */
struct ruling court_judge_each(const struct scenario *scenario, const struct traffic *traffic,
			       const struct judge_settings *settings);

/* When it was first called healthy, by all that shows health, looking every tick_s from `from_s` on; INFINITY: never, or
 * a regression was found before. */
double court_healthy(const struct scenario *scenario, const struct traffic *traffic,
		     const struct judge_settings *settings, double from_s);

/* A. Wald's sequential probability ratio test, of power one, that knows the true ratio and begins at the onset: with
 * an error of `alpha` none needs fewer incidents on average. */
struct ruling court_wald(const struct scenario *scenario, const struct traffic *traffic, double alpha);

/* Its lower bound on the mean number of incidents: ln(1 / alpha) over the Kullback-Leibler distance of one. */
double court_wald_bound(const struct scenario *scenario, double alpha);

/* The guard in the kernel, whose agent ticks every tick_s. */
enum guard_story {
	GUARD_AS_BUILT,   /* the line for a larger share before the plan */
	GUARD_STALE,      /* the line of the old share until the next tick */
	GUARD_STALE_DEAD, /* the line of the old share, and the agent is dead from then on */
	GUARD_DEAD,       /* as built, and the agent is dead right after the change of plan */
};

struct trip {
	double at;    /* INFINITY: it has not tripped */
	bool falsely; /* the judge would not have found anything in the same incidents */
	uint64_t clients;
};

struct trip court_guard(const struct scenario *scenario, const struct traffic *traffic,
			const struct judge_settings *settings, enum guard_story story);

#endif
