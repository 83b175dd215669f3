/* SPDX-License-Identifier: BSD-2-Clause */
/* Which backends are being emptied, and what becomes of their ids. */
#include "leaving.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "decision.h"
#include "leaving_private.h"

int leaving_open(const struct leaving_options *options, struct leaving **ret, struct complaint *complaint)
{
	struct leaving *leaving = calloc(1, sizeof(*leaving));
	int r;

	if (!leaving)
		return complain(complaint, -ENOMEM, "not enough memory to empty backends with");
	leaving->options = *options;
	r = datapath_ways(options->datapath, &leaving->flows.ways, &leaving->flows.count, complaint);
	if (!r)
		r = rst_open(&leaving->rst, complaint);
	if (r) {
		leaving_close(leaving);
		return r;
	}
	*ret = leaving;
	return 0;
}

struct leaving *leaving_close(struct leaving *leaving)
{
	if (!leaving)
		return NULL;
	rst_close(leaving->rst);
	free(leaving);
	return NULL;
}

uint64_t leaving_ended(const struct leaving *leaving)
{
	return leaving->ended;
}

static const struct serin_backend *backend_of(const struct leaving *leaving, unsigned int id)
{
	return &leaving->options.image->backends[id];
}

void leaving_set_flag(struct leaving *leaving, unsigned int id)
{
	struct serin_backend *backend = &leaving->options.image->backends[id];
	bool want = leaving_wants_flag(&leaving->backends[id]);
	struct complaint complaint = { "" };
	unsigned int kept_back;
	int r;

	if (!(backend->flags & SERIN_BACKEND_USED) || want == !!(backend->flags & SERIN_BACKEND_RESET))
		return;
	r = datapath_set_backend_flags(leaving->options.datapath, id, want ? SERIN_BACKEND_RESET : 0,
				       want ? 0 : SERIN_BACKEND_RESET, &complaint);
	if (!r)
		backend->flags ^= SERIN_BACKEND_RESET;
	else if (log_allowed(&leaving->limit, loop_now_ms(), 60000, &kept_back))
		log_error("cannot flag a backend that is to be reset", log_text("error", complaint.text),
			  log_number("kept_back", kept_back));
}

static void begin_one(struct leaving *leaving, unsigned int id, enum leaving_mode mode, int64_t deadline_ms,
		      bool spares_placed)
{
	struct leaving_backend *backend = &leaving->backends[id];
	enum leaving_phase phase = mode == LEAVING_RESET ? LEAVING_RESETTING : LEAVING_DRAINING;

	if (!(backend_of(leaving, id)->flags & SERIN_BACKEND_USED))
		return;
	backend->for_good = backend_of(leaving, id)->flags & SERIN_BACKEND_LEAVING;
	if (backend->phase > phase || (backend->phase == phase && backend->until_ms <= deadline_ms))
		return;
	backend->spares_placed = spares_placed && !backend->for_good;
	backend->phase = phase;
	backend->until_ms = deadline_ms;
	backend->since_ms = loop_now_ms();
	leaving_set_flag(leaving, id);
	if (phase == LEAVING_RESETTING)
		leaving_walk_start(leaving);
}

void leaving_begin(struct leaving *leaving, const uint16_t *ids, size_t count, enum leaving_mode mode,
		   int64_t deadline_ms)
{
	for (size_t i = 0; i < count; i++) {
		if (ids[i] < SERIN_MAX_BACKENDS)
			begin_one(leaving, ids[i], mode, deadline_ms, false);
	}
}

static void forget(struct leaving *leaving, unsigned int id)
{
	leaving->backends[id] = (struct leaving_backend){ .phase = LEAVING_NOT };
	leaving_set_flag(leaving, id);
}

/* Whose clients others take: what is open to it goes, whatever becomes of its version. */
static bool is_replaced(const struct serin_backend *backend)
{
	return backend->flags & SERIN_BACKEND_REPLACED;
}

