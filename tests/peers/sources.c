/* SPDX-License-Identifier: BSD-2-Clause */
/* Gives every connection of a program a source address of its own, which wrk cannot: preloaded into it, this binds each
 * socket before it connects. PEERS_SOURCES says from which address on, and how many: "10.64.0.0/4096".
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static uint32_t first, count;
static atomic_uint next_source;

__attribute__((constructor)) static void read_sources(void)
{
	const char *sources = getenv("PEERS_SOURCES");
	char address[INET_ADDRSTRLEN];
	struct in_addr parsed;

	if (!sources || sscanf(sources, "%15[0-9.]/%u", address, &count) != 2 || !count ||
	    inet_pton(AF_INET, address, &parsed) != 1) {
		fprintf(stderr, "PEERS_SOURCES: expected the first address and a number, like 10.64.0.0/4096\n");
		exit(2);
	}
	first = ntohl(parsed.s_addr);
}

static void bind_next(int fd)
{
	struct sockaddr_in source = { .sin_family = AF_INET };
	int one = 1;

	source.sin_addr.s_addr = htonl(first + atomic_fetch_add(&next_source, 1) % count);
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)&source, sizeof(source))) {
		perror("bind");
		exit(2);
	}
}

int connect(int fd, const struct sockaddr *address, socklen_t length)
{
	static int (*real)(int, const struct sockaddr *, socklen_t);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "connect");
	if (address->sa_family == AF_INET)
		bind_next(fd);
	return real(fd, address, length);
}
