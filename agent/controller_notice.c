/* SPDX-License-Identifier: BSD-2-Clause */
/* What is told of a rollout: notifications with their figures, the log's word, and what becomes of notifications. */
#include <stdio.h>
#include <string.h>

#include "controller_move.h"
#include "decision.h"

static json_t *figures_of(const struct service *service, const struct trial *trial)
{
	json_t *figures = json_object();

	for (unsigned int i = 0; trial && i < JUDGE_CHECKS; i++) {
		if (service->now.trial.judge.settings.checks[i])
			json_object_set_new(figures, judge_check_name(i), json_real(trial->verdict.ratio[i]));
	}
	json_object_set_new(figures, "weight", json_real(service->now.trial.rollout.weight / 100.0));
	return figures;
}

void controller_notice_add(struct controller *controller, const struct service *service, enum config_notice kind,
			   const char *from)
{
	const struct rollout *rollout = &service->now.trial.rollout;
	struct complaint complaint = { "" };
	struct notice notice = {
		.kind = kind,
		.service = service->config->name,
		.version = rollout->version,
		.release = *rollout->release ? rollout->release : NULL,
		.from = from,
		.to = rollout_state_name(rollout->state),
		.reason = rollout->reason,
		.who = rollout->by,
		.at = rollout->since / 1000,
		.rollout = rollout->number,
		.change = rollout->notices,
		.began = rollout->began / 1000,
		.step = (unsigned int)rollout->step + 1,
		.figures = figures_of(service, trial_of(controller, service)),
	};

	if (controller->outbox &&
	    outbox_add(controller->outbox, service->config->notify, service->config->notify_count, &notice, &complaint))
		log_error("a notification may be lost", log_text("service", service->config->name),
			  log_text("error", complaint.text));
	json_decref(notice.figures);
}

void controller_notice_add_again(struct controller *controller, const struct service *service)
{
	const struct rollout *rollout = &service->now.trial.rollout;

	if (rollout->notices && loop_wall_ms() - rollout->since < outbox_defaults.give_up_s * 1000)
		controller_notice_add(controller, service, rollout->noticed, NULL);
}

void controller_notice_log(const struct service *service, const struct rollout *before)
{
	const struct rollout *rollout = &service->now.trial.rollout;
	char text[EVENT_TEXT_LEN];

	snprintf(text, sizeof(text), "%s: rollout of %s is %s%s%s, before %s%s%s", service->config->name,
		 rollout->version, rollout_state_name(rollout->state), rollout->pause ? ", " : "",
		 rollout->pause ? rollout_pause_name(rollout->pause) : "", rollout_state_name(before->state),
		 *rollout->reason ? ": " : "", rollout->reason);
	decision_make(LOG_LEVEL_INFO, EVENT_ROLLOUT, "rollout", text, log_text("service", service->config->name),
		      log_text("version", rollout->version), log_text("by", rollout->by),
		      log_text("reason", rollout->reason), log_number("step", (int64_t)rollout->step + 1));
}

static void report(void *context, const struct outbox_report *report)
{
	static const bool is_failure[OUTBOX_FATE_COUNT] = {
		[OUTBOX_REFUSED] = true,
		[OUTBOX_GIVEN_UP] = true,
		[OUTBOX_DROPPED] = true,
		[OUTBOX_DAMAGED] = true,
	};

	(void)context;
	if (is_failure[report->fate])
		decision_make(LOG_LEVEL_ERROR, EVENT_FAILED, "notification", report->text,
			      log_text("service", report->service ? report->service : ""),
			      log_text("fate", outbox_fate_name(report->fate)));
	else if (report->fate != OUTBOX_DELIVERED)
		log_warn("notification", log_text("text", report->text),
			 log_text("fate", outbox_fate_name(report->fate)));
}

static bool is_receiver(void *context, const char *url)
{
	const struct config *config = context;

	for (size_t i = 0; i < config->service_count; i++) {
		for (size_t j = 0; j < config->services[i].notify_count; j++) {
			if (!strcmp(config->services[i].notify[j].url, url))
				return true;
		}
	}
	return false;
}

void controller_notice_retain(struct controller *controller)
{
	if (controller->outbox)
		outbox_retain(controller->outbox, is_receiver, controller->config);
}

void controller_notice_open(struct controller *controller, struct loop *loop)
{
	struct complaint complaint = { "" };

	if (outbox_open(loop, controller->fetcher, controller->options.state_dir, &outbox_defaults, report, controller,
			&controller->outbox, &complaint))
		log_error("nobody can be notified", log_text("error", complaint.text));
	/* The file that it was for may have been another. */
	controller_notice_retain(controller);
}
