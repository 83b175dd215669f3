/* SPDX-License-Identifier: BSD-2-Clause */
/* What only a whole service, or the whole file, can tell to be wrong. */
#include <netinet/in.h>
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

static int check_family(struct config_reader *reader, const struct config_service *service, const char *what,
			const struct serin_addr *addr, __be16 port, struct config_place place)
{
	static const char why[] = "serin does not translate between IPv4 and IPv6, expected one service per family";
	bool want_ipv4 = address_is_ipv4(&service->listeners[0].addr);
	char text[ADDRESS_TEXT_LEN];

	if (address_is_ipv4(addr) == want_ipv4)
		return 0;
	return config_complain(reader, place, "%s '%s' in a service that listens on %s: %s", what,
			       endpoint_format(addr, port, text), want_ipv4 ? "IPv4" : "IPv6", why);
}

static int check_families(struct config_reader *reader, const struct config_service *service)
{
	size_t i, v;
	int err = 0;

	for (i = 0; !err && i < service->listener_count; i++) {
		const struct config_listener *listener = &service->listeners[i];

		err = check_family(reader, service, "listening address", &listener->addr, listener->port,
				   listener->place);
	}
	for (v = 0; !err && v < service->version_count; v++) {
		const struct config_version *version = &service->versions[v];

		for (i = 0; !err && i < version->backend_count; i++) {
			const struct config_backend *backend = &version->backends[i];

			err = check_family(reader, service, "backend", &backend->endpoint.addr, backend->endpoint.port,
					   backend->place);
		}
	}
	return err;
}

int config_check_service(struct config_reader *reader, struct config_draft *draft)
{
	int err;

	err = check_baseline(reader, draft);
	if (!err)
		err = check_shares(reader, draft);
	if (!err)
		err = check_families(reader, draft->service);
	return err;
}

static const struct config_service *find_listener(const struct config *config, const struct endpoint *endpoint,
						  struct config_place *ret_place)
{
	size_t s, i;

	for (s = 0; s < config->service_count; s++) {
		for (i = 0; i < config->services[s].listener_count; i++) {
			const struct config_listener *listener = &config->services[s].listeners[i];

			if (listener->port != endpoint->port ||
			    memcmp(&listener->addr, &endpoint->addr, sizeof(listener->addr)))
				continue;
			*ret_place = listener->place;
			return &config->services[s];
		}
	}
	return NULL;
}

/* A backend that is a listening address: its packets would come back to us for ever. */
static int check_loop(struct config_reader *reader, const struct config_backend *backend)
{
	const struct config_service *service;
	char text[ADDRESS_TEXT_LEN];
	struct config_place place;

	service = find_listener(reader->config, &backend->endpoint, &place);
	if (!service)
		return 0;
	return config_complain(reader, backend->place,
			       "backend '%s' is where service '%s' listens (line %u), expected another address",
			       endpoint_format(&backend->endpoint.addr, backend->endpoint.port, text), service->name,
			       place.line);
}

/* A service on the address of our own HTTP interface would take all of its connections. */
static int check_http(struct config_reader *reader)
{
	const struct config_http *http = &reader->config->http;
	const struct config_service *service;
	char text[ADDRESS_TEXT_LEN];
	struct config_place place;

	service = http->enabled ? find_listener(reader->config, &http->listen, &place) : NULL;
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
				err = check_loop(reader, &service->versions[v].backends[b]);
				if (err)
					return err;
			}
		}
	}
	return check_http(reader);
}
