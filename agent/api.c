/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of routes, and finding the one that was asked for. */
#include "api.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api_call.h"

enum route_access { FOR_ANYBODY, FOR_READERS, FOR_CHANGES };

static void get_readyz(struct api_call *call)
{
	struct complaint reason = { "" };

	if (controller_ready(call->controller, &reason))
		api_json(call, 503, json_pack("{s:b, s:s}", "ready", 0, "reason", reason.text));
	else
		api_json(call, 200, json_pack("{s:b}", "ready", 1));
}

/* "*" stands for a service's name. */
static const struct route {
	const char *method, *path;
	enum route_access access;
	void (*fn)(struct api_call *call);
	bool takes_parameters; /* and checks them itself */
} routes[] = {
	{ "GET", "/", FOR_READERS, api_get_page, false },
	{ "GET", "/page.css", FOR_READERS, api_get_page, false },
	{ "GET", "/figures.js", FOR_READERS, api_get_page, false },
	{ "GET", "/rollout.js", FOR_READERS, api_get_page, false },
	{ "GET", "/charts.js", FOR_READERS, api_get_page, false },
	{ "GET", "/live.js", FOR_READERS, api_get_page, false },
	{ "GET", "/healthz", FOR_ANYBODY, api_get_healthz, false },
	{ "GET", "/readyz", FOR_ANYBODY, get_readyz, false },
	{ "GET", "/metrics", FOR_READERS, api_get_metrics, false },
	{ "GET", "/v1/events", FOR_READERS, api_get_events, true },
	{ "GET", "/v1/services", FOR_READERS, api_get_services, true },
	{ "GET", "/v1/services/*", FOR_READERS, api_get_service, false },
	{ "GET", "/v1/services/*/explain", FOR_READERS, api_get_explain, true },
	{ "GET", "/v1/services/*/flows", FOR_READERS, api_get_flows, true },
	{ "GET", "/v1/services/*/history", FOR_READERS, api_get_history, true },
	{ "GET", "/v1/services/*/why", FOR_READERS, api_get_why, false },
	{ "PUT", "/v1/services/*/weights", FOR_CHANGES, api_put_weights, false },
	{ "POST", "/v1/services/*/backend", FOR_CHANGES, api_post_backend, false },
	{ "POST", "/v1/services/*/baseline", FOR_CHANGES, api_post_baseline, false },
	{ "POST", "/v1/services/*/rollback", FOR_CHANGES, api_post_rollback, false },
	{ "POST", "/v1/services/*/rollout", FOR_CHANGES, api_post_rollout, false },
	{ "POST", "/v1/services/*/outcomes", FOR_CHANGES, api_post_outcomes, false },
	{ "POST", "/v1/reload", FOR_CHANGES, api_post_reload, false },
};

#define ROUTES (sizeof(routes) / sizeof(routes[0]))

/* jansson takes no broken UTF-8, and messages quote what strangers send. */
static json_t *make_string(char *text)
{
	json_t *string = json_string(text);

	if (string)
		return string;
	for (char *c = text; *c; c++) {
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	}
	return json_string(text);
}

