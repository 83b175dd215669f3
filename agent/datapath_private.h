/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the data path share and nobody else sees. */
#ifndef SERIN_DATAPATH_PRIVATE_H
#define SERIN_DATAPATH_PRIVATE_H

#include "datapath.h"
#include "pins.h"
#include "serin.skel.h"

/* Where packets are met on an interface. */
enum door { DOOR_XDP, DOOR_INGRESS, DOOR_EGRESS, DOORS };

#define OWN_MAPS 2

/* What tells programs of ours: they work on our maps. */
struct own {
	__u32 maps[OWN_MAPS];  /* ids; 0: none */
	__u32 programs[DOORS]; /* those of this process, by id; 0: none */
};

/* Of one backend. */
struct observed_map {
	int fd;
	__u32 map_id; /* 0: none is open */
};

struct datapath {
	struct serin_bpf *skeleton;
	char pin_dir[PINS_DIR_LEN]; /* "": nothing is pinned */
	bool reused;                /* the maps were there */
	bool fresh;                 /* they were made by this open */
	bool is_loaded;
	bool no_tcx; /* wanted so */
	int cpus;
	uint32_t buckets;
	__u32 last_rule_set;          /* the highest number given to a set of rules, by this agent or one before */
	const struct serin_way *ways; /* the flow table, once somebody has asked for it */
	struct own own;
	struct ring_reader {
		struct ring_buffer *ring; /* NULL: nobody reads it */
		union {
			datapath_flow_end_fn ended;
			datapath_verdict_fn judged;
		};
		void *context;
		unsigned int left; /* of this turn */
	} flow_log, verdicts;
	uint64_t *per_cpu; /* room for the largest value that every CPU has of its own */
	struct observed_map observed[SERIN_MAX_BACKENDS];
	struct guard_maps {
		struct serin_guard *guards;
		struct serin_slow_limits *slow_limits;
		const struct serin_trip *trips;
		const struct serin_incidents *incidents;
		const struct serin_slow *slow;
		const struct serin_served *served;
	} guards;                           /* mapped as long as the data path is open */
	int link[SERIN_MAX_DEVICES][DOORS]; /* only where nothing is pinned: they end with the process; 0: none */
};

/* Mount bpffs if it is not, make the directory, refuse one with strangers in it. */
int datapath_prepare_pin_dir(const char *pin_dir, struct complaint *complaint);

/* Is what is pinned ours to go on with? 0 and *ret filled; -ENOENT: nothing is there; -EPROTO: another ABI version;
 * -EUCLEAN: another table size. */
int datapath_read_identity(const char *pin_dir, uint32_t buckets, struct serin_identity *ret,
			   struct complaint *complaint);

/* A new one, with a secret of its own. */
int datapath_draw_identity(uint32_t buckets, struct serin_identity *ret, struct complaint *complaint);

/* datapath_device.c: what the system says about an interface. */
struct device_facts {
	struct serin_device device;
	bool is_loopback;
	bool is_ethernet;
};

int device_look(const char *interface, struct device_facts *ret);
/* Nothing is sent out of it any more. */
void device_forget(struct datapath *datapath, unsigned int ifindex);
/* Every interface that has an entry: at most SERIN_MAX_DEVICES. */
size_t device_list(const struct datapath *datapath, unsigned int ret[SERIN_MAX_DEVICES]);
/* "veth", or "?". */
#define DEVICE_DRIVER_LEN 32
void device_driver(const char *interface, char ret[DEVICE_DRIVER_LEN]);

/* datapath_own.c */
void own_of_datapath(const struct datapath *datapath, struct own *ret);
void own_of_pins(const char *pin_dir, struct own *ret);
/* ret_name: what it is called, "?" when that cannot be found out. */
#define OWN_NAME_LEN 16
bool own_program(const struct own *own, __u32 program, char ret_name[OWN_NAME_LEN]);
int door_program(const struct datapath *datapath, enum door door);
const char *door_name(enum door door); /* "XDP", "TC ingress", "TC egress" */

