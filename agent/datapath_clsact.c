/* SPDX-License-Identifier: BSD-2-Clause */
/* Filters of the clsact qdisc, for kernels without TCX. They are no links: they stay without anybody, nothing is pinned,
 * and what is ours is told by place and program. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include "datapath_private.h"
#include "rtnl.h"

/* Others are to see packets as they are on the wire: they come first on the way in, after us on the way out. Priorities
 * that the kernel chooses begin at 49152 and go down. */
#define PRIORITY_INGRESS 60000
#define PRIORITY_EGRESS 10

/* The only place where it can be written down that the qdisc was made for us, and goes when it does. */
#define HANDLE_QDISC_FOUND 1
#define HANDLE_QDISC_MADE 2

static struct bpf_tc_hook hook_of(unsigned int ifindex, enum bpf_tc_attach_point point)
{
	struct bpf_tc_hook hook;

	memset(&hook, 0, sizeof(hook));
	hook.sz = sizeof(hook);
	hook.ifindex = (int)ifindex;
	hook.attach_point = point;
	return hook;
}

static struct bpf_tc_hook hook_of_door(unsigned int ifindex, enum door door)
{
	return hook_of(ifindex, door == DOOR_INGRESS ? BPF_TC_INGRESS : BPF_TC_EGRESS);
}

static __u32 priority_of(enum door door)
{
	return door == DOOR_INGRESS ? PRIORITY_INGRESS : PRIORITY_EGRESS;
}

const char *clsact_place(enum door door)
{
	return door == DOOR_INGRESS ? "ingress pref 60000" : "egress pref 10";
}

/* The filter at one of our two places. 0 and *ret, or -ENOENT. */
static int look(unsigned int ifindex, enum door door, __u32 handle, struct clsact_filter *ret)
{
	struct bpf_tc_hook hook = hook_of_door(ifindex, door);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = handle, .priority = priority_of(door));

	/* Without the qdisc: EINVAL. */
	if (bpf_tc_query(&hook, &options))
		return -ENOENT;
	ret->handle = handle;
	ret->program = options.prog_id;
	return 0;
}

int clsact_find(const struct own *own, unsigned int ifindex, enum door door, struct clsact_filter *ret)
{
	static const __u32 handles[] = { HANDLE_QDISC_FOUND, HANDLE_QDISC_MADE };
	struct clsact_filter filter = { .handle = 0 };
	char name[OWN_NAME_LEN];
	int r = -ENOENT;

	for (size_t i = 0; i < sizeof(handles) / sizeof(handles[0]); i++) {
		if (look(ifindex, door, handles[i], &filter))
			continue;
		*ret = filter;
		if (own_program(own, filter.program, name))
			return 0;
		r = -EBUSY;
	}
	return r;
}

static int note_filter(const struct nlmsghdr *message, void *context)
{
	if (message->nlmsg_type == RTM_NEWTFILTER)
		(*(unsigned int *)context)++;
	return MNL_CB_OK;
}

static int count_filters(struct rtnl *rtnl, unsigned int ifindex, __u32 minor, unsigned int *count)
{
	_Alignas(8) char buffer[RTNL_REQUEST_SIZE];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct tcmsg *filter;

	request->nlmsg_type = RTM_GETTFILTER;
	request->nlmsg_flags = NLM_F_DUMP;
	filter = mnl_nlmsg_put_extra_header(request, sizeof(*filter));
	filter->tcm_ifindex = (int)ifindex;
	filter->tcm_parent = TC_H_MAKE(TC_H_CLSACT, minor);
	return rtnl_talk(rtnl, request, note_filter, count);
}

/* Whether nobody has a filter on the qdisc. When that cannot be found out, somebody has. */
static bool is_empty(unsigned int ifindex)
{
	struct rtnl *rtnl = malloc(sizeof(*rtnl));
	unsigned int count = 0;
	int r;

	if (!rtnl || rtnl_open(rtnl)) {
		free(rtnl);
		return false;
	}
	r = count_filters(rtnl, ifindex, TC_H_MIN_INGRESS, &count);
	if (!r)
		r = count_filters(rtnl, ifindex, TC_H_MIN_EGRESS, &count);
	rtnl_close(rtnl);
	free(rtnl);
	return !r && !count;
}

static void remove_qdisc(unsigned int ifindex)
{
	struct bpf_tc_hook hook = hook_of(ifindex, BPF_TC_INGRESS | BPF_TC_EGRESS);

	if (is_empty(ifindex))
		bpf_tc_hook_destroy(&hook);
}

/* The handle that a new filter gets, or a negative errno. What the filter of the other direction says of the qdisc is
 * true of this one as well. */
static int provide_qdisc(const struct own *own, unsigned int ifindex, enum door door)
{
	struct bpf_tc_hook hook = hook_of(ifindex, BPF_TC_INGRESS | BPF_TC_EGRESS);
	struct clsact_filter other;
	int r = bpf_tc_hook_create(&hook);

	if (!r)
		return HANDLE_QDISC_MADE;
	if (r != -EEXIST)
		return r;
	if (!clsact_find(own, ifindex, door == DOOR_INGRESS ? DOOR_EGRESS : DOOR_INGRESS, &other))
		return (int)other.handle;
	return HANDLE_QDISC_FOUND;
}

int clsact_attach(const struct own *own, unsigned int ifindex, enum door door, int program)
{
	struct bpf_tc_hook hook = hook_of_door(ifindex, door);
	LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = program, .priority = priority_of(door));
	struct clsact_filter filter;
	int r;

	r = clsact_find(own, ifindex, door, &filter);
	if (!r) {
		options.handle = filter.handle;
		options.flags = BPF_TC_F_REPLACE;
		return bpf_tc_attach(&hook, &options);
	}
	if (r != -ENOENT)
		return r;
	r = provide_qdisc(own, ifindex, door);
	if (r < 0)
		return r;
	options.handle = (__u32)r;
	r = bpf_tc_attach(&hook, &options);
	if (r && options.handle == HANDLE_QDISC_MADE)
		remove_qdisc(ifindex);
	return r;
}

bool clsact_detach(const struct own *own, unsigned int ifindex, enum door door)
{
	struct bpf_tc_hook hook = hook_of_door(ifindex, door);
	LIBBPF_OPTS(bpf_tc_opts, options, .priority = priority_of(door));
	struct clsact_filter filter;

	if (clsact_find(own, ifindex, door, &filter))
		return false;
	options.handle = filter.handle;
	bpf_tc_detach(&hook, &options);
	if (filter.handle == HANDLE_QDISC_MADE)
		remove_qdisc(ifindex);
	return true;
}
