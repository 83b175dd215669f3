/* SPDX-License-Identifier: BSD-2-Clause */
/* A tiny HTTP/1.1 keep-alive server that answers "NAME ADDRESS RECEIVED": its name, the client's address as it sees
 * it, and the length of the request's body. GET /N appends N bytes.
 *
 *     httpd [-e PERCENT -o FILE] [-b PERCENT] [-c N] ADDRESS:PORT=NAME ...
 *
 * From SIGUSR1 to SIGUSR2 -e requests of a hundred are answered 500, in turns that no client keeps step with; SIGUSR2 also
 * writes what happened meanwhile into FILE, as JSON. A SIGUSR1 that is queued with a number begins at that time, in ms of
 * CLOCK_MONOTONIC, so that several servers begin as one. At all other times -b of a hundred are. One IPv4 client of N, by
 * its address, gets nothing else at any time.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "common.h"

#define MAX_LISTENERS 16
#define REQUEST_SIZE 2048
#define MAX_FILLER 1000000

struct peer {
	int fd;
	bool listening;
	const char *name;
	char address[INET6_ADDRSTRLEN];
	bool unlucky; /* this client always fails */
	char request[REQUEST_SIZE + 1];
	size_t length;
	size_t body; /* bytes of the request's body that are still to come */
};

/* What was asked of it between the signals. */
struct trouble {
	double percent, base; /* while there is trouble, and without */
	unsigned int one_of;  /* so many clients always fails; 0: none */
	const char *file;
	uint64_t began_ns, first_failure_ns, last_accepted_ns;
	long failures, requests, accepted, accepted_after; /* after: the first failure */
};

static volatile sig_atomic_t failing;
static volatile uint32_t begin_ms; /* CLOCK_MONOTONIC; 0: at once */
static struct trouble trouble;
static int poller;
static char filler[MAX_FILLER];

static void on_signal(int number, siginfo_t *info, void *context)
{
	(void)context;
	failing = number == SIGUSR1;
	begin_ms = info->si_code == SI_QUEUE ? (uint32_t)info->si_value.sival_int : 0;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void begin_trouble(void)
{
	trouble = (struct trouble){ .percent = trouble.percent,
				    .base = trouble.base,
				    .one_of = trouble.one_of,
				    .file = trouble.file,
				    .began_ns = begin_ms ? begin_ms * UINT64_C(1000000) : now_ns() };
}

static void end_trouble(void)
{
	FILE *file = trouble.file ? fopen(trouble.file, "w") : NULL;

	if (!file)
		return;
	fprintf(file,
		"{\"requests\": %ld, \"failures\": %ld, \"accepted\": %ld, \"accepted_after\": %ld, "
		"\"first_failure_ns\": %llu, \"last_accepted_ns\": %llu}\n",
		trouble.requests, trouble.failures, trouble.accepted, trouble.accepted_after,
		(unsigned long long)trouble.first_failure_ns, (unsigned long long)trouble.last_accepted_ns);
	fclose(file);
	trouble.began_ns = 0;
}

static bool is_in_trouble(void)
{
	return trouble.began_ns && now_ns() >= trouble.began_ns;
}

/* Drawn, so that it falls on everybody alike. */
static bool is_to_fail(const struct peer *peer)
{
	trouble.requests++;
	if (!peer->unlucky && drand48() * 100 >= (is_in_trouble() ? trouble.percent : trouble.base))
		return false;
	if (!trouble.failures++)
		trouble.first_failure_ns = now_ns();
	return true;
}

static void watch(struct peer *peer)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = peer };

	if (epoll_ctl(poller, EPOLL_CTL_ADD, peer->fd, &event))
		die("epoll: %s", strerror(errno));
}

static struct peer *new_peer(int fd, const char *name, bool listening)
{
	struct peer *peer = calloc(1, sizeof(*peer));

	if (!peer)
		die("out of memory");
	peer->fd = fd;
	peer->name = name;
	peer->listening = listening;
	return peer;
}

static void listen_on(char *argument)
{
	struct sockaddr_storage address;
	char *name = strchr(argument, '=');
	int fd, one = 1;

	if (!name)
		die("'%s': expected ADDRESS:PORT=NAME", argument);
	*name++ = '\0';
	parse_address(argument, &address);
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&address, address_length(&address)) || listen(fd, 4096))
		die("%s: %s", argument, strerror(errno));
	watch(new_peer(fd, name, true));
}

static bool is_unlucky(const struct sockaddr_storage *from)
{
	return trouble.one_of && from->ss_family == AF_INET &&
	       ntohl(((const struct sockaddr_in *)from)->sin_addr.s_addr) % trouble.one_of == 0;
}

