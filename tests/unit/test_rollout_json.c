/* SPDX-License-Identifier: BSD-2-Clause */
/* A rollout in the state's file: what it looks like, and every way that it can be damaged in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "rollout_json.h"
#include "rollout_story.h"

static json_t *encoded(struct story *story)
{
	json_t *json = rollout_encode(&story->rollout);

	assert_non_null(json);
	return json;
}

static json_t *held(void)
{
	struct story story;

	story_begin(&story, story_schedule());
	story_do(&story, ROLLOUT_START);
	story_tick(&story, 10, ROLLOUT_HEALTHY, ROLLOUT_CHECKS_HOLD);
	story_do(&story, ROLLOUT_PAUSE);
	return encoded(&story);
}

static void test_text(void **state)
{
	static const char expected[] =
		"{\"state\":\"paused\",\"pause\":\"user\",\"under\":\"hold\",\"number\":8,\"now\":1700000010000,"
		"\"version\":\"canary\",\"schedule\":{\"steps\":["
		"{\"weight\":500,\"for_ms\":10000,\"pause\":1,\"pause_ms\":20000},"
		"{\"weight\":2500,\"for_ms\":0,\"pause\":2,\"pause_ms\":0},"
		"{\"weight\":10000,\"for_ms\":0,\"pause\":0,\"pause_ms\":0}],"
		"\"holdback\":500,\"on_unproven\":\"hold\",\"extend\":3,\"deadline_ms\":0,\"reset\":true},"
		"\"release\":\"v2\",\"blind\":false,\"step\":0,\"weight\":500,\"judged_ms\":10000,\"worked_ms\":10000,"
		"\"waited_ms\":0,\"epoch_ms\":10000,\"waited\":false,\"extended\":false,\"began\":1700000000000,"
		"\"since\":1700000010000,\"cause\":\"user\",\"reason\":\"because\",\"by\":\"uid 0\",\"notices\":3,"
		"\"noticed\":\"pause\"}";
	json_t *json = held();
	char *text = json_dumps(json, JSON_COMPACT);

	(void)state;
	assert_string_equal(text, expected);
	free(text);
	json_decref(json);
}

static void refused(json_t *json, const char *expected)
{
	struct rollout untouched, rollout;
	struct complaint complaint = { "" };

	memset(&rollout, 0x5a, sizeof(rollout));
	untouched = rollout;
	if (rollout_decode(json, &rollout, &complaint) != -EBADMSG)
		fail_msg("not refused: %s", json_dumps(json, 0));
	if (expected)
		assert_string_equal(complaint.text, expected);
	assert_true(complaint.text[0]);
	assert_memory_equal(&rollout, &untouched, sizeof(rollout));
}

/* Each field of an object that `json` holds at `path`, gone and of another type. */
static void damage(const char *path)
{
	json_t *whole = held(), *object = whole, *original;
	void *at;

	object = *path ? json_object_get(whole, path) : whole;
	original = json_deep_copy(object);
	at = json_object_iter(original);
	assert_non_null(at);
	for (; at; at = json_object_iter_next(original, at)) {
		const char *key = json_object_iter_key(at);
		json_t *const bad[] = { NULL,
					json_null(),
					json_array(),
					json_real(1.5),
					json_integer(-1),
					json_integer(INT64_MAX),
					json_string("\n"),
					json_object() };

		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			/* Texts that say anything, and a number that may be as large. */
			bool fine =
				(i == 6 && (!strcmp(key, "release") || !strcmp(key, "reason") || !strcmp(key, "by"))) ||
				(i == 5 && !strcmp(key, "number"));

			if (bad[i])
				json_object_set(object, key, bad[i]);
			else
				json_object_del(object, key);
			if (!fine)
				refused(whole, NULL);
			json_object_set(object, key, json_object_iter_value(at));
			json_decref(bad[i]);
		}
	}
	json_decref(original);
	json_decref(whole);
}

static void test_damaged(void **state)
{
	json_t *json = json_array();

	(void)state;
	refused(json, "a rollout, expected an object");
	refused(NULL, "a rollout, expected an object");
	json_decref(json);
	damage("");
	damage("schedule");
}

