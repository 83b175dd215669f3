/* SPDX-License-Identifier: BSD-2-Clause */
#include "contender.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <serin/abi.h>

/* Where the lists lie in the frame's map of packets. */
enum {
	AT_REQUESTS = 0,
	AT_ANSWERS = MAX_FLOWS,
	AT_LRU_ANSWERS = 2 * MAX_FLOWS,
	AT_BLIND_ANSWERS = 3 * MAX_FLOWS,
	AT_NEW = 4 * MAX_FLOWS,
};

static struct bench_packet *new_packets(__u32 count)
{
	struct bench_packet *packets = calloc(count, sizeof(*packets));

	if (!packets)
		die("memory");
	return packets;
}

static void shuffle(struct bench_packet *packets, size_t count)
{
	size_t i;

	for (i = count; i > 1; i--) {
		size_t j = (size_t)random() % i;
		struct bench_packet swap = packets[i - 1];

		packets[i - 1] = packets[j];
		packets[j] = swap;
	}
}

/* Requests number `from` and the following. */
static void put_requests(const struct frame *frame, struct list *list, __u32 from, __u32 count, bool shuffled)
{
	struct bench_packet *packets = new_packets(count);
	__u32 i;

	for (i = 0; i < count; i++)
		packets[i] = subject_request(from + i);
	if (shuffled)
		shuffle(packets, count);
	frame_put(frame, list, packets, count);
	free(packets);
}

void contender_put_answers(const struct contender *one, struct list *list, __u32 from, __u32 count)
{
	struct bench_packet *packets = new_packets(count);

	if (subject_answers(&one->subject, from, packets, count) != count) {
		fprintf(stderr, "bench: not every flow has a place\n");
		exit(1);
	}
	shuffle(packets, count);
	frame_put(one->frame, list, packets, count);
	free(packets);
}

struct shot contender_shot(const struct contender *one, struct list *list, __u32 repeat, __u8 flags)
{
	__u8 forward = one->table->forward;

	return (struct shot){ .door = one->table->door,
			      .program = one->program,
			      .list = list,
			      .repeat = repeat,
			      .seq_step = flags == PSH_ACK || flags == ACK ? BENCH_DATA : 0,
			      .flags = flags,
			      .protocol = one->table->protocol,
			      .grows = forward == SERIN_FORWARD_IPIP || forward == SERIN_FORWARD_GUE,
			      .verdict = BENCH_REDIRECTED };
}

/* All of a list once; TCP's flags. */
static void send_all(const struct contender *one, struct list *list, __u8 flags, __u32 ack)
{
	struct shot shot = contender_shot(one, list, list->count, flags);

	shot.ack = ack;
	frame_shoot(one->frame, &shot);
}

/* Open flows through the program itself, handshakes and all; with UDP it takes an answer and a second request. */
static void populate(struct contender *one, __u32 flows)
{
	bool one_way = SERIN_IS_ONE_WAY(one->table->forward);

	put_requests(one->frame, &one->requests, 0, flows, false);
	send_all(one, &one->requests, SYN, 0);
	one->requests.seq++;
	if (!one_way) {
		contender_put_answers(one, &one->answers, 0, flows);
		send_all(one, &one->answers, SYN_ACK, one->requests.seq);
		one->answers.seq++;
	}
	one->acknowledged = one->answers.seq;
	send_all(one, &one->requests, ACK, one->acknowledged);
	if (!one_way)
		send_all(one, &one->answers, ACK, one->requests.seq);
	put_requests(one->frame, &one->requests, 0, flows, true);
	one->number = flows;
	if (one->table->protocol == IPPROTO_TCP && one->program != BENCH_LRU &&
	    subject_counts(&one->subject).established != flows)
		die("handshakes");
}

void contender_open(struct contender *one, struct frame *frame, const struct table *table, __u32 program, __u32 flows)
{
	static const __u32 answers_at[BENCH_PROGRAMS] = {
		[BENCH_SERIN] = AT_ANSWERS,
		[BENCH_BLIND] = AT_BLIND_ANSWERS,
		[BENCH_LRU] = AT_LRU_ANSWERS,
	};
	struct subject_kind kind = { program == BENCH_LRU ? "build/serin-lru.bpf.o" : "build/serin.bpf.o",
				     table->protocol, table->forward, table->door, program == BENCH_BLIND };

	*one = (struct contender){ .program = program, .table = table, .frame = frame };
	one->requests.first = AT_REQUESTS;
	one->answers.first = answers_at[program];
	one->fresh.first = AT_NEW;
	subject_open(&one->subject, &kind, flows > 65536 ? flows : 65536);
	frame_use(frame, table->door, program, one->subject.program);
	populate(one, flows);
}

/* A request of every flow, then all their answers. */
static double measure_turns(struct contender *one, double *ret_frame)
{
	struct shot ask = contender_shot(one, &one->requests, 0, PSH_ACK);
	struct shot answer = contender_shot(one, &one->answers, 0, PSH_ACK);

	__u64 before = subject_counts(&one->subject).answered;
	double net;

	ask.repeat = answer.repeat = one->requests.count;
	ask.ack = one->acknowledged = one->answers.seq; /* an answer has come since the last one */
	net = frame_net(one->frame, &ask, ret_frame) + frame_net(one->frame, &answer, ret_frame);
	if (one->program == BENCH_SERIN && subject_counts(&one->subject).answered != before + answer.repeat)
		die("turns");
	return net;
}

void contender_close(struct contender *one)
{
	subject_close(&one->subject);
}

double contender_measure(struct contender *one, enum what what, double *ret_frame)
{
	static const struct bench_packet other = { __builtin_bswap32(0x0a010203), __builtin_bswap32(0x0a040506), 1, 2 };
	struct shot shot = contender_shot(one, &one->fresh, NEW_PER_ROUND, SYN);
	__u32 from = one->number;
	double net;

	if (what == TURN)
		return measure_turns(one, ret_frame);
	if (what == REQUEST || what == ANSWER) {
		shot = contender_shot(one, what == REQUEST ? &one->requests : &one->answers, 0, ACK);
		shot.repeat = shot.list->count > 131072 ? 262144 : 131072;
		shot.ack = one->acknowledged;
	} else if (what == NOT_OURS) {
		frame_put(one->frame, &one->fresh, &other, 1);
		shot.repeat = 131072;
		shot.verdict = BENCH_PASSED;
	} else {
		put_requests(one->frame, &one->fresh, from, NEW_PER_ROUND, false);
		one->number += NEW_PER_ROUND;
	}
	net = frame_net(one->frame, &shot, ret_frame);
	if (what == EXCHANGE) {
		contender_put_answers(one, &one->fresh, from, NEW_PER_ROUND);
		net += frame_net(one->frame, &shot, ret_frame);
	}
	return net;
}
