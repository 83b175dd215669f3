/* SPDX-License-Identifier: BSD-2-Clause */
/* A receiver of webhooks on loopback, a process of its own: it answers as it is told and keeps what it was sent. */
#ifndef SERIN_TESTS_RECEIVER_H
#define SERIN_TESTS_RECEIVER_H

#include <sys/mman.h>

#include "check_servers.h"

#define RECEIVER_MAX 512

struct received {
	int64_t at_ms;
	int status; /* that was answered */
	char path[64], key[160], body[4096];
};

/* In memory that both processes have. */
struct receiver {
	struct server server;
	volatile int status;      /* of answers from now on: 0: none at all */
	volatile int next_status; /* of the next answer only; 0: as above */
	const char *volatile headers;
	volatile int delay_ms;
	volatile unsigned int count;
	struct received received[RECEIVER_MAX];
};

static inline void receiver_note(struct receiver *receiver, const char *request, int status)
{
	struct received *received = &receiver->received[receiver->count % RECEIVER_MAX];
	const char *key = strstr(request, "Idempotency-Key: "), *body = strstr(request, "\r\n\r\n");

	*received = (struct received){ .at_ms = loop_now_ms(), .status = status };
	sscanf(request, "POST %63s", received->path);
	if (key)
		sscanf(key, "Idempotency-Key: %159s", received->key);
	if (body)
		snprintf(received->body, sizeof(received->body), "%s", body + 4);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	receiver->count++;
}

/* False when the sender goes away in the middle: nobody has received what is not whole. */
static inline bool receiver_read(int connection, char *request, size_t size)
{
	size_t length = 0, wanted = 0;
	ssize_t n;

	while (length < size - 1 && (!wanted || length < wanted) &&
	       (n = read(connection, request + length, size - 1 - length)) > 0) {
		const char *end, *said;

		length += (size_t)n;
		request[length] = '\0';
		end = strstr(request, "\r\n\r\n");
		said = strstr(request, "Content-Length: ");
		if (end && said)
			wanted = (size_t)(end + 4 - request) + (size_t)atoi(said + 16);
	}
	return wanted && length >= wanted;
}

static inline void receiver_answer(struct receiver *receiver, int connection)
{
	char request[8192] = "", answer[256];
	int status;

	if (!receiver_read(connection, request, sizeof(request)))
		return;
	status = receiver->next_status ? receiver->next_status : receiver->status;
	receiver->next_status = 0;
	receiver_note(receiver, request, status);
	usleep((useconds_t)receiver->delay_ms * 1000);
	if (!status)
		return;
	snprintf(answer, sizeof(answer), "HTTP/1.1 %d Said\r\nContent-Length: 4\r\n%s\r\nsaid", status,
		 receiver->headers);
	(void)!write(connection, answer, strlen(answer));
}

static inline void receiver_serve(struct receiver *receiver)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	alarm(60);
	for (;;) {
		int connection = accept4(receiver->server.socket, NULL, NULL, SOCK_CLOEXEC);

		if (connection < 0)
			_exit(1);
		receiver_answer(receiver, connection);
		close(connection);
	}
}

static inline struct receiver *receiver_start(void)
{
	struct receiver *receiver =
		mmap(NULL, sizeof(*receiver), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(receiver, MAP_FAILED);
	receiver->status = 200;
	receiver->headers = "";
	server_listen(&receiver->server, "127.0.0.1", 128);
	receiver->server.pid = fork();
	assert_true(receiver->server.pid >= 0);
	if (!receiver->server.pid)
		receiver_serve(receiver);
	return receiver;
}

static inline void receiver_stop(struct receiver *receiver)
{
	server_stop(&receiver->server);
	munmap(receiver, sizeof(*receiver));
}

/* To be freed. */
static inline char *receiver_url(const struct receiver *receiver, const char *path)
{
	char text[ADDRESS_TEXT_LEN], *url = NULL;

	endpoint_format(&receiver->server.endpoint.addr, receiver->server.endpoint.port, text);
	assert_true(asprintf(&url, "http://%s%s", text, path) > 0);
	return url;
}

#endif
