/* SPDX-License-Identifier: BSD-2-Clause */
/* What only a whole service, or the whole file, can tell to be wrong. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "config_parts.h"
#include "scalar.h"

static int check_baseline(struct config_reader *reader, struct config_draft *draft)
{
	struct config_service *service = draft->service;
	int index = 0;

	if (draft->baseline[0]) {
		index = config_find_version(service, draft->baseline);
		if (index < 0)
			return config_complain(reader, draft->baseline_place,
					       "baseline '%s' is no version of service '%s', expected one such as '%s'",
					       draft->baseline, service->name, service->versions[0].name);
	} else if (service->version_count > 1) {
		return config_complain(reader, service->place,
				       "missing key 'baseline' in a service of %zu versions, expected the name of one",
				       service->version_count);
	}
	service->baseline = (size_t)index;
	return 0;
}

static int check_shares(struct config_reader *reader, const struct config_draft *draft)
{
	const struct config_service *service = draft->service;
	char text[SHARE_TEXT_LEN];
	unsigned int sum = 0;
	size_t i;

	for (i = 0; i < service->version_count; i++) {
		if (service->versions[i].weight < 0)
			continue;
		if (i == service->baseline)
			return config_complain(reader, draft->weight_places[i],
					       "a weight for baseline '%s', expected none: it takes the rest",
					       service->versions[i].name);
		sum += (unsigned int)service->versions[i].weight;
		if (sum > SHARE_WHOLE)
			return config_complain(reader, draft->weight_places[i],
					       "weights of service '%s' add up to %s here, expected up to 100%%",
					       service->name, share_format(sum, text));
	}
	return 0;
}

static int check_protocol(struct config_reader *reader, const struct config_draft *draft)
{
	struct config_service *service = draft->service;
	size_t i;

	if (!draft->protocol_place.line)
		service->protocol = service->listeners[0].protocol;
	for (i = 0; i < service->listener_count; i++) {
		if (service->listeners[i].protocol == service->protocol)
			return 0;
	}
	return config_complain(reader, draft->protocol_place,
			       "protocol '%s' in a service that listens on %s alone, expected that one",
			       config_protocol_name(service), protocol_name(service->listeners[0].protocol));
}

static int complain_family(struct config_reader *reader, const struct config_service *service, const char *what,
			   const struct serin_addr *addr, __be16 port, struct config_place place)
{
	static const char why[] = "serin does not translate between IPv4 and IPv6, expected one service per family";
	const char *family = address_is_ipv4(&service->listeners[0].addr) ? "IPv4" : "IPv6";
	char text[ADDRESS_TEXT_LEN];

	return config_complain(reader, place, "%s '%s' in a service that listens on %s: %s", what,
			       endpoint_format(addr, port, text), family, why);
}

/* A tunnel carries either family in either; a port of this host belongs to none. */
bool config_may_mix_families(const struct config_service *service)
{
	return service->forward == SERIN_FORWARD_LOCAL || service->forward == SERIN_FORWARD_IPIP ||
	       service->forward == SERIN_FORWARD_GUE;
}

static int check_backend_families(struct config_reader *reader, const struct config_service *service,
				  const struct config_version *version)
{
	bool want_ipv4 = address_is_ipv4(&service->listeners[0].addr);
	size_t i;

	for (i = 0; i < version->backend_count; i++) {
		const struct config_backend *backend = &version->backends[i];

		if (address_is_ipv4(&backend->endpoint.addr) != want_ipv4)
			return complain_family(reader, service, "backend", &backend->endpoint.addr,
					       backend->endpoint.port, backend->place);
	}
	return 0;
}

static int check_families(struct config_reader *reader, const struct config_service *service)
{
	bool want_ipv4 = address_is_ipv4(&service->listeners[0].addr);
	size_t i;
	int err = 0;

	for (i = 0; i < service->listener_count; i++) {
		const struct config_listener *listener = &service->listeners[i];

		if (address_is_ipv4(&listener->addr) != want_ipv4)
			return complain_family(reader, service, "listening address", &listener->addr, listener->port,
					       listener->place);
	}
	for (i = 0; !err && i < service->version_count; i++)
		err = check_backend_families(reader, service, &service->versions[i]);
	return err;
}

