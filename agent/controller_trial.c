/* SPDX-License-Identifier: BSD-2-Clause */
/* A version on trial, as far as the state does not know it: its checks, what was reported of it, what is slow. */
#include "controller_trial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "datapath_guard.h"
#include "figures.h"
#include "plan.h"
#include "served.h"

#define OUTCOME_CLIENTS 65536

int trial_version(const struct service *service)
{
	const struct rollout *rollout = &service->now.trial.rollout;

	return rollout->version[0] ? state_find_version(&service->now, rollout->version) : -ENOENT;
}

double trial_share(const struct state_service *state, size_t version)
{
	unsigned int trial = state->versions[version].weight, baseline = state->versions[state->baseline].weight;

	return version == state->baseline || !(trial + baseline) ? 0 : (double)trial / (trial + baseline);
}

static void sample_one(const struct controller *controller, const struct service *service, size_t version,
		       struct plain_counts *ret)
{
	const struct counters_version *counted =
		counters_of_version(&controller->counters, service->id, service->version_id[version]);
	const struct serin_stats *stats = &counted->stats;

	*ret = (struct plain_counts){ .failed = 0 };
	for (unsigned int i = 0; i < SERIN_HTTP_SERVER_ERRORS; i++)
		ret->failed += counted->observed.server_errors[i];
	for (unsigned int i = 0; i < SERIN_FAILURES; i++)
		ret->failed += stats->failures[i];
	ret->requests = stats->asked + stats->failures[SERIN_FAILURE_REFUSED] + stats->failures[SERIN_FAILURE_TIMEOUT] +
			stats->failures[SERIN_FAILURE_UNREACHABLE];
	memcpy(ret->times, counted->observed.response.bucket, sizeof(ret->times));
}

void trial_sample(const struct controller *controller, const struct service *service, size_t version,
		  struct plain_sample *ret)
{
	sample_one(controller, service, version, &ret->trial);
	sample_one(controller, service, service->now.baseline, &ret->baseline);
}

struct trial *trial_of(const struct controller *controller, const struct service *service)
{
	return controller->trials[service->id];
}

unsigned int trial_settle_ms(const struct controller *controller, const struct service *service)
{
	const struct trial *trial = trial_of(controller, service);

	return trial && trial->config ? trial->config->judge.settle : config_judge_defaults.settle;
}

void trial_end(struct controller *controller, unsigned int service)
{
	struct trial *trial = controller->trials[service];

	if (!trial)
		return;
	plain_set_free(trial->checks);
	outcomes_free(trial->outcomes);
	config_rollout_free(trial->config);
	free(trial);
	controller->trials[service] = NULL;
}

static struct trial *trial_new(const struct controller *controller, const struct service *service,
			       const struct config_rollout *config)
{
	struct trial *trial = calloc(1, sizeof(*trial));
	const struct state_service *now = &service->now;
	uint64_t seed = 0;

	if (!trial)
		return NULL;
	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
		seed = now->rollout;
	trial->outcomes = outcomes_new(OUTCOME_CLIENTS, seed);
	trial->config = config_rollout_copy(config);
	if (!trial->outcomes || (config && !trial->config) ||
	    plain_set_new(controller->fetcher, config ? trial->config->checks : NULL,
			  config ? trial->config->check_count : 0, service->config->name, now->trial.rollout.version,
			  now->versions[now->baseline].name, &trial->checks)) {
		outcomes_free(trial->outcomes);
		config_rollout_free(trial->config);
		free(trial);
		return NULL;
	}
	return trial;
}

static void add_answers(const struct serin_observed *observed, struct trial_answers *to)
{
	for (unsigned int i = 0; i < SERIN_HISTOGRAM_BUCKETS; i++) {
		__u64 all = observed->response.bucket[i], first = observed->first[i];

		/* Read while it was counted: an answer may be among the first already, and not among all yet. */
		to->bucket[SERIN_TURN_FIRST][i] += first < all ? first : all;
		to->bucket[SERIN_TURN_LATER][i] += first < all ? all - first : 0;
	}
}

void trial_read_answers(const struct controller *controller, const struct service *service, size_t version,
			struct trial_answers *ret)
{
	const size_t versions[] = { version, service->now.baseline };

	*ret = (struct trial_answers){ 0 };
	for (unsigned int i = 0; i < 2; i++)
		add_answers(&counters_of_version(&controller->counters, service->id, service->version_id[versions[i]])
				     ->observed,
			    ret);
}

/* What both versions had answered by now is nothing that this rollout has seen. */
static void begin_latency(const struct controller *controller, const struct service *service, size_t version,
			  struct trial *trial)
{
	trial_read_answers(controller, service, version, &trial->before);
	trial->warm_ms = 0;
	trial->limited = 0;
}

