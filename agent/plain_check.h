/* SPDX-License-Identifier: BSD-2-Clause */
/* The plain checks: a figure of the version on trial against a bound, window after window. They promise nothing about false
 * alarms. Pure. */
#ifndef SERIN_PLAIN_CHECK_H
#define SERIN_PLAIN_CHECK_H

#include <stdbool.h>
#include <stdint.h>
#include <jansson.h>

#include <serin/abi.h>
#include "config_rollout.h"
#include "prometheus.h"

#define PLAIN_REASON_LEN 320

/* Cumulative, of one version. */
struct plain_counts {
	uint64_t requests, failed;            /* as figures_count has them */
	__u64 times[SERIN_HISTOGRAM_BUCKETS]; /* of responses */
};

struct plain_sample {
	struct plain_counts trial, baseline;
};

/* Of the last window that is over. No data is neither: it must not let a step pass, and it takes nothing back. */
enum plain_verdict {
	PLAIN_NO_DATA,
	PLAIN_PASSED,
	PLAIN_FAILING, /* a bound is broken, but not `for` so many windows in a row: neither as yet */
	PLAIN_FAILED,
};

struct plain_check {
	const struct config_plain_check *config; /* the caller's, for as long */
	const char *trial, *baseline;            /* names, the same */
	int64_t began_ms;                        /* the window */
	struct plain_sample from;
	unsigned int failed; /* windows in a row; those without data are left out */
	enum plain_verdict verdict;
	bool looked; /* there has been a window that was over, and what came of it */
	bool known;  /* the figures of the last window */
	double trial_value, baseline_value;
	uint64_t trial_requests, baseline_requests; /* of errors and latency */
	char reason[PLAIN_REASON_LEN];              /* one sentence, whatever the verdict */
};

/* From nothing: the first window begins now. */
void plain_check_begin(struct plain_check *check, const struct config_plain_check *config, const char *trial,
		       const char *baseline, const struct plain_sample *now, int64_t now_ms);

/* Of errors and latency, as often as wanted: true when a window was over and there is a new verdict. */
bool plain_check_tick(struct plain_check *check, const struct plain_sample *now, int64_t now_ms);

/* Of prometheus: true when a window is over, once for each: a query is to be made. Not when it is known already that there
 * is no data (min_requests): then that is the verdict. */
bool plain_check_due(struct plain_check *check, const struct plain_sample *now, int64_t now_ms);
/* What came of it; `baseline` only counts where plain_check_compares. */
void plain_check_answer(struct plain_check *check, const struct prometheus_value *trial,
			const struct prometheus_value *baseline);
/* Whether a bound is about the baseline's figure too. */
bool plain_check_compares(const struct config_plain_check *config);

/* "no-data", "passed", "failing", "failed". */
const char *plain_verdict_name(enum plain_verdict verdict);

/* {"name", "verdict", "action", "reason", "failed_in_a_row", "for", and what is known of "trial", "baseline"}. NULL: out
 * of memory. */
json_t *plain_check_to_json(const struct plain_check *check);

#endif
