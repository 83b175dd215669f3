/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests to rtnetlink (libmnl): one exchange at a time, with a time limit and checked sequence numbers. */
#include "rtnl.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#define DUMP_ATTEMPTS 5

int rtnl_open(struct rtnl *rtnl)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int r;

	if (!socket)
		return -errno;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		r = -errno;
		mnl_socket_close(socket);
		return r;
	}
	rtnl->socket = socket;
	rtnl->port = mnl_socket_get_portid(socket);
	rtnl->sequence = 0;
	return 0;
}

void rtnl_close(struct rtnl *rtnl)
{
	if (rtnl->socket)
		mnl_socket_close(rtnl->socket);
	rtnl->socket = NULL;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* One datagram into the buffer: its length, or a negative errno. */
static ssize_t receive(struct rtnl *rtnl, int64_t deadline)
{
	struct pollfd wait = { .fd = mnl_socket_get_fd(rtnl->socket), .events = POLLIN };
	int64_t left;
	ssize_t length;

	for (;;) {
		length = mnl_socket_recvfrom(rtnl->socket, rtnl->buffer, sizeof(rtnl->buffer));
		if (length >= 0)
			return length;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		left = deadline - now_ms();
		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&wait, 1, (int)left) < 0 && errno != EINTR)
			return -errno;
	}
}

/* libmnl stops in the middle of an interrupted dump, which then blocks the socket for the next one: take the mark off
 * and read on to the end. */
static bool clear_interrupted(char *buffer, ssize_t length)
{
	struct nlmsghdr *message = (struct nlmsghdr *)buffer;
	int left = (int)length;
	bool interrupted = false;

	for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
		interrupted |= message->nlmsg_flags & NLM_F_DUMP_INTR;
		message->nlmsg_flags &= (uint16_t)~NLM_F_DUMP_INTR;
	}
	return interrupted;
}

int rtnl_talk(struct rtnl *rtnl, struct nlmsghdr *request, mnl_cb_t callback, void *data)
{
	const struct nlmsghdr *first = (const struct nlmsghdr *)rtnl->buffer;
	int64_t deadline = now_ms() + RTNL_TIMEOUT_MS;
	bool interrupted = false;
	ssize_t length;
	int r;

	request->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	request->nlmsg_seq = ++rtnl->sequence;
	if (mnl_socket_sendto(rtnl->socket, request, request->nlmsg_len) < 0)
		return -errno;
	for (;;) {
		length = receive(rtnl, deadline);
		if (length < 0)
			return (int)length;
		/* The late answer to a request that ran out of time. */
		if (length < (ssize_t)sizeof(*first) || first->nlmsg_seq != rtnl->sequence)
			continue;
		interrupted |= clear_interrupted(rtnl->buffer, length);
		r = mnl_cb_run(rtnl->buffer, (size_t)length, rtnl->sequence, rtnl->port, callback, data);
		if (r == MNL_CB_ERROR)
			return -errno;
		if (r == MNL_CB_STOP)
			return interrupted ? -EINTR : 0;
	}
}

int rtnl_dump(struct rtnl *rtnl, uint16_t type, mnl_cb_t callback, void *data)
{
	_Alignas(8) char buffer[RTNL_REQUEST_SIZE];
	size_t header = type == RTM_GETNEIGH ? sizeof(struct ndmsg) : sizeof(struct ifinfomsg);
	struct nlmsghdr *request;
	int attempt, r = -EINTR;

	for (attempt = 0; attempt < DUMP_ATTEMPTS && r == -EINTR; attempt++) {
		request = mnl_nlmsg_put_header(buffer);
		request->nlmsg_type = type;
		request->nlmsg_flags = NLM_F_DUMP;
		mnl_nlmsg_put_extra_header(request, header);
		r = rtnl_talk(rtnl, request, callback, data);
	}
	return r;
}
