/* SPDX-License-Identifier: BSD-2-Clause */
/* From the kernel's cumulative counts to what a tick brought. Pure. Kept together with the judge, it lets a new agent
 * tell the judge what the kernel has counted while there was none. */
#ifndef SERIN_JUDGE_METER_H
#define SERIN_JUDGE_METER_H

#include <jansson.h>

#include "judge.h"

/* Cumulative, of one version on trial and its baseline; all zero is where fresh maps begin. */
struct judge_meter {
	struct evidence_counts counts[JUDGE_STREAMS][JUDGE_PROCESSES];
	uint64_t clients[JUDGE_CHECKS];
};

/* What has come between *meter and `now`, which *meter then is. A count that is smaller than it was began again from
 * nothing; but not that of clients, which would be met a second time: it has to come up to where it was. */
struct judge_sample judge_meter_read(struct judge_meter *meter, const struct judge_meter *now, double share);

/* To be kept; NULL: out of memory. */
json_t *judge_meter_encode(const struct judge_meter *meter);

/* 0; -EBADMSG with a complaint, and *ret is untouched. */
int judge_meter_decode(json_t *value, struct judge_meter *ret, struct complaint *complaint);

#endif
