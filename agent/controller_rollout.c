/* SPDX-License-Identifier: BSD-2-Clause */
/* Rollouts: an event moves the state machine, and what that asks for is persisted, done and told, in this order. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "blind.h"
#include "controller_trial.h"
#include "datapath_guard.h"
#include "decision.h"
#include "scalar.h"

#define TICK_MS 100

static int64_t wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static struct rollout_limits limits_of(const struct service *service, const char *version)
{
	struct rollout_limits limits = { .capacity = SHARE_WHOLE };
	int trial = state_find_version(&service->now, version);

	for (size_t i = 0; i < service->now.version_count; i++) {
		if ((int)i != trial && i != service->now.baseline)
			limits.others += service->now.versions[i].weight;
	}
	if (trial >= 0)
		limits.capacity = service->config->versions[trial].capacity;
	return limits;
}

/* ---- what an event asks for, in the state that is to be ------------------------------------------------------------- */

static unsigned int count_trials(const struct state_service *state)
{
	unsigned int count = 0;

	for (size_t i = 0; i < state->version_count; i++)
		count += i != state->baseline &&
			 (state->versions[i].weight || !strcmp(state->versions[i].name, state->trial.rollout.version));
	return count ? count : 1;
}

int rollout_judge_settings(const struct controller *controller, const struct service *service,
			   struct judge_settings *ret, struct complaint *complaint)
{
	const struct config_rollout *config = service->config->rollout;
	struct judge_settings settings = judge_defaults;

	if (config) {
		settings.false_alarm = config->judge.false_alarm / 10000.0;
		settings.false_health = config->judge.false_pass / 10000.0;
		settings.checks[JUDGE_ERRORS] = config->judge.errors;
		settings.checks[JUDGE_LATENCY] = config->judge.latency;
		/* Whoever has said nothing so far is not waited for, unless there is nothing else to go by. */
		settings.checks[JUDGE_OUTCOMES] =
			config->judge.outcomes &&
			(trial_heard(controller, service) || (!config->judge.errors && !config->judge.latency));
		settings.tolerate = config->judge.errors_tolerate;
		settings.worse = config->judge.health_ratio;
		settings.objective[JUDGE_ERRORS] = config->judge.objective / 10000.0;
		settings.objective[JUDGE_OUTCOMES] = config->judge.objective / 10000.0;
	}
	settings.trials = 1;
	/* The classic script: plain checks, and no judge. */
	if (config && config->check_count && !config->judge.errors && !config->judge.latency && !config->judge.outcomes)
		settings.trials = 0;
	else if (judge_settings_check(&settings, complaint))
		return -EINVAL;
	*ret = settings;
	return 0;
}

/* One that is drawn anew in its course is judged as before; only a beginning takes what the file says by now. */
static void begin_judge(const struct controller *controller, const struct service *service,
			struct state_service *wanted)
{
	struct judge_settings settings = wanted->trial.judge.settings;
	struct complaint complaint = { "" };

	if (!rollout_is_judged(&service->now.trial.rollout)) {
		settings = judge_defaults;
		rollout_judge_settings(controller, service, &settings, &complaint);
	}
	wanted->trial.judge = (struct judge){ .epoch = 0 };
	if (settings.trials) {
		settings.trials = count_trials(wanted);
		judge_begin(&wanted->trial.judge, &settings);
	}
	trial_skip_draw(controller, service, wanted);
}

static void set_weight(struct state_service *wanted, unsigned int weight)
{
	int version = state_find_version(wanted, wanted->trial.rollout.version);
	unsigned int rest = SHARE_WHOLE;

	if (version < 0)
		return;
	wanted->versions[version].weight = (uint16_t)weight;
	for (size_t i = 0; i < wanted->version_count; i++)
		rest -= i == wanted->baseline ? 0 : wanted->versions[i].weight;
	wanted->versions[wanted->baseline].weight = (uint16_t)rest;
}

