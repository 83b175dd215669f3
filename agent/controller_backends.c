/* SPDX-License-Identifier: BSD-2-Clause */
/* Backends that are taken out by hand and put back: the rings of their versions change, the shares do not. */
#include "controller.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "decision.h"

static bool is_configured(const struct serin_backend *backend)
{
	return (backend->flags & (SERIN_BACKEND_USED | SERIN_BACKEND_LEAVING)) == SERIN_BACKEND_USED;
}

static bool is_named(const struct serin_backend *backend, unsigned int service, const struct endpoint *endpoint)
{
	return is_configured(backend) && backend->service == service && backend->port == endpoint->port &&
	       !memcmp(&backend->addr, &endpoint->addr, sizeof(endpoint->addr));
}

void controller_mark_drained(const struct state *state, struct image *image)
{
	char text[ADDRESS_TEXT_LEN];

	for (unsigned int id = 0; id < SERIN_MAX_BACKENDS; id++) {
		struct serin_backend *backend = &image->backends[id];
		const char *service = image->services[backend->service % SERIN_MAX_SERVICES].name;

		if (!is_configured(backend))
			continue;
		backend->flags &= (__u8)~SERIN_BACKEND_DRAINED;
		if (state_is_drained(state, service, backend_format(&backend->addr, backend->port, text)))
			backend->flags |= SERIN_BACKEND_DRAINED;
	}
}

/* Backends of a version that take clients. */
static unsigned int count_takers(const struct image *image, unsigned int service, unsigned int version)
{
	unsigned int id, count = 0;

	for (id = 0; id < SERIN_MAX_BACKENDS; id++) {
		const struct serin_backend *backend = &image->backends[id];

		count += is_configured(backend) && backend->service == service && backend->version == version &&
			 backend->weight && !(backend->flags & SERIN_BACKEND_DRAINED);
	}
	return count;
}

/* A version with a share and nobody who takes its clients: its index, or -ENOENT. */
static int find_forsaken(const struct service *service, const struct image *image, const struct state_service *set)
{
	for (size_t i = 0; i < set->version_count; i++) {
		if (set->versions[i].weight && !count_takers(image, service->id, service->version_id[i]))
			return (int)i;
	}
	return -ENOENT;
}

int controller_check_takers(const struct controller *controller, const struct service *service,
			    const struct state_service *wanted, struct complaint *complaint)
{
	int forsaken = find_forsaken(service, &controller->image, wanted);

	/* What is so already is not made worse. */
	if (forsaken < 0 || wanted->versions[forsaken].weight <= service->now.versions[forsaken].weight)
		return 0;
	return complain(complaint, -EINVAL,
			"no backend of version %s takes clients, expected one that has a weight and is not drained",
			wanted->versions[forsaken].name);
}

/* How many there are of that address; their flag in the image is `drain`. */
static unsigned int mark(struct image *image, unsigned int service, const struct endpoint *endpoint, bool drain)
{
	unsigned int id, count = 0;

	for (id = 0; id < SERIN_MAX_BACKENDS; id++) {
		struct serin_backend *backend = &image->backends[id];

		if (!is_named(backend, service, endpoint))
			continue;
		backend->flags &= (__u8)~SERIN_BACKEND_DRAINED;
		backend->flags |= drain ? SERIN_BACKEND_DRAINED : 0;
		count++;
	}
	return count;
}

/* The kernel's flags as `image` has them. */
static int write_flags(struct controller *controller, const struct image *image, unsigned int service,
		       const struct endpoint *endpoint, struct complaint *complaint)
{
	int r = 0;

	for (unsigned int id = 0; !r && id < SERIN_MAX_BACKENDS; id++) {
		const struct serin_backend *backend = &image->backends[id];
		uint8_t set = backend->flags & SERIN_BACKEND_DRAINED;

		if (is_named(backend, service, endpoint))
			r = datapath_set_backend_flags(controller->datapath, id, set, SERIN_BACKEND_DRAINED ^ set,
						       complaint);
	}
	return r;
}

/* The plan that the image gives, in the kernel: at the generation that it has, since shares and rules are the same. */
static int swap_plan(struct controller *controller, struct service *service, const struct image *image,
		     struct complaint *complaint)
{
	struct serin_plan *plan = malloc(sizeof(*plan));
	int r;

	if (!plan)
		return complain(complaint, -ENOMEM, "not enough memory for a plan");
	r = service_build_plan(service, image, &service->now, plan, complaint);
	if (!r && !service_same_plan(plan, service->plan))
		r = datapath_set_plan(controller->datapath, service->id, plan, complaint);
	if (r) {
		free(plan);
		return r;
	}
	free(service->plan);
	service->plan = plan;
	return 0;
}

static void log_drain(const struct service *service, const struct controller_request *request, const char *text,
		      bool drain)
{
	char sentence[EVENT_TEXT_LEN];

	snprintf(sentence, sizeof(sentence), "%s: backend %s %s", service->config->name, text,
		 drain ? "is drained: no new connections, those that are open live on" : "takes clients again");
	decision_make(LOG_LEVEL_INFO, EVENT_BACKEND, drain ? "backend drained" : "backend ready", sentence,
		      log_text("service", service->config->name), log_text("backend", text),
		      log_text("by", request->by), log_text("reason", request->reason ? request->reason : ""));
}

/* Persisted first: a crash right after it makes the next start do it. */
static int apply(struct controller *controller, struct service *service, const struct image *wanted,
		 const struct endpoint *endpoint, const char *text, bool drain, struct complaint *complaint)
{
	int r;

	r = state_set_drained(&controller->state, service->config->name, text, drain);
	if (r)
		return complain(complaint, r, "not enough memory for the state");
	r = controller_save(controller, complaint);
	if (!r)
		r = write_flags(controller, wanted, service->id, endpoint, complaint);
	if (!r)
		r = swap_plan(controller, service, wanted, complaint);
	if (!r)
		return 0;
	state_set_drained(&controller->state, service->config->name, text, !drain);
	controller_save(controller, NULL);
	write_flags(controller, &controller->image, service->id, endpoint, NULL);
	return r;
}

int controller_drain_backend(struct controller *controller, struct service *service,
			     const struct controller_request *request, const char *text, bool drain,
			     struct complaint *complaint)
{
	char canonical[ADDRESS_TEXT_LEN];
	struct endpoint endpoint;
	struct image *wanted;
	int r = 0, forsaken;

	if (backend_parse(text, &endpoint))
		return complain(complaint, -EINVAL, "'%.64s' is no backend's address, expected such as 10.0.0.11:3000",
				text);
	backend_format(&endpoint.addr, endpoint.port, canonical);
	if (drain == state_is_drained(&controller->state, service->config->name, canonical))
		return 0;
	wanted = malloc(sizeof(*wanted));
	if (!wanted)
		return complain(complaint, -ENOMEM, "not enough memory for the image of the tables");
	*wanted = controller->image;
	if (!mark(wanted, service->id, &endpoint, drain) && drain)
		r = complain(complaint, -ENOENT, "service %s has no backend %s", service->config->name, canonical);
	forsaken = drain && !r ? find_forsaken(service, wanted, &service->now) : -ENOENT;
	if (forsaken >= 0)
		r = complain(complaint, -EINVAL,
			     "%s is the last backend of version %s that takes clients, expected a share of 0%% first",
			     canonical, service->now.versions[forsaken].name);
	if (!r)
		r = apply(controller, service, wanted, &endpoint, canonical, drain, complaint);
	if (!r) {
		controller->image = *wanted;
		log_drain(service, request, canonical, drain);
	}
	free(wanted);
	return r;
}
