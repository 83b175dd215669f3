/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The frame that is sent, as the generator, the sink and the program that runs them see it: Ethernet, IPv4, UDP, 18 bytes. */
#ifndef SERIN_PEERS_FRAME_H
#define SERIN_PEERS_FRAME_H

#define FRAME_LENGTH 60
#define FRAME_WORDS 8 /* of 8 bytes, the last one half used */
#define FRAME_IP 14
#define FRAME_UDP 34
#define FRAME_PAYLOAD 42

/* What the payload begins with, in the machine's own byte order: nobody else's packets are counted. */
#define FRAME_MARK 0x70656572732d7070ull

/* Flows have an address of their own each, in 2^16 of them. */
#define FRAME_MAX_FLOWS 65536
#define FRAME_FIRST_PORT 1024
#define FRAME_PORTS 60000

/* What a sink does besides counting and dropping. */
enum sink_mode {
	SINK_COUNTS = 0,
	SINK_INSPECTS = 1, /* looks whether packets are whole, and to whom they go */
	SINK_ANSWERS = 2,  /* the same, and sends them back as a server would */
};

#endif
