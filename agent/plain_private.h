/* SPDX-License-Identifier: BSD-2-Clause */
/* What the plain checks' files share. */
#ifndef SERIN_PLAIN_PRIVATE_H
#define SERIN_PLAIN_PRIVATE_H

#include "plain_check.h"

/* The verdict is that there is none, and why. */
void plain_no_data(struct plain_check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Both values are known, as far as they are needed: hold them against the bounds. */
void plain_judge(struct plain_check *check);

#endif
