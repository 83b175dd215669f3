/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of `serin why` share. */
#ifndef SERIN_WHY_PRIVATE_H
#define SERIN_WHY_PRIVATE_H

#include <stdio.h>

#include <jansson.h>

#define WHY_CELL_LEN 32

/* NAN where there is none. */
double why_number(const json_t *object, const char *key);

/* E out of ln E, three digits that count: "1.78", "400", "1.2e+09"; "-" for NAN. */
const char *why_evidence(double ln, char *buffer);

/* Counts, ratios and evidence of every process, a line each. 0 or -ENOMEM. */
int why_print_table(FILE *out, const json_t *arithmetic);

#endif
