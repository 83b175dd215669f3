/* SPDX-License-Identifier: BSD-2-Clause */
/* What `serin check` says about the rollout of a service: its steps as they will be, and what is not promised of them. */
#include <errno.h>

#include "blind.h"
#include "check_report.h"
#include "rollout.h"
#include "scalar.h"
#include "table.h"

static const struct table_column step_columns[] = {
	{ "STEP", TABLE_RIGHT },    { "SHARE", TABLE_RIGHT }, { "FOR", TABLE_RIGHT },
	{ "AT MOST", TABLE_RIGHT }, { "THEN", TABLE_LEFT },
};

/* As the file has it: what others get by hand is not known here. */
static struct rollout_limits limits_of(const struct config_service *service)
{
	int version = config_rollout_version(service, service->baseline);
	struct rollout_limits limits = { .capacity = SHARE_WHOLE };

	for (size_t i = 0; i < service->version_count; i++) {
		if ((int)i == version)
			limits.capacity = service->versions[i].capacity;
		else if (i != service->baseline)
			limits.others += check_initial_share(service, i);
	}
	return limits;
}

/* Why the share of a step is not the one in the file; "": it is. */
static const char *cut_by(const struct config_schedule *schedule, size_t step, struct rollout_limits limits)
{
	unsigned int weight = schedule->steps[step].weight;
	unsigned int share = rollout_judged_share(schedule, step, limits);

	if (share == weight)
		return "";
	if (share == limits.capacity)
		return " (capacity)";
	return limits.others ? " (what others leave)" : " (holdback)";
}

static void add_then(struct table *table, const struct config_schedule *schedule, size_t index,
		     struct rollout_limits limits)
{
	const struct config_step *step = &schedule->steps[index];
	char text[64] = "", pause[DURATION_TEXT_LEN], share[SHARE_TEXT_LEN];

	if (step->pause == CONFIG_PAUSE_MANUAL)
		snprintf(text, sizeof(text), "until promoted");
	else if (step->pause == CONFIG_PAUSE_TIMED)
		snprintf(text, sizeof(text), "pause of %s", duration_format_ms(step->pause_ms, pause));
	if (index + 1 < schedule->step_count)
		table_cell(table, "%s", text);
	else
		table_cell(table, "%s%scompleted at %s", text, *text ? ", " : "",
			   share_format(rollout_last_share(schedule, limits), share));
}

static bool is_judged(const struct config_step *step)
{
	return step->for_ms || step->pause != CONFIG_PAUSE_NONE;
}

static int print_steps(FILE *out, const struct config_schedule *schedule, struct rollout_limits limits)
{
	struct table *table = table_new(step_columns, sizeof(step_columns) / sizeof(step_columns[0]));
	char share[SHARE_TEXT_LEN], time[DURATION_TEXT_LEN];
	int error;

	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < schedule->step_count; i++) {
		const struct config_step *step = &schedule->steps[i];
		uint64_t most = (uint64_t)step->for_ms * schedule->extend;

		table_cell(table, "%zu", i + 1);
		table_cell(table, "%s%s",
			   is_judged(step) ? share_format(rollout_judged_share(schedule, i, limits), share) : "",
			   is_judged(step) ? cut_by(schedule, i, limits) : "");
		table_cell(table, "%s", step->for_ms ? duration_format_ms(step->for_ms, time) : "");
		table_cell(table, "%s", most ? duration_format((unsigned int)(most / 1000), time) : "");
		add_then(table, schedule, i, limits);
	}
	error = table_print(table, out, 2, "", "");
	table_free(table);
	return error;
}

static void print_unproven(FILE *out, const struct config_schedule *schedule)
{
	static const char *const then[] = {
		[CONFIG_UNPROVEN_HOLD] = "is held until there is some",
		[CONFIG_UNPROVEN_ADVANCE] = "passes all the same",
		[CONFIG_UNPROVEN_ROLLBACK] = "is rolled back",
	};
	char text[DURATION_TEXT_LEN];

	fprintf(out, "a step without evidence of health by then %s", then[schedule->on_unproven]);
	if (schedule->deadline)
		fprintf(out, "; one that takes %s is rolled back", duration_format_ms(schedule->deadline, text));
	fprintf(out, "; a rollback %s\n", schedule->reset ? "resets flows" : "lets flows drain");
}

static void print_tolerated(FILE *out, const char *before, const char *what, double tolerate)
{
	if (tolerate > 1)
		fprintf(out, "%s%s above %g times the baseline's", before, what, tolerate);
	else
		fprintf(out, "%smore %s than the baseline's", before, what);
}

static void print_judge(FILE *out, const struct config_judge *judge)
{
	const char *before = "judge: ";
	char share[SHARE_TEXT_LEN];

	if (!judge->errors && !judge->latency && !judge->outcomes) {
		fputs("judge: off, nothing is rolled back on evidence\n", out);
		return;
	}
	if (judge->errors)
		print_tolerated(out, before, "errors", judge->errors_tolerate);
	before = judge->errors ? ", " : before;
	if (judge->latency)
		fprintf(out, "%sanswers slower by %s", before, share_format(judge->latency_tolerate, share));
	before = judge->latency ? ", " : before;
	if (judge->outcomes)
		print_tolerated(out, before, "failed outcomes", judge->outcomes_tolerate);
	fprintf(out, "; false alarms in up to %s of rollouts\n", share_format(judge->false_alarm, share));
}

