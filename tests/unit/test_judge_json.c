/* SPDX-License-Identifier: BSD-2-Clause */
/* The judge is the same after it was written and read; what is damaged is refused; the explanation has the figures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "judge_json.h"

/* Figures that no short decimal hits, in every stream, over several epochs and shares. */
static struct judge well_used(uint64_t seed)
{
	struct judge_settings settings = judge_defaults;
	struct judge judge;

	settings.checks[JUDGE_OUTCOMES] = true;
	settings.trials = 2;
	settings.tolerate = 1.1;
	settings.objective[JUDGE_ERRORS] = 1.0 / 3;
	judge_begin(&judge, &settings);
	for (unsigned int i = 1; i < 30; i++) {
		struct judge_sample sample = { .share = 1.0 / (3 + (double)(seed * i % 17)),
					       .clients = { i, 0, 2 * i } };

		for (unsigned int j = 0; j < JUDGE_STREAMS * JUDGE_PROCESSES; j++)
			sample.counts[j / 2][j % 2] =
				(struct evidence_counts){ (seed * (i + j) >> 3) % 3, (seed * (i + 2 * j) >> 5) % 11 };
		if (i % 10 == 0)
			judge_epoch(&judge);
		judge_tick(&judge, &sample);
	}
	return judge;
}

static char *text_of(const struct judge *judge)
{
	json_t *value = judge_encode(judge);
	char *text;

	assert_non_null(value);
	text = json_dumps(value, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	json_decref(value);
	assert_non_null(text);
	return text;
}

static int read_back(const char *text, struct judge *ret, struct complaint *complaint)
{
	json_t *value = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	int r;

	assert_non_null(value);
	r = judge_decode(value, ret, complaint);
	json_decref(value);
	return r;
}

static void assert_same(const struct judge *a, const struct judge *b)
{
	assert_memory_equal(a->worse, b->worse, sizeof(a->worse));
	assert_memory_equal(a->better, b->better, sizeof(a->better));
	assert_memory_equal(a->before, b->before, sizeof(a->before));
	assert_memory_equal(a->fresh, b->fresh, sizeof(a->fresh));
	assert_memory_equal(a->clients, b->clients, sizeof(a->clients));
	assert_memory_equal(a->settings.checks, b->settings.checks, sizeof(a->settings.checks));
	assert_memory_equal(a->settings.objective, b->settings.objective, sizeof(a->settings.objective));
	assert_true(a->settings.false_alarm == b->settings.false_alarm);
	assert_true(a->settings.false_health == b->settings.false_health);
	assert_true(a->settings.trials == b->settings.trials);
	assert_true(a->settings.tolerate == b->settings.tolerate && a->settings.worse == b->settings.worse);
	assert_true(a->epoch == b->epoch && a->share == b->share && a->returned == b->returned);
	assert_true(a->regression == b->regression && a->check == b->check && a->process == b->process);
	assert_true(a->ln_found == b->ln_found && a->ln_required == b->ln_required);
}

static void test_round_trip(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 500; seed++) {
		struct judge judge = well_used(seed * 0x9e3779b97f4a7c15ull), again;
		char *text = text_of(&judge), *second;

		memset(&again, 0x5a, sizeof(again));
		assert_int_equal(read_back(text, &again, NULL), 0);
		assert_same(&judge, &again);
		second = text_of(&again);
		assert_string_equal(text, second);
		free(second);
		free(text);
	}
}

static void test_new_ones(void **state)
{
	struct judge judge, again;
	char *text;

	(void)state;
	judge_begin(&judge, &judge_defaults);
	text = text_of(&judge);
	assert_int_equal(read_back(text, &again, NULL), 0);
	assert_same(&judge, &again);
	/* Said only when it is so: older states do not name it. */
	assert_null(strstr(text, "returned"));
	assert_null(strstr(text, "largest"));
	free(text);
	judge_returned(&judge);
	text = text_of(&judge);
	assert_non_null(strstr(text, "\"returned\": true"));
	assert_int_equal(read_back(text, &again, NULL), 0);
	assert_same(&judge, &again);
	assert_true(again.returned);
	free(text);
}

