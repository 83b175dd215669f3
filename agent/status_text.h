/* SPDX-License-Identifier: BSD-2-Clause */
/* What `serin status` prints, out of what the agent answered. Pure. */
#ifndef SERIN_STATUS_TEXT_H
#define SERIN_STATUS_TEXT_H

#include <stdbool.h>
#include <stdio.h>
#include <jansson.h>
#include "complaint.h"

#define STATUS_COUNT_LEN 48

/* Print {"services": [...]} or one service. 0; -EBADMSG and a complaint when it is neither, -ENOMEM: then the text is
 * incomplete, so print into memory first. */
int status_print(FILE *out, const json_t *answer, bool colours, struct complaint *complaint);

/* "the configuration file" for "file": who it was that did something, for a sentence. */
const char *status_who(const char *by);

/* A count in five characters or fewer up to 999 billion: "99999", "123k", "1.23M". Cut off, not rounded: never more
 * than there are. Writes at most STATUS_COUNT_LEN bytes, returns `buffer`. */
const char *status_count(unsigned long long count, char *buffer);

#endif
