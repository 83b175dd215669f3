/* SPDX-License-Identifier: BSD-2-Clause */
/* Shares of versions: the start, a change by hand, a rollback. */
#include "weights.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "scalar.h"

#define WEIGHTS_BY_FILE "file"

const char *weights_source_name(enum weights_source source)
{
	static const char *const names[] = { "state file", "running plan", "configuration" };

	return names[source];
}

/* Where versions come together from two places, none may take more than the baseline has left. */
static void give(struct state_service *service, size_t version, unsigned int weight)
{
	uint16_t *rest = &service->versions[service->baseline].weight;

	if (version == service->baseline || weight > *rest)
		return;
	service->versions[version].weight = (uint16_t)weight;
	*rest = (uint16_t)(*rest - weight);
}

static void start_versions(const struct config_service *service, const struct state_service *from,
			   struct state_service *ret)
{
	size_t i;
	int at;

	ret->version_count = service->version_count;
	for (i = 0; i < service->version_count; i++)
		memcpy(ret->versions[i].name, service->versions[i].name, sizeof(ret->versions[i].name));
	/* Roles live in the state: the file only says how they start. */
	at = from ? state_find_version(ret, from->versions[from->baseline].name) : -ENOENT;
	ret->baseline = at >= 0 ? (size_t)at : service->baseline;
	ret->versions[ret->baseline].weight = SERIN_SLOTS;
	for (i = 0; from && i < service->version_count; i++) {
		at = state_find_version(from, ret->versions[i].name);
		if (at >= 0)
			give(ret, i, from->versions[at].weight);
	}
	for (i = 0; i < service->version_count; i++) {
		if (service->versions[i].weight > 0 && (!from || state_find_version(from, ret->versions[i].name) < 0))
			give(ret, i, (unsigned int)service->versions[i].weight);
	}
}

bool weights_are_by_file(const struct state_service *service)
{
	return (service->changed.kind == STATE_START || service->changed.kind == STATE_RELOAD) &&
	       !strcmp(service->changed.by, WEIGHTS_BY_FILE);
}

static enum weights_source choose_source(const struct state_service *stored, const struct state_service *pinned)
{
	if (stored && (!pinned || pinned->generation <= stored->generation))
		return weights_are_by_file(stored) ? WEIGHTS_CONFIG : WEIGHTS_STATE;
	return pinned ? WEIGHTS_PLAN : WEIGHTS_CONFIG;
}

bool weights_are_same(const struct state_service *a, const struct state_service *b)
{
	int at;

	if (a->version_count != b->version_count ||
	    strcmp(a->versions[a->baseline].name, b->versions[b->baseline].name))
		return false;
	for (size_t i = 0; i < a->version_count; i++) {
		at = state_find_version(b, a->versions[i].name);
		if (at < 0 || a->versions[i].weight != b->versions[at].weight)
			return false;
	}
	return true;
}

enum weights_source weights_start(const struct config_service *service, const struct state_service *stored,
				  const struct state_service *pinned, int64_t now, struct state_service *ret)
{
	enum weights_source source = choose_source(stored, pinned);
	const struct state_service *const from[] = {
		[WEIGHTS_STATE] = stored, [WEIGHTS_PLAN] = pinned, [WEIGHTS_CONFIG] = NULL
	};

	*ret = (struct state_service){ 0 };
	memcpy(ret->name, service->name, sizeof(ret->name));
	start_versions(service, from[source], ret);
	if (source == WEIGHTS_PLAN)
		ret->generation = pinned->generation;
	else if (stored)
		ret->generation = stored->generation;
	/* Where the state is lost, a plan goes on with the clients it has. */
	ret->rollout = stored ? stored->rollout : pinned ? pinned->rollout : 0;
	ret->epoch = stored ? stored->epoch : 0;
	ret->lost = stored && stored->lost;
	if (stored)
		ret->trial = stored->trial;
	if (source == WEIGHTS_STATE || (source == WEIGHTS_CONFIG && stored && weights_are_same(stored, ret))) {
		ret->changed = stored->changed;
	} else {
		ret->changed = (struct state_change){ .at = now, .kind = STATE_START };
		snprintf(ret->changed.by, sizeof(ret->changed.by), "%s",
			 source == WEIGHTS_PLAN ? "agent" : WEIGHTS_BY_FILE);
	}
	return source;
}

