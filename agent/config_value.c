/* SPDX-License-Identifier: BSD-2-Clause */
/* Scalars of the configuration as values. */
#include "config_value.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "scalar.h"

int config_value_unsigned(struct config_reader *reader, const yaml_node_t *node, const char *what, unsigned int min,
			  unsigned int max, unsigned int *ret)
{
	const char *text = config_text(node);
	char expected[64];

	if (text && !parse_unsigned(text, min, max, ret))
		return 0;
	snprintf(expected, sizeof(expected), "a whole number from %u to %u", min, max);
	return config_bad_value(reader, node, what, expected);
}

int config_value_choice(struct config_reader *reader, const yaml_node_t *node, const char *what,
			const struct config_choice *choices, size_t count, int *ret)
{
	const char *text = config_text(node);
	char expected[128];
	size_t used, i;

	for (i = 0; text && i < count; i++) {
		if (!strcmp(text, choices[i].name)) {
			*ret = choices[i].value;
			return 0;
		}
	}
	used = (size_t)snprintf(expected, sizeof(expected), "%s", count > 1 ? "one of: " : "");
	for (i = 0; i < count && used < sizeof(expected); i++)
		used += (size_t)snprintf(expected + used, sizeof(expected) - used, "%s%s", i ? ", " : "",
					 choices[i].name);
	return config_bad_value(reader, node, what, expected);
}

int config_value_share(struct config_reader *reader, const yaml_node_t *node, const char *what, unsigned int *ret)
{
	const char *text = config_text(node);

	if (text && !parse_share(text, ret))
		return 0;
	return config_bad_value(reader, node, what, EXPECTED_SHARE);
}

int config_value_duration(struct config_reader *reader, const yaml_node_t *node, const char *what, unsigned int min,
			  unsigned int max, const char *expected, unsigned int *ret_ms)
{
	const char *text = config_text(node);
	uint64_t ms;

	if (!text || parse_duration(text, &ms) < 0 || ms < min || ms > max)
		return config_bad_value(reader, node, what, expected);
	*ret_ms = (unsigned int)ms;
	return 0;
}

bool config_is_off(const yaml_node_t *node)
{
	const char *text = config_text(node);

	return text && !strcmp(text, "off");
}

static const char *special_ipv4(const __u8 byte[4])
{
	static const __u8 broadcast[4] = { 255, 255, 255, 255 };

	if (!memcmp(byte, broadcast, 4))
		return "broadcast";
	if (byte[0] == 0) /* all of 0.0.0.0/8 is "this network" (RFC 1122, 3.2.1.3) */
		return "unspecified";
	if (byte[0] == 127)
		return "loopback";
	return byte[0] >= 224 && byte[0] <= 239 ? "multicast" : NULL;
}

const char *config_special_address(const struct serin_addr *addr)
{
	static const struct serin_addr unspecified, loopback = { { { [15] = 1 } } };

	if (address_is_ipv4(addr))
		return special_ipv4(addr->byte + 12);
	if (!memcmp(addr, &unspecified, sizeof(*addr)))
		return "unspecified";
	if (!memcmp(addr, &loopback, sizeof(*addr)))
		return "loopback";
	/* fe80::/10: means nothing without its link, and routers never forward it (RFC 4291, 2.5.6). */
	if (addr->byte[0] == 0xfe && (addr->byte[1] & 0xc0) == 0x80)
		return "link-local";
	return addr->byte[0] == 0xff ? "multicast" : NULL;
}

int config_check_unicast(struct config_reader *reader, const yaml_node_t *node, const struct serin_addr *addr)
{
	const char *special = config_special_address(addr);
	char quoted[CONFIG_QUOTE_LEN];

	if (!special)
		return 0;
	return config_complain(reader, config_place_of(node),
			       "the %s address '%s', expected a unicast address that packets can be forwarded to",
			       special, config_quote(node, quoted));
}

bool config_parse_backend(const char *text, enum serin_forward forward, struct endpoint *ret)
{
	struct endpoint found = { .port = 0 };
	unsigned int port;

	if (forward == SERIN_FORWARD_LOCAL) {
		if (parse_unsigned(text, 1, UINT16_MAX, &port) < 0)
			return false;
		found.port = htons((uint16_t)port);
	} else if (endpoint_parse(text, &found) && (!SERIN_IS_ONE_WAY(forward) || address_parse(text, &found.addr))) {
		return false;
	}
	*ret = found;
	return true;
}
