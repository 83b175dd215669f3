/* SPDX-License-Identifier: BSD-2-Clause */
/* The resolver against a real DNS server whose records change, and which is stopped, killed and started again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../scratch.h"
#include "resolver.h"
#include "turning.h"

#define DNSMASQ "/usr/sbin/dnsmasq"
#define NAME "canary.shop.test"
#define SOON 5000
#define GIVES_UP 12000
#define MAX_ARGUMENTS 24

static char directory[SCRATCH_LEN], hosts[SCRATCH_PATH_LEN], log_path[SCRATCH_PATH_LEN];
static unsigned int port;
static pid_t server;
static struct resolver *resolver;
static struct resolver_name *name;

/* One that is free for UDP and TCP, as far as can be known. */
static int find_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	int tcp = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);
	int err = bind(tcp, (struct sockaddr *)&address, length) ||
		  getsockname(tcp, (struct sockaddr *)&address, &length) ||
		  bind(udp, (struct sockaddr *)&address, length);

	port = ntohs(address.sin_port);
	close(tcp);
	close(udp);
	return err ? -1 : 0;
}

/* With `more` arguments, a list that ends with NULL, or NULL. */
static void start_server(const char *const *more)
{
	char port_option[32], hosts_option[128], log_option[128];
	const char *argv[MAX_ARGUMENTS] = {
		DNSMASQ,
		"--keep-in-foreground",
		"--conf-file=/dev/null",
		"--no-resolv",
		"--no-hosts",
		"--user=root",
		"--listen-address=127.0.0.1",
		"--bind-interfaces",
		"--pid-file=",
		"--local=/test/",
		"--local-ttl=1",
		port_option,
		hosts_option,
		log_option,
	};
	size_t count = 14;

	snprintf(port_option, sizeof(port_option), "--port=%u", port);
	snprintf(hosts_option, sizeof(hosts_option), "--addn-hosts=%s", hosts);
	snprintf(log_option, sizeof(log_option), "--log-facility=%s", log_path);
	while (more && *more && count + 1 < MAX_ARGUMENTS)
		argv[count++] = *more++;
	server = fork();
	assert_true(server >= 0);
	if (server)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execv(DNSMASQ, (char *const *)argv);
	_exit(127);
}

static void stop_server(void)
{
	if (server <= 0)
		return;
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	server = 0;
}

/* The lines of a hosts file. The server takes them when it starts. */
static void write_hosts(const char *lines)
{
	FILE *out = fopen(hosts, "w");

	assert_non_null(out);
	fputs(lines, out);
	assert_int_equal(fclose(out), 0);
}

static void change_hosts(const char *lines)
{
	write_hosts(lines);
	assert_int_equal(kill(server, SIGHUP), 0);
}

static int setup(void **state)
{
	const struct resolver_options options = { .resolv_conf = "/nonexistent" };
	struct resolver_options with_server = options;
	char servers[32];

	(void)state;
	name = NULL;
	if (scratch_directory(directory) || find_port() || turning_begin())
		return -1;
	snprintf(hosts, sizeof(hosts), "%s/hosts", directory);
	snprintf(log_path, sizeof(log_path), "%s/log", directory);
	snprintf(servers, sizeof(servers), "127.0.0.1:%u", port);
	with_server.servers = servers;
	return resolver_new(turning.loop, &with_server, &resolver);
}

static int teardown(void **state)
{
	(void)state;
	stop_server();
	resolver = resolver_free(resolver);
	turning_end();
	return 0;
}

static void need_server(void)
{
	if (access(DNSMASQ, X_OK)) {
		print_message("dnsmasq is missing (Debian package dnsmasq-base)\n");
		skip();
	}
}

static const struct discovered *found(void)
{
	return resolver_found(name);
}

static const char *text(void)
{
	static char buffer[DISCOVERED_TEXT_LEN];

	return discovered_describe(found(), 0, loop_now_ms(), buffer);
}

static void on_news(void *context)
{
	(void)context;
}

static void ask_for(const char *wanted, enum resolver_type type)
{
	const struct resolver_question question = {
		wanted, type, htons(3000), 1000, { SERIN_FORWARD_NAT, true, true }
	};

	assert_int_equal(resolver_add(resolver, &question, on_news, NULL, &name), 0);
}

static size_t wanted_count;

static bool has_wanted(void)
{
	return found()->list.count == wanted_count && !found()->keeps;
}

