/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What softirq.bpf.c counts on each CPU. */
#ifndef SERIN_PEERS_SOFTIRQ_H
#define SERIN_PEERS_SOFTIRQ_H

#define MAX_DEVICES 4
#define MAX_PROCESSES 64

struct softirq_times {
	__u64 begin, last;  /* of the softirq that runs; 0: none */
	__u64 devices;      /* ns in polls of the devices */
	__u64 on_processes; /* ns of all softirqs that have come while one of the processes ran */
	__u64 packets, polls;
};

#endif
