/* SPDX-License-Identifier: BSD-2-Clause */
/* A configuration once more: with other backends than before, it replaces the one that is in use. */
#include <stdlib.h>
#include <string.h>

#include "config.h"

/* NULL stays NULL. */
static bool copy_text(char **text)
{
	if (!*text)
		return true;
	*text = strdup(*text);
	return *text;
}

static bool copy_items(void **items, size_t count, size_t size)
{
	const void *from = *items;

	if (!from)
		return true;
	*items = calloc(count ? count : 1, size);
	if (!*items)
		return false;
	memcpy(*items, from, count * size);
	return true;
}

/* All pointers are copied, or NULL: whatever fails, nothing is freed twice. */
static bool copy_version(struct config_version *version)
{
	void *backends = version->backends;
	bool ok = copy_items(&backends, version->backend_count, sizeof(*version->backends));

	version->backends = backends;
	ok &= copy_text(&version->dns.name);
	ok &= copy_text(&version->file);
	return ok;
}

static bool copy_notify(struct config_service *service)
{
	void *items = service->notify;
	bool ok = copy_items(&items, service->notify_count, sizeof(*service->notify));

	service->notify = items;
	if (!items)
		service->notify_count = 0;
	for (size_t i = 0; i < service->notify_count; i++)
		ok &= copy_text(&service->notify[i].url);
	return ok;
}

static bool copy_service(struct config_service *service)
{
	void *rules = service->rules.items;
	bool ok = copy_items(&rules, service->rules.count, sizeof(*service->rules.items));

	service->rules.items = rules;
	ok &= copy_text(&service->rules.file);
	ok &= copy_notify(service);
	if (service->rollout) {
		service->rollout = config_rollout_copy(service->rollout);
		ok &= service->rollout != NULL;
	}
	for (size_t i = 0; i < service->version_count; i++)
		ok &= copy_version(&service->versions[i]);
	return ok;
}

struct config *config_copy(const struct config *config)
{
	struct config *copy = malloc(sizeof(*copy));
	void *services = config->services;
	bool ok;

	if (!copy)
		return NULL;
	*copy = *config;
	ok = copy_items(&services, config->service_count, sizeof(*config->services));
	copy->services = services;
	if (!services)
		copy->service_count = 0;
	ok &= copy_text(&copy->path);
	ok &= copy_text(&copy->http.token_file);
	for (size_t i = 0; i < copy->service_count; i++)
		ok &= copy_service(&copy->services[i]);
	return ok ? copy : config_free(copy);
}
