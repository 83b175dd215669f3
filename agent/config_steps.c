/* SPDX-License-Identifier: BSD-2-Clause */
/* The steps of a rollout: one by one, or by where they start and how much each adds. */
#include <string.h>

#include "config_rollout_parts.h"
#include "config_value.h"
#include "scalar.h"

#define MAX_STEP_MS (7u * 24 * 3600 * 1000)
#define EXPECTED_TIME "a duration from 1s to 7d, such as 15m"
#define EXPECTED_WEIGHT "a share above 0%, such as 5%"

/* A step while it is read. */
struct step_draft {
	struct config_step step;
	struct config_place weight_place;
};

static int read_share(struct config_reader *reader, const yaml_node_t *node, const char *what, unsigned int *ret)
{
	unsigned int share;
	int err;

	err = config_value_share(reader, node, what, &share);
	if (err)
		return err;
	if (!share)
		return config_bad_value(reader, node, what, EXPECTED_WEIGHT);
	*ret = share;
	return 0;
}

static int read_weight(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct step_draft *draft = into;

	draft->weight_place = config_place_of(node);
	return read_share(reader, node, "weight", &draft->step.weight);
}

static int read_for(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct step_draft *draft = into;

	return config_value_duration(reader, node, "for", 1000, MAX_STEP_MS, EXPECTED_TIME, &draft->step.for_ms);
}

static int read_pause(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct config_step *step = &((struct step_draft *)into)->step;
	const char *text = config_text(node);
	uint64_t ms;

	if (text && !strcmp(text, "manual")) {
		step->pause = CONFIG_PAUSE_MANUAL;
		return 0;
	}
	if (!text || parse_duration(text, &ms) < 0 || ms < 1000 || ms > MAX_STEP_MS)
		return config_bad_value(reader, node, "pause", "manual or " EXPECTED_TIME);
	step->pause = CONFIG_PAUSE_TIMED;
	step->pause_ms = (unsigned int)ms;
	return 0;
}

/* What the steps before this one tell about it. */
static int check_step(struct config_reader *reader, const struct config_schedule *schedule,
		      const struct step_draft *draft)
{
	const struct config_step *before = schedule->step_count ? &schedule->steps[schedule->step_count - 1] : NULL;
	char share[SHARE_TEXT_LEN], last[SHARE_TEXT_LEN];

	if (!before)
		return 0;
	share_format(draft->step.weight, share);
	share_format(before->weight, last);
	if (draft->step.weight <= before->weight)
		return config_complain(reader, draft->weight_place,
				       "a step to %s after one to %s, expected steps that rise", share, last);
	if (!before->for_ms && before->pause == CONFIG_PAUSE_NONE)
		return config_complain(reader, draft->weight_place,
				       "a step to %s after one to %s that ends at once, expected a 'for' or a 'pause' "
				       "in every step but the last",
				       share, last);
	return 0;
}

static int read_step(struct config_reader *reader, yaml_node_t *node, void *into)
{
	static const struct config_key keys[] = {
		{ .name = "weight", .read = read_weight, .required = EXPECTED_WEIGHT },
		{ .name = "for", .read = read_for },
		{ .name = "pause", .read = read_pause },
	};
	static const struct config_mapping mapping = { .name = "a step", CONFIG_KEYS(keys) };
	struct config_schedule *schedule = &((struct rollout_draft *)into)->rollout->schedule;
	struct step_draft draft = { .weight_place = config_place_of(node) };
	int err;

	err = config_read_mapping(reader, node, &mapping, &draft);
	if (!err)
		err = check_step(reader, schedule, &draft);
	if (!err)
		schedule->steps[schedule->step_count++] = draft.step;
	return err;
}

int config_read_start(struct config_reader *reader, yaml_node_t *node, void *into)
{
	return read_share(reader, node, "start", &((struct rollout_draft *)into)->ladder.start);
}

int config_read_rise(struct config_reader *reader, yaml_node_t *node, void *into)
{
	return read_share(reader, node, "step", &((struct rollout_draft *)into)->ladder.step);
}

