/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the measuring frame and the bench agree on. */
#ifndef SERIN_BENCH_WRAPPER_H
#define SERIN_BENCH_WRAPPER_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

enum bench_program { BENCH_NOTHING, BENCH_SERIN, BENCH_BLIND, BENCH_LRU, BENCH_PROGRAMS };

/* Ethernet, IPv4, TCP without options, 6 bytes of data; or a UDP datagram as long. */
#define BENCH_FRAME_LENGTH 60
#define BENCH_DATA 6

/* One IPv4 packet of the list, in network byte order. */
struct bench_packet {
	__be32 saddr, daddr;
	__be16 sport, dport;
};

struct bench_cursor {
	__u32 next, first, end;             /* of the list: [first, end), in a circle */
	__u32 program;                      /* enum bench_program */
	__u32 seq, seq_step, ack, ack_step; /* the steps are taken once round */
	__u8 flags;                         /* TCP's */
	__u8 protocol;                      /* IPPROTO_TCP or IPPROTO_UDP */
	__u8 grows; /* the program puts a header before the packet: cut the frame back to its length */
	__u8 pad;
	__u32 ethernet[3]; /* both MAC addresses, as they lie in the frame */
};

#endif
