/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What kernel and agent agree on: limits, map keys and values, and the version of that agreement. */
#ifndef SERIN_ABI_H
#define SERIN_ABI_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#include "reasons.h"

/* Any change to a struct of this file, to the meaning of a field or to a limit moves this number:
 * an agent never touches pinned maps of another number. */
#define SERIN_ABI_VERSION 5u
#define SERIN_ABI_MAGIC 0x6e697265732d6962ull

#define SERIN_SLOTS 10000u         /* places a client's hash can fall on; one is 0.01 % */
#define SERIN_RING_SIZE 16381u     /* prime, as Maglev asks; 1/16381 is the grain of a backend's share */
#define SERIN_MAX_VERSIONS 8u      /* versions of one service */
#define SERIN_MAX_SERVICES 256u    /* each costs one plan, 270 KB */
#define SERIN_MAX_LISTENERS 1024u  /* listening addresses of all services together */
#define SERIN_MAX_BACKENDS 4096u   /* of all services together, leaving ones included */
#define SERIN_MAX_DEVICES 16u      /* interfaces that the programs are attached to */
#define SERIN_MAX_SNAT 16u         /* the host's own source addresses, both families together */
#define SERIN_MAX_RULES 1048576u   /* of all services together, those of a plan that is being replaced included */
#define SERIN_NAME_LEN 64u         /* a service's name and its final NUL */
#define SERIN_VERSION_NAME_LEN 32u /* a version's name and its final NUL */

#define SERIN_WAYS_PER_BUCKET 8u
#define SERIN_MIN_FLOWS 256u
#define SERIN_MAX_FLOWS (1u << 24)
#define SERIN_HASH_KEYS 10u

/* One unit of a stamp is 2^28 ns, 0.268 s: fine enough for every timeout, coarse enough that a busy
 * flow's cache line is dirtied four times a second. Differences are taken modulo 2^32 (36 years). */
#define SERIN_STAMP_SHIFT 28

/* An IPv6 address, or an IPv4 one mapped into ::ffff:0:0/96 (RFC 4291, 2.5.5.2). Network byte order. */
struct serin_addr {
	union {
		__u8 byte[16];
		__be16 half[8];
		__be32 word[4];
		__u64 quad[2];
	};
};

enum serin_family { SERIN_IPV4 = 4, SERIN_IPV6 = 6 };

/* The two ways that a packet of a flow can go. Index of every per-direction array. */
enum serin_direction { SERIN_TO_BACKEND = 0, SERIN_TO_CLIENT = 1, SERIN_DIRECTIONS = 2 };

enum serin_forward {
	SERIN_FORWARD_NAT = 1,     /* both addresses rewritten; answers return to the SNAT address */
	SERIN_FORWARD_GATEWAY = 2, /* destination rewritten; backends route back through this host */
	SERIN_FORWARD_LOCAL = 3,   /* port rewritten; backends are processes on this host */
	SERIN_FORWARD_IPIP = 4,    /* the packet wrapped in IPv4 or IPv6 (RFC 2003, RFC 2473, RFC 4213) */
	SERIN_FORWARD_GUE = 5,     /* the packet wrapped in UDP (Generic UDP Encapsulation, variant 0) */
	SERIN_FORWARD_L2 = 6,      /* the frame sent to the backend's MAC address */
};

/* Backends answer the client directly: only the client's half of a flow is seen here. */
#define SERIN_IS_ONE_WAY(forward) ((forward) >= SERIN_FORWARD_IPIP)

/* Map `identity`, one entry: what the pinned maps were made for. Written once, before any link exists. */
struct serin_identity {
	__u64 magic;
	__u32 abi_version;
	__u32 buckets;                   /* of the flow table, a power of two */
	__u32 hash_key[SERIN_HASH_KEYS]; /* the flow table's secret */
	__u32 pad[2];
};

