/* SPDX-License-Identifier: BSD-2-Clause */
/* A query for two versions at a time: values are handed on when both have come. */
#include "prometheus.h"

#include <errno.h>
#include <stdlib.h>

#define LONGEST_ANSWER ((size_t)256 << 10) /* one value takes some 200 bytes; this is some thousand series */

struct side {
	struct prometheus *whole;
	struct fetch *fetch; /* NULL: not under way */
	struct prometheus_value value;
};

struct prometheus {
	prometheus_fn fn;
	void *context;
	struct side trial, baseline;
};

struct prometheus *prometheus_cancel(struct prometheus *prometheus)
{
	if (!prometheus)
		return NULL;
	fetch_cancel(prometheus->trial.fetch);
	fetch_cancel(prometheus->baseline.fetch);
	free(prometheus);
	return NULL;
}

static void on_answer(void *context, const struct fetch_answer *answer)
{
	struct side *side = context;
	struct prometheus *whole = side->whole;

	side->fetch = NULL;
	prometheus_read(answer, &side->value);
	if (whole->trial.fetch || whole->baseline.fetch)
		return;
	whole->fn(whole->context, &whole->trial.value, &whole->baseline.value);
	free(whole);
}

static int ask_for(struct fetcher *fetcher, const struct prometheus_query *query, const char *version,
		   struct side *side)
{
	char *filled = prometheus_fill(query->query, query->service, version), *url = NULL;
	struct fetch_request request = { .timeout_ms = query->timeout_ms, .limit = LONGEST_ANSWER };
	int r = -ENOMEM;

	if (filled)
		url = prometheus_url(query->url, filled);
	request.url = url;
	if (url)
		r = fetch_start(fetcher, &request, on_answer, side, &side->fetch);
	free(url);
	free(filled);
	return r;
}

int prometheus_ask(struct fetcher *fetcher, const struct prometheus_query *query, prometheus_fn fn, void *context,
		   struct prometheus **ret)
{
	struct prometheus *prometheus = calloc(1, sizeof(*prometheus));
	int r;

	if (!prometheus)
		return -ENOMEM;
	prometheus->fn = fn;
	prometheus->context = context;
	prometheus->trial.whole = prometheus;
	prometheus->baseline.whole = prometheus;
	r = ask_for(fetcher, query, query->trial, &prometheus->trial);
	if (!r && query->baseline)
		r = ask_for(fetcher, query, query->baseline, &prometheus->baseline);
	if (r) {
		prometheus_cancel(prometheus);
		return r;
	}
	*ret = prometheus;
	return 0;
}
