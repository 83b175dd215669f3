/* SPDX-License-Identifier: BSD-2-Clause */
/* Attaching to interfaces: ids that outlive restarts, no half-done start, interfaces that come and go. */
#include "devices.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "loop.h"

static int find_stored(const struct state *stored, const char *name)
{
	for (int i = 0; i < (int)SERIN_MAX_DEVICES; i++) {
		if (*name && !strcmp(stored->devices[i], name))
			return i;
	}
	return -ENOENT;
}

static unsigned int find_free(const struct devices *devices, const struct state *stored)
{
	unsigned int i, free_id = SERIN_MAX_DEVICES;

	for (i = 0; i < SERIN_MAX_DEVICES; i++) {
		if (devices->device[i].name[0])
			continue;
		if (!stored->devices[i][0])
			return i;
		if (free_id == SERIN_MAX_DEVICES)
			free_id = i;
	}
	return free_id;
}

void devices_assign(const struct config *config, const struct state *stored, struct devices *ret)
{
	struct devices devices = { .attach = config->attach };
	size_t i;
	int id;

	for (i = 0; i < config->interface_count; i++) {
		id = find_stored(stored, config->interfaces[i].name);
		if (id >= 0)
			memcpy(devices.device[id].name, config->interfaces[i].name, CONFIG_INTERFACE_LEN);
	}
	for (i = 0; i < config->interface_count; i++) {
		if (find_stored(stored, config->interfaces[i].name) >= 0)
			continue;
		memcpy(devices.device[find_free(&devices, stored)].name, config->interfaces[i].name,
		       CONFIG_INTERFACE_LEN);
	}
	*ret = devices;
}

static int attach_one(struct devices *devices, unsigned int id, struct datapath *datapath, struct complaint *complaint)
{
	struct device *device = &devices->device[id];
	unsigned int ifindex = if_nametoindex(device->name);
	const char *mode = NULL;
	int r;

	if (!ifindex)
		return complain(complaint, -ENODEV, "no interface named %s on this host", device->name);
	r = datapath_attach(datapath, id, device->name, devices->attach, &mode, complaint);
	if (r)
		return r;
	device->ifindex = ifindex;
	device->generic = !strcmp(mode, "xdp-generic");
	log_info("attached", log_text("interface", device->name), log_text("mode", mode), log_number("device", id));
	return 0;
}

/* Back to the interfaces of before. */
static void undo(struct datapath *datapath, const struct state *stored)
{
	struct config_interface keep[SERIN_MAX_DEVICES] = { 0 };
	size_t count = 0;
	int r;

	if (!stored) {
		log_warn("interfaces stay attached", log_text("reason", "not known which were so before this start"));
		return;
	}
	for (size_t i = 0; i < SERIN_MAX_DEVICES; i++) {
		if (stored->devices[i][0])
			memcpy(keep[count++].name, stored->devices[i], CONFIG_INTERFACE_LEN);
	}
	r = datapath_detach_others(datapath, keep, count);
	if (r)
		log_error("cannot take away what this start attached", log_text("error", strerror(-r)));
}

static int attach_all(struct devices *devices, struct datapath *datapath, struct complaint *complaint)
{
	int r = 0;

	for (unsigned int i = 0; !r && i < SERIN_MAX_DEVICES; i++) {
		if (devices->device[i].name[0])
			r = attach_one(devices, i, datapath, complaint);
	}
	return r;
}

static bool is_mixed(const struct devices *devices)
{
	bool seen[2] = { false, false };

	for (unsigned int i = 0; i < SERIN_MAX_DEVICES; i++) {
		if (devices->device[i].name[0])
			seen[devices->device[i].generic] = true;
	}
	return seen[false] && seen[true];
}

/* A native program's frames do not reach an interface whose driver knows nothing of XDP: the kernel drops them, and
 * tells nobody. */
static int make_all_generic(struct devices *devices, struct datapath *datapath, bool at_work,
			    struct complaint *complaint)
{
	if (at_work)
		return complain(
			complaint, -EUCLEAN,
			"native XDP runs on some interfaces and cannot on others, which packets would not reach: "
			"expected `serin detach` first, and `attach: xdp-generic`");
	log_info("native XDP is not to be had on all interfaces, so all run generic XDP",
		 log_text("attach", "xdp-generic"));
	datapath_detach_others(datapath, NULL, 0);
	devices->attach = ATTACH_XDP_GENERIC;
	return attach_all(devices, datapath, complaint);
}

int devices_attach(struct devices *devices, struct datapath *datapath, const struct config *config,
		   const struct state *stored, struct complaint *complaint)
{
	bool at_work = datapath_has_links(datapath);
	int r;

	r = attach_all(devices, datapath, complaint);
	if (!r && is_mixed(devices))
		r = make_all_generic(devices, datapath, at_work, complaint);
	if (r) {
		undo(datapath, stored);
		return r;
	}
	r = datapath_detach_others(datapath, config->interfaces, config->interface_count);
	if (r)
		log_error("cannot detach from interfaces that are no longer configured",
			  log_text("error", strerror(-r)));
	return 0;
}

/* Made anew under the same name, perhaps with the same index: our link went with the old one. Not attached until it is:
 * whoever watches readiness must not be told of the interface that was. */
static void attach_again(struct devices *devices, unsigned int id, struct datapath *datapath)
{
	struct device *device = &devices->device[id];
	struct complaint complaint = { "" };
	unsigned int kept_back;

	device->ifindex = 0;
	if (attach_one(devices, id, datapath, &complaint) &&
	    log_allowed(&device->limit, loop_now_ms(), 60000, &kept_back))
		log_error("cannot attach again", log_text("interface", device->name), log_text("error", complaint.text),
			  log_number("kept_back", kept_back));
}

static void refresh_one(struct devices *devices, unsigned int id, struct datapath *datapath)
{
	struct device *device = &devices->device[id];
	unsigned int ifindex = if_nametoindex(device->name);
	int r;

	if (!ifindex) {
		if (device->ifindex)
			log_error("interface is gone", log_text("interface", device->name));
		device->ifindex = 0;
		return;
	}
	if (ifindex != device->ifindex || !datapath_is_attached(datapath, ifindex)) {
		attach_again(devices, id, datapath);
		return;
	}
	r = datapath_refresh_device(datapath, id, device->name);
	if (r)
		log_error("cannot refresh", log_text("interface", device->name), log_text("error", strerror(-r)));
}

void devices_refresh(struct devices *devices, struct datapath *datapath)
{
	for (unsigned int i = 0; i < SERIN_MAX_DEVICES; i++) {
		if (devices->device[i].name[0])
			refresh_one(devices, i, datapath);
	}
}

const char *devices_missing(const struct devices *devices)
{
	for (unsigned int i = 0; i < SERIN_MAX_DEVICES; i++) {
		if (devices->device[i].name[0] && !devices->device[i].ifindex)
			return devices->device[i].name;
	}
	return NULL;
}
