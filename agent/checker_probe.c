/* SPDX-License-Identifier: BSD-2-Clause */
/* One check as a libcurl transfer: how it is set up, where it is cut short, and what its end means. */
#include "checker_private.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "scalar.h"

#define SMALLEST_BUFFER 1024L /* that libcurl takes: a status line is shorter */

/* A socket of our own making: libcurl would not say why there was none. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct probe *probe = context;
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->protocol);

	(void)purpose;
	if (fd < 0)
		probe->local_error = errno;
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/* "HTTP/1.1 200 OK": the 200, or -1. */
static int parse_status(const char *line, size_t length)
{
	const char *space = memchr(line, ' ', length);
	size_t rest = space ? length - (size_t)(space - line) : 0;
	int status = 0;

	if (rest < 5 || !strchr(" \r\n", space[4])) /* always ends with a newline */
		return -1;
	for (int i = 1; i <= 3; i++) {
		if (space[i] < '0' || space[i] > '9')
			return -1;
		status = 10 * status + (space[i] - '0');
	}
	return status >= 100 ? status : -1;
}

/* The status line decides. Whatever comes behind it is not worth waiting for, so the transfer ends here with
 * CURLE_WRITE_ERROR; but "103 Early Hints" and the like are no answers. */
static size_t receive_header(char *line, size_t size, size_t count, void *context)
{
	struct probe *probe = context;
	int status;

	count *= size;
	if (count < 5 || memcmp(line, "HTTP/", 5) != 0)
		return count;
	status = parse_status(line, count);
	if (status >= 100 && status < 200 && status != 101)
		return count;
	probe->status = status;
	return 0;
}

static size_t receive_body(char *bytes, size_t size, size_t count, void *context)
{
	(void)bytes;
	(void)size;
	(void)count;
	(void)context;
	return 0;
}

static int set_for_good(struct probe *probe)
{
	CURL *easy = probe->easy;
	int failed = 0;

	failed |= curl_easy_setopt(easy, CURLOPT_PRIVATE, probe);
	failed |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	failed |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, probe);
	failed |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, receive_header);
	failed |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, probe);
	failed |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive_body);
	failed |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
	failed |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	failed |= curl_easy_setopt(easy, CURLOPT_USERAGENT, "serin/" SERIN_VERSION);
	failed |= curl_easy_setopt(easy, CURLOPT_NOPROXY, "*"); /* whatever http_proxy says in the environment */
	failed |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	failed |= curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	/* That a server takes new connections is what a check is to show. */
	failed |= curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	failed |= curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	/* Addresses are remembered like names, and the memory is walked through at the end of every transfer. */
	failed |= curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	failed |= curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, SMALLEST_BUFFER);
	return failed;
}

struct probe *probe_new(void)
{
	struct probe *probe = calloc(1, sizeof(*probe));

	if (!probe)
		return NULL;
	probe->easy = curl_easy_init();
	if (!probe->easy || set_for_good(probe))
		return probe_free(probe);
	return probe;
}

struct probe *probe_free(struct probe *probe)
{
	if (!probe)
		return NULL;
	curl_easy_cleanup(probe->easy);
	free(probe);
	return NULL;
}

int probe_aim(struct probe *probe, struct checked *checked, int64_t now_ms)
{
	int failed = 0;

	failed |= curl_easy_setopt(probe->easy, CURLOPT_URL, checked->url);
	failed |= curl_easy_setopt(probe->easy, CURLOPT_HTTPHEADER, checked->headers);
	failed |= curl_easy_setopt(probe->easy, CURLOPT_CONNECT_ONLY, checked->check.kind == CHECK_TCP ? 1L : 0L);
	if (failed)
		return -ENOMEM;
	probe->checked = checked;
	probe->began_ms = now_ms;
	probe->local_error = 0;
	probe->status = 0;
	return 0;
}

/* Errors of connect(2) that come from this host's want of something, or from its own rules. */
static bool is_local(int error)
{
	return error == EADDRNOTAVAIL || error == EADDRINUSE || error == ENOBUFS || error == ENOMEM ||
	       error == EAGAIN || error == EPERM || error == EACCES;
}

static void judge(struct check_result *result, enum check_verdict verdict, enum health_reason why)
{
	result->verdict = verdict;
	result->why = why;
}

