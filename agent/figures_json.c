/* SPDX-License-Identifier: BSD-2-Clause */
/* Counters and figures as JSON, and the names of what is counted. */
#include "figures_json.h"

#include <stdio.h>

const char *figures_failure_name(unsigned int failure)
{
	static const char *const names[SERIN_FAILURES] = {
#define NAME(upper, label, text) #label,
		SERIN_FAILURE_REASONS(NAME)
#undef NAME
	};

	return names[failure];
}

const char *figures_method_name(unsigned int method)
{
	static const char *const names[SERIN_HTTP_METHODS] = {
		[SERIN_HTTP_OTHER] = "other",   [SERIN_HTTP_GET] = "GET",         [SERIN_HTTP_HEAD] = "HEAD",
		[SERIN_HTTP_POST] = "POST",     [SERIN_HTTP_PUT] = "PUT",         [SERIN_HTTP_PATCH] = "PATCH",
		[SERIN_HTTP_DELETE] = "DELETE", [SERIN_HTTP_OPTIONS] = "OPTIONS",
	};

	return names[method];
}

const char *figures_class_name(unsigned int class)
{
	static const char *const names[SERIN_HTTP_CLASSES] = { "unread", "1xx", "2xx", "3xx", "4xx", "5xx" };

	return names[class];
}

const char *figures_server_error_name(unsigned int place, char buffer[8])
{
	if (place == SERIN_HTTP_SERVER_ERRORS - 1)
		return "other";
	snprintf(buffer, 8, "%u", 500 + place);
	return buffer;
}

static void set_count(json_t *to, const char *name, uint64_t count)
{
	json_object_set_new_nocheck(to, name, json_integer((json_int_t)count));
}

void figures_add_failures(json_t *to, const struct serin_stats *stats)
{
	json_t *failures = json_object();

	for (unsigned int i = 0; i < SERIN_FAILURES; i++)
		set_count(failures, figures_failure_name(i), stats->failures[i]);
	json_object_set_new(to, "failures", failures);
	set_count(to, "retransmits", stats->retransmits);
	set_count(to, "requests", stats->asked);
	set_count(to, "answered", stats->answered);
}

json_t *figures_http_json(const struct serin_observed *observed)
{
	json_t *classes = json_object(), *server_errors = json_object(), *methods = json_object();
	char buffer[8];
	unsigned int i;

	for (i = 1; i <= SERIN_HTTP_CLASSES; i++)
		set_count(classes, figures_class_name(i % SERIN_HTTP_CLASSES),
			  observed->classes[i % SERIN_HTTP_CLASSES]);
	for (i = 0; i < SERIN_HTTP_SERVER_ERRORS; i++) {
		if (observed->server_errors[i])
			set_count(server_errors, figures_server_error_name(i, buffer), observed->server_errors[i]);
	}
	for (i = 0; i < SERIN_HTTP_METHODS; i++) {
		if (observed->methods[i])
			set_count(methods, figures_method_name(i), observed->methods[i]);
	}
	return json_pack("{s:o, s:o, s:o}", "classes", classes, "server_errors", server_errors, "methods", methods);
}

static json_t *times_to_json(const struct figures_times *times)
{
	if (!times->samples)
		return json_null();
	return json_pack("{s:f, s:f, s:f, s:I}", "p50", times->p50, "p95", times->p95, "p99", times->p99, "samples",
			 (json_int_t)times->samples);
}

json_t *figures_to_json(const struct figures *figures)
{
	json_t *failures = json_object();

	for (unsigned int i = 0; i < SERIN_FAILURES; i++)
		json_object_set_new(failures, figures_failure_name(i), json_real(figures->failures_per_second[i]));
	json_object_set_new(failures, "http_5xx", json_real(figures->http_5xx_per_second));
	return json_pack("{s:f, s:f, s:f, s:I, s:I, s:f, s:o, s:o, s:o}", "seconds", figures->seconds,
			 "requests_per_second", figures->requests_per_second, "connections_per_second",
			 figures->connections_per_second, "failed", (json_int_t)figures->failed, "of",
			 (json_int_t)figures->of, "failure_ratio", figures->failure_ratio, "failures_per_second",
			 failures, "response", times_to_json(&figures->response), "handshake",
			 times_to_json(&figures->handshake));
}
