/* SPDX-License-Identifier: BSD-2-Clause */
/* A scrape of the largest kind that is promised: 200 services of 2 versions of 10 backends, every counter of which has
 * moved since the last one. It takes less than 100 ms, and others who ask meanwhile do not wait for it. */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "../scratch.h"
#include "datapath.h"
#include "net.h"
#include "pins.h"

#define SERVICES 200
#define BACKENDS_OF_VERSION 10
#define BACKENDS (SERVICES * 2 * BACKENDS_OF_VERSION)
#define ROUNDS 9

#define SCRAPE_MS 100
#define STALL_MS 50 /* of a tick or a scrape, for somebody else */

static char directory[SCRATCH_LEN], pin_dir[SCRATCH_LEN];
static char socket_path[SCRATCH_PATH_LEN], state_dir[SCRATCH_PATH_LEN], config_path[SCRATCH_PATH_LEN];
static pid_t agent;

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* One port of few addresses for each backend: nobody has to resolve thousands of neighbours. */
static void write_config(void)
{
	FILE *file = fopen(config_path, "w");
	unsigned int n = 0;

	assert_non_null(file);
	fprintf(file, "interfaces: [%s, %s]\nhttp: off\nflows: 256\nservices:\n", NET_FRONT, NET_REAR);
	for (unsigned int s = 0; s < SERVICES; s++) {
		fprintf(file,
			"- {name: service-%u, listen: '203.0.113.10:%u/tcp', forward: gateway, protocol: http,\n"
			"   baseline: stable, versions: {",
			s, 1000 + s);
		for (unsigned int v = 0; v < 2; v++) {
			fprintf(file, "%s%s: {backends: [", v ? ", " : "", v ? "canary" : "stable");
			for (unsigned int b = 0; b < BACKENDS_OF_VERSION; b++, n++)
				fprintf(file, "%s'10.0.0.%u:%u'", b ? ", " : "", 0x11 + n % 8, 2000 + n / 8);
			fprintf(file, "]%s}", v ? ", weight: 5%" : "");
		}
		fprintf(file, "}}\n");
	}
	assert_int_equal(fclose(file), 0);
}

/* A whole answer, to its end: its length, or 0 when there is none. */
static size_t ask(const char *path, char *into, size_t size)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char request[128];
	size_t length = 0;
	ssize_t got;

	strcpy(to.sun_path, socket_path);
	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) ||
	    write(fd, request, strlen(request)) != (ssize_t)strlen(request))
		goto out;
	while ((got = read(fd, into + length, size - length - 1)) > 0)
		length += (size_t)got;
	into[length] = '\0';
out:
	close(fd);
	return length;
}

static void run_agent(void)
{
	char path[PATH_MAX + 16], self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[length > 0 ? length : 0] = '\0';
	snprintf(path, sizeof(path), "%s/../serin", dirname(self));
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!getenv("V") && !freopen("/dev/null", "w", stderr))
		_exit(1);
	execl(path, "serin", "run", "-c", config_path, "--pin-dir", pin_dir, "--state-dir", state_dir, "--socket",
	      socket_path, (char *)NULL);
	_exit(1);
}

static int setup(void **state)
{
	static char answer[4096];

	(void)state;
	assert_int_equal(scratch_directory(directory), 0);
	assert_int_equal(scratch_pin_dir(pin_dir), 0);
	snprintf(socket_path, sizeof(socket_path), "%s/socket", directory);
	snprintf(state_dir, sizeof(state_dir), "%s/state", directory);
	snprintf(config_path, sizeof(config_path), "%s/serin.yaml", directory);
	write_config();
	agent = fork();
	if (!agent)
		run_agent();
	for (int i = 0; i < 1200; i++) {
		if (ask("/readyz", answer, sizeof(answer)) && strstr(answer, " 200 "))
			return 0;
		assert_int_equal(waitpid(agent, NULL, WNOHANG), 0);
		usleep(50000);
	}
	return -1;
}

static int teardown(void **state)
{
	struct complaint complaint = { "" };
	unsigned int removed;

	(void)state;
	kill(agent, SIGTERM);
	waitpid(agent, NULL, 0);
	return datapath_detach(pin_dir, &removed, &complaint);
}

