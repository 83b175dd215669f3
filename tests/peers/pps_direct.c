/* SPDX-License-Identifier: BSD-2-Clause */
/* A veth pair in a network namespace of its own: from the generator to a sink, with nothing in between. */
#include "pps.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <libmnl/libmnl.h>

#include "../e2e/tools/common.h"

#define NEAR "near"
#define FAR "far"

static struct nlmsghdr *veth_request(char *buffer)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct nlattr *info, *data, *peer;

	request->nlmsg_type = RTM_NEWLINK;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK;
	mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(request, IFLA_IFNAME, NEAR);
	info = mnl_attr_nest_start(request, IFLA_LINKINFO);
	mnl_attr_put_strz(request, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(request, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(request, VETH_INFO_PEER);
	mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(request, IFLA_IFNAME, FAR);
	mnl_attr_nest_end(request, peer);
	mnl_attr_nest_end(request, data);
	mnl_attr_nest_end(request, info);
	return request;
}

static void add_veth(void)
{
	struct mnl_socket *socket = mnl_socket_open(NETLINK_ROUTE);
	char buffer[8192];
	struct nlmsghdr *request = veth_request(buffer);
	ssize_t length;

	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) ||
	    mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		die("rtnetlink: %s", strerror(errno));
	length = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
	if (length < 0 || mnl_cb_run(buffer, (size_t)length, 0, mnl_socket_get_portid(socket), NULL, NULL) < 0)
		die("a veth pair: %s", strerror(errno));
	mnl_socket_close(socket);
}

/* Not by the request above: an end comes up only when it has its other one. */
static void set_up(const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strcpy(request.ifr_name, name);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request))
		die("%s: %s", name, strerror(errno));
	close(fd);
}

void direct_open(struct direct *direct)
{
	int home = current_netns();

	if (unshare(CLONE_NEWNET))
		die("a network namespace: %s", strerror(errno));
	direct->netns = current_netns();
	add_veth();
	set_up(NEAR);
	set_up(FAR);
	direct->ifindex = if_nametoindex(NEAR);
	sink_open_here(&direct->sink, if_nametoindex(FAR));
	enter(home);
	close(home);
}

void direct_close(struct direct *direct)
{
	if (!direct->ifindex)
		return;
	sink_close(&direct->sink);
	close(direct->netns);
	memset(direct, 0, sizeof(*direct));
}
