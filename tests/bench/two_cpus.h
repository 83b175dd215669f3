/* SPDX-License-Identifier: BSD-2-Clause */
/* What it costs that the two directions of a flow come in on two CPUs. */
#ifndef SERIN_BENCH_TWO_CPUS_H
#define SERIN_BENCH_TWO_CPUS_H

#include <jansson.h>

#include "contender.h"

/* Rows of requests on one CPU while another one sends answers all the time. Without a second CPU: none, and it says so. */
void two_cpus_measure(struct frame *frame, const struct table *table, json_t *results);

#endif