static int open_pin(const char *name)
{
	char path[PINS_PATH_LEN];
	int fd;

	pins_path(pin_dir, name, path);
	fd = bpf_obj_get(path);
	assert_true(fd >= 0);
	return fd;
}

/* Every word of every backend counts `to` on every CPU, as traffic would have it. */
static void move_all(uint64_t to)
{
	size_t cpus = (size_t)libbpf_num_possible_cpus(), words = sizeof(struct serin_observed) / 8;
	uint64_t *values = calloc(cpus * words, 8);
	int stats = open_pin("stats"), outer = open_pin("observed"), fd;
	__u32 zero = 0, id, map;

	assert_non_null(values);
	for (size_t i = 0; i < cpus * words; i++)
		values[i] = to;
	for (id = 0; id < BACKENDS; id++) {
		assert_int_equal(bpf_map_lookup_elem(outer, &id, &map), 0);
		fd = bpf_map_get_fd_by_id(map);
		assert_true(fd >= 0);
		assert_int_equal(bpf_map_update_elem(fd, &zero, values, BPF_ANY), 0);
		assert_int_equal(bpf_map_update_elem(stats, &id, values, BPF_ANY), 0);
		close(fd);
	}
	close(stats);
	close(outer);
	free(values);
}

/* Somebody else, who asks again and again: how long he had to wait at most. */
struct other {
	atomic_bool stop;
	double worst_ms;
	atomic_uint answers;
};

static void *ask_all_the_time(void *context)
{
	struct other *other = context;
	char answer[4096];
	double start, took;

	while (!atomic_load(&other->stop)) {
		start = now_ms();
		other->answers += ask("/healthz", answer, sizeof(answer)) > 0;
		took = now_ms() - start;
		if (took > other->worst_ms)
			other->worst_ms = took;
		usleep(500);
	}
	return NULL;
}

/* However late a busy machine lets the other thread run; it is stopped by the runner's limit at last. */
static void wait_for_answers(struct other *other, unsigned int count)
{
	while (atomic_load(&other->answers) < count)
		usleep(500);
}

static int compare(const void *one, const void *other)
{
	double a = *(const double *)one, b = *(const double *)other;

	return a < b ? -1 : a > b;
}

static uint64_t count_lines(const char *text, const char *begin)
{
	uint64_t count = 0;

	for (; (text = strstr(text, begin)); text++)
		count++;
	return count;
}

static void two_hundred_services(void **state)
{
	size_t size = 64u << 20, length = 0;
	double took[ROUNDS], worst[ROUNDS], start;
	char *text = malloc(size);

	(void)state;
	assert_non_null(text);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		struct other other = { .stop = false };
		pthread_t thread;

		move_all(round + 1);
		assert_int_equal(pthread_create(&thread, NULL, ask_all_the_time, &other), 0);
		wait_for_answers(&other, 3);
		start = now_ms();
		length = ask("/metrics", text, size);
		took[round] = now_ms() - start;
		wait_for_answers(&other, atomic_load(&other.answers) + 3);
		atomic_store(&other.stop, true);
		pthread_join(thread, NULL);
		worst[round] = other.worst_ms;
		assert_int_equal(count_lines(text, "\nserin_requests_total{"), BACKENDS);
		assert_int_equal(count_lines(text, "\nserin_response_seconds_count{"), 2 * SERVICES);
	}
	qsort(took, ROUNDS, sizeof(took[0]), compare);
	qsort(worst, ROUNDS, sizeof(worst[0]), compare);
	print_message("%.1f MB in %.1f ms (%.1f to %.1f); others waited %.1f ms (%.1f to %.1f)\n", (double)length / 1e6,
		      took[ROUNDS / 2], took[0], took[ROUNDS - 1], worst[ROUNDS / 2], worst[0], worst[ROUNDS - 1]);
	assert_true(took[ROUNDS / 2] < SCRAPE_MS);
	assert_true(worst[ROUNDS / 2] < STALL_MS);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(two_hundred_services) };

	net_enter();
	return cmocka_run_group_tests_name("scrape", tests, setup, teardown);
}
