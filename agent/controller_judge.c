/* SPDX-License-Identifier: BSD-2-Clause */
/* The judge at work: ten times a second it is told what the kernel has counted, and the rollout is told what it thinks. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "controller_trial.h"
#include "datapath_guard.h"
#include "log.h"
#include "slow_limits.h"

#define AGAIN_MS 1000                              /* after what could not be done */
#define LEAST_TICKS (1000000u >> SERIN_OWED_SHIFT) /* 1 ms */
#define KERNEL_FIRST_MS 100
#define KEEP_MS 10000 /* how old persisted evidence may be: the kernel's counts go on, so none is lost, only time */

/* What the kernel has decided has stood. Else it comes first, with the incident that it needs, if there is one. */
static uint32_t settle_ms(const struct controller *controller, const struct service *service)
{
	uint32_t settle = trial_settle_ms(controller, service);

	return !settle || controller_guard_has_tripped(controller, service) ? 0 : settle + KERNEL_FIRST_MS;
}

void controller_judge_tell(struct controller *controller, struct service *service, double share, bool rollout_only)
{
	struct state_trial *state = &service->now.trial;
	struct trial *trial = trial_of(controller, service);
	struct judge_sample sample;
	struct judge_meter now;

	trial_count(controller, service, &service->now, &now);
	sample = judge_meter_read(&state->told, &now, share);
	sample.at_ms = loop_now_ms();
	sample.settle_ms = settle_ms(controller, service);
	for (unsigned int i = 0; rollout_only && i < JUDGE_STREAMS; i++)
		sample.counts[i][JUDGE_G] = (struct evidence_counts){ 0 };
	if (trial && rollout_only)
		trial->incident_ms = 0;
	else if (trial && !trial->incident_ms && sample.counts[JUDGE_FAILED][JUDGE_G].trial)
		trial->incident_ms = loop_now_ms();
	if (state->judge.settings.trials)
		judge_tick(&state->judge, &sample);
}

/* ---- latency --------------------------------------------------------------------------------------------------------- */

/* Takes away what was there before the rollout; how many remain. */
static uint64_t answers_since(struct trial_answers *now, const struct trial_answers *before)
{
	uint64_t seen = 0;

	for (unsigned int kind = 0; kind < SERIN_TURN_KINDS; kind++) {
		for (unsigned int i = 0; i < SERIN_HISTOGRAM_BUCKETS; i++) {
			__u64 *count = &now->bucket[kind][i];

			*count -= before->bucket[kind][i] < *count ? before->bucket[kind][i] : *count;
			seen += *count;
		}
	}
	return seen;
}

/* Where answers take less than a millisecond, the host's own stalls are what is slow: a single server's befall all of its
 * clients of that moment at once, whatever version it runs. True when there is a limit. */
static bool limit_kind(const __u64 bucket[SERIN_HISTOGRAM_BUCKETS], unsigned int tolerate, uint32_t ret[SLOW_QUANTILES])
{
	bool any = false;

	slow_limits(bucket, tolerate / 10000.0, ret);
	for (unsigned int i = 0; i < SLOW_QUANTILES; i++) {
		any |= ret[i] != 0;
		if (ret[i] && ret[i] < LEAST_TICKS)
			ret[i] = LEAST_TICKS;
	}
	return any;
}

/* The first turn of a connection is another matter than those that follow: opening what a backend needs for it, caches that
 * are cold. Each kind has limits of its own as soon as enough of it was seen. */
static void limit_answers(struct controller *controller, struct service *service, size_t version)
{
	const struct config_rollout *config = trial_of(controller, service)->config;
	struct trial *trial = trial_of(controller, service);
	struct serin_slow_limits limits = { 0 };
	struct trial_answers now;
	uint32_t epoch = service_epoch(&service->now);
	bool any = false;

	if (!config || !config->judge.latency || trial->limited == epoch)
		return;
	trial_read_answers(controller, service, version, &now);
	if (answers_since(&now, &trial->before) && !trial->warm_ms)
		trial->warm_ms = loop_now_ms() + config->judge.warmup;
	if (!trial->warm_ms || loop_now_ms() < trial->warm_ms)
		return;
	for (unsigned int kind = 0; kind < SERIN_TURN_KINDS; kind++)
		any |= limit_kind(now.bucket[kind], config->judge.latency_tolerate, limits.ticks[kind]);
	/* With too few answers for any of them it is looked again, with every tick. */
	if (!any)
		return;
	datapath_guard_slow_limits(controller->datapath, service->id, &limits);
	trial->limited = epoch;
}

/* ---- what they think ------------------------------------------------------------------------------------------------- */

static const char *describe_regression(const struct service *service, const struct judge_verdict *verdict,
				       const struct guard_state *guard, char *text, size_t size)
{
	bool tripped = guard->tripped || guard->closed;
	const struct state_trial *state = &service->now.trial;
	static const enum judge_stream streams[JUDGE_CHECKS] = { JUDGE_FAILED, JUDGE_SLOW_P99, JUDGE_REPORTED };
	enum judge_check check = tripped ? JUDGE_ERRORS : verdict->check;
	enum judge_process crossed = guard->line == SERIN_LINE_EPOCH ? JUDGE_G : JUDGE_R;
	enum judge_process process = tripped ? crossed : verdict->process;
	const struct evidence_counts *seen = &state->judge.worse[streams[check]][process].seen;
	const struct judge_figure *figure = &verdict->worse[check][process];

	snprintf(text, size,
		 "%s: %s, %llu against %llu of the baseline's at a share of %.4g%%: evidence %.3g of %.3g%s",
		 judge_check_name(check), judge_check_words(check), (unsigned long long)seen->trial,
		 (unsigned long long)seen->baseline, 100 * trial_share(&service->now, (size_t)trial_version(service)),
		 exp(fmin(figure->ln, 700)), exp(figure->required), tripped ? "; the kernel's guard has tripped" : "");
	return text;
}

