/* SPDX-License-Identifier: BSD-2-Clause */
/* What `serin check` finds on a host that the other ways to forward need, and udp in the way of SNAT ports. Needs root. */
#include "host_namespace.h"

#include <jansson.h>

#include "check_host.h"
#include "hostcheck.h"

static void test_snat_ports_of_udp(void **state)
{
	const struct serin_addr addr = address("10.77.0.1");
	struct hostcheck_ports ports = { .first = 1024, .last = 32767, .udp = true };
	struct complaint complaint = { "" };
	int fd = udp_on("0.0.0.0", 5000), tcp = listen_on("10.77.0.1", 5001);

	(void)state;
	assert_int_equal(hostcheck_snat_ports(&ports, &addr, 1, &complaint), -EADDRINUSE);
	assert_string_equal(complaint.text, "SNAT ports 1024-32767: this host uses port 5000 itself (UDP socket on "
					    "0.0.0.0:5000), expected ports that only serin uses, such as 5001-32767");
	ports.tcp = true;
	assert_int_equal(hostcheck_snat_ports(&ports, &addr, 1, &complaint), -EADDRINUSE);
	assert_non_null(strstr(complaint.text, "such as 5002-32767"));
	close(tcp);
	close(fd);
	assert_int_equal(hostcheck_snat_ports(&ports, &addr, 1, &complaint), 0);
	fd = udp_on("10.77.0.1", 5000);
	ports.udp = false; /* no service of udp: in nobody's way */
	assert_int_equal(hostcheck_snat_ports(&ports, &addr, 1, &complaint), 0);
	close(fd);
}

static bool is_listening(const char *text, uint16_t port, uint8_t protocol)
{
	struct serin_addr addr = address(text);
	bool listening = !port; /* neither */

	assert_int_equal(hostcheck_is_listening(&addr, port, protocol, &listening, NULL), 0);
	return listening;
}

static void test_listening(void **state)
{
	int all = listen_on("0.0.0.0", 3001), one = listen_on("10.77.0.1", 3002), bound = bind_to("0.0.0.0", 3003);
	int both = listen_on("::", 3004), udp = udp_on("10.77.0.1", 3001);

	(void)state;
	assert_true(is_listening("10.77.0.1", 3001, IPPROTO_TCP));
	assert_true(is_listening("127.0.0.1", 3001, IPPROTO_TCP));
	assert_false(is_listening("2001:db8:77::1", 3001, IPPROTO_TCP));
	assert_true(is_listening("10.77.0.1", 3002, IPPROTO_TCP));
	assert_false(is_listening("127.0.0.1", 3002, IPPROTO_TCP));
	assert_false(is_listening("10.77.0.1", 3003, IPPROTO_TCP)); /* bound, but does not listen */
	assert_true(is_listening("2001:db8:77::1", 3004, IPPROTO_TCP));
	assert_true(is_listening("10.77.0.1", 3004, IPPROTO_TCP));
	assert_true(is_listening("10.77.0.1", 3001, IPPROTO_UDP));
	assert_false(is_listening("127.0.0.1", 3001, IPPROTO_UDP));
	assert_false(is_listening("10.77.0.1", 3002, IPPROTO_UDP));
	close(all);
	close(one);
	close(bound);
	close(both);
	close(udp);
}

#define FILE_HEAD "interfaces: [v0]\nservices:\n"

/* The warnings about one text, each on a line of its own. The caller frees. */
static char *warnings_of(const char *text)
{
	json_t *warnings = json_array(), *warning;
	struct complaint complaint = { "" };
	struct config *config = NULL;
	char *lines;
	size_t length, i;
	FILE *out = open_memstream(&lines, &length);

	assert_true(warnings && out);
	if (config_parse("f", text, strlen(text), &config, &complaint))
		fail_msg("%s", complaint.text);
	check_host(config, warnings);
	json_array_foreach (warnings, i, warning)
		fprintf(out, "%s\n", json_string_value(warning));
	assert_int_equal(fclose(out), 0);
	json_decref(warnings);
	config_free(config);
	return lines;
}

static void assert_warnings(const char *text, const char *expected)
{
	char *found = warnings_of(text);

	assert_string_equal(found, expected);
	free(found);
}

static void test_warnings_of_modes(void **state)
{
	int fd = listen_on("0.0.0.0", 3001);

	(void)state;
	set_forwarding("1", "0");
	run("ip link set v1 up && ip route add 10.9.0.0/16 via 10.77.0.2");
	assert_warnings(FILE_HEAD "- {name: a, forward: local, listen: ['203.0.113.10:80/tcp', '127.0.0.1:80/tcp'], "
				  "versions: {v: {backends: [3001]}}}\n",
			"");
	assert_warnings(FILE_HEAD "- {name: a, forward: local, listen: '203.0.113.10:80/tcp', "
				  "versions: {v: {backends: [3001, 3002]}}}\n",
			"f:3:92: nobody on this host listens at 203.0.113.10:3002/tcp, on that address or on all\n");
	assert_warnings(FILE_HEAD "- {name: a, forward: local, listen: '203.0.113.10:80/udp', "
				  "versions: {v: {backends: [3001]}}}\n",
			"f:3:86: nobody on this host listens at 203.0.113.10:3001/udp, on that address or on all\n");
	assert_warnings(
		FILE_HEAD "- {name: a, forward: l2, listen: '203.0.113.10:80/tcp', "
			  "versions: {v: {backends: [10.77.0.7, 10.9.0.1]}}}\n",
		"f:3:94: backend 10.9.0.1 is not on a link of this host, but behind 10.77.0.2: forward: l2 only "
		"reaches neighbours\n");
	assert_warnings(
		FILE_HEAD "- {name: a, forward: ipip, listen: '203.0.113.10:80/tcp', "
			  "versions: {v: {backends: [10.9.0.1, 10.9.0.2, '10.9.0.3:81']}}}\n",
		"f:3:85: packets to IPv4 backends are wrapped under 10.77.0.1, as the routes are now: expected an IPv4 "
		"address among snat.addresses, where backends or firewalls know their sender\n"
		"f:3:105: forward: ipip rewrites no port: 10.9.0.3:81 gets packets to the port of service a\n");
	assert_warnings(
		"snat: {addresses: [10.77.0.1]}\n" FILE_HEAD
		"- {name: a, forward: gue, listen: '203.0.113.10:80/tcp', versions: {v: {backends: [10.9.0.1]}}}\n",
		"");
	assert_warnings(
		"snat: {addresses: [10.77.0.1]}\n" FILE_HEAD "- {name: a, forward: gue, listen: '203.0.113.10:80/tcp', "
		"versions: {v: {backends: ['2001:db8:77::7']}}}\n",
		"IP forwarding is off, expected it to be on: sysctl -w net.ipv6.conf.all.forwarding=1\n"
		"f:4:84: packets to IPv6 backends are wrapped under 2001:db8:77::1, as the routes are now: expected an "
		"IPv6 address among snat.addresses, where backends or firewalls know their sender\n");
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_snat_ports_of_udp),
		cmocka_unit_test(test_listening),
		cmocka_unit_test(test_warnings_of_modes),
	};

	if (geteuid()) {
		fprintf(stderr, "test_check_modes needs root: it makes a network namespace\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, set_up_namespace, NULL);
}
