/* SPDX-License-Identifier: BSD-2-Clause */
/* Shares: what a service starts with, by the strength of the source, and what requests may do to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "weights.h"

static struct config_service shop = {
	.name = "shop",
	.versions = { { .name = "stable", .weight = -1 },
		      { .name = "canary", .weight = 500 },
		      { .name = "beta", .weight = -1 } },
	.version_count = 3,
};

static struct state_service make(uint16_t stable, uint16_t canary, uint16_t beta)
{
	return (struct state_service){
		.name = "shop",
		.versions = { { "stable", stable }, { "canary", canary }, { "beta", beta } },
		.version_count = 3,
		.generation = 7,
		.rollout = 2,
		.changed = { .by = "uid 5", .at = 99, .kind = STATE_WEIGHTS },
	};
}

static void assert_weights(const struct state_service *service, const char *expected)
{
	char text[256];

	assert_string_equal(weights_format(service, text, sizeof(text)), expected);
}

static void test_starts_with_the_state_file(void **state)
{
	struct state_service stored = make(7000, 2000, 1000), pinned = make(10000, 0, 0), now;

	(void)state;
	assert_int_equal(weights_start(&shop, &stored, &pinned, 1000, &now), WEIGHTS_STATE);
	assert_weights(&now, "stable 70%, canary 20%, beta 10%");
	assert_int_equal(now.generation, 7);
	assert_int_equal(now.rollout, 2);
	assert_string_equal(now.changed.by, "uid 5");
	assert_int_equal(now.changed.at, 99);
}

static void test_else_with_the_running_plan(void **state)
{
	struct state_service pinned = make(6000, 4000, 0), now;

	(void)state;
	assert_int_equal(weights_start(&shop, NULL, &pinned, 1000, &now), WEIGHTS_PLAN);
	assert_weights(&now, "stable 60%, canary 40%, beta 0%");
	assert_int_equal(now.generation, 7);
	assert_string_equal(now.changed.by, "agent");
	assert_int_equal(now.changed.at, 1000);
	assert_int_equal(now.changed.kind, STATE_START);
}

static void test_else_with_the_configuration(void **state)
{
	struct state_service now;

	(void)state;
	assert_int_equal(weights_start(&shop, NULL, NULL, 1000, &now), WEIGHTS_CONFIG);
	assert_weights(&now, "stable 95%, canary 5%, beta 0%");
	assert_int_equal(now.baseline, 0);
	assert_string_equal(now.changed.by, "file");
}

static void set_by_file(struct state_service *stored)
{
	stored->changed = (struct state_change){ .by = "file", .at = 99, .kind = STATE_START };
}

/* Nobody has set a weight since: an edit of the file counts, and draws no new clients. */
static void test_the_file_may_be_edited_while_nobody_has_set_weights(void **state)
{
	struct state_service stored = make(8000, 2000, 0), pinned = stored, now;

	(void)state;
	set_by_file(&stored);
	assert_int_equal(weights_start(&shop, &stored, &pinned, 1000, &now), WEIGHTS_CONFIG);
	assert_weights(&now, "stable 95%, canary 5%, beta 0%");
	assert_int_equal(now.generation, 7);
	assert_int_equal(now.rollout, 2);
	assert_string_equal(now.changed.by, "file");
	assert_int_equal(now.changed.at, 1000);

	/* as it was: no change, so no new time of one */
	stored = make(9500, 500, 0);
	set_by_file(&stored);
	assert_int_equal(weights_start(&shop, &stored, &pinned, 1000, &now), WEIGHTS_CONFIG);
	assert_weights(&now, "stable 95%, canary 5%, beta 0%");
	assert_int_equal(now.changed.at, 99);
}

static void test_what_was_set_by_hand_outlives_an_edit(void **state)
{
	struct state_service stored = make(10000, 0, 0), now;

	(void)state;
	stored.changed.kind = STATE_ROLLBACK;
	assert_int_equal(weights_start(&shop, &stored, NULL, 1000, &now), WEIGHTS_STATE);
	assert_weights(&now, "stable 100%, canary 0%, beta 0%");
	/* found in the kernel by an agent that had no state: somebody may have set it by hand */
	stored.changed = (struct state_change){ .by = "agent", .at = 99, .kind = STATE_START };
	assert_int_equal(weights_start(&shop, &stored, NULL, 1000, &now), WEIGHTS_STATE);
	assert_weights(&now, "stable 100%, canary 0%, beta 0%");
}

