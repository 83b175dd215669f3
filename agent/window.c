/* SPDX-License-Identifier: BSD-2-Clause */
/* The window: a ring of one sample a second. */
#include "window.h"

#include <math.h>

#define Z_95 1.959963984540054 /* the normal distribution's 97.5 % quantile */

/* What is measured ends up to a second after the newest sample, and must not reach back further than a minute. */
#define KEEP_MS ((WINDOW_SECONDS - 1) * 1000)

void window_restart(struct window *window, const struct window_sample *now)
{
	window->first = 0;
	window->count = 1;
	window->samples[0] = *now;
}

static void drop_first(struct window *window)
{
	window->first = (window->first + 1) % WINDOW_SAMPLES;
	window->count--;
}

void window_add(struct window *window, const struct window_sample *now)
{
	/* The newest one stays, however old: it is where the window goes on after a long silence. */
	while (window->count > 1 && window->samples[window->first].at_ms < now->at_ms - KEEP_MS)
		drop_first(window);
	if (window->count == WINDOW_SAMPLES)
		drop_first(window);
	window->samples[(window->first + window->count++) % WINDOW_SAMPLES] = *now;
}

double window_span(const struct window *window, const struct window_sample *now)
{
	int64_t ms = window->count ? now->at_ms - window->samples[window->first].at_ms : 0;

	return ms > 0 ? (double)ms / 1000 : 0;
}

static const struct window_sample *beginning(const struct window *window, const struct window_sample *now)
{
	return window->count ? &window->samples[window->first] : now;
}

/* A counter that went back (the table of counters is new) tells nothing. */
static uint64_t gain(uint64_t then, uint64_t now)
{
	return now > then ? now - then : 0;
}

static uint64_t opened_since(const struct window *window, const struct window_sample *now, unsigned int version)
{
	return gain(beginning(window, now)->opened[version], now->opened[version]);
}

void window_wilson(uint64_t hits, uint64_t of, double *ret_low, double *ret_high)
{
	double n = (double)of, p = (double)hits / n, z2 = Z_95 * Z_95;
	double centre = (p + z2 / (2 * n)) / (1 + z2 / n);
	double reach = Z_95 / (1 + z2 / n) * sqrt(p * (1 - p) / n + z2 / (4 * n * n));

	/* At the ends rounding may pass them by a hair. */
	*ret_low = hits ? fmax(0, centre - reach) : 0;
	*ret_high = hits < of ? fmin(1, centre + reach) : 1;
}

void window_measure(const struct window *window, const struct window_sample *now, unsigned int version,
		    struct window_share *ret)
{
	double span = window_span(window, now);
	uint64_t own = opened_since(window, now, version), all = 0;
	unsigned int i;

	for (i = 0; i < SERIN_MAX_VERSIONS; i++)
		all += opened_since(window, now, i);
	*ret = (struct window_share){ .per_second = span >= 1 ? (double)own / span : 0 };
	if (!all)
		return;
	ret->known = true;
	ret->share = (double)own / (double)all;
	window_wilson(own, all, &ret->low, &ret->high);
}

void window_turns(const struct window *window, const struct window_sample *now, unsigned int version,
		  struct window_turns *ret)
{
	const struct window_turns *then = &beginning(window, now)->turns[version], *turns = &now->turns[version];

	ret->asked = gain(then->asked, turns->asked);
	ret->server_errors = gain(then->server_errors, turns->server_errors);
	for (unsigned int i = 0; i < SERIN_FAILURES; i++)
		ret->failures[i] = gain(then->failures[i], turns->failures[i]);
}
