/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of metrics in both formats: heads, labels, values. */
#ifndef SERIN_METRICS_TEXT_H
#define SERIN_METRICS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "metrics.h"

/* `service="...",version="...",...`, escaped. */
#define METRICS_LABELS_LEN 384

/* The text as far as it has come. Without memory for more, `failed` is set and the rest is left out. */
struct metrics_out {
	char *text;
	size_t used, room;
	enum metrics_format format;
	bool failed;
};

void metrics_put(struct metrics_out *out, const char *text);

/* A label more, as long as there is room for the whole of it. */
void metrics_add_label(char labels[METRICS_LABELS_LEN], const char *name, const char *value);

/* `type`: "counter", "gauge", "histogram" or "info". `name` as samples have it: with _total, with _info. */
void metrics_head(struct metrics_out *out, const char *name, const char *type, const char *help);

/* `labels` and `label` may be NULL. The label's value needs no escapes. */
void metrics_count(struct metrics_out *out, const char *name, const char *labels, const char *label, const char *value,
		   uint64_t count);
void metrics_real(struct metrics_out *out, const char *name, const char *labels, double real);

/* metrics_backend.c */
void metrics_print_backends(struct metrics_out *out, const struct metrics *metrics, char (*labels)[METRICS_LABELS_LEN]);

/* metrics_version.c: what versions have, and backends have not. */
void metrics_print_versions(struct metrics_out *out, const struct metrics *metrics, char (*labels)[METRICS_LABELS_LEN]);

/* metrics_rollout.c */
void metrics_print_rollouts(struct metrics_out *out, const struct metrics *metrics,
			    char (*versions)[METRICS_LABELS_LEN]);

#endif
