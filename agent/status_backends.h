/* SPDX-License-Identifier: BSD-2-Clause */
/* Which backends get no clients and why, and where a version's backends come from, out of the agent's answer. Pure. */
#ifndef SERIN_STATUS_BACKENDS_H
#define SERIN_STATUS_BACKENDS_H

#include <stdio.h>

#include <jansson.h>

#define STATUS_PLACE_LEN 48

/* "leaving", "drained", "out: refused", "out"; NULL for a backend that gets clients. Writes STATUS_PLACE_LEN bytes at most. */
const char *status_backend_out(const json_t *backend, char *buffer);

/* Per version who is out, a line each: "canary  10.0.0.21:3000  out: refused"; where the answer does not list backends, "shop
 * canary  1 of 2 backends gets no clients", without the service's name when that is NULL. Nothing when all get clients. */
void status_print_out(FILE *out, const char *service, const json_t *versions);

/* "canary from canary.shop.internal: 2 addresses, asked 2 s ago": a line per version whose backends are found elsewhere than in
 * the configuration, `before` before the first of them. */
void status_print_sources(FILE *out, const char *before, const json_t *versions);

#endif
