/* SPDX-License-Identifier: BSD-2-Clause */
/* A UDP server that answers every datagram with "NAME ADDRESS LENGTH\n", its name, the client's address as it sees it
 * and the datagram's length, and the datagram itself.
 *
 *     udpecho ADDRESS:PORT=NAME ...
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

#define MAX_LISTENERS 16
#define MAX_DATAGRAM 65000
#define HEAD_SIZE 128

static int open_socket(char *argument, const char **ret_name)
{
	char *name = strchr(argument, '=');
	struct sockaddr_storage address;
	int fd, buffer = 8 << 20;

	if (!name)
		die("'%s': expected ADDRESS:PORT=NAME", argument);
	*name++ = '\0';
	parse_address(argument, &address);
	fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, address_length(&address)))
		die("%s: %s", argument, strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof(buffer));
	*ret_name = name;
	return fd;
}

static void answer(int fd, const char *name)
{
	static char datagram[HEAD_SIZE + MAX_DATAGRAM];
	char head[HEAD_SIZE], address[INET6_ADDRSTRLEN];
	struct sockaddr_storage from;
	socklen_t from_length = sizeof(from);
	int head_length;
	ssize_t got;

	got = recvfrom(fd, datagram + HEAD_SIZE, MAX_DATAGRAM, 0, (struct sockaddr *)&from, &from_length);
	if (got < 0)
		return; /* an ICMP error of an earlier answer */
	format_address(&from, address);
	head_length = snprintf(head, sizeof(head), "%s %s %zd\n", name, address, got);
	memcpy(datagram + HEAD_SIZE - head_length, head, (size_t)head_length);
	sendto(fd, datagram + HEAD_SIZE - head_length, (size_t)(got + head_length), 0, (struct sockaddr *)&from,
	       from_length);
}

int main(int argc, char **argv)
{
	struct pollfd polled[MAX_LISTENERS];
	const char *names[MAX_LISTENERS];
	int count = argc - 1, i;

	if (count < 1 || count > MAX_LISTENERS)
		die("usage: udpecho ADDRESS:PORT=NAME ...");
	for (i = 0; i < count; i++)
		polled[i] = (struct pollfd){ .fd = open_socket(argv[i + 1], &names[i]), .events = POLLIN };
	for (;;) {
		if (poll(polled, (nfds_t)count, -1) < 0 && errno != EINTR)
			die("poll: %s", strerror(errno));
		for (i = 0; i < count; i++)
			if (polled[i].revents)
				answer(polled[i].fd, names[i]);
	}
}
