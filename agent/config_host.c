/* SPDX-License-Identifier: BSD-2-Clause */
/* The sections about this host: interfaces, attach, http, snat, timeouts, flows, gue_port, answer_timeout,
 * flow_log, lease, restart_grace. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "config_parts.h"
#include "config_value.h"
#include "scalar.h"

/* As the kernel's dev_valid_name(), and ASCII. */
static bool interface_name_is_valid(const char *text)
{
	size_t length = strlen(text), i;

	for (i = 0; i < length; i++) {
		if (text[i] <= ' ' || text[i] > '~' || text[i] == '/' || text[i] == ':')
			return false;
	}
	return length > 0 && length < CONFIG_INTERFACE_LEN && strcmp(text, ".") && strcmp(text, "..");
}

static int read_interface(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct config *config = into;
	struct config_interface *interface = &config->interfaces[config->interface_count];
	const char *text = config_text(node);
	size_t i;

	if (!text || !interface_name_is_valid(text))
		return config_bad_value(reader, node, "interface name",
					"1 to 15 printable characters other than space, '/' and ':'");
	for (i = 0; i < config->interface_count; i++) {
		if (!strcmp(text, config->interfaces[i].name))
			return config_complain(reader, config_place_of(node), "interface '%s' again, expected it once",
					       text);
	}
	strcpy(interface->name, text);
	interface->place = config_place_of(node);
	config->interface_count++;
	return 0;
}

int config_read_interfaces(struct config_reader *reader, yaml_node_t *node, void *into)
{
	static const struct config_list interfaces = {
		.name = "interfaces",
		.expected = "a list of 1 to 16 interface names",
		.max = SERIN_MAX_DEVICES,
		.read = read_interface,
	};

	return config_read_list(reader, node, &interfaces, into);
}

int config_read_attach(struct config_reader *reader, yaml_node_t *node, void *into)
{
	enum config_attach *attach = into;
	int value, err;

	reader->config->attach_place = config_place_of(node);
	err = config_value_choice(reader, node, "attach", config_attaches, CONFIG_COUNT(config_attaches), &value);
	if (!err)
		*attach = (enum config_attach)value;
	return err;
}

static int read_http_listen(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct config_http *http = into;
	const char *text = config_text(node);
	struct endpoint endpoint;
	const char *special;

	http->listen_place = config_place_of(node);
	if (config_is_off(node)) {
		http->enabled = false;
		return 0;
	}
	if (!text || endpoint_parse(text, &endpoint) < 0)
		return config_bad_value(reader, node, "http address", "off or ADDR:PORT such as 127.0.0.1:9477");
	special = config_special_address(&endpoint.addr);
	if (special && (!strcmp(special, "multicast") || !strcmp(special, "broadcast")))
		return config_complain(reader, config_place_of(node), "the %s address '%s', expected one of this host",
				       special, text);
	http->listen = endpoint;
	return 0;
}

static int read_token_file(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct config_http *http = into;
	const char *text = config_text(node);

	if (!text || text[0] != '/' || strlen(text) >= PATH_MAX)
		return config_bad_value(reader, node, "token_file", "an absolute path such as /etc/serin/token");
	http->token_place = config_place_of(node);
	http->token_file = strdup(text);
	return http->token_file ? 0 : config_complain_memory(reader);
}

int config_read_http(struct config_reader *reader, yaml_node_t *node, void *into)
{
	static const struct config_key keys[] = {
		{ .name = "listen", .read = read_http_listen },
		{ .name = "token_file", .read = read_token_file },
	};
	static const struct config_mapping mapping = { .name = "http", .or_text = "off", CONFIG_KEYS(keys) };
	struct config_http *http = into;

	http->place = config_place_of(node);
	if (config_is_off(node)) {
		http->enabled = false;
		return 0;
	}
	return config_read_mapping(reader, node, &mapping, http);
}

static int read_snat_address(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct config_snat *snat = into;
	const char *text = config_text(node);
	struct serin_addr addr;
	unsigned int i;
	int err;

	if (!text || address_parse(text, &addr) < 0)
		return config_bad_value(reader, node, "SNAT address",
					"an address of this host such as 10.0.0.1 or 2001:db8::1");
	err = config_check_unicast(reader, node, &addr);
	if (err)
		return err;
	for (i = 0; i < snat->address_count; i++) {
		if (!memcmp(&addr, &snat->addresses[i], sizeof(addr)))
			return config_complain(reader, config_place_of(node),
					       "SNAT address '%s' again, expected it once", text);
	}
	snat->addresses[snat->address_count++] = addr;
	return 0;
}

