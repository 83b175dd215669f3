/* SPDX-License-Identifier: BSD-2-Clause */
/* What `serin status` says of a rollout: where it stands, how sure the judge is, what the kernel would do alone. */
#include <math.h>
#include <string.h>

#include "rollout_text.h"
#include "scalar.h"
#include "status_text.h"
#include "table.h"

#define RED "\033[31m"
#define PLAIN "\033[0m"

#define FEW_CLIENTS 3.0    /* with fewer on trial, one time in twenty there are none */
#define ENOUGH_OPENED 30.0 /* connections that were to go there: less is chance */

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static double number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_number(value) ? json_number_value(value) : NAN;
}

static void print_ratios(FILE *out, const json_t *checks)
{
	const char *between = ": ", *name;
	json_t *check;

	json_object_foreach ((json_t *)checks, name, check) {
		double ratio = number(check, "ratio");

		if (isnan(ratio))
			continue;
		fputs(between, out);
		text_print(out, name);
		fprintf(out, " %.0f%%", 100 * fmin(fmax(ratio, 0), 10));
		between = ", ";
	}
	if (strcmp(between, ": "))
		fputs(" of the evidence that rolls back", out);
}

static void print_missing(FILE *out, const json_t *judge)
{
	double detectable = number(judge, "detectable"), clients = number(judge, "more_clients");
	char text[STATUS_COUNT_LEN];

	if (!strcmp(text_of(judge, "finding"), "regression") || (isnan(detectable) && isnan(clients)))
		return;
	fputs("         ", out);
	if (!isnan(detectable))
		fprintf(out, "%.3g times the failures would show by now", detectable);
	if (!isnan(clients) && clients > 0)
		fprintf(out, "%s%s more clients show health", isnan(detectable) ? "" : "; ",
			status_count((unsigned long long)fmin(clients, 1e18), text));
	putc('\n', out);
}

static void print_judge(FILE *out, const json_t *judge)
{
	if (!*text_of(judge, "finding"))
		return;
	fputs("judge    ", out);
	text_print(out, text_of(judge, "finding"));
	print_ratios(out, json_object_get(judge, "checks"));
	putc('\n', out);
	print_missing(out, judge);
}

static void print_lease(FILE *out, double lease)
{
	char text[ROLLOUT_TIME_LEN];

	if (isnan(lease))
		return;
	if (lease <= 0)
		fputs(", lease over: no new connection goes there", out);
	else if (lease < 10)
		fprintf(out, ", lease %.1fs", lease);
	else
		fprintf(out, ", lease %s", rollout_time(lease, text));
}

void rollout_print_guard(FILE *out, const json_t *guard, const char *version)
{
	double allowance = number(guard, "allowance");

	if (json_is_true(json_object_get(guard, "tripped"))) {
		fputs("tripped: the kernel sends no new connection there", out);
		return;
	}
	if (json_is_true(json_object_get(guard, "closed"))) {
		fputs("closed: no new connection goes there", out);
		return;
	}
	if (isnan(allowance) || allowance > 1e15) {
		fputs("armed, no line on errors", out);
	} else {
		double left = fmax(1, ceil(allowance)); /* it has not tripped: one more it takes */

		fprintf(out, "armed, %.0f more failed client%s of ", left, left > 1 ? "s" : "");
		text_print(out, version);
		fprintf(out, " alone trip%s it", left > 1 ? "" : "s");
	}
	print_lease(out, number(guard, "lease_seconds"));
}

static void print_guard(FILE *out, const json_t *rollout, bool colours)
{
	const json_t *guard = json_object_get(rollout, "guard");
	bool stopped = json_is_true(json_object_get(guard, "tripped")) || number(guard, "lease_seconds") <= 0;

	if (!json_is_true(json_object_get(guard, "armed")))
		return;
	fprintf(out, "guard    %s", colours && stopped ? RED : "");
	rollout_print_guard(out, guard, text_of(rollout, "version"));
	fprintf(out, "%s\n", colours && stopped ? PLAIN : "");
}

