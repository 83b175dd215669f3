/* SPDX-License-Identifier: BSD-2-Clause */
/* The arithmetic behind a verdict, for people. Pure. */
#ifndef SERIN_WHY_TEXT_H
#define SERIN_WHY_TEXT_H

#include <stdio.h>

#include <jansson.h>
#include "complaint.h"

/* What GET /v1/services/NAME/why answered. 0; -EBADMSG and a complaint when it is no such thing, -ENOMEM: then the text
 * is incomplete, so print into memory first. */
int why_print(FILE *out, const json_t *why, const char *service, struct complaint *complaint);

#endif
