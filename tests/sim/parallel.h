/* SPDX-License-Identifier: BSD-2-Clause */
/* Many runs on all processors. Each has a seed of its own, so that results depend on no order. */
#ifndef SERIN_SIM_PARALLEL_H
#define SERIN_SIM_PARALLEL_H

#include "chance.h"

/* Environment: SIM_RUNS (2000) of each row, SIM_SEED (1). */
unsigned int sim_runs(void);

/* `index` from 0 to sim_runs() - 1; results belong into context, by index. */
typedef void run_fn(void *context, unsigned int index, struct chance *chance);

/* `row`: a number that no other row has. */
void sim_parallel(run_fn *run, void *context, uint64_t row);

#endif
