/* SPDX-License-Identifier: BSD-2-Clause */
/* The interfaces that the programs are attached to, and their ids in the kernel's tables. */
#ifndef SERIN_DEVICES_H
#define SERIN_DEVICES_H

#include <stdbool.h>

#include "complaint.h"
#include "config.h"
#include "datapath.h"
#include "log.h"
#include "state.h"

struct device {
	char name[CONFIG_INTERFACE_LEN]; /* "": no such device */
	unsigned int ifindex;            /* 0: not there, or not attached */
	bool generic;                    /* XDP, not native */
	struct log_limit limit;
};

struct devices {
	struct device device[SERIN_MAX_DEVICES]; /* by device id */
	enum config_attach attach;
};

/* Give every configured interface an id: the one that `stored` has for its name, since next hops name devices by id,
 * else one that nobody had if there is one. Pure. */
void devices_assign(const struct config *config, const struct state *stored, struct devices *ret);

/* Attach to all, or to none more than before: when one cannot be, those that this call attached are taken away again.
 * `stored`: which were attached when the maps were made (NULL: nobody knows, then nothing is taken away). */
int devices_attach(struct devices *devices, struct datapath *datapath, const struct config *config,
		   const struct state *stored, struct complaint *complaint);

/* After a change of links, and every second while one is missing: read MAC and MTU again, attach to an interface that
 * was made anew or has lost our program. */
void devices_refresh(struct devices *devices, struct datapath *datapath);

/* The name of one that is not attached, or NULL. */
const char *devices_missing(const struct devices *devices);

#endif
