/* SPDX-License-Identifier: BSD-2-Clause */
/* The state in memory, and its file: read back only when it is whole. */
#include "state.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "durable.h"
#include "state_json.h"

#define STATE_MAX_BYTES (16u << 20) /* 256 services of 8 versions, each with a rollout, are some 3 MB */

void state_free(struct state *state)
{
	free(state->services);
	free(state->drains);
	*state = (struct state){ 0 };
}

int state_copy(const struct state *from, struct state *ret)
{
	struct state_service *services = calloc(from->service_count + 1, sizeof(*services));
	struct state_drain *drains = calloc(from->drain_count + 1, sizeof(*drains));

	if (!services || !drains) {
		free(services);
		free(drains);
		return -ENOMEM;
	}
	if (from->service_count)
		memcpy(services, from->services, from->service_count * sizeof(*services));
	if (from->drain_count)
		memcpy(drains, from->drains, from->drain_count * sizeof(*drains));
	*ret = *from;
	ret->services = services;
	ret->drains = drains;
	return 0;
}

static struct state_drain *find_drain(const struct state *state, const char *service, const char *backend)
{
	for (size_t i = 0; i < state->drain_count; i++) {
		if (!strcmp(state->drains[i].service, service) && !strcmp(state->drains[i].backend, backend))
			return &state->drains[i];
	}
	return NULL;
}

bool state_is_drained(const struct state *state, const char *service, const char *backend)
{
	return find_drain(state, service, backend) != NULL;
}

int state_set_drained(struct state *state, const char *service, const char *backend, bool drained)
{
	struct state_drain *known = find_drain(state, service, backend), *more;

	if (drained == !!known)
		return 0;
	if (known) {
		*known = state->drains[--state->drain_count];
		return 0;
	}
	more = reallocarray(state->drains, state->drain_count + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	state->drains = more;
	more += state->drain_count++;
	*more = (struct state_drain){ 0 };
	snprintf(more->service, sizeof(more->service), "%s", service);
	snprintf(more->backend, sizeof(more->backend), "%s", backend);
	return 0;
}

struct state_service *state_find_service(const struct state *state, const char *name)
{
	for (size_t i = 0; i < state->service_count; i++) {
		if (!strcmp(state->services[i].name, name))
			return &state->services[i];
	}
	return NULL;
}

int state_find_version(const struct state_service *service, const char *name)
{
	for (size_t i = 0; i < service->version_count; i++) {
		if (!strcmp(service->versions[i].name, name))
			return (int)i;
	}
	return -ENOENT;
}

int state_put_service(struct state *state, const struct state_service *service)
{
	struct state_service *place = state_find_service(state, service->name);

	if (!place) {
		struct state_service *more = reallocarray(state->services, state->service_count + 1, sizeof(*more));

		if (!more)
			return -ENOMEM;
		state->services = more;
		place = &more[state->service_count++];
	}
	*place = *service;
	return 0;
}

int state_load(const char *directory, struct state *ret, struct complaint *complaint)
{
	struct complaint detail = { "" };
	char path[PATH_MAX];
	char *text = NULL;
	size_t length = 0;
	int r;

	r = durable_path(directory, STATE_FILE, path, complaint);
	if (r)
		return r;
	r = durable_read(path, STATE_MAX_BYTES, &text, &length);
	if (r == -EFBIG)
		return complain(complaint, -EBADMSG, "%.200s: not a regular file of at most %u bytes", path,
				STATE_MAX_BYTES);
	if (r)
		return complain(complaint, r, "%.200s: %s", path, strerror(-r));
	r = state_decode(text, length, ret, &detail);
	if (r)
		complain(complaint, r, "%.200s: %.250s", path, detail.text);
	free(text);
	return r;
}

int state_keep_aside(const char *directory, time_t now, char *ret_path, size_t size, struct complaint *complaint)
{
	return durable_keep_aside(directory, STATE_FILE, now, ret_path, size, complaint);
}

int state_save(const char *directory, const struct state *state, struct complaint *complaint)
{
	char *text = state_encode(state);
	int r;

	if (!text)
		return complain(complaint, -ENOMEM, "not enough memory to write the state");
	r = durable_write(directory, STATE_FILE, text, complaint);
	free(text);
	return r;
}