int trial_begin(struct controller *controller, struct service *service, bool goes_on, struct complaint *complaint)
{
	int version = trial_version(service);
	struct plain_sample *sample = malloc(sizeof(*sample));
	struct trial *former = trial_of(controller, service), *trial = NULL;

	/* One that is drawn anew in its course keeps what it began with. */
	if (sample && version >= 0)
		trial = trial_new(controller, service, former && goes_on ? former->config : service->config->rollout);
	if (!trial) {
		free(sample);
		return complain(complaint, -ENOMEM, "not enough memory for a rollout");
	}
	trial_end(controller, service->id);
	controller->trials[service->id] = trial;
	trial_sample(controller, service, (size_t)version, sample);
	begin_latency(controller, service, (size_t)version, trial);
	plain_set_begin(trial->checks, sample, loop_now_ms());
	datapath_guard_slow_limits(controller->datapath, service->id, NULL);
	free(sample);
	return 0;
}

/* One version's counts, of trial or baseline, in `ret`. */
static void read_role(const struct controller *controller, const struct service *service, size_t version, bool is_trial,
		      struct judge_meter *ret)
{
	unsigned int id = service->version_id[version];
	struct serin_incidents failed = { 0 };
	struct serin_slow slow = { 0 };
	uint64_t now[JUDGE_STREAMS][JUDGE_PROCESSES];

	datapath_guard_incidents(controller->datapath, service->id, id, &failed);
	datapath_guard_slow(controller->datapath, service->id, id, &slow);
	now[JUDGE_FAILED][JUDGE_R] = failed.rollout;
	now[JUDGE_FAILED][JUDGE_G] = failed.epoch;
	for (unsigned int i = 0; i < SERIN_QUANTILES; i++) {
		now[JUDGE_SLOW_P90 + i][JUDGE_R] = slow.rollout[i];
		now[JUDGE_SLOW_P90 + i][JUDGE_G] = slow.epoch[i];
	}
	for (unsigned int i = JUDGE_FAILED; i <= JUDGE_SLOW_P999; i++) {
		for (unsigned int j = 0; j < JUDGE_PROCESSES; j++)
			*(is_trial ? &ret->counts[i][j].trial : &ret->counts[i][j].baseline) = now[i][j];
	}
}

/* Of the draw that `state` has made. Only what is certain is evidence that a version is well. */
static uint64_t clients_at_least(const struct controller *controller, const struct service *service, size_t version,
				 const struct state_service *state)
{
	struct serin_served served;

	if (datapath_guard_served(controller->datapath, service->id, service->version_id[version], &served))
		return 0;
	return served_at_least(served_estimate(&served, plan_seed(state->name, state->rollout)));
}

void trial_count(const struct controller *controller, const struct service *service, const struct state_service *state,
		 struct judge_meter *ret)
{
	const struct trial *trial = trial_of(controller, service);
	int version = state_find_version(state, state->trial.rollout.version);

	*ret = (struct judge_meter){ 0 };
	read_role(controller, service, (size_t)version, true, ret);
	read_role(controller, service, state->baseline, false, ret);
	ret->clients[JUDGE_ERRORS] = clients_at_least(controller, service, (size_t)version, state);
	if (!trial)
		return;
	memcpy(ret->counts[JUDGE_REPORTED], trial->reported, sizeof(trial->reported));
	ret->clients[JUDGE_OUTCOMES] = trial->reporters;
}

void trial_skip(const struct controller *controller, const struct service *service, struct state_service *state)
{
	struct judge_meter before = state->trial.told;

	trial_count(controller, service, state, &state->trial.told);
	for (unsigned int i = 0; i < JUDGE_CHECKS; i++) {
		if (state->trial.told.clients[i] < before.clients[i])
			state->trial.told.clients[i] = before.clients[i];
	}
}

void trial_skip_draw(const struct controller *controller, const struct service *service, struct state_service *state)
{
	trial_count(controller, service, state, &state->trial.told);
	memset(state->trial.told.clients, 0, sizeof(state->trial.told.clients));
}

/* Whether a version that is neither judged nor the baseline has to give clients back. */
static bool gives_back(const struct state_service *now, const struct state_service *wanted)
{
	for (size_t i = 0; i < now->version_count; i++) {
		const char *name = now->versions[i].name;
		int then = state_find_version(wanted, name);

		if (i != now->baseline && strcmp(name, wanted->trial.rollout.version) &&
		    (then < 0 ? 0 : wanted->versions[then].weight) < now->versions[i].weight)
			return true;
	}
	return false;
}

void trial_note_returned(const struct state_service *from, struct state_service *state)
{
	if (rollout_is_judged(&state->trial.rollout) && gives_back(from, state))
		judge_returned(&state->trial.judge);
}

void controller_trial_epoch(const struct controller *controller, const struct service *service,
			    struct state_service *state)
{
	struct state_trial *trial = &state->trial;
	struct judge_meter now;

	if (!rollout_is_judged(&trial->rollout) || state_find_version(state, trial->rollout.version) < 0)
		return;
	if (trial->judge.settings.trials)
		judge_epoch(&trial->judge);
	trial_note_returned(&service->now, state);
	trial_count(controller, service, state, &now);
	for (unsigned int i = 0; i < JUDGE_STREAMS; i++)
		trial->told.counts[i][JUDGE_G] = now.counts[i][JUDGE_G];
}