/* Map `settings`, one entry: what the agent may change at any time. The kernel never writes it. */
struct serin_settings {
	__u32 routes_generation; /* moved when a route, a neighbour's address or a device changed */
	__u16 snat_port_first;   /* host byte order; the range is [first, first + count) */
	__be16 gue_port;         /* that backends decapsulate at */
	__u32 snat_port_count;
	__u32 linger_embryonic; /* the rest in stamps: how long an idle flow of that state is kept */
	__u32 linger_established;
	__u32 linger_half_closed;
	__u32 linger_closed;
	__u32 linger_udp;         /* of any state */
	__u32 port_rest;          /* stamps that a freed SNAT port is left alone while others are free */
	__u32 answers_per_second; /* per CPU: RSTs and ICMP errors that this host sends by itself */
	__u32 answer_timeout; /* of a turn, in ticks of SERIN_OWED_SHIFT, at most SERIN_OWED_MOST; 0: none is too long */
	__u32 flow_log;       /* of 2^32, less one: how many of the flows that end are told of in the ring; 0: none */
};

/* Map `devices`, by device id. */
struct serin_device {
	__u32 ifindex; /* 0: no such device */
	__u32 mtu;     /* of an IP packet, in bytes */
	__u8 mac[6];
	__u8 pad[2];
};

/* Map `listener_ids`: what a packet to a service looks like. Value: __u32 listener id.
 * Port 0: the address has at least one service of that protocol (any of their listener ids). Later fragments, which have
 * no ports, are looked up so. */
struct serin_listener_key {
	struct serin_addr addr;
	__be16 port;
	__u8 protocol; /* IPPROTO_* */
	__u8 pad[5];
};

/* Map `listeners`, by listener id. */
struct serin_listener {
	struct serin_addr addr;
	__be16 port;
	__u8 protocol;
	__u8 forward;  /* enum serin_forward; 0: no such listener */
	__u16 service; /* service id */
	__u8 speaks;   /* enum serin_speaks */
	__u8 pad;
};

/* What can be read of what is said at a listener. */
enum serin_speaks {
	SERIN_SPEAKS_ANY = 0,  /* who speaks and when, and no more */
	SERIN_SPEAKS_HTTP = 1, /* HTTP/1.x */
};

/* Map `services`, by service id. The kernel does not read it: it lets a new agent recognise what runs. */
struct serin_service {
	char name[SERIN_NAME_LEN]; /* "": no such service */
	char version[SERIN_MAX_VERSIONS][SERIN_VERSION_NAME_LEN];
	__u8 baseline;
	__u8 pad[7];
};

enum serin_backend_flags {
	SERIN_BACKEND_USED = 1,      /* the id belongs to a backend */
	SERIN_BACKEND_LEAVING = 2,   /* no longer configured; flows may still name the id */
	SERIN_BACKEND_RESET = 4,     /* its flows are to end: at their next packet, unless the agent was there before */
	SERIN_BACKEND_EJECTED = 8,   /* found broken: in no ring, and what it fails is counted, but is no incident */
	SERIN_BACKEND_DRAINED = 16,  /* taken out by hand: in no ring */
	SERIN_BACKEND_REPLACED = 32, /* ejected, and others have its places: a SYN sent again goes to one of them */
};

/* Map `backends`, by backend id. An id is never given to another backend while flows may name it. */
struct serin_backend {
	struct serin_addr addr; /* forward: local: all zero, it listens where the listener is */
	__be16 port;            /* ipip, gue, l2: not rewritten; the listener's own is usual */
	__u16 service;
	__u16 endpoint; /* backends with one (address, port) share their SNAT ports, whatever the protocol, and next hop */
	__u16 weight; /* within its version */
	__u8 version;
	__u8 flags;      /* enum serin_backend_flags */
	__u8 snat_first; /* nat: its source addresses are snat[first .. first + count); ipip, gue: the outer source is */
	__u8 snat_count; /* snat[first] */
	__u8 pad[4];
};

/* All that decides where new connections of one service go. Map `plans`: service id -> array map with
 * this one value. Replaced whole, never edited. */