static bool is_troubled(void)
{
	return found()->keeps;
}

static void wait_for(size_t count, int64_t ms)
{
	wanted_count = count;
	if (!turn_until(has_wanted, ms))
		fail_msg("expected %zu addresses, found: %s", count, text());
}

static void check_item(size_t i, const char *expected, uint16_t weight)
{
	const struct config_backend *item = &found()->list.items[i];
	char buffer[ADDRESS_TEXT_LEN];

	assert_true(i < found()->list.count);
	assert_string_equal(endpoint_format(&item->endpoint.addr, item->endpoint.port, buffer), expected);
	assert_int_equal(item->weight, weight);
}

static void test_records_change(void **state)
{
	(void)state;
	need_server();
	write_hosts("10.0.0.21 " NAME "\n");
	start_server(NULL);
	ask_for(NAME, RESOLVER_ADDRESSES);
	wait_for(1, GIVES_UP); /* the first question may come before the server does */
	check_item(0, "10.0.0.21:3000", 1);
	change_hosts("10.0.0.22 " NAME "\n10.0.0.21 " NAME "\n2001:db8::21 " NAME "\n");
	wait_for(3, SOON);
	check_item(2, "[2001:db8::21]:3000", 1);
	change_hosts("2001:db8::21 " NAME "\n"); /* no A any more */
	wait_for(1, SOON);
	check_item(0, "[2001:db8::21]:3000", 1);
	assert_string_equal(text(), NAME ": 1 address, asked 0 s ago");
}

static void test_name_goes_and_comes(void **state)
{
	(void)state;
	need_server();
	write_hosts("10.0.0.21 " NAME "\n10.0.0.22 " NAME "\n");
	start_server(NULL);
	ask_for(NAME, RESOLVER_ADDRESSES);
	wait_for(2, GIVES_UP);
	change_hosts("10.0.0.99 other.shop.test\n");
	assert_true(turn_until(is_troubled, SOON));
	assert_string_equal(found()->trouble.text, "NXDOMAIN");
	turn_for(1500);
	assert_int_equal(found()->list.count, 2);
	assert_non_null(strstr(text(), NAME ": NXDOMAIN for "));
	assert_non_null(strstr(text(), " s: keeps the last 2 addresses"));
	change_hosts("10.0.0.23 " NAME "\n");
	wait_for(1, SOON);
	assert_int_equal(found()->changes, 2);
}

static void test_server_dies_and_comes(void **state)
{
	(void)state;
	need_server();
	write_hosts("10.0.0.21 " NAME "\n10.0.0.22 " NAME "\n");
	start_server(NULL);
	ask_for(NAME, RESOLVER_ADDRESSES);
	wait_for(2, GIVES_UP);
	stop_server();
	assert_true(turn_until(is_troubled, GIVES_UP));
	assert_non_null(strstr(found()->trouble.text, "no answer"));
	assert_int_equal(found()->list.count, 2);
	write_hosts("10.0.0.23 " NAME "\n");
	start_server(NULL);
	wait_for(1, GIVES_UP);
	check_item(0, "10.0.0.23:3000", 1);
}

static void test_server_hangs(void **state)
{
	(void)state;
	need_server();
	write_hosts("10.0.0.21 " NAME "\n");
	start_server(NULL);
	ask_for(NAME, RESOLVER_ADDRESSES);
	wait_for(1, GIVES_UP);
	assert_int_equal(kill(server, SIGSTOP), 0);
	assert_true(turn_until(is_troubled, GIVES_UP));
	assert_string_equal(found()->trouble.text, "no answer");
	assert_int_equal(kill(server, SIGCONT), 0);
	wait_for(1, GIVES_UP);
	assert_int_equal(found()->changes, 1);
}

static void test_services(void **state)
{
	static const char *const first[] = { "--srv-host=_web._tcp.shop.test,one.test,3001,10,3",
					     "--srv-host=_web._tcp.shop.test,two.test,3002,10,1",
					     "--srv-host=_web._tcp.shop.test,spare.test,3009,20,1", NULL };
	static const char *const then[] = { "--srv-host=_web._tcp.shop.test,spare.test,3009,20,1", NULL };

	(void)state;
	need_server();
	write_hosts("10.0.0.1 one.test\n10.0.0.2 two.test\n2001:db8::2 two.test\n10.0.0.9 spare.test\n");
	start_server(first);
	ask_for("_web._tcp.shop.test", RESOLVER_SRV);
	wait_for(3, GIVES_UP);
	/* The target with two addresses gives each half of its weight: 3 to 1/2 and 1/2. */
	check_item(0, "10.0.0.1:3001", 1000);
	check_item(1, "10.0.0.2:3002", 167);
	check_item(2, "[2001:db8::2]:3002", 167);
	stop_server();
	start_server(then);
	wait_for(1, GIVES_UP);
	check_item(0, "10.0.0.9:3009", 1);
}

