/* SPDX-License-Identifier: BSD-2-Clause */
/* A flow as JSON. Pure. Used by api_flows.c. */
#ifndef SERIN_FLOWS_JSON_H
#define SERIN_FLOWS_JSON_H

#include <jansson.h>

#include "flows.h"
#include "image.h"

/* {"client": "198.51.100.7:40000", "protocol": "tcp", "listen": "203.0.113.10:80", "version": "canary",
 *  "backend": "10.0.0.21:3000", "state": "established", "one_way": false, "placed": false, "age": 12.3, "idle": 0.5 (seconds),
 *  "bytes": {"to_backend": 123, "to_client": 456 | null (one way)}}; NULL: out of memory. `now`: a stamp. */
json_t *flow_to_json(const struct flow *flow, const struct image *image, uint32_t now);

#endif
