/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests that change something: read strictly, then handed to the controller. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api_call.h"
#include "scalar.h"

static bool refuse(struct api_call *call, const char *what)
{
	api_error(call, 400, "bad_request", "%s", what);
	return false;
}

bool api_read_body(struct api_call *call, const char *const *keys, json_t **ret)
{
	json_error_t error;
	json_t *body, *value;
	const char *key;
	size_t i;

	body = json_loadb(call->request->body, call->request->body_length, JSON_REJECT_DUPLICATES, &error);
	if (!body) {
		api_error(call, 400, "bad_request", "the body is no JSON object: line %d, column %d: %s", error.line,
			  error.column, error.text);
		return false;
	}
	if (!json_is_object(body)) {
		json_decref(body);
		return refuse(call, "the body is no JSON object");
	}
	json_object_foreach (body, key, value) {
		for (i = 0; keys[i] && strcmp(keys[i], key); i++)
			;
		if (!keys[i]) {
			api_error(call, 400, "bad_request", "unknown key \"%.64s\"", key);
			json_decref(body);
			return false;
		}
	}
	*ret = body;
	return true;
}

bool api_read_reason(struct api_call *call, const json_t *body, struct controller_request *request)
{
	const json_t *reason = json_object_get(body, "reason");

	if (!reason || json_is_null(reason))
		return true;
	if (!json_is_string(reason))
		return refuse(call, "\"reason\" is no text");
	if (json_string_length(reason) >= STATE_REASON_LEN) {
		api_error(call, 400, "bad_request", "\"reason\" has %zu bytes, expected at most %d",
			  json_string_length(reason), STATE_REASON_LEN - 1);
		return false;
	}
	request->reason = json_string_value(reason);
	return true;
}

/* If-Match: "7" (RFC 9110, section 13.1.1); a star matches every service that is there. */
bool api_read_if_match(struct api_call *call, struct controller_request *request)
{
	const char *text = call->request->if_match;
	char number[16];
	size_t length;
	unsigned int generation;

	if (!text || !strcmp(text, "*"))
		return true;
	length = strlen(text);
	if (length < 3 || length > sizeof(number) || text[0] != '"' || text[length - 1] != '"')
		return refuse(call, "If-Match is no generation, expected the ETag of the service, such as \"7\"");
	memcpy(number, text + 1, length - 2);
	number[length - 2] = '\0';
	if (parse_unsigned(number, 0, UINT32_MAX, &generation))
		return refuse(call, "If-Match is no generation, expected the ETag of the service, such as \"7\"");
	request->has_generation = true;
	request->generation = generation;
	return true;
}

static bool read_wishes(struct api_call *call, const json_t *body, struct weights_wish wishes[SERIN_MAX_VERSIONS],
			size_t *ret_count)
{
	json_t *weights = json_object_get(body, "weights"), *value;
	const char *name;
	size_t count = 0;

	if (!json_is_object(weights) || !json_object_size(weights))
		return refuse(call,
			      "\"weights\" names no version, expected such as {\"weights\": {\"canary\": \"5%\"}}");
	if (json_object_size(weights) > SERIN_MAX_VERSIONS) {
		api_error(call, 400, "bad_request", "\"weights\" names %zu versions, expected at most %u",
			  json_object_size(weights), SERIN_MAX_VERSIONS);
		return false;
	}
	json_object_foreach (weights, name, value) {
		wishes[count].version = name;
		if (!json_is_string(value)) {
			api_error(call, 400, "bad_request", "the share of '%.64s' is no text, expected %s", name,
				  EXPECTED_SHARE);
			return false;
		}
		if (parse_share(json_string_value(value), &wishes[count].weight)) {
			api_error(call, 400, "bad_request", "'%.32s' is no share for '%.64s', expected %s",
				  json_string_value(value), name, EXPECTED_SHARE);
			return false;
		}
		count++;
	}
	*ret_count = count;
	return true;
}

void api_answer_change(struct api_call *call, int error, const struct complaint *complaint)
{
	switch (error) {
	case 0:
		api_answer_service(call);
		break;
	case -ESTALE:
		api_error(call, 409, "generation_mismatch", "%s", complaint->text);
		break;
	case -EBUSY:
		api_error(call, 409, "rollout_state", "%s", complaint->text);
		break;
	case -ENODATA:
		api_error(call, 409, "baseline_unknown", "%s", complaint->text);
		break;
	case -ENOENT:
		api_error(call, 404, "unknown_version", "%s", complaint->text);
		break;
	case -EINVAL:
		api_error(call, 400, "bad_request", "%s", complaint->text);
		break;
	default:
		api_error(call, 500, "internal", "%s", complaint->text);
	}
}

