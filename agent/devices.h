/* SPDX-License-Identifier: BSD-2-Clause */
/* The interfaces that the programs are attached to, and their ids in the kernel's tables. */
#ifndef SERIN_DEVICES_H
#define SERIN_DEVICES_H

#include <stdbool.h>

#include <jansson.h>
#include "complaint.h"
#include "config.h"
#include "datapath.h"
#include "log.h"
#include "state.h"

#define DEVICES_LOOPBACK "lo"

struct device {
	char name[CONFIG_INTERFACE_LEN]; /* "": no such device */
	bool is_configured;              /* else it is here for `forward: local` alone */
	unsigned int ifindex;            /* 0: not there, or not attached */
	const char *mode;                /* "xdp", "xdp-generic", "tc"; NULL: not attached yet */
	const char *hook;                /* what holds it: "link", "tcx", "clsact" */
	struct complaint why;            /* it is that mode */
	struct log_limit limit;
};

struct devices {
	struct device device[SERIN_MAX_DEVICES]; /* by device id */
	enum config_attach attach;               /* what all but the loopback get */
	bool is_auto;
	bool is_local; /* answers of processes on this host leave by all of them */
	struct complaint why;
};

/* Give every configured interface an id: the one that `stored` has for its name, since next hops name devices by id,
 * else one that nobody had if there is one. The loopback gets one too when a service is `forward: local`. Pure. */
void devices_assign(const struct config *config, const struct state *stored, struct devices *ret);

/* Attach to all, or to none more than before: when one cannot be, those that this call attached are taken away again.
 * All are attached alike, the loopback excepted: with `auto` as they run already, else by native XDP, else by TC.
 * `stored`: which were attached when the maps were made (NULL: nobody knows, then nothing is taken away). */
int devices_attach(struct devices *devices, struct datapath *datapath, const struct state *stored,
		   struct complaint *complaint);

/* Before the first service with `forward: local` shows: the hooks that answers leave by, and the loopback's. Nothing when
 * they are there; on failure nothing has changed. The loopback's id comes and goes with it: names are to be persisted. */
int devices_begin_local(struct devices *devices, struct datapath *datapath, struct complaint *complaint);
/* Take them away when no service needs them and no flow lives that does. Whether they went. */
bool devices_end_local(struct devices *devices, struct datapath *datapath, const struct config *config);
void devices_names(const struct devices *devices, struct state *ret);
bool devices_need_local(const struct config *config);

/* After a change of links, and every second while one is missing: read MAC and MTU again, attach to an interface that
 * was made anew or has lost our program. */
void devices_refresh(struct devices *devices, struct datapath *datapath);

/* The name of one that is not attached, or NULL. */
const char *devices_missing(const struct devices *devices);

/* How each is attached and why so: [{"name", "attach", "hook", "why", "answers"}], a new reference. */
json_t *devices_to_json(const struct devices *devices);

#endif
