/* SPDX-License-Identifier: BSD-2-Clause */
/* Nanoseconds per packet of the real program, and of the same program with its flow table on an LRU hash: rounds of the
 * two and of an empty program in turn, so that a machine that changes its speed changes it for all three. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <jansson.h>

#include "subject.h"

#define MAX_FLOWS 1000000u
#define NEW_PER_ROUND 2000u
#define ROUNDS 9

enum tcp_flags { SYN = 0x02, PSH_ACK = 0x18, ACK = 0x10, SYN_ACK = 0x12 };

enum which { NOT_OURS, REQUEST, ANSWER, NEW, CASES };
static const char *const case_name[CASES] = {
	"not ours",
	"client -> backend, established",
	"backend -> client, established",
	"new connection",
};

static const unsigned int flows_of[] = { 1, 65536, 1000000 };
#define SIZES (sizeof(flows_of) / sizeof(flows_of[0]))

/* Where the lists lie in the frame's map of packets. */
enum { AT_REQUESTS = 0, AT_ANSWERS = MAX_FLOWS, AT_NEW = 2 * MAX_FLOWS, PACKETS = 2 * MAX_FLOWS + NEW_PER_ROUND };

struct frame {
	struct bpf_object *object;
	int program, packets, cursor;
};

struct figures {
	double net[CASES][BENCH_PROGRAMS][ROUNDS];
	double frame; /* all rounds' together */
};

static void frame_open(struct frame *frame)
{
	struct bpf_map *packets;
	__u32 nothing = BENCH_NOTHING;
	int fd;

	frame->object = bpf_object__open_file("build/bench-wrapper.bpf.o", NULL);
	if (!frame->object)
		die("build/bench-wrapper.bpf.o");
	packets = bpf_object__find_map_by_name(frame->object, "packets");
	bpf_map__set_max_entries(packets, PACKETS);
	if (bpf_object__load(frame->object))
		die("load of the frame");
	frame->program = bpf_program__fd(bpf_object__find_program_by_name(frame->object, "wrapper"));
	frame->packets = bpf_map__fd(packets);
	frame->cursor = bpf_object__find_map_fd_by_name(frame->object, "cursor");
	fd = bpf_program__fd(bpf_object__find_program_by_name(frame->object, "nothing"));
	if (bpf_map_update_elem(bpf_object__find_map_fd_by_name(frame->object, "programs"), &nothing, &fd, BPF_ANY))
		die("programs");
}

static void frame_use(const struct frame *frame, __u32 program, const struct subject *subject)
{
	if (bpf_map_update_elem(bpf_object__find_map_fd_by_name(frame->object, "programs"), &program, &subject->program,
				BPF_ANY))
		die("programs");
}

static void put_packets(const struct frame *frame, __u32 at, const struct bench_packet *packets, __u32 count)
{
	__u32 *keys = malloc(count * sizeof(*keys)), i;

	if (!keys)
		die("memory");
	for (i = 0; i < count; i++)
		keys[i] = at + i;
	if (bpf_map_update_batch(frame->packets, keys, packets, &count, NULL))
		die("list of packets");
	free(keys);
}

struct shot {
	__u32 program, first, count, repeat;
	__u8 flags;
	__u32 seq_step, ack;
	int verdict; /* expected from the last packet */
};

/* Nanoseconds per packet, frame included. */
static double shoot(const struct frame *frame, const struct shot *shot)
{
	static __u32 position[PACKETS + 1], seq = 1;
	struct bench_cursor cursor = {
		.next = position[shot->first] >= shot->first && position[shot->first] < shot->first + shot->count
				? position[shot->first]
				: shot->first,
		.first = shot->first,
		.end = shot->first + shot->count,
		.program = shot->program,
		.seq = seq,
		.seq_step = shot->seq_step,
		.ack = shot->ack,
		.flags = shot->flags,
		.mac = { 2, 0, 0, 0, 0, 1 },
	};
	unsigned char packet[14 + 20 + 20 + 6] = { [12] = 8, [14] = 0x45, [17] = 46, [22] = 64, [23] = 6, [46] = 0x50 };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = packet, .data_size_in = sizeof(packet),
		    .repeat = (int)shot->repeat);
	__u32 zero = 0;

	if (bpf_map_update_elem(frame->cursor, &zero, &cursor, BPF_ANY))
		die("cursor");
	if (bpf_prog_test_run_opts(frame->program, &run))
		die("BPF_PROG_TEST_RUN");
	if (bpf_map_lookup_elem(frame->cursor, &zero, &cursor))
		die("cursor");
	position[shot->first] = cursor.next;
	seq = cursor.seq;
	if ((int)run.retval != shot->verdict) {
		fprintf(stderr, "bench: verdict %u, expected %d (flags 0x%02x)\n", run.retval, shot->verdict,
			shot->flags);
		exit(1);
	}
	/* The kernel's own figure: the call as a whole takes 30 ms more than its rounds. */
	return run.duration;
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

