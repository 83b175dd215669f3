/* SPDX-License-Identifier: BSD-2-Clause */
/* The sockets of this host, as /proc shows them. */
#include "hostcheck_sockets.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "hostcheck.h"

static bool is_wildcard_ipv4(const struct serin_addr *addr)
{
	return address_is_ipv4(addr) && !addr->word[3];
}

bool hostcheck_clashes(const struct serin_addr *bound, const struct serin_addr *address)
{
	if (!bound->quad[0] && !bound->quad[1])
		return true;
	if (is_wildcard_ipv4(bound))
		return address_is_ipv4(address);
	return !memcmp(bound, address, sizeof(*bound));
}

/* The kernel prints each 32-bit word of the address in host order: 127.0.0.1 is 0100007F on a little-endian host. */
static bool parse_hex_address(const char *text, struct serin_addr *ret)
{
	size_t words = strlen(text) / 8, i;
	char word[9] = "";

	if (strlen(text) != 8 && strlen(text) != 32)
		return false;
	memset(ret, 0, sizeof(*ret));
	ret->half[5] = words == 1 ? 0xffff : 0;
	for (i = 0; i < words; i++) {
		memcpy(word, text + 8 * i, 8);
		ret->word[4 - words + i] = (__be32)strtoul(word, NULL, 16);
	}
	return true;
}

/* "  0: 0100007F:0016 00000000:0000 0A ...". False for the heading. */
static bool parse_socket(const char *line, struct local_socket *ret)
{
	char address[33];

	if (sscanf(line, " %*u: %32[0-9A-Fa-f]:%4x %*[0-9A-Fa-f]:%*4x %2x", address, &ret->port, &ret->state) != 3)
		return false;
	return parse_hex_address(address, &ret->addr);
}

static int each_of_file(const char *path, uint8_t protocol, void (*look)(void *, const struct local_socket *),
			void *context, struct complaint *complaint)
{
	struct local_socket local = { .protocol = protocol };
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;

	/* Without IPv6 in the kernel there is no tcp6. */
	if (!file && errno == ENOENT)
		return 0;
	if (!file)
		return complain(complaint, -errno, "cannot read %s: %s", path, strerror(errno));
	while (getline(&line, &room, file) > 0) {
		if (parse_socket(line, &local))
			look(context, &local);
	}
	free(line);
	fclose(file);
	return 0;
}

int hostcheck_each_socket(uint8_t protocol, void (*look)(void *context, const struct local_socket *local),
			  void *context, struct complaint *complaint)
{
	char path[64];
	int r;

	snprintf(path, sizeof(path), "/proc/thread-self/net/%s", protocol_name(protocol));
	r = each_of_file(path, protocol, look, context, complaint);
	if (r)
		return r;
	snprintf(path, sizeof(path), "/proc/thread-self/net/%s6", protocol_name(protocol));
	return each_of_file(path, protocol, look, context, complaint);
}

struct listening {
	const struct serin_addr *address;
	uint16_t port;
	bool found;
};

static void look_for_listener(void *context, const struct local_socket *local)
{
	struct listening *wanted = context;

	if (local->port != wanted->port || !hostcheck_clashes(&local->addr, wanted->address))
		return;
	wanted->found |= local->state == (local->protocol == IPPROTO_UDP ? TCP_CLOSE : TCP_LISTEN);
}

int hostcheck_is_listening(const struct serin_addr *address, uint16_t port, uint8_t protocol, bool *ret_listening,
			   struct complaint *complaint)
{
	struct listening wanted = { .address = address, .port = port };
	int r = hostcheck_each_socket(protocol, look_for_listener, &wanted, complaint);

	if (!r)
		*ret_listening = wanted.found;
	return r;
}
