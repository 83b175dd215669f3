/* SPDX-License-Identifier: BSD-2-Clause */
/* What is asked of a Prometheus, what becomes of each thing that it may answer, and a real one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <curl/curl.h>
#include <fcntl.h>
#include <limits.h>

#include "../scratch.h"
#include "check_servers.h"
#include "prometheus.h"

static void test_fill(void **state)
{
	static const char *const cases[][2] = {
		{ "up{version=\"$version\"}", "up{version=\"canary\"}" },
		{ "$service/$version/$service", "shop/canary/shop" },
		{ "${service}_${version}_x", "shop_canary_x" },
		{ "$versions $version_x ${version $services", "$versions $version_x ${version $services" },
		{ "{job=~\"^a$\", v=\"$version$\"}", "{job=~\"^a$\", v=\"canary$\"}" },
		{ "$$version", "$canary" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = prometheus_fill(cases[i][0], "shop", "canary");

		assert_string_equal(text, cases[i][1]);
		free(text);
	}
	assert_true(prometheus_names_version("a$b{c=\"$version\"}"));
	assert_true(prometheus_names_version("${version}"));
	assert_false(prometheus_names_version("sum(rate(x{v=~\"^$versions$\"}[1m]))$"));
}

static void test_url(void **state)
{
	char *url = prometheus_url("http://127.0.0.1:9090/prom//", "sum(rate(x{v=\"a&b\"}[1m])) > 1 + 2%3#\xc3\xa4");

	(void)state;
	assert_string_equal(url, "http://127.0.0.1:9090/prom/api/v1/query?query="
				 "sum%28rate%28x%7Bv%3D%22a%26b%22%7D%5B1m%5D%29%29%20%3E%201%20%2B%202%253%23%C3%A4");
	free(url);
}

#define VECTOR(results) "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[" results "]}}"
#define SERIES(value) "{\"metric\":{\"a\":\"b\"},\"value\":[1435781451.781,\"" value "\"]}"

static void test_read(void **state)
{
	static const struct {
		int status;
		const char *body, *why; /* NULL: known */
		double value;
	} cases[] = {
		{ 200, VECTOR(SERIES("1.5")), NULL, 1.5 },
		{ 200, VECTOR(SERIES("-3e-07")), NULL, -3e-07 },
		{ 200, "{\"status\":\"success\",\"data\":{\"resultType\":\"scalar\",\"result\":[1.5,\"0\"]}}", NULL,
		  0 },
		{ 200,
		  "{\"status\":\"success\",\"warnings\":[\"x\"],\"data\":{\"resultType\":\"vector\",\"result\":[" SERIES(
			  "7") "]}}",
		  NULL, 7 },
		{ 200, VECTOR(""), "the query gives no value: no series matches it now", 0 },
		{ 200, VECTOR(SERIES("1") "," SERIES("1")),
		  "the query gives 2 series, expected one: sum() or avg() makes one of them", 0 },
		{ 200, VECTOR(SERIES("NaN")), "the query's value is NaN", 0 },
		{ 200, VECTOR(SERIES("+Inf")), "the query's value is +Inf", 0 },
		{ 200, VECTOR(SERIES("-Inf")), "the query's value is -Inf", 0 },
		{ 200, VECTOR(SERIES("")), "the answer is not Prometheus's: no number where the value should be", 0 },
		{ 200, VECTOR(SERIES("1x")), "the answer is not Prometheus's: no number where the value should be", 0 },
		{ 200, VECTOR("{\"value\":[1, 2]}"),
		  "the answer is not Prometheus's: no number where the value should be", 0 },
		{ 200, VECTOR("{}"), "the answer is not Prometheus's: no number where the value should be", 0 },
		{ 200, "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[]}}",
		  "the query gives a matrix, expected one value", 0 },
		{ 200, "{\"status\":\"success\",\"data\":{\"resultType\":\"string\",\"result\":[1,\"1\"]}}",
		  "the query gives a string, expected one value", 0 },
		{ 200, "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\"}}",
		  "the answer is not Prometheus's: no list of results", 0 },
		{ 200, "{\"status\":\"success\",\"data\":{}}", "the answer is not Prometheus's: no type of result", 0 },
		{ 200, "{\"status\":\"success\"}", "the answer is not Prometheus's: no type of result", 0 },
		{ 200, "{}", "the answer is not Prometheus's", 0 },
		{ 200, "[1]", "the answer is not Prometheus's", 0 },
		{ 200, "<html>Sign in</html>", "the answer is not Prometheus's: no JSON", 0 },
		{ 200, "", "the answer is not Prometheus's: no JSON", 0 },
		{ 400, "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"parse error:\\n unclosed\"}",
		  "Prometheus refuses the query (status 400): parse error: unclosed", 0 },
		{ 200, "{\"status\":\"error\",\"errorType\":\"timeout\",\"error\":\"too slow\"}",
		  "Prometheus refuses the query (status 200): too slow", 0 },
		{ 401, "Unauthorized", "status 401, expected 200", 0 },
		{ 503, VECTOR(SERIES("1")), "status 503, expected 200", 0 },
		{ 302, "", "status 302, expected 200", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fetch_answer answer = {
			.status = cases[i].status, .why = "", .body = cases[i].body, .length = strlen(cases[i].body)
		};
		struct prometheus_value value;

		memset(&value, 0xee, sizeof(value));
		prometheus_read(&answer, &value);
		assert_string_equal(value.why, cases[i].why ? cases[i].why : "");
		assert_int_equal(value.known, !cases[i].why);
		assert_true(value.value == cases[i].value);
	}
}

