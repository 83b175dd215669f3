/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests to real servers on loopback, well and ill, and to names that nobody resolves: answers in words, and a loop that
 * is never held. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <curl/curl.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "check_servers.h"
#include "fetch.h"
#include "scratch_file.h"

struct got {
	struct loop *loop;
	struct fetcher *fetcher;
	struct loop_source *ticker;
	unsigned int count, ticks;
	int64_t last_ms, longest_gap_ms;
	int status;
	char why[256], body[8192];
	size_t length;
	bool cut;
	unsigned int retry_after;
};

static void on_answer(void *context, const struct fetch_answer *answer)
{
	struct got *got = context;

	got->count++;
	got->status = answer->status;
	got->length = answer->length;
	got->cut = answer->cut;
	got->retry_after = answer->retry_after;
	snprintf(got->why, sizeof(got->why), "%s", answer->why);
	snprintf(got->body, sizeof(got->body), "%s", answer->body);
	assert_int_equal(answer->body[answer->length], '\0');
	loop_stop(got->loop);
}

/* Every 10 ms, if the loop is not held. */
static void on_tick(void *context)
{
	struct got *got = context;
	int64_t now_ms = loop_now_ms();

	if (got->last_ms && now_ms - got->last_ms > got->longest_gap_ms)
		got->longest_gap_ms = now_ms - got->last_ms;
	got->last_ms = now_ms;
	if (++got->ticks > 2000) /* 20 s */
		loop_stop(got->loop);
}

static void got_new(struct got *got)
{
	memset(got, 0, sizeof(*got));
	assert_int_equal(loop_new(&got->loop), 0);
	assert_int_equal(fetcher_new(got->loop, &got->fetcher), 0);
	assert_int_equal(loop_add_timer(got->loop, on_tick, got, &got->ticker), 0);
	loop_set_timer(got->ticker, 10, 10);
}

static void got_free(struct got *got)
{
	fetcher_free(got->fetcher);
	loop_free(got->loop);
}

static struct got ask_with(const struct fetch_request *request)
{
	struct fetch *fetch;
	struct got got;

	got_new(&got);
	assert_int_equal(fetch_start(got.fetcher, request, on_answer, &got, &fetch), 0);
	assert_int_equal(got.count, 0);
	assert_int_equal(loop_run(got.loop), 0);
	assert_int_equal(got.count, 1);
	got_free(&got);
	return got;
}

static const char *url_of(const struct server *server, const char *path)
{
	static char url[256];
	char text[ADDRESS_TEXT_LEN];

	endpoint_format(&server->endpoint.addr, server->endpoint.port, text);
	snprintf(url, sizeof(url), "http://%s%s", text, path);
	return url;
}

static struct got ask(const struct server *server, unsigned int timeout_ms)
{
	struct fetch_request request = { .url = url_of(server, "/a?b=c"), .timeout_ms = timeout_ms, .limit = 100 };

	return ask_with(&request);
}

static struct got ask_one_that_says(const char *say)
{
	struct server server;
	struct got got;

	server_start(&server, "127.0.0.1", say_it, say);
	got = ask(&server, LONG_MS);
	server_stop(&server);
	return got;
}

static void test_answers(void **state)
{
	static const struct {
		const char *say, *body, *why;
		int status;
		bool cut;
		unsigned int retry_after;
	} cases[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", "", 200, false, 0 },
		{ "HTTP/1.1 200 OK\r\n\r\nuntil the end", "until the end", "", 200, false, 0 },
		{ "HTTP/1.1 204 No Content\r\n\r\n", "", "", 204, false, 0 },
		{ "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno", "no", "", 500,
		  false, 0 },
		{ "HTTP/1.1 429 Slow down\r\nRetry-After: 17\r\nContent-Length: 0\r\n\r\n", "", "", 429, false, 17 },
		/* Nobody is sent elsewhere. */
		{ "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", "", "", 302, false, 0 },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf of", "half of",
		  "transfer closed with 43 bytes remaining to read", 200, false, 0 },
		{ "SSH-2.0-OpenSSH_9.2\r\n", "", "Received HTTP/0.9 when not allowed", 0, false, 0 },
		{ "", "", "Empty reply from server", 0, false, 0 },
		{ "HTTP/1.1 103 Early Hints\r\n\r\n", "", NULL, 0, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct got got = ask_one_that_says(cases[i].say);

		assert_int_equal(got.status, cases[i].status);
		assert_string_equal(got.body, cases[i].body);
		if (cases[i].why)
			assert_string_equal(got.why, cases[i].why);
		else
			assert_string_not_equal(got.why, "");
		assert_int_equal(got.cut, cases[i].cut);
		assert_int_equal(got.retry_after, cases[i].retry_after);
	}
}

/* It never ends. */
static void babble(int connection, const char *say)
{
	char request[4096];

	(void)say;
	read_request(connection, request, sizeof(request));
	if (write(connection, "HTTP/1.1 200 OK\r\n\r\n", 19) != 19)
		return;
	while (write(connection, "0123456789", 10) == 10)
		;
}

