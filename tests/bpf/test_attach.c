/* SPDX-License-Identifier: BSD-2-Clause */
/* Every way onto an interface: it comes, outlives the agent, is taken over by the next one, and goes without a trace. */
#include <errno.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

#include "../scratch.h"
#include "datapath.h"
#include "hooks.h"
#include "net.h"

static char pin_dir[SCRATCH_LEN];

static struct datapath *open_pinned(bool no_tcx)
{
	const struct datapath_options options = { .pin_dir = pin_dir, .max_flows = SERIN_MIN_FLOWS, .no_tcx = no_tcx };
	struct datapath *datapath = NULL;
	struct complaint complaint = { "" };

	if (datapath_open(&options, &datapath, &complaint))
		fail_msg("%s", complaint.text);
	return datapath;
}

static unsigned int id_of(const char *interface)
{
	return strcmp(interface, "lo") ? 0 : 1;
}

static void attach(struct datapath *datapath, const char *interface, enum config_attach attach, const char *wanted)
{
	struct complaint complaint = { "" };
	const char *mode = NULL;

	assert_int_equal(datapath_can_attach(datapath, interface, attach, &complaint), 0);
	if (datapath_attach(datapath, id_of(interface), interface, attach, &mode, &complaint))
		fail_msg("%s", complaint.text);
	assert_string_equal(mode, wanted);
}

static void attach_egress(struct datapath *datapath, const char *interface)
{
	struct complaint complaint = { "" };

	if (datapath_attach_egress(datapath, id_of(interface), interface, &complaint))
		fail_msg("%s", complaint.text);
}

static void detach_all(void)
{
	struct complaint complaint = { "" };
	unsigned int removed = 0;

	if (datapath_detach(pin_dir, &removed, &complaint))
		fail_msg("%s", complaint.text);
	assert_int_not_equal(access(pin_dir, F_OK), 0);
}

static void refuse(struct datapath *datapath, const char *interface, enum config_attach attach, int error,
		   const char *words)
{
	struct complaint complaint = { "" };
	const char *mode = "untouched";

	assert_int_equal(datapath_attach(datapath, id_of(interface), interface, attach, &mode, &complaint), error);
	if (!strstr(complaint.text, words))
		fail_msg("'%s' does not say '%s'", complaint.text, words);
	assert_string_equal(mode, "untouched");
}

struct way {
	enum config_attach attach;
	bool no_tcx;
	const char *mode;
	const char *hook;
	__u32 (*program)(const char *interface, bool egress);
};

static __u32 xdp_program(const char *interface, bool egress)
{
	(void)egress;
	return hooks_xdp(interface);
}

static __u32 tcx_program(const char *interface, bool egress)
{
	struct hooks_chain chain;

	hooks_tcx(interface, egress, &chain);
	return chain.count == 1 ? chain.program[0] : 0;
}

static __u32 clsact_program(const char *interface, bool egress)
{
	return hooks_filter(interface, egress, egress ? 10 : 60000, 2);
}

static const struct way ways[] = {
	{ ATTACH_TC, false, "tc", "tcx", tcx_program },
	{ ATTACH_XDP, false, "xdp", "link", xdp_program },
	{ ATTACH_XDP_GENERIC, false, "xdp-generic", "link", xdp_program },
	{ ATTACH_TC, true, "tc", "clsact", clsact_program },
};

static size_t first_way(void)
{
	return hooks_kernel_has_tcx() ? 0 : 1;
}

/* All programs of a way: in, out, and both on the loopback, which is met at TC always. */
struct programs {
	__u32 in, out, lo_in, lo_out;
};

static struct programs programs_of(const struct way *way)
{
	bool clsact = way->no_tcx || !hooks_kernel_has_tcx();
	__u32 (*tc)(const char *, bool) = clsact ? clsact_program : tcx_program;

	return (struct programs){ way->program(NET_FRONT, false), tc(NET_FRONT, true), tc("lo", false),
				  tc("lo", true) };
}

static void attach_programs(struct datapath *datapath, const struct way *way, enum config_attach mode)
{
	attach_egress(datapath, NET_FRONT);
	attach(datapath, NET_FRONT, mode, way->mode);
	attach_egress(datapath, "lo");
	attach(datapath, "lo", mode, "tc");
}

