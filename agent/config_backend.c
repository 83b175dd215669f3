/* SPDX-License-Identifier: BSD-2-Clause */
/* A backend, in the form that its service's way to forward has it. */
#include <string.h>

#include "config_parts.h"

/* A backend while it is read. */
struct backend_draft {
	struct config_backend backend;
	enum serin_forward forward;
};

struct backend_form {
	const char *name;
	const char *expected;
};

static const struct backend_form *form_of(enum serin_forward forward)
{
	static const struct backend_form two_way = { "ADDR:PORT", EXPECTED_ENDPOINT };
	static const struct backend_form local = { "PORT", "a port of this host such as 3001 (forward: local)" };
	static const struct backend_form one_way = {
		"ADDR", "ADDR or ADDR:PORT such as 10.0.0.11 or [2001:db8::11]:80 (its port is not rewritten)"
	};

	if (forward == SERIN_FORWARD_LOCAL)
		return &local;
	return SERIN_IS_ONE_WAY(forward) ? &one_way : &two_way;
}

static int read_address(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct backend_draft *draft = into;
	const char *text = config_text(node);

	if (!text || !config_parse_backend(text, draft->forward, &draft->backend.endpoint))
		return config_bad_value(reader, node, "backend address", form_of(draft->forward)->expected);
	if (draft->forward == SERIN_FORWARD_LOCAL)
		return 0;
	return config_check_unicast(reader, node, &draft->backend.endpoint.addr);
}

static int read_weight(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct backend_draft *draft = into;
	unsigned int weight;
	int err;

	err = config_value_unsigned(reader, node, "backend weight", 0, 1000, &weight);
	if (!err)
		draft->backend.weight = (uint16_t)weight;
	return err;
}

int config_read_backend(struct config_reader *reader, yaml_node_t *node, enum serin_forward forward,
			struct config_backend *ret)
{
	const struct config_key keys[] = {
		{ .name = "address", .read = read_address, .required = form_of(forward)->name },
		{ .name = "weight", .read = read_weight },
	};
	const struct config_mapping mapping = {
		.name = "a backend",
		.or_text = form_of(forward)->name,
		CONFIG_KEYS(keys),
	};
	struct backend_draft draft = {
		.backend = { .weight = 1, .place = config_place_of(node) },
		.forward = forward,
	};
	int err;

	if (node->type == YAML_SCALAR_NODE)
		err = read_address(reader, node, &draft);
	else
		err = config_read_mapping(reader, node, &mapping, &draft);
	if (!err)
		*ret = draft.backend;
	return err;
}

bool config_is_same_server(enum serin_forward forward, const struct endpoint *one, const struct endpoint *other)
{
	return !memcmp(&one->addr, &other->addr, sizeof(one->addr)) &&
	       (SERIN_IS_ONE_WAY(forward) || one->port == other->port);
}

static int complain_twice(struct config_reader *reader, const struct config_version *version,
			  const struct config_backend *first, const struct config_backend *second)
{
	char text[ADDRESS_TEXT_LEN];

	return config_complain(reader, second->place,
			       "backend '%s' again (first in version '%s' on line %u), expected it once in a service",
			       backend_format(&second->endpoint.addr, second->endpoint.port, text), version->name,
			       first->place.line);
}

/* Those before `wanted`, in the order of the file. */
static int check_once(struct config_reader *reader, const struct config_service *service,
		      const struct config_backend *wanted)
{
	const struct config_backend *backend;
	size_t v, b;

	for (v = 0; v < service->version_count; v++) {
		for (b = 0; b < service->versions[v].backend_count; b++) {
			backend = &service->versions[v].backends[b];
			if (backend == wanted)
				return 0;
			if (config_is_same_server(service->forward, &backend->endpoint, &wanted->endpoint))
				return complain_twice(reader, &service->versions[v], backend, wanted);
		}
	}
	return 0;
}

/* Packets of one server could not be told apart by version: a backend belongs to one version, once. */
int config_check_backends(struct config_reader *reader, struct config_service *service)
{
	size_t v, b;
	int err = 0;

	for (v = 0; !err && v < service->version_count; v++) {
		for (b = 0; !err && b < service->versions[v].backend_count; b++) {
			struct config_backend *backend = &service->versions[v].backends[b];

			if (!backend->endpoint.port)
				backend->endpoint.port = service->listeners[0].port;
			err = check_once(reader, service, backend);
		}
	}
	return err;
}
