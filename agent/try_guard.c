/* SPDX-License-Identifier: BSD-2-Clause */
/* The guard holds the reading end of a pipe that nobody writes to: it reads the end of the other process. */
#include "try_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Out of the terminal's process group, which Ctrl-C and a kill of the whole group are sent to; and whoever reads our output
 * is not to wait for two. Signals that the first process has blocked for its loop are blocked here as well. */
static _Noreturn void wait_and_detach(int fd, struct datapath *datapath)
{
	int null = open("/dev/null", O_RDWR);
	char byte;

	setsid();
	for (int i = 0; i <= STDERR_FILENO && null >= 0; i++)
		dup2(null, i);
	while (read(fd, &byte, 1) < 0 && errno == EINTR)
		;
	datapath_close(datapath);
	_exit(0);
}

int try_guard_start(struct try_guard *ret, struct datapath *datapath, struct complaint *complaint)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return complain(complaint, -errno, "cannot make a pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0) {
		close(fds[0]);
		close(fds[1]);
		return complain(complaint, -EAGAIN,
				"cannot start a second process, which would undo all if this one "
				"were killed");
	}
	if (!pid) {
		close(fds[1]);
		wait_and_detach(fds[0], datapath);
	}
	close(fds[0]);
	*ret = (struct try_guard){ .pid = pid, .fd = fds[1] };
	return 0;
}

void try_guard_end(struct try_guard *guard)
{
	if (guard->fd < 0)
		return;
	close(guard->fd);
	while (waitpid(guard->pid, NULL, 0) < 0 && errno == EINTR)
		;
	*guard = TRY_GUARD_NONE;
}
