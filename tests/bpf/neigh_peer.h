/* SPDX-License-Identifier: BSD-2-Clause */
/* This process in a network namespace of its own, and a child that holds another one with the far end of a veth pair: what
 * the kernel knows there of routes, neighbours and links. */
#ifndef SERIN_TEST_NEIGH_PEER_H
#define SERIN_TEST_NEIGH_PEER_H

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

#include "address.h"
#include "neigh.h"

#define QUIET_MS 100 /* no news for so long: that was all */
#define PATIENCE 50  /* times 100 ms, for what takes the kernel a moment */

static pid_t peer;

/* The output of a shell command, at most a page of it; the command must succeed. */
static inline const char *run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline const char *run(const char *format, ...)
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

static inline struct serin_addr address(const char *text)
{
	struct serin_addr addr;

	assert_int_equal(address_parse(text, &addr), 0);
	return addr;
}

static inline void assert_address(const struct serin_addr *addr, const char *expected)
{
	char text[ADDRESS_TEXT_LEN];

	assert_string_equal(address_format(addr, text), expected);
}

struct news {
	bool routes, links;
};

/* Everything that comes until it is quiet. */
static inline struct news listen_for_news(struct neigh *neigh)
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

static inline void check_news(struct neigh *neigh, bool expect_routes, bool expect_links, int line)
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

static inline int start_peer(void)
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

static inline int set_up_namespaces(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET) < 0 || start_peer() < 0)
		return -1;
	run("ip link set lo up");
	return 0;
}

static inline int tear_down_namespaces(void **state)
{
	(void)state;
	kill(peer, SIGKILL);
	waitpid(peer, NULL, 0);
	return 0;
}

/* A fresh veth pair for every test: v0 here, v1 with the peer, which answers ARP and ND. */
static inline int set_up(void **state)
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

static inline int tear_down(void **state)
{
	neigh_close(*state);
	run("ip link del v0");
	return 0;
}

/* What `ip neigh` says of an address on v0, "" when there is no entry. */
static inline const char *show(const char *addr)
{
	return run("ip neigh show %s dev v0 nud all", addr);
}

static inline bool becomes(const char *addr, const char *word)
{
	int i;

	for (i = 0; i < PATIENCE; i++) {
		if (strstr(show(addr), word))
			return true;
		usleep(100000);
	}
	return false;
}

static inline void watch(struct neigh *neigh, const char *text)
{
	struct serin_addr addr = address(text);
	struct complaint complaint = { "" };
	int r = neigh_watch(neigh, &addr, 1, &complaint);

	if (r)
		fail_msg("%s: %s", strerror(-r), complaint.text);
}

static inline bool is_root(void)
{
	if (geteuid())
		fprintf(stderr, "this test needs root: it makes network namespaces\n");
	return !geteuid();
}

#define NEIGH_PEER_RUN(tests) \
	(is_root() ? cmocka_run_group_tests((tests), set_up_namespaces, tear_down_namespaces) : 77)

#endif