static void come(const struct way *way, struct programs *ret)
{
	unsigned int front = if_nametoindex(NET_FRONT);
	struct datapath *datapath = open_pinned(way->no_tcx);
	enum config_attach mode = ATTACH_AUTO;

	assert_false(datapath_has_links(datapath));
	assert_false(datapath_has_egress(datapath, front));
	assert_int_equal(datapath_attached_mode(datapath, front, &mode), -ENOENT);
	attach_programs(datapath, way, way->attach);
	assert_string_equal(datapath_attached_by(datapath, front), way->hook);
	assert_true(datapath_is_attached(datapath, front));
	assert_true(datapath_has_egress(datapath, front));
	*ret = programs_of(way);
	assert_int_not_equal(ret->in, 0);
	assert_int_not_equal(ret->out, 0);
	assert_int_not_equal(ret->lo_in, 0);
	assert_int_not_equal(ret->lo_out, 0);
	assert_int_equal(hooks_xdp("lo"), 0);
	datapath_close(datapath); /* all that a killed agent does, and less than a stopped one */
}

static struct datapath *are_taken_over(const struct way *way, const struct programs *before)
{
	struct datapath *datapath = open_pinned(way->no_tcx);
	enum config_attach mode = ATTACH_AUTO;
	struct programs now = programs_of(way);

	assert_memory_equal(&now, before, sizeof(now));
	assert_true(datapath_is_reused(datapath));
	assert_true(datapath_has_links(datapath));
	assert_int_equal(datapath_attached_mode(datapath, if_nametoindex(NET_FRONT), &mode), 0);
	assert_int_equal(mode, way->attach);
	attach_programs(datapath, way, ATTACH_AUTO);
	now = programs_of(way);
	/* The same program is in both places of one direction. */
	assert_int_not_equal(now.in, before->in);
	assert_int_not_equal(now.out, before->out);
	assert_int_equal(now.out, now.lo_out);
	assert_int_not_equal(now.lo_in, before->lo_in);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (ways[i].attach != way->attach)
			refuse(datapath, NET_FRONT, ways[i].attach, -EUCLEAN, "`serin detach` first");
	assert_int_equal(way->program(NET_FRONT, false), now.in);
	return datapath;
}

static void go(const struct way *way, struct datapath *datapath)
{
	datapath_detach_egress(datapath, NET_FRONT);
	assert_int_equal(programs_of(way).out, 0);
	assert_int_not_equal(programs_of(way).in, 0);
	assert_int_not_equal(programs_of(way).lo_out, 0);
	datapath_detach_others(datapath, &(struct config_interface){ .name = NET_FRONT }, 1);
	hooks_expect_nothing("lo");
	assert_int_not_equal(programs_of(way).in, 0);
	attach_egress(datapath, NET_FRONT);
	datapath_close(datapath);
	detach_all();
	hooks_expect_nothing(NET_FRONT);
}

static void programs_come_stay_are_taken_over_and_go(void **state)
{
	struct programs programs;

	(void)state;
	for (size_t i = first_way(); i < sizeof(ways) / sizeof(ways[0]); i++) {
		come(&ways[i], &programs);
		go(&ways[i], are_taken_over(&ways[i], &programs));
	}
}

static void nothing_outlives_what_is_not_pinned(void **state)
{
	(void)state;
	for (int no_tcx = 0; no_tcx <= 1; no_tcx++) {
		const struct datapath_options options = { .max_flows = SERIN_MIN_FLOWS, .no_tcx = no_tcx };
		struct complaint complaint = { "" };
		struct datapath *datapath = NULL;

		assert_int_equal(datapath_open(&options, &datapath, &complaint), 0);
		attach(datapath, NET_FRONT, ATTACH_XDP, "xdp");
		attach(datapath, "lo", ATTACH_TC, "tc");
		attach_egress(datapath, NET_FRONT);
		assert_true(datapath_has_links(datapath));
		datapath_close(datapath);
		hooks_expect_nothing(NET_FRONT);
		hooks_expect_nothing("lo");
	}
}

/* Who else is there sees packets as they are on the wire: before us on the way in, after us on the way out. */
static void tcx_programs_of_others_stay_beside_ours(void **state)
{
	struct hooks_chain before[2], now[2];
	struct datapath *datapath;
	int in, out;

	(void)state;
	if (!hooks_kernel_has_tcx())
		skip();
	in = hooks_add_tcx(NET_FRONT, false);
	out = hooks_add_tcx(NET_FRONT, true);
	datapath = open_pinned(false);
	hooks_tcx(NET_FRONT, false, &before[0]);
	hooks_tcx(NET_FRONT, true, &before[1]);
	attach(datapath, NET_FRONT, ATTACH_TC, "tc");
	attach_egress(datapath, NET_FRONT);
	hooks_tcx(NET_FRONT, false, &now[0]);
	hooks_tcx(NET_FRONT, true, &now[1]);
	assert_int_equal(now[0].count, 2);
	assert_int_equal(now[1].count, 2);
	assert_int_equal(now[0].program[0], before[0].program[0]);
	assert_int_equal(now[1].program[1], before[1].program[0]);
	datapath_close(datapath);
	detach_all();
	hooks_tcx(NET_FRONT, false, &now[0]);
	hooks_tcx(NET_FRONT, true, &now[1]);
	assert_memory_equal(now, before, sizeof(now));
	close(in);
	close(out);
	hooks_expect_nothing(NET_FRONT);
}

