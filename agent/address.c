/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses from and to text. inet_pton() does the reading; what it forgives is refused here. */
#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include <serin/split.h>
#include "scalar.h"

static const __u8 mapped_prefix[12] = { [10] = 0xff, [11] = 0xff };

bool address_is_ipv4(const struct serin_addr *addr)
{
	return !memcmp(addr->byte, mapped_prefix, sizeof(mapped_prefix));
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* A '0' that begins a part and is not all of it. In IPv4 it once meant octal; nobody's canonical form has it. */
static bool has_leading_zero(const char *text)
{
	char before = ':';

	for (; *text; before = *text++) {
		if (*text == '0' && !is_hex(before) && is_hex(text[1]))
			return true;
	}
	return false;
}

int address_parse(const char *text, struct serin_addr *ret)
{
	struct serin_addr addr;

	if (has_leading_zero(text))
		return -EINVAL;
	if (inet_pton(AF_INET, text, addr.byte + sizeof(mapped_prefix)) == 1) {
		memcpy(addr.byte, mapped_prefix, sizeof(mapped_prefix));
	} else {
		/* A mapped address would be a second way to write an IPv4 one, and never seen on the wire. */
		if (inet_pton(AF_INET6, text, addr.byte) != 1 || address_is_ipv4(&addr))
			return -EINVAL;
	}
	*ret = addr;
	return 0;
}

/* Copy the address in front of the port's ':' without its brackets. */
static int cut_address(const char *text, const char *colon, char buffer[ADDRESS_TEXT_LEN])
{
	size_t length = (size_t)(colon - text);

	if (text[0] == '[') {
		if (length < 2 || colon[-1] != ']')
			return -EINVAL;
		text++;
		length -= 2;
	}
	if (length >= ADDRESS_TEXT_LEN)
		return -EINVAL;
	memcpy(buffer, text, length);
	buffer[length] = '\0';
	return 0;
}

int endpoint_parse(const char *text, struct endpoint *ret)
{
	const char *colon = strrchr(text, ':');
	char buffer[ADDRESS_TEXT_LEN];
	struct serin_addr addr;
	unsigned int port;

	if (!colon || cut_address(text, colon, buffer) < 0 || address_parse(buffer, &addr) < 0)
		return -EINVAL;
	/* Without brackets the end of an IPv6 address and a port look alike. */
	if (address_is_ipv4(&addr) == (text[0] == '[') || parse_unsigned(colon + 1, 1, UINT16_MAX, &port) < 0)
		return -EINVAL;
	ret->addr = addr;
	ret->port = htons((uint16_t)port);
	return 0;
}

int backend_parse(const char *text, struct endpoint *ret)
{
	unsigned int port;

	if (text[0] != ':')
		return endpoint_parse(text, ret);
	if (parse_unsigned(text + 1, 1, UINT16_MAX, &port) < 0)
		return -EINVAL;
	*ret = (struct endpoint){ .port = htons((uint16_t)port) };
	return 0;
}

int listener_parse(const char *text, struct endpoint *ret, uint8_t *ret_protocol)
{
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	char buffer[ADDRESS_TEXT_LEN];
	uint8_t protocol = 0;

	if (length >= sizeof(buffer))
		return -EINVAL;
	if (slash && !strcmp(slash, "/tcp"))
		protocol = IPPROTO_TCP;
	else if (slash && !strcmp(slash, "/udp"))
		protocol = IPPROTO_UDP;
	else if (slash)
		return -EINVAL;
	memcpy(buffer, text, length);
	buffer[length] = '\0';
	if (endpoint_parse(buffer, ret) < 0)
		return -EINVAL;
	*ret_protocol = protocol;
	return 0;
}

int prefix_parse(const char *text, struct prefix *ret)
{
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	char buffer[ADDRESS_TEXT_LEN];
	struct serin_addr addr;
	unsigned int bits = 128, skipped;

	if (length >= sizeof(buffer))
		return -EINVAL;
	memcpy(buffer, text, length);
	buffer[length] = '\0';
	if (address_parse(buffer, &addr) < 0)
		return -EINVAL;
	skipped = address_is_ipv4(&addr) ? 96 : 0;
	if (slash && parse_unsigned(slash + 1, 0, 128 - skipped, &bits) < 0)
		return -EINVAL;
	ret->addr = addr;
	ret->bits = slash ? bits + skipped : 128;
	return 0;
}

bool prefix_trim(struct prefix *prefix)
{
	struct serin_addr before = prefix->addr;
	__u64 mask[2];

	serin_prefix_mask(prefix->bits, mask);
	prefix->addr.quad[0] &= mask[0];
	prefix->addr.quad[1] &= mask[1];
	return memcmp(&before, &prefix->addr, sizeof(before)) != 0;
}

bool prefix_contains(const struct prefix *prefix, const struct serin_addr *addr)
{
	__u64 mask[2];

	serin_prefix_mask(prefix->bits, mask);
	return !((addr->quad[0] ^ prefix->addr.quad[0]) & mask[0]) &&
	       !((addr->quad[1] ^ prefix->addr.quad[1]) & mask[1]);
}

const char *address_format(const struct serin_addr *addr, char *buffer)
{
	if (address_is_ipv4(addr))
		inet_ntop(AF_INET, addr->byte + sizeof(mapped_prefix), buffer, ADDRESS_TEXT_LEN);
	else
		inet_ntop(AF_INET6, addr->byte, buffer, ADDRESS_TEXT_LEN);
	return buffer;
}

const char *endpoint_format(const struct serin_addr *addr, __be16 port, char *buffer)
{
	char text[ADDRESS_TEXT_LEN];

	address_format(addr, text);
	if (!port)
		return strcpy(buffer, text);
	snprintf(buffer, ADDRESS_TEXT_LEN, address_is_ipv4(addr) ? "%.45s:%u" : "[%.45s]:%u", text, ntohs(port));
	return buffer;
}

const char *prefix_format(const struct prefix *prefix, char *buffer)
{
	char text[ADDRESS_TEXT_LEN];

	snprintf(buffer, ADDRESS_TEXT_LEN, "%.45s/%u", address_format(&prefix->addr, text),
		 prefix->bits - (address_is_ipv4(&prefix->addr) ? 96 : 0));
	return buffer;
}

const char *backend_format(const struct serin_addr *addr, __be16 port, char *buffer)
{
	if (addr->quad[0] || addr->quad[1])
		return endpoint_format(addr, port, buffer);
	snprintf(buffer, ADDRESS_TEXT_LEN, ":%u", ntohs(port));
	return buffer;
}

const char *protocol_name(uint8_t protocol)
{
	return protocol == IPPROTO_UDP ? "udp" : "tcp";
}