/* A judge that goes on after the agent was killed finds what the one that was not killed finds. */
static void test_goes_on(void **state)
{
	struct judge_sample sample = { .share = 0.05 };
	struct judge judge, again;
	char *text;

	(void)state;
	judge_begin(&judge, &judge_defaults);
	sample.counts[JUDGE_FAILED][JUDGE_R] = (struct evidence_counts){ 2, 1 };
	sample.counts[JUDGE_FAILED][JUDGE_G] = (struct evidence_counts){ 2, 1 };
	judge_tick(&judge, &sample);
	text = text_of(&judge);
	assert_int_equal(read_back(text, &again, NULL), 0);
	free(text);
	assert_true(judge_tick(&judge, &sample) == judge_tick(&again, &sample));
	judge_tick(&judge, &sample);
	judge_tick(&again, &sample);
	assert_true(again.regression);
	assert_same(&judge, &again);
}

static void refused(const char *text, const char *expected)
{
	struct judge judge, before;
	struct complaint complaint = { "" };

	memset(&judge, 0x5a, sizeof(judge));
	before = judge;
	assert_int_equal(read_back(text, &judge, &complaint), -EBADMSG);
	if (expected)
		assert_string_equal(complaint.text, expected);
	assert_true(!strncmp(complaint.text, "judge: ", 7));
	assert_memory_equal(&judge, &before, sizeof(judge));
}

