/* SPDX-License-Identifier: BSD-2-Clause */
/* Sums of counters: over backends, over CPUs that were read one after the other, and over ids that were given away; and
 * which drops are worth a line in the log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "counters.h"
#include "exhaustion.h"

static void test_active(void **state)
{
	const struct serin_stats busy = { .opened = 9, .closed = 3, .gone = 2 };
	const struct serin_stats torn = { .opened = 4, .closed = 3, .gone = 2 };

	(void)state;
	assert_true(counters_active(&busy) == 4);
	assert_true(counters_active(&torn) == 0);
}

struct story {
	struct counters *counters;
	struct image *image;
	struct service service;
};

static int setup(void **state)
{
	struct story *story = calloc(1, sizeof(*story));

	assert_non_null(story);
	story->counters = calloc(1, sizeof(*story->counters));
	story->image = calloc(1, sizeof(*story->image));
	assert_true(story->counters && story->image);
	story->service.id = 5;
	strcpy(story->image->services[5].name, "shop");
	strcpy(story->image->services[5].version[1], "stable");
	strcpy(story->image->services[5].version[2], "canary");
	*state = story;
	return 0;
}

static int teardown(void **state)
{
	struct story *story = *state;

	counters_free(story->counters);
	free(story->counters);
	free(story->image);
	free(story);
	return 0;
}

static void backend(struct story *story, unsigned int id, unsigned int service, unsigned int version)
{
	story->image->backends[id] = (struct serin_backend){ .service = (__u16)service,
							     .version = (__u8)version,
							     .flags = SERIN_BACKEND_USED };
}

static void opened(struct story *story, unsigned int id, uint64_t count)
{
	struct serin_stats stats = story->counters->backends[id];

	stats.opened = count;
	assert_int_equal(counters_take(story->counters, story->image, id, &stats), 0);
}

static uint64_t sampled(struct story *story, int64_t at_ms, unsigned int version)
{
	story->counters->at_ms = at_ms;
	counters_sample(story->counters, &story->service, 1);
	assert_true(story->service.newest.at_ms == at_ms);
	return story->service.newest.opened[version];
}

/* Word i of a reading counts i + 1; twice, of two backends: four times as much for the version. */
static void test_every_counter_is_added(void **state)
{
	struct story *story = *state;
	const struct counters_version *version;
	struct serin_observed observed;
	struct serin_stats stats;
	size_t i;

	backend(story, 7, 5, 2);
	backend(story, 8, 5, 2);
	for (uint64_t round = 1; round <= 2; round++) {
		for (i = 0; i < sizeof(stats) / 8; i++)
			((__u64 *)&stats)[i] = round * (i + 1);
		for (i = 0; i < sizeof(observed) / 8; i++)
			((__u64 *)&observed)[i] = round * (i + 1);
		for (unsigned int id = 7; id <= 8; id++) {
			assert_int_equal(counters_take(story->counters, story->image, id, &stats), 0);
			assert_int_equal(counters_take_observed(story->counters, story->image, id, &observed), 0);
		}
	}
	version = counters_of_version(story->counters, 5, 2);
	for (i = 0; i < sizeof(stats) / 8; i++)
		assert_true(((const __u64 *)&version->stats)[i] == 4 * (i + 1));
	for (i = 0; i < sizeof(observed) / 8; i++)
		assert_true(((const __u64 *)&version->observed)[i] == 4 * (i + 1));
	assert_true(counters_of_version(story->counters, 5, 1)->stats.opened == 0);
}

/* What a version has opened does not fall when one of its backends' ids is given away. */
static void test_a_freed_id_keeps_its_version_s_sum(void **state)
{
	struct story *story = *state;
	struct serin_observed observed = { .classes = { 0, 0, 9 } };

	backend(story, 7, 5, 2);
	backend(story, 8, 5, 2);
	backend(story, 9, 6, 2);
	opened(story, 7, 70);
	opened(story, 8, 8);
	opened(story, 9, 1000);
	assert_int_equal(counters_take_observed(story->counters, story->image, 7, &observed), 0);
	assert_true(sampled(story, 42, 2) == 78);
	counters_retire(story->counters, 7);
	memset(&story->image->backends[7], 0, sizeof(story->image->backends[7]));
	assert_true(sampled(story, 43, 2) == 78);
	assert_true(sampled(story, 43, 1) == 0);
	assert_true(story->counters->backends[7].opened == 0);
	assert_null(story->counters->observed[7]);
	/* The id's next owner begins at nothing. */
	backend(story, 7, 5, 1);
	opened(story, 7, 3);
	observed.classes[2] = 2;
	assert_int_equal(counters_take_observed(story->counters, story->image, 7, &observed), 0);
	assert_true(sampled(story, 44, 1) == 3);
	assert_true(sampled(story, 44, 2) == 78);
	assert_true(counters_of_version(story->counters, 5, 1)->observed.classes[2] == 2);
	assert_true(counters_of_version(story->counters, 5, 2)->observed.classes[2] == 9);
}

