/* SPDX-License-Identifier: BSD-2-Clause */
/* The sockets of this host, as /proc shows them. Internal to hostcheck*.c. */
#ifndef SERIN_HOSTCHECK_SOCKETS_H
#define SERIN_HOSTCHECK_SOCKETS_H

#include <stdbool.h>
#include <stdint.h>

#include <serin/abi.h>
#include "complaint.h"

struct local_socket {
	struct serin_addr addr;
	unsigned int port;
	unsigned int state; /* TCP_*; of UDP: TCP_CLOSE, or TCP_ESTABLISHED when connected */
	uint8_t protocol;
};

/* Call `look` for every socket of that protocol, both families. */
int hostcheck_each_socket(uint8_t protocol, void (*look)(void *context, const struct local_socket *local),
			  void *context, struct complaint *complaint);

/* Whether packets to the address could be meant for a socket that is bound so. */
bool hostcheck_clashes(const struct serin_addr *bound, const struct serin_addr *address);

#endif
