/* SPDX-License-Identifier: BSD-2-Clause */
/* The image of the kernel's tables: which services, versions and listeners keep their ids, which get a free one. */
#include "image_job.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Beside the bits of a service's versions: the service itself. */
#define KEEP_SERVICE (1u << SERIN_MAX_VERSIONS)

/* "FILE:LINE:COLUMN: ", or as much of it as is known. */
struct image_where image_where(const struct image_job *job, const struct config_place *place)
{
	const char *path = job->config->path;
	struct image_where where = { "" };

	if (path && place && place->line)
		snprintf(where.text, sizeof(where.text), "%.220s:%u:%u: ", path, place->line, place->column);
	else if (path)
		snprintf(where.text, sizeof(where.text), "%.220s: ", path);
	return where;
}

int image_check_room(const struct image_job *job, const struct config_place *place, const char *what, size_t wanted,
		     size_t kept, unsigned int limit)
{
	struct image_where where = image_where(job, place);

	if (wanted + kept <= limit)
		return 0;
	if (!kept)
		return complain(job->complaint, -ENOSPC, "%s%zu %s, expected at most %u", where.text, wanted, what,
				limit);
	return complain(job->complaint, -ENOSPC,
			"%s%zu %s, and %zu removed that connections may still use, expected at most %u together",
			where.text, wanted, what, kept, limit);
}

int image_find_service(const struct image *image, const char *name)
{
	int i;

	for (i = 0; *name && i < (int)SERIN_MAX_SERVICES; i++) {
		if (!strncmp(image->services[i].name, name, SERIN_NAME_LEN))
			return i;
	}
	return -ENOENT;
}

int image_find_version(const struct image *image, unsigned int service, const char *name)
{
	int i;

	for (i = 0; *name && service < SERIN_MAX_SERVICES && i < (int)SERIN_MAX_VERSIONS; i++) {
		if (!strncmp(image->services[service].version[i], name, SERIN_VERSION_NAME_LEN))
			return i;
	}
	return -ENOENT;
}

/* Per service id: KEEP_SERVICE and a bit per version, for whatever is configured or still has a backend. */
static void find_kept_names(const struct image_job *job, __u16 keep[SERIN_MAX_SERVICES])
{
	const struct image *image = job->image;
	size_t i, j;
	int id, version;

	for (i = 0; i < SERIN_MAX_BACKENDS; i++) {
		if (image->backends[i].flags & SERIN_BACKEND_USED)
			keep[image->backends[i].service % SERIN_MAX_SERVICES] |=
				(__u16)(KEEP_SERVICE | 1u << (image->backends[i].version % SERIN_MAX_VERSIONS));
	}
	for (i = 0; i < job->config->service_count; i++) {
		const struct config_service *service = &job->config->services[i];

		id = image_find_service(image, service->name);
		if (id < 0)
			continue;
		keep[id] |= KEEP_SERVICE;
		for (j = 0; j < service->version_count; j++) {
			version = image_find_version(image, (unsigned int)id, service->versions[j].name);
			if (version >= 0)
				keep[id] |= (__u16)(1u << version);
		}
	}
}

static void forget_unused_names(struct image *image, const __u16 keep[SERIN_MAX_SERVICES])
{
	unsigned int i, j;

	for (i = 0; i < SERIN_MAX_SERVICES; i++) {
		struct serin_service *service = &image->services[i];

		if (!(keep[i] & KEEP_SERVICE)) {
			memset(service, 0, sizeof(*service));
			continue;
		}
		for (j = 0; j < SERIN_MAX_VERSIONS; j++) {
			if (!(keep[i] & 1u << j))
				memset(service->version[j], 0, sizeof(service->version[j]));
		}
	}
}

/* The room is all zero: equal images are equal bytes. */
static void set_name(char *room, const char *name, size_t size)
{
	memcpy(room, name, strnlen(name, size - 1));
}

static int name_versions(const struct image_job *job, const struct config_service *wanted, unsigned int id)
{
	struct serin_service *service = &job->image->services[id];
	char what[SERIN_NAME_LEN + 32];
	size_t i, slot, named = 0, known = 0;
	int r;

	for (i = 0; i < SERIN_MAX_VERSIONS; i++)
		named += service->version[i][0] != '\0';
	for (i = 0; i < wanted->version_count; i++)
		known += image_find_version(job->image, id, wanted->versions[i].name) >= 0;
	snprintf(what, sizeof(what), "versions of service \"%s\"", wanted->name);
	r = image_check_room(job, &wanted->place, what, wanted->version_count, named - known, SERIN_MAX_VERSIONS);
	if (r)
		return r;

	for (i = 0; i < wanted->version_count; i++) {
		if (image_find_version(job->image, id, wanted->versions[i].name) >= 0)
			continue;
		for (slot = 0; service->version[slot][0]; slot++)
			;
		set_name(service->version[slot], wanted->versions[i].name, SERIN_VERSION_NAME_LEN);
	}
	service->baseline = (__u8)image_find_version(job->image, id, wanted->versions[wanted->baseline].name);
	return 0;
}

