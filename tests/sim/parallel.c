/* SPDX-License-Identifier: BSD-2-Clause */
/* A thread per processor; each takes the next run that nobody has. */
#include "parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS_MOST 64

struct work {
	run_fn *run;
	void *context;
	uint64_t seed;
	atomic_uint next;
};

static unsigned long from_environment(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);
	unsigned long value;
	char *end;

	if (!text || !*text)
		return otherwise;
	value = strtoul(text, &end, 10);
	if (*end || !value || value > 10000000) {
		fprintf(stderr, "sim: %s is \"%s\", expected a number from 1 to 10000000\n", name, text);
		exit(2);
	}
	return value;
}

unsigned int sim_runs(void)
{
	return (unsigned int)from_environment("SIM_RUNS", 2000);
}

static void *work_on(void *argument)
{
	struct work *work = argument;
	unsigned int index, runs = sim_runs();

	while ((index = atomic_fetch_add(&work->next, 1)) < runs) {
		uint64_t seed = work->seed + index;
		struct chance chance = chance_of(chance_mix(&seed));

		work->run(work->context, index, &chance);
	}
	return NULL;
}

void sim_parallel(run_fn *run, void *context, uint64_t row)
{
	struct work work = { run, context, from_environment("SIM_SEED", 1) << 48 ^ row << 32, 0 };
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	pthread_t threads[THREADS_MOST];
	int count = 0;

	for (; count < processors - 1 && count < THREADS_MOST; count++) {
		if (pthread_create(&threads[count], NULL, work_on, &work))
			break;
	}
	work_on(&work);
	while (count)
		pthread_join(threads[--count], NULL);
}