/* An id that was a version's belongs to another one after a reload. */
static void test_another_version_begins_at_nothing(void **state)
{
	struct story *story = *state;
	struct image *next = malloc(sizeof(*next));

	assert_non_null(next);
	backend(story, 7, 5, 1);
	backend(story, 8, 5, 2);
	opened(story, 7, 70);
	opened(story, 8, 80);
	*next = *story->image;
	counters_rename(story->counters, story->image, next);
	assert_true(sampled(story, 1, 2) == 80);
	memset(&next->backends[8], 0, sizeof(next->backends[8]));
	strcpy(next->services[5].version[2], "next");
	counters_rename(story->counters, story->image, next);
	assert_true(sampled(story, 2, 1) == 70);
	assert_true(sampled(story, 2, 2) == 0);
	*story->image = *next;
	strcpy(next->services[5].name, "other");
	counters_rename(story->counters, story->image, next);
	assert_true(sampled(story, 3, 1) == 0);
	free(next);
}

/* What is observed is read as long as it may be behind the other counters, and not after. */
static void test_what_is_behind(void **state)
{
	const struct serin_observed observed = { .methods = { 1 } };
	struct story *story = *state;

	backend(story, 7, 5, 2);
	opened(story, 7, 0);
	assert_int_equal(story->counters->behind[7], 0);
	opened(story, 7, 1);
	assert_int_equal(story->counters->behind[7], 2);
	assert_int_equal(counters_take_observed(story->counters, story->image, 7, &observed), 0);
	opened(story, 7, 1);
	assert_int_equal(story->counters->behind[7], 1);
	assert_int_equal(counters_take_observed(story->counters, story->image, 7, &observed), 0);
	assert_int_equal(counters_take_observed(story->counters, story->image, 7, &observed), 0);
	assert_int_equal(story->counters->behind[7], 0);
	assert_true(counters_of_version(story->counters, 5, 2)->observed.methods[0] == 1);
}

static void test_one_line_in_ten_seconds_says_how_many(void **state)
{
	struct exhaustion exhaustion = { .has_looked = true };

	(void)state;
	assert_true(exhaustion_due(&exhaustion, SERIN_DROP_SNAT_EXHAUSTED, 0, 1000) == 0);
	assert_true(exhaustion_due(&exhaustion, SERIN_DROP_SNAT_EXHAUSTED, 5, 2000) == 5);
	assert_true(exhaustion_due(&exhaustion, SERIN_DROP_SNAT_EXHAUSTED, 9, 11999) == 0);
	assert_true(exhaustion_due(&exhaustion, SERIN_DROP_SNAT_EXHAUSTED, 25, 12000) == 20);
	assert_true(exhaustion_due(&exhaustion, SERIN_DROP_SNAT_EXHAUSTED, 25, 90000) == 0);
	/* Each reason has a line of its own. */
	assert_true(exhaustion_due(&exhaustion, SERIN_DROP_FLOW_TABLE_FULL, 1, 12001) == 1);
}

static void test_what_was_there_before_is_no_news(void **state)
{
	struct exhaustion exhaustion = { .has_looked = false };
	struct counters *counters = calloc(1, sizeof(*counters));
	struct image *image = calloc(1, sizeof(*image));

	(void)state;
	for (size_t i = 0; i < SERIN_DROPS; i++)
		counters->drops[i] = 1000 + i;
	exhaustion_look(&exhaustion, counters, image, 100, 1000);
	for (enum serin_drop i = 0; i < SERIN_DROPS; i++) {
		assert_true(exhaustion_due(&exhaustion, i, 1000 + i, 2000) == 0);
		assert_true(exhaustion_due(&exhaustion, i, 1002 + i, 2000) == 2);
	}
	free(image);
	free(counters);
}

/* Where ports run out: by endpoint, and by how many it has. */
static void test_the_fullest_backend(void **state)
{
	struct counters *counters = calloc(1, sizeof(*counters));
	struct image *image = calloc(1, sizeof(*image));
	uint64_t flows = 77;

	(void)state;
	assert_int_equal(exhaustion_fullest(counters, image, 100, &flows), -ENOENT);
	image->backends[1] = (struct serin_backend){ .endpoint = 1, .snat_count = 1 };
	image->backends[2] = (struct serin_backend){ .endpoint = 2, .snat_count = 2 };
	image->backends[3] = (struct serin_backend){ .endpoint = 1, .snat_count = 1 }; /* of another service */
	image->backends[4] = (struct serin_backend){ .endpoint = 4 };                  /* without SNAT */
	assert_int_equal(exhaustion_fullest(counters, image, 100, &flows), -ENOENT);
	assert_true(flows == 77);
	counters->backends[1].opened = 40;
	counters->backends[2].opened = 130;
	counters->backends[3].opened = 50;
	counters->backends[3].closed = 10;
	counters->backends[4].opened = 100000;
	assert_int_equal(exhaustion_fullest(counters, image, 100, &flows), 1);
	assert_true(flows == 80);
	counters->backends[2].opened = 170;
	assert_int_equal(exhaustion_fullest(counters, image, 100, &flows), 2);
	assert_true(flows == 170);
	free(image);
	free(counters);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_every_counter_is_added),
		cmocka_unit_test(test_active),
		TEST(test_a_freed_id_keeps_its_version_s_sum),
		TEST(test_another_version_begins_at_nothing),
		TEST(test_what_is_behind),
		cmocka_unit_test(test_one_line_in_ten_seconds_says_how_many),
		cmocka_unit_test(test_the_fullest_backend),
		cmocka_unit_test(test_what_was_there_before_is_no_news),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
