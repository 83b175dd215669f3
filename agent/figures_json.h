/* SPDX-License-Identifier: BSD-2-Clause */
/* Counters and figures as JSON. Pure. */
#ifndef SERIN_FIGURES_JSON_H
#define SERIN_FIGURES_JSON_H

#include <jansson.h>

#include "figures.h"

/* Failures by reason, retransmits, requests, answered: cumulative, into `to`. */
void figures_add_failures(json_t *to, const struct serin_stats *stats);

/* What HTTP/1.x gave: answers by class, 5xx and methods as far as there were any. */
json_t *figures_http_json(const struct serin_observed *observed);

/* {"seconds": ..., "requests_per_second": ..., ..., "response": {"p50": ...} or null, "handshake": the same}: of a window. */
json_t *figures_to_json(const struct figures *figures);

/* "other" or "GET", by enum serin_http_method; "unread" or "5xx", by digit; "other" or "503", by place. */
const char *figures_method_name(unsigned int method);
const char *figures_class_name(unsigned int class);
const char *figures_server_error_name(unsigned int place, char buffer[8]);

/* By enum serin_failure: "refused". */
const char *figures_failure_name(unsigned int failure);

#endif
