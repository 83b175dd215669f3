/* SPDX-License-Identifier: BSD-2-Clause */
/* As much of DNS (RFC 1035) as it takes to ask for an address and to read it. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "common.h"
#include "dns.h"

#define HEADER 12
#define TYPE_A 1
#define CLASS_IN 1

static void put16(unsigned char *at, unsigned int value)
{
	at[0] = (unsigned char)(value >> 8);
	at[1] = (unsigned char)value;
}

static unsigned int get16(const unsigned char *at)
{
	return (unsigned int)at[0] << 8 | at[1];
}

size_t dns_question(uint16_t id, const char *name, unsigned char ret[DNS_SIZE])
{
	size_t length = HEADER, label;

	memset(ret, 0, HEADER);
	put16(ret, id);
	ret[2] = 1; /* recursion desired, as every stub resolver says */
	put16(ret + 4, 1);
	while (*name) {
		label = strcspn(name, ".");
		if (!label || label > 63 || length + label + 6 > DNS_SIZE)
			die("'%s' is no name", name);
		ret[length++] = (unsigned char)label;
		memcpy(ret + length, name, label);
		length += label;
		name += label + (name[label] == '.');
	}
	ret[length++] = 0;
	put16(ret + length, TYPE_A);
	put16(ret + length + 2, CLASS_IN);
	return length + 4;
}

/* Past the name at `at`, at most `length`. A pointer ends a name. */
static size_t skip_name(const unsigned char *message, size_t length, size_t at)
{
	while (at < length && message[at] && message[at] < 0xc0)
		at += 1u + message[at];
	return at < length ? at + (message[at] ? 2 : 1) : length;
}

int dns_answer(uint16_t id, const unsigned char *message, size_t length, char *ret)
{
	unsigned int answers, size;
	size_t at;

	/* An answer, without an error, to the one question. */
	if (length < HEADER || get16(message) != id || !(message[2] & 0x80) || message[3] & 15 ||
	    get16(message + 4) != 1)
		return -EBADMSG;
	at = skip_name(message, length, HEADER) + 4;
	for (answers = get16(message + 6); answers > 0; answers--) {
		at = skip_name(message, length, at);
		if (at + 10 > length)
			return -EBADMSG;
		size = get16(message + at + 8);
		if (at + 10 + size > length)
			return -EBADMSG;
		if (get16(message + at) == TYPE_A && size == 4) {
			inet_ntop(AF_INET, message + at + 10, ret, 16);
			return 0;
		}
		at += 10 + size;
	}
	return -EBADMSG;
}
