/* SPDX-License-Identifier: BSD-2-Clause */
/* What is news over rtnetlink and what is not: routes, neighbours and links, against the real kernel. Needs root. */
#include <linux/rtnetlink.h>

#include "neigh_peer.h"
#include "rtnl.h"

static void set_neigh(const char *addr, const char *mac, const char *state)
{
	run("ip neigh replace %s lladdr %s dev v0 nud %s", addr, mac, state);
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

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_routes_are_news),
		TEST(test_mac_of_neighbour_is_news),
		TEST(test_neighbours_are_known_from_the_start),
		TEST(test_states_are_no_news),
		TEST(test_watched_neighbour_is_news),
		TEST(test_links_are_news),
		TEST(test_link_down_flushes_watched),
		TEST(test_overrun_means_that_all_changed),
		TEST(test_late_answer_is_not_taken_for_another),
	};

	return NEIGH_PEER_RUN(tests);
}
