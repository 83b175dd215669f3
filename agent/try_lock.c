/* SPDX-License-Identifier: BSD-2-Clause */
/* The lock is an abstract Unix socket: its names are those of the network namespace, and end with whoever bound them. */
#include "try_lock.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "address.h"

static socklen_t name_lock(uint16_t port, uint8_t protocol, struct sockaddr_un *ret)
{
	int length;

	memset(ret, 0, sizeof(*ret));
	ret->sun_family = AF_UNIX;
	length = snprintf(ret->sun_path + 1, sizeof(ret->sun_path) - 1, "serin-try-%u/%s", port,
			  protocol_name(protocol));
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
}

/* 0: not known. */
static pid_t holder(const struct sockaddr_un *name, socklen_t length)
{
	struct ucred peer = { .pid = 0 };
	socklen_t size = sizeof(peer);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return 0;
	if (connect(fd, (const struct sockaddr *)name, length) || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		peer.pid = 0;
	close(fd);
	return peer.pid;
}

int try_lock(uint16_t port, uint8_t protocol, int *ret_fd, struct complaint *complaint)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r;
	struct sockaddr_un name;
	socklen_t length = name_lock(port, protocol, &name);

	if (fd < 0)
		return complain(complaint, -errno, "cannot make a socket: %s", strerror(errno));
	/* Nobody is accepted; listening is what lets others ask for our pid. */
	if (!bind(fd, (const struct sockaddr *)&name, length) && !listen(fd, 16)) {
		*ret_fd = fd;
		return 0;
	}
	r = -errno;
	close(fd);
	if (r != -EADDRINUSE)
		return complain(complaint, r, "cannot lock port %u: %s", port, strerror(-r));
	return complain(complaint, r,
			"port %u/%s is taken: another `serin try` (pid %d) splits it, expected a port that none splits",
			port, protocol_name(protocol), (int)holder(&name, length));
}
