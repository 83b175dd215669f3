/* SPDX-License-Identifier: BSD-2-Clause */
/* Rates, shares and quantiles of the window. */
#include "figures.h"

#include "histogram.h"

static void measure_times(const __u64 bucket[SERIN_HISTOGRAM_BUCKETS], struct figures_times *ret)
{
	*ret = (struct figures_times){ .samples = histogram_count(bucket) };
	if (!ret->samples)
		return;
	ret->p50 = histogram_quantile(bucket, 0.50);
	ret->p95 = histogram_quantile(bucket, 0.95);
	ret->p99 = histogram_quantile(bucket, 0.99);
}

/* Failures of handshakes stand for turns that could not begin; what merely was opened does not: a flood of SYNs that
 * nobody completes would make any version look healthy. */
void figures_count(const struct window_turns *turns, uint64_t *ret_failed, uint64_t *ret_of)
{
	*ret_failed = turns->server_errors;
	for (unsigned int i = 0; i < SERIN_FAILURES; i++)
		*ret_failed += turns->failures[i];
	*ret_of = turns->asked + turns->failures[SERIN_FAILURE_REFUSED] + turns->failures[SERIN_FAILURE_TIMEOUT] +
		  turns->failures[SERIN_FAILURE_UNREACHABLE];
}

static void measure_failures(const struct window_turns *turns, struct figures *ret)
{
	figures_count(turns, &ret->failed, &ret->of);
	if (ret->of < ret->failed)
		ret->of = ret->failed; /* turns that had begun before the window did */
	ret->failure_ratio = ret->of ? (double)ret->failed / (double)ret->of : 0;
}

static void measure_rates(const struct window_turns *turns, struct figures *ret)
{
	if (ret->seconds < 1)
		return;
	ret->requests_per_second = (double)turns->asked / ret->seconds;
	ret->http_5xx_per_second = (double)turns->server_errors / ret->seconds;
	for (unsigned int i = 0; i < SERIN_FAILURES; i++)
		ret->failures_per_second[i] = (double)turns->failures[i] / ret->seconds;
}

void figures_measure(const struct service *service, const struct counters *counters, size_t version,
		     struct figures *ret)
{
	unsigned int id = service->version_id[version];
	const struct counters_version *counted = counters_of_version(counters, service->id, id);
	__u64 handshake[SERIN_HISTOGRAM_BUCKETS], response[SERIN_HISTOGRAM_BUCKETS];
	struct window_share share;
	struct window_turns turns;

	window_measure(&service->window, &service->newest, id, &share);
	window_turns(&service->window, &service->newest, id, &turns);
	*ret = (struct figures){
		.seconds = window_span(&service->window, &service->newest),
		.connections_per_second = share.per_second,
	};
	measure_failures(&turns, ret);
	measure_rates(&turns, ret);
	recent_gain(&counted->recent, &counted->observed, handshake, response);
	measure_times(handshake, &ret->handshake);
	measure_times(response, &ret->response);
}
