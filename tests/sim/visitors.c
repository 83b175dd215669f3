/* SPDX-License-Identifier: BSD-2-Clause */
/* Health as an agent looks for it, by the split of the errors or by how many clients were served: how often bad versions
 * are called healthy, and how soon good ones. */
#include <stdio.h>
#include <stdlib.h>

#include "court.h"
#include "parallel.h"
#include "report.h"

#define OBJECTIVE 0.01
#define SHARES 3
#define STEP_S 300
#define CLIENTS_ENOUGH 709 /* README: some 710 */

/* Visits of ten requests on average in so many seconds, of so many visitors in half an hour. Half of them are new in the
 * half-hour when a visit takes that long. */
#define VISITS(visitors, s)                                         \
	.clients = (unsigned int)((visitors) / (1 + 1800.0 / (s))), \
	.per_second = (visitors) / (1 + 1800.0 / (s)) * 10 / (s), .lives_s = (s), .for_s = 1800, .served = true

/* Of those who have had an answer, `clients` fail in the end: by as many requests. */
#define OF_CLIENTS(clients) ((clients) / 11 / (1 - (clients) * 10 / 11))

static const double shares[SHARES] = { 0.05, 0.25, 0.5 };

/* Bad by the ratio and by the objective: no more is wrong to say. */
static const struct {
	struct scenario scenario;
	double from_s; /* looked at, as a step's end is */
	bool promised;
} bad[] = {
	{ { "0.5 and 1 % of the clients, visits of 10 s", VISITS(10000, 10), .errors = OF_CLIENTS(0.005),
	    .times = OF_CLIENTS(0.01) / OF_CLIENTS(0.005) },
	  0,
	  true },
	{ { "0.5 and 1 % of the clients", VISITS(10000, 120), .errors = OF_CLIENTS(0.005),
	    .times = OF_CLIENTS(0.01) / OF_CLIENTS(0.005) },
	  STEP_S,
	  true },
	{ { "0.5 and 1 % of the clients, begun just now", VISITS(10000, 120), .errors = OF_CLIENTS(0.005),
	    .times = OF_CLIENTS(0.01) / OF_CLIENTS(0.005) },
	  0,
	  false },
	{ { "0.1 and 0.2 % of the requests", VISITS(10000, 120), .errors = 0.001, .times = 2 }, 0, true },
	{ { "0.5 and 1 %", VISITS(10000, 120), .errors = 0.005, .times = 2 }, 0, true },
	{ { "1 and 2 %", VISITS(10000, 120), .errors = 0.01, .times = 2 }, 0, true },
	{ { "4000 clients, 0.1 and 0.5 %", VISITS(4000, 120), .errors = 0.001, .times = 5 }, 0, true },
	{ { "4000 clients, 0.5 and 2.5 %", VISITS(4000, 120), .errors = 0.005, .times = 5 }, 0, true },
	{ { "4000 clients, 1 and 5 %", VISITS(4000, 120), .errors = 0.01, .times = 5 }, 0, true },
};

static const struct scenario good[] = {
	{ "1000 clients, no errors", VISITS(1000, 120), .errors = 0, .times = 1 },
	{ "1000 clients, errors 0.1 %", VISITS(1000, 120), .errors = 0.001, .times = 1 },
	{ "1000 clients, errors 0.5 %", VISITS(1000, 120), .errors = 0.005, .times = 1 },
	{ "1000 clients, errors 1 %", VISITS(1000, 120), .errors = 0.01, .times = 1 },
	{ "10 000 clients, no errors", VISITS(10000, 120), .errors = 0, .times = 1 },
	{ "10 000 clients, errors 0.1 %", VISITS(10000, 120), .errors = 0.001, .times = 1 },
	{ "10 000 clients, errors 0.5 %", VISITS(10000, 120), .errors = 0.005, .times = 1 },
	{ "10 000 clients, errors 1 %", VISITS(10000, 120), .errors = 0.01, .times = 1 },
	{ "20 000 clients, no errors", VISITS(20000, 120), .errors = 0, .times = 1 },
};

struct row {
	struct scenario scenario;
	struct judge_settings settings;
	double from_s;
	double *seconds, *clients; /* when it was first called healthy, and how many it had answered by then */
};

