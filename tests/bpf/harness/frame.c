/* SPDX-License-Identifier: BSD-2-Clause */
/* Writing frames, byte by byte. */
#include "frame.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "frame_bytes.h"
#include "frame_kinds.h"

struct serin_addr frame_addr(const char *text)
{
	struct serin_addr addr;

	if (address_parse(text, &addr)) {
		fprintf(stderr, "'%s' is no address\n", text);
		exit(1);
	}
	return addr;
}

static struct endpoint must_parse(const char *text)
{
	struct endpoint endpoint;

	if (endpoint_parse(text, &endpoint)) {
		fprintf(stderr, "'%s' is no address with a port\n", text);
		exit(1);
	}
	return endpoint;
}

struct segment segment_between(const char *from, const char *to)
{
	struct endpoint source = must_parse(from), target = must_parse(to);

	return (struct segment){
		.src = source.addr,
		.dst = target.addr,
		.sport = ntohs(source.port),
		.dport = ntohs(target.port),
	};
}

struct segment segment_back(const struct segment *in)
{
	return (struct segment){
		.to = in->from,
		.from = in->to,
		.src = in->dst,
		.dst = in->src,
		.sport = in->dport,
		.dport = in->sport,
		.zero_window = true,
	};
}

static bool is_udp(const struct segment *segment)
{
	return segment->protocol == FRAME_UDP;
}

static size_t ip_header_length(const struct segment *segment)
{
	size_t length = IPV6_LENGTH, i;

	if (address_is_ipv4(&segment->src))
		return 20 + segment->ip_options_length;
	for (i = 0; i < segment->extension_count; i++)
		length += segment->extensions[i].length + 2u;
	return length;
}

static size_t transport_length(const struct segment *segment)
{
	return segment->payload_length + (is_udp(segment) ? UDP_LENGTH : TCP_LENGTH + segment->tcp_options_length);
}

size_t segment_ip_length(const struct segment *segment)
{
	return ip_header_length(segment) + transport_length(segment);
}

static uint8_t ttl_of(const struct segment *segment)
{
	return segment->ttl || segment->zero_ttl ? segment->ttl : 64;
}

static uint8_t protocol_of(const struct segment *segment)
{
	return segment->protocol ? segment->protocol : FRAME_TCP;
}

static void write_ipv4(const struct segment *segment, uint8_t *ip)
{
	size_t header = ip_header_length(segment);

	ip[0] = (uint8_t)(0x40 | header / 4);
	ip[1] = segment->tos;
	put16(ip + 2, (uint32_t)segment_ip_length(segment));
	put16(ip + 4, segment->ip_id);
	put16(ip + 6, segment->fragment || segment->may_fragment ? segment->fragment : 0x4000);
	ip[8] = ttl_of(segment);
	ip[9] = protocol_of(segment);
	memcpy(ip + 12, &segment->src.byte[12], 4);
	memcpy(ip + 16, &segment->dst.byte[12], 4);
	if (segment->ip_options_length)
		memcpy(ip + 20, segment->ip_options, segment->ip_options_length);
}

static void write_ipv6(const struct segment *segment, uint8_t *ip)
{
	uint8_t *next = ip + 6, *at = ip + IPV6_LENGTH;
	size_t i;

	put32(ip, 6u << 28 | (uint32_t)segment->tos << 20 | (segment->flow_label & 0xfffff));
	put16(ip + 4, (uint32_t)(segment_ip_length(segment) - IPV6_LENGTH));
	ip[7] = ttl_of(segment);
	memcpy(ip + 8, segment->src.byte, 16);
	memcpy(ip + 24, segment->dst.byte, 16);
	for (i = 0; i < segment->extension_count; i++) {
		const struct frame_extension *extension = &segment->extensions[i];

		*next = extension->type;
		next = at;
		/* A fragment header is one unit long, and does not say so; an authentication header counts words. */
		at[1] = (uint8_t)((extension->length + 2u) / 8 - 1);
		if (extension->type == 51)
			at[1] = (uint8_t)((extension->length + 2u) / 4 - 2);
		memcpy(at + 2, extension->body, extension->length);
		at += extension->length + 2u;
	}
	*next = protocol_of(segment);
}

static void write_tcp(const struct segment *segment, uint8_t *tcp)
{
	put32(tcp + 4, segment->seq);
	put32(tcp + 8, segment->ack);
	tcp[12] = (uint8_t)((TCP_LENGTH + segment->tcp_options_length) / 4 << 4);
	tcp[13] = segment->flags;
	put16(tcp + 14, segment->window || segment->zero_window ? segment->window : 29200);
	put16(tcp + 18, segment->urgent);
	if (segment->tcp_options_length)
		memcpy(tcp + TCP_LENGTH, segment->tcp_options, segment->tcp_options_length);
}

static void write_transport(const struct segment *segment, uint8_t *at)
{
	put16(at, segment->sport);
	put16(at + 2, segment->dport);
	if (is_udp(segment))
		put16(at + 4, (uint32_t)transport_length(segment));
	else
		write_tcp(segment, at);
	if (segment->payload_length)
		memcpy(at + transport_length(segment) - segment->payload_length, segment->payload,
		       segment->payload_length);
}

size_t frame_write_link(const net_mac_t *to, const net_mac_t *from, const struct frame_tag *tags, bool ipv4,
			size_t ip_length, struct frame *ret)
{
	size_t at = 12, i;

	memset(ret->data, 0, 12 + 4 * FRAME_TAGS + 2);
	memcpy(ret->data, to->byte, 6);
	memcpy(ret->data + 6, from->byte, 6);
	for (i = 0; i < FRAME_TAGS && tags[i].type; i++, at += 4) {
		put16(ret->data + at, tags[i].type);
		put16(ret->data + at + 2, tags[i].tag);
	}
	put16(ret->data + at, ipv4 ? 0x0800 : 0x86dd);
	at += 2;
	ret->length = at + ip_length;
	if (ret->length > FRAME_ROOM) {
		fprintf(stderr, "a frame of %zu bytes does not fit\n", ret->length);
		exit(1);
	}
	memset(ret->data + at, 0, ip_length);
	return at;
}

struct frame *segment_write(const struct segment *segment, struct frame *ret)
{
	bool ipv4 = address_is_ipv4(&segment->src);
	size_t at = frame_write_link(&segment->to, &segment->from, segment->tags, ipv4,
				     segment_ip_length(segment) + segment->padding, ret);

	if (ipv4)
		write_ipv4(segment, ret->data + at);
	else
		write_ipv6(segment, ret->data + at);
	at += ip_header_length(segment);
	write_transport(segment, ret->data + at);
	memset(ret->data + ret->length - segment->padding, 0xa5, segment->padding);
	frame_fix_checksums(ret);
	if (is_udp(segment) && segment->no_checksum)
		put16(ret->data + at + 6, 0);
	return ret;
}