void leaving_stop(struct leaving *leaving, unsigned int service, unsigned int version)
{
	for (unsigned int id = 0; id < SERIN_MAX_BACKENDS; id++) {
		const struct serin_backend *backend = backend_of(leaving, id);

		if (leaving->backends[id].phase != LEAVING_NOT && backend->service == service &&
		    backend->version == version && !(backend->flags & SERIN_BACKEND_LEAVING) && !is_replaced(backend))
			forget(leaving, id);
	}
}

void leaving_keep(struct leaving *leaving, unsigned int id)
{
	if (leaving->backends[id].phase != LEAVING_NOT && !(backend_of(leaving, id)->flags & SERIN_BACKEND_LEAVING))
		forget(leaving, id);
}

static void log_reset(const char *service, int backends)
{
	char text[EVENT_TEXT_LEN];

	snprintf(text, sizeof(text), "%s: connections to %d backend%s are being reset, busy ones after %d s at most",
		 service, backends, backends == 1 ? "" : "s", LEAVING_ANSWER_TIMEOUT_MS / 1000);
	decision_make(LOG_LEVEL_INFO, EVENT_RESET, "resetting connections", text, log_text("service", service),
		      log_number("backends", backends),
		      log_number("busy_ones_after_seconds", LEAVING_ANSWER_TIMEOUT_MS / 1000));
}

/* Of several versions on trial, one may be taken out alone. */
static bool gets_clients(const struct service *service, unsigned int version)
{
	for (size_t i = 0; i < service->now.version_count; i++)
		if (service->version_id[i] == version)
			return service->now.versions[i].weight;
	return false;
}

void leaving_rollback(struct leaving *leaving, const struct service *service, enum leaving_mode mode)
{
	unsigned int baseline = service->version_id[service->now.baseline];
	int64_t deadline = loop_now_ms() + LEAVING_ANSWER_TIMEOUT_MS;
	int64_t count = 0;

	for (unsigned int id = 0; id < SERIN_MAX_BACKENDS; id++) {
		const struct serin_backend *backend = backend_of(leaving, id);

		if (!(backend->flags & SERIN_BACKEND_USED) || backend->service != service->id ||
		    backend->version == baseline || gets_clients(service, backend->version))
			continue;
		if (mode == LEAVING_RESET)
			begin_one(leaving, id, LEAVING_RESET, deadline, service->plan && service->plan->rules);
		else if (!(backend->flags & SERIN_BACKEND_LEAVING) && leaving->backends[id].phase != LEAVING_NOT &&
			 !is_replaced(backend))
			forget(leaving, id);
		count++;
	}
	if (mode != LEAVING_RESET)
		return;
	log_reset(service->config->name, count);
}

static void log_emptied(const struct leaving *leaving, unsigned int id)
{
	const struct leaving_backend *record = &leaving->backends[id];
	const struct serin_backend *backend = backend_of(leaving, id);
	const char *service = leaving->options.image->services[backend->service].name;
	int64_t seconds = (loop_now_ms() - record->since_ms) / 1000;
	char address[ADDRESS_TEXT_LEN], text[EVENT_TEXT_LEN];

	backend_format(&backend->addr, backend->port, address);
	snprintf(text, sizeof(text),
		 "%s: backend %s is empty after %lld s, %llu idle and %llu busy connections were reset", service,
		 address, (long long)seconds, (unsigned long long)record->ended_idle,
		 (unsigned long long)record->ended_busy);
	decision_make(LOG_LEVEL_INFO, EVENT_EMPTIED, "emptied", text, log_text("service", service),
		      log_text("backend", address), log_number("ended_idle", (int64_t)record->ended_idle),
		      log_number("ended_busy", (int64_t)record->ended_busy), log_number("seconds", seconds));
}

void leaving_emptied(struct leaving *leaving, unsigned int id)
{
	log_emptied(leaving, id);
	forget(leaving, id);
}

static bool shares_endpoint(const struct image *image, unsigned int id)
{
	for (unsigned int i = 0; i < SERIN_MAX_BACKENDS; i++) {
		if (i != id && image->backends[i].flags & SERIN_BACKEND_USED &&
		    image->backends[i].endpoint == image->backends[id].endpoint)
			return true;
	}
	return false;
}