static void test_read_of_what_is_not_whole(void **state)
{
	static const char text[] = VECTOR(SERIES("1"));
	struct fetch_answer answer = {
		.status = 200, .why = "timeout after 5s", .body = text, .length = sizeof(text) - 1
	};
	struct prometheus_value value;

	(void)state;
	prometheus_read(&answer, &value);
	assert_false(value.known);
	assert_string_equal(value.why, "no answer from Prometheus: timeout after 5s");
	answer.why = "";
	answer.cut = true;
	prometheus_read(&answer, &value);
	assert_false(value.known);
	assert_non_null(strstr(value.why, "the answer is longer than "));
	answer.cut = false;
	prometheus_read(&answer, &value);
	assert_true(value.known);
}

/* Whatever half of an answer comes, and whatever byte is wrong: never a crash, and no value out of half an answer. */
static void test_read_of_garbage(void **state)
{
	static const char text[] = VECTOR(SERIES("12.5"));
	struct prometheus_value value;
	char copy[sizeof(text)];

	(void)state;
	for (size_t length = 0; length < sizeof(text) - 1; length++) {
		struct fetch_answer answer = { .status = 200, .why = "", .body = text, .length = length };

		prometheus_read(&answer, &value);
		assert_false(value.known);
		assert_string_not_equal(value.why, "");
	}
	for (size_t at = 0; at < sizeof(text) - 1; at++) {
		for (unsigned int byte = 0; byte < 256; byte += 5) {
			struct fetch_answer answer = {
				.status = 200, .why = "", .body = copy, .length = sizeof(text) - 1
			};

			memcpy(copy, text, sizeof(text));
			copy[at] = (char)byte;
			prometheus_read(&answer, &value);
			assert_true(value.known != !!value.why[0]);
		}
	}
}

struct asked {
	struct loop *loop;
	struct fetcher *fetcher;
	struct prometheus_value trial, baseline;
	unsigned int count;
};

static void on_values(void *context, const struct prometheus_value *trial, const struct prometheus_value *baseline)
{
	struct asked *asked = context;

	asked->trial = *trial;
	asked->baseline = *baseline;
	asked->count++;
	loop_stop(asked->loop);
}

static void on_guard(void *context)
{
	struct asked *asked = context;

	loop_stop(asked->loop);
}

static struct asked ask(const char *url, const char *text, bool baseline, unsigned int timeout_ms)
{
	struct prometheus_query query = { .url = url,
					  .query = text,
					  .service = "shop",
					  .trial = "canary",
					  .baseline = baseline ? "stable" : NULL,
					  .timeout_ms = timeout_ms };
	struct loop_source *guard;
	struct prometheus *under_way;
	struct asked asked = { 0 };