static void test_bounded(void **state)
{
	struct server server;
	struct got got;

	(void)state;
	server_start(&server, "127.0.0.1", babble, NULL);
	got = ask(&server, LONG_MS);
	assert_int_equal(got.status, 200);
	assert_int_equal(got.length, 100);
	assert_true(got.cut);
	assert_string_equal(got.why, "");
	server_stop(&server);
}

/* Says what it was sent. */
static void echo(int connection, const char *say)
{
	char request[4096] = "", head[128];
	size_t length = 0;
	ssize_t n;

	(void)say;
	while (!strstr(request, "end of body") && !(strstr(request, "\r\n\r\n") && !memcmp(request, "GET", 3)) &&
	       (n = read(connection, request + length, sizeof(request) - 1 - length)) > 0)
		length += (size_t)n;
	n = snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", length);
	(void)!write(connection, head, (size_t)n);
	(void)!write(connection, request, length);
}

static void test_what_is_sent(void **state)
{
	struct fetch_request request = { .timeout_ms = LONG_MS, .limit = 4096 };
	struct server server;
	struct got got;

	(void)state;
	server_start(&server, "::1", echo, NULL);
	request.url = url_of(&server, "/hook?x=%20");
	got = ask_with(&request);
	assert_int_equal(strncmp(got.body, "GET /hook?x=%20 HTTP/1.1\r\n", 26), 0);
	assert_non_null(strstr(got.body, "User-Agent: serin/" SERIN_VERSION "\r\n"));
	request.body = "{\"a\": 1, \"z\": \"end of body\"}";
	request.header = "Idempotency-Key: shop-7";
	got = ask_with(&request);
	assert_int_equal(strncmp(got.body, "POST /hook?x=%20 HTTP/1.1\r\n", 27), 0);
	assert_non_null(strstr(got.body, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(got.body, "\r\nIdempotency-Key: shop-7\r\n"));
	assert_non_null(strstr(got.body, "\r\n\r\n{\"a\": 1, \"z\": \"end of body\"}"));
	server_stop(&server);
}

static void test_no_answer(void **state)
{
	struct server server;
	struct got got;

	(void)state;
	server_bind(&server, "127.0.0.1");
	got = ask(&server, LONG_MS);
	assert_int_equal(got.status, 0);
	assert_int_equal(strncmp(got.why, "Failed to connect to 127.0.0.1 port ", 36), 0);
	server_stop(&server);
	server_listen(&server, "127.0.0.1", 8);
	got = ask(&server, SHORT_MS);
	assert_int_equal(got.status, 0);
	assert_string_equal(got.why, "timeout after 300ms");
	server_stop(&server);
	server_deaf(&server);
	got = ask(&server, 1000);
	assert_string_equal(got.why, "timeout after 1s");
	server_stop(&server);
}

/* An HTTPS server whose certificate nobody has signed, in the background. */
static pid_t start_https(unsigned int *ret_port)
{
	char directory[SCRATCH_LEN], command[512];
	struct server server;
	pid_t child;

	server_bind(&server, "127.0.0.1"); /* a port that is free */
	*ret_port = ntohs(server.endpoint.port);
	server_stop(&server);
	assert_int_equal(scratch_directory(directory), 0);
	snprintf(command, sizeof(command),
		 "cd %s && openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -days 1 -subj /CN=localhost "
		 "-addext subjectAltName=IP:127.0.0.1 2>/dev/null",
		 directory);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command),
		 "cd %s && exec openssl s_server -quiet -www -accept 127.0.0.1:%u -key key -cert cert >/dev/null 2>&1",
		 directory, *ret_port);
	child = fork();
	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execl("/bin/sh", "sh", "-c", command, NULL);
	_exit(127);
}

static void test_unknown_certificate(void **state)
{
	struct fetch_request request = { .body = "{}", .timeout_ms = LONG_MS, .limit = 100 };
	char url[64];
	unsigned int port;
	struct got got;
	pid_t child;

	(void)state;
	if (system("command -v openssl >/dev/null"))
		skip();
	child = start_https(&port);
	snprintf(url, sizeof(url), "https://127.0.0.1:%u/", port);
	request.url = url;
	for (int i = 0; i < 100; i++) {
		usleep(50000);
		got = ask_with(&request);
		if (!strstr(got.why, "Failed to connect"))
			break;
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_string_equal(got.why, "SSL certificate problem: self-signed certificate");
	assert_int_equal(got.status, 0);
}

static void test_no_url(void **state)
{
	static const char *const urls[] = { "file:///etc/passwd", "ftp://127.0.0.1/",       "http://", "",
					    "http://a b/",        "http://127.0.0.1:70000/" };

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		struct fetch_request request = { .url = urls[i], .timeout_ms = 1000, .limit = 100 };
		struct got got = ask_with(&request);

		assert_int_equal(got.status, 0);
		assert_string_not_equal(got.why, "");
		assert_int_equal(got.length, 0);
	}
}

