/* SPDX-License-Identifier: BSD-2-Clause */
/* A service's versions and their backends. */
#include <stdlib.h>
#include <string.h>

#include "config_parts.h"
#include "config_value.h"
#include "scalar.h"

#define EXPECTED_BACKENDS "a list of at least one backend"

/* A version while it is read. */
struct version_draft {
	struct config_service *service;
	struct config_version *version;
	const char *source; /* which of backends, dns, file was there; NULL: none yet */
	struct config_place weight_place;
};

size_t config_count_backends(const struct config *config)
{
	size_t count = 0, s, v;

	for (s = 0; s < config->service_count; s++) {
		for (v = 0; v < config->services[s].version_count; v++)
			count += config->services[s].versions[v].backend_count;
	}
	return count;
}

static int read_backend(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct version_draft *draft = into;
	struct config_backend backend;
	int err;

	err = config_read_backend(reader, node, draft->service->forward, &backend);
	if (err)
		return err;
	if (config_count_backends(reader->config) >= SERIN_MAX_BACKENDS)
		return config_complain(reader, backend.place,
				       "one backend too many, expected up to %u in all services together",
				       SERIN_MAX_BACKENDS);
	draft->version->backends[draft->version->backend_count++] = backend;
	return 0;
}

/* Backends of two origins would need a rule about who wins: a version has one. */
static int note_source(struct config_reader *reader, const yaml_node_t *node, struct version_draft *draft,
		       const char *key)
{
	if (draft->source)
		return config_complain(reader, config_place_of(node),
				       "'%s' beside '%s' in version '%s', expected exactly one of backends, dns, file",
				       key, draft->source, draft->version->name);
	draft->source = key;
	draft->version->source_place = config_place_of(node);
	return 0;
}

static int read_backends(struct config_reader *reader, yaml_node_t *node, void *into)
{
	static const struct config_list backends = {
		.name = "backends",
		.expected = EXPECTED_BACKENDS,
		.max = SERIN_MAX_BACKENDS,
		.read = read_backend,
	};
	struct version_draft *draft = into;
	int err;

	err = note_source(reader, node, draft, "backends");
	if (err)
		return err;
	if (config_is_list(node)) {
		size_t count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);

		draft->version->backends = calloc(count ? count : 1, sizeof(*draft->version->backends));
		if (!draft->version->backends)
			return config_complain_memory(reader);
	}
	return config_read_list(reader, node, &backends, into);
}

static int read_dns(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct version_draft *draft = into;
	int err;

	err = note_source(reader, node, draft, "dns");
	return err ? err : config_read_dns(reader, node, draft->service->forward, draft->version);
}

static int read_file(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct version_draft *draft = into;
	int err;

	err = note_source(reader, node, draft, "file");
	return err ? err : config_read_list_file(reader, node, draft->service->forward, draft->version);
}

static int read_weight(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct version_draft *draft = into;
	unsigned int weight;
	int err;

	err = config_value_share(reader, node, "weight", &weight);
	if (err)
		return err;
	draft->version->weight = (int)weight;
	draft->weight_place = config_place_of(node);
	return 0;
}

static int read_capacity(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct version_draft *draft = into;
	unsigned int share;
	int err;

	err = config_value_share(reader, node, "capacity", &share);
	if (err)
		return err;
	if (!share)
		return config_bad_value(reader, node, "capacity", "a share above 0%, such as 40%");
	draft->version->capacity = share;
	return 0;
}

static const struct config_key version_keys[] = {
	{ .name = "backends", .read = read_backends }, { .name = "dns", .read = read_dns },
	{ .name = "file", .read = read_file },         { .name = "weight", .read = read_weight },
	{ .name = "capacity", .read = read_capacity },
};
static const struct config_mapping version_mapping = { .name = "a version", CONFIG_KEYS(version_keys) };

/* Where every weight is 0 nobody would be served. */
static int check_weights(struct config_reader *reader, const struct config_version *version)
{
	size_t i;

	if (config_is_discovered(version))
		return 0;
	for (i = 0; i < version->backend_count; i++) {
		if (version->backends[i].weight)
			return 0;
	}
	return config_complain(reader, version->backends[0].place,
			       "only backends of weight 0 in version '%s', expected at least one above 0",
			       version->name);
}

static int check_capacity(struct config_reader *reader, const struct config_version *version,
			  struct config_place weight_place)
{
	char weight[SHARE_TEXT_LEN], capacity[SHARE_TEXT_LEN];

	if (version->weight <= (int)version->capacity)
		return 0;
	return config_complain(reader, weight_place,
			       "a weight of %s for version '%s' of a capacity of %s, expected no more than that",
			       share_format((unsigned int)version->weight, weight), version->name,
			       share_format(version->capacity, capacity));
}

static int read_version(struct config_reader *reader, const yaml_node_t *name, yaml_node_t *value,
			struct config_draft *service_draft)
{
	struct config_service *service = service_draft->service;
	struct config_version *version = &service->versions[service->version_count];
	struct version_draft draft = { .service = service, .version = version };
	const char *text = config_text(name);
	int err;

	if (!text || !name_is_valid(text, sizeof(version->name)))
		return config_bad_value(reader, name, "version name",
					"1 to 31 lowercase letters, digits and inner hyphens");
	if (config_find_version(service, text) >= 0)
		return config_complain(reader, config_place_of(name), "key '%s' again in versions, expected it once",
				       text);
	if (service->version_count == SERIN_MAX_VERSIONS)
		return config_complain(reader, config_place_of(name), "more than %u versions, expected %s",
				       SERIN_MAX_VERSIONS, EXPECTED_VERSIONS);
	strcpy(version->name, text);
	version->weight = -1;
	version->capacity = SHARE_WHOLE;
	version->place = config_place_of(name);
	service->version_count++;
	err = config_read_mapping(reader, value, &version_mapping, &draft);
	if (!err && !draft.source)
		err = config_complain(reader, config_place_of(value),
				      "missing key 'backends' in a version, expected that, 'dns' or 'file'");
	if (!err)
		err = check_weights(reader, version);
	if (!err)
		err = check_capacity(reader, version, draft.weight_place);
	service_draft->weight_places[version - service->versions] = draft.weight_place;
	return err;
}

int config_read_versions(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct config_draft *draft = into;
	const yaml_node_pair_t *pair;
	int err;

	if (!config_is_mapping(node) || node->data.mapping.pairs.start == node->data.mapping.pairs.top)
		return config_bad_type(reader, node, "versions", EXPECTED_VERSIONS);
	for (pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
		err = read_version(reader, yaml_document_get_node(&reader->document, pair->key),
				   yaml_document_get_node(&reader->document, pair->value), draft);
		if (err)
			return err;
	}
	return 0;
}