struct serin_plan {
	__u32 generation;                 /* moves with every replacement; 0 is never used */
	__u16 weight[SERIN_MAX_VERSIONS]; /* in slots, for whoever reads the plan back */
	__u8 versions;
	__u8 baseline;
	__u8 affinity; /* enum serin_affinity */
	__u8 prefix4;  /* affinity: source: leading bits of the client's address that count, 0 to 32 */
	__u8 prefix6;  /* and of an IPv6 address, 0 to 128 */
	__u8 pad[3];
	__u32 rules;     /* the set of rules that is asked before the hash; 0: none */
	__u32 max_new;   /* flows per second that the service may open; 0: any number */
	__u32 epoch;     /* clients count once in each: moves with every generation and in between; 0 is never used */
	__u64 seed;      /* of the split over the versions: the service's and the rollout's */
	__u64 ring_seed; /* of the place on a ring: the service's */
	__u64 mask4[2];  /* the prefixes over a whole serin_addr, as loaded from memory */
	__u64 mask6[2];
	__u8 slot[SERIN_SLOTS];                          /* version index */
	__u16 ring[SERIN_MAX_VERSIONS][SERIN_RING_SIZE]; /* backend id, or SERIN_NO_BACKEND throughout */
	__u8 pad3[8];
};

enum serin_affinity {
	SERIN_AFFINITY_SOURCE = 0, /* a client address always meets one version */
	SERIN_AFFINITY_FLOW = 1,   /* every connection is drawn for itself */
};

#define SERIN_NO_BACKEND 0xffffu

/* Map `rules`, a longest-prefix trie: who is not drawn but placed. Value: __u32 version index, or SERIN_NOT_PLACED: that
 * client is drawn like everybody (an IPv6 prefix of a few bits would hold the mapped IPv4 addresses, too). A set is
 * written whole under a number of its own before the plan names it, and deleted after no plan does: rules change with the
 * plan, at once. */
struct serin_rule_key {
	__u32 prefix_length; /* 32 for the set, and the leading bits of the address (IPv4: 96 more) */
	__u32 set;
	struct serin_addr addr;
};

#define SERIN_NOT_PLACED 0xffu

/* Map `openings`, by service id, written by the kernel: the bucket of `max_new`. High half: a stamp, low: flows since. */

/* A next hop in one 8-byte store: destination MAC in the low 48 bits (first byte lowest), device id in four bits above. In a
 * way the upper 12 hold the generation of the routes under which it was looked up. 0: none. */
#define SERIN_HOP(mac48, device) ((__u64)(mac48) | ((__u64)(device) << 48))
#define SERIN_HOP_DEVICE(hop) ((__u32)((hop) >> 48) & 15u)
#define SERIN_HOP_GENERATION(hop) ((__u32)((hop) >> 52))
#define SERIN_HOP_OF(hop, generation) (((hop) & ((1ull << 52) - 1)) | (__u64)(generation) << 52)

/* Map `hops`, by endpoint. Only the kernel writes it. */
struct serin_hop {
	__u64 hop;
	__u32 routes_generation;
	__u32 stamp;
};

/* A way's claim word: state in the low bits, above it a generation that moves with every claim. */
enum serin_way_state {
	SERIN_WAY_FREE = 0,
	SERIN_WAY_BUSY = 1,    /* one CPU is filling or emptying it; everybody else keeps away */
	SERIN_WAY_PENDING = 2, /* filled and findable by other inserters of the same key, not yet by packets */
	SERIN_WAY_KILLED = 3,  /* lost to another inserter of the same key; its claimer empties it */
	SERIN_WAY_EMBRYONIC = 4,
	SERIN_WAY_ESTABLISHED = 5,
	SERIN_WAY_HALF_CLOSED = 6,
	SERIN_WAY_CLOSED = 7,
};
#define SERIN_WAY_STATE_BITS 4
#define SERIN_WAY_STATE_MASK 15u
#define SERIN_WAY_STATE(claim) ((claim) & SERIN_WAY_STATE_MASK)
#define SERIN_WAY_GENERATION(claim) ((claim) >> SERIN_WAY_STATE_BITS)
#define SERIN_WAY_CLAIM(generation, state) ((__u32)((generation) << SERIN_WAY_STATE_BITS | (state)))

enum serin_way_flags {
	SERIN_WAY_FIN = 1,        /* this direction's sender has ended */
	SERIN_WAY_SEQ = 2,        /* TCP: next_seq means something */
	SERIN_WAY_HEARD = 2,      /* UDP, to the backend: it has sent data */
	SERIN_WAY_ANSWERED = 4,   /* to the client: the backend has sent data */
	SERIN_WAY_STRUCK = 4,     /* to the backend: the handshake's failure is among the backend's strikes */
	SERIN_WAY_BY_RULE = 8,    /* the client was placed, not drawn */
	SERIN_WAY_TO_CLIENT = 16, /* this is the way to the client */
				  /* The upper three bits: the flow's enum serin_forward. */
};
#define SERIN_WAY_FORWARD(way) ((way)->flags >> 5)
#define SERIN_WAY_FLAGS_OF(forward) ((forward) << 5)

