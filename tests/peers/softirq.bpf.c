/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How long softirqs take: in the polls of chosen devices, and on top of chosen processes. A CPU's softirqs do not nest, and
 * between two of the events below it does nothing but one device's poll, if interrupts are left out of account.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "softirq.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* The kernel's, as much of it as is read. */
struct ns_common___here {
	unsigned int inum;
} __attribute__((preserve_access_index));
struct net___here {
	struct ns_common___here ns;
} __attribute__((preserve_access_index));
struct possible_net___here {
	struct net___here *net;
} __attribute__((preserve_access_index));
struct net_device___here {
	int ifindex;
	struct possible_net___here nd_net;
} __attribute__((preserve_access_index));
struct napi_struct___here {
	struct net_device___here *dev;
} __attribute__((preserve_access_index));

const volatile __u32 netns;                  /* its inode number */
const volatile __u32 ifindexes[MAX_DEVICES]; /* in it; 0: no more */

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct softirq_times);
} times SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_PROCESSES);
	__type(key, __u32); /* process */
	__type(value, __u8);
} processes SEC(".maps");

static __always_inline struct softirq_times *of_this_cpu(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&times, &zero);
}

static __always_inline bool is_chosen(struct napi_struct___here *napi)
{
	struct net_device___here *device = BPF_CORE_READ(napi, dev);
	__u32 ifindex, i;

	if (!device || BPF_CORE_READ(device, nd_net.net, ns.inum) != netns)
		return false;
	ifindex = BPF_CORE_READ(device, ifindex);
	for (i = 0; i < MAX_DEVICES; i++)
		if (ifindexes[i] == ifindex)
			return true;
	return false;
}

SEC("raw_tp/softirq_entry")
int softirq_begins(void *nothing)
{
	struct softirq_times *here = of_this_cpu();

	(void)nothing;
	if (here)
		here->begin = here->last = bpf_ktime_get_ns();
	return 0;
}

/* After each; its arguments are the device's NAPI, and for how many packets it has found. The second look at the clock keeps what is done here out of the next one's time. */
SEC("raw_tp/napi_poll")
int poll_ends(__u64 *args)
{
	__u64 now = bpf_ktime_get_ns();
	struct softirq_times *here = of_this_cpu();

	if (!here || !here->begin)
		return 0;
	if (is_chosen((void *)args[0])) {
		here->devices += now - here->last;
		here->packets += (__u32)args[1];
		here->polls++;
	}
	here->last = bpf_ktime_get_ns();
	return 0;
}

SEC("raw_tp/softirq_exit")
int softirq_ends(void *nothing)
{
	struct softirq_times *here = of_this_cpu();
	__u32 process = bpf_get_current_pid_tgid() >> 32;

	(void)nothing;
	if (!here || !here->begin)
		return 0;
	if (bpf_map_lookup_elem(&processes, &process))
		here->on_processes += bpf_ktime_get_ns() - here->begin;
	here->begin = 0;
	return 0;
}