enum { DROP = 1, PASS = 2, TX = 3, REDIRECT = 4 };

static struct bench_packet *new_list(__u32 count)
{
	struct bench_packet *packets = calloc(count, sizeof(*packets));

	if (!packets)
		die("memory");
	return packets;
}

/* Requests number `from` and the following. */
static void put_requests(const struct frame *frame, __u32 at, __u32 from, __u32 count, bool shuffled)
{
	struct bench_packet *packets = new_list(count);
	__u32 i;

	for (i = 0; i < count; i++)
		packets[i] = subject_request(from + i);
	if (shuffled)
		shuffle(packets, count);
	put_packets(frame, at, packets, count);
	free(packets);
}

/* Open `flows` connections through the program itself, handshakes and all. What the backends' packets of these flows
 * look like, in an order that has nothing to do with the table's; the caller frees. */
static struct bench_packet *populate(const struct frame *frame, const struct subject *subject, __u32 program,
				     __u32 flows)
{
	struct bench_packet *answers = new_list(flows);
	struct bench_cursor cursor;
	__u32 zero = 0;

	frame_use(frame, program, subject);
	put_requests(frame, AT_REQUESTS, 0, flows, false);
	shoot(frame, &(struct shot){ program, AT_REQUESTS, flows, flows, SYN, 0, 0, REDIRECT });
	if (subject_answers(subject, answers, flows) != flows) {
		fprintf(stderr, "bench: %s: not every flow has a place\n", subject->name);
		exit(1);
	}
	shuffle(answers, flows);
	put_packets(frame, AT_ANSWERS, answers, flows);
	shoot(frame, &(struct shot){ program, AT_ANSWERS, flows, flows, SYN_ACK, 0, 0, REDIRECT });
	/* All SYN-ACKs had the same sequence number, and the cursor still knows it. */
	if (bpf_map_lookup_elem(frame->cursor, &zero, &cursor))
		die("cursor");
	shoot(frame, &(struct shot){ program, AT_REQUESTS, flows, flows, ACK, 0, cursor.seq + 1, REDIRECT });
	return answers;
}