/* datapath_link.c. A new fd of our link that holds the interface, or -ENOENT. */
int link_get(const struct datapath *datapath, unsigned int ifindex, enum door door);
/* Pin a new link, or keep it open where nothing is pinned. The fd is taken over. */
int link_keep(struct datapath *datapath, unsigned int device, unsigned int ifindex, enum door door, int fd);
/* Off the interface at once, and the pin gone. */
void link_drop(struct datapath *datapath, unsigned int ifindex, enum door door);
void link_drop_pinned(const char *pin_dir, const char *name);
/* All that are not pinned. */
void link_drop_kept(struct datapath *datapath);

/* datapath_clsact.c: filters of the classic kind. They are no links: they outlive us without a pin. */
struct clsact_filter {
	__u32 handle;
	__u32 program; /* its id */
};

/* 0: ours is there; -ENOENT: nothing is where ours would be; -EBUSY: the program of somebody else is. */
int clsact_find(const struct own *own, unsigned int ifindex, enum door door, struct clsact_filter *ret);
/* Put ours there, or replace the program in it. -EBUSY: as above. */
int clsact_attach(const struct own *own, unsigned int ifindex, enum door door, int program);
/* Take ours away, and the qdisc when it was made for it and is empty. Whether there was one. */
bool clsact_detach(const struct own *own, unsigned int ifindex, enum door door);
/* For a complaint: where that filter is, in tc's words. */
const char *clsact_place(enum door door);

/* datapath_tc.c: a TC program on an interface, as a TCX link where the kernel has these, else as a filter. */
int tc_attach(struct datapath *datapath, unsigned int device, const char *interface, unsigned int ifindex,
	      enum door door, struct complaint *complaint);
/* "tcx", "clsact", or NULL when there is none. */
const char *tc_kind(const struct datapath *datapath, unsigned int ifindex, enum door door);
int tc_can_attach(const struct datapath *datapath, const char *interface, unsigned int ifindex, enum door door,
		  struct complaint *complaint);
void tc_detach(struct datapath *datapath, unsigned int ifindex, enum door door);

/* datapath_xdp.c */
int xdp_attach(struct datapath *datapath, unsigned int device, const char *interface, unsigned int ifindex,
	       enum config_attach attach, struct complaint *complaint);
int xdp_can_attach(const char *interface, unsigned int ifindex, struct complaint *complaint);
/* ATTACH_XDP or ATTACH_XDP_GENERIC; -ENOENT when our link is not there. */
int xdp_mode(const struct datapath *datapath, unsigned int ifindex);

/* datapath_detach.c: take the programs off every interface; the links' pins go too. How many there were. */
unsigned int datapath_detach_all(const char *pin_dir);

void datapath_unmap_ways(struct datapath *datapath);

/* datapath_maps.c: an entry that every CPU has of its own, added up. All such values are arrays of 64-bit counters. */
int datapath_read_per_cpu(struct datapath *datapath, int fd, __u32 id, size_t size, void *ret);

/* datapath_observed.c: see to it that every backend in use has a map, with what was counted by the last agent. */
int datapath_provide_observed(struct datapath *datapath, const struct image *image, struct complaint *complaint);
int datapath_forget_observed(struct datapath *datapath, unsigned int backend);
void datapath_close_observed(struct datapath *datapath);

/* datapath_guard.c. NULLs are fine for the second. */
int datapath_map_guards(struct datapath *datapath, struct complaint *complaint);
void datapath_unmap_guards(struct datapath *datapath);
/* Versions that have another name in `to` begin at zero, without a guard. */
int datapath_clear_versions(struct datapath *datapath, const struct serin_service *from, const struct serin_service *to,
			    unsigned int service);

#define MAP_FD(datapath, name) bpf_map__fd((datapath)->skeleton->maps.name)

#endif
