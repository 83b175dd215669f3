/* SPDX-License-Identifier: BSD-2-Clause */
/* Attaching to interfaces: ids that outlive restarts, one mode for all, no half-done start. */
#include "devices.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decision.h"
#include "devices_private.h"

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

bool devices_need_local(const struct config *config)
{
	for (size_t i = 0; i < config->service_count; i++) {
		if (config->services[i].forward == SERIN_FORWARD_LOCAL)
			return true;
	}
	return false;
}

static void put(struct devices *devices, unsigned int id, const char *name, bool is_configured)
{
	if (id >= SERIN_MAX_DEVICES)
		return; /* devices_attach will miss it */
	memcpy(devices->device[id].name, name, strlen(name) + 1);
	devices->device[id].is_configured = is_configured;
}

int devices_find(const struct devices *devices, const char *name)
{
	for (int i = 0; i < (int)SERIN_MAX_DEVICES; i++) {
		if (!strcmp(devices->device[i].name, name))
			return i;
	}
	return -ENOENT;
}

void devices_assign(const struct config *config, const struct state *stored, struct devices *ret)
{
	struct devices devices = { .attach = config->attach, .is_auto = config->attach == ATTACH_AUTO };
	size_t i;
	int id;

	for (i = 0; i < config->interface_count; i++) {
		id = find_stored(stored, config->interfaces[i].name);
		if (id >= 0)
			put(&devices, (unsigned int)id, config->interfaces[i].name, true);
	}
	for (i = 0; i < config->interface_count; i++) {
		if (find_stored(stored, config->interfaces[i].name) < 0)
			put(&devices, find_free(&devices, stored), config->interfaces[i].name, true);
	}
	devices.is_local = devices_need_local(config);
	if (devices.is_local && devices_find(&devices, DEVICES_LOOPBACK) < 0) {
		id = find_stored(stored, DEVICES_LOOPBACK);
		put(&devices, id >= 0 && !devices.device[id].name[0] ? (unsigned int)id : find_free(&devices, stored),
		    DEVICES_LOOPBACK, false);
	}
	*ret = devices;
}

bool devices_is_loopback(const struct device *device)
{
	return !strcmp(device->name, DEVICES_LOOPBACK);
}

/* Why this one is attached as it is; what made the choice for all of them is known by then. */
static void explain(const struct devices *devices, struct device *device)
{
	if (devices_is_loopback(device))
		complain(&device->why, 0, "local clients are met at TC only");
	else
		device->why = devices->why;
}

/* First what answers leave by: what comes in would be answered at once. */
int devices_attach_one(struct devices *devices, unsigned int id, struct datapath *datapath, struct complaint *complaint)
{
	struct device *device = &devices->device[id];
	unsigned int ifindex = if_nametoindex(device->name);
	char text[EVENT_TEXT_LEN];
	const char *mode = NULL;
	int r = 0;

	if (!ifindex)
		return complain(complaint, -ENODEV, "no interface named %s on this host", device->name);
	if (devices->is_local)
		r = datapath_attach_egress(datapath, id, device->name, complaint);
	if (!r)
		r = datapath_attach(datapath, id, device->name, devices->attach, &mode, complaint);
	if (r)
		return r;
	device->ifindex = ifindex;
	device->mode = mode;
	device->hook = datapath_attached_by(datapath, ifindex);
	explain(devices, device);
	snprintf(text, sizeof(text), "interface %s: attached by %s: %.400s", device->name, mode, device->why.text);
	decision_make(LOG_LEVEL_INFO, EVENT_INTERFACE, "attached", text, log_text("interface", device->name),
		      log_text("attach", mode), log_text("hook", device->hook), log_text("why", device->why.text),
		      log_text("answers", devices->is_local ? "tc" : "none"), log_number("device", id));
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
	if (devices_attach_one(devices, id, datapath, &complaint) &&
	    log_allowed(&device->limit, loop_now_ms(), 60000, &kept_back))
		log_error("cannot attach again", log_text("interface", device->name), log_text("error", complaint.text),
			  log_number("kept_back", kept_back));
}

static void log_gone(const struct device *device)
{
	char text[EVENT_TEXT_LEN];

	snprintf(text, sizeof(text), "interface %s is gone, its program with it", device->name);
	decision_make(LOG_LEVEL_ERROR, EVENT_INTERFACE, "interface is gone", text, log_text("interface", device->name));
}

static void refresh_one(struct devices *devices, unsigned int id, struct datapath *datapath)
{
	struct device *device = &devices->device[id];
	unsigned int ifindex = if_nametoindex(device->name);
	int r;

	if (!ifindex) {
		if (device->ifindex)
			log_gone(device);
		device->ifindex = 0;
		return;
	}
	if (ifindex != device->ifindex || !datapath_is_attached(datapath, ifindex) ||
	    (devices->is_local && !datapath_has_egress(datapath, ifindex))) {
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

json_t *devices_to_json(const struct devices *devices)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < SERIN_MAX_DEVICES; i++) {
		const struct device *device = &devices->device[i];

		if (device->name[0])
			json_array_append_new(list, json_pack("{s:s, s:s?, s:s?, s:s, s:b}", "name", device->name,
							      "attach", device->ifindex ? device->mode : NULL, "hook",
							      device->ifindex ? device->hook : NULL, "why",
							      device->ifindex ? device->why.text : "not attached",
							      "answers", devices->is_local));
	}
	return list;
}