static void run(void *context, unsigned int index, struct chance *chance)
{
	static _Thread_local struct traffic traffic;
	struct row *row = context;
	size_t served = 0;
	double at;

	traffic_free(&traffic);
	traffic_plan(&row->scenario, &traffic);
	traffic_draw(&row->scenario, &traffic, chance);
	row->seconds[index] = at = court_healthy(&row->scenario, &traffic, &row->settings, row->from_s);
	while (served < traffic.served_count && traffic.served[served].at < at)
		served++;
	row->clients[index] = isinf(at) ? INFINITY : (double)served;
}

static struct row row_of(const struct scenario *scenario, double share, double from_s)
{
	const enum judge_check errors = JUDGE_ERRORS;
	struct row row = { *scenario, court_settings(&errors, 1), from_s, calloc(sim_runs(), sizeof(double)),
			   calloc(sim_runs(), sizeof(double)) };

	if (!row.seconds || !row.clients)
		exit(2);
	row.scenario.tick_s = 1;
	row.scenario.phases[0].share = share;
	row.settings.objective[JUDGE_ERRORS] = OBJECTIVE;
	return row;
}

static void free_row(struct row *row)
{
	free(row->seconds);
	free(row->clients);
}

/* How often it was called healthy. */
static unsigned int play(struct row *row, uint64_t number)
{
	unsigned int found = 0;

	sim_parallel(run, row, number);
	for (unsigned int i = 0; i < sim_runs(); i++)
		found += !isinf(row->seconds[i]);
	return found;
}

static void bad_versions(void)
{
	char name[96];

	printf("\nBad versions called healthy, by the split of their errors or by fewer than 1 %% failed of the clients\n"
	       "served, before a regression was found: 1 %% at most of those that are neither, both together. Visits\n"
	       "of two minutes and ten requests, 10 000 clients in 30 minutes, looking every second.\n");
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		for (unsigned int j = 0; j < SHARES; j++) {
			struct row row = row_of(&bad[i].scenario, shares[j], bad[i].from_s);
			unsigned int found = play(&row, 500 + i * SHARES + j);

			snprintf(name, sizeof(name), "%g times: %s, %g %% on trial", round(row.scenario.times),
				 row.scenario.name, 100 * shares[j]);
			if (bad[i].promised)
				report_share(name, found, row.settings.false_health);
			else
				report_share_only(name, found);
			free_row(&row);
		}
	}
}

/* Where that many can be expected to be served, those that have no errors are called healthy. */
static bool is_enough(const struct scenario *scenario, double share)
{
	double clients = scenario->clients * (1 + scenario->for_s / scenario->lives_s);

	return scenario->errors <= 0 && clients * share > 1.5 * CLIENTS_ENOUGH;
}

static void good_versions(void)
{
	const unsigned int count = sizeof(good) / sizeof(good[0]);
	unsigned int missed = 0;
	double most = 0;

	printf("\nGood versions called healthy within 30 minutes, and the median of the time it took, by their share.\n"
	       "  %-34s %18s %18s %18s\n",
	       "", "5 %", "25 %", "50 %");
	for (unsigned int i = 0; i < count; i++) {
		printf("  %-34s", good[i].name);
		for (unsigned int j = 0; j < SHARES; j++) {
			struct row row = row_of(&good[i], shares[j], 0);
			unsigned int found = play(&row, 600 + i * SHARES + j);
			char text[24];

			printf(" %7.1f %% %8s", 100.0 * found / sim_runs(),
			       report_seconds(text, sizeof(text), report_quantile(row.seconds, sim_runs(), 0.5)));
			fflush(stdout);
			if (is_enough(&good[i], shares[j])) {
				missed = sim_runs() - found > missed ? sim_runs() - found : missed;
				most = fmax(most, report_quantile(row.clients, sim_runs(), 0.5));
			}
			free_row(&row);
		}
		printf("\n");
	}
	report_share("no errors, half as many clients again as it takes: not called so", missed, 0.01);
	report_claim("clients that it had answered by then, median, the most of any", most, CLIENTS_ENOUGH * 1.05);
}

void health_by_clients(void)
{
	bad_versions();
	good_versions();
}
