/* SPDX-License-Identifier: BSD-2-Clause */
/* What `serin check` warns about: a valid configuration may still not fit this host, or not yet. */
#ifndef SERIN_CHECK_HOST_H
#define SERIN_CHECK_HOST_H

#include <jansson.h>
#include "config.h"

/* Append one sentence per warning to the array `warnings`: "FILE:LINE:COLUMN: ..." where the file has a place for it.
 * Looks at this host, changes nothing; what cannot be looked at is a warning as well. */
void check_host(const struct config *config, json_t *warnings);

#endif