static void think(struct service *service, struct trial *trial, const struct guard_state *guard,
		  struct rollout_verdict *ret, char *text, size_t size)
{
	static const enum rollout_cause causes[JUDGE_CHECKS] = { ROLLOUT_BY_ERRORS, ROLLOUT_BY_LATENCY,
								 ROLLOUT_BY_OUTCOMES };
	bool tripped = guard->tripped || guard->closed;

	/* Without a judge the checks have the word. */
	if (!service->now.trial.judge.settings.trials) {
		ret->health = tripped ? ROLLOUT_REGRESSION : ROLLOUT_HEALTHY;
		ret->cause = ROLLOUT_BY_CHECK;
		ret->reason = "the last agent was taking it out when it ended";
		return;
	}
	judge_verdict(&service->now.trial.judge, &trial->verdict);
	ret->pending = trial->verdict.pending;
	if (tripped || trial->verdict.finding == JUDGE_REGRESSION) {
		ret->health = ROLLOUT_REGRESSION;
		ret->cause = tripped ? ROLLOUT_BY_ERRORS : causes[trial->verdict.check];
		ret->reason = describe_regression(service, &trial->verdict, guard, text, size);
	} else if (trial->verdict.finding == JUDGE_HEALTHY) {
		ret->health = ROLLOUT_HEALTHY;
	}
}

/* Evidence by the way: what it is worth does not depend on when it is persisted. */
static void keep(struct controller *controller, struct service *service, struct trial *trial)
{
	if (loop_now_ms() - trial->kept_ms < KEEP_MS)
		return;
	trial->kept_ms = loop_now_ms();
	if (!state_put_service(&controller->state, &service->now))
		controller_save(controller, NULL);
}

/* What was counted so far is no evidence, of health least of all: whoever was counted meanwhile begins anew with an epoch. */
static bool pass_over(struct controller *controller, struct service *service)
{
	struct state_service wanted = service->now;
	struct complaint complaint = { "" };

	trial_skip(controller, service, &wanted);
	service_next_epoch(&wanted);
	controller_trial_epoch(controller, service, &wanted);
	return !controller_commit(controller, service, &wanted, &complaint);
}

/* What has been counted since the last tick, told unless it is lopsided. */
static bool tell(struct controller *controller, struct service *service, struct trial *trial, size_t version)
{
	if (controller->forsaken[service->id]) {
		trial_skip(controller, service, &service->now);
		trial->forsaken = true;
		return true;
	}
	if (controller_guard_is_lopsided(controller, service) && !pass_over(controller, service)) {
		trial->again_ms = loop_now_ms() + AGAIN_MS;
		return false;
	}
	trial->forsaken = false;
	controller_judge_tell(controller, service, trial_share(&service->now, version), false);
	return true;
}

/* While the word is owed that it has other backends, what was learned of it is about others: no reason to go on, but reason
 * enough to take it out. */
static bool is_suspended(const struct controller *controller, const struct service *service,
			 const struct rollout_verdict *verdict)
{
	bool is_bad = verdict->health == ROLLOUT_REGRESSION || verdict->checks == ROLLOUT_CHECKS_ROLLBACK;

	return controller->forsaken[service->id] || (controller_rollout_owes(controller, service) && !is_bad);
}

void controller_judge_one(struct controller *controller, struct service *service)
{
	struct rollout_event event = { .kind = ROLLOUT_TICK, .now = loop_wall_ms() };
	struct trial *trial = trial_of(controller, service);
	int version = trial_version(service);
	char evidence[ROLLOUT_REASON_LEN];
	struct guard_state guard = { 0 };
	static struct plain_sample sample; /* large, and of this call alone */

	if (version < 0 || !trial || loop_now_ms() < trial->again_ms)
		return;
	controller_watch_baseline(controller, service);
	if (!tell(controller, service, trial, (size_t)version))
		return;
	trial_sample(controller, service, (size_t)version, &sample);
	plain_set_tick(trial->checks, &sample, loop_now_ms());
	limit_answers(controller, service, (size_t)version);
	datapath_guard_read(controller->datapath, service->id, service->version_id[version], &guard);
	think(service, trial, &guard, &event.verdict, evidence, sizeof(evidence));
	event.verdict.checks = plain_set_verdict(trial->checks, &event.verdict.checks_reason);
	if (!trial->config)
		event.verdict.checks = ROLLOUT_CHECKS_NO_DATA;
	if (!trial->config)
		event.verdict.checks_reason = "the rollout is not configured any more";
	event.verdict.suspended = is_suspended(controller, service, &event.verdict);
	if (controller_rollout_event(controller, service, guard.tripped ? "kernel" : "agent", &event))
		trial->again_ms = loop_now_ms() + AGAIN_MS;
	if (!rollout_is_judged(&service->now.trial.rollout))
		return;
	controller_guard_renew(controller, service, 0);
	keep(controller, service, trial);
}

void controller_judge_tick(void *context)
{
	struct controller *controller = context;

	for (size_t i = 0; i < controller->service_count; i++) {
		struct service *service = &controller->services[i];

		controller_rollout_settle(controller, service);
		if (rollout_is_judged(&service->now.trial.rollout))
			controller_judge_one(controller, service);
	}
}
