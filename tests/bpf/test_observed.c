/* SPDX-License-Identifier: BSD-2-Clause */
/* The maps of what is observed: they come and go with their backends' ids, outlive the agent, and are read whole. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "../scratch.h"
#include "datapath.h"
#include "datapath_guard.h"
#include "net.h"
#include "pins.h"

static char pin_dir[SCRATCH_LEN];

struct tables {
	struct datapath *datapath;
	struct image *image, *empty;
};

static struct datapath *open_pinned(void)
{
	const struct datapath_options options = { .pin_dir = pin_dir, .max_flows = SERIN_MIN_FLOWS };
	struct complaint complaint = { "" };
	struct datapath *datapath = NULL;

	if (datapath_open(&options, &datapath, &complaint))
		fail_msg("%s", complaint.text);
	return datapath;
}

static int setup(void **state)
{
	struct tables *tables = calloc(1, sizeof(*tables));

	tables->image = calloc(1, sizeof(*tables->image));
	tables->empty = calloc(1, sizeof(*tables->empty));
	tables->datapath = open_pinned();
	*state = tables;
	return 0;
}

static int teardown(void **state)
{
	struct tables *tables = *state;
	struct complaint complaint = { "" };
	unsigned int removed = 0;

	datapath_close(tables->datapath);
	free(tables->image);
	free(tables->empty);
	free(tables);
	return datapath_detach(pin_dir, &removed, &complaint);
}

static void use(struct image *image, unsigned int id)
{
	image->backends[id] = (struct serin_backend){ .flags = SERIN_BACKEND_USED, .endpoint = (__u16)id };
}

static void apply(struct tables *tables, const struct image *from)
{
	struct complaint complaint = { "" };

	if (datapath_apply_backends(tables->datapath, from, tables->image, &complaint))
		fail_msg("%s", complaint.text);
}

static int open_pin(const char *name)
{
	char path[PINS_PATH_LEN];
	int fd;

	pins_path(pin_dir, name, path);
	fd = bpf_obj_get(path);
	assert_true(fd >= 0);
	return fd;
}

/* As the program would count, seen from outside; 0: the backend has no map. */
static __u32 map_of(unsigned int backend)
{
	int outer = open_pin("observed");
	__u32 id = backend, map = 0;

	if (bpf_map_lookup_elem(outer, &id, &map))
		map = 0;
	close(outer);
	return map;
}

/* Word w of CPU c counts w + 1000 c + `salt`. */
static void count_in(unsigned int backend, uint64_t salt)
{
	size_t cpus = (size_t)libbpf_num_possible_cpus(), words = sizeof(struct serin_observed) / 8;
	uint64_t *values = calloc(cpus * words, 8);
	int fd = bpf_map_get_fd_by_id(map_of(backend));
	__u32 zero = 0;

	assert_true(fd >= 0 && values);
	for (size_t i = 0; i < cpus * words; i++)
		values[i] = i % words + 1000 * (i / words) + salt;
	assert_int_equal(bpf_map_update_elem(fd, &zero, values, BPF_ANY), 0);
	close(fd);
	free(values);
}

static void assert_counted(struct tables *tables, unsigned int backend, uint64_t salt)
{
	uint64_t cpus = (uint64_t)libbpf_num_possible_cpus(), wanted;
	struct serin_observed observed;
	const __u64 *word = (const __u64 *)&observed;

	memset(&observed, 0xff, sizeof(observed));
	assert_int_equal(datapath_read_observed(tables->datapath, backend, &observed), 0);
	for (uint64_t i = 0; i < sizeof(observed) / 8; i++) {
		wanted = cpus * (i + salt) + 1000 * cpus * (cpus - 1) / 2;
		assert_true(word[i] == wanted);
	}
}

static void assert_nothing_counted(struct tables *tables, unsigned int backend)
{
	static const struct serin_observed none;
	struct serin_observed observed;

	memset(&observed, 0xff, sizeof(observed));
	assert_int_equal(datapath_read_observed(tables->datapath, backend, &observed), 0);
	assert_memory_equal(&observed, &none, sizeof(none));
}

static void cpus_are_added_up(void **state)
{
	struct tables *tables = *state;
	struct serin_observed observed;

	use(tables->image, 3);
	use(tables->image, 4095);
	apply(tables, tables->empty);
	assert_true(map_of(3) && map_of(4095) && map_of(3) != map_of(4095));
	assert_nothing_counted(tables, 3);
	count_in(3, 7);
	count_in(4095, 900);
	assert_counted(tables, 3, 7);
	assert_counted(tables, 4095, 900);
	assert_int_equal(map_of(4), 0);
	assert_int_equal(datapath_read_observed(tables->datapath, 4, &observed), -ENOENT);
}

