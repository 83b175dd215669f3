/* SPDX-License-Identifier: BSD-2-Clause */
/* Traffic request by request, for what depends on every answer: response times, their histograms and limits,
 * connections. */
#ifndef SERIN_SIM_REQUESTS_H
#define SERIN_SIM_REQUESTS_H

#include <stdbool.h>

#include "chance.h"
#include "judge.h"

#define WARMUP_S 60

struct latency_scenario {
	const char *name;
	unsigned int clients;
	double per_second;
	double slow_clients; /* share of the clients that use endpoints which take 20 times as long */
	double one_shot;     /* share of the clients that open a connection for every request */
	double first_times;  /* the first turn of a connection takes so many times as long */
	double times;        /* and any one of the trial version, from `onset_s` on */
	double onset_s;
	double errors;  /* share of requests that fail, whatever the version */
	double failing; /* share of the clients whose requests are always reported as failed; of the others, `errors` */
	bool all_checks; /* errors and outcomes are judged as well, and share the 1 % */
};

/* Looking every second for 30 minutes with 5 % on trial: seconds until a regression was found, INFINITY: none. */
double requests_run(const struct latency_scenario *scenario, struct chance *chance);

/* Once, before the first run. */
void requests_begin(void);

#endif
