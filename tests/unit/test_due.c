/* SPDX-License-Identifier: BSD-2-Clause */
/* The heap of what is due: any order in, the order of time out, and items taken out of the middle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>

#include "due.h"

#define ITEMS 500

static unsigned int next_random(void)
{
	static uint64_t random = 7;

	random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned int)(random >> 33);
}

static void test_empty(void **state)
{
	struct due_heap heap = { 0 };
	struct due item = { 0 };

	(void)state;
	due_heap_destroy(&heap);
	assert_int_equal(due_heap_init(&heap, 1), 0);
	assert_null(due_first(&heap));
	assert_true(due_first_ms(&heap) == INT64_MAX);
	due_add(&heap, &item, 5);
	assert_ptr_equal(due_first(&heap), &item);
	due_remove(&heap, &item);
	assert_null(due_first(&heap));
	assert_int_equal(item.place, 0);
	due_heap_destroy(&heap);
}

static void test_order(void **state)
{
	static struct due items[ITEMS];
	struct due_heap heap;
	int64_t last = -1;

	(void)state;
	assert_int_equal(due_heap_init(&heap, ITEMS), 0);
	for (int i = 0; i < ITEMS; i++)
		due_add(&heap, &items[i], next_random() % 100);
	for (int i = 0; i < ITEMS; i++) {
		struct due *first = due_first(&heap);

		assert_true(first->at_ms >= last);
		last = first->at_ms;
		due_remove(&heap, first);
	}
	assert_null(due_first(&heap));
	due_heap_destroy(&heap);
}

static int64_t earliest(const struct due *items)
{
	int64_t first = INT64_MAX;

	for (int i = 0; i < ITEMS; i++) {
		if (items[i].place && items[i].at_ms < first)
			first = items[i].at_ms;
	}
	return first;
}

static void test_any_removed(void **state)
{
	static struct due items[ITEMS];
	struct due_heap heap;

	(void)state;
	assert_int_equal(due_heap_init(&heap, ITEMS), 0);
	for (int i = 0; i < 20000; i++) {
		struct due *item = &items[next_random() % ITEMS];

		if (item->place)
			due_remove(&heap, item);
		else
			due_add(&heap, item, next_random() % 1000);
		assert_true(due_first_ms(&heap) == earliest(items));
	}
	due_heap_destroy(&heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_any_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
