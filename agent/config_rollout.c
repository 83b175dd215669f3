/* SPDX-License-Identifier: BSD-2-Clause */
/* A service's key `rollout`: which version, in what steps, and what becomes of it when a step is not passed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config_rollout_parts.h"
#include "config_value.h"
#include "scalar.h"

#define EXPECTED_DEADLINE "off or a duration from 1s to 30d, such as 4h"
#define MAX_DEADLINE_MS (30u * 24 * 3600 * 1000)

static int read_version(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct rollout_draft *draft = into;
	const struct config_service *service = draft->service;
	const char *text = config_text(node);
	int index;

	if (!text || !name_is_valid(text, sizeof(service->versions[0].name)))
		return config_bad_value(reader, node, "version", "the name of a version on trial");
	index = config_find_version(service, text);
	if (index < 0)
		return config_complain(reader, config_place_of(node),
				       "a rollout of '%s', which is no version of service '%s', expected one such as "
				       "'%s'",
				       text, service->name, service->versions[service->baseline ? 0 : 1].name);
	if ((size_t)index == service->baseline)
		return config_complain(reader, config_place_of(node),
				       "a rollout of the baseline '%s', expected a version on trial such as '%s'", text,
				       service->versions[service->baseline ? 0 : 1].name);
	draft->rollout->version = index;
	return 0;
}

static int read_holdback(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct rollout_draft *draft = into;
	const char *text = config_text(node);
	unsigned int share;

	if (!text || parse_share(text, &share) < 0 || !share || share > SHARE_WHOLE / 2)
		return config_bad_value(reader, node, "holdback",
					"0.01% to 50%, such as 5%: without a rest there is nothing to compare with");
	draft->rollout->schedule.holdback = share;
	return 0;
}

static int read_on_unproven(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct rollout_draft *draft = into;
	int value, err;

	err = config_value_choice(reader, node, "on_unproven", config_unprovens, CONFIG_COUNT(config_unprovens),
				  &value);
	if (!err)
		draft->rollout->schedule.on_unproven = (enum config_unproven)value;
	return err;
}

static int read_extend(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct rollout_draft *draft = into;
	const char *text = config_text(node);

	if (!text || parse_unsigned(text, 1, 100, &draft->rollout->schedule.extend) < 0)
		return config_bad_value(reader, node, "extend",
					"a step's longest time in multiples of its 'for', 1 to 100, such as 3");
	return 0;
}

static int read_deadline(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct rollout_draft *draft = into;

	draft->deadline_place = config_place_of(node);
	if (config_is_off(node)) {
		draft->rollout->schedule.deadline = 0;
		return 0;
	}
	return config_value_duration(reader, node, "deadline", 1000, MAX_DEADLINE_MS, EXPECTED_DEADLINE,
				     &draft->rollout->schedule.deadline);
}

static int read_flows(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct rollout_draft *draft = into;
	int value, err;

	err = config_value_choice(reader, node, "flows", config_flow_ends, CONFIG_COUNT(config_flow_ends), &value);
	if (!err)
		draft->rollout->schedule.reset = value == CONFIG_FLOWS_RESET;
	return err;
}

static int read_on_rollback(struct config_reader *reader, yaml_node_t *node, void *into)
{
	static const struct config_key keys[] = {
		{ .name = "flows", .read = read_flows, .required = "reset or drain" },
	};
	static const struct config_mapping mapping = { .name = "on_rollback", CONFIG_KEYS(keys) };

	return config_read_mapping(reader, node, &mapping, into);
}

static const struct config_key rollout_keys[] = {
	{ .name = "version", .read = read_version },         { .name = "steps", .read = config_read_steps },
	{ .name = "start", .read = config_read_start },      { .name = "step", .read = config_read_rise },
	{ .name = "every", .read = config_read_every },      { .name = "max", .read = config_read_max },
	{ .name = "holdback", .read = read_holdback },       { .name = "on_unproven", .read = read_on_unproven },
	{ .name = "extend", .read = read_extend },           { .name = "deadline", .read = read_deadline },
	{ .name = "judge", .read = config_read_judge },      { .name = "checks", .read = config_read_plain_checks },
	{ .name = "on_rollback", .read = read_on_rollback },
};
static const struct config_mapping rollout_mapping = { .name = "a rollout", CONFIG_KEYS(rollout_keys) };

/* Whom a start without a name would mean has to be plain. */
static int check_versions(struct config_reader *reader, const struct rollout_draft *draft)
{
	const struct config_service *service = draft->service;

	if (service->version_count == 1)
		return config_complain(reader, draft->rollout->place,
				       "a rollout in a service of one version, expected a version on trial beside '%s'",
				       service->versions[0].name);
	if (service->version_count > 2 && draft->rollout->version < 0)
		return config_complain(reader, draft->rollout->place,
				       "missing key 'version' in a rollout of a service of %zu versions, expected the "
				       "name of one on trial",
				       service->version_count);
	return 0;
}

