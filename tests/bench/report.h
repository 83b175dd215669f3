/* SPDX-License-Identifier: BSD-2-Clause */
/* The bench's figures: a line of text and an entry of build/bench.json for each row. */
#ifndef SERIN_BENCH_REPORT_H
#define SERIN_BENCH_REPORT_H

#include <jansson.h>

#include "subject.h"

#define ROUNDS 9

/* Of one row, in nanoseconds per packet: the program, the same without observing, and, where that was measured, on an LRU
 * hash. */
struct figures {
	double serin[ROUNDS], blind[ROUNDS], lru[ROUNDS];
	bool compared;
};

void report_title(void);
void report_row(const char *name, uint32_t flows, const struct subject *subject, const struct figures *figures,
		json_t *results);

#endif