/* The first `old` of the text of a used judge is made `new`. */
static void damaged(const char *old, const char *new, const char *expected)
{
	struct judge judge = well_used(77);
	char *text = text_of(&judge), *at = strstr(text, old), *changed;

	assert_non_null(at);
	changed = malloc(strlen(text) + strlen(new) + 1);
	assert_non_null(changed);
	sprintf(changed, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
	refused(changed, expected);
	free(changed);
	free(text);
}

static void test_damage(void **state)
{
	(void)state;
	refused("[]", NULL);
	refused("{}", NULL);
	damaged("\"epoch\": 3", "\"epoch\": 0", "judge: 2 versions on trial, epoch 0, expected at least 1");
	damaged("\"epoch\": 3", "\"epoch\": \"3\"", NULL);
	damaged("\"false_alarm\": 0.01", "\"false_alarm\": 1.01",
		"judge: false alarm 1.01, false health 0.01, expected above 0 and below 1");
	damaged("\"trials\": 2", "\"trials\": 0", "judge: 0 versions on trial, epoch 3, expected at least 1");
	damaged("\"share\": 0.", "\"share\": 1.", NULL);
	damaged("\"tolerate\"", "\"tolerated\"", NULL);
	damaged("\"clients\": ", "\"clients\": -", "judge: errors: \"clients\" is -435, expected 0 or more");
	damaged("\"slow_p99\"", "\"slow_p98\"", "judge: slow_p99: there is none");
	damaged("\"reported\"", "\"more\": {}, \"reported\"", "judge: 6 streams, expected 5");
	damaged("\"before\": ", "\"before\": 99999",
		"judge: failed: \"before\" is more than all of the rollout's clients");
	damaged("\"fresh\": 0", "\"fresh\": 2", NULL);
	damaged("\"trial\": ", "\"trial\": -", NULL);
	damaged("\"largest\": ", "\"largest\": -", "judge: slow_p90: \"largest\" is -11.1111, expected 0 or more");
	damaged("\"worse\": [", "\"worse\": [0.5, ", "judge: failed: \"worse\", expected a list of 8 numbers");
	damaged("\"worse\": [", "\"worse\": [\"0\", ", NULL);
	damaged("\"better\": [", "\"better\": [1e300, 0], \"b\": [", NULL);
	damaged("\"outcomes\"", "\"output\"", NULL);
}

/* Numbers that those counts cannot have brought about: a damaged digit, more often than not. */
static void test_impossible_evidence(void **state)
{
	struct judge judge = well_used(77), again;
	struct complaint complaint;
	char *text;

	(void)state;
	judge.worse[JUDGE_FAILED][JUDGE_G].ln[3] = 1e6;
	text = text_of(&judge);
	assert_int_equal(read_back(text, &again, &complaint), -EBADMSG);
	assert_string_equal(complaint.text,
			    "judge: failed: \"worse\", number 4 is none that its counts can bring about");
	free(text);
	judge_begin(&judge, &judge_defaults);
	judge.better[JUDGE_REPORTED][JUDGE_R].ln[1] = -0.5;
	text = text_of(&judge);
	assert_int_equal(read_back(text, &again, &complaint), -EBADMSG);
	free(text);
	judge.better[JUDGE_REPORTED][JUDGE_R].ln[1] = NAN;
	assert_null(judge_encode(&judge));
}

/* Reads the text back without any "largest". */
static void without(const char *text, struct judge *ret)
{
	char *rest = strdup(text), *at, *end;

	assert_non_null(rest);
	while ((at = strstr(rest, "\"largest\""))) {
		end = strchr(at, ',') + 1;
		memmove(at, end, strlen(end) + 1);
	}
	assert_int_equal(read_back(rest, ret, NULL), 0);
	free(rest);
}

static void test_regression_is_kept(void **state)
{
	struct judge_sample sample = { .share = 0.05 };
	struct judge judge, again;
	char *text, *at;

	(void)state;
	judge_begin(&judge, &judge_defaults);
	sample.counts[JUDGE_SLOW_P90][JUDGE_G] = (struct evidence_counts){ 9, 2 };
	for (int i = 0; i < 40; i++)
		judge_tick(&judge, &sample);
	assert_true(judge.regression);
	assert_true(judge.worse[JUDGE_SLOW_P90][JUDGE_G].largest > 2);
	text = text_of(&judge);
	assert_int_equal(read_back(text, &again, NULL), 0);
	assert_same(&judge, &again);
	assert_int_equal(again.check, JUDGE_LATENCY);
	assert_int_equal(again.process, JUDGE_G);
	at = strstr(text, "\"process\": \"epoch\"");
	assert_non_null(at);
	/* An agent that knew of no stake has kept none. */
	judge.worse[JUDGE_SLOW_P90][JUDGE_G].largest = 0;
	without(text, &again);
	assert_same(&judge, &again);
	memcpy(strstr(at, "epoch"), "epock", 5);
	refused(text, "judge: regression: unknown check \"latency\" or process \"epock\"");
	free(text);
}

static void test_explanation(void **state)
{
	struct judge_settings settings = judge_defaults;
	struct judge_sample sample = { .share = 0.05 };
	double ln, required, detectable;
	struct judge judge;
	int trial, reached;
	json_t *value;
	const char *finding, *words;

	(void)state;
	settings.checks[JUDGE_LATENCY] = false;
	settings.objective[JUDGE_ERRORS] = 0.01;
	judge_begin(&judge, &settings);
	sample.counts[JUDGE_FAILED][JUDGE_R] = (struct evidence_counts){ 3, 0 };
	sample.counts[JUDGE_FAILED][JUDGE_G] = (struct evidence_counts){ 2, 10 };
	judge_tick(&judge, &sample);
	value = judge_explain(&judge);
	assert_int_equal(json_unpack(value, "{s:s, s:{s:s}, s:{s:{s:{s:{s:F, s:F, s:b}, s:{s:{s:i}}}}}, s:{s:F}}",
				     "finding", &finding, "reason", "words", &words, "checks", "errors", "rollout",
				     "regression", "ln", &ln, "required", &required, "reached", &reached, "streams",
				     "failed", "trial", &trial, "missing", "detectable_ratio", &detectable),
			 0);
	assert_string_equal(finding, "regression");
	assert_string_equal(words, "more clients meet errors");
	assert_float_equal(ln, 6.776487, 1e-6);
	assert_float_equal(required, log(200), 1e-9);
	assert_true(reached && trial == 3 && detectable > 1);
	assert_null(json_object_get(json_object_get(value, "checks"), "latency"));
	json_decref(value);
}

/* Nothing seen yet: what there is no number for is null, and the rest can be printed. */
static void test_explanation_of_nothing(void **state)
{
	struct judge judge;
	json_t *value, *missing;
	char *text;

	(void)state;
	judge_begin(&judge, &judge_defaults);
	value = judge_explain(&judge);
	assert_non_null(value);
	missing = json_object_get(value, "missing");
	assert_true(json_is_null(json_object_get(missing, "detectable_ratio")));
	assert_true(json_is_null(json_object_get(missing, "more_clients")));
	assert_true(json_is_null(json_object_get(value, "reason")));
	text = json_dumps(value, 0);
	assert_non_null(text);
	free(text);
	json_decref(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_new_ones),
		cmocka_unit_test(test_goes_on),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_impossible_evidence),
		cmocka_unit_test(test_regression_is_kept),
		cmocka_unit_test(test_explanation),
		cmocka_unit_test(test_explanation_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
