/* SPDX-License-Identifier: BSD-2-Clause */
/* Routes, neighbours and links over rtnetlink, against the real kernel: this process moves into a network namespace of
 * its own, a child holds another one with the far end of a veth pair. Needs root. */
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "address.h"
#include "neigh.h"
#include "neigh_table.h"
#include "rtnl.h"

#define QUIET_MS 100 /* no news for so long: that was all */
#define PATIENCE 50  /* times 100 ms, for what takes the kernel a moment */

static pid_t peer;

/* The output of a shell command, at most a page of it; the command must succeed. */
static const char *run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static const char *run(const char *format, ...)
{
	static char output[4096];
	char command[1024];
	size_t length;
	va_list args;
	FILE *pipe;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	length = fread(output, 1, sizeof(output) - 1, pipe);
	output[length] = '\0';
	if (pclose(pipe))
		fail_msg("failed: %s", command);
	return output;
}

#define run_peer(command) run("nsenter --net=/proc/%d/ns/net " command, (int)peer)

static struct serin_addr address(const char *text)
{
	struct serin_addr addr;

	assert_int_equal(address_parse(text, &addr), 0);
	return addr;
}

static void assert_address(const struct serin_addr *addr, const char *expected)
{
	char text[ADDRESS_TEXT_LEN];

	assert_string_equal(address_format(addr, text), expected);
}

struct news {
	bool routes, links;
};

/* Everything that comes until it is quiet. */
static struct news listen_for_news(struct neigh *neigh)
{
	struct pollfd wait = { .fd = neigh_fd(neigh), .events = POLLIN };
	struct news news = { false, false };
	bool routes, links;
	int i;

	for (i = 0; i < 1000 && poll(&wait, 1, QUIET_MS) > 0; i++) {
		assert_int_equal(neigh_process(neigh, &routes, &links), 0);
		news.routes |= routes;
		news.links |= links;
	}
	assert_true(i < 1000);
	return news;
}

/* What is expected may take the kernel a moment (it reports carriers once a second); what is not must stay out. */
#define assert_news(neigh, expect_routes, expect_links) check_news(neigh, expect_routes, expect_links, __LINE__)

static void check_news(struct neigh *neigh, bool expect_routes, bool expect_links, int line)
{
	struct news all = { false, false }, news;
	int i;

	for (i = 0; i < PATIENCE; i++) {
		news = listen_for_news(neigh);
		all.routes |= news.routes;
		all.links |= news.links;
		if (all.routes >= expect_routes && all.links >= expect_links)
			break;
	}
	if (all.routes != expect_routes || all.links != expect_links)
		fail_msg("line %d: routes_changed %d, expected %d; links_changed %d, expected %d", line, all.routes,
			 expect_routes, all.links, expect_links);
}

static int start_peer(void)
{
	int ready[2];
	char byte;

	if (pipe(ready) < 0)
		return -1;
	peer = fork();
	if (peer < 0)
		return -1;
	if (!peer) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) < 0 || write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		return -1;
	close(ready[0]);
	return 0;
}

static int set_up_namespaces(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET) < 0 || start_peer() < 0)
		return -1;
	run("ip link set lo up");
	return 0;
}

static int tear_down_namespaces(void **state)
{
	(void)state;
	kill(peer, SIGKILL);
	waitpid(peer, NULL, 0);
	return 0;
}

