/* SPDX-License-Identifier: BSD-2-Clause */
/* A rollout's key `checks`: plain rules over a window. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_rollout_parts.h"
#include "config_value.h"
#include "prometheus.h"
#include "scalar.h"

#define EXPECTED_PROMETHEUS "the URL of a Prometheus server such as http://127.0.0.1:9090"
#define EXPECTED_QUERY "PromQL of up to 1023 characters"
#define EXPECTED_NAME \
	"errors, p50, p90, p95, p99, p99.9, or with 'prometheus' a name of lowercase letters, digits, hyphens"
#define EXPECTED_WINDOW "a duration from 1s to 1h, such as 1m"
#define EXPECTED_INCREASE "0% to 100% with at most two decimals, such as 3%"
#define EXPECTED_LONGEST "a duration from 1ms to 10m, such as 300ms"
#define EXPECTED_ANY "a decimal number such as 0.8 or -20"
#define EXPECTED_QUOTIENT "a ratio from 0.001 to 1000, such as 1.5"

enum bound { MAX, MIN, MAX_INCREASE, MAX_RATIO, MIN_RATIO, BOUNDS };

static const char *const bound_names[BOUNDS] = { "max", "min", "max_increase", "max_ratio", "min_ratio" };

/* A check while it is read: what its bounds mean depends on its kind, which may stand behind them. */
struct plain_draft {
	struct config_plain_check *check;
	struct config_place name_place;
	yaml_node_t *bounds[BOUNDS];   /* NULL: not said */
	yaml_node_t *requests, *query; /* the same */
};

static const struct {
	const char *name;
	double quantile;
} latencies[] = { { "p50", 0.5 }, { "p90", 0.9 }, { "p95", 0.95 }, { "p99", 0.99 }, { "p99.9", 0.999 } };

static bool is_own_figure(const char *name)
{
	for (size_t i = 0; i < CONFIG_COUNT(latencies); i++) {
		if (!strcmp(name, latencies[i].name))
			return true;
	}
	return !strcmp(name, "errors");
}

static int read_name(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct plain_draft *draft = into;
	const char *text = config_text(node);

	if (!text || (!is_own_figure(text) && !name_is_valid(text, sizeof(draft->check->name))))
		return config_bad_value(reader, node, "name", EXPECTED_NAME);
	draft->name_place = config_place_of(node);
	strcpy(draft->check->name, text);
	return 0;
}

static int read_prometheus(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct config_plain_check *check = ((struct plain_draft *)into)->check;
	const char *text = config_text(node);
	size_t length;

	if (!text || !config_url_is_valid(text) || strchr(text, '?'))
		return config_bad_value(reader, node, "prometheus", EXPECTED_PROMETHEUS);
	check->url = strdup(text);
	if (!check->url)
		return config_complain_memory(reader);
	for (length = strlen(check->url); check->url[length - 1] == '/'; length--)
		check->url[length - 1] = '\0';
	return 0;
}

static int read_query(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct plain_draft *draft = into;
	const char *text = config_text(node);

	if (!text || !*text || strlen(text) > 1023)
		return config_bad_value(reader, node, "query", EXPECTED_QUERY);
	draft->query = node;
	draft->check->query = strdup(text);
	return draft->check->query ? 0 : config_complain_memory(reader);
}

static int read_window(struct config_reader *reader, yaml_node_t *node, void *into)
{
	return config_value_duration(reader, node, "window", 1000, 3600 * 1000, EXPECTED_WINDOW,
				     &((struct plain_draft *)into)->check->window);
}

static int read_requests(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct plain_draft *draft = into;

	draft->requests = node;
	return config_value_unsigned(reader, node, "min_requests", 1, 1000000, &draft->check->min_requests);
}

static int read_in_a_row(struct config_reader *reader, yaml_node_t *node, void *into)
{
	const char *text = config_text(node);

	if (!text || parse_unsigned(text, 1, 100, &((struct plain_draft *)into)->check->in_a_row) < 0)
		return config_bad_value(reader, node, "for", "1 to 100 windows in a row, such as 3");
	return 0;
}

static int read_action(struct config_reader *reader, yaml_node_t *node, void *into)
{
	int value, err;

	err = config_value_choice(reader, node, "action", config_plain_actions, CONFIG_COUNT(config_plain_actions),
				  &value);
	if (!err)
		((struct plain_draft *)into)->check->action = (enum config_plain_action)value;
	return err;
}

