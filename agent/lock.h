/* SPDX-License-Identifier: BSD-2-Clause */
/* One agent at a time: an advisory lock on a file beside the socket, which holds the owner's pid. */
#ifndef SERIN_LOCK_H
#define SERIN_LOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "complaint.h"

/* "/run/serin/serin.lock" for the socket "/run/serin/serin.sock"; without that ending, ".lock" is added.
 * 0, or -ENAMETOOLONG. */
int lock_path(const char *socket_path, char *buffer, size_t size);

/* Take the lock, making the file if need be. 0 and a descriptor to close (which gives the lock back); -EBUSY and a
 * complaint that names the owner's pid; another negative errno. The file stays: to unlink it would let two in. */
int lock_take(const char *path, int *ret_fd, struct complaint *complaint);

/* The same on a directory that is there already, such as the one of the pinned maps: agents with different sockets
 * must not share it. */
int lock_take_directory(const char *path, int *ret_fd, struct complaint *complaint);

/* Whether somebody holds it; *ret_pid is then the owner, 0 when not known. A missing file is not held. */
bool lock_held(const char *path, pid_t *ret_pid);

#endif
