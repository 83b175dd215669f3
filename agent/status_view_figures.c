/* SPDX-License-Identifier: BSD-2-Clause */
/* A version's figures out of the agent's answer, and their texts. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "status_text.h"
#include "status_view_private.h"
#include "window.h"

static const char *const reason_keys[VIEW_REASONS] = {
#define REASON_KEY(upper, label, text) [SERIN_FAILURE_##upper] = #label,
	SERIN_FAILURE_REASONS(REASON_KEY)
#undef REASON_KEY
		[VIEW_HTTP_5XX] = "http_5xx",
};

static double number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_number(value) ? json_number_value(value) : NAN;
}

static void read_times(const json_t *window, const char *key, double ret[VIEW_QUANTILES])
{
	const json_t *times = json_object_get(window, key);

	ret[VIEW_P50] = number(times, "p50");
	ret[VIEW_P95] = number(times, "p95");
	ret[VIEW_P99] = number(times, "p99");
}

static void read_window(const json_t *window, struct view_version *ret)
{
	const json_t *reasons = json_object_get(window, "failures_per_second");
	double seconds = number(window, "seconds");

	ret->requests = number(window, "requests_per_second");
	ret->connections = number(window, "connections_per_second");
	ret->failed = number(window, "failed");
	ret->of = number(window, "of");
	ret->failure_ratio = ret->of > 0 ? number(window, "failure_ratio") : NAN;
	for (size_t i = 0; i < VIEW_REASONS; i++)
		ret->reasons[i] = ret->of > 0 ? number(reasons, reason_keys[i]) * seconds / ret->of : NAN;
	read_times(window, "response", ret->response);
	read_times(window, "handshake", ret->handshake);
}

int view_read_version(json_t *json, struct view_version *ret, struct complaint *complaint)
{
	json_error_t where;
	int weight;

	memset(ret, 0, sizeof(*ret));
	if (json_unpack_ex(json, &where, 0, "{s:s, s:s, s:i}", "name", &ret->name, "role", &ret->role, "weight",
			   &weight))
		return complain(complaint, -EBADMSG, "the agent's answer has no usable version: %s", where.text);
	ret->weight = weight / 10000.0;
	ret->measured = number(json, "measured");
	ret->low = number(json, "measured_low");
	ret->high = number(json, "measured_high");
	read_window(json_object_get(json, "window"), ret);
	if (isnan(ret->connections))
		ret->connections = number(json, "opened_per_second");
	ret->active = number(json, "active");
	ret->clients = number(json, "incident_clients");
	return 0;
}

const char *view_share(double ratio, char *buffer)
{
	if (isnan(ratio))
		snprintf(buffer, VIEW_TEXT_LEN, "-");
	else if (ratio > 0 && ratio < 0.0001)
		snprintf(buffer, VIEW_TEXT_LEN, "<0.01%%");
	else
		snprintf(buffer, VIEW_TEXT_LEN, "%.*f%%", ratio > 0 && ratio < 1 ? 2 : 0, 100 * ratio);
	return buffer;
}

const char *view_percent(double ratio, char *buffer)
{
	if (isnan(ratio))
		snprintf(buffer, VIEW_TEXT_LEN, "-");
	else
		snprintf(buffer, VIEW_TEXT_LEN, "%.1f%%", 100 * ratio);
	return buffer;
}

const char *view_rate(double rate, char *buffer)
{
	if (isnan(rate) || rate < 0)
		snprintf(buffer, VIEW_TEXT_LEN, "-");
	else if (rate >= 1000)
		status_count((unsigned long long)fmin(rate, 1e18), buffer);
	else
		snprintf(buffer, VIEW_TEXT_LEN, "%.*f", rate >= 100 ? 0 : 1, rate);
	return buffer;
}

/* Three digits that count. */
const char *view_time(double seconds, char *buffer)
{
	static const char *const units[] = { "us", "ms", "s" };
	double value = seconds * 1e6;
	size_t unit = 0;

	if (isnan(seconds)) {
		snprintf(buffer, VIEW_TEXT_LEN, "-");
		return buffer;
	}
	while (unit < 2 && value >= 999.5) {
		value /= 1000;
		unit++;
	}
	snprintf(buffer, VIEW_TEXT_LEN, "%.*f%s",
		 unit == 0 || value >= 99.95 ? 0
		 : value >= 9.995            ? 1
					     : 2,
		 value, units[unit]);
	return buffer;
}

const char *view_interval(double low, double high, char *buffer)
{
	if (isnan(low) || isnan(high))
		snprintf(buffer, VIEW_TEXT_LEN, "-");
	else
		snprintf(buffer, VIEW_TEXT_LEN, "%.1f-%.1f%%", 100 * low, 100 * high);
	return buffer;
}

bool view_is_worse(const struct view_version *version, double baseline_ratio)
{
	double low, high;

	if (!(version->of >= 1) || !(version->failed >= 0) || version->failed > version->of || isnan(baseline_ratio))
		return false;
	window_wilson((uint64_t)version->failed, (uint64_t)version->of, &low, &high);
	return low > baseline_ratio;
}
