/* SPDX-License-Identifier: BSD-2-Clause */
/* The checks of the host, against the real kernel in a network namespace of this process's own. Needs root. */
#include "host_namespace.h"

#include <sys/wait.h>
#include <time.h>

#include "capture.h"
#include "hostcheck.h"

#define RESERVED "/proc/sys/net/ipv4/ip_local_reserved_ports"

static void read_file(const char *path, char *buffer, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	assert_true(fd >= 0);
	length = read(fd, buffer, size - 1);
	assert_true(length >= 0);
	buffer[length] = '\0';
	close(fd);
}

static void test_forwarding(void **state)
{
	struct complaint complaint = { "" };

	(void)state;
	set_forwarding("1", "1");
	assert_int_equal(hostcheck_forwarding(true, true, &complaint), 0);
	assert_string_equal(complaint.text, "");
	set_forwarding("0", "1");
	assert_int_equal(hostcheck_forwarding(false, true, &complaint), 0);
	assert_int_equal(hostcheck_forwarding(true, true, &complaint), -EPERM);
	assert_non_null(strstr(complaint.text, "sysctl -w net.ipv4.ip_forward=1"));
	assert_null(strstr(complaint.text, "ipv6"));
	set_forwarding("1", "0");
	assert_int_equal(hostcheck_forwarding(true, false, &complaint), 0);
	assert_int_equal(hostcheck_forwarding(false, true, &complaint), -EPERM);
	assert_non_null(strstr(complaint.text, "sysctl -w net.ipv6.conf.all.forwarding=1"));
	assert_null(strstr(complaint.text, "ipv4"));
	set_forwarding("0", "0");
	assert_int_equal(hostcheck_forwarding(true, true, &complaint), -EPERM);
	assert_non_null(strstr(complaint.text, "net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1"));
	assert_int_equal(hostcheck_forwarding(true, true, NULL), -EPERM);
	assert_int_equal(hostcheck_forwarding(false, false, NULL), 0);
}

static int snat_ports(uint16_t first, uint16_t last, const struct serin_addr *addresses, size_t count,
		      struct complaint *complaint)
{
	return hostcheck_snat_ports(&(struct hostcheck_ports){ .first = first, .last = last, .tcp = true }, addresses,
				    count, complaint);
}

static int check_ports(const char *snat, struct complaint *complaint)
{
	struct serin_addr addr = address(snat);

	return snat_ports(1024, 32767, &addr, 1, complaint);
}

/* A listener, and whether it clashes with an IPv4 and with an IPv6 SNAT address. */
static void check_listener(const char *text, bool clashes_ipv4, bool clashes_ipv6, const char *shown)
{
	struct complaint complaint = { "" };
	int fd = listen_on(text, 9100);

	assert_int_equal(check_ports("10.77.0.1", &complaint), clashes_ipv4 ? -EADDRINUSE : 0);
	if (clashes_ipv4)
		assert_non_null(strstr(complaint.text, shown));
	assert_int_equal(check_ports("2001:db8:77::1", &complaint), clashes_ipv6 ? -EADDRINUSE : 0);
	if (clashes_ipv6)
		assert_non_null(strstr(complaint.text, shown));
	close(fd);
	assert_int_equal(check_ports("10.77.0.1", NULL), 0);
}

static void test_listeners_on_snat_ports(void **state)
{
	(void)state;
	assert_int_equal(check_ports("10.77.0.1", NULL), 0);
	check_listener("0.0.0.0", true, false, "(TCP listener on 0.0.0.0:9100)");
	check_listener("::", true, true, "(TCP listener on [::]:9100)");
	check_listener("10.77.0.1", true, false, "(TCP listener on 10.77.0.1:9100)");
	check_listener("::ffff:10.77.0.1", true, false, "(TCP listener on 10.77.0.1:9100)");
	check_listener("2001:db8:77::1", false, true, "(TCP listener on [2001:db8:77::1]:9100)");
	check_listener("127.0.0.1", false, false, "");
	check_listener("::1", false, false, "");
}

