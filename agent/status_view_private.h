/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the live view share: a version's figures, and both ways to lay them out. */
#ifndef SERIN_STATUS_VIEW_PRIVATE_H
#define SERIN_STATUS_VIEW_PRIVATE_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>
#include <serin/reasons.h>
#include "complaint.h"
#include "status_view.h"

#define VIEW_BOLD "\033[1m"
#define VIEW_DIM "\033[2m"
#define VIEW_RED "\033[31m"
#define VIEW_PLAIN "\033[0m"

#define VIEW_TEXT_LEN 48

enum view_quantile { VIEW_P50, VIEW_P95, VIEW_P99, VIEW_QUANTILES };
enum { VIEW_HTTP_5XX = SERIN_FAILURES, VIEW_REASONS }; /* behind the connections' own reasons */

/* Unknown: NAN. Times in seconds, shares as ratios. */
struct view_version {
	const char *name, *role; /* belong to the JSON */
	double weight, measured, low, high;
	double requests, connections; /* per second */
	double failed, of, failure_ratio, reasons[VIEW_REASONS];
	double response[VIEW_QUANTILES], handshake[VIEW_QUANTILES];
	double active, clients;
};

int view_read_version(json_t *json, struct view_version *ret, struct complaint *complaint);

/* All into VIEW_TEXT_LEN bytes; "-" for what is unknown. */
const char *view_share(double ratio, char *buffer);   /* "0.12%", "<0.01%" */
const char *view_percent(double ratio, char *buffer); /* "94.9%" */
const char *view_rate(double rate, char *buffer);     /* "112.4", "12.3k" */
const char *view_time(double seconds, char *buffer);  /* "850us", "1.25ms", "2.50s" */
const char *view_interval(double low, double high, char *buffer);

/* Whether it fails more than the baseline's ratio, beyond what chance does in 95 %. */
bool view_is_worse(const struct view_version *version, double baseline_ratio);

/* status_view_versions.c: a column per version; status_view_list.c: a line per version of several services. */
int view_print_versions(FILE *out, json_t *service, const struct status_view *view, struct complaint *complaint);
int view_print_list(FILE *out, const json_t *services, const struct status_view *view, struct complaint *complaint);

#endif
