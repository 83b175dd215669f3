/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of metrics in both formats: heads, labels, values. */
#ifndef SERIN_METRICS_TEXT_H
#define SERIN_METRICS_TEXT_H

#include <stdint.h>
#include <stdio.h>

#include "metrics.h"

/* `service="...",version="...",...`, escaped. */
#define METRICS_LABELS_LEN 384

struct metrics_out {
	FILE *file;
	enum metrics_format format;
};

/* A label more, as long as there is room for the whole of it. */
void metrics_add_label(char labels[METRICS_LABELS_LEN], const char *name, const char *value);

/* `type`: "counter", "gauge", "histogram" or "info". `name` as samples have it: with _total, with _info. */
void metrics_head(const struct metrics_out *out, const char *name, const char *type, const char *help);

/* `labels` and `label` may be NULL. The label's value needs no escapes. */
void metrics_count(const struct metrics_out *out, const char *name, const char *labels, const char *label,
		   const char *value, uint64_t count);
void metrics_real(const struct metrics_out *out, const char *name, const char *labels, double real);

/* metrics_backend.c */
void metrics_print_backends(const struct metrics_out *out, const struct metrics *metrics,
			    char (*labels)[METRICS_LABELS_LEN]);

/* metrics_version.c: what versions have, and backends have not. */
void metrics_print_versions(const struct metrics_out *out, const struct metrics *metrics,
			    char (*labels)[METRICS_LABELS_LEN]);

#endif
