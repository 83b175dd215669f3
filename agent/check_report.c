/* SPDX-License-Identifier: BSD-2-Clause */
/* The plan in words and columns, and the figures that people size their hosts by. */
#include <errno.h>

#include "check_report.h"
#include "scalar.h"
#include "table.h"

#define COLUMNS(array) (sizeof(array) / sizeof((array)[0]))

static const struct table_column version_columns[] = {
	{ "VERSION", TABLE_LEFT }, { "ROLE", TABLE_LEFT },    { "SHARE", TABLE_RIGHT },
	{ "BACKEND", TABLE_LEFT }, { "WEIGHT", TABLE_RIGHT },
};

static const char *forward_word(enum serin_forward forward)
{
	return forward == SERIN_FORWARD_GATEWAY ? "gateway" : "nat";
}

static const char *attach_word(enum config_attach attach)
{
	switch (attach) {
	case ATTACH_XDP:
		return "xdp";
	case ATTACH_XDP_GENERIC:
		return "xdp-generic";
	default:
		return "auto";
	}
}

static const char *role_word(const struct config_service *service, size_t version)
{
	return version == service->baseline ? "baseline" : "trial";
}

static const char *listener_format(const struct config_listener *listener, char *buffer)
{
	return endpoint_format(&listener->addr, listener->port, buffer);
}

/* The baseline takes what the versions on trial leave. */
static unsigned int initial_share(const struct config_service *service, size_t version)
{
	unsigned int rest = SHARE_WHOLE;
	size_t i;

	if (version != service->baseline)
		return service->versions[version].weight < 0 ? 0 : (unsigned int)service->versions[version].weight;
	for (i = 0; i < service->version_count; i++)
		if (i != service->baseline)
			rest -= initial_share(service, i);
	return rest;
}

uint64_t check_flow_ways(uint32_t max_flows)
{
	uint64_t ways = SERIN_WAYS_PER_BUCKET;

	while (3 * ways < 8 * (uint64_t)max_flows)
		ways *= 2;
	return ways;
}

uint64_t check_flow_bytes(uint64_t ways)
{
	return ways * (sizeof(struct serin_way) + 1);
}

/* Source addresses of one family; where none are configured, the one that the host itself would use. */
static unsigned int snat_addresses(const struct config_snat *snat, bool ipv4)
{
	unsigned int i, count = 0;

	for (i = 0; i < snat->address_count; i++)
		count += address_is_ipv4(&snat->addresses[i]) == ipv4;
	return snat->address_count ? count : 1;
}

uint64_t check_nat_capacity(const struct config_snat *snat, const struct serin_addr *backend)
{
	return (uint64_t)(snat->port_last - snat->port_first + 1) * snat_addresses(snat, address_is_ipv4(backend));
}

static void add_version(struct table *table, const struct config_service *service, size_t index)
{
	const struct config_version *version = &service->versions[index];
	char share[SHARE_TEXT_LEN], address[ADDRESS_TEXT_LEN];
	size_t i;

	for (i = 0; i < version->backend_count; i++) {
		const struct config_backend *backend = &version->backends[i];

		table_cell(table, "%s", i ? "" : version->name);
		table_cell(table, "%s", i ? "" : role_word(service, index));
		table_cell(table, "%s", i ? "" : share_format(initial_share(service, index), share));
		table_cell(table, "%s", endpoint_format(&backend->endpoint.addr, backend->endpoint.port, address));
		table_cell(table, "%u", backend->weight);
	}
}

static int print_versions(FILE *out, const struct config_service *service)
{
	struct table *table = table_new(version_columns, COLUMNS(version_columns));
	size_t i;
	int error;

	if (!table)
		return -ENOMEM;
	for (i = 0; i < service->version_count; i++)
		add_version(table, service, i);
	error = table_print(table, out, 2, "", "");
	table_free(table);
	return error;
}

static const struct serin_addr *first_backend(const struct config_service *service, bool ipv4)
{
	size_t i, j;

	for (i = 0; i < service->version_count; i++)
		for (j = 0; j < service->versions[i].backend_count; j++)
			if (address_is_ipv4(&service->versions[i].backends[j].endpoint.addr) == ipv4)
				return &service->versions[i].backends[j].endpoint.addr;
	return NULL;
}

static void print_capacity(FILE *out, const struct config_snat *snat, const struct config_service *service, bool ipv4)
{
	const struct serin_addr *backend = first_backend(service, ipv4);
	unsigned int addresses = snat_addresses(snat, ipv4);

	if (!backend)
		return;
	fprintf(out, "each %s backend can have %llu connections at a time (ports %u-%u of %u source address%s%s)\n",
		ipv4 ? "IPv4" : "IPv6", (unsigned long long)check_nat_capacity(snat, backend), snat->port_first,
		snat->port_last, addresses, addresses == 1 ? "" : "es", snat->address_count ? "" : ", the host's own");
}

