/* SPDX-License-Identifier: BSD-2-Clause */
/* Putting the programs on interfaces: which door, who may be in the way, and what runs there already. */
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "datapath_private.h"

static const char *mode_name(enum config_attach mode)
{
	static const char *const names[] = {
		[ATTACH_AUTO] = "auto", [ATTACH_XDP] = "xdp", [ATTACH_XDP_GENERIC] = "xdp-generic", [ATTACH_TC] = "tc"
	};

	return names[mode];
}

int datapath_attached_mode(const struct datapath *datapath, unsigned int ifindex, enum config_attach *ret)
{
	int mode = xdp_mode(datapath, ifindex);

	if (mode < 0 && tc_kind(datapath, ifindex, DOOR_INGRESS))
		mode = ATTACH_TC;
	if (mode < 0)
		return -ENOENT;
	*ret = (enum config_attach)mode;
	return 0;
}

bool datapath_is_attached(const struct datapath *datapath, unsigned int ifindex)
{
	enum config_attach mode;

	return !datapath_attached_mode(datapath, ifindex, &mode);
}

const char *datapath_attached_by(const struct datapath *datapath, unsigned int ifindex)
{
	int mode = xdp_mode(datapath, ifindex);

	return mode >= 0 ? "link" : tc_kind(datapath, ifindex, DOOR_INGRESS);
}

bool datapath_has_egress(const struct datapath *datapath, unsigned int ifindex)
{
	return tc_kind(datapath, ifindex, DOOR_EGRESS) != NULL;
}

struct liveness {
	const struct datapath *datapath;
	bool found;
};

static void note_alive(void *context, const char *name, unsigned int ifindex)
{
	struct liveness *liveness = context;

	(void)name;
	liveness->found |= datapath_is_attached(liveness->datapath, ifindex);
}

bool datapath_has_links(const struct datapath *datapath)
{
	struct liveness liveness = { .datapath = datapath };
	unsigned int known[SERIN_MAX_DEVICES];
	size_t i, count = device_list(datapath, known);

	for (i = 0; i < count; i++)
		note_alive(&liveness, NULL, known[i]);
	if (datapath->pin_dir[0])
		pins_each_link(datapath->pin_dir, note_alive, &liveness);
	return liveness.found;
}

/* Frames are what the programs forward; the loopback is Ethernet as well, but for the name. */
static int look_at(const char *interface, struct device_facts *ret, struct complaint *complaint)
{
	int r = device_look(interface, ret);

	if (r)
		return complain(complaint, r, "%s: %s, expected an Ethernet interface of this host", interface,
				strerror(-r));
	if (!ret->is_ethernet && !ret->is_loopback)
		return complain(complaint, -EINVAL,
				"%s: is no Ethernet interface (its packets have no MAC addresses), expected one",
				interface);
	return 0;
}

/* What runs goes on running: going over to another door would leave the interface without a program for a moment, or for
 * good. Local clients are met at TC only, whatever is wanted. */
static int settle_mode(const struct datapath *datapath, const char *interface, const struct device_facts *facts,
		       enum config_attach wanted, enum config_attach *ret, struct complaint *complaint)
{
	enum config_attach runs;

	if (facts->is_loopback)
		wanted = ATTACH_TC;
	*ret = wanted == ATTACH_AUTO ? ATTACH_XDP : wanted;
	if (datapath_attached_mode(datapath, facts->device.ifindex, &runs))
		return 0;
	if (wanted != ATTACH_AUTO && wanted != runs)
		return complain(complaint, -EUCLEAN,
				"%s: the program runs as %s, expected `attach: %s` or `auto`, or `serin detach` first, "
				"which drops the flows",
				interface, mode_name(runs), mode_name(runs));
	*ret = runs;
	return 0;
}

int datapath_can_attach(const struct datapath *datapath, const char *interface, enum config_attach attach,
			struct complaint *complaint)
{
	struct device_facts facts;
	enum config_attach mode;
	int r;

	r = look_at(interface, &facts, complaint);
	if (!r)
		r = settle_mode(datapath, interface, &facts, attach, &mode, complaint);
	if (r || datapath_is_attached(datapath, facts.device.ifindex))
		return r;
	if (mode == ATTACH_TC)
		return tc_can_attach(datapath, interface, facts.device.ifindex, DOOR_INGRESS, complaint);
	return xdp_can_attach(interface, facts.device.ifindex, complaint);
}

static int give_id(struct datapath *datapath, unsigned int device, const char *interface, struct complaint *complaint)
{
	int r = datapath_refresh_device(datapath, device, interface);

	return r ? complain(complaint, r, "%s: cannot write the interface into the kernel: %s", interface, strerror(-r))
		 : 0;
}

int datapath_attach(struct datapath *datapath, unsigned int device, const char *interface, enum config_attach attach,
		    const char **ret_mode, struct complaint *complaint)
{
	struct device_facts facts;
	enum config_attach mode;
	int r;

	r = look_at(interface, &facts, complaint);
	if (!r)
		r = settle_mode(datapath, interface, &facts, attach, &mode, complaint);
	if (!r)
		r = give_id(datapath, device, interface, complaint);
	if (r)
		return r;
	if (mode == ATTACH_TC)
		r = tc_attach(datapath, device, interface, facts.device.ifindex, DOOR_INGRESS, complaint);
	else
		r = xdp_attach(datapath, device, interface, facts.device.ifindex, mode, complaint);
	if (!r)
		*ret_mode = mode_name(mode);
	return r;
}

int datapath_attach_egress(struct datapath *datapath, unsigned int device, const char *interface,
			   struct complaint *complaint)
{
	struct device_facts facts;
	int r;

	r = look_at(interface, &facts, complaint);
	if (!r)
		r = give_id(datapath, device, interface, complaint);
	return r ? r : tc_attach(datapath, device, interface, facts.device.ifindex, DOOR_EGRESS, complaint);
}

void datapath_detach_egress(struct datapath *datapath, const char *interface)
{
	unsigned int ifindex = if_nametoindex(interface);

	if (ifindex)
		tc_detach(datapath, ifindex, DOOR_EGRESS);
}
