/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests to rtnetlink (libmnl): one exchange at a time, each with a time limit and checked sequence numbers, and
 * messages about routes and neighbours as plain structs. */
#ifndef SERIN_RTNL_H
#define SERIN_RTNL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>
#include <serin/abi.h>

#define RTNL_BUFFER_SIZE 32768 /* the kernel never makes a larger datagram than it is offered room for */
#define RTNL_REQUEST_SIZE 512
#define RTNL_TIMEOUT_MS 1000 /* for one whole exchange */
#define RTNL_LLADDR_LEN 6    /* Ethernet: the programs forward to nothing else */

struct rtnl {
	struct mnl_socket *socket;
	uint32_t port;
	uint32_t sequence;
	_Alignas(8) char buffer[RTNL_BUFFER_SIZE];
};

struct rtnl_route {
	unsigned int ifindex;
	uint8_t type;               /* RTN_* */
	struct serin_addr next_hop; /* the address itself when on-link */
	struct serin_addr source;   /* zeros when the kernel names none */
};

struct rtnl_neigh {
	unsigned int ifindex;
	struct serin_addr address;
	uint32_t flags;     /* NTF_*, low 8 bits */
	uint32_t ext_flags; /* NTF_EXT_* */
	uint16_t state;     /* NUD_* */
	uint8_t protocol;   /* who made the entry */
	uint8_t lladdr_len; /* 0: not known */
	uint8_t lladdr[RTNL_LLADDR_LEN];
};

/* All return 0 or a negative errno; what the kernel answers is passed on. -ETIMEDOUT: no (whole) answer. */
int rtnl_open(struct rtnl *rtnl);
void rtnl_close(struct rtnl *rtnl);

/* Send and run `callback` on every message of the answer until the kernel says that it is complete. A callback
 * returns MNL_CB_OK, or MNL_CB_ERROR with errno; it must not start another exchange. */
int rtnl_talk(struct rtnl *rtnl, struct nlmsghdr *request, mnl_cb_t callback, void *data);

/* The same for a dump, `type` RTM_GETLINK or RTM_GETNEIGH, repeated when the table changed meanwhile: `callback` may
 * see an object more than once. */
int rtnl_dump(struct rtnl *rtnl, uint16_t type, mnl_cb_t callback, void *data);

/* -ENOENT: no such entry. */
int rtnl_get_neigh(struct rtnl *rtnl, unsigned int ifindex, const struct serin_addr *address, struct rtnl_neigh *ret);
int rtnl_get_route(struct rtnl *rtnl, const struct serin_addr *to, struct rtnl_route *ret);

/* False for what is no neighbour entry of IP (bridge forwarding entries, proxies). */
bool rtnl_parse_neigh(const struct nlmsghdr *message, struct rtnl_neigh *ret);
bool rtnl_neigh_is_resolved(const struct rtnl_neigh *neigh);

/* An RTM_..NEIGH request for one entry, in `buffer` of RTNL_REQUEST_SIZE bytes. */
struct nlmsghdr *rtnl_neigh_request(char *buffer, uint16_t type, unsigned int ifindex, const struct serin_addr *address,
				    uint16_t state);

/* The attribute of `type` behind a fixed header of `offset` bytes, or NULL. */
const struct nlattr *rtnl_attribute(const struct nlmsghdr *message, size_t offset, uint16_t type);
uint32_t rtnl_attribute_u32(const struct nlmsghdr *message, size_t offset, uint16_t type); /* 0 when absent */

#endif
