/* SPDX-License-Identifier: BSD-2-Clause */
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static json_t *spread(const double *values)
{
	double sorted[ROUNDS];

	memcpy(sorted, values, sizeof(sorted));
	qsort(sorted, ROUNDS, sizeof(sorted[0]), compare);
	return json_pack("{s:f, s:f, s:f}", "min", sorted[0], "median", sorted[ROUNDS / 2], "max", sorted[ROUNDS - 1]);
}

static double at(const json_t *of, const char *what)
{
	return json_number_value(json_object_get(of, what));
}

static void print_spread(const json_t *of, int width, int precision)
{
	static const char *const parts[] = { "min", "median", "max" };
	unsigned int i;

	for (i = 0; i < 3; i++)
		printf(" %*.*f", width, precision, at(of, parts[i]));
}

void report_title(void)
{
	printf("IPv4, %d backends, flows in random order, ns per packet (of an exchange: per two) net of the measuring\n"
	       "frame, %d interleaved rounds: min median max; forward: nat by the XDP door unless a row says otherwise\n\n"
	       "%-37s %8s  %17s  %14s  %20s   %14s\n",
	       BENCH_BACKENDS, ROUNDS, "", "flows", "serin", "of it observing", "on an LRU hash", "ratio");
}

void report_row(const char *name, uint32_t flows, const struct subject *subject, const struct figures *figures,
		json_t *results)
{
	json_t *serin = spread(figures->serin), *lru, *ratio, *row, *observing;
	double ratios[ROUNDS], costs[ROUNDS];
	unsigned int i;

	row = json_pack("{s:s, s:i, s:i, s:i, s:o}", "case", name, "flows", (int)flows, "ways", (int)subject->ways,
			"table_bytes", (int)(subject->ways * subject->way_size), "serin_ns", serin);
	json_array_append_new(results, row);
	printf("%-37s %8u ", name, flows);
	print_spread(serin, 5, 0);
	for (i = 0; i < ROUNDS; i++)
		costs[i] = figures->serin[i] - figures->blind[i];
	observing = spread(costs);
	json_object_set_new(row, "observing_ns", observing);
	printf(" ");
	print_spread(observing, 4, 0);
	if (figures->compared) {
		for (i = 0; i < ROUNDS; i++)
			ratios[i] = figures->serin[i] / figures->lru[i];
		lru = spread(figures->lru);
		ratio = spread(ratios);
		json_object_set_new(row, "lru_hash_ns", lru);
		json_object_set_new(row, "ratio", ratio);
		printf(" ");
		print_spread(lru, 6, 0);
		printf("  ");
		print_spread(ratio, 4, 2);
	}
	printf("\n");
	fflush(stdout);
}
