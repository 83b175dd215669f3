/* SPDX-License-Identifier: BSD-2-Clause */
/* A rollout as JSON and back. What is read decides who gets traffic: it is checked as strictly as what a stranger sends. */
#include "rollout_json.h"

#include <errno.h>
#include <string.h>

#include "scalar.h"

#define MAX_MS (1ll << 52) /* some 140 000 years, and exact in every JSON library */

static json_t *encode_steps(const struct config_schedule *schedule)
{
	json_t *list = json_array();

	for (size_t i = 0; i < schedule->step_count; i++) {
		const struct config_step *step = &schedule->steps[i];

		json_array_append_new(list, json_pack("{s:i, s:I, s:i, s:I}", "weight", (int)step->weight, "for_ms",
						      (json_int_t)step->for_ms, "pause", (int)step->pause, "pause_ms",
						      (json_int_t)step->pause_ms));
	}
	return list;
}

static json_t *encode_schedule(const struct config_schedule *schedule)
{
	return json_pack("{s:o, s:i, s:s, s:i, s:I, s:b}", "steps", encode_steps(schedule), "holdback",
			 (int)schedule->holdback, "on_unproven", config_unproven_name(schedule->on_unproven), "extend",
			 (int)schedule->extend, "deadline_ms", (json_int_t)schedule->deadline, "reset",
			 schedule->reset);
}

json_t *rollout_encode(const struct rollout *rollout)
{
	json_t *json;

	json = json_pack("{s:s, s:s, s:s, s:I, s:I, s:s}", "state", rollout_state_name(rollout->state), "pause",
			 rollout_pause_name(rollout->pause), "under", rollout_pause_name(rollout->under), "number",
			 (json_int_t)rollout->number, "now", (json_int_t)rollout->now, "version", rollout->version);
	/* Before the first one there is nothing more to say. */
	if (!json || !rollout->version[0])
		return json;
	if (json_object_set_new(json, "schedule", encode_schedule(&rollout->schedule)) ||
	    json_object_update_new(
		    json,
		    json_pack("{s:s, s:b, s:i, s:i, s:I, s:I, s:I, s:I, s:b, s:b, s:I, s:I}", "release",
			      rollout->release, "blind", rollout->blind, "step", (int)rollout->step, "weight",
			      (int)rollout->weight, "judged_ms", (json_int_t)rollout->judged_ms, "worked_ms",
			      (json_int_t)rollout->worked_ms, "waited_ms", (json_int_t)rollout->waited_ms, "epoch_ms",
			      (json_int_t)rollout->epoch_ms, "waited", rollout->waited, "extended", rollout->extended,
			      "began", (json_int_t)rollout->began, "since", (json_int_t)rollout->since)) ||
	    json_object_update_new(json, json_pack("{s:s, s:s, s:s, s:I, s:s}", "cause",
						   rollout_cause_name(rollout->cause), "reason", rollout->reason, "by",
						   rollout->by, "notices", (json_int_t)rollout->notices, "noticed",
						   config_notice_name(rollout->noticed)))) {
		json_decref(json);
		return NULL;
	}
	return json;
}

/* What goes wrong while a rollout is read is said once, with the name of the field. */
struct decoder {
	const json_t *from;
	struct complaint *complaint;
	int err;
};

static const json_t *take(struct decoder *decoder, const char *name)
{
	const json_t *value = json_object_get(decoder->from, name);

	if (!value && !decoder->err)
		decoder->err = complain(decoder->complaint, -EBADMSG, "a rollout without \"%s\"", name);
	return decoder->err ? NULL : value;
}

static void bad(struct decoder *decoder, const char *name)
{
	if (!decoder->err)
		decoder->err =
			complain(decoder->complaint, -EBADMSG, "\"%s\" of a rollout is not what it can be", name);
}

static uint64_t take_number(struct decoder *decoder, const char *name, json_int_t min, json_int_t max)
{
	const json_t *value = take(decoder, name);

	if (value && json_is_integer(value) && json_integer_value(value) >= min && json_integer_value(value) <= max)
		return (uint64_t)json_integer_value(value);
	bad(decoder, name);
	return 0;
}

