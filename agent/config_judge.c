/* SPDX-License-Identifier: BSD-2-Clause */
/* A rollout's key `judge`: what counts as worse, what counts as healthy, and how sure that has to be. */
#include "config_rollout_parts.h"
#include "config_value.h"
#include "scalar.h"

#define EXPECTED_CHANCE "0.01% to 50%, such as 1%"
#define EXPECTED_OBJECTIVE "off, or " EXPECTED_CHANCE
#define EXPECTED_TOLERATED "a ratio from 1 to 10, such as 1.5"
#define EXPECTED_RATIO "a ratio above 1, up to 100, such as 2"
#define EXPECTED_SETTLE "a duration from 0s to 10s, such as 100ms"
#define EXPECTED_WARMUP "a duration from 0s to 1h, such as 60s"

const struct config_judge config_judge_defaults = {
	.false_alarm = 100,
	.false_pass = 100,
	.settle = 100,
	.errors = true,
	.latency = true,
	.outcomes = true,
	.errors_tolerate = 1,
	.outcomes_tolerate = 1,
	.latency_tolerate = 2000,
	.warmup = 60000,
	.health_ratio = 2,
	.objective = 100,
};

static int read_chance(struct config_reader *reader, const yaml_node_t *node, const char *what, const char *expected,
		       unsigned int *ret)
{
	const char *text = config_text(node);
	unsigned int share;

	if (!text || parse_share(text, &share) < 0 || !share || share > SHARE_WHOLE / 2)
		return config_bad_value(reader, node, what, expected);
	*ret = share;
	return 0;
}

static int read_false_alarm(struct config_reader *reader, yaml_node_t *node, void *into)
{
	return read_chance(reader, node, "false_alarm", EXPECTED_CHANCE, &((struct config_judge *)into)->false_alarm);
}

static int read_false_pass(struct config_reader *reader, yaml_node_t *node, void *into)
{
	return read_chance(reader, node, "false_pass", EXPECTED_CHANCE, &((struct config_judge *)into)->false_pass);
}

static int read_settle(struct config_reader *reader, yaml_node_t *node, void *into)
{
	return config_value_duration(reader, node, "settle", 0, 10 * 1000, EXPECTED_SETTLE,
				     &((struct config_judge *)into)->settle);
}

static int read_tolerated(struct config_reader *reader, yaml_node_t *node, void *into)
{
	const char *text = config_text(node);

	if (!text || parse_decimal(text, 1, 10, into) < 0)
		return config_bad_value(reader, node, "tolerate", EXPECTED_TOLERATED);
	return 0;
}

static int read_errors(struct config_reader *reader, yaml_node_t *node, void *into)
{
	static const struct config_key keys[] = {
		{ .name = "tolerate",
		  .read = read_tolerated,
		  .offset = offsetof(struct config_judge, errors_tolerate) },
	};
	static const struct config_mapping mapping = { .name = "errors", .or_text = "off", CONFIG_KEYS(keys) };

	((struct config_judge *)into)->errors = !config_is_off(node);
	return config_is_off(node) ? 0 : config_read_mapping(reader, node, &mapping, into);
}

static int read_outcomes(struct config_reader *reader, yaml_node_t *node, void *into)
{
	static const struct config_key keys[] = {
		{ .name = "tolerate",
		  .read = read_tolerated,
		  .offset = offsetof(struct config_judge, outcomes_tolerate) },
	};
	static const struct config_mapping mapping = { .name = "outcomes", .or_text = "off", CONFIG_KEYS(keys) };

	((struct config_judge *)into)->outcomes = !config_is_off(node);
	return config_is_off(node) ? 0 : config_read_mapping(reader, node, &mapping, into);
}

static int read_slower(struct config_reader *reader, yaml_node_t *node, void *into)
{
	return config_value_share(reader, node, "tolerate", &((struct config_judge *)into)->latency_tolerate);
}

static int read_warmup(struct config_reader *reader, yaml_node_t *node, void *into)
{
	return config_value_duration(reader, node, "warmup", 0, 3600 * 1000, EXPECTED_WARMUP,
				     &((struct config_judge *)into)->warmup);
}

static int read_latency(struct config_reader *reader, yaml_node_t *node, void *into)
{
	static const struct config_key keys[] = {
		{ .name = "tolerate", .read = read_slower },
		{ .name = "warmup", .read = read_warmup },
	};
	static const struct config_mapping mapping = { .name = "latency", .or_text = "off", CONFIG_KEYS(keys) };

	((struct config_judge *)into)->latency = !config_is_off(node);
	return config_is_off(node) ? 0 : config_read_mapping(reader, node, &mapping, into);
}

static int read_ratio(struct config_reader *reader, yaml_node_t *node, void *into)
{
	const char *text = config_text(node);
	double ratio;

	if (!text || parse_decimal(text, 1, 100, &ratio) < 0 || ratio <= 1)
		return config_bad_value(reader, node, "ratio", EXPECTED_RATIO);
	((struct config_judge *)into)->health_ratio = ratio;
	return 0;
}

static int read_objective(struct config_reader *reader, yaml_node_t *node, void *into)
{
	if (config_is_off(node)) {
		((struct config_judge *)into)->objective = 0;
		return 0;
	}
	return read_chance(reader, node, "objective", EXPECTED_OBJECTIVE, &((struct config_judge *)into)->objective);
}

static int read_health(struct config_reader *reader, yaml_node_t *node, void *into)
{
	static const struct config_key keys[] = {
		{ .name = "ratio", .read = read_ratio },
		{ .name = "objective", .read = read_objective },
	};
	static const struct config_mapping mapping = { .name = "health", CONFIG_KEYS(keys) };

	return config_read_mapping(reader, node, &mapping, into);
}

int config_read_judge(struct config_reader *reader, yaml_node_t *node, void *into)
{
	static const struct config_key keys[] = {
		{ .name = "false_alarm", .read = read_false_alarm }, { .name = "false_pass", .read = read_false_pass },
		{ .name = "errors", .read = read_errors },           { .name = "latency", .read = read_latency },
		{ .name = "outcomes", .read = read_outcomes },       { .name = "health", .read = read_health },
		{ .name = "settle", .read = read_settle },
	};
	static const struct config_mapping mapping = { .name = "a judge", CONFIG_KEYS(keys) };
	struct config_judge *judge = &((struct rollout_draft *)into)->rollout->judge;
	int err;

	err = config_read_mapping(reader, node, &mapping, judge);
	if (!err && judge->health_ratio <= judge->errors_tolerate)
		err = config_complain(reader, config_place_of(node),
				      "%g times the baseline's errors are tolerated and %g times are no health, "
				      "expected 'health.ratio' above 'errors.tolerate'",
				      judge->errors_tolerate, judge->health_ratio);
	return err;
}
