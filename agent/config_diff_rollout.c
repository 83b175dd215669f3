/* SPDX-License-Identifier: BSD-2-Clause */
/* The difference of two configurations in what they say about rollouts. One that runs keeps what it began with. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_diff.h"
#include "scalar.h"

#define LATER " (from the next start on)"

struct words {
	char text[64];
};

/* One key of two rollouts of a service. */
struct both {
	const struct config_service *of;
	const struct config_rollout *from, *to;
	struct config_lines *lines;
};

static void words(const struct both *both, const char *key, const char *from, const char *to)
{
	if (strcmp(from, to))
		config_lines_add(both->lines, "~ rollout.%s of %s: %s -> %s" LATER, key, both->of->name, from, to);
}

static void durations(const struct both *both, const char *key, unsigned int from, unsigned int to)
{
	struct words old, new;

	words(both, key, from ? duration_format_ms(from, old.text) : "off",
	      to ? duration_format_ms(to, new.text) : "off");
}

static void shares(const struct both *both, const char *key, unsigned int from, unsigned int to)
{
	struct words old, new;

	words(both, key, share_format(from, old.text), share_format(to, new.text));
}

static const char *ratio(bool on, double value, struct words *room)
{
	snprintf(room->text, sizeof(room->text), on ? "%g" : "off", value);
	return room->text;
}

/* All steps in one text, to be freed; NULL: out of memory. */
static char *steps(const struct config_schedule *schedule)
{
	char step[CONFIG_STEP_TEXT_LEN];
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; out && i < schedule->step_count; i++)
		fprintf(out, "%s%s", i ? ", " : "", config_step_format(&schedule->steps[i], step));
	if (out)
		fclose(out);
	return text;
}

static void diff_schedule(const struct both *both)
{
	const struct config_schedule *from = &both->from->schedule, *to = &both->to->schedule;
	char *old = steps(from), *new = steps(to);
	struct words old_text, new_text;

	if (old && new)
		words(both, "steps", old, new);
	else
		both->lines->incomplete = true;
	free(old);
	free(new);
	shares(both, "holdback", from->holdback, to->holdback);
	words(both, "on_unproven", config_unproven_name(from->on_unproven), config_unproven_name(to->on_unproven));
	words(both, "extend", ratio(true, from->extend, &old_text), ratio(true, to->extend, &new_text));
	durations(both, "deadline", from->deadline, to->deadline);
	words(both, "on_rollback", from->reset ? "reset" : "drain", to->reset ? "reset" : "drain");
}

static void diff_judge(const struct both *both)
{
	const struct config_judge *from = &both->from->judge, *to = &both->to->judge;
	struct words old, new;

	shares(both, "judge.false_alarm", from->false_alarm, to->false_alarm);
	shares(both, "judge.false_pass", from->false_pass, to->false_pass);
	durations(both, "judge.settle", from->settle, to->settle);
	words(both, "judge.errors", ratio(from->errors, from->errors_tolerate, &old),
	      ratio(to->errors, to->errors_tolerate, &new));
	words(both, "judge.outcomes", ratio(from->outcomes, from->outcomes_tolerate, &old),
	      ratio(to->outcomes, to->outcomes_tolerate, &new));
	words(both, "judge.latency", from->latency ? share_format(from->latency_tolerate, old.text) : "off",
	      to->latency ? share_format(to->latency_tolerate, new.text) : "off");
	durations(both, "judge.latency.warmup", from->warmup, to->warmup);
	words(both, "judge.health.ratio", ratio(true, from->health_ratio, &old), ratio(true, to->health_ratio, &new));
	words(both, "judge.health.objective", from->objective ? share_format(from->objective, old.text) : "off",
	      to->objective ? share_format(to->objective, new.text) : "off");
}

static const struct config_plain_check *find_check(const struct config_rollout *rollout, const char *name)
{
	for (size_t i = 0; i < rollout->check_count; i++) {
		if (!strcmp(rollout->checks[i].name, name))
			return &rollout->checks[i];
	}
	return NULL;
}

static const char *format(const struct config_plain_check *check, char *buffer)
{
	size_t length = strlen(config_plain_format(check, buffer));

	snprintf(buffer + length, 16, ": %s", config_plain_action_name(check->action));
	return buffer;
}

static bool is_same_source(const struct config_plain_check *a, const struct config_plain_check *b)
{
	return a->kind == b->kind && (!a->url || (!strcmp(a->url, b->url) && !strcmp(a->query, b->query)));
}

static void diff_checks(const struct both *both)
{
	char old_text[CONFIG_PLAIN_TEXT_LEN + 16], new_text[CONFIG_PLAIN_TEXT_LEN + 16];

	for (size_t i = 0; i < both->to->check_count; i++) {
		const struct config_plain_check *new = &both->to->checks[i], *old = find_check(both->from, new->name);

		format(new, new_text);
		if (!old)
			config_lines_add(both->lines, "+ check of %s: %s" LATER, both->of->name, new_text);
		else if (strcmp(format(old, old_text), new_text))
			config_lines_add(both->lines, "~ check of %s: %s -> %s" LATER, both->of->name, old_text,
					 new_text);
		else if (!is_same_source(old, new))
			config_lines_add(both->lines, "~ query of check %s of %s" LATER, new->name, both->of->name);
	}
	for (size_t i = 0; i < both->from->check_count; i++) {
		const struct config_plain_check *old = &both->from->checks[i];

		if (!find_check(both->to, old->name))
			config_lines_add(both->lines, "- check %s of %s" LATER, old->name, both->of->name);
	}
}

static const char *version_name(const struct config_service *service)
{
	int version = service->rollout->version;

	return version < 0 ? "whichever is not the baseline" : service->versions[version].name;
}

static void diff_notify(const struct config_service *from, const struct config_service *to, struct config_lines *lines)
{
	bool same = from->notify_count == to->notify_count;

	for (size_t i = 0; same && i < to->notify_count; i++)
		same = from->notify[i].on == to->notify[i].on && !strcmp(from->notify[i].url, to->notify[i].url);
	if (from->notify_count != to->notify_count)
		config_lines_add(lines, "~ notify of %s: %zu -> %zu", to->name, from->notify_count, to->notify_count);
	else if (!same)
		config_lines_add(lines, "~ notify of %s: %zu, others than before", to->name, to->notify_count);
}

void config_diff_find_rollout(const struct config_service *from, const struct config_service *to,
			      struct config_lines *lines)
{
	const struct both both = { .of = to, .from = from->rollout, .to = to->rollout, .lines = lines };

	diff_notify(from, to, lines);
	if (!from->rollout && to->rollout)
		config_lines_add(lines, "+ rollout of %s: %zu step%s" LATER, to->name, to->rollout->schedule.step_count,
				 to->rollout->schedule.step_count == 1 ? "" : "s");
	if (from->rollout && !to->rollout)
		config_lines_add(lines, "- rollout of %s" LATER, to->name);
	if (!from->rollout || !to->rollout)
		return;
	words(&both, "version", version_name(from), version_name(to));
	diff_schedule(&both);
	diff_judge(&both);
	diff_checks(&both);
}
