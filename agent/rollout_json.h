/* SPDX-License-Identifier: BSD-2-Clause */
/* A rollout as JSON, for the state's file, and back. Pure. */
#ifndef SERIN_ROLLOUT_JSON_H
#define SERIN_ROLLOUT_JSON_H

#include <jansson.h>

#include "rollout.h"

/* NULL: out of memory. */
json_t *rollout_encode(const struct rollout *rollout);

/* All of it, exactly: what is read goes on as if it had never been written. 0; or -EBADMSG and a complaint, *ret
 * untouched, for anything that rollout_encode would not have written of a rollout that rollout_apply has made. */
int rollout_decode(const json_t *json, struct rollout *ret, struct complaint *complaint);

#endif
