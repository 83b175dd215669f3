/* SPDX-License-Identifier: BSD-2-Clause */
/* The configuration file: its sections, their defaults, and its life as a whole. */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "config_parts.h"

#define MAX_FILE_SIZE (16u << 20) /* room for 100 000 rules */

static const struct config_key top_keys[] = {
	{ .name = "interfaces", .read = config_read_interfaces, .required = "a list of 1 to 16 interface names" },
	{ .name = "attach", .read = config_read_attach, .offset = offsetof(struct config, attach) },
	{ .name = "http", .read = config_read_http, .offset = offsetof(struct config, http) },
	{ .name = "snat", .read = config_read_snat, .offset = offsetof(struct config, snat) },
	{ .name = "timeouts", .read = config_read_timeouts, .offset = offsetof(struct config, timeouts) },
	{ .name = "flows", .read = config_read_flows, .offset = offsetof(struct config, max_flows) },
	{ .name = "gue_port", .read = config_read_gue_port, .offset = offsetof(struct config, gue_port) },
	{ .name = "answer_timeout",
	  .read = config_read_answer_timeout,
	  .offset = offsetof(struct config, answer_timeout) },
	{ .name = "flow_log", .read = config_read_flow_log, .offset = offsetof(struct config, flow_log) },
	{ .name = "lease", .read = config_read_lease, .offset = offsetof(struct config, lease) },
	{ .name = "restart_grace",
	  .read = config_read_restart_grace,
	  .offset = offsetof(struct config, restart_grace) },
	{ .name = "services", .read = config_read_services, .required = "a list of 1 to 256 services" },
};
static const struct config_mapping top_mapping = { .name = "the configuration", CONFIG_KEYS(top_keys) };

static const struct config defaults = {
	.attach = ATTACH_AUTO,
	.http = { .enabled = true },
	.snat = { .port_first = 1024, .port_last = 32767 },
	.timeouts = { .embryonic = 10,
		      .established = 7440,
		      .half_closed = 240,
		      .closed = 10,
		      .port_rest = 60,
		      .udp = 30 },
	.max_flows = 262144,
	.gue_port = 6080,
	.answer_timeout = 10000,
	.lease = 5000,
	.restart_grace = 60000,
};

static struct config *config_new(const char *path)
{
	struct config *config = malloc(sizeof(*config));

	if (!config)
		return NULL;
	*config = defaults;
	config->path = strdup(path);
	if (!config->path || endpoint_parse("127.0.0.1:9477", &config->http.listen) < 0)
		return config_free(config);
	return config;
}

static void free_version(struct config_version *version)
{
	free(version->backends);
	free(version->dns.name);
	free(version->file);
}

struct config *config_free(struct config *config)
{
	size_t s, v, n;

	if (!config)
		return NULL;
	for (s = 0; s < config->service_count; s++) {
		for (v = 0; v < config->services[s].version_count; v++)
			free_version(&config->services[s].versions[v]);
		free(config->services[s].rules.items);
		free(config->services[s].rules.file);
		config_rollout_free(config->services[s].rollout);
		for (n = 0; n < config->services[s].notify_count; n++)
			free(config->services[s].notify[n].url);
		free(config->services[s].notify);
	}
	free(config->services);
	free(config->http.token_file);
	free(config->path);
	free(config);
	return NULL;
}

static int complain_size(const char *path, struct complaint *complaint)
{
	return complain(complaint, -EFBIG, "%s: more than 16 MiB, expected a configuration file", path);
}

int config_parse(const char *path, const char *text, size_t length, struct config **ret, struct complaint *complaint)
{
	struct config_reader reader = { .path = path, .complaint = complaint };
	int err;

	if (length > MAX_FILE_SIZE)
		return complain_size(path, complaint);
	err = config_document_load(&reader, text, length);
	if (err)
		return err;
	reader.config = config_new(path);
	if (!reader.config) {
		err = config_complain_memory(&reader);
		goto out;
	}
	err = config_read_mapping(&reader, yaml_document_get_root_node(&reader.document), &top_mapping, reader.config);
	if (!err)
		err = config_check_all(&reader);
	if (err)
		config_free(reader.config);
	else
		*ret = reader.config;
out:
	yaml_document_delete(&reader.document);
	return err;
}

int config_load(const char *path, struct config **ret, struct complaint *complaint)
{
	size_t length;
	char *text;
	int err;

	err = config_read_file(path, MAX_FILE_SIZE, &text, &length);
	if (err == -EFBIG)
		return complain_size(path, complaint);
	if (err == -ENOMEM)
		return complain(complaint, err, "%s: out of memory", path);
	if (err)
		return complain(complaint, err, "%s: %s, expected a file that can be read", path, strerror(-err));
	err = config_parse(path, text, length, ret, complaint);
	free(text);
	return err;
}

const struct config_service *config_find_service(const struct config *config, const char *name)
{
	size_t i;

	for (i = 0; i < config->service_count; i++) {
		if (!strcmp(config->services[i].name, name))
			return &config->services[i];
	}
	return NULL;
}

int config_find_version(const struct config_service *service, const char *name)
{
	size_t i;

	for (i = 0; i < service->version_count; i++) {
		if (!strcmp(service->versions[i].name, name))
			return (int)i;
	}
	return -ENOENT;
}

static bool forwards_family(const struct config_service *service, bool ipv4)
{
	size_t i, v;

	if (service->forward == SERIN_FORWARD_LOCAL)
		return false;
	for (i = 0; i < service->listener_count; i++) {
		if (address_is_ipv4(&service->listeners[i].addr) == ipv4)
			return true;
	}
	for (v = 0; v < service->version_count; v++) {
		for (i = 0; i < service->versions[v].backend_count; i++) {
			if (address_is_ipv4(&service->versions[v].backends[i].endpoint.addr) == ipv4)
				return true;
		}
	}
	return false;
}

bool config_forwards_family(const struct config *config, bool ipv4)
{
	size_t i;

	for (i = 0; i < config->service_count; i++) {
		if (forwards_family(&config->services[i], ipv4))
			return true;
	}
	return false;
}

bool config_uses_nat(const struct config *config, uint8_t protocol)
{
	const struct config_service *service;
	size_t i;

	for (service = config->services; service < config->services + config->service_count; service++) {
		for (i = 0; service->forward == SERIN_FORWARD_NAT && i < service->listener_count; i++) {
			if (service->listeners[i].protocol == protocol)
				return true;
		}
	}
	return false;
}
