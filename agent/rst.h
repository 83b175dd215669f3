/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP resets in other people's names: building them (pure), and sending them through raw sockets. */
#ifndef SERIN_RST_H
#define SERIN_RST_H

#include <stddef.h>
#include <stdint.h>

#include <serin/abi.h>
#include "complaint.h"
#include "flows.h"
#include "image.h"

struct rst_segment {
	struct serin_addr src, dst; /* of one family */
	__be16 sport, dport;
	uint32_t seq, ack;
	bool has_ack; /* without: the flag is not set either, a wrong number would be worse */
};

#define RST_MAX_LEN 60 /* IPv6 and TCP header */

/* The whole IP packet, checksums included. Returns its length. */
size_t rst_build(const struct rst_segment *segment, uint8_t ret[RST_MAX_LEN]);

/* The resets that end a flow: the client's, as from the listener, and the backend's, as from whom it knows for its client.
 * Returns how many; of a one-way flow only the first, since what goes to the backend would have to be wrapped. */
size_t rst_of_flow(const struct flow *flow, const struct image *image, struct rst_segment ret[SERIN_DIRECTIONS]);

struct rst;

/* Needs CAP_NET_RAW now, not later. A host without IPv6 does without. */
int rst_open(struct rst **ret, struct complaint *complaint);
struct rst *rst_close(struct rst *rst); /* NULL is fine; returns NULL */

/* 0; -EAGAIN: no room just now; or what else sending gave (no route, a firewall). Never blocks. */
int rst_send(struct rst *rst, const struct rst_segment *segment);

#endif
