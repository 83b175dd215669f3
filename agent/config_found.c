/* SPDX-License-Identifier: BSD-2-Clause */
/* Backends that a name or a file has given, put into the configuration: by the same rules as those written in it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config_parts.h"

/* A name has addresses of both families; where these cannot be served, they are no mistake of anybody's. */
static bool is_wanted(const struct config_service *service, const struct config_version *version,
		      const struct config_backend *backend)
{
	return !version->dns.name || config_may_mix_families(service) ||
	       address_is_ipv4(&backend->endpoint.addr) == address_is_ipv4(&service->listeners[0].addr);
}

static int check_unicast(struct config_reader *reader, const struct config_backend *backend)
{
	const char *special = config_special_address(&backend->endpoint.addr);
	char text[ADDRESS_TEXT_LEN];

	if (!special)
		return 0;
	return config_complain(reader, backend->place,
			       "the %s address '%s', expected a unicast address that packets can be forwarded to",
			       special, backend_format(&backend->endpoint.addr, backend->endpoint.port, text));
}

/* Against those of the other versions, and those before it in its own. */
static int check_once(struct config_reader *reader, const struct config_service *service,
		      const struct config_version *version, const struct config_backend *wanted)
{
	char text[ADDRESS_TEXT_LEN];

	for (size_t v = 0; v < service->version_count; v++) {
		const struct config_version *other = &service->versions[v];

		for (size_t b = 0; b < other->backend_count && &other->backends[b] != wanted; b++) {
			if (!config_is_same_server(service->forward, &other->backends[b].endpoint, &wanted->endpoint))
				continue;
			return config_complain(reader, wanted->place,
					       "backend '%s' %s '%s', expected it once in a service",
					       backend_format(&wanted->endpoint.addr, wanted->endpoint.port, text),
					       other == version ? "again in version" : "is one of version",
					       other->name);
		}
	}
	return 0;
}

static int check_list(struct config_reader *reader, const struct config_service *service,
		      const struct config_version *version)
{
	unsigned int weights = 0;
	int err = 0;

	for (size_t i = 0; !err && i < version->backend_count; i++) {
		err = check_unicast(reader, &version->backends[i]);
		if (!err)
			err = check_once(reader, service, version, &version->backends[i]);
		weights += version->backends[i].weight;
	}
	if (err || weights)
		return err;
	return config_complain(reader, (struct config_place){ 0 },
			       "no backend for version '%s', expected at least one of a weight above 0", version->name);
}

static int check_room(struct config_reader *reader)
{
	size_t count = config_count_backends(reader->config);

	if (count <= SERIN_MAX_BACKENDS)
		return 0;
	return config_complain(reader, (struct config_place){ 0 },
			       "%zu backends with those that there are, expected up to %u in all services together",
			       count, SERIN_MAX_BACKENDS);
}

/* -ENOMEM, with the version as it was. */
static int fill_list(const struct config_service *service, struct config_version *version,
		     const struct config_backend *found, size_t count)
{
	struct config_backend *list = calloc(count ? count : 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	version->backends = list;
	version->backend_count = 0;
	for (size_t i = 0; i < count; i++) {
		if (!is_wanted(service, version, &found[i]))
			continue;
		list[version->backend_count] = found[i];
		if (!found[i].endpoint.port)
			list[version->backend_count].endpoint.port = service->listeners[0].port;
		version->backend_count++;
	}
	return 0;
}

int config_set_backends(struct config *config, size_t service_index, size_t version_index,
			const struct config_backend *found, size_t count, struct complaint *complaint)
{
	struct config_service *service = &config->services[service_index];
	struct config_version *version = &service->versions[version_index], before = *version;
	char source[CONFIG_SOURCE_LEN];
	struct config_reader reader = {
		.path = version->file ? version->file : config_source_format(version, source),
		.complaint = complaint,
		.config = config,
		.found = true,
	};
	int err;

	if (fill_list(service, version, found, count))
		return config_complain_memory(&reader);
	err = check_list(&reader, service, version);
	if (!err)
		err = check_room(&reader);
	if (!err)
		err = config_check_found(&reader, service, version);
	if (err) {
		free(version->backends);
		*version = before;
	} else {
		free(before.backends);
	}
	return err;
}
