/* SPDX-License-Identifier: BSD-2-Clause */
/* Windows: when one is over, what was counted in it, and how many have failed in a row. */
#include "plain_private.h"

#include <stdarg.h>
#include <stdio.h>

#include "histogram.h"
#include "scalar.h"

static const char *const verdict_names[] = {
	[PLAIN_NO_DATA] = "no-data",
	[PLAIN_PASSED] = "passed",
	[PLAIN_FAILING] = "failing",
	[PLAIN_FAILED] = "failed",
};

const char *plain_verdict_name(enum plain_verdict verdict)
{
	return verdict_names[verdict];
}

void plain_no_data(struct plain_check *check, const char *format, ...)
{
	va_list arguments;

	check->verdict = PLAIN_NO_DATA;
	check->known = false;
	va_start(arguments, format);
	vsnprintf(check->reason, sizeof(check->reason), format, arguments);
	va_end(arguments);
}

static void begin_window(struct plain_check *check, const struct plain_sample *now, int64_t now_ms)
{
	check->from = *now;
	check->began_ms = now_ms;
}

void plain_check_begin(struct plain_check *check, const struct config_plain_check *config, const char *trial,
		       const char *baseline, const struct plain_sample *now, int64_t now_ms)
{
	char window[DURATION_TEXT_LEN];

	*check = (struct plain_check){ .config = config, .trial = trial, .baseline = baseline };
	begin_window(check, now, now_ms);
	plain_no_data(check, "no data: the first window of %s is not over", duration_format_ms(config->window, window));
}

/* In the window. False: a counter ran backwards, so they were begun anew and there is no difference to take. */
static bool gain(const struct plain_counts *from, const struct plain_counts *to, struct plain_counts *ret)
{
	if (to->requests < from->requests || to->failed < from->failed)
		return false;
	ret->failed = to->failed - from->failed;
	ret->requests = to->requests - from->requests;
	if (ret->requests < ret->failed)
		ret->requests = ret->failed; /* turns that had begun before the window did */
	for (unsigned int i = 0; i < SERIN_HISTOGRAM_BUCKETS; i++) {
		if (to->times[i] < from->times[i])
			return false;
		ret->times[i] = to->times[i] - from->times[i];
	}
	return true;
}

static uint64_t requests_of(const struct config_plain_check *config, const struct plain_counts *counts)
{
	return config->kind == CONFIG_PLAIN_LATENCY ? histogram_count(counts->times) : counts->requests;
}

/* What was counted in the window. False: too little of it, which is then the verdict. */
static bool count(struct plain_check *check, const struct plain_sample *now, struct plain_sample *ret)
{
	const struct config_plain_check *config = check->config;
	char window[DURATION_TEXT_LEN];

	duration_format_ms(config->window, window);
	if (!gain(&check->from.trial, &now->trial, &ret->trial) ||
	    !gain(&check->from.baseline, &now->baseline, &ret->baseline)) {
		plain_no_data(check, "no data: the counters were begun anew within the window of %s", window);
		return false;
	}
	check->trial_requests = requests_of(config, &ret->trial);
	check->baseline_requests = requests_of(config, &ret->baseline);
	if (check->trial_requests < config->min_requests ||
	    (plain_check_compares(config) && check->baseline_requests < config->min_requests)) {
		plain_no_data(check, "no data: %llu requests of %s and %llu of %s in the window of %s, %u expected",
			      (unsigned long long)check->trial_requests, check->trial,
			      (unsigned long long)check->baseline_requests, check->baseline, window,
			      config->min_requests);
		return false;
	}
	return true;
}

static double error_rate(const struct plain_counts *counts)
{
	return counts->requests ? (double)counts->failed / (double)counts->requests : 0;
}

static void measure(struct plain_check *check, const struct plain_sample *gained)
{
	double quantile = check->config->quantile;

	if (check->config->kind == CONFIG_PLAIN_ERRORS) {
		check->trial_value = error_rate(&gained->trial);
		check->baseline_value = error_rate(&gained->baseline);
	} else {
		check->trial_value = histogram_quantile(gained->trial.times, quantile);
		check->baseline_value = histogram_quantile(gained->baseline.times, quantile);
	}
	/* Too few requests are only too few where the file says so, but none at all have no quantile. */
	if (check->trial_value < 0 || (plain_check_compares(check->config) && check->baseline_value < 0))
		plain_no_data(check, "no data: no request was answered in the window");
	else
		plain_judge(check);
}

static bool is_over(const struct plain_check *check, int64_t now_ms)
{
	return now_ms - check->began_ms >= (int64_t)check->config->window;
}

bool plain_check_tick(struct plain_check *check, const struct plain_sample *now, int64_t now_ms)
{
	struct plain_sample gained;

	if (!is_over(check, now_ms))
		return false;
	check->looked = true;
	if (count(check, now, &gained))
		measure(check, &gained);
	begin_window(check, now, now_ms);
	return true;
}

bool plain_check_due(struct plain_check *check, const struct plain_sample *now, int64_t now_ms)
{
	struct plain_sample gained;
	bool due;

	if (!is_over(check, now_ms))
		return false;
	due = !check->config->min_requests || count(check, now, &gained);
	check->looked |= !due;
	begin_window(check, now, now_ms);
	return due;
}

void plain_check_answer(struct plain_check *check, const struct prometheus_value *trial,
			const struct prometheus_value *baseline)
{
	check->looked = true;
	if (!trial->known) {
		plain_no_data(check, "no data for %s: %s", check->trial, trial->why);
		return;
	}
	check->trial_value = trial->value;
	if (plain_check_compares(check->config)) {
		if (!baseline->known) {
			plain_no_data(check, "no data for %s: %s", check->baseline, baseline->why);
			return;
		}
		check->baseline_value = baseline->value;
		if ((check->config->max_ratio.is_set || check->config->min_ratio.is_set) && baseline->value <= 0) {
			plain_no_data(check, "no data: a ratio needs a positive value of %s, and it is %g",
				      check->baseline, baseline->value);
			return;
		}
	}
	plain_judge(check);
}
