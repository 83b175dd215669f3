/* SPDX-License-Identifier: BSD-2-Clause */
/* From a configured service and its weights to its plan, and back from a pinned plan to weights. */
#include "service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"

int service_bind(struct service *service, const struct config_service *config, const struct image *image)
{
	int id = image_find_service(image, config->name);

	if (id < 0)
		return id;
	service->config = config;
	service->id = (unsigned int)id;
	for (size_t i = 0; i < config->version_count; i++) {
		id = image_find_version(image, service->id, config->versions[i].name);
		if (id < 0)
			return id;
		service->version_id[i] = (uint8_t)id;
	}
	return 0;
}

const char *service_role(const struct service *service, size_t version)
{
	if (service->now.lost)
		return "unknown";
	return version == service->now.baseline ? "baseline" : "trial";
}

unsigned int service_weight(const struct service *service, size_t version)
{
	return service->now.lost ? 0 : service->now.versions[version].weight;
}

/* Where all are out they stay where they are: there is nowhere else to send clients to. */
static void keep_somebody(struct ring_member *members, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (members[i].weight && members[i].absent < RING_ABSENT)
			return;
	}
	for (size_t i = 0; i < count; i++)
		members[i].absent = 0;
}

/* The backends of one version that are configured, into `room`. */
static size_t gather_members(const struct image *image, unsigned int service, unsigned int version,
			     struct ring_member *room)
{
	size_t count = 0;

	for (unsigned int i = 0; i < SERIN_MAX_BACKENDS; i++) {
		const struct serin_backend *backend = &image->backends[i];

		if (backend->service != service || backend->version != version ||
		    (backend->flags & (SERIN_BACKEND_USED | SERIN_BACKEND_LEAVING)) != SERIN_BACKEND_USED)
			continue;
		room[count++] = (struct ring_member){
			.addr = backend->addr,
			.port = backend->port,
			.id = (uint16_t)i,
			.weight = backend->weight,
			.absent = backend->flags & (SERIN_BACKEND_EJECTED | SERIN_BACKEND_DRAINED) ? RING_ABSENT
												   : image->absent[i],
		};
	}
	keep_somebody(room, count);
	return count;
}

uint32_t service_epoch(const struct state_service *state)
{
	return state->epoch ? state->epoch : state->generation;
}

void service_next_epoch(struct state_service *state)
{
	state->epoch = service_epoch(state) + 1 ? service_epoch(state) + 1 : 1;
}

int service_build_plan(const struct service *service, const struct image *image, const struct state_service *wanted,
		       struct serin_plan *ret, struct complaint *complaint)
{
	struct plan_input input = {
		.service = service->config->name,
		.rollout = wanted->rollout,
		.generation = wanted->generation,
		.epoch = service_epoch(wanted),
		.affinity = service->config->affinity,
		.prefix4 = service->config->prefix4,
		.prefix6 = service->config->prefix6,
		.rules = service->rules,
		.max_new = service->config->max_new,
		.baseline = service->version_id[wanted->baseline],
	};
	struct ring_member *members = calloc(SERIN_MAX_BACKENDS, sizeof(*members)), *next = members;
	int r = members ? 0 : -ENOMEM;

	for (size_t i = 0; !r && i < wanted->version_count; i++) {
		uint8_t id = service->version_id[i];

		input.versions[id] = (struct plan_version){
			.name = wanted->versions[i].name,
			.weight = wanted->versions[i].weight,
			.members = next,
			.member_count = wanted->lost ? 0 : gather_members(image, service->id, id, next),
		};
		next += input.versions[id].member_count;
		if (id >= input.version_count)
			input.version_count = (uint8_t)(id + 1);
	}
	if (!r)
		r = plan_build(&input, ret);
	free(members);
	if (r)
		complain(complaint, r, "cannot build the plan of service %s: %s", service->config->name, strerror(-r));
	return r;
}

bool service_same_plan(const struct serin_plan *a, const struct serin_plan *b)
{
	const size_t from = sizeof(a->generation), epoch = offsetof(struct serin_plan, epoch);
	const size_t rest = epoch + sizeof(a->epoch);
	const char *one = (const char *)a, *other = (const char *)b;

	_Static_assert(offsetof(struct serin_plan, generation) == 0, "the generation comes first");
	return !memcmp(one + from, other + from, epoch - from) && !memcmp(one + rest, other + rest, sizeof(*a) - rest);
}

bool service_is_empty_plan(const struct serin_plan *plan)
{
	return plan->ring[plan->baseline % SERIN_MAX_VERSIONS][0] == SERIN_NO_BACKEND;
}

bool service_read_plan(const struct serin_service *names, const struct serin_plan *plan, struct state_service *ret)
{
	struct state_service read = { .generation = plan->generation };
	unsigned int sum = 0;

	memcpy(read.name, names->name, sizeof(read.name));
	read.name[sizeof(read.name) - 1] = '\0';
	for (size_t i = 0; i < SERIN_MAX_VERSIONS; i++) {
		struct state_version *version = &read.versions[read.version_count];

		if (!names->version[i][0])
			continue;
		memcpy(version->name, names->version[i], sizeof(version->name) - 1);
		version->weight = plan->weight[i];
		sum += version->weight;
		if (i == plan->baseline)
			read.baseline = read.version_count;
		read.version_count++;
	}
	if (!plan->generation || sum != SERIN_SLOTS || plan->baseline >= SERIN_MAX_VERSIONS ||
	    !names->version[plan->baseline][0])
		return false;
	read.rollout = plan_find_rollout(read.name, plan);
	*ret = read;
	return true;
}