	assert_int_equal(loop_new(&asked.loop), 0);
	assert_int_equal(loop_add_timer(asked.loop, on_guard, &asked, &guard), 0);
	loop_set_timer(guard, 20000, 0);
	assert_int_equal(fetcher_new(asked.loop, &asked.fetcher), 0);
	assert_int_equal(prometheus_ask(asked.fetcher, &query, on_values, &asked, &under_way), 0);
	assert_int_equal(loop_run(asked.loop), 0);
	assert_int_equal(asked.count, 1);
	fetcher_free(asked.fetcher);
	loop_free(asked.loop);
	return asked;
}

/* 3 for the trial, 2 for the baseline, and a slow one at that; nothing else is known here. */
static void answer_by_version(int connection, const char *say)
{
	char request[4096] = "", body[512], answer[1024];
	const char *value;

	(void)say;
	read_request(connection, request, sizeof(request));
	value = strstr(request, "GET /api/v1/query?query=x%7Bs%3D%22shop%22%2Cv%3D%22canary%22%7D ") ? "3" : NULL;
	if (strstr(request, "GET /api/v1/query?query=x%7Bs%3D%22shop%22%2Cv%3D%22stable%22%7D ")) {
		usleep(100000);
		value = "2";
	}
	snprintf(body, sizeof(body), VECTOR(SERIES("%s")), value ? value : "NaN");
	snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
	(void)!write(connection, answer, strlen(answer));
}

static const char *url_of(const struct server *server)
{
	static char url[256];
	char text[ADDRESS_TEXT_LEN];

	endpoint_format(&server->endpoint.addr, server->endpoint.port, text);
	snprintf(url, sizeof(url), "http://%s", text);
	return url;
}

static void test_two_versions(void **state)
{
	static const char query[] = "x{s=\"$service\",v=\"$version\"}";
	struct server server;
	struct asked asked;

	(void)state;
	server_start(&server, "127.0.0.1", answer_by_version, NULL);
	asked = ask(url_of(&server), query, true, LONG_MS);
	assert_true(asked.trial.known && asked.trial.value == 3);
	assert_true(asked.baseline.known && asked.baseline.value == 2);
	asked = ask(url_of(&server), query, false, LONG_MS);
	assert_true(asked.trial.known && asked.trial.value == 3);
	assert_false(asked.baseline.known);
	asked = ask(url_of(&server), "y", true, LONG_MS);
	assert_string_equal(asked.trial.why, "the query's value is NaN");
	assert_string_equal(asked.baseline.why, "the query's value is NaN");
	server_stop(&server);
}

static void test_no_server(void **state)
{
	struct server server;
	struct asked asked;

	(void)state;
	server_listen(&server, "127.0.0.1", 8);
	asked = ask(url_of(&server), "x", true, SHORT_MS);
	assert_string_equal(asked.trial.why, "no answer from Prometheus: timeout after 300ms");
	assert_string_equal(asked.baseline.why, "no answer from Prometheus: timeout after 300ms");
	server_stop(&server);
	server_bind(&server, "127.0.0.1");
	asked = ask(url_of(&server), "x", false, LONG_MS);
	assert_false(asked.trial.known);
	assert_int_equal(strncmp(asked.trial.why, "no answer from Prometheus: Failed to connect", 44), 0);
	server_stop(&server);
}

static void never(void *context, const struct prometheus_value *trial, const struct prometheus_value *baseline)
{
	(void)context;
	(void)trial;
	(void)baseline;
	fail_msg("values of what was cancelled");
}

static void test_cancelled(void **state)
{
	struct prometheus_query query = {
		.query = "x", .service = "s", .trial = "a", .baseline = "b", .timeout_ms = 100
	};
	struct prometheus *under_way;
	struct fetcher *fetcher;
	struct server server;
	struct loop *loop;

	(void)state;
	server_listen(&server, "127.0.0.1", 8);
	query.url = url_of(&server);
	assert_int_equal(loop_new(&loop), 0);
	assert_int_equal(fetcher_new(loop, &fetcher), 0);
	assert_int_equal(prometheus_ask(fetcher, &query, never, NULL, &under_way), 0);
	assert_null(prometheus_cancel(under_way));
	assert_null(prometheus_cancel(NULL));
	fetcher_free(fetcher);
	loop_free(loop);
	server_stop(&server);
}

