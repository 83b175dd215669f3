/* SPDX-License-Identifier: BSD-2-Clause */
/* One line that says where a rollout stands. */
#include "rollout_text.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "scalar.h"
#include "status_text.h"
#include "table.h"

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

const char *rollout_time(double seconds, char *buffer)
{
	unsigned long long whole = seconds > 0 && seconds < 1e12 ? (unsigned long long)ceil(seconds) : 0;

	if (whole < 100)
		snprintf(buffer, ROLLOUT_TIME_LEN, "%llus", whole);
	else if (whole < 3600)
		snprintf(buffer, ROLLOUT_TIME_LEN, "%llum%llus", whole / 60, whole % 60);
	else if (whole < 2 * 86400)
		snprintf(buffer, ROLLOUT_TIME_LEN, "%lluh%llum", whole / 3600, whole % 3600 / 60);
	else
		snprintf(buffer, ROLLOUT_TIME_LEN, "%llud%lluh", whole / 86400, whole % 86400 / 3600);
	return buffer;
}

/* ", errors: 12 of its clients failed, by uid 0" */
static void print_why(FILE *out, const json_t *rollout, bool with_who)
{
	const char *cause = text_of(rollout, "cause"), *reason = text_of(rollout, "reason"),
		   *by = text_of(rollout, "by");

	if (with_who && *by) {
		fputs(" by ", out);
		text_print(out, status_who(by));
	}
	/* Some reasons begin with it. */
	if (*cause && strcmp(cause, "none") && strcmp(cause, "user") && strncmp(reason, cause, strlen(cause))) {
		fputs(", ", out);
		text_print(out, cause);
	}
	if (*reason) {
		fputs(": ", out);
		text_print(out, reason);
	}
}

static void print_share(FILE *out, const json_t *rollout)
{
	json_int_t weight = json_integer_value(json_object_get(rollout, "weight"));
	char text[SHARE_TEXT_LEN];

	fputs(share_format(weight > 0 && weight <= SHARE_WHOLE ? (unsigned int)weight : 0, text), out);
}

static void print_step(FILE *out, const json_t *rollout)
{
	fprintf(out, ", step %lld of %lld at ", (long long)json_integer_value(json_object_get(rollout, "step")),
		(long long)json_integer_value(json_object_get(rollout, "steps")));
	print_share(out, rollout);
}

static void print_left(FILE *out, const json_t *rollout)
{
	double left = json_number_value(json_object_get(rollout, "remaining_seconds"));
	char text[ROLLOUT_TIME_LEN];

	if (left > 0)
		fprintf(out, ", %s left", rollout_time(left, text));
}

static void print_progressing(FILE *out, const json_t *rollout)
{
	fputs("progressing", out);
	print_step(out, rollout);
	print_left(out, rollout);
}

static void print_paused(FILE *out, const json_t *rollout)
{
	const char *pause = text_of(rollout, "pause");

	fputs(!strcmp(pause, "hold") ? "held" : "paused", out);
	if (!strcmp(pause, "user"))
		print_why(out, rollout, true);
	print_step(out, rollout);
	if (!strcmp(pause, "manual"))
		fputs(" until `promote`", out);
	else if (!strcmp(pause, "timed"))
		print_left(out, rollout);
	else if (!strcmp(pause, "reboot"))
		fputs(": the host was started anew, `resume` begins the step again", out);
	else if (!strcmp(pause, "hold"))
		print_why(out, rollout, false);
}

static void print_completed(FILE *out, const json_t *rollout)
{
	fputs("completed at ", out);
	print_share(out, rollout);
	fputs(", `finish` makes it the baseline", out);
}

static void print_ended(FILE *out, const json_t *rollout)
{
	fputs(strcmp(text_of(rollout, "state"), "aborted") ? "rolled back" : "aborted", out);
	print_why(out, rollout, true);
}

static void print_idle(FILE *out, const json_t *rollout)
{
	(void)rollout;
	fputs("finished: no rollout runs", out);
}

static void print_subject(FILE *out, const json_t *rollout)
{
	const char *release = text_of(rollout, "release");

	text_print(out, text_of(rollout, "version"));
	if (!*release)
		return;
	fputs(" (", out);
	text_print(out, release);
	putc(')', out);
}

bool rollout_print_line(FILE *out, const json_t *rollout)
{
	static const struct {
		const char *state;
		void (*print)(FILE *out, const json_t *rollout);
	} states[] = {
		{ "progressing", print_progressing }, { "paused", print_paused }, { "completed", print_completed },
		{ "rolled_back", print_ended },       { "aborted", print_ended }, { "idle", print_idle },
	};
	const char *state = text_of(rollout, "state");

	if (!*state || !*text_of(rollout, "version"))
		return false;
	print_subject(out, rollout);
	putc(' ', out);
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		if (!strcmp(states[i].state, state)) {
			states[i].print(out, rollout);
			return true;
		}
	}
	text_print(out, state); /* of a newer agent */
	return true;
}
