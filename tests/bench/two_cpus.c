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
	atomic_bool started, stop;
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
	while (!atomic_load(&other->stop)) {
		frame_shoot(&other->frame, &other->shot);
		atomic_store(&other->started, true);
	}
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

static double measure(struct side *side, struct other *other, const struct row *row)
{
	struct bench_packet request = subject_request(0);
	struct contender *one = &side->contender;
	__u64 turns = subject_counts(&one->subject).answered;
	struct shot shot;
	double net, alone;

	frame_put(one->frame, &side->request, &request, 1);
	shot = contender_shot(one, &side->request, REPEAT, row->turns ? PSH_ACK : ACK);
	shot.ack = one->acknowledged;
	shot.ack_step = row->turns; /* each request has seen an answer since the one before */
	frame_use(&other->frame, shot.door, one->program, one->subject.program);
	put_answers(side, &other->frame);
	other->shot = contender_shot(one, &side->answer[!row->one_flow], REPEAT, shot.flags);
	atomic_store(&other->started, false);
	atomic_store(&other->stop, false);
	if (pthread_create(&other->thread, NULL, send_answers, other))
		die("thread");
	while (!atomic_load(&other->started))
		usleep(1000);
	net = frame_net(one->frame, &shot, &alone);
	atomic_store(&other->stop, true);
	pthread_join(other->thread, NULL);
	if (row->turns)
		one->acknowledged += REPEAT;
	turns = subject_counts(&one->subject).answered - turns;
	/* The row before may have left one open, and the first request may begin one. */
	if (one->program == BENCH_SERIN && row->turns ? turns < REPEAT / 100 : turns > 2)
		die("turns of two CPUs");
	return net;
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
