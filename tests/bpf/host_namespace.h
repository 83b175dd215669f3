/* SPDX-License-Identifier: BSD-2-Clause */
/* A network namespace of the test's own with sockets in it; for the tests that look at this host. */
#ifndef SERIN_HOST_NAMESPACE_H
#define SERIN_HOST_NAMESPACE_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <cmocka.h>

#include "address.h"

static inline struct serin_addr address(const char *text)
{
	struct serin_addr addr;

	assert_int_equal(address_parse(text, &addr), 0);
	return addr;
}

static inline void run(const char *command)
{
	if (system(command))
		fail_msg("failed: %s", command);
}

/* In one piece, as sysctls want it. */
static inline void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static inline int set_up_namespace(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET) < 0)
		return -1;
	run("ip link set lo up && ip link add v0 type veth peer name v1 &&"
	    "ip addr add 10.77.0.1/24 dev v0 && ip addr add 2001:db8:77::1/64 dev v0 nodad &&"
	    "ip link set v0 up && ip link set v1 up && ip addr add 203.0.113.10/32 dev lo");
	return 0;
}

static inline void set_forwarding(const char *ipv4, const char *ipv6)
{
	write_file("/proc/sys/net/ipv4/ip_forward", ipv4);
	write_file("/proc/sys/net/ipv6/conf/all/forwarding", ipv6);
}

static inline socklen_t fill(struct sockaddr_storage *to, const char *text, uint16_t port)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;
	struct sockaddr_in *in = (struct sockaddr_in *)to;

	memset(to, 0, sizeof(*to));
	if (strchr(text, ':')) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		assert_int_equal(inet_pton(AF_INET6, text, &in6->sin6_addr), 1);
		return sizeof(*in6);
	}
	in->sin_family = AF_INET;
	in->sin_port = htons(port);
	assert_int_equal(inet_pton(AF_INET, text, &in->sin_addr), 1);
	return sizeof(*in);
}

static inline int bind_to(const char *text, uint16_t port)
{
	struct sockaddr_storage to;
	socklen_t length = fill(&to, text, port);
	int fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&to, length), 0);
	return fd;
}

static inline int listen_on(const char *text, uint16_t port)
{
	int fd = bind_to(text, port);

	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static inline int udp_on(const char *text, uint16_t port)
{
	struct sockaddr_storage to;
	socklen_t length = fill(&to, text, port);
	int fd = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&to, length), 0);
	return fd;
}

#endif
