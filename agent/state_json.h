/* SPDX-License-Identifier: BSD-2-Clause */
/* The state as JSON text and back. Pure. Used by state.c. */
#ifndef SERIN_STATE_JSON_H
#define SERIN_STATE_JSON_H

#include <stddef.h>

#include "state.h"

#define STATE_FORMAT 1 /* moves when an older serin could not read the file */

/* The text, with a final newline, to be freed; NULL: out of memory. */
char *state_encode(const struct state *state);

/* -EBADMSG: not a state, or one that contradicts itself. -EPROTO: of a newer format. *ret untouched on errors. */
int state_decode(const char *text, size_t length, struct state *ret, struct complaint *complaint);

#endif