static bool take_flag(struct decoder *decoder, const char *name)
{
	const json_t *value = take(decoder, name);

	if (!value || !json_is_boolean(value))
		bad(decoder, name);
	return value && json_is_true(value);
}

static void take_text(struct decoder *decoder, const char *name, char *room, size_t size)
{
	const json_t *value = take(decoder, name);
	const char *text = value ? json_string_value(value) : NULL;

	if (text && strlen(text) < size)
		memcpy(room, text, strlen(text) + 1);
	else
		bad(decoder, name);
}

static unsigned int take_word(struct decoder *decoder, const char *name, const char *(*name_of)(unsigned int),
			      unsigned int count)
{
	const json_t *value = take(decoder, name);
	const char *text = value ? json_string_value(value) : NULL;

	for (unsigned int i = 0; text && i < count; i++) {
		if (!strcmp(text, name_of(i)))
			return i;
	}
	bad(decoder, name);
	return 0;
}

static const char *state_name(unsigned int i)
{
	return rollout_state_name((enum rollout_state)i);
}

static const char *pause_name(unsigned int i)
{
	return rollout_pause_name((enum rollout_pause)i);
}

static const char *cause_name(unsigned int i)
{
	return rollout_cause_name((enum rollout_cause)i);
}

static const char *notice_name(unsigned int i)
{
	return config_notice_name((enum config_notice)i);
}

static const char *unproven_name(unsigned int i)
{
	return config_unproven_name((enum config_unproven)i);
}

static int decode_step(const json_t *json, const struct config_step *before, struct config_step *ret,
		       struct complaint *complaint)
{
	struct decoder decoder = { .from = json, .complaint = complaint };

	ret->weight = (unsigned int)take_number(&decoder, "weight", before ? before->weight + 1 : 1, SHARE_WHOLE);
	ret->for_ms = (unsigned int)take_number(&decoder, "for_ms", 0, UINT32_MAX);
	ret->pause = (enum config_pause)take_number(&decoder, "pause", 0, CONFIG_PAUSE_MANUAL);
	ret->pause_ms = (unsigned int)take_number(&decoder, "pause_ms", 0, UINT32_MAX);
	/* A step in the middle that nothing ends would be passed over. */
	if (before && !before->for_ms && before->pause == CONFIG_PAUSE_NONE)
		bad(&decoder, "for_ms");
	return decoder.err;
}

static int decode_schedule(const json_t *json, struct config_schedule *ret, struct complaint *complaint)
{
	struct decoder decoder = { .from = json, .complaint = complaint };
	const json_t *steps = take(&decoder, "steps");

	if (!json_is_array(steps) || !json_array_size(steps) || json_array_size(steps) > CONFIG_MAX_STEPS)
		bad(&decoder, "steps");
	for (size_t i = 0; !decoder.err && i < json_array_size(steps); i++) {
		decoder.err =
			decode_step(json_array_get(steps, i), i ? &ret->steps[i - 1] : NULL, &ret->steps[i], complaint);
		ret->step_count = i + 1;
	}
	ret->holdback = (unsigned int)take_number(&decoder, "holdback", 1, SHARE_WHOLE / 2);
	ret->on_unproven = take_word(&decoder, "on_unproven", unproven_name, CONFIG_UNPROVEN_ROLLBACK + 1);
	ret->extend = (unsigned int)take_number(&decoder, "extend", 1, 100);
	ret->deadline = (unsigned int)take_number(&decoder, "deadline_ms", 0, UINT32_MAX);
	ret->reset = take_flag(&decoder, "reset");
	return decoder.err;
}

