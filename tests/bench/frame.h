/* SPDX-License-Identifier: BSD-2-Clause */
/* The measuring frame as the bench sees it: lists of packets, and shots of them at a program. */
#ifndef SERIN_BENCH_FRAME_H
#define SERIN_BENCH_FRAME_H

#include <stdbool.h>

#include <bpf/libbpf.h>

#include "wrapper.h"

enum bench_door { BENCH_XDP, BENCH_TC, BENCH_DOORS };
enum bench_verdict { BENCH_PASSED, BENCH_REDIRECTED, BENCH_VERDICTS };

struct frame {
	struct bpf_object *object;
	int wrapper[BENCH_DOORS], programs[BENCH_DOORS];
	int packets, cursor;
	__u32 ifindex; /* where packets come in at the TC door */
};

/* Packets [first, first + count) of the frame's map, gone through in a circle. */
struct list {
	__u32 first, count;
	__u32 next; /* where it was left */
	__u32 seq;  /* TCP: of what each of its flows says next */
};

struct shot {
	enum bench_door door;
	__u32 program; /* enum bench_program */
	struct list *list;
	__u32 repeat;
	__u32 seq_step, ack, ack_step;
	__u8 flags, protocol;
	bool grows;
	enum bench_verdict verdict; /* expected of the last packet */
};

/* With room for that many packets; every function ends the process with a message on failure. */
void frame_open(struct frame *frame, __u32 packets, const char *device);
void frame_close(struct frame *frame);

/* From now on `program` is that one. */
void frame_use(const struct frame *frame, enum bench_door door, __u32 program, int fd);

/* Make `packets` the list's first ones. */
void frame_put(const struct frame *frame, struct list *list, const struct bench_packet *packets, __u32 count);

/* Nanoseconds per packet: the frame's own, and those of the program alone. */
double frame_shoot(struct frame *frame, const struct shot *shot);
double frame_net(struct frame *frame, const struct shot *shot, double *ret_frame);

#endif
