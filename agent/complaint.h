/* SPDX-License-Identifier: BSD-2-Clause */
/* The one sentence that a failing function leaves for whoever can show it to a person. */
#ifndef SERIN_COMPLAINT_H
#define SERIN_COMPLAINT_H

struct complaint {
	char text[512];
};

/* Write the sentence (what is wrong, what was expected; no final stop, no newline) and return `error`, a negative
 * errno, so that `return complain(...)` ends a function. `to` may be NULL. */
int complain(struct complaint *to, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
