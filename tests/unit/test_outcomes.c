/* SPDX-License-Identifier: BSD-2-Clause */
/* Reported outcomes: who is first, against a table without bounds; and that nobody is counted twice when room is
 * short. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "outcomes.h"

static void note(struct outcomes *outcomes, uint64_t client, bool failed, uint32_t epoch, const char *expected)
{
	struct outcomes_first first = outcomes_note(outcomes, client, failed, epoch);
	const char said[] = { first.seen ? 's' : '-', first.failed_rollout ? 'r' : '-', first.failed_epoch ? 'e' : '-',
			      0 };

	assert_string_equal(said, expected);
}

static void test_first(void **state)
{
	struct outcomes *outcomes = outcomes_new(100, 7);

	(void)state;
	note(outcomes, 1, false, 1, "s--");
	note(outcomes, 1, false, 1, "---");
	note(outcomes, 1, true, 1, "-re");
	note(outcomes, 1, true, 1, "---");
	note(outcomes, 2, true, 1, "sre");
	note(outcomes, 1, true, 2, "--e");
	note(outcomes, 1, true, 2, "---");
	note(outcomes, 2, false, 2, "---");
	note(outcomes, 3, false, 2, "s--");
	note(outcomes, 3, true, 3, "-re");
	outcomes_begin(outcomes);
	note(outcomes, 1, true, 4, "sre");
	note(outcomes, 0, true, 4, "sre");
	note(outcomes, UINT64_MAX, true, 4, "sre");
	outcomes_lost_memory(outcomes);
	note(outcomes, 1, true, 5, "--e");
	note(outcomes, 1, true, 5, "---");
	note(outcomes, 9, true, 5, "--e");
	note(outcomes, 8, false, 5, "---");
	outcomes_begin(outcomes);
	note(outcomes, 9, true, 6, "sre");
	assert_null(outcomes_free(outcomes));
	assert_null(outcomes_free(NULL));
}

#define CLIENTS 20000u
#define REPORTS 400000u

struct model {
	uint8_t seen[CLIENTS], failed[CLIENTS]; /* times that it was first */
	uint32_t epoch[CLIENTS];                /* of the last failure that counted */
};

/* Far more clients than there is room for, in four epochs. */
static void hammer(size_t room, struct model *model, struct outcomes *outcomes)
{
	uint64_t chance = 88172645463325252ull + room;

	for (uint32_t i = 0; i < REPORTS; i++) {
		uint32_t client, epoch = 1 + i / (REPORTS / 4);
		struct outcomes_first first;
		bool failed;

		chance ^= chance << 13;
		chance ^= chance >> 7;
		chance ^= chance << 17;
		client = (uint32_t)(chance >> 20) % CLIENTS;
		failed = (chance >> 50) % 8 == 0;
		first = outcomes_note(outcomes, client, failed, epoch);
		assert_true(failed || !(first.failed_rollout || first.failed_epoch));
		assert_true(first.failed_epoch || !first.failed_rollout);
		model->seen[client] += first.seen;
		model->failed[client] += first.failed_rollout;
		if (first.failed_epoch) {
			assert_int_not_equal(model->epoch[client], epoch);
			model->epoch[client] = epoch;
		}
	}
}

static uint32_t total(const uint8_t *times)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < CLIENTS; i++) {
		assert_true(times[i] <= 1);
		sum += times[i];
	}
	return sum;
}

static void test_never_twice(void **state)
{
	static const size_t rooms[] = { 0, 1000, 8000, 100000 };

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		struct outcomes *outcomes = outcomes_new(rooms[i], 5);
		struct model *model = calloc(1, sizeof(*model));
		uint32_t seen, failed;

		assert_true(outcomes && model);
		hammer(rooms[i], model, outcomes);
		seen = total(model->seen);
		failed = total(model->failed);
		if (rooms[i] >= CLIENTS) {
			assert_int_equal(seen, CLIENTS);
			assert_true(failed > CLIENTS * 9 / 10);
			assert_int_equal(outcomes_lost(outcomes), 0);
		} else {
			/* What room there is goes to those that fail. */
			assert_true(failed >= (rooms[i] ? rooms[i] : 64) && seen <= failed + 8);
			assert_true(outcomes_lost(outcomes) > 0);
			outcomes_begin(outcomes);
			assert_int_equal(outcomes_lost(outcomes), 0);
		}
		free(model);
		outcomes_free(outcomes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first),
		cmocka_unit_test(test_never_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
