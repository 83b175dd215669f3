/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames made of other frames: ICMP errors about them, fragments of them, and tunnels around them. No test framework. */
#ifndef SERIN_TEST_FRAME_KINDS_H
#define SERIN_TEST_FRAME_KINDS_H

#include "frame.h"

/* An ICMP or ICMPv6 message, by the family of its addresses. Host byte order. */
struct icmp {
	net_mac_t to, from;
	struct frame_tag tags[FRAME_TAGS];
	struct serin_addr src, dst;
	uint8_t type, code;
	uint32_t rest; /* the four bytes behind the checksum: an MTU, an identification and number, ... */
	uint8_t ttl;   /* 64; see zero_ttl */
	bool zero_ttl;
	uint8_t tos;
	uint16_t ip_id;
	bool may_fragment;
	uint32_t flow_label;
	const struct frame *about; /* the packet that an error quotes; its link header is left away */
	size_t quoted;             /* bytes of it; 0: all */
	const void *payload;       /* behind that, or instead of it */
	size_t payload_length;
	size_t padding; /* bytes of 0xa5 behind the IP packet */
};

/* Begin a frame of that many bytes of IP, all zero; returns where they begin. */
size_t frame_write_link(const net_mac_t *to, const net_mac_t *from, const struct frame_tag *tags, bool ipv4,
			size_t ip_length, struct frame *ret);

struct frame *icmp_write(const struct icmp *icmp, struct frame *ret);
size_t icmp_ip_length(const struct icmp *icmp);

/* The IP packet of a frame, its padding left away. */
size_t frame_ip_length(const struct frame *frame);
const uint8_t *frame_ip(const struct frame *frame);

/* The piece [offset, offset + length) of a whole IP packet's payload, in its own frame. IPv6: behind the extension headers
 * that it has. `offset` and, but for the last piece, `length` are multiples of eight. */
struct frame *frame_fragment(const struct frame *whole, size_t offset, size_t length, uint32_t id, struct frame *ret);
/* How much there is to cut. */
size_t frame_fragment_payload(const struct frame *whole);

/* An outer header: IP in IP (RFC 2003, RFC 2473, RFC 4213), or Generic UDP Encapsulation (variant 0, four bytes). */
struct outer {
	net_mac_t to, from;
	struct frame_tag tags[FRAME_TAGS];
	struct serin_addr src, dst;
	uint16_t gue_port, source_port; /* 0: IP in IP */
	uint8_t ttl;                    /* 64 */
	uint8_t tos;
	uint16_t ip_id;
	bool may_fragment; /* IPv4: no DF */
	uint32_t flow_label;
};

struct frame *frame_wrap(const struct frame *inner, const struct outer *outer, struct frame *ret);
/* How much longer that makes an IP packet. */
size_t frame_wrap_length(const struct outer *outer);

#endif
