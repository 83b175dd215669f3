/* SPDX-License-Identifier: BSD-2-Clause */
/* The figures that people size their hosts by. */
#include "check_report.h"
#include "rules.h"
#include "scalar.h"

const char *check_role(const struct config_service *service, size_t version)
{
	return version == service->baseline ? "baseline" : "trial";
}

/* The baseline takes what the versions on trial leave. */
unsigned int check_initial_share(const struct config_service *service, size_t version)
{
	unsigned int rest = SHARE_WHOLE;
	size_t i;

	if (version != service->baseline)
		return service->versions[version].weight < 0 ? 0 : (unsigned int)service->versions[version].weight;
	for (i = 0; i < service->version_count; i++)
		if (i != service->baseline)
			rest -= check_initial_share(service, i);
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
unsigned int check_snat_addresses(const struct config_snat *snat, bool ipv4)
{
	unsigned int i, count = 0;

	for (i = 0; i < snat->address_count; i++)
		count += address_is_ipv4(&snat->addresses[i]) == ipv4;
	return snat->address_count ? count : 1;
}

uint64_t check_nat_capacity(const struct config_snat *snat, const struct serin_addr *backend)
{
	return (uint64_t)(snat->port_last - snat->port_first + 1) *
	       check_snat_addresses(snat, address_is_ipv4(backend));
}

/* What is put in front of each packet: an IP header, for GUE also UDP (8) and GUE (4). */
unsigned int check_overhead(enum serin_forward forward, bool ipv4)
{
	if (forward != SERIN_FORWARD_IPIP && forward != SERIN_FORWARD_GUE)
		return 0;
	return (ipv4 ? 20 : 40) + (forward == SERIN_FORWARD_GUE ? 12 : 0);
}

size_t check_count_rules(const struct config_service *service, size_t version)
{
	size_t count = 0, i;

	for (i = 0; i < service->rules.count; i++)
		count += service->rules.items[i].version == version;
	return count;
}

struct check_usage check_usage(const struct config *config)
{
	struct check_usage usage = { 0 };
	size_t i, v;

	for (i = 0; i < config->service_count; i++) {
		usage.listeners += config->services[i].listener_count;
		usage.rules += rules_entry_count(&config->services[i].rules);
		for (v = 0; v < config->services[i].version_count; v++)
			usage.backends += config->services[i].versions[v].backend_count;
	}
	return usage;
}
