/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading the counters of every backend in use, and their sums by version. */
#include "counters.h"

#include <string.h>

int counters_read(struct counters *counters, struct datapath *datapath, const struct image *image)
{
	int first = 0, r;

	for (unsigned int i = 0; i < SERIN_MAX_BACKENDS; i++) {
		if (!(image->backends[i].flags & SERIN_BACKEND_USED)) {
			memset(&counters->backends[i], 0, sizeof(counters->backends[i]));
			continue;
		}
		r = datapath_read_stats(datapath, i, &counters->backends[i]);
		first = first ? first : r;
	}
	r = datapath_read_drops(datapath, counters->drops);
	first = first ? first : r;
	r = datapath_read_table_stats(datapath, &counters->table);
	return first ? first : r;
}

void counters_add(struct serin_stats *sum, const struct serin_stats *more)
{
	for (int i = 0; i < SERIN_DIRECTIONS; i++) {
		sum->packets[i] += more->packets[i];
		sum->bytes[i] += more->bytes[i];
		sum->resets[i] += more->resets[i];
	}
	sum->opened += more->opened;
	sum->established += more->established;
	sum->closed += more->closed;
	sum->gone += more->gone;
	sum->placed += more->placed;
}

uint64_t counters_active(const struct serin_stats *stats)
{
	int64_t active = (int64_t)SERIN_ACTIVE(stats);

	return active < 0 ? 0 : (uint64_t)active;
}

void counters_retire(struct counters *counters, const struct image *image, unsigned int backend)
{
	const struct serin_backend *of = &image->backends[backend];

	counters->retired[of->service % SERIN_MAX_SERVICES][of->version % SERIN_MAX_VERSIONS] +=
		counters->backends[backend].opened;
	memset(&counters->backends[backend], 0, sizeof(counters->backends[backend]));
}

void counters_sample(const struct counters *counters, const struct image *image, struct service *services,
		     size_t service_count, int64_t now_ms)
{
	struct service *by_id[SERIN_MAX_SERVICES] = { NULL };

	for (size_t i = 0; i < service_count; i++) {
		by_id[services[i].id] = &services[i];
		services[i].newest = (struct window_sample){ .at_ms = now_ms };
		memcpy(services[i].newest.opened, counters->retired[services[i].id], sizeof(services[i].newest.opened));
	}
	for (size_t i = 0; i < SERIN_MAX_BACKENDS; i++) {
		const struct serin_backend *backend = &image->backends[i];

		if ((backend->flags & SERIN_BACKEND_USED) && backend->service < SERIN_MAX_SERVICES &&
		    by_id[backend->service])
			by_id[backend->service]->newest.opened[backend->version % SERIN_MAX_VERSIONS] +=
				counters->backends[i].opened;
	}
}
