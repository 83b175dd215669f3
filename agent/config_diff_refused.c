/* SPDX-License-Identifier: BSD-2-Clause */
/* The differences that a reload refuses: those that would need doors bound again, programs attached again, or tables of
 * which running connections hold parts. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_diff.h"

#define LIST_LEN 400

/* "FILE:LINE:COLUMN: ", or as much of it as is known: a default is nowhere in the file. */
static const char *where(const struct config *config, struct config_place place, char buffer[256])
{
	const char *path = config->path ? config->path : "configuration";

	if (place.line)
		snprintf(buffer, 256, "%.220s:%u:%u: ", path, place.line, place.column);
	else
		snprintf(buffer, 256, "%.220s: ", path);
	return buffer;
}

static void refuse(struct config_lines *lines, const struct config *to, struct config_place place, const char *key,
		   const char *old, const char *new)
{
	char text[256];

	if (strcmp(old, new))
		config_lines_add(lines, "%s%s changes from %s to %s, which takes a restart, expected %s for a reload",
				 where(to, place, text), key, old, new, old);
}

static const struct config_interface *find_interface(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->interface_count; i++) {
		if (!strcmp(config->interfaces[i].name, name))
			return &config->interfaces[i];
	}
	return NULL;
}

static const char *list_interfaces(const struct config *config, char buffer[LIST_LEN])
{
	size_t used = 0;

	buffer[0] = '\0';
	for (size_t i = 0; i < config->interface_count && used < LIST_LEN; i++)
		used += (size_t)snprintf(buffer + used, LIST_LEN - used, "%s%s", i ? ", " : "",
					 config->interfaces[i].name);
	return buffer;
}

static void find_interfaces(const struct config *from, const struct config *to, struct config_lines *lines)
{
	char text[256], names[LIST_LEN];

	for (size_t i = 0; i < to->interface_count; i++) {
		const struct config_interface *interface = &to->interfaces[i];

		if (!find_interface(from, interface->name))
			config_lines_add(lines,
					 "%sinterfaces: %s is new, which takes a restart, expected %s for a reload",
					 where(to, interface->place, text), interface->name,
					 list_interfaces(from, names));
	}
	for (size_t i = 0; i < from->interface_count; i++) {
		const char *name = from->interfaces[i].name;

		if (!find_interface(to, name))
			config_lines_add(lines,
					 "%sinterfaces: %s is gone, which takes a restart, expected %s for a reload",
					 where(to, to->interfaces[0].place, text), name, list_interfaces(from, names));
	}
}

static void find_http(const struct config *from, const struct config *to, struct config_lines *lines)
{
	const struct config_http *old = &from->http, *new = &to->http;
	struct config_place place = new->listen_place.line ? new->listen_place : new->place;
	char old_text[ADDRESS_TEXT_LEN] = "off", new_text[ADDRESS_TEXT_LEN] = "off";

	if (old->enabled)
		endpoint_format(&old->listen.addr, old->listen.port, old_text);
	if (new->enabled)
		endpoint_format(&new->listen.addr, new->listen.port, new_text);
	refuse(lines, to, place, "http.listen", old_text, new_text);
	if (old->enabled && new->enabled)
		refuse(lines, to, new->token_place.line ? new->token_place : new->place, "http.token_file",
		       old->token_file ? old->token_file : "none", new->token_file ? new->token_file : "none");
}

static int compare_addresses(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct serin_addr));
}

static void list_addresses(const struct config_snat *snat, char *buffer, size_t size)
{
	struct serin_addr sorted[SERIN_MAX_SNAT];
	char text[ADDRESS_TEXT_LEN];
	size_t used = 0;

	snprintf(buffer, size, "those that the host would use");
	memcpy(sorted, snat->addresses, sizeof(sorted));
	qsort(sorted, snat->address_count, sizeof(sorted[0]), compare_addresses);
	for (unsigned int i = 0; i < snat->address_count && used < size; i++)
		used += (size_t)snprintf(buffer + used, size - used, "%s%s", i ? ", " : "",
					 address_format(&sorted[i], text));
}

/* Connections hold ports of the old range, and of the old addresses where there was a service of forward: nat. */
static void find_snat(const struct config *from, const struct config *to, struct config_diff *diff)
{
	const struct config_snat *old = &from->snat, *new = &to->snat;
	char old_text[SERIN_MAX_SNAT * ADDRESS_TEXT_LEN], new_text[SERIN_MAX_SNAT * ADDRESS_TEXT_LEN];

	snprintf(old_text, sizeof(old_text), "%u-%u", old->port_first, old->port_last);
	snprintf(new_text, sizeof(new_text), "%u-%u", new->port_first, new->port_last);
	refuse(&diff->refused, to, new->ports_place.line ? new->ports_place : new->place, "snat.ports", old_text,
	       new_text);
	list_addresses(old, old_text, sizeof(old_text));
	list_addresses(new, new_text, sizeof(new_text));
	if (config_uses_nat(from, IPPROTO_TCP) || config_uses_nat(from, IPPROTO_UDP))
		refuse(&diff->refused, to, new->addresses_place.line ? new->addresses_place : new->place,
		       "snat.addresses", old_text, new_text);
	else if (strcmp(old_text, new_text))
		config_lines_add(&diff->changes, "~ snat.addresses: %s -> %s", old_text, new_text);
}

bool config_diff_has_listener(const struct config_service *service, const struct config_listener *like)
{
	for (size_t i = 0; i < service->listener_count; i++) {
		const struct config_listener *listener = &service->listeners[i];

		if (listener->port == like->port && listener->protocol == like->protocol &&
		    !memcmp(&listener->addr, &like->addr, sizeof(like->addr)))
			return true;
	}
	return false;
}

const struct config_service *config_diff_find_former(const struct config *from, const struct config_listener *listener)
{
	for (size_t i = 0; i < from->service_count; i++) {
		if (config_diff_has_listener(&from->services[i], listener))
			return &from->services[i];
	}
	return NULL;
}

static void find_forward(const struct config *from, const struct config *to, const struct config_service *service,
			 struct config_lines *lines)
{
	const struct config_service *old = config_find_service(from, service->name);
	struct config_place place = service->forward_place.line ? service->forward_place : service->place;
	char text[256];

	for (size_t i = 0; i < service->listener_count && (!old || old->forward == service->forward); i++)
		old = config_diff_find_former(from, &service->listeners[i]);
	if (old && old->forward != service->forward)
		config_lines_add(lines,
				 "%sforward of service %s is %s, was %s where connections go on, expected %s, "
				 "or another service on another address",
				 where(to, place, text), service->name, config_forward_name(service->forward),
				 config_forward_name(old->forward), config_forward_name(old->forward));
}

void config_diff_find_refused(const struct config *from, const struct config *to, struct config_diff *diff)
{
	struct config_lines *refused = &diff->refused;
	char old_flows[16], new_flows[16];

	find_interfaces(from, to, refused);
	refuse(refused, to, to->attach_place, "attach", config_attach_name(from->attach),
	       config_attach_name(to->attach));
	find_http(from, to, refused);
	find_snat(from, to, diff);
	snprintf(old_flows, sizeof(old_flows), "%u", from->max_flows);
	snprintf(new_flows, sizeof(new_flows), "%u", to->max_flows);
	refuse(refused, to, to->flows_place, "flows", old_flows, new_flows);
	for (size_t i = 0; i < to->service_count; i++)
		find_forward(from, to, &to->services[i], refused);
}
