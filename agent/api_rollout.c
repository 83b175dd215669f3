/* SPDX-License-Identifier: BSD-2-Clause */
/* Wishes about rollouts, read strictly; the arithmetic behind a verdict; and /healthz, which says how the canary is. */
#include <stdio.h>
#include <string.h>

#include "api_call.h"
#include "controller_rollout.h"
#include "scalar.h"

static bool refuse(struct api_call *call, const char *what)
{
	api_error(call, 400, "bad_request", "%s", what);
	return false;
}

#define WISHES (ROLLOUT_FINISH + 1) /* kinds of events that somebody can ask for */

static bool read_action(struct api_call *call, const json_t *body, enum rollout_event_kind *ret)
{
	const char *text = json_string_value(json_object_get(body, "action"));

	for (unsigned int i = 0; text && i < WISHES; i++) {
		if (strcmp(text, rollout_event_name((enum rollout_event_kind)i)))
			continue;
		*ret = (enum rollout_event_kind)i;
		return true;
	}
	return refuse(call, "\"action\" is none, expected \"start\", \"pause\", \"resume\", \"promote\", \"abort\", "
			    "\"retry\" or \"finish\"");
}

/* What is ignored here would be taken for granted there. */
static bool check_keys(struct api_call *call, const json_t *body, enum rollout_event_kind kind)
{
	static const struct {
		const char *key;
		unsigned int kinds;
		const char *with;
	} only[] = {
		{ "version", 1u << ROLLOUT_START, "\"start\"" },
		{ "release", 1u << ROLLOUT_START | 1u << ROLLOUT_RETRY, "\"start\" and \"retry\"" },
		{ "blind", 1u << ROLLOUT_START | 1u << ROLLOUT_RETRY, "\"start\" and \"retry\"" },
		{ "flows", 1u << ROLLOUT_ABORT, "\"abort\"" },
	};

	for (size_t i = 0; i < sizeof(only) / sizeof(only[0]); i++) {
		const json_t *value = json_object_get(body, only[i].key);

		if (!value || json_is_null(value) || only[i].kinds & 1u << kind)
			continue;
		api_error(call, 400, "bad_request", "\"%s\" goes with %s, not with \"%s\"", only[i].key, only[i].with,
			  rollout_event_name(kind));
		return false;
	}
	return true;
}

static bool read_text(struct api_call *call, const json_t *body, const char *key, const char **ret)
{
	const json_t *value = json_object_get(body, key);

	if (!value || json_is_null(value))
		return true;
	if (!json_is_string(value) || !*json_string_value(value)) {
		api_error(call, 400, "bad_request", "\"%s\" is no text, expected a name", key);
		return false;
	}
	*ret = json_string_value(value);
	return true;
}

static bool read_blind(struct api_call *call, const json_t *body, bool *ret)
{
	const json_t *value = json_object_get(body, "blind");

	if (value && !json_is_boolean(value) && !json_is_null(value))
		return refuse(call, "\"blind\" is neither true nor false");
	*ret = json_is_true(value);
	return true;
}

static bool read_reset(struct api_call *call, const json_t *body, bool *room, const bool **ret)
{
	const json_t *value = json_object_get(body, "flows");
	const char *text = json_string_value(value);

	if (!value || json_is_null(value))
		return true;
	if (!text || (strcmp(text, "reset") && strcmp(text, "drain")))
		return refuse(call, "\"flows\" is neither, expected \"drain\" or \"reset\"");
	*room = !strcmp(text, "reset");
	*ret = room;
	return true;
}

void api_post_rollout(struct api_call *call)
{
	static const char *const keys[] = { "action", "version", "release", "blind", "reason", "flows", NULL };
	struct controller_request request = { .by = call->request->by };
	struct rollout_wish wish = { .version = NULL };
	struct complaint complaint = { "" };
	json_t *body = NULL;
	bool reset;

	if (!api_read_body(call, keys, &body))
		return;
	if (read_action(call, body, &wish.kind) && check_keys(call, body, wish.kind) &&
	    read_text(call, body, "version", &wish.version) && read_text(call, body, "release", &wish.release) &&
	    read_blind(call, body, &wish.blind) && read_reset(call, body, &reset, &wish.reset) &&
	    api_read_reason(call, body, &request) && api_read_if_match(call, &request))
		api_answer_change(call,
				  controller_rollout(call->controller, call->service, &request, &wish, &complaint),
				  &complaint);
	json_decref(body);
}

/* An object in any case: a client may take nothing else for JSON. */
void api_get_why(struct api_call *call)
{
	json_t *why;

	controller_refresh(call->controller);
	why = controller_rollout_to_json(call->controller, call->service, true);
	if (json_is_null(why))
		why = json_pack("{s:s, s:n}", "state", rollout_state_name(ROLLOUT_IDLE), "version");
	api_json(call, 200, why);
}

/* ---- /healthz -------------------------------------------------------------------------------------------------------- */

static const struct state_version *find_version(const struct state_service *now, const char *name)
{
	for (size_t i = 0; name && i < now->version_count; i++) {
		if (!strcmp(now->versions[i].name, name))
			return &now->versions[i];
	}
	return NULL;
}

/* Before the first rollout: the one on trial, where there is only one. */
static const struct state_version *only_trial(const struct state_service *now)
{
	return now->version_count == 2 && !now->lost ? &now->versions[!now->baseline] : NULL;
}

/* The judge's word while it has one; the kernel's goes before it. */
static const char *health_of(const json_t *rollout)
{
	const char *finding = json_string_value(json_object_get(json_object_get(rollout, "judge"), "finding"));

	return json_is_true(json_object_get(json_object_get(rollout, "guard"), "tripped")) ? "regression" : finding;
}

/* For whoever asks, so without releases, reasons and addresses. */
static json_t *canary_to_json(const struct controller *controller, const struct service *service)
{
	json_t *rollout = controller_rollout_to_json(controller, service, false), *json;
	const struct state_service *now = &service->now;
	const char *state = json_string_value(json_object_get(rollout, "state"));
	bool runs = state && strcmp(state, rollout_state_name(ROLLOUT_IDLE));
	const struct state_version *version = NULL;
	char share[SHARE_TEXT_LEN];

	if (runs)
		version = find_version(now, json_string_value(json_object_get(rollout, "version")));
	if (!version)
		version = only_trial(now);
	json = json_pack("{s:s?, s:s?, s:s?, s:s, s:s?}", "baseline",
			 now->lost ? NULL : now->versions[now->baseline].name, "version",
			 version ? version->name : NULL, "share", version ? share_format(version->weight, share) : NULL,
			 "rollout", runs ? state : rollout_state_name(ROLLOUT_IDLE), "health",
			 runs ? health_of(rollout) : NULL);
	json_decref(rollout);
	return json;
}

void api_get_healthz(struct api_call *call)
{
	const struct controller *controller = call->controller;
	json_t *canaries = json_object();

	for (size_t i = 0; i < controller->service_count; i++)
		json_object_set_new(canaries, controller->services[i].config->name,
				    canary_to_json(controller, &controller->services[i]));
	api_json(call, 200, json_pack("{s:s, s:o}", "status", "ok", "canary", canaries));
}
