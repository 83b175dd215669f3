/* SPDX-License-Identifier: BSD-2-Clause */
/* `serin try`: what is to be split, and the figures of what became of it. Pure. */
#ifndef SERIN_TRY_H
#define SERIN_TRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>
#include <serin/abi.h>
#include "complaint.h"

#define TRY_BASELINE "stable" /* the version of this name is the baseline; without one, the first version */

struct try_version {
	char name[SERIN_VERSION_NAME_LEN];
	uint16_t port;
	uint16_t weight; /* basis points; all of a split add up to SERIN_SLOTS */
};

struct try_split {
	uint16_t port;
	uint8_t protocol; /* IPPROTO_TCP or IPPROTO_UDP */
	struct try_version versions[SERIN_MAX_VERSIONS];
	size_t count, baseline;
};

/* "8080", "stable=3001", "canary=3002@10%". 0, or -EINVAL and what is wrong and what was expected, *ret untouched. */
int try_parse(char *const *arguments, int count, uint8_t protocol, struct try_split *ret, struct complaint *complaint);

/* The split as the text of a configuration file that listens on 127.0.0.1 alone. To be freed; NULL: out of memory. */
char *try_config_text(const struct try_split *split, uint32_t max_flows);

/* What has been counted since the start. */
struct try_figures {
	int64_t ms;                                      /* that it runs */
	struct serin_stats versions[SERIN_MAX_VERSIONS]; /* in the order of the split */
	double per_second[SERIN_MAX_VERSIONS];           /* connections, since the figures before */
	uint64_t dropped;                                /* packets, for whatever reason */
};

/* Connections that are open and go by a port that is not their own: those that an end cuts off. */
uint64_t try_translated(const struct try_split *split, const struct try_figures *figures);

/* try_view.c: a table of at most `columns` columns (from 80 on for certain), titles between `before` and `after`. 0, or
 * -ENOMEM with nothing printed. */
int try_print_table(FILE *out, const struct try_split *split, const struct try_figures *figures, unsigned int columns,
		    const char *before, const char *after);
/* A line per version, for whoever is no terminal. */
void try_print_lines(FILE *out, const struct try_split *split, const struct try_figures *figures);
/* A new reference, or NULL. `ended_by`: a signal's name, or NULL while it goes on. */
json_t *try_to_json(const struct try_split *split, const struct try_figures *figures, const char *ended_by);

/* What an end leaves, for a person: some lines. */
void try_print_end(FILE *out, const struct try_split *split, const struct try_figures *figures);

#endif
