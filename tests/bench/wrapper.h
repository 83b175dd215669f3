/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the measuring frame and the bench agree on. */
#ifndef SERIN_BENCH_WRAPPER_H
#define SERIN_BENCH_WRAPPER_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

enum bench_program { BENCH_NOTHING, BENCH_SERIN, BENCH_LRU, BENCH_PROGRAMS };

/* One IPv4 packet of the list, in network byte order. */
struct bench_packet {
	__be32 saddr, daddr;
	__be16 sport, dport;
};

struct bench_cursor {
	__u32 next, first, end; /* of the list: [first, end), in a circle */
	__u32 program;          /* enum bench_program */
	__u32 seq, seq_step, ack;
	__u8 flags;
	__u8 mac[6];
	__u8 pad;
};

#endif
