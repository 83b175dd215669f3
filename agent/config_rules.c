/* SPDX-License-Identifier: BSD-2-Clause */
/* A service's rules: those of the configuration file, and those of a file of their own. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "config_rules.h"
#include "rules.h"

#define MAX_RULES_FILE (32u << 20)
#define EXPECTED_RULES "a list of 1 to 100000 rules"

/* A rule of the list while it is read. */
struct rule_draft {
	struct config_service *service;
	struct config_rule rule;
};

int config_complain_rule(struct config_reader *reader, const char *path, struct config_place place, const char *text)
{
	return complain(reader->complaint, -EINVAL, "%s:%u:%u: %s", path, place.line, place.column, text);
}

int config_parse_rule_prefix(const char *text, struct prefix *ret, struct rule_problem *problem)
{
	struct prefix prefix;
	char trimmed[ADDRESS_TEXT_LEN], quoted[CONFIG_QUOTE_LEN];

	config_quote_text(text, strlen(text), quoted);
	if (prefix_parse(text, &prefix) < 0) {
		snprintf(problem->text, sizeof(problem->text), "invalid prefix '%s', expected %s", quoted,
			 EXPECTED_PREFIX);
		return -EINVAL;
	}
	if (prefix_trim(&prefix)) {
		snprintf(problem->text, sizeof(problem->text),
			 "prefix '%s' has bits behind its length, expected such as %s", quoted,
			 prefix_format(&prefix, trimmed));
		return -EINVAL;
	}
	*ret = prefix;
	return 0;
}

int config_find_rule_version(const struct config_service *service, const char *text, uint8_t *ret,
			     struct rule_problem *problem)
{
	char quoted[CONFIG_QUOTE_LEN];
	int index = config_find_version(service, text);

	if (index < 0) {
		snprintf(problem->text, sizeof(problem->text),
			 "'%s' is no version of service '%s', expected one such as '%s'",
			 config_quote_text(text, strlen(text), quoted), service->name, service->versions[0].name);
		return -EINVAL;
	}
	*ret = (uint8_t)index;
	return 0;
}

static int read_from(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct rule_draft *draft = into;
	const char *text = config_text(node);
	struct rule_problem problem;

	if (!text)
		return config_bad_value(reader, node, "prefix", EXPECTED_PREFIX);
	if (config_parse_rule_prefix(text, &draft->rule.prefix, &problem))
		return config_complain(reader, config_place_of(node), "%s", problem.text);
	draft->rule.place = config_place_of(node);
	return 0;
}

static int read_rule_version(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct rule_draft *draft = into;
	const char *text = config_text(node);
	struct rule_problem problem;

	if (!text)
		return config_bad_value(reader, node, "version", "the name of a version of this service");
	if (config_find_rule_version(draft->service, text, &draft->rule.version, &problem))
		return config_complain(reader, config_place_of(node), "%s", problem.text);
	return 0;
}

static int read_rule(struct config_reader *reader, yaml_node_t *node, void *into)
{
	static const struct config_key keys[] = {
		{ .name = "from", .read = read_from, .required = EXPECTED_PREFIX },
		{ .name = "version", .read = read_rule_version, .required = "the name of a version" },
	};
	static const struct config_mapping mapping = { .name = "a rule", CONFIG_KEYS(keys) };
	struct rule_draft draft = { .service = into };
	struct config_rules *rules = &draft.service->rules;
	int err;

	err = config_read_mapping(reader, node, &mapping, &draft);
	if (!err)
		rules->items[rules->count++] = draft.rule;
	return err;
}

static int read_list(struct config_reader *reader, yaml_node_t *node, struct config_service *service)
{
	static const struct config_list list = {
		.name = "rules",
		.expected = EXPECTED_RULES,
		.max = CONFIG_MAX_RULES,
		.read = read_rule,
	};

	if (config_is_list(node)) {
		size_t count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);

		service->rules.items = calloc(count ? count : 1, sizeof(*service->rules.items));
		if (!service->rules.items)
			return config_complain_memory(reader);
	}
	return config_read_list(reader, node, &list, service);
}

static int read_file(struct config_reader *reader, yaml_node_t *node, struct config_service *service)
{
	const char *path = config_text(node);
	struct config_rules *rules = &service->rules;
	size_t length;
	char *text;
	int err;

	if (!path || path[0] != '/' || strlen(path) >= PATH_MAX)
		return config_bad_value(reader, node, "rules_file", "an absolute path such as /etc/serin/shop.rules");
	rules->file = strdup(path);
	if (!rules->file)
		return config_complain_memory(reader);
	err = config_read_file(path, MAX_RULES_FILE, &text, &length);
	if (err == -EFBIG)
		return config_complain(reader, config_place_of(node), "%s: more than 32 MiB, expected up to %u rules",
				       path, CONFIG_MAX_RULES);
	if (err)
		return config_complain(reader, config_place_of(node), "%s: %s, expected a file that can be read", path,
				       strerror(-err));
	err = config_parse_rules(reader, service, text, length);
	free(text);
	return err;
}

static int complain_again(struct config_reader *reader, const struct config_rules *rules,
			  const struct config_rule *first, const struct config_rule *again)
{
	char prefix[ADDRESS_TEXT_LEN], where[32];
	struct rule_problem problem;

	snprintf(where, sizeof(where), "on line %u", first->place.line);
	snprintf(problem.text, sizeof(problem.text), "prefix '%s' again (first %s%s), expected it once in a service",
		 prefix_format(&again->prefix, prefix), where,
		 again->from_file && !first->from_file ? " of the configuration" : "");
	return config_complain_rule(reader, again->from_file ? rules->file : reader->path, again->place, problem.text);
}

static bool stands_before(const struct config_rule *one, const struct config_rule *other)
{
	if (one->from_file != other->from_file)
		return other->from_file;
	if (one->place.line != other->place.line)
		return one->place.line < other->place.line;
	return one->place.column < other->place.column;
}

/* Of all that are there twice, complain about the one that stands first. Equal ones are neighbours. */
static int check_once(struct config_reader *reader, const struct config_rules *rules)
{
	const struct config_rule *again = NULL, *first = NULL, *rule;
	size_t i;

	for (i = 1; i < rules->count; i++) {
		rule = &rules->items[i];
		if (rule->prefix.bits != rule[-1].prefix.bits ||
		    memcmp(&rule->prefix.addr, &rule[-1].prefix.addr, sizeof(rule->prefix.addr)))
			continue;
		if (again && stands_before(again, rule))
			continue;
		again = rule;
		first = rule - 1;
	}
	return again ? complain_again(reader, rules, first, again) : 0;
}

static int check_room(struct config_reader *reader, const struct config_draft *draft)
{
	reader->rule_count += rules_entry_count(&draft->service->rules);
	if (reader->rule_count <= CONFIG_MAX_ALL_RULES)
		return 0;
	return config_complain(reader, config_place_of(draft->rules_file ? draft->rules_file : draft->rules),
			       "%zu rules with those of service '%s', expected up to %u in all services together",
			       reader->rule_count, draft->service->name, CONFIG_MAX_ALL_RULES);
}

int config_read_rules(struct config_reader *reader, struct config_draft *draft)
{
	struct config_rules *rules = &draft->service->rules;
	int err = 0;

	if (draft->rules)
		err = read_list(reader, draft->rules, draft->service);
	if (!err && draft->rules_file)
		err = read_file(reader, draft->rules_file, draft->service);
	if (err || !rules->count)
		return err;
	rules_sort(rules);
	err = check_once(reader, rules);
	return err ? err : check_room(reader, draft);
}
