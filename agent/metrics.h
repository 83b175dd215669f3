/* SPDX-License-Identifier: BSD-2-Clause */
/* The metrics as Prometheus text (exposition format 0.0.4), from a snapshot in plain structs. Pure. */
#ifndef SERIN_METRICS_H
#define SERIN_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <serin/abi.h>
#include <serin/reasons.h>

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Strings belong to the caller. `role`: "baseline" or "trial". */
struct metrics_backend {
	const char *service, *version, *backend, *role;
	const struct serin_stats *stats;
	uint64_t active;
};

struct metrics_version {
	const char *service, *version, *role;
	double weight;    /* 0 to 1 */
	double measured;  /* 0 to 1 */
	bool is_measured; /* without: nothing was opened, and no line is printed */
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
	uint64_t drops[SERIN_DROPS];
	struct serin_table_stats table;
	uint64_t flow_table_ways; /* capacity */
	bool is_swept;            /* without: `flows` is not known yet, and no line is printed */
	uint64_t flows;           /* in the table, by the last whole sweep */
	double sweep_seconds;     /* how long that took, pauses included */
	uint64_t flows_emptied;   /* ended by the agent, to empty a backend */
	double tick_seconds;      /* how long the last tick took */
	const char *build;        /* serin's version */
};

/* Errors are left in the FILE (ferror). */
void metrics_print(FILE *out, const struct metrics *metrics);

#endif
