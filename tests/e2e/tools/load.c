/* SPDX-License-Identifier: BSD-2-Clause */
/* Asks a service for pages over keep-alive connections, over connections of one request each, or both, and counts
 * what failed and which connections met a second backend. Prints JSON; what was asked of it is not its to judge, so
 * it exits with 0 whatever was counted. Backends name themselves in the first word of their answers.
 *
 *     load -t ADDRESS:PORT [-s FIRST_SOURCE -n SOURCES] [-d SECONDS] [-w TIMEOUT_MS]
 *          [-k KEEP_ALIVE [-i THINK_MS] [-R READY_FILE]]
 *          [-f FRESH_PER_SECOND | -N FRESH_IN_ALL] [-c AT_ONCE] [-x] [-o RECORD_FILE]
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "load.h"

static volatile sig_atomic_t stopping;

struct load {
	struct options options;
	struct tally tally;
	struct connection *connections; /* keep-alive ones first */
	long count;
	long fresh_started;
	uint64_t start;
	int poller;
	FILE *record;
};

static void stop(int number)
{
	(void)number;
	stopping = 1;
}

static void parse_options(int argc, char **argv, struct options *ret)
{
	struct options o = { .think_ms = 100, .fresh_at_once = 64, .timeout_ms = 5000 };
	int option;

	while ((option = getopt(argc, argv, "t:s:n:d:w:k:i:R:f:N:c:xo:")) != -1) {
		switch (option) {
		case 't':
			parse_address(optarg, &o.target);
			break;
		case 's':
			parse_address(optarg, &o.first_source);
			break;
		case 'n':
			o.sources = parse_number("-n", optarg, 1, 1 << 24);
			break;
		case 'd':
			o.seconds = parse_number("-d", optarg, 1, 3600);
			break;
		case 'w':
			o.timeout_ms = parse_number("-w", optarg, 1, 600000);
			break;
		case 'k':
			o.keep = parse_number("-k", optarg, 1, 100000);
			break;
		case 'i':
			o.think_ms = parse_number("-i", optarg, 0, 600000);
			break;
		case 'R':
			o.ready = optarg;
			break;
		case 'f':
			o.fresh_per_second = parse_number("-f", optarg, 1, 1000000);
			o.fresh = true;
			break;
		case 'N':
			o.fresh_total = parse_number("-N", optarg, 1, 1 << 24);
			o.fresh = true;
			break;
		case 'c':
			o.fresh_at_once = parse_number("-c", optarg, 1, 10000);
			break;
		case 'x':
			o.server_closes = true;
			break;
		case 'o':
			o.record = optarg;
			break;
		default:
			die("unknown option; see the top of load.c");
		}
	}
	if (!o.target.ss_family || (!o.keep && !o.fresh) || (!o.seconds && (o.keep || !o.fresh_total)))
		die("-t, and -k or -f with -d, or -N are needed; see the top of load.c");
	if (o.first_source.ss_family && o.first_source.ss_family != o.target.ss_family)
		die("-s and -t are of two families");
	if (o.first_source.ss_family && !o.sources)
		o.sources = 1;
	*ret = o;
}

static void pick_source(const struct options *options, long number, struct connection *connection)
{
	if (options->sources)
		address_plus(&options->first_source, (uint32_t)(number % options->sources), &connection->source);
}

/* The next fresh connection may be opened now. */
static bool fresh_is_due(const struct load *load)
{
	const struct options *options = &load->options;

	if (!options->fresh || stopping || (options->fresh_total && load->fresh_started >= options->fresh_total))
		return false;
	return !options->fresh_per_second ||
	       load->fresh_started <= (long)(now_ms() - load->start) * options->fresh_per_second / 1000;
}

