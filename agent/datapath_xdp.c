/* SPDX-License-Identifier: BSD-2-Clause */
/* The XDP door: native where the driver has it, generic where that is asked for. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/if_link.h>

#include "datapath_private.h"

/* Says whose program is in the way. */
static int complain_busy(const char *interface, unsigned int ifindex, struct complaint *complaint)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	const struct own nobody = { .maps = { 0 } };
	char name[OWN_NAME_LEN];
	__u32 id;

	if (bpf_xdp_query((int)ifindex, 0, &query))
		memset(&query, 0, sizeof(query));
	id = query.prog_id ? query.prog_id : query.drv_prog_id ? query.drv_prog_id : query.skb_prog_id;
	own_program(&nobody, id, name);
	return complain(complaint, -EBUSY,
			"%s: the XDP program '%s' (id %u) of somebody else is attached, expected none: it was left "
			"alone (`attach: tc` would run behind it)",
			interface, name, id);
}

int xdp_can_attach(const char *interface, unsigned int ifindex, struct complaint *complaint)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	/* Where nobody can be asked, attaching will tell. */
	if (bpf_xdp_query((int)ifindex, 0, &query) || query.attach_mode == XDP_ATTACHED_NONE)
		return 0;
	return complain_busy(interface, ifindex, complaint);
}

int xdp_mode(const struct datapath *datapath, unsigned int ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	int fd = link_get(datapath, ifindex, DOOR_XDP);

	if (fd < 0)
		return -ENOENT;
	close(fd);
	if (bpf_xdp_query((int)ifindex, 0, &query) || query.attach_mode == XDP_ATTACHED_NONE)
		return -ENOENT;
	return query.attach_mode == XDP_ATTACHED_SKB ? ATTACH_XDP_GENERIC : ATTACH_XDP;
}

static int create_link(const struct datapath *datapath, unsigned int ifindex, enum config_attach attach)
{
	LIBBPF_OPTS(bpf_link_create_opts, options,
		    .flags = attach == ATTACH_XDP_GENERIC ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE);
	int fd = bpf_link_create(door_program(datapath, DOOR_XDP), (int)ifindex, BPF_XDP, &options);

	return fd < 0 ? -errno : fd;
}

/* Whatever a driver answers to native XDP, it is its way of saying that it will not have it. */
static int complain_refused(const char *interface, enum config_attach attach, int error, struct complaint *complaint)
{
	char driver[DEVICE_DRIVER_LEN];

	if (attach == ATTACH_XDP_GENERIC || error == -EPERM || error == -ENODEV || error == -ENOMEM)
		return complain(complaint, error, "%s: cannot attach the XDP program: %s", interface, strerror(-error));
	device_driver(interface, driver);
	return complain(complaint, -EOPNOTSUPP, "%s: driver %s %s native XDP: %s", interface, driver,
			error == -EOPNOTSUPP ? "has no" : "refuses", strerror(-error));
}

int xdp_attach(struct datapath *datapath, unsigned int device, const char *interface, unsigned int ifindex,
	       enum config_attach attach, struct complaint *complaint)
{
	int fd, r;

	fd = link_get(datapath, ifindex, DOOR_XDP);
	if (fd >= 0) {
		r = bpf_link_update(fd, door_program(datapath, DOOR_XDP), NULL) ? -errno : 0;
		close(fd);
		return r ? complain(complaint, r, "%s: cannot replace the XDP program: %s", interface, strerror(-r))
			 : 0;
	}
	fd = fd == -ENOENT ? create_link(datapath, ifindex, attach) : fd;
	if (fd == -EBUSY || fd == -EEXIST)
		return complain_busy(interface, ifindex, complaint);
	if (fd < 0)
		return complain_refused(interface, attach, fd, complaint);
	r = link_keep(datapath, device, ifindex, DOOR_XDP, fd);
	return r ? complain(complaint, r, "%s: cannot pin the XDP program's link: %s", interface, strerror(-r)) : 0;
}
