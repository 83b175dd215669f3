/* SPDX-License-Identifier: BSD-2-Clause */
/* Sends many bytes over one TCP connection, first to the server, then back, and compares every one of them.
 *
 *     bulk serve ADDRESS:PORT=NAME ...
 *     bulk ask ADDRESS:PORT BYTES [PAUSE_US]        pause after every 16 KB, either way
 *
 * `ask` prints JSON: the backend's name, whether all bytes came as they were sent, and what each end knows of the path.
 * It exits with 0 even when the connection broke: "good" says so.
 */
#include <endian.h>
#include <errno.h>
#include <linux/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"
#include "stream.h"

#define MAX_LISTENERS 16
#define CHUNK 16384
#define SEED_UP 0x5eed5eed5eed5eedull
#define SEED_DOWN 0xd0d0d0d0feedfeedull

struct job {
	uint64_t bytes;
	uint64_t pause_us;
};

/* What the server says in the end. */
struct report {
	char name[32];
	uint32_t pmtu, mss, retransmits, good;
};

static bool send_all(int fd, const void *bytes, size_t length)
{
	const char *at = bytes;
	ssize_t sent;

	while (length > 0) {
		sent = send(fd, at, length, MSG_NOSIGNAL);
		if (sent <= 0)
			return false;
		at += sent;
		length -= (size_t)sent;
	}
	return true;
}

static bool receive_all(int fd, void *bytes, size_t length)
{
	return recv(fd, bytes, length, MSG_WAITALL) == (ssize_t)length;
}

static bool send_stream(int fd, const struct job *job, uint64_t seed, uint64_t *ret_sent)
{
	struct stream stream = { .state = seed };
	unsigned char chunk[CHUNK];
	uint64_t sent = 0;
	size_t length;

	while (sent < job->bytes) {
		length = job->bytes - sent < CHUNK ? job->bytes - sent : CHUNK;
		stream_fill(&stream, chunk, length);
		if (!send_all(fd, chunk, length))
			return false;
		sent += length;
		*ret_sent = sent;
		if (job->pause_us)
			usleep((useconds_t)job->pause_us);
	}
	return true;
}

static bool receive_stream(int fd, const struct job *job, uint64_t seed, uint64_t *ret_received)
{
	struct stream stream = { .state = seed };
	unsigned char chunk[CHUNK];
	uint64_t received = 0;
	bool same = true;
	ssize_t got;

	while (received < job->bytes) {
		got = recv(fd, chunk, job->bytes - received < CHUNK ? job->bytes - received : CHUNK, 0);
		if (got <= 0)
			return false;
		same &= stream_matches(&stream, chunk, (size_t)got);
		received += (uint64_t)got;
		*ret_received = received;
	}
	return same;
}

/* Ten seconds without a byte are the end of a connection. */
static void limit_waiting(int fd)
{
	struct timeval limit = { .tv_sec = 10 };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

static void describe(int fd, struct report *ret)
{
	struct tcp_info info = { 0 };
	socklen_t length = sizeof(info);

	getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length);
	ret->pmtu = htobe32(info.tcpi_pmtu);
	ret->mss = htobe32(info.tcpi_snd_mss);
	ret->retransmits = htobe32(info.tcpi_total_retrans);
}

static void serve_one(int fd, const char *name)
{
	struct report report = { .good = 0 };
	uint64_t done;
	struct job job;

	limit_waiting(fd);
	if (!receive_all(fd, &job, sizeof(job)))
		return;
	job.bytes = be64toh(job.bytes);
	job.pause_us = be64toh(job.pause_us);
	report.good = htobe32(receive_stream(fd, &job, SEED_UP, &done));
	if (!send_stream(fd, &job, SEED_DOWN, &done))
		return;
	strncpy(report.name, name, sizeof(report.name) - 1);
	describe(fd, &report);
	send_all(fd, &report, sizeof(report));
	shutdown(fd, SHUT_WR);
	recv(fd, &job, 1, 0); /* until the client closes: a reset would drop what it has not read yet */
}

