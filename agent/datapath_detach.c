/* SPDX-License-Identifier: BSD-2-Clause */
/* Taking the programs off interfaces, whichever way they came there. */
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>

#include "datapath_private.h"

static bool is_kept(const struct config_interface *keep, size_t count, unsigned int ifindex)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (if_nametoindex(keep[i].name) == ifindex)
			return true;
	return false;
}

struct dropping {
	const char *pin_dir;
	const struct config_interface *keep;
	size_t count;
	unsigned int dropped;
};

static void drop_unless_kept(void *context, const char *name, unsigned int ifindex)
{
	struct dropping *dropping = context;

	if (is_kept(dropping->keep, dropping->count, ifindex))
		return;
	link_drop_pinned(dropping->pin_dir, name);
	dropping->dropped++;
}

static void take_off(struct datapath *datapath, unsigned int ifindex)
{
	link_drop(datapath, ifindex, DOOR_XDP);
	tc_detach(datapath, ifindex, DOOR_INGRESS);
	tc_detach(datapath, ifindex, DOOR_EGRESS);
}

/* Next hops must not lead out of an interface that has no program any more: its answers would find no flow. */
int datapath_detach_others(struct datapath *datapath, const struct config_interface *keep, size_t count)
{
	struct dropping dropping = { .pin_dir = datapath->pin_dir, .keep = keep, .count = count };
	unsigned int known[SERIN_MAX_DEVICES];
	size_t i, kept = 0, devices = device_list(datapath, known);

	for (i = 0; i < devices; i++) {
		if (is_kept(keep, count, known[i]))
			continue;
		device_forget(datapath, known[i]);
		known[kept++] = known[i];
	}
	datapath_bump_routes(datapath);
	for (i = 0; i < kept; i++)
		take_off(datapath, known[i]);
	/* Those of interfaces that lost their id. */
	if (datapath->pin_dir[0])
		pins_each_link(datapath->pin_dir, drop_unless_kept, &dropping);
	return 0;
}

/* Filters are in the tables of no directory: they have to be looked for on every interface. */
static unsigned int detach_filters(const char *pin_dir)
{
	struct if_nameindex *all = if_nameindex(), *one;
	unsigned int removed = 0;
	struct own own;

	own_of_pins(pin_dir, &own);
	for (one = all; one && one->if_index; one++) {
		removed += clsact_detach(&own, one->if_index, DOOR_INGRESS);
		removed += clsact_detach(&own, one->if_index, DOOR_EGRESS);
	}
	if (all)
		if_freenameindex(all);
	return removed;
}

unsigned int datapath_detach_all(const char *pin_dir)
{
	struct dropping dropping = { .pin_dir = pin_dir };

	dropping.dropped = detach_filters(pin_dir);
	pins_each_link(pin_dir, drop_unless_kept, &dropping);
	return dropping.dropped;
}
