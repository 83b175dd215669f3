/* SPDX-License-Identifier: BSD-2-Clause */
/* What 4096 checks every 2 s cost the agent's thread: its share of a CPU, and how long its loop is held. Backends are
 * addresses of loopback, so the kernel's work for both ends of a connection is in the figures. */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "checker.h"
#include "loop.h"

#define CHECKS SERIN_MAX_BACKENDS
#define EVERY_MS 2000u
#define TIMEOUT_MS 1000u
#define WARM_MS 3000
#define SECONDS 10
#define SERVERS 4
#define TICK_MS 5

struct server {
	__be16 port;
	int socket;
	pid_t pids[SERVERS];
};

struct bench {
	struct loop *loop;
	struct checker *checker;
	int64_t ticked_us, late_us; /* a timer of the same loop: how much later than TICK_MS it came at worst */
};

static int64_t clock_us(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "checks: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void serve(int listener)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";
	char request[1024];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	alarm(120);
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			_exit(1);
		if (read(fd, request, sizeof(request)) > 0 && write(fd, answer, sizeof(answer) - 1) < 0)
			_exit(1);
		close(fd);
	}
}

/* On all of 127.0.0.0/8. Without `accepts`, it shakes hands as long as the backlog lasts and says nothing. */
static void server_start(struct server *server, bool listens, bool accepts)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	socklen_t length = sizeof(any);

	memset(server, 0, sizeof(*server));
	server->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (server->socket < 0 || bind(server->socket, (struct sockaddr *)&any, length) ||
	    getsockname(server->socket, (struct sockaddr *)&any, &length))
		die("bind");
	server->port = any.sin_port;
	if (listens && listen(server->socket, 4096))
		die("listen");
	for (int i = 0; accepts && i < SERVERS; i++) {
		server->pids[i] = fork();
		if (!server->pids[i])
			serve(server->socket);
	}
}

static void server_stop(struct server *server)
{
	for (int i = 0; i < SERVERS; i++) {
		if (server->pids[i] > 0) {
			kill(server->pids[i], SIGKILL);
			waitpid(server->pids[i], NULL, 0);
		}
	}
	close(server->socket);
}

static void on_result(void *context, unsigned int id, const struct check_result *result)
{
	(void)context;
	(void)id;
	(void)result;
}

static void on_tick(void *context)
{
	struct bench *bench = context;
	int64_t now_us = clock_us(CLOCK_MONOTONIC), late = now_us - bench->ticked_us - TICK_MS * 1000;

	if (bench->ticked_us && late > bench->late_us)
		bench->late_us = late;
	bench->ticked_us = now_us;
}

static void on_end(void *context)
{
	struct bench *bench = context;

	loop_stop(bench->loop);
}

static void set_all(struct bench *bench, enum check_kind kind, const struct server *server, const struct server *silent,
		    unsigned int one_silent_in)
{
	for (unsigned int id = 0; id < CHECKS; id++) {
		bool ill = one_silent_in && id % one_silent_in == 0;
		struct check check = { .kind = kind,
				       .endpoint.port = ill ? silent->port : server->port,
				       .path = "/healthz",
				       .status_first = 200,
				       .status_last = 399,
				       .every_ms = EVERY_MS,
				       .timeout_ms = TIMEOUT_MS };
		char text[ADDRESS_TEXT_LEN];

		snprintf(text, sizeof(text), "127.1.%u.%u", id >> 8, id & 255);
		if (address_parse(text, &check.endpoint.addr) || checker_set(bench->checker, id, &check))
			die("checker_set");
	}
}

static void run_ms(struct bench *bench, struct loop_source *end, int64_t ms)
{
	loop_set_timer(end, ms, 0);
	if (loop_run(bench->loop))
		die("loop_run");
}

static int64_t to_us(const struct timeval *time)
{
	return time->tv_sec * INT64_C(1000000) + time->tv_usec;
}

static void report(const char *name, int64_t wall_us, int64_t user_us, int64_t system_us,
		   const struct checker_figures *before, const struct checker_figures *after)
{
	uint64_t done[3], all = 0;

	for (int i = 0; i < 3; i++) {
		done[i] = after->results[i] - before->results[i];
		all += done[i];
	}
	printf("%-28s %.0f/s (%" PRIu64 " passed, %" PRIu64 " failed, %" PRIu64 " impossible), behind by %" PRId64
	       " ms\n",
	       name, (double)all * 1e6 / (double)wall_us, done[CHECK_PASSED], done[CHECK_FAILED],
	       done[CHECK_IMPOSSIBLE], after->late_ms);
	printf("%28s %.1f %% of a CPU; each check %.1f us, %.1f of it in the kernel\n", "",
	       100.0 * (double)(user_us + system_us) / (double)wall_us, (double)(user_us + system_us) / (double)all,
	       (double)system_us / (double)all);
}

static void measure(const char *name, enum check_kind kind, const struct server *server, const struct server *silent,
		    unsigned int one_silent_in)
{
	struct checker_figures before, after;
	struct loop_source *tick, *end;
	struct rusage used, used_after;
	struct bench bench = { 0 };
	int64_t wall_us;

	if (loop_new(&bench.loop) || loop_add_timer(bench.loop, on_tick, &bench, &tick) ||
	    loop_add_timer(bench.loop, on_end, &bench, &end) ||
	    checker_new(bench.loop, on_result, NULL, &bench.checker))
		die("set up");
	set_all(&bench, kind, server, silent, one_silent_in);
	loop_set_timer(tick, TICK_MS, TICK_MS);
	run_ms(&bench, end, WARM_MS);
	checker_measure(bench.checker, &before);
	bench.late_us = 0;
	getrusage(RUSAGE_THREAD, &used);
	wall_us = clock_us(CLOCK_MONOTONIC);
	run_ms(&bench, end, SECONDS * 1000);
	wall_us = clock_us(CLOCK_MONOTONIC) - wall_us;
	getrusage(RUSAGE_THREAD, &used_after);
	checker_measure(bench.checker, &after);
	report(name, wall_us, to_us(&used_after.ru_utime) - to_us(&used.ru_utime),
	       to_us(&used_after.ru_stime) - to_us(&used.ru_stime), &before, &after);
	printf("%28s longest turn %.1f ms, loop late by %.1f ms at worst\n", "", (double)after.longest_us / 1000,
	       (double)bench.late_us / 1000);
	fflush(stdout);
	checker_free(bench.checker);
	loop_free(bench.loop);
}

int main(void)
{
	struct server well, silent, gone;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	server_start(&well, true, true);
	server_start(&silent, true, false);
	server_start(&gone, false, false);
	printf("%u checks every %u ms, timeout %u ms, at most %u at a time, %u s each:\n", CHECKS, EVERY_MS, TIMEOUT_MS,
	       CHECKER_MAX_RUNNING, SECONDS);
	/* Or a turn would be as long as others on this machine keep the CPU. */
	if (sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){ .sched_priority = 1 }))
		printf("(other processes may preempt: %s)\n", strerror(errno));
	measure("tcp, all well", CHECK_TCP, &well, NULL, 0);
	measure("http, all well", CHECK_HTTP, &well, NULL, 0);
	measure("http, one in ten silent", CHECK_HTTP, &well, &silent, 10);
	measure("tcp, all refused", CHECK_TCP, &gone, NULL, 0);
	server_stop(&well);
	server_stop(&silent);
	server_stop(&gone);
	return 0;
}
