/* SPDX-License-Identifier: BSD-2-Clause */
/* ICMP messages, fragments and tunnels, byte by byte. */
#include "frame_kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "frame_bytes.h"

static struct frame_places places_of(const struct frame *frame)
{
	struct frame_places at;

	if (frame_find(frame, &at))
		return at;
	fprintf(stderr, "a frame of %zu bytes is no IP packet\n", frame->length);
	exit(1);
}

size_t frame_ip_length(const struct frame *frame)
{
	struct frame_places at = places_of(frame);

	return at.transport + at.transport_length - at.ip;
}

const uint8_t *frame_ip(const struct frame *frame)
{
	return frame->data + places_of(frame).ip;
}

struct ip_header {
	const struct serin_addr *src, *dst;
	uint8_t protocol, ttl, tos;
	uint16_t id;
	bool may_fragment;
	uint32_t flow_label;
	size_t payload_length;
};

static size_t header_length(const struct serin_addr *src)
{
	return address_is_ipv4(src) ? 20 : IPV6_LENGTH;
}

/* Without its checksum. */
static void write_header(const struct ip_header *header, uint8_t *ip)
{
	if (address_is_ipv4(header->src)) {
		ip[0] = 0x45;
		ip[1] = header->tos;
		put16(ip + 2, (uint32_t)(20 + header->payload_length));
		put16(ip + 4, header->id);
		put16(ip + 6, header->may_fragment ? 0 : 0x4000);
		ip[8] = header->ttl;
		ip[9] = header->protocol;
		memcpy(ip + 12, &header->src->byte[12], 4);
		memcpy(ip + 16, &header->dst->byte[12], 4);
		return;
	}
	put32(ip, 6u << 28 | (uint32_t)header->tos << 20 | (header->flow_label & 0xfffff));
	put16(ip + 4, (uint32_t)header->payload_length);
	ip[6] = header->protocol;
	ip[7] = header->ttl;
	memcpy(ip + 8, header->src->byte, 16);
	memcpy(ip + 24, header->dst->byte, 16);
}

static size_t quoted_length(const struct icmp *icmp)
{
	size_t all = icmp->about ? frame_ip_length(icmp->about) : 0;

	return icmp->quoted && icmp->quoted < all ? icmp->quoted : all;
}

size_t icmp_ip_length(const struct icmp *icmp)
{
	return header_length(&icmp->src) + ICMP_LENGTH + quoted_length(icmp) + icmp->payload_length;
}

struct frame *icmp_write(const struct icmp *icmp, struct frame *ret)
{
	bool ipv4 = address_is_ipv4(&icmp->src);
	struct ip_header header = {
		.src = &icmp->src,
		.dst = &icmp->dst,
		.protocol = ipv4 ? FRAME_ICMP : FRAME_ICMPV6,
		.ttl = icmp->ttl || icmp->zero_ttl ? icmp->ttl : 64,
		.tos = icmp->tos,
		.id = icmp->ip_id,
		.may_fragment = icmp->may_fragment,
		.flow_label = icmp->flow_label,
		.payload_length = icmp_ip_length(icmp) - header_length(&icmp->src),
	};
	size_t at =
		frame_write_link(&icmp->to, &icmp->from, icmp->tags, ipv4, icmp_ip_length(icmp) + icmp->padding, ret);
	size_t quoted = quoted_length(icmp);

	write_header(&header, ret->data + at);
	at += header_length(&icmp->src);
	ret->data[at] = icmp->type;
	ret->data[at + 1] = icmp->code;
	put32(ret->data + at + 4, icmp->rest);
	if (quoted)
		memcpy(ret->data + at + ICMP_LENGTH, frame_ip(icmp->about), quoted);
	if (icmp->payload_length)
		memcpy(ret->data + at + ICMP_LENGTH + quoted, icmp->payload, icmp->payload_length);
	memset(ret->data + ret->length - icmp->padding, 0xa5, icmp->padding);
	frame_fix_checksums(ret);
	return ret;
}

size_t frame_fragment_payload(const struct frame *whole)
{
	return places_of(whole).transport_length;
}

static void fragment_ipv4(const struct frame_places *at, size_t offset, bool last, uint32_t id, struct frame *ret)
{
	uint8_t *ip = ret->data + at->ip;

	put16(ip + 2, (uint32_t)(ret->length - at->ip));
	put16(ip + 4, id);
	put16(ip + 6, (uint32_t)(offset / 8) | (last ? 0 : 0x2000));
	put16(ip + 10, 0);
	put16(ip + 10, frame_fold(frame_sum(0, ip, at->transport - at->ip)));
}

static void fragment_ipv6(const struct frame_places *at, size_t offset, bool last, uint32_t id, struct frame *ret)
{
	uint8_t *header = ret->data + at->transport;

	put16(ret->data + at->ip + 4, (uint32_t)(ret->length - at->ip - IPV6_LENGTH));
	ret->data[at->next_header] = 44;
	header[0] = at->protocol;
	header[1] = 0;
	put16(header + 2, (uint32_t)offset | !last);
	put32(header + 4, id);
}

struct frame *frame_fragment(const struct frame *whole, size_t offset, size_t length, uint32_t id, struct frame *ret)
{
	struct frame_places at = places_of(whole);
	size_t header = at.transport + (at.ipv4 ? 0 : 8);
	bool last = offset + length >= at.transport_length;

	if (offset + length > at.transport_length)
		length = at.transport_length - offset;
	memcpy(ret->data, whole->data, at.transport);
	memcpy(ret->data + header, whole->data + at.transport + offset, length);
	ret->length = header + length;
	if (at.ipv4)
		fragment_ipv4(&at, offset, last, id, ret);
	else
		fragment_ipv6(&at, offset, last, id, ret);
	return ret;
}

size_t frame_wrap_length(const struct outer *outer)
{
	return header_length(&outer->src) + (outer->gue_port ? UDP_LENGTH + 4 : 0);
}

/* The UDP checksum is left away over IPv4, as GUE allows, and needed over IPv6 (RFC 8200, section 8.1). */
static void write_gue(const struct outer *outer, uint8_t protocol, size_t length, uint8_t *udp)
{
	put16(udp, outer->source_port);
	put16(udp + 2, outer->gue_port);
	put16(udp + 4, (uint32_t)length);
	udp[UDP_LENGTH + 1] = protocol;
}

struct frame *frame_wrap(const struct frame *inner, const struct outer *outer, struct frame *ret)
{
	struct frame_places at = places_of(inner);
	bool ipv4 = address_is_ipv4(&outer->src);
	size_t length = frame_ip_length(inner), start;
	uint8_t protocol = at.ipv4 ? 4 : 41;
	struct ip_header header = {
		.src = &outer->src,
		.dst = &outer->dst,
		.protocol = outer->gue_port ? FRAME_UDP : protocol,
		.ttl = outer->ttl ? outer->ttl : 64,
		.tos = outer->tos,
		.id = outer->ip_id,
		.may_fragment = outer->may_fragment,
		.flow_label = outer->flow_label,
		.payload_length = frame_wrap_length(outer) - header_length(&outer->src) + length,
	};

	start = frame_write_link(&outer->to, &outer->from, outer->tags, ipv4, frame_wrap_length(outer) + length, ret);
	write_header(&header, ret->data + start);
	if (outer->gue_port)
		write_gue(outer, protocol, header.payload_length, ret->data + start + header_length(&outer->src));
	memcpy(ret->data + start + frame_wrap_length(outer), frame_ip(inner), length);
	frame_fix_checksums(ret);
	if (outer->gue_port && ipv4)
		put16(ret->data + start + 20 + 6, 0);
	return ret;
}
