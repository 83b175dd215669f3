/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the core knows of a packet and what it decides about it. No context, no packet memory. */
#ifndef SERIN_PKT_H
#define SERIN_PKT_H

#include <serin/abi.h>
#include <serin/reasons.h>

#define IPPROTO_ICMPV6 58

enum tcp_flag {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
};

/* Where a packet comes in. */
enum door {
	DOOR_XDP,
	DOOR_TC_INGRESS,
	DOOR_TC_EGRESS, /* answers of processes on this host, see forward: local */
};

/* What makes a packet take the long way through the core. */
enum unusual {
	UNUSUAL_FIRST_FRAGMENT = 1, /* the transport header is whole */
	UNUSUAL_LATER_FRAGMENT = 2, /* there is none: ports are those of the first fragment */
	UNUSUAL_ERROR = 4, /* an ICMP error: the facts are those of the packet that it is about, turned round */
	UNUSUAL_DOOR = 8,  /* an answer of this host's, or something that never left it */
};
#define UNUSUAL_FRAGMENT (UNUSUAL_FIRST_FRAGMENT | UNUSUAL_LATER_FRAGMENT)

/* The facts. Sequence numbers and lengths are in host byte order. */
struct pkt {
	struct serin_addr src, dst;
	union {
		struct {
			__be16 sport, dport;
		};
		__u32 ports; /* both, as they lie in the packet */
	};
	__u8 family;   /* enum serin_family */
	__u8 protocol; /* TCP or UDP */
	__u8 ttl;
	__u8 flags; /* enum tcp_flag */
	__u32 seq, ack;
	__u32 payload; /* bytes after the TCP header */
	__u32 length;  /* of the IP packet */
	__u32 segment; /* the same, of the largest that the NIC will make of it: the two differ for GSO packets */
	__u32 ifindex; /* where it came from */
	__u32 stamp;   /* now */
	__u32 fragment_id;
	__u64 mac;    /* the sender's, low 48 bits */
	__u64 to_mac; /* the receiver's */
	__u16 l3, l4; /* where the headers begin in the frame */
	__u8 unusual; /* enum unusual */
	__u8 door;    /* enum door */
	__u8 tos;
	__u8 unreachable; /* with UNUSUAL_ERROR: that is what it says */
	__u8 pad[4];
	__u16 fragment_at; /* where the identification of a fragment is in the frame */
	__u16 packets;     /* that the NIC will make of it */
};

/* The sequence number after the segment's last one. */
static __always_inline __u32 tcp_end(const struct pkt *pkt)
{
	return pkt->seq + pkt->payload + !!(pkt->flags & TCP_SYN) + !!(pkt->flags & TCP_FIN);
}

/* The decision: every field that differs, and where the frame goes. */
struct rewrite {
	struct serin_addr src, dst; /* ipip, gue: of the outer header */
	union {
		struct {
			__be16 sport, dport;
		};
		__u32 ports;
	};
	__u32 ifindex;
	__u64 mac;         /* next hop's, low 48 bits; 0 at the TC door: the host is to find it */
	__u8 own_mac[6];   /* of the device that it leaves by */
	__u16 room;        /* "too big": the largest IP packet that would have passed */
	__u32 fragment_id; /* of a fragment */
};

/* What becomes of a packet. Values below zero are drops: see drop(). */
enum verdict {
	VERDICT_PASS,    /* not ours: untouched, to the host */
	VERDICT_FORWARD, /* rewrite and send */
	VERDICT_UP,      /* rewrite and pass on, to a process of this host or from it */
	VERDICT_REFUSE,  /* answer with a RST */
	/* Not the last word: the core goes on when the door has asked the routes. */
	VERDICT_ASK,    /* then core_aim() */
	VERDICT_OPEN,   /* then core_open() */
	VERDICT_OPENED, /* then core_begin() */
};

/* Dropped whole, for a reason that is counted. */
static __always_inline int drop(enum serin_drop reason)
{
	return -1 - (int)reason;
}

/* A MAC address as a number, first byte lowest: the form of SERIN_HOP. */
static __always_inline __u64 mac_number(const __u8 *mac)
{
	const __u16 *half = (const __u16 *)mac; /* its place on the stack is only that well aligned */

	return (__u64)half[0] | (__u64)half[1] << 16 | (__u64)half[2] << 32;
}

/* 00:00:5e:00:01 and 00:00:5e:00:02, the first five bytes, as numbers. */
#define VRRP_IPV4 0x01005e0000ull
#define VRRP_IPV6 0x02005e0000ull

static __always_inline bool addr_equal(const struct serin_addr *a, const struct serin_addr *b)
{
	return ((a->quad[0] ^ b->quad[0]) | (a->quad[1] ^ b->quad[1])) == 0;
}

static __always_inline bool addr_is_mapped(const struct serin_addr *addr)
{
	return !addr->quad[0] && addr->word[2] == bpf_htonl(0xffff);
}

static __always_inline void addr_from_ipv4(struct serin_addr *ret, __be32 addr)
{
	ret->quad[0] = 0;
	ret->word[2] = bpf_htonl(0xffff);
	ret->word[3] = addr;
}

#endif
