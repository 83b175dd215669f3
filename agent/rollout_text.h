/* SPDX-License-Identifier: BSD-2-Clause */
/* A rollout in words, out of what the API says of it. What is missing or of another type is left out. Pure. */
#ifndef SERIN_ROLLOUT_TEXT_H
#define SERIN_ROLLOUT_TEXT_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#define ROLLOUT_TIME_LEN 32

/* "canary (v2) progressing, step 2 of 4 at 25%, 8m20s left", without an end of line. False, and nothing printed, where
 * there has been no rollout. */
bool rollout_print_line(FILE *out, const json_t *rollout);

/* Lines of a service (as the API has it) about its rollout: where it stands, how sure the judge is, guard and lease, plain
 * checks that do not pass; and a warning about a share that is too small for the clients there are. */
void rollout_print_block(FILE *out, const json_t *service, bool colours);

/* "armed, ...": whether the kernel lets new connections through to the version, and what would stop it. */
void rollout_print_guard(FILE *out, const json_t *guard, const char *version);

/* "45s", "8m20s", "1h12m", "2d3h", into ROLLOUT_TIME_LEN bytes. */
const char *rollout_time(double seconds, char *buffer);

#endif
