/* SPDX-License-Identifier: BSD-2-Clause */
/* The sentences around the table: what follows of it, what is missing, what else would stop the rollout. */
#include "why_text.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "rollout_text.h"
#include "status_text.h"
#include "table.h"
#include "why_private.h"

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* "regression, more clients meet errors (errors in the rollout): evidence 1250 of 400" */
static void print_verdict(FILE *out, const json_t *arithmetic)
{
	const json_t *reason = json_object_get(arithmetic, "reason");
	char found[WHY_CELL_LEN], required[WHY_CELL_LEN];

	fputs("verdict: ", out);
	text_print(out, text_of(arithmetic, "finding"));
	if (json_is_object(reason)) {
		fputs(", ", out);
		text_print(out, text_of(reason, "words"));
		fputs(" (", out);
		text_print(out, text_of(reason, "check"));
		fputs(" in the ", out);
		text_print(out, text_of(reason, "process"));
		fprintf(out, "): evidence %s of %s when it was found", why_evidence(why_number(reason, "ln"), found),
			why_evidence(why_number(reason, "required"), required));
	}
	putc('\n', out);
}

static void print_objective(FILE *out, const json_t *objective)
{
	const json_t *health = json_object_get(objective, "health");
	char clients[STATUS_COUNT_LEN], is[WHY_CELL_LEN], of[WHY_CELL_LEN];

	if (!json_is_object(objective))
		return;
	fprintf(out, "         fewer than %.3g%% of its clients fail: evidence %s of %s, from %s clients\n",
		100 * why_number(objective, "share"), why_evidence(why_number(health, "ln"), is),
		why_evidence(why_number(health, "required"), of),
		status_count((unsigned long long)fmax(0, why_number(objective, "clients")), clients));
}

/* The way is that of ln E: halfway, evidence multiplies as much again as it has. */
static void print_check(FILE *out, const char *name, const json_t *check)
{
	double ratio = why_number(check, "ratio");

	fprintf(out, "%-8.8s %.0f%% of the way to a rollback, health %s\n", name,
		isnan(ratio) ? 0 : 100 * fmin(fmax(ratio, 0), 10),
		json_is_true(json_object_get(check, "healthy")) ? "shown" : "not shown");
	print_objective(out, json_object_get(check, "objective"));
}

static void print_missing(FILE *out, const json_t *missing, const char *version)
{
	double incidents = why_number(missing, "more_incidents"), clients = why_number(missing, "more_clients"),
	       detectable = why_number(missing, "detectable_ratio");
	const char *label = "missing  ";
	char text[STATUS_COUNT_LEN];

	if (incidents > 0) {
		fprintf(out, "%s%s more failed clients of the baseline, and none of ", label,
			status_count((unsigned long long)fmin(incidents, 1e18), text));
		text_print(out, version);
		fputs("'s, show health\n", out);
		label = "     or  ";
	}
	if (clients > 0) {
		fprintf(out, "%s%s more clients of ", label,
			status_count((unsigned long long)fmin(clients, 1e18), text));
		text_print(out, version);
		fputs("'s without a failure do\n", out);
	}
	if (detectable > 0)
		fprintf(out, "power    %.3g times the baseline's failures, or more, would have been seen by now\n",
			detectable);
}

static void print_guard(FILE *out, const json_t *why)
{
	const json_t *guard = json_object_get(why, "guard");

	if (!json_is_true(json_object_get(guard, "armed")))
		return;
	fputs("guard    ", out);
	rollout_print_guard(out, guard, text_of(why, "version"));
	putc('\n', out);
}

static void print_plain_checks(FILE *out, const json_t *checks)
{
	json_t *check;
	size_t i;

	json_array_foreach (checks, i, check) {
		fputs("plain    ", out);
		text_print(out, text_of(check, "name"));
		putc(' ', out);
		text_print(out, text_of(check, "verdict"));
		fputs(" (", out);
		text_print(out, text_of(check, "action"));
		fputs(*text_of(check, "reason") ? "): " : ")", out);
		text_print(out, text_of(check, "reason"));
		putc('\n', out);
	}
}

static void print_promise(FILE *out, const json_t *arithmetic)
{
	double trials = why_number(arithmetic, "trials");

	fputs("\nevidence: how many times likelier these counts are if it is worse. It takes as much as\n"
	      "rolls back a version that is no worse",
	      out);
	fprintf(out, " in %.3g%% of rollouts at most", 100 * why_number(arithmetic, "false_alarm"));
	if (trials > 1)
		fprintf(out, ", all %.0f on trial together", trials);
	fprintf(out, ".\nhealth: the same against one that is %.3g times as bad, called healthy in %.3g%% at most.\n",
		why_number(arithmetic, "worse"), 100 * why_number(arithmetic, "false_health"));
}

static int print_arithmetic(FILE *out, const json_t *why, const json_t *arithmetic)
{
	const char *name;
	json_t *check;

	print_verdict(out, arithmetic);
	putc('\n', out);
	if (why_print_table(out, arithmetic))
		return -ENOMEM;
	putc('\n', out);
	json_object_foreach (json_object_get(arithmetic, "checks"), name, check)
		print_check(out, name, check);
	if (strcmp(text_of(arithmetic, "finding"), "regression")) /* nothing is awaited any more */
		print_missing(out, json_object_get(arithmetic, "missing"), text_of(why, "version"));
	print_guard(out, why);
	print_plain_checks(out, json_object_get(why, "checks"));
	print_promise(out, arithmetic);
	return 0;
}

int why_print(FILE *out, const json_t *why, const char *service, struct complaint *complaint)
{
	const json_t *arithmetic = json_object_get(why, "arithmetic");

	if (!*text_of(why, "state"))
		return complain(complaint, -EBADMSG, "the agent's answer is no rollout");
	text_print(out, service);
	fputs(": ", out);
	if (!rollout_print_line(out, why))
		fputs("there has been no rollout", out);
	putc('\n', out);
	if (json_is_object(arithmetic))
		return print_arithmetic(out, why, arithmetic) ? complain(complaint, -ENOMEM, "out of memory") : 0;
	print_guard(out, why);
	print_plain_checks(out, json_object_get(why, "checks"));
	return 0;
}
