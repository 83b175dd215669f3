/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Makes of an skb what BPF_PROG_TEST_RUN does not let a test hand in, and goes on into the real program: a frame that is cut
 * off within its IP header, and one whose VLAN tag the stack has already moved out of the frame. */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "harness/tc_entry.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} real_program SEC(".maps");

SEC("tc")
int tc_entry(struct __sk_buff *skb)
{
	__u16 type = skb->cb[TC_ENTRY_TYPE], tag_type = skb->cb[TC_ENTRY_TAG_TYPE], tag = skb->cb[TC_ENTRY_TAG];

	skb->cb[TC_ENTRY_TYPE] = skb->cb[TC_ENTRY_TAG_TYPE] = skb->cb[TC_ENTRY_TAG] = 0;
	if (type && bpf_skb_store_bytes(skb, 12, &type, sizeof(type), 0))
		return TC_ENTRY_FAILED;
	if (tag_type && bpf_skb_vlan_push(skb, tag_type, tag))
		return TC_ENTRY_FAILED;
	bpf_tail_call(skb, &real_program, 0);
	return TC_ENTRY_FAILED;
}
