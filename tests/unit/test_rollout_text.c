/* SPDX-License-Identifier: BSD-2-Clause */
/* Rollouts in words: one line in every state, the block of `serin status`, and the warning about small shares. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rollout_text.h"
#include "status_text.h"
#include "status_view.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define STEP "\"step\":2,\"steps\":4,\"weight\":2500"
#define CANARY "\"version\":\"canary\",\"release\":\"v2\"," STEP

static void assert_line(const char *json, const char *expected)
{
	json_t *rollout = json_loads(json, JSON_DECODE_ANY, NULL);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	bool any;

	assert_non_null(rollout);
	any = rollout_print_line(out, rollout);
	fclose(out);
	assert_string_equal(text, expected);
	assert_int_equal(any, *expected != '\0');
	free(text);
	json_decref(rollout);
}

static void test_lines(void **state)
{
	static const struct {
		const char *json, *line;
	} cases[] = {
		{ "null", "" },
		{ "{\"state\":\"idle\",\"version\":null}", "" },
		{ "{\"state\":\"progressing\"}", "" },
		{ "{\"state\":\"progressing\"," CANARY
		  ",\"remaining_seconds\":500.0,\"cause\":\"none\",\"reason\":null}",
		  "canary (v2) progressing, step 2 of 4 at 25%, 8m20s left" },
		{ "{\"state\":\"progressing\",\"version\":\"canary\",\"release\":null," STEP
		  ",\"remaining_seconds\":0}",
		  "canary progressing, step 2 of 4 at 25%" },
		{ "{\"state\":\"paused\",\"pause\":\"user\"," CANARY
		  ",\"by\":\"uid 0\",\"cause\":\"user\",\"reason\":\"lunch\"}",
		  "canary (v2) paused by uid 0: lunch, step 2 of 4 at 25%" },
		{ "{\"state\":\"paused\",\"pause\":\"manual\"," CANARY "}",
		  "canary (v2) paused, step 2 of 4 at 25% until `promote`" },
		{ "{\"state\":\"paused\",\"pause\":\"timed\"," CANARY ",\"remaining_seconds\":4320}",
		  "canary (v2) paused, step 2 of 4 at 25%, 1h12m left" },
		{ "{\"state\":\"paused\",\"pause\":\"hold\"," CANARY
		  ",\"cause\":\"check\",\"reason\":\"cpu: 1.8 times\",\"by\":\"agent\"}",
		  "canary (v2) held, step 2 of 4 at 25%, check: cpu: 1.8 times" },
		{ "{\"state\":\"paused\",\"pause\":\"reboot\"," CANARY "}",
		  "canary (v2) paused, step 2 of 4 at 25%: the host was started anew, `resume` begins the step again" },
		{ "{\"state\":\"completed\",\"version\":\"canary\",\"release\":\"v2\",\"weight\":10000}",
		  "canary (v2) completed at 100%, `finish` makes it the baseline" },
		{ "{\"state\":\"rolled_back\"," CANARY
		  ",\"by\":\"kernel\",\"cause\":\"errors\",\"reason\":\"12 clients\\u001b[2J\"}",
		  "canary (v2) rolled back by the kernel, errors: 12 clients?[2J" },
		{ "{\"state\":\"rolled_back\"," CANARY
		  ",\"by\":\"agent\",\"cause\":\"errors\",\"reason\":\"errors: more\"}",
		  "canary (v2) rolled back by the agent: errors: more" },
		{ "{\"state\":\"rolled_back\"," CANARY ",\"by\":\"token\",\"cause\":\"user\",\"reason\":\"p95\"}",
		  "canary (v2) rolled back by a token's holder: p95" },
		{ "{\"state\":\"aborted\"," CANARY ",\"by\":\"uid 0\",\"cause\":\"user\",\"reason\":\"\"}",
		  "canary (v2) aborted by uid 0" },
		{ "{\"state\":\"idle\"," CANARY "}", "canary (v2) finished: no rollout runs" },
		{ "{\"state\":\"resting\"," CANARY "}", "canary (v2) resting" },
		{ "{\"state\":\"progressing\",\"version\":\"canary\",\"weight\":-5,\"step\":\"x\"}",
		  "canary progressing, step 0 of 0 at 0%" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_line(cases[i].json, cases[i].line);
}

static void test_times(void **state)
{
	static const struct {
		double seconds;
		const char *text;
	} cases[] = {
		{ 0, "0s" },          { 0.2, "1s" },    { 99, "99s" },        { 100, "1m40s" },
		{ 3599, "59m59s" },   { 3600, "1h0m" }, { 172799, "47h59m" }, { 172800, "2d0h" },
		{ 2592000, "30d0h" }, { -1, "0s" },     { NAN, "0s" },        { 1e300, "0s" },
	};
	char text[ROLLOUT_TIME_LEN];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(rollout_time(cases[i].seconds, text), cases[i].text);
}

static char *block(const char *json, bool colours)
{
	json_error_t where;
	json_t *service = json_loads(json, 0, &where);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!service)
		fail_msg("the test's own JSON: %s at %d in %s", where.text, where.position, json);
	rollout_print_block(out, service, colours);
	fclose(out);
	json_decref(service);
	return text;
}

static void assert_block(const char *json, const char *expected)
{
	char *text = block(json, false);

	assert_string_equal(text, expected);
	free(text);
}

#define JUDGE                                                                                                      \
	"\"judge\":{\"finding\":\"unproven\",\"checks\":{\"errors\":{\"ratio\":0.372},\"latency\":{\"ratio\":0}}," \
	"\"detectable\":3.21,\"more_clients\":1200}"
#define GUARD(tripped, closed, lease, allowance)                                                              \
	"\"guard\":{\"armed\":true,\"tripped\":" #tripped ",\"closed\":" #closed ",\"lease_seconds\":" #lease \
	",\"allowance\":" #allowance "}"
#define PLACE "rollout  canary (v2) progressing, step 2 of 4 at 25%, 8m20s left\n"
#define RUNS(more) "{\"rollout\":{\"state\":\"progressing\"," CANARY ",\"remaining_seconds\":500," more "}}"

static void test_block(void **state)
{
	(void)state;
	assert_block("{}", "");
	assert_block("{\"rollout\":null}", "");
	assert_block(RUNS(JUDGE
			  "," GUARD(false, false, 4.25, 6.3) ",\"checks\":[{\"name\":\"cpu\",\"verdict\":\"no-data\","
							     "\"reason\":\"no data for canary\"},{\"name\":\"p95\","
							     "\"verdict\":\"passed\"}]"),
		     PLACE "guard    armed, 7 more failed clients of canary alone trip it, lease 4.2s\n"
			   "judge    unproven: errors 37%, latency 0% of the evidence that rolls back\n"
			   "         3.21 times the failures would show by now; 1200 more clients show health\n"
			   "check    cpu no-data: no data for canary\n");
	assert_block(RUNS("\"judge\":{\"finding\":\"healthy\",\"checks\":{},\"detectable\":null,\"more_clients\":null},"
			  "\"guard\":null,\"checks\":[{\"name\":\"p95\",\"verdict\":\"passed\"},"
			  "{\"name\":\"cpu\",\"verdict\":\"passed\"}]"),
		     PLACE "judge    healthy\ncheck    all 2 pass\n");
	assert_block(RUNS("\"judge\":null,\"guard\":{\"armed\":false},\"checks\":[]"), PLACE);
	/* Nothing is judged any more. */
	assert_block("{\"rollout\":{\"state\":\"completed\"," CANARY "," JUDGE ",\"checks\":[{\"name\":\"p95\"}]}}",
		     "rollout  canary (v2) completed at 25%, `finish` makes it the baseline\n");
}

