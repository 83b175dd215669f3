/* SPDX-License-Identifier: BSD-2-Clause */
/* The HTTP server: two libmicrohttpd daemons without threads of their own, driven by our loop. */
#include "http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_listen.h"
#include "http_peer.h"
#include "http_private.h"
#include "log.h"

#define MAX_CONNECTIONS 64u
#define MAX_PER_ADDRESS 16u
#define MEMORY_PER_CONNECTION ((size_t)16 * 1024) /* line, headers, parameters */
#define SILENCE_SECONDS 10u
#define REQUEST_MS 30000 /* one byte every nine seconds is not silence */
#define SWEEP_MS 1000

/* What a body may grow to beyond its bound before the connection is cut: up to here it is read and thrown away. */
#define MAX_DISCARD (16 * HTTP_MAX_BODY)

void http_drive(void *context)
{
	struct door *door = context;
	MHD_UNSIGNED_LONG_LONG ms;

	MHD_run(door->daemon);
	if (MHD_get_timeout(door->daemon, &ms) == MHD_YES)
		loop_set_timer(door->timer, (int64_t)ms, 0);
	else
		loop_stop_timer(door->timer);
}

static void sweep(void *context)
{
	struct http *http = context;
	int64_t now = loop_now_ms();

	for (int i = 0; i < DOORS; i++) {
		http_resume_due(&http->doors[i], now);
		for (struct connection *c = http->doors[i].connections; c; c = c->next) {
			/* The daemon owns the descriptor: it sees the end and closes. */
			if (!c->waits && now - c->since_ms > REQUEST_MS)
				shutdown(c->fd, SHUT_RDWR);
		}
	}
}

static void on_connection(void *context, struct MHD_Connection *mhd, void **slot,
			  enum MHD_ConnectionNotificationCode code)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct door *door = context;
	struct connection *connection = *slot;

	if (code == MHD_CONNECTION_NOTIFY_STARTED && info && (connection = calloc(1, sizeof(*connection)))) {
		*connection = (struct connection){ .next = door->connections,
						   .at = &door->connections,
						   .fd = info->connect_fd,
						   .since_ms = loop_now_ms() };
		if (connection->next)
			connection->next->at = &connection->next;
		door->connections = connection;
		*slot = connection;
	} else if (code == MHD_CONNECTION_NOTIFY_CLOSED && connection) {
		*connection->at = connection->next;
		if (connection->next)
			connection->next->at = connection->at;
		free(connection);
		*slot = NULL;
	}
}

static void on_completed(void *context, struct MHD_Connection *mhd, void **slot, enum MHD_RequestTerminationCode code)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct exchange *exchange = *slot;

	(void)context;
	(void)code;
	if (info && info->socket_context)
		((struct connection *)info->socket_context)->since_ms = loop_now_ms();
	if (exchange)
		free(exchange->body);
	free(exchange);
	*slot = NULL;
}

static enum MHD_Result add_parameter(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct http_request *request = context;

	(void)kind;
	if (request->parameter_count < HTTP_MAX_PARAMETERS)
		request->parameters[request->parameter_count] = (struct http_parameter){ name, value ? value : "" };
	request->parameter_count++;
	return MHD_YES;
}

/* `by` is room for the request's. */
static void identify(const struct door *door, struct MHD_Connection *mhd, struct http_request *request, char *by,
		     size_t size)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	const char *authorization = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
	int fd = info ? info->connect_fd : -1;

	request->by = by;
	request->has_token_file = door->http->has_token_file;
	snprintf(by, size, "token");
	if (door->is_unix) {
		/* Without credentials: whoever it is could open the socket. */
		request->access = HTTP_MAY_CHANGE;
		http_peer_name(fd, by, size);
	} else if (token_matches(&door->http->token, authorization)) {
		request->access = HTTP_MAY_CHANGE;
	} else {
		request->access = http_peer_is_here(fd) ? HTTP_MAY_READ : HTTP_MAY_PROBE;
	}
}

static enum MHD_Result send_response(struct MHD_Connection *mhd, struct http_response *response)
{
	struct MHD_Response *out;
	enum MHD_Result result;

