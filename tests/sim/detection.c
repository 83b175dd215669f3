/* SPDX-License-Identifier: BSD-2-Clause */
/* How soon a version is found that is worse, and after how many incidents, against the least that any test needs. */
#include <stdio.h>
#include <stdlib.h>

#include "court.h"
#include "parallel.h"
#include "report.h"

#define USUAL .clients = 2000, .per_second = 200, .tick_s = 1, .for_s = 1800, .phases = { { 0, 0.05 } }
#define BOUND 2.0

static const struct {
	struct scenario scenario;
	bool bound; /* promised: at most BOUND times Wald's */
} rows[] = {
	{ { "2 times: 1 to 2 %", USUAL, .errors = 0.01, .times = 2 }, false },
	{ { "5 times: 1 to 5 %", USUAL, .errors = 0.01, .times = 5 }, true },
	{ { "50 times: 0.1 to 5 %", USUAL, .errors = 0.001, .times = 50 }, true },
	{ { "dead, the baseline fails 0.1 %", USUAL, .errors = 0.001, .times = 1000 }, true },
	{ { "5 times after 20 minutes: 1 to 5 %", USUAL, .errors = 0.01, .times = 5, .onset_s = 1200 }, false },
	{ { "50 times after 20 minutes: 0.1 to 5 %", USUAL, .errors = 0.001, .times = 50, .onset_s = 1200 }, false },
};

/* Of each run: infinite where nothing was found. */
struct measured {
	double *seconds, *kernel, *clients, *kernel_clients, *wald;
};

struct row {
	const struct scenario *scenario;
	struct judge_settings settings;
	struct measured measured;
};

static double clients_of(double at, uint64_t clients)
{
	return isinf(at) ? INFINITY : (double)clients;
}

static void run(void *context, unsigned int index, struct chance *chance)
{
	static _Thread_local struct traffic traffic;
	struct row *row = context;
	const struct scenario *scenario = row->scenario;
	struct ruling ruling;
	struct trip trip;

	traffic_free(&traffic);
	traffic_plan(scenario, &traffic);
	traffic_draw(scenario, &traffic, chance);
	ruling = court_judge(scenario, &traffic, &row->settings, NULL);
	row->measured.seconds[index] = ruling.at - scenario->onset_s;
	ruling = court_judge_each(scenario, &traffic, &row->settings);
	row->measured.clients[index] = clients_of(ruling.at, ruling.clients);
	ruling = court_wald(scenario, &traffic, row->settings.false_alarm);
	row->measured.wald[index] = clients_of(ruling.at, ruling.clients);
	trip = court_guard(scenario, &traffic, &row->settings, GUARD_AS_BUILT);
	row->measured.kernel[index] = trip.at - scenario->onset_s;
	row->measured.kernel_clients[index] = clients_of(trip.at, trip.clients);
}

static double *room(void)
{
	double *numbers = calloc(sim_runs(), sizeof(*numbers));

	if (!numbers) {
		fprintf(stderr, "sim: out of memory\n");
		exit(2);
	}
	return numbers;
}

static void print_row(const struct scenario *scenario, struct measured *measured, double bound)
{
	unsigned int runs = sim_runs();
	double clients = report_quantile(measured->clients, runs, 0.5);
	char text[4][24];

	printf("  %-38s %8s %8s %8s %8s %8.0f %8.0f %7.0f %7.1f %6.2f\n", scenario->name,
	       report_seconds(text[0], sizeof(text[0]), report_quantile(measured->seconds, runs, 0.5)),
	       report_seconds(text[1], sizeof(text[1]), report_quantile(measured->seconds, runs, 0.95)),
	       report_seconds(text[2], sizeof(text[2]), report_quantile(measured->kernel, runs, 0.5)),
	       report_seconds(text[3], sizeof(text[3]), report_quantile(measured->kernel, runs, 0.95)), clients,
	       report_quantile(measured->kernel_clients, runs, 0.5), report_quantile(measured->wald, runs, 0.5), bound,
	       clients / bound);
	fflush(stdout);
}

/* The ratio that was promised, or not. */
static double detect(unsigned int number)
{
	const enum judge_check checks[] = { JUDGE_ERRORS, JUDGE_LATENCY };
	struct row row = { &rows[number].scenario,
			   court_settings(checks, 2),
			   { room(), room(), room(), room(), room() } };
	double bound = court_wald_bound(row.scenario, row.settings.false_alarm), ratio;

	sim_parallel(run, &row, 200 + number);
	print_row(row.scenario, &row.measured, bound);
	ratio = report_quantile(row.measured.clients, sim_runs(), 0.5) / bound;
	free(row.measured.seconds);
	free(row.measured.kernel);
	free(row.measured.clients);
	free(row.measured.kernel_clients);
	free(row.measured.wald);
	return ratio;
}

void detection(void)
{
	const unsigned int count = sizeof(rows) / sizeof(rows[0]);
	double ratios[sizeof(rows) / sizeof(rows[0])];
	char what[80];

	printf("\nWorse versions found, 5 %% on trial. Errors and latency share the 1 %%, unless told otherwise.\n"
	       "Clients: those that met an incident, up to the verdict. Wald's: of the sequential test that knows\n"
	       "the true ratio and has the whole 1 %%. Bound: what no test can beat on average, ln(1/0.01) over the\n"
	       "information in one incident. All medians.\n"
	       "  %-38s %8s %8s %8s %8s %8s %8s %7s %7s %6s\n",
	       "", "judge", "95 %", "kernel", "95 %", "clients", "kernel's", "Wald's", "bound", "ratio");
	for (unsigned int i = 0; i < count; i++)
		ratios[i] = detect(i);
	for (unsigned int i = 0; i < count; i++) {
		snprintf(what, sizeof(what), "incident clients over the bound, %s", rows[i].scenario.name);
		if (rows[i].bound)
			report_claim(what, ratios[i], BOUND);
	}
}