/* Where it stands in its schedule. */
static void decode_place(struct decoder *decoder, struct rollout *ret)
{
	const json_t *schedule = take(decoder, "schedule");

	if (!decoder->err)
		decoder->err = decode_schedule(schedule, &ret->schedule, decoder->complaint);
	if (decoder->err)
		return;
	ret->step = take_number(decoder, "step", 0, (json_int_t)ret->schedule.step_count - 1);
	ret->weight = (unsigned int)take_number(decoder, "weight", 0, SHARE_WHOLE);
	ret->judged_ms = take_number(decoder, "judged_ms", 0, MAX_MS);
	ret->worked_ms = take_number(decoder, "worked_ms", 0, MAX_MS);
	ret->waited_ms = take_number(decoder, "waited_ms", 0, MAX_MS);
	ret->epoch_ms = take_number(decoder, "epoch_ms", 0, ROLLOUT_EPOCH_MS);
	ret->waited = take_flag(decoder, "waited");
	ret->extended = take_flag(decoder, "extended");
}

static void decode_rest(struct decoder *decoder, struct rollout *ret)
{
	take_text(decoder, "release", ret->release, sizeof(ret->release));
	ret->blind = take_flag(decoder, "blind");
	ret->began = (int64_t)take_number(decoder, "began", 0, MAX_MS);
	ret->since = (int64_t)take_number(decoder, "since", 0, MAX_MS);
	ret->cause = take_word(decoder, "cause", cause_name, ROLLOUT_CAUSES);
	take_text(decoder, "reason", ret->reason, sizeof(ret->reason));
	take_text(decoder, "by", ret->by, sizeof(ret->by));
	ret->notices = (uint32_t)take_number(decoder, "notices", 1, UINT32_MAX);
	ret->noticed = take_word(decoder, "noticed", notice_name, CONFIG_NOTICES);
}

/* Fields that contradict each other: nobody could say what such a rollout would do next. */
static bool is_possible(const struct rollout *rollout)
{
	const struct config_step *step = &rollout->schedule.steps[rollout->step];
	enum rollout_pause own = rollout->pause == ROLLOUT_PAUSE_USER ? rollout->under : rollout->pause;

	if ((rollout->state == ROLLOUT_PAUSED) != (rollout->pause != ROLLOUT_NOT_PAUSED))
		return false;
	if (rollout->under != ROLLOUT_NOT_PAUSED && rollout->pause != ROLLOUT_PAUSE_USER)
		return false;
	if (rollout->under == ROLLOUT_PAUSE_USER || rollout->under == ROLLOUT_PAUSE_REBOOT)
		return false;
	if (!rollout->version[0])
		return rollout->state == ROLLOUT_IDLE;
	if ((own == ROLLOUT_PAUSE_MANUAL && step->pause != CONFIG_PAUSE_MANUAL) ||
	    (own == ROLLOUT_PAUSE_TIMED && step->pause != CONFIG_PAUSE_TIMED))
		return false;
	return (rollout->state != ROLLOUT_ROLLED_BACK && rollout->state != ROLLOUT_ABORTED) || !rollout->weight;
}

int rollout_decode(const json_t *json, struct rollout *ret, struct complaint *complaint)
{
	struct decoder decoder = { .from = json, .complaint = complaint };
	struct rollout rollout = { 0 };

	if (!json_is_object(json))
		return complain(complaint, -EBADMSG, "a rollout, expected an object");
	rollout.state = take_word(&decoder, "state", state_name, ROLLOUT_STATES);
	rollout.pause = take_word(&decoder, "pause", pause_name, ROLLOUT_PAUSES);
	rollout.under = take_word(&decoder, "under", pause_name, ROLLOUT_PAUSES);
	rollout.number = take_number(&decoder, "number", 0, INT64_MAX);
	rollout.now = (int64_t)take_number(&decoder, "now", 0, MAX_MS);
	take_text(&decoder, "version", rollout.version, sizeof(rollout.version));
	if (rollout.version[0] && !name_is_valid(rollout.version, sizeof(rollout.version)))
		bad(&decoder, "version");
	if (rollout.version[0]) {
		decode_place(&decoder, &rollout);
		decode_rest(&decoder, &rollout);
	}
	if (decoder.err)
		return decoder.err;
	if (!is_possible(&rollout))
		return complain(complaint, -EBADMSG,
				"a rollout that is %s and pauses by \"%s\" over \"%s\" at step %zu",
				rollout_state_name(rollout.state), rollout_pause_name(rollout.pause),
				rollout_pause_name(rollout.under), rollout.step + 1);
	*ret = rollout;
	return 0;
}
