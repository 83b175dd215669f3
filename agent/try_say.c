/* SPDX-License-Identifier: BSD-2-Clause */
/* The sentences around a split: all on stderr, since the standard output has figures and nothing else. */
#include "try_say.h"

#include <stdio.h>
#include <stdlib.h>

#include "address.h"
#include "hostcheck.h"
#include "table.h"

#define NAMED_ADDRESSES 6 /* more are only counted */

static void say(const char *what, const char *text)
{
	fprintf(stderr, "serin: %s", what);
	text_print(stderr, text);
	putc('\n', stderr);
}

void try_say_skipped(void *context, const char *reason)
{
	(void)context;
	say("left out: ", reason);
}

/* "127.0.0.1, ::1 and 3 more" */
static void print_addresses(FILE *out, const struct serin_addr *addresses, size_t count)
{
	char text[ADDRESS_TEXT_LEN];

	for (size_t i = 0; i < count && i < NAMED_ADDRESSES; i++)
		fprintf(out, "%s%s", i ? ", " : "", address_format(&addresses[i], text));
	if (count > NAMED_ADDRESSES)
		fprintf(out, " and %zu more", count - NAMED_ADDRESSES);
}

static void print_start(FILE *out, const struct try_split *split, const struct try_host *host)
{
	fprintf(out, "port %u/%s of ", split->port, protocol_name(split->protocol));
	print_addresses(out, host->addresses, host->address_count);
	fputs(" is split; programs are on ", out);
	for (size_t i = 0; i < host->interface_count; i++)
		fprintf(out, "%s%s", i ? ", " : "", host->interfaces[i].name);
}

/* Addresses at which nobody would answer a connection that a version is given. */
static size_t find_deaf(const struct try_split *split, const struct try_host *host, uint16_t port,
			struct serin_addr ret[CONFIG_MAX_LISTENERS])
{
	bool listening;
	size_t count = 0;

	for (size_t i = 0; i < host->address_count; i++) {
		if (!hostcheck_is_listening(&host->addresses[i], port, split->protocol, &listening, NULL) && !listening)
			ret[count++] = host->addresses[i];
	}
	return count;
}

static void warn_of_version(const struct try_split *split, const struct try_host *host,
			    const struct try_version *version)
{
	struct serin_addr deaf[CONFIG_MAX_LISTENERS];
	size_t size, count = find_deaf(split, host, version->port, deaf);
	char *text = NULL;
	FILE *out;

	if (!count)
		return;
	out = open_memstream(&text, &size);
	if (!out)
		return;
	fprintf(out, "nobody listens on port %u", version->port);
	if (count < host->address_count) {
		fputs(" of ", out);
		print_addresses(out, deaf, count);
	}
	fprintf(out, ": connections given to %s%s will be refused", version->name,
		count < host->address_count ? " there" : "");
	if (!fclose(out))
		say("warning: ", text);
	free(text);
}

/* Whose port it was. */
static void warn_of_owner(const struct try_split *split, const struct try_host *host)
{
	struct serin_addr deaf[CONFIG_MAX_LISTENERS];
	char text[256];

	for (size_t i = 0; i < split->count; i++) {
		if (split->versions[i].port == split->port)
			return;
	}
	if (find_deaf(split, host, split->port, deaf) == host->address_count)
		return;
	snprintf(text, sizeof(text),
		 "a process listens on port %u itself: it keeps the connections that it has, new ones go to the "
		 "versions, and to it again when this ends",
		 split->port);
	say("", text);
}

void try_say_start(const struct try_split *split, const struct try_host *host)
{
	char *text = NULL;
	size_t size;
	FILE *out;

	for (size_t i = 0; i < split->count; i++)
		warn_of_version(split, host, &split->versions[i]);
	warn_of_owner(split, host);
	if (host->left_out_addresses || host->left_out_interfaces)
		fprintf(stderr,
			"serin: left out: %zu addresses and %zu interfaces, there is room for %d and %u (clients meet "
			"port %u there as before)\n",
			host->left_out_addresses, host->left_out_interfaces, CONFIG_MAX_LISTENERS, SERIN_MAX_DEVICES,
			split->port);
	out = open_memstream(&text, &size);
	if (!out)
		return;
	print_start(out, split, host);
	if (!fclose(out))
		say("", text);
	free(text);
}
