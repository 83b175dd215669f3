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

static void test_every_counter_is_added(void **state)
{
	struct serin_stats sum, more;
	__u64 *word = (__u64 *)&sum;

	(void)state;
	for (size_t i = 0; i < sizeof(sum) / sizeof(*word); i++) {
		((__u64 *)&sum)[i] = 100 * i;
		((__u64 *)&more)[i] = i + 1;
	}
	counters_add(&sum, &more);
	for (size_t i = 0; i < sizeof(sum) / sizeof(*word); i++)
		assert_true(word[i] == 101 * i + 1);
}

static void test_active(void **state)
{
	const struct serin_stats busy = { .opened = 9, .closed = 3, .gone = 2 };
	const struct serin_stats torn = { .opened = 4, .closed = 3, .gone = 2 };

	(void)state;
	assert_true(counters_active(&busy) == 4);
	assert_true(counters_active(&torn) == 0);
}

/* What a version has opened does not fall when one of its backends' ids is given away. */
static void test_a_freed_id_keeps_its_version_s_sum(void **state)
{
	struct counters *counters = calloc(1, sizeof(*counters));
	struct image *image = calloc(1, sizeof(*image));
	struct service service = { .id = 5 };

	(void)state;
	image->backends[7] = (struct serin_backend){ .service = 5, .version = 2, .flags = SERIN_BACKEND_USED };
	image->backends[8] = (struct serin_backend){ .service = 5, .version = 2, .flags = SERIN_BACKEND_USED };
	image->backends[9] = (struct serin_backend){ .service = 6, .version = 2, .flags = SERIN_BACKEND_USED };
	counters->backends[7].opened = 70;
	counters->backends[8].opened = 8;
	counters->backends[9].opened = 1000;
	counters_sample(counters, image, &service, 1, 42);
	assert_true(service.newest.opened[2] == 78);
	counters_retire(counters, image, 7);
	memset(&image->backends[7], 0, sizeof(image->backends[7]));
	counters_sample(counters, image, &service, 1, 43);
	assert_true(service.newest.opened[2] == 78);
	assert_true(service.newest.opened[1] == 0);
	assert_true(service.newest.at_ms == 43);
	assert_true(counters->backends[7].opened == 0);
	/* The id's next owner begins at nothing. */
	image->backends[7] = (struct serin_backend){ .service = 5, .version = 1, .flags = SERIN_BACKEND_USED };
	counters->backends[7].opened = 3;
	counters_sample(counters, image, &service, 1, 44);
	assert_true(service.newest.opened[1] == 3);
	assert_true(service.newest.opened[2] == 78);
	free(image);
	free(counters);
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
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_counter_is_added),
		cmocka_unit_test(test_active),
		cmocka_unit_test(test_a_freed_id_keeps_its_version_s_sum),
		cmocka_unit_test(test_one_line_in_ten_seconds_says_how_many),
		cmocka_unit_test(test_the_fullest_backend),
		cmocka_unit_test(test_what_was_there_before_is_no_news),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
