/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel side, seen from the agent: loading, pinning, attaching, and every map access there is. */
#ifndef SERIN_DATAPATH_H
#define SERIN_DATAPATH_H

#include <stdbool.h>
#include <stdint.h>

#include <serin/abi.h>
#include <serin/reasons.h>
#include "complaint.h"
#include "config.h"
#include "image.h"
#include "rules.h"

#define DATAPATH_PIN_DIR "/sys/fs/bpf/serin"

struct datapath;

struct datapath_options {
	const char *pin_dir; /* NULL: nothing is pinned (tests) */
	uint32_t max_flows;  /* SERIN_MIN_FLOWS .. SERIN_MAX_FLOWS */
	bool no_tcx;         /* as if the kernel had none (tests) */
};

/* Mount bpffs if it is not, reuse the pinned maps or make them, load the program. Existing links and their traffic are
 * not touched. -EPROTO: the pinned maps are of another ABI version; -EUCLEAN: of another table size. */
int datapath_open(const struct datapath_options *options, struct datapath **ret, struct complaint *complaint);
struct datapath *datapath_close(struct datapath *datapath); /* leaves pins and traffic alone; NULL is fine */

/* Whether the maps were there before (a restart). */
bool datapath_is_reused(const struct datapath *datapath);

/* What the tables hold now. */
int datapath_read_image(struct datapath *datapath, struct image *ret, struct complaint *complaint);

/* Write the differences from `from` to `to` in the order that no packet can meet a half: addresses and backends first,
 * listeners last; what goes, in the opposite order. Plans of the services must have been set before their listeners
 * appear: `datapath_set_plan` works on any service id. */
int datapath_apply_backends(struct datapath *datapath, const struct image *from, const struct image *to,
			    struct complaint *complaint);
int datapath_apply_listeners(struct datapath *datapath, const struct image *from, const struct image *to,
			     struct complaint *complaint);

int datapath_set_plan(struct datapath *datapath, unsigned int service, const struct serin_plan *plan,
		      struct complaint *complaint);
/* -ENOENT when the service has none. */
int datapath_get_plan(struct datapath *datapath, unsigned int service, struct serin_plan *ret);

/* Rules change with their plan: pick a number, write the set whole, set the plan that names it, then delete the set that the
 * plan before named. A fresh agent reads all that is there before it picks a number. */
struct placed_entry {
	__u32 set;
	struct rule_entry entry;
};

/* Sorted by set, then by prefix; the caller frees. Not for the fast path: it takes some microseconds for each. */
int datapath_read_rules(struct datapath *datapath, struct placed_entry **ret, size_t *ret_count,
			struct complaint *complaint);
/* A number that no set has. */
__u32 datapath_new_rule_set(struct datapath *datapath);
/* -ENOSPC: the table is full. What was written by a call that fails is deleted again. */
int datapath_write_rules(struct datapath *datapath, __u32 set, const struct rule_entry *entries, size_t count,
			 struct complaint *complaint);
/* Entries that are not there are no error. */
int datapath_delete_rules(struct datapath *datapath, __u32 set, const struct rule_entry *entries, size_t count);

/* routes_generation is kept; the rest is written. */
int datapath_set_settings(struct datapath *datapath, const struct serin_settings *settings,
			  struct complaint *complaint);
/* Have every next hop looked up again. */
int datapath_bump_routes(struct datapath *datapath);

/* ---- interfaces -------------------------------------------------------------------------------------------------- */

/* Attach the program to an interface under device id `device`, or replace the program of ours that runs there, in one step
 * for the packets. `attach`: ATTACH_AUTO goes on in the mode that runs, else is native XDP; the loopback gets TC whatever
 * it says. ret_mode: "xdp", "xdp-generic" or "tc". -EBUSY and who is there when somebody else's program is where ours would
 * be (with TC there is room for several); -EOPNOTSUPP when the driver will not have native XDP; -EUCLEAN when ours runs in
 * another mode; -EINVAL for what is no Ethernet. */
int datapath_attach(struct datapath *datapath, unsigned int device, const char *interface, enum config_attach attach,
		    const char **ret_mode, struct complaint *complaint);
/* What datapath_attach would refuse for certain, found without changing anything. */
int datapath_can_attach(const struct datapath *datapath, const char *interface, enum config_attach attach,
			struct complaint *complaint);
/* Whether a program of ours meets what comes in by this interface. */
bool datapath_is_attached(const struct datapath *datapath, unsigned int ifindex);
/* In which mode, never ATTACH_AUTO; -ENOENT: none. */
int datapath_attached_mode(const struct datapath *datapath, unsigned int ifindex, enum config_attach *ret);
/* What holds it there: "link" (XDP), "tcx" or "clsact"; NULL: nothing. */
const char *datapath_attached_by(const struct datapath *datapath, unsigned int ifindex);
/* Whether one is attached anywhere: then traffic runs by the tables. */
bool datapath_has_links(const struct datapath *datapath);

/* What `forward: local` needs besides: the program that answers leave by, on every interface that clients are reached by,
 * the loopback included. Attach it before the service shows, and before the one for what comes in; detach it when its flows
 * are gone: their answers would leave with the wrong port. */
int datapath_attach_egress(struct datapath *datapath, unsigned int device, const char *interface,
			   struct complaint *complaint);
void datapath_detach_egress(struct datapath *datapath, const char *interface);
bool datapath_has_egress(const struct datapath *datapath, unsigned int ifindex);