static void test_bounds_of_snat_ports(void **state)
{
	struct serin_addr addrs[] = { address("192.0.2.1"), address("10.77.0.1") };
	int fd = listen_on("10.77.0.1", 2000), other = listen_on("10.77.0.1", 2999);
	struct complaint complaint = { "" };

	(void)state;
	assert_int_equal(snat_ports(2001, 2998, addrs, 2, &complaint), 0);
	assert_int_equal(snat_ports(2000, 2998, addrs, 2, &complaint), -EADDRINUSE);
	assert_string_equal(complaint.text, "SNAT ports 2000-2998: this host uses port 2000 itself (TCP listener on "
					    "10.77.0.1:2000), expected ports that only serin uses, such as 2001-2998");
	assert_int_equal(snat_ports(1990, 3100, addrs, 2, &complaint), -EADDRINUSE);
	assert_non_null(strstr(complaint.text, "and 1 more of them"));
	assert_non_null(strstr(complaint.text, "such as 2001-2998"));
	assert_int_equal(snat_ports(2000, 2000, addrs, 2, &complaint), -EADDRINUSE);
	assert_null(strstr(complaint.text, "such as"));
	assert_int_equal(snat_ports(1990, 3100, addrs, 1, &complaint), 0);
	assert_int_equal(snat_ports(1990, 3100, addrs, 0, &complaint), 0);
	close(fd);
	close(other);
	fd = listen_on("10.77.0.1", 65535);
	assert_int_equal(snat_ports(1024, 65535, addrs, 2, &complaint), -EADDRINUSE);
	assert_non_null(strstr(complaint.text, "such as 1024-65534"));
	close(fd);
}

/* The host's own connection counts while it lasts, and not in TIME_WAIT. */
static void test_connections_from_snat_ports(void **state)
{
	struct complaint complaint = { "" };
	struct sockaddr_storage to;
	int listener = listen_on("10.77.0.1", 40000), from = bind_to("10.77.0.1", 12345), accepted;
	socklen_t length = fill(&to, "10.77.0.1", 40000);
	char byte;

	(void)state;
	assert_int_equal(connect(from, (struct sockaddr *)&to, length), 0);
	accepted = accept(listener, NULL, NULL);
	assert_true(accepted >= 0);
	assert_int_equal(check_ports("10.77.0.1", &complaint), -EADDRINUSE);
	assert_non_null(strstr(complaint.text, "port 12345 itself (TCP connection from 10.77.0.1:12345)"));
	shutdown(from, SHUT_WR);
	assert_int_equal(read(accepted, &byte, 1), 0);
	close(accepted);
	assert_int_equal(read(from, &byte, 1), 0);
	close(from);
	close(listener);
	assert_int_equal(system("grep -q ':3039 [0-9A-F]*:9C40 06' /proc/thread-self/net/tcp"), 0);
	assert_int_equal(check_ports("10.77.0.1", &complaint), 0);
}

static void assert_reserved(const char *expected)
{
	char text[256];

	read_file(RESERVED, text, sizeof(text));
	text[strcspn(text, "\n")] = '\0';
	assert_string_equal(text, expected);
}

static void check_reserve(const char *before, uint16_t first, uint16_t last, const char *after)
{
	struct complaint complaint = { "" };
	int r;

	write_file(RESERVED, before);
	r = hostcheck_reserve_ports(first, last, &complaint);
	if (r)
		fail_msg("%s: %s", strerror(-r), complaint.text);
	assert_reserved(after);
	assert_int_equal(hostcheck_reserve_ports(first, last, &complaint), 0);
	assert_reserved(after);
}

static void test_reserve_ports(void **state)
{
	struct complaint complaint = { "" };

	(void)state;
	check_reserve("\n", 1024, 32767, "1024-32767");
	check_reserve("80,8080,40000-40010", 1024, 32767, "80,1024-32767,40000-40010");
	check_reserve("1000-1500,32768", 1024, 32767, "1000-32768");
	check_reserve("1000-40000", 1024, 32767, "1000-40000");
	check_reserve("7", 5000, 5000, "7,5000");
	check_reserve("7", 1, 65535, "1-65535");
	check_reserve("65535", 65533, 65534, "65533-65535");
	write_file(RESERVED, "7");
	assert_int_equal(hostcheck_reserve_ports(5000, 4999, &complaint), -EINVAL);
	assert_reserved("7");
}