static void change_roles(struct state_service *wanted)
{
	int version = state_find_version(wanted, wanted->trial.rollout.version);

	if (version < 0)
		return;
	wanted->versions[wanted->baseline].weight = 0;
	wanted->baseline = (size_t)version;
	set_weight(wanted, wanted->trial.rollout.weight);
}

/* What is to be done besides the state. */
struct consequences {
	bool plan;  /* shares, roles or the draw are others */
	bool epoch; /* or the epoch alone */
	bool fresh; /* clients are drawn anew */
	bool reset;
	bool told; /* somebody may want to know */
	enum config_notice notice;
};

static struct consequences fold(const struct controller *controller, const struct service *service,
				const struct rollout_actions *actions, struct state_service *wanted)
{
	struct consequences ret = { 0 };

	for (size_t i = 0; i < actions->count; i++) {
		const struct rollout_action *action = &actions->item[i];

		switch (action->kind) {
		case ROLLOUT_SAVE:
			break;
		case ROLLOUT_DRAW:
			wanted->rollout = wanted->trial.rollout.number;
			begin_judge(controller, service, wanted);
			ret.plan = ret.fresh = true;
			break;
		case ROLLOUT_WEIGHT:
			set_weight(wanted, action->weight);
			ret.plan = true;
			break;
		case ROLLOUT_EPOCH:
			ret.epoch = true;
			break;
		case ROLLOUT_RESET:
			ret.reset = true;
			break;
		case ROLLOUT_ROLES:
			change_roles(wanted);
			ret.plan = true;
			break;
		case ROLLOUT_NOTIFY:
			ret.told = true;
			ret.notice = action->notice;
			break;
		}
	}
	return ret;
}

/* ---- telling ---------------------------------------------------------------------------------------------------------- */

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