int config_check_service(struct config_reader *reader, struct config_draft *draft)
{
	int err;

	err = config_check_backends(reader, draft->service);
	if (!err)
		err = check_baseline(reader, draft);
	if (!err)
		err = check_shares(reader, draft);
	if (!err)
		err = config_check_sources(reader, draft->service);
	if (!err)
		err = check_protocol(reader, draft);
	if (!err)
		err = config_check_health(reader, draft);
	if (!err && !config_may_mix_families(draft->service))
		err = check_families(reader, draft->service);
	return err;
}

/* What a listener must have in common with something else to be in its way. Zero: anything will do. */
struct target {
	struct serin_addr addr;
	__be16 port;
	uint8_t protocol;
};

static const struct config_service *find_listener(const struct config *config, const struct target *target,
						  struct config_place *ret_place)
{
	size_t s, i;

	for (s = 0; s < config->service_count; s++) {
		for (i = 0; i < config->services[s].listener_count; i++) {
			const struct config_listener *listener = &config->services[s].listeners[i];

			if (memcmp(&listener->addr, &target->addr, sizeof(listener->addr)) ||
			    (target->port && target->port != listener->port) ||
			    (target->protocol && target->protocol != listener->protocol))
				continue;
			*ret_place = listener->place;
			return &config->services[s];
		}
	}
	return NULL;
}

/* 0: both. */
static uint8_t only_protocol(const struct config_service *service)
{
	size_t i;

	for (i = 1; i < service->listener_count; i++) {
		if (service->listeners[i].protocol != service->listeners[0].protocol)
			return 0;
	}
	return service->listeners[0].protocol;
}

/* A backend that is a listening address: its packets would come back to us for ever. One-way, whatever the port is. */
static int check_loop(struct config_reader *reader, const struct config_service *service,
		      const struct config_backend *backend)
{
	struct target target = { .addr = backend->endpoint.addr };
	const struct config_service *other;
	char text[ADDRESS_TEXT_LEN], line[24] = "";
	struct config_place place;

	if (service->forward == SERIN_FORWARD_LOCAL)
		return 0;
	if (!SERIN_IS_ONE_WAY(service->forward)) {
		target.port = backend->endpoint.port;
		target.protocol = only_protocol(service);
	}
	other = find_listener(reader->config, &target, &place);
	if (!other)
		return 0;
	if (!reader->found)
		snprintf(line, sizeof(line), " (line %u)", place.line);
	return config_complain(reader, backend->place,
			       "backend '%s' is where service '%s' listens%s, expected another address",
			       endpoint_format(&target.addr, target.port, text), other->name, line);
}

/* A service on the address of our own HTTP interface would take all of its connections. */
static int check_http(struct config_reader *reader)
{
	const struct config_http *http = &reader->config->http;
	const struct target target = { http->listen.addr, http->listen.port, IPPROTO_TCP };
	const struct config_service *service;
	char text[ADDRESS_TEXT_LEN];
	struct config_place place;

	service = http->enabled ? find_listener(reader->config, &target, &place) : NULL;
	if (!service)
		return 0;
	return config_complain(reader, place, "service '%s' listens on '%s' like http, expected two addresses",
			       service->name, endpoint_format(&http->listen.addr, http->listen.port, text));
}

int config_check_all(struct config_reader *reader)
{
	const struct config *config = reader->config;
	size_t s, v, b;
	int err;

	for (s = 0; s < config->service_count; s++) {
		const struct config_service *service = &config->services[s];

		for (v = 0; v < service->version_count; v++) {
			for (b = 0; b < service->versions[v].backend_count; b++) {
				err = check_loop(reader, service, &service->versions[v].backends[b]);
				if (err)
					return err;
			}
		}
	}
	return check_http(reader);
}

int config_check_found(struct config_reader *reader, const struct config_service *service,
		       const struct config_version *version)
{
	size_t b;
	int err = 0;

	if (!config_may_mix_families(service))
		err = check_backend_families(reader, service, version);
	for (b = 0; !err && b < version->backend_count; b++)
		err = check_loop(reader, service, &version->backends[b]);
	return err;
}