/* A rollback that could not be persisted: the file must not bring the canary back. */
static void test_a_newer_plan_is_stronger_than_the_state_file(void **state)
{
	struct state_service stored = make(5000, 5000, 0), pinned = make(10000, 0, 0), now;

	(void)state;
	pinned.generation = 8;
	pinned.rollout = 0;
	assert_int_equal(weights_start(&shop, &stored, &pinned, 1000, &now), WEIGHTS_PLAN);
	assert_weights(&now, "stable 100%, canary 0%, beta 0%");
	assert_int_equal(now.generation, 8);
	assert_int_equal(now.rollout, 2);
	assert_string_equal(now.changed.by, "agent");
	set_by_file(&stored);
	assert_int_equal(weights_start(&shop, &stored, &pinned, 1000, &now), WEIGHTS_PLAN);
	assert_weights(&now, "stable 100%, canary 0%, beta 0%");
}

/* Versions in another order, one gone (its share falls to the baseline), one new (the configuration's weight). */
static void test_versions_that_come_and_go(void **state)
{
	struct state_service stored = {
		.name = "shop",
		.versions = { { "gone", 3000 }, { "beta", 1000 }, { "stable", 6000 } },
		.version_count = 3,
		.baseline = 2,
	}, now;

	(void)state;
	weights_start(&shop, &stored, NULL, 1000, &now);
	assert_weights(&now, "stable 85%, canary 5%, beta 10%");
}

/* A new version asks for more than the baseline has left: it gets nothing, nobody who has a share loses it. */
static void test_a_new_version_takes_nothing_from_others(void **state)
{
	struct state_service stored = {
		.name = "shop",
		.versions = { { "stable", 400 }, { "beta", 9600 } },
		.version_count = 2,
	}, now;

	(void)state;
	weights_start(&shop, &stored, NULL, 1000, &now);
	assert_weights(&now, "stable 4%, canary 0%, beta 96%");
}

static void test_the_baseline_is_the_states(void **state)
{
	struct state_service stored = make(1000, 9000, 0), now;

	(void)state;
	stored.baseline = 1;
	weights_start(&shop, &stored, NULL, 1000, &now);
	assert_int_equal(now.baseline, 1);
	assert_weights(&now, "stable 10%, canary 90%, beta 0%");

	/* unless it is gone: then its share is the configured one's */
	strcpy(stored.versions[1].name, "gone");
	weights_start(&shop, &stored, NULL, 1000, &now);
	assert_int_equal(now.baseline, 0);
	assert_weights(&now, "stable 95%, canary 5%, beta 0%");
}

static int change(struct state_service *service, const char *a, unsigned int share_a, const char *b,
		  unsigned int share_b, struct complaint *complaint)
{
	const struct weights_wish wishes[] = { { a, share_a }, { b, share_b } };

	return weights_change(service, wishes, b ? 2 : 1, complaint);
}

static void test_unnamed_keep_theirs_the_baseline_takes_the_rest(void **state)
{
	struct state_service service = make(9000, 500, 500);
	struct complaint complaint;

	(void)state;
	assert_int_equal(change(&service, "canary", 2500, NULL, 0, &complaint), 0);
	assert_weights(&service, "stable 70%, canary 25%, beta 5%");
	assert_int_equal(change(&service, "canary", 0, "beta", 10000, &complaint), 0);
	assert_weights(&service, "stable 0%, canary 0%, beta 100%");
	assert_int_equal(change(&service, "beta", 0, NULL, 0, &complaint), 0);
	assert_weights(&service, "stable 100%, canary 0%, beta 0%");
}

static void test_the_baseline_may_be_named_when_all_adds_up(void **state)
{
	struct state_service service = make(9000, 500, 500);
	struct complaint complaint;

	(void)state;
	assert_int_equal(change(&service, "stable", 8000, "canary", 1500, &complaint), 0);
	assert_weights(&service, "stable 80%, canary 15%, beta 5%");
	assert_int_equal(change(&service, "stable", 8000, "canary", 2000, &complaint), -EINVAL);
	assert_non_null(strstr(complaint.text, "105%"));
	assert_int_equal(change(&service, "stable", 9000, NULL, 0, &complaint), -EINVAL);
	assert_weights(&service, "stable 80%, canary 15%, beta 5%");
}

static void test_refusals_change_nothing(void **state)
{
	struct state_service service = make(9000, 500, 500), before = service;
	struct complaint complaint;

	(void)state;
	assert_int_equal(change(&service, "canary", 9501, NULL, 0, &complaint), -EINVAL);
	assert_non_null(strstr(complaint.text, "100.01%"));
	assert_int_equal(change(&service, "canary", 10000, "beta", 10000, &complaint), -EINVAL);
	assert_int_equal(change(&service, "canary", 1, "canry", 1, &complaint), -ENOENT);
	assert_non_null(strstr(complaint.text, "'canry', there are: stable, canary, beta"));
	assert_int_equal(change(&service, "canary", 1, "canary", 2, &complaint), -EINVAL);
	assert_memory_equal(&service, &before, sizeof(service));
}

