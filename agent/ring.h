/* SPDX-License-Identifier: BSD-2-Clause */
/* Weighted Maglev: which backend owns each place of a version's ring. Pure.
 * Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016, section 3.4. */
#ifndef SERIN_RING_H
#define SERIN_RING_H

#include <stddef.h>
#include <stdint.h>

#include <serin/abi.h>

struct ring_member {
	struct serin_addr addr; /* addr, port and the ring's seed give the preference list: the same on every host */
	__be16 port;
	uint16_t id;     /* written into the ring */
	uint16_t weight; /* 0: not on the ring */
	uint16_t absent; /* thousandths of its places that others have for the time being: 1000 while it is out */
};
#define RING_ABSENT 1000u

/* Fill ret_ring with ids, shares in proportion to the weights (within 1 % of one another for equal weights and
 * up to 160 members); SERIN_NO_BACKEND throughout when no member has a weight. The result depends neither on the
 * order of the members nor on their ids. What absent members lend goes to the present ones in proportion to their weights, and
 * no other place changes its owner by it; where nobody is wholly present, to the most present. SERIN_NO_BACKEND throughout
 * when all are out. 0, or -ENOMEM with ret_ring untouched. */
int ring_build(const struct ring_member *members, size_t count, uint64_t seed, uint16_t ret_ring[SERIN_RING_SIZE]);

#endif