	out = MHD_create_response_from_buffer(response->body_length, response->body ? response->body : (char *)"",
					      response->body ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
	if (!out) {
		free(response->body);
		return MHD_NO;
	}
	MHD_add_response_header(out, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (response->content_type)
		MHD_add_response_header(out, MHD_HTTP_HEADER_CONTENT_TYPE, response->content_type);
	MHD_add_response_header(out, "X-Content-Type-Options", "nosniff");
	if (response->content_policy) {
		MHD_add_response_header(out, "Content-Security-Policy", response->content_policy);
		MHD_add_response_header(out, "Referrer-Policy", "no-referrer");
	}
	if (*response->etag)
		MHD_add_response_header(out, MHD_HTTP_HEADER_ETAG, response->etag);
	if (*response->allow)
		MHD_add_response_header(out, MHD_HTTP_HEADER_ALLOW, response->allow);
	if (response->challenge)
		MHD_add_response_header(out, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer realm=\"serin\"");
	result = MHD_queue_response(mhd, response->status, out);
	MHD_destroy_response(out);
	return result;
}

static enum MHD_Result answer(struct door *door, struct MHD_Connection *mhd, const char *url, const char *method,
			      struct exchange *exchange)
{
	struct http_request request = {
		.method = method,
		.path = url,
		.if_match = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_IF_MATCH),
		.accept = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT),
		.body = exchange->body ? exchange->body : "",
		.body_length = exchange->length,
		.body_too_large = exchange->too_large,
		.may_wait = http_may_wait(door, exchange),
	};
	struct http_response response = { .status = MHD_HTTP_INTERNAL_SERVER_ERROR };
	char by[32];

	identify(door, mhd, &request, by, sizeof(by));
	MHD_get_connection_values(mhd, MHD_GET_ARGUMENT_KIND, add_parameter, &request);
	door->http->fn(door->http->context, &request, &response);
	if (response.wait_ms > 0 && request.may_wait) {
		http_suspend(door, exchange, response.wait_ms);
		return MHD_YES;
	}
	return send_response(mhd, &response);
}

/* The bound holds for what is kept; a little more is read, so that the sender hears why instead of a reset. */
static enum MHD_Result take_body(struct exchange *exchange, const char *data, size_t size)
{
	char *body;

	if (exchange->length + size > HTTP_MAX_BODY) {
		exchange->too_large = true;
		exchange->length += size;
		return exchange->length > MAX_DISCARD ? MHD_NO : MHD_YES;
	}
	body = realloc(exchange->body, exchange->length + size);
	if (!body)
		return MHD_NO;
	memcpy(body + exchange->length, data, size);
	exchange->body = body;
	exchange->length += size;
	return MHD_YES;
}

/* More than would be read anyway: say so before it comes. */
static bool announces_too_much(struct MHD_Connection *mhd)
{
	const char *length = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return length && strtoull(length, NULL, 10) > MAX_DISCARD;
}

static struct exchange *exchange_new(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct exchange *exchange = calloc(1, sizeof(*exchange));

	if (!exchange)
		return NULL;
	exchange->mhd = mhd;
	exchange->connection = info ? info->socket_context : NULL;
	exchange->too_large = announces_too_much(mhd);
	return exchange;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *mhd, const char *url, const char *method,
				  const char *version, const char *data, size_t *size, void **slot)
{
	struct exchange *exchange = *slot;
	enum MHD_Result result;

	(void)version;
	if (!exchange) {
		*slot = exchange = exchange_new(mhd);
		if (!exchange)
			return MHD_NO;
		/* An answer before the body ends the connection after it. */
		return exchange->too_large ? answer(context, mhd, url, method, exchange) : MHD_YES;
	}
	if (*size) {
		result = take_body(exchange, data, *size);
		*size = 0;
		return result;
	}
	return answer(context, mhd, url, method, exchange);
}

__attribute__((format(printf, 2, 0))) static void on_log(void *context, const char *format, va_list args)
{
	char text[256];

	(void)context;
	vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\n")] = '\0';
	log_debug("http", log_text("detail", text));
}

