/* SPDX-License-Identifier: BSD-2-Clause */
/* Writing and reading frames, byte by byte. */
#include "frame.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"

#define ETH_LENGTH 14
#define IPV6_LENGTH 40
#define TCP_LENGTH 20

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

uint32_t frame_sum(uint32_t sum, const void *bytes, size_t length)
{
	const uint8_t *at = bytes;
	size_t i;

	for (i = 0; i + 1 < length; i += 2)
		sum += get16(at + i);
	if (length & 1)
		sum += (uint32_t)at[length - 1] << 8;
	return sum;
}

uint16_t frame_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

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

static size_t ip_header_length(const struct segment *segment)
{
	return address_is_ipv4(&segment->src) ? 20 + segment->ip_options_length : IPV6_LENGTH;
}

static size_t tcp_length(const struct segment *segment)
{
	return TCP_LENGTH + segment->tcp_options_length + segment->payload_length;
}

size_t segment_ip_length(const struct segment *segment)
{
	return ip_header_length(segment) + tcp_length(segment);
}

static uint8_t ttl_of(const struct segment *segment)
{
	return segment->ttl || segment->zero_ttl ? segment->ttl : 64;
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
	ip[9] = 6;
	memcpy(ip + 12, &segment->src.byte[12], 4);
	memcpy(ip + 16, &segment->dst.byte[12], 4);
	if (segment->ip_options_length)
		memcpy(ip + 20, segment->ip_options, segment->ip_options_length);
}

static void write_ipv6(const struct segment *segment, uint8_t *ip)
{
	put32(ip, 6u << 28 | (uint32_t)segment->tos << 20 | (segment->flow_label & 0xfffff));
	put16(ip + 4, (uint32_t)tcp_length(segment));
	ip[6] = 6;
	ip[7] = ttl_of(segment);
	memcpy(ip + 8, segment->src.byte, 16);
	memcpy(ip + 24, segment->dst.byte, 16);
}

static void write_tcp(const struct segment *segment, uint8_t *tcp)
{
	put16(tcp, segment->sport);
	put16(tcp + 2, segment->dport);
	put32(tcp + 4, segment->seq);
	put32(tcp + 8, segment->ack);
	tcp[12] = (uint8_t)((TCP_LENGTH + segment->tcp_options_length) / 4 << 4);
	tcp[13] = segment->flags;
	put16(tcp + 14, segment->window || segment->zero_window ? segment->window : 29200);
	put16(tcp + 18, segment->urgent);
	if (segment->tcp_options_length)
		memcpy(tcp + TCP_LENGTH, segment->tcp_options, segment->tcp_options_length);
	if (segment->payload_length)
		memcpy(tcp + TCP_LENGTH + segment->tcp_options_length, segment->payload, segment->payload_length);
}

struct frame *segment_write(const struct segment *segment, struct frame *ret)
{
	bool ipv4 = address_is_ipv4(&segment->src);
	uint8_t *ip = ret->data + ETH_LENGTH;

	ret->length = ETH_LENGTH + segment_ip_length(segment) + segment->padding;
	if (ret->length > FRAME_ROOM) {
		fprintf(stderr, "a frame of %zu bytes does not fit\n", ret->length);
		exit(1);
	}
	memset(ret->data, 0, ret->length);
	memcpy(ret->data, segment->to.byte, 6);
	memcpy(ret->data + 6, segment->from.byte, 6);
	put16(ret->data + 12, ipv4 ? 0x0800 : 0x86dd);
	if (ipv4)
		write_ipv4(segment, ip);
	else
		write_ipv6(segment, ip);
	write_tcp(segment, ip + ip_header_length(segment));
	memset(ret->data + ret->length - segment->padding, 0xa5, segment->padding);
	frame_fix_checksums(ret);
	return ret;
}

size_t frame_tcp_offset(const struct frame *frame)
{
	if (get16(frame->data + 12) == 0x0800)
		return ETH_LENGTH + (frame->data[ETH_LENGTH] & 15) * 4u;
	return ETH_LENGTH + IPV6_LENGTH;
}

/* Of the TCP part, by the IP header's own lengths. */
static size_t frame_tcp_length(const struct frame *frame)
{
	const uint8_t *ip = frame->data + ETH_LENGTH;

	if (get16(frame->data + 12) == 0x0800)
		return get16(ip + 2) - (ip[0] & 15) * 4u;
	return get16(ip + 4);
}

static uint16_t full_tcp_checksum(const struct frame *frame)
{
	const uint8_t *ip = frame->data + ETH_LENGTH;
	size_t length = frame_tcp_length(frame);
	uint32_t sum = 6 + (uint32_t)length;

	if (get16(frame->data + 12) == 0x0800)
		sum = frame_sum(sum, ip + 12, 8);
	else
		sum = frame_sum(sum, ip + 8, 32);
	return frame_fold(frame_sum(sum, frame->data + frame_tcp_offset(frame), length));
}

uint16_t frame_tcp_checksum(const struct frame *frame)
{
	return get16(frame->data + frame_tcp_offset(frame) + 16);
}