/* A list of `length` characters and a few more, which the kernel would not tell to stdio in one piece. */
static void reserve_many(size_t length, char *ret, size_t size)
{
	size_t at = 0;
	int port;

	for (port = 40000; at < length; port += 2)
		at += (size_t)snprintf(ret + at, size - at, "%s%d", at ? "," : "", port);
	write_file(RESERVED, ret);
}

static void test_reserve_ports_keeps_all_or_refuses(void **state)
{
	struct complaint complaint = { "" };
	char before[8192], expected[8300], after[8192];

	(void)state;
	reserve_many(3000, before, sizeof(before));
	assert_int_equal(hostcheck_reserve_ports(1024, 32767, &complaint), 0);
	snprintf(expected, sizeof(expected), "1024-32767,%s\n", before);
	read_file(RESERVED, after, sizeof(after));
	assert_string_equal(after, expected);
	/* More than the kernel takes in one write. */
	reserve_many(4086, before, sizeof(before));
	assert_int_equal(hostcheck_reserve_ports(1024, 32767, &complaint), -E2BIG);
	assert_non_null(strstr(complaint.text, "ip_local_reserved_ports"));
	snprintf(expected, sizeof(expected), "%s\n", before);
	read_file(RESERVED, after, sizeof(after));
	assert_string_equal(after, expected);
}

static void check_local(const char *text, bool expected)
{
	struct serin_addr addr = address(text);
	bool local = !expected;

	assert_int_equal(hostcheck_listener_address(&addr, &local), 0);
	assert_int_equal(local, expected);
}

static void test_listener_address(void **state)
{
	(void)state;
	check_local("203.0.113.10", true);
	check_local("10.77.0.1", true);
	check_local("2001:db8:77::1", true);
	check_local("10.77.0.2", false);    /* a neighbour */
	check_local("10.77.0.255", false);  /* the broadcast address */
	check_local("203.0.113.11", false); /* no route at all */
	check_local("2001:db8::10", false);
	run("ip route add unreachable 198.51.100.0/24");
	check_local("198.51.100.1", false);
}

static void check_scan(const char *text, const char *vip, const char *expected)
{
	struct serin_addr addrs[] = { address("192.0.2.200"), address(vip) };
	char *lines = NULL;
	size_t length, found;
	FILE *out = open_memstream(&lines, &length);

	assert_non_null(out);
	found = hostcheck_firewall_scan("nft", text, addrs, 2, out);
	fclose(out);
	assert_string_equal(lines, expected);
	assert_int_equal(found, strlen(expected) ? 1 : 0);
	free(lines);
}

/* One rule in the frame that `nft list ruleset` puts around it. */
static void check_rule(const char *rule, const char *vip, bool named)
{
	char text[512], expected[512] = "";

	snprintf(text, sizeof(text),
		 "table inet filter {\n\tchain input {\n\t\ttype filter hook input priority 0;\n"
		 "\t\t%s\n\t}\n}\n",
		 rule);
	if (named)
		snprintf(expected, sizeof(expected), "nft: table inet filter, chain input: %s\n", rule);
	check_scan(text, vip, expected);
}