/* A fresh veth pair for every test: v0 here, v1 with the peer, which answers ARP and ND. */
static int set_up(void **state)
{
	struct complaint complaint;
	struct neigh *neigh = NULL;

	run("ip link add v0 address 02:00:00:00:77:01 type veth"
	    " peer name v1 address 02:00:00:00:77:02 netns %d",
	    (int)peer);
	/* Without accept_dad every test would wait for the duplicate detection of link-local addresses. */
	run("echo 0 > /proc/sys/net/ipv4/neigh/v0/locktime && echo 0 > /proc/sys/net/ipv6/conf/v0/accept_dad &&"
	    "echo 0 > /proc/sys/net/ipv6/conf/v0/router_solicitations &&"
	    "ip addr add 10.77.0.1/24 dev v0 && ip addr add 2001:db8:77::1/64 dev v0 nodad && ip link set v0 up");
	run_peer("sh -c 'echo 0 > /proc/sys/net/ipv6/conf/v1/accept_dad &&"
		 " echo 0 > /proc/sys/net/ipv6/conf/v1/router_solicitations &&"
		 " echo 1 > /proc/sys/net/ipv4/conf/v1/arp_notify &&"
		 " ip addr add 10.77.0.2/24 dev v1 && ip addr add 2001:db8:77::2/64 dev v1 nodad &&"
		 " ip link set v1 up'");
	run("ip route add 10.78.0.0/24 via 10.77.0.2 && ip route add 2001:db8:78::/64 via 2001:db8:77::2");
	run("for i in $(seq 50); do ip link show v0 | grep -q 'state UP' && break; sleep 0.1; done");
	assert_int_equal(neigh_open(&neigh, &complaint), 0);
	listen_for_news(neigh);
	*state = neigh;
	return 0;
}

static int tear_down(void **state)
{
	neigh_close(*state);
	run("ip link del v0");
	return 0;
}

/* What `ip neigh` says of an address on v0, "" when there is no entry. */
static const char *show(const char *addr)
{
	return run("ip neigh show %s dev v0 nud all", addr);
}

static bool becomes(const char *addr, const char *word)
{
	int i;

	for (i = 0; i < PATIENCE; i++) {
		if (strstr(show(addr), word))
			return true;
		usleep(100000);
	}
	return false;
}

static void watch(struct neigh *neigh, const char *text)
{
	struct serin_addr addr = address(text);
	struct complaint complaint = { "" };
	int r = neigh_watch(neigh, &addr, 1, &complaint);

	if (r)
		fail_msg("%s: %s", strerror(-r), complaint.text);
}

static void assert_route(struct neigh *neigh, const char *to, const char *next_hop, const char *source,
			 const char *device)
{
	struct serin_addr addr = address(to);
	struct complaint complaint = { "" };
	struct neigh_route route;
	int r = neigh_route(neigh, &addr, &route, &complaint);

	if (r)
		fail_msg("%s: %s", strerror(-r), complaint.text);
	assert_int_equal(route.ifindex, if_nametoindex(device));
	assert_address(&route.next_hop, next_hop);
	assert_address(&route.source, source);
}

static void test_route(void **state)
{
	assert_route(*state, "10.77.0.9", "10.77.0.9", "10.77.0.1", "v0");
	assert_route(*state, "2001:db8:77::9", "2001:db8:77::9", "2001:db8:77::1", "v0");
	assert_route(*state, "10.78.0.9", "10.77.0.2", "10.77.0.1", "v0");
	assert_route(*state, "2001:db8:78::9", "2001:db8:77::2", "2001:db8:77::1", "v0");
	assert_route(*state, "10.77.0.1", "10.77.0.1", "10.77.0.1", "lo");
}

static void test_route_through_ipv6_router(void **state)
{
	run("ip route add 10.79.0.0/24 via inet6 2001:db8:77::2 dev v0");
	assert_route(*state, "10.79.0.9", "2001:db8:77::2", "10.77.0.1", "v0");
	watch(*state, "10.79.0.9");
	assert_true(becomes("2001:db8:77::2", "managed"));
}

static void test_route_through_nexthops(void **state)
{
	run("ip route add 10.80.0.0/24 nexthop via 10.77.0.2 nexthop via 10.77.0.2 weight 3");
	assert_route(*state, "10.80.0.9", "10.77.0.2", "10.77.0.1", "v0");
}

static void assert_no_route(struct neigh *neigh, const char *to)
{
	struct neigh_route route, before;
	struct complaint complaint = { "" };
	struct serin_addr addr = address(to);

	memset(&before, 0xa5, sizeof(before));
	memcpy(&route, &before, sizeof(route));
	assert_int_equal(neigh_route(neigh, &addr, &route, &complaint), -ENETUNREACH);
	assert_memory_equal(&route, &before, sizeof(route));
	assert_non_null(strstr(complaint.text, to));
	assert_int_equal(neigh_route(neigh, &addr, &route, NULL), -ENETUNREACH);
}

