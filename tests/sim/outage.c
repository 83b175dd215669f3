/* SPDX-License-Identifier: BSD-2-Clause */
/* An outage that both versions share, beginning in the second after a change of weight: no line may be crossed that
 * the judge would not cross. */
#include <stdatomic.h>
#include <stdio.h>

#include "court.h"
#include "parallel.h"
#include "report.h"

#define USUAL                                                                                       \
	.clients = 2000, .per_second = 200, .errors = 0.001, .times = 1, .tick_s = 1, .for_s = 600, \
	.outage_for_s = 60, .outage_s = 300
#define RISES .phases = { { 0, 0.05 }, { 300, 0.25 } }
#define RISES_FAR .phases = { { 0, 0.05 }, { 300, 0.95 } }
#define FALLS .phases = { { 0, 0.25 }, { 300, 0.05 } }

static const struct {
	struct scenario scenario;
	enum guard_story story;
	bool promised;
} rows[] = {
	{ { "5 to 25 %", USUAL, RISES }, GUARD_AS_BUILT, true },
	{ { "5 to 25 %, 1 % of the clients always fail", CLIENTS_FAILING, USUAL, RISES }, GUARD_AS_BUILT, true },
	{ { "5 to 95 %", USUAL, RISES_FAR }, GUARD_AS_BUILT, true },
	{ { "25 to 5 %", USUAL, FALLS }, GUARD_AS_BUILT, true },
	{ { "5 to 25 %, the agent dies as it changes the plan", USUAL, RISES }, GUARD_DEAD, true },
	{ { "5 to 95 %, the agent dies as it changes the plan", USUAL, RISES_FAR }, GUARD_DEAD, true },
	{ { "25 to 5 %, the agent dies as it changes the plan", USUAL, FALLS }, GUARD_DEAD, true },
	{ { "not as built: 5 to 25 %, plan before line", USUAL, RISES }, GUARD_STALE, false },
	{ { "not as built: 5 to 25 %, and the agent dies in between", USUAL, RISES }, GUARD_STALE_DEAD, false },
};

struct row {
	const struct scenario *scenario;
	enum guard_story story;
	struct judge_settings settings;
	atomic_uint trips, falsely;
};

/* The outage begins at any moment of the second after the change. */
static void run(void *context, unsigned int index, struct chance *chance)
{
	static _Thread_local struct traffic traffic;
	struct row *row = context;
	struct scenario scenario = *row->scenario;
	struct trip trip;

	(void)index;
	scenario.outage_s += chance_fraction(chance);
	traffic_free(&traffic);
	traffic_plan(&scenario, &traffic);
	traffic_draw(&scenario, &traffic, chance);
	trip = court_guard(&scenario, &traffic, &row->settings, row->story);
	if (isinf(trip.at))
		return;
	atomic_fetch_add(&row->trips, 1);
	if (trip.falsely)
		atomic_fetch_add(&row->falsely, 1);
}

void guard_under_outage(void)
{
	const enum judge_check errors = JUDGE_ERRORS;
	char name[96];

	printf("\nThe kernel's guard, a shared outage of 60 s in the second after a change of weight. Trips at all:\n"
	       "1 %% at most, as of the judge. False ones, where the judge would have found nothing: none.\n");
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct row row = { &rows[i].scenario, rows[i].story, court_settings(&errors, 1), 0, 0 };

		sim_parallel(run, &row, 300 + i);
		snprintf(name, sizeof(name), "%s: trips", row.scenario->name);
		if (rows[i].promised)
			report_share(name, row.trips, row.settings.false_alarm);
		else
			report_share_only(name, row.trips);
		snprintf(name, sizeof(name), "%s: false trips", row.scenario->name);
		if (rows[i].promised)
			report_share(name, row.falsely, 0);
		else
			report_share_only(name, row.falsely);
	}
}
