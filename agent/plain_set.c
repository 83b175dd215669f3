/* SPDX-License-Identifier: BSD-2-Clause */
/* A rollout's plain checks side by side. */
#include "plain_set.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define LONGEST_QUERY_MS 10000u /* and no longer than the window */

struct item {
	struct plain_check check;
	struct prometheus *query; /* NULL: none under way */
};

struct plain_set {
	struct fetcher *fetcher;
	const struct config_plain_check *configs;
	char service[SERIN_NAME_LEN];
	char trial[SERIN_VERSION_NAME_LEN], baseline[SERIN_VERSION_NAME_LEN];
	size_t count;
	struct item items[];
};

int plain_set_new(struct fetcher *fetcher, const struct config_plain_check *checks, size_t count, const char *service,
		  const char *trial, const char *baseline, struct plain_set **ret)
{
	struct plain_set *set = calloc(1, sizeof(*set) + count * sizeof(set->items[0]));

	if (!set)
		return -ENOMEM;
	set->fetcher = fetcher;
	set->configs = checks;
	set->count = count;
	snprintf(set->service, sizeof(set->service), "%s", service);
	snprintf(set->trial, sizeof(set->trial), "%s", trial);
	snprintf(set->baseline, sizeof(set->baseline), "%s", baseline);
	for (size_t i = 0; i < count; i++)
		plain_check_begin(&set->items[i].check, &checks[i], set->trial, set->baseline,
				  &(struct plain_sample){ 0 }, 0);
	*ret = set;
	return 0;
}

struct plain_set *plain_set_free(struct plain_set *set)
{
	if (!set)
		return NULL;
	for (size_t i = 0; i < set->count; i++)
		prometheus_cancel(set->items[i].query);
	free(set);
	return NULL;
}

void plain_set_begin(struct plain_set *set, const struct plain_sample *now, int64_t now_ms)
{
	for (size_t i = 0; i < set->count; i++) {
		struct item *item = &set->items[i];

		item->query = prometheus_cancel(item->query); /* its answer would be about the time before */
		plain_check_begin(&item->check, &set->configs[i], set->trial, set->baseline, now, now_ms);
	}
}

static void on_values(void *context, const struct prometheus_value *trial, const struct prometheus_value *baseline)
{
	struct item *item = context;

	item->query = NULL;
	plain_check_answer(&item->check, trial, baseline);
}

static void ask(struct plain_set *set, struct item *item)
{
	const struct config_plain_check *config = item->check.config;
	struct prometheus_query query = {
		.url = config->url,
		.query = config->query,
		.service = set->service,
		.trial = set->trial,
		.baseline = plain_check_compares(config) ? set->baseline : NULL,
		.timeout_ms = config->window < LONGEST_QUERY_MS ? config->window : LONGEST_QUERY_MS,
	};
	struct prometheus_value none = { .why = "not enough memory to ask Prometheus" };

	item->query = prometheus_cancel(item->query);
	if (prometheus_ask(set->fetcher, &query, on_values, item, &item->query))
		plain_check_answer(&item->check, &none, &none);
}

void plain_set_tick(struct plain_set *set, const struct plain_sample *now, int64_t now_ms)
{
	for (size_t i = 0; i < set->count; i++) {
		struct item *item = &set->items[i];

		if (item->check.config->kind != CONFIG_PLAIN_PROMETHEUS)
			plain_check_tick(&item->check, now, now_ms);
		else if (plain_check_due(&item->check, now, now_ms))
			ask(set, item);
	}
}

void plain_set_sum_up(const struct plain_set *set, struct plain_summary *ret)
{
	*ret = (struct plain_summary){ .rollback = NULL };
	for (size_t i = set->count; i-- > 0;) {
		const struct plain_check *check = &set->items[i].check;

		if (check->verdict == PLAIN_PASSED)
			continue;
		if (!check->looked)
			ret->pending = check;
		else if (check->verdict != PLAIN_FAILED)
			ret->open = check;
		else if (check->config->action == CONFIG_PLAIN_ROLLBACK)
			ret->rollback = check;
		else
			ret->hold = check;
	}
}

enum rollout_checks plain_set_verdict(const struct plain_set *set, const char **ret_reason)
{
	const struct plain_check *worst;
	struct plain_summary sum;

	plain_set_sum_up(set, &sum);
	worst = sum.rollback ?: sum.hold ?: sum.pending ?: sum.open;
	*ret_reason = worst ? worst->reason : NULL;
	if (sum.rollback)
		return ROLLOUT_CHECKS_ROLLBACK;
	if (sum.hold)
		return ROLLOUT_CHECKS_HOLD;
	if (sum.pending)
		return ROLLOUT_CHECKS_PENDING;
	return sum.open ? ROLLOUT_CHECKS_NO_DATA : ROLLOUT_CHECKS_PASS;
}

json_t *plain_set_to_json(const struct plain_set *set)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < set->count; i++) {
		if (json_array_append_new(list, plain_check_to_json(&set->items[i].check))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}
