/* SPDX-License-Identifier: BSD-2-Clause */
/* The TC doors: TCX links where the kernel has them (6.6), filters of the clsact qdisc before that. Programs of others
 * stay; on the way in ours goes behind those that are there, on the way out before them. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "datapath_private.h"

/* Newer than the headers of Debian 12. */
#define TCX_INGRESS ((enum bpf_attach_type)46)
#define TCX_EGRESS ((enum bpf_attach_type)47)
#define TCX_FIRST (1u << 3) /* BPF_F_BEFORE, without saying whom */

static enum bpf_attach_type tcx_type(enum door door)
{
	return door == DOOR_INGRESS ? TCX_INGRESS : TCX_EGRESS;
}

/* A kernel without TCX does not know what it is asked for. */
static bool has_tcx(const struct datapath *datapath, unsigned int ifindex)
{
	__u32 flags = 0, count = 0;

	if (datapath->no_tcx)
		return false;
	return bpf_prog_query((int)ifindex, TCX_INGRESS, 0, &flags, NULL, &count) != -EINVAL;
}

static int complain_busy(const char *interface, enum door door, __u32 program, struct complaint *complaint)
{
	const struct own nobody = { .maps = { 0 } };
	char name[OWN_NAME_LEN];

	own_program(&nobody, program, name);
	return complain(complaint, -EBUSY,
			"%s: a filter with the program '%s' (id %u) of somebody else, or of a serin whose pins are "
			"gone, is at clsact %s, expected none there: it was left alone (`tc filter del dev %s %s` "
			"would remove it)",
			interface, name, program, clsact_place(door), interface, clsact_place(door));
}

static int attach_filter(struct datapath *datapath, const char *interface, unsigned int ifindex, enum door door,
			 struct complaint *complaint)
{
	struct clsact_filter filter = { .program = 0 };
	int r = clsact_attach(&datapath->own, ifindex, door, door_program(datapath, door));

	if (r == -EBUSY && clsact_find(&datapath->own, ifindex, door, &filter) == -EBUSY)
		return complain_busy(interface, door, filter.program, complaint);
	if (r)
		return complain(complaint, r, "%s: cannot attach the %s program to the clsact qdisc: %s", interface,
				door_name(door), strerror(-r));
	return 0;
}

static int attach_link(struct datapath *datapath, unsigned int device, const char *interface, unsigned int ifindex,
		       enum door door, struct complaint *complaint)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = door == DOOR_EGRESS ? TCX_FIRST : 0);
	int fd = bpf_link_create(door_program(datapath, door), (int)ifindex, tcx_type(door), &options);
	int r = fd < 0 ? -errno : link_keep(datapath, device, ifindex, door, fd);

	if (r)
		return complain(complaint, r, "%s: cannot attach the %s program: %s", interface, door_name(door),
				strerror(-r));
	return 0;
}

int tc_attach(struct datapath *datapath, unsigned int device, const char *interface, unsigned int ifindex,
	      enum door door, struct complaint *complaint)
{
	struct clsact_filter filter;
	int fd, r;

	fd = link_get(datapath, ifindex, door);
	if (fd >= 0) {
		r = bpf_link_update(fd, door_program(datapath, door), NULL) ? -errno : 0;
		close(fd);
		return r ? complain(complaint, r, "%s: cannot replace the %s program: %s", interface, door_name(door),
				    strerror(-r))
			 : 0;
	}
	if (!clsact_find(&datapath->own, ifindex, door, &filter) || !has_tcx(datapath, ifindex))
		return attach_filter(datapath, interface, ifindex, door, complaint);
	return attach_link(datapath, device, interface, ifindex, door, complaint);
}

int tc_can_attach(const struct datapath *datapath, const char *interface, unsigned int ifindex, enum door door,
		  struct complaint *complaint)
{
	struct clsact_filter filter;

	if (has_tcx(datapath, ifindex) || clsact_find(&datapath->own, ifindex, door, &filter) != -EBUSY)
		return 0;
	return complain_busy(interface, door, filter.program, complaint);
}

const char *tc_kind(const struct datapath *datapath, unsigned int ifindex, enum door door)
{
	struct clsact_filter filter;
	int fd = link_get(datapath, ifindex, door);

	if (fd >= 0) {
		close(fd);
		return "tcx";
	}
	return clsact_find(&datapath->own, ifindex, door, &filter) ? NULL : "clsact";
}

void tc_detach(struct datapath *datapath, unsigned int ifindex, enum door door)
{
	link_drop(datapath, ifindex, door);
	clsact_detach(&datapath->own, ifindex, door);
}
