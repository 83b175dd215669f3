/* SPDX-License-Identifier: BSD-2-Clause */
/* Ethernet frames with TCP or UDP in them: from a description to bytes, and bytes as text. Checksums are full sums,
 * computed here and not by the code under test. No test framework. */
#ifndef SERIN_TEST_FRAME_H
#define SERIN_TEST_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <serin/abi.h>
#include "net.h"

#define FRAME_ROOM 16384

struct frame {
	size_t length;
	uint8_t data[FRAME_ROOM];
};

enum {
	FIN = 0x01,
	SYN = 0x02,
	RST = 0x04,
	PSH = 0x08,
	ACK = 0x10,
	URG = 0x20,
	ECE = 0x40,
	CWR = 0x80,
};

enum { FRAME_ICMP = 1, FRAME_TCP = 6, FRAME_UDP = 17, FRAME_ICMPV6 = 58 };

/* A VLAN tag. */
struct frame_tag {
	uint16_t type; /* 0x8100, 0x88a8; 0: there is none */
	uint16_t tag;  /* priority and VLAN id */
};

#define FRAME_TAGS 2

/* An IPv6 extension header behind its first two bytes; two and these are a multiple of eight. */
struct frame_extension {
	uint8_t type;
	uint8_t length;
	const void *body;
};

/* A TCP segment or UDP datagram in its frame. Everything in host byte order. Zero means the default where one is named. */
struct segment {
	net_mac_t to, from;
	struct frame_tag tags[FRAME_TAGS]; /* outer one first */
	struct serin_addr src, dst;
	uint16_t sport, dport;
	uint8_t protocol; /* FRAME_TCP */
	bool no_checksum; /* UDP over IPv4: the sender has left it away */
	uint32_t seq, ack;
	uint8_t flags;
	uint8_t ttl; /* 64; see zero_ttl */
	bool zero_ttl;
	uint16_t window; /* 29200; see zero_window */
	bool zero_window;
	uint16_t urgent;
	uint8_t tos;
	uint16_t ip_id;
	uint16_t fragment; /* IPv4: flags and offset as in the header; 0x4000, don't fragment */
	bool may_fragment; /* the 0 of `fragment` is meant */
	uint32_t flow_label;
	const struct frame_extension *extensions; /* IPv6 */
	size_t extension_count;
	const void *ip_options, *tcp_options, *payload;
	size_t ip_options_length, tcp_options_length; /* multiples of four */
	size_t payload_length;
	size_t padding; /* bytes of 0xa5 behind the IP packet */
};

struct serin_addr frame_addr(const char *text);

/* Two addresses ("192.0.2.1:1024", "[2001:db8::1]:80"): a segment from one to the other, flags 0, MACs zero. */
struct segment segment_between(const char *from, const char *to);
/* The way back of another one, as a RST goes: without payload, with a window of 0 and without flags yet. */
struct segment segment_back(const struct segment *in);

/* Write the frame; returns `ret`. */
struct frame *segment_write(const struct segment *segment, struct frame *ret);
size_t segment_ip_length(const struct segment *segment);

/* The segment whose bytes these are; payload and options point into `frame`. False when they are not one. Checksums
 * that are wrong make it false, too; so do IPv6 extension headers. */
bool segment_read(const struct frame *frame, struct segment *ret);

/* Where the headers lie. */
struct frame_places {
	size_t ip; /* offset */
	bool ipv4;
	uint8_t protocol;        /* behind all extension headers */
	size_t transport;        /* offset */
	size_t transport_length; /* by the IP header's own length */
	bool is_fragment;        /* any of several */
	bool is_later_fragment;
	size_t fragment_header; /* IPv6: its offset, or 0 */
	size_t next_header;     /* IPv6: who says what `protocol` is */
};

/* False: no IP packet whose headers are all there. */
bool frame_find(const struct frame *frame, struct frame_places *ret);

/* Of a frame that is known to have them. */
size_t frame_transport_offset(const struct frame *frame);
uint16_t frame_transport_checksum(const struct frame *frame);
uint16_t frame_ip_checksum(const struct frame *frame);

/* The checksum of RFC 1071 over some bytes, given a sum to begin with. */
uint32_t frame_sum(uint32_t sum, const void *bytes, size_t length);
uint16_t frame_fold(uint32_t sum);

/* By how much the checksums of a frame are wrong, in one's complement arithmetic: 0 for right ones and for none. */
struct frame_errors {
	uint16_t ip, transport;
};

struct frame_errors frame_checksum_errors(const struct frame *frame);

/* Recompute both checksums of a frame that has been changed by hand. */
void frame_fix_checksums(struct frame *frame);

/* One line about a frame, into `buffer`; returns it. */
const char *frame_text(const struct frame *frame, char *buffer, size_t size);

#endif
