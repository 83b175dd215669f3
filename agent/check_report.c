/* SPDX-License-Identifier: BSD-2-Clause */
/* The plan in words and columns. */
#include <errno.h>

#include "blind.h"
#include "check_report.h"
#include "scalar.h"
#include "table.h"

#define COLUMNS(array) (sizeof(array) / sizeof((array)[0]))

static const struct table_column version_columns[] = {
	{ "VERSION", TABLE_LEFT }, { "ROLE", TABLE_LEFT },    { "SHARE", TABLE_RIGHT },
	{ "BACKEND", TABLE_LEFT }, { "WEIGHT", TABLE_RIGHT },
};

static void add_start(struct table *table, const struct config_service *service, size_t index)
{
	char share[SHARE_TEXT_LEN];

	table_cell(table, "%s", service->versions[index].name);
	table_cell(table, "%s", check_role(service, index));
	table_cell(table, "%s", share_format(check_initial_share(service, index), share));
}

static void add_version(struct table *table, const struct config_service *service, size_t index)
{
	const struct config_version *version = &service->versions[index];
	char address[ADDRESS_TEXT_LEN], source[CONFIG_SOURCE_LEN];
	size_t i;

	add_start(table, service, index);
	if (config_is_discovered(version)) {
		table_cell(table, "%s", config_source_format(version, source));
		table_cell(table, "%s", "");
		return;
	}
	for (i = 0; i < version->backend_count; i++) {
		const struct config_backend *backend = &version->backends[i];

		for (unsigned int column = 0; i && column < 3; column++)
			table_cell(table, "%s", "");
		table_cell(table, "%s", backend_format(&backend->endpoint.addr, backend->endpoint.port, address));
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

/* An address of that family, or NULL where no backend is of it. */
static const struct serin_addr *first_backend(const struct config_service *service, bool ipv4)
{
	const struct serin_addr *listening = &service->listeners[0].addr;
	size_t i, j;

	for (i = 0; i < service->version_count; i++) {
		for (j = 0; j < service->versions[i].backend_count; j++)
			if (address_is_ipv4(&service->versions[i].backends[j].endpoint.addr) == ipv4)
				return &service->versions[i].backends[j].endpoint.addr;
		/* None is known yet, but addresses are not translated: their family is. */
		if (service->forward == SERIN_FORWARD_NAT && config_is_discovered(&service->versions[i]) &&
		    address_is_ipv4(listening) == ipv4)
			return listening;
	}
	return NULL;
}

static void print_capacity(FILE *out, const struct config_snat *snat, const struct serin_addr *backend, bool ipv4)
{
	unsigned int addresses = check_snat_addresses(snat, ipv4);

	fprintf(out, "each %s backend can have %llu connections at a time (ports %u-%u of %u source address%s%s)\n",
		ipv4 ? "IPv4" : "IPv6", (unsigned long long)check_nat_capacity(snat, backend), snat->port_first,
		snat->port_last, addresses, addresses == 1 ? "" : "es", snat->address_count ? "" : ", the host's own");
}

static void print_way(FILE *out, const struct config *config, const struct config_service *service, bool ipv4)
{
	const struct serin_addr *backend = first_backend(service, ipv4);
	unsigned int overhead = check_overhead(service->forward, ipv4);

	if (!backend)
		return;
	if (service->forward == SERIN_FORWARD_NAT)
		print_capacity(out, &config->snat, backend, ipv4);
	if (service->forward == SERIN_FORWARD_GUE)
		fprintf(out, "backends unwrap GUE at UDP port %u; ", config->gue_port);
	if (overhead)
		fprintf(out, "packets to IPv%d backends grow by %u bytes: %u are left of an MTU of 1500\n",
			ipv4 ? 4 : 6, overhead, 1500 - overhead);
}

static void print_rules(FILE *out, const struct config_service *service)
{
	const char *comma = "";
	size_t i;

	if (!service->rules.count)
		return;
	fprintf(out, "%zu rule%s before the hash: ", service->rules.count, service->rules.count == 1 ? "" : "s");
	for (i = 0; i < service->version_count; i++) {
		if (!check_count_rules(service, i))
			continue;
		fprintf(out, "%s%zu to %s", comma, check_count_rules(service, i), service->versions[i].name);
		comma = ", ";
	}
	putc('\n', out);
}

static void print_life(FILE *out, const struct config_service *service)
{
	char text[DURATION_TEXT_LEN];

	if (service->max_new)
		fprintf(out, "at most %u new flows a second\n", service->max_new);
	fprintf(out, "removed backends drain for %s; a rollback %s\n", duration_format(service->drain_timeout, text),
		service->on_rollback == CONFIG_FLOWS_RESET ? "resets flows" : "lets flows drain");
}

static void print_check(FILE *out, const struct config_health *health)
{
	char every[DURATION_TEXT_LEN], timeout[DURATION_TEXT_LEN];

	fprintf(out, "health: %s", config_check_name(health->check));
	if (health->check == CONFIG_CHECK_HTTP)
		fprintf(out, " GET %s", health->path);
	if (health->host[0])
		fprintf(out, " of %s", health->host);
	if (health->port)
		fprintf(out, " at port %u", health->port);
	if (health->check == CONFIG_CHECK_HTTP && health->status_low == health->status_high)
		fprintf(out, ", status %u", health->status_low);
	else if (health->check == CONFIG_CHECK_HTTP)
		fprintf(out, ", status %u-%u", health->status_low, health->status_high);
	fprintf(out, " within %s, every %s; out after %u, back after %u\n",
		duration_format_ms(health->timeout, timeout), duration_format_ms(health->every, every), health->fall,
		health->rise);
}

static void print_health(FILE *out, const struct config_service *service)
{
	static const char *const flows[] = {
		[CONFIG_FLOWS_LEAVE] = "are left alone",
		[CONFIG_FLOWS_DRAIN] = "drain",
		[CONFIG_FLOWS_RESET] = "are reset",
	};
	char share[SHARE_TEXT_LEN], text[DURATION_TEXT_LEN];

	if (!service->health.passive) {
		fputs("health: off, a dead backend keeps its clients\n", out);
		return;
	}
	if (service->health.check != CONFIG_CHECK_OFF)
		print_check(out, &service->health);
	fprintf(out, "failed handshakes eject up to %s of a version's backends; flows of ejected ones %s",
		share_format(service->max_ejected, share), flows[service->on_ejection]);
	if (service->slow_start)
		fprintf(out, "; slow start over %s", duration_format_ms(service->slow_start, text));
	putc('\n', out);
}

static int print_service(FILE *out, const struct config *config, const struct config_service *service)
{
	char text[ADDRESS_TEXT_LEN];
	const char *blind;
	size_t i;
	int error;

	fprintf(out, "%s  ", service->name);
	for (i = 0; i < service->listener_count; i++)
		fprintf(out, "%s%s/%s", i ? ", " : "",
			endpoint_format(&service->listeners[i].addr, service->listeners[i].port, text),
			protocol_name(service->listeners[i].protocol));
	fprintf(out, "\nforward %s, affinity ", config_forward_name(service->forward));
	if (service->affinity == SERIN_AFFINITY_FLOW)
		fputs("flow\n", out);
	else
		fprintf(out, "source (IPv4 /%u, IPv6 /%u)\n", service->prefix4, service->prefix6);
	error = print_versions(out, service);
	print_way(out, config, service, true);
	print_way(out, config, service, false);
	print_rules(out, service);
	print_life(out, service);
	print_health(out, service);
	blind = blind_to(config_protocol_name(service), config_forward_name(service->forward));
	if (blind)
		fprintf(out, "%s\n", blind);
	if (!error)
		error = check_print_rollout(out, service);
	putc('\n', out);
	return error;
}

static void print_usage(FILE *out, const struct config *config)
{
	struct check_usage usage = check_usage(config);

	fprintf(out, "tables: %zu of %u services, %zu of %u listening addresses, %zu of %u backends, %zu of %u rules\n",
		config->service_count, SERIN_MAX_SERVICES, usage.listeners, SERIN_MAX_LISTENERS, usage.backends,
		SERIN_MAX_BACKENDS, usage.rules, CONFIG_MAX_ALL_RULES);
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
	print_usage(out, config);
	fputs("interfaces:", out);
	for (i = 0; i < config->interface_count; i++)
		fprintf(out, "%s %s", i ? "," : "", config->interfaces[i].name);
	fprintf(out, " (attach %s)\n", config_attach_name(config->attach));
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
