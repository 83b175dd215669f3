/* SPDX-License-Identifier: BSD-2-Clause */
/* A service's trial as JSON, part of the state's file: its rollout, its judge, and what that one has been told. Pure. */
#ifndef SERIN_TRIAL_JSON_H
#define SERIN_TRIAL_JSON_H

#include <jansson.h>

#include "complaint.h"
#include "state.h"

/* NULL: out of memory. */
json_t *trial_encode(const struct state_trial *trial);

/* Exactly what was written. 0; or -EBADMSG and a complaint, *ret untouched. */
int trial_decode(json_t *value, struct state_trial *ret, struct complaint *complaint);

#endif