static void test_guard(void **state)
{
	static const struct {
		const char *json, *line;
	} cases[] = {
		{ RUNS(GUARD(true, false, 3, 1)), "tripped: the kernel sends no new connection there" },
		{ RUNS(GUARD(false, true, 3, 1)), "closed: no new connection goes there" },
		{ RUNS(GUARD(false, false, null, 0.2)), "armed, 1 more failed client of canary alone trips it" },
		{ RUNS(GUARD(false, false, 0, null)),
		  "armed, no line on errors, lease over: no new connection goes there" },
		{ RUNS(GUARD(false, false, 3599, 1e30)), "armed, no line on errors, lease 59m59s" },
	};
	char expected[256];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		snprintf(expected, sizeof(expected), "%sguard    %s\n", PLACE, cases[i].line);
		assert_block(cases[i].json, expected);
	}
}

/* Also without a rollout; an agent that does not tell has not lost it. */
static void test_lost_baseline(void **state)
{
	(void)state;
	assert_block("{\"name\":\"shop\",\"baseline\":null,\"rollout\":null}",
		     "baseline unknown: nobody is served until `serin baseline shop VERSION`\n");
	assert_block("{\"name\":\"shop\",\"baseline\":\"stable\",\"rollout\":null}", "");
	assert_block("{\"name\":\"shop\",\"rollout\":null}", "");
}

