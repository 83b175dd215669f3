/* SPDX-License-Identifier: BSD-2-Clause */
/* One program with its flows, and what is asked of it. */
#ifndef SERIN_BENCH_CONTENDER_H
#define SERIN_BENCH_CONTENDER_H

#include "subject.h"

#define MAX_FLOWS 1000000u
#define NEW_PER_ROUND 2000u

enum tcp_flags { SYN = 0x02, PSH_ACK = 0x18, ACK = 0x10, SYN_ACK = 0x12 };

/* REQUEST, ANSWER: plain data of an established flow, no turn's beginning or end; TURN: one of each that is. */
enum what { NOT_OURS, REQUEST, ANSWER, TURN, NEW, EXCHANGE };

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

/* One program with its flows. */
struct contender {
	struct subject subject;
	__u32 program;      /* enum bench_program */
	__u32 number;       /* the next client that it does not know */
	__u32 acknowledged; /* by all clients' segments */
	struct list requests, answers, fresh;
	const struct table *table;
	struct frame *frame;
};

/* How many packets a frame has to have room for. */
#define CONTENDER_PACKETS (4 * MAX_FLOWS + NEW_PER_ROUND)

/* Load `program` and open that many flows through it, handshakes and all. Ends the process with a message on failure. */
void contender_open(struct contender *one, struct frame *frame, const struct table *table, __u32 program, __u32 flows);
void contender_close(struct contender *one);

/* The backends' packets of the `count` flows of clients `from` and above, in an order that has nothing to do with the
 * table's. */
void contender_put_answers(const struct contender *one, struct list *list, __u32 from, __u32 count);

/* `repeat` packets of the list with TCP's `flags`, each with BENCH_DATA bytes if they are no SYNs. */
struct shot contender_shot(const struct contender *one, struct list *list, __u32 repeat, __u8 flags);

/* One round of a row: nanoseconds per packet, and of the frame alone. */
double contender_measure(struct contender *one, enum what what, double *ret_frame);

#endif
