/* SPDX-License-Identifier: BSD-2-Clause */
/* Figures against bounds, and the sentence that says how that went. */
#include "plain_private.h"

#include <math.h>
#include <stdio.h>

#define VALUE_LEN 40
/* 5 % less 2 % is a little more than 3 % in binary, and must not break a bound of 3 %. */
#define ROUNDING 1e-9

bool plain_check_compares(const struct config_plain_check *config)
{
	return config->max_increase.is_set || config->max_ratio.is_set || config->min_ratio.is_set;
}

static bool is_above(double value, double bound)
{
	return value - bound > ROUNDING * (fabs(value) + fabs(bound));
}

static const char *format_value(enum config_plain_kind kind, double value, char buffer[VALUE_LEN])
{
	if (kind == CONFIG_PLAIN_ERRORS)
		snprintf(buffer, VALUE_LEN, "%.3g%%", 100 * value);
	else if (kind == CONFIG_PLAIN_PROMETHEUS)
		snprintf(buffer, VALUE_LEN, "%.5g", value);
	else if (value < 1)
		snprintf(buffer, VALUE_LEN, "%.3gms", 1000 * value);
	else
		snprintf(buffer, VALUE_LEN, "%.3gs", value);
	return buffer;
}

/* "errors: canary 5.2%" or "errors: canary 5.2%, stable 1.1%": every sentence begins with it. Returns its length. */
static int introduce(struct plain_check *check)
{
	const struct config_plain_check *config = check->config;
	char trial[VALUE_LEN], baseline[VALUE_LEN];

	format_value(config->kind, check->trial_value, trial);
	if (!plain_check_compares(config))
		return snprintf(check->reason, PLAIN_REASON_LEN, "%s: %s %s", config->name, check->trial, trial);
	format_value(config->kind, check->baseline_value, baseline);
	return snprintf(check->reason, PLAIN_REASON_LEN, "%s: %s %s, %s %s", config->name, check->trial, trial,
			check->baseline, baseline);
}

/* What is wrong with it, and false; or true. */
static bool keeps_values(const struct plain_check *check, char *ret, size_t size)
{
	const struct config_plain_check *config = check->config;
	char bound[VALUE_LEN];

	if (config->max.is_set && is_above(check->trial_value, config->max.value)) {
		snprintf(ret, size, "above %s", format_value(config->kind, config->max.value, bound));
		return false;
	}
	if (config->min.is_set && is_above(config->min.value, check->trial_value)) {
		snprintf(ret, size, "below %s", format_value(config->kind, config->min.value, bound));
		return false;
	}
	return true;
}

/* Ratios by multiplication: of a baseline without any error, every error is more than any multiple. */
static bool keeps_comparison(const struct plain_check *check, char *ret, size_t size)
{
	const struct config_plain_check *config = check->config;
	double trial = check->trial_value, baseline = check->baseline_value;

	if (config->max_increase.is_set && is_above(trial, baseline + config->max_increase.value)) {
		snprintf(ret, size, "%.3g points more, at most %.3g allowed", 100 * (trial - baseline),
			 100 * config->max_increase.value);
		return false;
	}
	if (config->max_ratio.is_set && is_above(trial, config->max_ratio.value * baseline)) {
		snprintf(ret, size, "more than %.4g times as much", config->max_ratio.value);
		return false;
	}
	if (config->min_ratio.is_set && is_above(config->min_ratio.value * baseline, trial)) {
		snprintf(ret, size, "less than %.4g times as much", config->min_ratio.value);
		return false;
	}
	return true;
}

void plain_judge(struct plain_check *check)
{
	int length = introduce(check), room = PLAIN_REASON_LEN - length;
	char wrong[96];

	check->known = true;
	if (keeps_values(check, wrong, sizeof(wrong)) && keeps_comparison(check, wrong, sizeof(wrong))) {
		check->failed = 0;
		check->verdict = PLAIN_PASSED;
		return;
	}
	check->failed += check->failed < check->config->in_a_row;
	check->verdict = check->failed < check->config->in_a_row ? PLAIN_FAILING : PLAIN_FAILED;
	length += snprintf(check->reason + length, (size_t)room, ": %s", wrong);
	room = PLAIN_REASON_LEN - length;
	if (check->config->in_a_row > 1)
		snprintf(check->reason + length, (size_t)room, " (window %u of %u in a row)", check->failed,
			 check->config->in_a_row);
}

static int add_side(json_t *object, const struct plain_check *check, const char *key, const char *version, double value,
		    uint64_t requests)
{
	json_t *side = json_pack("{s:s, s:f}", "version", version, "value", value);

	if (side && check->config->kind != CONFIG_PLAIN_PROMETHEUS)
		json_object_set_new(side, "requests", json_integer((json_int_t)requests));
	return json_object_set_new(object, key, side);
}

json_t *plain_check_to_json(const struct plain_check *check)
{
	json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:i, s:i}", "name", check->config->name, "verdict",
				   plain_verdict_name(check->verdict), "action",
				   config_plain_action_name(check->config->action), "reason", check->reason,
				   "failed_in_a_row", (int)check->failed, "for", (int)check->config->in_a_row);
	int failed = 0;

	if (!object || !check->known)
		return object;
	failed |= add_side(object, check, "trial", check->trial, check->trial_value, check->trial_requests);
	if (plain_check_compares(check->config))
		failed |= add_side(object, check, "baseline", check->baseline, check->baseline_value,
				   check->baseline_requests);
	if (failed) {
		json_decref(object);
		return NULL;
	}
	return object;
}
