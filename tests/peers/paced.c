/* SPDX-License-Identifier: BSD-2-Clause */
/* Asks for a page at a fixed rate over keep-alive connections, each from a source address of its own, and says how long the
 * answers took: from the moment that the request was *due*, so that a stall is felt by all that it has kept waiting.
 *
 *     paced -t ADDRESS:PORT -s FIRST_SOURCE -k CONNECTIONS -f REQUESTS_PER_SECOND -d SECONDS
 *
 * Prints JSON; times in microseconds.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "../e2e/tools/common.h"

struct connection {
	int fd;
	struct sockaddr_storage source;
	bool busy;
	uint64_t due; /* of the request that is on its way */
	size_t length;
	char answer[1024];
};

struct paced {
	struct sockaddr_storage target;
	struct connection *connections;
	long count, rate, seconds;
	struct connection **idle; /* a ring: whoever has waited longest is next */
	long idle_first, idle_count;
	uint32_t *latency;
	long answered, failed;
	int poller;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void rest(struct paced *paced, struct connection *connection)
{
	connection->busy = false;
	paced->idle[(paced->idle_first + paced->idle_count++) % paced->count] = connection;
}

static void open_connection(struct paced *paced, struct connection *connection)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = connection };
	socklen_t length = address_length(&paced->target);
	int one = 1;

	connection->length = 0;
	connection->fd = socket(paced->target.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(connection->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (bind(connection->fd, (struct sockaddr *)&connection->source, length) ||
	    connect(connection->fd, (struct sockaddr *)&paced->target, length) ||
	    fcntl(connection->fd, F_SETFL, O_NONBLOCK) ||
	    epoll_ctl(paced->poller, EPOLL_CTL_ADD, connection->fd, &event))
		die("a connection: %s", strerror(errno));
}

/* What was on its way has failed, which is counted in the end: it was due, and has no answer. */
static void begin_anew(struct paced *paced, struct connection *connection)
{
	close(connection->fd);
	open_connection(paced, connection);
	if (connection->busy)
		rest(paced, connection);
}

static void send_due(struct paced *paced, uint64_t due)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: shop\r\n\r\n";
	struct connection *connection = paced->idle[paced->idle_first];

	paced->idle_first = (paced->idle_first + 1) % paced->count;
	paced->idle_count--;
	connection->busy = true;
	connection->due = due;
	connection->length = 0;
	if (send(connection->fd, request, sizeof(request) - 1, MSG_NOSIGNAL) != sizeof(request) - 1)
		begin_anew(paced, connection);
}

static bool is_whole(struct connection *connection)
{
	static const char header[] = "Content-Length: ";
	const char *body, *value;

	connection->answer[connection->length] = '\0';
	body = strstr(connection->answer, "\r\n\r\n");
	value = strcasestr(connection->answer, header);
	return body && value && value < body && strlen(body + 4) >= strtoul(value + sizeof(header) - 1, NULL, 10);
}

static void receive(struct paced *paced, struct connection *connection)
{
	ssize_t got = recv(connection->fd, connection->answer + connection->length,
			   sizeof(connection->answer) - 1 - connection->length, 0);

	if (got <= 0) {
		if (got == 0 || errno != EAGAIN)
			begin_anew(paced, connection);
		return;
	}
	connection->length += (size_t)got;
	if (!is_whole(connection))
		return;
	if (strncmp(connection->answer, "HTTP/1.1 200 ", 13) != 0)
		paced->failed++;
	paced->latency[paced->answered++] = (uint32_t)((now_ns() - connection->due) / 1000);
	rest(paced, connection);
}

static void run(struct paced *paced)
{
	const uint64_t step = 1000000000 / (uint64_t)paced->rate, total = (uint64_t)(paced->rate * paced->seconds);
	uint64_t start = now_ns(), sent = 0, limit = start + (uint64_t)(paced->seconds + 5) * 1000000000, now;
	struct epoll_event events[64];
	int count, i;

	while ((now = now_ns()) < limit && (sent < total || paced->idle_count < paced->count)) {
		uint64_t due = start + sent * step;
		struct timespec wait = { .tv_nsec = 100000000 };

		if (sent < total && due <= now && paced->idle_count) {
			send_due(paced, due);
			sent++;
			continue;
		}
		if (sent < total && due > now && due - now < (uint64_t)wait.tv_nsec)
			wait.tv_nsec = (long)(due - now);
		count = epoll_pwait2(paced->poller, events, 64, &wait, NULL);
		for (i = 0; i < count; i++)
			receive(paced, events[i].data.ptr);
	}
	paced->failed += (long)total - paced->answered;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void print(struct paced *paced)
{
	static const struct {
		const char *name;
		long per_mille;
	} quantiles[] = { { "p50_us", 500 }, { "p90_us", 900 }, { "p99_us", 990 }, { "max_us", 1000 } };
	unsigned int i;

	qsort(paced->latency, (size_t)paced->answered, sizeof(*paced->latency), compare);
	printf("{\"rate\": %ld, \"answered\": %ld, \"failed\": %ld", paced->rate, paced->answered, paced->failed);
	for (i = 0; paced->answered && i < sizeof(quantiles) / sizeof(quantiles[0]); i++)
		printf(", \"%s\": %u", quantiles[i].name,
		       paced->latency[(paced->answered - 1) * quantiles[i].per_mille / 1000]);
	printf("}\n");
}

static void prepare(struct paced *paced, const struct sockaddr_storage *first_source)
{
	long i;

	paced->connections = calloc((size_t)paced->count, sizeof(*paced->connections));
	paced->idle = calloc((size_t)paced->count, sizeof(*paced->idle));
	paced->latency = calloc((size_t)(paced->rate * paced->seconds), sizeof(*paced->latency));
	paced->poller = epoll_create1(EPOLL_CLOEXEC);
	if (!paced->connections || !paced->idle || !paced->latency || paced->poller < 0)
		die("out of memory or descriptors");
	for (i = 0; i < paced->count; i++) {
		address_plus(first_source, (uint32_t)i, &paced->connections[i].source);
		open_connection(paced, &paced->connections[i]);
		rest(paced, &paced->connections[i]);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_storage first_source = { 0 };
	static struct paced paced;
	int option;

	while ((option = getopt(argc, argv, "t:s:k:f:d:")) != -1) {
		if (option == 't')
			parse_address(optarg, &paced.target);
		else if (option == 's')
			parse_address(optarg, &first_source);
		else if (option == 'k')
			paced.count = parse_number("-k", optarg, 1, 10000);
		else if (option == 'f')
			paced.rate = parse_number("-f", optarg, 1, 1000000);
		else if (option == 'd')
			paced.seconds = parse_number("-d", optarg, 1, 60);
		else
			die("unknown option; see the top of paced.c");
	}
	if (!paced.count || !paced.rate || !paced.seconds || paced.target.ss_family != AF_INET ||
	    first_source.ss_family != AF_INET)
		die("-t, -s, -k, -f and -d are needed, IPv4 addresses; see the top of paced.c");
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_TIMERSLACK, 1); /* what is due is sent when it is due, and not up to 50 us later */
	raise_descriptor_limit();
	prepare(&paced, &first_source);
	run(&paced);
	print(&paced);
	return 0;
}
