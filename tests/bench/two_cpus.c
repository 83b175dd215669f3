/* SPDX-License-Identifier: BSD-2-Clause */
#include "two_cpus.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

#define REPEAT 131072u
/* One shot of the other CPU spans those of the first: between two there would be 30 ms in which it rests. */
#define OTHER_REPEAT (48 * REPEAT)
#define OTHER_STARTS_US 50000
#define FLOWS 2u

/* Rounds of the same three, and in the same order: of the other CPU's work only the flow differs between the first two. */
static const struct row {
	const char *name;
	bool one_flow, turns;
} rows[] = {
	{ "2 CPUs, two flows: request", false, false },
	{ "2 CPUs, one flow: request", true, false },
	{ "2 CPUs, one flow: request of a turn", true, true },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* One program with two flows, the requests of the first and the answers of both. */
struct side {
	struct contender contender;
	struct list request, answer[FLOWS];
};

/* The CPU beside the one that measures. It has a frame of its own. */
struct other {
	pthread_t thread;
	struct frame frame;
	struct shot shot;
	atomic_bool done;
};

static cpu_set_t pin(int cpu)
{
	cpu_set_t before, one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_getaffinity(0, sizeof(before), &before) || sched_setaffinity(0, sizeof(one), &one))
		die("affinity");
	return before;
}

static void *send_answers(void *context)
{
	struct other *other = context;

	pin(1);
	frame_shoot(&other->frame, &other->shot);
	atomic_store(&other->done, true);
	return NULL;
}

static void side_open(struct side *side, struct frame *frame, const struct table *table, __u32 program)
{
	struct contender *one = &side->contender;
	__u32 i;

	contender_open(one, frame, table, program, FLOWS);
	side->request = one->requests;
	side->request.first = one->fresh.first;
	for (i = 0; i < FLOWS; i++) {
		side->answer[i] = one->answers;
		side->answer[i].first = i;
	}
}

/* The answers of flow 0 and of flow 1, out of a table with these two. */
static void put_answers(struct side *side, const struct frame *frame)
{
	struct bench_packet both[FLOWS], second;

	if (subject_answers(&side->contender.subject, 0, both, 2) != 2 ||
	    subject_answers(&side->contender.subject, 1, &second, 1) != 1)
		die("two flows");
	frame_put(frame, &side->answer[0], memcmp(&both[0], &second, sizeof(second)) ? &both[0] : &both[1], 1);
	frame_put(frame, &side->answer[1], &second, 1);
}

/* Packets of the first CPU while the second one is at work: ns per packet, frame and all; false if that was done before. */
static bool shoot_both(struct contender *one, struct other *other, const struct shot *shot, double *ret)
{
	bool in_time;

	atomic_store(&other->done, false);
	if (pthread_create(&other->thread, NULL, send_answers, other))
		die("thread");
	usleep(OTHER_STARTS_US);
	*ret = frame_shoot(one->frame, shot);
	in_time = !atomic_load(&other->done);
	pthread_join(other->thread, NULL);
	return in_time;
}

static double measure(struct side *side, struct other *other, const struct row *row)
{
	struct bench_packet request = subject_request(0);
	struct contender *one = &side->contender;
	__u64 before = subject_counts(&one->subject).answered, turns;
	struct shot shot, empty;
	struct list list;
	double whole;

	frame_put(one->frame, &side->request, &request, 1);
	put_answers(side, &other->frame);
	frame_use(&other->frame, one->table->door, one->program, one->subject.program);
	shot = contender_shot(one, &side->request, REPEAT, row->turns ? PSH_ACK : ACK);
	other->shot = contender_shot(one, &side->answer[!row->one_flow], OTHER_REPEAT, shot.flags);
	shot.ack_step = row->turns; /* each request has seen an answer since the one before */
	do {
		shot.ack = one->acknowledged;
		one->acknowledged += row->turns ? REPEAT : 0;
	} while (!shoot_both(one, other, &shot, &whole));
	turns = subject_counts(&one->subject).answered - before;
	/* The row before may have left one open, and the first request may begin one. */
	if (one->program == BENCH_SERIN && row->turns ? turns < REPEAT / 100 : turns > 2)
		die("turns of two CPUs");
	list = side->request;
	empty = shot;
	empty.list = &list;
	empty.program = BENCH_NOTHING;
	empty.verdict = BENCH_PASSED;
	return whole - frame_shoot(one->frame, &empty);
}

void two_cpus_measure(struct frame *frame, const struct table *table, json_t *results)
{
	struct figures figures[ROWS] = { 0 };
	struct side serin, blind;
	struct other other;
	cpu_set_t before;
	unsigned int round, i;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		puts("no second CPU to measure with");
		return;
	}
	memset(&other, 0, sizeof(other));
	frame_open(&other.frame, FLOWS, BENCH_DEVICE);
	side_open(&serin, frame, table, BENCH_SERIN);
	side_open(&blind, frame, table, BENCH_BLIND);
	before = pin(0);
	for (round = 0; round < ROUNDS; round++)
		for (i = 0; i < ROWS; i++) {
			figures[i].serin[round] = measure(&serin, &other, &rows[i]);
			figures[i].blind[round] = measure(&blind, &other, &rows[i]);
		}
	if (sched_setaffinity(0, sizeof(before), &before))
		die("affinity");
	for (i = 0; i < ROWS; i++)
		report_row(rows[i].name, rows[i].one_flow ? 1 : FLOWS, &serin.contender.subject, &figures[i], results);
	contender_close(&serin.contender);
	contender_close(&blind.contender);
	frame_close(&other.frame);
}
