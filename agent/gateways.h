/* SPDX-License-Identifier: BSD-2-Clause */
/* The gateways of this host's routes: clients are behind them, and a packet that the programs forward does not make the
 * kernel resolve a neighbour. */
#ifndef SERIN_GATEWAYS_H
#define SERIN_GATEWAYS_H

#include <stddef.h>

#include <serin/abi.h>

#define GATEWAYS_MAX 1024 /* the rest are left alone */

/* Gateways of unicast routes out of the given interfaces, sorted, each once, into `ret` (room for GATEWAYS_MAX); it has
 * no meaning after an error. Link-local ones (IPv6) are left out: without an interface they name no host, and router
 * advertisements keep them known. 0 and *ret_count, or a negative errno. */
int gateways_read(const unsigned int *ifindexes, size_t ifindex_count, struct serin_addr *ret, size_t *ret_count);

/* Put an address into `sorted` unless it is there, or `*count` is GATEWAYS_MAX already. */
void gateways_insert(struct serin_addr *sorted, size_t *count, const struct serin_addr *addr);

#endif
