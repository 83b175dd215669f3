/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The programs: licence, what is fixed when they are loaded, the doors that packets come in by, and what the agent runs. */
#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <serin/abi.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* From the pinned identity: the same for every program that has ever worked on these maps. */
const volatile __u32 bucket_mask = 0;
const volatile __u32 hash_key[SERIN_HASH_KEYS] = { 0 };

/* Without: only what forwarding needs is done. For measuring what the rest costs. */
const volatile bool observe = true;

#include "ctx_tc.h"
#include "ctx_xdp.h"
#include "life.h"
#include "watch.h"

SEC("xdp.frags")
int serin_xdp(struct xdp_md *ctx)
{
	return xdp_door(ctx);
}

SEC("tc")
int serin_tc_ingress(struct __sk_buff *skb)
{
	return tc_door(skb, DOOR_TC_INGRESS);
}

SEC("tc")
int serin_tc_egress(struct __sk_buff *skb)
{
	return tc_door(skb, DOOR_TC_EGRESS);
}

SEC("syscall")
int serin_sweep(struct serin_sweep *ask)
{
	return sweep(ask);
}

SEC("syscall")
int serin_watch(void *nothing)
{
	(void)nothing;
	return watch_begin();
}

SEC("syscall")
int serin_close(struct serin_close *ask)
{
	return close_flow(ask);
}
