/* SPDX-License-Identifier: BSD-2-Clause */
/* The keys of a service. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "config_parts.h"
#include "config_value.h"
#include "scalar.h"

#define EXPECTED_SERVICE_NAME "1 to 63 lowercase letters, digits and inner hyphens"

static int read_name(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct config_draft *draft = into;
	struct config_service *service = draft->service;
	const struct config_service *other;
	const char *text = config_text(node);

	if (!text || !name_is_valid(text, sizeof(service->name)))
		return config_bad_value(reader, node, "service name", EXPECTED_SERVICE_NAME);
	other = config_find_service(reader->config, text);
	if (other)
		return config_complain(reader, config_place_of(node),
				       "service name '%s' again (first on line %u), expected one of its own", text,
				       other->place.line);
	strcpy(service->name, text);
	return 0;
}

static int read_protocol(struct config_reader *reader, yaml_node_t *node, void *into)
{
	enum { TCP, UDP, HTTP };
	static const struct config_choice choices[] = { { "tcp", TCP }, { "udp", UDP }, { "http", HTTP } };
	struct config_draft *draft = into;
	int value, err;

	err = config_value_choice(reader, node, "protocol", choices, CONFIG_COUNT(choices), &value);
	if (err)
		return err;
	draft->service->protocol = value == UDP ? IPPROTO_UDP : IPPROTO_TCP;
	draft->service->speaks = value == HTTP ? SERIN_SPEAKS_HTTP : SERIN_SPEAKS_ANY;
	draft->protocol_place = config_place_of(node);
	return 0;
}

static int read_forward(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct config_draft *draft = into;
	int value, err;

	draft->service->forward_place = config_place_of(node);
	err = config_value_choice(reader, node, "forward", config_forwards, CONFIG_COUNT(config_forwards), &value);
	if (!err)
		draft->service->forward = (enum serin_forward)value;
	return err;
}

/* What a listener or a backend may look like depends on `forward`, which may stand behind them. What is wrong with it is
 * said when its turn comes. */
static enum serin_forward peek_forward(struct config_reader *reader, const yaml_node_t *node)
{
	const yaml_node_pair_t *pair;
	const char *key, *value;
	size_t i;

	for (pair = config_is_mapping(node) ? node->data.mapping.pairs.start : NULL;
	     pair && pair < node->data.mapping.pairs.top; pair++) {
		key = config_text(yaml_document_get_node(&reader->document, pair->key));
		value = config_text(yaml_document_get_node(&reader->document, pair->value));
		if (!key || !value || strcmp(key, "forward"))
			continue;
		for (i = 0; i < CONFIG_COUNT(config_forwards); i++) {
			if (!strcmp(value, config_forwards[i].name))
				return (enum serin_forward)config_forwards[i].value;
		}
	}
	return SERIN_FORWARD_NAT;
}

static int read_max_new(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct config_draft *draft = into;
	const char *text = config_text(node);

	if (!text || parse_rate(text, &draft->service->max_new) < 0)
		return config_bad_value(reader, node, "max_new_flows", EXPECTED_RATE);
	return 0;
}

static int read_drain_timeout(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct config_draft *draft = into;
	const char *text = config_text(node);
	uint64_t ms;

	if (!text || parse_duration(text, &ms) < 0 || ms % 1000 || ms / 1000 > CONFIG_MAX_TIMEOUT_S)
		return config_bad_value(reader, node, "drain_timeout",
					"whole seconds from 0s to 7d, such as 90s or 5m");
	draft->service->drain_timeout = (unsigned int)(ms / 1000);
	return 0;
}

static int read_rollback_flows(struct config_reader *reader, yaml_node_t *node, void *into)
{
	enum config_flows *flows = into;
	int value, err;

	err = config_value_choice(reader, node, "flows", config_flow_ends, CONFIG_COUNT(config_flow_ends), &value);
	if (!err)
		*flows = (enum config_flows)value;
	return err;
}

static int read_on_rollback(struct config_reader *reader, yaml_node_t *node, void *into)
{
	static const struct config_key keys[] = {
		{ .name = "flows", .read = read_rollback_flows, .required = "reset or drain" },
	};
	static const struct config_mapping mapping = { .name = "on_rollback", CONFIG_KEYS(keys) };
	struct config_draft *draft = into;

	return config_read_mapping(reader, node, &mapping, &draft->service->on_rollback);
}

static int keep_rules(struct config_reader *reader, yaml_node_t *node, void *into)
{
	(void)reader;
	((struct config_draft *)into)->rules = node;
	return 0;
}

static int keep_rules_file(struct config_reader *reader, yaml_node_t *node, void *into)
{
	(void)reader;
	((struct config_draft *)into)->rules_file = node;
	return 0;
}

