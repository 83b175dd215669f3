/* SPDX-License-Identifier: BSD-2-Clause */
/* What each kind of server, well or ill, makes of a check: verdict, reason and words; and what a check sends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <curl/curl.h>
#include <errno.h>
#include <sys/resource.h>

#include "check_servers.h"

static struct check once(const struct server *server, enum check_kind kind, unsigned int timeout_ms)
{
	return (struct check){ .kind = kind,
			       .endpoint = server->endpoint,
			       .path = "/healthz",
			       .status_first = 200,
			       .status_last = 399,
			       .timeout_ms = timeout_ms };
}

static struct seen ask_with(const struct check *check)
{
	struct run run;
	struct seen seen;

	run_new(&run, NULL);
	assert_int_equal(checker_set(run.checker, 7, check), 0);
	assert_true(run_for(&run, 1, 20000));
	seen = run.seen[0];
	run_free(&run);
	assert_int_equal(seen.id, 7);
	return seen;
}

static struct seen ask(const struct server *server, enum check_kind kind, unsigned int timeout_ms)
{
	struct check check = once(server, kind, timeout_ms);

	return ask_with(&check);
}

static void expect(struct seen seen, enum check_verdict verdict, enum health_reason why, const char *text)
{
	assert_string_equal(seen.text, text);
	assert_int_equal(seen.verdict, verdict);
	assert_int_equal(seen.why, why);
}

static void test_nobody_listens(void **state)
{
	struct server server;

	(void)state;
	server_bind(&server, "127.0.0.1"); /* so that nobody else takes the port */
	expect(ask(&server, CHECK_TCP, LONG_MS), CHECK_FAILED, HEALTH_REFUSED, "connect: Connection refused");
	expect(ask(&server, CHECK_HTTP, LONG_MS), CHECK_FAILED, HEALTH_REFUSED, "connect: Connection refused");
	server_stop(&server);
}

static void test_never_accepts(void **state)
{
	struct seen seen;
	struct server server;

	(void)state;
	server_listen(&server, "127.0.0.1", 8);
	expect(ask(&server, CHECK_TCP, LONG_MS), CHECK_PASSED, HEALTH_NONE, "connected");
	seen = ask(&server, CHECK_HTTP, SHORT_MS);
	expect(seen, CHECK_FAILED, HEALTH_TIMEOUT, "answer: timeout after 300ms");
	assert_in_range(seen.took_ms, SHORT_MS, LONG_MS);
	server_stop(&server);
}

static void test_syns_are_dropped(void **state)
{
	struct server server;

	(void)state;
	server_deaf(&server);
	expect(ask(&server, CHECK_TCP, SHORT_MS), CHECK_FAILED, HEALTH_TIMEOUT, "connect: timeout after 300ms");
	expect(ask(&server, CHECK_HTTP, 1000), CHECK_FAILED, HEALTH_TIMEOUT, "connect: timeout after 1s");
	server_stop(&server);
}

static void test_unreachable(void **state)
{
	struct server server = { .endpoint.port = htons(80) };

	(void)state;
	address_parse("224.0.0.1", &server.endpoint.addr); /* no TCP ever reaches it */
	expect(ask(&server, CHECK_TCP, LONG_MS), CHECK_FAILED, HEALTH_UNREACHABLE, "connect: Network is unreachable");
}

static void hang_up(int connection, const char *say)
{
	(void)connection;
	(void)say;
}