static void test_alias(void **state)
{
	static const char *const more[] = { "--cname=" NAME ",two.test", NULL };

	(void)state;
	need_server();
	write_hosts("10.0.0.2 two.test\n");
	start_server(more);
	ask_for(NAME, RESOLVER_ADDRESSES);
	wait_for(1, GIVES_UP);
	check_item(0, "10.0.0.2:3000", 1);
}

static void write_many(unsigned int count)
{
	FILE *out = fopen(hosts, "w");

	assert_non_null(out);
	for (unsigned int i = 0; i < count; i++)
		fprintf(out, "10.1.%u.%u " NAME "\n", i / 250, i % 250 + 1);
	assert_int_equal(fclose(out), 0);
}

/* Far beyond what a UDP answer holds: asked again by TCP. */
static void test_as_many_as_allowed(void **state)
{
	(void)state;
	need_server();
	write_many(1024);
	start_server(NULL);
	ask_for(NAME, RESOLVER_ADDRESSES);
	wait_for(1024, GIVES_UP);
	check_item(1023, "10.1.4.24:3000", 1);
	write_many(1025);
	assert_int_equal(kill(server, SIGHUP), 0);
	assert_true(turn_until(is_troubled, SOON));
	assert_string_equal(found()->trouble.text, "more than 1024 addresses, expected up to that");
	assert_int_equal(found()->list.count, 1024);
}

/* A thousand questions in one round, a few at a time; the one for SRV by TCP. */
static void test_many_services(void **state)
{
	char conf[96], option[128];
	const char *const more[] = { option, NULL };
	FILE *out;

	(void)state;
	need_server();
	snprintf(conf, sizeof(conf), "%s/conf", directory);
	snprintf(option, sizeof(option), "--conf-file=%s", conf);
	out = fopen(conf, "w");
	assert_non_null(out);
	for (unsigned int i = 0; i < 500; i++) {
		fprintf(out, "srv-host=_web._tcp.shop.test,t%u.test,%u,10,5\n", i, 4000 + i);
		fprintf(out, "host-record=t%u.test,10.1.%u.%u\n", i, i / 250, i % 250 + 1);
	}
	assert_int_equal(fclose(out), 0);
	write_hosts("");
	start_server(more);
	ask_for("_web._tcp.shop.test", RESOLVER_SRV);
	wait_for(500, GIVES_UP);
	check_item(0, "10.1.0.1:4000", 5);
	check_item(499, "10.1.1.250:4499", 5);
	assert_string_equal(found()->trouble.text, "");
}

/* Many changes, one after another: each list that is seen is one that was there. */
static void test_many_changes(void **state)
{
	char lines[1024], expected[32];

	(void)state;
	need_server();
	write_hosts("10.0.1.1 " NAME "\n");
	start_server(NULL);
	ask_for(NAME, RESOLVER_ADDRESSES);
	wait_for(1, GIVES_UP);
	for (unsigned int i = 2; i <= 8; i++) {
		char *at = lines;

		for (unsigned int j = 1; j <= i; j++)
			at += sprintf(at, "10.0.%u.%u " NAME "\n", i, j);
		change_hosts(lines);
		wait_for(i, SOON);
		for (unsigned int j = 1; j <= i; j++) {
			snprintf(expected, sizeof(expected), "10.0.%u.%u:3000", i, j);
			check_item(j - 1, expected, 1);
		}
	}
	assert_int_equal(found()->changes, 8);
	assert_string_equal(found()->trouble.text, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_records_change),
		TEST(test_name_goes_and_comes),
		TEST(test_server_dies_and_comes),
		TEST(test_server_hangs),
		TEST(test_services),
		TEST(test_alias),
		TEST(test_as_many_as_allowed),
		TEST(test_many_services),
		TEST(test_many_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
