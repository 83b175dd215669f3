/* SPDX-License-Identifier: BSD-2-Clause */
/* Clients, their lives, and the first incident of each in every epoch. */
#include "traffic.h"

#include <stdio.h>
#include <stdlib.h>

#define HEAVY 20u
#define BURSTS_MOST 64u

/* One client: its place in the draw, when it is there, how often it asks, and what it is. */
struct client {
	double place, from, to, per_second;
	bool failing, counted;
};

struct bursts {
	unsigned int count;
	double from[BURSTS_MOST];
	unsigned int errors[BURSTS_MOST];
};

void traffic_plan(const struct scenario *scenario, struct traffic *traffic)
{
	unsigned int phase = 0;
	double at = 0;

	*traffic = (struct traffic){ 0 };
	while (at < scenario->for_s && traffic->epoch_count < EPOCHS_MOST) {
		struct epoch *epoch = &traffic->epochs[traffic->epoch_count++];
		double next = phase + 1 < PHASES_MOST ? scenario->phases[phase + 1].from_s : 0;

		*epoch = (struct epoch){ at, fmin(at + EPOCH_S, scenario->for_s), scenario->phases[phase].share };
		if (next > 0 && next <= epoch->to) {
			epoch->to = next;
			phase++;
		}
		at = epoch->to;
	}
}

void traffic_free(struct traffic *traffic)
{
	free(traffic->incidents);
	traffic->incidents = NULL;
}

double traffic_errors(const struct scenario *scenario, bool trial, double at)
{
	if (at >= scenario->outage_s && at < scenario->outage_s + scenario->outage_for_s)
		return 1;
	if (trial && at >= scenario->onset_s)
		return fmin(1, scenario->errors * scenario->times);
	return scenario->errors;
}

/* The first moment after `at` from which errors are others. */
static double next_change(const struct scenario *scenario, double at, double end)
{
	const double changes[] = { scenario->onset_s, scenario->outage_s, scenario->outage_s + scenario->outage_for_s };

	for (unsigned int i = 0; i < 3; i++) {
		if (changes[i] > at && changes[i] < end)
			end = changes[i];
	}
	return end;
}

/* Infinite when there is none before `to`. */
static double first_error(const struct scenario *scenario, const struct client *client, bool trial, double from,
			  double to, struct chance *chance)
{
	double wait = chance_wait(chance), end;

	for (; from < to; from = end) {
		double errors = client->failing ? 1 : traffic_errors(scenario, trial, from);

		end = next_change(scenario, from, to);
		if (wait < client->per_second * errors * (end - from))
			return from + wait / (client->per_second * errors);
		wait -= client->per_second * errors * (end - from);
	}
	return INFINITY;
}

static void draw_bursts(const struct scenario *scenario, const struct client *client, struct bursts *bursts,
			struct chance *chance)
{
	double per_second = client->per_second * scenario->errors / 17.5, at = client->from;

	bursts->count = 0;
	while (bursts->count < BURSTS_MOST && (at += chance_wait(chance) / per_second) < client->to) {
		bursts->from[bursts->count] = at;
		bursts->errors[bursts->count++] = 5 + chance_below(chance, 26);
	}
}

static double first_of_bursts(const struct bursts *bursts, double from, double to)
{
	double first = INFINITY;

	for (unsigned int i = 0; i < bursts->count; i++) {
		double passed = fmax(0, ceil(from - bursts->from[i]));

		if (passed < bursts->errors[i])
			first = fmin(first, bursts->from[i] + passed);
	}
	return first < to ? first : INFINITY;
}

static void add(struct traffic *traffic, struct incident incident)
{
	if (traffic->count == traffic->room) {
		traffic->room = traffic->room ? 2 * traffic->room : 4096;
		traffic->incidents = realloc(traffic->incidents, traffic->room * sizeof(*traffic->incidents));
		if (!traffic->incidents) {
			fprintf(stderr, "sim: out of memory\n");
			exit(2);
		}
	}
	traffic->incidents[traffic->count++] = incident;
}

static void live(const struct scenario *scenario, struct traffic *traffic, struct client *client, struct chance *chance)
{
	struct bursts bursts = { 0 };

	if (scenario->kind == CLIENTS_BURSTS)
		draw_bursts(scenario, client, &bursts, chance);
	for (unsigned int i = 0; i < traffic->epoch_count; i++) {
		double from = fmax(client->from, traffic->epochs[i].from), to = fmin(client->to, traffic->epochs[i].to);
		bool trial = client->place < traffic->epochs[i].share;
		double at;

		if (from >= to)
			continue;
		at = scenario->kind == CLIENTS_BURSTS ? first_of_bursts(&bursts, from, to)
						      : first_error(scenario, client, trial, from, to, chance);
		if (isinf(at))
			continue;
		add(traffic, (struct incident){ at, i, trial, !client->counted });
		client->counted = true;
	}
}

/* Client number `number` of those that are there at a time: how often it asks. */
static double per_second(const struct scenario *scenario, unsigned int number)
{
	if (scenario->kind != CLIENTS_HEAVY)
		return scenario->per_second / scenario->clients;
	return scenario->per_second / 2 / (number < HEAVY ? HEAVY : scenario->clients - HEAVY);
}

static int by_time(const void *a, const void *b)
{
	const struct incident *one = a, *other = b;

	return one->at < other->at ? -1 : one->at > other->at;
}

void traffic_draw(const struct scenario *scenario, struct traffic *traffic, struct chance *chance)
{
	traffic->count = 0;
	for (unsigned int i = 0; i < scenario->clients; i++) {
		double at = 0;

		while (at < scenario->for_s) {
			double lives = scenario->lives_s > 0 ? scenario->lives_s * chance_wait(chance)
							     : scenario->for_s;
			struct client client = { .place = chance_fraction(chance), .from = at, .to = at + lives };

			client.failing = scenario->kind == CLIENTS_FAILING && !chance_below(chance, 100);
			client.per_second = per_second(scenario, i);
			live(scenario, traffic, &client, chance);
			at += lives;
		}
	}
	qsort(traffic->incidents, traffic->count, sizeof(*traffic->incidents), by_time);
}
