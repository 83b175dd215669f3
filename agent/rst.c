/* SPDX-License-Identifier: BSD-2-Clause */
/* A reset is accepted for its sequence number alone (RFC 5961, section 3.2), which is why flows remember both sides'. */
#include "rst.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"

#define HOP_LIMIT 64

struct rst {
	int ipv4, ipv6; /* -1: the host has none */
};

/* RFC 1071, over an even number of bytes. */
static uint64_t add_words(uint64_t sum, const void *data, size_t length)
{
	const uint8_t *byte = data;

	for (size_t i = 0; i < length; i += 2)
		sum += (uint32_t)byte[i] << 8 | byte[i + 1];
	return sum;
}

static uint16_t finish_sum(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void write_tcp(const struct rst_segment *segment, uint64_t pseudo, struct tcphdr *tcp)
{
	memset(tcp, 0, sizeof(*tcp));
	tcp->th_sport = segment->sport;
	tcp->th_dport = segment->dport;
	tcp->th_seq = htonl(segment->seq);
	tcp->th_ack = segment->has_ack ? htonl(segment->ack) : 0;
	tcp->th_off = sizeof(*tcp) / 4;
	tcp->th_flags = segment->has_ack ? TH_RST | TH_ACK : TH_RST;
	tcp->th_sum = finish_sum(add_words(pseudo + IPPROTO_TCP + sizeof(*tcp), tcp, sizeof(*tcp)));
}

static size_t build_ipv4(const struct rst_segment *segment, uint8_t *ret)
{
	struct iphdr ip = {
		.version = 4,
		.ihl = sizeof(ip) / 4,
		.tot_len = htons(sizeof(ip) + sizeof(struct tcphdr)),
		.frag_off = htons(IP_DF),
		.ttl = HOP_LIMIT,
		.protocol = IPPROTO_TCP,
		.saddr = segment->src.word[3],
		.daddr = segment->dst.word[3],
	};
	struct tcphdr tcp;

	ip.check = finish_sum(add_words(0, &ip, sizeof(ip)));
	write_tcp(segment, add_words(0, &ip.saddr, 8), &tcp);
	memcpy(ret, &ip, sizeof(ip));
	memcpy(ret + sizeof(ip), &tcp, sizeof(tcp));
	return sizeof(ip) + sizeof(tcp);
}

static size_t build_ipv6(const struct rst_segment *segment, uint8_t *ret)
{
	struct ip6_hdr ip = { .ip6_flow = htonl(6u << 28) };
	struct tcphdr tcp;

	ip.ip6_plen = htons(sizeof(tcp));
	ip.ip6_nxt = IPPROTO_TCP;
	ip.ip6_hlim = HOP_LIMIT;
	memcpy(&ip.ip6_src, &segment->src, sizeof(ip.ip6_src));
	memcpy(&ip.ip6_dst, &segment->dst, sizeof(ip.ip6_dst));
	write_tcp(segment, add_words(0, &ip.ip6_src, 32), &tcp);
	memcpy(ret, &ip, sizeof(ip));
	memcpy(ret + sizeof(ip), &tcp, sizeof(tcp));
	return sizeof(ip) + sizeof(tcp);
}

size_t rst_build(const struct rst_segment *segment, uint8_t ret[RST_MAX_LEN])
{
	return address_is_ipv4(&segment->dst) ? build_ipv4(segment, ret) : build_ipv6(segment, ret);
}

/* While the backend has said nothing, a client waits for the acknowledgement of its SYN, and takes any number. */
static void reset_client(const struct flow *flow, const struct serin_listener *listener, struct rst_segment *ret)
{
	*ret = (struct rst_segment){
		.src = listener->addr,
		.dst = flow->client,
		.sport = listener->port,
		.dport = flow->client_port,
		.seq = flow->one_way ? flow->acked : flow->next_seq[SERIN_TO_CLIENT],
		.ack = flow->next_seq[SERIN_TO_BACKEND],
		.has_ack = flow->has_seq[SERIN_TO_BACKEND],
	};
}

/* forward: local: the process listens where the listener is, at a port of its own. */
static void reset_backend(const struct flow *flow, const struct image *image, struct rst_segment *ret)
{
	static const struct serin_addr nowhere;
	const struct serin_backend *backend = &image->backends[flow->backend];
	bool local = !memcmp(&backend->addr, &nowhere, sizeof(nowhere));

	*ret = (struct rst_segment){
		.src = flow->snat < SERIN_MAX_SNAT ? image->snat[flow->snat] : flow->client,
		.dst = local ? image->listeners[flow->listener].addr : backend->addr,
		.sport = flow->nat_port,
		.dport = backend->port,
		.seq = flow->next_seq[SERIN_TO_BACKEND],
		.ack = flow->next_seq[SERIN_TO_CLIENT],
		.has_ack = flow->has_seq[SERIN_TO_CLIENT],
	};
}

size_t rst_of_flow(const struct flow *flow, const struct image *image, struct rst_segment ret[SERIN_DIRECTIONS])
{
	if (flow->listener >= SERIN_MAX_LISTENERS || flow->backend >= SERIN_MAX_BACKENDS)
		return 0;
	reset_client(flow, &image->listeners[flow->listener], &ret[0]);
	if (flow->one_way)
		return 1;
	reset_backend(flow, image, &ret[1]);
	return 2;
}

/* IPPROTO_RAW: nothing is ever received, and the IP header is the sender's (ipv6(7), raw(7)). */
static int open_raw(int family, int *ret)
{
	int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);

	if (fd < 0)
		return -errno;
	*ret = fd;
	return 0;
}

