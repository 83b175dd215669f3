/* SPDX-License-Identifier: BSD-2-Clause */
/* Routes and neighbours over rtnetlink, against the real kernel: found, watched, kept and released. Needs root. */
#include <linux/neighbour.h>

#include "neigh_peer.h"
#include "neigh_table.h"
#include "rtnl.h"

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
	assert_true(update(table, 3, 9));  /* watched, hence remembered */
	assert_false(update(table, 4, 9)); /* new */
	/* What is free of the places of the 5000: not that of the watched one, nor those of the three that are new. */
	for (i = 2 * NEIGH_TABLE_MAX; !update(table, i, 1); i++)
		;
	assert_int_equal(i - 2 * NEIGH_TABLE_MAX, 5000 - 4);
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
		cmocka_unit_test(test_table_is_bounded),
	};

	return NEIGH_PEER_RUN(tests);
}
