/* SPDX-License-Identifier: BSD-2-Clause */
/* A service's keys about backends that die and come back: health, max_ejected, on_ejection, slow_start. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "config_parts.h"
#include "config_value.h"
#include "scalar.h"

#define HOUR_MS (3600u * 1000)
#define EXPECTED_CHECK "tcp, http or off"
#define EXPECTED_PATH "a path such as /healthz: up to 255 printable characters without space and '#'"
#define EXPECTED_HOST "a host name or an address, perhaps with a port, such as shop.example or shop.example:8080"
#define EXPECTED_STATUS "a status from 200 to 599 or a range of them, such as 200 or 200-399"
#define EXPECTED_EVERY "a duration from 100ms to 1h, such as 2s"
#define EXPECTED_TIMEOUT "a duration from 10ms to 1h that is no longer than 'every', such as 1s"
#define EXPECTED_SLOW_START "off or a duration from 1s to 1h, such as 30s"

const struct config_health config_health_defaults = {
	.passive = true,
	.check = CONFIG_CHECK_OFF,
	.path = "/",
	.status_low = 200,
	.status_high = 399,
	.every = 2000,
	.timeout = 1000,
	.fall = 3,
	.rise = 2,
};

/* The mapping while it is read. */
struct health_draft {
	struct config_health health;
	struct config_place check_place, timeout_place; /* line 0: not said */
	struct config_place http_place;                 /* of the first key that only http has */
	const char *http_key;
};

static void note_http_key(struct health_draft *draft, const char *key, const yaml_node_t *node)
{
	if (draft->http_key)
		return;
	draft->http_key = key;
	draft->http_place = config_place_of(node);
}

static int read_check(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct health_draft *draft = into;
	int value, err;

	err = config_value_choice(reader, node, "check", config_checks, CONFIG_COUNT(config_checks), &value);
	if (err)
		return err;
	draft->health.check = (enum config_check)value;
	draft->check_place = config_place_of(node);
	return 0;
}

/* What may stand in a request line (RFC 9112, 3.2.1): a fragment is never sent. */
static int read_path(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct health_draft *draft = into;
	const char *text = config_text(node);
	size_t i;

	for (i = 0; text && text[i] > ' ' && text[i] <= '~' && text[i] != '#'; i++)
		;
	if (!text || text[0] != '/' || text[i] || i >= sizeof(draft->health.path))
		return config_bad_value(reader, node, "path", EXPECTED_PATH);
	strcpy(draft->health.path, text);
	note_http_key(draft, "path", node);
	return 0;
}

static bool host_is_valid(const char *text)
{
	char name[CONFIG_CHECK_HOST_LEN];
	const char *colon = strrchr(text, ':');
	struct endpoint endpoint;
	struct serin_addr addr;
	unsigned int port;

	if (host_name_is_valid(text) || !endpoint_parse(text, &endpoint))
		return true;
	if (!colon) /* an IPv6 address stands in brackets, with its port */
		return !address_parse(text, &addr);
	if (parse_unsigned(colon + 1, 1, UINT16_MAX, &port) < 0 || (size_t)(colon - text) >= sizeof(name))
		return false;
	memcpy(name, text, (size_t)(colon - text));
	name[colon - text] = '\0';
	return host_name_is_valid(name);
}

static int read_host(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct health_draft *draft = into;
	const char *text = config_text(node);

	if (!text || strlen(text) >= sizeof(draft->health.host) || !host_is_valid(text))
		return config_bad_value(reader, node, "host", EXPECTED_HOST);
	strcpy(draft->health.host, text);
	note_http_key(draft, "host", node);
	return 0;
}

static int read_status(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct health_draft *draft = into;
	const char *text = config_text(node);
	uint16_t low, high;
	unsigned int one;

	if (text && !parse_unsigned(text, 200, 599, &one))
		low = high = (uint16_t)one;
	else if (!text || parse_port_range(text, &low, &high) < 0 || low < 200 || high > 599)
		return config_bad_value(reader, node, "status", EXPECTED_STATUS);
	draft->health.status_low = low;
	draft->health.status_high = high;
	note_http_key(draft, "status", node);
	return 0;
}

static int read_every(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct health_draft *draft = into;

	return config_value_duration(reader, node, "every", 100, HOUR_MS, EXPECTED_EVERY, &draft->health.every);
}

static int read_timeout(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct health_draft *draft = into;

	draft->timeout_place = config_place_of(node);
	return config_value_duration(reader, node, "timeout", 10, HOUR_MS, EXPECTED_TIMEOUT, &draft->health.timeout);
}

static int read_fall(struct config_reader *reader, yaml_node_t *node, void *into)
{
	return config_value_unsigned(reader, node, "fall", 1, 100, &((struct health_draft *)into)->health.fall);
}

