/* SPDX-License-Identifier: BSD-2-Clause */
/* What was measured lately: connections opened and turns per version since the last change of weights, a minute at most.
 * Pure. */
#ifndef SERIN_WINDOW_H
#define SERIN_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include <serin/abi.h>
#include <serin/reasons.h>

#define WINDOW_SECONDS 60
#define WINDOW_SAMPLES WINDOW_SECONDS /* one a second; the minute's other end is the present */

struct window_turns {
	uint64_t asked, server_errors;
	uint64_t failures[SERIN_FAILURES];
};

/* Counts are cumulative. */
struct window_sample {
	int64_t at_ms;
	uint64_t opened[SERIN_MAX_VERSIONS];
	struct window_turns turns[SERIN_MAX_VERSIONS];
};

struct window {
	struct window_sample samples[WINDOW_SAMPLES];
	unsigned int first, count;
};

struct window_share {
	bool known;        /* something was opened */
	double share;      /* of what the service opened, 0 to 1 */
	double low, high;  /* where the true share lies: Wilson score interval, 95 % */
	double per_second; /* 0 too before a second has passed: too little to call a rate */
};

/* Forget the past: `now` is where the window begins. */
void window_restart(struct window *window, const struct window_sample *now);

/* Once a second; time must not run backwards. */
void window_add(struct window *window, const struct window_sample *now);

/* Seconds from the window's beginning to `now`; 0 for one that was never started. */
double window_span(const struct window *window, const struct window_sample *now);

/* One version's share between the window's beginning and `now`. */
void window_measure(const struct window *window, const struct window_sample *now, unsigned int version,
		    struct window_share *ret);

/* One version's turns between the window's beginning and `now`. */
void window_turns(const struct window *window, const struct window_sample *now, unsigned int version,
		  struct window_turns *ret);

/* E. B. Wilson: "Probable inference, the law of succession, and statistical inference", JASA 22 (1927), with z for
 * 95 %. `of` > 0 and `hits` <= `of`. */
void window_wilson(uint64_t hits, uint64_t of, double *ret_low, double *ret_high);

#endif
