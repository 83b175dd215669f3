/* SPDX-License-Identifier: BSD-2-Clause */
/* What the start refuses: all of it is looked at before the first table or file is written. */
#include "startup.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "hostcheck.h"
#include "log.h"

bool startup_uses_nat(const struct config *config)
{
	return config_uses_nat(config, IPPROTO_TCP) || config_uses_nat(config, IPPROTO_UDP);
}

int startup_check_forwarding(const struct config *config, struct complaint *complaint)
{
	return hostcheck_forwarding(config_forwards_family(config, true), config_forwards_family(config, false),
				    complaint);
}

/* This is the mistake that one makes in the file. */
static int check_interfaces(const struct config *config, struct complaint *complaint)
{
	for (size_t i = 0; i < config->interface_count; i++) {
		const struct config_interface *interface = &config->interfaces[i];

		if (!if_nametoindex(interface->name))
			return complain(complaint, -ENODEV, "%s:%u:%u: no interface named %s on this host",
					config->path, interface->place.line, interface->place.column, interface->name);
	}
	return 0;
}

int startup_check_host(const struct config *config, struct complaint *complaint)
{
	int r = check_interfaces(config, complaint);

	return r ? r : startup_check_forwarding(config, complaint);
}

static void check_listener(const struct config_listener *listener, const char *service)
{
	char text[ADDRESS_TEXT_LEN];
	bool is_local = true;

	if (!hostcheck_listener_address(&listener->addr, &is_local) && !is_local)
		log_warn("a listening address is none of this host's: nobody answers ARP or neighbour discovery for it",
			 log_text("service", service), log_text("address", address_format(&listener->addr, text)));
}

void startup_warn_of_surprises(const struct config *config)
{
	for (size_t i = 0; i < config->service_count; i++) {
		for (size_t j = 0; j < config->services[i].listener_count; j++)
			check_listener(&config->services[i].listeners[j], config->services[i].name);
	}
}

static int check_attaching(const struct controller *controller, struct complaint *complaint)
{
	const struct config *config = controller->config;
	int r = 0;

	for (size_t i = 0; !r && i < config->interface_count; i++)
		r = datapath_can_attach(controller->datapath, config->interfaces[i].name, config->attach, complaint);
	if (!r && devices_need_local(config))
		r = datapath_can_attach(controller->datapath, DEVICES_LOOPBACK, config->attach, complaint);
	return r;
}

/* Where traffic runs, the ports of the addresses in use are ours already. That the maps are there says nothing: a start
 * that came no further may have left them. */
static int check_ports(const struct controller *controller, const struct image *running, struct complaint *complaint)
{
	const struct hostcheck_ports range = {
		.first = controller->config->snat.port_first,
		.last = controller->config->snat.port_last,
		.tcp = config_uses_nat(controller->config, IPPROTO_TCP),
		.udp = config_uses_nat(controller->config, IPPROTO_UDP),
	};
	struct serin_addr addresses[SERIN_MAX_SNAT];
	size_t count = 0;

	if (!range.tcp && !range.udp)
		return 0;
	for (size_t i = 0; i < SERIN_MAX_SNAT; i++) {
		const struct serin_addr *address = &controller->image.snat[i];

		if (controller->at_work && !memcmp(address, &running->snat[i], sizeof(*address)))
			continue;
		if (address->quad[0] || address->quad[1])
			addresses[count++] = *address;
	}
	return hostcheck_snat_ports(&range, addresses, count, complaint);
}

/* The tables refuse this too, but only when it comes to them. */
static int check_kept(const struct controller *controller, const struct image *running, struct complaint *complaint)
{
	const struct config_snat *snat = &controller->config->snat;
	char text[ADDRESS_TEXT_LEN];
	uint16_t first, last;

	if (!datapath_pinned_ports(controller->options.pin_dir, &first, &last) &&
	    (first != snat->port_first || last != snat->port_last))
		return complain(complaint, -EUCLEAN,
				"the SNAT ports were %u-%u and flows may hold some of them: "
				"expected the same range, or `serin detach` first, which drops the flows",
				first, last);
	for (size_t i = 0; i < SERIN_MAX_BACKENDS; i++) {
		const struct serin_backend *old = &running->backends[i], *new = &controller->image.backends[i];

		if (old->flags & SERIN_BACKEND_USED && old->snat_count &&
		    (old->snat_first != new->snat_first || old->snat_count != new->snat_count))
			return complain(complaint, -EUCLEAN,
					"the SNAT addresses towards %s have changed, but flows may hold ports of the "
					"old ones: expected the same as before, or `serin detach` first, which drops "
					"the flows",
					endpoint_format(&new->addr, new->port, text));
	}
	return 0;
}

int startup_check_image(const struct controller *controller, const struct image *running, struct complaint *complaint)
{
	int r = check_kept(controller, running, complaint);

	return r ? r : check_ports(controller, running, complaint);
}

int startup_check_tables(const struct controller *controller, const struct image *running, struct complaint *complaint)
{
	int r = check_attaching(controller, complaint);

	return r ? r : startup_check_image(controller, running, complaint);
}
