/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the headers of a frame lie, and their checksums, summed up in full. */
#include "frame.h"
#include "frame_bytes.h"

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

static bool find_ipv4(const struct frame *frame, struct frame_places *ret)
{
	const uint8_t *ip = frame->data + ret->ip;
	size_t room = frame->length - ret->ip, header, total;

	if (room < 20)
		return false;
	header = (ip[0] & 15) * 4u;
	total = get16(ip + 2);
	if (ip[0] >> 4 != 4 || header < 20 || total < header || total > room)
		return false;
	ret->ipv4 = true;
	ret->protocol = ip[9];
	ret->transport = ret->ip + header;
	ret->transport_length = total - header;
	ret->is_fragment = (get16(ip + 6) & 0x3fff) != 0;
	ret->is_later_fragment = (get16(ip + 6) & 0x1fff) != 0;
	return true;
}

/* Hop-by-hop options, routing, fragment, authentication, destination options. */
static bool is_extension(uint8_t type)
{
	return type == 0 || type == 43 || type == 44 || type == 51 || type == 60;
}

static bool find_ipv6(const struct frame *frame, struct frame_places *ret)
{
	const uint8_t *ip = frame->data + ret->ip;
	size_t room = frame->length - ret->ip, left, at = IPV6_LENGTH, length;

	if (room < IPV6_LENGTH || ip[0] >> 4 != 6 || get16(ip + 4) + (size_t)IPV6_LENGTH > room)
		return false;
	left = get16(ip + 4);
	ret->next_header = ret->ip + 6;
	while (is_extension(frame->data[ret->next_header]) && !ret->is_later_fragment) {
		if (left < 8)
			return false;
		length = (ip[at + 1] + 1u) * 8;
		if (frame->data[ret->next_header] == 44) {
			ret->fragment_header = ret->ip + at;
			ret->is_fragment = (get16(ip + at + 2) & 0xfff9) != 0;
			ret->is_later_fragment = (get16(ip + at + 2) & 0xfff8) != 0;
			length = 8;
		} else if (frame->data[ret->next_header] == 51) {
			length = (ip[at + 1] + 2u) * 4;
		}
		if (left < length)
			return false;
		ret->next_header = ret->ip + at;
		at += length;
		left -= length;
	}
	ret->protocol = frame->data[ret->next_header];
	ret->transport = ret->ip + at;
	ret->transport_length = left;
	return true;
}

bool frame_find(const struct frame *frame, struct frame_places *ret)
{
	struct frame_places found = { .ip = ETH_LENGTH };
	uint16_t type;

	if (frame->length < ETH_LENGTH)
		return false;
	type = get16(frame->data + 12);
	while ((type == 0x8100 || type == 0x88a8) && found.ip < ETH_LENGTH + 4 * FRAME_TAGS) {
		if (frame->length < found.ip + 4)
			return false;
		type = get16(frame->data + found.ip + 2);
		found.ip += 4;
	}
	if (type == 0x0800 ? !find_ipv4(frame, &found) : type != 0x86dd || !find_ipv6(frame, &found))
		return false;
	*ret = found;
	return true;
}

/* Where the transport checksum lies, or 0: nothing is known of it. */
static size_t checksum_place(const struct frame_places *at)
{
	size_t offset, least;

	switch (at->protocol) {
	case FRAME_TCP:
		offset = 16, least = TCP_LENGTH;
		break;
	case FRAME_UDP:
		offset = 6, least = UDP_LENGTH;
		break;
	case FRAME_ICMP:
	case FRAME_ICMPV6:
		offset = 2, least = ICMP_LENGTH;
		break;
	default:
		return 0;
	}
	return at->is_fragment || at->transport_length < least ? 0 : at->transport + offset;
}

static uint16_t full_sum(const struct frame *frame, const struct frame_places *at)
{
	const uint8_t *ip = frame->data + at->ip;
	uint32_t sum = 0;

	if (at->protocol != FRAME_ICMP) {
		sum = at->protocol + (uint32_t)at->transport_length;
		sum = at->ipv4 ? frame_sum(sum, ip + 12, 8) : frame_sum(sum, ip + 8, 32);
	}
	return frame_fold(frame_sum(sum, frame->data + at->transport, at->transport_length));
}

size_t frame_transport_offset(const struct frame *frame)
{
	struct frame_places at;

	return frame_find(frame, &at) ? at.transport : 0;
}

uint16_t frame_transport_checksum(const struct frame *frame)
{
	struct frame_places at;

	return frame_find(frame, &at) && checksum_place(&at) ? get16(frame->data + checksum_place(&at)) : 0;
}

uint16_t frame_ip_checksum(const struct frame *frame)
{
	struct frame_places at;

	return frame_find(frame, &at) ? get16(frame->data + at.ip + 10) : 0;
}

/* The two zeros are one. */
static uint16_t error_of(uint16_t folded)
{
	return folded == 0xffff ? 0 : folded;
}

struct frame_errors frame_checksum_errors(const struct frame *frame)
{
	struct frame_errors errors = { 0, 0 };
	struct frame_places at;

	if (!frame_find(frame, &at))
		return errors;
	if (at.ipv4)
		errors.ip = error_of(frame_fold(frame_sum(0, frame->data + at.ip, at.transport - at.ip)));
	if (checksum_place(&at) && (at.protocol != FRAME_UDP || get16(frame->data + checksum_place(&at))))
		errors.transport = error_of(full_sum(frame, &at));
	return errors;
}

void frame_fix_checksums(struct frame *frame)
{
	struct frame_places at;
	uint8_t *check;

	if (!frame_find(frame, &at))
		return;
	if (at.ipv4) {
		check = frame->data + at.ip + 10;
		put16(check, 0);
		put16(check, frame_fold(frame_sum(0, frame->data + at.ip, at.transport - at.ip)));
	}
	if (!checksum_place(&at))
		return;
	check = frame->data + checksum_place(&at);
	put16(check, 0);
	put16(check, full_sum(frame, &at));
	if (at.protocol == FRAME_UDP && !get16(check))
		put16(check, 0xffff); /* 0 would say: none (RFC 768) */
}