static void filters_and_a_qdisc_of_others_stay(void **state)
{
	struct datapath *datapath;
	__u32 theirs;

	(void)state;
	/* The qdisc was there, empty. */
	hooks_tc("qdisc add dev %s clsact", NET_FRONT);
	datapath = open_pinned(true);
	attach(datapath, NET_FRONT, ATTACH_TC, "tc");
	assert_int_not_equal(hooks_filter(NET_FRONT, false, 60000, 1), 0);
	datapath_close(datapath);
	detach_all();
	assert_true(hooks_has_qdisc(NET_FRONT));
	assert_int_equal(hooks_filter(NET_FRONT, false, 60000, 1), 0);
	hooks_tc("qdisc del dev %s clsact", NET_FRONT);

	/* It was made for ours, and others came to use it. */
	datapath = open_pinned(true);
	attach(datapath, NET_FRONT, ATTACH_TC, "tc");
	attach_egress(datapath, NET_FRONT);
	hooks_add_filter(NET_FRONT, true, 77, 5);
	theirs = hooks_filter(NET_FRONT, true, 77, 5);
	assert_int_not_equal(theirs, 0);
	datapath_close(datapath);
	detach_all();
	assert_int_equal(hooks_filter(NET_FRONT, true, 77, 5), theirs);
	assert_int_equal(clsact_program(NET_FRONT, false), 0);
	assert_int_equal(clsact_program(NET_FRONT, true), 0);
	hooks_tc("qdisc del dev %s clsact", NET_FRONT);
	hooks_expect_nothing(NET_FRONT);
}

/* XDP programs, and filters where ours would be. */
static void what_is_in_the_way_is_named_and_left_alone(void **state)
{
	struct datapath *datapath = open_pinned(true);
	struct complaint complaint = { "" };
	__u32 theirs;
	int fd;

	(void)state;
	hooks_tc("qdisc add dev %s clsact", NET_FRONT);
	hooks_add_filter(NET_FRONT, false, 60000, 2);
	theirs = hooks_filter(NET_FRONT, false, 60000, 2);
	assert_int_equal(datapath_can_attach(datapath, NET_FRONT, ATTACH_TC, &complaint), -EBUSY);
	refuse(datapath, NET_FRONT, ATTACH_TC, -EBUSY, "'somebody' (id ");
	refuse(datapath, NET_FRONT, ATTACH_TC, -EBUSY, "tc filter del dev front ingress pref 60000");
	assert_int_equal(hooks_filter(NET_FRONT, false, 60000, 2), theirs);
	hooks_tc("qdisc del dev %s clsact", NET_FRONT);

	fd = hooks_add_xdp(NET_FRONT);
	theirs = hooks_xdp(NET_FRONT);
	assert_int_equal(datapath_can_attach(datapath, NET_FRONT, ATTACH_AUTO, &complaint), -EBUSY);
	refuse(datapath, NET_FRONT, ATTACH_AUTO, -EBUSY, "'somebody' (id ");
	refuse(datapath, NET_FRONT, ATTACH_XDP_GENERIC, -EBUSY, "`attach: tc` would run behind it");
	attach(datapath, NET_FRONT, ATTACH_TC, "tc");
	assert_int_equal(hooks_xdp(NET_FRONT), theirs);
	close(fd);
	datapath_close(datapath);
	detach_all();
	hooks_expect_nothing(NET_FRONT);
}

static void drivers_without_native_xdp_are_named(void **state)
{
	struct datapath *datapath = open_pinned(false);

	(void)state;
	net_ip("link add bridge0 type bridge");
	refuse(datapath, "bridge0", ATTACH_XDP, -EOPNOTSUPP, "bridge0: driver bridge has no native XDP");
	attach(datapath, "bridge0", ATTACH_TC, "tc");
	datapath_close(datapath);
	detach_all();
	net_ip("link del bridge0");
}

