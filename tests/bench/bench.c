/* SPDX-License-Identifier: BSD-2-Clause */
/* Nanoseconds per packet of the real program, and of the same program with its flow table on an LRU hash: rounds of the
 * two and of an empty program in turn, so that a machine that changes its speed changes it for all three. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <serin/abi.h>

#include "report.h"

#define MAX_FLOWS 1000000u
#define NEW_PER_ROUND 2000u

enum tcp_flags { SYN = 0x02, PSH_ACK = 0x18, ACK = 0x10, SYN_ACK = 0x12 };

/* REQUEST, ANSWER: plain data of an established flow, no turn's beginning or end; TURN: one of each that is. */
enum what { NOT_OURS, REQUEST, ANSWER, TURN, NEW, EXCHANGE };

static const unsigned int flows_of[] = { 1, 65536, 1000000 };
#define SIZES (sizeof(flows_of) / sizeof(flows_of[0]))

/* Rows that are measured in one table, which is filled for them. */
struct table {
	uint8_t protocol, forward; /* of the service */
	enum bench_door door;
	bool compared; /* with an LRU hash */
	struct {
		const char *name;
		enum what what;
	} row[5];
};

static const struct table tables[] = {
	{ IPPROTO_TCP,
	  SERIN_FORWARD_NAT,
	  BENCH_XDP,
	  true,
	  { { "not ours", NOT_OURS },
	    { "client -> backend, established", REQUEST },
	    { "backend -> client, established", ANSWER },
	    { "request and its answer, established", TURN },
	    { "new connection", NEW } } },
	{ IPPROTO_UDP,
	  SERIN_FORWARD_NAT,
	  BENCH_XDP,
	  false,
	  { { "udp, client -> backend, established", REQUEST },
	    { "udp, backend -> client, established", ANSWER },
	    { "udp, one-packet exchange", EXCHANGE } } },
	{ IPPROTO_TCP, SERIN_FORWARD_IPIP, BENCH_XDP, false, { { "ipip, client -> backend, established", REQUEST } } },
	{ IPPROTO_TCP, SERIN_FORWARD_GUE, BENCH_XDP, false, { { "gue, client -> backend, established", REQUEST } } },
	{ IPPROTO_TCP,
	  SERIN_FORWARD_NAT,
	  BENCH_TC,
	  false,
	  { { "tc, not ours", NOT_OURS },
	    { "tc, client -> backend, established", REQUEST },
	    { "tc, backend -> client, established", ANSWER },
	    { "tc, request and its answer, establ.", TURN },
	    { "tc, new connection", NEW } } },
};
#define TABLES (sizeof(tables) / sizeof(tables[0]))
#define ROWS (sizeof(tables[0].row) / sizeof(tables[0].row[0]))

/* One program with its flows. */
struct contender {
	struct subject subject;
	__u32 program;      /* enum bench_program */
	__u32 number;       /* the next client that it does not know */
	__u32 acknowledged; /* of all clients' segments */
	struct list requests, answers, fresh;
	const struct table *table;
	struct frame *frame;
};

/* Where the lists lie in the frame's map of packets. */
enum {
	AT_REQUESTS = 0,
	AT_ANSWERS = MAX_FLOWS,
	AT_LRU_ANSWERS = 2 * MAX_FLOWS,
	AT_BLIND_ANSWERS = 3 * MAX_FLOWS,
	AT_NEW = 4 * MAX_FLOWS,
	PACKETS = 4 * MAX_FLOWS + NEW_PER_ROUND,
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

/* The backends' packets of the `count` flows of clients `from` and above, in an order that has nothing to do with the
 * table's. */
static void put_answers(const struct contender *one, struct list *list, __u32 from, __u32 count)
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

static struct shot shot_of(const struct contender *one, struct list *list, __u32 repeat, __u8 flags)
{
	__u8 forward = one->table->forward;