static int print_service(FILE *out, const struct config *config, const struct config_service *service)
{
	char text[ADDRESS_TEXT_LEN];
	size_t i;
	int error;

	fprintf(out, "%s  ", service->name);
	for (i = 0; i < service->listener_count; i++)
		fprintf(out, "%s%s/tcp", i ? ", " : "", listener_format(&service->listeners[i], text));
	fprintf(out, "\nforward %s, affinity ", forward_word(service->forward));
	if (service->affinity == SERIN_AFFINITY_FLOW)
		fputs("flow\n", out);
	else
		fprintf(out, "source (IPv4 /%u, IPv6 /%u)\n", service->prefix4, service->prefix6);
	error = print_versions(out, service);
	if (service->forward == SERIN_FORWARD_NAT) {
		print_capacity(out, &config->snat, service, true);
		print_capacity(out, &config->snat, service, false);
	}
	putc('\n', out);
	return error;
}

static void print_host(FILE *out, const struct config *config)
{
	uint64_t ways = check_flow_ways(config->max_flows);
	uint64_t kib = check_flow_bytes(ways) >> 10;
	char text[ADDRESS_TEXT_LEN];
	size_t i;

	fprintf(out, "flow table: %u connections in %llu ways, ", config->max_flows, (unsigned long long)ways);
	fprintf(out, kib < 10240 ? "%llu KiB of kernel memory\n" : "%llu MiB of kernel memory\n",
		(unsigned long long)(kib < 10240 ? kib : kib >> 10));
	fputs("interfaces:", out);
	for (i = 0; i < config->interface_count; i++)
		fprintf(out, "%s %s", i ? "," : "", config->interfaces[i].name);
	fprintf(out, " (attach %s)\n", attach_word(config->attach));
	if (config->http.enabled)
		fprintf(out, "http: %s (%s)\n",
			endpoint_format(&config->http.listen.addr, config->http.listen.port, text),
			config->http.token_file ? "changes with a token" : "reading only: no token_file");
	else
		fputs("http: off\n", out);
}

int check_print(FILE *out, const struct config *config)
{
	size_t i;
	int error;

	for (i = 0; i < config->service_count; i++) {
		error = print_service(out, config, &config->services[i]);
		if (error)
			return error;
	}
	print_host(out, config);
	return 0;
}

static json_t *backends_to_json(const struct config *config, const struct config_service *service,
				const struct config_version *version)
{
	json_t *list = json_array(), *entry;
	char text[ADDRESS_TEXT_LEN];
	json_int_t capacity;
	size_t i;

	for (i = 0; i < version->backend_count; i++) {
		const struct endpoint *endpoint = &version->backends[i].endpoint;

		entry = json_pack("{s:s, s:i}", "address", endpoint_format(&endpoint->addr, endpoint->port, text),
				  "weight", version->backends[i].weight);
		capacity = (json_int_t)check_nat_capacity(&config->snat, &endpoint->addr);
		if (service->forward == SERIN_FORWARD_NAT)
			json_object_set_new(entry, "max_connections", json_integer(capacity));
		json_array_append_new(list, entry);
	}
	return list;
}

static json_t *version_to_json(const struct config *config, const struct config_service *service, size_t index)
{
	const struct config_version *version = &service->versions[index];

	return json_pack("{s:s, s:s, s:i, s:o}", "name", version->name, "role", role_word(service, index), "weight",
			 (int)initial_share(service, index), "backends", backends_to_json(config, service, version));
}

static json_t *affinity_to_json(const struct config_service *service)
{
	if (service->affinity == SERIN_AFFINITY_FLOW)
		return json_pack("{s:s}", "by", "flow");
	return json_pack("{s:s, s:i, s:i}", "by", "source", "ipv4", service->prefix4, "ipv6", service->prefix6);
}

static json_t *service_to_json(const struct config *config, const struct config_service *service)
{
	json_t *listen = json_array(), *versions = json_array();
	char text[ADDRESS_TEXT_LEN];
	size_t i;

	for (i = 0; i < service->listener_count; i++)
		json_array_append_new(listen, json_sprintf("%s/tcp", listener_format(&service->listeners[i], text)));
	for (i = 0; i < service->version_count; i++)
		json_array_append_new(versions, version_to_json(config, service, i));
	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:s, s:o}", "name", service->name, "protocol", "tcp", "forward",
			 forward_word(service->forward), "affinity", affinity_to_json(service), "listen", listen,
			 "baseline", service->versions[service->baseline].name, "versions", versions);
}

json_t *check_to_json(const struct config *config)
{
	uint64_t ways = check_flow_ways(config->max_flows);
	json_t *services = json_array(), *interfaces = json_array();
	size_t i;

	for (i = 0; i < config->interface_count; i++)
		json_array_append_new(interfaces, json_string(config->interfaces[i].name));
	for (i = 0; i < config->service_count; i++)
		json_array_append_new(services, service_to_json(config, &config->services[i]));
	return json_pack("{s:o, s:s, s:{s:I, s:I, s:I}, s:o}", "interfaces", interfaces, "attach",
			 attach_word(config->attach), "flow_table", "max_flows", (json_int_t)config->max_flows, "ways",
			 (json_int_t)ways, "bytes", (json_int_t)check_flow_bytes(ways), "services", services);
}
