/* SPDX-License-Identifier: BSD-2-Clause */
/* Backends that are found elsewhere than in the configuration: a version's keys `dns` and `file`. */
#include <arpa/inet.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config_parts.h"
#include "config_value.h"
#include "scalar.h"

#define EXPECTED_NAME "a host name such as canary.shop.internal (addresses stand under 'backends')"
#define EXPECTED_EVERY "a duration from 1s to 1h, such as 5s"
#define EXPECTED_FILE "an absolute path such as /etc/serin/canary.json"

/* A name while it is read. */
struct dns_draft {
	struct config_dns *dns;
	struct config_place port_place; /* line 0: not said */
};

static int read_name(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct dns_draft *draft = into;
	const char *text = config_text(node);

	if (!text || !host_name_is_valid(text))
		return config_bad_value(reader, node, "dns name", EXPECTED_NAME);
	draft->dns->name = strdup(text);
	return draft->dns->name ? 0 : config_complain_memory(reader);
}

static int read_port(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct dns_draft *draft = into;
	unsigned int port;
	int err;

	err = config_value_unsigned(reader, node, "port", 1, UINT16_MAX, &port);
	if (err)
		return err;
	draft->dns->port = (uint16_t)port;
	draft->port_place = config_place_of(node);
	return 0;
}

static int read_every(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct dns_draft *draft = into;

	return config_value_duration(reader, node, "every", 1000, 3600 * 1000, EXPECTED_EVERY, &draft->dns->every);
}

static int read_type(struct config_reader *reader, yaml_node_t *node, void *into)
{
	static const struct config_choice types[] = { { "a", CONFIG_DNS_A }, { "srv", CONFIG_DNS_SRV } };
	struct dns_draft *draft = into;
	int value, err;

	err = config_value_choice(reader, node, "type", types, CONFIG_COUNT(types), &value);
	if (!err)
		draft->dns->type = (enum config_dns_type)value;
	return err;
}

/* Ports of this host are all that a backend is there, and neither a name nor a list of addresses gives any. */
static int check_forward(struct config_reader *reader, const yaml_node_t *node, enum serin_forward forward,
			 const char *key)
{
	if (forward != SERIN_FORWARD_LOCAL)
		return 0;
	return config_complain(reader, config_place_of(node),
			       "'%s' in a service of forward: local, expected 'backends' with ports of this host", key);
}

int config_read_dns(struct config_reader *reader, yaml_node_t *node, enum serin_forward forward,
		    struct config_version *version)
{
	static const struct config_key keys[] = {
		{ .name = "name", .read = read_name, .required = EXPECTED_NAME },
		{ .name = "port", .read = read_port },
		{ .name = "every", .read = read_every },
		{ .name = "type", .read = read_type },
	};
	static const struct config_mapping mapping = { .name = "dns", CONFIG_KEYS(keys) };
	struct dns_draft draft = { .dns = &version->dns };
	int err;

	err = check_forward(reader, node, forward, "dns");
	if (err)
		return err;
	version->dns = (struct config_dns){ .type = CONFIG_DNS_A, .every = 5000 };
	err = config_read_mapping(reader, node, &mapping, &draft);
	if (err)
		return err;
	if (version->dns.type == CONFIG_DNS_SRV && draft.port_place.line)
		return config_complain(reader, draft.port_place,
				       "a port beside 'type: srv', expected none: SRV records say it");
	if (version->dns.type == CONFIG_DNS_A && !version->dns.port && !SERIN_IS_ONE_WAY(forward))
		return config_complain(reader, config_place_of(node),
				       "missing key 'port' in dns, expected a whole number from 1 to 65535, or "
				       "'type: srv'");
	return 0;
}

int config_read_list_file(struct config_reader *reader, yaml_node_t *node, enum serin_forward forward,
			  struct config_version *version)
{
	const char *text = config_text(node);
	int err;

	err = check_forward(reader, node, forward, "file");
	if (err)
		return err;
	if (!text || text[0] != '/' || strlen(text) >= PATH_MAX)
		return config_bad_value(reader, node, "file", EXPECTED_FILE);
	version->file = strdup(text);
	return version->file ? 0 : config_complain_memory(reader);
}

/* Names know no upper case, and the dot at the end only says that nothing is to be appended. */
static bool same_name(const char *one, const char *other)
{
	size_t length = strlen(one), others = strlen(other);

	length -= one[length - 1] == '.';
	others -= other[others - 1] == '.';
	return length == others && !strncasecmp(one, other, length);
}

static bool same_source(const struct config_version *one, const struct config_version *other)
{
	if (one->file && other->file)
		return !strcmp(one->file, other->file);
	return one->dns.name && other->dns.name && one->dns.type == other->dns.type &&
	       one->dns.port == other->dns.port && same_name(one->dns.name, other->dns.name);
}

/* A backend belongs to one version: two that ask the same would get the same. */
int config_check_sources(struct config_reader *reader, struct config_service *service)
{
	char text[CONFIG_SOURCE_LEN];
	size_t i, j;

	for (i = 0; i < service->version_count; i++) {
		struct config_version *version = &service->versions[i];

		if (version->dns.name && version->dns.type == CONFIG_DNS_A && !version->dns.port)
			version->dns.port = ntohs(service->listeners[0].port);
		for (j = 0; j < i; j++) {
			if (same_source(version, &service->versions[j]))
				return config_complain(
					reader, version->source_place,
					"%s again (first in version '%s' on line %u), expected it once in a service",
					config_source_format(version, text), service->versions[j].name,
					service->versions[j].source_place.line);
		}
	}
	return 0;
}

bool config_is_discovered(const struct config_version *version)
{
	return version->dns.name || version->file;
}

const char *config_source_format(const struct config_version *version, char *buffer)
{
	const struct config_dns *dns = &version->dns;

	if (version->file)
		snprintf(buffer, CONFIG_SOURCE_LEN, "file %.300s", version->file);
	else if (dns->name && dns->type == CONFIG_DNS_SRV)
		snprintf(buffer, CONFIG_SOURCE_LEN, "dns %s (SRV)", dns->name);
	else if (dns->name)
		snprintf(buffer, CONFIG_SOURCE_LEN, "dns %s:%u", dns->name, dns->port);
	else
		snprintf(buffer, CONFIG_SOURCE_LEN, "%zu address%s", version->backend_count,
			 version->backend_count == 1 ? "" : "es");
	return buffer;
}