static void test_rollback(void **state)
{
	struct state_service service = make(1000, 5000, 4000);

	(void)state;
	weights_rollback(&service);
	assert_weights(&service, "stable 100%, canary 0%, beta 0%");
}

static void test_format_is_cut_at_the_end_of_its_room(void **state)
{
	struct state_service service = make(9000, 500, 500);
	char text[12];

	(void)state;
	weights_format(&service, text, sizeof(text));
	assert_string_equal(text, "stable 90%,");
}

/* After a reload that has set shares by the file, the file goes on being followed. */
static void test_by_file(void **state)
{
	struct state_service service = make(9500, 500, 0), next;

	(void)state;
	assert_false(weights_are_by_file(&service));
	service.changed.kind = STATE_RELOAD;
	assert_false(weights_are_by_file(&service));
	strcpy(service.changed.by, "file");
	assert_true(weights_are_by_file(&service));
	assert_int_equal(weights_start(&shop, &service, NULL, 100, &next), WEIGHTS_CONFIG);
	service.changed.kind = STATE_WEIGHTS;
	assert_false(weights_are_by_file(&service));
}

static void test_same(void **state)
{
	struct state_service a = make(9000, 600, 400), b = a;

	(void)state;
	b.versions[1] = a.versions[2];
	b.versions[2] = a.versions[1];
	b.generation = 8;
	assert_true(weights_are_same(&a, &b));
	b.versions[1].weight++;
	assert_false(weights_are_same(&a, &b));
	b = a;
	b.baseline = 1;
	assert_false(weights_are_same(&a, &b));
	b = a;
	b.version_count--;
	assert_false(weights_are_same(&a, &b));
}

static void test_baseline_that_goes(void **state)
{
	struct config_service left = { .name = "shop",
				       .versions = { { .name = "canary", .weight = -1 } },
				       .version_count = 1 };
	struct state_service now = make(9500, 500, 0), next;
	struct complaint complaint = { "" };

	(void)state;
	assert_int_equal(weights_check_baseline(&now, &shop, &complaint), 0);
	assert_int_equal(weights_check_baseline(&now, &left, &complaint), -EINVAL);
	assert_string_equal(complaint.text, "service shop has no version stable any more, the running baseline with "
					    "95% of the connections, expected it to stay until other versions have "
					    "all of them (`serin weight`)");
	/* Nobody loses anything. */
	now = make(0, 10000, 0);
	assert_int_equal(weights_check_baseline(&now, &left, &complaint), 0);
	weights_start(&left, &now, NULL, 100, &next);
	assert_weights(&next, "canary 100%");
}

/* Neither a start nor a reload says which one it is; a file without the version that has its place does not either. */
static void test_a_lost_baseline_stays_lost(void **state)
{
	struct config_service left = { .name = "shop",
				       .versions = { { .name = "canary", .weight = -1 } },
				       .version_count = 1 };
	struct state_service stored = make(10000, 0, 0), pinned = make(0, 10000, 0), now;
	struct complaint complaint = { "" };

	(void)state;
	weights_start(&shop, &stored, NULL, 100, &now);
	assert_false(now.lost);
	stored.lost = true;
	assert_int_equal(weights_start(&shop, &stored, NULL, 100, &now), WEIGHTS_STATE);
	assert_true(now.lost);
	pinned.generation = stored.generation + 1;
	assert_int_equal(weights_start(&shop, &stored, &pinned, 100, &now), WEIGHTS_PLAN);
	assert_true(now.lost);
	assert_int_equal(weights_check_baseline(&stored, &left, &complaint), 0);
	weights_start(&left, &stored, NULL, 100, &now);
	assert_true(now.lost);
	assert_weights(&now, "canary 100%");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_starts_with_the_state_file),
		cmocka_unit_test(test_else_with_the_running_plan),
		cmocka_unit_test(test_else_with_the_configuration),
		cmocka_unit_test(test_the_file_may_be_edited_while_nobody_has_set_weights),
		cmocka_unit_test(test_what_was_set_by_hand_outlives_an_edit),
		cmocka_unit_test(test_a_newer_plan_is_stronger_than_the_state_file),
		cmocka_unit_test(test_versions_that_come_and_go),
		cmocka_unit_test(test_a_new_version_takes_nothing_from_others),
		cmocka_unit_test(test_the_baseline_is_the_states),
		cmocka_unit_test(test_unnamed_keep_theirs_the_baseline_takes_the_rest),
		cmocka_unit_test(test_the_baseline_may_be_named_when_all_adds_up),
		cmocka_unit_test(test_refusals_change_nothing),
		cmocka_unit_test(test_rollback),
		cmocka_unit_test(test_format_is_cut_at_the_end_of_its_room),
		cmocka_unit_test(test_by_file),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_baseline_that_goes),
		cmocka_unit_test(test_a_lost_baseline_stays_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