uint16_t frame_ip_checksum(const struct frame *frame)
{
	return get16(frame->data + ETH_LENGTH + 10);
}

/* The two zeros are one. */
static uint16_t error_of(uint16_t folded)
{
	return folded == 0xffff ? 0 : folded;
}

struct frame_errors frame_checksum_errors(const struct frame *frame)
{
	const uint8_t *ip = frame->data + ETH_LENGTH;
	struct frame_errors errors = { 0, error_of(full_tcp_checksum(frame)) };

	if (get16(frame->data + 12) == 0x0800)
		errors.ip = error_of(frame_fold(frame_sum(0, ip, (ip[0] & 15) * 4u)));
	return errors;
}

void frame_fix_checksums(struct frame *frame)
{
	uint8_t *ip = frame->data + ETH_LENGTH, *check = frame->data + frame_tcp_offset(frame) + 16;

	if (get16(frame->data + 12) == 0x0800) {
		put16(ip + 10, 0);
		put16(ip + 10, frame_fold(frame_sum(0, ip, (ip[0] & 15) * 4u)));
	}
	put16(check, 0);
	put16(check, full_tcp_checksum(frame));
}

static bool read_ip(const struct frame *frame, struct segment *ret)
{
	const uint8_t *ip = frame->data + ETH_LENGTH;

	if (get16(frame->data + 12) == 0x0800) {
		if (ip[0] >> 4 != 4 || ip[9] != 6 || get16(ip + 2) + ETH_LENGTH > (int)frame->length ||
		    frame_fold(frame_sum(0, ip, (ip[0] & 15) * 4u)))
			return false;
		ret->src.half[5] = ret->dst.half[5] = 0xffff;
		memcpy(&ret->src.byte[12], ip + 12, 4);
		memcpy(&ret->dst.byte[12], ip + 16, 4);
		ret->tos = ip[1];
		ret->ip_id = get16(ip + 4);
		ret->fragment = get16(ip + 6);
		ret->may_fragment = true;
		ret->ttl = ip[8];
		ret->ip_options = ip + 20;
		ret->ip_options_length = (ip[0] & 15) * 4u - 20;
		return true;
	}
	if (get16(frame->data + 12) != 0x86dd || ip[0] >> 4 != 6 || ip[6] != 6 ||
	    get16(ip + 4) + ETH_LENGTH + IPV6_LENGTH > (int)frame->length)
		return false;
	memcpy(ret->src.byte, ip + 8, 16);
	memcpy(ret->dst.byte, ip + 24, 16);
	ret->tos = (uint8_t)(get16(ip) >> 4);
	ret->flow_label = get32(ip) & 0xfffff;
	ret->ttl = ip[7];
	return true;
}

bool segment_read(const struct frame *frame, struct segment *ret)
{
	struct segment read = { .flags = 0 };
	const uint8_t *tcp;
	size_t length;

	if (frame->length < ETH_LENGTH + 20 + TCP_LENGTH || !read_ip(frame, &read) || full_tcp_checksum(frame))
		return false;
	tcp = frame->data + frame_tcp_offset(frame);
	length = frame_tcp_length(frame);
	memcpy(read.to.byte, frame->data, 6);
	memcpy(read.from.byte, frame->data + 6, 6);
	read.zero_ttl = !read.ttl;
	read.sport = get16(tcp);
	read.dport = get16(tcp + 2);
	read.seq = get32(tcp + 4);
	read.ack = get32(tcp + 8);
	read.flags = tcp[13];
	read.window = get16(tcp + 14);
	read.zero_window = !read.window;
	read.urgent = get16(tcp + 18);
	read.tcp_options = tcp + TCP_LENGTH;
	read.tcp_options_length = (tcp[12] >> 4) * 4u - TCP_LENGTH;
	read.payload = tcp + TCP_LENGTH + read.tcp_options_length;
	read.payload_length = length - TCP_LENGTH - read.tcp_options_length;
	read.padding = frame->length - ETH_LENGTH - segment_ip_length(&read);
	*ret = read;
	return true;
}

const char *frame_text(const struct frame *frame, char *buffer, size_t size)
{
	char src[ADDRESS_TEXT_LEN], dst[ADDRESS_TEXT_LEN], flags[9] = "";
	struct segment read;
	size_t i, n = 0;

	if (!segment_read(frame, &read)) {
		snprintf(buffer, size, "%zu bytes, no TCP segment with right checksums", frame->length);
		return buffer;
	}
	for (i = 0; i < 8; i++)
		if (read.flags & 1u << i)
			flags[n++] = "FSRPAUEC"[i];
	flags[n] = '\0';
	snprintf(buffer, size, "%s > %s [%s] seq %u ack %u ttl %u payload %zu padding %zu, MAC ..%02x%02x > ..%02x%02x",
		 endpoint_format(&read.src, htons(read.sport), src), endpoint_format(&read.dst, htons(read.dport), dst),
		 flags, read.seq, read.ack, read.ttl, read.payload_length, read.padding, read.from.byte[4],
		 read.from.byte[5], read.to.byte[4], read.to.byte[5]);
	return buffer;
}