static void print_checks(FILE *out, const struct config_rollout *rollout)
{
	char text[CONFIG_PLAIN_TEXT_LEN], share[SHARE_TEXT_LEN];

	for (size_t i = 0; i < rollout->check_count; i++) {
		const struct config_plain_check *check = &rollout->checks[i];

		fprintf(out, "check %s: %s", config_plain_format(check, text), config_plain_action_name(check->action));
		if (check->action == CONFIG_PLAIN_ROLLBACK)
			fprintf(out, ", outside the promise of %s false alarms",
				share_format(rollout->judge.false_alarm, share));
		putc('\n', out);
	}
}

int check_print_rollout(FILE *out, const struct config_service *service)
{
	const struct config_rollout *rollout = service->rollout;
	struct rollout_limits limits = limits_of(service);
	char text[SHARE_TEXT_LEN];
	int error, version;

	if (!rollout)
		return 0;
	version = config_rollout_version(service, service->baseline);
	fprintf(out, "rollout of %s", service->versions[version].name);
	if (limits.capacity < SHARE_WHOLE)
		fprintf(out, ", never more than %s (capacity)", share_format(limits.capacity, text));
	fprintf(out, "; %s stay with %s until the last step has passed\n",
		share_format(rollout->schedule.holdback, text), service->versions[service->baseline].name);
	if (!rollout_judged_share(&rollout->schedule, 0, limits))
		fputs("it cannot start: other versions have all that the holdback leaves\n", out);
	error = print_steps(out, &rollout->schedule, limits);
	if (error)
		return error;
	print_unproven(out, &rollout->schedule);
	print_judge(out, &rollout->judge);
	print_checks(out, rollout);
	if (blind_to(config_protocol_name(service), config_forward_name(service->forward)) && !rollout->check_count)
		fputs("'serin rollout start' takes outcomes or --blind here: errors inside of answers are not seen\n",
		      out);
	if (service->notify_count)
		fprintf(out, "notifications: %zu\n", service->notify_count);
	return 0;
}

static json_t *steps_to_json(const struct config_schedule *schedule, struct rollout_limits limits)
{
	json_t *list = json_array();

	for (size_t i = 0; i < schedule->step_count; i++) {
		const struct config_step *step = &schedule->steps[i];
		json_t *json = json_pack("{s:i, s:i, s:I}", "weight", (int)step->weight, "share",
					 (int)(is_judged(step) ? rollout_judged_share(schedule, i, limits)
							       : rollout_last_share(schedule, limits)),
					 "for_ms", (json_int_t)step->for_ms);

		if (step->pause == CONFIG_PAUSE_MANUAL)
			json_object_set_new(json, "pause", json_string("manual"));
		if (step->pause == CONFIG_PAUSE_TIMED)
			json_object_set_new(json, "pause_ms", json_integer(step->pause_ms));
		json_array_append_new(list, json);
	}
	return list;
}

static json_t *judge_to_json(const struct config_judge *judge)
{
	return json_pack("{s:i, s:i, s:i, s:o, s:o, s:o, s:i, s:f, s:o}", "false_alarm", (int)judge->false_alarm,
			 "false_pass", (int)judge->false_pass, "settle_ms", (int)judge->settle, "errors",
			 judge->errors ? json_pack("{s:f}", "tolerate", judge->errors_tolerate) : json_null(),
			 "outcomes",
			 judge->outcomes ? json_pack("{s:f}", "tolerate", judge->outcomes_tolerate) : json_null(),
			 "latency",
			 judge->latency ? json_pack("{s:i}", "tolerate", (int)judge->latency_tolerate) : json_null(),
			 "warmup_ms", (int)judge->warmup, "health_ratio", judge->health_ratio, "objective",
			 judge->objective ? json_integer(judge->objective) : json_null());
}

json_t *check_rollout_to_json(const struct config_service *service)
{
	const struct config_rollout *rollout = service->rollout;
	const struct config_schedule *schedule = &rollout->schedule;
	char text[CONFIG_PLAIN_TEXT_LEN];
	json_t *checks = json_array();

	for (size_t i = 0; i < rollout->check_count; i++)
		json_array_append_new(checks,
				      json_pack("{s:s, s:s, s:s, s:b}", "name", rollout->checks[i].name, "action",
						config_plain_action_name(rollout->checks[i].action), "rule",
						config_plain_format(&rollout->checks[i], text), "promised", 0));
	return json_pack("{s:s, s:o, s:i, s:s, s:i, s:I, s:{s:s}, s:o, s:o}", "version",
			 service->versions[config_rollout_version(service, service->baseline)].name, "steps",
			 steps_to_json(schedule, limits_of(service)), "holdback", (int)schedule->holdback,
			 "on_unproven", config_unproven_name(schedule->on_unproven), "extend", (int)schedule->extend,
			 "deadline_ms", (json_int_t)schedule->deadline, "on_rollback", "flows",
			 schedule->reset ? "reset" : "drain", "judge", judge_to_json(&rollout->judge), "checks",
			 checks);
}
