/* SPDX-License-Identifier: BSD-2-Clause */
/* Servers that stall: all who wait for one are slow at once, whichever version it runs. The judge ticks as the agent does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "court.h"
#include "histogram.h"
#include "parallel.h"
#include "report.h"
#include "slow_limits.h"

#define CLIENTS 2000u
#define PER_SECOND 500.0
#define TICK_S 0.1
#define STEPS 3
#define STEP_S 100.0
#define WARM_S 10.0
#define MEDIAN_S 4e-3
#define SIGMA 0.5
#define LEAST_TICKS (1000000u >> SERIN_OWED_SHIFT)
#define SERVERS_MOST 16
#define AHEAD 512 /* ticks within which every request is answered */
#define PI 3.14159265358979323846

struct stall_scenario {
	const char *name;
	unsigned int servers[2]; /* of the baseline, of the trial version */
	double every_s, mean_s;  /* of each server; 0: it never stalls */
	double shares[STEPS];
	double times, onset_s; /* the trial version takes so many times as long from then on */
};

struct one_client {
	double place, server;             /* 0 to 1, as drawn */
	uint32_t counted[SLOW_QUANTILES]; /* the epoch, 0: not yet */
};

struct one_server {
	double from, to, next;
};

struct world {
	const struct stall_scenario *scenario;
	struct chance *chance;
	struct judge judge;
	struct judge_sample ahead[AHEAD]; /* what the tick of that number, modulo AHEAD, is told */
	struct one_client clients[CLIENTS];
	struct one_server servers[2][SERVERS_MOST];
	__u64 histogram[SERIN_HISTOGRAM_BUCKETS];
	uint32_t limit[SLOW_QUANTILES];
	unsigned int tick, step;
};

static double log_normal(struct chance *chance)
{
	return exp(SIGMA * sqrt(2 * chance_wait(chance)) * cos(2 * PI * chance_fraction(chance)));
}

/* How long a request that comes now waits until the server goes on. */
static double stalled(struct world *world, struct one_server *server, double now)
{
	const struct stall_scenario *scenario = world->scenario;

	while (scenario->every_s > 0 && now > server->next) {
		server->from = server->next;
		server->to = server->next + scenario->mean_s * chance_wait(world->chance);
		server->next = server->to + scenario->every_s * chance_wait(world->chance);
	}
	return now >= server->from && now < server->to ? server->to - now : 0;
}

/* The client counts in the tick in which it is answered. */
static void count_slow(struct world *world, struct one_client *client, bool trial, double at, uint64_t ticks)
{
	unsigned int tick = (unsigned int)fmin(at / TICK_S, world->tick + AHEAD - 1);
	struct judge_sample *sample = &world->ahead[tick % AHEAD];

	for (unsigned int i = 0; i < SLOW_QUANTILES; i++) {
		uint32_t *counted = &client->counted[i];

		if (!world->limit[i] || ticks <= world->limit[i] || *counted == world->judge.epoch)
			continue;
		for (unsigned int j = *counted ? JUDGE_G : JUDGE_R; j < JUDGE_PROCESSES; j++) {
			struct evidence_counts *counts = &sample->counts[JUDGE_SLOW_P90 + i][j];

			*(trial ? &counts->trial : &counts->baseline) += 1;
		}
		*counted = world->judge.epoch;
	}
}

static void request(struct world *world, double now)
{
	const struct stall_scenario *scenario = world->scenario;
	struct one_client *client = &world->clients[chance_below(world->chance, CLIENTS)];
	bool trial = client->place < scenario->shares[world->step];
	struct one_server *server = &world->servers[trial][(unsigned int)(client->server * scenario->servers[trial])];
	double takes = MEDIAN_S * log_normal(world->chance);

	takes *= trial && now >= scenario->onset_s ? scenario->times : 1;
	takes += stalled(world, server, now);
	world->histogram[histogram_bucket((uint64_t)(takes * 1e9))]++;
	count_slow(world, client, trial, now + takes, (uint64_t)(takes * 1e9) >> SERIN_OWED_SHIFT);
}

static void set_limits(struct world *world)
{
	slow_limits(world->histogram, 0.2, world->limit);
	for (unsigned int i = 0; i < SLOW_QUANTILES; i++) {
		if (world->limit[i] && world->limit[i] < LEAST_TICKS)
			world->limit[i] = LEAST_TICKS;
	}
}

/* True: a regression was found. */
static bool end_tick(struct world *world)
{
	struct judge_sample *sample = &world->ahead[world->tick % AHEAD];
	bool found;

	sample->share = world->scenario->shares[world->step];
	found = judge_tick(&world->judge, sample);
	*sample = (struct judge_sample){ 0 };
	world->tick++;
	if (world->tick % (unsigned int)(STEP_S / TICK_S) == 0) {
		judge_epoch(&world->judge);
		world->step++;
		set_limits(world);
	} else if (world->tick == (unsigned int)(WARM_S / TICK_S)) {
		set_limits(world);
	}
	return found;
}

