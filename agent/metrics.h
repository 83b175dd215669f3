/* SPDX-License-Identifier: BSD-2-Clause */
/* The metrics as Prometheus text (exposition format 0.0.4) or OpenMetrics 1.0.0, from a snapshot in plain structs. Pure. */
#ifndef SERIN_METRICS_H
#define SERIN_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <serin/abi.h>
#include <serin/reasons.h>
#include "checker.h"
#include "judge.h"
#include "outbox.h"
#include "rollout.h"

enum metrics_format { METRICS_TEXT, METRICS_OPENMETRICS };

/* What a request's Accept header (NULL: none) prefers; text, when both are liked as much. */
enum metrics_format metrics_choose(const char *accept);
const char *metrics_content_type(enum metrics_format format);

/* Strings belong to the caller. `role`: "baseline" or "trial". */
struct metrics_backend {
	const char *service, *version, *backend, *role;
	const struct serin_stats *stats;
	uint64_t active;
	bool up;      /* in the rings, neither found broken nor drained */
	bool leaving; /* configured no longer: its counters stay until it is empty, but nobody waits for it to come back */
};

struct metrics_version {
	const char *service, *version, *role;
	double weight;    /* 0 to 1 */
	double measured;  /* 0 to 1 */
	bool is_measured; /* without: nothing was opened, and no line is printed */
	bool is_http;     /* without: nothing is known of methods and answers, and no line is printed */
	uint64_t incidents;
	const struct serin_observed *observed;
	struct serin_turned_away turned_away;
};

/* What is negative is not known, and no line is printed. */
struct metrics_rollout {
	const char *service;
	const char *version; /* NULL: there has been none */
	enum rollout_state phase;
	enum rollout_pause pause;
	unsigned int step; /* from 1 on; 0: none runs */
	double evidence[JUDGE_CHECKS];
	double allowance;
	double detection_seconds;
	bool is_counted; /* without: the counters that follow are not known */
	uint64_t rollbacks[ROLLOUT_CAUSES], trips[SERIN_GUARD_REASON_COUNT];
	uint64_t outcomes_lost;
};

struct metrics_service {
	const char *service;
	uint32_t generation;
};

struct metrics {
	const struct metrics_backend *backends;
	size_t backend_count;
	const struct metrics_version *versions;
	size_t version_count;
	const struct metrics_service *services;
	size_t service_count;
	const struct metrics_rollout *rollouts; /* one for each service */
	size_t rollout_count;
	uint64_t drops[SERIN_DROPS];
	struct serin_table_stats table;
	uint64_t flow_table_ways; /* capacity */
	bool is_swept;            /* without: `flows` is not known yet, and no line is printed */
	uint64_t flows;           /* in the table, by the last whole sweep */
	double sweep_seconds;     /* how long that took, pauses included */
	uint64_t flows_emptied;   /* ended by the agent, to empty a backend */
	double tick_seconds;      /* how long the last tick took */
	struct outbox_figures notices;
	struct checker_figures checks;
	uint64_t started;  /* when the agent was, seconds since 1970 */
	const char *build; /* serin's version */
};

/* 0 and the text, without a final NUL, to be freed; or -ENOMEM. */
int metrics_print(const struct metrics *metrics, enum metrics_format format, char **ret_text, size_t *ret_length);

#endif
