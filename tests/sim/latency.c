/* SPDX-License-Identifier: BSD-2-Clause */
/* Slow answers: identical versions rolled back, slower ones found; and all checks together. */
#include <stdio.h>
#include <stdlib.h>

#include "parallel.h"
#include "report.h"
#include "requests.h"

#define USUAL .clients = 2000, .per_second = 200, .first_times = 1, .times = 1

static const struct latency_scenario same[] = {
	{ "response times alike", USUAL },
	{ "slow endpoints used by 1 % of the clients", USUAL, .slow_clients = 0.01 },
	{ "slow first turns, 20 % of the clients without keep-alive", .clients = 2000, .per_second = 200,
	  .first_times = 3, .times = 1, .one_shot = 0.2 },
	{ "200 clients, 20 requests/s, slow endpoints and first turns", .clients = 200, .per_second = 20,
	  .first_times = 3, .times = 1, .one_shot = 0.2, .slow_clients = 0.01 },
	{ "errors, latency and outcomes at once, 1 % of the clients fail", USUAL, .slow_clients = 0.01, .errors = 0.01,
	  .failing = 0.01, .all_checks = true },
};

static const struct latency_scenario slower[] = {
	{ "20 % slower after 5 minutes", .clients = 2000, .per_second = 200, .first_times = 1, .times = 1.2,
	  .onset_s = 300 },
	{ "50 % slower after 5 minutes", .clients = 2000, .per_second = 200, .first_times = 1, .times = 1.5,
	  .onset_s = 300 },
	{ "twice as slow after 5 minutes", .clients = 2000, .per_second = 200, .first_times = 1, .times = 2,
	  .onset_s = 300 },
	{ "50 % slower after 5 minutes, slow endpoints and first turns", .clients = 2000, .per_second = 200,
	  .first_times = 3, .times = 1.5, .onset_s = 300, .slow_clients = 0.01, .one_shot = 0.2 },
};

struct row {
	const struct latency_scenario *scenario;
	double *seconds;
};

static void run(void *context, unsigned int index, struct chance *chance)
{
	struct row *row = context;

	row->seconds[index] = requests_run(row->scenario, chance) - row->scenario->onset_s;
}

static unsigned int run_row(struct row *row, unsigned int number)
{
	unsigned int found = 0;

	sim_parallel(run, row, 500 + number);
	for (unsigned int i = 0; i < sim_runs(); i++)
		found += !isinf(row->seconds[i]);
	return found;
}

static void print_row(const struct row *row, unsigned int found)
{
	char text[2][24];

	printf("  %-66s %6.1f %% found, median %s, 95 %% %s\n", row->scenario->name, 100.0 * found / sim_runs(),
	       report_seconds(text[0], sizeof(text[0]), report_quantile(row->seconds, sim_runs(), 0.5)),
	       report_seconds(text[1], sizeof(text[1]), report_quantile(row->seconds, sim_runs(), 0.95)));
	fflush(stdout);
}

void latency(void)
{
	const unsigned int same_count = sizeof(same) / sizeof(same[0]),
			   slower_count = sizeof(slower) / sizeof(slower[0]);
	double *seconds = calloc(sim_runs(), sizeof(*seconds));

	if (!seconds)
		exit(2);
	requests_begin();
	printf("\nIdentical versions rolled back for slow answers: 1 %% at most. Request by request, after 60 s.\n");
	for (unsigned int i = 0; i < same_count; i++)
		report_share(same[i].name, run_row(&(struct row){ &same[i], seconds }, i), 0.01);
	printf("\nSlower versions, 5 %% on trial, tolerated are 20 %%.\n");
	for (unsigned int i = 0; i < slower_count; i++) {
		struct row row = { &slower[i], seconds };

		print_row(&row, run_row(&row, 50 + i));
	}
	free(seconds);
}
