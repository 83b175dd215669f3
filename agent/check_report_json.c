/* SPDX-License-Identifier: BSD-2-Clause */
/* The plan and its figures as JSON. */
#include "check_report.h"

static json_t *backends_to_json(const struct config *config, const struct config_service *service,
				const struct config_version *version)
{
	json_t *list = json_array(), *entry;
	char text[ADDRESS_TEXT_LEN];
	json_int_t capacity;
	size_t i;

	for (i = 0; i < version->backend_count; i++) {
		const struct endpoint *endpoint = &version->backends[i].endpoint;

		entry = json_pack("{s:s, s:i}", "address", backend_format(&endpoint->addr, endpoint->port, text),
				  "weight", version->backends[i].weight);
		capacity = (json_int_t)check_nat_capacity(&config->snat, &endpoint->addr);
		if (service->forward == SERIN_FORWARD_NAT)
			json_object_set_new(entry, "max_connections", json_integer(capacity));
		json_array_append_new(list, entry);
	}
	return list;
}

/* Where backends come from, when it is not the configuration. */
static void add_source(json_t *json, const struct config_version *version)
{
	const struct config_dns *dns = &version->dns;

	if (dns->name)
		json_object_set_new(json, "dns",
				    json_pack("{s:s, s:s, s:o, s:i}", "name", dns->name, "type",
					      dns->type == CONFIG_DNS_SRV ? "srv" : "a", "port",
					      dns->port ? json_integer(dns->port) : json_null(), "every_ms",
					      (int)dns->every));
	if (version->file)
		json_object_set_new(json, "file", json_string(version->file));
}

static json_t *version_to_json(const struct config *config, const struct config_service *service, size_t index)
{
	const struct config_version *version = &service->versions[index];
	json_t *json;

	json = json_pack("{s:s, s:s, s:i, s:I, s:o}", "name", version->name, "role", check_role(service, index),
			 "weight", (int)check_initial_share(service, index), "rules",
			 (json_int_t)check_count_rules(service, index), "backends",
			 backends_to_json(config, service, version));
	add_source(json, version);
	return json;
}

static json_t *health_to_json(const struct config_health *health)
{
	return json_pack("{s:b, s:s, s:s, s:o, s:o, s:i, s:i, s:i, s:i, s:i, s:i}", "passive", health->passive, "check",
			 config_check_name(health->check), "path", health->path, "host",
			 health->host[0] ? json_string(health->host) : json_null(), "port",
			 health->port ? json_integer(health->port) : json_null(), "status_low", health->status_low,
			 "status_high", health->status_high, "every_ms", (int)health->every, "timeout_ms",
			 (int)health->timeout, "fall", (int)health->fall, "rise", (int)health->rise);
}

static json_t *affinity_to_json(const struct config_service *service)
{
	if (service->affinity == SERIN_AFFINITY_FLOW)
		return json_pack("{s:s}", "by", "flow");
	return json_pack("{s:s, s:i, s:i}", "by", "source", "ipv4", service->prefix4, "ipv6", service->prefix6);
}

static json_t *service_to_json(const struct config *config, const struct config_service *service)
{
	json_t *listen = json_array(), *versions = json_array(), *json;
	char text[ADDRESS_TEXT_LEN];
	size_t i;

	for (i = 0; i < service->listener_count; i++)
		json_array_append_new(listen, json_sprintf("%s/%s",
							   endpoint_format(&service->listeners[i].addr,
									   service->listeners[i].port, text),
							   protocol_name(service->listeners[i].protocol)));
	for (i = 0; i < service->version_count; i++)
		json_array_append_new(versions, version_to_json(config, service, i));
	json = json_pack("{s:s, s:s, s:s, s:o, s:o, s:s, s:o, s:I, s:o, s:i, s:{s:s}}", "name", service->name,
			 "protocol", config_protocol_name(service), "forward", config_forward_name(service->forward),
			 "affinity", affinity_to_json(service), "listen", listen, "baseline",
			 service->versions[service->baseline].name, "versions", versions, "rules",
			 (json_int_t)service->rules.count, "max_new_flows",
			 service->max_new ? json_integer(service->max_new) : json_null(), "drain_timeout",
			 (int)service->drain_timeout, "on_rollback", "flows", config_flows_name(service->on_rollback));
	json_object_set_new(json, "health", health_to_json(&service->health));
	json_object_set_new(json, "max_ejected", json_integer(service->max_ejected));
	json_object_set_new(json, "on_ejection", json_pack("{s:s}", "flows", config_flows_name(service->on_ejection)));
	if (service->rollout)
		json_object_set_new(json, "rollout", check_rollout_to_json(service));
	json_object_set_new(json, "slow_start_ms", json_integer(service->slow_start));
	return json;
}

json_t *check_to_json(const struct config *config)
{
	uint64_t ways = check_flow_ways(config->max_flows);
	json_t *services = json_array(), *interfaces = json_array();
	struct check_usage usage = check_usage(config);
	size_t i;

	for (i = 0; i < config->interface_count; i++)
		json_array_append_new(interfaces, json_string(config->interfaces[i].name));
	for (i = 0; i < config->service_count; i++)
		json_array_append_new(services, service_to_json(config, &config->services[i]));
	return json_pack("{s:o, s:s, s:{s:I, s:I, s:I}, s:{s:I, s:I, s:I, s:I}, s:o}", "interfaces", interfaces,
			 "attach", config_attach_name(config->attach), "flow_table", "max_flows",
			 (json_int_t)config->max_flows, "ways", (json_int_t)ways, "bytes",
			 (json_int_t)check_flow_bytes(ways), "tables", "services", (json_int_t)config->service_count,
			 "listening_addresses", (json_int_t)usage.listeners, "backends", (json_int_t)usage.backends,
			 "rules", (json_int_t)usage.rules, "services", services);
}
