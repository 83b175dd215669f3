/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks of the host before attaching: firewall rules on listening addresses, which packets will not meet any more. */
#include "hostcheck.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <serin/split.h>
#include "address.h"
#include "capture.h"

#define TOOL_TIMEOUT_MS 2000
#define TOOL_OUTPUT_MAX (8u << 20)
#define TOKEN_MAX 96 /* two IPv6 addresses and a hyphen */

struct scan {
	const char *tool;
	const struct serin_addr *addresses;
	size_t count;
	char table[64], chain[96]; /* where the line stands */
	FILE *out;
};

static bool in_prefix(const struct serin_addr *address, const struct serin_addr *network, unsigned int bits)
{
	__u64 mask[2];

	serin_prefix_mask(bits, mask);
	return !((address->quad[0] ^ network->quad[0]) & mask[0]) && !((address->quad[1] ^ network->quad[1]) & mask[1]);
}

/* "ADDRESS/BITS", with `slash` where that stands. Nothing is named by a prefix of no length. */
static bool prefix_names(char *token, char *slash, const struct serin_addr *address)
{
	struct serin_addr network;
	unsigned long bits;
	char *end;

	*slash = '\0';
	bits = strtoul(slash + 1, &end, 10);
	if (address_parse(token, &network) < 0 || end == slash + 1 || *end || !bits)
		return false;
	if (address_is_ipv4(&network) != address_is_ipv4(address))
		return false;
	bits += address_is_ipv4(&network) ? 96 : 0;
	return bits <= 128 && in_prefix(address, &network, (unsigned int)bits);
}

/* Network byte order compares as bytes. */
static bool range_names(char *token, char *hyphen, const struct serin_addr *address)
{
	struct serin_addr from, to;

	*hyphen = '\0';
	if (address_parse(token, &from) < 0 || address_parse(hyphen + 1, &to) < 0)
		return false;
	return memcmp(&from, address, sizeof(from)) <= 0 && memcmp(address, &to, sizeof(to)) <= 0;
}

static bool token_names(const char *text, size_t length, const struct serin_addr *address)
{
	char token[TOKEN_MAX], *mark;
	struct serin_addr named;

	if (length >= sizeof(token))
		return false;
	memcpy(token, text, length);
	token[length] = '\0';
	mark = strchr(token, '/');
	if (mark)
		return prefix_names(token, mark, address);
	mark = strchr(token, '-');
	if (mark)
		return range_names(token, mark, address);
	return !address_parse(token, &named) && !memcmp(&named, address, sizeof(named));
}

static bool token_is(const char *text, size_t length, const char *word)
{
	return length == strlen(word) && !memcmp(text, word, length);
}

/* Addresses after "saddr" or "-s" are those of senders, up to the next "daddr" or "-d". */
static bool line_names(const char *line, const struct serin_addr *address)
{
	static const char gaps[] = " \t,{}=;\"";
	bool source = false;
	size_t length;

	for (line += strspn(line, gaps); *line; line += length, line += strspn(line, gaps)) {
		length = strcspn(line, gaps);
		if (token_is(line, length, "saddr") || token_is(line, length, "-s"))
			source = true;
		else if (token_is(line, length, "daddr") || token_is(line, length, "-d"))
			source = false;
		else if (!source && token_names(line, length, address))
			return true;
	}
	return false;
}

/* "table inet filter {", "chain input {", "set blocked {" of nft; "*filter" of iptables-save. */
static bool is_heading(struct scan *scan, const char *line)
{
	size_t length = strlen(line);

	if (*line == '*') {
		snprintf(scan->table, sizeof(scan->table), "table %.50s", line + 1);
		return true;
	}
	if (length < 3 || strcmp(line + length - 2, " {"))
		return false;
	if (!strncmp(line, "table ", 6)) {
		snprintf(scan->table, sizeof(scan->table), "%.*s", (int)length - 2, line);
		scan->chain[0] = '\0';
	} else {
		snprintf(scan->chain, sizeof(scan->chain), ", %.*s", (int)length - 2, line);
	}
	return true;
}

static bool scan_line(struct scan *scan, const char *line)
{
	size_t i;

	if (is_heading(scan, line) || *line == '#')
		return false;
	for (i = 0; i < scan->count; i++) {
		if (line_names(line, &scan->addresses[i])) {
			fprintf(scan->out, "%s: %s%s: %s\n", scan->tool, scan->table, scan->chain, line);
			return true;
		}
	}
	return false;
}

size_t hostcheck_firewall_scan(const char *tool, const char *text, const struct serin_addr *addresses, size_t count,
			       FILE *out)
{
	struct scan scan = { .tool = tool, .addresses = addresses, .count = count, .out = out };
	size_t found = 0, length;
	char *line;

	for (; *text; text += length + (text[length] == '\n')) {
		length = strcspn(text, "\n");
		line = strndup(text, length);
		if (!line)
			break;
		found += scan_line(&scan, line + strspn(line, " \t"));
		free(line);
	}
	return found;
}

/* Asking for tables of the old kind would load the kernel's module for them: look first whether there are any. */
static bool has_legacy_tables(const char *path)
{
	FILE *file = fopen(path, "re");
	bool any;

	if (!file)
		return false;
	any = fgetc(file) != EOF;
	fclose(file);
	return any;
}

static int scan_tool(const char *const argv[], const char *name, const struct serin_addr *addresses, size_t count,
		     FILE *out)
{
	char *text;
	int r;

	if (access(argv[0], X_OK) < 0)
		return 0;
	r = capture_output(argv, TOOL_TIMEOUT_MS, TOOL_OUTPUT_MAX, &text);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	hostcheck_firewall_scan(name, text, addresses, count, out);
	free(text);
	return 0;
}

int hostcheck_firewall(const struct serin_addr *addresses, size_t count, char **ret_lines)
{
	static const char *const nft[] = { "/usr/sbin/nft", "list", "ruleset", NULL };
	static const char *const iptables[] = { "/usr/sbin/iptables-legacy-save", NULL };
	static const char *const ip6tables[] = { "/usr/sbin/ip6tables-legacy-save", NULL };
	char *lines = NULL;
	size_t length;
	FILE *out = open_memstream(&lines, &length);
	int r;

	if (!out)
		return -ENOMEM;
	r = scan_tool(nft, "nft", addresses, count, out);
	if (!r && has_legacy_tables("/proc/thread-self/net/ip_tables_names"))
		r = scan_tool(iptables, "iptables", addresses, count, out);
	if (!r && has_legacy_tables("/proc/thread-self/net/ip6_tables_names"))
		r = scan_tool(ip6tables, "ip6tables", addresses, count, out);
	if (fclose(out) && !r)
		r = -ENOMEM;
	if (!r)
		*ret_lines = lines;
	else
		free(lines);
	return r;
}
