/* SPDX-License-Identifier: BSD-2-Clause */
/* What is sent to a Prometheus and what comes back. */
#include "prometheus.h"

#include <curl/curl.h>
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long a placeholder at `text` is, $NAME or ${NAME}; 0: there is none. */
static size_t placeholder(const char *text, const char *name)
{
	size_t length = strlen(name), braces = text[0] == '$' && text[1] == '{';

	if (text[0] != '$' || strncmp(text + 1 + braces, name, length) != 0)
		return 0;
	text += 1 + braces + length;
	if (braces)
		return *text == '}' ? length + 3 : 0;
	return isalnum((unsigned char)*text) || *text == '_' ? 0 : length + 1;
}

char *prometheus_fill(const char *query, const char *service, const char *version)
{
	size_t size = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	while (*query) {
		size_t length = placeholder(query, "version");
		const char *value = length ? version : service;

		if (!length)
			length = placeholder(query, "service");
		if (length)
			fputs(value, out);
		else
			putc(*query, out);
		query += length ? length : 1;
	}
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

bool prometheus_names_version(const char *query)
{
	while ((query = strchr(query, '$'))) {
		if (placeholder(query++, "version"))
			return true;
	}
	return false;
}

char *prometheus_url(const char *server, const char *query)
{
	char *encoded = curl_easy_escape(NULL, query, 0), *url = NULL;
	size_t length = strlen(server);

	while (length && server[length - 1] == '/')
		length--;
	if (encoded && asprintf(&url, "%.*s/api/v1/query?query=%s", (int)length, server, encoded) < 0)
		url = NULL;
	curl_free(encoded);
	return url;
}

static void __attribute__((format(printf, 2, 3))) unknown(struct prometheus_value *ret, const char *format, ...)
{
	va_list arguments;

	*ret = (struct prometheus_value){ .known = false };
	va_start(arguments, format);
	vsnprintf(ret->why, sizeof(ret->why), format, arguments);
	va_end(arguments);
}

/* [TIME, "VALUE"] */
static void read_sample(const json_t *sample, struct prometheus_value *ret)
{
	const char *text = json_string_value(json_array_get(sample, 1));
	char *end = NULL, quoted[64];
	double value = text ? strtod(text, &end) : 0;

	if (!text || !*text || *end)
		unknown(ret, "the answer is not Prometheus's: no number where the value should be");
	else if (!isfinite(value))
		unknown(ret, "the query's value is %s", fetch_quote(text, quoted, sizeof(quoted)));
	else
		*ret = (struct prometheus_value){ .known = true, .value = value };
}

static void read_vector(const json_t *result, struct prometheus_value *ret)
{
	size_t count = json_array_size(result);

	if (!json_is_array(result))
		unknown(ret, "the answer is not Prometheus's: no list of results");
	else if (!count)
		unknown(ret, "the query gives no value: no series matches it now");
	else if (count > 1)
		unknown(ret, "the query gives %zu series, expected one: sum() or avg() makes one of them", count);
	else
		read_sample(json_object_get(json_array_get(result, 0), "value"), ret);
}

static void read_data(const json_t *data, struct prometheus_value *ret)
{
	const char *type = json_string_value(json_object_get(data, "resultType"));
	const json_t *result = json_object_get(data, "result");
	char quoted[32];

	if (!type)
		unknown(ret, "the answer is not Prometheus's: no type of result");
	else if (!strcmp(type, "vector"))
		read_vector(result, ret);
	else if (!strcmp(type, "scalar"))
		read_sample(result, ret);
	else
		unknown(ret, "the query gives a %s, expected one value", fetch_quote(type, quoted, sizeof(quoted)));
}

/* With a status of 400, 422 or 503 too, Prometheus says in JSON what is wrong. */
static void read_body(const struct fetch_answer *answer, const json_t *body, struct prometheus_value *ret)
{
	const char *status = json_string_value(json_object_get(body, "status"));
	const char *error = json_string_value(json_object_get(body, "error"));
	char quoted[PROMETHEUS_WHY_LEN - 64];

	if (error)
		unknown(ret, "Prometheus refuses the query (status %d): %s", answer->status,
			fetch_quote(error, quoted, sizeof(quoted)));
	else if (answer->status != 200)
		unknown(ret, "status %d, expected 200", answer->status);
	else if (!status || strcmp(status, "success") != 0)
		unknown(ret, "the answer is not Prometheus's");
	else
		read_data(json_object_get(body, "data"), ret);
}

void prometheus_read(const struct fetch_answer *answer, struct prometheus_value *ret)
{
	json_t *body;

	if (!answer->status || answer->why[0]) {
		unknown(ret, "no answer from Prometheus: %.180s", answer->why);
		return;
	}
	if (answer->cut) {
		unknown(ret, "the answer is longer than %zu bytes, expected one value", answer->length);
		return;
	}
	body = json_loadb(answer->body, answer->length, 0, NULL);
	if (body || answer->status != 200)
		read_body(answer, body, ret);
	else
		unknown(ret, "the answer is not Prometheus's: no JSON");
	json_decref(body);
}