static void test_colours(void **state)
{
	char *text;

	(void)state;
	text = block("{\"name\":\"shop\",\"baseline\":null}", true);
	assert_string_equal(text,
			    "baseline \033[31munknown: nobody is served until `serin baseline shop VERSION`\033[0m\n");
	free(text);
	text = block(RUNS(GUARD(true, false, 3, 1)), true);
	assert_string_equal(text, PLACE "guard    \033[31mtripped: the kernel sends no new connection there\033[0m\n");
	free(text);
	text = block("{\"rollout\":{\"state\":\"rolled_back\"," CANARY ",\"by\":\"agent\"}}", true);
	assert_string_equal(text, "rollout  \033[31mcanary (v2) rolled back by the agent\033[0m\n");
	free(text);
}

#define WITH(affinity, share, measured, rate)                                                                         \
	"{\"rollout\":{\"state\":\"progressing\"," CANARY ",\"remaining_seconds\":500},\"window_seconds\":60.0,"      \
	"\"affinity\":{\"by\":\"" affinity "\"},\"versions\":[{\"name\":\"stable\",\"opened_per_second\":" #rate "}," \
	"{\"name\":\"canary\",\"weight\":" #share ",\"measured\":" #measured ",\"opened_per_second\":0.0}]}"

/* Connections are measured where clients were drawn: far from what is set is what a handful of clients makes of it. */
static void test_warning(void **state)
{
	static const struct {
		const char *json;
		bool warns;
	} cases[] = {
		{ WITH("source", 500, 0.0, 100.0), true },    /* nobody */
		{ WITH("source", 500, 0.11, 100.0), true },   /* one of nine, or so */
		{ WITH("source", 500, 0.055, 100.0), false }, /* as it should be */
		{ WITH("source", 500, 0.07, 100.0), false },
		{ WITH("flow", 500, 0.0, 100.0), false }, /* connections were drawn */
		{ WITH("source", 500, 0.0, 5.0), false }, /* 15 of 300: that may be chance */
		{ WITH("source", 500, null, 100.0), false },
		{ WITH("source", 0, 0.5, 100.0), false },
		{ WITH("source", 10000, 0.5, 100.0), false },
	};
	char *text;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		text = block(cases[i].json, false);
		if (!!strstr(text, "warning  ") != cases[i].warns)
			fail_msg("%zu: %s", i, text);
		free(text);
	}
	assert_block(cases[1].json,
		     PLACE "warning  canary gets 11.0% of the connections: 5% is a small share for so few clients\n");
}

#define SERVICE(name)                                                                                                         \
	"{\"name\":\"" name                                                                                                   \
	"\",\"protocol\":\"http\",\"forward\":\"nat\",\"generation\":1,\"affinity\":{\"by\":\"source\"},"                     \
	"\"window_seconds\":0.0,\"listen\":[],\"versions\":[],\"changed\":{\"by\":\"file\",\"what\":\"start\",\"at\":\"T\"}," \
	"\"rollout\":{\"state\":\"progressing\"," CANARY ",\"remaining_seconds\":500," GUARD(true, false, 1, 1) "}}"

static void assert_has(char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no '%s' in '%s'", part, text);
	free(text);
}

/* In `status`, in `status -w` of one service, and a line each in that of several. */
static void test_in_status(void **state)
{
	const struct status_view view = { .columns = 99 };
	json_t *one = json_loads(SERVICE("shop"), 0, NULL),
	       *several = json_loads("{\"services\":[" SERVICE("shop") "," SERVICE("tea") "]}", 0, NULL);
	struct complaint complaint;
	char *text;
	size_t size;
	FILE *out;

	(void)state;
	assert_true(one && several);
	out = open_memstream(&text, &size);
	assert_int_equal(status_print(out, one, false, &complaint), 0);
	fclose(out);
	assert_has(text, "configuration file at T\n" PLACE "guard    tripped");
	out = open_memstream(&text, &size);
	assert_int_equal(status_view_print(out, one, NULL, &view, &complaint), 0);
	fclose(out);
	assert_has(text, "\n" PLACE "guard    tripped");
	out = open_memstream(&text, &size);
	assert_int_equal(status_view_print(out, several, NULL, &view, &complaint), 0);
	fclose(out);
	assert_has(text,
		   "shop  canary (v2) progressing, step 2 of 4 at 25%, 8m20s left; the guard has tripped\ntea  c");
	json_decref(one);
	json_decref(several);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),   cmocka_unit_test(test_times),         cmocka_unit_test(test_block),
		cmocka_unit_test(test_guard),   cmocka_unit_test(test_lost_baseline), cmocka_unit_test(test_colours),
		cmocka_unit_test(test_warning), cmocka_unit_test(test_in_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
