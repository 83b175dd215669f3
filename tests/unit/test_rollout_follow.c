/* SPDX-License-Identifier: BSD-2-Clause */
/* What is news of a rollout that is followed, and every way in which it can end, with looks missing in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "rollout_follow.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct look {
	const char *state, *pause, *version, *release;
	int number, step;
	enum rollout_follow_end end;
	bool news;
};

static void follow(const struct look *looks, size_t count)
{
	struct rollout_follow following = { .began = false };

	for (size_t i = 0; i < count; i++) {
		json_t *rollout = json_pack("{s:s, s:s, s:s, s:s?, s:i, s:i}", "state", looks[i].state, "pause",
					    looks[i].pause, "version", looks[i].version, "release", looks[i].release,
					    "number", looks[i].number, "step", looks[i].step);
		enum rollout_follow_end end;
		bool news;

		assert_non_null(rollout);
		end = rollout_follow_look(&following, rollout, &news);
		if (end != looks[i].end || news != looks[i].news)
			fail_msg("look %zu: end %d, news %d", i, end, news);
		json_decref(rollout);
	}
}

static void test_a_good_one(void **state)
{
	static const struct look looks[] = {
		{ "progressing", "none", "canary", "v2", 4, 1, FOLLOW_RUNS, true },
		{ "progressing", "none", "canary", "v2", 4, 1, FOLLOW_RUNS, false },
		{ "progressing", "none", "canary", "v2", 4, 2, FOLLOW_RUNS, true },
		{ "paused", "user", "canary", "v2", 4, 2, FOLLOW_RUNS, true },
		{ "paused", "hold", "canary", "v2", 4, 2, FOLLOW_RUNS, true },
		{ "paused", "hold", "canary", "v2", 4, 2, FOLLOW_RUNS, false },
		{ "progressing", "none", "canary", "v2", 5, 2, FOLLOW_RUNS, true }, /* drawn anew */
		{ "completed", "none", "canary", "v2", 5, 3, FOLLOW_COMPLETED, true },
	};

	(void)state;
	follow(looks, COUNT(looks));
}

static void test_ends(void **state)
{
	static const struct look begin = { "progressing", "none", "canary", "v2", 4, 1, FOLLOW_RUNS, true };
	static const struct look ends[] = {
		{ "completed", "none", "canary", "v2", 4, 1, FOLLOW_COMPLETED, true },
		{ "idle", "none", "canary", "v2", 4, 3, FOLLOW_COMPLETED, true }, /* finished before this look */
		{ "rolled_back", "none", "canary", "v2", 4, 1, FOLLOW_ROLLED_BACK, true },
		{ "aborted", "none", "canary", "v2", 4, 1, FOLLOW_ABORTED, true },
		{ "progressing", "none", "canary", "v3", 5, 1, FOLLOW_REPLACED, false },
		{ "completed", "none", "canary", NULL, 5, 1, FOLLOW_REPLACED, false },
		{ "progressing", "none", "green", "v2", 5, 1, FOLLOW_REPLACED, false },
		{ "idle", "none", "", "", 0, 0, FOLLOW_LOST, false },
		{ "of a newer agent", "none", "canary", "v2", 4, 1, FOLLOW_RUNS, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(ends); i++) {
		const struct look looks[] = { begin, ends[i] };

		follow(looks, 2);
	}
}

/* What is no rollout is none, at any time, and leaves what was known. */
static void test_none(void **state)
{
	json_t *const nothing[] = { NULL, json_null(), json_true(), json_object(), json_array() };
	struct rollout_follow following;
	bool news;

	(void)state;
	for (size_t i = 0; i < COUNT(nothing); i++) {
		memset(&following, 0, sizeof(following));
		assert_int_equal(rollout_follow_look(&following, nothing[i], &news), FOLLOW_LOST);
		assert_false(news || following.began);
		json_decref(nothing[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_good_one),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