/* Open what is closed and due, and look at the deadlines. Returns how many connections are still at work. */
static long sweep(struct load *load)
{
	uint64_t now = now_ms();
	long i, busy = 0;

	for (i = 0; i < load->count; i++) {
		struct connection *connection = &load->connections[i];

		if (connection->phase == PHASE_IDLE && connection->fresh && fresh_is_due(load)) {
			pick_source(&load->options, load->fresh_started++, connection);
			connection_open(connection, &load->options, load->poller, &load->tally);
		} else if (connection->phase == PHASE_IDLE && !connection->fresh && !stopping) {
			connection_open(connection, &load->options, load->poller, &load->tally);
		} else if (connection->phase != PHASE_IDLE && connection->deadline <= now &&
			   !(stopping && connection->phase == PHASE_THINKING)) {
			connection_expire(connection, &load->options, &load->tally);
		}
		busy += connection->phase == PHASE_CONNECTING || connection->phase == PHASE_WAITING;
	}
	return busy;
}

static void tell_ready(struct load *load)
{
	FILE *file;
	long i;

	for (i = 0; i < load->options.keep; i++)
		if (load->connections[i].backend < 0)
			return;
	file = fopen(load->options.ready, "w");
	if (!file || fclose(file))
		die("%s: %s", load->options.ready, strerror(errno));
	load->options.ready = NULL;
}

static void run(struct load *load)
{
	uint64_t end = load->start + (uint64_t)load->options.seconds * 1000;
	const struct options *options = &load->options;
	struct epoll_event events[256];
	long busy = 1;
	int count, i;

	while (!stopping || busy) {
		busy = sweep(load);
		if ((options->seconds && now_ms() >= end) ||
		    (options->fresh_total && !options->keep && load->fresh_started >= options->fresh_total))
			stopping = 1;
		count = epoll_wait(load->poller, events, 256, stopping && !busy ? 0 : 2);
		for (i = 0; i < count; i++)
			connection_event(events[i].data.ptr, options, &load->tally, load->record);
		if (options->ready)
			tell_ready(load);
	}
}

static void print(const struct load *load)
{
	static const char *const names[] = { "connect", "reset", "timeout", "answer" };
	const struct tally *tally = &load->tally;
	uint64_t failed = 0;
	unsigned int i, kind;

	for (i = 0; i < FAILURES; i++)
		failed += tally->failed[0][i] + tally->failed[1][i];
	printf("{\"requests\": %llu, \"failed\": %llu, \"moved\": %llu, \"fresh\": %llu, \"milliseconds\": %llu",
	       (unsigned long long)tally->requests, (unsigned long long)failed, (unsigned long long)tally->moved,
	       (unsigned long long)tally->fresh_done, (unsigned long long)(now_ms() - load->start));
	for (kind = 0; kind < 2; kind++) {
		printf(",\n \"failed_%s\": {", kind ? "fresh" : "keep_alive");
		for (i = 0; i < FAILURES; i++)
			printf("%s\"%s\": %llu", i ? ", " : "", names[i], (unsigned long long)tally->failed[kind][i]);
		printf("}");
	}
	printf(",\n \"backends\": ");
	backends_print(&tally->backends);
	printf("}\n");
}

static void prepare(struct load *load)
{
	const struct options *options = &load->options;
	long i;

	load->count = options->keep + (options->fresh ? options->fresh_at_once : 0);
	load->connections = calloc((size_t)load->count, sizeof(*load->connections));
	load->poller = epoll_create1(EPOLL_CLOEXEC);
	if (!load->connections || load->poller < 0)
		die("out of memory or descriptors");
	for (i = 0; i < load->count; i++) {
		load->connections[i].fd = -1;
		load->connections[i].backend = -1;
		load->connections[i].fresh = i >= options->keep;
		pick_source(options, i, &load->connections[i]);
	}
	if (options->record && !(load->record = fopen(options->record, "w")))
		die("%s: %s", options->record, strerror(errno));
	load->start = now_ms();
}

int main(int argc, char **argv)
{
	static struct load load;
	long i;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, stop);
	signal(SIGINT, stop);
	raise_descriptor_limit();
	parse_options(argc, argv, &load.options);
	prepare(&load);
	run(&load);
	print(&load);
	for (i = 0; i < load.count; i++)
		connection_close(&load.connections[i]);
	free(load.connections);
	if (load.record && fclose(load.record))
		die("%s: %s", load.options.record, strerror(errno));
	return 0;
}
