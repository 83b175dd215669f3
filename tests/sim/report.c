/* SPDX-License-Identifier: BSD-2-Clause */
/* What the simulation prints. */
#include "report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "parallel.h"
#include "window.h"

#define RUNS_ENOUGH 2000u

static bool failed;

bool report_failed(void)
{
	return failed;
}

static int ascending(const void *a, const void *b)
{
	double one = *(const double *)a, other = *(const double *)b;

	return one < other ? -1 : one > other;
}

double report_quantile(double *numbers, size_t count, double q)
{
	size_t rank = (size_t)ceil(q * (double)count);

	qsort(numbers, count, sizeof(*numbers), ascending);
	return numbers[rank ? rank - 1 : 0];
}

/* Chance of at least `hits` among `runs` when each has the chance `p`. */
static double tail(unsigned int hits, unsigned int runs, double p)
{
	double ln = runs * log1p(-p), sum = 0;

	for (unsigned int i = 0; i < hits; i++) {
		sum += exp(ln);
		ln += log((double)(runs - i) / (i + 1)) + log(p) - log1p(-p);
	}
	return 1 - sum;
}

static void share_row(const char *name, unsigned int hits, const char *word)
{
	unsigned int runs = sim_runs();
	double low, high;

	window_wilson(hits, runs, &low, &high);
	printf("  %-66s %6u %7.2f %%  [%.2f, %.2f]  %s\n", name, hits, 100.0 * hits / runs, 100 * low, 100 * high,
	       word);
	fflush(stdout);
}

void report_share(const char *name, unsigned int hits, double most)
{
	unsigned int runs = sim_runs();
	bool ok = hits <= most * runs || (runs < RUNS_ENOUGH && tail(hits, runs, most) > 1e-3);

	failed |= !ok;
	share_row(name, hits, ok ? "ok" : "TOO MANY");
}

void report_share_only(const char *name, unsigned int hits)
{
	share_row(name, hits, "");
}

void report_claim(const char *what, double value, double most)
{
	bool ok = value <= most;

	failed |= !ok;
	printf("  %-66s %15.2f  at most %g: %s\n", what, value, most, ok ? "ok" : "TOO MUCH");
}

const char *report_seconds(char *room, size_t size, double seconds)
{
	if (isinf(seconds))
		snprintf(room, size, "-");
	else
		snprintf(room, size, "%.1f s", seconds);
	return room;
}
