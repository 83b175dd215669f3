/* SPDX-License-Identifier: BSD-2-Clause */
/* Lets every packet in: what the far end of a veth pair needs before XDP_TX and XDP_REDIRECT reach it. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}
