/* SPDX-License-Identifier: BSD-2-Clause */
/* All interfaces together: one mode for all, why it is that one, and what `forward: local` adds and takes away. */
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

#include "../scratch.h"
#include "datapath_private.h"
#include "devices.h"
#include "hooks.h"
#include "net.h"

static char pin_dir[SCRATCH_LEN];
static struct datapath *datapath;
static struct devices devices;
static struct state stored;
static struct config_service service;
static struct config config;

static void open_it(void)
{
	const struct datapath_options options = { .pin_dir = pin_dir, .max_flows = SERIN_MIN_FLOWS };
	struct complaint complaint = { "" };

	if (datapath_open(&options, &datapath, &complaint))
		fail_msg("%s", complaint.text);
}

static void configure(enum config_attach attach, enum serin_forward forward, const char *const *names)
{
	memset(&config, 0, sizeof(config));
	config.attach = attach;
	config.services = &service;
	config.service_count = 1;
	service.forward = forward;
	for (; names[config.interface_count]; config.interface_count++)
		strcpy(config.interfaces[config.interface_count].name, names[config.interface_count]);
}

/* As a start does: ids, programs, and names for the next one. */
static int start(struct complaint *complaint)
{
	bool at_work = datapath_has_links(datapath);
	static const struct state nowhere;
	int r;

	devices_assign(&config, &stored, &devices);
	r = devices_attach(&devices, datapath, at_work ? &stored : &nowhere, complaint);
	for (size_t i = 0; !r && i < SERIN_MAX_DEVICES; i++)
		memcpy(stored.devices[i], devices.device[i].name, CONFIG_INTERFACE_LEN);
	return r;
}

static void start_well(void)
{
	struct complaint complaint = { "" };

	if (start(&complaint))
		fail_msg("%s", complaint.text);
	assert_null(devices_missing(&devices));
}

static void restart(void)
{
	datapath = datapath_close(datapath);
	open_it();
	start_well();
}

/* NAME: its mode, and that words of why so. */
static void expect_device(const char *name, const char *mode, const char *hook, const char *why)
{
	json_t *list = devices_to_json(&devices), *item;
	bool found = false;
	size_t i;

	json_array_foreach (list, i, item) {
		if (strcmp(json_string_value(json_object_get(item, "name")), name))
			continue;
		found = true;
		assert_string_equal(json_string_value(json_object_get(item, "attach")), mode);
		assert_string_equal(json_string_value(json_object_get(item, "hook")), hook);
		if (!strstr(json_string_value(json_object_get(item, "why")), why))
			fail_msg("%s: '%s' does not say '%s'", name, json_string_value(json_object_get(item, "why")),
				 why);
	}
	json_decref(list);
	if (!found)
		fail_msg("%s is no device", name);
}

static const char *const both[] = { NET_FRONT, NET_REAR, NULL };
static const char *const with_bridge[] = { NET_FRONT, NET_REAR, "bridge0", NULL };

static uint32_t tcx_count(const char *interface, bool egress)
{
	struct hooks_chain chain;

	hooks_tcx(interface, egress, &chain);
	return chain.count;
}

static void auto_is_native_where_all_have_it(void **state)
{
	(void)state;
	configure(ATTACH_AUTO, SERIN_FORWARD_NAT, both);
	start_well();
	expect_device(NET_FRONT, "xdp", "link", "every interface has native XDP");
	expect_device(NET_REAR, "xdp", "link", "every interface has native XDP");
	assert_int_not_equal(hooks_xdp(NET_REAR), 0);
	assert_int_equal(tcx_count(NET_FRONT, true), 0);
	restart();
	expect_device(NET_FRONT, "xdp", "link", "ran so before");
	/* One more, which cannot: the others are not taken over to TC by a start. */
	configure(ATTACH_AUTO, SERIN_FORWARD_NAT, with_bridge);
	struct complaint complaint = { "" };
	assert_int_equal(start(&complaint), -EUCLEAN);
	assert_non_null(strstr(complaint.text, "bridge0: driver bridge has no native XDP"));
	assert_non_null(strstr(complaint.text, "`serin detach` first"));
	assert_int_not_equal(hooks_xdp(NET_FRONT), 0);
	hooks_expect_nothing("bridge0");
}

static void auto_is_tc_for_all_where_one_has_no_xdp(void **state)
{
	(void)state;
	configure(ATTACH_AUTO, SERIN_FORWARD_NAT, with_bridge);
	start_well();
	for (size_t i = 0; with_bridge[i]; i++) {
		expect_device(with_bridge[i], "tc", "tcx", "bridge0: driver bridge has no native XDP: Operation not");
		assert_int_equal(hooks_xdp(with_bridge[i]), 0);
		assert_int_equal(tcx_count(with_bridge[i], false), 1);
	}
	/* Without the bridge native XDP could be had, but what runs goes on. */
	configure(ATTACH_AUTO, SERIN_FORWARD_NAT, both);
	restart();
	expect_device(NET_FRONT, "tc", "tcx", "ran so before");
	hooks_expect_nothing("bridge0");
}

