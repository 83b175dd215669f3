/* SPDX-License-Identifier: BSD-2-Clause */
/* The bearer token that allows changes over TCP (RFC 6750, section 2.1). */
#ifndef SERIN_TOKEN_H
#define SERIN_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "complaint.h"

#define TOKEN_MIN 16
#define TOKEN_MAX 256

struct token {
	char text[TOKEN_MAX + 1];
	size_t length; /* 0: there is none, nothing matches */
};

/* The file's content without its final newline: printable ASCII without spaces. 0, or a complaint. */
int token_load(const char *path, struct token *ret, struct complaint *complaint);

/* Whether an Authorization header carries it. Takes as long for a wrong token as for the right one; its length is no
 * secret. NULL (no such header) never matches. */
bool token_matches(const struct token *token, const char *authorization);

#endif
