/* SPDX-License-Identifier: BSD-2-Clause */
/* What the agent does to flows: reads them where the kernel keeps them, sweeps, closes, and makes ids fit for reuse. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "datapath_private.h"
#include "story.h"

#define MAX_FLOWS 1024
#define BACKEND 7

static struct lab *lab;

static void the_table_is_read_as_the_kernel_has_it(void **state)
{
	struct serin_way way = { .claim = SERIN_WAY_CLAIM(5, SERIN_WAY_ESTABLISHED), .backend = BACKEND };
	const struct serin_way *ways = NULL, *again = NULL;
	struct complaint complaint;
	uint32_t count = 0;

	(void)state;
	assert_int_equal(datapath_ways(lab->datapath, &ways, &count, &complaint), 0);
	assert_int_equal(count, datapath_buckets(lab->datapath) * SERIN_WAYS_PER_BUCKET);
	assert_int_equal(ways[count - 1].claim, 0);
	lab_write(lab, "ways", count - 1, &way);
	assert_memory_equal(&ways[count - 1], &way, sizeof(way));
	assert_int_equal(datapath_ways(lab->datapath, &again, &count, &complaint), 0);
	assert_ptr_equal(ways, again);
	lab_clear(lab);
}

static void a_sweep_stays_inside_the_table(void **state)
{
	uint32_t count = datapath_buckets(lab->datapath) * SERIN_WAYS_PER_BUCKET;
	struct serin_sweep answer = { .first = 9, .count = 9, .ended = 9, .live = 9 };

	(void)state;
	assert_int_equal(datapath_sweep(lab->datapath, count, 1, &answer), -EINVAL);
	assert_int_equal(answer.ended, 9);
	assert_int_equal(datapath_sweep(lab->datapath, count - 8, UINT32_MAX, &answer), 0);
	assert_int_equal(answer.first, count - 8);
	assert_int_equal(answer.count, 8);
	assert_int_equal(answer.ended, 0);
	assert_int_equal(answer.live, 0);
}

static void no_flow_is_not_closed(void **state)
{
	uint32_t count = datapath_buckets(lab->datapath) * SERIN_WAYS_PER_BUCKET;

	(void)state;
	assert_int_equal(datapath_close_flow(lab->datapath, count, 1), -EINVAL);
	assert_int_equal(datapath_close_flow(lab->datapath, count - 1, 1), 0);
}

static void named_is_read_and_cleared_whole(void **state)
{
	static uint32_t named[SERIN_MAX_BACKENDS];
	const __u32 first = 0, last = SERIN_MAX_BACKENDS - 1, three = 3, four = 4;

	(void)state;
	assert_int_equal(bpf_map_update_elem(MAP_FD(lab->datapath, named), &first, &three, BPF_ANY), 0);
	assert_int_equal(bpf_map_update_elem(MAP_FD(lab->datapath, named), &last, &four, BPF_ANY), 0);
	assert_int_equal(datapath_read_named(lab->datapath, named), 0);
	assert_int_equal(named[first], 3);
	assert_int_equal(named[1], 0);
	assert_int_equal(named[last], 4);
	assert_int_equal(datapath_clear_named(lab->datapath), 0);
	assert_int_equal(datapath_read_named(lab->datapath, named), 0);
	for (unsigned int i = 0; i < SERIN_MAX_BACKENDS; i++)
		assert_int_equal(named[i], 0);
}

static void counters_of_an_id_go_back_to_zero(void **state)
{
	int cpus = libbpf_num_possible_cpus();
	struct serin_stats *values = calloc((size_t)cpus, sizeof(*values)), sum;

	(void)state;
	assert_non_null(values);
	for (int cpu = 0; cpu < cpus; cpu++)
		values[cpu] = (struct serin_stats){ .opened = 3, .placed = 1 };
	lab_write(lab, "stats", BACKEND, values);
	lab_write(lab, "stats", BACKEND + 1, values);
	assert_int_equal(datapath_clear_stats(lab->datapath, BACKEND), 0);
	assert_int_equal(datapath_read_stats(lab->datapath, BACKEND, &sum), 0);
	assert_int_equal(sum.opened, 0);
	assert_int_equal(sum.placed, 0);
	assert_int_equal(datapath_read_stats(lab->datapath, BACKEND + 1, &sum), 0);
	assert_int_equal(sum.opened, 3 * cpus);
	assert_int_equal(datapath_clear_stats(lab->datapath, SERIN_MAX_BACKENDS), -E2BIG);
	free(values);
	lab_clear(lab);
}

static void flags_change_and_nothing_else(void **state)
{
	struct serin_backend backend = { .port = 80, .weight = 3, .flags = SERIN_BACKEND_USED | SERIN_BACKEND_LEAVING };
	struct serin_backend wanted = backend, now;
	struct complaint complaint = { "" };

	(void)state;
	lab_write(lab, "backends", BACKEND, &backend);
	assert_int_equal(datapath_set_backend_flags(lab->datapath, BACKEND, SERIN_BACKEND_RESET, SERIN_BACKEND_LEAVING,
						    &complaint),
			 0);
	wanted.flags = SERIN_BACKEND_USED | SERIN_BACKEND_RESET;
	lab_read(lab, "backends", BACKEND, &now);
	assert_memory_equal(&now, &wanted, sizeof(now));
	assert_int_equal(datapath_set_backend_flags(lab->datapath, BACKEND + 1, SERIN_BACKEND_RESET, 0, &complaint),
			 -ENOENT);
	assert_non_null(strstr(complaint.text, "no backend"));
	lab_clear(lab);
}

static struct serin_sweep sweep_all(struct datapath *datapath)
{
	struct serin_sweep answer = { .count = 0 };

	assert_int_equal(datapath_clear_named(datapath), 0);
	assert_int_equal(datapath_sweep(datapath, 0, UINT32_MAX, &answer), 0);
	assert_int_equal(answer.count, datapath_buckets(datapath) * SERIN_WAYS_PER_BUCKET);
	return answer;
}

IN_SCENES(a_sweep_counts_what_lives_and_ends_what_is_over)
{
	static uint32_t named[SERIN_MAX_BACKENDS];
	struct story story = established(scene);
	unsigned int id = scene_backend(story.lab, scene);
	struct serin_sweep answer = sweep_all(story.lab->datapath);

	assert_int_equal(answer.live, 1);
	assert_int_equal(answer.ended, 0);
	assert_int_equal(datapath_read_named(story.lab->datapath, named), 0);
	for (unsigned int i = 0; i < SERIN_MAX_BACKENDS; i++)
		assert_int_equal(named[i], i == id ? 1 : 0);
	expect_state(&story, "swept", SERIN_WAY_ESTABLISHED);

	flowtable_age(story.lab, story.index, lab_settings(story.lab).linger_established + 2);
	answer = sweep_all(story.lab->datapath);
	assert_int_equal(answer.ended, 1);
	assert_int_equal(answer.live, 0);
	assert_int_equal(datapath_read_named(story.lab->datapath, named), 0);
	assert_int_equal(named[id], 0);
	assert_int_equal(flowtable_count(story.lab).flows, 0);
	assert_int_equal(stats_of(&story).gone, 1);
	end(&story);
}

IN_SCENES(a_flow_is_closed_by_its_index_and_generation)
{
	struct story story = established(scene);
	struct datapath *datapath = story.lab->datapath;
	const struct serin_way *ways = NULL;
	struct complaint complaint;
	uint32_t count, generation;

	assert_int_equal(datapath_ways(datapath, &ways, &count, &complaint), 0);
	generation = SERIN_WAY_GENERATION(ways[story.index].claim);
	assert_int_equal(datapath_close_flow(datapath, story.index, generation + 1), 0);
	assert_int_equal(datapath_close_flow(datapath, ways[story.index].peer, ways[story.index].peer_generation), 0);
	expect_state(&story, "not closed", SERIN_WAY_ESTABLISHED);
	assert_int_equal(datapath_close_flow(datapath, story.index, generation), 1);
	expect_state(&story, "closed", SERIN_WAY_CLOSED);
	assert_int_equal(datapath_close_flow(datapath, story.index, generation), 0);
	assert_int_equal(stats_of(&story).closed, 1);
	end(&story);
}

static int set_up(void **state)
{
	(void)state;
	lab = lab_open(MAX_FLOWS);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_table_is_read_as_the_kernel_has_it, set_up),
		cmocka_unit_test_setup(a_sweep_stays_inside_the_table, set_up),
		cmocka_unit_test_setup(no_flow_is_not_closed, set_up),
		cmocka_unit_test_setup(named_is_read_and_cleared_whole, set_up),
		cmocka_unit_test_setup(counters_of_an_id_go_back_to_zero, set_up),
		cmocka_unit_test_setup(flags_change_and_nothing_else, set_up),
		cmocka_unit_test(a_sweep_counts_what_lives_and_ends_what_is_over),
		cmocka_unit_test(a_flow_is_closed_by_its_index_and_generation),
	};

	net_enter();
	return cmocka_run_group_tests_name("ways", tests, NULL, NULL);
}