/* Put a case's packets into the lists, and say how they are shot. `number`: the next client that nobody knows. */
static struct shot prepare(const struct frame *frame, enum which what, __u32 program, __u32 flows,
			   const struct bench_packet *answers, __u32 *number)
{
	const struct bench_packet other = { htonl(0x0a010203), htonl(0x0a040506), htons(1), htons(2) };
	const __u32 repeat = flows > 262144 ? flows : 262144;

	switch (what) {
	case NOT_OURS:
		put_packets(frame, AT_NEW, &other, 1);
		return (struct shot){ program, AT_NEW, 1, repeat, PSH_ACK, 0, 0, PASS };
	case ANSWER:
		put_packets(frame, AT_ANSWERS, answers, flows);
		return (struct shot){ program, AT_ANSWERS, flows, repeat, PSH_ACK, 6, 0, REDIRECT };
	case NEW:
		put_requests(frame, AT_NEW, *number, NEW_PER_ROUND, false);
		*number += NEW_PER_ROUND;
		return (struct shot){ program, AT_NEW, NEW_PER_ROUND, NEW_PER_ROUND, SYN, 0, 0, REDIRECT };
	default:
		return (struct shot){ program, AT_REQUESTS, flows, repeat, PSH_ACK, 6, 0, REDIRECT };
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static json_t *spread(const double *values)
{
	double sorted[ROUNDS];

	memcpy(sorted, values, sizeof(sorted));
	qsort(sorted, ROUNDS, sizeof(sorted[0]), compare);
	return json_pack("{s:f, s:f, s:f}", "min", sorted[0], "median", sorted[ROUNDS / 2], "max", sorted[ROUNDS - 1]);
}

static double at(const json_t *of, const char *what)
{
	return json_number_value(json_object_get(of, what));
}

static void report(const struct figures *figures, enum which what, __u32 flows, const struct subject *subject,
		   json_t *results)
{
	const double *own = figures->net[what][BENCH_SERIN], *other = figures->net[what][BENCH_LRU];
	double ratios[ROUNDS];
	json_t *serin, *lru, *ratio;
	unsigned int round;

	for (round = 0; round < ROUNDS; round++)
		ratios[round] = own[round] / other[round];
	serin = spread(own);
	lru = spread(other);
	ratio = spread(ratios);
	printf("%-31s %8u  %5.0f %5.0f %5.0f  %6.0f %6.0f %6.0f   %.2f %.2f %.2f\n", case_name[what], flows,
	       at(serin, "min"), at(serin, "median"), at(serin, "max"), at(lru, "min"), at(lru, "median"),
	       at(lru, "max"), at(ratio, "min"), at(ratio, "median"), at(ratio, "max"));
	json_array_append_new(results, json_pack("{s:s, s:i, s:i, s:i, s:o, s:o, s:o}", "case", case_name[what],
						 "flows", (int)flows, "ways", (int)subject->ways, "table_bytes",
						 (int)(subject->ways * subject->way_size), "serin_ns", serin,
						 "lru_hash_ns", lru, "ratio", ratio));
}

/* All cases with that many flows in the table. */
static void measure(const struct frame *frame, __u32 flows, json_t *results)
{
	static struct figures figures;
	struct subject subject[BENCH_PROGRAMS];
	struct bench_packet *answers[BENCH_PROGRAMS];
	__u32 number[BENCH_PROGRAMS], p, round, max_flows = flows > 65536 ? flows : 65536;
	enum which what;

	subject_open(&subject[BENCH_SERIN], "serin", "build/serin.bpf.o", max_flows);
	subject_open(&subject[BENCH_LRU], "LRU hash", "build/serin-lru.bpf.o", max_flows);
	figures.frame = 0;
	for (p = BENCH_SERIN; p < BENCH_PROGRAMS; p++) {
		answers[p] = populate(frame, &subject[p], p, flows);
		number[p] = flows;
	}
	put_requests(frame, AT_REQUESTS, 0, flows, true);
	for (round = 0; round < ROUNDS; round++) {
		for (what = 0; what < CASES; what++) {
			for (p = BENCH_SERIN; p < BENCH_PROGRAMS; p++) {
				struct shot shot = prepare(frame, what, p, flows, answers[p], &number[p]);
				double whole = shoot(frame, &shot), empty;

				shot.program = BENCH_NOTHING;
				shot.verdict = TX;
				empty = shoot(frame, &shot);
				figures.net[what][p][round] = whole - empty;
				figures.frame += empty;
			}
		}
	}
	printf("%u flows, two ways each, in a table of %u ways (%u MB); frame %.0f ns\n", flows,
	       subject[BENCH_SERIN].ways, subject[BENCH_SERIN].ways * subject[BENCH_SERIN].way_size >> 20,
	       figures.frame / (2 * ROUNDS * CASES));
	for (what = 0; what < CASES; what++)
		report(&figures, what, flows, &subject[BENCH_SERIN], results);
	for (p = BENCH_SERIN; p < BENCH_PROGRAMS; p++) {
		subject_close(&subject[p]);
		free(answers[p]);
	}
}

int main(void)
{
	json_t *results = json_array();
	struct frame frame;
	unsigned int i;

	srandom(1);
	subject_prepare_network();
	frame_open(&frame);
	printf("IPv4, forward: nat, %d backends, flows in random order, ns per packet net of the measuring frame,\n"
	       "%d interleaved rounds: min median max\n\n"
	       "%-31s %8s  %17s  %20s   %14s\n",
	       BENCH_BACKENDS, ROUNDS, "", "flows", "serin", "on an LRU hash", "ratio");
	for (i = 0; i < SIZES; i++)
		measure(&frame, flows_of[i], results);
	bpf_object__close(frame.object);
	if (json_dump_file(results, "build/bench.json", JSON_INDENT(1) | JSON_REAL_PRECISION(4)))
		die("build/bench.json");
	json_decref(results);
	return 0;
}
