/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks of the host before attaching: the SNAT ports must be nobody else's, and must stay so. */
#include "hostcheck.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "hostcheck_sockets.h"

#define RESERVED "/proc/sys/net/ipv4/ip_local_reserved_ports"
#define RESERVED_MAX 4095 /* the kernel takes a page less one byte at once; a second write would only add */
#define RESERVED_READ_MAX (256u << 10) /* every second port makes 190 KB */
#define PORTS 65536u

struct ports {
	bool taken[PORTS];
};

struct search {
	uint16_t first, last;
	const struct serin_addr *addresses;
	size_t count;
	struct ports ports;
	unsigned int found; /* distinct ports */
	struct local_socket lowest;
};

/* A socket in TIME_WAIT only waits for segments of a connection that is over; those find no flow and pass to it. */
static void look_at(void *context, const struct local_socket *local)
{
	struct search *search = context;
	size_t i;

	if (local->port < search->first || local->port > search->last || local->state == TCP_TIME_WAIT)
		return;
	for (i = 0; i < search->count; i++) {
		if (!hostcheck_clashes(&local->addr, &search->addresses[i]))
			continue;
		if (!search->found || local->port < search->lowest.port)
			search->lowest = *local;
		search->found += !search->ports.taken[local->port];
		search->ports.taken[local->port] = true;
		return;
	}
}

/* The longest stretch of the range that nobody has taken; the first of equals. False when all are taken. */
static bool largest_free(const struct search *search, unsigned int *ret_first, unsigned int *ret_last)
{
	unsigned int port, start = search->first, best = 0;

	for (port = search->first; port <= search->last + 1u; port++) {
		if (port <= search->last && !search->ports.taken[port])
			continue;
		if (port - start > best) {
			best = port - start;
			*ret_first = start;
			*ret_last = port - 1;
		}
		start = port + 1;
	}
	return best > 0;
}

static const char *use_of(const struct local_socket *local)
{
	if (local->protocol == IPPROTO_UDP)
		return "UDP socket on";
	return local->state == TCP_LISTEN ? "TCP listener on" : "TCP connection from";
}

static int complain_taken(const struct search *search, struct complaint *complaint)
{
	const struct local_socket *lowest = &search->lowest;
	char text[ADDRESS_TEXT_LEN], more[32] = "", free_part[40] = "";
	unsigned int first, last;

	if (search->found > 1)
		snprintf(more, sizeof(more), " and %u more of them", search->found - 1);
	if (largest_free(search, &first, &last))
		snprintf(free_part, sizeof(free_part), ", such as %u-%u", first, last);
	return complain(complaint, -EADDRINUSE,
			"SNAT ports %u-%u: this host uses port %u itself (%s %s)%s, "
			"expected ports that only serin uses%s",
			search->first, search->last, lowest->port, use_of(lowest),
			endpoint_format(&lowest->addr, htons((uint16_t)lowest->port), text), more, free_part);
}

int hostcheck_snat_ports(const struct hostcheck_ports *ports, const struct serin_addr *addresses, size_t count,
			 struct complaint *complaint)
{
	struct search *search = calloc(1, sizeof(*search));
	int r = 0;

	if (!search)
		return complain(complaint, -ENOMEM, "out of memory");
	search->first = ports->first;
	search->last = ports->last;
	search->addresses = addresses;
	search->count = count;
	if (ports->tcp)
		r = hostcheck_each_socket(IPPROTO_TCP, look_at, search, complaint);
	if (!r && ports->udp)
		r = hostcheck_each_socket(IPPROTO_UDP, look_at, search, complaint);
	if (!r && search->found)
		r = complain_taken(search, complaint);
	free(search);
	return r;
}

/* "8080,9148-9150\n", or an empty line. */
static bool parse_reserved(const char *text, struct ports *ret)
{
	unsigned long from, to;
	char *end;

	while (*text && *text != '\n') {
		from = to = strtoul(text, &end, 10);
		if (end == text)
			return false;
		if (*end == '-')
			to = strtoul(end + 1, &end, 10);
		if (from > to || to >= PORTS || (*end && !strchr(",\n", *end)))
			return false;
		memset(&ret->taken[from], true, to - from + 1);
		text = *end == ',' ? end + 1 : end;
	}
	return true;
}

/* The kernel answers the first read with as much as fits and every later one with nothing: stdio, which reads in small
 * pieces, would see the beginning of a long list, and writing that back would lose the rest. */
static int read_reserved(struct ports *ret, struct complaint *complaint)
{
	int fd = open(RESERVED, O_RDONLY | O_CLOEXEC), r = 0;
	char *text = malloc(RESERVED_READ_MAX + 1);
	ssize_t length = -1;

	if (fd >= 0 && text)
		length = read(fd, text, RESERVED_READ_MAX);
	if (length < 0) {
		r = complain(complaint, -errno, "cannot read %s: %s", RESERVED, strerror(errno));
		goto out;
	}
	text[length] = '\0';
	if (length == RESERVED_READ_MAX || !parse_reserved(text, ret))
		r = complain(complaint, -EBADMSG, "cannot make sense of %s, expected ports and ranges with commas",
			     RESERVED);
out:
	free(text);
	if (fd >= 0)
		close(fd);
	return r;
}

/* As the kernel prints it: ranges that touch are one. The caller frees. */
static char *format_reserved(const struct ports *ports)
{
	unsigned int port, from;
	const char *comma = "";
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		return NULL;
	for (port = 0; port < PORTS; port++) {
		if (!ports->taken[port])
			continue;
		for (from = port; port + 1 < PORTS && ports->taken[port + 1];)
			port++;
		fprintf(out, from == port ? "%s%u" : "%s%u-%u", comma, from, port);
		comma = ",";
	}
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

static int write_reserved(const struct ports *ports, struct complaint *complaint)
{
	char *text = format_reserved(ports);
	int fd, r = 0;

	if (!text)
		return complain(complaint, -ENOMEM, "out of memory");
	if (strlen(text) > RESERVED_MAX) {
		r = complain(complaint, -E2BIG, "%s would be longer than %d bytes, expected fewer separate ranges",
			     RESERVED, RESERVED_MAX);
		goto out;
	}
	errno = EIO; /* for a write that is cut short */
	fd = open(RESERVED, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		r = complain(complaint, -errno,
			     "cannot write %s: %s; expected leave to, or to find the SNAT ports reserved already",
			     RESERVED, strerror(errno));
	if (fd >= 0)
		close(fd);
out:
	free(text);
	return r;
}

int hostcheck_reserve_ports(uint16_t first, uint16_t last, struct complaint *complaint)
{
	struct ports *ports = calloc(1, sizeof(*ports));
	size_t length = (size_t)last - first + 1;
	int r;

	if (!ports)
		return complain(complaint, -ENOMEM, "out of memory");
	r = first <= last ? read_reserved(ports, complaint)
			  : complain(complaint, -EINVAL, "SNAT ports %u-%u: expected FIRST <= LAST", first, last);
	if (!r && memchr(&ports->taken[first], false, length)) {
		memset(&ports->taken[first], true, length);
		r = write_reserved(ports, complaint);
	}
	free(ports);
	return r;
}
