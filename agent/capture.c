/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs another program for what it prints. */
#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROOM 65536u

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* posix_spawn() returns errors, it does not set errno. */
static int start(const char *const argv[], int output, pid_t *ret_pid)
{
	static char language[] = "LC_ALL=C", path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char *const environment[] = { language, path, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	int r;

	/* The event loop blocks signals for its signalfd; a child would inherit that. */
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	r = posix_spawnattr_setsigmask(&attributes, &none);
	if (!r)
		r = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	if (!r)
		r = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	if (!r)
		r = posix_spawn_file_actions_adddup2(&actions, output, 1);
	if (!r)
		r = posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	if (!r)
		r = posix_spawn(ret_pid, argv[0], &actions, &attributes, (char *const *)(uintptr_t)argv, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

static int wait_readable(int fd, int64_t deadline)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	int64_t left;
	int r;

	for (;;) {
		left = deadline - now_ms();
		if (left <= 0)
			return -ETIMEDOUT;
		r = poll(&wait, 1, (int)left);
		if (r > 0)
			return 0;
		if (r < 0 && errno != EINTR)
			return -errno;
	}
}

/* Everything until the end of the file. */
static int read_all(int fd, int64_t deadline, size_t limit, char **ret_text)
{
	size_t length = 0, room = 0;
	char *text = NULL, *larger;
	ssize_t got = 0;
	int r = 0;

	do {
		length += (size_t)got;
		if (length > limit)
			r = -EFBIG;
		else if (length + 1 >= room) {
			room = room ? room * 2 : ROOM;
			larger = realloc(text, room);
			text = larger ? larger : text;
			r = larger ? 0 : -ENOMEM;
		}
		if (!r)
			r = wait_readable(fd, deadline);
		if (r < 0) {
			free(text);
			return r;
		}
		got = read(fd, text + length, room - length - 1);
	} while (got > 0);
	text[length] = '\0';
	*ret_text = text;
	return 0;
}

/* It has closed its output, or is to be killed: either way this does not take long. */
static int reap(pid_t pid, int64_t deadline, bool kill_it)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	int status, r = 0;

	while (!kill_it && !(r = waitpid(pid, &status, WNOHANG))) {
		if (now_ms() > deadline)
			kill_it = true;
		else
			nanosleep(&pause, NULL);
	}
	if (kill_it) {
		kill(pid, SIGKILL);
		do {
			r = waitpid(pid, &status, 0);
		} while (r < 0 && errno == EINTR);
	}
	return r == pid && WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -ECHILD;
}

int capture_output(const char *const argv[], int timeout_ms, size_t limit, char **ret_text)
{
	int64_t deadline = now_ms() + timeout_ms;
	char *text = NULL;
	int ends[2], r, status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	r = start(argv, ends[1], &pid);
	close(ends[1]);
	if (!r) {
		r = read_all(ends[0], deadline, limit, &text);
		status = reap(pid, deadline, r < 0);
		r = r < 0 ? r : status;
	}
	close(ends[0]);
	if (r < 0)
		free(text);
	else
		*ret_text = text;
	return r;
}