static void judge_status(const struct probe *probe, char *text, struct check_result *result)
{
	const struct check *check = &probe->checked->check;
	int length;

	if (probe->status < 0) {
		snprintf(text, CHECK_TEXT_LEN, "answer: not HTTP");
		judge(result, CHECK_FAILED, HEALTH_GARBAGE);
		return;
	}
	length = snprintf(text, CHECK_TEXT_LEN, "status %d", probe->status);
	if (probe->status >= check->status_first && probe->status <= check->status_last)
		return;
	judge(result, CHECK_FAILED, HEALTH_STATUS);
	if (check->status_first == check->status_last)
		snprintf(text + length, CHECK_TEXT_LEN - (size_t)length, ", expected %u", check->status_first);
	else
		snprintf(text + length, CHECK_TEXT_LEN - (size_t)length, ", expected %u-%u", check->status_first,
			 check->status_last);
}

static void judge_connect(const struct probe *probe, char *text, struct check_result *result)
{
	long error = 0;

	curl_easy_getinfo(probe->easy, CURLINFO_OS_ERRNO, &error);
	if (probe->local_error)
		error = probe->local_error;
	snprintf(text, CHECK_TEXT_LEN, "%s: %s", probe->local_error ? "socket" : "connect", strerror((int)error));
	if (probe->local_error || is_local((int)error))
		judge(result, CHECK_IMPOSSIBLE, HEALTH_NONE);
	else if (error == ECONNREFUSED)
		judge(result, CHECK_FAILED, HEALTH_REFUSED);
	else if (error == ETIMEDOUT)
		judge(result, CHECK_FAILED, HEALTH_TIMEOUT);
	else
		judge(result, CHECK_FAILED, HEALTH_UNREACHABLE);
}

static void judge_closed(const struct probe *probe, CURLcode code, char *text, struct check_result *result)
{
	long error = 0;

	curl_easy_getinfo(probe->easy, CURLINFO_OS_ERRNO, &error);
	snprintf(text, CHECK_TEXT_LEN, "answer: %s",
		 code != CURLE_GOT_NOTHING && error ? strerror((int)error) : "connection closed");
	judge(result, CHECK_FAILED, HEALTH_CLOSED);
}

static void judge_failure(const struct probe *probe, CURLcode code, char *text, struct check_result *result)
{
	switch (code) {
	case CURLE_COULDNT_CONNECT:
		judge_connect(probe, text, result);
		break;
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		judge_closed(probe, code, text, result);
		break;
	case CURLE_OK:                   /* an end without a status line */
	case CURLE_UNSUPPORTED_PROTOCOL: /* HTTP/0.9 it would be: anything else is */
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_WRITE_ERROR:
		snprintf(text, CHECK_TEXT_LEN, "answer: not HTTP");
		judge(result, CHECK_FAILED, HEALTH_GARBAGE);
		break;
	default:
		snprintf(text, CHECK_TEXT_LEN, "%s", curl_easy_strerror(code));
		judge(result, CHECK_IMPOSSIBLE, HEALTH_NONE);
	}
}

void probe_judge(const struct probe *probe, CURLcode code, char *text, struct check_result *ret)
{
	judge(ret, CHECK_PASSED, HEALTH_NONE);
	ret->text = text;
	if (probe->status)
		judge_status(probe, text, ret);
	else if (code == CURLE_OK && probe->checked->check.kind == CHECK_TCP)
		snprintf(text, CHECK_TEXT_LEN, "connected");
	else
		judge_failure(probe, code, text, ret);
}

void probe_expire(const struct probe *probe, char *text, struct check_result *ret)
{
	unsigned int ms = probe->checked->check.timeout_ms;
	char after[DURATION_TEXT_LEN];
	curl_off_t connected = 0;

	curl_easy_getinfo(probe->easy, CURLINFO_CONNECT_TIME_T, &connected);
	if (ms % 1000)
		snprintf(after, sizeof(after), "%ums", ms);
	else
		duration_format(ms / 1000, after);
	snprintf(text, CHECK_TEXT_LEN, "%s: timeout after %s", connected ? "answer" : "connect", after);
	ret->text = text;
	judge(ret, CHECK_FAILED, HEALTH_TIMEOUT);
	if (!probe->local_error)
		return;
	snprintf(text, CHECK_TEXT_LEN, "epoll: %s", strerror(probe->local_error));
	judge(ret, CHECK_IMPOSSIBLE, HEALTH_NONE);
}
