/* SPDX-License-Identifier: BSD-2-Clause */
/* Backends that go out and come back, by hand or by evidence: the rings of their versions change, the shares do not, unless
 * nobody is left of a version on trial. */
#include "controller_rollout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "decision.h"
#include "leaving_rules.h"

#define OUT (SERIN_BACKEND_EJECTED | SERIN_BACKEND_DRAINED)
#define MARKS (OUT | SERIN_BACKEND_REPLACED)

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

static bool takes_clients(const struct serin_backend *backend)
{
	return is_configured(backend) && backend->weight && !(backend->flags & OUT);
}

void controller_mark_replaced(struct image *image)
{
	static const unsigned int all = SERIN_MAX_SERVICES * SERIN_MAX_VERSIONS;
	bool taken[SERIN_MAX_SERVICES * SERIN_MAX_VERSIONS] = { false };
	unsigned int id;

	for (id = 0; id < SERIN_MAX_BACKENDS; id++) {
		const struct serin_backend *backend = &image->backends[id];

		if (takes_clients(backend))
			taken[(backend->service * SERIN_MAX_VERSIONS + backend->version) % all] = true;
	}
	for (id = 0; id < SERIN_MAX_BACKENDS; id++) {
		struct serin_backend *backend = &image->backends[id];

		backend->flags &= (__u8)~SERIN_BACKEND_REPLACED;
		if (is_configured(backend) && backend->flags & SERIN_BACKEND_EJECTED &&
		    taken[(backend->service * SERIN_MAX_VERSIONS + backend->version) % all])
			backend->flags |= SERIN_BACKEND_REPLACED;
	}
}