/* Map `ways`: one direction of one flow; bucket b owns ways [8 b, 8 b + 8). Both ways of a flow hold the same facts, a
 * flag says which of them are the key:
 *   to the backend:  (client, client_port) -> listener      is rewritten to  (snat | client, nat_port) -> backend
 *   to the client:   backend -> (snat | client, nat_port)   is rewritten to  listener -> (client, client_port)
 * A flow of a one-way mode has a way to the backend only, which is its own peer. */
struct serin_way {
	__u32 claim;
	__u32 peer; /* the way of the other direction, and its generation */
	__u32 peer_generation;
	__u32 stamp; /* last packet of this direction */
	struct serin_addr client;
	__be16 client_port;
	__be16 nat_port;
	__u16 listener;
	__u16 backend;
	union {
		__u64 hop;            /* to the client: the next one, SERIN_HOP_OF the routes' generation */
		struct {              /* to the backend */
			__u32 opened; /* stamp */
			union {
				__u32 plan; /* generation of the plan that the flow was opened under */
				__u32 acked; /* TCP, one-way: what the client has acknowledged, which is all that is seen of answers */
			};
		};
	};
	__u32 next_seq; /* TCP: the next sequence number that this direction's sender will use; host byte order */
	union {
		/* To the backend. TCP: what the client had acknowledged when it last sent data. While the backend's next_seq
		 * (one-way: `acked`) is not beyond it, an answer is owed. Host byte order. UDP: the stamp under which the last
		 * turn began. */
		__u32 asked;
		__u32 owed; /* to the client: enum serin_owed and since when, or 0 */
	};
	__u32 bytes_low; /* of IP packets in this direction */
	__u16 bytes_high;
	__u8 snat;  /* index into `snat`, or SERIN_NO_SNAT */
	__u8 flags; /* enum serin_way_flags */
};

/* A turn: from the last byte of what a client asks to the first one of its answer. The first turn of a TCP connection is its
 * handshake. The word `owed` holds when it began, in ticks of 2^SERIN_OWED_SHIFT ns, in its upper 29 bits, which come round
 * after 137 s. */
enum serin_owed {
	SERIN_OWED = 1,         /* it is open */
	SERIN_OWED_TAINTED = 2, /* something was sent again, or asked twice: its length says nothing */
	SERIN_OWED_FAILED = 4,  /* it has been counted as a failure, and is no second one */
};
#define SERIN_OWED_SHIFT 8
#define SERIN_OWED_BITS 3
#define SERIN_OWED_MOST (100ull * 1000 * 1000 * 1000 >> SERIN_OWED_SHIFT)
#define SERIN_OWED_SINCE(owed) ((owed) >> SERIN_OWED_BITS)

#define SERIN_WAY_DIRECTION(way) ((way)->flags & SERIN_WAY_TO_CLIENT ? SERIN_TO_CLIENT : SERIN_TO_BACKEND)
#define SERIN_WAY_BYTES(way) ((__u64)(way)->bytes_high << 32 | (way)->bytes_low)
#define SERIN_NO_SNAT 0xffu

/* Map `owners`: endpoint -> array map of owner words, index = (snat - snat_first) * port_count + (port - port_first).
 * HELD words name the way to the backend and its generation; RESTING ones the stamp of the release; 0: never used. */
#define SERIN_OWNER_HELD (1ull << 63)
#define SERIN_OWNER_RESTING (1ull << 62)
#define SERIN_OWNER_WAY(owner) ((__u32)(owner))
#define SERIN_OWNER_GENERATION(owner) ((__u32)((owner) >> 32) & 0x0fffffffu)
#define SERIN_OWNER(way, generation) (SERIN_OWNER_HELD | (__u64)((generation) & 0x0fffffffu) << 32 | (way))
#define SERIN_OWNER_REST(stamp) (SERIN_OWNER_RESTING | (__u64)(__u32)(stamp))

