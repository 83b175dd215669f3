/* SPDX-License-Identifier: BSD-2-Clause */
/* How often a bad version is called healthy, and how soon a good one. */
#include <stdio.h>
#include <stdlib.h>

#include "court.h"
#include "parallel.h"
#include "report.h"

#define USUAL .clients = 2000, .per_second = 200, .tick_s = 1, .for_s = 1800

#define AT(share) .phases = { { 0, share } }

static const struct {
	struct scenario scenario;
	double most; /* of the runs; 0: a good version */
} rows[] = {
	{ { "twice as bad, errors 0.1 %, 5 % on trial", USUAL, .errors = 0.001, .times = 2, AT(0.05) }, 0.01 },
	{ { "twice as bad, errors 0.1 %, 50 % on trial", USUAL, .errors = 0.001, .times = 2, AT(0.5) }, 0.01 },
	{ { "twice as bad, errors 1 %, 5 % on trial", USUAL, .errors = 0.01, .times = 2, AT(0.05) }, 0.01 },
	{ { "twice as bad, errors 1 %, 25 % on trial", USUAL, .errors = 0.01, .times = 2, AT(0.25) }, 0.01 },
	{ { "twice as bad, errors 3 %, 25 % on trial", USUAL, .errors = 0.03, .times = 2, AT(0.25) }, 0.01 },
	{ { "twice as bad, 20 heavy clients, errors 1 %, 25 % on trial", CLIENTS_HEAVY, USUAL, .errors = 0.01,
	    .times = 2, AT(0.25) },
	  0.02 },
	{ { "twice as bad, clients come and go, errors 1 %, 25 % on trial", USUAL, .lives_s = 60, .errors = 0.01,
	    .times = 2, AT(0.25) },
	  0.01 },
	{ { "as good, errors 1 %, 5 % on trial", USUAL, .errors = 0.01, .times = 1, AT(0.05) }, 0 },
	{ { "as good, errors 1 %, 25 % on trial", USUAL, .errors = 0.01, .times = 1, AT(0.25) }, 0 },
	{ { "as good, errors 0.1 %, 5 % on trial", USUAL, .errors = 0.001, .times = 1, AT(0.05) }, 0 },
	{ { "as good, errors 0.1 %, 25 % on trial", USUAL, .errors = 0.001, .times = 1, AT(0.25) }, 0 },
};

struct row {
	const struct scenario *scenario;
	double *seconds; /* until it was first called healthy */
};

static void run(void *context, unsigned int index, struct chance *chance)
{
	static _Thread_local struct traffic traffic;
	const enum judge_check errors = JUDGE_ERRORS;
	struct judge_settings settings = court_settings(&errors, 1);
	struct row *row = context;

	traffic_free(&traffic);
	traffic_plan(row->scenario, &traffic);
	traffic_draw(row->scenario, &traffic, chance);
	row->seconds[index] = court_healthy(row->scenario, &traffic, &settings, 0);
}

static void print_row(const struct scenario *scenario, double *seconds, unsigned int found)
{
	char text[2][24];

	printf("  %-66s %6.1f %% within 30 minutes, median %s, 95 %% %s\n", scenario->name, 100.0 * found / sim_runs(),
	       report_seconds(text[0], sizeof(text[0]), report_quantile(seconds, sim_runs(), 0.5)),
	       report_seconds(text[1], sizeof(text[1]), report_quantile(seconds, sim_runs(), 0.95)));
}

void health(void)
{
	printf("\nVersions called healthy by the split of their errors alone, before a regression was found. What is\n"
	       "refuted is \"twice as bad\", at half of the 1 %%. Where a few clients meet most of the errors within one\n"
	       "epoch, bad versions look better than they are: 2 %% at most then, else 1 %%.\n");
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct row row = { &rows[i].scenario, calloc(sim_runs(), sizeof(double)) };
		unsigned int found = 0;

		if (!row.seconds)
			exit(2);
		sim_parallel(run, &row, 400 + i);
		for (unsigned int j = 0; j < sim_runs(); j++)
			found += !isinf(row.seconds[j]);
		if (rows[i].most > 0)
			report_share(row.scenario->name, found, rows[i].most);
		else
			print_row(row.scenario, row.seconds, found);
		free(row.seconds);
	}
}
