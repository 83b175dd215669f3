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
	int link[SERIN_MAX_DEVICES]; /* only where nothing is pinned: the links end with the process; 0: none */
};

#define MAP_FD(datapath, name) bpf_map__fd((datapath)->skeleton->maps.name)

#endif
