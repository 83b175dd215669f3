/* SPDX-License-Identifier: BSD-2-Clause */
/* The image's backends: their ids, and the endpoints that they share. */
#include "image_job.h"

#include <errno.h>
#include <netinet/in.h>

int image_find_backend(const struct image *image, unsigned int service, unsigned int version,
		       const struct endpoint *endpoint)
{
	int i;

	for (i = 0; i < (int)SERIN_MAX_BACKENDS; i++) {
		const struct serin_backend *backend = &image->backends[i];

		if ((backend->flags & SERIN_BACKEND_USED) && backend->service == service &&
		    backend->version == version && backend->port == endpoint->port &&
		    image_same_addr(&backend->addr, &endpoint->addr))
			return i;
	}
	return -ENOENT;
}

size_t image_list_backends(const struct image *image, const char *service, const char *version,
			   struct config_backend *ret)
{
	int of = image_find_service(image, service), id;
	size_t count = 0;

	id = of < 0 ? of : image_find_version(image, (unsigned int)of, version);
	for (size_t i = 0; id >= 0 && i < SERIN_MAX_BACKENDS; i++) {
		const struct serin_backend *backend = &image->backends[i];

		if ((backend->flags & (SERIN_BACKEND_USED | SERIN_BACKEND_LEAVING)) == SERIN_BACKEND_USED &&
		    backend->service == of && backend->version == id)
			ret[count++] = (struct config_backend){ .endpoint = { backend->addr, backend->port },
								.weight = backend->weight };
	}
	return count;
}

/* Until the configuration names them. */
void image_backends_leave(struct image *image)
{
	unsigned int i;

	for (i = 0; i < SERIN_MAX_BACKENDS; i++) {
		if (!(image->backends[i].flags & SERIN_BACKEND_USED))
			continue;
		image->backends[i].flags |= SERIN_BACKEND_LEAVING;
		image->backends[i].weight = 0;
	}
}

static size_t count_leaving(const struct image *image)
{
	size_t i, leaving = 0;

	for (i = 0; i < SERIN_MAX_BACKENDS; i++)
		leaving += !!(image->backends[i].flags & SERIN_BACKEND_LEAVING);
	return leaving;
}

/* Ports towards one (address, port) are counted in one place, whoever the backends belong to. */
static __u16 pick_endpoint(const struct image *image, const struct serin_backend *like)
{
	bool taken[SERIN_MAX_BACKENDS] = { false };
	__u16 lowest = 0;
	unsigned int i;

	for (i = 0; i < SERIN_MAX_BACKENDS; i++) {
		const struct serin_backend *other = &image->backends[i];

		if (!(other->flags & SERIN_BACKEND_USED))
			continue;
		if (other->port == like->port && image_same_addr(&other->addr, &like->addr))
			return other->endpoint;
		taken[other->endpoint % SERIN_MAX_BACKENDS] = true;
	}
	while (taken[lowest])
		lowest++;
	return lowest;
}

/* There is room, the caller has counted. */
static struct serin_backend *new_backend(const struct image_job *job, unsigned int service, unsigned int version,
					 const struct config_backend *wanted)
{
	struct serin_backend fresh = {
		.addr = wanted->endpoint.addr,
		.port = wanted->endpoint.port,
		.service = (__u16)service,
		.version = (__u8)version,
	};
	unsigned int id;

	fresh.endpoint = pick_endpoint(job->image, &fresh);
	for (id = 0; job->image->backends[id].flags & SERIN_BACKEND_USED; id++)
		;
	job->image->backends[id] = fresh;
	return &job->image->backends[id];
}

/* A tunnel's outer packets have one source and no ports to hand out. */
static int choose_source(const struct image_job *job, const struct config_service *owner,
			 const struct config_backend *wanted, struct image_snat_group *ret)
{
	int r;

	if (owner->forward == SERIN_FORWARD_NAT)
		return image_choose_snat(job, owner, wanted, ret);
	if (owner->forward != SERIN_FORWARD_IPIP && owner->forward != SERIN_FORWARD_GUE)
		return 0;
	r = image_choose_outer(job, wanted, ret);
	ret->count = 0;
	return r;
}

static int update_backend(const struct image_job *job, const struct config_service *owner, unsigned int service,
			  unsigned int version, const struct config_backend *wanted, bool newcomers)
{
	int id = image_find_backend(job->image, service, version, &wanted->endpoint);
	struct image_snat_group snat = { 0, 0 };
	struct serin_backend *backend;
	int r;

	if (id < 0 && !newcomers)
		return 0;
	if (id >= 0)
		backend = &job->image->backends[id];
	else
		backend = new_backend(job, service, version, wanted);
	backend->flags = SERIN_BACKEND_USED | (backend->flags & (SERIN_BACKEND_EJECTED | SERIN_BACKEND_DRAINED));
	backend->weight = wanted->weight;
	r = newcomers ? choose_source(job, owner, wanted, &snat) : 0;
	if (r)
		return r;
	backend->snat_first = snat.first;
	backend->snat_count = snat.count;
	return 0;
}

static int update_all(const struct image_job *job, bool newcomers, size_t *ret_wanted)
{
	const struct config_service *owner;
	size_t i, j, k, wanted = 0;
	int service, version, r;

	for (i = 0; i < job->config->service_count; i++) {
		owner = &job->config->services[i];
		service = image_find_service(job->image, owner->name);
		for (j = 0; j < owner->version_count; j++) {
			version = image_find_version(job->image, (unsigned int)service, owner->versions[j].name);
			wanted += owner->versions[j].backend_count;
			for (k = 0; k < owner->versions[j].backend_count; k++) {
				r = update_backend(job, owner, (unsigned int)service, (unsigned int)version,
						   &owner->versions[j].backends[k], newcomers);
				if (r)
					return r;
			}
		}
	}
	*ret_wanted = wanted;
	return 0;
}

/* Twice over the configuration: what is left marked after the first time leaves, and is known when room is counted. */
int image_update_backends(const struct image_job *job)
{
	struct image *image = job->image;
	size_t wanted;
	unsigned int i;
	int r;

	r = update_all(job, false, &wanted);
	if (!r)
		r = image_check_room(job, NULL, "backends", wanted, count_leaving(image), SERIN_MAX_BACKENDS);
	if (!r)
		r = update_all(job, true, &wanted);
	if (r)
		return r;

	image->endpoint_count = 0;
	for (i = 0; i < SERIN_MAX_BACKENDS; i++) {
		if ((image->backends[i].flags & SERIN_BACKEND_USED) &&
		    image->backends[i].endpoint >= image->endpoint_count)
			image->endpoint_count = image->backends[i].endpoint + 1u;
	}
	return 0;
}