/* Backends of a version that take clients. */
static unsigned int count_takers(const struct image *image, unsigned int service, unsigned int version)
{
	unsigned int id, count = 0;

	for (id = 0; id < SERIN_MAX_BACKENDS; id++) {
		const struct serin_backend *backend = &image->backends[id];

		count += takes_clients(backend) && backend->service == service && backend->version == version;
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

/* The kernel's flags as `wanted` has them, where `now` is what it has. */
static int write_flags(struct controller *controller, const struct image *now, const struct image *wanted,
		       struct complaint *complaint)
{
	int r = 0;

	for (unsigned int id = 0; !r && id < SERIN_MAX_BACKENDS; id++) {
		uint8_t set = wanted->backends[id].flags & MARKS;

		if ((now->backends[id].flags & MARKS) != set)
			r = datapath_set_backend_flags(controller->datapath, id, set, MARKS ^ set, complaint);
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

/* Rings without those who are out in `wanted`, all or nothing; then that is the controller's image. Flags come first: what an
 * ejected backend fails from now on is no incident. */
static int place_backends(struct controller *controller, struct service *service, const struct image *wanted,
			  struct complaint *complaint)
{
	int r = write_flags(controller, &controller->image, wanted, complaint);

	if (!r)
		r = swap_plan(controller, service, wanted, complaint);
	if (r)
		write_flags(controller, wanted, &controller->image, NULL);
	else
		controller->image = *wanted;
	return r;
}

/* Persisted first: a crash right after it makes the next start do it. */
static int apply(struct controller *controller, struct service *service, const struct image *wanted, const char *text,
		 bool drain, struct complaint *complaint)
{
	int r;

	r = state_set_drained(&controller->state, service->config->name, text, drain);
	if (r)
		return complain(complaint, r, "not enough memory for the state");
	r = controller_save(controller, complaint);
	if (!r)
		r = place_backends(controller, service, wanted, complaint);
	if (!r)
		return 0;
	state_set_drained(&controller->state, service->config->name, text, !drain);
	controller_save(controller, NULL);
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
	controller_mark_replaced(wanted);
	forsaken = drain && !r ? find_forsaken(service, wanted, &service->now) : -ENOENT;
	if (forsaken >= 0)
		r = complain(complaint, -EINVAL,
			     "%s is the last backend of version %s that takes clients, expected a share of 0%% first",
			     canonical, service->now.versions[forsaken].name);
	if (!r)
		r = apply(controller, service, wanted, canonical, drain, complaint);
	if (!r)
		log_drain(service, request, canonical, drain);
	free(wanted);
	return r;
}

/* ---- by evidence ------------------------------------------------------------------------------------------------ */

/* What becomes of the connections of those whose clients others take, and of those that have them again. Where all are out
 * they stay in the ring, and nobody else could answer: their connections stay, too. */
static void settle_flows(struct controller *controller, const struct service *service, const struct image *before)
{
	const struct config_service *config = service->config;
	int64_t wait_ms = LEAVING_ANSWER_TIMEOUT_MS;
	enum leaving_mode mode = LEAVING_RESET;

	if (config->on_ejection == CONFIG_FLOWS_DRAIN) {
		mode = LEAVING_DRAIN;
		wait_ms = (int64_t)config->drain_timeout * 1000;
	}
	for (unsigned int id = 0; id < SERIN_MAX_BACKENDS; id++) {
		const struct serin_backend *backend = &controller->image.backends[id];
		uint8_t changed = (backend->flags ^ before->backends[id].flags) & SERIN_BACKEND_REPLACED;
		bool is_out = backend->flags & SERIN_BACKEND_EJECTED;
		uint16_t one = (uint16_t)id;

		if (!changed || !is_configured(backend) || backend->service != service->id)
			continue;
		if (backend->flags & SERIN_BACKEND_REPLACED && config->on_ejection != CONFIG_FLOWS_LEAVE)
			leaving_begin(controller->leaving, &one, 1, mode, loop_now_ms() + wait_ms);
		/* Of a version that gets nobody a rollback may have had it emptied, whoever else goes out. */
		else if (!(backend->flags & SERIN_BACKEND_REPLACED) &&
			 (!is_out || service->plan->weight[backend->version]))
			leaving_keep(controller->leaving, id);
	}
}

static bool is_dead(const struct controller *controller, const struct service *service, size_t version)
{
	struct health_tally tally;

	liveness_count(controller->liveness, service->id, service->version_id[version], &tally);
	return tally.members && health_all_dead(&tally);
}

/* Said once when it begins, once when it is over. */
static void watch_baseline(struct controller *controller, const struct service *service, bool dead)
{
	const char *version = service->now.versions[service->now.baseline].name;
	bool *said = &controller->forsaken[service->id];
	char text[EVENT_TEXT_LEN];

	if (dead == *said)
		return;
	*said = dead;
	snprintf(text, sizeof(text),
		 dead ? "%s: no backend of the baseline %s is alive: its clients stay where they are, and nothing is "
			"rolled back to it"
		      : "%s: the baseline %s has a live backend again",
		 service->config->name, version);
	decision_make(dead ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO, EVENT_BACKEND,
		      dead ? "baseline without a live backend" : "baseline alive again", text,
		      log_text("service", service->config->name), log_text("version", version));
}

void controller_watch_baseline(struct controller *controller, const struct service *service)
{
	watch_baseline(controller, service, is_dead(controller, service, service->now.baseline));
}

/* As long as an outage may be the baseline's as well, it is nobody's reason: liveness calls again when that is known. */
static bool is_dead_alone(const struct controller *controller, const struct service *service, size_t version)
{
	struct health_tally trial, baseline;

	liveness_count(controller->liveness, service->id, service->version_id[version], &trial);
	liveness_count(controller->liveness, service->id, service->version_id[service->now.baseline], &baseline);
	return trial.members && health_dead_alone(&trial, &baseline);
}

/* The first error: what a rollout is about is tried again by itself, the others by whoever called. */
static int withdraw_dead(struct controller *controller, struct service *service)
{
	struct controller_request request = { .by = "agent", .reason = "no_backend" };
	struct complaint complaint = { "" };
	int r, first = 0;

	request.flows = service->config->on_rollback == CONFIG_FLOWS_RESET ? LEAVING_RESET : LEAVING_DRAIN;
	for (size_t i = 0; i < service->now.version_count; i++) {
		if (i == service->now.baseline || !service->now.versions[i].weight ||
		    !is_dead_alone(controller, service, i) || controller_rollout_no_backend(controller, service, i))
			continue;
		r = controller_withdraw(controller, service, i, &request, &complaint);
		first = first ? first : r;
	}
	return first;
}

int controller_backends_changed(struct controller *controller, unsigned int id)
{
	struct complaint complaint = { "" };
	struct service *service = NULL;
	struct image *images;
	unsigned int kept_back;
	bool dead;
	int r;

	for (size_t i = 0; i < controller->service_count; i++) {
		if (controller->services[i].id == id)
			service = &controller->services[i];
	}
	if (!service)
		return 0;
	images = malloc(2 * sizeof(*images));
	if (!images)
		return -ENOMEM;
	images[0] = images[1] = controller->image;
	liveness_mark(controller->liveness, &images[1]);
	controller_mark_replaced(&images[1]);
	r = place_backends(controller, service, &images[1], &complaint);
	if (!r) {
		settle_flows(controller, service, &images[0]);
		dead = is_dead(controller, service, service->now.baseline);
		watch_baseline(controller, service, dead);
		if (!dead)
			r = withdraw_dead(controller, service);
	} else if (log_allowed(&controller->limit, loop_now_ms(), 60000, &kept_back)) {
		log_error("rings cannot be built anew", log_text("service", service->config->name),
			  log_text("error", complaint.text), log_number("kept_back", kept_back));
	}
	free(images);
	return r;
}
