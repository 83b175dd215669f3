/* SPDX-License-Identifier: BSD-2-Clause */
/* From a frame's bytes back to what they say. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "address.h"
#include "frame.h"
#include "frame_bytes.h"

static void read_link(const struct frame *frame, const struct frame_places *at, struct segment *ret)
{
	size_t i;

	memcpy(ret->to.byte, frame->data, 6);
	memcpy(ret->from.byte, frame->data + 6, 6);
	for (i = 0; 14 + 4 * i < at->ip; i++) {
		ret->tags[i].type = get16(frame->data + 12 + 4 * i);
		ret->tags[i].tag = get16(frame->data + 14 + 4 * i);
	}
}

static void read_ip(const struct frame *frame, const struct frame_places *at, struct segment *ret)
{
	const uint8_t *ip = frame->data + at->ip;

	if (at->ipv4) {
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
	} else {
		memcpy(ret->src.byte, ip + 8, 16);
		memcpy(ret->dst.byte, ip + 24, 16);
		ret->tos = (uint8_t)(get16(ip) >> 4);
		ret->flow_label = get32(ip) & 0xfffff;
		ret->ttl = ip[7];
	}
	ret->zero_ttl = !ret->ttl;
}

static bool read_tcp(const uint8_t *tcp, size_t length, struct segment *ret)
{
	size_t header = length < TCP_LENGTH ? 0 : (tcp[12] >> 4) * 4u;

	if (header < TCP_LENGTH || header > length)
		return false;
	ret->seq = get32(tcp + 4);
	ret->ack = get32(tcp + 8);
	ret->flags = tcp[13];
	ret->window = get16(tcp + 14);
	ret->zero_window = !ret->window;
	ret->urgent = get16(tcp + 18);
	ret->tcp_options = tcp + TCP_LENGTH;
	ret->tcp_options_length = header - TCP_LENGTH;
	ret->payload = tcp + header;
	ret->payload_length = length - header;
	return true;
}

static bool read_udp(const uint8_t *udp, size_t length, struct segment *ret)
{
	if (length < UDP_LENGTH || get16(udp + 4) != length)
		return false;
	ret->no_checksum = !get16(udp + 6);
	ret->payload = udp + UDP_LENGTH;
	ret->payload_length = length - UDP_LENGTH;
	return true;
}

bool segment_read(const struct frame *frame, struct segment *ret)
{
	struct segment read = { .flags = 0 };
	struct frame_errors errors = frame_checksum_errors(frame);
	struct frame_places at;
	const uint8_t *transport;

	if (!frame_find(frame, &at) || at.is_later_fragment || errors.ip || errors.transport ||
	    (!at.ipv4 && at.transport != at.ip + IPV6_LENGTH))
		return false;
	transport = frame->data + at.transport;
	read_link(frame, &at, &read);
	read_ip(frame, &at, &read);
	read.protocol = at.protocol;
	if (at.protocol == FRAME_TCP ? !read_tcp(transport, at.transport_length, &read)
				     : at.protocol != FRAME_UDP || !read_udp(transport, at.transport_length, &read))
		return false;
	read.sport = get16(transport);
	read.dport = get16(transport + 2);
	read.padding = frame->length - at.ip - segment_ip_length(&read);
	*ret = read;
	return true;
}

static const char *flags_text(const struct segment *segment, char *buffer)
{
	size_t i, n = 0;

	if (segment->protocol == FRAME_UDP)
		return segment->no_checksum ? "UDP, no checksum" : "UDP";
	for (i = 0; i < 8; i++)
		if (segment->flags & 1u << i)
			buffer[n++] = "FSRPAUEC"[i];
	buffer[n] = '\0';
	return buffer;
}

/* Of a frame that is not just a segment. */
static const char *headers_text(const struct frame *frame, char *buffer, size_t size)
{
	struct frame_errors errors = frame_checksum_errors(frame);
	struct frame_places at;

	if (!frame_find(frame, &at))
		snprintf(buffer, size, "%zu bytes, no IP packet", frame->length);
	else
		snprintf(buffer, size, "%zu bytes, IPv%c at %zu, protocol %u at %zu (%zu bytes)%s%s%s", frame->length,
			 at.ipv4 ? '4' : '6', at.ip, at.protocol, at.transport, at.transport_length,
			 at.is_fragment ? ", fragment" : "", errors.ip ? ", wrong IP checksum" : "",
			 errors.transport ? ", wrong checksum" : "");
	return buffer;
}

const char *frame_text(const struct frame *frame, char *buffer, size_t size)
{
	char src[ADDRESS_TEXT_LEN], dst[ADDRESS_TEXT_LEN], flags[9] = "";
	struct segment read;

	if (!segment_read(frame, &read))
		return headers_text(frame, buffer, size);
	snprintf(buffer, size, "%s > %s [%s] seq %u ack %u ttl %u payload %zu padding %zu, MAC ..%02x%02x > ..%02x%02x",
		 endpoint_format(&read.src, htons(read.sport), src), endpoint_format(&read.dst, htons(read.dport), dst),
		 flags_text(&read, flags), read.seq, read.ack, read.ttl, read.payload_length, read.padding,
		 read.from.byte[4], read.from.byte[5], read.to.byte[4], read.to.byte[5]);
	return buffer;
}
