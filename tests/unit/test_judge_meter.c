/* SPDX-License-Identifier: BSD-2-Clause */
/* What came between two readings of cumulative counts, also when an agent was killed in between, or the maps are new.
 * */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "judge_meter.h"

/* Every number another one. */
static struct judge_meter filled(uint64_t from)
{
	struct judge_meter meter;
	uint64_t *numbers = (uint64_t *)&meter;

	for (size_t i = 0; i < sizeof(meter) / sizeof(*numbers); i++)
		numbers[i] = from + i * i;
	return meter;
}

static void test_differences(void **state)
{
	struct judge_meter meter = filled(1000), now = filled(1000);
	struct judge_sample sample = judge_meter_read(&meter, &now, 0.25), none = { .share = 0.25 };

	(void)state;
	assert_memory_equal(&sample, &none, sizeof(none));
	now.counts[JUDGE_FAILED][JUDGE_R].trial += 3;
	now.counts[JUDGE_FAILED][JUDGE_G].baseline += 5;
	now.counts[JUDGE_REPORTED][JUDGE_G].trial += 7;
	now.clients[JUDGE_OUTCOMES] += 11;
	sample = judge_meter_read(&meter, &now, 0.25);
	none.counts[JUDGE_FAILED][JUDGE_R].trial = 3;
	none.counts[JUDGE_FAILED][JUDGE_G].baseline = 5;
	none.counts[JUDGE_REPORTED][JUDGE_G].trial = 7;
	none.clients[JUDGE_OUTCOMES] = 11;
	assert_memory_equal(&sample, &none, sizeof(none));
	assert_memory_equal(&meter, &now, sizeof(now));
}

/* Maps that were made anew begin at nothing. */
static void test_begun_again(void **state)
{
	struct judge_meter meter = filled(1000), now = { 0 };
	struct judge_sample sample;

	(void)state;
	memcpy(now.clients, meter.clients, sizeof(now.clients));
	now.counts[JUDGE_SLOW_P99][JUDGE_G].trial = 2;
	sample = judge_meter_read(&meter, &now, 0.5);
	assert_int_equal(sample.counts[JUDGE_SLOW_P99][JUDGE_G].trial, 2);
	assert_int_equal(sample.counts[JUDGE_FAILED][JUDGE_R].trial, 0);
	assert_memory_equal(&meter, &now, sizeof(now));
}

/* Clients whom nobody remembers would be met a second time. */
static void test_clients_met_again(void **state)
{
	struct judge_meter meter = { .clients = { [JUDGE_ERRORS] = 500 } },
			   now = { .clients = { [JUDGE_ERRORS] = 30 } };

	(void)state;
	assert_int_equal(judge_meter_read(&meter, &now, 0.5).clients[JUDGE_ERRORS], 0);
	now.clients[JUDGE_ERRORS] = 500;
	assert_int_equal(judge_meter_read(&meter, &now, 0.5).clients[JUDGE_ERRORS], 0);
	now.clients[JUDGE_ERRORS] = 520;
	assert_int_equal(judge_meter_read(&meter, &now, 0.5).clients[JUDGE_ERRORS], 20);
	assert_int_equal(judge_meter_read(&meter, &now, 0.5).clients[JUDGE_ERRORS], 0);
}

static void test_kept(void **state)
{
	struct judge_meter meter = filled(1ull << 60), again;
	json_t *value = judge_meter_encode(&meter), *read;
	char *text = json_dumps(value, 0);

	(void)state;
	read = json_loads(text, 0, NULL);
	assert_int_equal(judge_meter_decode(read, &again, NULL), 0);
	assert_memory_equal(&meter, &again, sizeof(meter));
	free(text);
	json_decref(read);
	json_decref(value);
}

static void refused(json_t *value, const char *expected)
{
	struct judge_meter meter = filled(5), before = meter;
	struct complaint complaint;

	assert_int_equal(judge_meter_decode(value, &meter, &complaint), -EBADMSG);
	assert_string_equal(complaint.text, expected);
	assert_memory_equal(&meter, &before, sizeof(meter));
	json_decref(value);
}

static void test_damage(void **state)
{
	struct judge_meter meter = filled(5);
	json_t *value = judge_meter_encode(&meter);

	(void)state;
	refused(json_object(), "counts: expected a list of 23 numbers");
	refused(json_array(), "counts: expected a list of 23 numbers");
	json_array_set_new(value, 3, json_integer(-1));
	json_incref(value);
	refused(value, "counts: number 4, expected an integer, 0 or more");
	json_array_set_new(value, 3, json_real(1));
	refused(value, "counts: number 4, expected an integer, 0 or more");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_differences),
		cmocka_unit_test(test_begun_again),
		cmocka_unit_test(test_clients_met_again),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