static void notify(struct controller *controller, const struct service *service, enum config_notice kind,
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
		.at = rollout->now / 1000,
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

/* What no change of shares tells of. */
static void log_state(const struct service *service, const struct rollout *before)
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

/* ---- doing ------------------------------------------------------------------------------------------------------------ */

/* A state that no packet sees. */
static int persist(struct controller *controller, struct service *service, const struct state_service *wanted,
		   struct complaint *complaint)
{
	int r = state_put_service(&controller->state, wanted);

	if (r)
		return complain(complaint, r, "not enough memory for the state");
	r = controller_save(controller, complaint);
	if (r) {
		state_put_service(&controller->state, &service->now);
		return r;
	}
	service->now = *wanted;
	return 0;
}

static enum state_change_kind kind_of(const struct rollout *rollout)
{
	return rollout->state == ROLLOUT_ROLLED_BACK ? STATE_ROLLBACK : STATE_ROLLOUT;
}

static void follow_checks(struct controller *controller, struct service *service, const struct state_service *before,
			  const struct consequences *done)
{
	const struct rollout *now = &service->now.trial.rollout, *was = &before->trial.rollout;
	struct trial *trial = trial_of(controller, service);
	static struct plain_sample sample;

	if (trial && !done->fresh && now->step != was->step && trial_version(service) >= 0) {
		trial_sample(controller, service, (size_t)trial_version(service), &sample);
		plain_set_begin(trial->checks, &sample, loop_now_ms());
	}
	if (!rollout_is_judged(now))
		datapath_guard_slow_limits(controller->datapath, service->id, NULL);
}

static void note_detection(struct trial *trial, const struct rollout *rollout)
{
	bool on_evidence = rollout->cause == ROLLOUT_BY_ERRORS || rollout->cause == ROLLOUT_BY_LATENCY ||
			   rollout->cause == ROLLOUT_BY_OUTCOMES;

	if (trial && trial->incident_ms && on_evidence && rollout->state == ROLLOUT_ROLLED_BACK)
		trial->detection_seconds = fmax(0.001, (double)(loop_now_ms() - trial->incident_ms) / 1000);
}

static void count_rollback(struct rollout_counts *counts, const struct rollout *before, const struct rollout *rollout)
{
	if (rollout->state != ROLLOUT_ROLLED_BACK || before->state == ROLLOUT_ROLLED_BACK)
		return;
	counts->rollbacks[rollout->cause]++;
	counts->trips[SERIN_GUARD_ERRORS] += !strcmp(rollout->by, "kernel");
}

static int perform(struct controller *controller, struct service *service, const struct controller_request *request,
		   const struct rollout_actions *actions, struct state_service *wanted, struct complaint *complaint)
{
	struct rollout_event tripped = { .kind = ROLLOUT_ROLLBACK,
					 .cause = ROLLOUT_BY_ERRORS,
					 .reason = "the kernel's guard tripped in the last moment" };
	struct consequences todo = fold(controller, service, actions, wanted);
	struct state_service before = service->now;
	int r;

	if (todo.plan) {
		controller_stamp(wanted, request, kind_of(&wanted->trial.rollout));
		wanted->changed.reset = todo.reset;
	} else if (todo.epoch) {
		service_next_epoch(wanted);
	}
	if ((todo.plan || todo.epoch) && !todo.fresh)
		controller_trial_epoch(controller, service, wanted);
	r = todo.plan || todo.epoch ? controller_commit(controller, service, wanted, complaint)
				    : persist(controller, service, wanted, complaint);
	if (r)
		return r;
	note_detection(trial_of(controller, service), &service->now.trial.rollout);
	count_rollback(&controller->rollout_counts[service->id], &before.trial.rollout, &service->now.trial.rollout);
	if (todo.fresh)
		r = trial_begin(controller, service, rollout_is_judged(&before.trial.rollout), complaint);
	if (r)
		log_error("a rollout's checks cannot run", log_text("service", service->config->name),
			  log_text("error", complaint->text));
	follow_checks(controller, service, &before, &todo);
	if (todo.reset || kind_of(&service->now.trial.rollout) == STATE_ROLLBACK)
		leaving_rollback(controller->leaving, service, todo.reset ? LEAVING_RESET : LEAVING_DRAIN);
	if (!todo.plan && todo.told)
		log_state(service, &before.trial.rollout);
	if (todo.told)
		notify(controller, service, todo.notice, rollout_state_name(before.trial.rollout.state));
	if (rollout_is_judged(&before.trial.rollout) && service->now.trial.rollout.state == ROLLOUT_COMPLETED &&
	    controller_guard_has_tripped(controller, service))
		controller_rollout_event(controller, service, "kernel", &tripped);
	return 0;
}

static int move(struct controller *controller, struct service *service, const struct controller_request *request,
		const struct rollout_event *event, bool everyone, struct complaint *complaint)
{
	struct state_service wanted = service->now;
	struct rollout *rollout = &wanted.trial.rollout;
	struct rollout_actions actions;
	int r;

	/* No draw comes twice, though the state that knew of the last one was lost. */
	if (rollout->number < wanted.rollout)
		rollout->number = wanted.rollout;
	r = rollout_apply(rollout, event, &actions, complaint);
	if (r)
		return r;
	if (!actions.count) {
		service->now.trial.rollout = wanted.trial.rollout;
		return 0;
	}
	if (everyone)
		weights_rollback(&wanted);
	return perform(controller, service, request, &actions, &wanted, complaint);
}

int controller_rollout_event(struct controller *controller, struct service *service, const char *by,
			     struct rollout_event *event)
{
	char reason[STATE_REASON_LEN];
	struct controller_request request = { .by = by };
	struct complaint complaint = { "" };
	unsigned int kept_back;
	int r;

	event->now = event->now ? event->now : wall_ms();
	event->by = by;
	event->limits = limits_of(service, service->now.trial.rollout.version);
	snprintf(reason, sizeof(reason), "%s",
		 event->reason ?: event->verdict.reason ?: event->verdict.checks_reason ?: "");
	request.reason = reason;
	r = move(controller, service, &request, event, false, &complaint);
	if (r && log_allowed(&controller->limit, loop_now_ms(), 10000, &kept_back))
		log_error("a rollout cannot go on", log_text("service", service->config->name),
			  log_text("error", complaint.text), log_number("kept_back", kept_back));
	return r;
}

/* ---- wishes ----------------------------------------------------------------------------------------------------------- */

static int choose_version(const struct service *service, const struct rollout_wish *wish, const char **ret,
			  struct complaint *complaint)
{
	const struct state_service *now = &service->now;
	int version;

	if (wish->version)
		version = state_find_version(now, wish->version);
	else if (service->config->rollout)
		version = config_rollout_version(service->config, now->baseline);
	else
		version = now->version_count == 2 ? (int)!now->baseline : -EINVAL;
	if (version < 0 && wish->version)
		return complain(complaint, -ENOENT, "service %s has no version named '%.64s'", service->config->name,
				wish->version);
	if (version < 0)
		return complain(complaint, -EINVAL,
				"service %s has several versions that could be rolled out, expected "
				"one to be named",
				service->config->name);
	if ((size_t)version == now->baseline)
		return complain(complaint, -EINVAL, "version %s is the baseline, expected one on trial",
				now->versions[version].name);
	*ret = now->versions[version].name;
	return 0;
}

/* TLS, or no HTTP at all: what is wrong inside answers would have to come from elsewhere. */
static const char *unseen(const struct controller *controller, const struct service *service)
{
	const struct config_rollout *config = service->config->rollout;

	if ((config && config->check_count) || trial_heard(controller, service))
		return NULL;
	return blind_to(config_protocol_name(service->config), config_forward_name(service->config->forward));
}

static int fill(const struct controller *controller, const struct service *service,
		const struct controller_request *request, const struct rollout_wish *wish, struct rollout_event *event,
		struct complaint *complaint)
{
	const struct rollout *rollout = &service->now.trial.rollout;
	int r = 0;

	event->kind = wish->kind;
	event->now = wall_ms();
	event->by = request->by;
	event->reason = request->reason;
	event->release = wish->release;
	event->blind = wish->blind;
	event->reset = wish->reset;
	event->version = rollout->version;
	if (wish->kind == ROLLOUT_START)
		r = choose_version(service, wish, &event->version, complaint);
	else if (wish->kind == ROLLOUT_RETRY && trial_version(service) < 0)
		r = complain(complaint, -ENOENT,
			     "version '%s' is not configured any more, expected `start` with another",
			     rollout->version);
	if (r)
		return r;
	event->limits = limits_of(service, event->version);
	event->unseen = unseen(controller, service);
	event->schedule = service->config->rollout ? &service->config->rollout->schedule : NULL;
	if (trial_version(service) >= 0)
		event->share = service->now.versions[trial_version(service)].weight;
	return 0;
}

/* Where it would go, somebody has to take the clients. */
static int check_takers(const struct controller *controller, const struct service *service, const char *version,
			struct complaint *complaint)
{
	struct state_service wanted = service->now;
	int trial = state_find_version(&wanted, version);

	if (trial < 0)
		return 0;
	wanted.versions[trial].weight = SHARE_WHOLE;
	return controller_check_takers(controller, service, &wanted, complaint);
}

int controller_rollout(struct controller *controller, struct service *service, const struct controller_request *request,
		       const struct rollout_wish *wish, struct complaint *complaint)
{
	struct rollout_event event = { 0 };
	struct judge_settings settings;
	int r;

	/* Nobody goes on with what has just been found. */
	if (rollout_is_judged(&service->now.trial.rollout) && wish->kind != ROLLOUT_ABORT)
		controller_judge_one(controller, service);
	r = controller_check_generation(service, request, complaint);
	if (!r && (wish->kind == ROLLOUT_START || wish->kind == ROLLOUT_RETRY))
		r = rollout_judge_settings(controller, service, &settings, complaint);
	if (!r)
		r = fill(controller, service, request, wish, &event, complaint);
	if (!r && (wish->kind == ROLLOUT_START || wish->kind == ROLLOUT_RETRY || wish->kind == ROLLOUT_RESUME ||
		   wish->kind == ROLLOUT_PROMOTE))
		r = check_takers(controller, service, event.version, complaint);
	return r ? r : move(controller, service, request, &event, false, complaint);
}

int controller_rollout_back(struct controller *controller, struct service *service,
			    const struct controller_request *request, struct complaint *complaint)
{
	bool reset = request->flows == LEAVING_RESET;
	struct rollout_event event = {
		.kind = ROLLOUT_ROLLBACK,
		.now = wall_ms(),
		.by = request->by,
		.reason = request->reason,
		.limits = limits_of(service, service->now.trial.rollout.version),
		.cause = ROLLOUT_BY_USER,
		.reset = &reset,
	};

	return move(controller, service, request, &event, true, complaint);
}

/* ---- what happens ----------------------------------------------------------------------------------------------------- */

bool controller_rollout_no_backend(struct controller *controller, struct service *service, size_t version)
{
	struct rollout_event event = { .kind = ROLLOUT_ROLLBACK,
				       .cause = ROLLOUT_BY_NO_BACKEND,
				       .reason = "no_backend" };
	const struct rollout *rollout = &service->now.trial.rollout;

	if (!rollout_is_judged(rollout) || trial_version(service) != (int)version)
		return false;
	controller_rollout_event(controller, service, "agent", &event);
	return true;
}

void controller_rollout_tripped(struct controller *controller, unsigned int place)
{
	for (size_t i = 0; i < controller->service_count; i++) {
		struct service *service = &controller->services[i];

		if (service->id == place / SERIN_MAX_VERSIONS && rollout_is_judged(&service->now.trial.rollout))
			controller_judge_one(controller, service);
	}
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

/* After the agent's start. Who has reported failures is not known any more: nobody is first again, neither in the rollout
 * nor in the epoch, which therefore ends. */
static void go_on(struct controller *controller, struct service *service)
{
	struct state_service wanted = service->now;
	struct complaint complaint = { "" };
	int r = trial_begin(controller, service, false, &complaint);

	if (!r && wanted.trial.judge.settings.checks[JUDGE_OUTCOMES]) {
		outcomes_lost_memory(trial_of(controller, service)->outcomes);
		controller->heard[service->id] = true;
		service_next_epoch(&wanted);
		controller_trial_epoch(controller, service, &wanted);
		r = controller_commit(controller, service, &wanted, &complaint);
	}
	if (r)
		log_error("a rollout does not go on as it should", log_text("service", service->config->name),
			  log_text("error", complaint.text));
}

int controller_rollout_add_to_loop(struct controller *controller, struct loop *loop)
{
	struct complaint complaint = { "" };
	struct loop_source *timer;
	int r;

	r = fetcher_new(loop, &controller->fetcher);
	if (!r)
		r = loop_add_timer(loop, controller_judge_tick, controller, &timer);
	if (!r)
		r = loop_set_timer(timer, TICK_MS, TICK_MS);
	if (r)
		return r;
	if (outbox_open(loop, controller->fetcher, controller->options.state_dir, &outbox_defaults, report, controller,
			&controller->outbox, &complaint))
		log_error("nobody can be notified", log_text("error", complaint.text));
	for (size_t i = 0; i < controller->service_count; i++) {
		struct service *service = &controller->services[i];
		const struct rollout *rollout = &service->now.trial.rollout;

		if (rollout_is_judged(rollout) && trial_version(service) >= 0)
			go_on(controller, service);
		if (rollout->notices)
			notify(controller, service, rollout->noticed, NULL);
	}
	return 0;
}

void controller_rollout_resume(struct controller *controller, struct service *service, enum rollout_event_kind kind,
			       const char *reason)
{
	struct rollout_event event = { .kind = kind, .now = wall_ms(), .reason = reason };
	struct state_service wanted = service->now;
	struct complaint complaint = { "" };
	struct rollout_actions actions;

	if (!wanted.trial.rollout.version[0])
		return;
	if (rollout_is_judged(&wanted.trial.rollout) && trial_version(service) < 0) {
		event.kind = ROLLOUT_ABORT;
		event.reason = "the version is not configured any more";
	}
	event.by = "agent";
	event.limits = limits_of(service, wanted.trial.rollout.version);
	if (rollout_apply(&wanted.trial.rollout, &event, &actions, &complaint))
		return;
	fold(controller, service, &actions, &wanted);
	service->now = wanted;
}

/* Those that come and go under a name count when none is left of those that were judged. */
bool controller_rollout_has_others(const struct config_version *from, const struct config_version *to)
{
	size_t common = 0;

	for (size_t i = 0; i < from->backend_count; i++) {
		for (size_t j = 0; j < to->backend_count; j++)
			common += from->backends[i].endpoint.port == to->backends[j].endpoint.port &&
				  !memcmp(&from->backends[i].endpoint.addr, &to->backends[j].endpoint.addr,
					  sizeof(struct serin_addr));
	}
	return config_is_discovered(to) ? !common : common != from->backend_count || common != to->backend_count;
}

static bool has_others(const struct service *old, const struct service *new, int version)
{
	const struct config_version *to = &new->config->versions[version];
	int at = config_find_version(old->config, to->name);

	return at < 0 || controller_rollout_has_others(&old->config->versions[at], to);
}

static void reloaded(struct controller *controller, struct service *service, const struct service *old)
{
	struct rollout_event event = { .kind = ROLLOUT_BACKENDS };
	int version = trial_version(service);

	if (!rollout_is_judged(&service->now.trial.rollout))
		return;
	if (version < 0) {
		event.kind = ROLLOUT_ABORT;
		event.reason = "the version is not configured any more";
	}
	if (version < 0 || (old && has_others(old, service, version)))
		controller_rollout_event(controller, service, "agent", &event);
	if (trial_version(service) >= 0 && rollout_is_judged(&service->now.trial.rollout))
		controller_guard_renew(controller, service, 0);
}

/* Ids that belong to other services than before begin with nothing. */
static void forget_others(struct controller *controller, const struct controller *before)
{
	for (size_t i = 0; i < before->service_count; i++) {
		const struct service *old = &before->services[i];
		const struct service *now = controller_find_service(controller, old->config->name);

		if (now && now->id == old->id)
			continue;
		trial_end(controller, old->id);
		controller->heard[old->id] = controller->forsaken[old->id] = false;
		controller->rollout_counts[old->id] = (struct rollout_counts){ 0 };
		datapath_guard_slow_limits(controller->datapath, old->id, NULL);
	}
}

void controller_rollout_reloaded(struct controller *controller, const struct controller *before)
{
	forget_others(controller, before);
	for (size_t i = 0; i < controller->service_count; i++) {
		struct service *service = &controller->services[i];

		reloaded(controller, service, controller_find_service(before, service->config->name));
	}
}

void controller_rollout_leave(struct controller *controller)
{
	bool judged = false;

	for (size_t i = 0; i < controller->service_count; i++) {
		struct service *service = &controller->services[i];

		if (!rollout_is_judged(&service->now.trial.rollout) || trial_version(service) < 0)
			continue;
		controller_guard_renew(controller, service, controller->config->restart_grace);
		judged |= !state_put_service(&controller->state, &service->now);
	}
	if (judged)
		controller_save(controller, NULL);
}

void controller_rollout_free(struct controller *controller)
{
	for (unsigned int i = 0; i < SERIN_MAX_SERVICES; i++)
		trial_end(controller, i);
	controller->outbox = outbox_free(controller->outbox);
	controller->fetcher = fetcher_free(controller->fetcher);
}