/* Map `stats`, by backend id, per CPU, never reset. */
struct serin_stats {
	__u64 packets[SERIN_DIRECTIONS];
	__u64 bytes[SERIN_DIRECTIONS];  /* of IP packets */
	__u64 opened;                   /* flows given to this backend */
	__u64 established;              /* handshakes that the client completed */
	__u64 closed;                   /* both FINs, or a valid RST */
	__u64 resets[SERIN_DIRECTIONS]; /* by who sent them: [TO_BACKEND] the client, [TO_CLIENT] the backend */
	__u64 gone;                     /* flows that ended without being closed: expired, evicted, moved */
	__u64 placed;                   /* of the opened: by a rule */
	__u64 failures[SERIN_FAILURES]; /* by enum serin_failure */
	__u64 retransmits;              /* segments of the backend whose data had been seen before */
	__u64 asked;                    /* turns that clients have begun, handshakes not included */
	__u64 answered;                 /* and that backends have ended */
};
/* Flows that are neither closed nor gone. Sums over CPUs only: a flow may end on another one than it began on. */
#define SERIN_ACTIVE(stats) ((stats)->opened - (stats)->closed - (stats)->gone)

/* Durations, log-linear: eight buckets per octave, from 1.024 us (what is below lies in the first ones, by 128 ns) to 137 s;
 * what is longer lies in the last one. Bucket b counts those whose units of 128 ns are in [SERIN_HISTOGRAM_FROM(b),
 * SERIN_HISTOGRAM_FROM(b + 1)). Some bounds that people use lie within a bucket: beyond[i] tells how many of its bucket are
 * longer than that bound, so that sums up to it are exact. */
#define SERIN_HISTOGRAM_SHIFT 7
#define SERIN_HISTOGRAM_BUCKETS 225u
#define SERIN_HISTOGRAM_FROM(bucket) ((bucket) < 8 ? (__u64)(bucket) : (__u64)(8 + (bucket) % 8) << ((bucket) / 8 - 1))
/* Index and ns. */
#define SERIN_HISTOGRAM_BOUNDS(X) \
	X(0, 1000000)             \
	X(1, 2000000)             \
	X(2, 5000000)             \
	X(3, 10000000)            \
	X(4, 25000000)            \
	X(5, 50000000)            \
	X(6, 100000000)           \
	X(7, 250000000)           \
	X(8, 500000000)           \
	X(9, 1000000000)          \
	X(10, 2500000000)         \
	X(11, 5000000000)         \
	X(12, 10000000000)
#define SERIN_HISTOGRAM_BOUND_COUNT 13u

struct serin_histogram {
	__u64 ns; /* sum */
	__u64 beyond[SERIN_HISTOGRAM_BOUND_COUNT];
	__u64 bucket[SERIN_HISTOGRAM_BUCKETS];
};

/* HTTP: what was asked, and how it was answered. */
enum serin_http_method {
	SERIN_HTTP_OTHER,
	SERIN_HTTP_GET,
	SERIN_HTTP_HEAD,
	SERIN_HTTP_POST,
	SERIN_HTTP_PUT,
	SERIN_HTTP_PATCH,
	SERIN_HTTP_DELETE,
	SERIN_HTTP_OPTIONS,
	SERIN_HTTP_METHODS
};
#define SERIN_HTTP_CLASSES 6u        /* 1xx that end a turn (101) to 5xx, by their digit; 0: could not be read */
#define SERIN_HTTP_SERVER_ERRORS 32u /* 500 to 530, and all others as the last */

/* Map of maps `observed`, by backend id: a per-CPU array of this one value, made by the agent together with the backend. */
struct serin_observed {
	struct serin_histogram handshake; /* SYN to SYN-ACK */
	struct serin_histogram response;  /* turns */
	__u64 methods[SERIN_HTTP_METHODS];
	__u64 classes[SERIN_HTTP_CLASSES];
	__u64 server_errors[SERIN_HTTP_SERVER_ERRORS];
	__u64 first[SERIN_HISTOGRAM_BUCKETS]; /* of `response`: the first turns of their connections */
};

/* What is kept per version lies in maps of this many, at this place. */
#define SERIN_VERSION_PLACES (SERIN_MAX_SERVICES * SERIN_MAX_VERSIONS)
#define SERIN_VERSION_PLACE(service, version) ((service) * SERIN_MAX_VERSIONS + ((version) & (SERIN_MAX_VERSIONS - 1)))

