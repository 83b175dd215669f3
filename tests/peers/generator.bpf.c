/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The program that makes packets: run by BPF_PROG_TEST_RUN with live frames, it writes the next flow's packet over whatever
 * the frame held before, all of it, and sends it out of an interface. */
#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "frame.h"

/* Odd, so that every flow has its own address; neighbours in number are none in address or port. */
#define SCATTER_ADDRESS 40503u
#define SCATTER_PORT 2654435761u

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* The packet of a flow whose source has zeros in its lower half and as its port. */
const volatile __u64 blank[FRAME_WORDS] = { 0 };
const volatile __u32 ip_sum = 0, udp_sum = 0; /* of the blank, not folded, checksums left out */

/* All flows are visited in turn, each once, a step apart that has no divisor in common with their number. */
const volatile __u32 flows = 1, step = 1;

/* Only ever run on one CPU at a time. */
__u32 target; /* interface */
__u32 at;     /* the next flow */
__u64 sent;

static __always_inline __u16 folded(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

SEC("xdp")
int generator(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	struct iphdr *ip = data + FRAME_IP;
	struct udphdr *udp = data + FRAME_UDP;
	__u32 flow = at, next = flow + step, i;
	__u64 *words = data;
	__u16 low, port;

	if (data + FRAME_LENGTH > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	at = next >= flows ? next - flows : next;
	low = bpf_htons(flow * SCATTER_ADDRESS);
	port = bpf_htons(FRAME_FIRST_PORT + ((flow * SCATTER_PORT >> 16) * FRAME_PORTS >> 16));
	for (i = 0; i < FRAME_WORDS - 1; i++)
		words[i] = blank[i];
	*(__u32 *)(words + i) = (__u32)blank[i];
	((__u16 *)&ip->saddr)[1] = low;
	ip->check = folded(ip_sum + low);
	udp->source = port;
	udp->check = folded(udp_sum + low + port) ?: 0xffff;
	sent++;
	return bpf_redirect(target, 0);
}
