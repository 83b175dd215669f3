/* SPDX-License-Identifier: BSD-2-Clause */
/* Attaching to all interfaces at the start: one mode for all of them, and all or none. And `forward: local` on reload. */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "devices_private.h"

static size_t names_of(const struct devices *devices, struct config_interface ret[SERIN_MAX_DEVICES])
{
	size_t count = 0;

	for (size_t i = 0; i < SERIN_MAX_DEVICES; i++) {
		if (devices->device[i].name[0])
			memcpy(ret[count++].name, devices->device[i].name, CONFIG_INTERFACE_LEN);
	}
	return count;
}

static void detach_egress(const struct devices *devices, struct datapath *datapath)
{
	for (size_t i = 0; i < SERIN_MAX_DEVICES; i++) {
		if (devices->device[i].name[0])
			datapath_detach_egress(datapath, devices->device[i].name);
	}
}

/* Back to the interfaces of before. */
static void undo(const struct devices *devices, struct datapath *datapath, const struct state *stored)
{
	struct config_interface keep[SERIN_MAX_DEVICES] = { 0 };
	bool was_local = false;
	size_t count = 0;
	int r;

	if (!stored) {
		log_warn("interfaces stay attached", log_text("reason", "not known which were so before this start"));
		return;
	}
	for (size_t i = 0; i < SERIN_MAX_DEVICES; i++) {
		if (!stored->devices[i][0])
			continue;
		memcpy(keep[count++].name, stored->devices[i], CONFIG_INTERFACE_LEN);
		was_local |= !strcmp(stored->devices[i], DEVICES_LOOPBACK);
	}
	r = datapath_detach_others(datapath, keep, count);
	if (r)
		log_error("cannot take away what this start attached", log_text("error", strerror(-r)));
	if (!was_local)
		detach_egress(devices, datapath);
}

static int attach_all(struct devices *devices, struct datapath *datapath, struct complaint *complaint)
{
	int r = 0;

	for (unsigned int i = 0; !r && i < SERIN_MAX_DEVICES; i++) {
		if (devices->device[i].name[0])
			r = devices_attach_one(devices, i, datapath, complaint);
	}
	return r;
}

/* The first interface that a program of ours is on decides for all: what runs is not taken over to another mode. */
static bool follow_running(struct devices *devices, const struct datapath *datapath)
{
	for (size_t i = 0; i < SERIN_MAX_DEVICES; i++) {
		const struct device *device = &devices->device[i];
		unsigned int ifindex = device->name[0] ? if_nametoindex(device->name) : 0;

		if (!ifindex || devices_is_loopback(device) ||
		    datapath_attached_mode(datapath, ifindex, &devices->attach))
			continue;
		complain(&devices->why, 0, "%s ran so before this start", device->name);
		return true;
	}
	return false;
}

/* A native program's frames do not reach an interface whose driver knows nothing of XDP: the kernel drops them, and tells
 * nobody. So where one cannot have it, none gets it. */
static int all_by_tc(struct devices *devices, struct datapath *datapath, const struct complaint *refusal,
		     struct complaint *complaint)
{
	datapath_detach_others(datapath, NULL, 0);
	devices->attach = ATTACH_TC;
	devices->why = *refusal;
	log_info("native XDP is not to be had on all interfaces, so all are attached by TC",
		 log_text("reason", refusal->text));
	return attach_all(devices, datapath, complaint);
}

static int attach_auto(struct devices *devices, struct datapath *datapath, struct complaint *complaint)
{
	struct complaint refusal = { "" };
	bool runs = follow_running(devices, datapath);
	int r;

	if (!runs) {
		devices->attach = ATTACH_XDP;
		complain(&devices->why, 0, "every interface has native XDP");
	}
	r = attach_all(devices, datapath, &refusal);
	if (r == -EOPNOTSUPP && !runs)
		return all_by_tc(devices, datapath, &refusal, complaint);
	if (r == -EOPNOTSUPP && devices->attach == ATTACH_XDP)
		return complain(complaint, -EUCLEAN,
				"%.200s; native XDP runs on others, whose packets would not reach it: expected "
				"`serin detach` first (which drops the flows): then all are attached by TC",
				refusal.text);
	return r ? complain(complaint, r, "%s", refusal.text) : 0;
}

