/* SPDX-License-Identifier: BSD-2-Clause */
/* The error lines that let the kernel decide alone: crossing one implies that the judge would find a regression.
 * Pure. */
#ifndef SERIN_LINE_H
#define SERIN_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "judge.h"

#define LINE_SHIFT 20        /* fixed point of both numbers */
#define LINE_NEVER INT64_MAX /* an allowance that is never reached */

/* Of the kernel's cumulative counts of clients: crossed when trial << LINE_SHIFT >= allowance + slope * baseline. */
struct line {
	int64_t allowance, slope;
};

/* The line of R or G from now on, where `counts` are the kernel's counts up to which the judge has been told, for
 * process G those of the present epoch's clients. It belongs to a share and holds for smaller ones, too: a weight
 * rises: R's line for the larger share is installed first and G's taken out, then the plan is swapped (a new epoch),
 * then both lines are made anew of what was counted meanwhile; it falls: the plan first. Where errors do not count,
 * the share is none, R learns nothing any more or no alternative has a line, it is one that is never crossed. */
struct line line_make(const struct judge *judge, enum judge_process process, double share,
		      struct evidence_counts counts);

/* What the kernel computes. A sum that does not fit 63 bits is out of reach. */
bool line_is_crossed(const struct line *line, struct evidence_counts counts);

/* How many more incidents of the trial version alone cross it; INFINITY: none do. */
double line_left(const struct line *line, struct evidence_counts counts);

#endif