static void begin(struct world *world, const struct stall_scenario *scenario, struct chance *chance)
{
	static const enum judge_check checks[] = { JUDGE_ERRORS, JUDGE_LATENCY };
	struct judge_settings settings = court_settings(checks, 2);

	memset(world, 0, sizeof(*world));
	world->scenario = scenario;
	world->chance = chance;
	judge_begin(&world->judge, &settings);
	for (unsigned int i = 0; i < CLIENTS; i++) {
		world->clients[i].place = chance_fraction(chance);
		world->clients[i].server = chance_fraction(chance);
	}
	for (unsigned int i = 0; i < 2 * SERVERS_MOST; i++)
		world->servers[i / SERVERS_MOST][i % SERVERS_MOST].next = scenario->every_s * chance_wait(chance);
}

struct row {
	const struct stall_scenario *scenario;
	double *seconds;
};

static void run(void *context, unsigned int index, struct chance *chance)
{
	static _Thread_local struct world world;
	struct row *row = context;
	double now = 0;

	begin(&world, row->scenario, chance);
	row->seconds[index] = INFINITY;
	while (world.step < STEPS) {
		now += chance_wait(chance) / PER_SECOND;
		for (; world.step < STEPS && (world.tick + 1) * TICK_S <= now;) {
			if (end_tick(&world)) {
				row->seconds[index] = world.tick * TICK_S - row->scenario->onset_s;
				return;
			}
		}
		if (world.step < STEPS)
			request(&world, now);
	}
}

static const struct stall_scenario same[] = {
	{ "1 server and 2, each stalls for 0.2 s every minute", { 2, 1 }, 60, 0.2, { 0.05, 0.25, 0.5 }, 1, 0 },
	{ "1 server and 2, each stalls for 0.2 s every 15 s", { 2, 1 }, 15, 0.2, { 0.05, 0.25, 0.5 }, 1, 0 },
	{ "1 server and 1, each stalls for 0.2 s every 15 s", { 1, 1 }, 15, 0.2, { 0.05, 0.25, 0.5 }, 1, 0 },
	{ "1 server and 2, each stalls for 1 s every minute", { 2, 1 }, 60, 1, { 0.05, 0.25, 0.5 }, 1, 0 },
	{ "3 servers and 1, each stalls for 0.2 s every 15 s", { 1, 3 }, 15, 0.2, { 0.05, 0.25, 0.5 }, 1, 0 },
	{ "4 servers and 4, up to 95 %, each stalls for 0.2 s every 15 s",
	  { 4, 4 },
	  15,
	  0.2,
	  { 0.5, 0.75, 0.95 },
	  1,
	  0 },
};

static const struct stall_scenario slower[] = {
	{ "50 % slower, no stalls", { 2, 1 }, 0, 0, { 0.05, 0.05, 0.05 }, 1.5, 60 },
	{ "twice as slow, no stalls", { 2, 1 }, 0, 0, { 0.05, 0.05, 0.05 }, 2, 60 },
	{ "10 times as slow, no stalls", { 2, 1 }, 0, 0, { 0.05, 0.05, 0.05 }, 10, 60 },
	{ "50 % slower, each stalls for 0.2 s every minute", { 2, 1 }, 60, 0.2, { 0.05, 0.05, 0.05 }, 1.5, 60 },
	{ "twice as slow, each stalls for 0.2 s every minute", { 2, 1 }, 60, 0.2, { 0.05, 0.05, 0.05 }, 2, 60 },
};

static unsigned int run_row(struct row *row, unsigned int number)
{
	unsigned int found = 0;

	sim_parallel(run, row, 700 + number);
	for (unsigned int i = 0; i < sim_runs(); i++)
		found += !isinf(row->seconds[i]);
	return found;
}

static void print_slower(const struct row *row, unsigned int found)
{
	char text[2][24];

	printf("  %-66s %6.1f %% found, median %s, 95 %% %s\n", row->scenario->name, 100.0 * found / sim_runs(),
	       report_seconds(text[0], sizeof(text[0]), report_quantile(row->seconds, sim_runs(), 0.5)),
	       report_seconds(text[1], sizeof(text[1]), report_quantile(row->seconds, sim_runs(), 0.95)));
	fflush(stdout);
}

void stalls(void)
{
	double *seconds = calloc(sim_runs(), sizeof(*seconds));

	if (!seconds)
		exit(2);
	printf("\nIdentical versions whose servers stall, rolled back for slow answers: 1 %% at most. 5, 25, 50 %%, of 100 s each.\n");
	for (unsigned int i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		report_share(same[i].name, run_row(&(struct row){ &same[i], seconds }, i), 0.01);
	printf("\nSlower versions after 60 s, 5 %% on trial for 300 s.\n");
	for (unsigned int i = 0; i < sizeof(slower) / sizeof(slower[0]); i++) {
		struct row row = { &slower[i], seconds };

		print_slower(&row, run_row(&row, 50 + i));
	}
	free(seconds);
}
