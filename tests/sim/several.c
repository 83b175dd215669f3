/* SPDX-License-Identifier: BSD-2-Clause */
/* Several versions on trial at a time, each with a judge of its own, who share alpha; a client counts once, whichever
 * version it had its incident with. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "court.h"
#include "parallel.h"
#include "report.h"

#define VERSIONS_MOST 3
#define USUAL .clients = 2000, .per_second = 200, .tick_s = 1, .for_s = 1800
#define ALIKE USUAL, .times = 1, .others_times = 1
#define ONE_BAD USUAL, .others_times = 1
#define SHARE_5 .phases = { { 0, 0.05 } }
#define LADDER .phases = { { 0, 0.05 }, { 600, 0.15 }, { 1200, 0.3 } }

static const struct scenario alike[] = {
	{ "2 versions, errors 1 %", ALIKE, .others = 1, .errors = 0.01, SHARE_5 },
	{ "3 versions, errors 1 %", ALIKE, .others = 2, .errors = 0.01, SHARE_5 },
	{ "3 versions, errors 0.1 %", ALIKE, .others = 2, .errors = 0.001, SHARE_5 },
	{ "3 versions, 5, 15, 30 % each, errors 1 %", ALIKE, .others = 2, .errors = 0.01, LADDER },
	{ "3 versions, 5, 15, 30 % each, 1 % of the clients always fail", CLIENTS_FAILING, ALIKE, .others = 2,
	  .errors = 0.001, LADDER },
	{ "3 versions, shared outage of 60 s", ALIKE, .others = 2, .errors = 0.001, .outage_s = 600, .outage_for_s = 60,
	  SHARE_5 },
};

static const struct scenario one_bad[] = {
	{ "2 times: 1 to 2 %", ONE_BAD, .errors = 0.01, .times = 2, SHARE_5 },
	{ "5 times: 1 to 5 %", ONE_BAD, .errors = 0.01, .times = 5, SHARE_5 },
	{ "50 times: 0.1 to 5 %", ONE_BAD, .errors = 0.001, .times = 50, SHARE_5 },
	{ "dead, the baseline fails 0.1 %", ONE_BAD, .errors = 0.001, .times = 1000, SHARE_5 },
};

/* Two others are taken out by hand after ten minutes. What they have failed comes back to the baseline, and counts no more in
 * this rollout. They were given their clients by hand, too, in a pause of a rollout that had begun alone: alpha is whole. */
#define GONE(share, bad)                                                            \
	USUAL, .times = 1, .others = 2, .others_times = (bad), .others_for_s = 600, \
		.phases = {                                                         \
			{ 0, share },                                               \
			{ 600, share },                                             \
		}

static const struct scenario gone[] = {
	{ "2 times as bad, 5 % each", GONE(0.05, 2), .errors = 0.01 },
	{ "2 times as bad, 30 % each", GONE(0.3, 2), .errors = 0.01 },
	{ "50 times as bad, 5 % each", GONE(0.05, 50), .errors = 0.01 },
	{ "50 times as bad, 30 % each", GONE(0.3, 50), .errors = 0.001 },
	{ "not as built: 50 times as bad, 30 % each, the judge is unaware", GONE(0.3, 50), .errors = 0.001,
	  .unaware = true },
};

struct row {
	struct scenario scenario;
	struct judge_settings settings;
	double *seconds;                      /* until the first of them was rolled back */
	atomic_uint found[VERSIONS_MOST + 1]; /* of each; the last: any that is no worse */
};

static bool is_worse(const struct scenario *scenario, unsigned int version)
{
	return (version > 1 ? scenario->others_times : scenario->times) > 1;
}

