/* SPDX-License-Identifier: BSD-2-Clause */
/* When connections begin, by the kernel's clock and not by when a busy server gets round to them: writes one line into FILE
 * for every TCP SYN that comes in by DEV, "NANOSECONDS SOURCE", in CLOCK_MONOTONIC.
 *
 *     syns DEV FILE
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common.h"

/* IPv4, TCP, a first fragment, SYN and not ACK. Without the frame's header, since the socket is of kind SOCK_DGRAM. */
static const struct sock_filter only_syns[] = {
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 7),
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 5, 0),
	BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
	BPF_STMT(BPF_LD | BPF_B | BPF_IND, 13),
	BPF_STMT(BPF_ALU | BPF_AND | BPF_K, TH_SYN | TH_ACK),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TH_SYN, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, 0xffff),
	BPF_STMT(BPF_RET | BPF_K, 0),
};

static int open_socket(const char *device)
{
	struct sock_fprog program = { .len = sizeof(only_syns) / sizeof(only_syns[0]),
				      .filter = (struct sock_filter *)only_syns };
	struct sockaddr_ll where = { .sll_family = AF_PACKET,
				     .sll_protocol = htons(ETH_P_IP),
				     .sll_ifindex = (int)if_nametoindex(device) };
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&where, sizeof(where)))
		die("%s: %s", device, strerror(errno));
	return fd;
}

static int64_t nanoseconds(const struct timespec *time)
{
	return time->tv_sec * INT64_C(1000000000) + time->tv_nsec;
}

/* The kernel stamps packets in CLOCK_REALTIME. */
static int64_t to_monotonic(const struct timespec *stamp)
{
	struct timespec real, monotonic;

	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	return nanoseconds(stamp) - nanoseconds(&real) + nanoseconds(&monotonic);
}

static void note(int fd, FILE *file)
{
	char control[CMSG_SPACE(sizeof(struct timespec))], packet[64], source[INET_ADDRSTRLEN];
	struct iovec into = { packet, sizeof(packet) };
	struct msghdr message = {
		.msg_iov = &into, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
	};
	struct sockaddr_ll from;
	struct cmsghdr *header;
	struct timespec stamp;

	message.msg_name = &from;
	message.msg_namelen = sizeof(from);
	if (recvmsg(fd, &message, 0) < (ssize_t)sizeof(struct iphdr) || from.sll_pkttype == PACKET_OUTGOING)
		return;
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_type != SO_TIMESTAMPNS)
		die("a packet without a time");
	memcpy(&stamp, CMSG_DATA(header), sizeof(stamp));
	inet_ntop(AF_INET, packet + 12, source, sizeof(source));
	fprintf(file, "%lld %s\n", (long long)to_monotonic(&stamp), source);
	fflush(file);
}

int main(int argc, char **argv)
{
	FILE *file;
	int fd;

	if (argc != 3)
		die("usage: syns DEV FILE");
	fd = open_socket(argv[1]);
	file = fopen(argv[2], "w");
	if (!file)
		die("%s: %s", argv[2], strerror(errno));
	for (;;)
		note(fd, file);
}
