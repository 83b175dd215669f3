/* SPDX-License-Identifier: BSD-2-Clause */
/* What an engineer asks of a version: how much it does, how often it fails and how long it takes, lately. Pure. */
#ifndef SERIN_FIGURES_H
#define SERIN_FIGURES_H

#include <stdint.h>

#include <serin/reasons.h>
#include "counters.h"
#include "service.h"

/* Seconds; nothing is known without samples. */
struct figures_times {
	uint64_t samples;
	double p50, p95, p99;
};

/* Since the window began: at the last change of weights, a minute ago at most. Rates are 0 before a second has passed. */
struct figures {
	double seconds;
	double requests_per_second, connections_per_second;
	uint64_t failed; /* by any reason, and answered with a 5xx */
	uint64_t of;     /* what these are a share of: turns begun, and connections that failed before they had one */
	double failure_ratio;
	double failures_per_second[SERIN_FAILURES];
	double http_5xx_per_second;
	struct figures_times response, handshake;
};

/* What failed, and what that is a share of. */
void figures_count(const struct window_turns *turns, uint64_t *ret_failed, uint64_t *ret_of);

/* Of one version, by index into service->config->versions. */
void figures_measure(const struct service *service, const struct counters *counters, size_t version,
		     struct figures *ret);

#endif
