/* SPDX-License-Identifier: BSD-2-Clause */
/* Parts of a rollout's configuration in words. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "scalar.h"

const char *config_step_format(const struct config_step *step, char *buffer)
{
	char weight[SHARE_TEXT_LEN], time[DURATION_TEXT_LEN], pause[DURATION_TEXT_LEN];
	int used;

	used = snprintf(buffer, CONFIG_STEP_TEXT_LEN, "%s", share_format(step->weight, weight));
	if (step->for_ms)
		used += snprintf(buffer + used, CONFIG_STEP_TEXT_LEN - (size_t)used, " for %s",
				 duration_format_ms(step->for_ms, time));
	if (step->pause == CONFIG_PAUSE_MANUAL)
		snprintf(buffer + used, CONFIG_STEP_TEXT_LEN - (size_t)used, " until promoted");
	else if (step->pause == CONFIG_PAUSE_TIMED)
		snprintf(buffer + used, CONFIG_STEP_TEXT_LEN - (size_t)used, " and a pause of %s",
			 duration_format_ms(step->pause_ms, pause));
	return buffer;
}

/* A text that grows, in room that is enough for all that is ever said here. */
struct words {
	char *text;
	size_t used;
	const char *between;
};

static void __attribute__((format(printf, 2, 3))) say(struct words *words, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(words->text + words->used, CONFIG_PLAIN_TEXT_LEN - words->used, format, args);
	va_end(args);
	words->used += (size_t)n;
	if (words->used >= CONFIG_PLAIN_TEXT_LEN)
		words->used = CONFIG_PLAIN_TEXT_LEN - 1;
}

static void say_bound(struct words *words, const struct config_bound *bound, const char *before, double unit,
		      const char *behind)
{
	if (!bound->is_set)
		return;
	say(words, "%s %s %g%s", words->between, before, bound->value * unit, behind);
	words->between = " or";
}

const char *config_plain_format(const struct config_plain_check *check, char *buffer)
{
	struct words words = { .text = buffer, .between = "" };
	char window[DURATION_TEXT_LEN];
	bool errors = check->kind == CONFIG_PLAIN_ERRORS, latency = check->kind == CONFIG_PLAIN_LATENCY;

	say(&words, "%s", check->name);
	say_bound(&words, &check->max_increase, "more than", 100, "% above the baseline's");
	say_bound(&words, &check->max_ratio, "above", 1, " times the baseline's");
	say_bound(&words, &check->min_ratio, "below", 1, " times the baseline's");
	say_bound(&words, &check->max, "above", errors ? 100 : latency ? 1000 : 1, errors ? "%" : latency ? "ms" : "");
	say_bound(&words, &check->min, "below", 1, "");
	say(&words, check->kind == CONFIG_PLAIN_PROMETHEUS ? ", asked every %s" : ", over %s",
	    duration_format_ms(check->window, window));
	if (check->min_requests)
		say(&words, " from %u requests on", check->min_requests);
	if (check->in_a_row > 1)
		say(&words, ", %u times in a row", check->in_a_row);
	return buffer;
}