/* Map `incidents`, by version place, never reset: clients whom that version failed, each once, whatever the version; only
 * flows opened under the plan that holds, and drawn, not placed. With affinity `flow`: connections. */
struct serin_incidents {
	__u64 rollout; /* once for each seed of the plan, which every rollout draws anew */
	__u64 epoch;   /* once for each of its epochs */
};

/* Map `clients` remembers whom: tag of the client (with service and seed) in a word's high half, epoch in the low one. A tag
 * that is not there: the client's first incident in this rollout. */
#define SERIN_CLIENT_BUCKETS 32768u
#define SERIN_CLIENTS_PER_BUCKET 8u
struct serin_clients {
	__u64 word[SERIN_CLIENTS_PER_BUCKET];
};

/* Slow clients: turns that took longer than quantiles of what turns took before. Two kinds of turns, since the first one of a
 * connection is another matter than those that follow; handshakes are of neither. */
#define SERIN_QUANTILES 3u /* 90 %, 99 %, 99.9 % */
enum serin_turn_kind { SERIN_TURN_FIRST = 0, SERIN_TURN_LATER = 1, SERIN_TURN_KINDS };

/* Map `slow_limits`, by service id, which can be mapped: written by the agent only. In ticks of 2^SERIN_OWED_SHIFT ns; 0: off.
 * A turn is slow that took more. */
struct serin_slow_limits {
	__u32 ticks[SERIN_TURN_KINDS][SERIN_QUANTILES];
};

/* Map `slow`, by version place, never reset: clients with a slow turn, for each quantile, counted like those of incidents. Map
 * `slow_clients` remembers whom, in words of a tag and, for each quantile, SERIN_SLOW_EPOCH of the epoch, or 0: not yet. */
struct serin_slow {
	__u64 rollout[SERIN_QUANTILES];
	__u64 epoch[SERIN_QUANTILES];
};
#define SERIN_SLOW_BITS 10
#define SERIN_SLOW_EPOCH(epoch) (1 + (epoch) % ((1u << SERIN_SLOW_BITS) - 1))

/* Map `served`, by version place, which can be mapped: whom a version on trial has answered, as a HyperLogLog (Flajolet, Fusy,
 * Gandouet, Meunier, 2007). Counted are clients like those of incidents, with the first data that the backend sends on a
 * connection: anybody can forge a SYN. The hash's low bits name a register, which holds the highest rank that was met there:
 * one more than the zeros that the hash's upper 32 bits begin with. Above the rank a register names the draw that it is of:
 * under another seed it is an empty one, and nobody has to empty it. Only the kernel writes it while flows may name the
 * version, and only where a register grows. */
#define SERIN_SERVED_REGISTERS 512u
#define SERIN_SERVED_RANK_BITS 6
#define SERIN_SERVED_RANKS 33u /* the highest */
#define SERIN_SERVED_RANK(word) ((word) & ((1u << SERIN_SERVED_RANK_BITS) - 1))
#define SERIN_SERVED_DRAW(seed) ((__u32)((seed) >> 32) & ~((1u << SERIN_SERVED_RANK_BITS) - 1))
struct serin_served {
	__u32 word[SERIN_SERVED_REGISTERS]; /* SERIN_SERVED_DRAW of the plan's seed | rank */
};

/* The error line of a version on trial: it has tripped when, of clients counted in `incidents`,
 * its own << SERIN_LINE_SHIFT >= allowance + slope * the baseline's. All signed, cumulative counts; what does not fit 63 bits
 * trips nothing, nor does a negative slope. */
#define SERIN_LINE_SHIFT 20
#define SERIN_LINE_OFF 0x7fffffffffffffffll /* as allowance or slope: no line */
struct serin_line {
	__s64 allowance;
	__s64 slope;
};
enum serin_line_kind {
	SERIN_LINE_ROLLOUT = 0, /* on serin_incidents.rollout */
	SERIN_LINE_EPOCH = 1,   /* on serin_incidents.epoch, while plan and guard name the same epoch */
	SERIN_LINES
};

