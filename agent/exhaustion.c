/* SPDX-License-Identifier: BSD-2-Clause */
/* Drops that somebody has to do something about. */
#include "exhaustion.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "address.h"
#include "decision.h"

static const enum serin_drop watched[] = {
	SERIN_DROP_FLOW_TABLE_FULL,
	SERIN_DROP_SNAT_EXHAUSTED,
	SERIN_DROP_CONTENDED,
	SERIN_DROP_NEW_FLOW_LIMIT,
};

static const struct {
	const char *label, *text;
} reasons[] = {
#define REASON(upper, label, text) { #label, text },
	SERIN_DROP_REASONS(REASON)
#undef REASON
};

uint64_t exhaustion_due(struct exhaustion *exhaustion, enum serin_drop reason, uint64_t dropped, int64_t now_ms)
{
	uint64_t more = dropped - exhaustion->said[reason];
	unsigned int kept_back;

	if (!more || !log_allowed(&exhaustion->limit[reason], now_ms, EXHAUSTION_EVERY_MS, &kept_back))
		return 0;
	exhaustion->said[reason] = dropped;
	return more;
}

int exhaustion_fullest(const struct counters *counters, const struct image *image, uint32_t ports, uint64_t *ret_flows)
{
	uint64_t flows[SERIN_MAX_BACKENDS] = { 0 }; /* by endpoint */
	int found = -ENOENT;
	double most = 0, use;

	for (unsigned int i = 0; i < SERIN_MAX_BACKENDS; i++) {
		if (image->backends[i].snat_count)
			flows[image->backends[i].endpoint % SERIN_MAX_BACKENDS] +=
				counters_active(&counters->backends[i]);
	}
	for (unsigned int i = 0; i < SERIN_MAX_BACKENDS; i++) {
		const struct serin_backend *backend = &image->backends[i];

		if (!backend->snat_count)
			continue;
		use = (double)flows[backend->endpoint % SERIN_MAX_BACKENDS] / ((double)backend->snat_count * ports);
		if (use <= most)
			continue;
		most = use;
		found = (int)i;
		*ret_flows = flows[backend->endpoint % SERIN_MAX_BACKENDS];
	}
	return found;
}

static void say(enum serin_drop reason, uint64_t count)
{
	char text[EVENT_TEXT_LEN];

	snprintf(text, sizeof(text), "%llu packets dropped: %s", (unsigned long long)count, reasons[reason].text);
	decision_make(LOG_LEVEL_WARN, EVENT_EXHAUSTED, "packets dropped", text,
		      log_text("reason", reasons[reason].label), log_number("count", (int64_t)count),
		      log_text("because", reasons[reason].text));
}

/* Connections that have ended hold their port for a while, too: there may be fewer than ports. */
static void say_where(uint64_t count, const struct counters *counters, const struct image *image, uint32_t ports)
{
	char address[ADDRESS_TEXT_LEN], text[EVENT_TEXT_LEN];
	uint64_t flows = 0;
	int id = exhaustion_fullest(counters, image, ports, &flows);
	const struct serin_backend *backend;

	if (id < 0) {
		say(SERIN_DROP_SNAT_EXHAUSTED, count);
		return;
	}
	backend = &image->backends[id];
	backend_format(&backend->addr, backend->port, address);
	snprintf(text, sizeof(text), "%llu packets dropped: %s (fullest: %s, %llu connections on %llu ports)",
		 (unsigned long long)count, reasons[SERIN_DROP_SNAT_EXHAUSTED].text, address, (unsigned long long)flows,
		 (unsigned long long)backend->snat_count * ports);
	decision_make(LOG_LEVEL_WARN, EVENT_EXHAUSTED, "packets dropped", text,
		      log_text("reason", reasons[SERIN_DROP_SNAT_EXHAUSTED].label), log_number("count", (int64_t)count),
		      log_text("because", reasons[SERIN_DROP_SNAT_EXHAUSTED].text), log_text("fullest", address),
		      log_number("connections", (int64_t)flows),
		      log_number("ports", (int64_t)backend->snat_count * ports));
}

void exhaustion_look(struct exhaustion *exhaustion, const struct counters *counters, const struct image *image,
		     uint32_t ports, int64_t now_ms)
{
	const uint64_t *drops = counters->drops;
	uint64_t due;

	if (!exhaustion->has_looked) {
		memcpy(exhaustion->said, drops, sizeof(exhaustion->said));
		exhaustion->has_looked = true;
		return;
	}
	for (size_t i = 0; i < sizeof(watched) / sizeof(watched[0]); i++) {
		due = exhaustion_due(exhaustion, watched[i], drops[watched[i]], now_ms);
		if (due && watched[i] == SERIN_DROP_SNAT_EXHAUSTED)
			say_where(due, counters, image, ports);
		else if (due)
			say(watched[i], due);
	}
}
