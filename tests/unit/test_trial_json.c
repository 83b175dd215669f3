/* SPDX-License-Identifier: BSD-2-Clause */
/* A trial in the state's text: comes back as it was, bit by bit, and nothing is guessed where it is damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "rollout_story.h"
#include "state_json.h"

/* A service in the middle of a rollout, with some evidence. */
static struct state_service in_trial(void)
{
	struct state_service service = {
		.name = "shop",
		.versions = { { "stable", 9500 }, { "canary", 500 } },
		.version_count = 2,
		.generation = 9,
		.epoch = 12,
		.rollout = 8,
		.changed = { .by = "uid 0", .at = 1795410000, .kind = STATE_ROLLOUT },
	};
	struct judge_sample sample = { .share = 0.05 };
	struct story story;

	story_begin(&story, story_schedule());
	story_do(&story, ROLLOUT_START);
	service.trial.rollout = story.rollout;
	judge_begin(&service.trial.judge, &judge_defaults);
	judge_epoch(&service.trial.judge);
	sample.counts[JUDGE_FAILED][JUDGE_R] = sample.counts[JUDGE_FAILED][JUDGE_G] = (struct evidence_counts){ 2, 11 };
	sample.counts[JUDGE_SLOW_P99][JUDGE_G] = (struct evidence_counts){ 0, 3 };
	judge_tick(&service.trial.judge, &sample);
	memcpy(service.trial.told.counts, sample.counts, sizeof(sample.counts));
	service.trial.told.counts[JUDGE_REPORTED][JUDGE_R].baseline = 1ull << 52;
	return service;
}

static char *encode(const struct state_service *service)
{
	struct state_service copy = *service;
	struct state state = { .services = &copy, .service_count = 1 };

	return state_encode(&state);
}

static void comes_back_as_it_was(void **unused)
{
	struct state_service service = in_trial(), *back;
	char *text = encode(&service), *again;
	struct complaint complaint = { "" };
	struct state state;

	(void)unused;
	assert_int_equal(state_decode(text, strlen(text), &state, &complaint), 0);
	back = state_find_service(&state, "shop");
	assert_non_null(back);
	assert_int_equal(back->epoch, 12);
	assert_memory_equal(&back->trial.told, &service.trial.told, sizeof(service.trial.told));
	assert_memory_equal(back->trial.judge.worse, service.trial.judge.worse, sizeof(service.trial.judge.worse));
	assert_int_equal(back->trial.judge.epoch, service.trial.judge.epoch);
	again = encode(back);
	assert_string_equal(again, text);
	free(again);
	free(text);
	state_free(&state);
}

/* A state of before there were rollouts. */
static void none_is_none(void **unused)
{
	static const char text[] =
		"{\"format\": 1, \"services\": {\"shop\": {\"generation\": 7, \"rollout\": 0, \"baseline\": "
		"\"stable\", \"weights\": {\"stable\": 10000}, \"changed\": {\"by\": \"file\", \"at\": 1, "
		"\"what\": \"start\", \"reason\": \"\"}}}, \"devices\": {}}";
	struct complaint complaint = { "" };
	struct state state;

	(void)unused;
	assert_int_equal(state_decode(text, strlen(text), &state, &complaint), 0);
	assert_int_equal(state.services[0].epoch, 0);
	assert_int_equal(state.services[0].trial.judge.settings.trials, 0);
	assert_int_equal(state.services[0].trial.rollout.state, ROLLOUT_IDLE);
	state_free(&state);
}

/* What is replaced in the text, and a word of the complaint. */
static const struct damage {
	const char *from, *to, *expected;
} damages[] = {
	{ "\"progressing\"", "\"progressed\"", "shop" },
	{ "\"told\"", "\"tolt\"", "shop" },
	{ "\"judge\": {", "\"judge\": 5, \"\": {", "shop" },
	{ "\"version\": \"canary\"", "\"version\": 5", "version" },
	{ "\"epoch\": 12", "\"epoch\": -1", "out of range" },
};

static void damage_is_named(void **unused)
{
	struct state_service service = in_trial();
	char *text = encode(&service), *damaged, *at;
	struct complaint complaint;
	struct state state;

	(void)unused;
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		at = strstr(text, damages[i].from);
		assert_non_null(at);
		assert_true(asprintf(&damaged, "%.*s%s%s", (int)(at - text), text, damages[i].to,
				     at + strlen(damages[i].from)) > 0);
		complaint.text[0] = '\0';
		assert_int_equal(state_decode(damaged, strlen(damaged), &state, &complaint), -EBADMSG);
		if (!strstr(complaint.text, damages[i].expected))
			fail_msg("%s: '%s' does not say '%s'", damages[i].to, complaint.text, damages[i].expected);
		free(damaged);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back_as_it_was),
		cmocka_unit_test(none_is_none),
		cmocka_unit_test(damage_is_named),
	};

	return cmocka_run_group_tests_name("trial_json", tests, NULL, NULL);
}
