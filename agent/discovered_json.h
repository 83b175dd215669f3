/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a version's backends come from, as JSON. Pure. */
#ifndef SERIN_DISCOVERED_JSON_H
#define SERIN_DISCOVERED_JSON_H

#include <jansson.h>

#include "discovered.h"

/* {"kind": "dns" or "file", "name": ..., "addresses": 3, "age_seconds": 2.0, "ok": true, "text": what discovered_describe
 * says}: how many the last good list has and how old it is (null: there has been none), and whether the latest answer was
 * good. NULL (not discovered) is null. */
json_t *discovered_to_json(const struct discovered *discovered, size_t running, int64_t now_ms);

#endif