static void accept_all(const struct peer *listener)
{
	struct sockaddr_storage from;
	socklen_t length = sizeof(from);
	int fd, buffer = 2 * MAX_FILLER;
	struct peer *peer;

	while ((fd = accept4(listener->fd, (struct sockaddr *)&from, &length, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		peer = new_peer(fd, listener->name, false);
		format_address(&from, peer->address);
		peer->unlucky = is_unlucky(&from);
		trouble.accepted++;
		trouble.accepted_after += trouble.failures > 0;
		trouble.last_accepted_ns = now_ns();
		setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof(buffer));
		watch(peer);
		length = sizeof(from);
	}
}

/* The number after `key` in the header, or 0. */
static size_t number_after(const char *header, const char *end, const char *key)
{
	const char *found = memmem(header, (size_t)(end - header), key, strlen(key));

	return found ? strtoul(found + strlen(key), NULL, 10) : 0;
}

/* The socket's buffer holds the longest answer: a short write means that the client has stopped reading. */
static bool answer(const struct peer *peer, size_t received, size_t more, bool last)
{
	char body[128], text[512];
	int body_length, length;

	more = more < MAX_FILLER ? more : MAX_FILLER;
	body_length = snprintf(body, sizeof(body), "%s %s %zu\n", peer->name, peer->address, received);
	length = snprintf(text, sizeof(text),
			  "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n%s\r\n%s",
			  is_to_fail(peer) ? "500 Internal Server Error" : "200 OK", (size_t)body_length + more,
			  last ? "Connection: close\r\n" : "", body);
	return send(peer->fd, text, (size_t)length, MSG_NOSIGNAL | (more ? MSG_MORE : 0)) == length &&
	       (!more || send(peer->fd, filler, more, MSG_NOSIGNAL) == (ssize_t)more);
}

static void consume(struct peer *peer, size_t length)
{
	peer->length -= length;
	memmove(peer->request, peer->request + length, peer->length + 1);
}

/* Answer every request whose header is whole. False: the connection is over. */
static bool answer_all(struct peer *peer)
{
	size_t skip, body;
	bool last;
	char *end;

	for (;;) {
		skip = peer->body < peer->length ? peer->body : peer->length;
		peer->body -= skip;
		consume(peer, skip);
		end = strstr(peer->request, "\r\n\r\n");
		if (!end)
			return peer->length < REQUEST_SIZE;
		end += 4;
		body = number_after(peer->request, end, "Content-Length: ");
		last = memmem(peer->request, (size_t)(end - peer->request), "Connection: close",
			      strlen("Connection: close"));
		if (!answer(peer, body, number_after(peer->request, end, "GET /"), last) || last)
			return false;
		consume(peer, (size_t)(end - peer->request));
		peer->body = body;
	}
}

/* False: the connection is over. */
static bool serve(struct peer *peer)
{
	ssize_t got = recv(peer->fd, peer->request + peer->length, REQUEST_SIZE - peer->length, 0);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	if (got == 0)
		return false;
	peer->length += (size_t)got;
	peer->request[peer->length] = '\0';
	return answer_all(peer);
}

static void parse_trouble(int argc, char **argv)
{
	const struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
	int option;

	while ((option = getopt(argc, argv, "e:o:b:c:")) != -1) {
		if (option == 'e')
			trouble.percent = strtod(optarg, NULL);
		else if (option == 'o')
			trouble.file = optarg;
		else if (option == 'b')
			trouble.base = strtod(optarg, NULL);
		else if (option == 'c')
			trouble.one_of = (unsigned int)parse_number("-c", optarg, 1, 1000000);
		else
			die("unknown option; see the top of httpd.c");
	}
	if (optind == argc || argc - optind > MAX_LISTENERS)
		die("expected 1 to %d of ADDRESS:PORT=NAME", MAX_LISTENERS);
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGUSR2, &action, NULL);
}

static void serve_all(const struct epoll_event *events, int count)
{
	for (int i = 0; i < count; i++) {
		struct peer *peer = events[i].data.ptr;

		if (peer->listening) {
			accept_all(peer);
		} else if (!serve(peer)) {
			close(peer->fd);
			free(peer);
		}
	}
}

int main(int argc, char **argv)
{
	struct epoll_event events[256];

	parse_trouble(argc, argv);
	raise_descriptor_limit();
	memset(filler, '.', sizeof(filler));
	signal(SIGPIPE, SIG_IGN);
	srand48(getpid());
	poller = epoll_create1(EPOLL_CLOEXEC);
	for (int i = optind; i < argc; i++)
		listen_on(argv[i]);
	for (;;) {
		int count = epoll_wait(poller, events, 256, -1);

		if (failing && !trouble.began_ns)
			begin_trouble();
		else if (!failing && trouble.began_ns)
			end_trouble();
		serve_all(events, count);
	}
}
