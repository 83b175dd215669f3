/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables, and whether what they show is what was promised. */
#ifndef SERIN_SIM_REPORT_H
#define SERIN_SIM_REPORT_H

#include <stdbool.h>
#include <stddef.h>

/* Of `count` numbers, which are sorted; INFINITY where too few are finite. */
double report_quantile(double *numbers, size_t count, double q);

/* At most `most` of the runs: one row, "count of runs, share, 95 % interval, ok or TOO MANY". With fewer runs than
 * 2000, a share that could be chance (one in a thousand) is let pass. */
void report_share(const char *name, unsigned int hits, double most);

/* One row of which nothing was promised. */
void report_share_only(const char *name, unsigned int hits);

/* A number that was to be at most so large. */
void report_claim(const char *what, double value, double most);

/* "  2.3 s", or "-" where it is infinite. */
const char *report_seconds(char *room, size_t size, double seconds);

/* Whether a claim or a share has failed. */
bool report_failed(void);

/* The parts of the simulation. */
void false_alarms(void);
void detection(void);
void guard_under_outage(void);
void latency(void);
void stalls(void);
void health(void);
void health_by_clients(void);
void several_versions(void);

#endif
