/* SPDX-License-Identifier: BSD-2-Clause */
/* A service's listening addresses: each belongs to one service of the file. */
#include <netinet/in.h>
#include <string.h>

#include "config_parts.h"
#include "config_value.h"

#define EXPECTED_LISTENER "ADDR:PORT/tcp or ADDR:PORT/udp such as 203.0.113.10:80/tcp or [2001:db8::10]:53/udp"

static const struct config_listener *find_listener(const struct config *config, const struct config_listener *wanted,
						   size_t *ret_total)
{
	const struct config_service *service;
	size_t total = 0, i;

	for (service = config->services; service < config->services + config->service_count; service++) {
		for (i = 0; i < service->listener_count; i++, total++) {
			const struct config_listener *other = &service->listeners[i];

			if (!memcmp(&other->addr, &wanted->addr, sizeof(other->addr)) && other->port == wanted->port &&
			    other->protocol == wanted->protocol)
				return other;
		}
	}
	*ret_total = total;
	return NULL;
}

static int add_listener(struct config_reader *reader, const yaml_node_t *node, struct config_service *service,
			const struct config_listener *listener)
{
	const struct config_listener *other;
	char quoted[CONFIG_QUOTE_LEN];
	size_t total;

	other = find_listener(reader->config, listener, &total);
	if (other)
		return config_complain(reader, listener->place,
				       "listening address '%s' again (first on line %u), expected it once",
				       config_quote(node, quoted), other->place.line);
	if (total >= SERIN_MAX_LISTENERS)
		return config_complain(reader, listener->place,
				       "one listening address too many, expected up to %u in all services together",
				       SERIN_MAX_LISTENERS);
	service->listeners[service->listener_count++] = *listener;
	return 0;
}

/* A service of this host's own processes may listen where only this host comes from. */
static int check_address(struct config_reader *reader, const yaml_node_t *node, const struct config_service *service,
			 const struct serin_addr *addr)
{
	const char *special = config_special_address(addr);

	if (special && !strcmp(special, "loopback") && service->forward == SERIN_FORWARD_LOCAL)
		return 0;
	return config_check_unicast(reader, node, addr);
}

static int read_listener(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct config_draft *draft = into;
	struct config_listener listener = { .place = config_place_of(node) };
	const char *text = config_text(node);
	struct endpoint endpoint;
	int err;

	if (!text || listener_parse(text, &endpoint, &listener.protocol) < 0 || !listener.protocol)
		return config_bad_value(reader, node, "listening address", EXPECTED_LISTENER);
	err = check_address(reader, node, draft->service, &endpoint.addr);
	if (err)
		return err;
	listener.addr = endpoint.addr;
	listener.port = endpoint.port;
	return add_listener(reader, node, draft->service, &listener);
}

int config_read_listen(struct config_reader *reader, yaml_node_t *node, void *into)
{
	static const struct config_list listeners = {
		.name = "listen",
		.expected = EXPECTED_LISTEN,
		.max = CONFIG_MAX_LISTENERS,
		.read = read_listener,
	};

	if (node->type == YAML_SCALAR_NODE)
		return read_listener(reader, node, into);
	return config_read_list(reader, node, &listeners, into);
}
