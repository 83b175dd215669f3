/* SPDX-License-Identifier: BSD-2-Clause */
/* `serin why` on what the judge itself explains: the whole text, and answers that are no such thing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "judge_json.h"
#include "why_private.h"
#include "why_text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define PLACE                                                                                                         \
	"\"state\":\"progressing\",\"version\":\"canary\",\"release\":\"v2\",\"step\":2,\"steps\":4,\"weight\":2500," \
	"\"remaining_seconds\":500"
#define REST                                                                                                \
	"\"guard\":{\"armed\":true,\"lease_seconds\":4.2,\"allowance\":6.3},\"checks\":[{\"name\":\"cpu\"," \
	"\"verdict\":\"no-data\",\"action\":\"hold\",\"reason\":\"no data for canary\"},{\"name\":\"p95\"," \
	"\"verdict\":\"passed\",\"action\":\"rollback\",\"reason\":\"\"}]"

static int print(const json_t *why, char **ret, struct complaint *complaint)
{
	size_t size;
	FILE *out = open_memstream(ret, &size);
	int error = why_print(out, why, "shop", complaint);

	fclose(out);
	return error;
}

static char *explain(const struct judge *judge)
{
	json_t *why = json_loads("{" PLACE "," REST "}", 0, NULL);
	struct complaint complaint;
	char *text;

	assert_non_null(why);
	json_object_set_new(why, "arithmetic", judge_explain(judge));
	assert_int_equal(print(why, &text, &complaint), 0);
	json_decref(why);
	return text;
}

static void tick(struct judge *judge, uint64_t trial, uint64_t baseline, uint64_t slow)
{
	struct judge_sample sample = { .share = 0.25, .clients = { 20, 0, 0 } };

	for (unsigned int i = 0; i < JUDGE_PROCESSES; i++) {
		sample.counts[JUDGE_FAILED][i] = (struct evidence_counts){ trial, baseline };
		sample.counts[JUDGE_SLOW_P99][i] = (struct evidence_counts){ slow, 3 * slow };
	}
	judge_tick(judge, &sample);
}

static void test_unproven(void **state)
{
	struct judge_settings settings = judge_defaults;
	struct judge judge;
	char *text;

	(void)state;
	settings.objective[JUDGE_ERRORS] = 0.01;
	judge_begin(&judge, &settings);
	tick(&judge, 3, 3, 2);
	judge_epoch(&judge);
	tick(&judge, 0, 2, 0);
	text = explain(&judge);
	assert_string_equal(text,
			    "shop: canary (v2) progressing, step 2 of 4 at 25%, 8m20s left\n"
			    "verdict: unproven\n"
			    "\n"
			    "CHECK         IN THE   TRIAL  BASELINE  SPEAKS FOR  EVIDENCE  OF    HEALTH  OF\n"
			    "errors        rollout      3         5          2x     0.685  400    0.305  400\n"
			    "errors        epoch 2      0         2   not worse      0.39  2400     1.8  2400\n"
			    "latency p99   rollout      2         6   not worse     0.844  -          -  -\n"
			    "latency       rollout                         mean     0.948  400      1.1  400\n"
			    "latency       epoch 2                         mean         1  2400       1  2400\n"
			    "\n"
			    "errors   0% of the way to a rollback, health not shown\n"
			    "         fewer than 1% of its clients fail: evidence 0.0507 of 200, from 40 clients\n"
			    "latency  0% of the way to a rollback, health not shown\n"
			    "missing  22 more failed clients of the baseline, and none of canary's, show health\n"
			    "     or  1714 more clients of canary's without a failure do\n"
			    "power    6.97 times the baseline's failures, or more, would have been seen by now\n"
			    "guard    armed, 7 more failed clients of canary alone trip it, lease 4.2s\n"
			    "plain    cpu no-data (hold): no data for canary\n"
			    "plain    p95 passed (rollback)\n"
			    "\n"
			    "evidence: how many times likelier these counts are if it is worse. It takes as much as\n"
			    "rolls back a version that is no worse in 1% of rollouts at most.\n"
			    "health: the same against one that is 2 times as bad, called healthy in 1% at most.\n");
	free(text);
}

/* Found once, it stays: with the figures of that moment. */
static void test_regression(void **state)
{
	struct judge judge;
	char *text;

	(void)state;
	judge_begin(&judge, &judge_defaults);
	tick(&judge, 20, 0, 0);
	tick(&judge, 0, 40, 0);
	text = explain(&judge);
	if (!strstr(text, "\nverdict: regression, more clients meet errors (errors in the rollout): evidence "))
		fail_msg("%s", text);
	assert_non_null(strstr(text, " of 400 when it was found\n"));
	assert_null(strstr(text, "\nmissing"));
	free(text);
}

/* Each of these lines would be wrong if a share, a count or a name had gone astray on the way. */
static void test_without_arithmetic(void **state)
{
	static const struct {
		const char *json, *text;
	} cases[] = {
		{ "{\"state\":\"idle\",\"version\":null}", "shop: there has been no rollout\n" },
		{ "{" PLACE "}", "shop: canary (v2) progressing, step 2 of 4 at 25%, 8m20s left\n" },
		{ "{" PLACE "," REST "}", "shop: canary (v2) progressing, step 2 of 4 at 25%, 8m20s left\n"
					  "guard    armed, 7 more failed clients of canary alone trip it, lease 4.2s\n"
					  "plain    cpu no-data (hold): no data for canary\n"
					  "plain    p95 passed (rollback)\n" },
	};
	struct complaint complaint;
	char *text;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		json_t *why = json_loads(cases[i].json, 0, NULL);

		assert_non_null(why);
		assert_int_equal(print(why, &text, &complaint), 0);
		assert_string_equal(text, cases[i].text);
		free(text);
		json_decref(why);
	}
}

static void test_refuses(void **state)
{
	json_t *const answers[] = { json_object(), json_array(), json_null(), json_pack("{s:i}", "state", 1) };
	struct complaint complaint;
	char *text;

	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		assert_int_equal(print(answers[i], &text, &complaint), -EBADMSG);
		assert_string_equal(complaint.text, "the agent's answer is no rollout");
		assert_string_equal(text, "");
		free(text);
		json_decref(answers[i]);
	}
}

static void test_evidence(void **state)
{
	static const struct {
		double ln;
		const char *text;
	} cases[] = {
		{ 0, "1" },        { -2.3, "0.1" },      { 5.991465, "400" }, { 4.60507, "100" }, { 9.04782, "8500" },
		{ 14, "1.2e+06" }, { 599, "1.39e+260" }, { 1000, "e1000" },   { -1000, "0" },     { 0.0 / 0.0, "-" },
	};
	char text[WHY_CELL_LEN];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(why_evidence(cases[i].ln, text), cases[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unproven),           cmocka_unit_test(test_regression),
		cmocka_unit_test(test_without_arithmetic), cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_evidence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
