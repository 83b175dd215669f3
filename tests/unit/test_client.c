/* SPDX-License-Identifier: BSD-2-Clause */
/* The API client against canned answers on a Unix socket: what it sends, and what it makes of each answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../scratch.h"
#include "client.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct server {
	char directory[SCRATCH_LEN];
	struct sockaddr_un address;
	int socket;
	pid_t pid;
	int request[2]; /* pipe: what arrived */
};

static void server_listen(struct server *server)
{
	assert_int_equal(scratch_directory(server->directory), 0);
	server->address.sun_family = AF_UNIX;
	snprintf(server->address.sun_path, sizeof(server->address.sun_path), "%s/sock", server->directory);
	server->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server->socket, (struct sockaddr *)&server->address, sizeof(server->address)), 0);
	assert_int_equal(listen(server->socket, 4), 0);
}

static void server_remove(struct server *server)
{
	close(server->socket);
	unlink(server->address.sun_path);
}

/* One connection: read a request (headers, and a body up to its last '}'), write the answer, hang up. */
static void serve_one(struct server *server, const char *answer)
{
	char bytes[4096];
	size_t length = 0;
	ssize_t n;
	int fd = accept(server->socket, NULL, NULL);

	alarm(20);
	while (length < sizeof(bytes) - 1) {
		n = read(fd, bytes + length, sizeof(bytes) - 1 - length);
		if (n <= 0)
			break;
		length += (size_t)n;
		bytes[length] = '\0';
		if (strstr(bytes, "\r\n\r\n") && (!strstr(bytes, "Content-Length:") || bytes[length - 1] == '}'))
			break;
	}
	if (write(fd, answer, strlen(answer)) < 0 || write(server->request[1], bytes, length) < 0)
		_exit(1);
	_exit(0);
}

/* Call the client against that answer. ret_request: what the server got, 4096 bytes. */
static int exchange(const char *method, const char *path, const json_t *body, const char *answer, json_t **ret,
		    char *ret_request, struct complaint *complaint)
{
	struct server server = { .pid = -1 };
	struct client *client = NULL;
	ssize_t n;
	int error;

	server_listen(&server);
	assert_int_equal(pipe(server.request), 0);
	server.pid = fork();
	if (!server.pid)
		serve_one(&server, answer);
	close(server.request[1]);
	assert_int_equal(client_open(server.address.sun_path, &client, complaint), 0);
	error = client_call(client, method, path, body, ret, complaint);
	client_close(client);
	n = read(server.request[0], ret_request, 4095);
	ret_request[n > 0 ? n : 0] = '\0';
	close(server.request[0]);
	waitpid(server.pid, NULL, 0);
	server_remove(&server);
	return error;
}

static void test_request(void **state)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{\"name\":\"a b\"}";
	char *path = client_service_path("a b/?", "/weights"), request[4096];
	json_t *body = json_pack("{s:s}", "reason", "why"), *ret = NULL;
	struct complaint complaint;

	(void)state;
	assert_string_equal(path, "/v1/services/a%20b%2F%3F/weights");
	setenv("http_proxy", "http://127.0.0.1:1", 1); /* must not matter */
	assert_int_equal(exchange("PUT", path, body, answer, &ret, request, &complaint), 0);
	unsetenv("http_proxy");
	assert_string_equal(json_string_value(json_object_get(ret, "name")), "a b");
	assert_memory_equal(request, "PUT /v1/services/a%20b%2F%3F/weights HTTP/1.1\r\n", 47);
	assert_non_null(strstr(request, "Content-Type: application/json\r\n"));
	assert_null(strstr(request, "Expect:"));
	assert_string_equal(strstr(request, "\r\n\r\n") + 4, "{\"reason\":\"why\"}");
	json_decref(body);
	json_decref(ret);
	free(path);
}