static int keep_rollout(struct config_reader *reader, yaml_node_t *node, void *into)
{
	(void)reader;
	((struct config_draft *)into)->rollout = node;
	return 0;
}

static int read_prefix(struct config_reader *reader, yaml_node_t *node, unsigned int max, uint8_t *ret)
{
	unsigned int bits;
	int err;

	err = config_value_unsigned(reader, node, "prefix length", 0, max, &bits);
	if (!err)
		*ret = (uint8_t)bits;
	return err;
}

static int read_prefix4(struct config_reader *reader, yaml_node_t *node, void *into)
{
	return read_prefix(reader, node, 32, into);
}

static int read_prefix6(struct config_reader *reader, yaml_node_t *node, void *into)
{
	return read_prefix(reader, node, 128, into);
}

static const struct config_key affinity_keys[] = {
	{ .name = "ipv4", .read = read_prefix4, .offset = offsetof(struct config_service, prefix4) },
	{ .name = "ipv6", .read = read_prefix6, .offset = offsetof(struct config_service, prefix6) },
};
static const struct config_mapping affinity_mapping = {
	.name = "affinity",
	.or_text = "source, flow",
	CONFIG_KEYS(affinity_keys),
};

/* source | flow | {ipv4: BITS, ipv6: BITS}, the last being `source` with prefixes of one's own. */
static int read_affinity(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct config_draft *draft = into;
	struct config_service *service = draft->service;
	const char *text = config_text(node);

	service->affinity = text && !strcmp(text, "flow") ? SERIN_AFFINITY_FLOW : SERIN_AFFINITY_SOURCE;
	if (text && (!strcmp(text, "flow") || !strcmp(text, "source")))
		return 0;
	return config_read_mapping(reader, node, &affinity_mapping, service);
}

static int read_baseline(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct config_draft *draft = into;
	const char *text = config_text(node);

	if (!text || !name_is_valid(text, sizeof(draft->baseline)))
		return config_bad_value(reader, node, "baseline", "the name of a version of this service");
	strcpy(draft->baseline, text);
	draft->baseline_place = config_place_of(node);
	return 0;
}

static const struct config_key service_keys[] = {
	{ .name = "name", .read = read_name, .required = EXPECTED_SERVICE_NAME },
	{ .name = "listen", .read = config_read_listen, .required = EXPECTED_LISTEN },
	{ .name = "protocol", .read = read_protocol },
	{ .name = "forward", .read = read_forward },
	{ .name = "affinity", .read = read_affinity },
	{ .name = "baseline", .read = read_baseline },
	{ .name = "versions", .read = config_read_versions, .required = EXPECTED_VERSIONS },
	{ .name = "health", .read = config_read_health },
	{ .name = "max_ejected", .read = config_read_max_ejected },
	{ .name = "on_ejection", .read = config_read_on_ejection },
	{ .name = "slow_start", .read = config_read_slow_start },
	{ .name = "rules", .read = keep_rules },
	{ .name = "rules_file", .read = keep_rules_file },
	{ .name = "max_new_flows", .read = read_max_new },
	{ .name = "drain_timeout", .read = read_drain_timeout },
	{ .name = "on_rollback", .read = read_on_rollback },
	{ .name = "rollout", .read = keep_rollout },
	{ .name = "notify", .read = config_read_notify },
};
static const struct config_mapping service_mapping = { .name = "a service", CONFIG_KEYS(service_keys) };

static int read_service(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct config *config = into;
	struct config_service *service = &config->services[config->service_count];
	struct config_draft draft = { .service = service };
	int err;

	*service = (struct config_service){
		.forward = peek_forward(reader, node),
		.affinity = SERIN_AFFINITY_SOURCE,
		.prefix4 = 32,
		.prefix6 = 64,
		.drain_timeout = 300,
		.on_rollback = CONFIG_FLOWS_DRAIN,
		.health = config_health_defaults,
		.max_ejected = 5000,
		.on_ejection = CONFIG_FLOWS_LEAVE,
		.place = config_place_of(node),
	};
	config->service_count++; /* from here on config_free() knows about it */
	err = config_read_mapping(reader, node, &service_mapping, &draft);
	if (!err)
		err = config_check_service(reader, &draft);
	if (!err)
		err = config_read_rules(reader, &draft);
	return err ? err : config_read_rollout(reader, &draft);
}

int config_read_services(struct config_reader *reader, yaml_node_t *node, void *into)
{
	static const struct config_list services = {
		.name = "services",
		.expected = "a list of 1 to 256 services",
		.max = SERIN_MAX_SERVICES,
		.read = read_service,
	};
	struct config *config = into;

	config->services = calloc(SERIN_MAX_SERVICES, sizeof(*config->services));
	if (!config->services)
		return config_complain_memory(reader);
	return config_read_list(reader, node, &services, config);
}