static int update_services(const struct image_job *job)
{
	__u16 keep[SERIN_MAX_SERVICES] = { 0 };
	size_t i, named = 0, known = 0;
	int id, r;

	find_kept_names(job, keep);
	forget_unused_names(job->image, keep);
	for (i = 0; i < SERIN_MAX_SERVICES; i++)
		named += job->image->services[i].name[0] != '\0';
	for (i = 0; i < job->config->service_count; i++)
		known += image_find_service(job->image, job->config->services[i].name) >= 0;
	r = image_check_room(job, NULL, "services", job->config->service_count, named - known, SERIN_MAX_SERVICES);

	for (i = 0; !r && i < job->config->service_count; i++) {
		const struct config_service *wanted = &job->config->services[i];

		id = image_find_service(job->image, wanted->name);
		if (id < 0) {
			for (id = 0; job->image->services[id].name[0]; id++)
				;
			set_name(job->image->services[id].name, wanted->name, SERIN_NAME_LEN);
		}
		r = name_versions(job, wanted, (unsigned int)id);
	}
	return r;
}

static struct serin_listener *find_listener(struct image *image, const struct config_listener *wanted)
{
	unsigned int i;

	for (i = 0; i < SERIN_MAX_LISTENERS; i++) {
		struct serin_listener *listener = &image->listeners[i];

		if (listener->port == wanted->port && listener->protocol == wanted->protocol &&
		    image_same_addr(&listener->addr, &wanted->addr))
			return listener;
	}
	return NULL;
}

/* An id that no listener ever had, else one whose listener is gone: flows name their listener too, and would answer
 * from the newcomer's address. There is room, the caller has counted. */
static struct serin_listener *new_listener(struct image *image)
{
	struct serin_listener *gone = NULL;
	unsigned int i;

	for (i = 0; i < SERIN_MAX_LISTENERS; i++) {
		if (image->listeners[i].forward)
			continue;
		if (!image->listeners[i].port)
			return &image->listeners[i];
		if (!gone)
			gone = &image->listeners[i];
	}
	return gone;
}

/* Those that have an id come first: theirs must not be taken for a newcomer. */
static void place_listeners(const struct image_job *job, bool newcomers)
{
	size_t i, j;

	for (i = 0; i < job->config->service_count; i++) {
		const struct config_service *service = &job->config->services[i];

		for (j = 0; j < service->listener_count; j++) {
			const struct config_listener *wanted = &service->listeners[j];
			struct serin_listener *listener = find_listener(job->image, wanted);

			if (!listener && newcomers)
				listener = new_listener(job->image);
			if (!listener)
				continue;
			listener->addr = wanted->addr;
			listener->port = wanted->port;
			listener->protocol = wanted->protocol;
			listener->forward = (__u8)service->forward;
			listener->service = (__u16)image_find_service(job->image, service->name);
			listener->speaks = wanted->protocol == IPPROTO_TCP ? (__u8)service->speaks : SERIN_SPEAKS_ANY;
		}
	}
}

/* A listener that is gone keeps its address beside forward = 0, so as to be recognised when it comes back, and what is
 * spoken there: flows go on. */
static int update_listeners(const struct image_job *job)
{
	size_t i, wanted = 0;
	int r;

	for (i = 0; i < job->config->service_count; i++)
		wanted += job->config->services[i].listener_count;
	r = image_check_room(job, NULL, "listening addresses", wanted, 0, SERIN_MAX_LISTENERS);
	if (r)
		return r;
	for (i = 0; i < SERIN_MAX_LISTENERS; i++) {
		job->image->listeners[i].forward = 0;
		job->image->listeners[i].service = 0;
	}
	place_listeners(job, false);
	place_listeners(job, true);
	return 0;
}

int image_build(const struct config *config, const struct image *actual, image_source_fn source, void *context,
		struct image *ret, struct complaint *complaint)
{
	struct image_job job = { .config = config, .source = source, .context = context, .complaint = complaint };
	int r;

	job.image = malloc(sizeof(*job.image));
	if (!job.image)
		return complain(complaint, -ENOMEM, "not enough memory for the image of the tables");
	*job.image = *actual;
	image_backends_leave(job.image);
	r = update_services(&job);
	if (!r)
		r = update_listeners(&job);
	if (!r)
		r = image_place_snat(&job);
	if (!r)
		r = image_update_backends(&job);
	if (!r)
		*ret = *job.image;
	free(job.image);
	return r;
}
