/* SPDX-License-Identifier: BSD-2-Clause */
/* The judge as JSON: kept in the state file so that a killed agent goes on where it was, and explained to people.
 * Pure. */
#ifndef SERIN_JUDGE_JSON_H
#define SERIN_JUDGE_JSON_H

#include <jansson.h>

#include "complaint.h"
#include "judge.h"

/* To be kept: what judge_decode() makes the very same judge of, once it has been written with 17 significant digits
 * (the default of json_dumps) and read again. NULL: out of memory, or a judge of which something is no finite number.
 * */
json_t *judge_encode(const struct judge *judge);

/* 0; -EBADMSG with a complaint: not that, or it contradicts itself, and *ret is untouched. */
int judge_decode(json_t *value, struct judge *ret, struct complaint *complaint);

/* The arithmetic of the present verdict: every process with its counts, its alternatives, what it proves and what
 * would be enough; and what is missing. NULL: out of memory. */
json_t *judge_explain(const struct judge *judge);

#endif