static int keep_bound(struct config_reader *reader, yaml_node_t *node, void *into)
{
	(void)reader;
	*(yaml_node_t **)into = node;
	return 0;
}

#define BOUND(index) \
	.read = keep_bound, .offset = offsetof(struct plain_draft, bounds) + (index) * sizeof(yaml_node_t *)
static const struct config_key check_keys[] = {
	{ .name = "name", .read = read_name, .required = EXPECTED_NAME },
	{ .name = "prometheus", .read = read_prometheus },
	{ .name = "query", .read = read_query },
	{ .name = "max", BOUND(MAX) },
	{ .name = "min", BOUND(MIN) },
	{ .name = "max_increase", BOUND(MAX_INCREASE) },
	{ .name = "max_ratio", BOUND(MAX_RATIO) },
	{ .name = "min_ratio", BOUND(MIN_RATIO) },
	{ .name = "window", .read = read_window },
	{ .name = "min_requests", .read = read_requests },
	{ .name = "for", .read = read_in_a_row },
	{ .name = "action", .read = read_action },
};
#undef BOUND
static const struct config_mapping check_mapping = { .name = "a check", CONFIG_KEYS(check_keys) };

/* The kinds, and which bounds each has. */
static const struct {
	bool has[BOUNDS];
	const char *names;
} kinds[] = {
	[CONFIG_PLAIN_ERRORS] = { { [MAX] = true, [MAX_INCREASE] = true, [MAX_RATIO] = true },
				  "max_increase, max_ratio, max" },
	[CONFIG_PLAIN_LATENCY] = { { [MAX] = true, [MAX_RATIO] = true }, "max_ratio, max" },
	[CONFIG_PLAIN_PROMETHEUS] = { { [MAX] = true, [MIN] = true, [MAX_RATIO] = true, [MIN_RATIO] = true },
				      "max, min, max_ratio, min_ratio" },
};

static int find_kind(struct config_reader *reader, struct plain_draft *draft)
{
	struct config_plain_check *check = draft->check;
	bool own = is_own_figure(check->name);

	if (own && check->url)
		return config_complain(reader, draft->name_place,
				       "'%s' for a check by Prometheus, which serin measures itself, expected another "
				       "name or no 'prometheus'",
				       check->name);
	if (!own && !check->url)
		return config_complain(reader, draft->name_place,
				       "nothing serin measures is called '%s', expected errors, p50, p90, p95, p99, "
				       "p99.9, or 'prometheus' and 'query'",
				       check->name);
	if (!check->url != !check->query)
		return config_complain(reader, check->place, "'%s' without '%s' in check '%s', expected both",
				       check->url ? "prometheus" : "query", check->url ? "query" : "prometheus",
				       check->name);
	check->kind = check->url ? CONFIG_PLAIN_PROMETHEUS : CONFIG_PLAIN_ERRORS;
	for (size_t i = 0; i < CONFIG_COUNT(latencies); i++) {
		if (strcmp(check->name, latencies[i].name))
			continue;
		check->kind = CONFIG_PLAIN_LATENCY;
		check->quantile = latencies[i].quantile;
	}
	return 0;
}

static int read_part(struct config_reader *reader, yaml_node_t *node, const char *what, double *ret)
{
	const char *text = config_text(node);
	unsigned int share;

	if (!text || parse_share(text, &share) < 0)
		return config_bad_value(reader, node, what, EXPECTED_INCREASE);
	*ret = share / (double)SHARE_WHOLE;
	return 0;
}

static int read_longest(struct config_reader *reader, yaml_node_t *node, double *ret)
{
	unsigned int ms;
	int err;

	err = config_value_duration(reader, node, "max", 1, 600 * 1000, EXPECTED_LONGEST, &ms);
	if (!err)
		*ret = ms / 1000.0;
	return err;
}

static int read_decimal(struct config_reader *reader, yaml_node_t *node, const char *what, double *ret)
{
	bool ratio = strstr(what, "ratio");
	const char *text = config_text(node);

	if (!text || parse_decimal(text, ratio ? 0.001 : -1e9, ratio ? 1000 : 1e9, ret) < 0)
		return config_bad_value(reader, node, what, ratio ? EXPECTED_QUOTIENT : EXPECTED_ANY);
	return 0;
}

static int read_bound(struct config_reader *reader, const struct plain_draft *draft, enum bound which,
		      struct config_bound *bound)
{
	enum config_plain_kind kind = draft->check->kind;
	yaml_node_t *node = draft->bounds[which];
	int err;

