/* SPDX-License-Identifier: BSD-2-Clause */
/* Building the tests' network namespace with `ip -batch`. */
#include "net.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void sysctl_set(const char *path, const char *value)
{
	char full[128];
	int fd;

	snprintf(full, sizeof(full), "/proc/sys/net/%s", path);
	fd = open(full, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, value, strlen(value)) != (ssize_t)strlen(value)) {
		fprintf(stderr, "%s: cannot write %s: %s\n", full, value, strerror(errno));
		exit(1);
	}
	close(fd);
}

static const char *const settings[][2] = {
	{ "ipv4/ip_forward", "1" },
	{ "ipv6/conf/all/forwarding", "1" },
	{ "ipv6/conf/default/forwarding", "1" },
	{ "ipv6/conf/all/accept_dad", "0" },
	{ "ipv6/conf/default/accept_dad", "0" },
	{ "ipv6/conf/default/addr_gen_mode", "1" }, /* no link-local addresses */
};

static void add_interface(FILE *ip, const char *name, net_mac_t mac)
{
	fprintf(ip, "link add %s type veth peer name %s-far\n", name, name);
	fprintf(ip, "link set %s address %02x:%02x:%02x:%02x:%02x:%02x mtu %d up\n", name, mac.byte[0], mac.byte[1],
		mac.byte[2], mac.byte[3], mac.byte[4], mac.byte[5], NET_MTU);
	fprintf(ip, "link set %s-far mtu 9000 up\n", name);
}

/* Hosts first to last (the last byte of both their addresses, in hexadecimal for IPv6) are known on an interface. */
static void add_neighbours(FILE *ip, const char *name, const char *net4, const char *net6, unsigned int kind,
			   unsigned int first, unsigned int last)
{
	unsigned int i;

	for (i = first; i <= last; i++) {
		fprintf(ip, "neigh replace %s.%u lladdr 02:00:00:00:%02x:%02x nud permanent dev %s\n", net4, i, kind, i,
			name);
		fprintf(ip, "neigh replace %s::%x lladdr 02:00:00:00:%02x:%02x nud permanent dev %s\n", net6, i, kind,
			i, name);
	}
}

static void add_all_neighbours(FILE *ip)
{
	add_neighbours(ip, NET_FRONT, "198.51.100", "2001:db8:c", 0x0c, 0x10, 0x13);
	add_neighbours(ip, NET_FRONT, "198.51.100", "2001:db8:c", 0x0a, 0x21, 0x22);
	add_neighbours(ip, NET_FRONT, "198.51.100", "2001:db8:c", 0x0c, 0xfe, 0xfe);
	add_neighbours(ip, NET_REAR, "10.0.0", "2001:db8:b", 0x0b, 0x11, 0x18);
	add_neighbours(ip, NET_REAR, "10.0.0", "2001:db8:b", 0x0b, 0xfe, 0xfe);
	add_neighbours(ip, NET_OTHER, "10.77.0", "2001:db8:77", 0x07, 0x11, 0x11);
}

static void describe(FILE *ip)
{
	fprintf(ip, "link set lo up\n");
	add_interface(ip, NET_FRONT, NET_FRONT_MAC);
	add_interface(ip, NET_REAR, NET_REAR_MAC);
	add_interface(ip, NET_OTHER, NET_MAC(1, 3));
	fprintf(ip, "address add 198.51.100.1/24 dev front\naddress add 2001:db8:c::1/64 dev front\n");
	fprintf(ip, "address add 10.0.0.1/24 dev rear\naddress add 10.0.0.2/24 dev rear\n");
	fprintf(ip, "address add 2001:db8:b::1/64 dev rear\n");
	fprintf(ip, "address add 10.77.0.1/24 dev other\naddress add 2001:db8:77::1/64 dev other\n");
	add_all_neighbours(ip);
	fprintf(ip, "route add 192.0.2.0/24 via 198.51.100.254\nroute add 100.64.0.0/10 via 198.51.100.254\n");
	fprintf(ip, "route add 2001:db8:7::/48 via 2001:db8:c::fe\n");
	fprintf(ip, "route add 10.9.0.0/24 via 10.0.0.254\nroute add 2001:db8:9::/64 via 2001:db8:b::fe\n");
}

static void run_batch(void (*write)(FILE *ip))
{
	FILE *ip = popen("ip -batch -", "we");

	if (!ip) {
		perror("ip");
		exit(1);
	}
	write(ip);
	if (pclose(ip)) {
		fprintf(stderr, "cannot build the test network\n");
		exit(1);
	}
}

void net_restore_neighbours(void)
{
	run_batch(add_all_neighbours);
}

void net_enter(void)
{
	size_t i;

	if (geteuid() || unshare(CLONE_NEWNET)) {
		fprintf(stderr, "skipped: needs root, to make a network namespace and load BPF programs\n");
		exit(NET_SKIP);
	}
	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		sysctl_set(settings[i][0], settings[i][1]);
	run_batch(describe);
}

bool net_run(const char *program, const char *format, va_list arguments)
{
	char words[256], command[300];

	vsnprintf(words, sizeof(words), format, arguments);
	snprintf(command, sizeof(command), "%s %s", program, words);
	if (!system(command))
		return true;
	fprintf(stderr, "failed: %s\n", command);
	return false;
}

void net_ip(const char *format, ...)
{
	va_list arguments;
	bool done;

	va_start(arguments, format);
	done = net_run("ip", format, arguments);
	va_end(arguments);
	if (!done)
		exit(1);
}