void api_error(struct api_call *call, unsigned int status, const char *code, const char *format, ...)
{
	char message[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	call->response->challenge = status == 401;
	api_json(call, status, json_pack("{s:{s:s, s:o}}", "error", "code", code, "message", make_string(message)));
}

void api_json(struct api_call *call, unsigned int status, json_t *value)
{
	char *text = value ? json_dumps(value, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(6)) : NULL;
	size_t length = text ? strlen(text) : 0;
	char *line = realloc(text, length + 2);

	json_decref(value);
	if (!length || !line) {
		free(line ? line : text);
		call->response->status = 500;
		return;
	}
	memcpy(line + length, "\n", 2);
	call->response->status = status;
	call->response->content_type = "application/json";
	call->response->body = line;
	call->response->body_length = length + 1;
}

const char *api_parameter(const struct api_call *call, const char *name)
{
	for (size_t i = 0; i < call->request->parameter_count; i++) {
		if (!strcmp(call->request->parameters[i].name, name))
			return call->request->parameters[i].value;
	}
	return NULL;
}

static bool is_among(const char *name, const char *const *names)
{
	for (; *names; names++) {
		if (!strcmp(name, *names))
			return true;
	}
	return false;
}

bool api_check_parameters(struct api_call *call, const char *const *names)
{
	const struct http_request *request = call->request;
	size_t i, j;

	if (request->parameter_count > HTTP_MAX_PARAMETERS) {
		api_error(call, 400, "bad_request", "%zu parameters, expected at most %d", request->parameter_count,
			  HTTP_MAX_PARAMETERS);
		return false;
	}
	for (i = 0; i < request->parameter_count; i++) {
		const char *name = request->parameters[i].name;

		if (!is_among(name, names)) {
			api_error(call, 400, "bad_request", "unknown parameter '%.64s'", name);
			return false;
		}
		for (j = 0; j < i; j++) {
			if (!strcmp(request->parameters[j].name, name)) {
				api_error(call, 400, "bad_request", "parameter '%s' is given twice", name);
				return false;
			}
		}
	}
	return true;
}

/* Whether `path` fits; *ret_name and its length are what "*" stands for. */
static bool match(const char *pattern, const char *path, const char **ret_name, size_t *ret_length)
{
	const char *star = strchr(pattern, '*');
	size_t head = star ? (size_t)(star - pattern) : strlen(pattern);
	size_t length;

	if (strncmp(path, pattern, head))
		return false;
	if (!star)
		return !path[head];
	length = strcspn(path + head, "/");
	if (!length || strcmp(path + head + length, star + 1))
		return false;
	*ret_name = path + head;
	*ret_length = length;
	return true;
}

/* HEAD is GET, of which the transport keeps the body back. */
static bool is_method(const struct route *route, const char *method)
{
	return !strcmp(route->method, method) || (!strcmp(method, "HEAD") && !strcmp(route->method, "GET"));
}

static bool is_allowed(struct api_call *call, enum route_access access)
{
	const struct http_request *request = call->request;

	if (access == FOR_ANYBODY || request->access == HTTP_MAY_CHANGE ||
	    (access == FOR_READERS && request->access == HTTP_MAY_READ))
		return true;
	if (access == FOR_CHANGES && !request->has_token_file)
		api_error(call, 403, "changes_disabled",
			  "no changes over TCP without http.token_file in the configuration; use the Unix socket");
	else if (access == FOR_CHANGES)
		api_error(call, 401, "token_required",
			  "a change over TCP needs 'Authorization: Bearer TOKEN' with the token of http.token_file");
	else
		api_error(call, 401, "token_required",
			  "reading from another host needs 'Authorization: Bearer TOKEN' with the token of "
			  "http.token_file");
	return false;
}

static bool find_service(struct api_call *call, const char *name, size_t length)
{
	char names[400] = "";
	size_t used = 0;

	for (size_t i = 0; i < call->controller->service_count; i++) {
		struct service *service = &call->controller->services[i];

		if (strlen(service->config->name) == length && !memcmp(service->config->name, name, length)) {
			call->service = service;
			return true;
		}
		if (used < sizeof(names))
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
						 service->config->name);
	}
	api_error(call, 404, "unknown_service", "no service named '%.*s', there are: %s%s",
		  (int)(length < 64 ? length : 64), name, names, used >= sizeof(names) ? "..." : "");
	return false;
}

static void refuse_path(struct api_call *call, const char *allow)
{
	if (!*allow) {
		api_error(call, 404, "not_found", "there is nothing at '%.200s'", call->request->path);
		return;
	}
	snprintf(call->response->allow, sizeof(call->response->allow), "%s", allow);
	api_error(call, 405, "method_not_allowed", "%.16s is not possible there, expected %s", call->request->method,
		  allow);
}

static void run(struct api_call *call, const struct route *route, const char *name, size_t length)
{
	static const char *const none[] = { NULL };

	if (!is_allowed(call, route->access))
		return;
	if (call->request->body_too_large) {
		api_error(call, 413, "too_large", "the body is too large, expected at most %u bytes", HTTP_MAX_BODY);
		return;
	}
	if (name && !find_service(call, name, length))
		return;
	if (!route->takes_parameters && !api_check_parameters(call, none))
		return;
	route->fn(call);
}

void api_handle(void *controller, const struct http_request *request, struct http_response *response)
{
	struct api_call call = { .controller = controller, .request = request, .response = response };
	char allow[64] = "";
	size_t length = 0;

	for (size_t i = 0; i < ROUTES; i++) {
		const char *name = NULL;

		if (!match(routes[i].path, request->path, &name, &length))
			continue;
		if (is_method(&routes[i], request->method)) {
			run(&call, &routes[i], name, length);
			return;
		}
		snprintf(allow, sizeof(allow), "%s", strcmp(routes[i].method, "GET") ? routes[i].method : "GET, HEAD");
	}
	refuse_path(&call, allow);
}