	return (struct shot){ .door = one->table->door,
			      .program = one->program,
			      .list = list,
			      .repeat = repeat,
			      .seq_step = flags == PSH_ACK || flags == ACK ? 6 : 0,
			      .flags = flags,
			      .protocol = one->table->protocol,
			      .grows = forward == SERIN_FORWARD_IPIP || forward == SERIN_FORWARD_GUE,
			      .verdict = BENCH_REDIRECTED };
}

/* All of a list once; TCP's flags. */
static void send_all(const struct contender *one, struct list *list, __u8 flags, __u32 ack)
{
	struct shot shot = shot_of(one, list, list->count, flags);

	shot.ack = ack;
	frame_shoot(one->frame, &shot);
}

/* Open flows through the program itself, handshakes and all; with UDP it takes an answer and a second request. */
static void populate(struct contender *one, __u32 flows)
{
	put_requests(one->frame, &one->requests, 0, flows, false);
	send_all(one, &one->requests, SYN, 0);
	if (!SERIN_IS_ONE_WAY(one->table->forward)) {
		put_answers(one, &one->answers, 0, flows);
		send_all(one, &one->answers, SYN_ACK, 0);
	}
	/* All SYN-ACKs had the same sequence number. */
	send_all(one, &one->requests, ACK, one->frame->seq + 1);
	put_requests(one->frame, &one->requests, 0, flows, true);
	one->number = flows;
}

static void contender_open(struct contender *one, struct frame *frame, const struct table *table, __u32 program,
			   __u32 flows)
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

/* A turn takes a flow of its own: with one flow there is nothing to take a mean of. */
static bool is_measured(enum what what, __u32 flows)
{
	return what != TURN || flows > 1;
}

/* Requests and then their answers, of as many flows as fit. */
static double measure_turns(struct contender *one, double *ret_frame)
{
	struct shot ask = shot_of(one, &one->requests, 0, PSH_ACK), answer = shot_of(one, &one->answers, 0, PSH_ACK);

	ask.repeat = answer.repeat = one->requests.count < 131072 ? one->requests.count : 131072;
	one->requests.next = one->requests.first;
	one->answers.next = one->answers.first;
	ask.ack = ++one->acknowledged; /* an answer has come since the last one */
	return frame_net(one->frame, &ask, ret_frame) + frame_net(one->frame, &answer, ret_frame);
}

/* One round of a row: nanoseconds per packet. */
static double measure(struct contender *one, enum what what, double *ret_frame)
{
	static const struct bench_packet other = { __builtin_bswap32(0x0a010203), __builtin_bswap32(0x0a040506), 1, 2 };
	struct shot shot = shot_of(one, &one->fresh, NEW_PER_ROUND, SYN);
	__u32 from = one->number;
	double net;

	if (what == TURN)
		return measure_turns(one, ret_frame);
	if (what == REQUEST || what == ANSWER) {
		shot = shot_of(one, what == REQUEST ? &one->requests : &one->answers, 0, ACK);
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
		put_answers(one, &one->fresh, from, NEW_PER_ROUND);
		net += frame_net(one->frame, &shot, ret_frame);
	}
	return net;
}

/* All rows of a table with that many flows in it. */
static void measure_table(struct frame *frame, const struct table *table, __u32 flows, json_t *results)
{
	struct contender serin, blind, lru;
	struct figures figures[ROWS];
	double frame_ns = 0;
	unsigned int round, i;

	contender_open(&serin, frame, table, BENCH_SERIN, flows);
	contender_open(&blind, frame, table, BENCH_BLIND, flows);
	if (table->compared)
		contender_open(&lru, frame, table, BENCH_LRU, flows);
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < ROWS && table->row[i].name; i++) {
			if (!is_measured(table->row[i].what, flows))
				continue;
			figures[i].compared = table->compared;
			figures[i].serin[round] = measure(&serin, table->row[i].what, &frame_ns);
			figures[i].blind[round] = measure(&blind, table->row[i].what, &frame_ns);
			if (table->compared)
				figures[i].lru[round] = measure(&lru, table->row[i].what, &frame_ns);
		}
	}
	if (table == tables)
		printf("%u flows, two ways each, in a table of %u ways (%u MB); frame %.0f ns\n", flows,
		       serin.subject.ways, serin.subject.ways * serin.subject.way_size >> 20, frame_ns);
	for (i = 0; i < ROWS && table->row[i].name; i++)
		if (is_measured(table->row[i].what, flows))
			report_row(table->row[i].name, flows, &serin.subject, &figures[i], results);
	subject_close(&serin.subject);
	subject_close(&blind.subject);
	if (table->compared)
		subject_close(&lru.subject);
}

int main(void)
{
	json_t *results = json_array();
	struct frame frame;
	unsigned int i, j;

	srandom(1);
	subject_prepare_network();
	frame_open(&frame, PACKETS, BENCH_DEVICE);
	report_title();
	for (i = 0; i < SIZES; i++)
		for (j = 0; j < TABLES; j++)
			measure_table(&frame, &tables[j], flows_of[i], results);
	frame_close(&frame);
	if (json_dump_file(results, "build/bench.json", JSON_INDENT(1) | JSON_REAL_PRECISION(4)))
		die("build/bench.json");
	json_decref(results);
	return 0;
}
