/* SPDX-License-Identifier: BSD-2-Clause */
/* DNS messages, byte by byte (RFC 1035, section 4); for the tests of the resolver. */
#ifndef SERIN_DNS_MESSAGE_H
#define SERIN_DNS_MESSAGE_H

#include <arpa/inet.h>
#include <string.h>

enum { TYPE_A = 1, TYPE_CNAME = 5, TYPE_AAAA = 28, TYPE_SRV = 33 };
enum { RCODE_OK, RCODE_FORMERR, RCODE_SERVFAIL, RCODE_NXDOMAIN, RCODE_REFUSED = 5 };

#define DNS_HEADER 12

struct dns_message {
	int length;
	unsigned char bytes[65535];
};

static inline void put_byte(struct dns_message *message, unsigned int byte)
{
	message->bytes[message->length++] = (unsigned char)byte;
}

static inline void put16(struct dns_message *message, unsigned int value)
{
	put_byte(message, value >> 8);
	put_byte(message, value & 0xff);
}

static inline void put32(struct dns_message *message, unsigned int value)
{
	put16(message, value >> 16);
	put16(message, value & 0xffff);
}

/* "a.test" or "." */
static inline void put_name(struct dns_message *message, const char *name)
{
	while (*name && strcmp(name, ".") != 0) {
		size_t length = strcspn(name, ".");

		put_byte(message, (unsigned int)length);
		memcpy(message->bytes + message->length, name, length);
		message->length += (int)length;
		name += length + (name[length] == '.');
	}
	put_byte(message, 0);
}

/* The answer to one question, so far without records. */
static inline void begin_message(struct dns_message *message, unsigned int id, unsigned int rcode, const char *name,
				 unsigned int type)
{
	message->length = 0;
	put16(message, id);
	put16(message, 0x8180 | rcode); /* an answer, recursion desired and available */
	put16(message, 1);
	put16(message, 0);
	put32(message, 0);
	put_name(message, name);
	put16(message, type);
	put16(message, 1);
}

/* A record's fixed part; its data follow. */
static inline void put_record(struct dns_message *message, const char *name, unsigned int type, unsigned int ttl,
			      unsigned int length)
{
	message->bytes[6] = (unsigned char)(((message->bytes[6] << 8 | message->bytes[7]) + 1) >> 8);
	message->bytes[7]++;
	put_name(message, name);
	put16(message, type);
	put16(message, 1);
	put32(message, ttl);
	put16(message, length);
}

static inline void put_address(struct dns_message *message, const char *name, unsigned int ttl, const char *text)
{
	int family = strchr(text, ':') ? AF_INET6 : AF_INET, length = family == AF_INET ? 4 : 16;

	put_record(message, name, family == AF_INET ? TYPE_A : TYPE_AAAA, ttl, (unsigned int)length);
	assert_int_equal(inet_pton(family, text, message->bytes + message->length), 1);
	message->length += length;
}

static inline void put_cname(struct dns_message *message, const char *name, unsigned int ttl, const char *target)
{
	int at;

	put_record(message, name, TYPE_CNAME, ttl, 0);
	at = message->length;
	put_name(message, target);
	message->bytes[at - 1] = (unsigned char)(message->length - at);
}

struct srv {
	unsigned int priority, weight, port;
	const char *target;
};

static inline void put_srv(struct dns_message *message, const char *name, unsigned int ttl, struct srv srv)
{
	int at;

	put_record(message, name, TYPE_SRV, ttl, 0);
	at = message->length;
	put16(message, srv.priority);
	put16(message, srv.weight);
	put16(message, srv.port);
	put_name(message, srv.target);
	message->bytes[at - 1] = (unsigned char)(message->length - at);
}

#endif
