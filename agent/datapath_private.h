/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the data path share and nobody else sees. */
#ifndef SERIN_DATAPATH_PRIVATE_H
#define SERIN_DATAPATH_PRIVATE_H

#include "datapath.h"
#include "pins.h"
#include "serin.skel.h"

struct datapath {
	struct serin_bpf *skeleton;
	char pin_dir[PINS_DIR_LEN]; /* "": nothing is pinned */
	bool reused;                /* the maps were there */
	bool fresh;                 /* they were made by this open */
	int cpus;
	uint32_t buckets;
	__u32 last_rule_set;          /* the highest number given to a set of rules, by this agent or one before */
	const struct serin_way *ways; /* the flow table, once somebody has asked for it */
	int link[SERIN_MAX_DEVICES];  /* only where nothing is pinned: the links end with the process; 0: none */
};

/* Mount bpffs if it is not, make the directory, refuse one with strangers in it. */
int datapath_prepare_pin_dir(const char *pin_dir, struct complaint *complaint);

/* Is what is pinned ours to go on with? 0 and *ret filled; -ENOENT: nothing is there; -EPROTO: another ABI version;
 * -EUCLEAN: another table size. */
int datapath_read_identity(const char *pin_dir, uint32_t buckets, struct serin_identity *ret,
			   struct complaint *complaint);

/* A new one, with a secret of its own. */
int datapath_draw_identity(uint32_t buckets, struct serin_identity *ret, struct complaint *complaint);

/* Take the program off every interface that a pinned link holds; the pins go too. */
void datapath_detach_links(const char *pin_dir);

void datapath_unmap_ways(struct datapath *datapath);

#define MAP_FD(datapath, name) bpf_map__fd((datapath)->skeleton->maps.name)

#endif
