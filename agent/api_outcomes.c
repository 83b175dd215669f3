/* SPDX-License-Identifier: BSD-2-Clause */
/* What applications say of their own requests: one outcome or a list, all of it checked before any of it counts. */
#include <string.h>

#include "api_call.h"
#include "controller_rollout.h"

#define MOST 1000        /* at a time */
#define MOST_OF_NAME 128 /* bytes that name a client */

/* Where in a list something is wrong; of a single outcome nothing is to be said. */
struct place {
	struct api_call *call;
	size_t number, of;
};

static bool refuse(const struct place *place, unsigned int status, const char *code, const char *what)
{
	if (place->of)
		api_error(place->call, status, code, "outcome %zu of %zu: %s", place->number, place->of, what);
	else
		api_error(place->call, status, code, "%s", what);
	return false;
}

static bool check_version(const struct place *place, const char *name)
{
	const struct state_service *now = &place->call->service->now;
	struct complaint complaint;

	for (size_t i = 0; i < now->version_count; i++) {
		if (!strcmp(now->versions[i].name, name))
			return true;
	}
	complain(&complaint, 0, "service %s has no version '%.64s'", now->name, name);
	return refuse(place, 404, "unknown_version", complaint.text);
}

static bool check(const struct place *place, const json_t *outcome)
{
	const json_t *client = json_object_get(outcome, "client");
	const char *version = json_string_value(json_object_get(outcome, "version"));
	size_t length = json_string_length(client);

	if (!json_is_object(outcome) || json_object_size(outcome) != 3 || !version || !client ||
	    !json_is_boolean(json_object_get(outcome, "failed")))
		return refuse(place, 400, "bad_request",
			      "no outcome, expected such as {\"version\": \"canary\", \"client\": \"198.51.100.7\", "
			      "\"failed\": true}");
	if (!length || length > MOST_OF_NAME)
		return refuse(place, 400, "bad_request",
			      "\"client\" names nobody, expected an address or a name of 1 to 128 bytes");
	return check_version(place, version);
}

static bool check_all(struct api_call *call, const json_t *body)
{
	struct place place = { .call = call };
	const json_t *outcome;

	if (!json_is_array(body))
		return check(&place, body);
	place.of = json_array_size(body);
	if (!place.of || place.of > MOST) {
		api_error(call, 400, "bad_request", "%zu outcomes, expected 1 to %d at a time", place.of, MOST);
		return false;
	}
	json_array_foreach (body, place.number, outcome) {
		const struct place here = { call, place.number + 1, place.of };

		if (!check(&here, outcome))
			return false;
	}
	return true;
}

static int take(struct api_call *call, const json_t *outcome, struct complaint *complaint)
{
	return controller_outcome(call->controller, call->service,
				  json_string_value(json_object_get(outcome, "version")),
				  json_string_value(json_object_get(outcome, "client")),
				  json_is_true(json_object_get(outcome, "failed")), complaint);
}

static void take_all(struct api_call *call, const json_t *body)
{
	size_t count = json_is_array(body) ? json_array_size(body) : 1;
	struct complaint complaint = { "" };

	for (size_t i = 0; i < count; i++) {
		if (!take(call, json_is_array(body) ? json_array_get(body, i) : body, &complaint))
			continue;
		api_error(call, 500, "internal", "%zu outcomes of %zu were taken: %s", i, count, complaint.text);
		return;
	}
	api_json(call, 200, json_pack("{s:I}", "taken", (json_int_t)count));
}

void api_post_outcomes(struct api_call *call)
{
	json_error_t error;
	json_t *body;

	body = json_loadb(call->request->body, call->request->body_length, JSON_REJECT_DUPLICATES, &error);
	if (!body)
		api_error(call, 400, "bad_request", "the body is no JSON: line %d, column %d: %s", error.line,
			  error.column, error.text);
	else if (check_all(call, body))
		take_all(call, body);
	json_decref(body);
}
