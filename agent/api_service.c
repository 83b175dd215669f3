/* SPDX-License-Identifier: BSD-2-Clause */
/* Services as JSON: what is set, what is measured, what is counted. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "api_call.h"
#include "controller_rollout.h"
#include "discovered_json.h"
#include "figures_json.h"

static void set_count(json_t *to, const char *name, uint64_t count)
{
	json_object_set_new_nocheck(to, name, json_integer((json_int_t)count));
}

static void set_pair(json_t *to, const char *name, const char *first, const char *second, const __u64 count[2])
{
	json_t *pair = json_object();

	set_count(pair, first, count[0]);
	set_count(pair, second, count[1]);
	json_object_set_new_nocheck(to, name, pair);
}

/* Thousands of backends have these: no patterns to read, nothing to copy. */
static void add_counters(json_t *to, const struct serin_stats *stats)
{
	set_count(to, "opened", stats->opened);
	set_count(to, "established", stats->established);
	set_count(to, "closed", stats->closed);
	set_pair(to, "packets", "to_backend", "to_client", stats->packets);
	set_pair(to, "bytes", "to_backend", "to_client", stats->bytes);
	set_pair(to, "resets", "client", "backend", stats->resets);
	set_count(to, "active", counters_active(stats));
}

static bool reads_http(const struct service *service)
{
	return service->config->speaks == SERIN_SPEAKS_HTTP;
}

/* "up", "down", "trying", or by hand: "drained"; and why. */
static void add_health(json_t *to, const struct serin_backend *backend, const struct health *health)
{
	bool drained = backend->flags & SERIN_BACKEND_DRAINED;

	json_object_set_new(to, "state", json_string(drained ? "drained" : health_state_name(health->state)));
	if (health->why != HEALTH_NONE)
		json_object_set_new(to, "why", json_string(health_reason_name(health->why)));
}

static json_t *backend_to_json(const struct controller *controller, unsigned int id,
			       const struct serin_backend *backend, bool with_http)
{
	const struct counters *counters = &controller->counters;
	static const struct serin_observed none;
	const struct serin_observed *observed = counters->observed[id] ? counters->observed[id] : &none;
	char text[ADDRESS_TEXT_LEN];
	json_t *json = json_pack("{s:s, s:i, s:b, s:b}", "address", backend_format(&backend->addr, backend->port, text),
				 "weight", (int)backend->weight, "leaving", !!(backend->flags & SERIN_BACKEND_LEAVING),
				 "drained", !!(backend->flags & SERIN_BACKEND_DRAINED));

	add_health(json, backend, liveness_of(controller->liveness, id));
	add_counters(json, &counters->backends[id]);
	figures_add_failures(json, &counters->backends[id]);
	if (with_http)
		json_object_set_new(json, "http", figures_http_json(observed));
	return json;
}

static json_t *backends_to_json(const struct controller *controller, const struct service *service,
				unsigned int version, bool with_http)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < SERIN_MAX_BACKENDS; i++) {
		const struct serin_backend *backend = &controller->image.backends[i];

		if ((backend->flags & SERIN_BACKEND_USED) && backend->service == service->id &&
		    backend->version == version)
			json_array_append_new(list, backend_to_json(controller, i, backend, with_http));
	}
	return list;
}

/* A list that is good by itself may not be so beside the others: which one it is, the complaint begins with. */
static bool is_unusable(const struct controller *controller, const struct config_version *version)
{
	char buffer[CONFIG_SOURCE_LEN];
	const char *source = version->file ? version->file : config_source_format(version, buffer);

	return !strncmp(controller->unusable.text, source, strlen(source));
}

/* Null where they are written in the configuration. */
static json_t *source_to_json(const struct controller *controller, const struct service *service, size_t version)
{
	const struct config_version *config = &service->config->versions[version];
	json_t *source;

	if (!config_is_discovered(config))
		return json_null();
	source = discovered_to_json(discovery_of(controller->discovery, service->config, config), config->backend_count,
				    loop_now_ms());
	if (!is_unusable(controller, config))
		return source;
	json_object_set_new(source, "ok", json_false());
	json_object_set_new(source, "text",
			    json_sprintf("%s: keeps the %zu backend%s from before", controller->unusable.text,
					 config->backend_count, config->backend_count == 1 ? "" : "s"));
	return source;
}

/* Of the configured ones, how many are in the rings. */
static json_t *live_to_json(const struct controller *controller, const struct service *service, unsigned int version)
{
	struct health_tally tally = { 0 };

	liveness_count(controller->liveness, service->id, version, &tally);
	return json_pack("{s:i, s:i}", "of", (int)tally.members, "serving", (int)tally.serving);
}

/* How much is said of backends: in a list, which may have thousands, HTTP is said of versions only. */
enum detail { ALL_OF_BACKENDS, NO_HTTP_OF_BACKENDS, NO_BACKENDS };

/* A version's counters are those of all backends that it has and has had: they never fall. */
static json_t *version_to_json(const struct controller *controller, const struct service *service, size_t version,
			       enum detail detail)
{
	const struct state_version *set = &service->now.versions[version];
	unsigned int id = service->version_id[version];
	const struct counters_version *counted = counters_of_version(&controller->counters, service->id, id);
	struct window_share share;
	struct figures figures;
	json_t *json;

