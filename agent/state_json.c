/* SPDX-License-Identifier: BSD-2-Clause */
/* The state as JSON. What is read is checked as strictly as what a stranger sends: it steers traffic. */
#include "state_json.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "scalar.h"
#include "trial_json.h"

static const char *const kind_names[] = {
	[STATE_START] = "start",   [STATE_WEIGHTS] = "weights", [STATE_ROLLBACK] = "rollback",
	[STATE_RELOAD] = "reload", [STATE_ROLLOUT] = "rollout", [STATE_BASELINE] = "baseline",
};
_Static_assert(sizeof(kind_names) / sizeof(kind_names[0]) == STATE_CHANGE_KINDS, "a name for each");

const char *state_change_kind_name(enum state_change_kind kind)
{
	return kind_names[kind];
}

static json_t *encode_service(const struct state_service *service)
{
	json_t *weights = json_object(), *value;

	for (size_t i = 0; i < service->version_count; i++)
		json_object_set_new(weights, service->versions[i].name, json_integer(service->versions[i].weight));
	value = json_pack("{s:I, s:I, s:I, s:s?, s:o, s:{s:s, s:I, s:s, s:s, s:b}}", "generation",
			  (json_int_t)service->generation, "epoch", (json_int_t)service->epoch, "rollout",
			  (json_int_t)service->rollout, "baseline",
			  service->lost ? NULL : service->versions[service->baseline].name, "weights", weights,
			  "changed", "by", service->changed.by, "at", (json_int_t)service->changed.at, "what",
			  kind_names[service->changed.kind], "reason", service->changed.reason, "reset",
			  service->changed.reset);
	if (service->trial.rollout.version[0] && json_object_set_new(value, "trial", trial_encode(&service->trial))) {
		json_decref(value);
		return NULL;
	}
	return value;
}

/* By service, a list of addresses. */
static json_t *encode_drains(const struct state *state)
{
	json_t *services = json_object();

	for (size_t i = 0; i < state->drain_count; i++) {
		json_t *list = json_object_get(services, state->drains[i].service);

		if (!list) {
			list = json_array();
			json_object_set_new(services, state->drains[i].service, list);
		}
		json_array_append_new(list, json_string(state->drains[i].backend));
	}
	return services;
}

