/* SPDX-License-Identifier: BSD-2-Clause */
/* One loaded data path to be measured, filled with flows by its own program. */
#ifndef SERIN_BENCH_SUBJECT_H
#define SERIN_BENCH_SUBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/libbpf.h>

#include <serin/abi.h>

#include "frame.h"

#define BENCH_BACKENDS 64
#define BENCH_DEVICE "bench0" /* the one way out of the bench's own network namespace */

/* What its one service is. */
struct subject_kind {
	const char *path; /* of the object file */
	uint8_t protocol; /* IPPROTO_TCP or IPPROTO_UDP */
	uint8_t forward;  /* enum serin_forward */
	enum bench_door door;
	bool blind; /* it forwards, and observes nothing */
};

struct subject {
	struct bpf_object *object;
	int program;
	uint32_t ways;     /* of its flow table */
	uint32_t way_size; /* bytes that one takes */
};

/* Namespace with a device, routes and neighbours for the FIB lookups. Ends the process with a message on failure. */
void subject_prepare_network(void);

/* Load an object file with room for max_flows flows, and set up one service with BENCH_BACKENDS backends. */
void subject_open(struct subject *subject, const struct subject_kind *kind, uint32_t max_flows);
void subject_close(struct subject *subject);

/* What it has counted over all backends: established, asked, answered. */
struct serin_stats subject_counts(const struct subject *subject);

/* What the backends' packets of the flows of clients `from` and above look like: at most `room` of them into `ret`; how
 * many there are. */
size_t subject_answers(const struct subject *subject, uint32_t from, struct bench_packet *ret, size_t room);

/* A client's packet to the service; `number` 0 .. 2^23 - 1 are different flows. */
struct bench_packet subject_request(uint32_t number);

/* End the process with a message. */
void die(const char *what) __attribute__((noreturn));

#endif