static int listen_on(char *argument, const char **ret_name)
{
	char *name = strchr(argument, '=');
	struct sockaddr_storage address;
	int fd, one = 1;

	if (!name)
		die("'%s': expected ADDRESS:PORT=NAME", argument);
	*name++ = '\0';
	parse_address(argument, &address);
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&address, address_length(&address)) || listen(fd, 64))
		die("%s: %s", argument, strerror(errno));
	*ret_name = name;
	return fd;
}

/* A child for every connection, which ends with its parent. */
static void accept_one(int listener, const char *name)
{
	int fd = accept(listener, NULL, NULL);

	if (fd < 0)
		return;
	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve_one(fd, name);
		_exit(0);
	}
	close(fd);
}

static void serve(int count, char **arguments)
{
	struct pollfd polled[MAX_LISTENERS];
	const char *names[MAX_LISTENERS];
	int i;

	if (count < 1 || count > MAX_LISTENERS)
		die("usage: bulk serve ADDRESS:PORT=NAME ...");
	signal(SIGCHLD, SIG_IGN);
	for (i = 0; i < count; i++)
		polled[i] = (struct pollfd){ .fd = listen_on(arguments[i], &names[i]), .events = POLLIN };
	for (;;) {
		if (poll(polled, (nfds_t)count, -1) < 0 && errno != EINTR)
			die("poll: %s", strerror(errno));
		for (i = 0; i < count; i++)
			if (polled[i].revents)
				accept_one(polled[i].fd, names[i]);
	}
}

static void ask(const char *target, const struct job *job)
{
	struct job wire = { htobe64(job->bytes), htobe64(job->pause_us) };
	struct report here = { 0 }, there = { 0 };
	struct sockaddr_storage address;
	uint64_t sent = 0, received = 0, start = now_ms();
	const char *error = "none";
	bool good = false;
	int fd;

	parse_address(target, &address);
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("socket: %s", strerror(errno));
	limit_waiting(fd);
	errno = 0;
	if (connect(fd, (struct sockaddr *)&address, address_length(&address)) || !send_all(fd, &wire, sizeof(wire)) ||
	    !send_stream(fd, job, SEED_UP, &sent) || !receive_stream(fd, job, SEED_DOWN, &received) ||
	    !receive_all(fd, &there, sizeof(there)))
		error = errno ? strerror(errno) : "ended early, or other bytes";
	else
		good = be32toh(there.good);
	describe(fd, &here);
	printf("{\"name\": \"%s\", \"good\": %s, \"error\": \"%s\", \"sent\": %llu, \"received\": %llu,"
	       " \"milliseconds\": %llu,\n",
	       there.name, good ? "true" : "false", error, (unsigned long long)sent, (unsigned long long)received,
	       (unsigned long long)(now_ms() - start));
	printf(" \"client\": {\"pmtu\": %u, \"mss\": %u, \"retransmits\": %u},\n"
	       " \"server\": {\"pmtu\": %u, \"mss\": %u, \"retransmits\": %u}}\n",
	       be32toh(here.pmtu), be32toh(here.mss), be32toh(here.retransmits), be32toh(there.pmtu),
	       be32toh(there.mss), be32toh(there.retransmits));
}

int main(int argc, char **argv)
{
	struct job job = { 0 };

	if (argc >= 3 && !strcmp(argv[1], "serve"))
		serve(argc - 2, argv + 2);
	if (argc < 4 || argc > 5 || strcmp(argv[1], "ask") != 0)
		die("usage: bulk serve ADDRESS:PORT=NAME ... | bulk ask ADDRESS:PORT BYTES [PAUSE_US]");
	job.bytes = (uint64_t)parse_number("BYTES", argv[3], 1, 1L << 40);
	job.pause_us = argc == 5 ? (uint64_t)parse_number("PAUSE_US", argv[4], 0, 1000000) : 0;
	ask(argv[2], &job);
	return 0;
}