/* A deadline within a step's own time would roll back every version. */
static int check_deadline(struct config_reader *reader, const struct rollout_draft *draft)
{
	const struct config_schedule *schedule = &draft->rollout->schedule;
	char deadline[DURATION_TEXT_LEN], time[DURATION_TEXT_LEN];

	for (size_t i = 0; schedule->deadline && i < schedule->step_count; i++) {
		if (schedule->steps[i].for_ms >= schedule->deadline)
			return config_complain(reader, draft->deadline_place,
					       "a deadline of %s for steps of which one takes %s, expected more than "
					       "that",
					       duration_format_ms(schedule->deadline, deadline),
					       duration_format_ms(schedule->steps[i].for_ms, time));
	}
	return 0;
}

int config_read_rollout(struct config_reader *reader, struct config_draft *service_draft)
{
	struct config_service *service = service_draft->service;
	struct rollout_draft draft = { .service = service, .ladder.max = SHARE_WHOLE };
	int err;

	if (!service_draft->rollout)
		return 0;
	draft.rollout = service->rollout = calloc(1, sizeof(*service->rollout));
	if (!draft.rollout)
		return config_complain_memory(reader);
	*draft.rollout = (struct config_rollout){
		.version = -1,
		.schedule = { .holdback = 500, .extend = 3, .reset = service->on_rollback == CONFIG_FLOWS_RESET },
		.judge = config_judge_defaults,
		.place = config_place_of(service_draft->rollout),
	};
	err = config_read_mapping(reader, service_draft->rollout, &rollout_mapping, &draft);
	if (!err)
		err = config_check_steps(reader, service_draft->rollout, &draft);
	if (err)
		return err;
	config_finish_steps(&draft);
	err = check_versions(reader, &draft);
	return err ? err : check_deadline(reader, &draft);
}

int config_rollout_version(const struct config_service *service, size_t baseline)
{
	int version = service->rollout ? service->rollout->version : -1;

	if (version >= 0 && (size_t)version != baseline)
		return version;
	return service->version_count == 2 ? (int)(1 - baseline) : -ENOENT;
}

struct config_rollout *config_rollout_free(struct config_rollout *rollout)
{
	if (!rollout)
		return NULL;
	for (size_t i = 0; i < rollout->check_count; i++) {
		free(rollout->checks[i].url);
		free(rollout->checks[i].query);
	}
	free(rollout->checks);
	free(rollout);
	return NULL;
}

struct config_rollout *config_rollout_copy(const struct config_rollout *rollout)
{
	struct config_rollout *copy = rollout ? malloc(sizeof(*copy)) : NULL;
	bool ok = true;

	if (!copy)
		return NULL;
	*copy = *rollout;
	copy->check_count = 0;
	copy->checks = calloc(rollout->check_count + 1, sizeof(*copy->checks));
	if (!copy->checks)
		return config_rollout_free(copy);
	for (; copy->check_count < rollout->check_count; copy->check_count++) {
		const struct config_plain_check *from = &rollout->checks[copy->check_count];
		struct config_plain_check *to = &copy->checks[copy->check_count];

		*to = *from;
		to->url = from->url ? strdup(from->url) : NULL;
		to->query = from->query ? strdup(from->query) : NULL;
		ok = ok && !to->url == !from->url && !to->query == !from->query;
	}
	return ok ? copy : config_rollout_free(copy);
}
