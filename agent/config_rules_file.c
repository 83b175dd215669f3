/* SPDX-License-Identifier: BSD-2-Clause */
/* The text of a file of rules: one per line, in the simplest form that a script can write. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config_rules.h"

#define EXPECTED_LINE "PREFIX VERSION such as 10.8.0.0/16 canary"

struct rules_text {
	struct config_reader *reader;
	struct config_service *service;
	const char *at, *end;
	const char *line; /* where the line begins */
	unsigned int number;
	size_t room;
};

/* Room for what counts in a word: every longer one is wrong, whatever follows. */
struct word {
	char text[CONFIG_QUOTE_LEN * 2];
	struct config_place place;
};

static struct config_place place_of(const struct rules_text *text, const char *at)
{
	return (struct config_place){ text->number, (unsigned int)(at - text->line) + 1 };
}

static int complain_about(struct rules_text *text, struct config_place place, const char *problem)
{
	return config_complain_rule(text->reader, text->service->rules.file, place, problem);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of the line. False at its end. */
static bool take_word(struct rules_text *text, struct word *ret)
{
	size_t used = 0;

	while (text->at < text->end && is_space(*text->at))
		text->at++;
	ret->place = place_of(text, text->at);
	if (text->at == text->end || *text->at == '\n' || *text->at == '#')
		return false;
	for (; text->at < text->end && !is_space(*text->at) && *text->at != '\n' && *text->at != '#'; text->at++) {
		if (used + 1 < sizeof(ret->text))
			ret->text[used++] = *text->at;
	}
	ret->text[used] = '\0';
	return true;
}

static int grow(struct rules_text *text)
{
	struct config_rules *rules = &text->service->rules;
	struct config_rule *items;

	if (rules->count < text->room)
		return 0;
	text->room = rules->count < 1024 ? 1024 : 2 * rules->count;
	items = reallocarray(rules->items, text->room, sizeof(*items));
	if (!items)
		return config_complain_memory(text->reader);
	rules->items = items;
	return 0;
}

static int add_rule(struct rules_text *text, const struct config_rule *rule)
{
	struct config_rules *rules = &text->service->rules;
	struct rule_problem problem;
	int err;

	if (rules->count >= CONFIG_MAX_RULES) {
		snprintf(problem.text, sizeof(problem.text), "one rule too many, expected up to %u in a service",
			 CONFIG_MAX_RULES);
		return complain_about(text, rule->place, problem.text);
	}
	err = grow(text);
	if (!err)
		rules->items[rules->count++] = *rule;
	return err;
}

static int complain_end(struct rules_text *text, const struct word *word)
{
	char quoted[CONFIG_QUOTE_LEN];
	struct rule_problem problem;

	snprintf(problem.text, sizeof(problem.text), "'%s' behind a rule, expected only %s on a line",
		 config_quote_text(word->text, strlen(word->text), quoted), EXPECTED_LINE);
	return complain_about(text, word->place, problem.text);
}

static size_t line_length(const struct rules_text *text)
{
	const char *newline = memchr(text->at, '\n', (size_t)(text->end - text->at));

	return (size_t)((newline ? newline : text->end) - text->at);
}

static int read_line(struct rules_text *text)
{
	struct config_rule rule = { .from_file = true };
	struct word prefix, version, more;
	struct rule_problem problem;
	const char *zero = memchr(text->at, '\0', line_length(text));

	if (zero)
		return complain_about(text, place_of(text, zero), "a zero byte, expected text");
	if (!take_word(text, &prefix))
		return 0;
	rule.place = prefix.place;
	if (config_parse_rule_prefix(prefix.text, &rule.prefix, &problem))
		return complain_about(text, prefix.place, problem.text);
	if (!take_word(text, &version))
		return complain_about(text, version.place, "no version behind the prefix, expected " EXPECTED_LINE);
	if (config_find_rule_version(text->service, version.text, &rule.version, &problem))
		return complain_about(text, version.place, problem.text);
	if (take_word(text, &more))
		return complain_end(text, &more);
	return add_rule(text, &rule);
}

int config_parse_rules(struct config_reader *reader, struct config_service *service, const char *text, size_t length)
{
	struct rules_text it = { .reader = reader, .service = service, .at = text, .end = text + length };
	int err = 0;

	if (length >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		it.at += 3; /* a byte order mark */
	it.room = service->rules.count;
	while (!err && it.at < it.end) {
		it.line = it.at;
		it.number++;
		err = read_line(&it);
		while (it.at < it.end && *it.at != '\n')
			it.at++;
		it.at += it.at < it.end;
	}
	return err;
}
