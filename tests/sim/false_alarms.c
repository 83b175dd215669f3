/* SPDX-License-Identifier: BSD-2-Clause */
/* How often an identical version is rolled back for its errors, whatever the clients are like: at most alpha. */
#include <stdatomic.h>
#include <stdio.h>

#include "court.h"
#include "parallel.h"
#include "report.h"

#define USUAL .clients = 2000, .per_second = 200, .times = 1, .tick_s = 1, .for_s = 1800
#define SHARE_5 .phases = { { 0, 0.05 } }
#define LADDER .phases = { { 0, 0.05 }, { 600, 0.25 }, { 1200, 0.5 } }

static const struct scenario scenarios[] = {
	{ "all clients alike, errors 0.1 %", USUAL, .errors = 0.001, SHARE_5 },
	{ "all clients alike, errors 1 %", USUAL, .errors = 0.01, SHARE_5 },
	{ "bursts of 5 to 30 errors per client, 0.1 %", CLIENTS_BURSTS, USUAL, .errors = 0.001, SHARE_5 },
	{ "bursts of 5 to 30 errors per client, 1 %", CLIENTS_BURSTS, USUAL, .errors = 0.01, SHARE_5 },
	{ "1 % of the clients always fail", CLIENTS_FAILING, USUAL, .errors = 0.001, SHARE_5 },
	{ "20 heavy clients make half of the traffic, errors 1 %", CLIENTS_HEAVY, USUAL, .errors = 0.01, SHARE_5 },
	{ "shared outage of 60 s", USUAL, .errors = 0.001, .outage_s = 600, .outage_for_s = 60, SHARE_5 },
	{ "5, 25, 50 %: errors 1 %", USUAL, .errors = 0.01, LADDER },
	{ "5, 25, 50 %: 1 % of the clients always fail", CLIENTS_FAILING, USUAL, .errors = 0.001, LADDER },
	{ "5, 25, 50 %: shared outage of 60 s in the second after 25 %", USUAL, .errors = 0.001, .outage_s = 600.5,
	  .outage_for_s = 60, LADDER },
	{ "clients come and go, a minute each, 1 % of them always fail", CLIENTS_FAILING, USUAL, .lives_s = 60,
	  .errors = 0.001, SHARE_5 },
	{ "ticks of 100 ms, errors 1 %", .clients = 2000, .per_second = 200, .times = 1, .tick_s = 0.1, .for_s = 1800,
	  .errors = 0.01, SHARE_5 },
	{ "200 clients, 20 requests/s, errors 1 %", .clients = 200, .per_second = 20, .times = 1, .tick_s = 1,
	  .for_s = 1800, .errors = 0.01, SHARE_5 },
	{ "200 clients, 20 requests/s, 5, 25, 50 %, errors 1 %", .clients = 200, .per_second = 20, .times = 1,
	  .tick_s = 1, .for_s = 1800, .errors = 0.01, LADDER },
};

struct row {
	const struct scenario *scenario;
	struct judge_settings settings;
	atomic_uint found;
};

static void run(void *context, unsigned int index, struct chance *chance)
{
	static _Thread_local struct traffic traffic;
	struct row *row = context;

	(void)index;
	traffic_free(&traffic);
	traffic_plan(row->scenario, &traffic);
	traffic_draw(row->scenario, &traffic, chance);
	if (!isinf(court_judge(row->scenario, &traffic, &row->settings, NULL).at))
		atomic_fetch_add(&row->found, 1);
}

void false_alarms(void)
{
	const enum judge_check errors = JUDGE_ERRORS;

	printf("\nIdentical versions rolled back for errors: 1 %% at most, all of it for this check. 30 minutes,\n"
	       "2000 clients, 200 requests/s, 5 %% on trial, looking every second, if not said otherwise.\n");
	for (unsigned int i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		struct row row = { &scenarios[i], court_settings(&errors, 1), 0 };

		sim_parallel(run, &row, 100 + i);
		report_share(scenarios[i].name, row.found, row.settings.false_alarm);
	}
}
