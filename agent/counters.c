/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading the counters of every backend in use, and adding up by version what they gain. */
#include "counters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loop.h"

/* After stats have moved: a second time, since a packet may have been counted there and not yet in the other map. */
#define READ_AGAIN 2

static bool is_used(const struct image *image, unsigned int backend)
{
	return image->backends[backend].flags & SERIN_BACKEND_USED;
}

static struct counters_version **version_of(struct counters *counters, const struct serin_backend *backend)
{
	return &counters->versions[backend->service % SERIN_MAX_SERVICES][backend->version % SERIN_MAX_VERSIONS];
}

static struct counters_version *provide_version(struct counters *counters, const struct serin_backend *backend)
{
	struct counters_version **version = version_of(counters, backend);

	if (*version)
		return *version;
	*version = calloc(1, sizeof(**version));
	if (*version) /* up to now it had come to nothing */
		recent_restart(&(*version)->recent, &(*version)->observed, counters->at_ms);
	return *version;
}

/* All counters are arrays of 64-bit words. One that went back has begun anew. */
static void add_gain(void *sum, const void *then, const void *now, size_t size)
{
	const uint64_t *from = then, *to = now;
	uint64_t *at = sum;

	for (size_t i = 0; i < size / sizeof(*at); i++)
		at[i] += to[i] >= from[i] ? to[i] - from[i] : to[i];
}

int counters_take(struct counters *counters, const struct image *image, unsigned int backend,
		  const struct serin_stats *stats)
{
	struct serin_stats *then = &counters->backends[backend];
	struct counters_version *version;

	if (!memcmp(then, stats, sizeof(*stats)))
		return 0;
	version = provide_version(counters, &image->backends[backend]);
	if (!version)
		return -ENOMEM;
	add_gain(&version->stats, then, stats, sizeof(*stats));
	*then = *stats;
	counters->behind[backend] = READ_AGAIN;
	return 0;
}

int counters_take_observed(struct counters *counters, const struct image *image, unsigned int backend,
			   const struct serin_observed *observed)
{
	struct counters_version *version = provide_version(counters, &image->backends[backend]);
	struct serin_observed **then = &counters->observed[backend];

	if (!*then)
		*then = calloc(1, sizeof(**then));
	if (!version || !*then)
		return -ENOMEM;
	add_gain(&version->observed, *then, observed, sizeof(*observed));
	**then = *observed;
	if (counters->behind[backend])
		counters->behind[backend]--;
	return 0;
}

int counters_read(struct counters *counters, struct datapath *datapath, const struct image *image, int64_t now_ms)
{
	struct serin_stats stats;
	int first = 0, r;

	counters->at_ms = now_ms;
	for (unsigned int i = 0; i < SERIN_MAX_BACKENDS; i++) {
		if (!is_used(image, i)) {
			counters_retire(counters, i);
			continue;
		}
		r = datapath_read_stats(datapath, i, &stats);
		if (!r)
			r = counters_take(counters, image, i, &stats);
		first = first ? first : r;
	}
	r = datapath_read_drops(datapath, counters->drops);
	first = first ? first : r;
	datapath_read_incidents(datapath, counters->incidents);
	r = datapath_read_table_stats(datapath, &counters->table);
	return first ? first : r;
}

int counters_read_observed(struct counters *counters, struct datapath *datapath, const struct image *image,
			   int64_t budget_ms)
{
	unsigned int begin = counters->next % SERIN_MAX_BACKENDS;
	int64_t until = loop_now_ms() + budget_ms;
	struct serin_observed observed;
	int first = 0, r;

	for (unsigned int i = 0; i < SERIN_MAX_BACKENDS; i++) {
		unsigned int id = (begin + i) % SERIN_MAX_BACKENDS;

		if (!counters->behind[id] || !is_used(image, id))
			continue;
		counters->next = id;
		if (loop_now_ms() >= until)
			break;
		r = datapath_read_observed(datapath, id, &observed);
		if (!r)
			r = counters_take_observed(counters, image, id, &observed);
		first = first ? first : r;
	}
	return first;
}

uint64_t counters_active(const struct serin_stats *stats)
{
	int64_t active = (int64_t)SERIN_ACTIVE(stats);

	return active < 0 ? 0 : (uint64_t)active;
}

void counters_retire(struct counters *counters, unsigned int backend)
{
	memset(&counters->backends[backend], 0, sizeof(counters->backends[backend]));
	counters->behind[backend] = 0;
	free(counters->observed[backend]);
	counters->observed[backend] = NULL;
}

static void forget_version(struct counters *counters, unsigned int service, unsigned int version)
{
	free(counters->versions[service][version]);
	counters->versions[service][version] = NULL;
}

void counters_rename(struct counters *counters, const struct image *image, const struct image *next)
{
	for (unsigned int s = 0; s < SERIN_MAX_SERVICES; s++) {
		const struct serin_service *from = &image->services[s], *to = &next->services[s];
		bool same = !strncmp(from->name, to->name, sizeof(to->name));

		for (unsigned int v = 0; v < SERIN_MAX_VERSIONS; v++) {
			if (!same || strncmp(from->version[v], to->version[v], sizeof(to->version[v])))
				forget_version(counters, s, v);
		}
	}
}

const struct counters_version *counters_of_version(const struct counters *counters, unsigned int service,
						   unsigned int version)
{
	static const struct counters_version none;
	const struct counters_version *found = counters->versions[service][version];

	return found ? found : &none;
}

static void sample(const struct counters *counters, struct service *service)
{
	struct window_sample *newest = &service->newest;

	*newest = (struct window_sample){ .at_ms = counters->at_ms };
	for (unsigned int v = 0; v < SERIN_MAX_VERSIONS; v++) {
		const struct counters_version *version = counters_of_version(counters, service->id, v);

		newest->opened[v] = version->stats.opened;
		newest->turns[v].asked = version->stats.asked;
		newest->turns[v].server_errors = version->observed.classes[5];
		for (unsigned int i = 0; i < SERIN_FAILURES; i++)
			newest->turns[v].failures[i] = version->stats.failures[i];
	}
}

void counters_sample(const struct counters *counters, struct service *services, size_t service_count)
{
	for (size_t i = 0; i < service_count; i++)
		sample(counters, &services[i]);
}

void counters_tick(struct counters *counters)
{
	for (unsigned int s = 0; s < SERIN_MAX_SERVICES; s++) {
		for (unsigned int v = 0; v < SERIN_MAX_VERSIONS; v++) {
			struct counters_version *version = counters->versions[s][v];

			if (version)
				recent_add(&version->recent, &version->observed, counters->at_ms);
		}
	}
}

void counters_restart(struct counters *counters, unsigned int service)
{
	for (unsigned int v = 0; v < SERIN_MAX_VERSIONS; v++) {
		struct counters_version *version = counters->versions[service][v];

		if (version)
			recent_restart(&version->recent, &version->observed, counters->at_ms);
	}
}

void counters_free(struct counters *counters)
{
	if (!counters)
		return;
	for (unsigned int i = 0; i < SERIN_MAX_BACKENDS; i++)
		free(counters->observed[i]);
	for (unsigned int s = 0; s < SERIN_MAX_SERVICES; s++) {
		for (unsigned int v = 0; v < SERIN_MAX_VERSIONS; v++)
			free(counters->versions[s][v]);
	}
}