static void test_no_route(void **state)
{
	assert_no_route(*state, "192.0.2.1");
	assert_no_route(*state, "2001:db8:ffff::1");
	assert_no_route(*state, "10.77.0.255");
	assert_no_route(*state, "224.0.0.251");
	run("ip route add unreachable 192.0.2.0/28 && ip route add blackhole 192.0.2.16/28 &&"
	    "ip route add prohibit 192.0.2.32/28 && ip route add unreachable 2001:db8:fffe::/64");
	assert_no_route(*state, "192.0.2.1");
	assert_no_route(*state, "192.0.2.17");
	assert_no_route(*state, "192.0.2.33");
	assert_no_route(*state, "2001:db8:fffe::1");
	run("ip route flush type unreachable; ip route flush type blackhole; ip route flush type prohibit");
	run("ip -6 route del unreachable 2001:db8:fffe::/64");
}

static void test_watch_resolves_and_manages(void **state)
{
	struct serin_addr addrs[] = {
		address("10.77.0.2"),
		address("10.78.0.9"),
		address("10.78.0.10"),
		address("2001:db8:78::9"),
	};
	struct complaint complaint;
	int i;

	assert_int_equal(neigh_watch(*state, addrs, 4, &complaint), 0);
	for (i = 0; i < PATIENCE && neigh_unresolved(*state); i++)
		usleep(100000);
	assert_int_equal(neigh_unresolved(*state), 0);
	assert_true(becomes("10.77.0.2", "REACHABLE"));
	assert_non_null(strstr(show("10.77.0.2"), "managed"));
	assert_non_null(strstr(show("10.77.0.2"), "extern_learn"));
	assert_non_null(strstr(show("10.77.0.2"), "02:00:00:00:77:02"));
	assert_non_null(strstr(show("2001:db8:77::2"), "managed"));
	assert_non_null(strstr(show("2001:db8:77::2"), "02:00:00:00:77:02"));
	/* Not what lies behind the gateway. */
	assert_string_equal(show("10.78.0.9"), "");
}

static void test_watch_takes_over_what_is_known(void **state)
{
	run("ip neigh add 10.77.0.2 lladdr 02:00:00:00:77:02 dev v0 nud stale");
	watch(*state, "10.77.0.2");
	assert_non_null(strstr(show("10.77.0.2"), "managed"));
	assert_non_null(strstr(show("10.77.0.2"), "02:00:00:00:77:02"));
	assert_int_equal(neigh_unresolved(*state), 0);
}

static void test_permanent_stays_permanent(void **state)
{
	struct serin_addr addrs[] = { address("10.77.0.50"), address("2001:db8:77::50") };
	struct complaint complaint;

	run("ip neigh add 10.77.0.50 lladdr 02:00:00:00:77:50 dev v0 nud permanent &&"
	    "ip neigh add 2001:db8:77::50 lladdr 02:00:00:00:77:50 dev v0 nud permanent");
	assert_int_equal(neigh_watch(*state, addrs, 2, &complaint), 0);
	assert_non_null(strstr(show("10.77.0.50"), "PERMANENT"));
	assert_null(strstr(show("10.77.0.50"), "managed"));
	assert_non_null(strstr(show("2001:db8:77::50"), "PERMANENT"));
	assert_int_equal(neigh_unresolved(*state), 0);
	assert_int_equal(neigh_watch(*state, NULL, 0, &complaint), 0);
	assert_non_null(strstr(show("10.77.0.50"), "PERMANENT"));
}

