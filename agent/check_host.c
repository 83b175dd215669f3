/* SPDX-License-Identifier: BSD-2-Clause */
/* Interfaces, forwarding, addresses, routes, ports and firewall rules of this host, held against a configuration. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_host.h"
#include "hostcheck.h"
#include "neigh.h"

/* Addresses, each once. */
struct address_set {
	struct serin_addr *items;
	size_t count, room;
};

struct host_check {
	const struct config *config;
	json_t *warnings;
	struct address_set listeners;
	struct address_set sources; /* of forward: nat */
	const struct config_service *warned_source[2];
};

static void warn(struct host_check *check, const struct config_place *place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void warn(struct host_check *check, const struct config_place *place, const char *format, ...)
{
	char text[sizeof(struct complaint) + 256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (place && place->line)
		json_array_append_new(check->warnings, json_sprintf("%s:%u:%u: %s", check->config->path, place->line,
								    place->column, text));
	else
		json_array_append_new(check->warnings, json_string(text));
}

static void add_address(struct address_set *set, const struct serin_addr *address)
{
	struct serin_addr *grown;
	size_t i;

	for (i = 0; i < set->count; i++)
		if (!memcmp(&set->items[i], address, sizeof(*address)))
			return;
	if (set->count == set->room) {
		grown = reallocarray(set->items, set->room + 16, sizeof(*grown));
		if (!grown)
			return; /* one warning fewer */
		set->items = grown;
		set->room += 16;
	}
	set->items[set->count++] = *address;
}

static void check_interfaces(struct host_check *check)
{
	const struct config *config = check->config;
	size_t i;

	for (i = 0; i < config->interface_count; i++)
		if (!if_nametoindex(config->interfaces[i].name))
			warn(check, &config->interfaces[i].place, "this host has no interface %s",
			     config->interfaces[i].name);
}

static void check_local(struct host_check *check, const struct serin_addr *address, const struct config_place *place,
			const char *what)
{
	char text[ADDRESS_TEXT_LEN];
	bool local = false;
	int error = hostcheck_listener_address(address, &local);

	if (error)
		warn(check, place, "cannot tell whether this host has %s: %s", address_format(address, text),
		     strerror(-error));
	else if (!local)
		warn(check, place, "this host does not have the %s address %s, and will not answer for it", what,
		     address_format(address, text));
}

static bool is_our_interface(const struct config *config, unsigned int ifindex)
{
	size_t i;

	for (i = 0; i < config->interface_count; i++)
		if (if_nametoindex(config->interfaces[i].name) == ifindex)
			return true;
	return false;
}

/* A process that takes the packets of every listener, or of the first that it does not. */
static void check_process(struct host_check *check, const struct config_service *service,
			  const struct config_backend *backend)
{
	char text[ADDRESS_TEXT_LEN];
	struct complaint complaint;
	bool listening = false;
	size_t i;

	for (i = 0; i < service->listener_count; i++) {
		const struct config_listener *listener = &service->listeners[i];

		if (hostcheck_is_listening(&listener->addr, ntohs(backend->endpoint.port), listener->protocol,
					   &listening, &complaint)) {
			warn(check, &backend->place, "%s", complaint.text);
			return;
		}
		if (listening)
			continue;
		warn(check, &backend->place, "nobody on this host listens at %s/%s, on that address or on all",
		     endpoint_format(&listener->addr, backend->endpoint.port, text), protocol_name(listener->protocol));
		return;
	}
}

static bool has_port(const struct config_service *service, __be16 port)
{
	size_t i;

	for (i = 0; i < service->listener_count; i++)
		if (service->listeners[i].port == port)
			return true;
	return false;
}

static bool has_source(const struct config_snat *snat, bool ipv4)
{
	unsigned int i;

	for (i = 0; i < snat->address_count; i++)
		if (address_is_ipv4(&snat->addresses[i]) == ipv4)
			return true;
	return false;
}

/* Once for a service and a family: it is the same for all of its backends, or nearly. */
static void check_outer_source(struct host_check *check, const struct config_service *service,
			       const struct config_backend *backend, const struct neigh_route *route)
{
	bool ipv4 = address_is_ipv4(&backend->endpoint.addr);
	char text[ADDRESS_TEXT_LEN];

	if (has_source(&check->config->snat, ipv4) || check->warned_source[ipv4] == service)
		return;
	check->warned_source[ipv4] = service;
	warn(check, &backend->place,
	     "packets to IPv%d backends are wrapped under %s, as the routes are now: expected an IPv%d address among "
	     "snat.addresses, where backends or firewalls know their sender",
	     ipv4 ? 4 : 6, address_format(&route->source, text), ipv4 ? 4 : 6);
}

static void check_one_way(struct host_check *check, const struct config_service *service,
			  const struct config_backend *backend, const struct neigh_route *route)
{
	char text[ADDRESS_TEXT_LEN], by[ADDRESS_TEXT_LEN];

	if (!has_port(service, backend->endpoint.port))
		warn(check, &backend->place, "forward: %s rewrites no port: %s gets packets to the port of service %s",
		     config_forward_name(service->forward),
		     endpoint_format(&backend->endpoint.addr, backend->endpoint.port, text), service->name);
	if (service->forward != SERIN_FORWARD_L2)
		check_outer_source(check, service, backend, route);
	else if (memcmp(&route->next_hop, &backend->endpoint.addr, sizeof(route->next_hop)))
		warn(check, &backend->place,
		     "backend %s is not on a link of this host, but behind %s: forward: l2 only reaches neighbours",
		     address_format(&backend->endpoint.addr, text), address_format(&route->next_hop, by));
}

static void check_backend(struct host_check *check, struct neigh *neigh, const struct config_service *service,
			  const struct config_backend *backend)
{
	char text[ADDRESS_TEXT_LEN], name[IF_NAMESIZE];
	struct complaint complaint;
	struct neigh_route route;

	if (service->forward == SERIN_FORWARD_LOCAL) {
		check_process(check, service, backend);
		return;
	}
	if (neigh_route(neigh, &backend->endpoint.addr, &route, &complaint)) {
		warn(check, &backend->place, "%s", complaint.text);
		return;
	}
	if (!is_our_interface(check->config, route.ifindex))
		warn(check, &backend->place, "backend %s is reached over %s, which is not among the interfaces",
		     address_format(&backend->endpoint.addr, text),
		     if_indextoname(route.ifindex, name) ? name : "another interface");
	if (service->forward == SERIN_FORWARD_NAT && !check->config->snat.address_count)
		add_address(&check->sources, &route.source);
	if (SERIN_IS_ONE_WAY(service->forward))
		check_one_way(check, service, backend, &route);
}

static void check_backends(struct host_check *check)
{
	const struct config *config = check->config;
	struct neigh *neigh = NULL;
	struct complaint complaint;
	size_t i, j, k;

	if (neigh_open(&neigh, &complaint)) {
		warn(check, NULL, "%s", complaint.text);
		return;
	}
	for (i = 0; i < config->service_count; i++)
		for (j = 0; j < config->services[i].version_count; j++)
			for (k = 0; k < config->services[i].versions[j].backend_count; k++)
				check_backend(check, neigh, &config->services[i],
					      &config->services[i].versions[j].backends[k]);
	neigh_close(neigh);
}

static void check_listeners(struct host_check *check)
{
	const struct config *config = check->config;
	size_t i, j, before;

	for (i = 0; i < config->service_count; i++) {
		for (j = 0; j < config->services[i].listener_count; j++) {
			const struct config_listener *listener = &config->services[i].listeners[j];

			before = check->listeners.count;
			add_address(&check->listeners, &listener->addr);
			if (check->listeners.count > before)
				check_local(check, &listener->addr, &listener->place, "listening");
		}
	}
}

static void check_forwarding(struct host_check *check)
{
	struct complaint complaint;

	if (hostcheck_forwarding(config_forwards_family(check->config, true),
				 config_forwards_family(check->config, false), &complaint))
		warn(check, NULL, "%s", complaint.text);
}

static void check_snat(struct host_check *check)
{
	const struct config_snat *snat = &check->config->snat;
	const struct hostcheck_ports ports = {
		.first = snat->port_first,
		.last = snat->port_last,
		.tcp = config_uses_nat(check->config, IPPROTO_TCP),
		.udp = config_uses_nat(check->config, IPPROTO_UDP),
	};
	struct complaint complaint;
	unsigned int i;

	for (i = 0; i < snat->address_count; i++) {
		check_local(check, &snat->addresses[i], &snat->place, "source");
		add_address(&check->sources, &snat->addresses[i]);
	}
	if (hostcheck_snat_ports(&ports, check->sources.items, check->sources.count, &complaint))
		warn(check, &snat->place, "%s", complaint.text);
}

static void check_firewall(struct host_check *check)
{
	char *lines = NULL, *line, *rest;
	int error = hostcheck_firewall(check->listeners.items, check->listeners.count, &lines);

	if (error) {
		warn(check, NULL, "cannot look for firewall rules: %s", strerror(-error));
		return;
	}
	for (rest = lines; (line = strsep(&rest, "\n"));)
		if (*line)
			warn(check, NULL, "packets that serin forwards do not meet this firewall rule: %s", line);
	free(lines);
}

void check_host(const struct config *config, json_t *warnings)
{
	struct host_check check = { .config = config, .warnings = warnings };

	check_interfaces(&check);
	check_listeners(&check);
	check_forwarding(&check);
	check_backends(&check);
	check_snat(&check);
	check_firewall(&check);
	free(check.listeners.items);
	free(check.sources.items);
}
