/* SPDX-License-Identifier: BSD-2-Clause */
/* Nanoseconds per packet of the real program, and of the same program with its flow table on an LRU hash: rounds of the
 * two and of an empty program in turn, so that a machine that changes its speed changes it for all three. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include <serin/abi.h>

#include "contender.h"
#include "report.h"
#include "two_cpus.h"

static const unsigned int flows_of[] = { 1, 65536, 1000000 };
#define SIZES (sizeof(flows_of) / sizeof(flows_of[0]))

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

/* A turn takes a flow of its own: with one flow there is nothing to take a mean of, and with a million it takes too long. */
static bool is_measured(enum what what, __u32 flows)
{
	return what != TURN || (flows > 1 && flows <= 131072);
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
			figures[i].serin[round] = contender_measure(&serin, table->row[i].what, &frame_ns);
			figures[i].blind[round] = contender_measure(&blind, table->row[i].what, &frame_ns);
			if (table->compared)
				figures[i].lru[round] = contender_measure(&lru, table->row[i].what, &frame_ns);
		}
	}
	if (table == tables)
		printf("%u flows, two ways each, in a table of %u ways (%u MB); frame %.0f ns\n", flows,
		       serin.subject.ways, serin.subject.ways * serin.subject.way_size >> 20, frame_ns);
	for (i = 0; i < ROWS && table->row[i].name; i++)
		if (is_measured(table->row[i].what, flows))
			report_row(table->row[i].name, flows, &serin.subject, &figures[i], results);
	contender_close(&serin);
	contender_close(&blind);
	if (table->compared)
		contender_close(&lru);
}

int main(void)
{
	json_t *results = json_array();
	struct frame frame;
	unsigned int i, j;

	srandom(1);
	subject_prepare_network();
	frame_open(&frame, CONTENDER_PACKETS, BENCH_DEVICE);
	report_title();
	for (i = 0; i < SIZES; i++)
		for (j = 0; j < TABLES; j++)
			measure_table(&frame, &tables[j], flows_of[i], results);
	two_cpus_measure(&frame, tables, results);
	frame_close(&frame);
	if (json_dump_file(results, "build/bench.json", JSON_INDENT(1) | JSON_REAL_PRECISION(4)))
		die("build/bench.json");
	json_decref(results);
	return 0;
}