static void only_ethernet(void **state)
{
	struct datapath *datapath;
	struct complaint complaint = { "" };

	(void)state;
	if (access("/dev/net/tun", F_OK))
		skip();
	net_ip("tuntap add dev tun7 mode tun");
	datapath = open_pinned(false);
	for (enum config_attach mode = ATTACH_AUTO; mode <= ATTACH_TC; mode++) {
		refuse(datapath, "tun7", mode, -EINVAL, "tun7: is no Ethernet interface");
		assert_int_equal(datapath_can_attach(datapath, "tun7", mode, &complaint), -EINVAL);
	}
	assert_int_equal(datapath_attach_egress(datapath, 0, "tun7", &complaint), -EINVAL);
	hooks_expect_nothing("tun7");
	datapath_close(datapath);
	detach_all();
	net_ip("tuntap del dev tun7 mode tun");
}

/* An interface made anew under the same name: what held the old one is no reason not to attach. */
static void an_interface_that_is_made_anew(void **state)
{
	struct datapath *datapath = NULL;
	bool no_tcx = true;

	(void)state;
	for (size_t i = first_way(); i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (no_tcx != ways[i].no_tcx)
			datapath_close(datapath);
		if (no_tcx != ways[i].no_tcx)
			datapath = open_pinned(ways[i].no_tcx);
		no_tcx = ways[i].no_tcx;
		net_ip("link add again type veth peer name again-far");
		attach(datapath, "again", ways[i].attach, ways[i].mode);
		net_ip("link del again");
		assert_false(datapath_has_links(datapath));
		net_ip("link add again type veth peer name again-far");
		assert_false(datapath_is_attached(datapath, if_nametoindex("again")));
		attach(datapath, "again", ways[i].attach, ways[i].mode);
		net_ip("link del again");
	}
	datapath_close(datapath);
	detach_all();
}

/* What an agent of the other version left running goes on, and it is said how to go on from there. */
static void pins_of_another_abi_are_refused_before_a_link_is_touched(void **state)
{
	const struct datapath_options options = { .pin_dir = pin_dir, .max_flows = SERIN_MIN_FLOWS };
	struct serin_identity identity;
	struct datapath *datapath = open_pinned(false), *other = NULL;
	struct complaint complaint = { "" };
	char path[128], expected[64];
	__u32 program, zero = 0;
	int fd;

	(void)state;
	attach(datapath, NET_FRONT, ATTACH_XDP, "xdp");
	program = hooks_xdp(NET_FRONT);
	datapath_close(datapath);
	snprintf(expected, sizeof(expected), "ABI version 1, expected %u", SERIN_ABI_VERSION);
	snprintf(path, sizeof(path), "%s/identity", pin_dir);
	fd = bpf_obj_get(path);
	assert_int_equal(bpf_map_lookup_elem(fd, &zero, &identity), 0);
	identity.abi_version = 1;
	assert_int_equal(bpf_map_update_elem(fd, &zero, &identity, BPF_ANY), 0);
	close(fd);

	assert_int_equal(datapath_open(&options, &other, &complaint), -EPROTO);
	assert_null(other);
	assert_non_null(strstr(complaint.text, expected));
	assert_non_null(strstr(complaint.text, "run `serin detach` first"));
	assert_int_equal(hooks_xdp(NET_FRONT), program);
	assert_int_equal(access(path, F_OK), 0);
	detach_all();
	hooks_expect_nothing(NET_FRONT);
}

static void remove_pins(void)
{
	struct complaint complaint;
	unsigned int removed;

	datapath_detach(pin_dir, &removed, &complaint);
}

static int clean_up(void **state)
{
	(void)state;
	remove_pins();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(programs_come_stay_are_taken_over_and_go, clean_up),
		cmocka_unit_test_teardown(nothing_outlives_what_is_not_pinned, clean_up),
		cmocka_unit_test_teardown(tcx_programs_of_others_stay_beside_ours, clean_up),
		cmocka_unit_test_teardown(filters_and_a_qdisc_of_others_stay, clean_up),
		cmocka_unit_test_teardown(what_is_in_the_way_is_named_and_left_alone, clean_up),
		cmocka_unit_test_teardown(drivers_without_native_xdp_are_named, clean_up),
		cmocka_unit_test_teardown(only_ethernet, clean_up),
		cmocka_unit_test_teardown(an_interface_that_is_made_anew, clean_up),
		cmocka_unit_test_teardown(pins_of_another_abi_are_refused_before_a_link_is_touched, clean_up),
	};

	net_enter();
	if (scratch_pin_dir(pin_dir))
		return 1;
	atexit(remove_pins);
	return cmocka_run_group_tests_name("attach", tests, NULL, NULL);
}
