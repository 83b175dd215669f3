/* SPDX-License-Identifier: BSD-2-Clause */
/* The snapshot behind /metrics. */
#include <errno.h>
#include <stdlib.h>

#include "api_call.h"
#include "api_metrics_rollout.h"
#include "controller_rollout.h"
#include "datapath_guard.h"
#include "metrics.h"

#ifndef SERIN_VERSION
#define SERIN_VERSION "dev"
#endif

/* A snapshot and the room that it points into. */
struct snapshot {
	struct metrics metrics;
	struct metrics_backend backends[SERIN_MAX_BACKENDS];
	struct metrics_version versions[SERIN_MAX_SERVICES * SERIN_MAX_VERSIONS];
	struct metrics_service services[SERIN_MAX_SERVICES];
	struct metrics_rollout rollouts[SERIN_MAX_SERVICES];
	json_t *kept[SERIN_MAX_SERVICES]; /* what `rollouts` point into */
	char addresses[SERIN_MAX_BACKENDS][ADDRESS_TEXT_LEN];
};

/* A version that is no longer configured counts as on trial. */
static const char *role_of(const struct controller *controller, const struct serin_backend *backend)
{
	const struct serin_service *service = &controller->image.services[backend->service % SERIN_MAX_SERVICES];

	return service->baseline == backend->version ? "baseline" : "trial";
}

static void add_backends(const struct controller *controller, struct snapshot *snapshot)
{
	for (size_t i = 0; i < SERIN_MAX_BACKENDS; i++) {
		const struct serin_backend *backend = &controller->image.backends[i];
		const struct serin_service *service =
			&controller->image.services[backend->service % SERIN_MAX_SERVICES];
		size_t n = snapshot->metrics.backend_count;

		if (!(backend->flags & SERIN_BACKEND_USED))
			continue;
		backend_format(&backend->addr, backend->port, snapshot->addresses[n]);
		snapshot->backends[n] = (struct metrics_backend){
			.service = service->name,
			.version = service->version[backend->version % SERIN_MAX_VERSIONS],
			.backend = snapshot->addresses[n],
			.role = role_of(controller, backend),
			.stats = &controller->counters.backends[i],
			.active = counters_active(&controller->counters.backends[i]),
			.up = !(backend->flags & (SERIN_BACKEND_EJECTED | SERIN_BACKEND_DRAINED)),
			.leaving = backend->flags & SERIN_BACKEND_LEAVING,
		};
		snapshot->metrics.backend_count++;
	}
}

static void add_rollout(const struct controller *controller, const struct service *service, struct snapshot *snapshot)
{
	size_t n = snapshot->metrics.rollout_count++;

	snapshot->kept[n] = controller_rollout_to_json(controller, service, false);
	snapshot->rollouts[n].service = service->config->name;
	api_rollout_metrics(snapshot->kept[n], &snapshot->rollouts[n]);
}

static void add_service(const struct controller *controller, const struct service *service, struct snapshot *snapshot)
{
	struct metrics_version *metrics;
	struct window_share share;

	add_rollout(controller, service, snapshot);
	snapshot->services[snapshot->metrics.service_count++] = (struct metrics_service){
		.service = service->config->name,
		.generation = service->now.generation,
	};
	for (size_t i = 0; i < service->now.version_count; i++) {
		window_measure(&service->window, &service->newest, service->version_id[i], &share);
		metrics = &snapshot->versions[snapshot->metrics.version_count++];
		*metrics = (struct metrics_version){
			.service = service->config->name,
			.version = service->now.versions[i].name,
			.role = service_role(service, i),
			.weight = (double)service_weight(service, i) / SERIN_SLOTS,
			.measured = share.share,
			.is_measured = share.known,
			.is_http = service->config->speaks == SERIN_SPEAKS_HTTP,
			.incidents = controller->counters.incidents[service->id][service->version_id[i]].epoch,
			.observed = &counters_of_version(&controller->counters, service->id, service->version_id[i])
					     ->observed,
		};
		datapath_guard_turned_away(controller->datapath, service->id, service->version_id[i],
					   &metrics->turned_away);
	}
}

static void add_flows(const struct controller *controller, struct metrics *metrics)
{
	const struct sweep *sweep = sweeper_last(controller->sweeper);

	metrics->flow_table_ways = (uint64_t)datapath_buckets(controller->datapath) * SERIN_WAYS_PER_BUCKET;
	metrics->is_swept = sweep->number > 0;
	metrics->flows = sweep->live;
	metrics->sweep_seconds = (double)(sweep->ended_ms - sweep->began_ms) / 1000;
	metrics->flows_emptied = leaving_ended(controller->leaving);
}

static void fill(const struct controller *controller, struct snapshot *snapshot)
{
	struct metrics *metrics = &snapshot->metrics;

	metrics->backends = snapshot->backends;
	metrics->versions = snapshot->versions;
	metrics->services = snapshot->services;
	metrics->rollouts = snapshot->rollouts;
	for (size_t i = 0; i < SERIN_DROPS; i++)
		metrics->drops[i] = controller->counters.drops[i];
	metrics->table = controller->counters.table;
	add_flows(controller, metrics);
	metrics->tick_seconds = controller->tick_seconds;
	if (controller->outbox)
		outbox_measure(controller->outbox, &metrics->notices);
	liveness_measure(controller->liveness, &metrics->checks);
	metrics->started = (uint64_t)controller->started;
	metrics->build = SERIN_VERSION;
	add_backends(controller, snapshot);
	for (size_t i = 0; i < controller->service_count; i++)
		add_service(controller, &controller->services[i], snapshot);
}

void api_get_metrics(struct api_call *call)
{
	enum metrics_format format = metrics_choose(call->request->accept);
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
	struct http_response *response = call->response;
	int r = -ENOMEM;

	if (snapshot) {
		controller_refresh(call->controller);
		fill(call->controller, snapshot);
		r = metrics_print(&snapshot->metrics, format, &response->body, &response->body_length);
		for (size_t i = 0; i < snapshot->metrics.rollout_count; i++)
			json_decref(snapshot->kept[i]);
		free(snapshot);
	}
	if (r) {
		api_error(call, 500, "internal", "not enough memory for the metrics");
		return;
	}
	response->status = 200;
	response->content_type = metrics_content_type(format);
}
