/* SPDX-License-Identifier: BSD-2-Clause */
/* The course of a measurement: rounds until every flow is known to whoever forwards it, then slices of packets that go through
 * the load balancer and slices that do not, in turn, so that a machine that changes its speed changes it for both. */
#include "pps.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../e2e/tools/common.h"

#define WARM_UP_ROUNDS 10
#define SLICE 240000 /* packets at least, whole rounds of all flows: a call takes 30 ms besides */
#define MAX_SLICES 1000
#define ARRIVAL_MS 100 /* for what a softirq thread has still to do */
#define NEEDS_NAPI "do both interfaces of the load balancer have XDP or GRO on, to take what XDP sends?"

struct slice {
	double ns; /* for each packet that arrived */
	uint64_t sent, counted;
};

static uint64_t counted(const struct sink *sinks, unsigned int count, int cpu, uint64_t *elsewhere)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < count; i++)
		sum += sink_counted(&sinks[i], cpu, elsewhere);
	return sum;
}

/* That many packets to the interface, up to their arrival at the sinks. */
static struct slice shoot(struct course *course, uint32_t ifindex, const struct sink *sinks, unsigned int count,
			  uint32_t packets)
{
	uint64_t elsewhere = 0, before = counted(sinks, count, course->cpu, &elsewhere), end;
	uint64_t sent = course->generator.bpf->bss->sent, busy = softirq_thread_ns(course->softirq_thread);
	struct slice slice;

	slice.ns = generator_shoot(&course->generator, ifindex, packets);
	if (course->interrupted)
		die("interrupted");
	slice.sent = course->generator.bpf->bss->sent - sent;
	end = now_ms() + ARRIVAL_MS;
	do
		slice.counted = counted(sinks, count, course->cpu, &elsewhere) - before;
	while (slice.counted < slice.sent && now_ms() < end && !usleep(1000));
	if (slice.sent)
		slice.ns += (double)(softirq_thread_ns(course->softirq_thread) - busy) / (double)slice.sent;
	slice.ns *= slice.counted ? (double)slice.sent / (double)slice.counted : 0;
	return slice;
}

static struct slice shoot_through(struct course *course, uint32_t packets)
{
	enter(course->netns);
	return shoot(course, course->ifindex, course->sinks, course->sink_count, packets);
}

static struct slice shoot_directly(struct course *course, uint32_t packets)
{
	struct slice slice;

	enter(course->direct.netns);
	slice = shoot(course, course->direct.ifindex, &course->direct.sink, 1, packets);
	enter(course->netns);
	return slice;
}

/* One packet of every flow, while the servers are in that mode. */
static struct slice round_of_all(struct course *course, enum sink_mode mode)
{
	struct slice slice;
	unsigned int i;

	for (i = 0; i < course->sink_count; i++)
		sink_set(&course->sinks[i], mode);
	slice = shoot_through(course, course->generator.flows);
	for (i = 0; i < course->sink_count; i++)
		sink_set(&course->sinks[i], SINK_COUNTS);
	return slice;
}

/* Answers to a round. */
static uint64_t round_of_answers(struct course *course)
{
	uint64_t elsewhere = 0, before = sink_counted(&course->client, course->cpu, &elsewhere);

	round_of_all(course, SINK_ANSWERS);
	return sink_counted(&course->client, course->cpu, &elsewhere) - before;
}

json_t *course_warm_up(struct course *course)
{
	json_t *destinations = json_object();
	uint64_t answered = 0, damaged = 0;
	unsigned int round = 0, i;
	struct slice slice;

	while (!course->unanswered && round < WARM_UP_ROUNDS && answered < course->generator.flows) {
		answered = round_of_answers(course);
		round++;
	}
	do
		slice = round_of_all(course, SINK_INSPECTS);
	while (++round < WARM_UP_ROUNDS && slice.counted != slice.sent);
	if (!slice.counted)
		die("of %llu packets none has arrived at a sink; " NEEDS_NAPI, (unsigned long long)slice.sent);
	if (!answered && !course->unanswered)
		die("no answer comes back; " NEEDS_NAPI);
	for (i = 0; i < course->sink_count; i++)
		damaged += sink_found(&course->sinks[i], destinations);
	return json_pack("{s:i, s:I, s:I, s:o}", "warmup_rounds", round, "answered", (json_int_t)answered, "damaged",
			 (json_int_t)damaged, "destinations", destinations);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct series {
	double ns[MAX_SLICES];
};

/* Sorts it. */
static double quantile(struct series *series, unsigned int count, double share)
{
	qsort(series->ns, count, sizeof(series->ns[0]), compare);
	return series->ns[(unsigned int)(share * (count - 1) + 0.5)];
}

static void report(json_t *result, struct series *direct, struct series *through, struct series *net,
		   unsigned int slices)
{
	double ns = quantile(through, slices, 0.5), net_ns = quantile(net, slices, 0.5);
	json_t *more = json_pack("{s:f, s:f, s:f, s:f, s:f, s:[f, f], s:i}", "packets_per_s", 1e9 / ns,
				 "net_packets_per_s", net_ns > 0 ? 1e9 / net_ns : 0, "generator_ns",
				 quantile(direct, slices, 0.5), "ns_per_packet", ns, "net_ns", net_ns,
				 "net_ns_quartiles", quantile(net, slices, 0.25), quantile(net, slices, 0.75), "slices",
				 slices);

	json_object_update(result, more);
	json_decref(more);
}

void course_measure(struct course *course, double seconds, json_t *result)
{
	uint32_t flows = course->generator.flows, packets = (SLICE + flows - 1) / flows * flows;
	uint64_t end = now_ms() + (uint64_t)(seconds * 1000), sent = 0, arrived = 0, elsewhere = 0, before = 0;
	static struct series direct, through, net;
	struct slice slice;
	unsigned int i = 0;

	counted(course->sinks, course->sink_count, course->cpu, &before);
	do {
		slice = shoot_directly(course, packets);
		if (slice.counted != slice.sent)
			die("of %llu packets only %llu arrive where nothing is in between",
			    (unsigned long long)slice.sent, (unsigned long long)slice.counted);
		direct.ns[i] = slice.ns;
		slice = shoot_through(course, packets);
		if (!slice.counted)
			die("of %llu packets none arrives any more", (unsigned long long)slice.sent);
		through.ns[i] = slice.ns;
		net.ns[i] = slice.ns - direct.ns[i];
		sent += slice.sent;
		arrived += slice.counted;
	} while (++i < MAX_SLICES && now_ms() < end);
	counted(course->sinks, course->sink_count, course->cpu, &elsewhere);
	report(result, &direct, &through, &net, i);
	json_object_set_new(result, "generated", json_integer((json_int_t)sent));
	json_object_set_new(result, "counted", json_integer((json_int_t)arrived));
	json_object_set_new(result, "elsewhere", json_integer((json_int_t)(elsewhere - before)));
}