int weights_check_baseline(const struct state_service *now, const struct config_service *service,
			   struct complaint *complaint)
{
	const struct state_version *baseline = &now->versions[now->baseline];
	char text[SHARE_TEXT_LEN];

	if (now->lost || !baseline->weight || config_find_version(service, baseline->name) >= 0)
		return 0;
	return complain(complaint, -EINVAL,
			"service %s has no version %s any more, the running baseline with %s of the connections, "
			"expected it to stay until other versions have all of them (`serin weight`)",
			service->name, baseline->name, share_format(baseline->weight, text));
}

static int check_wishes(const struct state_service *service, const struct weights_wish *wishes, size_t count,
			int ret_wish_of[SERIN_MAX_VERSIONS], struct complaint *complaint)
{
	char names[SERIN_MAX_VERSIONS * (SERIN_VERSION_NAME_LEN + 2)] = "";
	size_t i, used = 0;
	int at;

	for (i = 0; i < service->version_count; i++) {
		ret_wish_of[i] = -1;
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
					 service->versions[i].name);
	}
	for (i = 0; i < count; i++) {
		at = state_find_version(service, wishes[i].version);
		if (at < 0)
			return complain(complaint, -ENOENT, "service %s has no version named '%.64s', there are: %s",
					service->name, wishes[i].version, names);
		if (ret_wish_of[at] >= 0)
			return complain(complaint, -EINVAL, "version %s is named twice", wishes[i].version);
		ret_wish_of[at] = (int)i;
	}
	return 0;
}

static int check_sum(const struct state_service *service, unsigned int sum, bool with_baseline,
		     struct complaint *complaint)
{
	char text[SHARE_TEXT_LEN];

	if (with_baseline && sum != SERIN_SLOTS)
		return complain(complaint, -EINVAL,
				"all weights of %s add up to %s, expected 100%% where the baseline %s is named",
				service->name, share_format(sum, text), service->versions[service->baseline].name);
	if (sum > SERIN_SLOTS)
		return complain(complaint, -EINVAL,
				"the weights of %s's versions on trial add up to %s, expected at most 100%%",
				service->name, share_format(sum, text));
	return 0;
}

int weights_change(struct state_service *service, const struct weights_wish *wishes, size_t count,
		   struct complaint *complaint)
{
	uint16_t weight[SERIN_MAX_VERSIONS];
	int wish_of[SERIN_MAX_VERSIONS];
	unsigned int sum = 0;
	size_t i;
	int r;

	r = check_wishes(service, wishes, count, wish_of, complaint);
	if (r)
		return r;
	for (i = 0; i < service->version_count; i++) {
		weight[i] = service->versions[i].weight;
		if (wish_of[i] >= 0)
			weight[i] = (uint16_t)wishes[wish_of[i]].weight;
		else if (i == service->baseline)
			weight[i] = 0;
		sum += weight[i];
	}
	r = check_sum(service, sum, wish_of[service->baseline] >= 0, complaint);
	if (r)
		return r;
	weight[service->baseline] = (uint16_t)(weight[service->baseline] + SERIN_SLOTS - sum);
	for (i = 0; i < service->version_count; i++)
		service->versions[i].weight = weight[i];
	return 0;
}

void weights_rollback(struct state_service *service)
{
	for (size_t i = 0; i < service->version_count; i++)
		service->versions[i].weight = i == service->baseline ? SERIN_SLOTS : 0;
}

const char *weights_format(const struct state_service *service, char *buffer, size_t size)
{
	char share[SHARE_TEXT_LEN];
	size_t used = 0;

	buffer[0] = '\0';
	for (size_t i = 0; i < service->version_count && used < size; i++)
		used += (size_t)snprintf(buffer + used, size - used, "%s%s %s", i ? ", " : "",
					 service->versions[i].name, share_format(service->versions[i].weight, share));
	return buffer;
}