/* The next agent goes on with what is there, whether it has to change tables or not. */
static void they_outlive_the_agent(void **state)
{
	struct tables *tables = *state;
	__u32 map;

	use(tables->image, 5);
	apply(tables, tables->empty);
	count_in(5, 1);
	map = map_of(5);
	tables->datapath = datapath_close(tables->datapath);
	tables->datapath = open_pinned();
	assert_true(datapath_is_reused(tables->datapath));
	apply(tables, tables->image);
	assert_int_equal(map_of(5), map);
	assert_counted(tables, 5, 1);
	count_in(5, 2);
	assert_counted(tables, 5, 2);
	/* A change of it, and one beside it. */
	tables->image->backends[5].weight = 9;
	use(tables->image, 6);
	apply(tables, tables->empty);
	assert_int_equal(map_of(5), map);
	assert_counted(tables, 5, 2);
	assert_nothing_counted(tables, 6);
}

static void an_id_given_anew_begins_at_zero(void **state)
{
	struct tables *tables = *state;
	struct serin_observed observed;
	struct complaint complaint = { "" };

	use(tables->image, 8);
	use(tables->image, 9);
	apply(tables, tables->empty);
	count_in(8, 1);
	count_in(9, 2);
	assert_int_equal(datapath_forget_backend(tables->datapath, 8, true, &complaint), 0);
	assert_int_equal(map_of(8), 0);
	assert_int_equal(datapath_read_observed(tables->datapath, 8, &observed), -ENOENT);
	assert_counted(tables, 9, 2);
	apply(tables, tables->empty);
	assert_nothing_counted(tables, 8);
	count_in(8, 3);
	assert_counted(tables, 8, 3);
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* As many as there can be, by a process that may open a few files only at first; and no waiting for each. */
static void all_ids_at_once(void **state)
{
	struct tables *tables = *state;
	struct serin_observed observed;
	struct rlimit before, few;
	double start, made;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = (struct rlimit){ .rlim_cur = 256, .rlim_max = before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	for (unsigned int id = 0; id < SERIN_MAX_BACKENDS; id++)
		use(tables->image, id);
	start = now_ms();
	apply(tables, tables->empty);
	made = now_ms() - start;
	count_in(SERIN_MAX_BACKENDS - 1, 5);
	start = now_ms();
	for (unsigned int id = 0; id < SERIN_MAX_BACKENDS; id++)
		assert_int_equal(datapath_read_observed(tables->datapath, id, &observed), 0);
	print_message("%u maps made in %.0f ms, read in %.1f ms\n", SERIN_MAX_BACKENDS, made, now_ms() - start);
	assert_true(made < 5000);
	assert_counted(tables, SERIN_MAX_BACKENDS - 1, 5);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static void write_incidents(uint32_t key, uint64_t count)
{
	struct serin_incidents both = { count, count + 1 };
	int fd = open_pin("incidents");

	assert_int_equal(bpf_map_update_elem(fd, &key, &both, BPF_ANY), 0);
	close(fd);
}

static void write_served(uint32_t key, uint32_t word)
{
	struct serin_served served;
	int fd = open_pin("served");

	for (size_t i = 0; i < SERIN_SERVED_REGISTERS; i++)
		served.word[i] = word;
	assert_int_equal(bpf_map_update_elem(fd, &key, &served, BPF_ANY), 0);
	close(fd);
}

static void assert_served(struct tables *tables, unsigned int service, unsigned int version, uint32_t word)
{
	struct serin_served served;

	assert_int_equal(datapath_guard_served(tables->datapath, service, version, &served), 0);
	for (size_t i = 0; i < SERIN_SERVED_REGISTERS; i++)
		assert_int_equal(served.word[i], word);
	assert_int_equal(datapath_guard_served(tables->datapath, SERIN_MAX_SERVICES, 0, &served), -EINVAL);
	assert_int_equal(datapath_guard_served(tables->datapath, service, SERIN_MAX_VERSIONS, &served), -EINVAL);
}

static void name(struct image *image, unsigned int service, unsigned int version, const char *text)
{
	strcpy(image->services[service].name, "shop");
	memset(image->services[service].version[version], 0, SERIN_VERSION_NAME_LEN);
	strcpy(image->services[service].version[version], text);
}

static void assert_incidents(struct tables *tables, unsigned int service, const uint64_t expected[3])
{
	struct serin_incidents(*incidents)[SERIN_MAX_VERSIONS] = calloc(SERIN_MAX_SERVICES, sizeof(*incidents)), one;

	assert_non_null(incidents);
	datapath_read_incidents(tables->datapath, incidents);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(incidents[service][i].rollout, expected[i]);
		assert_int_equal(incidents[service][i].epoch, expected[i] ? expected[i] + 1 : 0);
		assert_int_equal(datapath_guard_incidents(tables->datapath, service, i, &one), 0);
		assert_memory_equal(&one, &incidents[service][i], sizeof(one));
	}
	free(incidents);
}

/* Another version in the same place has neither failed nor served anybody yet. */
static void incidents_are_a_version_s_own(void **state)
{
	struct tables *tables = *state;
	struct image *before = calloc(1, sizeof(*before));

	assert_non_null(before);
	name(tables->image, 200, 0, "stable");
	name(tables->image, 200, 1, "canary");
	name(tables->image, 200, 2, "next");
	apply(tables, tables->empty);
	write_incidents(200 * SERIN_MAX_VERSIONS, 11);
	write_incidents(200 * SERIN_MAX_VERSIONS + 1, UINT64_C(1) << 40);
	write_incidents(200 * SERIN_MAX_VERSIONS + 2, 33);
	assert_incidents(tables, 200, (const uint64_t[]){ 11, UINT64_C(1) << 40, 33 });
	write_served(200 * SERIN_MAX_VERSIONS + 1, 0x12345678);
	write_served(200 * SERIN_MAX_VERSIONS + 2, 0x87654321);
	*before = *tables->image;
	tables->image->services[200].baseline = 1;
	name(tables->image, 200, 2, "other");
	apply(tables, before);
	assert_incidents(tables, 200, (const uint64_t[]){ 11, UINT64_C(1) << 40, 0 });
	assert_served(tables, 200, 1, 0x12345678);
	assert_served(tables, 200, 2, 0);
	free(before);
}

/* Whoever comes next finds the guards as they are, and numbers its own armings onwards. */
static void guards_outlive_the_agent(void **state)
{
	const struct serin_slow_limits limits = { { { 1, 2, 3 }, { 4, 5, 6 } } };
	struct guard_lines lines = { .line = { { -5, 6 }, { 7, 8 } }, .epoch = 9 };
	struct serin_slow slow = { { 1, 2, 3 }, { 4, 5, 6 } }, slow_read;
	struct tables *tables = *state;
	uint32_t place = SERIN_VERSION_PLACE(200, 3), service = 200;
	struct serin_slow_limits limits_read;
	struct serin_trip trip = { .ns = 77 };
	struct guard_state guard;
	uint64_t arm;
	int fd;

	assert_int_equal(datapath_guard_arm(tables->datapath, 200, 3, &lines, 100, &arm), 0);
	assert_int_equal(datapath_guard_arm(tables->datapath, 200, 3, &lines, 100, &arm), 0);
	assert_int_equal(arm, 2);
	assert_int_equal(datapath_guard_slow_limits(tables->datapath, 200, &limits), 0);
	datapath_close(tables->datapath);
	/* Meanwhile, as the program would. */
	trip.word = SERIN_TRIP(arm, SERIN_LINE_EPOCH);
	fd = open_pin("trips");
	assert_int_equal(bpf_map_update_elem(fd, &place, &trip, BPF_ANY), 0);
	close(fd);
	fd = open_pin("slow");
	assert_int_equal(bpf_map_update_elem(fd, &place, &slow, BPF_ANY), 0);
	close(fd);
	tables->datapath = open_pinned();
	assert_true(datapath_is_reused(tables->datapath));
	assert_int_equal(datapath_guard_read(tables->datapath, 200, 3, &guard), 0);
	assert_int_equal(guard.arm, arm);
	assert_int_equal(guard.lease_ns, 100);
	assert_memory_equal(guard.lines.line, lines.line, sizeof(lines.line));
	assert_int_equal(guard.lines.epoch, lines.epoch);
	assert_true(guard.tripped && guard.line == SERIN_LINE_EPOCH && guard.tripped_ns == 77);
	assert_int_equal(datapath_guard_slow(tables->datapath, 200, 3, &slow_read), 0);
	assert_memory_equal(&slow_read, &slow, sizeof(slow));
	fd = open_pin("slow_limits");
	assert_int_equal(bpf_map_lookup_elem(fd, &service, &limits_read), 0);
	close(fd);
	assert_memory_equal(&limits_read, &limits, sizeof(limits));
	assert_int_equal(datapath_guard_disarm(tables->datapath, 200, 3), 0);
	assert_int_equal(datapath_guard_arm(tables->datapath, 200, 3, &lines, 0, &arm), 0);
	assert_int_equal(arm, 3);
	assert_int_equal(datapath_guard_read(tables->datapath, 200, 3, &guard), 0);
	assert_false(guard.tripped);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(cpus_are_added_up), TEST(they_outlive_the_agent),        TEST(an_id_given_anew_begins_at_zero),
		TEST(all_ids_at_once),   TEST(incidents_are_a_version_s_own), TEST(guards_outlive_the_agent),
	};
#undef TEST

	net_enter();
	if (scratch_pin_dir(pin_dir))
		return 1;
	return cmocka_run_group_tests_name("observed", tests, NULL, NULL);
}