static void test_unresolved(void **state)
{
	struct serin_addr addrs[] = {
		address("10.77.0.99"), address("192.0.2.1"), address("2001:db8:77::99"),
		address("10.77.0.2"),  address("10.77.0.1"), address("10.77.0.99"),
	};
	struct complaint complaint = { "" };

	assert_int_equal(neigh_unresolved(*state), 0);
	/* One has no route, one is this host: the rest is watched all the same. */
	assert_int_equal(neigh_watch(*state, addrs, 6, &complaint), -ENETUNREACH);
	assert_non_null(strstr(complaint.text, "192.0.2.1"));
	assert_true(becomes("10.77.0.2", "REACHABLE"));
	assert_true(becomes("10.77.0.99", "FAILED") || becomes("10.77.0.99", "INCOMPLETE"));
	assert_int_equal(neigh_unresolved(*state), 4);
	assert_int_equal(neigh_watch(*state, addrs, 1, &complaint), 0);
	assert_int_equal(neigh_unresolved(*state), 1);
	assert_int_equal(neigh_watch(*state, &addrs[4], 1, &complaint), -ENETUNREACH);
	assert_non_null(strstr(complaint.text, "10.77.0.1 is an address of this host"));
}

static void test_no_longer_watched_is_released(void **state)
{
	struct complaint complaint;
	struct neigh *next;

	run("ip neigh add 10.77.0.70 dev v0 managed");
	watch(*state, "10.77.0.2");
	assert_true(becomes("10.77.0.2", "REACHABLE"));
	/* The promise outlives the agent, and the next agent knows that it is its own. */
	neigh_close(*state);
	*state = NULL;
	assert_non_null(strstr(show("10.77.0.2"), "managed"));
	assert_int_equal(neigh_open(&next, &complaint), 0);
	*state = next;
	watch(next, "10.77.0.99");
	assert_non_null(strstr(show("10.77.0.99"), "managed"));
	assert_null(strstr(show("10.77.0.2"), "managed"));
	assert_non_null(strstr(show("10.77.0.2"), "02:00:00:00:77:02"));
	assert_int_equal(neigh_watch(next, NULL, 0, &complaint), 0);
	assert_null(strstr(show("10.77.0.99"), "managed"));
	/* What somebody else has managed is not ours. */
	assert_non_null(strstr(show("10.77.0.70"), "managed"));
}

static void test_routes_are_news(void **state)
{
	assert_news(*state, false, false);
	run("ip route add 10.90.0.0/24 via 10.77.0.2");
	assert_news(*state, true, false);
	run("ip route del 10.90.0.0/24");
	assert_news(*state, true, false);
	run("ip -6 route add 2001:db8:90::/64 via 2001:db8:77::2");
	assert_news(*state, true, false);
	run("ip rule add from 10.91.0.0/24 table 91");
	assert_news(*state, true, false);
	run("ip rule del from 10.91.0.0/24 table 91");
	assert_news(*state, true, false);
	run("ip nexthop add id 9 via 10.77.0.2 dev v0");
	assert_news(*state, true, false);
	run("ip addr add 10.92.0.1/24 dev v0");
	assert_news(*state, true, false);
}

static void set_neigh(const char *addr, const char *mac, const char *state)
{
	run("ip neigh replace %s lladdr %s dev v0 nud %s", addr, mac, state);
}

static void test_mac_of_neighbour_is_news(void **state)
{
	/* A new one is none: nobody can have used its address. */
	set_neigh("10.77.0.60", "02:00:00:00:00:60", "stale");
	assert_news(*state, false, false);
	set_neigh("10.77.0.60", "02:00:00:00:00:61", "stale");
	assert_news(*state, true, false);
	set_neigh("2001:db8:77::60", "02:00:00:00:00:60", "permanent");
	assert_news(*state, false, false);
	set_neigh("2001:db8:77::60", "02:00:00:00:00:61", "permanent");
	assert_news(*state, true, false);
	/* It goes, and comes back as another: flows still use the old address. */
	run("ip neigh del 10.77.0.60 dev v0");
	assert_news(*state, false, false);
	set_neigh("10.77.0.60", "02:00:00:00:00:61", "stale");
	assert_news(*state, false, false);
	run("ip neigh del 10.77.0.60 dev v0");
	set_neigh("10.77.0.60", "02:00:00:00:00:62", "stale");
	assert_news(*state, true, false);
}

