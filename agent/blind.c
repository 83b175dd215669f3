/* SPDX-License-Identifier: BSD-2-Clause */
/* What cannot be seen of a service's answers, in words. */
#include "blind.h"

#include <stddef.h>
#include <string.h>

const char *blind_to(const char *protocol, const char *forward)
{
	if (!strcmp(forward, "ipip") || !strcmp(forward, "gue") || !strcmp(forward, "l2"))
		return "answers do not pass here: only what clients send shows how a version does";
	if (!strcmp(protocol, "tcp"))
		return "protocol tcp: the status of answers is not seen (TLS), only how turns fail";
	return NULL;
}
