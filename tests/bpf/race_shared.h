/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the hammer, a BPF program that sends packets through the real one, and the test that runs it agree on. */
#ifndef SERIN_TEST_RACE_SHARED_H
#define SERIN_TEST_RACE_SHARED_H

#include <serin/abi.h>

/* What must never happen. */
#define RACE_FAULTS(X)                                                                   \
	X(BYTES, "forwarded with other bytes, a wrong checksum or a wrong TTL")          \
	X(HOP, "forwarded to another MAC address than its receiver's")                   \
	X(STRANGER, "forwarded to or from somebody who has no part in the conversation") \
	X(NOT_FORWARDED, "not forwarded, though its flow was there all the time")        \
	X(WRONG_REWRITE, "rewritten differently from what its flow said all the time")   \
	X(PASSED, "a client's packet was passed to the host")                            \
	X(DROPPED, "a backend's packet was dropped or refused, or a SYN refused")        \
	X(UNCOUNTED, "dropped twice by the counters, or forwarded and dropped")          \
	X(TWICE, "two live ways had the same key")                                       \
	X(OWNER, "the owner word of a live flow's port named another one")               \
	X(SHARED, "a port led to another client while the flow that uses it was live")   \
	X(ORPHAN, "a flow lived on with one way, though nobody was at work on it")       \
	X(RESIDENT, "an established flow was lost or has moved")

/* What may happen; the test says how often it must, or may at most. */
#define RACE_FIGURES(X)                                                                        \
	X(ROUNDS, "packets")                                                                   \
	X(TO_BACKEND, "forwarded to a backend")                                                \
	X(TO_CLIENT, "forwarded to a client")                                                  \
	X(ASIDE, "answers without a flow, passed")                                             \
	X(DROPS, "clients' packets dropped")                                                   \
	X(REFUSALS, "clients' packets answered by a RST")                                      \
	X(STEADY, "met one flow before and after: exact")                                      \
	X(EITHER, "met a flow that was opened or ended meanwhile: exact")                      \
	X(UNSETTLED, "met a flow that came and went meanwhile: by the plan only")              \
	X(OWNERS, "owner words compared")                                                      \
	X(PARTNERS, "answers that met their flow's other way")                                 \
	X(MISSED, "answers that met no way, or another flow's")                                \
	X(OVERLAPS, "gateway: answers that met a successor while their flow was still ending") \
	X(ORPHANS, "flows with one way, the other CPU perhaps being at work on them")          \
	X(RESIDENTS, "packets of residents")

enum race_fault {
#define RACE_ENUM(name, text) RACE_##name,
	RACE_FAULTS(RACE_ENUM) RACE_FAULT_COUNT
};

enum race_figure { RACE_FIGURES(RACE_ENUM) RACE_FIGURE_COUNT };
#undef RACE_ENUM

#define RACE_FRAME 82    /* bytes of every frame: IPv6 and TCP headers, 8 bytes of payload */
#define RACE_BACKENDS 4u /* at most */
#define RACE_MAX_KEYS 4096u
#define RACE_REPORTS 16u

/* Client n has the address ending in 100 + n % 100 and the port 10000 + n: a pair that was put together from two
 * clients' shows. Key 2 n + l is that client talking to listening address l. */
#define RACE_CLIENT_BASE 100u
#define RACE_CLIENT_ADDRESSES 100u
#define RACE_CLIENT_PORT 10000u
#define RACE_NO_KEY 0xffffffffu

struct race_end {
	struct serin_addr addr;
	__be16 port;
	__u16 id; /* of the backend */
	__u32 pad;
};

/* Constants of the hammer. */
struct race_config {
	__u32 family;
	__u32 forward;
	__u32 keys;
	__u32 residents; /* keys 0 .. residents - 1 */
	__u32 port_first, port_count;
	__u32 backend_count;
	__u32 cpu[2];
	__u32 pad;
	struct serin_addr client; /* but for the last byte */
	struct serin_addr snat;
	struct race_end listener[2];
	struct race_end backend[RACE_BACKENDS];
};

struct race_tuple {
	struct serin_addr src, dst;
	union {
		struct {
			__be16 sport, dport;
		};
		__u32 ports;
	};
	__u32 pad;
};

/* A live way, as found in the table. claim 0: there is none. */
struct race_view {
	struct race_tuple out; /* what its packets become */
	__u32 index, claim;
	__u32 peer, peer_generation;
	__u16 backend;
	__be16 nat_port;
	__u8 snat;
	__u8 direction;
	__u8 pad[2];
};

struct race_packet {
	struct race_tuple tuple;
	__u64 mac; /* its sender's */
	__u32 seq, ack;
	__u32 payload; /* 0 or 8 bytes */
	__u32 key;
	__u32 direction;
	__u32 flags;
};

/* A frame that was read. */
struct race_seen {
	struct race_tuple tuple;
	__u64 mac_to, mac_from;
	__u32 seq, ack;
	__u32 payload; /* bytes; ~0: not a frame of the hammer's */
	__u32 key;     /* from the payload */
	__u32 flags;
	__u32 ttl;
	__u32 sums_right;
	__u32 pad;
};

/* All about one packet. */
struct race_evidence {
	struct race_packet packet;
	struct race_view before, after; /* the way of the packet's own tuple */
	struct race_view partner;       /* of an answer: the client's flow, when it was forwarded */
	struct race_seen seen;
	__u64 owner;
	__u32 drops;
	__u32 fault;
	__u32 cpu;
	__u32 pad;
};

enum race_next { RACE_ANYTHING, RACE_ANSWER, RACE_ACKNOWLEDGE };

/* One per CPU. */
struct race_state {
	struct race_evidence now;
	__u64 random;
	__u64 drops;
	__u32 armed;                /* `now` is about a packet that has gone through */
	__u32 next;                 /* enum race_next */
	__u32 settling;             /* open the residents' flows, nothing else */
	__u32 settled;              /* so many are */
	__u32 orphan, orphan_claim; /* a flow that was seen with one way */
	__u64 orphan_round;         /* of the other CPU, at that time */
	__u64 faults[RACE_FAULT_COUNT];
	__u64 figures[RACE_FIGURE_COUNT];
};

/* The established flow of a key below `residents`. */
struct race_resident {
	__u32 index, generation;
};

#endif