char *state_encode(const struct state *state)
{
	json_t *services = json_object(), *devices = json_object(), *root;
	char *text = NULL, *line = NULL;

	for (size_t i = 0; i < state->service_count; i++)
		json_object_set_new(services, state->services[i].name, encode_service(&state->services[i]));
	for (size_t i = 0; i < SERIN_MAX_DEVICES; i++) {
		if (state->devices[i][0])
			json_object_set_new(devices, state->devices[i], json_integer((json_int_t)i));
	}
	root = json_pack("{s:i, s:o, s:o, s:o}", "format", STATE_FORMAT, "services", services, "devices", devices,
			 "drained", encode_drains(state));
	/* A value that could not be made is missing: better no text than one with a hole. */
	if (root && json_object_size(services) == state->service_count)
		text = json_dumps(root, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	json_decref(root);
	if (text && asprintf(&line, "%s\n", text) < 0)
		line = NULL;
	free(text);
	return line;
}

static int decode_name(char *room, size_t size, const char *name, const char *what, struct complaint *complaint)
{
	if (!name_is_valid(name, size))
		return complain(complaint, -EBADMSG, "\"%.64s\" is no name of a %s", name, what);
	memcpy(room, name, strlen(name) + 1);
	return 0;
}

static int decode_text(char *room, size_t size, const char *text, const char *what, struct complaint *complaint)
{
	if (strlen(text) >= size)
		return complain(complaint, -EBADMSG, "\"%s\" is longer than %zu bytes", what, size - 1);
	memcpy(room, text, strlen(text) + 1);
	return 0;
}

static int decode_weights(json_t *weights, struct state_service *ret, struct complaint *complaint)
{
	json_int_t sum = 0;
	const char *name;
	json_t *value;

	if (json_object_size(weights) > SERIN_MAX_VERSIONS)
		return complain(complaint, -EBADMSG, "%zu versions, expected at most %u", json_object_size(weights),
				SERIN_MAX_VERSIONS);
	json_object_foreach (weights, name, value) {
		struct state_version *version = &ret->versions[ret->version_count++];
		json_int_t weight = json_is_integer(value) ? json_integer_value(value) : -1;
		int r = decode_name(version->name, sizeof(version->name), name, "version", complaint);

		if (r)
			return r;
		if (weight < 0 || weight > SERIN_SLOTS)
			return complain(complaint, -EBADMSG, "weight of version \"%s\", expected 0 to %u", name,
					SERIN_SLOTS);
		version->weight = (uint16_t)weight;
		sum += weight;
	}
	if (sum != SERIN_SLOTS)
		return complain(complaint, -EBADMSG, "weights add up to %lld, expected %u", (long long)sum,
				SERIN_SLOTS);
	return 0;
}

static int decode_change(const char *by, json_int_t at, const char *what, const char *reason, struct state_change *ret,
			 struct complaint *complaint)
{
	int r, kind;

	for (kind = 0; kind < STATE_CHANGE_KINDS && strcmp(kind_names[kind], what); kind++)
		;
	if (kind == STATE_CHANGE_KINDS)
		return complain(complaint, -EBADMSG, "unknown change \"%.32s\"", what);
	ret->kind = (enum state_change_kind)kind;
	ret->at = at;
	r = decode_text(ret->by, sizeof(ret->by), by, "by", complaint);
	if (!r)
		r = decode_text(ret->reason, sizeof(ret->reason), reason, "reason", complaint);
	return r;
}

/* Null: lost. Whichever has all then only keeps the sum. */
static int decode_baseline(const json_t *value, struct state_service *ret, struct complaint *complaint)
{
	const char *name = json_string_value(value);
	int r = name ? state_find_version(ret, name) : 0;

	ret->lost = json_is_null(value);
	if (!name && !ret->lost)
		return complain(complaint, -EBADMSG, "service \"%s\": the baseline is no text", ret->name);
	if (r < 0)
		return complain(complaint, -EBADMSG, "service \"%s\": baseline \"%.32s\" is none of its versions",
				ret->name, name);
	ret->baseline = (size_t)r;
	for (size_t i = 0; ret->lost && i < ret->version_count; i++) {
		if (ret->versions[i].weight > ret->versions[ret->baseline].weight)
			ret->baseline = i;
	}
	return 0;
}

static int decode_trial(json_t *value, struct state_service *ret, struct complaint *complaint)
{
	struct complaint detail = { "" };
	int r = trial_decode(value, &ret->trial, &detail);

	if (r)
		return complain(complaint, r, "service \"%s\": %.400s", ret->name, detail.text);
	return 0;
}

static int decode_service(const char *name, json_t *value, struct state_service *ret, struct complaint *complaint)
{
	const char *by, *what, *reason;
	json_int_t generation, rollout, at, epoch = 0; /* nor of epochs */
	int reset = false;                             /* files from before there were resets do not say */
	json_error_t error;
	json_t *weights, *baseline, *trial;
	int r;

	if (json_unpack_ex(value, &error, 0, "{s:I, s:I, s?I, s:o, s:o, s:{s:s, s:I, s:s, s:s, s?b}}", "generation",
			   &generation, "rollout", &rollout, "epoch", &epoch, "baseline", &baseline, "weights",
			   &weights, "changed", "by", &by, "at", &at, "what", &what, "reason", &reason, "reset",
			   &reset))
		return complain(complaint, -EBADMSG, "service \"%.64s\": %s", name, error.text);
	if (generation < 1 || generation > UINT32_MAX || rollout < 0 || at < 0 || epoch < 0 || epoch > UINT32_MAX)
		return complain(complaint, -EBADMSG, "service \"%.64s\": a number is out of range", name);
	*ret = (struct state_service){ .generation = (uint32_t)generation,
				       .epoch = (uint32_t)epoch,
				       .rollout = (uint64_t)rollout };
	r = decode_name(ret->name, sizeof(ret->name), name, "service", complaint);
	if (!r)
		r = decode_weights(weights, ret, complaint);
	if (!r)
		r = decode_change(by, at, what, reason, &ret->changed, complaint);
	if (r)
		return r;
	ret->changed.reset = reset;
	r = decode_baseline(baseline, ret, complaint);
	if (r)
		return r;
	trial = json_object_get(value, "trial");
	return trial ? decode_trial(trial, ret, complaint) : 0;
}

static int decode_devices(json_t *devices, struct state *ret, struct complaint *complaint)
{
	const char *name;
	json_t *value;

	json_object_foreach (devices, name, value) {
		json_int_t id = json_is_integer(value) ? json_integer_value(value) : -1;

		if (id < 0 || id >= SERIN_MAX_DEVICES || ret->devices[id][0] || !*name ||
		    strlen(name) >= CONFIG_INTERFACE_LEN)
			return complain(complaint, -EBADMSG, "device \"%.64s\" has no usable id", name);
		memcpy(ret->devices[id], name, strlen(name) + 1);
	}
	return 0;
}

static int decode_services(json_t *services, struct state *ret, struct complaint *complaint)
{
	const char *name;
	json_t *value;

	json_object_foreach (services, name, value) {
		struct state_service service;
		int r = decode_service(name, value, &service, complaint);

		if (!r && state_put_service(ret, &service))
			r = complain(complaint, -ENOMEM, "not enough memory");
		if (r)
			return r;
	}
	return 0;
}

static int decode_drains(json_t *services, struct state *ret, struct complaint *complaint)
{
	json_t *list, *value;
	const char *name;
	size_t i;

	if (services && !json_is_object(services))
		return complain(complaint, -EBADMSG, "\"drained\" is no object");
	json_object_foreach (services, name, list) {
		if (!json_is_array(list))
			return complain(complaint, -EBADMSG, "drained backends of \"%.64s\", expected a list", name);
		json_array_foreach (list, i, value) {
			const char *text = json_string_value(value);
			struct endpoint endpoint;

			if (!name_is_valid(name, SERIN_NAME_LEN) || !text || backend_parse(text, &endpoint))
				return complain(complaint, -EBADMSG,
						"drained backend of \"%.64s\", expected an address", name);
			if (ret->drain_count >= SERIN_MAX_BACKENDS)
				return complain(complaint, -EBADMSG, "more than %u drained backends",
						SERIN_MAX_BACKENDS);
			if (state_set_drained(ret, name, text, true))
				return complain(complaint, -ENOMEM, "not enough memory");
		}
	}
	return 0;
}

int state_decode(const char *text, size_t length, struct state *ret, struct complaint *complaint)
{
	json_t *root, *services, *devices;
	struct state state = { 0 };
	json_error_t error;
	int format, r;

	root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		return complain(complaint, -EBADMSG, "line %d: %s", error.line, error.text);
	if (json_unpack_ex(root, &error, 0, "{s:i}", "format", &format))
		r = complain(complaint, -EBADMSG, "%s", error.text);
	else if (format > STATE_FORMAT)
		r = complain(complaint, -EPROTO, "format %d is of a newer serin, expected %d", format, STATE_FORMAT);
	else if (format != STATE_FORMAT)
		r = complain(complaint, -EBADMSG, "format %d, expected %d", format, STATE_FORMAT);
	else if (json_unpack_ex(root, &error, 0, "{s:o, s:o}", "services", &services, "devices", &devices) ||
		 !json_is_object(services) || !json_is_object(devices))
		r = complain(complaint, -EBADMSG, "expected the objects \"services\" and \"devices\"");
	else if (!(r = decode_services(services, &state, complaint)) &&
		 !(r = decode_devices(devices, &state, complaint)))
		r = decode_drains(json_object_get(root, "drained"), &state, complaint);
	if (r)
		state_free(&state);
	else
		*ret = state;
	json_decref(root);
	return r;
}
