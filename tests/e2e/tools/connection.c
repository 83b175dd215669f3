/* SPDX-License-Identifier: BSD-2-Clause */
/* One connection of the load generator: from connect() to the answer, and what may go wrong on the way. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "load.h"

void connection_close(struct connection *connection)
{
	if (connection->fd >= 0)
		close(connection->fd);
	connection->fd = -1;
	connection->phase = PHASE_IDLE;
	connection->backend = -1;
	connection->length = 0;
}

static void fail(struct connection *connection, struct tally *tally, enum failure failure)
{
	tally->failed[connection->fresh][failure]++;
	connection_close(connection);
}

static int bound_socket(const struct connection *connection, const struct options *options)
{
	int fd = socket(options->target.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0)
		die("socket: %s", strerror(errno));
	if (!options->sources)
		return fd;
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)&connection->source, address_length(&connection->source)))
		die("bind: %s", strerror(errno));
	return fd;
}

void connection_open(struct connection *connection, const struct options *options, int poller, struct tally *tally)
{
	struct epoll_event event = { .events = EPOLLOUT | EPOLLIN | EPOLLET, .data.ptr = connection };

	connection->fd = bound_socket(connection, options);
	connection->backend = -1;
	connection->length = 0;
	connection->phase = PHASE_CONNECTING;
	connection->deadline = now_ms() + (uint64_t)options->timeout_ms;
	if (epoll_ctl(poller, EPOLL_CTL_ADD, connection->fd, &event))
		die("epoll: %s", strerror(errno));
	if (connect(connection->fd, (const struct sockaddr *)&options->target, address_length(&options->target)) &&
	    errno != EINPROGRESS)
		fail(connection, tally, FAILED_CONNECT);
}

static void send_request(struct connection *connection, const struct options *options, struct tally *tally)
{
	const char *request = connection->fresh && options->server_closes
				      ? "GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"
				      : "GET / HTTP/1.1\r\nHost: shop\r\n\r\n";
	size_t length = strlen(request);

	connection->phase = PHASE_WAITING;
	connection->length = 0;
	connection->deadline = now_ms() + (uint64_t)options->timeout_ms;
	if (send(connection->fd, request, length, MSG_NOSIGNAL) != (ssize_t)length)
		fail(connection, tally, FAILED_RESET);
}

/* The backend's name when the answer is whole, "" when it is not yet, NULL when it is no proper answer. */
static const char *read_name(struct connection *connection)
{
	const char *header = "Content-Length: ";
	char *body, *value;

	connection->answer[connection->length] = '\0';
	if (strncmp(connection->answer, "HTTP/1.1 200 ", connection->length < 13 ? connection->length : 13) != 0)
		return NULL;
	body = strstr(connection->answer, "\r\n\r\n");
	if (!body)
		return connection->length < sizeof(connection->answer) - 1 ? "" : NULL;
	value = strcasestr(connection->answer, header);
	if (!value || value > body)
		return NULL;
	body += 4;
	if (strlen(body) < strtoul(value + strlen(header), NULL, 10))
		return connection->length < sizeof(connection->answer) - 1 ? "" : NULL;
	body[strcspn(body, " \r\n")] = '\0';
	return *body && strlen(body) < NAME_LEN ? body : NULL;
}

static void write_record(const struct connection *connection, const char *name, FILE *record)
{
	char text[INET6_ADDRSTRLEN];

	format_address(&connection->source, text);
	fprintf(record, "%s %s\n", text, name);
}

static void answered(struct connection *connection, const struct options *options, struct tally *tally,
		     const char *name, FILE *record)
{
	int backend = backends_find(&tally->backends, name);

	tally->requests++;
	tally->backends.list[backend].requests++;
	if (connection->backend < 0)
		tally->backends.list[backend].connections++;
	else if (connection->backend != backend)
		tally->moved++;
	connection->backend = backend;
	if (connection->fresh) {
		tally->fresh_done++;
		if (record)
			write_record(connection, name, record);
		connection_close(connection);
		return;
	}
	connection->phase = PHASE_THINKING;
	connection->length = 0;
	connection->deadline = now_ms() + (uint64_t)options->think_ms;
}

static void receive(struct connection *connection, const struct options *options, struct tally *tally, FILE *record)
{
	ssize_t got;
	const char *name;

	while (connection->phase == PHASE_WAITING || connection->phase == PHASE_THINKING) {
		got = recv(connection->fd, connection->answer + connection->length,
			   sizeof(connection->answer) - 1 - connection->length, 0);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (got <= 0) {
			fail(connection, tally, FAILED_RESET);
			return;
		}
		connection->length += (size_t)got;
		name = connection->phase == PHASE_WAITING ? read_name(connection) : NULL;
		if (!name)
			fail(connection, tally, FAILED_ANSWER);
		else if (*name)
			answered(connection, options, tally, name, record);
	}
}

void connection_event(struct connection *connection, const struct options *options, struct tally *tally, FILE *record)
{
	socklen_t length = sizeof(int);
	int error = 0;

	if (connection->phase == PHASE_CONNECTING) {
		getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &length);
		if (error) {
			fail(connection, tally, FAILED_CONNECT);
			return;
		}
		send_request(connection, options, tally);
	}
	receive(connection, options, tally, record);
}

void connection_expire(struct connection *connection, const struct options *options, struct tally *tally)
{
	if (connection->phase == PHASE_THINKING)
		send_request(connection, options, tally);
	else if (connection->phase != PHASE_IDLE)
		fail(connection, tally, FAILED_TIMEOUT);
}
