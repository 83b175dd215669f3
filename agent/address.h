/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses as text and as the IPv6-mapped form that everything inside uses. Pure. */
#ifndef SERIN_ADDRESS_H
#define SERIN_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include <serin/abi.h>

/* Room for the longest text: "[ffff:...:255.255.255.255]:65535/tcp" and NUL. */
#define ADDRESS_TEXT_LEN 64

struct endpoint {
	struct serin_addr addr;
	__be16 port; /* 0 where a text without a port was allowed */
};

/* The leading `bits` of a whole address that count: an IPv4 prefix has 96 more than its text says. */
struct prefix {
	struct serin_addr addr;
	unsigned int bits;
};

bool address_is_ipv4(const struct serin_addr *addr);

/* "192.0.2.1" or "2001:db8::1" (no zone, no leading zeros, no brackets). 0 or -EINVAL, `ret` untouched. */
int address_parse(const char *text, struct serin_addr *ret);

/* "192.0.2.1:80" or "[2001:db8::1]:80", port 1 to 65535. 0 or -EINVAL, `ret` untouched. */
int endpoint_parse(const char *text, struct endpoint *ret);

/* An endpoint, or ":3001" for a port of this host (no address, forward: local), as backend_format writes them. */
int backend_parse(const char *text, struct endpoint *ret);

/* An endpoint with "/tcp" or "/udp" behind it; without either, *ret_protocol is 0. Else IPPROTO_*. */
int listener_parse(const char *text, struct endpoint *ret, uint8_t *ret_protocol);

/* "10.8.0.0/16", "2001:db8::/32", or an address, which is all of its bits. Bits beyond the length may be set. */
int prefix_parse(const char *text, struct prefix *ret);

/* Clear what lies beyond the length; whether anything did. */
bool prefix_trim(struct prefix *prefix);
bool prefix_contains(const struct prefix *prefix, const struct serin_addr *addr);

/* All write into `buffer` of ADDRESS_TEXT_LEN bytes and return it. RFC 5952 form; brackets only with a port. */
const char *address_format(const struct serin_addr *addr, char *buffer);
const char *endpoint_format(const struct serin_addr *addr, __be16 port, char *buffer);
const char *prefix_format(const struct prefix *prefix, char *buffer);

/* An endpoint, or ":3001" where the address is that of whoever was asked (forward: local). */
const char *backend_format(const struct serin_addr *addr, __be16 port, char *buffer);

/* "tcp" or "udp". */
const char *protocol_name(uint8_t protocol);

#endif