	window_measure(&service->window, &service->newest, id, &share);
	json = json_pack("{s:s, s:s, s:i, s:o, s:o, s:o, s:f}", "name", set->name, "role",
			 service_role(service, version), "weight", (int)service_weight(service, version), "measured",
			 share.known ? json_real(share.share) : json_null(), "measured_low",
			 share.known ? json_real(share.low) : json_null(), "measured_high",
			 share.known ? json_real(share.high) : json_null(), "opened_per_second", share.per_second);
	add_counters(json, &counted->stats);
	figures_add_failures(json, &counted->stats);
	json_object_set_new(json, "incident_clients",
			    json_integer((json_int_t)controller->counters.incidents[service->id][id].epoch));
	if (reads_http(service))
		json_object_set_new(json, "http", figures_http_json(&counted->observed));
	figures_measure(service, &controller->counters, version, &figures);
	json_object_set_new(json, "window", figures_to_json(&figures));
	json_object_set_new(json, "source", source_to_json(controller, service, version));
	json_object_set_new(json, "live", live_to_json(controller, service, id));
	if (detail != NO_BACKENDS)
		json_object_set_new(json, "backends",
				    backends_to_json(controller, service, id,
						     reads_http(service) && detail == ALL_OF_BACKENDS));
	return json;
}

static json_t *affinity_to_json(const struct config_service *service)
{
	if (service->affinity == SERIN_AFFINITY_FLOW)
		return json_pack("{s:s}", "by", "flow");
	return json_pack("{s:s, s:i, s:i}", "by", "source", "ipv4", (int)service->prefix4, "ipv6",
			 (int)service->prefix6);
}

static json_t *changed_to_json(const struct state_change *changed)
{
	time_t at = (time_t)changed->at;
	char when[32] = "";
	struct tm tm;

	if (gmtime_r(&at, &tm))
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_pack("{s:s, s:s, s:o, s:s}", "by", changed->by, "at", when, "reason",
			 *changed->reason ? json_string(changed->reason) : json_null(), "what",
			 state_change_kind_name(changed->kind));
}

static json_t *listeners_to_json(const struct config_service *service)
{
	json_t *list = json_array();
	char text[ADDRESS_TEXT_LEN];

	for (size_t i = 0; i < service->listener_count; i++) {
		const struct config_listener *listener = &service->listeners[i];

		json_array_append_new(list,
				      json_sprintf("%s/%s", endpoint_format(&listener->addr, listener->port, text),
						   listener->protocol == IPPROTO_UDP ? "udp" : "tcp"));
	}
	return list;
}

static json_t *service_to_json(const struct controller *controller, const struct service *service, enum detail detail)
{
	const struct config_service *config = service->config;
	const struct state_service *now = &service->now;
	json_t *versions = json_array();

	for (size_t i = 0; i < now->version_count; i++)
		json_array_append_new(versions, version_to_json(controller, service, i, detail));
	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:s?, s:I, s:o, s:f, s:o, s:o}", "name", config->name, "protocol",
			 config_protocol_name(config), "forward", config_forward_name(config->forward), "affinity",
			 affinity_to_json(config), "listen", listeners_to_json(config), "baseline",
			 now->lost ? NULL : now->versions[now->baseline].name, "generation",
			 (json_int_t)now->generation, "changed", changed_to_json(&now->changed), "window_seconds",
			 window_span(&service->window, &service->newest), "versions", versions, "rollout",
			 controller_rollout_to_json(controller, service, false));
}

json_t *api_service_json(struct api_call *call)
{
	controller_refresh(call->controller);
	snprintf(call->response->etag, sizeof(call->response->etag), "\"%u\"", call->service->now.generation);
	return service_to_json(call->controller, call->service, ALL_OF_BACKENDS);
}

void api_answer_service(struct api_call *call)
{
	api_json(call, 200, api_service_json(call));
}

void api_get_service(struct api_call *call)
{
	api_answer_service(call);
}

/* "no": whoever looks every second looks at versions. */
static bool read_detail(struct api_call *call, enum detail *ret)
{
	const char *text = api_parameter(call, "backends");

	if (!text || !strcmp(text, "yes"))
		return true;
	if (strcmp(text, "no")) {
		api_error(call, 400, "bad_request", "backends is '%.32s', expected yes or no", text);
		return false;
	}
	*ret = NO_BACKENDS;
	return true;
}

void api_get_services(struct api_call *call)
{
	static const char *const names[] = { "backends", NULL };
	enum detail detail = NO_HTTP_OF_BACKENDS;
	json_t *list;

	if (!api_check_parameters(call, names) || !read_detail(call, &detail))
		return;
	list = json_array();
	controller_refresh(call->controller);
	for (size_t i = 0; i < call->controller->service_count; i++)
		json_array_append_new(list, service_to_json(call->controller, &call->controller->services[i], detail));
	api_json(call, 200,
		 json_pack("{s:o, s:o}", "services", list, "interfaces", devices_to_json(&call->controller->devices)));
}