static void test_neighbours_are_known_from_the_start(void **state)
{
	struct complaint complaint;

	set_neigh("10.77.0.60", "02:00:00:00:00:60", "stale");
	neigh_close(*state);
	*state = NULL;
	assert_int_equal(neigh_open((struct neigh **)state, &complaint), 0);
	set_neigh("10.77.0.60", "02:00:00:00:00:61", "stale");
	assert_news(*state, true, false);
}

static void test_states_are_no_news(void **state)
{
	run("echo 1 > /proc/sys/net/ipv4/neigh/v0/delay_first_probe_time");
	set_neigh("10.77.0.2", "02:00:00:00:77:02", "reachable");
	assert_news(*state, false, false);
	set_neigh("10.77.0.2", "02:00:00:00:77:02", "stale");
	assert_news(*state, false, false);
	set_neigh("10.77.0.2", "02:00:00:00:77:02", "delay");
	/* On to PROBE and, since the peer answers, REACHABLE. */
	assert_true(becomes("10.77.0.2", "REACHABLE"));
	assert_news(*state, false, false);
	set_neigh("10.77.0.60", "02:00:00:00:00:60", "probe");
	assert_true(becomes("10.77.0.60", "FAILED"));
	assert_news(*state, false, false);
}

static void test_watched_neighbour_is_news(void **state)
{
	watch(*state, "10.77.0.2");
	assert_true(becomes("10.77.0.2", "REACHABLE"));
	assert_news(*state, true, false);
	watch(*state, "10.77.0.2");
	assert_news(*state, false, false);
	/* The peer changes its address, and says so with a gratuitous ARP. */
	run_peer("ip link set v1 address 02:00:00:00:77:99");
	assert_true(becomes("10.77.0.2", "02:00:00:00:77:99"));
	assert_news(*state, true, false);
	/* Somebody deletes the entry: it has to be watched again. */
	run("ip neigh del 10.77.0.2 dev v0");
	assert_news(*state, true, false);
	watch(*state, "10.77.0.2");
	assert_true(becomes("10.77.0.2", "managed"));
	assert_true(becomes("10.77.0.2", "REACHABLE"));
	assert_news(*state, false, false);
}

static void test_links_are_news(void **state)
{
	run("ip link set v0 promisc on");
	assert_news(*state, false, false);
	run("ip link set v0 mtu 1400");
	assert_news(*state, true, true);
	run("ip link set v0 address 02:00:00:00:77:03");
	assert_news(*state, true, true);
	run_peer("ip link set v1 down");
	assert_news(*state, true, true);
	run_peer("ip link set v1 up");
	assert_news(*state, true, true);
	run("ip link set v0 down");
	assert_news(*state, true, true);
	run("ip link add v2 type veth peer name v3");
	assert_news(*state, true, true);
	run("ip link set v2 name v4");
	assert_news(*state, true, true);
	run("ip link del v4");
	assert_news(*state, true, true);
}

static void test_link_down_flushes_watched(void **state)
{
	struct serin_addr addr = address("10.77.0.2");
	struct complaint complaint;

	watch(*state, "10.77.0.2");
	assert_true(becomes("10.77.0.2", "REACHABLE"));
	run("ip link set v0 down");
	assert_news(*state, true, true);
	assert_int_equal(neigh_watch(*state, &addr, 1, &complaint), -ENETUNREACH);
	assert_int_equal(neigh_unresolved(*state), 1);
	run("ip link set v0 up");
	assert_news(*state, true, true);
	watch(*state, "10.77.0.2");
	assert_true(becomes("10.77.0.2", "managed"));
}

static void test_overrun_means_that_all_changed(void **state)
{
	int one = 1;

	assert_int_equal(setsockopt(neigh_fd(*state), SOL_SOCKET, SO_RCVBUF, &one, sizeof(one)), 0);
	run("for i in $(seq 60 99); do echo neigh replace 10.77.0.$i lladdr 02:00:00:00:00:$i dev v0 nud stale; done |"
	    " ip -batch -");
	assert_news(*state, true, true);
	/* What was lost has been read anew. */
	set_neigh("10.77.0.99", "02:00:00:00:00:99", "stale");
	assert_news(*state, false, false);
	set_neigh("10.77.0.99", "02:00:00:00:01:99", "stale");
	assert_news(*state, true, false);
	run("ip link set v0 mtu 1300");
	assert_news(*state, true, true);
}