/* Fields that are fine one by one and not together. */
static void test_contradictions(void **state)
{
	static const struct {
		const char *changes; /* to the rollout of test_text */
		const char *complaint;
	} cases[] = {
		{ "{\"state\": \"progressing\"}",
		  "a rollout that is progressing and pauses by \"user\" over \"hold\" at step 1" },
		{ "{\"pause\": \"none\"}", "a rollout that is paused and pauses by \"none\" over \"hold\" at step 1" },
		{ "{\"pause\": \"timed\"}",
		  "a rollout that is paused and pauses by \"timed\" over \"hold\" at step 1" },
		{ "{\"under\": \"user\"}", "a rollout that is paused and pauses by \"user\" over \"user\" at step 1" },
		{ "{\"under\": \"manual\"}",
		  "a rollout that is paused and pauses by \"user\" over \"manual\" at step 1" },
		{ "{\"pause\": \"timed\", \"under\": \"none\", \"step\": 1}",
		  "a rollout that is paused and pauses by \"timed\" over \"none\" at step 2" },
		{ "{\"state\": \"rolled_back\", \"pause\": \"none\", \"under\": \"none\"}",
		  "a rollout that is rolled_back and pauses by \"none\" over \"none\" at step 1" },
		{ "{\"step\": 3}", "\"step\" of a rollout is not what it can be" },
		{ "{\"version\": \"Canary\"}", "\"version\" of a rollout is not what it can be" },
		{ "{\"version\": \"\"}", "a rollout that is paused and pauses by \"user\" over \"hold\" at step 1" },
		{ "{\"state\": \"waiting\"}", "\"state\" of a rollout is not what it can be" },
		{ "{\"weight\": 10001}", "\"weight\" of a rollout is not what it can be" },
		{ "{\"schedule\": {}}", "a rollout without \"steps\"" },
		{ "{\"notices\": 0}", "\"notices\" of a rollout is not what it can be" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *json = held(), *changes = json_loads(cases[i].changes, 0, NULL);

		assert_non_null(changes);
		json_object_update(json, changes);
		refused(json, cases[i].complaint);
		json_decref(changes);
		json_decref(json);
	}
}

static void steps_refused(const char *steps, const char *complaint)
{
	json_t *json = held();

	json_object_set_new(json_object_get(json, "schedule"), "steps", json_loads(steps, 0, NULL));
	refused(json, complaint);
	json_decref(json);
}

static void test_steps(void **state)
{
	(void)state;
	steps_refused("[]", "\"steps\" of a rollout is not what it can be");
	steps_refused("[5]", "a rollout without \"weight\"");
	steps_refused(
		"[{\"weight\":500,\"for_ms\":1,\"pause\":1,\"pause_ms\":1},{\"weight\":500,\"for_ms\":1,\"pause\":0,"
		"\"pause_ms\":0}]",
		"\"weight\" of a rollout is not what it can be");
	steps_refused(
		"[{\"weight\":500,\"for_ms\":0,\"pause\":0,\"pause_ms\":0},{\"weight\":600,\"for_ms\":1,\"pause\":0,"
		"\"pause_ms\":0}]",
		"\"for_ms\" of a rollout is not what it can be");
}

/* Before the first one, and what a later serin may add. */
static void test_little_and_much(void **state)
{
	struct rollout none = { .number = 3 }, read = { .number = 9 };
	json_t *json = rollout_encode(&none);
	struct complaint complaint;

	(void)state;
	assert_int_equal(rollout_decode(json, &read, &complaint), 0);
	assert_int_equal(read.number, 3);
	assert_int_equal(read.state, ROLLOUT_IDLE);
	json_decref(json);
	json = held();
	json_object_set_new(json, "mood", json_string("good"));
	assert_int_equal(rollout_decode(json, &read, &complaint), 0);
	assert_int_equal(read.under, ROLLOUT_PAUSE_HOLD);
	json_decref(json);
}

/* A reason that is too long ends between two characters: half of one would keep the whole state from being written. */
static void test_long_reason(void **state)
{
	struct story story;
	char reason[400];

	(void)state;
	for (size_t offset = 0; offset < 4; offset++) {
		memset(reason, 'x', sizeof(reason));
		for (size_t i = offset; i + 3 < sizeof(reason); i += 3)
			memcpy(reason + i, "€", 3);
		reason[offset + 390] = '\0';
		story_begin(&story, story_schedule());
		story.event.reason = reason;
		story_do(&story, ROLLOUT_START);
		assert_in_range(strlen(story.rollout.reason), ROLLOUT_REASON_LEN - 4, ROLLOUT_REASON_LEN - 1);
		json_decref(encoded(&story));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_contradictions),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_little_and_much),
		cmocka_unit_test(test_long_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