static void reset(int connection, const char *say)
{
	struct linger at_once = { .l_onoff = 1 };
	char request[4096];

	(void)say;
	read_request(connection, request, sizeof(request));
	setsockopt(connection, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

static void test_hangs_up(void **state)
{
	struct server server;
	struct seen seen;

	(void)state;
	server_start(&server, "127.0.0.1", hang_up, NULL);
	expect(ask(&server, CHECK_TCP, LONG_MS), CHECK_PASSED, HEALTH_NONE, "connected");
	seen = ask(&server, CHECK_HTTP, LONG_MS); /* by a RST if the request was there before it closed */
	assert_int_equal(seen.verdict, CHECK_FAILED);
	assert_int_equal(seen.why, HEALTH_CLOSED);
	server_stop(&server);
	server_start(&server, "127.0.0.1", reset, NULL);
	expect(ask(&server, CHECK_HTTP, LONG_MS), CHECK_FAILED, HEALTH_CLOSED, "answer: Connection reset by peer");
	server_stop(&server);
	server_start(&server, "127.0.0.1", say_it, "");
	expect(ask(&server, CHECK_HTTP, LONG_MS), CHECK_FAILED, HEALTH_CLOSED, "answer: connection closed");
	server_stop(&server);
}

static void test_answers(void **state)
{
	static const struct {
		const char *answer, *text;
		enum check_verdict verdict;
		enum health_reason why;
	} cases[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "status 200", CHECK_PASSED, HEALTH_NONE },
		{ "HTTP/1.0 204 No Content\r\n\r\n", "status 204", CHECK_PASSED, HEALTH_NONE },
		{ "HTTP/1.1 200\r\n\r\n", "status 200", CHECK_PASSED, HEALTH_NONE },
		{ "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n", "status 302", CHECK_PASSED,
		  HEALTH_NONE },
		{ "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "status 200", CHECK_PASSED,
		  HEALTH_NONE },
		{ "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 500 Oops\r\n\r\n", "status 500, expected 200-399",
		  CHECK_FAILED, HEALTH_STATUS },
		{ "HTTP/1.1 503 Service Unavailable\r\n\r\n", "status 503, expected 200-399", CHECK_FAILED,
		  HEALTH_STATUS },
		{ "HTTP/1.1 101 Switching Protocols\r\n\r\n", "status 101, expected 200-399", CHECK_FAILED,
		  HEALTH_STATUS },
		{ "HTTP/1.1 400 Bad Request\r\n\r\n", "status 400, expected 200-399", CHECK_FAILED, HEALTH_STATUS },
		{ "220 mail.example ESMTP\r\n", "answer: not HTTP", CHECK_FAILED, HEALTH_GARBAGE },
		{ "SSH-2.0-OpenSSH_9.2\r\n", "answer: not HTTP", CHECK_FAILED, HEALTH_GARBAGE },
		{ "HTTP/1.1 abc\r\n\r\n", "answer: not HTTP", CHECK_FAILED, HEALTH_GARBAGE },
		{ "HTTP/1.1 2000 OK\r\n\r\n", "answer: not HTTP", CHECK_FAILED, HEALTH_GARBAGE },
		{ "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 TLS", "answer: not HTTP", CHECK_FAILED,
		  HEALTH_GARBAGE },
		{ "hi\n", "answer: not HTTP", CHECK_FAILED, HEALTH_GARBAGE },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct server server;

		server_start(&server, "127.0.0.1", say_it, cases[i].answer);
		expect(ask(&server, CHECK_HTTP, LONG_MS), cases[i].verdict, cases[i].why, cases[i].text);
		server_stop(&server);
	}
}

static void test_one_status_only(void **state)
{
	struct server server;
	struct check check;

	(void)state;
	server_start(&server, "127.0.0.1", say_it, "HTTP/1.1 204 No Content\r\n\r\n");
	check = once(&server, CHECK_HTTP, LONG_MS);
	check.status_last = 200;
	expect(ask_with(&check), CHECK_FAILED, HEALTH_STATUS, "status 204, expected 200");
	server_stop(&server);
}

/* A status line, and then nothing for as long as the client stays. */
static void begin_and_hang(int connection, const char *say)
{
	struct pollfd hung_up = { .fd = connection, .events = POLLRDHUP };

	say_it(connection, say);
	poll(&hung_up, 1, -1);
}

static void test_body_is_not_awaited(void **state)
{
	struct server server;
	struct seen seen;

	(void)state;
	server_start(&server, "127.0.0.1", begin_and_hang, "HTTP/1.1 200 OK\r\n");
	seen = ask(&server, CHECK_HTTP, LONG_MS);
	expect(seen, CHECK_PASSED, HEALTH_NONE, "status 200");
	assert_in_range(seen.took_ms, 0, LONG_MS / 2);
	server_stop(&server);
	server_start(&server, "127.0.0.1", begin_and_hang, "HTTP/1.1 20");
	expect(ask(&server, CHECK_HTTP, SHORT_MS), CHECK_FAILED, HEALTH_TIMEOUT, "answer: timeout after 300ms");
	server_stop(&server);
}

static void flood(int connection, const char *say)
{
	char request[4096];

	read_request(connection, request, sizeof(request));
	while (write(connection, say, strlen(say)) > 0)
		;
}

static void test_floods(void **state)
{
	struct server server;
	struct seen seen;

	(void)state;
	server_start(&server, "127.0.0.1", flood, "no end and no line ");
	expect(ask(&server, CHECK_HTTP, LONG_MS), CHECK_FAILED, HEALTH_GARBAGE, "answer: not HTTP");
	server_stop(&server);
	server_start(&server, "127.0.0.1", flood, "HTTP/1.1 100 Continue\r\n\r\n");
	seen = ask(&server, CHECK_HTTP, SHORT_MS);
	assert_int_equal(seen.verdict, CHECK_FAILED);
	server_stop(&server);
}

static void answer_late(int connection, const char *say)
{
	usleep(150000);
	say_it(connection, say);
}

static void test_slow(void **state)
{
	struct server server;
	struct seen seen;

	(void)state;
	server_start(&server, "127.0.0.1", answer_late, "HTTP/1.1 200 OK\r\n\r\n");
	seen = ask(&server, CHECK_HTTP, LONG_MS);
	expect(seen, CHECK_PASSED, HEALTH_NONE, "status 200");
	assert_in_range(seen.took_ms, 100, LONG_MS);
	expect(ask(&server, CHECK_HTTP, 50), CHECK_FAILED, HEALTH_TIMEOUT, "answer: timeout after 50ms");
	server_stop(&server);
}

static void test_ipv6(void **state)
{
	struct server server;
	int probe = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in6 loopback = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	bool has = probe >= 0 && !bind(probe, (struct sockaddr *)&loopback, sizeof(loopback));

	(void)state;
	close(probe);
	if (!has)
		skip();
	server_start(&server, "::1", say_it, "HTTP/1.1 200 OK\r\n\r\n");
	expect(ask(&server, CHECK_HTTP, LONG_MS), CHECK_PASSED, HEALTH_NONE, "status 200");
	expect(ask(&server, CHECK_TCP, LONG_MS), CHECK_PASSED, HEALTH_NONE, "connected");
	server_stop(&server);
}

/* Answers 200 only to the very request that is expected. */
static void insist(int connection, const char *wanted)
{
	char request[4096];

	if (!read_request(connection, request, sizeof(request)))
		return;
	dprintf(connection, "HTTP/1.1 %d\r\n\r\n", strcmp(request, wanted) ? 418 : 200);
}

static void test_request(void **state)
{
	struct server server;
	struct check check;
	char wanted[512], endpoint[ADDRESS_TEXT_LEN];

	(void)state;
	setenv("http_proxy", "http://127.0.0.1:1", 1); /* must not matter */
	server_start(&server, "127.0.0.1", insist,
		     "GET /a/../b?c=%20d HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: serin/" SERIN_VERSION
		     "\r\nAccept: */*\r\nConnection: close\r\n\r\n");
	check = once(&server, CHECK_HTTP, LONG_MS);
	check.path = "/a/../b?c=%20d";
	check.host = "shop.example";
	expect(ask_with(&check), CHECK_PASSED, HEALTH_NONE, "status 200");
	server_stop(&server);
	/* Without a name, the address is the host. */
	server_bind(&server, "127.0.0.1");
	snprintf(wanted, sizeof(wanted),
		 "GET /healthz HTTP/1.1\r\nHost: %s\r\nUser-Agent: serin/" SERIN_VERSION
		 "\r\nAccept: */*\r\nConnection: close\r\n\r\n",
		 endpoint_format(&server.endpoint.addr, server.endpoint.port, endpoint));
	assert_int_equal(listen(server.socket, 8), 0);
	server.pid = fork();
	if (!server.pid)
		serve_forever(&server, insist, wanted);
	expect(ask(&server, CHECK_HTTP, LONG_MS), CHECK_PASSED, HEALTH_NONE, "status 200");
	server_stop(&server);
	unsetenv("http_proxy");
}

/* An agent that has run out of descriptors must not call its backends dead. */
static void test_no_descriptors_left(void **state)
{
	struct rlimit before, none;
	struct server server;
	struct check check;
	struct run run;

	(void)state;
	server_listen(&server, "127.0.0.1", 8);
	check = once(&server, CHECK_TCP, LONG_MS);
	run_new(&run, NULL);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 3;
	assert_int_equal(checker_set(run.checker, 1, &check), 0);
	setrlimit(RLIMIT_NOFILE, &none);
	assert_true(run_for(&run, 1, 20000));
	setrlimit(RLIMIT_NOFILE, &before);
	expect(run.seen[0], CHECK_IMPOSSIBLE, HEALTH_NONE, "socket: Too many open files");
	assert_int_equal(checker_set(run.checker, 1, &check), 0);
	assert_true(run_for(&run, 1, 20000));
	expect(run.seen[1], CHECK_PASSED, HEALTH_NONE, "connected");
	run_free(&run);
	server_stop(&server);
}

static void test_refused_settings(void **state)
{
	struct server server = { .endpoint.port = htons(80) };
	struct check good, bad;
	struct run run;

	(void)state;
	address_parse("127.0.0.1", &server.endpoint.addr);
	good = once(&server, CHECK_HTTP, 1);
	run_new(&run, NULL);
	assert_int_equal(checker_set(run.checker, SERIN_MAX_BACKENDS, &good), -EINVAL);
	bad = good;
	bad.timeout_ms = 0;
	assert_int_equal(checker_set(run.checker, 0, &bad), -EINVAL);
	bad = good;
	bad.endpoint.port = 0;
	assert_int_equal(checker_set(run.checker, 0, &bad), -EINVAL);
	bad = good;
	memset(&bad.endpoint.addr, 0, sizeof(bad.endpoint.addr));
	assert_int_equal(checker_set(run.checker, 0, &bad), -EINVAL);
	bad = good;
	bad.path = "healthz";
	assert_int_equal(checker_set(run.checker, 0, &bad), -EINVAL);
	bad.path = "/\r\nX-Evil: 1";
	assert_int_equal(checker_set(run.checker, 0, &bad), -EINVAL);
	bad = good;
	bad.host = "a\r\nX-Evil: 1";
	assert_int_equal(checker_set(run.checker, 0, &bad), -EINVAL);
	bad.host = "";
	assert_int_equal(checker_set(run.checker, 0, &bad), -EINVAL);
	assert_false(run_for(&run, 1, 50)); /* nothing was set */
	run_free(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody_listens),
		cmocka_unit_test(test_never_accepts),
		cmocka_unit_test(test_syns_are_dropped),
		cmocka_unit_test(test_unreachable),
		cmocka_unit_test(test_hangs_up),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_one_status_only),
		cmocka_unit_test(test_body_is_not_awaited),
		cmocka_unit_test(test_floods),
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_no_descriptors_left),
		cmocka_unit_test(test_refused_settings),
	};

	curl_global_init(CURL_GLOBAL_DEFAULT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
