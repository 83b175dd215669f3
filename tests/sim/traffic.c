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
	bool failing, counted, served;
	unsigned int suits; /* that version on trial, when it is given to any */
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

		*epoch =
			(struct epoch){ at, fmin(at + EPOCH_S, scenario->for_s), scenario->phases[phase].share, false };
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
	free(traffic->served);
	traffic->incidents = NULL;
	traffic->served = NULL;
}

double traffic_errors(const struct scenario *scenario, unsigned int version, double at)
{
	if (at >= scenario->outage_s && at < scenario->outage_s + scenario->outage_for_s)
		return 1;
	if (version && at >= scenario->onset_s)
		return fmin(1, scenario->errors * (version > 1 ? scenario->others_times : scenario->times));
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

/* Of requests that fail, or of the others: of those that are picked out of a Poisson process by chance, both are such
 * processes, and independent. Infinite when there is none before `to`. */
static double first_request(const struct scenario *scenario, const struct client *client, unsigned int version,
			    bool fails, double from, double to, struct chance *chance)
{
	double wait = chance_wait(chance), end;

	for (; from < to; from = end) {
		double errors = client->failing ? 1 : traffic_errors(scenario, version, from);
		double per_second = client->per_second * (fails ? errors : 1 - errors);

		end = next_change(scenario, from, to);
		if (wait < per_second * (end - from))
			return from + wait / per_second;
		wait -= per_second * (end - from);
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

/* Room for one more of `count`, of `size` bytes each. */
static void *with_room(void *list, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return list;
	*room = *room ? 2 * *room : 4096;
	list = realloc(list, *room * size);
	if (!list) {
		fprintf(stderr, "sim: out of memory\n");
		exit(2);
	}
	return list;
}

static void add(struct traffic *traffic, struct incident incident)
{
	traffic->incidents = with_room(traffic->incidents, traffic->count, &traffic->room, sizeof(*traffic->incidents));
	traffic->incidents[traffic->count++] = incident;
}

static void serve(struct traffic *traffic, struct client *client, double at, struct chance *chance)
{
	if (client->served || isinf(at))
		return;
	traffic->served =
		with_room(traffic->served, traffic->served_count, &traffic->served_room, sizeof(*traffic->served));
	traffic->served[traffic->served_count++] = (struct first_answer){ at, chance_bits(chance) };
	client->served = true;
}

/* Who gets a version keeps it while shares rise. */
static unsigned int version_of(const struct scenario *scenario, const struct client *client, const struct epoch *epoch)
{
	bool others = scenario->others_for_s <= 0 || epoch->from < scenario->others_for_s;

	if (client->place >= epoch->share * (1 + scenario->others) || (client->suits > 1 && !others))
		return 0;
	return client->suits;
}

static void live(const struct scenario *scenario, struct traffic *traffic, struct client *client, struct chance *chance)
{
	struct bursts bursts = { 0 };

	if (scenario->kind == CLIENTS_BURSTS)
		draw_bursts(scenario, client, &bursts, chance);
	for (unsigned int i = 0; i < traffic->epoch_count; i++) {
		double from = fmax(client->from, traffic->epochs[i].from), to = fmin(client->to, traffic->epochs[i].to);
		unsigned int version = version_of(scenario, client, &traffic->epochs[i]);
		double at;

		if (from >= to)
			continue;
		at = scenario->kind == CLIENTS_BURSTS
			     ? first_of_bursts(&bursts, from, to)
			     : first_request(scenario, client, version, true, from, to, chance);
		/* A failure is an answer that says so. */
		if (scenario->served && version == 1 && !client->served)
			serve(traffic, client,
			      fmin(at, first_request(scenario, client, version, false, from, to, chance)), chance);
		if (isinf(at))
			continue;
		add(traffic, (struct incident){ at, i, version == 1, !client->counted, version });
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

/* Both begin with their time. */
static int by_time(const void *a, const void *b)
{
	double one = *(const double *)a, other = *(const double *)b;

	return one < other ? -1 : one > other;
}

void traffic_draw(const struct scenario *scenario, struct traffic *traffic, struct chance *chance)
{
	traffic->count = traffic->served_count = 0;
	for (unsigned int i = 0; i < scenario->clients; i++) {
		double at = 0;

		while (at < scenario->for_s) {
			double lives = scenario->lives_s > 0 ? scenario->lives_s * chance_wait(chance)
							     : scenario->for_s;
			struct client client = { .place = chance_fraction(chance), .from = at, .to = at + lives };

			client.failing = scenario->kind == CLIENTS_FAILING && !chance_below(chance, 100);
			client.per_second = per_second(scenario, i);
			client.suits = 1 + (scenario->others ? chance_below(chance, 1 + scenario->others) : 0);
			live(scenario, traffic, &client, chance);
			at += lives;
		}
	}
	if (traffic->count)
		qsort(traffic->incidents, traffic->count, sizeof(*traffic->incidents), by_time);
	if (traffic->served_count)
		qsort(traffic->served, traffic->served_count, sizeof(*traffic->served), by_time);
}

void traffic_of(const struct scenario *scenario, const struct traffic *traffic, unsigned int version,
		struct traffic *ret)
{
	struct traffic of = { .epoch_count = traffic->epoch_count };

	for (unsigned int i = 0; i < of.epoch_count; i++) {
		struct epoch epoch = traffic->epochs[i];
		bool others = scenario->others_for_s <= 0 || epoch.from < scenario->others_for_s;

		epoch.share /= 1 - (others ? scenario->others * epoch.share : 0);
		epoch.returned = !others && !scenario->unaware;
		of.epochs[i] = epoch;
	}
	for (size_t i = 0; i < traffic->count; i++) {
		struct incident incident = traffic->incidents[i];

		incident.trial = incident.version == version;
		if (incident.trial || !incident.version)
			add(&of, incident);
	}
	*ret = of;
}
