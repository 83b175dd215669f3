/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses as text and as the IPv6-mapped form that everything inside uses. Pure. */
#ifndef SERIN_ADDRESS_H
#define SERIN_ADDRESS_H

#include <stdbool.h>
#include <serin/abi.h>

/* Room for the longest text: "[ffff:...:255.255.255.255]:65535/tcp" and NUL. */
#define ADDRESS_TEXT_LEN 64

struct endpoint {
	struct serin_addr addr;
	__be16 port; /* 0 where a text without a port was allowed */
};

bool address_is_ipv4(const struct serin_addr *addr);

/* "192.0.2.1" or "2001:db8::1" (no zone, no leading zeros, no brackets). 0 or -EINVAL, `ret` untouched. */
int address_parse(const char *text, struct serin_addr *ret);

/* "192.0.2.1:80" or "[2001:db8::1]:80", port 1 to 65535. 0 or -EINVAL, `ret` untouched. */
int endpoint_parse(const char *text, struct endpoint *ret);

/* Both write into `buffer` of ADDRESS_TEXT_LEN bytes and return it. RFC 5952 form; brackets only with a port. */
const char *address_format(const struct serin_addr *addr, char *buffer);
const char *endpoint_format(const struct serin_addr *addr, __be16 port, char *buffer);

#endif