static void run(void *context, unsigned int index, struct chance *chance)
{
	static _Thread_local struct traffic traffic, own;
	struct row *row = context;
	bool falsely = false;

	traffic_free(&traffic);
	traffic_plan(&row->scenario, &traffic);
	traffic_draw(&row->scenario, &traffic, chance);
	for (unsigned int i = 1; i <= 1 + row->scenario.others; i++) {
		double at;

		traffic_free(&own);
		traffic_of(&row->scenario, &traffic, i, &own);
		at = court_judge(&row->scenario, &own, &row->settings, NULL).at;
		if (i == 1)
			row->seconds[index] = at;
		if (!isinf(at))
			atomic_fetch_add(&row->found[i - 1], 1);
		falsely |= !isinf(at) && !is_worse(&row->scenario, i);
	}
	if (falsely)
		atomic_fetch_add(&row->found[VERSIONS_MOST], 1);
}

static void play(struct row *row, const struct scenario *scenario, unsigned int trials, uint64_t number)
{
	const enum judge_check errors = JUDGE_ERRORS;

	*row = (struct row){ *scenario, court_settings(&errors, 1), calloc(sim_runs(), sizeof(double)), { 0 } };
	if (!row->seconds)
		exit(2);
	row->settings.trials = trials;
	sim_parallel(run, row, number);
}

static unsigned int most_of(const struct row *row)
{
	unsigned int most = 0;

	for (unsigned int i = 0; i < VERSIONS_MOST; i++)
		most = row->found[i] > most ? row->found[i] : most;
	return most;
}

static void identical(void)
{
	char name[96];

	printf("\nSeveral identical versions on trial, 5 %% each if not said otherwise, each with a judge of its own and\n"
	       "an equal part of the 1 %%: rollbacks of the unluckiest of them, and of any.\n");
	for (unsigned int i = 0; i < sizeof(alike) / sizeof(alike[0]); i++) {
		struct row row;

		play(&row, &alike[i], 1 + alike[i].others, 700 + i);
		snprintf(name, sizeof(name), "%s: one", alike[i].name);
		report_share(name, most_of(&row), row.settings.false_alarm / row.settings.trials);
		snprintf(name, sizeof(name), "%s: any", alike[i].name);
		report_share(name, row.found[VERSIONS_MOST], row.settings.false_alarm);
		free(row.seconds);
	}
}

/* With that many others on trial that are as the baseline; their rollbacks of all rollouts. */
static void detect(const struct scenario *scenario, unsigned int number)
{
	unsigned int falsely = 0;
	char name[96], text[24];

	printf("  %-38s", scenario->name);
	for (unsigned int others = 0; others < VERSIONS_MOST; others++) {
		struct scenario with = *scenario;
		struct row row;

		with.others = others;
		play(&row, &with, 1 + others, 720 + number * VERSIONS_MOST + others);
		printf(" %5.1f %% %8s", 100.0 * row.found[0] / sim_runs(),
		       report_seconds(text, sizeof(text), report_quantile(row.seconds, sim_runs(), 0.5)));
		fflush(stdout);
		if (others)
			falsely = row.found[VERSIONS_MOST];
		free(row.seconds);
	}
	printf("\n");
	snprintf(name, sizeof(name), "%s: either of two good ones", scenario->name);
	report_share(name, falsely, judge_defaults.false_alarm * 2 / 3);
}

static void one_of_several(void)
{
	printf("\nThe bad one found, with so many on trial, 5 %% each, the others as good as the baseline; the median of\n"
	       "the time it took; and rollbacks of the good ones beside it.\n"
	       "  %-38s %16s %16s %16s\n",
	       "", "alone", "of 2", "of 3");
	for (unsigned int i = 0; i < sizeof(one_bad) / sizeof(one_bad[0]); i++)
		detect(&one_bad[i], i);
}

static void others_leave(void)
{
	printf("\nAn identical version rolled back of whose rollout two others, which are bad, were put on and\n"
	       "are taken out by hand: 1 %% at most.\n");
	for (unsigned int i = 0; i < sizeof(gone) / sizeof(gone[0]); i++) {
		struct row row;

		play(&row, &gone[i], 1, 750 + i);
		if (gone[i].unaware)
			report_share_only(gone[i].name, row.found[0]);
		else
			report_share(gone[i].name, row.found[0], row.settings.false_alarm);
		free(row.seconds);
	}
}

void several_versions(void)
{
	identical();
	one_of_several();
	others_leave();
}