	if (!node)
		return 0;
	if (!kinds[kind].has[which])
		return config_complain(reader, config_place_of(node), "'%s' in check '%s', expected of: %s",
				       bound_names[which], draft->check->name, kinds[kind].names);
	if (which == MAX_INCREASE || (which == MAX && kind == CONFIG_PLAIN_ERRORS))
		err = read_part(reader, node, bound_names[which], &bound->value);
	else if (which == MAX && kind == CONFIG_PLAIN_LATENCY)
		err = read_longest(reader, node, &bound->value);
	else
		err = read_decimal(reader, node, bound_names[which], &bound->value);
	bound->is_set = !err;
	return err;
}

static bool excludes(const struct config_bound *max, const struct config_bound *min)
{
	return max->is_set && min->is_set && min->value > max->value;
}

static int complain_empty(struct config_reader *reader, const struct plain_draft *draft, enum bound min, enum bound max)
{
	return config_complain(reader, config_place_of(draft->bounds[min]),
			       "'%s' above '%s' in check '%s', expected bounds that a value can keep", bound_names[min],
			       bound_names[max], draft->check->name);
}

static int read_bounds(struct config_reader *reader, const struct plain_draft *draft)
{
	struct config_plain_check *check = draft->check;
	struct config_bound *bounds[BOUNDS] = { &check->max, &check->min, &check->max_increase, &check->max_ratio,
						&check->min_ratio };
	bool some = false;

	for (enum bound i = MAX; i < BOUNDS; i++) {
		int err = read_bound(reader, draft, i, bounds[i]);

		if (err)
			return err;
		some |= bounds[i]->is_set;
	}
	if (!some)
		return config_complain(reader, check->place, "no bound in check '%s', expected of: %s", check->name,
				       kinds[check->kind].names);
	if (excludes(&check->max, &check->min))
		return complain_empty(reader, draft, MIN, MAX);
	if (excludes(&check->max_ratio, &check->min_ratio))
		return complain_empty(reader, draft, MIN_RATIO, MAX_RATIO);
	return 0;
}

/* What only some kinds have, and what a ratio needs. */
static int check_kind(struct config_reader *reader, const struct plain_draft *draft)
{
	struct config_plain_check *check = draft->check;

	if (check->kind != CONFIG_PLAIN_PROMETHEUS)
		return 0;
	if (draft->requests)
		return config_complain(reader, config_place_of(draft->requests),
				       "'min_requests' in check '%s', expected none: what a query counts is its own",
				       check->name);
	check->min_requests = 0;
	if (prometheus_names_version(check->query) || (!check->max_ratio.is_set && !check->min_ratio.is_set))
		return 0;
	return config_complain(reader, config_place_of(draft->query),
			       "a query without $version in check '%s', expected one that tells versions apart: their "
			       "ratio is bounded",
			       check->name);
}

static int read_check(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct config_rollout *rollout = ((struct rollout_draft *)into)->rollout;
	struct config_plain_check *check = &rollout->checks[rollout->check_count++];
	struct plain_draft draft = { .check = check };
	int err;

	*check = (struct config_plain_check){
		.window = 60000,
		.min_requests = 100,
		.in_a_row = 1,
		.place = config_place_of(node),
	};
	err = config_read_mapping(reader, node, &check_mapping, &draft);
	if (!err)
		err = find_kind(reader, &draft);
	if (!err)
		err = read_bounds(reader, &draft);
	if (!err)
		err = check_kind(reader, &draft);
	for (size_t i = 0; !err && i + 1 < rollout->check_count; i++) {
		if (!strcmp(rollout->checks[i].name, check->name))
			err = config_complain(reader, draft.name_place,
					      "check '%s' again (first on line %u), expected it once", check->name,
					      rollout->checks[i].place.line);
	}
	return err;
}

int config_read_plain_checks(struct config_reader *reader, yaml_node_t *node, void *into)
{
	static const struct config_list list = {
		.name = "checks",
		.expected = "a list of 1 to 16 of {name: NAME, max_ratio: RATIO, ...}",
		.max = CONFIG_MAX_PLAIN_CHECKS,
		.read = read_check,
	};
	struct rollout_draft *draft = into;

	draft->rollout->checks = calloc(CONFIG_MAX_PLAIN_CHECKS, sizeof(*draft->rollout->checks));
	if (!draft->rollout->checks)
		return config_complain_memory(reader);
	return config_read_list(reader, node, &list, into);
}