static int read_snat_addresses(struct config_reader *reader, yaml_node_t *node, void *into)
{
	static const struct config_list addresses = {
		.name = "SNAT addresses",
		.expected = "a list of 1 to 16 addresses of this host",
		.max = SERIN_MAX_SNAT,
		.read = read_snat_address,
	};

	struct config_snat *snat = into;

	snat->addresses_place = config_place_of(node);
	return config_read_list(reader, node, &addresses, snat);
}

static int read_snat_ports(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct config_snat *snat = into;
	const char *text = config_text(node);

	snat->ports_place = config_place_of(node);
	if (!text || parse_port_range(text, &snat->port_first, &snat->port_last) < 0)
		return config_bad_value(reader, node, "SNAT ports", EXPECTED_PORT_RANGE);
	return 0;
}

int config_read_snat(struct config_reader *reader, yaml_node_t *node, void *into)
{
	static const struct config_key keys[] = {
		{ .name = "addresses", .read = read_snat_addresses },
		{ .name = "ports", .read = read_snat_ports },
	};
	static const struct config_mapping mapping = { .name = "snat", CONFIG_KEYS(keys) };
	struct config_snat *snat = into;

	snat->place = config_place_of(node);
	return config_read_mapping(reader, node, &mapping, snat);
}

static int read_timeout(struct config_reader *reader, yaml_node_t *node, void *into)
{
	unsigned int *seconds = into;
	const char *text = config_text(node);
	uint64_t ms;

	if (!text || parse_duration(text, &ms) < 0 || ms % 1000 || ms < 1000 || ms / 1000 > CONFIG_MAX_TIMEOUT_S)
		return config_bad_value(reader, node, "timeout", "whole seconds from 1s to 7d, such as 10s or 2h");
	*seconds = (unsigned int)(ms / 1000);
	return 0;
}

int config_read_timeouts(struct config_reader *reader, yaml_node_t *node, void *into)
{
#define TIMEOUT(member) { .name = #member, .read = read_timeout, .offset = offsetof(struct config_timeouts, member) }
	static const struct config_key keys[] = {
		TIMEOUT(embryonic), TIMEOUT(established), TIMEOUT(half_closed),
		TIMEOUT(closed),    TIMEOUT(port_rest),   TIMEOUT(udp),
	};
#undef TIMEOUT
	static const struct config_mapping mapping = { .name = "timeouts", CONFIG_KEYS(keys) };

	return config_read_mapping(reader, node, &mapping, into);
}

int config_read_flows(struct config_reader *reader, yaml_node_t *node, void *into)
{
	uint32_t *max_flows = into;

	reader->config->flows_place = config_place_of(node);
	return config_value_unsigned(reader, node, "flows", SERIN_MIN_FLOWS, SERIN_MAX_FLOWS, max_flows);
}

int config_read_gue_port(struct config_reader *reader, yaml_node_t *node, void *into)
{
	unsigned int port;
	int err;

	err = config_value_unsigned(reader, node, "gue_port", 1, UINT16_MAX, &port);
	if (!err)
		*(uint16_t *)into = (uint16_t)port;
	return err;
}

/* The clock of turns ends at 100 s: past a minute the kernel could not tell one turn from the next. */
int config_read_answer_timeout(struct config_reader *reader, yaml_node_t *node, void *into)
{
	unsigned int *timeout = into;
	const char *text = config_text(node);
	uint64_t ms;

	if (config_is_off(node)) {
		*timeout = 0;
		return 0;
	}
	if (!text || parse_duration(text, &ms) < 0 || ms < 100 || ms > 60000)
		return config_bad_value(reader, node, "answer_timeout",
					"off or a duration from 100ms to 60s, such as 500ms or 10s");
	*timeout = (unsigned int)ms;
	return 0;
}

int config_read_flow_log(struct config_reader *reader, yaml_node_t *node, void *into)
{
	unsigned int *one_of = into;
	const char *text = config_text(node);

	if (config_is_off(node)) {
		*one_of = 0;
		return 0;
	}
	if (!text || strncmp(text, "1/", 2) || parse_unsigned(text + 2, 1, CONFIG_MAX_FLOW_LOG, one_of) < 0)
		return config_bad_value(reader, node, "flow_log",
					"off or 1/N with N from 1 to 1000000, such as 1/1000");
	return 0;
}

/* Below half a second a busy host's agent would lose its lease by being late for once. */
int config_read_lease(struct config_reader *reader, yaml_node_t *node, void *into)
{
	if (config_is_off(node)) {
		*(unsigned int *)into = 0;
		return 0;
	}
	return config_value_duration(reader, node, "lease", 500, 3600 * 1000,
				     "off or a duration from 500ms to 1h, such as 5s", into);
}

int config_read_restart_grace(struct config_reader *reader, yaml_node_t *node, void *into)
{
	return config_value_duration(reader, node, "restart_grace", 0, 3600 * 1000,
				     "a duration from 0s to 1h, such as 60s", into);
}