static void test_firewall_rules(void **state)
{
	(void)state;
	check_rule("ip daddr 203.0.113.10 tcp dport 80 drop", "203.0.113.10", true);
	check_rule("ip daddr 203.0.113.10 tcp dport 80 drop", "203.0.113.1", false);
	check_rule("ip daddr { 203.0.113.9, 203.0.113.10 } drop", "203.0.113.10", true);
	check_rule("ip daddr 203.0.113.0/24 drop", "203.0.113.10", true);
	check_rule("ip daddr 203.0.113.0/29 drop", "203.0.113.10", false);
	check_rule("ip daddr 203.0.113.8-203.0.113.12 drop", "203.0.113.10", true);
	check_rule("ip daddr 203.0.113.11-203.0.113.12 drop", "203.0.113.10", false);
	check_rule("ip daddr 0.0.0.0/0 drop", "203.0.113.10", false);
	check_rule("ip saddr 203.0.113.10 drop", "203.0.113.10", false);
	check_rule("ip saddr 10.0.0.0/8 ip daddr 203.0.113.10 drop", "203.0.113.10", true);
	check_rule("ip6 daddr 2001:db8::/32 drop", "2001:db8::10", true);
	check_rule("ip6 daddr 2001:db8::10 drop", "2001:db8::10", true);
	check_rule("ip6 daddr ::/1 drop", "203.0.113.10", false);
	check_rule("ip daddr 203.0.113.10/33 drop", "203.0.113.10", false);
	check_rule("ip daddr 203.0.113.10/ drop", "203.0.113.10", false);
	check_scan("table ip t {\n\tset blocked {\n\t\ttype ipv4_addr\n\t\telements = { 192.0.2.1,\n"
		   "\t\t\t     203.0.113.10 }\n\t}\n}\n",
		   "203.0.113.10", "nft: table ip t, set blocked: 203.0.113.10 }\n");
	check_scan("# 203.0.113.10\n*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -s 203.0.113.10/32 -j ACCEPT\n"
		   "-A INPUT -d 203.0.113.10/32 -p tcp -j DROP\nCOMMIT",
		   "203.0.113.10", "nft: table filter: -A INPUT -d 203.0.113.10/32 -p tcp -j DROP\n");
	check_scan("", "203.0.113.10", "");
}

/* Whether or not the tools are installed here: an answer, and in time. */
static void test_firewall_of_this_namespace(void **state)
{
	struct serin_addr addr = address("203.0.113.10");
	char *lines = NULL;

	(void)state;
	assert_int_equal(hostcheck_firewall(&addr, 1, &lines), 0);
	assert_string_equal(lines, "");
	free(lines);
	if (access("/usr/sbin/nft", X_OK) < 0)
		return;
	run("/usr/sbin/nft 'add table ip t; add chain ip t c; add rule ip t c ip daddr 203.0.113.10 drop'");
	assert_int_equal(hostcheck_firewall(&addr, 1, &lines), 0);
	assert_string_equal(lines, "nft: table ip t, chain c: ip daddr 203.0.113.10 drop\n");
	free(lines);
	run("/usr/sbin/nft delete table ip t");
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int capture(const char *script, size_t limit, char **ret)
{
	const char *const argv[] = { "/bin/sh", "-c", script, NULL };

	return capture_output(argv, 300, limit, ret);
}

static void test_capture(void **state)
{
	const char *const missing[] = { "/nonexistent/tool", NULL };
	char *text = NULL, *untouched = (char *)&text;
	int64_t start;

	(void)state;
	assert_int_equal(capture("echo one; echo error >&2; cat; printf $LC_ALL", 100, &text), 0);
	assert_string_equal(text, "one\nC");
	free(text);
	text = NULL;
	assert_int_equal(capture("head -c 300000 /dev/zero | tr '\\0' x", 400000, &text), 0);
	assert_int_equal(strlen(text), 300000);
	free(text);
	text = untouched;
	assert_int_equal(capture("head -c 300000 /dev/zero | tr '\\0' x", 299999, &text), -EFBIG);
	assert_int_equal(capture("echo one; exit 3", 100, &text), -ECHILD);
	assert_int_equal(capture_output(missing, 300, 100, &text), -ENOENT);
	start = now_ms();
	assert_int_equal(capture("exec sleep 30", 100, &text), -ETIMEDOUT);
	assert_int_equal(capture("exec >&-; exec sleep 30", 100, &text), -ECHILD);
	assert_true(now_ms() - start < 5000);
	assert_ptr_equal(text, untouched);
	/* No child is left behind. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forwarding),
		cmocka_unit_test(test_listeners_on_snat_ports),
		cmocka_unit_test(test_bounds_of_snat_ports),
		cmocka_unit_test(test_connections_from_snat_ports),
		cmocka_unit_test(test_reserve_ports),
		cmocka_unit_test(test_reserve_ports_keeps_all_or_refuses),
		cmocka_unit_test(test_listener_address),
		cmocka_unit_test(test_firewall_rules),
		cmocka_unit_test(test_firewall_of_this_namespace),
		cmocka_unit_test(test_capture),
	};

	if (geteuid()) {
		fprintf(stderr, "test_hostcheck needs root: it makes a network namespace\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, set_up_namespace, NULL);
}