int config_read_max(struct config_reader *reader, yaml_node_t *node, void *into)
{
	return read_share(reader, node, "max", &((struct rollout_draft *)into)->ladder.max);
}

int config_read_every(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct rollout_draft *draft = into;

	return config_value_duration(reader, node, "every", 1000, MAX_STEP_MS, EXPECTED_TIME, &draft->ladder.every);
}

static int check_ladder(struct config_reader *reader, const yaml_node_t *node, const struct rollout_draft *draft)
{
	unsigned int start = draft->ladder.start, max = draft->ladder.max, step = draft->ladder.step;
	char from[SHARE_TEXT_LEN], to[SHARE_TEXT_LEN];

	if (start > max)
		return config_complain(reader, config_place_of(node), "steps from %s up to %s, expected 'max' above it",
				       share_format(start, from), share_format(max, to));
	if ((max - start + step - 1) / step + 1 > CONFIG_MAX_STEPS)
		return config_complain(reader, config_place_of(node),
				       "more than %u steps from %s up to %s, expected a larger 'step'",
				       CONFIG_MAX_STEPS, share_format(start, from), share_format(max, to));
	return 0;
}

static const struct config_key ladder_keys[] = {
	{ .name = "start", .read = config_read_start, .required = EXPECTED_WEIGHT },
	{ .name = "step", .read = config_read_rise, .required = EXPECTED_WEIGHT },
	{ .name = "every", .read = config_read_every, .required = EXPECTED_TIME },
	{ .name = "max", .read = config_read_max },
};

int config_read_steps(struct config_reader *reader, yaml_node_t *node, void *into)
{
	static const struct config_list list = {
		.name = "steps",
		.expected = EXPECTED_STEPS,
		.max = CONFIG_MAX_STEPS,
		.read = read_step,
	};
	static const struct config_mapping mapping = { .name = "steps", CONFIG_KEYS(ladder_keys) };
	struct rollout_draft *draft = into;
	int err;

	if (!config_is_mapping(node))
		return config_read_list(reader, node, &list, into);
	err = config_read_mapping(reader, node, &mapping, draft);
	return err ? err : check_ladder(reader, node, draft);
}

int config_check_steps(struct config_reader *reader, const yaml_node_t *node, const struct rollout_draft *draft)
{
	const yaml_node_t *steps = config_find_key(reader, node, "steps"), *found;
	const struct config_key *missing = NULL;
	bool is_ladder = false;

	for (size_t i = 0; i < CONFIG_COUNT(ladder_keys); i++) {
		found = config_find_key(reader, node, ladder_keys[i].name);
		if (found && steps)
			return config_complain(reader, config_place_of(found),
					       "key '%s' beside 'steps' in a rollout, expected either 'steps' or "
					       "'start', 'step', 'every' and 'max'",
					       ladder_keys[i].name);
		is_ladder = is_ladder || found;
		if (!found && ladder_keys[i].required && !missing)
			missing = &ladder_keys[i];
	}
	if (steps)
		return 0;
	if (!is_ladder)
		return config_complain(reader, config_place_of(node),
				       "missing key 'steps' in a rollout, expected " EXPECTED_STEPS);
	if (missing)
		return config_complain(reader, config_place_of(node),
				       "missing key '%s' in a rollout without 'steps', expected %s", missing->name,
				       missing->required);
	return check_ladder(reader, node, draft);
}

/* The last step takes as long as the others, unless the one before it has already been at all that may be judged: then
 * nothing new could be learned. */
void config_finish_steps(struct rollout_draft *draft)
{
	struct config_schedule *schedule = &draft->rollout->schedule;
	unsigned int weight = draft->ladder.start, most = SHARE_WHOLE - schedule->holdback;

	for (unsigned int before = 0; weight; before = weight, weight += draft->ladder.step) {
		bool last = weight >= draft->ladder.max;

		schedule->steps[schedule->step_count++] = (struct config_step){
			.weight = last ? draft->ladder.max : weight,
			.for_ms = last && before >= most ? 0 : draft->ladder.every,
		};
		if (last)
			return;
	}
}
