/* SPDX-License-Identifier: BSD-2-Clause */
/* Servers on loopback that behave well and badly, each a process of its own, and a loop that waits for results. */
#ifndef SERIN_TESTS_CHECK_SERVERS_H
#define SERIN_TESTS_CHECK_SERVERS_H

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checker.h"
#include "loop.h"

#define SHORT_MS 300  /* a timeout that is meant to be reached */
#define LONG_MS 10000 /* one that is not */
#define MAX_RESULTS 1024

struct server {
	struct endpoint endpoint;
	int socket;
	pid_t pid; /* 0: nobody accepts */
	int filler[3];
};

typedef void (*behave_fn)(int connection, const char *say);

static inline void server_bind(struct server *server, const char *address)
{
	int family = strchr(address, ':') ? AF_INET6 : AF_INET;
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} bound = { .any = { .sa_family = (sa_family_t)family } };
	socklen_t length = family == AF_INET ? sizeof(bound.v4) : sizeof(bound.v6);

	*server = (struct server){ .filler = { -1, -1, -1 } };
	inet_pton(family, address, family == AF_INET ? (void *)&bound.v4.sin_addr : (void *)&bound.v6.sin6_addr);
	server->socket = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server->socket, &bound.any, length), 0);
	assert_int_equal(getsockname(server->socket, &bound.any, &length), 0);
	assert_int_equal(address_parse(address, &server->endpoint.addr), 0);
	server->endpoint.port = family == AF_INET ? bound.v4.sin_port : bound.v6.sin6_port;
}

/* The kernel shakes hands for it, and that is all. */
static inline void server_listen(struct server *server, const char *address, int backlog)
{
	server_bind(server, address);
	assert_int_equal(listen(server->socket, backlog), 0);
}

/* A backlog with no room left: SYNs are dropped, as by a frozen host or a firewall. */
static inline void server_deaf(struct server *server)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };

	server_listen(server, "127.0.0.1", 0);
	to.sin_port = server->endpoint.port;
	for (int i = 0; i < 3; i++) {
		server->filler[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)!connect(server->filler[i], (struct sockaddr *)&to, sizeof(to));
		usleep(1000);
	}
}

static inline void serve_forever(const struct server *server, behave_fn behave, const char *say)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	alarm(60);
	for (;;) {
		int connection = accept4(server->socket, NULL, NULL, SOCK_CLOEXEC);

		if (connection < 0)
			_exit(1);
		behave(connection, say);
		close(connection);
	}
}

static inline void server_start(struct server *server, const char *address, behave_fn behave, const char *say)
{
	server_listen(server, address, 128);
	server->pid = fork();
	assert_true(server->pid >= 0);
	if (!server->pid)
		serve_forever(server, behave, say);
}

static inline void server_stop(struct server *server)
{
	if (server->pid > 0) {
		kill(server->pid, SIGKILL);
		waitpid(server->pid, NULL, 0);
	}
	for (int i = 0; i < 3; i++) {
		if (server->filler[i] >= 0)
			close(server->filler[i]);
	}
	close(server->socket);
}

/* Until the empty line of a request. False: it hung up before. */
static inline bool read_request(int connection, char *request, size_t size)
{
	size_t length = 0;
	ssize_t n;

	while (length < size - 1 && (n = read(connection, request + length, size - 1 - length)) > 0) {
		length += (size_t)n;
		request[length] = '\0';
		if (strstr(request, "\r\n\r\n"))
			return true;
	}
	return false;
}

static inline void say_it(int connection, const char *say)
{
	char request[4096];

	if (read_request(connection, request, sizeof(request)) && write(connection, say, strlen(say)) < 0)
		_exit(1);
}

struct seen {
	unsigned int id;
	enum check_verdict verdict;
	enum health_reason why;
	char text[CHECK_TEXT_LEN];
	unsigned int took_ms;
};

struct run {
	struct loop *loop;
	struct checker *checker;
	struct loop_source *guard;
	struct seen seen[MAX_RESULTS];
	unsigned int count, wanted;
	bool gave_up;
};

static inline void run_result(void *context, unsigned int id, const struct check_result *result)
{
	struct run *run = context;
	struct seen *seen = &run->seen[run->count++ % MAX_RESULTS];

	*seen = (struct seen){ id, result->verdict, result->why, "", result->took_ms };
	snprintf(seen->text, sizeof(seen->text), "%s", result->text);
	if (run->count >= run->wanted)
		loop_stop(run->loop);
}

static inline void run_guard(void *context)
{
	struct run *run = context;

	run->gave_up = true;
	loop_stop(run->loop);
}

static inline void run_new(struct run *run, checker_fn fn)
{
	memset(run, 0, sizeof(*run));
	assert_int_equal(loop_new(&run->loop), 0);
	assert_int_equal(loop_add_timer(run->loop, run_guard, run, &run->guard), 0);
	assert_int_equal(checker_new(run->loop, fn ? fn : run_result, run, &run->checker), 0);
}

/* True when `more` results came before `ms` were over. */
static inline bool run_for(struct run *run, unsigned int more, int64_t ms)
{
	run->wanted = run->count + more;
	run->gave_up = false;
	loop_set_timer(run->guard, ms, 0);
	assert_int_equal(loop_run(run->loop), 0);
	return !run->gave_up;
}

static inline void run_free(struct run *run)
{
	checker_free(run->checker);
	loop_free(run->loop);
}

static inline const struct seen *run_find(const struct run *run, unsigned int id)
{
	for (unsigned int i = 0; i < run->count && i < MAX_RESULTS; i++) {
		if (run->seen[i].id == id)
			return &run->seen[i];
	}
	fail_msg("no result of %u", id);
	return NULL;
}

#endif
