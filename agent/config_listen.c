/* SPDX-License-Identifier: BSD-2-Clause */
/* A service's listening addresses: each belongs to one service of the file. */
#include <netinet/in.h>
#include <string.h>

#include "config_parts.h"
#include "config_value.h"

#define EXPECTED_LISTENER "ADDR:PORT/tcp such as 203.0.113.10:80/tcp or [2001:db8::10]:80/tcp"

/* Split "ADDR:PORT/PROTOCOL". Returns the protocol's name within `text`, NULL when the text has another form. */
static const char *parse_listener(const char *text, struct endpoint *ret)
{
	const char *slash = strchr(text, '/');
	char buffer[ADDRESS_TEXT_LEN];
	size_t length;

	if (!slash || slash - text >= ADDRESS_TEXT_LEN)
		return NULL;
	length = (size_t)(slash - text);
	memcpy(buffer, text, length);
	buffer[length] = '\0';
	return endpoint_parse(buffer, ret) < 0 ? NULL : slash + 1;
}

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

static int read_listener(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct config_draft *draft = into;
	struct config_listener listener = { .protocol = IPPROTO_TCP, .place = config_place_of(node) };
	const char *text = config_text(node), *protocol;
	struct endpoint endpoint;
	int err;

	protocol = text ? parse_listener(text, &endpoint) : NULL;
	if (protocol && !strcmp(protocol, "udp"))
		return config_complain(reader, listener.place, "udp in '%s' is not available yet, expected %s", text,
				       EXPECTED_LISTENER);
	if (!protocol || strcmp(protocol, "tcp"))
		return config_bad_value(reader, node, "listening address", EXPECTED_LISTENER);
	err = config_check_unicast(reader, node, &endpoint.addr);
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
		.expected = "1 to 16 of ADDR:PORT/tcp",
		.max = CONFIG_MAX_LISTENERS,
		.read = read_listener,
	};

	if (node->type == YAML_SCALAR_NODE)
		return read_listener(reader, node, into);
	return config_read_list(reader, node, &listeners, into);
}