static void test_get_has_no_body(void **state)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]";
	struct complaint complaint;
	char request[4096];
	json_t *ret = NULL;

	(void)state;
	assert_int_equal(exchange("GET", "/v1/services/..", NULL, answer, &ret, request, &complaint), 0);
	assert_memory_equal(request, "GET /v1/services/.. HTTP/1.1\r\n", 30);
	assert_null(strstr(request, "Content-"));
	json_decref(ret);
}

static void test_wrong_answers(void **state)
{
	static const struct {
		const char *answer;
		int error;
		const char *complaint; /* a part of it */
	} cases[] = {
		{ "HTTP/1.1 409 Conflict\r\n\r\n{\"error\":{\"message\":\"too late\"}}", -EREMOTEIO, "too late" },
		{ "HTTP/1.1 502 Bad\r\n\r\n<p>!", -EREMOTEIO, "HTTP status 502 and gives no reason" },
		{ "HTTP/1.1 400 Bad\r\n\r\n{\"error\":1}", -EREMOTEIO, "HTTP status 400" },
		{ "HTTP/1.1 200 OK\r\n\r\n{\"a\": [", -EBADMSG, "is not JSON (line 1, column 7: " },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", -EBADMSG, "is not JSON" },
		{ "HTTP/1.1 200 OK\r\n\r\n{\"a\":1,\"a\":2}", -EBADMSG, "duplicate" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}", -ECONNRESET, "hung up before its answer" },
		{ "", -ECONNRESET, "hung up" },
		{ "220 mail.example ESMTP\r\n", -EBADMSG, "is not serin's agent" },
	};
	struct complaint complaint;
	char request[4096];
	json_t *ret;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		ret = NULL;
		assert_int_equal(exchange("GET", "/x", NULL, cases[i].answer, &ret, request, &complaint),
				 cases[i].error);
		assert_null(ret);
		if (!strstr(complaint.text, cases[i].complaint))
			fail_msg("'%s' does not say '%s'", complaint.text, cases[i].complaint);
	}
}

static int call(const char *path, struct complaint *complaint)
{
	struct client *client = NULL;
	json_t *ret = NULL;
	int error = client_open(path, &client, complaint);

	if (!error)
		error = client_call(client, "GET", "/x", NULL, &ret, complaint);
	client_close(client);
	return error;
}

static void test_nobody_there(void **state)
{
	struct complaint complaint;
	struct server server;
	char path[200];

	(void)state;
	server_listen(&server);
	close(server.socket); /* the file stays, nobody listens */
	assert_int_equal(call(server.address.sun_path, &complaint), -ECONNREFUSED);
	snprintf(path, sizeof(path), "no agent answers on %s (is `serin run` running?)", server.address.sun_path);
	assert_string_equal(complaint.text, path);
	server_remove(&server);
	assert_int_equal(call(server.address.sun_path, &complaint), -ENOENT);
	assert_string_equal(complaint.text, path);
}

static void test_permission(void **state)
{
	struct complaint complaint = { "" };
	struct server server;
	pid_t child;
	int status;

	(void)state;
	server_listen(&server);
	assert_int_equal(chmod(server.directory, 0755), 0);
	/* Who is not root is the owner himself: he may not either. */
	assert_int_equal(chmod(server.address.sun_path, geteuid() ? 0 : 0600), 0);
	child = fork();
	if (!child) { /* nobody, since root may connect to anything */
		if (!geteuid() && (setgid(65534) || setuid(65534)))
			_exit(3);
		_exit(call(server.address.sun_path, &complaint) != -EACCES ||
		      strncmp(complaint.text, "permission denied on /", 22));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	server_remove(&server);
	assert_int_equal(status, 0);
}

static void test_path_too_long(void **state)
{
	struct complaint complaint;
	char path[110];

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(call(path, &complaint), -ENAMETOOLONG);
	assert_string_equal(complaint.text, "the socket's path has 109 bytes, expected 107 at most");
	assert_null(client_close(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),       cmocka_unit_test(test_get_has_no_body),
		cmocka_unit_test(test_wrong_answers), cmocka_unit_test(test_nobody_there),
		cmocka_unit_test(test_permission),    cmocka_unit_test(test_path_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
