/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests of clients with connections and endpoints of their own, seen as the kernel sees them. */
#include "requests.h"

#include <stdlib.h>
#include <string.h>

#include "court.h"
#include "histogram.h"
#include "slow_limits.h"

#define CLIENTS_MOST 2000u
#define FOR_S 1800u
#define SHARE 0.05
#define MEDIAN_NS 50e6
#define SIGMA 0.7
#define TURNS_MEAN 5 /* of a connection */
#define GRAIN 65536u

/* Quantiles of a log-normal distribution of median 1, in the middle of GRAIN steps. */
static float factors[GRAIN];

enum kind { FIRST, LATER, KINDS };

struct one_client {
	bool trial, slow, one_shot, failing, connected;
	uint32_t counted_epoch[JUDGE_STREAMS]; /* 0: not yet */
};

struct world {
	const struct latency_scenario *scenario;
	struct chance *chance;
	struct judge judge;
	struct judge_sample sample; /* of the present second */
	struct one_client clients[CLIENTS_MOST];
	__u64 histogram[KINDS][SERIN_HISTOGRAM_BUCKETS]; /* both versions together */
	uint32_t limit[KINDS][SLOW_QUANTILES];
	uint32_t epoch;
	unsigned int second;
};

void requests_begin(void)
{
	for (unsigned int i = 0; i < GRAIN; i++) {
		double p = (i + 0.5) / GRAIN, low = -10, high = 10;

		while (high - low > 1e-9) {
			double middle = (low + high) / 2;

			if (erfc(-middle / sqrt(2)) / 2 < p)
				low = middle;
			else
				high = middle;
		}
		factors[i] = (float)exp(SIGMA * low);
	}
}

/* By counting waits: exact, and what arrives is to be drawn one by one anyhow. */
static unsigned int arrivals(struct world *world)
{
	double at = chance_wait(world->chance);
	unsigned int count = 0;

	for (; at < world->scenario->per_second; at += chance_wait(world->chance))
		count++;
	return count;
}

static void count_once(struct world *world, struct one_client *client, enum judge_stream stream)
{
	uint32_t *counted = &client->counted_epoch[stream];

	for (unsigned int i = *counted ? JUDGE_G : JUDGE_R; *counted != world->epoch && i < JUDGE_PROCESSES; i++) {
		if (client->trial)
			world->sample.counts[stream][i].trial++;
		else
			world->sample.counts[stream][i].baseline++;
	}
	*counted = world->epoch;
}

static bool happens(struct world *world, double share)
{
	return share > 0 && chance_fraction(world->chance) < share;
}

static enum kind kind_of(struct world *world, struct one_client *client)
{
	bool later = client->connected;

	client->connected = !client->one_shot && !happens(world, 1.0 / TURNS_MEAN);
	return later ? LATER : FIRST;
}

static void answer(struct world *world, struct one_client *client)
{
	const struct latency_scenario *scenario = world->scenario;
	enum kind kind = kind_of(world, client);
	double ns = MEDIAN_NS * (double)factors[chance_bits(world->chance) >> 48];
	uint64_t ticks;

	ns *= client->slow ? 20 : 1;
	ns *= kind == FIRST ? scenario->first_times : 1;
	ns *= client->trial && world->second >= scenario->onset_s ? scenario->times : 1;
	ticks = (uint64_t)ns >> SERIN_OWED_SHIFT;
	for (unsigned int i = 0; i < SLOW_QUANTILES; i++) {
		if (world->limit[kind][i] && ticks > world->limit[kind][i])
			count_once(world, client, JUDGE_SLOW_P90 + i);
	}
	world->histogram[kind][histogram_bucket((uint64_t)ns)]++;
}

static void request(struct world *world)
{
	struct one_client *client = &world->clients[chance_below(world->chance, world->scenario->clients)];

	answer(world, client);
	if (happens(world, world->scenario->errors))
		count_once(world, client, JUDGE_FAILED);
	if (client->failing || happens(world, world->scenario->errors))
		count_once(world, client, JUDGE_REPORTED);
}

static void new_epoch(struct world *world)
{
	judge_epoch(&world->judge);
	world->epoch++;
	for (unsigned int i = 0; i < KINDS; i++)
		slow_limits(world->histogram[i], 0.2, world->limit[i]);
}

static void populate(struct world *world)
{
	for (unsigned int i = 0; i < world->scenario->clients; i++) {
		struct one_client *client = &world->clients[i];

		client->trial = happens(world, SHARE);
		client->slow = happens(world, world->scenario->slow_clients);
		client->one_shot = happens(world, world->scenario->one_shot);
		client->failing = happens(world, world->scenario->failing);
	}
}

static struct judge_settings settings_of(const struct latency_scenario *scenario)
{
	static const enum judge_check checks[] = { JUDGE_LATENCY, JUDGE_ERRORS, JUDGE_OUTCOMES };

	return court_settings(checks, scenario->all_checks ? 3 : 1);
}

double requests_run(const struct latency_scenario *scenario, struct chance *chance)
{
	static _Thread_local struct world world;
	struct judge_settings settings = settings_of(scenario);

	world = (struct world){ .scenario = scenario, .chance = chance, .epoch = 1 };
	judge_begin(&world.judge, &settings);
	populate(&world);
	for (; world.second < FOR_S; world.second++) {
		/* After the warmup, and then every five minutes. */
		if (world.second == WARMUP_S || (world.second && world.second % 300 == 0))
			new_epoch(&world);
		world.sample = (struct judge_sample){ .share = SHARE };
		for (unsigned int left = arrivals(&world); left; left--)
			request(&world);
		if (judge_tick(&world.judge, &world.sample))
			return world.second + 1;
	}
	return INFINITY;
}
