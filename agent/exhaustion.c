/* SPDX-License-Identifier: BSD-2-Clause */
/* Drops that somebody has to do something about. */
#include "exhaustion.h"

#include <stddef.h>

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

void exhaustion_look(struct exhaustion *exhaustion, const uint64_t drops[SERIN_DROPS], int64_t now_ms)
{
	uint64_t due;

	if (!exhaustion->has_looked) {
		for (size_t i = 0; i < SERIN_DROPS; i++)
			exhaustion->said[i] = drops[i];
		exhaustion->has_looked = true;
		return;
	}
	for (size_t i = 0; i < sizeof(watched) / sizeof(watched[0]); i++) {
		due = exhaustion_due(exhaustion, watched[i], drops[watched[i]], now_ms);
		if (due)
			log_warn("packets dropped", log_text("reason", reasons[watched[i]].label),
				 log_number("count", (int64_t)due), log_text("because", reasons[watched[i]].text));
	}
}