/* Those that pass are not worth a line each. */
static void print_checks(FILE *out, const json_t *checks)
{
	size_t passed = 0, i;
	json_t *check;

	json_array_foreach (checks, i, check) {
		const char *verdict = text_of(check, "verdict");

		if (!strcmp(verdict, "passed")) {
			passed++;
			continue;
		}
		fputs("check    ", out);
		text_print(out, text_of(check, "name"));
		putc(' ', out);
		text_print(out, verdict);
		fputs(*text_of(check, "reason") ? ": " : "", out);
		text_print(out, text_of(check, "reason"));
		putc('\n', out);
	}
	if (passed && passed == json_array_size(checks))
		fprintf(out, passed == 1 ? "check    the one there is passes\n" : "check    all %zu pass\n", passed);
}

static const json_t *find_version(const json_t *service, const char *name)
{
	json_t *version;
	size_t i;

	json_array_foreach (json_object_get(service, "versions"), i, version) {
		if (!strcmp(text_of(version, "name"), name))
			return version;
	}
	return NULL;
}

static double sum_opened(const json_t *service)
{
	double seconds = number(service, "window_seconds"), sum = 0;
	json_t *version;
	size_t i;

	json_array_foreach (json_object_get(service, "versions"), i, version)
		sum += json_number_value(json_object_get(version, "opened_per_second"));
	return seconds > 0 ? sum * seconds : 0;
}

/* Clients are drawn, connections are measured. Of N clients that are alike, a version with share w gets the fraction m
 * of the connections with a variance of w(1-w)/N: so m says how many there might be, wN of them on trial. */
static void print_warning(FILE *out, const json_t *service)
{
	const char *name = text_of(json_object_get(service, "rollout"), "version");
	const json_t *version = find_version(service, name);
	double share = number(version, "weight") / SHARE_WHOLE, measured = number(version, "measured"),
	       off = measured - share;
	char text[SHARE_TEXT_LEN];

	if (strcmp(text_of(json_object_get(service, "affinity"), "by"), "source") || !(share > 0) || share >= 1 ||
	    isnan(measured) || sum_opened(service) * share < ENOUGH_OPENED)
		return;
	if (off * off * FEW_CLIENTS <= share * share * (1 - share))
		return;
	fputs("warning  ", out);
	text_print(out, name);
	fprintf(out, " gets %.1f%% of the connections: %s is a small share for so few clients\n", 100 * measured,
		share_format((unsigned int)lround(share * SHARE_WHOLE), text));
}

static bool is_judged(const json_t *rollout)
{
	const char *state = text_of(rollout, "state");

	return !strcmp(state, "progressing") || !strcmp(state, "paused");
}

static void print_place(FILE *out, const json_t *rollout, bool colours)
{
	bool is_bad = colours && !strcmp(text_of(rollout, "state"), "rolled_back");

	fprintf(out, "rollout  %s", is_bad ? RED : "");
	rollout_print_line(out, rollout);
	fprintf(out, "%s\n", is_bad ? PLAIN : "");
}

/* Which version is the baseline was in a state file that is damaged. */
static void print_lost(FILE *out, const json_t *service, bool colours)
{
	fprintf(out, "baseline %sunknown: nobody is served until `serin baseline ", colours ? RED : "");
	text_print(out, text_of(service, "name"));
	fprintf(out, " VERSION`%s\n", colours ? PLAIN : "");
}

void rollout_print_block(FILE *out, const json_t *service, bool colours)
{
	const json_t *rollout = json_object_get(service, "rollout");

	if (json_is_null(json_object_get(service, "baseline")))
		print_lost(out, service, colours);
	if (!*text_of(rollout, "state") || !*text_of(rollout, "version"))
		return;
	print_place(out, rollout, colours);
	print_guard(out, rollout, colours);
	if (!is_judged(rollout))
		return;
	print_judge(out, json_object_get(rollout, "judge"));
	print_checks(out, json_object_get(rollout, "checks"));
	print_warning(out, service);
}