/* Map `guards`, by version place, which can be mapped: written by the agent only, in stores of 8 bytes. A version whose plan
 * says that it is the baseline has none, whatever stands here. */
struct serin_guard {
	__u64 arm;      /* 0: no guard; else the number of this arming, never one that was before at this place */
	__u64 lease_ns; /* CLOCK_MONOTONIC: past it no new connection; 0: no lease */
	__u64 closed;   /* not 0: no new connection */
	__u64 lines; /* SERIN_GUARD_LINES: which pair of lines holds. The other one is written first, then this word */
	struct serin_line line[2][SERIN_LINES];
	__u64 last_arm;  /* the agent's own: the highest number of an arming so far */
	__u64 settle_ns; /* a burst decides nothing before it is so old: bpf/guard.h */
	__u64 pad[2];
};
#define SERIN_GUARD_LINES(epoch, written) ((__u64)(epoch) << 32 | (__u32)(written)) /* how often: odd, the pair 1 */
#define SERIN_GUARD_EPOCH(lines) ((__u32)((lines) >> 32))
#define SERIN_GUARD_PAIR(lines) ((__u32)(lines) & 1u)

/* Map `trips`, by version place, which can be mapped: written by the kernel only. A guard has tripped when the word names its
 * arming: from then on no new connection until it is armed anew. */
struct serin_trip {
	__u64 word;       /* SERIN_TRIP; 0: never */
	__u64 ns;         /* CLOCK_MONOTONIC; written before the word */
	__u64 met_ns[2];  /* when the version failed its last client, and the one before */
	__u64 crossed_ns; /* since when each of its incidents has found a line crossed; 0: the last one did not */
	__u64 crossed_arm;
};
#define SERIN_TRIP(arm, line) ((arm) << 1 | (line))
#define SERIN_TRIP_ARM(word) ((word) >> 1)
#define SERIN_TRIP_LINE(word) ((__u32)(word) & 1u) /* enum serin_line_kind */

/* Map `turned_away`, by version place, per CPU, never reset: new connections that were drawn for that version, or placed on
 * it, and given to the baseline. */
struct serin_turned_away {
	__u64 count[SERIN_GUARD_REASON_COUNT]; /* by enum serin_guard_reason */
};

/* Map `strikes`, by backend id, __u32: handshakes that the backend has failed in a row, whatever version it is of, whoever the
 * clients; bpf/strike.h says when. Back to 0 with one that it answers. Only the kernel writes it while flows may name the id. */
#define SERIN_STRIKES_OUT 5u /* that many, at every so many more, and the first, are told of in `verdicts` */

/* Map `table_stats`, one entry, per CPU, never reset. */
struct serin_table_stats {
	__u64 evicted[8];     /* ways taken for a newcomer before their time, by enum serin_way_state */
	__u64 expired;        /* and after it */
	__u64 ports_retaken;  /* SNAT ports taken from an embryonic or finished flow */
	__u64 ports_unrested; /* SNAT ports given out again before their rest was over */
	__u64 lost_races;     /* flows that another CPU had opened at the same moment */
	__u64 rst_sent;
	__u64 icmp_sent;      /* "too big" and "time exceeded" */
	__u64 unremembered;   /* packets of one-way modes that were sent by the ring because no way was to be had */
	__u64 forgotten;      /* clients of incidents, for another one's sake: they would be counted again */
	__u64 unlogged;       /* ends of flows that were drawn for the flow log and found no room in its ring */
	__u64 forgotten_slow; /* slow clients, as `forgotten` */
};

/* How a flow came to its end. */
enum serin_ended {
	SERIN_ENDED_CLOSED = 0, /* both FINs; in one-way modes the client's, which is all there is to see */
	SERIN_ENDED_RESET_BY_CLIENT = 1,
	SERIN_ENDED_RESET_BY_BACKEND = 2,
	SERIN_ENDED_EMPTIED = 3, /* the agent has told both ends, since its backend was to be emptied */
	SERIN_ENDED_EXPIRED = 4, /* idle for longer than its state allows */
	SERIN_ENDED_EVICTED = 5, /* its place or its port was given to another one */
	SERIN_ENDED_MOVED = 6,   /* its client begins anew, since its backend is to be emptied */
	SERIN_ENDED_KINDS
};

