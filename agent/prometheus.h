/* SPDX-License-Identifier: BSD-2-Clause */
/* One number from a Prometheus: the value of a query for the version on trial, and how it compares with the baseline's. */
#ifndef SERIN_PROMETHEUS_H
#define SERIN_PROMETHEUS_H

#include <stdbool.h>
#include <stddef.h>

#include "fetch.h"

#define PROMETHEUS_WHY_LEN 256

/* NaN and the infinities are no values. */
struct prometheus_value {
	bool known;
	double value;
	char why[PROMETHEUS_WHY_LEN]; /* why not, in words */
};

struct prometheus_query {
	const char *url;   /* of the server: "http://127.0.0.1:9090", with a path in front of /api perhaps */
	const char *query; /* PromQL; $service and $version stand for the names */
	const char *service, *trial;
	const char *baseline; /* NULL: not asked for */
	unsigned int timeout_ms;
};

/* `baseline` is all zero when it was not asked for. The query is over. */
typedef void (*prometheus_fn)(void *context, const struct prometheus_value *trial,
			      const struct prometheus_value *baseline);

struct prometheus; /* a query under way */

/* The values come from the loop, whatever they are. 0 or -ENOMEM. */
int prometheus_ask(struct fetcher *fetcher, const struct prometheus_query *query, prometheus_fn fn, void *context,
		   struct prometheus **ret);
/* No values come. NULL is fine. Returns NULL. */
struct prometheus *prometheus_cancel(struct prometheus *prometheus);

/* The parts of it, pure. */

/* $service and $version filled in, as ${version} too; any other $ stays: PromQL has it in regular expressions. To be
 * freed; NULL: out of memory. */
char *prometheus_fill(const char *query, const char *service, const char *version);
/* Whether there is a $version in it: without one, a ratio of trial to baseline is always 1. */
bool prometheus_names_version(const char *query);
/* Of an instant query, percent-encoded. To be freed; NULL: out of memory. */
char *prometheus_url(const char *server, const char *query);
/* What an answer says. */
void prometheus_read(const struct fetch_answer *answer, struct prometheus_value *ret);

#endif
