/* SPDX-License-Identifier: BSD-2-Clause */
/* What applications say of their clients' requests: TLS and failures of the business, which no packet shows. */
#include <errno.h>
#include <string.h>

#include <serin/split.h>

#include "controller_trial.h"
#include "rules.h"

#define CLIENT_MOST 128 /* bytes of a client's name */

bool trial_heard(const struct controller *controller, const struct service *service)
{
	return controller->heard[service->id];
}

static uint64_t hash_text(const char *text, uint64_t hash)
{
	for (; *text; text++)
		hash = serin_mix64(hash ^ (unsigned char)*text);
	return hash;
}

/* Whether the draw that holds has given the client to that version: who was placed by a rule was not drawn, and who came under
 * an older plan proves nothing about this one. Only an address can be looked up, and only where it alone decides. */
static bool is_drawn(const struct service *service, unsigned int version, const struct serin_addr *client)
{
	struct serin_split_key key = { .client = *client, .family = address_is_ipv4(client) ? SERIN_IPV4 : SERIN_IPV6 };
	struct serin_split split;

	if (service->plan->affinity != SERIN_AFFINITY_SOURCE)
		return true;
	if (service->plan->rules && rules_find(&service->config->rules, client))
		return false;
	serin_split(service->plan, &key, &split);
	return split.version == version;
}

/* One client is one, however many addresses its network draws from. */
static uint64_t client_number(const struct service *service, const char *text, const struct serin_addr *address)
{
	const struct serin_plan *plan = service->plan;
	const __u64 *mask = address && address_is_ipv4(address) ? plan->mask4 : plan->mask6;

	if (!address)
		return hash_text(text, plan->seed);
	return serin_mix64(serin_mix64(plan->seed ^ (address->quad[0] & mask[0])) ^ (address->quad[1] & mask[1]));
}

static void note(struct trial *trial, uint64_t client, bool is_trial, bool failed, uint32_t epoch, uint64_t *lost)
{
	uint64_t lost_before = outcomes_lost(trial->outcomes);
	struct outcomes_first first = outcomes_note(trial->outcomes, client, failed, epoch);
	struct evidence_counts *r = &trial->reported[JUDGE_R], *g = &trial->reported[JUDGE_G];

	*lost += outcomes_lost(trial->outcomes) - lost_before;
	trial->reporters += first.seen && is_trial;
	*(is_trial ? &r->trial : &r->baseline) += first.failed_rollout;
	*(is_trial ? &g->trial : &g->baseline) += first.failed_epoch;
}

int controller_outcome(struct controller *controller, struct service *service, const char *version, const char *client,
		       bool failed, struct complaint *complaint)
{
	int index = state_find_version(&service->now, version), trial_index = trial_version(service);
	struct trial *trial = trial_of(controller, service);
	struct serin_addr address;
	bool is_address;

	if (index < 0)
		return complain(complaint, -ENOENT, "service %s has no version named '%.64s'", service->config->name,
				version);
	if (!*client || strlen(client) > CLIENT_MOST)
		return complain(complaint, -EINVAL, "a client's name of %zu bytes, expected 1 to %d", strlen(client),
				CLIENT_MOST);
	controller->heard[service->id] = true;
	if (!trial || !rollout_is_judged(&service->now.trial.rollout) ||
	    (index != trial_index && (size_t)index != service->now.baseline))
		return 0;
	is_address = !address_parse(client, &address);
	if (is_address && !is_drawn(service, service->version_id[index], &address))
		return 0;
	note(trial, client_number(service, client, is_address ? &address : NULL), index == trial_index, failed,
	     service_epoch(&service->now), &controller->rollout_counts[service->id].outcomes_lost);
	return 0;
}