static void never(void *context, const struct fetch_answer *answer)
{
	(void)context;
	(void)answer;
	fail_msg("an answer to what was cancelled");
}

static void test_cancelled(void **state)
{
	struct fetch_request request = { .timeout_ms = LONG_MS, .limit = 100 };
	struct fetch *fetch[8];
	struct server hangs;
	struct got got;

	(void)state;
	server_listen(&hangs, "127.0.0.1", 64);
	request.url = url_of(&hangs, "/");
	got_new(&got);
	for (int i = 0; i < 8; i++)
		assert_int_equal(fetch_start(got.fetcher, &request, never, &got, &fetch[i]), 0);
	got.ticks = 1990; /* 100 ms */
	assert_int_equal(loop_run(got.loop), 0);
	assert_null(fetch_cancel(fetch[7])); /* the newest, the oldest, and one between them */
	assert_null(fetch_cancel(fetch[0]));
	assert_null(fetch_cancel(fetch[3]));
	assert_null(fetch_cancel(NULL));
	got.ticks = 1990;
	assert_int_equal(loop_run(got.loop), 0);
	got_free(&got); /* with five under way */
	server_stop(&hangs);
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd >= 0) {
		(void)!write(fd, text, strlen(text));
		close(fd);
	}
}

/* A network of its own, where a name server takes queries and answers none. False: not allowed here. */
static bool unshare_with_mute_dns(const char *resolv, int *ret_socket)
{
	struct sockaddr_in dns = { .sin_family = AF_INET,
				   .sin_port = htons(53),
				   .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	char map[64];
	uid_t uid = getuid();

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS))
		return false;
	snprintf(map, sizeof(map), "0 %u 1", uid);
	put("/proc/self/uid_map", map);
	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	if (mount(resolv, "/etc/resolv.conf", NULL, MS_BIND, NULL))
		return false;
	*ret_socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return !ioctl(*ret_socket, SIOCSIFFLAGS, &lo) && !bind(*ret_socket, (struct sockaddr *)&dns, sizeof(dns));
}

#define NOT_ALLOWED 77

/* In a child process: what it finds out is its exit code. */
static void ask_mute_dns(const char *resolv)
{
	struct fetch_request request = { .url = "http://hooks.example/T0", .timeout_ms = 500, .limit = 100 };
	struct fetch *fetch;
	struct got got;
	char query[512];
	int dns;

	if (!unshare_with_mute_dns(resolv, &dns))
		_exit(NOT_ALLOWED);
	got_new(&got);
	if (fetch_start(got.fetcher, &request, on_answer, &got, &fetch) || loop_run(got.loop) || got.count != 1)
		_exit(1);
	if (strcmp(got.why, "timeout after 500ms") != 0)
		_exit(2);
	if (recv(dns, query, sizeof(query), MSG_DONTWAIT) <= 0) /* it was asked */
		_exit(3);
	if (got.longest_gap_ms > 250)
		_exit(4);
	got.last_ms = 0; /* and the same when it is dropped half way */
	if (fetch_start(got.fetcher, &request, never, &got, &fetch))
		_exit(5);
	got.ticks = 1980;
	if (loop_run(got.loop))
		_exit(6);
	fetch_cancel(fetch);
	on_tick(&got);
	_exit(got.longest_gap_ms > 250 ? 7 : 0);
}

static void test_name_server_is_mute(void **state)
{
	char resolv[SCRATCH_PATH_LEN];
	pid_t child;
	int status;

	(void)state;
	scratch_file("resolv.conf", "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n", resolv);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		alarm(60);
		ask_mute_dns(resolv);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == NOT_ALLOWED)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_what_is_shown(void **state)
{
	static const char *const urls[][2] = {
		{ "https://hooks.example/services/T0/B0/secret", "https://hooks.example" },
		{ "http://10.0.0.1:8080", "http://10.0.0.1:8080" },
		{ "https://user:secret@[2001:db8::1]:8443/x?token=secret", "https://[2001:db8::1]:8443" },
		{ "https://hooks.example?token=secret", "https://hooks.example" },
		{ "nonsense", "nonsense" },
	};
	char text[64], few[8];

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
		assert_string_equal(fetch_origin(urls[i][0], text, sizeof(text)), urls[i][1]);
	assert_string_equal(fetch_quote("  two\r\n\tlines \x1b[31m and \xc3\xa4 ", text, sizeof(text)),
			    "two lines [31m and ??");
	assert_string_equal(fetch_quote("0123456789", few, sizeof(few)), "0123456");
	assert_string_equal(fetch_quote("", few, sizeof(few)), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_what_is_sent),
		cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_unknown_certificate),
		cmocka_unit_test(test_no_url),
		cmocka_unit_test(test_cancelled),
		cmocka_unit_test(test_name_server_is_mute),
		cmocka_unit_test(test_what_is_shown),
	};

	curl_global_init(CURL_GLOBAL_DEFAULT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
