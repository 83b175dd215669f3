/* SPDX-License-Identifier: BSD-2-Clause */
/* The list of gateways: sorted, each once, and full only when there are that many different ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "gateways.h"

static struct serin_addr found[GATEWAYS_MAX + 1]; /* the last one is nobody's */
static size_t count;

static int setup(void **state)
{
	(void)state;
	memset(found, 0, sizeof(found));
	count = 0;
	return 0;
}

static void insert(unsigned int number)
{
	struct serin_addr addr = {
		.byte = { [10] = 0xff, [11] = 0xff, [12] = 10, [14] = (uint8_t)(number >> 8), [15] = (uint8_t)number }
	};

	gateways_insert(found, &count, &addr);
}

static unsigned int number_at(size_t i)
{
	return (unsigned int)found[i].byte[14] << 8 | found[i].byte[15];
}

static void test_sorted_and_each_once(void **state)
{
	static const unsigned int order[] = { 7, 3, 500, 3, 1, 7, 256, 500, 1 }, expected[] = { 1, 3, 7, 256, 500 };

	(void)state;
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		insert(order[i]);
	assert_int_equal(count, 5);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(number_at(i), expected[i]);
}

/* A routing table of many routes by two gateways must not crowd out the third. */
static void test_repetition_takes_no_room(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 5000; i++)
		insert(i % 2);
	insert(2);
	assert_int_equal(count, 3);
	assert_int_equal(number_at(2), 2);
}

static void test_full(void **state)
{
	(void)state;
	for (unsigned int i = GATEWAYS_MAX + 100; i > 100; i--)
		insert(i);
	assert_int_equal(count, GATEWAYS_MAX);
	insert(1);
	insert(GATEWAYS_MAX + 100);
	insert(GATEWAYS_MAX + 101);
	assert_int_equal(count, GATEWAYS_MAX);
	assert_int_equal(number_at(0), 101);
	assert_int_equal(number_at(GATEWAYS_MAX - 1), GATEWAYS_MAX + 100);
	assert_int_equal(number_at(GATEWAYS_MAX), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_sorted_and_each_once, setup),
		cmocka_unit_test_setup(test_repetition_takes_no_room, setup),
		cmocka_unit_test_setup(test_full, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
