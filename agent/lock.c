/* SPDX-License-Identifier: BSD-2-Clause */
/* The lock of the agent: flock(2), which the kernel gives back whatever way the owner dies. */
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

int lock_path(const char *socket_path, char *buffer, size_t size)
{
	static const char ending[] = ".sock";
	size_t length = strlen(socket_path);

	if (length > sizeof(ending) - 1 && !strcmp(socket_path + length - (sizeof(ending) - 1), ending))
		length -= sizeof(ending) - 1;
	if (snprintf(buffer, size, "%.*s.lock", (int)length, socket_path) >= (int)size)
		return -ENAMETOOLONG;
	return 0;
}

static pid_t read_pid(int fd)
{
	char text[24];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return 0;
	text[n] = '\0';
	return (pid_t)strtol(text, NULL, 10);
}

/* `lock_held` of another process holds a shared lock for a moment: try again before believing that it is an agent. */
static int try_lock(int fd)
{
	for (int i = 0; i < 5; i++) {
		if (!flock(fd, LOCK_EX | LOCK_NB))
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		usleep(20000);
	}
	return -EBUSY;
}

static int write_pid(int fd)
{
	char text[24];
	int length = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	if (ftruncate(fd, 0) || pwrite(fd, text, (size_t)length, 0) != length)
		return errno ? -errno : -EIO;
	return 0;
}

int lock_take(const char *path, int *ret_fd, struct complaint *complaint)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	int r;

	if (fd < 0) {
		r = -errno;
		return complain(complaint, r, "cannot open the lock file %s: %s", path, strerror(-r));
	}
	r = try_lock(fd);
	if (r == -EBUSY) {
		complain(complaint, r, "another agent is running (pid %ld holds %s): only one can", (long)read_pid(fd),
			 path);
		goto out;
	}
	if (!r)
		r = write_pid(fd);
	if (r) {
		complain(complaint, r, "cannot lock %s: %s", path, strerror(-r));
		goto out;
	}
	*ret_fd = fd;
	return 0;
out:
	close(fd);
	return r;
}

int lock_take_directory(const char *path, int *ret_fd, struct complaint *complaint)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0) {
		r = -errno;
		return complain(complaint, r, "cannot open %s: %s", path, strerror(-r));
	}
	r = try_lock(fd);
	if (r) {
		close(fd);
		return complain(complaint, r,
				r == -EBUSY ? "another agent uses %s: each needs its own --pin-dir" : "cannot lock %s",
				path);
	}
	*ret_fd = fd;
	return 0;
}

bool lock_held(const char *path, pid_t *ret_pid)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool held;

	if (fd < 0)
		return false;
	held = flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
	if (held)
		*ret_pid = read_pid(fd);
	close(fd);
	return held;
}