static int read_rise(struct config_reader *reader, yaml_node_t *node, void *into)
{
	return config_value_unsigned(reader, node, "rise", 1, 100, &((struct health_draft *)into)->health.rise);
}

static int read_port(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct health_draft *draft = into;
	unsigned int port;
	int err;

	err = config_value_unsigned(reader, node, "port", 1, UINT16_MAX, &port);
	if (!err)
		draft->health.port = (uint16_t)port;
	return err;
}

/* Keys that belong to another check are a mistake; under `off` they wait for the day when it is switched on again. */
static int check_draft(struct config_reader *reader, struct health_draft *draft)
{
	struct config_health *health = &draft->health;
	char timeout[DURATION_TEXT_LEN], every[DURATION_TEXT_LEN];

	if (health->check == CONFIG_CHECK_TCP && draft->http_key)
		return config_complain(reader, draft->http_place,
				       "'%s' in a health check by tcp, expected 'check: http'", draft->http_key);
	if (health->timeout <= health->every)
		return 0;
	if (draft->timeout_place.line)
		return config_complain(reader, draft->timeout_place,
				       "a timeout of %s in a health check every %s, expected no longer than that",
				       duration_format_ms(health->timeout, timeout),
				       duration_format_ms(health->every, every));
	health->timeout = health->every;
	return 0;
}

int config_read_health(struct config_reader *reader, yaml_node_t *node, void *into)
{
	static const struct config_key keys[] = {
		{ .name = "check", .read = read_check, .required = EXPECTED_CHECK },
		{ .name = "path", .read = read_path },
		{ .name = "host", .read = read_host },
		{ .name = "status", .read = read_status },
		{ .name = "every", .read = read_every },
		{ .name = "timeout", .read = read_timeout },
		{ .name = "fall", .read = read_fall },
		{ .name = "rise", .read = read_rise },
		{ .name = "port", .read = read_port },
	};
	static const struct config_mapping mapping = { .name = "health", .or_text = "off", CONFIG_KEYS(keys) };
	struct config_draft *service_draft = into;
	struct health_draft draft = { .health = config_health_defaults };
	int err;

	if (config_is_off(node)) {
		service_draft->service->health.passive = false;
		return 0;
	}
	err = config_read_mapping(reader, node, &mapping, &draft);
	if (!err)
		err = check_draft(reader, &draft);
	if (err)
		return err;
	service_draft->service->health = draft.health;
	service_draft->check_place = draft.check_place;
	return 0;
}

static const struct config_listener *first_tcp_listener(const struct config_service *service)
{
	size_t i;

	for (i = 0; i < service->listener_count; i++) {
		if (service->listeners[i].protocol == IPPROTO_TCP)
			return &service->listeners[i];
	}
	return NULL;
}

/* Checks are TCP connections. Where nothing says that a backend's port takes any, none is guessed. */
int config_check_health(struct config_reader *reader, const struct config_draft *draft)
{
	struct config_service *service = draft->service;
	const struct config_listener *tcp = first_tcp_listener(service);
	struct config_health *health = &service->health;

	if (health->check == CONFIG_CHECK_OFF || health->port)
		return 0;
	if (!tcp)
		return config_complain(reader, draft->check_place,
				       "check '%s' in a service that listens on udp alone, expected off, or the 'port' "
				       "where backends answer it",
				       config_check_name(health->check));
	/* One-way, the port of a backend is the first listener's: that one may be for udp. */
	if (SERIN_IS_ONE_WAY(service->forward) && tcp != &service->listeners[0])
		health->port = ntohs(tcp->port);
	return 0;
}

int config_read_max_ejected(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct config_draft *draft = into;

	return config_value_share(reader, node, "max_ejected", &draft->service->max_ejected);
}

static int read_flows(struct config_reader *reader, yaml_node_t *node, void *into)
{
	enum config_flows *flows = into;
	int value, err;

	err = config_value_choice(reader, node, "flows", config_ejection_ends, CONFIG_COUNT(config_ejection_ends),
				  &value);
	if (!err)
		*flows = (enum config_flows)value;
	return err;
}

int config_read_on_ejection(struct config_reader *reader, yaml_node_t *node, void *into)
{
	static const struct config_key keys[] = {
		{ .name = "flows", .read = read_flows, .required = "leave, drain or reset" },
	};
	static const struct config_mapping mapping = { .name = "on_ejection", CONFIG_KEYS(keys) };
	struct config_draft *draft = into;

	return config_read_mapping(reader, node, &mapping, &draft->service->on_ejection);
}

int config_read_slow_start(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct config_draft *draft = into;

	if (config_is_off(node)) {
		draft->service->slow_start = 0;
		return 0;
	}
	return config_value_duration(reader, node, "slow_start", 1000, HOUR_MS, EXPECTED_SLOW_START,
				     &draft->service->slow_start);
}
