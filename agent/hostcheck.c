/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks of the host before attaching: forwarding, and which addresses are its own. */
#include "hostcheck.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/rtnetlink.h>

#include "rtnl.h"

#define SYSCTL_IPV4 "net.ipv4.ip_forward"
#define SYSCTL_IPV6 "net.ipv6.conf.all.forwarding"

/* -ENOENT where the kernel has no such family. */
static int read_switch(const char *path, bool *ret)
{
	FILE *file = fopen(path, "re");
	int value, r = 0;

	if (!file)
		return -errno;
	if (fscanf(file, "%d", &value) == 1)
		*ret = value == 1;
	else
		r = -EIO;
	fclose(file);
	return r;
}

static int check_switch(const char *path, const char *name, bool *ret_on, struct complaint *complaint)
{
	int r = read_switch(path, ret_on);

	if (r == -ENOENT)
		return complain(complaint, -EPERM, "this kernel has no %s: expected it to be there and 1", name);
	if (r < 0)
		return complain(complaint, r, "cannot read %s: %s", path, strerror(-r));
	return 0;
}

int hostcheck_forwarding(bool ipv4, bool ipv6, struct complaint *complaint)
{
	bool on4 = true, on6 = true;
	int r = 0;

	if (ipv4)
		r = check_switch("/proc/sys/net/ipv4/ip_forward", SYSCTL_IPV4, &on4, complaint);
	if (!r && ipv6)
		r = check_switch("/proc/sys/net/ipv6/conf/all/forwarding", SYSCTL_IPV6, &on6, complaint);
	if (r < 0)
		return r;
	if (on4 && on6)
		return 0;
	return complain(complaint, -EPERM, "IP forwarding is off, expected it to be on: sysctl -w%s%s",
			on4 ? "" : " " SYSCTL_IPV4 "=1", on6 ? "" : " " SYSCTL_IPV6 "=1");
}

/* The kernel's own question: would it deliver here? That covers IPv4 prefixes on the loopback interface too, whose
 * every address is local, and leaves out IPv6 addresses that failed duplicate detection. */
int hostcheck_listener_address(const struct serin_addr *address, bool *ret_local)
{
	struct rtnl *rtnl = calloc(1, sizeof(*rtnl));
	struct rtnl_route route;
	int r;

	if (!rtnl)
		return -ENOMEM;
	r = rtnl_open(rtnl);
	if (!r) {
		r = rtnl_get_route(rtnl, address, &route);
		rtnl_close(rtnl);
	}
	free(rtnl);
	if (!r) {
		*ret_local = route.type == RTN_LOCAL;
		return 0;
	}
	/* No route, or one that refuses. */
	if (r != -ENETUNREACH && r != -EHOSTUNREACH && r != -EACCES && r != -EINVAL)
		return r;
	*ret_local = false;
	return 0;
}