/* Take all of ours off interfaces that are not among the given ones, and send nothing out of these any more. */
int datapath_detach_others(struct datapath *datapath, const struct config_interface *keep, size_t count);
/* Refresh a device's MAC and MTU. */
int datapath_refresh_device(struct datapath *datapath, unsigned int device, const char *interface);

/* Sums over all CPUs. */
int datapath_read_stats(struct datapath *datapath, unsigned int backend, struct serin_stats *ret);
int datapath_read_drops(struct datapath *datapath, uint64_t ret[SERIN_DROPS]);
int datapath_read_table_stats(struct datapath *datapath, struct serin_table_stats *ret);
/* -ENOENT: the id belongs to no backend of the image that was applied last. Some 6 KB are copied for every CPU. */
int datapath_read_observed(struct datapath *datapath, unsigned int backend, struct serin_observed *ret);
/* Handshakes that the backend has failed in a row. */
int datapath_read_strikes(struct datapath *datapath, unsigned int backend, uint32_t *ret);
void datapath_read_incidents(const struct datapath *datapath,
			     struct serin_incidents ret[SERIN_MAX_SERVICES][SERIN_MAX_VERSIONS]);
/* Buckets of the flow table, as made. */
uint32_t datapath_buckets(const struct datapath *datapath);

/* ---- the life of flows: datapath_flows.c ------------------------------------------------------------------------ */

/* The flow table, mapped for reading until datapath_close: *ret_count ways. Packets go on writing it: copy a way, then
 * compare `claim` of the copy with that of the table, and take another one for no flow at all. The peer of a way is the
 * other half of its flow only while it names the way back, index and generation. */
int datapath_ways(struct datapath *datapath, const struct serin_way **ret_ways, uint32_t *ret_count,
		  struct complaint *complaint);

#define DATAPATH_SWEEP_MOST 65536u /* ways, of one call of the program */

/* Run the sweep over ways [first, first + count), cut off at the end of the table and at DATAPATH_SWEEP_MOST: *ret is the
 * program's answer, `first` and `count` in it what was swept. Live ways are added to what datapath_read_named gives. */
int datapath_sweep(struct datapath *datapath, uint32_t first, uint32_t count, struct serin_sweep *ret);

/* Have the kernel itself look for overdue turns whenever nobody sweeps, also after this process has ended. 0, or a negative
 * errno with a complaint. */
int datapath_watch(struct datapath *datapath, struct complaint *complaint);

/* The flow whose way to the backend is `index` under `generation` (SERIN_WAY_GENERATION of its claim) becomes CLOSED. 1: so
 * it was; 0: it is not that flow any more, or closed already; or a negative errno. */
int datapath_close_flow(struct datapath *datapath, uint32_t index, uint32_t generation);

/* Events of the flow log go to `fn`, from datapath_read_flow_log and no more than `most` at a time, as long as
 * datapath_flow_log_fd is readable. Those that came while nobody read are still there, as many as the ring holds. */
typedef void (*datapath_flow_end_fn)(void *context, const struct serin_flow_end *end);
int datapath_open_flow_log(struct datapath *datapath, datapath_flow_end_fn fn, void *context,
			   struct complaint *complaint);
int datapath_flow_log_fd(const struct datapath *datapath);
int datapath_read_flow_log(struct datapath *datapath, unsigned int most);

/* The same for what the agent should act on at once. */
typedef void (*datapath_verdict_fn)(void *context, const struct serin_verdict *verdict);
int datapath_open_verdicts(struct datapath *datapath, datapath_verdict_fn fn, void *context,
			   struct complaint *complaint);
int datapath_verdicts_fd(const struct datapath *datapath);
int datapath_read_verdicts(struct datapath *datapath, unsigned int most);

/* Live ways per backend id that the sweeps since the last clearing have met. */
int datapath_read_named(struct datapath *datapath, uint32_t ret[SERIN_MAX_BACKENDS]);
int datapath_clear_named(struct datapath *datapath);

/* Whether a flow of `forward: local` lives, of whatever service. */
bool datapath_has_local_flows(struct datapath *datapath);

/* Before an id is given to another backend: its counters, of all CPUs, back to zero. */
int datapath_clear_stats(struct datapath *datapath, unsigned int backend);

/* No flow names this backend, nor does a plan: its entry and its counters become zero, and with `endpoint_too`, where no
 * other backend shares it, its endpoint's SNAT ports are forgotten. */
int datapath_forget_backend(struct datapath *datapath, unsigned int backend, bool endpoint_too,
			    struct complaint *complaint);

/* Set and clear flags (enum serin_backend_flags) of a backend that is there, in one step for the packets. The caller's
 * image of the tables does not follow by itself. -ENOENT: the id belongs to no backend. */
int datapath_set_backend_flags(struct datapath *datapath, unsigned int backend, uint8_t set, uint8_t clear,
			       struct complaint *complaint);

/* The SNAT ports that the maps pinned under a directory were made for. -ENOENT: none. */
int datapath_pinned_ports(const char *pin_dir, uint16_t *ret_first, uint16_t *ret_last);

/* Whether a serin that another process has put on interfaces of this network namespace, one that still runs or not, listens
 * on that port of some address: *ret is the first one. False too where nobody may look, which takes CAP_SYS_ADMIN. */
bool datapath_find_other(__be16 port, uint8_t protocol, struct serin_addr *ret);

/* Take links, filters, programs and maps out of the kernel: links wherever they are, filters of this network namespace. 0
 * also when nothing was there; ret_removed: how many links, filters and pins. */
int datapath_detach(const char *pin_dir, unsigned int *ret_removed, struct complaint *complaint);

#endif
