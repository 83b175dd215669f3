/* SPDX-License-Identifier: BSD-2-Clause */
/* A ring of points, and the counters as they stood when the last one was made. */
#include "history.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "histogram.h"

/* Floats: a pixel is coarser. NAN: unknown. */
struct figures_of_step {
	bool is_there;
	uint16_t weight;
	float measured, rps, failure_ratio, p50, p95, p99;
};

struct point {
	int64_t t;
	struct figures_of_step versions[SERIN_MAX_VERSIONS];
};

struct standing {
	uint64_t opened, asked, failed, of;
	uint32_t response[SERIN_HISTOGRAM_BUCKETS]; /* low words: enough for differences */
};

struct history {
	char service[SERIN_NAME_LEN];
	char names[SERIN_MAX_VERSIONS][SERIN_VERSION_NAME_LEN];
	bool has_begun;
	int64_t seconds, at_ms; /* of the last step's end */
	struct standing standing[SERIN_MAX_VERSIONS];
	struct point points[HISTORY_POINTS];
	unsigned int first, count;
};

int history_new(const char *service, struct history **ret)
{
	struct history *history = calloc(1, sizeof(*history));

	if (!history)
		return -ENOMEM;
	snprintf(history->service, sizeof(history->service), "%s", service);
	*ret = history;
	return 0;
}

struct history *history_free(struct history *history)
{
	free(history);
	return NULL;
}

const char *history_service(const struct history *history)
{
	return history->service;
}

bool history_is_due(const struct history *history, int64_t seconds)
{
	return !history->has_begun || seconds / HISTORY_STEP != history->seconds / HISTORY_STEP;
}

static uint64_t gain(uint64_t now, uint64_t then)
{
	return now > then ? now - then : 0;
}

static void measure_times(const struct history_counts *counts, const struct standing *then, struct figures_of_step *ret)
{
	__u64 bucket[SERIN_HISTOGRAM_BUCKETS];

	ret->p50 = ret->p95 = ret->p99 = NAN;
	if (!counts->response)
		return;
	for (size_t i = 0; i < SERIN_HISTOGRAM_BUCKETS; i++)
		bucket[i] = (uint32_t)counts->response[i] - then->response[i];
	if (!histogram_count(bucket))
		return;
	ret->p50 = (float)histogram_quantile(bucket, 0.50);
	ret->p95 = (float)histogram_quantile(bucket, 0.95);
	ret->p99 = (float)histogram_quantile(bucket, 0.99);
}

static void measure(const struct history_counts *counts, const struct standing *then, double seconds, uint64_t all,
		    struct figures_of_step *ret)
{
	uint64_t of = gain(counts->of, then->of), failed = gain(counts->failed, then->failed);

	ret->is_there = true;
	ret->weight = (uint16_t)counts->weight;
	ret->measured = all ? (float)((double)gain(counts->opened, then->opened) / (double)all) : NAN;
	ret->rps = seconds > 0 ? (float)((double)gain(counts->asked, then->asked) / seconds) : NAN;
	if (of < failed)
		of = failed; /* turns that had begun in the step before */
	ret->failure_ratio = of ? (float)((double)failed / (double)of) : NAN;
	measure_times(counts, then, ret);
}

static void stand(struct history *history, const struct history_counts *counts, size_t id)
{
	struct standing *standing = &history->standing[id];

	standing->opened = counts->opened;
	standing->asked = counts->asked;
	standing->failed = counts->failed;
	standing->of = counts->of;
	for (size_t i = 0; i < SERIN_HISTOGRAM_BUCKETS; i++)
		standing->response[i] = counts->response ? (uint32_t)counts->response[i] : 0;
}

/* True for one that had this name before. */
static bool take_name(struct history *history, const char *name, size_t id)
{
	if (!strcmp(history->names[id], name ? name : ""))
		return true;
	for (unsigned int i = 0; i < HISTORY_POINTS; i++)
		history->points[i].versions[id].is_there = false;
	snprintf(history->names[id], sizeof(history->names[id]), "%s", name ? name : "");
	return false;
}

static struct point *next_point(struct history *history, int64_t seconds)
{
	struct point *point;

	if (history->count == HISTORY_POINTS) {
		history->first = (history->first + 1) % HISTORY_POINTS;
		history->count--;
	}
	point = &history->points[(history->first + history->count++) % HISTORY_POINTS];
	*point = (struct point){ .t = seconds - seconds % HISTORY_STEP };
	return point;
}

static void add_point(struct history *history, int64_t seconds, double span, const bool known[SERIN_MAX_VERSIONS],
		      const struct history_counts counts[SERIN_MAX_VERSIONS])
{
	struct point *point = next_point(history, seconds);
	uint64_t all = 0;

	for (size_t id = 0; id < SERIN_MAX_VERSIONS; id++) {
		if (known[id])
			all += gain(counts[id].opened, history->standing[id].opened);
	}
	for (size_t id = 0; id < SERIN_MAX_VERSIONS; id++) {
		if (known[id])
			measure(&counts[id], &history->standing[id], span, all, &point->versions[id]);
	}
}

void history_add(struct history *history, int64_t seconds, int64_t at_ms,
		 const struct history_counts counts[SERIN_MAX_VERSIONS])
{
	bool known[SERIN_MAX_VERSIONS];

	if (history->has_begun && seconds / HISTORY_STEP <= history->seconds / HISTORY_STEP)
		history->count = 0;
	for (size_t id = 0; id < SERIN_MAX_VERSIONS; id++)
		known[id] = take_name(history, counts[id].name, id) && counts[id].name;
	if (history->has_begun)
		add_point(history, seconds, (double)(at_ms - history->at_ms) / 1000, known, counts);
	for (size_t id = 0; id < SERIN_MAX_VERSIONS; id++) {
		if (counts[id].name)
			stand(history, &counts[id], id);
	}
	history->has_begun = true;
	history->seconds = seconds;
	history->at_ms = at_ms;
}

static json_t *known_or_null(float value)
{
	return isnan(value) ? json_null() : json_real((double)value);
}

static json_t *version_to_json(const struct figures_of_step *version)
{
	return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "weight", (int)version->weight, "measured",
			 known_or_null(version->measured), "rps", known_or_null(version->rps), "failure_ratio",
			 known_or_null(version->failure_ratio), "p50", known_or_null(version->p50), "p95",
			 known_or_null(version->p95), "p99", known_or_null(version->p99));
}

static json_t *point_to_json(const struct history *history, const struct point *point)
{
	json_t *versions = json_object();

	for (size_t id = 0; versions && id < SERIN_MAX_VERSIONS; id++) {
		if (!point->versions[id].is_there)
			continue;
		if (json_object_set_new(versions, history->names[id], version_to_json(&point->versions[id]))) {
			json_decref(versions);
			return NULL;
		}
	}
	return json_pack("{s:I, s:o}", "t", (json_int_t)point->t, "versions", versions);
}

json_t *history_to_json(const struct history *history, int64_t after)
{
	json_t *points = json_array();

	for (unsigned int i = 0; points && i < history->count; i++) {
		const struct point *point = &history->points[(history->first + i) % HISTORY_POINTS];

		if (point->t <= after)
			continue;
		if (json_array_append_new(points, point_to_json(history, point))) {
			json_decref(points);
			return NULL;
		}
	}
	return json_pack("{s:i, s:o}", "step", HISTORY_STEP, "points", points);
}