/* A process on this host that has so many. */
static void pretend_flows(unsigned int count)
{
	const struct serin_backend backend = { .port = 3001, .flags = SERIN_BACKEND_USED };
	struct serin_stats *stats = calloc((size_t)libbpf_num_possible_cpus(), sizeof(*stats));
	const __u32 id = 4;

	assert_non_null(stats);
	stats[0].opened = 3 + count;
	stats[0].closed = 2;
	stats[0].gone = 1;
	assert_int_equal(bpf_map_update_elem(MAP_FD(datapath, backends), &id, &backend, BPF_ANY), 0);
	assert_int_equal(bpf_map_update_elem(MAP_FD(datapath, stats), &id, stats, BPF_ANY), 0);
	free(stats);
}

static void local_services_bring_their_own_hooks(void **state)
{
	static const enum config_attach modes[] = { ATTACH_AUTO, ATTACH_TC };
	struct complaint complaint = { "" };

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		const char *why = modes[i] == ATTACH_AUTO ? "native XDP" : "configured";

		if (!datapath)
			open_it();
		memset(&stored, 0, sizeof(stored));
		configure(modes[i], SERIN_FORWARD_LOCAL, both);
		start_well();
		expect_device("lo", "tc", "tcx", "local clients");
		assert_string_equal(devices.device[0].why.text[0] ? "" : "nothing", "");
		assert_non_null(strstr(devices.device[0].why.text, why));
		assert_int_equal(tcx_count(NET_FRONT, true), 1);
		assert_int_equal(tcx_count(NET_REAR, true), 1);
		assert_int_equal(tcx_count("lo", true), 1);
		assert_int_equal(tcx_count("lo", false), 1);

		/* They go with the last such service, and come with the first. */
		assert_false(devices_end_local(&devices, datapath, &config));
		service.forward = SERIN_FORWARD_NAT;
		pretend_flows(1);
		assert_false(devices_end_local(&devices, datapath, &config));
		assert_int_equal(tcx_count("lo", true), 1);
		pretend_flows(0);
		assert_true(devices_end_local(&devices, datapath, &config));
		hooks_expect_nothing("lo");
		assert_int_equal(tcx_count(NET_FRONT, true), 0);
		assert_true(datapath_is_attached(datapath, if_nametoindex(NET_FRONT)));
		assert_int_equal(devices_begin_local(&devices, datapath, &complaint), 0);
		assert_int_equal(tcx_count(NET_REAR, true), 1);
		assert_int_equal(tcx_count("lo", false), 1);
		expect_device("lo", "tc", "tcx", "local clients");
		assert_non_null(strstr(devices.device[0].why.text, why));

		/* And with a restart, when their flows have gone. */
		configure(modes[i], SERIN_FORWARD_NAT, both);
		pretend_flows(1);
		restart();
		assert_int_equal(tcx_count(NET_FRONT, true), 1);
		assert_int_equal(tcx_count("lo", false), 1);
		pretend_flows(0);
		restart();
		hooks_expect_nothing("lo");
		assert_int_equal(tcx_count(NET_FRONT, true), 0);
		datapath = datapath_close(datapath);
		assert_int_equal(datapath_detach(pin_dir, &(unsigned int){ 0 }, &complaint), 0);
	}
	open_it();
}

/* A start that cannot attach to all leaves nothing on any. */
static void a_start_that_fails_leaves_nothing(void **state)
{
	struct complaint complaint = { "" };
	int fd = hooks_add_xdp(NET_REAR);

	(void)state;
	configure(ATTACH_AUTO, SERIN_FORWARD_LOCAL, both);
	assert_int_equal(start(&complaint), -EBUSY);
	assert_non_null(strstr(complaint.text, "rear: the XDP program 'somebody'"));
	hooks_expect_nothing(NET_FRONT);
	hooks_expect_nothing("lo");
	assert_int_equal(tcx_count(NET_REAR, true), 0);
	close(fd);
}

static int set_up(void **state)
{
	(void)state;
	memset(&stored, 0, sizeof(stored));
	open_it();
	return 0;
}

static void remove_pins(void)
{
	struct complaint complaint;
	unsigned int removed;

	datapath = datapath_close(datapath);
	datapath_detach(pin_dir, &removed, &complaint);
}

static int tear_down(void **state)
{
	(void)state;
	remove_pins();
	for (size_t i = 0; with_bridge[i]; i++)
		hooks_expect_nothing(with_bridge[i]);
	hooks_expect_nothing("lo");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(auto_is_native_where_all_have_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(auto_is_tc_for_all_where_one_has_no_xdp, set_up, tear_down),
		cmocka_unit_test_setup_teardown(local_services_bring_their_own_hooks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_start_that_fails_leaves_nothing, set_up, tear_down),
	};

	net_enter();
	net_ip("link add bridge0 type bridge");
	log_setup(LOG_LEVEL_ERROR, LOG_KEYVALUE);
	if (scratch_pin_dir(pin_dir))
		return 1;
	atexit(remove_pins);
	return cmocka_run_group_tests_name("devices", tests, NULL, NULL);
}
