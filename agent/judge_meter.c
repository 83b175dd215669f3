/* SPDX-License-Identifier: BSD-2-Clause */
/* Differences of cumulative counts, and the counts as JSON. */
#include "judge_meter.h"

#include <errno.h>

#define NUMBERS (JUDGE_STREAMS * JUDGE_PROCESSES * 2 + JUDGE_CHECKS)

static uint64_t since(uint64_t *then, uint64_t now)
{
	uint64_t more = now >= *then ? now - *then : now;

	*then = now;
	return more;
}

struct judge_sample judge_meter_read(struct judge_meter *meter, const struct judge_meter *now, double share)
{
	struct judge_sample sample = { .share = share };

	for (unsigned int i = 0; i < JUDGE_STREAMS * JUDGE_PROCESSES; i++) {
		struct evidence_counts *then = &meter->counts[i / JUDGE_PROCESSES][i % JUDGE_PROCESSES];
		const struct evidence_counts *count = &now->counts[i / JUDGE_PROCESSES][i % JUDGE_PROCESSES];

		sample.counts[i / JUDGE_PROCESSES][i % JUDGE_PROCESSES] =
			(struct evidence_counts){ since(&then->trial, count->trial),
						  since(&then->baseline, count->baseline) };
	}
	for (unsigned int i = 0; i < JUDGE_CHECKS; i++) {
		if (now->clients[i] > meter->clients[i])
			sample.clients[i] = since(&meter->clients[i], now->clients[i]);
	}
	return sample;
}

/* Streams in their order, of each R and G, of each trial and baseline; then the clients. */
static uint64_t *number(struct judge_meter *meter, unsigned int index)
{
	struct evidence_counts *counts = &meter->counts[index / 4 % JUDGE_STREAMS][index / 2 % 2];

	if (index >= JUDGE_STREAMS * JUDGE_PROCESSES * 2)
		return &meter->clients[index - JUDGE_STREAMS * JUDGE_PROCESSES * 2];
	return index % 2 ? &counts->baseline : &counts->trial;
}

json_t *judge_meter_encode(const struct judge_meter *meter)
{
	struct judge_meter copy = *meter;
	json_t *list = json_array();

	for (unsigned int i = 0; i < NUMBERS; i++) {
		if (json_array_append_new(list, json_integer((json_int_t)*number(&copy, i)))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

int judge_meter_decode(json_t *value, struct judge_meter *ret, struct complaint *complaint)
{
	struct judge_meter meter = { 0 };

	if (!json_is_array(value) || json_array_size(value) != NUMBERS)
		return complain(complaint, -EBADMSG, "counts: expected a list of %d numbers", NUMBERS);
	for (unsigned int i = 0; i < NUMBERS; i++) {
		json_t *entry = json_array_get(value, i);

		if (!json_is_integer(entry) || json_integer_value(entry) < 0)
			return complain(complaint, -EBADMSG, "counts: number %u, expected an integer, 0 or more",
					i + 1);
		*number(&meter, i) = (uint64_t)json_integer_value(entry);
	}
	*ret = meter;
	return 0;
}