/* The Debian package's, that scrapes itself. */
static pid_t start_prometheus(const char *directory, uint16_t port)
{
	char config[PATH_MAX], data[PATH_MAX], listen_on[64], text[256];
	pid_t child;
	int fd;

	snprintf(config, sizeof(config), "--config.file=%s/prometheus.yml", directory);
	snprintf(data, sizeof(data), "--storage.tsdb.path=%s/data", directory);
	snprintf(listen_on, sizeof(listen_on), "--web.listen-address=127.0.0.1:%u", port);
	snprintf(text, sizeof(text),
		 "global: {scrape_interval: 200ms, scrape_timeout: 200ms}\n"
		 "scrape_configs:\n"
		 "  - {job_name: self, static_configs: [{targets: ['127.0.0.1:%u'], labels: {version: canary}}]}\n",
		 port);
	fd = open(strchr(config, '=') + 1, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0 && write(fd, text, strlen(text)) > 0);
	close(fd);
	child = fork();
	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = open("/dev/null", O_RDWR);
	dup2(fd, 1);
	dup2(fd, 2);
	execlp("prometheus", "prometheus", config, data, listen_on, "--log.level=error", NULL);
	_exit(127);
}

static void expect_real_answers(const char *url)
{
	struct asked asked;

	asked = ask(url, "up{version=\"$version\"}", true, LONG_MS);
	assert_true(asked.trial.known && asked.trial.value == 1);
	assert_string_equal(asked.baseline.why, "the query gives no value: no series matches it now");
	asked = ask(url, "vector(1) * 2.5 + scalar(up{version=\"$version\"})", false, LONG_MS);
	assert_true(asked.trial.known && asked.trial.value == 3.5);
	asked = ask(url, "1 / 4", false, LONG_MS);
	assert_true(asked.trial.known && asked.trial.value == 0.25);
	asked = ask(url, "vector(0) / 0", false, LONG_MS);
	assert_string_equal(asked.trial.why, "the query's value is NaN");
	asked = ask(url, "prometheus_http_requests_total", false, LONG_MS);
	assert_non_null(strstr(asked.trial.why, "series, expected one"));
	asked = ask(url, "up[1m]", false, LONG_MS);
	assert_string_equal(asked.trial.why, "the query gives a matrix, expected one value");
	asked = ask(url, "sum(rate(", false, LONG_MS);
	assert_int_equal(strncmp(asked.trial.why, "Prometheus refuses the query (status 400): ", 43), 0);
	asked = ask(url, "{__name__=~\".+\"}", false, LONG_MS);
	assert_non_null(strstr(asked.trial.why, "expected one"));
}

static void test_real_prometheus(void **state)
{
	char directory[SCRATCH_LEN], url[64];
	int64_t until_ms = loop_now_ms() + 30000;
	struct server server;
	struct asked asked;
	uint16_t port;
	pid_t child;

	(void)state;
	if (system("command -v prometheus >/dev/null"))
		skip();
	server_bind(&server, "127.0.0.1"); /* a port that is free */
	port = ntohs(server.endpoint.port);
	server_stop(&server);
	assert_int_equal(scratch_directory(directory), 0);
	child = start_prometheus(directory, port);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", port);
	do {
		usleep(100000);
		asked = ask(url, "sum(up{version=\"$version\"})", false, LONG_MS);
	} while (!asked.trial.known && loop_now_ms() < until_ms);
	sleep(1);
	if (asked.trial.known)
		expect_real_answers(url);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_string_equal(asked.trial.why, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fill),
		cmocka_unit_test(test_url),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_read_of_what_is_not_whole),
		cmocka_unit_test(test_read_of_garbage),
		cmocka_unit_test(test_two_versions),
		cmocka_unit_test(test_no_server),
		cmocka_unit_test(test_cancelled),
		cmocka_unit_test(test_real_prometheus),
	};

	curl_global_init(CURL_GLOBAL_DEFAULT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
