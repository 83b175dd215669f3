/* SPDX-License-Identifier: BSD-2-Clause */
/* libcurl carries the bytes, jansson reads them. */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "client.h"

struct answer {
	char *bytes;
	size_t length;
};

struct client {
	CURL *curl;
	struct curl_slist *body_headers;
	char *socket_path;
};

int client_open(const char *socket_path, struct client **ret, struct complaint *complaint)
{
	size_t longest = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;
	struct client *client;

	if (strlen(socket_path) > longest)
		return complain(complaint, -ENAMETOOLONG, "the socket's path has %zu bytes, expected %zu at most",
				strlen(socket_path), longest);
	client = calloc(1, sizeof(*client));
	if (!client)
		goto no_memory;
	client->socket_path = strdup(socket_path);
	/* curl would ask "Expect: 100-continue" and wait a second for an answer that small servers do not give. */
	client->body_headers = curl_slist_append(NULL, "Expect:");
	if (client->body_headers)
		curl_slist_append(client->body_headers, "Content-Type: application/json");
	client->curl = curl_easy_init();
	if (!client->socket_path || !client->body_headers || !client->curl)
		goto no_memory;
	*ret = client;
	return 0;
no_memory:
	client_close(client);
	return complain(complaint, -ENOMEM, "out of memory");
}

struct client *client_close(struct client *client)
{
	if (!client)
		return NULL;
	curl_easy_cleanup(client->curl);
	curl_slist_free_all(client->body_headers);
	free(client->socket_path);
	free(client);
	return NULL;
}

char *client_service_path(const char *service, const char *rest)
{
	char *name = curl_easy_escape(NULL, service, 0);
	char *path;

	if (!name)
		return NULL;
	if (asprintf(&path, "/v1/services/%s%s", name, rest) < 0)
		path = NULL;
	curl_free(name);
	return path;
}

char *client_encode(const char *text)
{
	char *encoded = curl_easy_escape(NULL, text, 0), *copy = encoded ? strdup(encoded) : NULL;

	curl_free(encoded);
	return copy;
}

/* Returning less than was given makes curl give up with CURLE_WRITE_ERROR. */
static size_t receive(char *bytes, size_t size, size_t count, void *context)
{
	struct answer *answer = context;
	char *grown;

	count *= size;
	if (count > CLIENT_MAX_ANSWER - answer->length)
		return 0;
	grown = realloc(answer->bytes, answer->length + count);
	if (!grown)
		return 0;
	memcpy(grown + answer->length, bytes, count);
	answer->bytes = grown;
	answer->length += count;
	return count;
}

static int prepare(struct client *client, const char *method, const char *url, const char *body, struct answer *answer)
{
	CURL *curl = client->curl;
	int failed = 0;

	curl_easy_reset(curl); /* connections are kept */
	failed |= curl_easy_setopt(curl, CURLOPT_URL, url);
	failed |= curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, client->socket_path);
	/* http_proxy in the environment would send the request there, through the agent's socket. */
	failed |= curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	failed |= curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L); /* a service named ".." is the agent's to refuse */
	failed |= curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	failed |= curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, CLIENT_TIMEOUT_MS);
	failed |= curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
	failed |= curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
	if (body) {
		failed |= curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
		failed |= curl_easy_setopt(curl, CURLOPT_HTTPHEADER, client->body_headers);
	}
	failed |= curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	return failed ? -ENOMEM : 0;
}

static int complain_connect(struct client *client, struct complaint *complaint)
{
	long error = 0;

	curl_easy_getinfo(client->curl, CURLINFO_OS_ERRNO, &error);
	if (error == EACCES || error == EPERM)
		return complain(complaint, -EACCES,
				"permission denied on %s (root, or the group that owns it, may use it)",
				client->socket_path);
	return complain(complaint, error ? -(int)error : -ECONNREFUSED,
			"no agent answers on %s (is `serin run` running?)", client->socket_path);
}

static int complain_transfer(struct client *client, CURLcode code, struct complaint *complaint)
{
	switch (code) {
	case CURLE_COULDNT_CONNECT:
		return complain_connect(client, complaint);
	case CURLE_OPERATION_TIMEDOUT:
		return complain(complaint, -ETIMEDOUT, "the agent on %s did not answer within %ld s",
				client->socket_path, CLIENT_TIMEOUT_MS / 1000);
	case CURLE_OUT_OF_MEMORY:
		return complain(complaint, -ENOMEM, "out of memory");
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
		return complain(complaint, -ECONNRESET, "the agent on %s hung up before its answer was complete",
				client->socket_path);
	case CURLE_WRITE_ERROR:
		return complain(complaint, -EBADMSG, "the answer on %s is too large, expected %u MiB at most",
				client->socket_path, CLIENT_MAX_ANSWER >> 20);
	default:
		return complain(complaint, -EBADMSG, "what answers on %s is not serin's agent: %s", client->socket_path,
				curl_easy_strerror(code));
	}
}

static int complain_refusal(const json_t *answer, long status, struct complaint *complaint)
{
	const char *message = json_string_value(json_object_get(json_object_get(answer, "error"), "message"));

	if (message)
		return complain(complaint, -EREMOTEIO, "%s", message);
	return complain(complaint, -EREMOTEIO, "the agent refuses with HTTP status %ld and gives no reason", status);
}

static int read_answer(struct client *client, const struct answer *answer, json_t **ret, struct complaint *complaint)
{
	json_error_t where;
	long status = 0;
	json_t *value;

	curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
	value = json_loadb(answer->bytes ? answer->bytes : "", answer->length, JSON_REJECT_DUPLICATES, &where);
	if (status < 200 || status > 299) {
		complain_refusal(value, status, complaint);
		json_decref(value);
		return -EREMOTEIO;
	}
	if (!value)
		return complain(complaint, -EBADMSG, "the answer on %s is not JSON (line %d, column %d: %s)",
				client->socket_path, where.line, where.column, where.text);
	*ret = value;
	return 0;
}

int client_call(struct client *client, const char *method, const char *path, const json_t *body, json_t **ret,
		struct complaint *complaint)
{
	struct answer answer = { NULL, 0 };
	char *url = NULL, *text = NULL;
	CURLcode code;
	int error;

	if (asprintf(&url, "http://localhost%s", path) < 0)
		url = NULL;
	if (body)
		text = json_dumps(body, JSON_COMPACT);
	error = !url || (body && !text) ? -ENOMEM : prepare(client, method, url, text, &answer);
	if (error) {
		complain(complaint, error, "out of memory");
		goto out;
	}
	code = curl_easy_perform(client->curl);
	error = code ? complain_transfer(client, code, complaint) : read_answer(client, &answer, ret, complaint);
out:
	free(answer.bytes);
	free(text);
	free(url);
	return error;
}
