/* SPDX-License-Identifier: BSD-2-Clause */
/* A check as it was set: its copy, in the form that libcurl wants. */
#include "checker_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int make_url(const struct check *check, char **ret)
{
	char text[ADDRESS_TEXT_LEN];

	endpoint_format(&check->endpoint.addr, check->endpoint.port, text);
	return asprintf(ret, "http://%s%s", text, check->kind == CHECK_HTTP ? check->path : "/");
}

static int make_headers(struct checked *checked, const char *host)
{
	struct curl_slist *longer;

	/* Most servers then hang up first, and TIME_WAIT is theirs. */
	checked->headers = curl_slist_append(NULL, "Connection: close");
	if (!checked->headers || !host)
		return checked->headers ? 0 : -1;
	if (asprintf(&checked->host, "Host: %s", host) < 0) {
		checked->host = NULL;
		return -1;
	}
	longer = curl_slist_append(checked->headers, checked->host);
	return longer ? 0 : -1;
}

struct checked *checked_new(unsigned int id, const struct check *check)
{
	struct checked *checked = calloc(1, sizeof(*checked));

	if (!checked)
		return NULL;
	checked->id = id;
	checked->check = *check;
	checked->check.path = NULL;
	checked->check.host = NULL;
	if (make_url(check, &checked->url) < 0) {
		checked->url = NULL;
		return checked_free(checked);
	}
	if (check->kind == CHECK_HTTP && make_headers(checked, check->host))
		return checked_free(checked);
	return checked;
}

struct checked *checked_free(struct checked *checked)
{
	if (!checked)
		return NULL;
	curl_slist_free_all(checked->headers);
	free(checked->host);
	free(checked->url);
	free(checked);
	return NULL;
}

bool checked_equal(const struct checked *a, const struct checked *b)
{
	return a->check.kind == b->check.kind && a->check.status_first == b->check.status_first &&
	       a->check.status_last == b->check.status_last && a->check.every_ms == b->check.every_ms &&
	       a->check.timeout_ms == b->check.timeout_ms && !strcmp(a->url, b->url) &&
	       !strcmp(a->host ? a->host : "", b->host ? b->host : "");
}