/* Ring buffer `flow_log`: a flow that has ended, from the one CPU that has ended it. */
#define SERIN_FLOW_LOG_BYTES 65536u
struct serin_flow_end {
	struct serin_addr client;
	__u64 bytes[SERIN_DIRECTIONS]; /* of IP packets, up to the one that ended it */
	__u32 opened, ended;           /* stamps */
	__u16 listener;
	__u16 backend;
	__be16 client_port;
	__u8 forward; /* enum serin_forward */
	__u8 how;     /* enum serin_ended */
};

/* Ring buffer `verdicts`: what the agent should act on at once. A hint, and lost where nobody reads and the ring is full: what
 * is true stands in the maps. */
#define SERIN_VERDICTS_BYTES 65536u
enum serin_verdict_kind {
	SERIN_VERDICT_STRUCK = 1,  /* a backend has failed so many handshakes in a row */
	SERIN_VERDICT_TRIPPED = 2, /* a version on trial has crossed its error line */
};
struct serin_verdict {
	__u32 kind; /* enum serin_verdict_kind */
	union {
		__u32 backend; /* struck */
		__u32 place;   /* tripped: version place */
	};
	__u64 ns; /* CLOCK_MONOTONIC */
	union {
		struct {
			__u32 why;   /* struck: enum serin_failure: how it failed the last of them */
			__u32 count; /* in a row */
		};
		__u64 trip; /* tripped: SERIN_TRIP */
	};
};

/* What the program `serin_sweep` is run with (BPF_PROG_RUN): ends expired flows, and UDP flows of backends that are to be
 * reset, among ways [first, first + count), and counts the live ways to a backend there in the map `named`, by backend
 * id. The agent empties `named` when it begins anew at way 0. */
struct serin_sweep {
	__u32 first, count;
	__u32 ended; /* answer: flows */
	__u32 live;  /* answer: ways to a backend that remain */
};

/* What the program `serin_close` is run with: the flow whose way to the backend is `index` under `generation` becomes
 * CLOSED, since the agent has sent RSTs to both sides. Answer: 1 when it was that flow and not yet closed. */
struct serin_close {
	__u32 index, generation;
	__u32 closed;
	__u32 pad;
};

#define SERIN_ASSERT(what) _Static_assert(what, #what)
SERIN_ASSERT(sizeof(struct serin_addr) == 16);
SERIN_ASSERT(sizeof(struct serin_identity) == 64);
SERIN_ASSERT(sizeof(struct serin_settings) == 48);
SERIN_ASSERT(sizeof(struct serin_device) == 16);
SERIN_ASSERT(sizeof(struct serin_listener_key) == 24);
SERIN_ASSERT(sizeof(struct serin_listener) == 24);
SERIN_ASSERT(sizeof(struct serin_service) == 64 + 8 * 32 + 8);
SERIN_ASSERT(sizeof(struct serin_backend) == 32);
SERIN_ASSERT(sizeof(struct serin_hop) == 16);
SERIN_ASSERT(sizeof(struct serin_way) == 64);
SERIN_ASSERT(__builtin_offsetof(struct serin_way, client) == 16);
SERIN_ASSERT(__builtin_offsetof(struct serin_way, hop) == 40);
SERIN_ASSERT(__builtin_offsetof(struct serin_way, next_seq) == 48);
SERIN_ASSERT(sizeof(struct serin_rule_key) == 24);
SERIN_ASSERT(sizeof(struct serin_flow_end) == 48);
SERIN_ASSERT(sizeof(struct serin_verdict) == 24);
SERIN_ASSERT(sizeof(struct serin_stats) == 88 + 8 * SERIN_FAILURES + 24);
SERIN_ASSERT(sizeof(struct serin_table_stats) == 144);
SERIN_ASSERT(sizeof(struct serin_slow_limits) == 24);
SERIN_ASSERT(sizeof(struct serin_guard) == 128);
SERIN_ASSERT(__builtin_offsetof(struct serin_guard, line) == 32);
SERIN_ASSERT(sizeof(struct serin_trip) == 48);
SERIN_ASSERT(sizeof(struct serin_served) == 2048);
SERIN_ASSERT(__builtin_offsetof(struct serin_plan, slot) == 88);
SERIN_ASSERT(sizeof(struct serin_plan) % 8 == 0);

#endif
