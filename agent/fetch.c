/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests as libcurl transfers: set up, collected, and an end put into words. */
#include "fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scalar.h"
#include "transfers.h"

#define WHY_LEN 256

struct fetcher {
	struct transfers *transfers;
	struct fetch *first; /* all that are under way */
};

struct fetch {
	struct fetcher *fetcher;
	struct fetch *next, **link; /* link: what points here */
	fetch_fn fn;
	void *context;
	CURL *easy;
	struct curl_slist *headers;
	char *body; /* of the answer */
	size_t length, limit;
	unsigned int timeout_ms;
	int deaf; /* errno of a socket that could not be waited for */
	bool cut;
	char error[CURL_ERROR_SIZE];
};

static size_t receive(char *bytes, size_t size, size_t count, void *context)
{
	struct fetch *fetch = context;
	size_t room = fetch->limit - fetch->length, take;

	count *= size;
	take = count < room ? count : room;
	memcpy(fetch->body + fetch->length, bytes, take);
	fetch->length += take;
	fetch->cut = take < count;
	return take; /* less than all ends the transfer */
}

static int add_header(struct fetch *fetch, const char *line)
{
	struct curl_slist *longer = curl_slist_append(fetch->headers, line);

	if (!longer)
		return -ENOMEM;
	fetch->headers = longer;
	return 0;
}

static int set_request(struct fetch *fetch, const struct fetch_request *request)
{
	int failed = 0;

	failed |= curl_easy_setopt(fetch->easy, CURLOPT_URL, request->url);
	failed |= curl_easy_setopt(fetch->easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
	if (request->body) {
		failed |= curl_easy_setopt(fetch->easy, CURLOPT_COPYPOSTFIELDS, request->body);
		failed |= add_header(fetch, "Content-Type: application/json");
	}
	if (request->header)
		failed |= add_header(fetch, request->header);
	failed |= curl_easy_setopt(fetch->easy, CURLOPT_HTTPHEADER, fetch->headers);
	return failed;
}

static int set_always(struct fetch *fetch)
{
	CURL *easy = fetch->easy;
	int failed = 0;

	failed |= curl_easy_setopt(easy, CURLOPT_PRIVATE, fetch);
	failed |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, fetch->error);
	failed |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive);
	failed |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetch);
	failed |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	failed |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	failed |= curl_easy_setopt(easy, CURLOPT_USERAGENT, "serin/" SERIN_VERSION);
	failed |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/* A minute and more may pass until the next request: the server would have hung up. */
	failed |= curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	/* A name server that does not answer is waited for by a thread of libcurl's. Without this, the end of the
	 * transfer would wait for that thread, and the loop with it. */
	failed |= curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	return failed;
}

static struct fetch *fetch_free(struct fetch *fetch)
{
	curl_easy_cleanup(fetch->easy);
	curl_slist_free_all(fetch->headers);
	free(fetch->body);
	free(fetch);
	return NULL;
}

static struct fetch *fetch_new(const struct fetch_request *request)
{
	struct fetch *fetch = calloc(1, sizeof(*fetch));

	if (!fetch)
		return NULL;
	fetch->limit = request->limit;
	fetch->timeout_ms = request->timeout_ms;
	fetch->body = malloc(request->limit + 1);
	fetch->easy = curl_easy_init();
	if (!fetch->body || !fetch->easy || set_always(fetch) || set_request(fetch, request))
		return fetch_free(fetch);
	return fetch;
}

static void unlink_it(struct fetch *fetch)
{
	transfers_remove(fetch->fetcher->transfers, fetch->easy);
	*fetch->link = fetch->next;
	if (fetch->next)
		fetch->next->link = fetch->link;
}

int fetch_start(struct fetcher *fetcher, const struct fetch_request *request, fetch_fn fn, void *context,
		struct fetch **ret)
{
	struct fetch *fetch = fetch_new(request);

	if (!fetch)
		return -ENOMEM;
	fetch->fetcher = fetcher;
	fetch->fn = fn;
	fetch->context = context;
	if (transfers_add(fetcher->transfers, fetch->easy)) {
		fetch_free(fetch);
		return -ENOMEM;
	}
	transfers_kick(fetcher->transfers);
	fetch->next = fetcher->first;
	fetch->link = &fetcher->first;
	if (fetch->next)
		fetch->next->link = &fetch->next;
	fetcher->first = fetch;
	*ret = fetch;
	return 0;
}

struct fetch *fetch_cancel(struct fetch *fetch)
{
	if (!fetch)
		return NULL;
	unlink_it(fetch);
	return fetch_free(fetch);
}

static void explain(const struct fetch *fetch, CURLcode code, char why[WHY_LEN])
{
	char after[DURATION_TEXT_LEN];

	why[0] = '\0';
	if (code == CURLE_OK || fetch->cut)
		return;
	if (fetch->deaf) {
		snprintf(why, WHY_LEN, "epoll: %s", strerror(fetch->deaf));
	} else if (code != CURLE_OPERATION_TIMEDOUT) {
		fetch_quote(fetch->error[0] ? fetch->error : curl_easy_strerror(code), why, WHY_LEN);
	} else {
		snprintf(why, WHY_LEN, "timeout after %s", duration_format_ms(fetch->timeout_ms, after));
	}
}

static void on_done(void *context, CURL *easy, CURLcode code)
{
	struct fetch_answer answer = { 0 };
	struct fetch *fetch = NULL;
	curl_off_t retry_after = 0;
	char why[WHY_LEN];
	long status = 0;

	(void)context;
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &fetch);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &retry_after);
	unlink_it(fetch);
	explain(fetch, code, why);
	fetch->body[fetch->length] = '\0';
	answer.status = status >= 200 && status <= 999 ? (int)status : 0; /* "103 Early Hints" is no answer */
	answer.why = why[0] || answer.status ? why : "no answer that HTTP knows";
	answer.body = fetch->body;
	answer.length = fetch->length;
	answer.cut = fetch->cut;
	answer.retry_after = retry_after > 0 && retry_after < INT32_MAX ? (unsigned int)retry_after : 0;
	fetch->fn(fetch->context, &answer);
	fetch_free(fetch);
}

/* libcurl's own timer still ends it. */
static void on_deaf(void *context, CURL *easy, int error)
{
	struct fetch *fetch = NULL;

	(void)context;
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &fetch);
	if (fetch)
		fetch->deaf = error;
}

static const struct transfers_ops fetch_ops = { .done = on_done, .deaf = on_deaf };

int fetcher_new(struct loop *loop, struct fetcher **ret)
{
	struct fetcher *fetcher = calloc(1, sizeof(*fetcher));
	int r;

	if (!fetcher)
		return -ENOMEM;
	r = transfers_new(loop, &fetch_ops, fetcher, &fetcher->transfers);
	if (r) {
		free(fetcher);
		return r;
	}
	*ret = fetcher;
	return 0;
}

struct fetcher *fetcher_free(struct fetcher *fetcher)
{
	if (!fetcher)
		return NULL;
	while (fetcher->first)
		fetch_cancel(fetcher->first);
	transfers_free(fetcher->transfers);
	free(fetcher);
	return NULL;
}