int rst_open(struct rst **ret, struct complaint *complaint)
{
	struct rst *rst = malloc(sizeof(*rst));
	int r;

	if (!rst)
		return complain(complaint, -ENOMEM, "not enough memory for raw sockets");
	rst->ipv4 = rst->ipv6 = -1;
	r = open_raw(AF_INET, &rst->ipv4);
	if (!r)
		r = open_raw(AF_INET6, &rst->ipv6);
	if (r == -EAFNOSUPPORT && rst->ipv4 >= 0)
		r = 0;
	if (r) {
		rst_close(rst);
		return complain(complaint, r, "cannot open raw sockets, which resets are sent through: %s",
				strerror(-r));
	}
	*ret = rst;
	return 0;
}

struct rst *rst_close(struct rst *rst)
{
	if (!rst)
		return NULL;
	if (rst->ipv4 >= 0)
		close(rst->ipv4);
	if (rst->ipv6 >= 0)
		close(rst->ipv6);
	free(rst);
	return NULL;
}

static int send_ipv4(int fd, const struct rst_segment *segment, const uint8_t *packet, size_t length)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = segment->dst.word[3] };

	return sendto(fd, packet, length, 0, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
}

static int send_ipv6(int fd, const struct rst_segment *segment, const uint8_t *packet, size_t length)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6 };

	memcpy(&to.sin6_addr, &segment->dst, sizeof(to.sin6_addr));
	return sendto(fd, packet, length, 0, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
}

int rst_send(struct rst *rst, const struct rst_segment *segment)
{
	bool is_ipv4 = address_is_ipv4(&segment->dst);
	int fd = is_ipv4 ? rst->ipv4 : rst->ipv6, r;
	uint8_t packet[RST_MAX_LEN];
	size_t length;

	if (fd < 0)
		return -EAFNOSUPPORT;
	length = rst_build(segment, packet);
	r = is_ipv4 ? send_ipv4(fd, segment, packet, length) : send_ipv6(fd, segment, packet, length);
	return r == -EWOULDBLOCK || r == -ENOBUFS || r == -ENOMEM ? -EAGAIN : r;
}