void api_put_weights(struct api_call *call)
{
	static const char *const keys[] = { "weights", "reason", NULL };
	struct controller_request request = { .by = call->request->by };
	struct weights_wish wishes[SERIN_MAX_VERSIONS];
	struct complaint complaint = { "" };
	json_t *body = NULL;
	size_t count = 0;
	int r;

	if (!api_read_body(call, keys, &body))
		return;
	if (read_wishes(call, body, wishes, &count) && api_read_reason(call, body, &request) &&
	    api_read_if_match(call, &request)) {
		r = controller_set_weights(call->controller, call->service, &request, wishes, count, &complaint);
		api_answer_change(call, r, &complaint);
	}
	json_decref(body);
}

/* As the judge would: the rollout's on_rollback, or the service's where none has taken shares. */
static enum leaving_mode flows_unless_said(const struct service *service)
{
	const struct rollout *rollout = &service->now.trial.rollout;
	bool reset = service->config->on_rollback == CONFIG_FLOWS_RESET;

	if (rollout_is_judged(rollout) || rollout->state == ROLLOUT_COMPLETED)
		reset = rollout->schedule.reset;
	return reset ? LEAVING_RESET : LEAVING_DRAIN;
}

static bool read_flows(struct api_call *call, const json_t *body, struct controller_request *request)
{
	const json_t *flows = json_object_get(body, "flows");
	const char *text = json_string_value(flows);

	if (!flows || json_is_null(flows))
		request->flows = flows_unless_said(call->service);
	else if (text && !strcmp(text, "reset"))
		request->flows = LEAVING_RESET;
	else if (text && !strcmp(text, "drain"))
		request->flows = LEAVING_DRAIN;
	else
		return refuse(call, "\"flows\" is neither, expected \"drain\" or \"reset\"");
	return true;
}

/* The service, and what becomes of the connections. */
static void answer_rollback(struct api_call *call, const struct controller_request *request)
{
	json_t *service = api_service_json(call);

	json_object_set_new(service, "flows", json_string(request->flows == LEAVING_RESET ? "reset" : "drain"));
	api_json(call, 200, service);
}

void api_post_rollback(struct api_call *call)
{
	static const char *const keys[] = { "reason", "flows", NULL };
	struct controller_request request = { .by = call->request->by };
	struct complaint complaint = { "" };
	json_t *body = NULL;
	int r;

	if (call->request->body_length && !api_read_body(call, keys, &body))
		return;
	if (read_flows(call, body, &request) && api_read_reason(call, body, &request) &&
	    api_read_if_match(call, &request)) {
		r = controller_rollback(call->controller, call->service, &request, &complaint);
		if (r)
			api_answer_change(call, r, &complaint);
		else
			answer_rollback(call, &request);
	}
	json_decref(body);
}

void api_post_baseline(struct api_call *call)
{
	static const char *const keys[] = { "version", "reason", NULL };
	struct controller_request request = { .by = call->request->by };
	struct complaint complaint = { "" };
	const char *version;
	json_t *body = NULL;
	int r;

	if (!api_read_body(call, keys, &body))
		return;
	version = json_string_value(json_object_get(body, "version"));
	if (!version) {
		refuse(call, "\"version\" is no text, expected the name of the version that is the baseline");
	} else if (api_read_reason(call, body, &request) && api_read_if_match(call, &request)) {
		r = controller_set_baseline(call->controller, call->service, &request, version, &complaint);
		if (r == -EBUSY)
			api_error(call, 409, "baseline_known", "%s", complaint.text);
		else
			api_answer_change(call, r, &complaint);
	}
	json_decref(body);
}

/* "drain" or "ready". */
static bool read_state(struct api_call *call, const json_t *body, bool *ret_drain)
{
	const char *state = json_string_value(json_object_get(body, "state"));

	if (!state || (strcmp(state, "drain") && strcmp(state, "ready")))
		return refuse(call, "\"state\" is neither, expected \"drain\" or \"ready\"");
	*ret_drain = !strcmp(state, "drain");
	return true;
}

void api_post_backend(struct api_call *call)
{
	static const char *const keys[] = { "address", "state", "reason", NULL };
	struct controller_request request = { .by = call->request->by };
	struct complaint complaint = { "" };
	json_t *body = NULL;
	const char *address;
	bool drain;
	int r;

	if (!api_read_body(call, keys, &body))
		return;
	address = json_string_value(json_object_get(body, "address"));
	if (!address) {
		refuse(call, "\"address\" is no text, expected a backend's such as \"10.0.0.11:3000\"");
	} else if (read_state(call, body, &drain) && api_read_reason(call, body, &request)) {
		r = controller_drain_backend(call->controller, call->service, &request, address, drain, &complaint);
		if (r == -ENOENT)
			api_error(call, 404, "unknown_backend", "%s", complaint.text);
		else
			api_answer_change(call, r, &complaint);
	}
	json_decref(body);
}
