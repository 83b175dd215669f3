/* SPDX-License-Identifier: BSD-2-Clause */
/* A rollout's part of the snapshot behind /metrics. */
#ifndef SERIN_API_METRICS_ROLLOUT_H
#define SERIN_API_METRICS_ROLLOUT_H

#include <jansson.h>

#include "metrics.h"

/* Out of what controller_rollout_to_json says. Strings that are needed are constants, but for the version: it belongs to
 * the JSON. `service` is left as it is. Pure. */
void api_rollout_metrics(const json_t *rollout, struct metrics_rollout *ret);

#endif
