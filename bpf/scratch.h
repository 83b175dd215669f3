/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A packet on its way through the core: facts, flow, decision, and what the steps hand to one another. */
#ifndef SERIN_SCRATCH_H
#define SERIN_SCRATCH_H

#include <serin/split.h>

#include "compat.h"
#include "maps.h"
#include "pkt.h"

/* A way and what it says about the packet at hand. */
struct flow {
	__u32 index; /* of the way */
	__u32 claim; /* as it was when the key was compared */
	__u16 backend;
	__u16 endpoint;
	__u8 direction;     /* enum serin_direction */
	__u8 forward;       /* enum serin_forward */
	__u8 backend_flags; /* enum serin_backend_flags */
	__u8 remembered;    /* if not, index and claim say nothing: sent where the ring says, and that is all */
	__u8 fresh;         /* opened by this very packet */
	__u8 pad[7];
	__u64 hop; /* means something in the direction to the client only */
	struct rewrite rewrite;
};

#define NO_DEVICE SERIN_MAX_DEVICES

/* What a new flow is to be. */
struct opening {
	__u64 hash;
	__u32 listener;
	__u32 backend;
	__u8 forward; /* enum serin_forward */
	__u8 by_rule;
	__u8 pad[2];
	__u32 device; /* id of the one that the packet came by, or NO_DEVICE */
	__u64 client_hop;
	__s64 place; /* what flow_open() has answered */
	__u32 routes_generation;
	__u32 plan; /* its generation */
};

/* What the routes are asked: how to get from one address to another. The answer: SERIN_HOP, HOP_ON_LINK, or a drop. */
struct question {
	struct serin_addr from, to;
	__s64 answer;
};

struct fragment_key {
	struct serin_addr src, dst;
	__u32 id; /* as in the packet */
	__u32 protocol;
};

/* What is to be looked at when the decision is made, since it begins or ends a turn (turn.h). */
enum look {
	LOOK_ASK = 1,
	LOOK_ANSWER = 2,
	LOOK_AGAIN = 4, /* nothing new: sent again */
	LOOK_GAP = 8,   /* something is missing before it */
	LOOK_UNREACHABLE = 16,
	LOOK_LEAVING = 32, /* the client's end, by FIN or RST */
};

#define SAID_LENGTH 12 /* bytes of a status line up to its code */

/* Not on the stack: that is 512 bytes for all functions that call one another. Neither softirqs nor a process that is
 * sending interrupt one another, so one per CPU is enough. */
struct scratch {
	struct pkt pkt;
	__u64 tick; /* of the kernel's timer, at which pkt.stamp was read */
	struct flow flow;
	struct opening opening;
	struct question question;
	struct fragment_key fragment;
	struct serin_listener_key wanted;
	struct serin_split_key drawn;
	struct serin_rule_key rule;
	__u32 refusal;             /* enum serin_drop: why VERDICT_REFUSE */
	__u32 look;                /* enum look */
	__u8 said[2][SAID_LENGTH]; /* first bytes of the payload, and those behind an interim answer; or zeroes */
};
MAP(scratch, PERCPU_ARRAY, 1, __u32, struct scratch);

/* Now. The coarse clock moves with the timer's ticks only; to ask it takes a call, to read the number of ticks does not. So
 * what this CPU's last packet was told in the same tick still holds, and still stands in here. */
static __always_inline void stamp_refresh(struct scratch *here)
{
	__u64 tick = bpf_jiffies64();

	if (likely(here->tick == tick))
		return;
	here->tick = tick;
	here->pkt.stamp = bpf_ktime_get_coarse_ns() >> SERIN_STAMP_SHIFT;
}

/* For functions that are verified once and look something up by a key in there, instead of an argument: to Linux 6.1 what
 * comes as an argument is no memory for keys, "R2 type=mem expected=fp, pkt, pkt_meta, map_key, map_value". */
#define SCRATCH() THE_ONE(scratch)

#endif