static int complain_no_room(struct complaint *complaint)
{
	return complain(complaint, -ENOSPC,
			"no room for the loopback, which `forward: local` needs: expected %u interfaces at most",
			SERIN_MAX_DEVICES - 1);
}

static int attach_by(struct devices *devices, struct datapath *datapath, struct complaint *complaint)
{
	if (devices->is_local && devices_find(devices, DEVICES_LOOPBACK) < 0)
		return complain_no_room(complaint);
	if (devices->is_auto)
		return attach_auto(devices, datapath, complaint);
	complain(&devices->why, 0, "configured");
	return attach_all(devices, datapath, complaint);
}

/* Its id, or -ENOSPC. */
static int provide_loopback(struct devices *devices)
{
	int id = devices_find(devices, DEVICES_LOOPBACK);

	for (int i = 0; id < 0 && i < (int)SERIN_MAX_DEVICES; i++) {
		if (!devices->device[i].name[0])
			id = i;
	}
	if (id < 0)
		return -ENOSPC;
	memcpy(devices->device[id].name, DEVICES_LOOPBACK, sizeof(DEVICES_LOOPBACK));
	return id;
}

int devices_attach(struct devices *devices, struct datapath *datapath, const struct state *stored,
		   struct complaint *complaint)
{
	struct config_interface keep[SERIN_MAX_DEVICES];
	int r;

	/* Of a service that is no more: its flows are not cut off by a restart. */
	if (!devices->is_local && datapath_has_local_flows(datapath) && provide_loopback(devices) >= 0)
		devices->is_local = true;
	r = attach_by(devices, datapath, complaint);
	if (r) {
		undo(devices, datapath, stored);
		return r;
	}
	r = datapath_detach_others(datapath, keep, names_of(devices, keep));
	if (r)
		log_error("cannot detach from interfaces that are no longer configured",
			  log_text("error", strerror(-r)));
	if (!devices->is_local)
		detach_egress(devices, datapath);
	return 0;
}

/* What comes in is met already, but for the loopback. */
static int attach_local(struct devices *devices, struct datapath *datapath, int loopback, struct complaint *complaint)
{
	int r = 0;

	for (int i = 0; !r && i < (int)SERIN_MAX_DEVICES; i++) {
		struct device *device = &devices->device[i];

		if (device->ifindex && i != loopback)
			r = datapath_attach_egress(datapath, (unsigned int)i, device->name, complaint);
	}
	return r ? r : devices_attach_one(devices, (unsigned int)loopback, datapath, complaint);
}

static void take_local_away(struct devices *devices, struct datapath *datapath)
{
	struct config_interface keep[SERIN_MAX_DEVICES];
	int id = devices_find(devices, DEVICES_LOOPBACK);

	devices->is_local = false;
	if (id >= 0 && !devices->device[id].is_configured) {
		memset(&devices->device[id], 0, sizeof(devices->device[id]));
		datapath_detach_others(datapath, keep, names_of(devices, keep));
	}
	detach_egress(devices, datapath);
}

int devices_begin_local(struct devices *devices, struct datapath *datapath, struct complaint *complaint)
{
	int id, r;

	if (devices->is_local)
		return 0;
	id = provide_loopback(devices);
	if (id < 0)
		return complain_no_room(complaint);
	devices->is_local = true;
	r = attach_local(devices, datapath, id, complaint);
	if (r)
		take_local_away(devices, datapath);
	else
		log_info("answers are met at TC", log_text("reason", "a service is `forward: local`"));
	return r;
}

bool devices_end_local(struct devices *devices, struct datapath *datapath, const struct config *config)
{
	if (!devices->is_local || devices_need_local(config) || datapath_has_local_flows(datapath))
		return false;
	take_local_away(devices, datapath);
	log_info("answers are no longer met at TC", log_text("reason", "no service or flow is `forward: local`"));
	return true;
}

void devices_names(const struct devices *devices, struct state *ret)
{
	for (size_t i = 0; i < SERIN_MAX_DEVICES; i++)
		memcpy(ret->devices[i], devices->device[i].name, CONFIG_INTERFACE_LEN);
}
