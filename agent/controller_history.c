/* SPDX-License-Identifier: BSD-2-Clause */
/* Every few seconds, what was counted goes into the services' histories. */
#include "controller.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "figures.h"
#include "history.h"

static struct history *find(struct controller *controller, const struct service *service)
{
	struct history **place = &controller->history[service->id % SERIN_MAX_SERVICES];

	if (*place && strcmp(history_service(*place), service->config->name))
		*place = history_free(*place); /* the id was another service's */
	if (!*place && history_new(service->config->name, place))
		return NULL; /* a chart is not worth more than a try at the next tick */
	return *place;
}

static void count(const struct counters *counters, const struct service *service,
		  struct history_counts counts[SERIN_MAX_VERSIONS])
{
	memset(counts, 0, SERIN_MAX_VERSIONS * sizeof(counts[0]));
	for (size_t i = 0; i < service->now.version_count; i++) {
		unsigned int id = service->version_id[i];
		const struct window_turns *turns = &service->newest.turns[id];

		counts[id] = (struct history_counts){
			.name = service->now.versions[i].name,
			.weight = service_weight(service, i),
			.opened = service->newest.opened[id],
			.asked = turns->asked,
			.response = counters_of_version(counters, service->id, id)->observed.response.bucket,
		};
		figures_count(turns, &counts[id].failed, &counts[id].of);
	}
}

void controller_keep_history(struct controller *controller)
{
	struct history_counts counts[SERIN_MAX_VERSIONS];
	int64_t seconds = time(NULL);

	for (size_t i = 0; i < controller->service_count; i++) {
		const struct service *service = &controller->services[i];
		struct history *history = find(controller, service);

		if (!history || !history_is_due(history, seconds))
			continue;
		count(&controller->counters, service, counts);
		history_add(history, seconds, service->newest.at_ms, counts);
	}
}

const struct history *controller_history(const struct controller *controller, const struct service *service)
{
	const struct history *history = controller->history[service->id % SERIN_MAX_SERVICES];

	return history && !strcmp(history_service(history), service->config->name) ? history : NULL;
}

void controller_free_history(struct controller *controller)
{
	for (size_t i = 0; i < SERIN_MAX_SERVICES; i++)
		controller->history[i] = history_free(controller->history[i]);
}