/* No flow names it: the id, and perhaps the endpoint, are free for the next backend. */
static void free_id(struct leaving *leaving, unsigned int id)
{
	struct image *image = leaving->options.image;
	struct complaint complaint = { "" };
	unsigned int kept_back;
	int r;

	r = datapath_forget_backend(leaving->options.datapath, id, !shares_endpoint(image, id), &complaint);
	if (r) {
		if (log_allowed(&leaving->limit, loop_now_ms(), 60000, &kept_back))
			log_error("cannot free a backend's id", log_text("error", complaint.text),
				  log_number("kept_back", kept_back));
		return;
	}
	log_emptied(leaving, id);
	if (leaving->options.freed)
		leaving->options.freed(leaving->options.context, id);
	memset(&leaving->backends[id], 0, sizeof(leaving->backends[id]));
	memset(&image->backends[id], 0, sizeof(image->backends[id]));
}

/* Weights by [service][version]. */
struct weighted {
	bool has[SERIN_MAX_SERVICES][SERIN_MAX_VERSIONS];
	int64_t drain_ms[SERIN_MAX_SERVICES];
};

static void gather(const struct service *services, size_t count, struct weighted *ret)
{
	memset(ret->has, 0, sizeof(ret->has));
	for (size_t i = 0; i < SERIN_MAX_SERVICES; i++)
		ret->drain_ms[i] = LEAVING_DRAIN_MS;
	for (size_t i = 0; i < count; i++) {
		ret->drain_ms[services[i].id] = (int64_t)services[i].config->drain_timeout * 1000;
		for (size_t j = 0; j < services[i].now.version_count; j++)
			ret->has[services[i].id][services[i].version_id[j]] = services[i].now.versions[j].weight;
	}
}

/* Follow what others have done to the image since. */
static void follow(struct leaving *leaving, unsigned int id, const struct weighted *weighted, int64_t now_ms)
{
	const struct serin_backend *backend = backend_of(leaving, id);
	struct leaving_backend *record = &leaving->backends[id];

	if (backend->flags & SERIN_BACKEND_LEAVING && backend->flags & SERIN_BACKEND_RESET)
		/* Also where the last agent had come so far: its time for draining is over. */
		begin_one(leaving, id, LEAVING_RESET, now_ms + LEAVING_ANSWER_TIMEOUT_MS, false);
	else if (backend->flags & SERIN_BACKEND_LEAVING)
		begin_one(leaving, id, LEAVING_DRAIN,
			  now_ms + weighted->drain_ms[backend->service % SERIN_MAX_SERVICES], false);
	else if (record->phase != LEAVING_NOT &&
		 (record->for_good ||
		  (!is_replaced(backend) &&
		   weighted->has[backend->service % SERIN_MAX_SERVICES][backend->version % SERIN_MAX_VERSIONS])))
		forget(leaving, id);
}

static void advance(struct leaving *leaving, unsigned int id, int64_t now_ms)
{
	const struct sweep *sweep = sweeper_last(leaving->options.sweeper);
	struct leaving_backend *record = &leaving->backends[id];

	if (leaving_advance(record, now_ms) && record->phase >= LEAVING_RESETTING)
		leaving_walk_start(leaving);
	leaving_set_flag(leaving, id);
	if (sweep->number && leaving_count_sweep(record, sweep->number, sweep->began_ms, sweep->named[id]))
		free_id(leaving, id);
}

void leaving_tick(struct leaving *leaving, const struct service *services, size_t count, int64_t now_ms)
{
	struct weighted weighted;

	gather(services, count, &weighted);
	for (unsigned int id = 0; id < SERIN_MAX_BACKENDS; id++) {
		if (!(backend_of(leaving, id)->flags & SERIN_BACKEND_USED))
			continue;
		follow(leaving, id, &weighted, now_ms);
		advance(leaving, id, now_ms);
	}
}