static int load_token(struct http *http, const struct config_http *config, struct complaint *complaint)
{
	if (!config->token_file)
		return 0;
	http->has_token_file = true;
	return token_load(config->token_file, &http->token, complaint);
}

int http_open(const struct http_options *options, struct http **ret, struct complaint *complaint)
{
	struct http *http = calloc(1, sizeof(*http));
	int r = 0;

	if (!http)
		return complain(complaint, -ENOMEM, "not enough memory for the HTTP server");
	http->fn = options->fn;
	for (int i = 0; i < DOORS; i++)
		http->doors[i] = (struct door){ .http = http, .fd = -1, .is_unix = i == DOOR_UNIX };
	if (options->config->enabled) {
		r = load_token(http, options->config, complaint);
		if (!r)
			r = http_listen_tcp(&options->config->listen, &http->doors[DOOR_TCP].fd, complaint);
	}
	if (!r)
		r = http_listen_unix(options->socket_path, &http->doors[DOOR_UNIX].fd, complaint);
	if (!r && !(http->socket_path = strdup(options->socket_path)))
		r = complain(complaint, -ENOMEM, "not enough memory for the HTTP server");
	if (r) {
		http_close(http);
		return r;
	}
	*ret = http;
	return 0;
}

static int start_door(struct door *door, struct loop *loop)
{
	const union MHD_DaemonInfo *info;
	int r;

	r = loop_add_timer(loop, http_drive, door, &door->timer);
	if (r)
		return r;
	/* The logger comes first, so that it hears about the other options. */
	door->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_ERROR_LOG | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
					on_request, door, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
					MHD_OPTION_LISTEN_SOCKET, door->fd, MHD_OPTION_CONNECTION_LIMIT,
					MAX_CONNECTIONS, MHD_OPTION_PER_IP_CONNECTION_LIMIT, MAX_PER_ADDRESS,
					MHD_OPTION_CONNECTION_MEMORY_LIMIT, MEMORY_PER_CONNECTION,
					MHD_OPTION_CONNECTION_TIMEOUT, SILENCE_SECONDS, MHD_OPTION_STRICT_FOR_CLIENT, 1,
					MHD_OPTION_NOTIFY_CONNECTION, on_connection, door, MHD_OPTION_NOTIFY_COMPLETED,
					on_completed, NULL, MHD_OPTION_END);
	if (!door->daemon)
		return -EIO;
	door->fd = -1;
	info = MHD_get_daemon_info(door->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info)
		return -EIO;
	return loop_add_fd(loop, info->epoll_fd, http_drive, door, NULL);
}

int http_serve(struct http *http, void *context, struct loop *loop, struct complaint *complaint)
{
	struct loop_source *timer;
	int r;

	http->context = context;
	for (int i = 0; i < DOORS; i++) {
		r = http->doors[i].fd < 0 ? 0 : start_door(&http->doors[i], loop);
		if (r)
			return complain(complaint, r, "cannot start the HTTP server: %s", strerror(-r));
	}
	r = loop_add_timer(loop, http_wake_now, http, &http->wake_timer);
	if (!r)
		r = loop_add_timer(loop, sweep, http, &timer);
	if (!r)
		r = loop_set_timer(timer, SWEEP_MS, SWEEP_MS);
	return r ? complain(complaint, r, "cannot start the HTTP server's timer: %s", strerror(-r)) : 0;
}

struct http *http_close(struct http *http)
{
	if (!http)
		return NULL;
	http->is_closing = true;
	for (int i = 0; i < DOORS; i++) {
		if (http->doors[i].daemon && http->doors[i].waiting)
			http_answer_waiting(&http->doors[i]);
		if (http->doors[i].daemon)
			MHD_stop_daemon(http->doors[i].daemon);
		if (http->doors[i].fd >= 0)
			close(http->doors[i].fd);
	}
	if (http->socket_path)
		unlink(http->socket_path);
	free(http->socket_path);
	free(http);
	return NULL;
}