static void test_late_answer_is_not_taken_for_another(void **state)
{
	_Alignas(8) char buffer[RTNL_REQUEST_SIZE];
	struct serin_addr to = address("10.78.0.9"), other = address("10.77.0.1");
	struct rtnl *rtnl = calloc(1, sizeof(*rtnl));
	struct rtnl_route route;
	struct nlmsghdr *request;

	(void)state;
	assert_int_equal(rtnl_open(rtnl), 0);
	request = rtnl_neigh_request(buffer, RTM_GETNEIGH, 1, &other, 0);
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	request->nlmsg_seq = 0;
	assert_true(mnl_socket_sendto(rtnl->socket, request, request->nlmsg_len) > 0);
	assert_int_equal(rtnl_get_route(rtnl, &to, &route), 0);
	assert_address(&route.next_hop, "10.77.0.2");
	rtnl_close(rtnl);
	free(rtnl);
}

static struct rtnl_neigh numbered(uint32_t n, uint8_t mac)
{
	struct rtnl_neigh neigh = { .ifindex = 1, .state = NUD_STALE, .lladdr_len = 6, .lladdr = { 2, mac } };

	neigh.address.word[3] = n;
	return neigh;
}

static bool update(struct neigh_table *table, uint32_t n, uint8_t mac)
{
	struct rtnl_neigh neigh = numbered(n, mac);

	return neigh_table_update(table, &neigh);
}

/* Past the limit: unknown ones always count as changed, until enough of the known ones are gone. */
static void test_table_is_bounded(void **state)
{
	struct neigh_table *table = neigh_table_new();
	struct rtnl_neigh neigh;
	uint32_t i;

	(void)state;
	for (i = 0; i < NEIGH_TABLE_MAX; i++)
		assert_false(update(table, i, 1));
	assert_true(update(table, i, 1));
	assert_true(update(table, i, 1));
	assert_int_equal(neigh_table_count(table), NEIGH_TABLE_MAX);
	assert_false(update(table, 7, 1));
	assert_true(update(table, 7, 2));
	neigh = numbered(3, 1);
	assert_int_equal(neigh_table_watch(table, 1, &neigh.address), 0);
	for (i = 0; i < 5000; i++) {
		neigh = numbered(i, 1);
		assert_int_equal(neigh_table_remove(table, &neigh), i == 3);
	}
	assert_true(update(table, NEIGH_TABLE_MAX, 1)); /* says so, because the 5000 are forgotten now */
	assert_false(update(table, NEIGH_TABLE_MAX, 1));
	assert_false(update(table, NEIGH_TABLE_MAX + 1, 1));
	assert_int_equal(neigh_table_count(table), NEIGH_TABLE_MAX - 5000 + 3);
	assert_true(update(table, 3, 9));  /* watched, hence remembered */
	assert_false(update(table, 4, 9)); /* new */
	neigh_table_free(table);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_route),
		TEST(test_route_through_ipv6_router),
		TEST(test_route_through_nexthops),
		TEST(test_no_route),
		TEST(test_watch_resolves_and_manages),
		TEST(test_watch_takes_over_what_is_known),
		TEST(test_permanent_stays_permanent),
		TEST(test_unresolved),
		TEST(test_no_longer_watched_is_released),
		TEST(test_routes_are_news),
		TEST(test_mac_of_neighbour_is_news),
		TEST(test_neighbours_are_known_from_the_start),
		TEST(test_states_are_no_news),
		TEST(test_watched_neighbour_is_news),
		TEST(test_links_are_news),
		TEST(test_link_down_flushes_watched),
		TEST(test_overrun_means_that_all_changed),
		TEST(test_late_answer_is_not_taken_for_another),
		cmocka_unit_test(test_table_is_bounded),
	};

	if (geteuid()) {
		fprintf(stderr, "test_neigh needs root: it makes network namespaces\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, set_up_namespaces, tear_down_namespaces);
}
